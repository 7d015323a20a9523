//! What a guest may not open, however it is spelt: files that are memory. The opened object is
//! looked at, not the name it was opened by, which links, working directories, mounts and roots
//! can change.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;

use wali_arch::flags::errno;

use super::abi::Errno;
use super::memory_files::{self, Verdict, is_in_proc, takes_addresses};
use super::reserved::out_of_the_way;

/// Where the kernel says what a descriptor is: procfs, as it was mounted before any guest ran.
/// Its root is kept open, so that `chroot` and other mounts do not matter.
#[derive(Debug)]
pub struct Descriptors {
    proc: Option<(OwnedFd, Identity)>,
}

/// What makes a file the same file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity(pub(super) libc::dev_t, pub(super) libc::ino_t);

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

/// As long as any name can be: a path, and ` (deleted)`.
pub(super) const NAME: usize = libc::PATH_MAX as usize + 16;

impl Descriptors {
    /// Opens the root. Where there is no procfs, the guest cannot open files of any.
    pub fn open() -> Descriptors {
        let flags = libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC;
        // SAFETY: the path is a C string.
        let fd = unsafe { libc::open(c"/proc".as_ptr(), flags) };
        if fd < 0 {
            return Descriptors { proc: None };
        }
        // SAFETY: the descriptor was just made and is nobody else's.
        let root = out_of_the_way(unsafe { OwnedFd::from_raw_fd(fd) });
        let proc = root.ok().and_then(|fd| {
            let identity = Identity::of(fd.as_raw_fd()).ok()?;
            is_in_proc(fd.as_raw_fd()).then_some((fd, identity))
        });
        Descriptors { proc }
    }

    /// The root of procfs, while its descriptor is the one that was opened.
    pub(super) fn root(&self) -> Option<i32> {
        let (root, known) = self.proc.as_ref()?;
        let fd = root.as_raw_fd();
        Identity::of(fd)
            .is_ok_and(|now| now == *known)
            .then_some(fd)
    }

    /// How many threads this process has.
    pub(super) fn threads(&self) -> Option<u64> {
        let mut how = how(libc::O_PATH | libc::O_DIRECTORY);
        how.resolve = libc::RESOLVE_NO_XDEV;
        let folder = openat2(self.root()?, c"self/task", &how).ok()?;
        // A folder has two names of its own, and one in each folder in it.
        let links = File::from(folder).metadata().ok()?.nlink();
        links.checked_sub(2)
    }

    /// Opens the file behind a descriptor for reading.
    ///
    /// # Errors
    /// As the kernel's; `ENOENT` where there is no procfs.
    pub fn reopen(&self, fd: i32) -> io::Result<File> {
        let root = self.root().ok_or(io::ErrorKind::NotFound)?;
        let mut how = how(libc::O_PATH | libc::O_DIRECTORY);
        how.resolve = libc::RESOLVE_NO_XDEV;
        let folder = openat2(root, c"thread-self/fd", &how)?;
        let entry = CString::new(fd.to_string())?;
        let flags = libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NONBLOCK;
        // SAFETY: the entry is a C string; the new descriptor is nobody else's.
        unsafe {
            match libc::openat(folder.as_raw_fd(), entry.as_ptr(), flags) {
                fd @ 0.. => Ok(File::from_raw_fd(fd)),
                _ => Err(io::Error::last_os_error()),
            }
        }
    }

    /// The way to the file behind this thread's descriptor, from the root of procfs; none where
    /// something is mounted over it.
    pub fn entry(&self, fd: i32) -> Option<(i32, CString)> {
        let (root, known) = self.proc.as_ref()?;
        let root = root.as_raw_fd();
        if !Identity::of(root).is_ok_and(|now| now == *known) {
            return None;
        }
        let entry = CString::new(format!("thread-self/fd/{fd}")).ok()?;
        own(root, &entry).is_ok().then_some((root, entry))
    }

    /// Gives a descriptor that was just opened to the guest, or closes it and fails: `EACCES`
    /// for memory. Errors pass.
    pub fn admit(&self, result: i64) -> i64 {
        let Ok(fd) = i32::try_from(result) else {
            return result;
        };
        if fd < 0 || !self.refuses(fd) {
            return result;
        }
        // SAFETY: the descriptor was just made for the guest, which has not seen it.
        unsafe { libc::close(fd) };
        Errno(errno::EACCES).result()
    }

    /// Whether a guest must not have a descriptor.
    pub fn refuses(&self, fd: i32) -> bool {
        match memory_files::look(fd) {
            Verdict::Harmless => false,
            Verdict::Perhaps => self.is_memory(fd),
            // If that cannot be told, it counts as one.
            Verdict::Misc(minor) => self
                .devices()
                .map_or(true, |list| takes_addresses(minor, &list)),
            Verdict::Memory => true,
        }
    }

    /// Looks at the descriptors that this process was started with.
    ///
    /// # Errors
    /// If there is one that a guest must not have.
    pub fn check_inherited(&self) -> io::Result<()> {
        let listed = std::fs::read_dir("/proc/self/fd").map(|folder| {
            let names = folder.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
            names
                .filter_map(|name| name.parse().ok())
                .collect::<Vec<i32>>()
        });
        // Without procfs, the numbers that are likely.
        let open = listed.unwrap_or_else(|_| (0..1024).collect());
        // SAFETY: asks for a descriptor's flags. (The folder itself is closed by now.)
        let is_open = |fd: &i32| unsafe { libc::fcntl(*fd, libc::F_GETFD) } >= 0;
        match open
            .into_iter()
            .filter(is_open)
            .find(|&fd| self.refuses(fd))
        {
            Some(fd) => Err(io::Error::other(format!(
                "descriptor {fd} is memory of a process or of the machine, which a guest must \
                 not have; close it (`{fd}>&-` in a shell)"
            ))),
            None => Ok(()),
        }
    }

