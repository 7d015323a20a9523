//! The guest stack: mapped memory of its own, touched lazily, with a guard behind it.

use std::io;

/// Inaccessible bytes behind a stack. Every call checks the stack's end, so that nothing
/// should ever get here; if something does, it stops.
const GUARD: usize = 1 << 16;

/// Bytes kept back for handlers of the stack's overflow, of small stacks an eighth.
const RESERVE: usize = 1 << 18;

/// A stack of slots, growing upwards.
#[derive(Debug)]
pub(crate) struct GuestStack {
    base: *mut u8,
    bytes: usize,
}

impl GuestStack {
    /// A stack of at least `bytes` bytes.
    pub fn new(bytes: usize) -> io::Result<GuestStack> {
        let bytes = bytes.next_multiple_of(GUARD);
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        let null = std::ptr::null_mut();
        // SAFETY: asks for new memory, and then for access to a part of it.
        unsafe {
            let base = libc::mmap(null, bytes + GUARD, libc::PROT_NONE, flags, -1, 0);
            if base == libc::MAP_FAILED {
                return Err(io::Error::last_os_error());
            }
            let stack = GuestStack {
                base: base.cast(),
                bytes,
            };
            if libc::mprotect(base, bytes, libc::PROT_READ | libc::PROT_WRITE) != 0 {
                return Err(io::Error::last_os_error());
            }
            Ok(stack)
        }
    }

    /// The first slot.
    pub fn base(&self) -> *mut u64 {
        self.base.cast()
    }

    /// The address behind what is used as long as there is no overflow to be handled.
    pub fn limit_without_reserve(&self) -> usize {
        self.limit() - RESERVE.min(self.bytes / 8)
    }

    /// The address behind the last slot.
    pub fn limit(&self) -> usize {
        self.base as usize + self.bytes
    }
}

impl Drop for GuestStack {
    fn drop(&mut self) {
        // SAFETY: this is the mapping that `new` made, and nothing refers to it any more.
        unsafe { libc::munmap(self.base.cast(), self.bytes + GUARD) };
    }
}
