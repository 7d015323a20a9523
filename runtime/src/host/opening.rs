//! Opening by name in a process with threads.
//!
//! A descriptor is in the table, for all threads to use, before anybody can look at what it
//! stands for; and what a name stands for can change between any two looks. So the file is first
//! opened as a mere place (`O_PATH`), by which nothing can be read or written. That descriptor is
//! taken from the guest (`reserved::take`), the file is looked at, and opened again by it. Files
//! that are made are no memory: `O_EXCL` sees to it that they are.
//!
//! Where descriptors run out, one more than natively is needed; and `O_NOFOLLOW` is not among the
//! flags of the descriptor afterwards. What an open does to the file or device is done once, by
//! the second.

use std::ffi::{CString, c_int};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use wali_arch::flags::errno;
use wali_arch::syscall;
use wali_arch::tables::number;

use super::abi::MAX_ARGS;
use super::opened::Descriptors;
use super::reserved;
use super::signals::Signals;

/// What is to be opened, and how: flags of the host's.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    pub dirfd: usize,
    /// The host's address of the name, or one that faults.
    pub path: usize,
    pub flags: c_int,
    pub mode: usize,
    /// How the path may be walked, if it is `openat2` that opens.
    pub resolve: Option<u64>,
}

/// As the kernel's: so many links in a path.
const MOST_LINKS: u32 = 40;

/// Bytes of a name.
const NAME: usize = libc::PATH_MAX as usize;

impl Request {
    /// Of a call with these arguments, if it is one that opens by name.
    pub fn of(call: usize, args: &[usize; MAX_ARGS]) -> Option<Request> {
        let request = |dirfd, path, flags: c_int, mode| Request {
            dirfd,
            path,
            flags,
            mode,
            resolve: None,
        };
        let here = libc::AT_FDCWD as usize;
        if Some(call) == number::openat {
            Some(request(args[0], args[1], args[2] as c_int, args[3]))
        } else if Some(call) == number::open {
            Some(request(here, args[0], args[1] as c_int, args[2]))
        } else if Some(call) == number::creat {
            let flags = libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC;
            Some(request(here, args[0], flags, args[1]))
        } else {
            None
        }
    }

    /// Whether what is opened cannot be memory: a place, a folder, or a new file.
    fn is_harmless(&self) -> bool {
        let has = |flags: c_int| self.flags & flags == flags;
        has(libc::O_PATH) || has(libc::O_DIRECTORY) || has(libc::O_CREAT | libc::O_EXCL)
    }

    /// Opens it, with these flags.
    fn open(&self, signals: &Signals, flags: c_int) -> isize {
        // What may be given to a file that is made may not be given to another.
        let makes = libc::O_CREAT | libc::O_TMPFILE & !libc::O_DIRECTORY;
        let mode = match flags & makes {
            0 => 0,
            _ => self.mode,
        };
        let Some(resolve) = self.resolve else {
            let args = [self.dirfd, self.path, flags as usize, mode, 0, 0];
            return made(signals, number::openat, &args);
        };
        // SAFETY: every bit pattern is a value.
        let mut how: libc::open_how = unsafe { std::mem::zeroed() };
        how.flags = flags as u32 as u64;
        how.mode = mode as u64;
        how.resolve = resolve;
        let place = core::ptr::from_ref(&how) as usize;
        let args = [self.dirfd, self.path, place, size_of_val(&how), 0, 0];
        made(signals, number::openat2, &args)
    }

    /// Where the name leads, if it is that of a link: what it says, seen from the link's folder.
    fn target(&self) -> Option<CString> {
        let mut text = vec![0u8; NAME];
        let number = number::readlinkat?;
        // SAFETY: the name is the guest's or a C string, the buffer is of that length.
        let len = unsafe {
            let buffer = text.as_mut_ptr() as usize;
            syscall::syscall4(number, self.dirfd, self.path, buffer, text.len())
        };
        text.truncate(usize::try_from(len).ok()?);
        CString::new(text).ok()
    }
}