    /// What procfs lists of devices with numbers that the kernel gave out.
    fn devices(&self) -> io::Result<Vec<u8>> {
        let (root, known) = self.proc.as_ref().ok_or(io::ErrorKind::NotFound)?;
        if Identity::of(root.as_raw_fd())? != *known {
            return Err(io::ErrorKind::NotFound.into());
        }
        let mut how = how(libc::O_RDONLY);
        how.resolve = libc::RESOLVE_NO_XDEV | libc::RESOLVE_NO_SYMLINKS;
        let mut list = Vec::new();
        File::from(openat2(root.as_raw_fd(), c"misc", &how)?).read_to_end(&mut list)?;
        Ok(list)
    }

    /// Whether a file of procfs is the `mem` of a process or thread. If that cannot be told,
    /// it counts as one.
    fn is_memory(&self, fd: i32) -> bool {
        let Some((root, known)) = &self.proc else {
            return true;
        };
        if !Identity::of(root.as_raw_fd()).is_ok_and(|now| now == *known) || is_bound(fd) {
            return true;
        }
        let mut name = [0; NAME];
        match name_of(root.as_raw_fd(), fd, &mut name) {
            Ok(len) if len < name.len() => is_mem(&name[..len]),
            _ => true,
        }
    }
}

/// Whether a name is that of a `mem`. One of a thread that has ended counts as deleted, while
/// its memory is that of all others of its process.
fn is_mem(name: &[u8]) -> bool {
    let name = name.strip_suffix(b" (deleted)").unwrap_or(name);
    name.ends_with(b"/mem")
}

/// The name that this thread's descriptor has in the procfs of that root. The thread's, since it
/// may have descriptors of its own (unshare, fork); and nothing that was mounted over the way
/// to it counts.
pub(super) fn name_of(root: i32, fd: i32, name: &mut [u8; NAME]) -> io::Result<usize> {
    let entry = CString::new(format!("thread-self/fd/{fd}"))?;
    let link = own(root, &entry)?;
    let at = link.as_raw_fd();
    // SAFETY: the path is a C string, and the buffer has the length given.
    let len = unsafe { libc::readlinkat(at, c"".as_ptr(), name.as_mut_ptr().cast(), name.len()) };
    usize::try_from(len).map_err(|_| io::Error::last_os_error())
}

/// An entry of procfs, itself and as procfs has it.
fn own(root: i32, entry: &CStr) -> io::Result<OwnedFd> {
    let mut how = how(libc::O_PATH | libc::O_NOFOLLOW);
    how.resolve = libc::RESOLVE_NO_XDEV | libc::RESOLVE_NO_MAGICLINKS;
    openat2(root, entry, &how)
}

/// How to open something for the runtime itself.
pub(super) fn how(flags: libc::c_int) -> libc::open_how {
    // SAFETY: every bit pattern is a value.
    let mut how: libc::open_how = unsafe { std::mem::zeroed() };
    how.flags = (flags | libc::O_CLOEXEC) as u64;
    how
}

pub(super) fn openat2(folder: i32, path: &CStr, how: &libc::open_how) -> io::Result<OwnedFd> {
    let size = size_of_val(how);
    // SAFETY: the path is a C string, the struct the caller's with its size.
    let mut fd = unsafe { libc::syscall(libc::SYS_openat2, folder, path.as_ptr(), how, size) };
    if fd < 0 && io::Error::last_os_error().raw_os_error() == Some(errno::ENOSYS) {
        // Before Linux 5.6, where mounts over it have to be trusted.
        // SAFETY: as above.
        fd = unsafe { libc::openat(folder, path.as_ptr(), how.flags as libc::c_int) }.into();
    }
    match i32::try_from(fd) {
        // SAFETY: the descriptor was just made and is nobody else's.
        Ok(fd) if fd >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Whether a file, not a folder, is the root of a mount and looks like a process's memory: then
/// its name is not the one that procfs gave it. Kernels before 5.8 do not tell.
fn is_bound(fd: i32) -> bool {
    let mut status = MaybeUninit::<libc::statx>::uninit();
    let mask = libc::STATX_TYPE | libc::STATX_MODE;
    // SAFETY: the path is a C string, and the kernel fills the local in if it returns 0.
    let status = unsafe {
        let flags = libc::AT_EMPTY_PATH;
        if libc::statx(fd, c"".as_ptr(), flags, mask, status.as_mut_ptr()) != 0 {
            return true;
        }
        status.assume_init()
    };
    let mode = libc::S_IFREG | libc::S_IRUSR | libc::S_IWUSR;
    let root = status.stx_attributes & libc::STATX_ATTR_MOUNT_ROOT as u64 != 0;
    root && libc::mode_t::from(status.stx_mode) == mode
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_known_by_its_name_after_its_thread_has_ended() {
        for name in ["/proc/1/mem", "/mem", "/proc/1/task/2/mem (deleted)"] {
            assert!(is_mem(name.as_bytes()), "{name}");
        }
        for name in [
            "/proc/1/mem/x",
            "/proc/1/maps",
            "/proc/sys/vm/mem2 (deleted)",
        ] {
            assert!(!is_mem(name.as_bytes()), "{name}");
        }
    }
}
