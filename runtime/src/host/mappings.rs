//! The mmap family on linear memory. The kernel does the mapping; where mappings go, and
//! what is mapped at all, is decided here, since to the kernel the whole reservation is
//! mapped. Nothing in it is ever unmapped: a hole could be filled by the host.

use std::io;

use wali_arch::flags::{
    errno, madvise_advice, map_flags, mlockall_flags, mremap_flags, prot_flags,
};

use super::abi::Errno;
use crate::memory::{Backing, Map, Memory, Region};

/// The guest's page size, which the ABI fixes.
pub const PAGE: u64 = 4096;

const EINVAL: Errno = Errno(errno::EINVAL);
const ENOMEM: Errno = Errno(errno::ENOMEM);

fn last_error() -> Errno {
    Errno(
        io::Error::last_os_error()
            .raw_os_error()
            .unwrap_or(errno::EINVAL),
    )
}

fn pages(len: u32) -> u64 {
    u64::from(len).next_multiple_of(PAGE)
}

fn aligned(address: u32) -> Result<u64, Errno> {
    let address = u64::from(address);
    if address.is_multiple_of(PAGE) {
        Ok(address)
    } else {
        Err(EINVAL)
    }
}

fn host(memory: &Memory, at: u64) -> *mut libc::c_void {
    memory.base().wrapping_add(at as usize).cast()
}

/// What may be done with memory, as far as the kernel is told: never execution, which
/// would mean nothing to a guest and something to an attacker of the host.
fn host_prot(prot: i32) -> i32 {
    prot & !prot_flags::PROT_EXEC
}

/// Makes `start..end` inaccessible without leaving a hole.
fn plug(memory: &Memory, start: u64, end: u64) -> Result<(), Errno> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED;
    let len = (end - start) as usize;
    // SAFETY: the range is inside the reservation, which belongs to the guest.
    let result = unsafe { libc::mmap(host(memory, start), len, libc::PROT_NONE, flags, -1, 0) };
    if result == libc::MAP_FAILED {
        Err(last_error())
    } else {
        Ok(())
    }
}

/// Moves `len` bytes of mappings from a host address of the kernel's choice into the
/// reservation, replacing what is there. On failure the mappings are gone.
fn install(
    memory: &Memory,
    map: &mut Map,
    from: *mut libc::c_void,
    at: u64,
    len: u64,
) -> Result<(), Errno> {
    let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
    // SAFETY: `from` is ours, and the target is inside the reservation.
    let result = unsafe { libc::mremap(from, len as usize, len as usize, flags, host(memory, at)) };
    if result != libc::MAP_FAILED {
        return Ok(());
    }
    let error = last_error();
    // SAFETY: the move failed, so `from` is still ours and nobody knows of it.
    unsafe { libc::munmap(from, len as usize) };
    // The kernel may have unmapped the target before it failed.
    plug(memory, at, at + len)?;
    map.remove(at, at + len);
    Err(error)
}

/// mmap(2); the address of the mapping.
///
/// # Errors
/// As Linux's.
pub fn mmap(
    memory: &Memory,
    addr: u32,
    length: u32,
    prot: i32,
    flags: i32,
    fd: i32,
    offset: i64,
) -> Result<u32, Errno> {
    // In the kernel's order, since the first mistake found is the one reported.
    if !(offset as u64).is_multiple_of(PAGE) {
        return Err(EINVAL);
    }
    // SAFETY: asks for a descriptor's flags.
    if flags & map_flags::MAP_ANONYMOUS == 0 && unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0 {
        return Err(last_error());
    }
    if length == 0 {
        return Err(EINVAL);
    }
    let len = pages(length);
    let mut map = memory.map();
    let at = choose(memory, &map, addr, len, flags)?;
    let backing = match flags & map_flags::MAP_SHARED_VALIDATE {
        map_flags::MAP_SHARED | map_flags::MAP_SHARED_VALIDATE => Backing::Shared,
        map_flags::MAP_PRIVATE if flags & map_flags::MAP_ANONYMOUS != 0 => Backing::Anonymous,
        map_flags::MAP_PRIVATE => Backing::PrivateFile,
        _ => return Err(EINVAL),
    };
    let placement =
        map_flags::MAP_FIXED | map_flags::MAP_FIXED_NOREPLACE | map_flags::MAP_GROWSDOWN;
    let mut host_flags = map_flags::to_host((flags & !placement) as u32 as u64) as i32;
    if map.lock_future {
        host_flags |= libc::MAP_LOCKED;
    }
    let prot = host_prot(prot);
    if backing == Backing::Anonymous {
        let host_flags = host_flags | libc::MAP_FIXED;
        // SAFETY: the range is inside the reservation, which belongs to the guest.
        let result = unsafe { libc::mmap(host(memory, at), len as usize, prot, host_flags, -1, 0) };
        if result == libc::MAP_FAILED {
            return Err(last_error());
        }
    } else {
        // First elsewhere, then moved into place: with MAP_FIXED, a file that refuses to be
        // mapped could leave a hole where the old mapping was.
        // SAFETY: a new mapping at an address of the kernel's choice touches nothing.
        let result = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                len as usize,
                prot,
                host_flags,
                fd,
                offset,
            )
        };
        if result == libc::MAP_FAILED {
            return Err(last_error());
        }
        install(memory, &mut map, result, at, len)?;
    }
    map.insert(at, at + len, Region { backing, prot });
    memory.cover(&mut map, at + len);
    Ok(at as u32)
}

