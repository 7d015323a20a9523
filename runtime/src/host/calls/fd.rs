//! Descriptors.

use wali_arch::flags::fcntl_command;
use wali_arch::syscall;
use wali_arch::tables::number;

use super::{everywhere, outcome, result};
use crate::host::abi::{Errno, Unwind};
use crate::host::bindings::FdCalls;
use crate::host::process::Thread;

impl FdCalls for Thread {
    fn dup2(&mut self, oldfd: i32, newfd: i32) -> Result<i64, Unwind> {
        result(dup2(oldfd, newfd))
    }
}

/// dup2(2): equal descriptors are no error if they are open, unlike in dup3.
///
/// # Errors
/// As Linux's.
fn dup2(old: i32, new: i32) -> Result<i64, Errno> {
    if let Some(number) = number::dup2 {
        // SAFETY: the arguments are numbers.
        return outcome(unsafe { syscall::syscall2(number, old as usize, new as usize) });
    }
    if old == new {
        let command = fcntl_command::F_GETFD as usize;
        let fcntl = everywhere(number::fcntl)?;
        // SAFETY: the arguments are numbers.
        outcome(unsafe { syscall::syscall2(fcntl, old as usize, command) })?;
        return Ok(i64::from(new));
    }
    // SAFETY: the arguments are numbers.
    outcome(unsafe { syscall::syscall3(everywhere(number::dup3)?, old as usize, new as usize, 0) })
}
