//! What happens on each signal, for all threads of a process.

use std::ffi::c_int;
use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
use std::sync::{Mutex, MutexGuard, PoisonError};

use wali_arch::flags::{errno, sigaction_flags as sa, signals};
use wali_arch::layout::{Plain, guest, host};
use wali_arch::tables::number;
use wali_arch::{signal, syscall};

use super::set::{FAULTS, Set};
use super::{Signals, arrival};
use crate::host::abi::Errno;

/// What `sa_handler` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// The default action.
    Default,
    /// Nothing.
    Ignore,
    /// The guest's function at this index of table 0.
    Handler(u32),
}

/// The guest's values of `sa_handler` that are no functions. The second is not Linux's 1,
/// which is a valid index.
const SIG_DFL: u32 = 0;
const SIG_IGN: u32 = -2i32 as u32;

/// Flags that Linux knows; it forgets others, so that programs can tell.
const KNOWN: u64 = sa::SA_NOCLDSTOP as u64
    | sa::SA_NOCLDWAIT as u64
    | sa::SA_SIGINFO as u64
    | sa::SA_ONSTACK as u64
    | sa::SA_RESTART as u64
    | sa::SA_NODEFER as u64
    | sa::SA_RESETHAND as u64
    | sa::SA_EXPOSE_TAGBITS as u64
    | sa::SA_RESTORER as u64;

/// Flags that are the kernel's business: it knows about children and calls to restart.
const KERNEL: u64 = sa::SA_NOCLDSTOP as u64
    | sa::SA_NOCLDWAIT as u64
    | sa::SA_RESTART as u64
    | sa::SA_RESETHAND as u64;

/// What happens on a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Action {
    handler: u32,
    flags: u64,
    restorer: u32,
    /// What the handler blocks.
    pub mask: Set,
}

impl Action {
    /// The guest's structure, without what Linux does not take over.
    fn new(action: &guest::k_sigaction) -> Action {
        Action {
            handler: action.sa_handler,
            flags: action.sa_flags & KNOWN,
            restorer: action.sa_restorer,
            mask: Set(action.sa_mask).blockable(),
        }
    }

    /// As the guest sees it.
    fn to_guest(self) -> guest::k_sigaction {
        let mut action = guest::k_sigaction::zeroed();
        action.sa_handler = self.handler;
        action.sa_flags = self.flags;
        action.sa_restorer = self.restorer;
        action.sa_mask = self.mask.bits();
        action
    }

    /// What is to be done.
    pub fn disposition(self) -> Disposition {
        match self.handler {
            SIG_DFL => Disposition::Default,
            SIG_IGN => Disposition::Ignore,
            index => Disposition::Handler(index),
        }
    }

    fn has(self, flag: i64) -> bool {
        self.flags & flag as u64 != 0
    }

    /// Whether the handler can be interrupted by its own signal.
    pub fn defers_not(self) -> bool {
        self.has(sa::SA_NODEFER)
    }

    /// Whether the action is the default again as soon as the handler begins.
    pub fn resets(self) -> bool {
        self.has(sa::SA_RESETHAND)
    }

    /// Whether the handler runs on the stack for handlers.
    pub fn on_stack(self) -> bool {
        self.has(sa::SA_ONSTACK)
    }
}

/// An action in two copies, so that a signal handler can read one while the other is written.
#[derive(Default)]
struct Slot {
    /// How often it was written; the copy of its lowest bit counts.
    writes: AtomicU32,
    copies: [Copy; 2],
}

#[derive(Default)]
struct Copy {
    handler: AtomicU32,
    restorer: AtomicU32,
    flags: AtomicU64,
    mask: AtomicU64,
}

