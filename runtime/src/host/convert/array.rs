//! Arrays of structures on their way between guest and kernel.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use wali_arch::flags::{errno, io_limits};
use wali_arch::layout::{Convert, Plain};

use crate::host::abi::{Errno, GuestMemory};

/// Bytes that go to the kernel without a heap allocation: eight `iovec`s.
const IN: usize = 128;

/// Bytes that come from it likewise: sixty-four events.
const OUT: usize = 1024;

/// Elements copied at once.
const CHUNK: usize = 8;

/// Most elements that the kernel takes of any structure that it reads.
const MOST: u64 = io_limits::UIO_MAXIOV as u64;

/// Room for structures, all zero at first: `INLINE` bytes in place, more on the heap.
pub(crate) struct Room<T, const INLINE: usize> {
    inline: Inline<INLINE>,
    heap: Option<NonNull<T>>,
    count: usize,
    holds: PhantomData<T>,
}

/// As aligned as any structure of the kernel's.
#[repr(C, align(16))]
struct Inline<const SIZE: usize>([MaybeUninit<u8>; SIZE]);

impl<T: Plain, const INLINE: usize> Room<T, INLINE> {
    /// Room for `count` of them.
    ///
    /// # Errors
    /// `ENOMEM`.
    #[inline]
    pub(crate) fn new(count: usize) -> Result<Self, Errno> {
        const { assert!(align_of::<T>() <= align_of::<Inline<INLINE>>()) };
        let mut room = Room {
            inline: Inline([const { MaybeUninit::uninit() }; INLINE]),
            heap: None,
            count,
            holds: PhantomData,
        };
        match count.checked_mul(size_of::<T>()) {
            Some(size) if size <= INLINE => {
                room.inline.0[..size].fill(MaybeUninit::new(0));
            }
            _ => room.heap = Some(heap(count)?),
        }
        Ok(room)
    }

    /// Where they are, good while `self` stays where it is.
    #[inline]
    pub(crate) fn address(&mut self) -> *mut T {
        match self.heap {
            Some(heap) => heap.as_ptr(),
            None => self.inline.0.as_mut_ptr().cast(),
        }
    }

    /// All of them.
    #[inline]
    pub(crate) fn slice(&mut self) -> &mut [T] {
        let (first, count) = (self.address(), self.count);
        // SAFETY: that many lie there, aligned; zeros and what the kernel wrote are values of a
        // `Plain` type; and `self` is borrowed for as long.
        unsafe { core::slice::from_raw_parts_mut(first, count) }
    }
}

/// Zeros, of which the untouched ones cost address space only.
#[cold]
fn heap<T>(count: usize) -> Result<NonNull<T>, Errno> {
    let no_memory = Errno(errno::ENOMEM);
    let layout = Layout::array::<T>(count).map_err(|_| no_memory)?;
    // SAFETY: more than what fits in place is not empty.
    NonNull::new(unsafe { alloc_zeroed(layout) }.cast()).ok_or(no_memory)
}

impl<T, const INLINE: usize> Drop for Room<T, INLINE> {
    #[inline]
    fn drop(&mut self) {
        if let (Some(heap), Ok(layout)) = (self.heap, Layout::array::<T>(self.count)) {
            // SAFETY: allocated with this layout, and ours.
            unsafe { dealloc(heap.as_ptr().cast(), layout) };
        }
    }
}

/// The address of an element of the guest's.
#[inline]
fn element<T>(at: u32, index: usize) -> Option<u32> {
    let offset = u32::try_from(index * size_of::<T>()).ok()?;
    at.checked_add(offset)
}

/// Copies `count` structures from the guest; none if some cannot be read, or if they are more
/// than the kernel takes.
#[inline]
fn copy<T: Convert>(
    memory: GuestMemory,
    at: u32,
    count: u64,
) -> Result<Option<Room<T::Host, IN>>, Errno> {
    if count > MOST {
        return Ok(None);
    }
    let mut room = Room::<T::Host, IN>::new(count as usize)?;
    let mut chunk = [T::zeroed(); CHUNK];
    for (index, places) in room.slice().chunks_mut(CHUNK).enumerate() {
        let chunk = &mut chunk[..places.len()];
        let from = element::<T>(at, index * CHUNK);
        if from.is_none_or(|from| memory.read_plains(from, chunk).is_err()) {
            return Ok(None);
        }
        for (place, guest) in places.iter_mut().zip(&*chunk) {
            let address = &mut |at, len| Ok::<_, Errno>(memory.address(at, len));
            match guest.to_host(address) {
                Ok(host) => *place = host,
                Err(_) => return Ok(None),
            }
        }
    }
    Ok(Some(room))
}

