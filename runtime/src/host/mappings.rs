//! The mmap family on linear memory. The kernel does the mapping; where mappings go, and
//! what is mapped at all, is decided here, since to the kernel the whole reservation is
//! mapped. Nothing in it is ever unmapped: a hole could be filled by the host.

use std::io::{self, Write};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::OnceLock;

use wali_arch::access;
use wali_arch::flags::{errno, map_flags, map_type, prot_flags};

mod nodes;
mod pages;
mod place;
mod remap;
mod segments;

pub use nodes::{get_mempolicy, mbind, move_pages, set_mempolicy_home_node};
pub use pages::{madvise, mincore, mlock, mlockall, msync, munlock, munlockall, name};
pub use place::brk;
pub use remap::mremap;
pub use segments::{shmat, shmdt};

use place::choose;

use super::abi::{Errno, closed, descriptor};
pub use crate::memory::PAGE;
use crate::memory::{Backing, Limits, Map, Memory, Region, Traits};

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

/// The end of guest memory's addresses: sums beyond it are what wraps around natively.
const END: u64 = 1 << 32;

fn host(memory: &Memory, at: u64) -> *mut libc::c_void {
    memory.base().wrapping_add(at as usize).cast()
}

/// What may be done with memory, as far as the kernel is told: never execution, which
/// would mean nothing to a guest and something to an attacker of the host.
fn host_prot(prot: i32) -> i32 {
    let only = prot & (prot_flags::PROT_READ | prot_flags::PROT_WRITE | prot_flags::PROT_EXEC);
    if only == prot_flags::PROT_EXEC && execution_reads() {
        return prot & !prot_flags::PROT_EXEC | prot_flags::PROT_READ;
    }
    prot & !prot_flags::PROT_EXEC
}

/// Whether this machine lets a program read what it may only execute: seen by trying.
fn execution_reads() -> bool {
    static SEEN: OnceLock<bool> = OnceLock::new();
    *SEEN.get_or_init(|| {
        crate::fault::install();
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let page = PAGE as usize;
        let mut byte = 0u8;
        // SAFETY: an empty page of our own, and a read that may fault.
        unsafe {
            let at = libc::mmap(ptr::null_mut(), page, libc::PROT_EXEC, flags, -1, 0);
            if at == libc::MAP_FAILED {
                return false;
            }
            let reads = access::copy(&raw mut byte, at.cast(), 1).is_ok();
            libc::munmap(at, page);
            reads
        }
    })
}

/// The protections that mappings have; what else a call says about them is the kernel's to
/// judge.
const ACCESS: i32 = libc::PROT_READ | libc::PROT_WRITE;

/// Makes `start..end` private and fresh, whatever was there: the kernel does it in one go.
fn renew(memory: &Memory, start: u64, end: u64, prot: i32) -> Result<(), Errno> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED;
    let len = (end - start) as usize;
    // SAFETY: the range is inside the reservation, which belongs to the guest.
    let result = unsafe { libc::mmap(host(memory, start), len, prot, flags, -1, 0) };
    if result == libc::MAP_FAILED {
        Err(last_error())
    } else {
        Ok(())
    }
}

/// Makes `start..end` inaccessible without leaving a hole.
fn plug(memory: &Memory, start: u64, end: u64) -> Result<(), Errno> {
    renew(memory, start, end, libc::PROT_NONE)
}

/// Whether the kernel has something mapped in all of a range.
fn is_whole(memory: &Memory, start: u64, end: u64) -> bool {
    // SAFETY: with this flag the kernel looks at its mappings, and does nothing.
    unsafe { libc::msync(host(memory, start), (end - start) as usize, libc::MS_ASYNC) == 0 }
}

/// Closes a hole. One that cannot be closed must not be lived with: the host's own memory could
/// come to lie in it.
fn close_hole(memory: &Memory, start: u64, end: u64) {
    if plug(memory, start, end).is_err() {
        end_process("cannot close a hole in the guest's memory");
    }
}

/// Ends everything, for a reason that leaves no choice.
fn end_process(reason: &str) -> ! {
    let _ = writeln!(io::stderr(), "wali: {reason}; ending");
    std::process::abort()
}

/// Moves `len` bytes of mappings from a host address of the kernel's choice into the
/// reservation, replacing what is there. On failure they are gone.
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
    if !is_whole(memory, at, at + len) {
        close_hole(memory, at, at + len);
        map.remove(at, at + len);
    }
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
    map_pages(memory, addr, length, prot, flags, fd, offset).map_err(|error| {
        match flags & map_flags::MAP_ANONYMOUS {
            0 => closed(fd).unwrap_or(error),
            _ => error,
        }
    })
}

