//! A timer whose signal asks for the hook of the instance that runs on this thread, wherever it is.

use std::cell::Cell;
use std::mem::zeroed;
use std::ptr::{null, null_mut};
use std::sync::{Arc, Once, OnceLock};

use wali_runtime::interp::InterruptHandle;

/// Nanoseconds between two signals.
const INTERVAL: i64 = 50_000;

thread_local! {
    /// Whom signals are for, once it is there; null while there is no timer.
    static HANDLE: Cell<*const OnceLock<InterruptHandle>> = const { Cell::new(null()) };
}

/// A timer of this thread, which has no other.
#[derive(Debug)]
pub struct Ticks {
    timer: libc::timer_t,
    /// What `HANDLE` points to.
    _handle: Arc<OnceLock<InterruptHandle>>,
}

fn signal() -> libc::c_int {
    libc::SIGRTMIN() + 5
}

extern "C" fn tick(_: libc::c_int) {
    let handle = HANDLE.get();
    // SAFETY: null or what this thread's `Ticks` keeps alive. Looking into it is a load, and handles
    // may be used in signal handlers.
    if let Some(handle) = unsafe { handle.as_ref() }.and_then(OnceLock::get) {
        handle.request_hook();
    }
}

/// Has this thread get signals, which are for that handle as soon as it is there.
///
/// # Panics
/// If there can be no timer.
pub fn start(handle: Arc<OnceLock<InterruptHandle>>) -> Ticks {
    HANDLE.set(Arc::as_ptr(&handle));
    static INSTALLED: Once = Once::new();
    // SAFETY: plain calls of the kernel's, with structures that are theirs; the handler's code is
    // fit for one.
    unsafe {
        INSTALLED.call_once(|| {
            let mut action: libc::sigaction = zeroed();
            action.sa_sigaction = tick as *const () as usize;
            action.sa_flags = libc::SA_RESTART;
            assert_eq!(libc::sigaction(signal(), &action, null_mut()), 0);
        });
        let mut event: libc::sigevent = zeroed();
        event.sigev_notify = libc::SIGEV_THREAD_ID;
        event.sigev_signo = signal();
        event.sigev_notify_thread_id = libc::gettid();
        let mut timer = null_mut();
        let made = libc::timer_create(libc::CLOCK_MONOTONIC, &mut event, &mut timer);
        assert_eq!(made, 0, "{}", std::io::Error::last_os_error());
        let mut times: libc::itimerspec = zeroed();
        times.it_interval.tv_nsec = INTERVAL;
        times.it_value.tv_nsec = INTERVAL;
        assert_eq!(libc::timer_settime(timer, 0, &times, null_mut()), 0);
        Ticks {
            timer,
            _handle: handle,
        }
    }
}

impl Drop for Ticks {
    fn drop(&mut self) {
        HANDLE.set(null());
        // SAFETY: it is this one's.
        unsafe { libc::timer_delete(self.timer) };
    }
}
