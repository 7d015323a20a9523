//! What differs by ISA in the handling of signals.

use core::ffi::c_void;

use crate::isa;
use crate::layout::host;

/// Signals that a kernel knows: a bit of `sigset_t` for each.
pub const COUNT: i32 = u64::BITS as i32;

/// Names the code that a handler returns to, on ISAs whose kernel wants to be told.
pub fn set_restorer(action: &mut host::k_sigaction) {
    isa::set_restorer(action);
}

/// The mask that the interrupted code will have again, in a signal handler's third argument.
/// libc's type is wider than what the kernel lays out, which is 64 bits.
///
/// # Safety
/// `context` is the third argument of a running `SA_SIGINFO` handler.
pub unsafe fn interrupted_mask(context: *mut c_void) -> *mut u64 {
    // SAFETY: a place in a live ucontext.
    unsafe { (&raw mut (*context.cast::<libc::ucontext_t>()).uc_sigmask).cast() }
}
