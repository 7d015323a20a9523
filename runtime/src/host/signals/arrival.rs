//! The native signal handler, and what it leaves for the guest's thread.

use std::cell::{Cell, UnsafeCell};
use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, compiler_fence};

use wali_arch::fault::MachineContext;
use wali_arch::flags::{errno, signals};
use wali_arch::layout::host;
use wali_arch::signal::interrupted_mask;
use wali_arch::syscall;
use wali_arch::tables::number;

use super::actions::Disposition;
use super::set::{FAULTS, Set};
use super::{Delivery, Signals, siginfo};
use crate::fault;
use crate::host::abi::Errno;

thread_local! {
    /// The signals of the guest thread that this is, if it is one.
    static CURRENT: Cell<*const Signals> = const { Cell::new(std::ptr::null()) };
}

pub(super) fn set_current(signals: *const Signals) {
    CURRENT.set(signals);
}

/// Has signals of faults that processes send treated like all others.
pub fn install() {
    fault::on_sent(sent);
}

/// The address of the handler.
pub(super) fn handler() -> usize {
    let handler: extern "C" fn(c_int, *mut host::siginfo, *mut c_void) = arrive;
    handler as usize
}

/// What has come for a thread. Written by the signal handler on the thread itself while all
/// signals are blocked, and taken by the thread before it unblocks them.
pub(super) struct Arrival {
    noted: AtomicBool,
    /// Whether the runtime has all signals blocked, so that signals of faults that are sent
    /// have to wait for what is being done.
    closed: AtomicBool,
    note: UnsafeCell<MaybeUninit<Delivery>>,
    /// Signals of faults that were sent, and what is known about them. They are never
    /// blocked, so that they may come while there is a note.
    sent: AtomicU64,
    infos: [UnsafeCell<MaybeUninit<host::siginfo>>; 2],
    /// The mask of a call that waits under one of its own.
    waits: AtomicBool,
    waits_under: AtomicU64,
}

impl Arrival {
    pub fn new() -> Arrival {
        Arrival {
            noted: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            note: UnsafeCell::new(MaybeUninit::uninit()),
            sent: AtomicU64::new(0),
            infos: [const { UnsafeCell::new(MaybeUninit::uninit()) }; 2],
            waits: AtomicBool::new(false),
            waits_under: AtomicU64::new(0),
        }
    }

    /// Whether there is a note.
    pub fn is_noted(&self) -> bool {
        self.noted.load(Ordering::Acquire)
    }

    /// Leaves a note. All signals are blocked, and there is none yet.
    pub fn note(&self, delivery: Delivery) {
        // SAFETY: only this thread and its handler use the cell, and the handler does not
        // run with all signals blocked.
        unsafe { (*self.note.get()).write(delivery) };
        self.noted.store(true, Ordering::Release);
    }

    /// The note, to stay.
    pub fn peek(&self) -> Option<Delivery> {
        // SAFETY: a note was written before it was announced, and no handler runs that
        // could write another while there is one.
        self.is_noted()
            .then(|| unsafe { (*self.note.get()).assume_init() })
    }

    /// Says that the runtime has all signals blocked, or has not any more.
    pub fn close(&self, closed: bool) {
        self.closed.store(closed, Ordering::Release);
    }

    /// Takes the note. All signals stay blocked.
    pub fn take(&self) -> Option<Delivery> {
        let delivery = self.peek()?;
        self.close(true);
        self.noted.store(false, Ordering::Release);
        Some(delivery)
    }

    /// Corrects the note, if there is one, for these signals of faults being blocked.
    pub fn hold(&self, held: Set) {
        if self.is_noted() {
            // SAFETY: as for `peek`; nobody else has a reference.
            let note = unsafe { (*self.note.get()).assume_init_mut() };
            let before = (note.before - FAULTS) | held;
            // Another mask is that of a call, which has nothing to do with this.
            if note.during == note.before {
                note.during = before;
            }
            note.before = before;
        }
    }