/// mmap, as if the descriptor were open.
fn map_pages(
    memory: &Memory,
    addr: u32,
    length: u32,
    prot: i32,
    flags: i32,
    fd: i32,
    offset: i64,
) -> Result<u32, Errno> {
    let fd = descriptor(fd) as i32;
    let has = |flag: i32| flags & flag != 0;
    let file = !has(map_flags::MAP_ANONYMOUS);
    if length == 0 {
        return Err(EINVAL);
    }
    if has(map_flags::MAP_HUGETLB) {
        // As where no huge pages are set aside: their size is not the guest's.
        return Err(if file { EINVAL } else { ENOMEM });
    }
    let len = pages(length);
    let mut map = memory.map();
    let at = choose(memory, &mut map, addr, len, flags)?;
    let mut traits = map.lock_future.unwrap_or_default();
    if has(map_flags::MAP_LOCKED) {
        traits = traits.with(Traits::LOCKED);
    }
    if traits.any(Traits::LOCKED) {
        check_lock(len)?;
    }
    let backing = match flags & map_type::MAP_TYPE {
        map_flags::MAP_SHARED | map_flags::MAP_SHARED_VALIDATE => {
            let first = if file { offset as u64 } else { 0 };
            Backing::Shared(map.object(at.wrapping_sub(first), false))
        }
        map_flags::MAP_PRIVATE if file => Backing::PrivateFile,
        map_flags::MAP_PRIVATE => Backing::Anonymous,
        map_flags::MAP_DROPPABLE if !file && !traits.any(Traits::LOCKED) => {
            traits = traits.with(Traits::WIPE_ON_FORK);
            Backing::Anonymous
        }
        _ => return Err(EINVAL),
    };
    let region = Region {
        backing,
        prot: host_prot(prot) & ACCESS,
        traits,
    };
    let plain = backing == Backing::Anonymous && has(map_flags::MAP_PRIVATE);
    // Only a stack grows down.
    if has(map_flags::MAP_GROWSDOWN) && !plain {
        return Err(EINVAL);
    }
    let more = len - map.mapped_in(at, at + len);
    if plain {
        if !map.has_room(more, &region) {
            return Err(ENOMEM);
        }
        anonymous(memory, &map, at, len, region.prot)?;
        settle_lock(memory, at, len, traits);
    } else {
        if file {
            check_file(fd, prot)?;
        }
        let placement =
            map_flags::MAP_FIXED | map_flags::MAP_FIXED_NOREPLACE | map_flags::MAP_GROWSDOWN;
        let mut host_flags = map_flags::to_host((flags & !placement) as u32 as u64) as i32;
        if traits.any(Traits::LOCKED) && !traits.any(Traits::ON_FAULT) {
            host_flags |= libc::MAP_LOCKED;
        }
        // First elsewhere, then moved into place: with MAP_FIXED, a file that refuses to be
        // mapped could leave a hole where the old mapping was.
        // SAFETY: a new mapping at an address of the kernel's choice touches nothing.
        let result = unsafe {
            libc::mmap(
                ptr::null_mut(),
                len as usize,
                region.prot,
                host_flags,
                fd,
                offset,
            )
        };
        if result == libc::MAP_FAILED {
            return Err(last_error());
        }
        if !map.has_room(more, &region) {
            // SAFETY: it was made just now, and nobody knows of it.
            unsafe { libc::munmap(result, len as usize) };
            return Err(ENOMEM);
        }
        install(memory, &mut map, result, at, len)?;
        if traits.any(Traits::ON_FAULT) {
            settle_lock(memory, at, len, traits);
        }
    }
    if plain && has(map_flags::MAP_POPULATE) && !has(map_flags::MAP_NONBLOCK) {
        populate(memory, at, len, region.prot);
    }
    map.insert(at, at + len, region);
    memory.cover(&mut map, at + len);
    Ok(at as u32)
}

/// What the kernel says of a file that it would not be asked otherwise.
fn check_file(fd: i32, prot: i32) -> Result<(), Errno> {
    let mut kind = MaybeUninit::<libc::statfs>::uninit();
    let mut flags = MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: the kernel fills a local in if it returns 0.
    unsafe {
        // Pages larger than the guest's.
        if libc::fstatfs(fd, kind.as_mut_ptr()) == 0
            && kind.assume_init().f_type == libc::HUGETLBFS_MAGIC
        {
            return Err(EINVAL);
        }
        if prot & prot_flags::PROT_EXEC != 0
            && libc::fstatvfs(fd, flags.as_mut_ptr()) == 0
            && flags.assume_init().f_flag & libc::ST_NOEXEC != 0
        {
            return Err(Errno(errno::EPERM));
        }
    }
    Ok(())
}

/// Makes fresh private memory out of a part of the reservation. What is free is mapped
/// already, inaccessible and empty, so that only its protection changes; what is not is
/// replaced at once, so that nothing is lost if that fails.
fn anonymous(memory: &Memory, map: &Map, at: u64, len: u64, prot: i32) -> Result<(), Errno> {
    if !map.is_free(at, at + len) {
        return renew(memory, at, at + len, prot);
    }
    // SAFETY: the range is inside the reservation, and free.
    match unsafe { libc::mprotect(host(memory, at), len as usize, prot) } {
        0 => Ok(()),
        _ => Err(last_error()),
    }
}

