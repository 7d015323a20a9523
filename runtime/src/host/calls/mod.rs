//! What the runtime carries out itself: for each family of the specification the methods that
//! it asks for.

mod auxiliary;
mod dir;
mod fd;
mod file;
mod ipc;
mod memory;
mod mount;
mod net;
mod numa;
mod poll;
mod prctl;
mod process;
mod system;
mod time;

use wali_arch::flags::errno;
use wali_arch::syscall;

use super::abi::{Errno, Unwind};

/// A call's outcome as the guest sees it.
fn result<T: Into<i64>>(outcome: Result<T, Errno>) -> Result<i64, Unwind> {
    Ok(outcome.map_or_else(Errno::result, Into::into))
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

/// The number of a call that every ISA has.
fn everywhere(number: Option<usize>) -> Result<usize, Errno> {
    number.ok_or(Errno(errno::ENOSYS))
}

/// Makes a call that may block: the place for what must happen then. Calls that ISAs lack
/// are `ENOSYS`.
///
/// # Errors
/// The kernel's.
///
/// # Safety
/// As for [`syscall::syscall6`].
unsafe fn blocking(number: Option<usize>, args: [usize; 6]) -> Result<i64, Errno> {
    let [a, b, c, d, e, f] = args;
    // SAFETY: the caller's contract is the callee's.
    outcome(unsafe { syscall::syscall6(everywhere(number)?, a, b, c, d, e, f) })
}

fn address_of<T>(value: &T) -> usize {
    core::ptr::from_ref(value) as usize
}
