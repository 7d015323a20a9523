//! Structures on their way between guest and kernel. Each is copied once, and what the
//! kernel is given is the copy; where guest and host agree it is given the guest's own.
//! What cannot be copied becomes an address that the kernel refuses when it comes to it,
//! since it may have another error to tell first.

mod array;

use wali_arch::layout::{Convert, Plain};

pub(super) use self::array::Room;
pub use self::array::{InArray, InOutArray, OutArray};
use super::abi::{Errno, GuestMemory};

/// The host's form of a structure, if it can be read.
fn to_host<T: Convert>(memory: GuestMemory, at: u32) -> Option<(T, T::Host)> {
    let guest = memory.read_plain::<T>(at).ok()?;
    let address = &mut |at, len| Ok::<_, Errno>(memory.address(at, len));
    let host = guest.to_host(address).ok()?;
    Some((guest, host))
}

/// What the kernel is given for a structure.
enum Source<C> {
    /// An address: the guest's own bytes, null, or nowhere.
    Address(usize),
    /// A copy.
    Copy(C),
}

impl<C> Source<C> {
    /// The guest's own bytes if they are the host's too, otherwise the copy.
    #[inline]
    fn new<T: Convert>(memory: GuestMemory, at: u32, copy: impl FnOnce() -> Option<C>) -> Self {
        if T::SAME || at == 0 {
            return Source::Address(memory.address(at, size_of::<T>() as u64));
        }
        copy().map_or(Source::Address(GuestMemory::NOWHERE), Source::Copy)
    }
}

/// A structure that the kernel reads.
pub struct In<T: Convert> {
    source: Source<T::Host>,
}

impl<T: Convert> In<T> {
    /// Copies it from the guest, if it needs to be.
    ///
    /// # Errors
    /// Never.
    #[inline]
    pub fn new(memory: GuestMemory, at: u32) -> Result<Self, Errno> {
        let copy = || to_host::<T>(memory, at).map(|(_, host)| host);
        let source = Source::new::<T>(memory, at, copy);
        Ok(In { source })
    }

    /// The address for the kernel, good while `self` stays where it is.
    #[inline]
    pub fn word(&self) -> usize {
        match &self.source {
            Source::Address(address) => *address,
            Source::Copy(host) => core::ptr::from_ref(host) as usize,
        }
    }
}

/// A structure that the kernel writes, or reads and writes.
pub struct InOut<T: Convert> {
    memory: GuestMemory,
    at: u32,
    source: Source<(T, T::Host)>,
}

impl<T: Convert> InOut<T> {
    /// Copies it from the guest, if it needs to be.
    ///
    /// # Errors
    /// Never.
    #[inline]
    pub fn new(memory: GuestMemory, at: u32) -> Result<Self, Errno> {
        let source = Source::new::<T>(memory, at, || to_host(memory, at));
        Ok(InOut { memory, at, source })
    }

    /// The address for the kernel, good while `self` stays where it is.
    #[inline]
    pub fn word(&mut self) -> usize {
        match &mut self.source {
            Source::Address(address) => *address,
            Source::Copy((_, host)) => core::ptr::from_mut(host) as usize,
        }
    }

    /// Gives the guest what the kernel wrote.
    ///
    /// # Errors
    /// `EFAULT`.
    #[inline]
    pub fn give_back(&mut self) -> Result<(), Errno> {
        match &mut self.source {
            Source::Copy((guest, host)) => {
                guest.update(host);
                self.memory.write_plain(self.at, guest)
            }
            Source::Address(_) => Ok(()),
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
    /// Never.
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
