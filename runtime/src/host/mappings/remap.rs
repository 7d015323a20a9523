//! Resizing and moving mappings without ever leaving a hole in the reservation.

use wali_arch::flags::{errno, mremap_flags};

use super::{
    EINVAL, ENOMEM, PAGE, aligned, anonymous, free, host, install, last_error, mapped, pages,
};
use crate::host::abi::Errno;
use crate::memory::{Backing, Map, Memory, Region};

/// mremap(2); the new address.
///
/// # Errors
/// As Linux's.
pub fn mremap(
    memory: &Memory,
    old_address: u32,
    old_size: u32,
    new_size: u32,
    flags: i32,
    new_address: u32,
) -> Result<u32, Errno> {
    let known =
        mremap_flags::MREMAP_MAYMOVE | mremap_flags::MREMAP_FIXED | mremap_flags::MREMAP_DONTUNMAP;
    let may_move = flags & mremap_flags::MREMAP_MAYMOVE != 0;
    let fixed = flags & mremap_flags::MREMAP_FIXED != 0;
    let keep = flags & mremap_flags::MREMAP_DONTUNMAP != 0;
    let old = aligned(old_address)?;
    let (old_len, new_len) = (pages(old_size), pages(new_size));
    if flags & !known != 0
        || ((fixed || keep) && !may_move)
        || (keep && old_len != new_len)
        || new_len == 0
    {
        return Err(EINVAL);
    }
    let limit = memory.limit();
    let mut map = memory.map();
    if !fixed && !keep && old_len != 0 && new_len <= old_len {
        if mapped(&map, old, old + old_len) < old + old_len {
            return Err(Errno(errno::EFAULT));
        }
        free(memory, &mut map, old + new_len, old + old_len)?;
        return Ok(old as u32);
    }
    let region = source(&map, old, old_len)?;
    if old_len == 0 && !matches!(region.backing, Backing::Shared(_)) {
        return Err(EINVAL);
    }

    let target = if fixed {
        let at = aligned(new_address)?;
        let overlaps = at < old + old_len && old < at + new_len;
        if at + new_len > limit || at < PAGE || overlaps {
            return Err(EINVAL);
        }
        at
    } else {
        let room = old + new_len <= limit && map.is_free(old + old_len, old + new_len);
        if room && !keep && old_len != 0 && region.backing != Backing::PrivateFile {
            extend(memory, &mut map, old, old_len, new_len, region)?;
            return Ok(old as u32);
        }
        if !may_move {
            return Err(ENOMEM);
        }
        map.find_free(new_len, PAGE, limit).ok_or(ENOMEM)?
    };

    if old_len > new_len {
        free(memory, &mut map, old + new_len, old + old_len)?;
    }
    let moved = old_len.min(new_len);
    relocate(memory, &mut map, old, moved, target, new_len)?;
    if !keep {
        free(memory, &mut map, old, old + moved)?;
    }
    let backing = match region.backing {
        Backing::Shared(object) => Backing::Shared(object.moved(old, target)),
        other => other,
    };
    map.insert(target, target + new_len, Region { backing, ..region });
    memory.cover(&mut map, target + new_len);
    Ok(target as u32)
}

/// The region that mremap's old range lies in: all of it mapped, and of one kind.
fn source(map: &Map, old: u64, old_len: u64) -> Result<Region, Errno> {
    let fault = Errno(errno::EFAULT);
    let pieces = map.overlapping(old, old + old_len.max(PAGE));
    let &(_, _, region) = pieces.first().ok_or(fault)?;
    let covered = mapped(map, old, old + old_len.max(PAGE)) == old + old_len.max(PAGE);
    if !covered || pieces.iter().any(|&(_, _, r)| r != region) {
        return Err(fault);
    }
    Ok(region)
}

/// Grows a mapping into the free range behind it, leaving what is mapped untouched.
fn extend(
    memory: &Memory,
    map: &mut Map,
    old: u64,
    old_len: u64,
    new_len: u64,
    region: Region,
) -> Result<(), Errno> {
    let (tail, tail_len) = (old + old_len, new_len - old_len);
    if region.backing == Backing::Anonymous {
        anonymous(memory, map, tail, tail_len, region.prot)?;
    } else {
        // A size of 0 asks for a second mapping of the same shared pages.
        // SAFETY: the source is the guest's, the new mapping is at an address of the
        // kernel's choice; its head, which is mapped already, goes away again.
        let copy = unsafe {
            let copy = libc::mremap(host(memory, old), 0, new_len as usize, libc::MREMAP_MAYMOVE);
            if copy == libc::MAP_FAILED {
                return Err(last_error());
            }
            libc::munmap(copy, old_len as usize);
            copy.cast::<u8>().wrapping_add(old_len as usize).cast()
        };
        install(memory, map, copy, tail, tail_len)?;
    }
    map.insert(tail, tail + tail_len, region);
    memory.cover(map, tail + tail_len);
    Ok(())
}

/// Moves `moved` bytes at `old` to `target` and lets the mapping have `new_len` there.
/// The old range stays mapped, empty: the caller frees it.
fn relocate(
    memory: &Memory,
    map: &mut Map,
    old: u64,
    moved: u64,
    target: u64,
    new_len: u64,
) -> Result<(), Errno> {
    let source = host(memory, old);
    let leave = libc::MREMAP_MAYMOVE | libc::MREMAP_DONTUNMAP;
    // SAFETY: the source is the guest's; every step but the last lands at an address of the
    // kernel's choice, and none unmaps a part of the reservation.
    let copy = unsafe {
        if moved == 0 {
            libc::mremap(source, 0, new_len as usize, libc::MREMAP_MAYMOVE)
        } else {
            let copy = libc::mremap(source, moved as usize, moved as usize, leave);
            if copy == libc::MAP_FAILED || moved == new_len {
                copy
            } else {
                let (from, to) = (moved as usize, new_len as usize);
                let grown = libc::mremap(copy, from, to, libc::MREMAP_MAYMOVE);
                if grown == libc::MAP_FAILED {
                    let error = last_error();
                    install(memory, map, copy, old, moved)?;
                    return Err(error);
                }
                grown
            }
        }
    };
    if copy == libc::MAP_FAILED {
        return Err(last_error());
    }
    install(memory, map, copy, target, new_len)
}