impl Slot {
    /// The action. Async-signal-safe: it is read again only if others have written it twice.
    fn get(&self) -> Action {
        loop {
            let writes = self.writes.load(Ordering::Acquire);
            let copy = &self.copies[writes as usize % 2];
            let action = Action {
                handler: copy.handler.load(Ordering::Relaxed),
                flags: copy.flags.load(Ordering::Relaxed),
                restorer: copy.restorer.load(Ordering::Relaxed),
                mask: Set(copy.mask.load(Ordering::Relaxed)),
            };
            fence(Ordering::Acquire);
            if self.writes.load(Ordering::Relaxed) == writes {
                return action;
            }
        }
    }

    /// Sets the action. The caller holds the lock for writing.
    fn set(&self, action: Action) {
        let writes = self.writes.load(Ordering::Relaxed).wrapping_add(1);
        let copy = &self.copies[writes as usize % 2];
        fence(Ordering::Release);
        copy.handler.store(action.handler, Ordering::Relaxed);
        copy.flags.store(action.flags, Ordering::Relaxed);
        copy.restorer.store(action.restorer, Ordering::Relaxed);
        copy.mask.store(action.mask.bits(), Ordering::Relaxed);
        self.writes.store(writes, Ordering::Release);
    }
}

/// What happens on each signal. The kernel has the last word on whether there is a handler:
/// it knows what was inherited, and resets handlers under `SA_RESETHAND`. For signals of
/// faults, which always have the runtime's handler, the table alone counts.
pub struct Actions {
    slots: [Slot; signal::COUNT as usize],
    /// Signals of faults that the guest ignores when they are sent.
    ignored_faults: AtomicU64,
    writing: Mutex<()>,
}

impl fmt::Debug for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Actions").finish_non_exhaustive()
    }
}

/// Whether there is such a signal.
fn exists(signal: c_int) -> bool {
    (1..=signal::COUNT).contains(&signal)
}

impl Actions {
    /// The actions that this process was started with: defaults, or signals ignored.
    pub fn inherited() -> Actions {
        let actions = Actions {
            slots: [const { Slot::new() }; signal::COUNT as usize],
            ignored_faults: AtomicU64::new(0),
            writing: Mutex::new(()),
        };
        for signal in [signals::SIGSEGV, signals::SIGBUS] {
            if crate::fault::was_ignored(signal) {
                actions.set_fault(
                    signal,
                    Action {
                        handler: SIG_IGN,
                        ..Action::default()
                    },
                );
            }
        }
        actions
    }

    /// Sets the action of a fault's signal. The caller holds the lock for writing.
    fn set_fault(&self, signal: c_int, action: Action) {
        self.slot(signal).set(action);
        let bit = Set::of(signal).bits();
        match action.disposition() {
            Disposition::Ignore => self.ignored_faults.fetch_or(bit, Ordering::Relaxed),
            _ => self.ignored_faults.fetch_and(!bit, Ordering::Relaxed),
        };
    }

    /// Signals of faults that the guest ignores when they are sent. Async-signal-safe.
    #[inline]
    pub fn ignored_faults(&self) -> Set {
        Set(self.ignored_faults.load(Ordering::Relaxed))
    }

    fn slot(&self, signal: c_int) -> &Slot {
        &self.slots[signal as usize - 1]
    }

    /// What happens on a signal, as far as the table knows. Async-signal-safe.
    pub fn get(&self, signal: c_int) -> Action {
        self.slot(signal).get()
    }

