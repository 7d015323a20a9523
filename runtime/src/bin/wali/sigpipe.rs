//! The disposition of `SIGPIPE` that this process was started with. Rust's runtime makes
//! it ignored before `main`; a guest must find what a native program would have found.

use std::sync::atomic::{AtomicBool, Ordering};

static WAS_IGNORED: AtomicBool = AtomicBool::new(false);

/// Runs before Rust's own start-up.
#[used]
#[unsafe(link_section = ".init_array")]
static REMEMBER: extern "C" fn() = {
    extern "C" fn remember() {
        // SAFETY: a zeroed action is a valid place for the kernel's answer, and asking
        // changes nothing.
        let ignored = unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            libc::sigaction(libc::SIGPIPE, std::ptr::null(), &mut action) == 0
                && action.sa_sigaction == libc::SIG_IGN
        };
        WAS_IGNORED.store(ignored, Ordering::Relaxed);
    }
    remember
};

/// Gives `SIGPIPE` back the disposition that the process was started with.
pub fn restore() {
    if !WAS_IGNORED.load(Ordering::Relaxed) {
        // SAFETY: the default action needs no handler.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    }
}

/// Ignores `SIGPIPE`, for messages after the guest has run: a reader that is gone must not
/// change how this process ends.
pub fn ignore() {
    // SAFETY: ignoring needs no handler.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
}
