//! What a guest may not open, however it is spelt: files that are a process's memory. The
//! opened object is looked at, not the name it was opened by, which links, working
//! directories, mounts and roots can change.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use wali_arch::flags::{errno, fs_magic};

use super::abi::Errno;
use super::process::out_of_the_way;

/// Where the kernel says what a descriptor is: the folder `fd` of this process in procfs, as
/// it was before any guest ran. Kept open, so that `chroot` and mounts do not matter.
#[derive(Debug)]
pub struct Descriptors {
    folder: Option<Folder>,
}

#[derive(Debug)]
struct Folder {
    /// The root of procfs, from which a forked child finds its own folder.
    root: OwnedFd,
    fd: OwnedFd,
    /// The identity of what `fd` stands for; a forked child's is another.
    device: AtomicU64,
    inode: AtomicU64,
}

impl Folder {
    fn open() -> io::Result<Folder> {
        let flags = libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC;
        let open = |directory: i32, path: &CStr| {
            // SAFETY: the path is a C string.
            let fd = unsafe { libc::openat(directory, path.as_ptr(), flags) };
            if fd < 0 {
                return Err(io::Error::last_os_error());
            }
            // SAFETY: the descriptor was just made and is nobody else's.
            out_of_the_way(unsafe { OwnedFd::from_raw_fd(fd) })
        };
        let root = open(libc::AT_FDCWD, c"/proc")?;
        let fd = open(root.as_raw_fd(), c"self/fd")?;
        if !is_in_proc(root.as_raw_fd()) || !is_in_proc(fd.as_raw_fd()) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let Identity(device, inode) = Identity::of(fd.as_raw_fd())?;
        Ok(Folder {
            root,
            fd,
            device: AtomicU64::new(device),
            inode: AtomicU64::new(inode),
        })
    }

    /// The descriptor, if it still is what it was: a guest can close it, or put another in its
    /// place.
    fn get(&self) -> Option<i32> {
        let known = Identity(
            self.device.load(Ordering::Relaxed),
            self.inode.load(Ordering::Relaxed),
        );
        let fd = self.fd.as_raw_fd();
        Identity::of(fd).is_ok_and(|now| now == known).then_some(fd)
    }

    fn in_child(&self) -> io::Result<()> {
        let here = self.get();
        // No file has this identity: until the new folder is there, there is none.
        self.device.store(0, Ordering::Relaxed);
        self.inode.store(0, Ordering::Relaxed);
        let here = here.ok_or(io::ErrorKind::NotFound)?;
        // SAFETY: a structure of integers. (libc's has no constructor.)
        let mut how: libc::open_how = unsafe { std::mem::zeroed() };
        how.flags = (libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC) as u64;
        // Not through anything mounted there meanwhile.
        how.resolve = libc::RESOLVE_NO_XDEV;
        // SAFETY: the path is a C string, the structure has the size given; the new descriptor
        // is moved over our own.
        unsafe {
            let root = self.root.as_raw_fd();
            let path = c"self/fd".as_ptr();
            let size = size_of::<libc::open_how>();
            let new = libc::syscall(libc::SYS_openat2, root, path, &how, size) as i32;
            if new < 0 {
                return Err(io::Error::last_os_error());
            }
            let new = OwnedFd::from_raw_fd(new);
            if !is_in_proc(new.as_raw_fd()) {
                return Err(io::ErrorKind::NotFound.into());
            }
            if libc::dup3(new.as_raw_fd(), here, libc::O_CLOEXEC) < 0 {
                return Err(io::Error::last_os_error());
            }
        }
        let Identity(device, inode) = Identity::of(here)?;
        self.device.store(device, Ordering::Relaxed);
        self.inode.store(inode, Ordering::Relaxed);
        Ok(())
    }
}

/// What makes a file the same file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity(libc::dev_t, libc::ino_t);

impl Identity {
    /// Of the file behind a descriptor.
    ///
    /// # Errors
    /// If there is none.
    pub fn of(fd: i32) -> io::Result<Identity> {
        let mut status = MaybeUninit::<libc::stat>::uninit();
        // SAFETY: the kernel fills the local in if it returns 0.
        unsafe {
            if libc::fstat(fd, status.as_mut_ptr()) != 0 {
                return Err(io::Error::last_os_error());
            }
            let status = status.assume_init();
            Ok(Identity(status.st_dev, status.st_ino))
        }
    }
}

impl Descriptors {
    /// Opens the folder. Where there is no procfs, the guest cannot open files of any.
    pub fn open() -> Descriptors {
        Descriptors {
            folder: Folder::open().ok(),
        }
    }

    /// Turns to the folder of a forked child, in the child. If that fails, it has none.
    pub fn in_child(&self) {
        if let Some(folder) = &self.folder {
            // Then no descriptor is known any more, which refuses more than it has to.
            let _ = folder.in_child();
        }
    }

    /// Opens the file behind a descriptor for reading.
    ///
    /// # Errors
    /// As the kernel's; `ENOENT` where there is no procfs.
    pub fn reopen(&self, fd: i32) -> io::Result<File> {
        let folder = self.folder.as_ref().and_then(Folder::get);
        let folder = folder.ok_or(io::ErrorKind::NotFound)?;
        let entry = CString::new(fd.to_string())?;
        let flags = libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NONBLOCK;
        // SAFETY: the entry is a C string; the new descriptor is nobody else's.
        unsafe {
            match libc::openat(folder, entry.as_ptr(), flags) {
                fd @ 0.. => Ok(File::from_raw_fd(fd)),
                _ => Err(io::Error::last_os_error()),
            }
        }
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
    /// it counts as one.
    fn is_memory(&self, fd: i32) -> bool {
        let Some(folder) = self.folder.as_ref().and_then(Folder::get) else {
            return true;
        };
        let Ok(entry) = CString::new(fd.to_string()) else {
            return true;
        };
        // As long as any name can be: a path, and ` (deleted)`.
        let mut name = [0u8; libc::PATH_MAX as usize + 16];
        // SAFETY: the entry is a C string, and the buffer has the length given.
        let len = unsafe {
            libc::readlinkat(folder, entry.as_ptr(), name.as_mut_ptr().cast(), name.len())
        };
        match usize::try_from(len) {
            Ok(len) if len < name.len() => name[..len].ends_with(b"/mem"),
            _ => true,
        }
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