    /// The lock for writing, also to be held across a fork.
    pub fn lock(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the action of a fault's signal the default one.
    pub fn reset(&self, signal: c_int) {
        let _lock = self.lock();
        let action = self.get(signal);
        self.set_fault(
            signal,
            Action {
                handler: SIG_DFL,
                ..action
            },
        );
    }
}

impl Slot {
    const fn new() -> Slot {
        const fn copy() -> Copy {
            Copy {
                handler: AtomicU32::new(0),
                restorer: AtomicU32::new(0),
                flags: AtomicU64::new(0),
                mask: AtomicU64::new(0),
            }
        }
        Slot {
            writes: AtomicU32::new(0),
            copies: [copy(), copy()],
        }
    }
}

/// The kernel's action for a signal, set if there is a new one; the one before.
fn kernel(signal: c_int, new: Option<&host::k_sigaction>) -> Result<host::k_sigaction, Errno> {
    let number = number::rt_sigaction.ok_or(Errno(errno::ENOSYS))?;
    let mut old = host::k_sigaction::zeroed();
    let address = new.map_or(0, |new| core::ptr::from_ref(new) as usize);
    let place = core::ptr::from_mut(&mut old) as usize;
    // SAFETY: the addresses are live locals' or null, and the handler is async-signal-safe.
    let result = unsafe { syscall::syscall4(number, signal as usize, address, place, Set::BYTES) };
    if result < 0 {
        return Err(Errno(-result as i32));
    }
    Ok(old)
}

/// What the kernel is told: our handler in place of the guest's.
fn for_kernel(action: Action) -> host::k_sigaction {
    let mut new = host::k_sigaction::zeroed();
    new.sa_flags = action.flags & KERNEL;
    new.sa_handler = match action.disposition() {
        Disposition::Default => libc::SIG_DFL as u64,
        Disposition::Ignore => libc::SIG_IGN as u64,
        Disposition::Handler(_) => {
            new.sa_flags |= sa::SA_SIGINFO as u64;
            new.sa_mask = u64::MAX;
            arrival::handler() as u64
        }
    };
    signal::set_restorer(&mut new);
    new
}

impl Signals {
    /// rt_sigaction(2) without its structures' way to the guest.
    ///
    /// # Errors
    /// `EINVAL`.
    pub fn action(
        &self,
        signal: c_int,
        new: Option<&guest::k_sigaction>,
    ) -> Result<guest::k_sigaction, Errno> {
        let fixed = [signals::SIGKILL, signals::SIGSTOP].contains(&signal);
        if !exists(signal) || (new.is_some() && fixed) {
            return Err(Errno(errno::EINVAL));
        }
        let actions = self.actions();
        let _lock = actions.lock();
        let slot = actions.slot(signal);
        let mut old = slot.get();
        let new = new.map(Action::new);
        if FAULTS.contains(signal) {
            if let Some(new) = new {
                actions.set_fault(signal, new);
                let restarts = new.has(sa::SA_RESTART) && self.leaves_faults();
                crate::fault::set_restarting(signal, restarts);
                if new.disposition() == Disposition::Ignore {
                    self.discard(signal);
                }
            }
            return Ok(old.to_guest());
        }
        // Our handler finds the new function from here on; without a new one, the old.
        let handled = new.filter(|new| matches!(new.disposition(), Disposition::Handler(_)));
        if let Some(new) = handled {
            slot.set(new);
        }
        let before = kernel(signal, new.map(for_kernel).as_ref())?;
        if let Some(new) = new {
            slot.set(new);
        }
        if before.sa_handler == libc::SIG_DFL as u64 {
            old.handler = SIG_DFL;
        } else if before.sa_handler == libc::SIG_IGN as u64 {
            old.handler = SIG_IGN;
        }
        Ok(old.to_guest())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_gives_what_was_set_last() {
        let slot = Slot::new();
        assert_eq!(slot.get(), Action::default());
        for handler in 1..5 {
            let action = Action {
                handler,
                flags: KNOWN,
                restorer: 7,
                mask: Set(9),
            };
            slot.set(action);
            assert_eq!(slot.get(), action);
        }
    }

    #[test]
    fn flags_that_linux_does_not_know_are_forgotten() {
        let mut given = guest::k_sigaction::zeroed();
        given.sa_flags = u64::MAX;
        given.sa_mask = u64::MAX;
        let action = Action::new(&given);
        assert!(!action.has(sa::SA_UNSUPPORTED));
        assert!(action.resets() && action.defers_not() && action.on_stack());
        assert!(!action.mask.contains(signals::SIGKILL));
    }
}