/// What the kernel is given for structures.
enum Source<H, const INLINE: usize> {
    /// An address: the guest's own bytes, null, or nowhere.
    Address(usize),
    /// Copies.
    Copies(Room<H, INLINE>),
}

impl<H: Plain, const INLINE: usize> Source<H, INLINE> {
    #[inline]
    fn straight<T>(memory: GuestMemory, at: u32, count: u64) -> Self {
        let extent = count.saturating_mul(size_of::<T>() as u64);
        Source::Address(memory.address(at, extent))
    }

    #[inline]
    fn word(&mut self) -> usize {
        match self {
            Source::Address(address) => *address,
            Source::Copies(room) => room.address() as usize,
        }
    }
}

/// Structures that the kernel reads, in an array.
pub struct InArray<T: Convert> {
    source: Source<T::Host, IN>,
}

impl<T: Convert> InArray<T> {
    /// Copies `count` of them from the guest, if they need to be.
    ///
    /// # Errors
    /// `ENOMEM`.
    #[inline]
    pub fn new(memory: GuestMemory, at: u32, count: u64) -> Result<Self, Errno> {
        let source = match T::SAME || at == 0 {
            true => Source::straight::<T>(memory, at, count),
            false => copy::<T>(memory, at, count)?
                .map_or(Source::Address(GuestMemory::NOWHERE), Source::Copies),
        };
        Ok(InArray { source })
    }

    /// The address for the kernel, good while `self` stays where it is.
    #[inline]
    pub fn word(&mut self) -> usize {
        self.source.word()
    }
}

/// Structures that the kernel reads and writes, in an array.
pub struct InOutArray<T: Convert> {
    memory: GuestMemory,
    at: u32,
    source: Source<T::Host, IN>,
}

impl<T: Convert> InOutArray<T> {
    /// Copies `count` of them from the guest, if they need to be.
    ///
    /// # Errors
    /// `ENOMEM`.
    #[inline]
    pub fn new(memory: GuestMemory, at: u32, count: u64) -> Result<Self, Errno> {
        let InArray { source } = InArray::<T>::new(memory, at, count)?;
        Ok(InOutArray { memory, at, source })
    }

    /// The address for the kernel, good while `self` stays where it is.
    #[inline]
    pub fn word(&mut self) -> usize {
        self.source.word()
    }

    /// Gives the guest what the kernel wrote, which may be in any of them.
    ///
    /// # Errors
    /// `EFAULT`.
    #[inline]
    pub fn give_back(&mut self) -> Result<(), Errno> {
        let Source::Copies(room) = &mut self.source else {
            return Ok(());
        };
        for (index, host) in room.slice().iter().enumerate() {
            let at = element::<T>(self.at, index).ok_or(Errno(errno::EFAULT))?;
            let mut guest = self.memory.read_plain::<T>(at)?;
            guest.update(host);
            self.memory.write_plain(at, &guest)?;
        }
        Ok(())
    }
}

/// Structures that the kernel only writes, in an array.
pub struct OutArray<T: Convert> {
    memory: GuestMemory,
    at: u32,
    source: Source<T::Host, OUT>,
}

impl<T: Convert> OutArray<T> {
    /// Makes room for `count` of them.
    ///
    /// # Errors
    /// `ENOMEM`.
    #[inline]
    pub fn new(memory: GuestMemory, at: u32, count: u64) -> Result<Self, Errno> {
        let size = count.checked_mul(size_of::<T::Host>() as u64);
        let source = match usize::try_from(count) {
            _ if T::SAME || at == 0 => Source::straight::<T>(memory, at, count),
            Ok(count) if size.is_some_and(|size| i32::try_from(size).is_ok()) => {
                Source::Copies(Room::new(count)?)
            }
            // More than a signed size can say is for the kernel to refuse.
            _ => Source::Address(GuestMemory::NOWHERE),
        };
        Ok(OutArray { memory, at, source })
    }

    /// The address for the kernel, good while `self` stays where it is.
    #[inline]
    pub fn word(&mut self) -> usize {
        self.source.word()
    }

