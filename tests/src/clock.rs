//! Time in which other processes do not count.

use std::time::Duration;

/// Processor time that the calling thread has used.
pub fn used() -> Duration {
    // SAFETY: a timespec of zeros is one, and the call writes it.
    let now = unsafe {
        let mut now: libc::timespec = std::mem::zeroed();
        libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut now);
        now
    };
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}
