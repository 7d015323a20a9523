//! Signals.
//!
//! The kernel's mask of a guest thread is the guest's own, less the two signals of faults,
//! which the runtime needs itself. Blocked signals are therefore pending in the kernel, and
//! calls that wait under another mask are atomic.
//!
//! A signal with a handler reaches [`arrival`], which notes it and leaves with everything
//! blocked, so that there is at most one note. At its next safepoint the guest takes the
//! note, puts a frame on its stack, takes over the handler's mask, attends to what that lets
//! through, and runs the handler; then the mask from before comes back. Handlers nest as the
//! kernel nests them.
//!
//! The kernel runs our handler with the guest's `SA_RESTART`: so it decides itself whether a
//! call that was interrupted ends with `EINTR` or is made again, in which case the program
//! counter stands before it, and the call is left for the handler to run first.

mod actions;
mod arrival;
mod frame;
mod set;
mod siginfo;
mod stack;
#[cfg(test)]
mod tests;

use std::cell::{Cell, OnceCell};
use std::ffi::c_int;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

use wali_arch::layout::host;
use wali_arch::syscall;

pub use actions::{Action, Actions, Disposition};
pub use arrival::{install, kick};
pub use frame::Frame;
pub use set::{FAULTS, Set, set_kernel_mask};
pub use siginfo::{Rest, Told, of_fault, to_guest, to_host, told};
pub use stack::AltStack;

use crate::engine::Engine;
use crate::host::abi::Errno;
use arrival::Arrival;

/// The interrupt word of a thread without an engine.
static NEVER: AtomicU32 = AtomicU32::new(0);

/// A signal whose handler has to run.
#[derive(Clone, Copy)]
pub struct Delivery {
    /// The signal.
    pub signal: c_int,
    /// What is known about it.
    pub info: host::siginfo,
    /// What its arrival found to be done.
    pub action: Action,
    /// The mask that holds again after the handler.
    pub before: Set,
    /// The mask that the handler's own adds to: another one if the signal ended a call that
    /// waited under it.
    pub during: Set,
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("signal", &self.signal)
            .field("action", &self.action)
            .finish_non_exhaustive()
    }
}

/// The signals of a guest thread. Its handler runs on the same thread, at any instruction.
pub struct Signals {
    actions: Arc<Actions>,
    engine: OnceCell<Box<dyn Engine>>,
    /// The engine's interrupt word; one that stays zero as long as there is no engine.
    word: AtomicPtr<u32>,
    arrival: Arrival,
    /// Signals of faults that the guest blocks.
    held: AtomicU64,
    /// The stack for handlers.
    pub stack: Cell<AltStack>,
}

impl fmt::Debug for Signals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signals")
            .field("held", &self.held())
            .finish_non_exhaustive()
    }
}

impl Signals {
    /// A thread's signals, with the mask that the calling thread has.
    pub fn new(actions: Arc<Actions>) -> Signals {
        Signals::open(actions, set::kernel_mask())
    }

    /// Those of a thread that is to have this mask, but blocks everything when it is attached.
    pub fn with_mask(actions: Arc<Actions>, mask: Set) -> Signals {
        let signals = Signals::open(actions, mask);
        signals.arrival.close(true);
        signals
    }

    fn open(actions: Arc<Actions>, mask: Set) -> Signals {
        Signals {
            actions,
            engine: OnceCell::new(),
            word: AtomicPtr::new(NEVER.as_ptr()),
            arrival: Arrival::new(),
            held: AtomicU64::new((mask & FAULTS).bits()),
            stack: Cell::new(AltStack::default()),
        }
    }

    /// What happens on signals in the process.
    pub fn actions(&self) -> &Actions {
        &self.actions
    }

    /// Says which engine runs the thread, and has signals that come on the calling thread
    /// noted here; from now on, the kernel blocks no signals of faults for it, of which some
    /// may be pending. A second engine is not taken.
    ///
    /// # Safety
    /// `self` stays where it is until [`Signals::detach`].
    pub unsafe fn attach(&self, engine: Box<dyn Engine>) {
        let _ = self.engine.set(engine);
        if let Some(engine) = self.engine.get() {
            self.word.store(engine.word().as_ptr(), Ordering::Relaxed);
        }
        arrival::set_current(self);
        set::set_kernel_mask(set::kernel_mask() - FAULTS);
    }

