//! Calls about pages that are mapped: advice, writing back, residency, locking.

use wali_arch::flags::{
    madvise_advice, mlock_flags, mlockall_flags, msync_flags, prctl_option, prctl_vma,
};

use super::{EINVAL, END, ENOMEM, PAGE, aligned, host, last_error, mapped, pages};
use crate::host::abi::{Errno, GuestMemory};
use crate::memory::{Map, Memory, Region, Traits};

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

/// Runs `call` on all that is mapped in a range, as calls do that go on behind a gap and
/// complain at the end; `behind` says whether they do.
fn on_pieces(
    map: &Map,
    start: u64,
    end: u64,
    behind: bool,
    mut call: impl FnMut(u64, u64) -> Result<(), Errno>,
) -> Result<(), Errno> {
    let mut at = start;
    let mut gaps = false;
    for (s, e, _) in map.pieces(start.max(PAGE), end) {
        gaps |= s != at;
        if gaps && !behind {
            break;
        }
        call(s, e - s)?;
        at = e;
    }
    if gaps || at < end {
        Err(ENOMEM)
    } else {
        Ok(())
    }
}

/// madvise(2).
///
/// # Errors
/// As Linux's. Advice that would harm the host's memory is `EINVAL`, as on a kernel without it.
pub fn madvise(memory: &Memory, addr: u32, len: u32, advice: i32) -> Result<(), Errno> {
    use madvise_advice::{
        MADV_DOFORK, MADV_DONTFORK, MADV_HWPOISON, MADV_KEEPONFORK, MADV_POPULATE_READ,
        MADV_POPULATE_WRITE, MADV_SOFT_OFFLINE, MADV_WIPEONFORK,
    };
    if [MADV_HWPOISON, MADV_SOFT_OFFLINE].contains(&advice) {
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
    if end > END || pages(len) == END {
        return Err(EINVAL);
    }
    let mut map = memory.map();
    let behind = ![MADV_POPULATE_READ, MADV_POPULATE_WRITE].contains(&advice);
    let own = [MADV_DONTFORK, MADV_DOFORK].contains(&advice);
    let mut until = start;
    let result = on_pieces(&map, start, end, behind, |at, len| {
        if !own {
            call(at, len)?;
        }
        until = at + len;
        Ok(())
    });
    let (add, remove) = match advice {
        MADV_DONTFORK => (Traits::DONT_FORK, Traits::default()),
        MADV_DOFORK => (Traits::default(), Traits::DONT_FORK),
        MADV_WIPEONFORK => (Traits::WIPE_ON_FORK, Traits::default()),
        MADV_KEEPONFORK => (Traits::default(), Traits::WIPE_ON_FORK),
        _ => return result,
    };
    map.change(start.max(PAGE), until, |region| Region {
        traits: region.traits.with(add).without(remove),
        ..region
    });
    result
}

/// msync(2).
///
/// # Errors
/// As Linux's.
pub fn msync(memory: &Memory, addr: u32, len: u32, flags: i32) -> Result<(), Errno> {
    let call = |at: u64, len: u64| {
        // SAFETY: the range is the guest's; writing back changes no memory.
        match unsafe { libc::msync(host(memory, at), len as usize, flags) } {
            0 => Ok(()),
            _ => Err(last_error()),
        }
    };
    // The flags come before the address.
    call(0, 0)?;
    let start = aligned(addr)?;
    if pages(len) == END {
        // It comes to nothing.
        return Ok(());
    }
    let map = memory.map();
    let behind = flags != msync_flags::MS_ASYNC;
    on_pieces(&map, start, start + pages(len), behind, call)
}

/// mincore(2).
///
/// # Errors
/// As Linux's.
pub fn mincore(memory: &Memory, addr: u32, len: u32, vec: u32) -> Result<(), Errno> {
    let start = aligned(addr)?;
    let end = start + pages(len);
    let map = memory.map();
    if mapped(&map, start, end) < end {
        return Err(ENOMEM);
    }
    // SAFETY: `memory` lives throughout.
    let vec = unsafe { GuestMemory::new(memory) }.address(vec, (end - start) / PAGE);
    // SAFETY: the range is the guest's, and so is the vector, where the kernel itself checks
    // for access.
    if unsafe { libc::mincore(host(memory, start), (end - start) as usize, vec as *mut u8) } != 0 {
        return Err(last_error());
    }
    Ok(())
}

/// The whole pages around a range that need not be aligned, with the kernel's arithmetic.
fn around(addr: u32, len: u32) -> Result<(u64, u64), Errno> {
    let start = u64::from(addr) / PAGE * PAGE;
    let len = len.wrapping_add(addr - start as u32);
    let len = pages(len) % END;
    match start + len {
        end if end > END => Err(EINVAL),
        end => Ok((start, end)),
    }
}

/// Locks memory as its traits say: all of it, or each page when it is used. mlock2 came later
/// than mlock.
///
/// # Safety
/// The range is the guest's, or nobody's.
pub(super) unsafe fn lock(at: *const libc::c_void, len: usize, traits: Traits) -> libc::c_int {
    // SAFETY: locking changes no memory.
    unsafe {
        match traits.any(Traits::ON_FAULT) {
            false => libc::mlock(at, len),
            true => libc::mlock2(at, len, mlock_flags::MLOCK_ONFAULT as u32),
        }
    }
}

/// The traits of locked memory.
fn locked(on_fault: bool) -> Traits {
    match on_fault {
        false => Traits::LOCKED,
        true => Traits::LOCKED.with(Traits::ON_FAULT),
    }
}

/// mlock(2) and mlock2(2).
///
/// # Errors
/// As Linux's.
pub fn mlock(memory: &Memory, addr: u32, len: u32, flags: u32) -> Result<(), Errno> {
    if flags & !(mlock_flags::MLOCK_ONFAULT as u32) != 0 {
        return Err(EINVAL);
    }
    set_lock(memory, addr, len, locked(flags != 0))
}

/// munlock(2).
///
/// # Errors
/// As Linux's.
pub fn munlock(memory: &Memory, addr: u32, len: u32) -> Result<(), Errno> {
    set_lock(memory, addr, len, Traits::default())
}

fn set_lock(memory: &Memory, addr: u32, len: u32, traits: Traits) -> Result<(), Errno> {
    let (start, end) = around(addr, len)?;
    let mut map = memory.map();
    let until = mapped(&map, start, end);
    let (at, size) = (host(memory, start), (until - start) as usize);
    // SAFETY: the range is the guest's; locking changes no memory.
    let result = unsafe {
        match traits.any(Traits::LOCKED) {
            true => lock(at, size, traits),
            false => libc::munlock(at, size),
        }
    };
    if result != 0 {
        return Err(last_error());
    }
    mark(&mut map, start, until, traits);
    if until < end { Err(ENOMEM) } else { Ok(()) }
}

/// Writes down whether a range is locked.
fn mark(map: &mut Map, start: u64, end: u64, locks: Traits) {
    map.change(start, end, |region| Region {
        traits: region.traits.without(locked(true)).with(locks),
        ..region
    });
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
    let traits = locked(flags & MCL_ONFAULT != 0);
    // SAFETY: locks nothing, and fails if nothing may be locked.
    if unsafe { libc::mlock(memory.base().cast(), 0) } != 0 {
        return Err(last_error());
    }
    let mut map = memory.map();
    if flags & MCL_CURRENT != 0 {
        let pieces: Vec<_> = map.iter().collect();
        for (done, &(start, end, region)) in pieces.iter().enumerate() {
            // Without looking at the pages, so that only limits are in the way.
            // SAFETY: the range is the guest's; locking changes no memory.
            let result = unsafe { lock(host(memory, start), (end - start) as usize, locked(true)) };
            // Old kernels, such as 5.10, lock what has no access, and then say that its pages
            // cannot be had.
            let only_pages = || region.prot == 0 && last_error() == ENOMEM;
            if result != 0 && !only_pages() {
                let error = last_error();
                for &(start, end, region) in &pieces[..done] {
                    if !region.traits.any(Traits::LOCKED) {
                        // SAFETY: as above.
                        unsafe { libc::munlock(host(memory, start), (end - start) as usize) };
                    }
                }
                return Err(error);
            }
        }
        for (start, end, _) in pieces {
            if !traits.any(Traits::ON_FAULT) {
                // Pages that cannot be had are no error here.
                // SAFETY: as above.
                unsafe { lock(host(memory, start), (end - start) as usize, traits) };
            }
            mark(&mut map, start, end, traits);
        }
    }
    map.lock_future = (flags & MCL_FUTURE != 0).then_some(traits);
    Ok(())
}

/// munlockall(2), for the guest's mappings alone.
///
/// # Errors
/// As Linux's.
pub fn munlockall(memory: &Memory) -> Result<(), Errno> {
    let mut map = memory.map();
    map.lock_future = None;
    let pieces: Vec<_> = map.iter().collect();
    for (start, end, _) in pieces {
        // SAFETY: the range is the guest's; unlocking changes no memory.
        if unsafe { libc::munlock(host(memory, start), (end - start) as usize) } != 0 {
            return Err(last_error());
        }
        mark(&mut map, start, end, Traits::default());
    }
    Ok(())
}

/// prctl(2) with `PR_SET_VMA_ANON_NAME`; a null name takes the name away.
///
/// # Errors
/// As Linux's.
pub fn name(memory: &Memory, addr: u32, len: u32, name: u32) -> Result<(), Errno> {
    // SAFETY: `memory` lives throughout.
    let name = unsafe { GuestMemory::new(memory) }.address(name, 0);
    let call = |at: usize, len: usize| {
        // SAFETY: the range and the name are the guest's; names change no memory.
        unsafe {
            libc::prctl(
                prctl_option::PR_SET_VMA,
                prctl_vma::PR_SET_VMA_ANON_NAME as libc::c_ulong,
                at,
                len,
                name,
            )
        }
    };
    // The name is the first thing that the kernel looks at; naming nothing is no error.
    if call(0, 0) != 0 {
        return Err(last_error());
    }
    on_mapped(memory, addr, len, |at, len| call(at as usize, len))
}
