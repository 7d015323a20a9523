//! Directories.

use std::ffi::CString;
use std::mem::offset_of;

use wali_arch::flags::at_fd::AT_FDCWD;
use wali_arch::flags::{errno, exec_limits};
use wali_arch::syscall;
use wali_arch::tables::number;

use super::{outcome, result};
use crate::host::abi::{Errno, Guest, GuestMemory, Unwind, descriptor};
use crate::host::bindings::DirCalls;
use crate::host::process::Thread;

impl DirCalls for Thread {
    fn getdents(&mut self, fd: i32, dirp: u32, count: u32) -> Result<i64, Unwind> {
        result(getdents(Guest::memory(self), fd, dirp, count))
    }

    fn readlink(&mut self, pathname: u32, buf: u32, bufsiz: i32) -> Result<i64, Unwind> {
        result(readlinkat(self, AT_FDCWD, pathname, buf, bufsiz))
    }

    fn readlinkat(
        &mut self,
        dirfd: i32,
        pathname: u32,
        buf: u32,
        bufsiz: i32,
    ) -> Result<i64, Unwind> {
        result(readlinkat(self, dirfd, pathname, buf, bufsiz))
    }
}

/// readlinkat(2). The link of this process's program leads to the module.
///
/// # Errors
/// As Linux's.
fn readlinkat(
    thread: &Thread,
    dirfd: i32,
    pathname: u32,
    buf: u32,
    bufsiz: i32,
) -> Result<i64, Errno> {
    let memory = Guest::memory(thread);
    let dirfd = descriptor(dirfd);
    let name = memory.read_string(pathname, exec_limits::PATH_MAX as usize);
    let own = |name: &CString| thread.process.own_link(dirfd as i32, name);
    if bufsiz > 0
        && let Some(text) = name.ok().flatten().as_ref().and_then(own)
    {
        let len = text.len().min(bufsiz as usize);
        memory.write(buf, &text[..len])?;
        return Ok(len as i64);
    }
    let path = memory.address(pathname, 0);
    let place = memory.address(buf, i64::from(bufsiz) as u64);
    let number = everywhere!(readlinkat);
    // SAFETY: both addresses are the guest's, one of them with its extent.
    outcome(unsafe { syscall::syscall4(number, dirfd, path, place, bufsiz as usize) })
}

/// getdents(2). Entries of getdents64 are as long; they only have the type before the name
/// instead of in the last byte.
///
/// # Errors
/// As Linux's.
fn getdents(memory: GuestMemory, fd: i32, dirp: u32, count: u32) -> Result<i64, Errno> {
    let place = memory.address(dirp, count.into());
    if let Some(number) = number::getdents {
        // SAFETY: the address is the guest's, with its extent.
        return outcome(unsafe {
            syscall::syscall3(number, descriptor(fd), place, count as usize)
        });
    }
    let number = everywhere!(getdents64);
    // SAFETY: the address is the guest's, with its extent.
    let len = outcome(unsafe { syscall::syscall3(number, descriptor(fd), place, count as usize) })?;
    let mut at = dirp;
    let end = u64::from(dirp) + len as u64;
    while u64::from(at) < end {
        at = rearrange(memory, at)?;
    }
    Ok(len)
}

/// Where an entry of getdents64 has its length and its type; the name follows. No header of the
/// kernel's has it, but the C library's is the same.
const LENGTH: usize = offset_of!(libc::dirent64, d_reclen);
const TYPE: usize = offset_of!(libc::dirent64, d_type);

/// Puts an entry into the old form; the address of the next.
fn rearrange(memory: GuestMemory, at: u32) -> Result<u32, Errno> {
    let mut entry = [0; 4096];
    memory.read(at, &mut entry[..TYPE + 1])?;
    let len = u16::from_le_bytes([entry[LENGTH], entry[LENGTH + 1]]);
    // Another thread of the guest's may have written there meanwhile.
    let entry = entry.get_mut(..usize::from(len)).filter(|e| e.len() > TYPE);
    let entry = entry.ok_or(Errno(errno::EIO))?;
    memory.read(at, entry)?;
    entry[TYPE..].rotate_left(1);
    memory.write(at, entry)?;
    at.checked_add(len.into()).ok_or(Errno(errno::EFAULT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{Memory, MemoryType};

    #[test]
    fn the_type_goes_behind_the_name() {
        let memory = Memory::new(MemoryType {
            min_pages: 1,
            max_pages: Some(1),
            shared: true,
        })
        .unwrap();
        // SAFETY: the memory outlives the view.
        let guest = unsafe { GuestMemory::new(&memory) };
        let mut entry = [0; 24];
        entry[..8].copy_from_slice(&7u64.to_le_bytes());
        entry[LENGTH] = 24;
        entry[TYPE] = libc::DT_REG;
        entry[TYPE + 1..][..3].copy_from_slice(b"abc");
        guest.write(64, &entry).unwrap();
        assert_eq!(rearrange(guest, 64).unwrap(), 88);
        let mut old = [0xff; 24];
        guest.read(64, &mut old).unwrap();
        assert_eq!(old[..18], entry[..18]);
        assert_eq!(&old[18..], &[b'a', b'b', b'c', 0, 0, libc::DT_REG]);
    }
}
