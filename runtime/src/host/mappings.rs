//! The mmap family on linear memory. The kernel does the mapping; where mappings go, and
//! what is mapped at all, is decided here, since to the kernel the whole reservation is
//! mapped. Nothing in it is ever unmapped: a hole could be filled by the host.

use std::io::{self, Write};
use std::mem::MaybeUninit;

use wali_arch::flags::{errno, map_flags, prot_flags};

mod nodes;
mod pages;
mod remap;
mod segments;

pub use nodes::{get_mempolicy, mbind, move_pages, set_mempolicy_home_node};
pub use pages::{madvise, mincore, mlock, mlockall, msync, munlock, munlockall, name};
pub use remap::mremap;
pub use segments::{shmat, shmdt};

use super::abi::{Errno, descriptor};
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
    // The kernel may have unmapped the target before it failed. A hole that cannot be closed
    // must not be lived with: the host's own memory could come to lie in it.
    if plug(memory, at, at + len).is_err() {
        let _ = writeln!(
            io::stderr(),
            "wali: cannot close a hole in the guest's memory; ending"
        );
        std::process::abort();
    }
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
    let fd = descriptor(fd) as i32;
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
        map_flags::MAP_SHARED | map_flags::MAP_SHARED_VALIDATE => {
            let first = match flags & map_flags::MAP_ANONYMOUS {
                0 => offset as u64,
                _ => 0,
            };
            Backing::Shared(map.object(at.wrapping_sub(first), false))
        }
        map_flags::MAP_PRIVATE if flags & map_flags::MAP_ANONYMOUS != 0 => Backing::Anonymous,
        map_flags::MAP_PRIVATE => Backing::PrivateFile,
        _ => return Err(EINVAL),
    };
    if flags & map_flags::MAP_HUGETLB != 0 {
        // As where no huge pages are set aside: their size is not the guest's.
        return Err(ENOMEM);
    }
    let prot = host_prot(prot);
    if backing == Backing::Anonymous {
        anonymous(memory, &mut map, at, len, prot)?;
        settle(memory, &map, at, len, flags);
    } else {
        let placement =
            map_flags::MAP_FIXED | map_flags::MAP_FIXED_NOREPLACE | map_flags::MAP_GROWSDOWN;
        let mut host_flags = map_flags::to_host((flags & !placement) as u32 as u64) as i32;
        if map.lock_future {
            host_flags |= libc::MAP_LOCKED;
        }
        if flags & map_flags::MAP_ANONYMOUS == 0 && has_huge_pages(fd) {
            return Err(EINVAL);
        }
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

/// Makes fresh private memory out of a part of the reservation. What is free is mapped
/// already, inaccessible and empty, so that only its protection changes: nothing here can
/// fail in a way that unmaps.
fn anonymous(memory: &Memory, map: &mut Map, at: u64, len: u64, prot: i32) -> Result<(), Errno> {
    free(memory, map, at, at + len)?;
    // SAFETY: the range is inside the reservation, and free.
    match unsafe { libc::mprotect(host(memory, at), len as usize, prot) } {
        0 => Ok(()),
        _ => Err(last_error()),
    }
}

/// What flags ask for beyond the mapping itself, as far as limits allow.
fn settle(memory: &Memory, map: &Map, at: u64, len: u64, flags: i32) {
    let (start, len) = (host(memory, at), len as usize);
    // SAFETY: the range is the guest's; neither call changes what is mapped.
    unsafe {
        if map.lock_future || flags & map_flags::MAP_LOCKED != 0 {
            libc::mlock(start, len);
        } else if flags & map_flags::MAP_POPULATE != 0 {
            libc::madvise(start, len, libc::MADV_POPULATE_WRITE);
        }
    }
}

/// Whether a file's pages are larger than the guest's.
fn has_huge_pages(fd: i32) -> bool {
    let mut status = MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: the kernel fills the local in if it returns 0.
    unsafe {
        libc::fstatfs(fd, status.as_mut_ptr()) == 0
            && status.assume_init().f_type == libc::HUGETLBFS_MAGIC
    }
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
    let hint = u64::from(addr) / PAGE * PAGE;
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
    for (s, e, region) in map.overlapping(start, end) {
        if let Err(error) = plug(memory, s, e) {
            // A limit on address space stands in the way of a mapping, even one in the place
            // of another. Private memory can be emptied without.
            if region.backing != Backing::Anonymous || !empty(memory, s, e) {
                return Err(error);
            }
        }
        map.remove(s, e);
    }
    Ok(())
}

/// Makes private memory what free memory is: inaccessible and zero.
fn empty(memory: &Memory, start: u64, end: u64) -> bool {
    let (start, len) = (host(memory, start), (end - start) as usize);
    // SAFETY: the range is the guest's, private and anonymous.
    unsafe {
        libc::munlock(start, len);
        libc::madvise(start, len, libc::MADV_DONTNEED) == 0
            && libc::mprotect(start, len, libc::PROT_NONE) == 0
    }
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
