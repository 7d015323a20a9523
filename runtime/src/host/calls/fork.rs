//! Making processes.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use wali_arch::flags::{clone_flags as flag, clone3_sizes, errno, signals};
use wali_arch::layout::guest;
use wali_arch::syscall;
use wali_arch::tables::number;

use crate::host::abi::{Errno, Guest, GuestMemory, Unwind};
use crate::host::opened::Identity;
use crate::host::process::Thread;
use crate::host::reserved::out_of_the_way;

/// What a copy of the process is to be like.
#[derive(Debug, Clone, Copy, Default)]
struct Request {
    /// Whether this process waits until the copy ends or runs another program.
    waits: bool,
    /// Where this process finds the copy's id.
    parent_tid: Option<u32>,
    /// Where the copy finds its id.
    child_tid: Option<u32>,
    /// The word that is cleared when the copy ends.
    clear_tid: Option<u32>,
    /// Where this process finds a descriptor of the copy.
    pidfd: Option<u32>,
    /// Whether the copy begins without handlers.
    clears_handlers: bool,
}

/// Flags of clone that make no difference to a process without relatives in the same memory.
const HARMLESS: i64 = flag::CLONE_PTRACE
    | flag::CLONE_UNTRACED
    | flag::CLONE_DETACHED
    | flag::CLONE_SYSVSEM
    | flag::CLONE_IO;

/// Flags that can be had.
const POSSIBLE: i64 = flag::CLONE_VFORK
    | flag::CLONE_PARENT_SETTID
    | flag::CLONE_CHILD_SETTID
    | flag::CLONE_CHILD_CLEARTID
    | flag::CLONE_PIDFD
    | flag::CLONE_CLEAR_SIGHAND;

/// Flags that make namespaces, as `unshare` does.
const NAMESPACES: i64 = flag::CLONE_NEWNS
    | flag::CLONE_NEWCGROUP
    | flag::CLONE_NEWUTS
    | flag::CLONE_NEWIPC
    | flag::CLONE_NEWUSER
    | flag::CLONE_NEWPID
    | flag::CLONE_NEWNET
    | flag::CLONE_NEWTIME;

/// The flags of a copy that this runtime can make, without addresses.
///
/// # Errors
/// `EINVAL` for what no kernel allows, `ENOSYS` for threads, which are made by another import,
/// `EPERM` for namespaces, `EINVAL` for sharing anything else.
fn check(flags: i64, exit_signal: i32) -> Result<(), Errno> {
    let has = |bits: i64| flags & bits != 0;
    if has(flag::CLONE_THREAD) && !has(flag::CLONE_SIGHAND)
        || has(flag::CLONE_SIGHAND) && !has(flag::CLONE_VM)
    {
        return Err(Errno(errno::EINVAL));
    }
    // Memory is shared with a waiting parent only in so far as the parent would see changes,
    // on which nobody may rely.
    let vfork = has(flag::CLONE_VFORK) && !has(flag::CLONE_THREAD);
    if has(flag::CLONE_VM) && !vfork {
        return Err(Errno(errno::ENOSYS));
    }
    if has(NAMESPACES) {
        return Err(Errno(errno::EPERM));
    }
    let allowed = POSSIBLE | HARMLESS | if vfork { flag::CLONE_VM } else { 0 };
    // Only children that end with SIGCHLD can be made by libc's fork.
    if flags & !allowed != 0 || exit_signal != signals::SIGCHLD {
        return Err(Errno(errno::EINVAL));
    }
    Ok(())
}

/// fork(2).
///
/// # Errors
/// If handlers have to run first.
pub fn fork(thread: &mut Thread) -> Result<Result<i64, Errno>, Unwind> {
    copy(thread, &Request::default())
}

/// vfork(2).
///
/// # Errors
/// If handlers have to run first.
pub fn vfork(thread: &mut Thread) -> Result<Result<i64, Errno>, Unwind> {
    let request = Request {
        waits: true,
        ..Request::default()
    };
    copy(thread, &request)
}

/// clone(2), its arguments in the guest's order.
///
/// # Errors
/// If handlers have to run first.
pub fn clone(
    thread: &mut Thread,
    flags: u64,
    stack: u32,
    parent_tid: u32,
    child_tid: u32,
) -> Result<Result<i64, Errno>, Unwind> {
    // The kernel looks at the lower half only.
    let flags = i64::from(flags as u32);
    let exit_signal = (flags & flag::CSIGNAL) as i32;
    let flags = flags & !flag::CSIGNAL;
    if let Err(error) = check(flags, exit_signal) {
        return Ok(Err(error));
    }
    // The copy goes on in the same function, which cannot change its stack.
    if stack != 0 {
        return Ok(Err(Errno(errno::EINVAL)));
    }
    let has = |bit: i64| flags & bit != 0;
    // Both would be stored at the same place.
    if has(flag::CLONE_PIDFD) && has(flag::CLONE_PARENT_SETTID) {
        return Ok(Err(Errno(errno::EINVAL)));
    }
    let request = Request {
        waits: has(flag::CLONE_VFORK),
        parent_tid: has(flag::CLONE_PARENT_SETTID).then_some(parent_tid),
        child_tid: has(flag::CLONE_CHILD_SETTID).then_some(child_tid),
        clear_tid: has(flag::CLONE_CHILD_CLEARTID).then_some(child_tid),
        pidfd: has(flag::CLONE_PIDFD).then_some(parent_tid),
        clears_handlers: false,
    };
    copy(thread, &request)
}

