//! Waiting for descriptors.

use wali_arch::flags::errno;
use wali_arch::layout::{Convert, Plain, guest, host};
use wali_arch::syscall;
use wali_arch::tables::number;

use super::{address_of, interruptible, outcome, result};
use crate::host::abi::{Errno, Guest, GuestMemory, Unwind, descriptor};
use crate::host::bindings::PollCalls;
use crate::host::convert::OutArray;
use crate::host::process::Thread;
use crate::host::signals::{Set, Signals};

impl PollCalls for Thread {
    fn poll(&mut self, fds: u32, nfds: u64, timeout: i32) -> Result<i64, Unwind> {
        result(poll(self, fds, nfds, timeout))
    }

    fn ppoll(
        &mut self,
        fds: u32,
        nfds: u64,
        timeout: u32,
        sigmask: u32,
        sigsetsize: u32,
    ) -> Result<i64, Unwind> {
        let memory = Guest::memory(self);
        let fds = memory.address(fds, extent(nfds));
        let timeout = memory.address(timeout, size_of::<guest::timespec>() as u64);
        let mask = Mask::read(memory, sigmask, sigsetsize);
        // SAFETY: array and time are inside the reservation or null.
        result(mask.wait(self.signals(), |signals, mask, size| unsafe {
            let args = [fds, nfds as usize, timeout, mask, size, 0];
            interruptible(signals, number::ppoll, args)
        }))
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
        result(select(self, nfds, sets, timeout))
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
        result(pselect6(self, nfds, sets, timeout, sig))
    }

    fn epoll_create(&mut self, size: i32) -> Result<i64, Unwind> {
        result(epoll_create(size))
    }

    fn epoll_wait(
        &mut self,
        epfd: i32,
        events: u32,
        maxevents: i32,
        timeout: i32,
    ) -> Result<i64, Unwind> {
        self.epoll_pwait(epfd, events, maxevents, timeout, 0, 0)
    }

    fn epoll_pwait(
        &mut self,
        epfd: i32,
        events: u32,
        maxevents: i32,
        timeout: i32,
        sigmask: u32,
        sigsetsize: u32,
    ) -> Result<i64, Unwind> {
        let mask = Mask::read(Guest::memory(self), sigmask, sigsetsize);
        let call = (number::epoll_pwait, epfd, timeout as usize);
        result(epoll(self, call, (events, maxevents), &mask))
    }

    fn epoll_pwait2(
        &mut self,
        epfd: i32,
        events: u32,
        maxevents: i32,
        timeout: u32,
        sigmask: u32,
        sigsetsize: u32,
    ) -> Result<i64, Unwind> {
        let memory = Guest::memory(self);
        let timeout = memory.address(timeout, size_of::<guest::timespec>() as u64);
        let mask = Mask::read(memory, sigmask, sigsetsize);
        let call = (number::epoll_pwait2, epfd, timeout);
        result(epoll(self, call, (events, maxevents), &mask))
    }
}

/// A mask to wait under.
enum Mask {
    /// Address and size for the kernel: none, or what it refuses.
    Address(usize, usize),
    /// The guest's.
    Copy(Set),
}

impl Mask {
    fn read(memory: GuestMemory, at: u32, size: u32) -> Mask {
        let size = size as usize;
        if at == 0 || size != Set::BYTES {
            return Mask::Address(memory.address(at, size as u64), size);
        }
        match memory.read_plain::<u64>(at) {
            Ok(bits) => Mask::Copy(Set(bits).blockable()),
            Err(_) => Mask::Address(GuestMemory::NOWHERE, size),
        }
    }

    /// Makes a call under the mask, whose address and size for the kernel it is given.
    fn wait(
        &self,
        signals: &Signals,
        call: impl FnOnce(&Signals, usize, usize) -> Result<i64, Errno>,
    ) -> Result<i64, Errno> {
        match *self {
            Mask::Address(at, size) => call(signals, at, size),
            Mask::Copy(mask) => {
                let kernel = signals.to_wait_under(mask);
                let at = address_of(&kernel);
                signals.wait(mask, || call(signals, at, Set::BYTES))
            }
        }
    }
}

/// The bytes of that many `pollfd`s. The kernel's count is 32 bits wide.
fn extent(nfds: u64) -> u64 {
    u64::from(nfds as u32) * size_of::<guest::pollfd>() as u64
}

