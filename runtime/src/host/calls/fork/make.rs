//! Carrying out a request for a copy of the process.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use wali_arch::flags::{clone_flags as flag, errno, signals};
use wali_arch::layout::{Plain, host};
use wali_arch::syscall;
use wali_arch::tables::number;

use super::{HARMLESS, Request};
use crate::host::abi::{Errno, Guest, Unwind};
use crate::host::mappings;
use crate::host::opened::Identity;
use crate::host::process::{Process, Thread};
use crate::host::reserved::{self, out_of_the_way};

/// Who makes the copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The C library's fork, which sees to its own state and calls what others have asked it to.
    Libc,
    /// The kernel's clone, at once.
    Kernel,
}

/// No descriptor yet.
const NONE: i32 = -1;

/// By which way a copy can be had.
///
/// # Errors
/// `EINVAL` if other threads stand against the only one.
fn way(process: &Process, request: &Request) -> Result<Way, Errno> {
    let ordinary = request.exit_signal == signals::SIGCHLD && request.levels == 0;
    if ordinary && request.flags == 0 && !request.waits && request.pidfd.is_none() {
        return Ok(Way::Libc);
    }
    if process.is_alone() {
        return Ok(Way::Kernel);
    }
    match ordinary && request.flags & !HARMLESS == 0 {
        true => Ok(Way::Libc),
        false => Err(Errno(errno::EINVAL)),
    }
}

/// Where the C library keeps the calling thread's id, which the kernel then sets in the copy; 0
/// if the kernel does not tell.
fn place_of_id() -> usize {
    let mut place = 0usize;
    // SAFETY: the kernel stores an address in the live local.
    let known = unsafe { libc::prctl(libc::PR_GET_TID_ADDRESS, &raw mut place, 0, 0, 0) } == 0;
    if known { place } else { 0 }
}

/// Has the kernel make the copy: its id here, 0 there, or an error, negative.
///
/// # Safety
/// This process has one thread, and whoever calls goes on in both.
unsafe fn clone_by_kernel(request: &Request, pidfd: &mut i32) -> i64 {
    let place = place_of_id();
    let mut flags = request.flags;
    let mut add = |wanted: bool, bits: i64| flags |= if wanted { bits } else { 0 };
    add(
        place != 0,
        flag::CLONE_CHILD_SETTID | flag::CLONE_CHILD_CLEARTID,
    );
    add(request.waits, flag::CLONE_VFORK);
    add(request.pidfd.is_some(), flag::CLONE_PIDFD);
    let pidfd = core::ptr::from_mut(pidfd) as usize;
    // What the older call cannot say. It is known everywhere, and to sandboxes that refuse the
    // newer one.
    const NEWER: i64 = !(u32::MAX as i64) | flag::CLONE_NEWTIME;
    if flags & NEWER == 0 && request.levels == 0 {
        let Some(number) = number::clone else {
            return Errno(errno::ENOSYS).result();
        };
        let flags = (flags | i64::from(request.exit_signal)) as usize;
        // The place of the id is the fourth argument or the fifth; the other is not looked at.
        // SAFETY: both places are there in both processes, which have a stack each.
        return unsafe { syscall::syscall5(number, flags, 0, pidfd, place, place) } as i64;
    }
    let Some(number) = number::clone3 else {
        return Errno(errno::ENOSYS).result();
    };
    let mut args = host::clone_args::zeroed();
    args.flags = flags as u64;
    args.pidfd = pidfd as u64;
    args.child_tid = place as u64;
    args.exit_signal = request.exit_signal as u64;
    args.cgroup = request.cgroup;
    if request.levels > 0 {
        args.set_tid = request.ids.as_ptr() as u64;
        args.set_tid_size = request.levels as u64;
    }
    let size = size_of::<host::clone_args>();
    // SAFETY: as above; the structure and what it leads to are live.
    unsafe { syscall::syscall2(number, core::ptr::from_ref(&args) as usize, size) as i64 }
}

/// A pipe's ends, out of the guest's way: nothing is ever written, but the reader learns when
/// the last copy of the writer's is closed, by the end of a process or by another program.
fn pipe() -> Result<(OwnedFd, OwnedFd), Errno> {
    let mut ends = [0; 2];
    // SAFETY: a live array.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        return Err(last_error());
    }
    // SAFETY: both were just made and are nobody else's.
    let (read, write) = unsafe { (OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])) };
    let moved = |fd| out_of_the_way(fd).map_err(|_| Errno(errno::EMFILE));
    Ok((moved(read)?, moved(write)?))
}

