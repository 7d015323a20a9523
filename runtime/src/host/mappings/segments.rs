//! System V shared memory, attached inside linear memory.

use std::mem::MaybeUninit;

use wali_arch::flags::{errno, map_flags, shm_flags};

use super::place::choose;
use super::{EINVAL, ENOMEM, PAGE, aligned, free, install, last_error, settle_lock};
use crate::host::abi::Errno;
use crate::memory::{Backing, Memory, Region};

/// shmat(2); the address of the segment.
///
/// # Errors
/// As Linux's.
pub fn shmat(memory: &Memory, id: i32, addr: u32, flags: i32) -> Result<u32, Errno> {
    let replace = flags & shm_flags::SHM_REMAP != 0;
    let whole = u64::from(addr) / PAGE * PAGE;
    let round = flags & shm_flags::SHM_RND != 0;
    if id < 0 || (replace && whole == 0) || (u64::from(addr) != whole && !round) {
        return Err(EINVAL);
    }
    let len = size(id)?.next_multiple_of(PAGE);
    let mut map = memory.map();
    // Anywhere first, so that nothing is lost if it fails.
    let host_flags = flags & shm_flags::SHM_RDONLY;
    // SAFETY: a new mapping at an address of the kernel's choice touches nothing.
    let from = unsafe { libc::shmat(id, std::ptr::null(), host_flags) };
    if from as isize == -1 {
        return Err(last_error());
    }
    // The id may stand for another segment by now, and nothing but it may be moved.
    if size(id).map(|now| now.next_multiple_of(PAGE)) != Ok(len) {
        // SAFETY: the segment was attached just now, and nobody knows of it.
        unsafe { libc::shmdt(from) };
        return Err(Errno(errno::EIDRM));
    }
    let place = match addr {
        0 => choose(memory, &mut map, 0, len, 0),
        _ => choose(memory, &mut map, whole as u32, len, map_flags::MAP_FIXED),
    };
    let at = match place {
        Ok(at) if addr == 0 || replace || map.is_free(at, at + len) => at,
        other => {
            // SAFETY: the segment was attached just now, and nobody knows of it.
            unsafe { libc::shmdt(from) };
            return Err(other.err().unwrap_or(EINVAL));
        }
    };
    let prot = match host_flags {
        0 => libc::PROT_READ | libc::PROT_WRITE,
        _ => libc::PROT_READ,
    };
    let traits = map.lock_future.unwrap_or_default();
    let region = Region {
        backing: Backing::Shared(map.object(at, true)),
        prot,
        traits,
    };
    if !map.has_room(len - map.mapped_in(at, at + len), &region) {
        // SAFETY: as above.
        unsafe { libc::shmdt(from) };
        return Err(ENOMEM);
    }
    install(memory, &mut map, from, at, len)?;
    map.insert(at, at + len, region);
    memory.cover(&mut map, at + len);
    settle_lock(memory, at, len, traits);
    Ok(at as u32)
}

/// How long a segment is. The kernel wants no other permission for this than for attaching.
fn size(id: i32) -> Result<u64, Errno> {
    let mut status = MaybeUninit::<libc::shmid_ds>::uninit();
    // SAFETY: the kernel fills the local in if it returns 0.
    unsafe {
        if libc::shmctl(id, libc::IPC_STAT, status.as_mut_ptr()) != 0 {
            return Err(last_error());
        }
        Ok(status.assume_init().shm_segsz as u64)
    }
}

/// shmdt(2).
///
/// # Errors
/// As Linux's.
pub fn shmdt(memory: &Memory, addr: u32) -> Result<(), Errno> {
    let base = aligned(addr)?;
    let mut map = memory.map();
    let mut pieces = map.iter().filter_map(|(start, end, region)| {
        let Backing::Shared(object) = region.backing else {
            return None;
        };
        let here = object.segment && object.origin == base && start >= base;
        here.then_some((start, end, object.id))
    });
    let (start, end, id) = pieces.next().ok_or(EINVAL)?;
    // What is left of it, as far as parts were unmapped or protected.
    let others: Vec<(u64, u64)> = pieces
        .filter(|&(_, _, other)| other == id)
        .map(|(start, end, _)| (start, end))
        .collect();
    free(memory, &mut map, start, end)?;
    for (start, end) in others {
        free(memory, &mut map, start, end)?;
    }
    Ok(())
}