    /// Ends what [`Signals::attach`] began: from now on, signals with handlers are lost.
    pub fn detach(&mut self) {
        arrival::set_current(std::ptr::null());
        self.word.store(NEVER.as_ptr(), Ordering::Relaxed);
        self.engine.take();
    }

    /// The engine that runs the thread.
    pub fn engine(&self) -> Option<&dyn Engine> {
        self.engine.get().map(|engine| &**engine)
    }

    /// The word that is nonzero while a handler has to run; for calls that may block.
    #[inline]
    pub fn word(&self) -> *const u32 {
        self.word.load(Ordering::Relaxed)
    }

    fn request(&self) {
        if let Some(engine) = self.engine.get() {
            engine.request();
        }
    }

    /// Signals of faults that the guest blocks.
    pub fn held(&self) -> Set {
        Set(self.held.load(Ordering::Relaxed))
    }

    /// Blocks these signals of faults, and no others, for the guest.
    pub fn hold(&self, faults: Set) {
        self.held.store((faults & FAULTS).bits(), Ordering::Relaxed);
        self.arrival.hold(self.held());
        if self.next_fault().is_some() {
            self.request();
        }
    }

    /// Sets the guest's mask, which may bring signals.
    pub fn set_mask(&self, mask: Set) {
        let coming = self.arrival.sent().without(mask);
        if coming.is_empty() {
            self.hold(mask);
            set::set_kernel_mask(mask - FAULTS);
            self.arrival.close(false);
        } else {
            self.give_back(coming);
            self.hold(mask);
            self.arrival.close(false);
            set::set_kernel_mask(mask - FAULTS);
        }
    }

    /// Gives the kernel signals of faults that were kept: they come in its order once it blocks
    /// them no longer.
    fn give_back(&self, these: Set) {
        set::block_in_kernel(FAULTS);
        self.resend(these);
    }

    /// Has the kernel keep signals of faults that were kept here; it blocks them. Whether they
    /// were sent to the thread or to the process makes a difference to their order, and cannot be
    /// told of all; with other threads, the process's might go to one that blocks them, too.
    ///
    /// Each is sent once: a signal that comes meanwhile leaves those of faults unblocked behind its
    /// note, and then what is sent comes straight back, to be kept again.
    fn resend(&self, these: Set) {
        let alone = self.engine.get().is_some_and(|engine| engine.alone());
        for kept in (self.arrival.sent() & these).iter() {
            let Some((signal, mut info)) = self.take_sent(Set::of(kept)) else {
                continue;
            };
            match alone && !siginfo::is_for_thread(&info) {
                true => arrival::again_to_all(signal, &mut info),
                false => arrival::again(signal, &mut info),
            }
        }
    }

    /// Makes a call that changes the mask, after which the guest blocks these signals of faults.
    /// It is told whether it has to let the kernel unblock those of faults.
    ///
    /// # Errors
    /// As the call.
    pub fn change_mask(
        &self,
        held: Set,
        call: impl FnOnce(bool) -> Result<i64, Errno>,
    ) -> Result<i64, Errno> {
        let before = self.held();
        let coming = self.arrival.sent().without(held);
        if coming.is_empty() {
            // Those that the guest is to block no longer come when the kernel's mask is set, too.
            self.hold(before | held);
        } else {
            self.give_back(coming);
            self.hold(held);
        }
        let result = call(!coming.is_empty());
        match result {
            Ok(_) => self.hold(held),
            Err(_) => {
                self.hold(before);
                set::unblock_in_kernel(FAULTS);
            }
        }
        result
    }

    /// Makes a call that may block: [`syscall::NOT_MADE`] if a handler has to run first.
    ///
    /// # Safety
    /// As for the raw calls.
    #[inline]
    pub unsafe fn may_block(&self, number: usize, args: &[usize; 6]) -> isize {
        let quiet = self.quiet();
        // SAFETY: the word is readable as long as the guest is; the rest is the caller's promise.
        unsafe {
            match quiet.is_empty() || self.arrival.waits() {
                true => syscall::syscall_checked(self.word(), number, args),
                false => self.quietly(quiet, || {
                    syscall::syscall_checked(self.word(), number, args)
                }),
            }
        }
    }

