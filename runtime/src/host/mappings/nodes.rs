//! On which nodes the guest's memory lies. The kernel is shown the guest's ranges only, and
//! an address without memory where the guest has none.

use wali_arch::flags::{mempolicy_get_flags, mempolicy_mode};
use wali_arch::syscall;
use wali_arch::tables::number;

use super::{PAGE, host, mapped};
use crate::host::abi::{Errno, GuestMemory};
use crate::memory::{Map, Memory};

/// Pages of a `move_pages` that the kernel sees at once.
const CHUNK: usize = 128;

/// Nothing is ever mapped at the host's first pages.
const UNMAPPED: usize = 0;

fn outcome(number: Option<usize>, call: impl FnOnce(usize) -> isize) -> Result<i64, Errno> {
    let number = number.ok_or(Errno(wali_arch::flags::errno::ENOSYS))?;
    match call(number) {
        error if error < 0 => Err(Errno(-error as i32)),
        result => Ok(result as i64),
    }
}

fn guest(memory: &Memory) -> GuestMemory {
    // SAFETY: the callers hold the memory for as long as they use the view.
    unsafe { GuestMemory::new(memory) }
}

/// A range for the kernel: the guest's, or, where that is not what `fits` wants, one that is
/// as wrong in the same way.
fn range(
    memory: &Memory,
    start: u32,
    len: u64,
    fits: impl FnOnce(u64, u64) -> bool,
) -> (usize, usize) {
    let at = u64::from(start);
    let odd = (at % PAGE) as usize;
    // As the kernel rounds, which may come to nothing.
    let len = len.wrapping_add(PAGE - 1) / PAGE * PAGE;
    match at.checked_add(len) {
        // The end lies before the start, as it would natively.
        None => (4 * PAGE as usize + odd, usize::MAX - 2 * PAGE as usize + 1),
        Some(_) if odd != 0 || len == 0 => (UNMAPPED + odd, len.min(PAGE) as usize),
        Some(end) if end <= memory.limit() && fits(at, end) => {
            (host(memory, at) as usize, (end - at) as usize)
        }
        Some(_) => (UNMAPPED, PAGE as usize),
    }
}

fn is_mapped(map: &Map, start: u64, end: u64) -> bool {
    mapped(map, start, end) == end
}

/// mbind(2).
///
/// # Errors
/// As Linux's.
pub fn mbind(
    memory: &Memory,
    start: u32,
    len: u64,
    mode: u64,
    nodemask: u32,
    maxnode: u64,
    flags: u32,
) -> Result<i64, Errno> {
    let map = memory.map();
    let (start, len) = range(memory, start, len, |start, end| {
        // Going back to the default may skip what is not mapped.
        let some = mode == mempolicy_mode::MPOL_DEFAULT as u64 && !map.is_free(start, end);
        some || is_mapped(&map, start, end)
    });
    let mask = guest(memory).address(nodemask, size_of::<u64>() as u64);
    // SAFETY: the range and the mask are the guest's or nothing's.
    outcome(number::mbind, |number| unsafe {
        syscall::syscall6(
            number,
            start,
            len,
            mode as usize,
            mask,
            maxnode as usize,
            flags as usize,
        )
    })
}

/// set_mempolicy_home_node(2).
///
/// # Errors
/// As Linux's.
pub fn set_mempolicy_home_node(
    memory: &Memory,
    start: u32,
    len: u64,
    node: u64,
    flags: u64,
) -> Result<i64, Errno> {
    let map = memory.map();
    let (start, len) = range(memory, start, len, |start, end| !map.is_free(start, end));
    // SAFETY: the range is the guest's or nothing's.
    outcome(number::set_mempolicy_home_node, |number| unsafe {
        syscall::syscall4(number, start, len, node as usize, flags as usize)
    })
}

/// get_mempolicy(2).
///
/// # Errors
/// As Linux's.
pub fn get_mempolicy(
    memory: &Memory,
    mode: u32,
    nodemask: u32,
    maxnode: u64,
    start: u32,
    flags: u64,
) -> Result<i64, Errno> {
    let map = memory.map();
    let at = match flags & mempolicy_get_flags::MPOL_F_ADDR as u64 {
        // Only whether it is 0 matters.
        0 => start as usize,
        _ => page(memory, &map, start),
    };
    let guest = guest(memory);
    let mode = guest.address(mode, size_of::<i32>() as u64);
    let mask = guest.address(nodemask, size_of::<u64>() as u64);
    // SAFETY: all addresses are the guest's or nothing's.
    outcome(number::get_mempolicy, |number| unsafe {
        syscall::syscall5(number, mode, mask, maxnode as usize, at, flags as usize)
    })
}

/// The host address of the page that holds a guest address, if it is mapped.
fn page(memory: &Memory, map: &Map, at: u32) -> usize {
    let at = u64::from(at) / PAGE * PAGE;
    if is_mapped(map, at, at + PAGE) {
        host(memory, at) as usize
    } else {
        UNMAPPED
    }
}

/// move_pages(2) on the calling process.
///
/// # Errors
/// As Linux's.
pub fn move_pages(
    memory: &Memory,
    count: u64,
    pages: u32,
    nodes: u32,
    status: u32,
    flags: u32,
) -> Result<i64, Errno> {
    let guest = guest(memory);
    let call = |count: usize, pages: usize, nodes: usize, status: usize| {
        // SAFETY: the pages are the guest's or nothing's, the array of them is a live local's,
        // the others are the guest's.
        outcome(number::move_pages, |number| unsafe {
            syscall::syscall6(number, 0, count, pages, nodes, status, flags as usize)
        })
    };
    // Mistakes that have nothing to do with pages.
    call(0, 0, 0, 0)?;
    let mut left = 0;
    let mut done = 0;
    while done < count {
        let chunk = (count - done).min(CHUNK as u64) as usize;
        let mut addresses = [UNMAPPED; CHUNK];
        let element = |base: u32| {
            let at = u64::from(base) + done * size_of::<u32>() as u64;
            u32::try_from(at).map_err(|_| Errno(wali_arch::flags::errno::EFAULT))
        };
        let mut given = [0; CHUNK * size_of::<u32>()];
        let given = &mut given[..chunk * size_of::<u32>()];
        guest.read(element(pages)?, given)?;
        let map = memory.map();
        for (address, bytes) in addresses.iter_mut().zip(given.chunks_exact(4)) {
            let at = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            *address = page(memory, &map, at);
        }
        let extent = given.len() as u64;
        let array = |base: u32| match base {
            0 => Ok(0),
            base => Ok(guest.address(element(base)?, extent)),
        };
        let (nodes, status) = (array(nodes)?, array(status)?);
        left += call(chunk, addresses.as_ptr() as usize, nodes, status)?;
        done += chunk as u64;
    }
    Ok(left)
}
