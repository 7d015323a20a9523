//! Control messages. A header and its data look the same on both sides, except that the
//! upper half of the length, 64 bits wide in the host, is padding in the guest.
//!
//! Headers begin at multiples of eight, in the kernel and by the guest's `CMSG_NXTHDR`. The
//! guest's `CMSG_SPACE` rounds to four only, so that lengths summed up with it can be short
//! of where the last message ends.

use wali_arch::flags::{errno, rds_control_messages as rds, socket_levels};

use crate::host::abi::{Errno, Guest, GuestMemory, descriptor};
use crate::host::convert::Room;

/// Bytes of control messages for which no heap is needed: eleven with a word each.
const INLINE: usize = 256;

/// Most bytes of control messages that are sent; the kernel takes fewer.
const MOST: u32 = 1 << 20;

/// Most bytes of those that are received. The kernel gives a few pages at most, and there may be
/// as many messages as a call can have.
const MOST_RECEIVED: u32 = 1 << 16;

/// A header: length, level, type.
const HEADER: usize = size_of::<libc::cmsghdr>();

/// How far the last message may reach beyond the length that the guest gave.
const OVERHANG: usize = 32;

/// Aligned as the kernel wants it.
type Bytes = Room<u64, INLINE>;

fn bytes(room: &mut Bytes) -> &mut [u8] {
    let words = room.slice();
    // SAFETY: the same memory, all of it initialised, as bytes.
    unsafe { core::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), size_of_val(words)) }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}

/// The level and the type of the message that begins there.
fn kind(bytes: &[u8], at: usize) -> (i32, i32) {
    (word(bytes, at + 8) as i32, word(bytes, at + 12) as i32)
}

/// Control messages that the guest sends.
pub(super) struct Outgoing {
    at: u64,
    len: u64,
    copy: Option<Bytes>,
}

impl Outgoing {
    /// Copies them.
    ///
    /// # Errors
    /// `ENOMEM`; `EINVAL` for messages that hold host addresses.
    pub(super) fn new(memory: GuestMemory, at: u32, len: u32) -> Result<Outgoing, Errno> {
        let mut outgoing = Outgoing {
            at: if at == 0 {
                0
            } else {
                GuestMemory::NOWHERE as u64
            },
            len: len.into(),
            copy: None,
        };
        if at == 0 || len == 0 || len > MOST {
            return Ok(outgoing);
        }
        let end = len as usize;
        let mut room = Bytes::new((end + OVERHANG).div_ceil(8))?;
        let copy = bytes(&mut room);
        if memory.read(at, &mut copy[..end]).is_err() {
            return Ok(outgoing);
        }
        if let Some(longer) = settle(memory, at, copy, end)? {
            outgoing.len = longer as u64;
        }
        outgoing.copy = Some(room);
        Ok(outgoing)
    }

    /// Address and length for the kernel, good while `self` stays where it is.
    pub(super) fn words(&mut self) -> (u64, u64) {
        let at = match &mut self.copy {
            Some(room) => room.address() as u64,
            None => self.at,
        };
        (at, self.len)
    }
}

/// Gives each of the messages a length as wide as the host's; where the last one ends, if
/// that is beyond the length that the guest gave because of what its `CMSG_SPACE` left out.
/// What is wrong is left to the kernel to find.
fn settle(
    memory: GuestMemory,
    from: u32,
    bytes: &mut [u8],
    end: usize,
) -> Result<Option<usize>, Errno> {
    let mut copy = Copy {
        memory,
        from,
        bytes,
        len: end,
    };
    let (mut at, mut left_out) = (0, 0);
    while at < end && copy.reach(at + HEADER, end + left_out) {
        let len = word(copy.bytes, at) as usize;
        copy.bytes[at + 4..at + 8].fill(0);
        if holds_addresses(kind(copy.bytes, at)) {
            return Err(Errno(errno::EINVAL));
        }
        if len < HEADER || !copy.reach(at + len, end + left_out) {
            break;
        }
        if is_rights(kind(copy.bytes, at)) {
            keep_back(&mut copy.bytes[at + HEADER..at + len]);
        }
        let next = at + len.next_multiple_of(8);
        left_out = (left_out + next - (at + len.next_multiple_of(4))).min(OVERHANG);
        at = next;
    }
    Ok((copy.len > end).then_some(copy.len))
}

/// The guest's bytes as far as they have been copied.
struct Copy<'a> {
    memory: GuestMemory,
    from: u32,
    bytes: &'a mut [u8],
    len: usize,
}

