//! Sets of signals, and the kernel's mask.

use std::ffi::c_int;
use std::ops::{BitAnd, BitOr, Not, Sub};

use wali_arch::flags::{signals, sigprocmask_how};
use wali_arch::tables::number;
use wali_arch::{signal, syscall};

/// A set of signals, as the kernel has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Set(pub u64);

/// The signals that faults raise: the runtime's own, in the kernel's mask never blocked.
pub const FAULTS: Set = Set(bit(signals::SIGSEGV) | bit(signals::SIGBUS));

/// What nobody can block.
const UNBLOCKABLE: Set = Set(bit(signals::SIGKILL) | bit(signals::SIGSTOP));

/// None for a number that is no signal: guests may give any.
const fn bit(signal: c_int) -> u64 {
    match signal {
        1..=signal::COUNT => 1 << (signal - 1),
        _ => 0,
    }
}

impl Set {
    /// Bytes of a set.
    pub const BYTES: usize = size_of::<u64>();

    /// The set with one signal.
    pub const fn of(signal: c_int) -> Set {
        Set(bit(signal))
    }

    /// As a word.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Whether a signal is in it.
    pub const fn contains(self, signal: c_int) -> bool {
        self.0 & bit(signal) != 0
    }

    /// Whether there is none in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Without those in another set.
    pub const fn without(self, other: Set) -> Set {
        Set(self.0 & !other.0)
    }

    /// Without what cannot be blocked.
    pub const fn blockable(self) -> Set {
        self.without(UNBLOCKABLE)
    }

    /// Its signals, the lowest first.
    pub fn iter(self) -> impl Iterator<Item = c_int> {
        let mut left = self;
        std::iter::from_fn(move || {
            let signal = left.first()?;
            left = left.without(Set::of(signal));
            Some(signal)
        })
    }

    /// Its lowest signal.
    pub fn first(self) -> Option<c_int> {
        (self.0 != 0).then(|| self.0.trailing_zeros() as c_int + 1)
    }
}

impl BitOr for Set {
    type Output = Set;
    fn bitor(self, other: Set) -> Set {
        Set(self.0 | other.0)
    }
}

impl BitAnd for Set {
    type Output = Set;
    fn bitand(self, other: Set) -> Set {
        Set(self.0 & other.0)
    }
}

impl Sub for Set {
    type Output = Set;
    fn sub(self, other: Set) -> Set {
        self.without(other)
    }
}

impl Not for Set {
    type Output = Set;
    fn not(self) -> Set {
        Set(!self.0)
    }
}

/// Sets the calling thread's mask in the kernel; the one before. Async-signal-safe.
pub fn set_kernel_mask(mask: Set) -> Set {
    change(sigprocmask_how::SIG_SETMASK, Some(mask))
}

/// The calling thread's mask in the kernel.
pub fn kernel_mask() -> Set {
    change(sigprocmask_how::SIG_SETMASK, None)
}

/// Has the kernel block more signals.
pub fn block_in_kernel(more: Set) {
    change(sigprocmask_how::SIG_BLOCK, Some(more));
}

/// Has the kernel block these signals no longer.
pub fn unblock_in_kernel(these: Set) {
    change(sigprocmask_how::SIG_UNBLOCK, Some(these));
}

fn change(how: i32, mask: Option<Set>) -> Set {
    let mut before = 0u64;
    let new = mask
        .as_ref()
        .map_or(0, |mask| core::ptr::from_ref(mask) as usize);
    if let Some(number) = number::rt_sigprocmask {
        // SAFETY: both addresses are live locals' or null; the call cannot fail.
        unsafe {
            syscall::syscall4(
                number,
                how as usize,
                new,
                core::ptr::from_mut(&mut before) as usize,
                Set::BYTES,
            )
        };
    }
    Set(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_bits() {
        let set = Set::of(1) | Set::of(64);
        assert!(set.contains(1) && set.contains(64) && !set.contains(2));
        assert_eq!((set - Set::of(1)).first(), Some(64));
        assert_eq!(Set::default().first(), None);
        for other in [0, -1, 65, 64 + 11, i32::MIN, i32::MAX] {
            assert_eq!(Set::of(other), Set::default());
            assert!(!(!Set::default()).contains(other));
        }
        assert!(!(!Set::default()).blockable().contains(signals::SIGKILL));
    }
}