    /// Signals of faults to leave to the kernel for the time of a call.
    #[inline]
    fn quiet(&self) -> Set {
        let quiet = self.held() | self.actions.ignored_faults();
        match quiet.is_empty() || self.leaves_faults() {
            true => quiet,
            false => Set::default(),
        }
    }

    /// Whether signals of faults can be left to the kernel.
    pub fn leaves_faults(&self) -> bool {
        self.engine
            .get()
            .is_some_and(|engine| engine.owns_process())
    }

    /// Has the kernel see to signals of faults that the guest blocks or ignores, for the time
    /// of a call, in which no access of the guest's can fault: they do not end it, and a call
    /// that looks for them finds them.
    #[cold]
    fn quietly<R>(&self, quiet: Set, call: impl FnOnce() -> R) -> R {
        set::block_in_kernel(quiet);
        self.resend(quiet & self.held());
        let result = call();
        set::unblock_in_kernel(quiet);
        result
    }

    /// The mask for the kernel of a call that waits under `mask`.
    pub fn to_wait_under(&self, mask: Set) -> Set {
        match self.leaves_faults() {
            true => mask | self.actions.ignored_faults(),
            false => mask - FAULTS,
        }
    }

    /// The guest's mask; none if a handler has to run first.
    pub fn mask(&self) -> Option<Set> {
        let kernel = set::kernel_mask();
        // A note that came meanwhile has blocked everything.
        (!self.noted()).then(|| kernel | self.held())
    }

    /// Blocks all signals but those of faults for a while; returns the guest's mask, to be
    /// given to [`Signals::set_mask`]. None if a handler has to run first.
    pub fn block_all(&self) -> Option<Set> {
        let mask = self.block_all_but_sent()?;
        if self.next_fault().is_some() {
            self.set_mask(mask);
            return None;
        }
        Some(mask)
    }

    /// Whether a handler has to run.
    pub fn noted(&self) -> bool {
        self.arrival.is_noted() || self.next_fault().is_some()
    }

    /// The signal of a fault that was sent and has to be attended to.
    fn next_fault(&self) -> Option<c_int> {
        self.arrival.sent().without(self.held()).first()
    }

    /// Signals of faults that have come while the guest blocks them.
    pub fn pending_faults(&self) -> Set {
        self.arrival.sent() & self.held()
    }

    /// Takes one of these signals of faults, if it is pending.
    pub fn take_pending(&self, these: Set) -> Option<(c_int, host::siginfo)> {
        self.take_sent(these & self.held())
    }

    fn take_sent(&self, these: Set) -> Option<(c_int, host::siginfo)> {
        let signal = (self.arrival.sent() & these).first()?;
        Some((signal, self.arrival.take_sent(signal)))
    }

    /// Forgets a pending signal of a fault, as setting an action that ignores it does.
    pub fn discard(&self, signal: c_int) {
        if self.arrival.sent().contains(signal) {
            self.arrival.take_sent(signal);
        }
    }

    /// Makes a call that waits under another mask; see [`Arrival::wait`].
    ///
    /// # Errors
    /// [`Errno::INTERRUPTED`] if a handler has to run first.
    pub fn wait(&self, mask: Set, call: impl FnOnce() -> Result<i64, Errno>) -> Result<i64, Errno> {
        let quiet = self.quiet();
        if !quiet.is_empty() {
            return self.quietly(quiet, || self.arrival.wait(mask, call));
        }
        // A signal of a fault that this mask lets through ends the wait before it begins.
        if let Some(signal) = self.arrival.sent().without(mask).first()
            && let Some(before) = self.block_all_but_sent()
        {
            let info = self.arrival.take_sent(signal);
            match self.delivery(signal, info, before, mask) {
                Some(delivery) => {
                    self.arrival.note(delivery);
                    self.request();
                    return Err(Errno(wali_arch::flags::errno::EINTR));
                }
                None => self.set_mask(before),
            }
        }
        self.arrival.wait(mask, call)
    }