    /// Gives the guest the first `count`, of those that there are.
    ///
    /// # Errors
    /// `EFAULT`.
    #[inline]
    pub fn give_back(&mut self, count: u64) -> Result<(), Errno> {
        let Source::Copies(room) = &mut self.source else {
            return Ok(());
        };
        let all = room.slice();
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(all.len());
        let mut chunk = [T::zeroed(); CHUNK];
        for (index, hosts) in all[..count].chunks(CHUNK).enumerate() {
            let chunk = &mut chunk[..hosts.len()];
            for (guest, host) in chunk.iter_mut().zip(hosts) {
                *guest = T::from_host(host);
            }
            let at = element::<T>(self.at, index * CHUNK).ok_or(Errno(errno::EFAULT))?;
            self.memory.write_plains(at, chunk)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Memory;
    use crate::memory::MemoryType;
    use wali_arch::layout::{guest, host};

    /// Runs a test over one page of memory with `count` pieces from address 8 on, as many bytes
    /// long as their place says.
    fn over(count: u32, test: impl Fn(GuestMemory)) {
        crate::fault::install();
        let memory = Memory::new(MemoryType {
            min_pages: 1,
            max_pages: Some(1),
            shared: false,
        })
        .unwrap();
        // SAFETY: the memory lives until the test is over.
        let memory = unsafe { GuestMemory::new(&memory) };
        for index in 0..count {
            let mut piece = guest::iovec::zeroed();
            piece.iov_base = 0x100 + index;
            piece.iov_len = index;
            memory.write_plain(8 + index * 8, &piece).unwrap();
        }
        test(memory);
    }

    /// Where the kernel would find a structure.
    fn at(word: usize, index: usize) -> *mut host::iovec {
        (word as *mut host::iovec).wrapping_add(index)
    }

    #[test]
    fn elements_are_converted_in_place_and_on_the_heap() {
        for count in [0, 1, 8, 9, 1024] {
            over(count, |memory| {
                let mut array = InArray::<guest::iovec>::new(memory, 8, count.into()).unwrap();
                let word = array.word();
                for index in 0..count as usize {
                    // SAFETY: that many are there.
                    let piece = unsafe { at(word, index).read() };
                    assert_eq!(piece.iov_len, index as u64);
                    let base = memory.address(0x100 + index as u32, 0);
                    assert_eq!(piece.iov_base, base as u64);
                }
            });
        }
    }

    #[test]
    fn what_cannot_be_read_is_nowhere() {
        over(0, |memory| {
            for (place, count) in [(8, 1025), (8, u64::MAX), (0xfff8, 2), (u32::MAX, 1)] {
                let mut array = InArray::<guest::iovec>::new(memory, place, count).unwrap();
                assert_eq!(array.word(), GuestMemory::NOWHERE, "{count} at {place:#x}");
                let mut array = InOutArray::<guest::iovec>::new(memory, place, count).unwrap();
                assert_eq!(array.word(), GuestMemory::NOWHERE, "{count} at {place:#x}");
            }
            assert_eq!(
                InArray::<guest::iovec>::new(memory, 0, 3).unwrap().word(),
                0
            );
        });
    }

    #[test]
    fn only_what_was_written_is_given_back() {
        for count in [3, 64, 65, 1000] {
            over(1000, |memory| {
                let mut array = OutArray::<guest::iovec>::new(memory, 8, count).unwrap();
                let word = array.word();
                for index in 0..count as usize {
                    // SAFETY: that many are there.
                    unsafe { (*at(word, index)).iov_len = 7777 };
                }
                array.give_back(2).unwrap();
                for index in 0..1000 {
                    let piece = memory.read_plain::<guest::iovec>(8 + index * 8).unwrap();
                    let expected = if index < 2 { 7777 } else { index };
                    assert_eq!({ piece.iov_len }, expected, "{index} of {count}");
                }
                array.give_back(u64::MAX).unwrap();
                let last = 8 + (count as u32 - 1) * 8;
                assert_eq!(
                    { memory.read_plain::<guest::iovec>(last).unwrap().iov_len },
                    7777
                );
            });
        }
    }

    #[test]
    fn more_than_a_signed_size_is_nowhere() {
        over(0, |memory| {
            let most = i32::MAX as u64 / size_of::<host::iovec>() as u64;
            for count in [most + 1, i32::MAX as u64, u64::MAX] {
                let mut array = OutArray::<guest::iovec>::new(memory, 8, count).unwrap();
                assert_eq!(array.word(), GuestMemory::NOWHERE, "{count}");
            }
        });
    }

    #[test]
    fn elements_that_are_read_and_written_keep_their_addresses() {
        over(20, |memory| {
            let mut array = InOutArray::<guest::iovec>::new(memory, 8, 20).unwrap();
            let word = array.word();
            // SAFETY: that many are there.
            unsafe { (*at(word, 19)).iov_len = 5 };
            array.give_back().unwrap();
            let piece = memory.read_plain::<guest::iovec>(8 + 19 * 8).unwrap();
            assert_eq!(({ piece.iov_base }, { piece.iov_len }), (0x100 + 19, 5));
        });
    }
}
