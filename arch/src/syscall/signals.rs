//! Signals at random instants around an interruptible call: none is lost. The call waits for what
//! never comes, so that only a signal can end it; a signal that the call misses is one too late.
//!
//! `WALI_SIGNALS=1000000` sends more than CI does, and `--nocapture` shows where they arrived.
//!
//! Natively, signals arrive at any instruction. QEMU's user mode lets them arrive between blocks
//! of translated code only, and around the call itself, which it makes in such a way (its
//! `safe_syscall`) that there is no gap either: that proves the restart at the call's instruction,
//! and not the instructions before it, which are in one block with what precedes them. With
//! `QEMU_ONE_INSN_PER_TB=1` each instruction is a block of its own, and all are proven; the order
//! in which a real processor's loads and interrupts go is its architecture's promise.

use super::*;
use crate::fault::MachineContext;
use crate::tables::number;
use core::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::{Duration, Instant};

/// The instruction that makes a call.
#[cfg(target_arch = "x86_64")]
const CALL: [u8; 2] = [0x0f, 0x05];
#[cfg(target_arch = "aarch64")]
const CALL: [u8; 4] = 0xd400_0001_u32.to_le_bytes();
#[cfg(target_arch = "riscv64")]
const CALL: [u8; 4] = 0x0000_0073_u32.to_le_bytes();
#[cfg(target_arch = "loongarch64")]
const CALL: [u8; 4] = 0x002b_0000_u32.to_le_bytes();

/// What is handled: no other test in this program does so.
const SIGNAL: c_int = libc::SIGUSR2;

/// How long a call may sleep before it counts as lost.
const PATIENCE: Duration = Duration::from_secs(20);

static FLAG: AtomicU32 = AtomicU32::new(0);
static ROUND: AtomicU32 = AtomicU32::new(0);
/// How often a signal arrived before the range, at each byte of it, and behind it.
static BEFORE: AtomicU32 = AtomicU32::new(0);
static AT: [AtomicU32; 16] = [const { AtomicU32::new(0) }; 16];
static BEHIND: AtomicU32 = AtomicU32::new(0);

/// The range is a load, a branch and the call, at whose end it ends.
#[test]
fn the_range_ends_with_the_call() {
    let range = checked_range();
    // SAFETY: the code of `syscall_checked`, which may be read.
    let code = unsafe { std::slice::from_raw_parts(range.start as *const u8, range.len()) };
    assert!(range.len() <= AT.len(), "{code:x?}");
    assert!(code.ends_with(&CALL), "{code:x?}");
    let calls = code.windows(CALL.len()).filter(|bytes| **bytes == CALL);
    assert_eq!(calls.count(), 1, "{code:x?}");
}

/// Counts, and does what an engine's handler does.
extern "C" fn interrupt(_: c_int, _: *mut libc::siginfo_t, context: *mut c_void) {
    FLAG.store(1, SeqCst);
    // SAFETY: the kernel passes a live ucontext.
    let mut machine = unsafe { MachineContext::new(context) };
    let range = checked_range();
    let pc = machine.pc();
    if range.contains(&pc) {
        AT[pc - range.start].fetch_add(1, SeqCst);
        machine.set_pc(checked_exit());
    } else if pc == range.end {
        BEHIND.fetch_add(1, SeqCst);
    } else {
        BEFORE.fetch_add(1, SeqCst);
    }
}

fn handle(flags: c_int) {
    // SAFETY: a valid action with a handler that is async-signal-safe.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) = interrupt;
        action.sa_sigaction = handler as usize;
        action.sa_flags = libc::SA_SIGINFO | flags;
        assert_eq!(libc::sigaction(SIGNAL, &action, std::ptr::null_mut()), 0);
    }
}

/// A timer that signals this thread.
struct Timer(libc::timer_t);