/// A call that may block; the addresses among its arguments are the guest's or live locals'.
fn made(signals: &Signals, number: Option<usize>, args: &[usize; MAX_ARGS]) -> isize {
    match number {
        // SAFETY: as said above.
        Some(number) => unsafe { signals.may_block(number, args) },
        None => -(errno::ENOSYS as isize),
    }
}

fn failed(number: c_int) -> isize {
    -(number as isize)
}

/// Opens what is asked for, if it is no memory; the descriptor as the kernel returns it, or an
/// error. `name` is the name as the guest has it, for links that lead nowhere yet.
pub fn open(
    descriptors: &Descriptors,
    signals: &Signals,
    request: Request,
    name: impl Fn() -> Option<CString>,
) -> isize {
    if request.is_harmless() {
        return request.open(signals, request.flags);
    }
    let mut request = request;
    // Keeps alive what `request.path` points to.
    let mut followed: Option<CString> = None;
    let mut links = 0;
    loop {
        let place = libc::O_PATH | libc::O_CLOEXEC | request.flags & libc::O_NOFOLLOW;
        let probe = request.open(signals, place);
        if probe >= 0 {
            // SAFETY: the descriptor was just made.
            let probe = unsafe { OwnedFd::from_raw_fd(probe as c_int) };
            return again(descriptors, signals, &request, probe);
        }
        // What is to be made has errors of its own, also where a name ends in a slash.
        let none = [failed(errno::ENOENT), failed(errno::ENOTDIR)].contains(&probe);
        if !none || request.flags & libc::O_CREAT == 0 {
            return probe;
        }
        let new = request.open(signals, request.flags | libc::O_EXCL);
        if new != failed(errno::EEXIST) {
            return new;
        }
        // It is there now, or there is a link to what is not.
        links += 1;
        if links > MOST_LINKS {
            return failed(errno::ELOOP);
        }
        if request.flags & libc::O_NOFOLLOW == 0
            && let Some(target) = request.target()
        {
            let Some(from) = followed.take().or_else(&name) else {
                return failed(errno::ELOOP);
            };
            let next = beside(&from, &target);
            let Some(next) = next else {
                return failed(errno::ENAMETOOLONG);
            };
            request.path = followed.insert(next).as_ptr() as usize;
        }
    }
}

/// A link's target, seen from where the link is.
fn beside(link: &CString, target: &CString) -> Option<CString> {
    if target.as_bytes().starts_with(b"/") {
        return Some(target.clone());
    }
    let name = link.as_bytes();
    let folder = name.iter().rposition(|&byte| byte == b'/');
    let mut path = name[..folder.map_or(0, |slash| slash + 1)].to_vec();
    path.extend_from_slice(target.as_bytes());
    (path.len() < NAME).then(|| CString::new(path).ok())?
}

/// Opens what a place stands for.
fn again(descriptors: &Descriptors, signals: &Signals, request: &Request, probe: OwnedFd) -> isize {
    let taken = match reserved::take(probe) {
        Ok(taken) => taken,
        Err(number) => return failed(number),
    };
    let fd = taken.as_raw_fd();
    // From here on the guest cannot put anything else in its place.
    match kind(fd) {
        Some(libc::S_IFLNK) => return failed(errno::ELOOP),
        Some(libc::S_IFDIR) if request.flags & libc::O_CREAT != 0 => {
            return failed(errno::EISDIR);
        }
        _ => {}
    }
    if descriptors.refuses(fd) {
        return failed(errno::EACCES);
    }
    let Some((root, entry)) = descriptors.entry(fd) else {
        return failed(errno::EACCES);
    };
    let flags = request.flags & !(libc::O_CREAT | libc::O_EXCL | libc::O_NOFOLLOW);
    let by_place = Request {
        dirfd: root as usize,
        path: entry.as_ptr() as usize,
        flags,
        mode: 0,
        resolve: request.resolve.map(|_| 0),
    };
    by_place.open(signals, flags)
}

/// The type of a file.
fn kind(fd: c_int) -> Option<libc::mode_t> {
    let mut status = std::mem::MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the kernel fills the local in if it returns 0.
    unsafe {
        (libc::fstat(fd, status.as_mut_ptr()) == 0)
            .then(|| status.assume_init().st_mode & libc::S_IFMT)
    }
}
