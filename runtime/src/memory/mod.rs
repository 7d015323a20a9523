//! Linear memory: one reservation of address space that never moves, and the map of
//! what the guest has mapped inside it.

mod limits;
mod map;

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use limits::{Limit, Limits, Resource};
pub use map::{Backing, Break, Map, Object, Region, Traits};

/// Bytes in a Wasm page.
pub const WASM_PAGE: u64 = 1 << 16;

/// The guest's page size for calls that map memory, which the ABI fixes.
pub const PAGE: u64 = 4096;

/// Most pages a 32-bit memory can have.
const MAX_PAGES: u64 = 1 << 16;

/// Address space behind each memory: a 32-bit address plus a 32-bit offset or length,
/// plus the widest access, always falls inside, and where nothing is mapped it faults.
const RESERVED: usize = (8 << 30) + WASM_PAGE as usize;

/// The type of a linear memory, in Wasm pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryType {
    /// Pages at the start.
    pub min_pages: u64,
    /// Pages that growth may reach.
    pub max_pages: Option<u64>,
    /// Whether several threads may use it.
    pub shared: bool,
}

/// Why a memory could not be made.
#[derive(Debug)]
pub enum MemoryError {
    /// More pages than 32-bit addresses reach.
    TooLarge {
        /// The pages asked for.
        pages: u64,
    },
    /// The kernel refused the address space or the initial pages.
    Refused(io::Error),
}

impl fmt::Display for MemoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MemoryError::TooLarge { pages } => write!(
                f,
                "a memory of {pages} pages does not fit 32-bit addresses ({MAX_PAGES} pages at most)"
            ),
            MemoryError::Refused(error) => write!(
                f,
                "cannot reserve {} GiB of address space for linear memory: {error}. \
                 Nearly all of it stays unused, but a hard limit (`ulimit -H -v`) below that \
                 does not let it be reserved: raise it, and limit the guest by \
                 `ulimit -S -v`, which holds for the guest alone",
                RESERVED >> 30
            ),
        }
    }
}

impl std::error::Error for MemoryError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            MemoryError::TooLarge { .. } => None,
            MemoryError::Refused(error) => Some(error),
        }
    }
}

/// A linear memory; clones share it.
#[derive(Clone)]
pub struct Memory(Arc<Inner>);

struct Inner {
    reservation: Reservation,
    ty: MemoryType,
    /// Bytes that count as in bounds; only ever grows. Pages below it may still be
    /// inaccessible, if the guest unmapped or protected them.
    size: AtomicU64,
    map: Mutex<Map>,
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("base", &self.base())
            .field("size", &self.size())
            .field("type", &self.0.ty)
            .finish()
    }
}

impl Memory {
    /// Reserves the address space and makes the initial pages accessible, zeroed.
    pub fn new(ty: MemoryType) -> Result<Memory, MemoryError> {
        if ty.min_pages > MAX_PAGES {
            return Err(MemoryError::TooLarge {
                pages: ty.min_pages,
            });
        }
        let reservation = Reservation::new().map_err(MemoryError::Refused)?;
        let memory = Memory(Arc::new(Inner {
            reservation,
            ty,
            size: AtomicU64::new(0),
            map: Mutex::new(Map::default()),
        }));
        memory
            .try_grow(ty.min_pages)
            .map_err(MemoryError::Refused)?;
        // Address 0 is the null pointer even where there is no memory at first.
        let end = memory.size().max(WASM_PAGE);
        memory.map().brk = Break { start: end, end };
        Ok(memory)
    }

    /// The host address of guest address 0.
    #[inline]
    pub fn base(&self) -> *mut u8 {
        self.0.reservation.base
    }

    /// The size in bytes.
    #[inline]
    pub fn size(&self) -> u64 {
        self.0.size.load(Ordering::Acquire)
    }

    /// The size in Wasm pages.
    pub fn pages(&self) -> u64 {
        self.size() / WASM_PAGE
    }

    /// The type as declared; the size at present is [`Memory::pages`].
    pub fn ty(&self) -> MemoryType {
        self.0.ty
    }

    /// Whether both are the same memory.
    pub fn same(&self, other: &Memory) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Most bytes the memory may come to have.
    pub fn limit(&self) -> u64 {
        self.0.ty.max_pages.unwrap_or(MAX_PAGES).min(MAX_PAGES) * WASM_PAGE
    }