impl Timer {
    fn new() -> Timer {
        let mut timer: libc::timer_t = std::ptr::null_mut();
        // SAFETY: a valid event, and a live place for the timer's name.
        unsafe {
            let mut event: libc::sigevent = std::mem::zeroed();
            event.sigev_notify = libc::SIGEV_THREAD_ID;
            event.sigev_signo = SIGNAL;
            event.sigev_notify_thread_id = libc::gettid();
            let made = libc::timer_create(libc::CLOCK_MONOTONIC, &mut event, &mut timer);
            assert_eq!(made, 0);
        }
        Timer(timer)
    }

    fn start(&self, nanoseconds: i64) {
        // SAFETY: all zero is a valid value, and the timer is live.
        unsafe {
            let mut value: libc::itimerspec = std::mem::zeroed();
            value.it_value.tv_nsec = nanoseconds;
            assert_eq!(
                libc::timer_settime(self.0, 0, &value, std::ptr::null_mut()),
                0
            );
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        // SAFETY: the timer is live.
        unsafe { libc::timer_delete(self.0) };
    }
}

/// When signals come: a little around the time at which half of them are too early.
struct Chance {
    state: u64,
    middle: i64,
}

impl Chance {
    fn next(&mut self, was_early: bool) -> i64 {
        self.middle = (self.middle + if was_early { 40 } else { -40 }).max(0);
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.middle + (self.state % 1000) as i64 + 1
    }
}

/// Wakes a call that sleeps on by a byte, so that it gives itself away.
fn watch(rounds: u32, pipe: c_int) {
    let (mut last, mut since) = (0, Instant::now());
    loop {
        std::thread::sleep(Duration::from_millis(20));
        let round = ROUND.load(SeqCst);
        if round > rounds {
            return;
        }
        if round != last {
            (last, since) = (round, Instant::now());
        } else if since.elapsed() > PATIENCE {
            // SAFETY: writes a byte of a live array.
            unsafe { libc::write(pipe, [0u8].as_ptr().cast(), 1) };
            return;
        }
    }
}

#[test]
fn no_signal_around_a_call_is_lost() {
    let signals = std::env::var("WALI_SIGNALS").map_or(20_000, |n| n.parse().unwrap());
    let mut pipe = [0; 2];
    // SAFETY: a live array.
    assert_eq!(unsafe { libc::pipe(pipe.as_mut_ptr()) }, 0);
    let mut byte = 0u8;
    let args = [pipe[0] as usize, &raw mut byte as usize, 1, 0, 0, 0];
    let eintr = -(crate::flags::errno::EINTR as isize);
    let mut chance = Chance {
        state: 88_172_645_463_325_252,
        middle: 1000,
    };
    let mut interrupted = 0;
    for flags in [libc::SA_RESTART, 0] {
        handle(flags);
        ROUND.store(0, SeqCst);
        let (rounds, to, timer) = (signals / 2, pipe[1], Timer::new());
        let watcher = std::thread::spawn(move || watch(rounds, to));
        let mut early = BEFORE.load(SeqCst);
        for round in 1..=rounds {
            FLAG.store(0, SeqCst);
            ROUND.store(round, SeqCst);
            let before = std::mem::replace(&mut early, BEFORE.load(SeqCst));
            timer.start(chance.next(early != before));
            // SAFETY: at most one byte of a live local is read into.
            let result = unsafe { syscall_checked(FLAG.as_ptr(), number::read.unwrap(), &args) };
            // Only what asked not to be restarted may be told of an interruption.
            if flags == 0 && result == eintr {
                interrupted += 1;
            } else {
                assert_eq!(
                    result, NOT_MADE,
                    "round {round}: 1 is a signal that was lost"
                );
            }
        }
        ROUND.store(rounds + 1, SeqCst);
        watcher.join().unwrap();
    }
    let at: Vec<u32> = AT.iter().map(|count| count.load(SeqCst)).collect();
    println!(
        "{signals} signals: {} before the range, {:?} at its bytes, {} behind it, {interrupted} EINTR",
        BEFORE.load(SeqCst),
        &at[..checked_range().len()],
        BEHIND.load(SeqCst),
    );
    assert!(
        at[checked_range().len() - CALL.len()] > 0,
        "no call was ever blocked"
    );
}