/// Has the pages of fresh memory made at once, as far as possible.
fn populate(memory: &Memory, at: u64, len: u64, prot: i32) {
    let advice = match prot & libc::PROT_WRITE {
        0 => libc::MADV_POPULATE_READ,
        _ => libc::MADV_POPULATE_WRITE,
    };
    // SAFETY: the range is the guest's; its contents stay the same.
    unsafe { libc::madvise(host(memory, at), len as usize, advice) };
}

/// Whether limits allow `len` bytes more to be locked: tried on memory of our own.
///
/// # Errors
/// As mmap's and mremap's.
fn check_lock(len: u64) -> Result<(), Errno> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    let len = len as usize;
    // Memory without access cannot be locked on old kernels: 5.10's is an error.
    // SAFETY: a new mapping that goes away again.
    unsafe {
        let at = libc::mmap(ptr::null_mut(), len, libc::PROT_READ, flags, -1, 0);
        if at == libc::MAP_FAILED {
            return Err(last_error());
        }
        let mut result = pages::lock(at, len, Traits::ON_FAULT);
        if result != 0 && matches!(last_error().0, errno::ENOSYS | errno::EINVAL) {
            // Before Linux 4.4, for which C libraries say either: with pages, all the one of zeros.
            result = libc::mlock(at, len);
        }
        let error = last_error();
        libc::munmap(at, len);
        match (result, error.0) {
            (0, _) => Ok(()),
            (_, errno::EPERM) => Err(error),
            _ => Err(Errno(errno::EAGAIN)),
        }
    }
}

/// Locks memory whose traits say so; limits have been looked at.
fn settle_lock(memory: &Memory, at: u64, len: u64, traits: Traits) {
    if traits.any(Traits::LOCKED) {
        // SAFETY: the range is the guest's; locking changes no memory.
        unsafe { pages::lock(host(memory, at), len as usize, traits) };
    }
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
    let mut pieces = map.pieces(start, end);
    let Some((first, mut last, _)) = pieces.next() else {
        return Ok(());
    };
    last = pieces.last().map_or(last, |(_, end, _)| end);
    if plug(memory, first, last).is_ok() {
        map.remove(first, last);
        return Ok(());
    }
    // A limit on the kernel's mappings may stand in the way of new ones in the middle of others.
    for (s, e, region) in map.overlapping(first, last) {
        if let Err(error) = plug(memory, s, e) {
            // One on address space stands in the way of any, even in the place of another.
            // Private memory can be emptied without.
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

/// Sees to what is different in a copy of the process, in the copy, before anybody else does
/// anything. The kernel is not told of `MADV_DONTFORK`, since it would leave holes. A copy that
/// stands for a process in the same memory has all that its maker has.
pub fn forked(memory: &Memory, map: &mut Map, same_memory: bool) {
    map.lock_future = None;
    let locks = Traits::LOCKED.with(Traits::ON_FAULT);
    let special = |region: &Region| region.traits != Traits::default();
    let pieces: Vec<_> = map.iter().filter(|(_, _, r)| special(r)).collect();
    for (start, end, region) in pieces {
        if region.traits.any(Traits::DONT_FORK) && !same_memory {
            close_hole(memory, start, end);
            map.remove(start, end);
        } else {
            let traits = region.traits.without(locks);
            map.insert(start, end, Region { traits, ..region });
        }
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
    if end > END || pages(len) == END {
        return Err(ENOMEM);
    }
    let mut map = memory.map();
    let until = mapped(&map, start, end);
    let prot = host_prot(prot);
    let writable = prot & prot_flags::PROT_WRITE != 0;
    let call = |start: u64, end: u64| {
        // SAFETY: the range is inside the reservation; protection is the guest's own business.
        match unsafe { libc::mprotect(host(memory, start), (end - start) as usize, prot) } {
            0 => Ok(()),
            _ => Err(last_error()),
        }
    };
    let limited = writable && map.limits != Limits::default();
    if !limited && call(start, until).is_ok() {
        map.protect(start, until, prot & ACCESS);
        return if until < end { Err(ENOMEM) } else { Ok(()) };
    }
    // Piece by piece, as the kernel does it, so that it is known how far it comes.
    call(start, start)?;
    for (s, e, region) in map.overlapping(start, until) {
        let becomes_data = Region { prot, ..region }.is_data() && !region.is_data();
        if becomes_data && !map.has_room_for_data(e - s) {
            return Err(ENOMEM);
        }
        call(s, e)?;
        map.protect(s, e, prot & ACCESS);
    }
    if until < end { Err(ENOMEM) } else { Ok(()) }
}
