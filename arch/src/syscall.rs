//! Raw system calls, and the interruptible one.

use crate::{assembly, isa};

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
    assembly::checked_range()
}

/// Where a signal handler sends a thread that it found in [`checked_range`].
pub fn checked_exit() -> usize {
    assembly::checked_exit()
}

#[cfg(all(test, wali_isa))]
mod signals;

#[cfg(all(test, wali_isa))]
mod tests {
    use super::*;
    use crate::fault::MachineContext;
    use crate::tables::number;
    use core::ffi::{c_int, c_void};
    use std::sync::atomic::{AtomicI32, AtomicU32, Ordering::SeqCst};
    use std::time::Duration;

    #[test]
    fn the_flag_decides_whether_the_call_is_made() {
        let getpid = number::getpid.unwrap();
        let args = [0; 6];
        // SAFETY: the call takes nothing and changes nothing.
        let (made, not_made) = unsafe {
            (
                syscall_checked(&0, getpid, &args),
                syscall_checked(&1, getpid, &args),
            )
        };
        assert_eq!(made, std::process::id() as isize);
        assert_eq!(not_made, NOT_MADE);
    }

    static FLAG: AtomicU32 = AtomicU32::new(0);
    static READER: AtomicI32 = AtomicI32::new(0);

    /// What an engine's handler does: raise the flag, and step out of the range.
    extern "C" fn interrupt(_: c_int, _: *mut libc::siginfo_t, context: *mut c_void) {
        FLAG.store(1, SeqCst);
        // SAFETY: the kernel passes a live ucontext.
        let mut machine = unsafe { MachineContext::new(context) };
        if checked_range().contains(&machine.pc()) {
            machine.set_pc(checked_exit());
        }
    }

    /// A thread blocked in a call whose handler asks for restart: the kernel goes back to the
    /// call instruction, which is inside the range, so the handler's step ends the call.
    #[test]
    fn a_signal_ends_a_blocked_call_that_the_kernel_would_restart() {
        let mut pipe = [0; 2];
        // SAFETY: a valid action with a handler that is async-signal-safe, and a live array.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) = interrupt;
            action.sa_sigaction = handler as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
            assert_eq!(
                libc::sigaction(libc::SIGUSR1, &action, std::ptr::null_mut()),
                0
            );
            assert_eq!(libc::pipe(pipe.as_mut_ptr()), 0);
        }
        let reader = std::thread::spawn(move || {
            // SAFETY: asks for a number.
            READER.store(unsafe { libc::gettid() }, SeqCst);
            let mut byte = 0u8;
            let args = [pipe[0] as usize, &raw mut byte as usize, 1, 0, 0, 0];
            // SAFETY: one byte of a live local is read into, if anything.
            unsafe { syscall_checked(FLAG.as_ptr(), number::read.unwrap(), &args) }
        });
        while READER.load(SeqCst) == 0 {
            std::thread::yield_now();
        }
        // Blocked by now, most likely; the outcome is the same if it is not.
        std::thread::sleep(Duration::from_millis(100));
        let (tgkill, process) = (number::tgkill.unwrap(), std::process::id() as usize);
        let (thread, signal) = (READER.load(SeqCst) as usize, libc::SIGUSR1 as usize);
        // SAFETY: the thread blocks or is about to, and handles the signal.
        assert_eq!(unsafe { syscall3(tgkill, process, thread, signal) }, 0);
        assert_eq!(reader.join().unwrap(), NOT_MADE);
    }
}
