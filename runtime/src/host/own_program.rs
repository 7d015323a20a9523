//! The program that runs, as the process itself finds it: natively `/proc/self/exe` is its file,
//! here it is the runtime's. What a name leads to is looked at, not how it is spelt: the link
//! `exe` of this process for readlink, and the way to the runtime's file for execve.
//!
//! For all else, and in the eyes of other processes, the runtime's file is what it is: opened, it
//! can be read.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::MetadataExt;

use wali_arch::flags::{errno, mode_bits};

use super::opened::{Descriptors, Identity, NAME, how, name_of, openat2};
use super::reserved::out_of_the_way;
use super::{memory_files::is_in_proc, process::Process};

/// A descriptor of the runtime's, as long as it stands for the file that it was made for.
#[derive(Debug)]
pub struct Kept {
    fd: OwnedFd,
    known: Identity,
}

impl Kept {
    /// Keeps a file open, out of the guest's way.
    ///
    /// # Errors
    /// If there is no room for another descriptor.
    pub fn new(fd: OwnedFd) -> io::Result<Kept> {
        let fd = out_of_the_way(fd)?;
        let known = Identity::of(fd.as_raw_fd())?;
        Ok(Kept { fd, known })
    }

    /// The descriptor, unless the guest has put another in its place.
    pub fn get(&self) -> Option<RawFd> {
        let fd = self.fd.as_raw_fd();
        Identity::of(fd)
            .is_ok_and(|now| now == self.known)
            .then_some(fd)
    }
}

/// This runtime's file, kept open, since a guest may come to have a root without procfs.
pub fn runtime() -> Option<Kept> {
    let flags = libc::O_PATH | libc::O_CLOEXEC;
    // SAFETY: the path is a C string; the descriptor is nobody else's.
    let fd = unsafe {
        let fd = libc::open(c"/proc/self/exe".as_ptr(), flags);
        (fd >= 0).then(|| OwnedFd::from_raw_fd(fd))?
    };
    Kept::new(fd).ok()
}

impl Process {
    /// The module that runs, if a name that a guest has leads to the runtime's file by way of
    /// procfs: then the guest means itself. A guest that names the runtime's file means that.
    pub(super) fn own_module(
        &self,
        directory: RawFd,
        name: &CStr,
        found: &OwnedFd,
    ) -> Option<File> {
        let module = self.program()?;
        let runtime = Identity::of(self.executable()?).ok()?;
        if Identity::of(found.as_raw_fd()).ok()? != runtime || name.is_empty() {
            return None;
        }
        let mut plain = how(libc::O_PATH);
        plain.resolve = libc::RESOLVE_NO_MAGICLINKS;
        match openat2(directory, name, &plain) {
            Err(error) if error.raw_os_error() == Some(errno::ELOOP) => {}
            _ => return None,
        }
        match kind(self.descriptors(), &open_link(directory, name)?) {
            // That of another process stands for what that one runs.
            Link::OtherExe | Link::OfProc | Link::None => None,
            Link::OwnExe | Link::Ordinary => self.descriptors().reopen(module).ok(),
        }
    }

    /// What readlink has to say of a name, if it is that of this process's `exe`.
    pub(super) fn own_link(&self, directory: RawFd, name: &CStr) -> Option<Vec<u8>> {
        if !name.is_empty() && !name.to_bytes().ends_with(b"exe") {
            return None;
        }
        let module = self.program()?;
        let link = match name.is_empty() {
            false => open_link(directory, name)?,
            true => duplicate(directory)?,
        };
        if kind(self.descriptors(), &link) != Link::OwnExe {
            return None;
        }
        let mut text = [0; NAME];
        let len = name_of(self.descriptors().root()?, module, &mut text).ok()?;
        Some(text[..len].to_vec())
    }
}

fn duplicate(fd: RawFd) -> Option<OwnedFd> {
    // SAFETY: makes a new descriptor, which is nobody else's.
    unsafe {
        let new = libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0);
        (new >= 0).then(|| OwnedFd::from_raw_fd(new))
    }
}