/// epoll_pwait(2) and its kin: the call with its descriptor and timeout, and the guest's
/// events and how many there may be.
///
/// # Errors
/// As Linux's.
fn epoll(
    thread: &Thread,
    (number, epfd, timeout): (Option<usize>, i32, usize),
    (events, most): (u32, i32),
    mask: &Mask,
) -> Result<i64, Errno> {
    let memory = Guest::memory(thread);
    // Negative counts are for the kernel to refuse.
    let count = u64::from(most as u32);
    let mut events = OutArray::<guest::epoll_event>::new(memory, events, count)?;
    let (place, most) = (events.word(), most as usize);
    // SAFETY: the events are a live local or inside the reservation, the time is inside the
    // reservation or null.
    let ready = mask.wait(thread.signals(), |signals, mask, size| unsafe {
        let args = [descriptor(epfd), place, most, timeout, mask, size];
        interruptible(signals, number, args)
    })?;
    events.give_back(ready as u64)?;
    Ok(ready)
}

/// poll(2).
///
/// # Errors
/// As Linux's.
fn poll(thread: &Thread, fds: u32, nfds: u64, timeout: i32) -> Result<i64, Errno> {
    let signals = thread.signals();
    let fds = Guest::memory(thread).address(fds, extent(nfds));
    let nfds = nfds as usize;
    if number::poll.is_some() {
        // SAFETY: the array is inside the reservation.
        return unsafe {
            interruptible(
                signals,
                number::poll,
                [fds, nfds, timeout as usize, 0, 0, 0],
            )
        };
    }
    let mut time = host::timespec::zeroed();
    let mut until = 0;
    if timeout >= 0 {
        time.tv_sec = (timeout / 1000).into();
        time.tv_nsec = (timeout % 1000 * 1_000_000).into();
        until = core::ptr::from_mut(&mut time) as usize;
    }
    // SAFETY: the array is inside the reservation, the time is a live local or null.
    unsafe { interruptible(signals, number::ppoll, [fds, nfds, until, 0, 0, 0]) }
}

/// select(2).
///
/// # Errors
/// As Linux's.
fn select(thread: &Thread, nfds: i32, sets: [usize; 3], at: u32) -> Result<i64, Errno> {
    let (memory, signals) = (Guest::memory(thread), thread.signals());
    let [read, write, except] = sets;
    if number::select.is_some() {
        let timeout = memory.address(at, size_of::<guest::timeval>() as u64);
        let args = [nfds as usize, read, write, except, timeout, 0];
        // SAFETY: sets and time are inside the reservation or null.
        return unsafe { interruptible(signals, number::select, args) };
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
    let ready = unsafe { interruptible(signals, number::pselect6, args) };
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
    thread: &Thread,
    nfds: i32,
    sets: [usize; 3],
    timeout: u32,
    sig: u32,
) -> Result<i64, Errno> {
    let (memory, signals) = (Guest::memory(thread), thread.signals());
    let timeout = memory.address(timeout, size_of::<guest::timespec>() as u64);
    let [read, write, except] = sets;
    let call = |signals: &Signals, sig: usize| {
        let args = [nfds as usize, read, write, except, timeout, sig];
        // SAFETY: sets and time are inside the reservation or null; so is the mask, or it is a
        // live local; and the pair is a live local, null, or nowhere.
        unsafe { interruptible(signals, number::pselect6, args) }
    };
    if sig == 0 {
        return call(signals, 0);
    }
    let word = |at: Option<u32>| memory.read_plain::<u64>(at.ok_or(Errno(errno::EFAULT))?);
    let second = sig.checked_add(size_of::<u64>() as u32);
    let (Ok(mask), Ok(size)) = (word(Some(sig)), word(second)) else {
        return call(signals, GuestMemory::NOWHERE);
    };
    // Addresses and sizes are the lower halves, as in every register.
    let mask = Mask::read(memory, mask as u32, size as u32);
    mask.wait(signals, |signals, mask, size| {
        call(signals, address_of(&[mask, size]))
    })
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
    outcome(unsafe { syscall::syscall1(everywhere!(epoll_create1), 0) })
}

// The kernel is given the guest's own for that reason.
const _: () = {
    assert!(<guest::pollfd as Convert>::SAME && <guest::fd_set as Convert>::SAME);
    assert!(<guest::timespec as Convert>::SAME && <guest::timeval as Convert>::SAME);
};
