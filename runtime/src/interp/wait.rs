//! `memory.atomic.wait` and `notify`, on the host's futexes at the guest's addresses.
//!
//! The 32-bit wait is `FUTEX_WAIT` itself, without the private flag, so that it meets
//! waiters and wakers of other processes on shared pages. Futexes compare 32 bits only: for
//! 64-bit waits there is a list of waiters, and each sleeps on a word of its own.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use wali_arch::access::{self, Acc, FAULTED, Landing, Pins};
use wali_arch::syscall;
use wali_arch::tables::number;

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Woken,
    NotEqual,
    TimedOut,
    /// The address is not accessible.
    Fault,
    /// Whatever interrupted the wait stopped the guest.
    Stopped,
}

/// One futex call's result, as far as waits care.
enum Slept {
    Woken,
    NotEqual,
    TimedOut,
    Interrupted,
    Fault,
}

/// Sleeps on `word` while it is `expected`, until `deadline`, or while `flag` is zero.
///
/// # Safety
/// `flag` is readable throughout.
unsafe fn futex_wait(
    flag: *const u32,
    word: *const u32,
    expected: u32,
    deadline: Option<Instant>,
) -> Slept {
    let timeout = deadline.map(|deadline| {
        let left = deadline.saturating_duration_since(Instant::now());
        libc::timespec {
            tv_sec: left.as_secs().min(i64::MAX as u64) as libc::time_t,
            tv_nsec: left.subsec_nanos().into(),
        }
    });
    let timeout = timeout
        .as_ref()
        .map_or(std::ptr::null(), std::ptr::from_ref);
    let Some(number) = number::futex else {
        return Slept::Fault;
    };
    let args = [
        word as usize,
        libc::FUTEX_WAIT as usize,
        expected as usize,
        timeout as usize,
        0,
        0,
    ];
    // SAFETY: the kernel checks the address of the word; the timeout is live or null, and so
    // is the flag, by the caller's promise.
    let result = unsafe { syscall::syscall_checked(flag, number, &args) };
    if result == syscall::NOT_MADE {
        return Slept::Interrupted;
    }
    match -(result as i32) {
        0 => Slept::Woken,
        libc::EAGAIN => Slept::NotEqual,
        libc::ETIMEDOUT => Slept::TimedOut,
        libc::EINTR => Slept::Interrupted,
        _ => Slept::Fault,
    }
}

/// Wakes up to `count` sleepers on `word`, and says how many there were.
fn futex_wake(word: *const u32, count: u32) -> u32 {
    let count = count.min(i32::MAX as u32);
    // SAFETY: the kernel checks the address.
    let woken = unsafe { libc::syscall(libc::SYS_futex, word, libc::FUTEX_WAKE, count) };
    u32::try_from(woken).unwrap_or(0)
}

/// A negative timeout, in nanoseconds, is none.
fn deadline(timeout: i64) -> Option<Instant> {
    let timeout = Duration::from_nanos(u64::try_from(timeout).ok()?);
    // A time beyond what the clock can express never comes.
    Instant::now().checked_add(timeout)
}

/// Waits while the word is `expected`. `attend` is called when a signal interrupts, or when
/// something has set `flag`, which it clears.
///
/// # Safety
/// `flag` is readable throughout.
pub(crate) unsafe fn wait32(
    flag: *const u32,
    address: *mut u8,
    expected: u32,
    timeout: i64,
    mut attend: impl FnMut() -> ControlFlow<()>,
) -> End {
    let deadline = deadline(timeout);
    loop {
        // SAFETY: as the caller promises.
        match unsafe { futex_wait(flag, address.cast(), expected, deadline) } {
            Slept::Woken => return End::Woken,
            Slept::NotEqual => return End::NotEqual,
            Slept::TimedOut => return End::TimedOut,
            Slept::Fault => return End::Fault,
            Slept::Interrupted => {
                if attend().is_break() {
                    return End::Stopped;
                }
            }
        }
    }
}

/// A thread in a 64-bit wait: the address, and the word it sleeps on, 1 once woken.
#[derive(Debug)]
struct Waiter {
    address: usize,
    woken: AtomicU32,
}

static WAITERS: Mutex<VecDeque<Arc<Waiter>>> = Mutex::new(VecDeque::new());

