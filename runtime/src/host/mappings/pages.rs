//! Calls about pages that are mapped: advice, writing back, residency, locking.

use wali_arch::flags::{madvise_advice, mlockall_flags, prctl_option, prctl_vma};

use super::{EINVAL, ENOMEM, PAGE, aligned, host, last_error, mapped, pages};
use crate::host::abi::{Errno, GuestMemory};
use crate::memory::Memory;

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

/// The whole pages around a range that need not be aligned.
fn around(addr: u32, len: u32) -> Result<(u32, u32), Errno> {
    let start = u64::from(addr) / PAGE * PAGE;
    let end = (u64::from(addr) + u64::from(len)).next_multiple_of(PAGE);
    let len = u32::try_from(end - start).map_err(|_| ENOMEM)?;
    Ok((start as u32, len))
}

/// The call that the guest made, as far as possible: mlock2 came later than mlock.
///
/// # Safety
/// The range is the guest's.
unsafe fn lock(at: *const libc::c_void, len: usize, flags: u32) -> libc::c_int {
    // SAFETY: locking changes no memory.
    unsafe {
        match flags {
            0 => libc::mlock(at, len),
            _ => libc::mlock2(at, len, flags),
        }
    }
}

/// mlock(2) and mlock2(2).
///
/// # Errors
/// As Linux's.
pub fn mlock(memory: &Memory, addr: u32, len: u32, flags: u32) -> Result<(), Errno> {
    let (addr, len) = around(addr, len)?;
    // SAFETY: the range is the guest's; locking changes no memory.
    on_mapped(memory, addr, len, |at, len| unsafe { lock(at, len, flags) })
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
            let result = unsafe { lock(host(memory, start), (end - start) as usize, on_fault) };
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