/// Where a new mapping goes.
fn choose(memory: &Memory, map: &Map, addr: u32, len: u64, flags: i32) -> Result<u64, Errno> {
    let limit = memory.limit();
    let no_replace = flags & map_flags::MAP_FIXED_NOREPLACE != 0;
    if no_replace || flags & map_flags::MAP_FIXED != 0 {
        let at = aligned(addr)?;
        if at + len > limit {
            return Err(ENOMEM);
        }
        if at < PAGE {
            // As below vm.mmap_min_addr: address 0 is the null pointer.
            return Err(Errno(errno::EPERM));
        }
        if no_replace && !map.is_free(at, at + len) {
            return Err(Errno(errno::EEXIST));
        }
        return Ok(at);
    }
    let hint = u64::from(addr).next_multiple_of(PAGE);
    if hint >= PAGE && hint + len <= limit && map.is_free(hint, hint + len) {
        return Ok(hint);
    }
    map.find_free(len, PAGE, limit).ok_or(ENOMEM)
}

/// munmap(2).
///
/// # Errors
/// As Linux's.
pub fn munmap(memory: &Memory, addr: u32, length: u32) -> Result<(), Errno> {
    let start = aligned(addr)?;
    let end = start + pages(length);
    if length == 0 || end > memory.limit() {
        return Err(EINVAL);
    }
    let mut map = memory.map();
    free(memory, &mut map, start, end)
}

fn free(memory: &Memory, map: &mut Map, start: u64, end: u64) -> Result<(), Errno> {
    for (s, e, _) in map.overlapping(start, end) {
        plug(memory, s, e)?;
        map.remove(s, e);
    }
    Ok(())
}

/// The range of a call that wants all of it mapped, and how far it is. Page 0, where the
/// null pointer points, never counts as mapped.
fn mapped(map: &Map, start: u64, end: u64) -> u64 {
    if start < PAGE {
        start
    } else {
        map.mapped_until(start, end)
    }
}

/// Runs `call` on the mapped run that starts at `addr`; `ENOMEM` if the run ends early.
fn on_mapped(
    memory: &Memory,
    addr: u32,
    len: u32,
    call: impl FnOnce(*mut libc::c_void, usize) -> libc::c_int,
) -> Result<(), Errno> {
    let start = aligned(addr)?;
    let end = start + pages(len);
    let map = memory.map();
    let until = mapped(&map, start, end);
    if call(host(memory, start), (until - start) as usize) != 0 {
        return Err(last_error());
    }
    if until < end { Err(ENOMEM) } else { Ok(()) }
}