fn last_error() -> Errno {
    let error = io::Error::last_os_error().raw_os_error();
    Errno(error.unwrap_or(errno::EAGAIN))
}

/// Makes the copy; its id here, and 0 there.
///
/// # Errors
/// If handlers have to run first.
pub fn copy(thread: &mut Thread, request: &Request) -> Result<Result<i64, Errno>, Unwind> {
    let way = match way(&thread.process, request) {
        Ok(way) => way,
        Err(error) => return Ok(Err(error)),
    };
    let by_pipe = request.waits && way == Way::Libc;
    let pipe = match by_pipe.then(pipe).transpose() {
        Ok(pipe) => pipe,
        Err(error) => return Ok(Err(error)),
    };
    let Some(mask) = thread.signals().block_all() else {
        return Err(Unwind::Interrupted);
    };
    let mut pidfd = NONE;
    let pid = {
        let mut engine = thread.signals().engine().map(|engine| engine.fork_lock());
        if engine.as_ref().is_some_and(|engine| engine.too_late()) {
            thread.signals().set_mask(mask);
            return Err(Unwind::Interrupted);
        }
        let process = std::sync::Arc::clone(&thread.process);
        let _actions = process.actions().lock();
        let mut map = thread.map_lock();
        // Locks of the runtime's are held by this thread, which goes on in the copy.
        let pid = match way {
            // SAFETY: libc sees to its own locks.
            Way::Libc => unsafe { libc::fork() }.into(),
            // SAFETY: there is one thread, so that nobody else holds a lock of libc's.
            Way::Kernel => unsafe { clone_by_kernel(request, &mut pidfd) },
        };
        if pid == 0 {
            mappings::forked(&thread.memory, &mut map, request.waits);
            if let Some(engine) = &mut engine {
                engine.in_child();
            }
        }
        pid
    };
    let result = match pid as i32 {
        -1 if way == Way::Libc => Err(last_error()),
        error if error < 0 => Err(Errno(-error)),
        0 => {
            let release = pipe.map(|(_, write)| write);
            in_child(thread, request, release);
            Ok(0)
        }
        pid => Ok(in_parent(thread, request, pid, pidfd, pipe)),
    };
    thread.signals().set_mask(mask);
    Ok(result)
}

fn in_parent(
    thread: &Thread,
    request: &Request,
    pid: libc::pid_t,
    pidfd: i32,
    pipe: Option<(OwnedFd, OwnedFd)>,
) -> i64 {
    let memory = Guest::memory(thread);
    // As the kernel: what cannot be stored is not stored.
    if let Some(at) = request.parent_tid {
        let _ = memory.write(at, &pid.to_le_bytes());
    }
    if let (Some(at), Some(open)) = (request.pidfd, number::pidfd_open) {
        let fd = match pidfd {
            // SAFETY: the arguments are numbers. The kernel's descriptors of processes are closed
            // on execve, as clone's are.
            NONE => unsafe { syscall::syscall2(open, pid as usize, 0) as i32 },
            fd => fd,
        };
        let _ = memory.write(at, &fd.to_le_bytes());
    }
    if let Some((read, write)) = pipe {
        drop(write);
        let mut byte = 0u8;
        // SAFETY: one byte of a live local. With signals blocked, only the end comes.
        unsafe { libc::read(read.as_raw_fd(), (&raw mut byte).cast(), 1) };
    }
    pid.into()
}

fn in_child(thread: &mut Thread, request: &Request, release: Option<OwnedFd>) {
    thread.signals().in_child();
    reserved::in_child();
    // A parent that waits for this process's parent does not wait for this one.
    if let Some((fd, known)) = thread.released_at_exec.take()
        && Identity::of(fd).is_ok_and(|now| now == known)
    {
        // SAFETY: the descriptor is still the one that we made.
        unsafe { libc::close(fd) };
    }
    thread.released_at_exec = release.and_then(|fd| {
        let fd = std::os::fd::IntoRawFd::into_raw_fd(fd);
        Identity::of(fd).ok().map(|known| (fd, known))
    });
    if request.clears_handlers {
        thread.signals().clear_handlers();
    }
    thread.clear_tid = request.clear_tid.unwrap_or(0);
    if let Some(at) = request.child_tid {
        // SAFETY: asks for a number.
        let tid = unsafe { libc::gettid() };
        let _ = Guest::memory(thread).write(at, &tid.to_le_bytes());
    }
}
