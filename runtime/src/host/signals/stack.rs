//! The stack for signal handlers, which is a matter between guest and runtime.

use wali_arch::flags::{errno, sigaltstack_flags as ss, signal_sizes};
use wali_arch::layout::{Plain, guest};

use crate::host::abi::Errno;

// The field is an int, of which one flag is the sign.
const ONSTACK: i32 = ss::SS_ONSTACK as i32;
const DISABLE: i32 = ss::SS_DISABLE as i32;
const AUTODISARM: i32 = ss::SS_AUTODISARM as i32;

/// Where handlers with `SA_ONSTACK` have their stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AltStack {
    base: u32,
    size: u32,
    flags: i32,
}

impl Default for AltStack {
    /// None.
    fn default() -> AltStack {
        AltStack {
            base: 0,
            size: 0,
            flags: 0,
        }
    }
}

impl AltStack {
    /// Where it begins, growing downwards, if there is one.
    pub fn top(self) -> Option<u32> {
        (self.size > 0).then(|| self.base.wrapping_add(self.size))
    }

    /// Its lowest address.
    pub fn base(self) -> u32 {
        self.base
    }

    /// Whether a stack pointer is on it. One that disarms itself is not there any more when
    /// somebody is on it.
    pub fn holds(self, sp: u32) -> bool {
        self.flags & AUTODISARM == 0 && sp > self.base && sp.wrapping_sub(self.base) <= self.size
    }

    /// Whether it is not to be used by those whom a handler on it is interrupted by.
    pub fn disarms(self) -> bool {
        self.flags & AUTODISARM != 0
    }

    /// None, in the place of one that disarmed itself.
    pub const DISARMED: AltStack = AltStack {
        base: 0,
        size: 0,
        flags: DISABLE,
    };

    /// As it was asked for.
    pub fn as_set(self) -> guest::sigaltstack {
        let mut stack = guest::sigaltstack::zeroed();
        (stack.ss_sp, stack.ss_size, stack.ss_flags) = (self.base, self.size, self.flags);
        stack
    }

    /// As the guest sees it, its stack pointer being there.
    pub fn to_guest(self, sp: u32) -> guest::sigaltstack {
        let state = if self.size == 0 {
            DISABLE
        } else if self.holds(sp) {
            ONSTACK
        } else {
            0
        };
        let mut stack = guest::sigaltstack::zeroed();
        stack.ss_sp = self.base;
        stack.ss_size = self.size;
        stack.ss_flags = state | (self.flags & AUTODISARM);
        stack
    }

    /// What the guest asks for, its stack pointer being there.
    ///
    /// # Errors
    /// As Linux's, in its order.
    pub fn change(self, sp: u32, new: &guest::sigaltstack) -> Result<AltStack, Errno> {
        if self.holds(sp) {
            return Err(Errno(errno::EPERM));
        }
        let mode = new.ss_flags & !AUTODISARM;
        if ![0, ONSTACK, DISABLE].contains(&mode) {
            return Err(Errno(errno::EINVAL));
        }
        let mut changed = AltStack {
            base: new.ss_sp,
            size: new.ss_size,
            flags: new.ss_flags,
        };
        if mode == DISABLE {
            (changed.base, changed.size) = (0, 0);
        } else if changed.size < signal_sizes::MINSIGSTKSZ as u32 {
            return Err(Errno(errno::ENOMEM));
        }
        Ok(changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(base: u32, size: u32, flags: i32) -> guest::sigaltstack {
        let mut stack = guest::sigaltstack::zeroed();
        (stack.ss_sp, stack.ss_size, stack.ss_flags) = (base, size, flags);
        stack
    }

    #[test]
    fn refuses_what_linux_refuses() {
        let none = AltStack::default();
        let small = none.change(0, &request(4096, 2047, 0));
        assert_eq!(small, Err(Errno(errno::ENOMEM)));
        let odd = none.change(0, &request(4096, 8192, 4));
        assert_eq!(odd, Err(Errno(errno::EINVAL)));
        let stack = none.change(0, &request(4096, 8192, 0)).unwrap();
        let on = stack.change(8000, &request(0, 0, DISABLE));
        assert_eq!(on, Err(Errno(errno::EPERM)));
        assert_eq!(stack.to_guest(8000).ss_flags, ONSTACK);
        assert_eq!(stack.to_guest(80).ss_flags, 0);
        assert_eq!(none.to_guest(80).ss_flags, DISABLE);
    }
}