/// mprotect(2).
///
/// # Errors
/// As Linux's.
pub fn mprotect(memory: &Memory, addr: u32, len: u32, prot: i32) -> Result<(), Errno> {
    let start = aligned(addr)?;
    let end = start + pages(len);
    let mut map = memory.map();
    let until = mapped(&map, start, end);
    let prot = host_prot(prot);
    // SAFETY: the range is inside the reservation; protection is the guest's own business.
    if unsafe { libc::mprotect(host(memory, start), (until - start) as usize, prot) } != 0 {
        return Err(last_error());
    }
    map.protect(start, until, prot);
    if until < end { Err(ENOMEM) } else { Ok(()) }
}

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
    let region = source(&map, old, old_len)?;
    if old_len == 0 && region.backing != Backing::Shared {
        return Err(EINVAL);
    }

    let target = if fixed {
        let at = aligned(new_address)?;
        let overlaps = at < old + old_len && old < at + new_len;
        if at + new_len > limit || at < PAGE || overlaps {
            return Err(EINVAL);
        }
        at
    } else if !keep && old_len != 0 && new_len <= old_len {
        free(memory, &mut map, old + new_len, old + old_len)?;
        return Ok(old as u32);
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
    map.insert(target, target + new_len, region);
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
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
        // SAFETY: the range is inside the reservation and free.
        let result = unsafe {
            libc::mmap(
                host(memory, tail),
                tail_len as usize,
                region.prot,
                flags,
                -1,
                0,
            )
        };
        if result == libc::MAP_FAILED {
            return Err(last_error());
        }
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

/// madvise(2).
///
/// # Errors
/// As Linux's. Advice that would take pages out of the reservation in a child, or harm
/// the host's memory, is `EINVAL`, as on a kernel without it.
pub fn madvise(memory: &Memory, addr: u32, len: u32, advice: i32) -> Result<(), Errno> {
    let refused = [
        madvise_advice::MADV_DONTFORK,
        madvise_advice::MADV_HWPOISON,
        madvise_advice::MADV_SOFT_OFFLINE,
    ];
    if refused.contains(&advice) {
        return Err(EINVAL);
    }
    let start = aligned(addr)?;
    let end = start + pages(len);
    let call = |at: u64, len: u64| {
        // SAFETY: the range is the guest's; the advice changes nothing outside it.
        let result = unsafe { libc::madvise(host(memory, at), len as usize, advice) };
        if result == 0 {
            Ok(())
        } else {
            Err(last_error())
        }
    };
    call(0, 0)?;
    // Unlike its kin, madvise goes on behind an unmapped part and complains at the end.
    let map = memory.map();
    let mut at = start;
    for (s, e, _) in map.overlapping(start.max(PAGE), end) {
        call(s, e - s)?;
        at += if s == at { e - s } else { 0 };
    }
    if at < end { Err(ENOMEM) } else { Ok(()) }
}

/// msync(2).
///
/// # Errors
/// As Linux's.
pub fn msync(memory: &Memory, addr: u32, len: u32, flags: i32) -> Result<(), Errno> {
    // SAFETY: the range is the guest's; writing back changes no memory.
    on_mapped(memory, addr, len, |at, len| unsafe {
        libc::msync(at, len, flags)
    })
}

/// mincore(2); `vec` is a host address with room for a byte for each page.
///
/// # Errors
/// As Linux's.
pub fn mincore(memory: &Memory, addr: u32, len: u32, vec: usize) -> Result<(), Errno> {
    let start = aligned(addr)?;
    let end = start + pages(len);
    let map = memory.map();
    if mapped(&map, start, end) < end {
        return Err(ENOMEM);
    }
    // SAFETY: the range is the guest's, and so is what `vec` points to, where the kernel
    // itself checks for access.
    if unsafe { libc::mincore(host(memory, start), (end - start) as usize, vec as *mut u8) } != 0 {
        return Err(last_error());
    }
    Ok(())
}

/// The whole pages around a range that need not be aligned.
fn around(addr: u32, len: u32) -> Result<(u32, u32), Errno> {
    let start = u64::from(addr) / PAGE * PAGE;
    let end = (u64::from(addr) + u64::from(len)).next_multiple_of(PAGE);
    let len = u32::try_from(end - start).map_err(|_| ENOMEM)?;
    Ok((start as u32, len))
}

/// mlock(2) and mlock2(2).
///
/// # Errors
/// As Linux's.
pub fn mlock(memory: &Memory, addr: u32, len: u32, flags: u32) -> Result<(), Errno> {
    let (addr, len) = around(addr, len)?;
    // SAFETY: the range is the guest's; locking changes no memory.
    on_mapped(memory, addr, len, |at, len| unsafe {
        libc::mlock2(at, len, flags)
    })
}

/// munlock(2).
///
/// # Errors
/// As Linux's.
pub fn munlock(memory: &Memory, addr: u32, len: u32) -> Result<(), Errno> {
    let (addr, len) = around(addr, len)?;
    // SAFETY: the range is the guest's; unlocking changes no memory.
    on_mapped(memory, addr, len, |at, len| unsafe {
        libc::munlock(at, len)
    })
}

/// mlockall(2), for the guest's mappings alone.
///
/// # Errors
/// As Linux's.
pub fn mlockall(memory: &Memory, flags: i32) -> Result<(), Errno> {
    use mlockall_flags::{MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT};
    if flags & !(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0
        || flags & (MCL_CURRENT | MCL_FUTURE) == 0
    {
        return Err(EINVAL);
    }
    let mut map = memory.map();
    if flags & MCL_CURRENT != 0 {
        let on_fault = match flags & MCL_ONFAULT {
            0 => 0,
            _ => wali_arch::flags::mlock_flags::MLOCK_ONFAULT as u32,
        };
        for (start, end, region) in map.iter() {
            if region.prot == libc::PROT_NONE {
                continue;
            }
            // SAFETY: the range is the guest's; locking changes no memory.
            let result =
                unsafe { libc::mlock2(host(memory, start), (end - start) as usize, on_fault) };
            if result != 0 {
                return Err(last_error());
            }
        }
    }
    map.lock_future = flags & MCL_FUTURE != 0;
    Ok(())
}

/// munlockall(2), for the guest's mappings alone.
///
/// # Errors
/// As Linux's.
pub fn munlockall(memory: &Memory) -> Result<(), Errno> {
    let mut map = memory.map();
    map.lock_future = false;
    for (start, end, _) in map.iter() {
        // SAFETY: the range is the guest's; unlocking changes no memory.
        if unsafe { libc::munlock(host(memory, start), (end - start) as usize) } != 0 {
            return Err(last_error());
        }
    }
    Ok(())
}