    /// Grows by `delta` Wasm pages of zeroes and returns the size before, in pages; none
    /// if the maximum or the host's memory does not allow it.
    pub fn grow(&self, delta: u64) -> Option<u64> {
        self.try_grow(delta).ok()
    }

    fn try_grow(&self, delta: u64) -> io::Result<u64> {
        let mut map = self.map();
        let old = self.size();
        let new = delta
            .checked_mul(WASM_PAGE)
            .and_then(|bytes| old.checked_add(bytes))
            .filter(|&new| new <= self.limit())
            .ok_or(io::ErrorKind::OutOfMemory)?;
        if new > old {
            if !map.has_room(new - old, &Region::HEAP) {
                return Err(io::ErrorKind::OutOfMemory.into());
            }
            self.0.reservation.make_accessible(old, new - old)?;
            map.insert(old, new, Region::HEAP);
            self.0.size.store(new, Ordering::Release);
        }
        Ok(old / WASM_PAGE)
    }

    /// The guest's mappings, locked.
    pub fn map(&self) -> MutexGuard<'_, Map> {
        // A panic while the lock is held would be a defect here; the map itself is
        // changed only after the kernel has agreed, so its contents stay usable.
        self.0.map.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts everything below `end` as in bounds. The caller holds the map's lock.
    pub(crate) fn cover(&self, _map: &mut Map, end: u64) {
        let size = end.next_multiple_of(WASM_PAGE);
        if size > self.size() {
            self.0.size.store(size, Ordering::Release);
        }
    }
}

/// Address space of [`RESERVED`] bytes, inaccessible until parts of it are mapped over,
/// and never unmapped before it is dropped: nothing of the host's can come to lie in it.
struct Reservation {
    base: *mut u8,
    whole: *mut libc::c_void,
    len: usize,
}

// SAFETY: the addresses stand for a range that only the kernel and guarded accesses
// touch; both may do so from any thread.
unsafe impl Send for Reservation {}
// SAFETY: as above; no reference to the contents is ever formed.
unsafe impl Sync for Reservation {}

impl Reservation {
    fn new() -> io::Result<Reservation> {
        let len = RESERVED + WASM_PAGE as usize;
        // SAFETY: a new mapping at an address of the kernel's choice touches nothing.
        let whole = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                len,
                libc::PROT_NONE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        if whole == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let align = whole.cast::<u8>().align_offset(WASM_PAGE as usize);
        Ok(Reservation {
            base: whole.cast::<u8>().wrapping_add(align),
            whole,
            len,
        })
    }

    fn make_accessible(&self, offset: u64, len: u64) -> io::Result<()> {
        // SAFETY: the range lies inside the reservation, since `limit` bounds it.
        let result = unsafe {
            libc::mprotect(
                self.base.wrapping_add(offset as usize).cast(),
                len as usize,
                libc::PROT_READ | libc::PROT_WRITE,
            )
        };
        if result == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        // SAFETY: the last owner is gone, so nothing uses the range any more.
        unsafe { libc::munmap(self.whole, self.len) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_its_maximum_and_not_beyond() {
        let memory = Memory::new(MemoryType {
            min_pages: 1,
            max_pages: Some(3),
            shared: true,
        })
        .unwrap();
        assert_eq!(memory.pages(), 1);
        assert_eq!(memory.grow(0), Some(1));
        assert_eq!(memory.grow(2), Some(1));
        assert_eq!(memory.grow(1), None);
        assert_eq!(memory.grow(u64::MAX), None);
        assert_eq!(memory.pages(), 3);
        let last = memory.base().wrapping_add(3 * WASM_PAGE as usize - 1);
        let mut byte = [7u8];
        crate::fault::install();
        // SAFETY: one byte inside the memory, and one beyond it that faults.
        unsafe {
            wali_arch::access::copy(byte.as_mut_ptr(), last, 1).unwrap();
            assert_eq!(byte, [0]);
            let beyond = last.wrapping_add(1);
            let fault = wali_arch::access::copy(byte.as_mut_ptr(), beyond, 1).unwrap_err();
            assert_eq!(fault.address, beyond as usize);
        }
    }

    #[test]
    fn too_large_is_an_error() {
        let ty = MemoryType {
            min_pages: 65537,
            max_pages: None,
            shared: false,
        };
        let error = Memory::new(ty).unwrap_err().to_string();
        assert!(error.contains("65537 pages"), "{error}");
    }
}
