//! Clocks and timers.

use wali_arch::flags::itimer_which;
use wali_arch::layout::{Plain, host};
use wali_arch::syscall;
use wali_arch::tables::number;

use super::{address_of, outcome, result};
use crate::host::abi::{Errno, Guest, GuestMemory, Unwind};
use crate::host::bindings::TimeCalls;
use crate::host::process::Thread;

impl TimeCalls for Thread {
    fn time(&mut self, tloc: u32) -> Result<i64, Unwind> {
        result(time(Guest::memory(self), tloc))
    }

    fn alarm(&mut self, seconds: u32) -> Result<i64, Unwind> {
        Ok(alarm(seconds))
    }
}

/// time(2).
///
/// # Errors
/// `EFAULT`.
fn time(memory: GuestMemory, at: u32) -> Result<i64, Errno> {
    let mut now = host::timeval::zeroed();
    let number = everywhere!(gettimeofday);
    let place = core::ptr::from_mut(&mut now) as usize;
    // SAFETY: the address is a live local's.
    outcome(unsafe { syscall::syscall2(number, place, 0) })?;
    if at != 0 {
        memory.write(at, &now.tv_sec.to_le_bytes())?;
    }
    Ok(now.tv_sec)
}

/// alarm(2), which does not fail.
fn alarm(seconds: u32) -> i64 {
    let mut new = host::itimerval::zeroed();
    let mut old = host::itimerval::zeroed();
    new.it_value.tv_sec = seconds.into();
    let place = core::ptr::from_mut(&mut old) as usize;
    if let Some(number) = number::setitimer {
        let which = itimer_which::ITIMER_REAL as usize;
        // SAFETY: both addresses are live locals'.
        unsafe { syscall::syscall3(number, which, address_of(&new), place) };
    }
    // As the kernel rounds: a timer that is about to ring has a second left.
    let left = old.it_value;
    let round = left.tv_usec >= 500_000 || (left.tv_sec == 0 && left.tv_usec > 0);
    left.tv_sec + i64::from(round)
}
