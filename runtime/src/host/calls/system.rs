//! The machine as a whole, and what a process may do.

use wali_arch::flags::{errno, personality_flags as flags};
use wali_arch::syscall;
use wali_arch::tables::Sysno;

use super::{outcome, result};
use crate::host::abi::{Errno, Guest, GuestMemory, Unwind};
use crate::host::bindings::SystemCalls;
use crate::host::process::Thread;

impl SystemCalls for Thread {
    fn personality(&mut self, persona: u32) -> Result<i64, Unwind> {
        result(personality(persona))
    }

    fn sysfs(&mut self, option: i32, arg1: u64, arg2: u64) -> Result<i64, Unwind> {
        result(sysfs(Guest::memory(self), option, arg1, arg2))
    }

    fn ustat(&mut self, dev: u32, ubuf: u32) -> Result<i64, Unwind> {
        result(ustat(Guest::memory(self), dev, ubuf))
    }
}

/// Asks what the personality is without changing it.
const ASK: u32 = u32::MAX;

/// personality(2), of the host thread that carries the guest's.
///
/// # Errors
/// `EINVAL`, as where the kernel cannot, for what would change the runtime's own mappings.
fn personality(persona: u32) -> Result<i64, Errno> {
    let of_memory = flags::READ_IMPLIES_EXEC
        | flags::MMAP_PAGE_ZERO
        | flags::ADDR_COMPAT_LAYOUT
        | flags::ADDR_LIMIT_32BIT
        | flags::ADDR_LIMIT_3GB;
    if persona != ASK && persona & of_memory as u32 != 0 {
        return Err(Errno(errno::EINVAL));
    }
    // SAFETY: the argument is a number.
    outcome(unsafe { syscall::syscall1(everywhere!(personality), persona as usize) })
}

/// The number of a call that nothing stands in for, also in builds that try what stands in for
/// others.
fn alone(name: &str) -> Result<usize, Errno> {
    let call = Sysno::ALL.iter().find(|call| call.name() == name);
    call.map(|call| *call as usize).ok_or(Errno(errno::ENOSYS))
}

/// sysfs(2): the index of a kind of file system by name, its name by index, their number.
///
/// # Errors
/// As Linux's; `ENOSYS` where it has no such call.
fn sysfs(memory: GuestMemory, option: i32, arg1: u64, arg2: u64) -> Result<i64, Errno> {
    let number = alone("sysfs")?;
    let (arg1, arg2) = match option {
        1 => (memory.address(arg1 as u32, 0), 0),
        2 => (arg1 as usize, memory.address(arg2 as u32, 0)),
        _ => (0, 0),
    };
    // SAFETY: the addresses are the guest's; a name is shorter than what surrounds its memory.
    outcome(unsafe { syscall::syscall3(number, option as usize, arg1, arg2) })
}

/// ustat(2).
///
/// # Errors
/// As Linux's; `ENOSYS` where it has no such call.
fn ustat(memory: GuestMemory, dev: u32, at: u32) -> Result<i64, Errno> {
    let at = memory.address(at, 0);
    // SAFETY: the address is the guest's; the struct is shorter than what surrounds its memory.
    outcome(unsafe { syscall::syscall2(alone("ustat")?, dev as usize, at) })
}