/// How many there are, so that notifying need not take the lock when there are none.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// The list's lock, for holding it across a fork.
#[derive(Debug)]
pub(crate) struct Waiters(MutexGuard<'static, VecDeque<Arc<Waiter>>>);

impl Waiters {
    pub fn lock() -> Waiters {
        Waiters(WAITERS.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Forgets all waiters: in a forked child, their threads do not exist.
    pub fn clear(&mut self) {
        self.0.clear();
        COUNT.store(0, Ordering::SeqCst);
    }
}

/// Reads an aligned 64-bit word that may be inaccessible.
fn read64(address: *mut u8) -> Option<u64> {
    unsafe extern "C" fn load(
        landing: *mut Landing,
        ip: *const u64,
        sp: *mut u64,
        mem: *mut u8,
    ) -> usize {
        // SAFETY: `read64` passes a live slot; the access is inside a reservation.
        unsafe {
            *sp = access::load64(
                mem,
                Pins {
                    landing,
                    ip,
                    sp,
                    acc: Acc::NONE,
                },
            )
        };
        0
    }
    let (mut landing, mut value) = (Landing::new(), 0);
    // SAFETY: `load` has nothing to drop, and all pointers are to live locals.
    let status =
        unsafe { access::enter(&mut landing, std::ptr::null(), &mut value, address, load) };
    fence(Ordering::SeqCst);
    (status != FAULTED).then_some(value)
}

/// As [`wait32`], for a 64-bit word.
///
/// # Safety
/// As there.
pub(crate) unsafe fn wait64(
    flag: *const u32,
    address: *mut u8,
    expected: u64,
    timeout: i64,
    mut attend: impl FnMut() -> ControlFlow<()>,
) -> End {
    let deadline = deadline(timeout);
    let waiter = Arc::new(Waiter {
        address: address as usize,
        woken: AtomicU32::new(0),
    });
    {
        let mut waiters = Waiters::lock();
        // Counted before the word is read: whoever changes the word after that, then
        // notifies, sees the count and comes for the lock.
        COUNT.fetch_add(1, Ordering::SeqCst);
        let refused = match read64(address) {
            None => Some(End::Fault),
            Some(now) if now != expected => Some(End::NotEqual),
            Some(_) => None,
        };
        if let Some(end) = refused {
            COUNT.fetch_sub(1, Ordering::SeqCst);
            return end;
        }
        waiters.0.push_back(Arc::clone(&waiter));
    }
    loop {
        // SAFETY: as the caller promises.
        let slept = unsafe { futex_wait(flag, waiter.woken.as_ptr(), 0, deadline) };
        if waiter.woken.load(Ordering::SeqCst) != 0 {
            return End::Woken;
        }
        let end = match slept {
            Slept::Interrupted if attend().is_break() => End::Stopped,
            Slept::TimedOut => End::TimedOut,
            _ => continue,
        };
        let mut waiters = Waiters::lock();
        if waiter.woken.load(Ordering::SeqCst) != 0 && end == End::TimedOut {
            return End::Woken;
        }
        let before = waiters.0.len();
        waiters.0.retain(|other| !Arc::ptr_eq(other, &waiter));
        COUNT.fetch_sub(before - waiters.0.len(), Ordering::SeqCst);
        return end;
    }
}

/// Wakes up to `count` waiters at the address, and says how many there were.
///
/// Not inlined into its handler, which has to go on by a jump.
#[inline(never)]
pub(crate) fn notify(address: *mut u8, count: u32) -> u32 {
    fence(Ordering::SeqCst);
    let mut woken = 0;
    if COUNT.load(Ordering::SeqCst) > 0 {
        let mut waiters = Waiters::lock();
        let mut sleepers = Vec::new();
        waiters.0.retain(|waiter| {
            let meant = waiter.address == address as usize && woken < count;
            if meant {
                woken += 1;
                sleepers.push(Arc::clone(waiter));
            }
            !meant
        });
        COUNT.fetch_sub(sleepers.len(), Ordering::SeqCst);
        for waiter in sleepers {
            waiter.woken.store(1, Ordering::SeqCst);
            futex_wake(waiter.woken.as_ptr(), 1);
        }
    }
    if woken < count {
        woken + futex_wake(address.cast(), count - woken)
    } else {
        woken
    }
}
