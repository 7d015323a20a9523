//! Raw system calls, and the interruptible one.

use crate::isa;

macro_rules! raw {
    ($($name:ident($($arg:ident),*);)*) => { $(
        /// Makes a system call; the result is the kernel's own, negative errors included.
        ///
        /// # Safety
        /// The call's effects are the caller's responsibility: addresses among the
        /// arguments must be valid for what the kernel does with them.
        #[inline(always)]
        pub unsafe fn $name(number: usize $(, $arg: usize)*) -> isize {
            // SAFETY: the caller's contract is the callee's.
            unsafe { isa::$name(number $(, $arg)*) }
        }
    )* };
}

raw! {
    syscall0();
    syscall1(a);
    syscall2(a, b);
    syscall3(a, b, c);
    syscall4(a, b, c, d);
    syscall5(a, b, c, d, e);
    syscall6(a, b, c, d, e, f);
}

/// What [`syscall_checked`] returns when the call was not made.
pub const NOT_MADE: isize = isize::MIN;

/// Makes a system call unless `*flag` is nonzero, and without a gap between the test
/// and the call: a signal handler that sets the flag while the program counter lies in
/// [`checked_range`] must move it to [`checked_exit`], and the result is [`NOT_MADE`].
///
/// # Safety
/// `flag` and `args` are readable; otherwise as for the raw calls.
#[inline]
pub unsafe fn syscall_checked(flag: *const u32, number: usize, args: &[usize; 6]) -> isize {
    // SAFETY: the caller's contract is the callee's.
    unsafe { isa::syscall_checked(flag, number, args) }
}

/// The instructions of [`syscall_checked`] from the test of the flag up to the system
/// call, during which the call has not been made yet.
pub fn checked_range() -> core::ops::Range<usize> {
    isa::checked_range()
}

/// Where a signal handler sends a thread that it found in [`checked_range`].
pub fn checked_exit() -> usize {
    isa::checked_exit()
}
