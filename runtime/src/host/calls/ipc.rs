//! Shared memory segments, carried out by `mappings`, and notifications of message queues.

use wali_arch::flags::{mq_notify_cookie, sigev_notify};
use wali_arch::layout::{Convert, guest};
use wali_arch::syscall;

use super::{address_of, done, outcome, result};
use crate::host::abi::{Errno, Guest, GuestMemory, Unwind};
use crate::host::bindings::IpcCalls;
use crate::host::mappings;
use crate::host::process::Thread;

impl IpcCalls for Thread {
    fn shmat(&mut self, shmid: i32, shmaddr: u32, shmflg: i32) -> Result<i64, Unwind> {
        result(mappings::shmat(&self.memory, shmid, shmaddr, shmflg))
    }

    fn shmdt(&mut self, shmaddr: u32) -> Result<i64, Unwind> {
        done(mappings::shmdt(&self.memory, shmaddr))
    }

    fn mq_notify(&mut self, mqdes: i32, sevp: u32) -> Result<i64, Unwind> {
        result(mq_notify(Guest::memory(self), mqdes, sevp))
    }
}

/// mq_notify(2). Under `SIGEV_THREAD` the value is the address of a cookie, which the kernel
/// copies to send it through a socket.
///
/// # Errors
/// As Linux's.
fn mq_notify(memory: GuestMemory, mqdes: i32, at: u32) -> Result<i64, Errno> {
    let number = everywhere!(mq_notify);
    if at == 0 {
        // SAFETY: the arguments are numbers.
        return outcome(unsafe { syscall::syscall2(number, mqdes as usize, 0) });
    }
    let event = memory.read_plain::<guest::sigevent>(at)?;
    let mut host = event.to_host::<Errno>(&mut |at, len| Ok(memory.address(at, len)))?;
    if host.sigev_notify == sigev_notify::SIGEV_THREAD {
        let cookie = mq_notify_cookie::NOTIFY_COOKIE_LEN as u64;
        host.sigev_value = memory.address(event.sigev_value, cookie) as u64;
    }
    // SAFETY: the struct is a live local, and the cookie's address in it the guest's.
    outcome(unsafe { syscall::syscall2(number, mqdes as usize, address_of(&host)) })
}