/// A descriptor of a link itself. Its folder is opened first: QEMU's user mode has an answer of its
/// own for `/proc/self/exe` in one piece, which is not the link.
fn open_link(directory: RawFd, name: &CStr) -> Option<OwnedFd> {
    let open = |directory: RawFd, name: &CStr, flags: i32| -> Option<OwnedFd> {
        let flags = libc::O_PATH | libc::O_CLOEXEC | flags;
        // SAFETY: the name is a C string; the new descriptor is nobody else's.
        unsafe {
            let fd = libc::openat(directory, name.as_ptr(), flags);
            (fd >= 0).then(|| OwnedFd::from_raw_fd(fd))
        }
    };
    let bytes = name.to_bytes_with_nul();
    let end = bytes.iter().rposition(|&byte| byte == b'/');
    let Some((folder, last)) = end.map(|end| bytes.split_at(end + 1)) else {
        return open(directory, name, libc::O_NOFOLLOW);
    };
    let folder = CString::new(folder).ok()?;
    let folder = open(directory, &folder, libc::O_DIRECTORY)?;
    let last = CStr::from_bytes_with_nul(last).ok()?;
    match last.is_empty() {
        true => Some(folder),
        false => open(folder.as_raw_fd(), last, libc::O_NOFOLLOW),
    }
}

/// What the last part of a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    /// This process's `exe`.
    OwnExe,
    /// Another one's.
    OtherExe,
    /// Another link of procfs, to a descriptor's file for instance.
    OfProc,
    /// A link that has a text, which may lead to any of these.
    Ordinary,
    /// No link, or one that cannot be looked at.
    None,
}

fn kind(descriptors: &Descriptors, link: &OwnedFd) -> Link {
    let Ok(status) = link
        .try_clone()
        .and_then(|link| File::from(link).metadata())
    else {
        return Link::None;
    };
    if status.mode() & mode_bits::S_IFMT as u32 != mode_bits::S_IFLNK as u32 {
        return Link::None;
    }
    if !is_in_proc(link.as_raw_fd()) {
        return Link::Ordinary;
    }
    // The same procfs, so that its numbers are the same processes'.
    let root = descriptors.root();
    let known = root.and_then(|root| Identity::of(root).ok());
    let (Some(root), true) = (root, known.is_some_and(|known| known.0 == status.dev())) else {
        return Link::OfProc;
    };
    let mut text = [0; NAME];
    let len = name_of(root, link.as_raw_fd(), &mut text).unwrap_or(0);
    let Some(process) = exe_of(&text[..len]) else {
        return Link::OfProc;
    };
    let mut own = [0u8; 16];
    // SAFETY: the path is a C string, and the buffer has the length given.
    let len =
        unsafe { libc::readlinkat(root, c"self".as_ptr(), own.as_mut_ptr().cast(), own.len()) };
    match usize::try_from(len) {
        Ok(len) if process == &own[..len] => Link::OwnExe,
        _ => Link::OtherExe,
    }
}

/// The process whose `exe` has that name in procfs, by itself or by one of its threads.
fn exe_of(name: &[u8]) -> Option<&[u8]> {
    let mut parts = name.strip_suffix(b"/exe")?.rsplit(|&byte| byte == b'/');
    let last = parts.next()?;
    match parts.next() {
        Some(b"task") => parts.next(),
        _ => Some(last),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_known_by_what_procfs_calls_them() {
        assert_eq!(exe_of(b"/proc/12/exe"), Some(&b"12"[..]));
        assert_eq!(exe_of(b"/12/exe"), Some(&b"12"[..]));
        assert_eq!(exe_of(b"/proc/12/task/13/exe"), Some(&b"12"[..]));
        assert_eq!(exe_of(b"/proc/12/cwd"), None);
        assert_eq!(exe_of(b""), None);
    }
}
