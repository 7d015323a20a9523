//! Messages of sockets on their way between guest and kernel: headers, their pieces of
//! memory, and control messages.
//!
//! The kernel's public headers do not define these structures, so they stand here: the
//! guest's as its C library has them, the host's as all 64-bit kernels do.

mod control;

use wali_arch::layout::{Plain, guest};

use self::control::{Incoming, Outgoing};
use super::abi::{Errno, Guest, GuestMemory};
use super::convert::InArray;

/// `struct msghdr` of the guest.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct Header {
    name: u32,
    namelen: u32,
    iov: u32,
    iovlen: u32,
    _pad_16: u32,
    control: u32,
    controllen: u32,
    _pad_28: u32,
    flags: u32,
}

/// `struct mmsghdr` of the guest.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct Entry {
    header: Header,
    len: u32,
}

/// `struct msghdr` of the host.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct HostHeader {
    name: u64,
    namelen: u32,
    _pad_12: u32,
    iov: u64,
    iovlen: u64,
    control: u64,
    controllen: u64,
    flags: u32,
    _pad_52: u32,
}

/// `struct mmsghdr` of the host.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct HostEntry {
    header: HostHeader,
    len: u32,
    _pad_60: u32,
}

const _: () = {
    use core::mem::offset_of;
    assert!(size_of::<Header>() == 36 && size_of::<Entry>() == 40);
    assert!(size_of::<HostHeader>() == size_of::<libc::msghdr>());
    assert!(size_of::<HostEntry>() == size_of::<libc::mmsghdr>());
    assert!(offset_of!(HostHeader, namelen) == offset_of!(libc::msghdr, msg_namelen));
    assert!(offset_of!(HostHeader, iov) == offset_of!(libc::msghdr, msg_iov));
    assert!(offset_of!(HostHeader, iovlen) == offset_of!(libc::msghdr, msg_iovlen));
    assert!(offset_of!(HostHeader, control) == offset_of!(libc::msghdr, msg_control));
    assert!(offset_of!(HostHeader, controllen) == offset_of!(libc::msghdr, msg_controllen));
    assert!(offset_of!(HostHeader, flags) == offset_of!(libc::msghdr, msg_flags));
    assert!(offset_of!(HostEntry, len) == offset_of!(libc::mmsghdr, msg_len));
};

// SAFETY: integers without padding, as the sizes above show.
unsafe impl Plain for Header {}
// SAFETY: as above.
unsafe impl Plain for Entry {}
// SAFETY: as above.
unsafe impl Plain for HostHeader {}
// SAFETY: as above.
unsafe impl Plain for HostEntry {}

impl Entry {
    /// The address of an entry in the guest's array.
    pub fn address(array: u32, index: u32) -> Option<u32> {
        array.checked_add(index.checked_mul(size_of::<Entry>() as u32)?)
    }

    /// Tells the guest how long a message was.
    ///
    /// # Errors
    /// `EFAULT`.
    pub fn set_len(memory: GuestMemory, at: u32, host: &HostEntry) -> Result<(), Errno> {
        field(memory, at, core::mem::offset_of!(Entry, len), host.len)
    }
}

impl HostEntry {
    /// An entry around a message, or around none that the kernel could read.
    pub fn new(message: Option<HostHeader>) -> HostEntry {
        let header = message.unwrap_or_else(|| HostHeader {
            iov: GuestMemory::NOWHERE as u64,
            iovlen: 1,
            ..HostHeader::zeroed()
        });
        HostEntry {
            header,
            len: 0,
            _pad_60: 0,
        }
    }

    /// Its message.
    pub fn header(&self) -> &HostHeader {
        &self.header
    }
}

/// Writes a field of a structure of the guest's.
fn field(memory: GuestMemory, at: u32, offset: usize, value: u32) -> Result<(), Errno> {
    let at = at.checked_add(offset as u32);
    let at = at.ok_or(Errno(wali_arch::flags::errno::EFAULT))?;
    memory.write_plain(at, &value)
}

/// The host's header, around the pieces and control messages at these addresses.
fn host(
    memory: GuestMemory,
    guest: &Header,
    iov: usize,
    (control, controllen): (u64, u64),
) -> HostHeader {
    HostHeader {
        name: memory.address(guest.name, guest.namelen.into()) as u64,
        namelen: guest.namelen,
        iov: iov as u64,
        iovlen: guest.iovlen.into(),
        control,
        controllen,
        flags: guest.flags,
        ..HostHeader::zeroed()
    }
}

/// A message that the guest sends.
pub struct Sent {
    guest: Header,
    iov: InArray<guest::iovec>,
    control: Outgoing,
}

impl Sent {
    /// Copies a message's header and what belongs to it, but for the data; none if the header
    /// cannot be read.
    ///
    /// # Errors
    /// `ENOMEM`; `EINVAL` for control messages that hold addresses.
    pub fn new(memory: GuestMemory, at: u32) -> Result<Option<Sent>, Errno> {
        let Ok(guest) = memory.read_plain::<Header>(at) else {
            return Ok(None);
        };
        Ok(Some(Sent {
            guest,
            iov: InArray::new(memory, guest.iov, guest.iovlen.into())?,
            control: Outgoing::new(memory, guest.control, guest.controllen)?,
        }))
    }

    /// The header for the kernel, good while `self` stays where it is.
    pub fn header(&mut self, memory: GuestMemory) -> HostHeader {
        host(memory, &self.guest, self.iov.word(), self.control.words())
    }
}

/// A message that the guest receives.
pub struct Received {
    at: u32,
    guest: Header,
    iov: InArray<guest::iovec>,
    control: Incoming,
}

impl Received {
    /// Copies a message's header, and makes room for control messages; none if the header
    /// cannot be read.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn new(memory: GuestMemory, at: u32) -> Result<Option<Received>, Errno> {
        let Ok(guest) = memory.read_plain::<Header>(at) else {
            return Ok(None);
        };
        Ok(Some(Received {
            at,
            guest,
            iov: InArray::new(memory, guest.iov, guest.iovlen.into())?,
            control: Incoming::new(guest.control, guest.controllen)?,
        }))
    }

    /// The header for the kernel, good while `self` stays where it is.
    pub fn header(&mut self, memory: GuestMemory) -> HostHeader {
        host(memory, &self.guest, self.iov.word(), self.control.words())
    }

    /// Gives the guest what the kernel wrote into the header that it was given, and the control
    /// messages. Only what the kernel writes natively is written.
    ///
    /// # Errors
    /// `EFAULT`.
    pub fn give_back(&mut self, guest: &mut impl Guest, host: &HostHeader) -> Result<(), Errno> {
        use core::mem::offset_of;
        let memory = guest.memory();
        let (len, truncated) = self.control.give_back(guest, host.controllen);
        let truncated = if truncated { libc::MSG_CTRUNC } else { 0 };
        if self.guest.name != 0 {
            field(memory, self.at, offset_of!(Header, namelen), host.namelen)?;
        }
        let flags = host.flags | truncated as u32;
        field(memory, self.at, offset_of!(Header, flags), flags)?;
        field(memory, self.at, offset_of!(Header, controllen), len)
    }
}
