//! Limits: the guest's own on memory, the kernel's on everything else.

use wali_arch::layout::guest;
use wali_arch::syscall;

use super::outcome;
use crate::host::abi::{Errno, Guest, GuestMemory};
use crate::host::limits::{self, Limit, Resource};
use crate::host::process::Thread;

const SIZE: u64 = size_of::<guest::rlimit>() as u64;

/// getrlimit(2).
///
/// # Errors
/// As Linux's.
pub fn get(thread: &Thread, resource: i32, to: u32) -> Result<(), Errno> {
    let memory = Guest::memory(thread);
    let Some(kept) = Resource::of(resource) else {
        // SAFETY: the address is inside the reservation or nowhere.
        return unsafe { kernels(resource, NONE, given(memory, to)) };
    };
    let limit = thread.map_lock().limits.get(kept);
    memory.write_plain(to, &written(limit))
}

/// setrlimit(2).
///
/// # Errors
/// As Linux's.
pub fn set(thread: &Thread, resource: i32, from: u32) -> Result<(), Errno> {
    let memory = Guest::memory(thread);
    let Some(kept) = Resource::of(resource) else {
        // SAFETY: the address is inside the reservation or nowhere.
        return unsafe { kernels(resource, given(memory, from), NONE) };
    };
    let new = read(memory, from)?;
    limits::set(&mut thread.map_lock().limits, kept, new)
}

/// The host's address of a limit. In calls that take one, null is none.
fn given(memory: GuestMemory, at: u32) -> usize {
    match at {
        0 => GuestMemory::NOWHERE,
        at => memory.address(at, SIZE),
    }
}

const NONE: usize = 0;

/// The kernel's limit, by the call that every ISA has.
///
/// # Safety
/// The addresses are valid for the kernel, nowhere, or null.
unsafe fn kernels(resource: i32, new: usize, old: usize) -> Result<(), Errno> {
    let resource = resource as usize;
    // SAFETY: as the caller promises.
    outcome(unsafe { syscall::syscall4(everywhere!(prlimit64), 0, resource, new, old) }).map(|_| ())
}

/// prlimit(2). Limits of other processes are the kernel's: those on memory bind the runtimes
/// of other guests, which see their own in their place.
///
/// # Errors
/// As Linux's.
pub fn change(thread: &Thread, pid: i32, resource: i32, new: u32, old: u32) -> Result<(), Errno> {
    let memory = Guest::memory(thread);
    let (kept, own) = (Resource::of(resource), is_own(pid));
    let Some(kept) = kept.filter(|_| own) else {
        let (new, old) = (memory.address(new, SIZE), memory.address(old, SIZE));
        let (pid, resource) = (pid as usize, resource as usize);
        // SAFETY: the addresses are inside the reservation, null or nowhere.
        let result = unsafe { syscall::syscall4(everywhere!(prlimit64), pid, resource, new, old) };
        return outcome(result).map(|_| ());
    };
    let new = match new {
        0 => None,
        at => Some(read(memory, at)?),
    };
    let before = {
        let mut map = thread.map_lock();
        let before = map.limits.get(kept);
        if let Some(new) = new {
            limits::set(&mut map.limits, kept, new)?;
        }
        before
    };
    match old {
        0 => Ok(()),
        at => memory.write_plain(at, &written(before)),
    }
}

fn read(memory: GuestMemory, at: u32) -> Result<Limit, Errno> {
    let limit = memory.read_plain::<guest::rlimit>(at)?;
    Ok(Limit {
        soft: limit.rlim_cur,
        hard: limit.rlim_max,
    })
}

fn written(limit: Limit) -> guest::rlimit {
    guest::rlimit {
        rlim_cur: limit.soft,
        rlim_max: limit.hard,
    }
}

/// Whether an id means this process: its own, or that of one of its threads.
fn is_own(pid: i32) -> bool {
    // SAFETY: asks about numbers, and sends nothing.
    pid == 0 || unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), pid, 0) == 0 }
}
