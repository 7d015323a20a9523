//! The end of processes and threads, and who they are.

use wali_arch::syscall;
use wali_arch::tables::number;

use super::{done, everywhere, outcome};
use crate::host::abi::{Errno, Guest, GuestMemory, Unwind};
use crate::host::bindings::ProcessCalls;
use crate::host::process::Thread;

impl ProcessCalls for Thread {
    fn exit(&mut self, status: i32) -> Result<i64, Unwind> {
        // As long as there is one thread, it is the last one.
        Err(Unwind::Exit(status))
    }

    fn exit_group(&mut self, status: i32) -> Result<i64, Unwind> {
        Err(Unwind::Exit(status))
    }

    fn set_tid_address(&mut self, tidptr: u32) -> Result<i64, Unwind> {
        self.clear_tid = tidptr;
        // SAFETY: the call has no arguments and cannot fail.
        Ok(i64::from(unsafe { libc::gettid() }))
    }

    fn getcpu(&mut self, cpu: u32, node: u32, _: u32) -> Result<i64, Unwind> {
        done(getcpu(Guest::memory(self), cpu, node))
    }
}

/// getcpu(2) without its third argument, which kernels have ignored since 2.6.24.
///
/// # Errors
/// As Linux's.
fn getcpu(memory: GuestMemory, cpu: u32, node: u32) -> Result<(), Errno> {
    let cpu = memory.address(cpu, size_of::<u32>() as u64);
    let node = memory.address(node, size_of::<u32>() as u64);
    // SAFETY: both addresses are inside the reservation or null.
    outcome(unsafe { syscall::syscall3(everywhere(number::getcpu)?, cpu, node, 0) }).map(|_| ())
}
