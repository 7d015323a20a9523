//! What the runtime carries out itself: for each family of the specification the methods that
//! it asks for.

/// The number of a call that every ISA has; an error of the compiler's where one lacks it.
macro_rules! everywhere {
    ($call:ident) => {
        const {
            match wali_arch::tables::number::$call {
                Some(number) => number,
                None => panic!("this ISA lacks the call"),
            }
        }
    };
}

mod auxiliary;
mod dir;
mod exec;
mod fd;
mod file;
mod fork;
mod futex;
mod ipc;
mod limits;
mod memory;
mod mount;
mod net;
mod numa;
mod poll;
mod prctl;
mod process;
mod signal;
mod sockopt;
mod system;
mod time;

use wali_arch::flags::errno;
use wali_arch::syscall;

use super::abi::{Errno, Unwind, finish};
use super::signals::Signals;

/// A call's outcome as the guest sees it.
fn result<T: Into<i64>>(outcome: Result<T, Errno>) -> Result<i64, Unwind> {
    finish(outcome.map(Into::into)).map(|word| word as i64)
}

/// As [`result`], for calls that only succeed or fail.
fn done(outcome: Result<(), Errno>) -> Result<i64, Unwind> {
    result(outcome.map(|()| 0))
}

/// A raw result as an outcome.
fn outcome(result: isize) -> Result<i64, Errno> {
    if result < 0 {
        Err(Errno(-result as i32))
    } else {
        Ok(result as i64)
    }
}

/// A call that may block: left, without an effect, if a signal handler has to run first.
///
/// # Safety
/// As for the raw calls.
unsafe fn interruptible(
    signals: &Signals,
    number: Option<usize>,
    args: [usize; 6],
) -> Result<i64, Errno> {
    let number = number.ok_or(Errno(errno::ENOSYS))?;
    // SAFETY: as the caller promises.
    checked(unsafe { signals.may_block(number, &args) })
}

/// A call about signals, which does not block, but would see the runtime's doings if a handler
/// has to run: then it is left.
///
/// # Safety
/// As for the raw calls.
unsafe fn undisturbed(
    signals: &Signals,
    number: Option<usize>,
    args: [usize; 6],
) -> Result<i64, Errno> {
    let number = number.ok_or(Errno(errno::ENOSYS))?;
    // SAFETY: the word is readable as long as the guest is; the rest is the caller's promise.
    checked(unsafe { syscall::syscall_checked(signals.word(), number, &args) })
}

fn checked(result: isize) -> Result<i64, Errno> {
    match result {
        syscall::NOT_MADE => Err(Errno::INTERRUPTED),
        made => outcome(made),
    }
}

fn address_of<T>(value: &T) -> usize {
    core::ptr::from_ref(value) as usize
}
