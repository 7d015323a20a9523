//! Structures on their way between guest and kernel. Each is copied once, and what the
//! kernel is given is the copy; where guest and host agree it is given the guest's own.

use std::mem::MaybeUninit;

use wali_arch::flags::errno;
use wali_arch::layout::{Convert, Plain};

use super::abi::{Errno, GuestMemory};

/// Elements converted without a heap allocation.
const INLINE: usize = 8;

/// Most elements that are converted at once; more is `EINVAL`. No call of Linux's takes
/// as many structures.
const MOST: u64 = 1 << 16;

fn to_host<T: Convert>(memory: GuestMemory, guest: &T) -> Result<T::Host, Errno> {
    guest.to_host(&mut |at, len| Ok(memory.address(at, len)))
}

/// A structure that the kernel reads.
pub struct In<T: Convert> {
    straight: usize,
    copy: Option<T::Host>,
}

impl<T: Convert> In<T> {
    /// Copies it from the guest, if it needs to be.
    ///
    /// # Errors
    /// `EFAULT`.
    #[inline]
    pub fn new(memory: GuestMemory, at: u32) -> Result<Self, Errno> {
        let straight = memory.address(at, size_of::<T>() as u64);
        let copy = match T::SAME || at == 0 {
            true => None,
            false => Some(to_host(memory, &memory.read_plain::<T>(at)?)?),
        };
        Ok(In { straight, copy })
    }

    /// The address for the kernel, good while `self` stays where it is.
    #[inline]
    pub fn word(&self) -> usize {
        self.copy
            .as_ref()
            .map_or(self.straight, |host| core::ptr::from_ref(host) as usize)
    }
}

/// A structure that the kernel writes, or reads and writes.
pub struct InOut<T: Convert> {
    memory: GuestMemory,
    at: u32,
    straight: usize,
    copy: Option<(T, T::Host)>,
}

impl<T: Convert> InOut<T> {
    /// Copies it from the guest, if it needs to be.
    ///
    /// # Errors
    /// `EFAULT`.
    #[inline]
    pub fn new(memory: GuestMemory, at: u32) -> Result<Self, Errno> {
        let straight = memory.address(at, size_of::<T>() as u64);
        let copy = match T::SAME || at == 0 {
            true => None,
            false => {
                let guest = memory.read_plain::<T>(at)?;
                let host = to_host(memory, &guest)?;
                Some((guest, host))
            }
        };
        Ok(InOut {
            memory,
            at,
            straight,
            copy,
        })
    }

    /// The address for the kernel, good while `self` stays where it is.
    #[inline]
    pub fn word(&mut self) -> usize {
        match &mut self.copy {
            Some((_, host)) => core::ptr::from_mut(host) as usize,
            None => self.straight,
        }
    }

    /// Gives the guest what the kernel wrote.
    ///
    /// # Errors
    /// `EFAULT`.
    #[inline]
    pub fn give_back(&mut self) -> Result<(), Errno> {
        match &mut self.copy {
            Some((guest, host)) => {
                guest.update(host);
                self.memory.write_plain(self.at, guest)
            }
            None => Ok(()),
        }
    }
}

/// A structure that the kernel only writes.
pub struct Out<T: Convert> {
    memory: GuestMemory,
    at: u32,
    straight: usize,
    host: T::Host,
}

impl<T: Convert> Out<T> {
    /// Makes room for it.
    ///
    /// # Errors
    /// `EFAULT`.
    #[inline]
    pub fn new(memory: GuestMemory, at: u32) -> Result<Self, Errno> {
        let straight = memory.address(at, size_of::<T>() as u64);
        Ok(Out {
            memory,
            at,
            straight,
            host: T::Host::zeroed(),
        })
    }

    /// The address for the kernel, good while `self` stays where it is.
    #[inline]
    pub fn word(&mut self) -> usize {
        match T::SAME || self.at == 0 {
            true => self.straight,
            false => core::ptr::from_mut(&mut self.host) as usize,
        }
    }

    /// Gives the guest what the kernel wrote.
    ///
    /// # Errors
    /// `EFAULT`.
    #[inline]
    pub fn give_back(&mut self) -> Result<(), Errno> {
        match T::SAME || self.at == 0 {
            true => Ok(()),
            false => self.memory.write_plain(self.at, &T::from_host(&self.host)),
        }
    }
}

/// Structures that the kernel reads, in an array.
pub struct InArray<T: Convert> {
    straight: usize,
    copies: Option<Copies<T::Host>>,
}

/// Converted elements: a few in place, more on the heap.
enum Copies<H> {
    Inline([MaybeUninit<H>; INLINE]),
    Heap(Vec<H>),
}

impl<T: Convert> InArray<T> {
    /// Copies `count` of them from the guest, if they need to be.
    ///
    /// # Errors
    /// `EFAULT`; `EINVAL` or `ENOMEM` for too many.
    #[inline]
    pub fn new(memory: GuestMemory, at: u32, count: u64) -> Result<Self, Errno> {
        let extent = count.saturating_mul(size_of::<T>() as u64);
        if T::SAME || at == 0 {
            return Ok(InArray {
                straight: memory.address(at, extent),
                copies: None,
            });
        }
        if count > MOST {
            return Err(Errno(errno::EINVAL));
        }
        let straight = memory.address(at, extent);
        let count = count as u32;
        let element = |i: u32| -> Result<T::Host, Errno> {
            let offset = i * size_of::<T>() as u32;
            let at = at.checked_add(offset).ok_or(Errno(errno::EFAULT))?;
            to_host(memory, &memory.read_plain::<T>(at)?)
        };
        let copies = if count as usize <= INLINE {
            let mut inline = [const { MaybeUninit::uninit() }; INLINE];
            for (i, place) in (0..count).zip(&mut inline) {
                place.write(element(i)?);
            }
            Copies::Inline(inline)
        } else {
            let mut heap = Vec::new();
            heap.try_reserve_exact(count as usize)
                .map_err(|_| Errno(errno::ENOMEM))?;
            for i in 0..count {
                heap.push(element(i)?);
            }
            Copies::Heap(heap)
        };
        Ok(InArray {
            straight,
            copies: Some(copies),
        })
    }

    /// The address for the kernel, good while `self` stays where it is.
    #[inline]
    pub fn word(&self) -> usize {
        match &self.copies {
            None => self.straight,
            Some(Copies::Inline(inline)) => inline.as_ptr() as usize,
            Some(Copies::Heap(heap)) => heap.as_ptr() as usize,
        }
    }
}
