//! What this process was started with and Rust's start-up changes before `main`: it ignores
//! `SIGPIPE`, and opens standard streams that were closed. A guest must find what a native
//! program would have found.

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, Ordering};

static IGNORED_SIGPIPE: AtomicBool = AtomicBool::new(false);
static CLOSED: [AtomicBool; 3] = [const { AtomicBool::new(false) }; 3];

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
        IGNORED_SIGPIPE.store(ignored, Ordering::Relaxed);
        for (fd, closed) in (0..).zip(&CLOSED) {
            // SAFETY: asks about a number.
            let is_closed = unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0;
            closed.store(is_closed, Ordering::Relaxed);
        }
    }
    remember
};

/// Whether a standard stream was closed when the process was started.
fn was_closed(fd: RawFd) -> bool {
    CLOSED
        .get(fd as usize)
        .is_some_and(|closed| closed.load(Ordering::Relaxed))
}

/// Has a descriptor count as closed when the process was started.
pub fn count_as_closed(fd: RawFd) {
    if let Some(closed) = CLOSED.get(fd as usize) {
        closed.store(true, Ordering::Relaxed);
    }
}

/// Gives the guest what the process was started with: the disposition of `SIGPIPE`, and no
/// standard streams that were not there.
pub fn restore() {
    if !IGNORED_SIGPIPE.load(Ordering::Relaxed) {
        // SAFETY: the default action needs no handler.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    }
    for fd in (0..3).filter(|&fd| was_closed(fd)) {
        // SAFETY: nobody has opened the descriptor but Rust's start-up, which does not use it.
        unsafe { libc::close(fd) };
    }
}

/// Ignores `SIGPIPE`, for messages after the guest has run: a reader that is gone must not
/// change how this process ends.
pub fn ignore_sigpipe() {
    // SAFETY: ignoring needs no handler.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
}