/// clone3(2).
///
/// # Errors
/// If handlers have to run first.
pub fn clone3(thread: &mut Thread, at: u32, size: u32) -> Result<Result<i64, Errno>, Unwind> {
    match request(Guest::memory(thread), at, size) {
        Ok(request) => copy(thread, &request),
        Err(error) => Ok(Err(error)),
    }
}

/// What clone3's structure asks for.
fn request(memory: GuestMemory, at: u32, size: u32) -> Result<Request, Errno> {
    const KNOWN: usize = size_of::<guest::clone_args>();
    if size as u64 > super::super::mappings::PAGE {
        return Err(Errno(errno::E2BIG));
    }
    if size < clone3_sizes::CLONE_ARGS_SIZE_VER0 as u32 {
        return Err(Errno(errno::EINVAL));
    }
    // What a later kernel's structure has in addition must be zero.
    let mut rest = [0u8; super::super::mappings::PAGE as usize];
    let rest = &mut rest[..(size as usize).saturating_sub(KNOWN)];
    memory.read(at.wrapping_add(KNOWN as u32), rest)?;
    if rest.iter().any(|&byte| byte != 0) {
        return Err(Errno(errno::E2BIG));
    }
    // An earlier one's ends sooner.
    let mut bytes = [0u8; KNOWN];
    memory.read(at, &mut bytes[..KNOWN.min(size as usize)])?;
    // SAFETY: the structure may have any bytes, and there are as many.
    let args = unsafe { bytes.as_ptr().cast::<guest::clone_args>().read_unaligned() };
    let flags = args.flags as i64;
    // The bits of the exit signal are free here, and one of them is a namespace's.
    let unused = flag::CSIGNAL & !flag::CLONE_NEWTIME | flag::CLONE_DETACHED;
    if flags & unused != 0
        || args.exit_signal > flag::CSIGNAL as u64
        || args.set_tid_size != 0
        || args.set_tid != 0
        || args.stack != 0
        || args.stack_size != 0
    {
        return Err(Errno(errno::EINVAL));
    }
    check(flags, args.exit_signal as i32)?;
    let has = |bit: i64| flags & bit != 0;
    let address = |at: u64| u32::try_from(at).map_err(|_| Errno(errno::EFAULT));
    let place = |bit: i64, at: u64| has(bit).then(|| address(at)).transpose();
    Ok(Request {
        waits: has(flag::CLONE_VFORK),
        parent_tid: place(flag::CLONE_PARENT_SETTID, args.parent_tid)?,
        child_tid: place(flag::CLONE_CHILD_SETTID, args.child_tid)?,
        clear_tid: place(flag::CLONE_CHILD_CLEARTID, args.child_tid)?,
        pidfd: place(flag::CLONE_PIDFD, args.pidfd)?,
        clears_handlers: has(flag::CLONE_CLEAR_SIGHAND),
    })
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
fn copy(thread: &mut Thread, request: &Request) -> Result<Result<i64, Errno>, Unwind> {
    let pipe = match request.waits.then(pipe).transpose() {
        Ok(pipe) => pipe,
        Err(error) => return Ok(Err(error)),
    };
    let Some(mask) = thread.signals().block_all() else {
        return Err(Unwind::Interrupted);
    };
    let pid = {
        let mut engine = thread.signals().engine().map(|engine| engine.fork_lock());
        if engine.as_ref().is_some_and(|engine| engine.too_late()) {
            thread.signals().set_mask(mask);
            return Err(Unwind::Interrupted);
        }
        let process = std::sync::Arc::clone(&thread.process);
        let _actions = process.actions().lock();
        let _map = thread.map_lock();
        // SAFETY: locks of the runtime's are held by this thread, which goes on in the copy;
        // libc sees to its own.
        let pid = unsafe { libc::fork() };
        if pid == 0
            && let Some(engine) = &mut engine
        {
            engine.in_child();
        }
        pid
    };
    let result = match pid {
        -1 => Err(last_error()),
        0 => {
            let release = pipe.map(|(_, write)| write);
            in_child(thread, request, release);
            Ok(0)
        }
        pid => Ok(in_parent(thread, request, pid, pipe)),
    };
    thread.signals().set_mask(mask);
    Ok(result)
}

fn in_parent(
    thread: &Thread,
    request: &Request,
    pid: libc::pid_t,
    pipe: Option<(OwnedFd, OwnedFd)>,
) -> i64 {
    let memory = Guest::memory(thread);
    // As the kernel: what cannot be stored is not stored.
    if let Some(at) = request.parent_tid {
        let _ = memory.write(at, &pid.to_le_bytes());
    }
    if let (Some(at), Some(open)) = (request.pidfd, number::pidfd_open) {
        // SAFETY: the arguments are numbers. The kernel's descriptors of processes are closed on
        // execve, as clone's are.
        let fd = unsafe { syscall::syscall2(open, pid as usize, 0) } as i32;
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
