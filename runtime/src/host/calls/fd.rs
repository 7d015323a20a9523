//! Descriptors.

use wali_arch::flags::{errno, fanotify_init_flags as fanotify, fcntl_command, open_flags};
use wali_arch::syscall;
use wali_arch::tables::number;

use super::{done, outcome, result};
use crate::host::abi::{Errno, Unwind, descriptor};
use crate::host::bindings::FdCalls;
use crate::host::process::Thread;
use crate::host::reserved::{self, Change};

const EBADF: Errno = Errno(errno::EBADF);

impl FdCalls for Thread {
    #[inline]
    fn close(&mut self, fd: i32) -> Result<i64, Unwind> {
        let _change = change(self);
        if reserved::holds(fd) {
            return result(Err::<i64, _>(EBADF));
        }
        // SAFETY: the argument is a number.
        result(outcome(unsafe {
            syscall::syscall1(everywhere!(close), fd as usize)
        }))
    }

    fn close_range(&mut self, first: u32, last: u32, flags: u32) -> Result<i64, Unwind> {
        let _change = change(self);
        done(close_range(first, last, flags))
    }

    fn dup2(&mut self, oldfd: i32, newfd: i32) -> Result<i64, Unwind> {
        let _change = change(self);
        result(dup2(oldfd, newfd))
    }

    fn dup3(&mut self, oldfd: i32, newfd: i32, flags: i32) -> Result<i64, Unwind> {
        let _change = change(self);
        result(dup3(oldfd, newfd, flags))
    }

    fn fanotify_init(&mut self, flags: u32, event_f_flags: i32) -> Result<i64, Unwind> {
        result(fanotify_init(flags, event_f_flags))
    }
}

/// Held while a thread closes or replaces descriptors, if there are others.
#[inline]
fn change(thread: &Thread) -> Option<Change> {
    thread.process.has_threads().then(Change::begin)
}

/// dup2(2): equal descriptors are no error if they are open, unlike in dup3.
///
/// # Errors
/// As Linux's.
fn dup2(old: i32, new: i32) -> Result<i64, Errno> {
    if reserved::holds(new) {
        return Err(EBADF);
    }
    if let Some(number) = number::dup2 {
        // SAFETY: the arguments are numbers.
        return outcome(unsafe { syscall::syscall2(number, descriptor(old), new as usize) });
    }
    if old == new {
        let command = fcntl_command::F_GETFD as usize;
        let fcntl = everywhere!(fcntl);
        // SAFETY: the arguments are numbers.
        outcome(unsafe { syscall::syscall2(fcntl, descriptor(old), command) })?;
        return Ok(i64::from(new));
    }
    dup3(old, new, 0)
}

/// dup3(2). Descriptors of the runtime's lie beyond the guest's limit, if that is possible at
/// all: as there, `EBADF`.
///
/// # Errors
/// As Linux's.
fn dup3(old: i32, new: i32, flags: i32) -> Result<i64, Errno> {
    // What is wrong with the flags counts first; the largest number is always over the limit.
    let new = if reserved::holds(new) { i32::MAX } else { new };
    let flags = open_flags::to_host(flags as u32 as u64) as i32;
    let number = everywhere!(dup3);
    // SAFETY: the arguments are numbers.
    outcome(unsafe { syscall::syscall3(number, descriptor(old), new as usize, flags as usize) })
}

/// close_range(2), around the runtime's descriptors.
///
/// # Errors
/// As Linux's.
fn close_range(first: u32, last: u32, flags: u32) -> Result<(), Errno> {
    let mut last = last;
    let number = everywhere!(close_range);
    let close = |first: u32, last: u32| {
        // SAFETY: the arguments are numbers.
        outcome(unsafe { syscall::syscall3(number, first as usize, last as usize, flags as usize) })
    };
    let mut next = first;
    for held in reserved::within(first, last) {
        if held == u32::MAX {
            break;
        }
        if next < held {
            close(next, held - 1)?;
        }
        next = held + 1;
    }
    // With nothing left, a range in which nothing can be open: what is wrong with the flags is
    // the kernel's to say.
    if next > last && next > first {
        (next, last) = (u32::MAX, u32::MAX);
    }
    close(next, last).map(|_| ())
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
    let number = everywhere!(fanotify_init);
    // SAFETY: the arguments are numbers.
    outcome(unsafe { syscall::syscall2(number, flags as usize, event_flags) })
}