    /// The next handler to run. Until its mask is set, all signals are blocked.
    pub fn next(&self) -> Option<Delivery> {
        loop {
            if let Some(delivery) = self.arrival.take() {
                return Some(delivery);
            }
            let signal = self.next_fault()?;
            let Some(mask) = self.block_all_but_sent() else {
                continue;
            };
            let info = self.arrival.take_sent(signal);
            match self.delivery(signal, info, mask, mask) {
                Some(delivery) => return Some(delivery),
                None => self.set_mask(mask),
            }
        }
    }

    /// The same, whatever signals of faults have come. If something is noted, its taking
    /// restores the mask.
    fn block_all_but_sent(&self) -> Option<Set> {
        let kernel = self.close();
        (!self.arrival.is_noted()).then(|| kernel | self.held())
    }

    /// Blocks all signals but those of faults, which from here on are kept until others are let
    /// through again; the kernel's mask before. A signal of a fault that comes before the arrival
    /// knows would leave a note with everything blocked, as the mask to come back.
    fn close(&self) -> Set {
        self.arrival.close(true);
        set::set_kernel_mask(!FAULTS)
    }

    /// What is to be done about a signal of a fault that was sent; none if nothing is, any
    /// more. The default action ends the process.
    fn delivery(
        &self,
        signal: c_int,
        info: host::siginfo,
        before: Set,
        during: Set,
    ) -> Option<Delivery> {
        let action = self.actions.get(signal);
        match action.disposition() {
            Disposition::Default => {
                crate::fault::die(signal);
                None
            }
            Disposition::Ignore => None,
            Disposition::Handler(_) => Some(Delivery {
                signal,
                info,
                action,
                before,
                during,
            }),
        }
    }

    /// The handler of a fault of the guest's own, as the kernel would choose it: none if the
    /// signal is blocked, ignored or has no handler, since then the fault ends the process.
    /// All signals are blocked from here on.
    pub fn raise(&self, signal: c_int, info: host::siginfo) -> Option<Delivery> {
        let action = self.actions.get(signal);
        let Disposition::Handler(_) = action.disposition() else {
            return None;
        };
        let kernel = self.close();
        let before = match self.arrival.peek() {
            // The signal that is noted came before the fault; the handlers nest.
            Some(noted) => noted.before,
            None => kernel | self.held(),
        };
        if before.contains(signal) {
            return None;
        }
        Some(Delivery {
            signal,
            info,
            action,
            before,
            during: before,
        })
    }

    /// The handler's mask, as it is set once its frame is there.
    pub fn enter(&self, delivery: &Delivery) -> Set {
        let Delivery { signal, action, .. } = *delivery;
        let mut mask = delivery.during | action.mask;
        if !action.defers_not() {
            mask = mask | Set::of(signal);
        }
        if action.resets() && FAULTS.contains(signal) {
            self.actions.reset(signal);
        }
        mask
    }

    /// The handler has returned, and wants this mask.
    pub fn leave(&self, mask: Set) {
        self.set_mask(mask.blockable());
    }

    /// Gives the kernel what the runtime has kept to itself, for the program that runs next:
    /// signals of faults that are blocked, pending or ignored. All signals are blocked, and
    /// `mask` is the guest's.
    pub fn before_exec(&self, mask: Set) {
        for signal in FAULTS.iter() {
            if self.actions.get(signal).disposition() == Disposition::Ignore {
                crate::fault::ignore(signal);
            }
        }
        set::set_kernel_mask(mask);
        while let Some((signal, mut info)) = self.take_pending(FAULTS) {
            arrival::again(signal, &mut info);
        }
    }

    /// Takes it back, if there was no such program.
    pub fn exec_failed(&self, mask: Set) {
        crate::fault::restore();
        self.set_mask(mask);
    }

    /// Has no signal handled, but ignored those that are.
    pub fn clear_handlers(&self) {
        use wali_arch::layout::{Plain, guest};
        for signal in (!Set::default()).iter() {
            if let Disposition::Handler(_) = self.actions.get(signal).disposition() {
                let _ = self.action(signal, Some(&guest::k_sigaction::zeroed()));
            }
        }
    }

    /// In a forked child: what is pending stays with the parent.
    pub fn in_child(&self) {
        self.arrival.forget_sent();
    }
}
