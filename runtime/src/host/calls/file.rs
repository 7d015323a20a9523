//! Files by name.

use wali_arch::flags::{errno, open_flags};
use wali_arch::layout::{Convert, Plain, guest, host};
use wali_arch::syscall;
use wali_arch::tables::number;

use super::{address_of, checked, done, interruptible, outcome, result};
use crate::host::abi::{Errno, Guest, GuestMemory, Unwind, descriptor};
use crate::host::bindings::FileCalls;
use crate::host::mappings::PAGE;
use crate::host::opening::Request;
use crate::host::process::Thread;
use crate::host::signals::Signals;

impl FileCalls for Thread {
    fn utime(&mut self, filename: u32, times: u32) -> Result<i64, Unwind> {
        done(utime(Guest::memory(self), filename, times))
    }

    fn utimes(&mut self, filename: u32, times: u32) -> Result<i64, Unwind> {
        done(futimesat(
            Guest::memory(self),
            libc::AT_FDCWD,
            filename,
            times,
        ))
    }

    fn futimesat(&mut self, dirfd: i32, pathname: u32, times: u32) -> Result<i64, Unwind> {
        done(futimesat(Guest::memory(self), dirfd, pathname, times))
    }

    fn openat2(&mut self, dirfd: i32, pathname: u32, how: u32, size: u32) -> Result<i64, Unwind> {
        let memory = Guest::memory(self);
        let fd = match self.process.has_threads() {
            true => openat2_with_threads(self, dirfd, pathname, how, size),
            false => openat2(memory, self.signals(), dirfd, pathname, how, size),
        };
        result(fd.map(|fd| self.opened(fd)))
    }

    fn setxattrat(
        &mut self,
        dirfd: i32,
        path: u32,
        at_flags: i32,
        name: u32,
        uargs: u32,
        size: u32,
    ) -> Result<i64, Unwind> {
        let file = (dirfd, path, at_flags);
        let memory = Guest::memory(self);
        result(xattrat(memory, number::setxattrat, file, name, uargs, size))
    }

    fn getxattrat(
        &mut self,
        dirfd: i32,
        path: u32,
        at_flags: i32,
        name: u32,
        uargs: u32,
        size: u32,
    ) -> Result<i64, Unwind> {
        let file = (dirfd, path, at_flags);
        let memory = Guest::memory(self);
        result(xattrat(memory, number::getxattrat, file, name, uargs, size))
    }

    fn open_by_handle_at(&mut self, mount_fd: i32, handle: u32, flags: i32) -> Result<i64, Unwind> {
        let fd = open_by_handle_at(Guest::memory(self), self.signals(), mount_fd, handle, flags);
        result(fd.map(|fd| self.opened(fd)))
    }
}

/// Sets a file's times, or the present time where there are none.
fn utimensat(
    memory: GuestMemory,
    dirfd: i32,
    path: u32,
    times: Option<[host::timespec; 2]>,
) -> Result<(), Errno> {
    let path = memory.address(path, 0);
    let times = times.as_ref().map_or(0, address_of);
    let number = everywhere!(utimensat);
    // SAFETY: the path is inside the reservation, the times are a live local's.
    outcome(unsafe { syscall::syscall4(number, descriptor(dirfd), path, times, 0) }).map(|_| ())
}

fn timespec(seconds: i64, nanoseconds: i64) -> host::timespec {
    let mut time = host::timespec::zeroed();
    time.tv_sec = seconds;
    time.tv_nsec = nanoseconds;
    time
}

/// utime(2).
///
/// # Errors
/// As Linux's.
fn utime(memory: GuestMemory, path: u32, times: u32) -> Result<(), Errno> {
    let times = match times {
        0 => None,
        at => {
            let times = memory.read_plain::<guest::utimbuf>(at)?;
            Some([timespec(times.actime, 0), timespec(times.modtime, 0)])
        }
    };
    utimensat(memory, libc::AT_FDCWD, path, times)
}

/// utimes(2) and futimesat(2).
///
/// # Errors
/// As Linux's.
fn futimesat(memory: GuestMemory, dirfd: i32, path: u32, times: u32) -> Result<(), Errno> {
    let times = match times {
        0 => None,
        at => {
            let second = at.checked_add(size_of::<guest::timeval>() as u32);
            let second = second.ok_or(Errno(errno::EFAULT))?;
            Some([microseconds(memory, at)?, microseconds(memory, second)?])
        }
    };
    utimensat(memory, dirfd, path, times)
}

fn microseconds(memory: GuestMemory, at: u32) -> Result<host::timespec, Errno> {
    let time = memory.read_plain::<guest::timeval>(at)?;
    if !(0..1_000_000).contains(&time.tv_usec) {
        return Err(Errno(errno::EINVAL));
    }
    Ok(timespec(time.tv_sec, time.tv_usec * 1000))
}

