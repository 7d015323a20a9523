//! Descriptors.

use wali_arch::flags::{errno, fanotify_init_flags as fanotify, fcntl_command, open_flags};
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

    fn fanotify_init(&mut self, flags: u32, event_f_flags: i32) -> Result<i64, Unwind> {
        result(fanotify_init(flags, event_f_flags))
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

/// fanotify_init(2), as without privileges: only with events that have handles of files. Those
/// with descriptors open whatever was opened, the memory of processes, too.
///
/// # Errors
/// As Linux's.
fn fanotify_init(flags: u32, event_flags: i32) -> Result<i64, Errno> {
    let handles = fanotify::FAN_REPORT_FID
        | fanotify::FAN_REPORT_DIR_FID
        | fanotify::FAN_REPORT_NAME
        | fanotify::FAN_REPORT_TARGET_FID;
    let decisions = fanotify::FAN_CLASS_CONTENT | fanotify::FAN_CLASS_PRE_CONTENT;
    if flags & handles as u32 == 0 || flags & decisions as u32 != 0 {
        return Err(Errno(errno::EPERM));
    }
    let event_flags = open_flags::to_host(event_flags as u32 as u64) as usize;
    let number = everywhere(number::fanotify_init)?;
    // SAFETY: the arguments are numbers.
    outcome(unsafe { syscall::syscall2(number, flags as usize, event_flags) })
}
