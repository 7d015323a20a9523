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

/// Numbers to wait for, by chance.
struct Chance(u64);

impl Chance {
    fn spin(&mut self, below: u64) {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        for _ in 0..self.0 % below {
            core::hint::spin_loop();
        }
    }
}

/// Sends a signal in each round. A call that sleeps on is woken by a byte, and so gives itself away.
fn send(rounds: u32, process: usize, thread: usize, pipe: c_int) {
    let (tgkill, signal) = (number::tgkill.unwrap(), SIGNAL as usize);
    let mut chance = Chance(88_172_645_463_325_252);
    for round in 1..=rounds {
        let since = Instant::now();
        while ROUND.load(SeqCst) != round {
            std::thread::yield_now();
            if since.elapsed() > PATIENCE {
                // SAFETY: writes a byte of a live array.
                unsafe { libc::write(pipe, [0u8].as_ptr().cast(), 1) };
                return;
            }
        }
        chance.spin(400);
        // SAFETY: the thread waits for this one, and handles the signal.
        assert_eq!(unsafe { syscall3(tgkill, process, thread, signal) }, 0);
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
    let mut chance = Chance(362_436_069);
    let mut interrupted = 0;
    for flags in [libc::SA_RESTART, 0] {
        handle(flags);
        ROUND.store(0, SeqCst);
        // SAFETY: asks for a number.
        let (process, thread) = (std::process::id(), unsafe { libc::gettid() });
        let rounds = signals / 2;
        let to = pipe[1];
        let sender =
            std::thread::spawn(move || send(rounds, process as usize, thread as usize, to));
        for round in 1..=rounds {
            FLAG.store(0, SeqCst);
            ROUND.store(round, SeqCst);
            chance.spin(400);
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
        sender.join().unwrap();
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