/// Whether this ISA has flags elsewhere than the guest.
const MOVED: bool = {
    let one = open_flags::O_DIRECT as u64;
    open_flags::to_host(one) != one
};

/// openat2(2). The struct is as long as the guest says and begins with the flags, of which
/// some ISAs have a few elsewhere.
///
/// # Errors
/// As Linux's.
fn openat2(
    memory: GuestMemory,
    signals: &Signals,
    dirfd: i32,
    path: u32,
    how: u32,
    size: u32,
) -> Result<i64, Errno> {
    let mut copy = [0; PAGE as usize];
    let len = size as usize;
    // A struct that is too short or too long is an error before it is looked at.
    let place = if MOVED && (size_of::<guest::open_how>()..=copy.len()).contains(&len) {
        memory.read(how, &mut copy[..len])?;
        let (flags, _) = copy.split_first_chunk_mut().ok_or(Errno(errno::EINVAL))?;
        *flags = open_flags::to_host(u64::from_le_bytes(*flags)).to_le_bytes();
        copy.as_ptr() as usize
    } else {
        memory.address(how, size.into())
    };
    let path = memory.address(path, 0);
    let args = [descriptor(dirfd), path, place, len, 0, 0];
    // SAFETY: the path is the guest's, the struct the guest's or a live local's.
    unsafe { interruptible(signals, number::openat2, args) }
}

/// openat2(2) where there are other threads.
///
/// # Errors
/// As Linux's.
fn openat2_with_threads(
    thread: &Thread,
    dirfd: i32,
    path: u32,
    how: u32,
    size: u32,
) -> Result<i64, Errno> {
    let memory = Guest::memory(thread);
    // What is wrong with the structure is the kernel's to say: it looks at it before the name.
    match openat2(memory, thread.signals(), dirfd, 0, how, size) {
        Err(Errno(errno::EFAULT)) => {}
        other => return other,
    }
    let how: guest::open_how = memory.read_plain(how)?;
    let request = Request {
        dirfd: descriptor(dirfd),
        path: memory.address(path, 0),
        flags: open_flags::to_host(how.flags) as i32,
        mode: how.mode as usize,
        resolve: Some(how.resolve),
    };
    checked(thread.open_request(request))
}

/// setxattrat(2) or getxattrat(2): the structure is as long as the guest says and begins with the
/// value's address.
///
/// # Errors
/// As Linux's.
fn xattrat(
    memory: GuestMemory,
    number: Option<usize>,
    (dirfd, path, at_flags): (i32, u32, i32),
    name: u32,
    uargs: u32,
    len: u32,
) -> Result<i64, Errno> {
    const KNOWN: usize = size_of::<guest::xattr_args>();
    let mut copy = [0; PAGE as usize];
    let len = len as usize;
    // One that is too short or too long is an error before it is looked at.
    let place = if !(KNOWN..=copy.len()).contains(&len) {
        memory.address(uargs, len as u64)
    } else if memory.read(uargs, &mut copy[..len]).is_err() {
        GuestMemory::NOWHERE
    } else {
        let place = copy.as_mut_ptr().cast::<guest::xattr_args>();
        // SAFETY: the copy is longer than the structure, which may have any bytes.
        let mut args = unsafe { place.read_unaligned() };
        args.value = match u32::try_from(args.value) {
            Ok(value) => memory.address(value, args.size.into()),
            Err(_) => GuestMemory::NOWHERE,
        } as u64;
        // SAFETY: as before.
        unsafe { place.write_unaligned(args) };
        copy.as_ptr() as usize
    };
    let (path, name) = (memory.address(path, 0), memory.address(name, 0));
    let (dirfd, at_flags) = (descriptor(dirfd), at_flags as usize);
    let number = number.ok_or(Errno(errno::ENOSYS))?;
    // SAFETY: the strings are the guest's, the structure the guest's or a live local's, and what
    // it points to is the guest's.
    outcome(unsafe { syscall::syscall6(number, dirfd, path, at_flags, name, place, len) })
}

/// open_by_handle_at(2).
///
/// # Errors
/// As Linux's.
fn open_by_handle_at(
    memory: GuestMemory,
    signals: &Signals,
    mount: i32,
    handle: u32,
    flags: i32,
) -> Result<i64, Errno> {
    let handle = memory.address(handle, 0);
    let flags = open_flags::to_host(flags as u32 as u64) as i32;
    let args = [descriptor(mount), handle, flags as usize, 0, 0, 0];
    // SAFETY: the handle is the guest's, and shorter than what surrounds its memory.
    unsafe { interruptible(signals, number::open_by_handle_at, args) }
}

// The conversions above rely on these being the same on both sides.
const _: () = assert!(<guest::timeval as Convert>::SAME && <guest::utimbuf as Convert>::SAME);
