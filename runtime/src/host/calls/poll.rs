//! Waiting for descriptors.

use wali_arch::flags::errno;
use wali_arch::layout::{Convert, Plain, guest, host};
use wali_arch::syscall;
use wali_arch::tables::number;

use super::{address_of, blocking, everywhere, outcome, result};
use crate::host::abi::{Errno, Guest, GuestMemory, Unwind};
use crate::host::bindings::PollCalls;
use crate::host::process::Thread;

impl PollCalls for Thread {
    fn poll(&mut self, fds: u32, nfds: u64, timeout: i32) -> Result<i64, Unwind> {
        result(poll(Guest::memory(self), fds, nfds, timeout))
    }

    fn select(
        &mut self,
        nfds: i32,
        readfds: u32,
        writefds: u32,
        exceptfds: u32,
        timeout: u32,
    ) -> Result<i64, Unwind> {
        let memory = Guest::memory(self);
        let sets = [readfds, writefds, exceptfds].map(|set| memory.address(set, 0));
        result(select(memory, nfds, sets, timeout))
    }

    fn pselect6(
        &mut self,
        nfds: i32,
        readfds: u32,
        writefds: u32,
        exceptfds: u32,
        timeout: u32,
        sig: u32,
    ) -> Result<i64, Unwind> {
        let memory = Guest::memory(self);
        let sets = [readfds, writefds, exceptfds].map(|set| memory.address(set, 0));
        result(pselect6(memory, nfds, sets, timeout, sig))
    }

    fn epoll_create(&mut self, size: i32) -> Result<i64, Unwind> {
        result(epoll_create(size))
    }
}

/// poll(2).
///
/// # Errors
/// As Linux's.
fn poll(memory: GuestMemory, fds: u32, nfds: u64, timeout: i32) -> Result<i64, Errno> {
    // The kernel's count is 32 bits wide.
    let count = nfds as u32;
    let fds = memory.address(fds, u64::from(count) * size_of::<guest::pollfd>() as u64);
    let nfds = nfds as usize;
    if number::poll.is_some() {
        // SAFETY: the array is inside the reservation.
        return unsafe { blocking(number::poll, [fds, nfds, timeout as usize, 0, 0, 0]) };
    }
    let mut time = host::timespec::zeroed();
    let mut until = 0;
    if timeout >= 0 {
        time.tv_sec = (timeout / 1000).into();
        time.tv_nsec = (timeout % 1000 * 1_000_000).into();
        until = core::ptr::from_mut(&mut time) as usize;
    }
    // SAFETY: the array is inside the reservation, the time is a live local or null.
    unsafe { blocking(number::ppoll, [fds, nfds, until, 0, 0, 0]) }
}

/// select(2).
///
/// # Errors
/// As Linux's.
fn select(memory: GuestMemory, nfds: i32, sets: [usize; 3], at: u32) -> Result<i64, Errno> {
    let [read, write, except] = sets;
    if number::select.is_some() {
        let timeout = memory.address(at, size_of::<guest::timeval>() as u64);
        let args = [nfds as usize, read, write, except, timeout, 0];
        // SAFETY: sets and time are inside the reservation or null.
        return unsafe { blocking(number::select, args) };
    }
    let mut time = None;
    let mut until = 0;
    if at != 0 {
        let given = memory.read_plain::<guest::timeval>(at)?;
        let time = time.insert(timespec(&given)?);
        until = core::ptr::from_mut(time) as usize;
    }
    let args = [nfds as usize, read, write, except, until, 0];
    // SAFETY: the sets are inside the reservation or null, the time is a live local or null.
    let ready = unsafe { blocking(number::pselect6, args) };
    if let Some(time) = time {
        // As the kernel: what is left is told whatever came of it, if it can be told.
        let mut left = guest::timeval::zeroed();
        left.tv_sec = time.tv_sec;
        left.tv_usec = time.tv_nsec / 1000;
        let _ = memory.write_plain(at, &left);
    }
    ready
}

/// A timeout as the kernel's select takes it: more than a second of microseconds is fine.
fn timespec(given: &guest::timeval) -> Result<host::timespec, Errno> {
    const MICROSECONDS: i64 = 1_000_000;
    let seconds = given.tv_sec.checked_add(given.tv_usec / MICROSECONDS);
    let mut time = host::timespec::zeroed();
    time.tv_sec = seconds.ok_or(Errno(errno::EINVAL))?;
    time.tv_nsec = given.tv_usec % MICROSECONDS * 1000;
    Ok(time)
}

/// pselect6(2). The sixth argument leads to a pair of 64-bit words, the mask's address and
/// its size.
///
/// # Errors
/// As Linux's.
fn pselect6(
    memory: GuestMemory,
    nfds: i32,
    sets: [usize; 3],
    timeout: u32,
    sig: u32,
) -> Result<i64, Errno> {
    let pair = (sig != 0).then(|| {
        let word = |at: Option<u32>| memory.read_plain::<u64>(at.ok_or(Errno(errno::EFAULT))?);
        let mask = word(Some(sig))?;
        let size = word(sig.checked_add(size_of::<u64>() as u32))?;
        // A guest's address is the lower half, as in every register. The kernel takes masks of
        // one size only.
        let mask = memory.address(mask as u32, size_of::<u64>() as u64);
        Ok([mask, size as usize])
    });
    let sig = match &pair {
        None => 0,
        Some(Ok(pair)) => address_of(pair),
        Some(Err(Errno(_))) => GuestMemory::NOWHERE,
    };
    let timeout = memory.address(timeout, size_of::<guest::timespec>() as u64);
    let [read, write, except] = sets;
    let args = [nfds as usize, read, write, except, timeout, sig];
    // SAFETY: sets, time and mask are inside the reservation or null, the pair is a live local,
    // null, or nowhere.
    unsafe { blocking(number::pselect6, args) }
}

/// epoll_create(2): the size means nothing, but must be one.
///
/// # Errors
/// As Linux's.
fn epoll_create(size: i32) -> Result<i64, Errno> {
    if size <= 0 {
        return Err(Errno(errno::EINVAL));
    }
    // SAFETY: the argument is a number.
    outcome(unsafe { syscall::syscall1(everywhere(number::epoll_create1)?, 0) })
}

// The kernel is given the guest's own for that reason.
const _: () = {
    assert!(<guest::pollfd as Convert>::SAME && <guest::fd_set as Convert>::SAME);
    assert!(<guest::timespec as Convert>::SAME && <guest::timeval as Convert>::SAME);
};
