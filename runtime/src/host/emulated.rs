//! Calls that some ISAs lack and that no single other call replaces. Where the ISA has
//! them they are the kernel's.

use wali_arch::flags::{errno, itimer_which};
use wali_arch::layout::{Convert, Plain, guest, host};
use wali_arch::syscall;
use wali_arch::tables::number;

use super::abi::{Errno, GuestMemory};

/// A raw result as an outcome.
fn outcome(result: isize) -> Result<i64, Errno> {
    if result < 0 {
        Err(Errno(-result as i32))
    } else {
        Ok(result as i64)
    }
}

/// The number of a call that every ISA has.
fn everywhere(number: Option<usize>) -> Result<usize, Errno> {
    number.ok_or(Errno(errno::ENOSYS))
}

fn address_of<T>(value: &T) -> usize {
    core::ptr::from_ref(value) as usize
}

/// dup2(2): equal descriptors are no error if they are open, unlike in dup3.
///
/// # Errors
/// As Linux's.
pub fn dup2(old: i32, new: i32) -> Result<i64, Errno> {
    if let Some(number) = number::dup2 {
        // SAFETY: the arguments are numbers.
        return outcome(unsafe { syscall::syscall2(number, old as usize, new as usize) });
    }
    if old == new {
        let command = wali_arch::flags::fcntl_command::F_GETFD as usize;
        let fcntl = everywhere(number::fcntl)?;
        // SAFETY: the arguments are numbers.
        outcome(unsafe { syscall::syscall2(fcntl, old as usize, command) })?;
        return Ok(i64::from(new));
    }
    // SAFETY: the arguments are numbers.
    outcome(unsafe { syscall::syscall3(everywhere(number::dup3)?, old as usize, new as usize, 0) })
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
    let number = everywhere(number::utimensat)?;
    // SAFETY: the path is inside the reservation, the times are a live local's.
    outcome(unsafe { syscall::syscall4(number, dirfd as usize, path, times, 0) }).map(|_| ())
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
pub fn utime(memory: GuestMemory, path: u32, times: u32) -> Result<(), Errno> {
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
pub fn futimesat(memory: GuestMemory, dirfd: i32, path: u32, times: u32) -> Result<(), Errno> {
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

/// time(2).
///
/// # Errors
/// `EFAULT`.
pub fn time(memory: GuestMemory, at: u32) -> Result<i64, Errno> {
    let mut now = host::timeval::zeroed();
    let number = everywhere(number::gettimeofday)?;
    let place = core::ptr::from_mut(&mut now) as usize;
    // SAFETY: the address is a live local's.
    outcome(unsafe { syscall::syscall2(number, place, 0) })?;
    if at != 0 {
        memory.write(at, &now.tv_sec.to_le_bytes())?;
    }
    Ok(now.tv_sec)
}

/// alarm(2), which does not fail.
pub fn alarm(seconds: u32) -> i64 {
    let mut new = host::itimerval::zeroed();
    let mut old = host::itimerval::zeroed();
    new.it_value.tv_sec = seconds.into();
    let place = core::ptr::from_mut(&mut old) as usize;
    if let Some(number) = number::setitimer {
        let which = itimer_which::ITIMER_REAL as usize;
        // SAFETY: both addresses are live locals'.
        unsafe { syscall::syscall3(number, which, address_of(&new), place) };
    }
    // As the kernel rounds: a timer that is about to ring has a second left.
    let left = old.it_value;
    let round = left.tv_usec >= 500_000 || (left.tv_sec == 0 && left.tv_usec > 0);
    left.tv_sec + i64::from(round)
}

/// getcpu(2) without its third argument, which kernels have ignored since 2.6.24.
///
/// # Errors
/// As Linux's.
pub fn getcpu(memory: GuestMemory, cpu: u32, node: u32) -> Result<(), Errno> {
    let cpu = memory.address(cpu, size_of::<u32>() as u64);
    let node = memory.address(node, size_of::<u32>() as u64);
    // SAFETY: both addresses are inside the reservation or null.
    outcome(unsafe { syscall::syscall3(everywhere(number::getcpu)?, cpu, node, 0) }).map(|_| ())
}

// The conversions above rely on these being the same on both sides.
const _: () = assert!(<guest::timeval as Convert>::SAME && <guest::utimbuf as Convert>::SAME);