    /// Makes a call that waits under `mask`: a signal that ends it starts its handler with
    /// that mask. One that came before the call, or after it, does not.
    pub fn wait(&self, mask: Set, call: impl FnOnce() -> Result<i64, Errno>) -> Result<i64, Errno> {
        self.waits_under.store(mask.bits(), Ordering::Relaxed);
        self.waits.store(true, Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
        let result = call();
        compiler_fence(Ordering::SeqCst);
        self.waits.store(false, Ordering::Relaxed);
        if result != Err(Errno(errno::EINTR)) && self.is_noted() {
            // SAFETY: as for `hold`.
            let note = unsafe { (*self.note.get()).assume_init_mut() };
            note.during = note.before;
        }
        result
    }

    /// Whether a call waits under a mask of its own, or is about to.
    pub fn waits(&self) -> bool {
        self.waits.load(Ordering::Relaxed)
    }

    /// Signals of faults that were sent and not yet taken.
    pub fn sent(&self) -> Set {
        Set(self.sent.load(Ordering::Acquire))
    }

    fn info(&self, signal: c_int) -> *mut MaybeUninit<host::siginfo> {
        self.infos[usize::from(signal == signals::SIGBUS)].get()
    }

    /// Keeps one; a second one of the same signal is lost, as with all signals of old.
    fn keep_sent(&self, signal: c_int, info: host::siginfo) {
        if !self.sent().contains(signal) {
            // SAFETY: the thread reads the cell while the signal's bit is set only.
            unsafe { (*self.info(signal)).write(info) };
            self.sent.fetch_or(Set::of(signal).bits(), Ordering::AcqRel);
        }
    }

    /// Takes one that is there.
    pub fn take_sent(&self, signal: c_int) -> host::siginfo {
        // SAFETY: the bit says that the handler has written it, and until it is cleared no
        // handler writes again.
        let info = unsafe { (*self.info(signal)).assume_init() };
        self.sent
            .fetch_and(!Set::of(signal).bits(), Ordering::AcqRel);
        info
    }

    /// Forgets them all.
    pub fn forget_sent(&self) {
        self.sent.store(0, Ordering::Release);
    }
}

/// The handler for all signals for which the guest has one. The kernel blocks all signals
/// for it.
extern "C" fn arrive(signal: c_int, info: *mut host::siginfo, context: *mut c_void) {
    // SAFETY: a pointer that is set is to the signals of this thread, which stay.
    let Some(signals) = (unsafe { CURRENT.get().as_ref() }) else {
        return;
    };
    let action = signals.actions().get(signal);
    match action.disposition() {
        // Another thread has changed the action since the kernel looked: then the signal came
        // after that.
        Disposition::Ignore => {}
        Disposition::Default => again(signal, info),
        // SAFETY: the kernel passes a live siginfo and ucontext.
        Disposition::Handler(_) => unsafe { note(signals, signal, info, context) },
    }
}

/// Sends a signal to this process once more, as whoever sent it may have done.
pub(super) fn again_to_all(signal: c_int, info: *mut host::siginfo) {
    let (Some(send), Some(getpid)) = (number::rt_sigqueueinfo, number::getpid) else {
        return;
    };
    // SAFETY: the information is the kernel's own.
    unsafe {
        let process = syscall::syscall0(getpid);
        syscall::syscall3(send, process as usize, signal as usize, info as usize);
    }
}

/// Sends a signal to this thread once more, for the kernel to do what it now has to.
pub(super) fn again(signal: c_int, info: *mut host::siginfo) {
    let (Some(send), Some(getpid), Some(gettid)) =
        (number::rt_tgsigqueueinfo, number::getpid, number::gettid)
    else {
        return;
    };
    // SAFETY: the information is the kernel's own.
    unsafe {
        let (process, thread) = (syscall::syscall0(getpid), syscall::syscall0(gettid));
        syscall::syscall4(
            send,
            process as usize,
            thread as usize,
            signal as usize,
            info as usize,
        );
    }
}

/// Notes a signal for the guest, blocks all others behind the handler, and ends a blocking
/// call that has not been made yet.
///
/// # Safety
/// The arguments are those of a running handler of this thread.
unsafe fn note(signals: &Signals, signal: c_int, info: *mut host::siginfo, context: *mut c_void) {
    let arrival = &signals.arrival;
    // SAFETY: as the caller promises.
    unsafe {
        let mask = interrupted_mask(context);
        // Of signals of faults, the kernel blocks what suits the runtime.
        let before = (Set(mask.read()) - FAULTS) | signals.held();
        let during = match arrival.waits() {
            true => Set(arrival.waits_under.load(Ordering::Relaxed)).blockable(),
            false => before,
        };
        arrival.note(Delivery {
            signal,
            info: *info,
            action: signals.actions().get(signal),
            before,
            during,
        });
        mask.write((!FAULTS).bits());
        interrupt(signals, context);
    }
}

/// Sets the word that safepoints and blocking calls look at; a call that has looked and has
/// not been made yet, or would be made again, is left.
///
/// # Safety
/// `context` is the third argument of a running handler of this thread.
unsafe fn interrupt(signals: &Signals, context: *mut c_void) {
    signals.request();
    // SAFETY: as the caller promises.
    unsafe { leave_call(context) };
}

/// Its address is the value of the signals by which the runtime has a thread leave a call. No
/// guest knows it.
static KICK: u8 = 0;

fn kick_value() -> u64 {
    (&raw const KICK) as u64
}

/// Has a thread of this process leave a call that blocks: it finds its interrupt word set, or,
/// in a raw call of the runtime's, that the call was interrupted. What comes just before such a
/// raw call is lost, so that it has to be done again until the thread answers.
pub fn kick(thread: c_int) {
    let (Some(send), Some(getpid)) = (number::rt_tgsigqueueinfo, number::getpid) else {
        return;
    };
    let info = siginfo::queued(signals::SIGSEGV, kick_value());
    // SAFETY: the information is a live local. The signal's handler is the runtime's.
    unsafe {
        let process = syscall::syscall0(getpid) as usize;
        let info = core::ptr::from_ref(&info) as usize;
        let signal = signals::SIGSEGV as usize;
        syscall::syscall4(send, process, thread as usize, signal, info);
    }
}

/// Has a call that has not been made left, if a handler of this thread runs in it.
///
/// # Safety
/// `context` is the third argument of that handler.
unsafe fn leave_call(context: *mut c_void) {
    // SAFETY: as the caller promises.
    let mut machine = unsafe { MachineContext::new(context) };
    if syscall::checked_range().contains(&machine.pc()) {
        machine.set_pc(syscall::checked_exit());
    }
}

/// A signal of a fault that a process sent. Whether it was for us.
fn sent(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) -> bool {
    // SAFETY: the kernel passes a live siginfo, of which both types are views, and a context.
    unsafe {
        if siginfo::queued_value(&*info.cast()) == Some(kick_value()) {
            leave_call(context);
            return true;
        }
    }
    // SAFETY: as in `arrive`.
    let Some(signals) = (unsafe { CURRENT.get().as_ref() }) else {
        return false;
    };
    let arrival = &signals.arrival;
    // SAFETY: the kernel passes a live siginfo, of which both types are views.
    let known = unsafe { *info.cast::<host::siginfo>() };
    let blocked = match arrival.waits() {
        // The kernel blocks what the guest does: what comes is let through.
        true if signals.leaves_faults() => Set::default(),
        true => Set(arrival.waits_under.load(Ordering::Relaxed)),
        false => signals.held(),
    };
    if blocked.contains(signal) {
        arrival.keep_sent(signal, known);
        return true;
    }
    match signals.actions().get(signal).disposition() {
        Disposition::Ignore => {}
        Disposition::Default => fault::die(signal),
        // Something is noted or being attended to, and this one nests in it.
        Disposition::Handler(_) if arrival.is_noted() || arrival.closed.load(Ordering::Acquire) => {
            arrival.keep_sent(signal, known);
            // SAFETY: as above.
            unsafe { interrupt(signals, context) };
        }
        // SAFETY: the arguments are those of this handler.
        Disposition::Handler(_) => unsafe {
            note(signals, signal, info.cast(), context);
        },
    }
    true
}
