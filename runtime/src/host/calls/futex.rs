//! Futexes. The flag that says that only this process uses a word is dropped: waits of the
//! interpreter's own instructions do without it, and the two have to meet.

use wali_arch::flags::{errno, futex_limits, futex_op_flags, futex_ops as op, futex2_flags};
use wali_arch::layout::{Convert, Plain, guest};
use wali_arch::syscall;
use wali_arch::tables::number;

use super::{address_of, interruptible, outcome};
use crate::host::abi::{Errno, GuestMemory};
use crate::host::signals::Signals;

// The kernel is given the guest's own times.
const _: () = assert!(<guest::timespec as Convert>::SAME && <guest::futex_waitv as Convert>::SAME);

/// A futex's bytes.
const WORD: u64 = size_of::<u32>() as u64;

fn time(memory: GuestMemory, at: u32) -> usize {
    memory.address(at, size_of::<guest::timespec>() as u64)
}

/// futex(2).
///
/// # Errors
/// As Linux's.
#[expect(clippy::too_many_arguments, reason = "the call has as many")]
pub fn futex(
    signals: &Signals,
    memory: GuestMemory,
    uaddr: u32,
    operation: i32,
    val: u32,
    timeout: u32,
    uaddr2: u32,
    val3: u32,
) -> Result<i64, Errno> {
    let private = operation & futex_op_flags::FUTEX_PRIVATE_FLAG != 0;
    let operation = operation & !futex_op_flags::FUTEX_PRIVATE_FLAG;
    let command = operation & !futex_op_flags::FUTEX_CLOCK_REALTIME;
    let fourth = match command {
        op::FUTEX_WAIT
        | op::FUTEX_WAIT_BITSET
        | op::FUTEX_LOCK_PI
        | op::FUTEX_LOCK_PI2
        | op::FUTEX_WAIT_REQUEUE_PI => time(memory, timeout),
        // A number: how many waiters to requeue, or to wake at the second word.
        _ => timeout as i32 as usize,
    };
    let args = [
        memory.address(uaddr, WORD),
        operation as usize,
        val as usize,
        fourth,
        memory.address(uaddr2, WORD),
        val3 as usize,
    ];
    // SAFETY: all addresses are inside the reservation, null or nowhere.
    let result = unsafe { interruptible(signals, number::futex, args) };
    let unread = [op::FUTEX_WAKE, op::FUTEX_WAKE_BITSET, op::FUTEX_REQUEUE].contains(&command);
    match result {
        // Without looking at the word, nobody sees that there is none: nobody waits there.
        Err(Errno(errno::EFAULT)) if private && unread => Ok(0),
        result => result,
    }
}

/// Words to wait for, with the host's addresses; only so many can be used.
struct Waiters([guest::futex_waitv; futex_limits::FUTEX_WAITV_MAX as usize]);

impl Waiters {
    fn new(memory: GuestMemory, at: u32, count: u32) -> Result<Waiters, Errno> {
        let mut waiters =
            Waiters([guest::futex_waitv::zeroed(); futex_limits::FUTEX_WAITV_MAX as usize]);
        let each = size_of::<guest::futex_waitv>() as u32;
        for (i, waiter) in (0..count).zip(&mut waiters.0) {
            let at = at.checked_add(i * each).ok_or(Errno(errno::EFAULT))?;
            *waiter = memory.read_plain(at)?;
            waiter.uaddr = match u32::try_from(waiter.uaddr) {
                // The null pointer's page has no words, for the kernel to say so.
                Ok(uaddr) => memory.address(uaddr, WORD) as u64,
                Err(_) => memory.address(0, u64::MAX) as u64,
            };
            waiter.flags &= !(futex2_flags::FUTEX2_PRIVATE as u32);
        }
        Ok(waiters)
    }
}

/// futex_waitv(2).
///
/// # Errors
/// As Linux's.
pub fn futex_waitv(
    signals: &Signals,
    memory: GuestMemory,
    waiters: u32,
    count: u32,
    flags: u32,
    timeout: u32,
    clock: i32,
) -> Result<i64, Errno> {
    let call = |waiters: usize| {
        let timeout = time(memory, timeout);
        let (count, flags) = (count as usize, flags as usize);
        let args = [waiters, count, flags, timeout, clock as usize, 0];
        // SAFETY: the words' addresses are inside the reservation or nowhere, and so is the
        // time's.
        unsafe { interruptible(signals, number::futex_waitv, args) }
    };
    // What is wrong with the numbers, the kernel says before it reads a word.
    if waiters == 0 || count == 0 || count > futex_limits::FUTEX_WAITV_MAX as u32 || flags != 0 {
        return call(memory.address(waiters, 0));
    }
    match Waiters::new(memory, waiters, count) {
        Ok(waiters) => call(address_of(&waiters)),
        // Nowhere, for the kernel to say so, if it has the call.
        Err(_) => call(memory.address(waiters, u64::MAX)),
    }
}

/// futex_requeue(2), which takes two words.
///
/// # Errors
/// As Linux's.
pub fn futex_requeue(
    memory: GuestMemory,
    waiters: u32,
    flags: u32,
    wake: i32,
    requeue: i32,
) -> Result<i64, Errno> {
    let number = everywhere!(futex_requeue);
    let call = |waiters: usize| {
        let (flags, wake, requeue) = (flags as usize, wake as usize, requeue as usize);
        // SAFETY: the words' addresses are inside the reservation or nowhere.
        outcome(unsafe { syscall::syscall4(number, waiters, flags, wake, requeue) })
    };
    if waiters == 0 || flags != 0 {
        return call(memory.address(waiters, 0));
    }
    match Waiters::new(memory, waiters, 2) {
        Ok(waiters) => call(address_of(&waiters)),
        Err(_) => call(memory.address(waiters, u64::MAX)),
    }
}

/// futex_wait(2).
///
/// # Errors
/// As Linux's.
#[expect(clippy::too_many_arguments, reason = "the call has as many")]
pub fn futex_wait(
    signals: &Signals,
    memory: GuestMemory,
    uaddr: u32,
    val: u64,
    mask: u64,
    flags: u32,
    timeout: u32,
    clock: i32,
) -> Result<i64, Errno> {
    let flags = flags & !(futex2_flags::FUTEX2_PRIVATE as u32);
    let args = [
        memory.address(uaddr, WORD),
        val as usize,
        mask as usize,
        flags as usize,
        time(memory, timeout),
        clock as usize,
    ];
    // SAFETY: all addresses are inside the reservation, null or nowhere.
    unsafe { interruptible(signals, number::futex_wait, args) }
}

/// futex_wake(2).
///
/// # Errors
/// As Linux's.
pub fn futex_wake(
    memory: GuestMemory,
    uaddr: u32,
    mask: u64,
    count: i32,
    flags: u32,
) -> Result<i64, Errno> {
    let private = flags & futex2_flags::FUTEX2_PRIVATE as u32 != 0;
    let flags = flags & !(futex2_flags::FUTEX2_PRIVATE as u32);
    let number = everywhere!(futex_wake);
    let word = memory.address(uaddr, WORD);
    let (mask, count) = (mask as usize, count as usize);
    // SAFETY: the word is inside the reservation, null or nowhere.
    let result = outcome(unsafe { syscall::syscall4(number, word, mask, count, flags as usize) });
    match result {
        Err(Errno(errno::EFAULT)) if private => Ok(0),
        result => result,
    }
}
