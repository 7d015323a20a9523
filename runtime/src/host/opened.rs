//! What a guest may not open, however it is spelt: files that are a process's memory. The
//! opened object is looked at, not the name it was opened by, which links, working
//! directories, mounts and roots can change.

use std::ffi::CString;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use wali_arch::flags::{errno, fs_magic};

use super::abi::Errno;
use super::process::out_of_the_way;

/// Where the kernel says what a descriptor is: the folder `fd` of this process in procfs, as
/// it was before any guest ran. Kept open, so that `chroot` and mounts do not matter.
#[derive(Debug)]
pub struct Descriptors {
    folder: Option<(OwnedFd, Identity)>,
}

/// What makes a file the same file.
type Identity = (libc::dev_t, libc::ino_t);

impl Descriptors {
    /// Opens the folder. Where there is no procfs, the guest cannot open files of any.
    pub fn open() -> Descriptors {
        let flags = libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC;
        // SAFETY: the path is a C string.
        let fd = unsafe { libc::open(c"/proc/self/fd".as_ptr(), flags) };
        if fd < 0 {
            return Descriptors { folder: None };
        }
        // SAFETY: the descriptor was just made and is nobody else's.
        let folder = out_of_the_way(unsafe { OwnedFd::from_raw_fd(fd) });
        let folder = folder.ok().and_then(|fd| {
            let identity = identity(fd.as_raw_fd()).ok()?;
            is_in_proc(fd.as_raw_fd()).then_some((fd, identity))
        });
        Descriptors { folder }
    }

    /// Gives a descriptor that was just opened to the guest, or closes it and fails: `EACCES`
    /// for the memory of a process. Errors pass.
    pub fn admit(&self, result: i64) -> i64 {
        let Ok(fd) = i32::try_from(result) else {
            return result;
        };
        if fd < 0 || !is_in_proc(fd) || !self.is_memory(fd) {
            return result;
        }
        // SAFETY: the descriptor was just made for the guest, which has not seen it.
        unsafe { libc::close(fd) };
        Errno(errno::EACCES).result()
    }

    /// Whether a file of procfs is the `mem` of a process or thread. If that cannot be told,
    /// it counts as one: a guest can close our descriptor, or put another in its place.
    fn is_memory(&self, fd: i32) -> bool {
        let Some((folder, known)) = &self.folder else {
            return true;
        };
        if !identity(folder.as_raw_fd()).is_ok_and(|now| now == *known) {
            return true;
        }
        let Ok(entry) = CString::new(fd.to_string()) else {
            return true;
        };
        // As long as any name can be: a path, and ` (deleted)`.
        let mut name = [0u8; libc::PATH_MAX as usize + 16];
        // SAFETY: the entry is a C string, and the buffer has the length given.
        let len = unsafe {
            libc::readlinkat(
                folder.as_raw_fd(),
                entry.as_ptr(),
                name.as_mut_ptr().cast(),
                name.len(),
            )
        };
        match usize::try_from(len) {
            Ok(len) if len < name.len() => name[..len].ends_with(b"/mem"),
            _ => true,
        }
    }
}

fn identity(fd: i32) -> io::Result<Identity> {
    let mut status = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the kernel fills the local in if it returns 0.
    unsafe {
        if libc::fstat(fd, status.as_mut_ptr()) != 0 {
            return Err(io::Error::last_os_error());
        }
        let status = status.assume_init();
        Ok((status.st_dev, status.st_ino))
    }
}

fn is_in_proc(fd: i32) -> bool {
    let mut status = MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: the kernel fills the local in if it returns 0.
    unsafe {
        libc::fstatfs(fd, status.as_mut_ptr()) == 0
            && status.assume_init().f_type == fs_magic::PROC_SUPER_MAGIC as libc::__fsword_t
    }
}
