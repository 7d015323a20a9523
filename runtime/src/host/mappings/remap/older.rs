//! Moving pages where the kernel cannot move them and leave something behind (`MREMAP_DONTUNMAP`,
//! Linux 5.7, and 5.13 for files and shared memory): moved in the ordinary way they would leave a
//! hole, and other threads of the host's map memory whenever they like.

use wali_arch::access;

use super::super::{PAGE, close_hole, host, install, last_error, renew, settle_lock};
use crate::host::abi::Errno;
use crate::memory::{Backing, Map, Memory, Region, Traits};

/// Moves a region's pages to `to`, which the guest has free, and says what they are then: shared
/// memory is mapped a second time, private memory is copied. What is copied of a file shows none of
/// its changes any more, and cannot grow. The old range stays as it is.
pub(super) fn move_pages(
    memory: &Memory,
    map: &mut Map,
    old: u64,
    len: u64,
    to: u64,
    region: Region,
) -> Result<Region, Errno> {
    let moved = match region.backing {
        Backing::Shared(_) => {
            share(memory, map, old, len, to)?;
            region
        }
        Backing::Anonymous => {
            copy(memory, old, len, to, region.prot)?;
            region
        }
        Backing::PrivateFile => {
            copy(memory, old, len, to, region.prot)?;
            let traits = region.traits.with(Traits::CUT_OFF);
            Region { traits, ..region }
        }
    };
    if region.traits.any(Traits::WIPE_ON_FORK) {
        // SAFETY: the range is the guest's; the advice changes none of it.
        unsafe { libc::madvise(host(memory, to), len as usize, libc::MADV_WIPEONFORK) };
    }
    settle_lock(memory, to, len, region.traits);
    Ok(moved)
}

/// Maps shared pages a second time.
fn share(memory: &Memory, map: &mut Map, old: u64, len: u64, to: u64) -> Result<(), Errno> {
    let flags = libc::MREMAP_MAYMOVE;
    // A size of 0 asks for a second mapping.
    // SAFETY: the source is the guest's, the new mapping at an address of the kernel's choice.
    let second = unsafe { libc::mremap(host(memory, old), 0, len as usize, flags) };
    if second == libc::MAP_FAILED {
        return Err(last_error());
    }
    install(memory, map, second, to, len)
}

/// Copies private pages into fresh ones. Those that hold only zeroes stay untouched, so that what
/// was never used costs no memory.
fn copy(memory: &Memory, old: u64, len: u64, to: u64, prot: i32) -> Result<(), Errno> {
    renew(memory, to, to + len, libc::PROT_READ | libc::PROT_WRITE)?;
    let protect = |at: u64, prot: i32| {
        // SAFETY: the range is the guest's.
        unsafe { libc::mprotect(host(memory, at), len as usize, prot) == 0 }
    };
    // The old pages go away or are replaced, unless this fails.
    let readable = prot & libc::PROT_READ != 0 || protect(old, libc::PROT_READ);
    if readable {
        for at in (0..len).step_by(PAGE as usize) {
            copy_page(memory, old + at, to + at);
        }
    }
    let error = last_error();
    if readable && protect(to, prot) {
        return Ok(());
    }
    protect(old, prot);
    close_hole(memory, to, to + len);
    Err(error)
}

/// Copies a page, unless it is empty. One that cannot be read, behind the end of a file, is so.
fn copy_page(memory: &Memory, old: u64, to: u64) {
    let mut page = [0u8; PAGE as usize];
    let (old, to) = (
        host(memory, old).cast::<u8>(),
        host(memory, to).cast::<u8>(),
    );
    // SAFETY: both are pages inside the reservation, the buffer is as long as one, and accesses
    // that fault come back.
    unsafe {
        if access::copy(page.as_mut_ptr(), old, page.len()).is_ok() && page.iter().any(|&b| b != 0)
        {
            let _ = access::copy(to, page.as_ptr(), page.len());
        }
    }
}
