//! What setjmp leaves in a guest's buffer: the number of a place, which the engine knows, and
//! where libc has it, the signal mask. Guests copy buffers, so that their address says nothing.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

use super::abi::{Errno, GuestMemory};
use super::signals::Set;

/// Where in the guest libc's `jmp_buf`, of 344 bytes, things are. Its first 208 are for registers.
const CHECK: u32 = 8;
const SAVED: u32 = 208;
const MASK: u32 = 216;

/// A guest's buffer.
#[derive(Debug, Clone, Copy)]
pub struct Buffer {
    memory: GuestMemory,
    at: u32,
}

impl Buffer {
    /// The buffer at an address.
    pub fn new(memory: GuestMemory, at: u32) -> Buffer {
        Buffer { memory, at }
    }

    /// The address of a part, which lies behind the memory if it is not in it.
    fn part(self, offset: u32) -> u32 {
        self.at.saturating_add(offset)
    }

    /// Leaves the number of a place, in such a way that other bytes are not taken for one.
    ///
    /// # Errors
    /// `EFAULT`.
    pub fn write(self, id: u64) -> Result<(), Errno> {
        self.memory.write_plains(self.at, &[id, check(id)])
    }

    /// The number of a place; none if something else is there.
    ///
    /// # Errors
    /// `EFAULT`.
    pub fn read(self) -> Result<Option<u64>, Errno> {
        let id = self.memory.read_plain::<u64>(self.at)?;
        let found = self.memory.read_plain::<u64>(self.part(CHECK))?;
        Ok((found == check(id)).then_some(id))
    }

    /// Leaves a mask, or that there is none.
    ///
    /// # Errors
    /// `EFAULT`.
    pub fn write_mask(self, mask: Option<Set>) -> Result<(), Errno> {
        let saved = u64::from(mask.is_some());
        self.memory.write_plain(self.part(SAVED), &saved)?;
        match mask {
            Some(mask) => self.memory.write_plain(self.part(MASK), &mask.bits()),
            None => Ok(()),
        }
    }

    /// The mask, if there is one.
    ///
    /// # Errors
    /// `EFAULT`.
    pub fn read_mask(self) -> Result<Option<Set>, Errno> {
        match self.memory.read_plain::<u64>(self.part(SAVED))? {
            0 => Ok(None),
            _ => Ok(Some(Set(self.memory.read_plain(self.part(MASK))?))),
        }
    }
}

static KEY: OnceLock<RandomState> = OnceLock::new();

/// Chooses what numbers are checked by, before any thread could do so while another one forks.
pub(super) fn choose_key() {
    KEY.get_or_init(RandomState::new);
}

/// What stands beside a number.
fn check(id: u64) -> u64 {
    KEY.get_or_init(RandomState::new).hash_one(id)
}
