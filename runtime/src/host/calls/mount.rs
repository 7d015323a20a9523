//! Mounts.

use wali_arch::flags::errno;
use wali_arch::syscall;

use super::{outcome, result};
use crate::host::abi::{Errno, Guest, GuestMemory, Unwind};
use crate::host::bindings::MountCalls;
use crate::host::mappings::PAGE;
use crate::host::process::Thread;

impl MountCalls for Thread {
    fn mount(
        &mut self,
        source: u32,
        target: u32,
        fstype: u32,
        flags: u64,
        data: u32,
    ) -> Result<i64, Unwind> {
        let memory = Guest::memory(self);
        result(mount(memory, source, target, fstype, flags, data))
    }
}

/// mount(2).
///
/// # Errors
/// As Linux's; `EINVAL` for binary options.
fn mount(
    memory: GuestMemory,
    source: u32,
    target: u32,
    fstype: u32,
    flags: u64,
    data: u32,
) -> Result<i64, Errno> {
    let number = everywhere!(mount);
    let mut copy = [0; PAGE as usize];
    let options = match data {
        0 => 0,
        at => options(memory, at, &mut copy)?,
    };
    let [source, target, fstype] = [source, target, fstype].map(|at| memory.address(at, 0));
    // SAFETY: the options are a live local's, the other addresses the guest's.
    outcome(unsafe { syscall::syscall5(number, source, target, fstype, flags as usize, options) })
}

/// The address of a copy of the options: a page, or as much of it as is accessible, as the
/// kernel takes it. Binary options begin with a small number, a version; those of NFS hold
/// addresses, which the kernel would take for the host's.
fn options(memory: GuestMemory, at: u32, copy: &mut [u8; PAGE as usize]) -> Result<usize, Errno> {
    let until = (PAGE - u64::from(at) % PAGE) as usize;
    let (first, second) = copy.split_at_mut(until);
    memory.read(at, first)?;
    if let Some(next) = at.checked_add(until as u32) {
        // What cannot be read stays zero.
        let _ = memory.read(next, second);
    }
    if matches!(copy[0], 1..b' ') {
        return Err(Errno(errno::EINVAL));
    }
    Ok(copy.as_ptr() as usize)
}