impl Copy<'_> {
    /// Copies up to there, if that is not too far.
    fn reach(&mut self, to: usize, most: usize) -> bool {
        if to <= self.len {
            return true;
        }
        if to > most {
            return false;
        }
        let Some(at) = self.from.checked_add(self.len as u32) else {
            return false;
        };
        let good = self.memory.read(at, &mut self.bytes[self.len..to]).is_ok();
        if good {
            self.len = to;
        }
        good
    }
}

/// Whether a message that is sent makes the kernel follow addresses in it.
fn holds_addresses((level, kind): (i32, i32)) -> bool {
    level == socket_levels::SOL_RDS
        && !matches!(kind, rds::RDS_CMSG_RDMA_DEST | rds::RDS_CMSG_ZCOPY_COOKIE)
}

/// Whether a message is descriptors.
fn is_rights(kind: (i32, i32)) -> bool {
    kind == (socket_levels::SOL_SOCKET, libc::SCM_RIGHTS)
}

/// Puts descriptors that cannot be open in the place of the runtime's own.
fn keep_back(descriptors: &mut [u8]) {
    for bytes in descriptors.chunks_exact_mut(4) {
        let checked = descriptor(word(bytes, 0) as i32) as u32;
        bytes.copy_from_slice(&checked.to_le_bytes());
    }
}

/// Room for control messages that the guest receives.
pub(super) struct Incoming {
    at: u32,
    len: u32,
    room: Option<Bytes>,
}

impl Incoming {
    /// Makes room for as many bytes as the guest has, within reason.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub(super) fn new(at: u32, len: u32) -> Result<Incoming, Errno> {
        let room = match (at, len.min(MOST_RECEIVED)) {
            (0, _) | (_, 0) => None,
            (_, len) => Some(Bytes::new((len as usize).div_ceil(8))?),
        };
        Ok(Incoming { at, len, room })
    }

    /// Address and length for the kernel, good while `self` stays where it is.
    pub(super) fn words(&mut self) -> (u64, u64) {
        match &mut self.room {
            Some(room) => (room.address() as u64, self.len.min(MOST_RECEIVED).into()),
            None => (0, self.len.into()),
        }
    }

    /// Gives the guest what the kernel put there, which says that it is `len` bytes: how many
    /// it is for the guest, and whether something had to be left out.
    ///
    /// As in the kernel, a message for which there is no memory is none, and descriptors end
    /// at the first that may not be received.
    pub(super) fn give_back(&mut self, guest: &mut impl Guest, len: u64) -> (u32, bool) {
        let Some(room) = &mut self.room else {
            return (len as u32, false);
        };
        let copy = bytes(room);
        let end = copy.len().min(len as usize);
        let mut at = 0;
        while end - at >= HEADER {
            let size = word(copy, at) as usize;
            if size < HEADER || size > end - at {
                break;
            }
            let next = (at + size.next_multiple_of(8)).min(end);
            let rights = is_rights(kind(copy, at));
            let data = at + HEADER..at + size;
            let admitted = match rights {
                true => admit(guest, &copy[data.clone()]),
                false => data.len(),
            };
            if admitted < data.len() && admitted == 0 {
                return (at as u32, true);
            }
            let shorter = HEADER + admitted;
            copy[at..at + 4].copy_from_slice(&(shorter as u32).to_le_bytes());
            let to = self.at.checked_add(at as u32);
            let given = to.is_some_and(|to| {
                let message = &copy[at..at + shorter];
                guest.memory().write(to, message).is_ok()
            });
            if !given {
                if rights {
                    close(&copy[at + HEADER..at + shorter]);
                }
                return (at as u32, rights);
            }
            if shorter < size {
                return ((at + shorter.next_multiple_of(8)).min(end) as u32, true);
            }
            at = next;
        }
        (len as u32, false)
    }
}

/// Looks at received descriptors: the bytes of those before the first that the guest may not
/// have. From that one on they are closed.
fn admit(guest: &mut impl Guest, descriptors: &[u8]) -> usize {
    for (index, descriptor) in descriptors.chunks_exact(4).enumerate() {
        let descriptor = word(descriptor, 0) as i32;
        // One that is refused has been closed.
        if guest.opened(descriptor.into()) < 0 {
            close(&descriptors[4 * (index + 1)..]);
            return 4 * index;
        }
    }
    descriptors.len()
}

fn close(descriptors: &[u8]) {
    for descriptor in descriptors.chunks_exact(4) {
        // SAFETY: the kernel has just made the descriptor, and the guest has not seen it.
        unsafe { libc::close(word(descriptor, 0) as i32) };
    }
}
