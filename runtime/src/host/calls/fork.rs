//! Making processes.
//!
//! `fork` is libc's. What the C library cannot do, sharing the folder, another
//! signal at the end, namespaces, the kernel does at once, for a process with one thread: that is
//! when nobody else can hold a lock of the C library's. With several threads only what can be had
//! by `fork` is there.
//!
//! A copy never shares the memory: its runtime would work in that of its maker's. The child of a
//! `vfork` has a copy, too, and its maker waits, as natively; but what it writes, its maker does
//! not see.

mod make;

use wali_arch::flags::{clone_flags as flag, clone3_sizes, errno, signals};
use wali_arch::layout::guest;

use crate::host::abi::{Errno, Guest, GuestMemory, Unwind, descriptor};
use crate::host::process::Thread;
use make::copy;

/// As many ids as the kernel takes, one for each level of namespaces: `MAX_PID_NS_LEVEL` of
/// linux/pid_namespace.h, which is not for programs.
const MOST_LEVELS: usize = 32;

/// What a copy of the process is to be like.
#[derive(Debug, Clone, Copy)]
struct Request {
    /// Flags of clone for the kernel: what the copy shares, and what it has for itself.
    flags: i64,
    /// The signal that this process gets at the copy's end.
    exit_signal: i32,
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
    /// Which ids it has, from its own namespace outwards.
    ids: [i32; MOST_LEVELS],
    /// How many of them were given.
    levels: usize,
    /// The group that it begins in, for the flag that says so.
    cgroup: u64,
}

impl Default for Request {
    fn default() -> Request {
        Request {
            flags: 0,
            exit_signal: signals::SIGCHLD,
            waits: false,
            parent_tid: None,
            child_tid: None,
            clear_tid: None,
            pidfd: None,
            clears_handlers: false,
            ids: [0; MOST_LEVELS],
            levels: 0,
            cgroup: 0,
        }
    }
}

/// Flags that make little difference to a process with memory of its own.
const HARMLESS: i64 = flag::CLONE_PTRACE
    | flag::CLONE_UNTRACED
    | flag::CLONE_DETACHED
    | flag::CLONE_SYSVSEM
    | flag::CLONE_IO;

/// Flags that the runtime sees to.
const OWN: i64 = flag::CLONE_VFORK
    | flag::CLONE_PARENT_SETTID
    | flag::CLONE_CHILD_SETTID
    | flag::CLONE_CHILD_CLEARTID
    | flag::CLONE_PIDFD
    | flag::CLONE_CLEAR_SIGHAND;

/// Flags that are the kernel's business alone.
const KERNEL: i64 = flag::CLONE_FS
    | flag::CLONE_PARENT
    | flag::CLONE_INTO_CGROUP
    | flag::CLONE_AUTOREAP
    | flag::CLONE_NNP
    | flag::CLONE_PIDFD_AUTOKILL
    | flag::CLONE_EMPTY_MNTNS
    | flag::CLONE_NEWNS
    | flag::CLONE_NEWCGROUP
    | flag::CLONE_NEWUTS
    | flag::CLONE_NEWIPC
    | flag::CLONE_NEWUSER
    | flag::CLONE_NEWPID
    | flag::CLONE_NEWNET
    | flag::CLONE_NEWTIME
    | HARMLESS;

/// Whether this runtime can make such a copy.
///
/// # Errors
/// `EINVAL` for what no kernel allows, `ENOSYS` for threads, which are made by another import, and
/// others that share memory, `EINVAL` for a thread pointer, which is a variable of the guest's, and
/// for shared descriptors: a file that is looked at before the guest has it (`host/opening`) could be
/// replaced by the other process.
fn check(flags: i64) -> Result<(), Errno> {
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
    let allowed = OWN | KERNEL | if vfork { flag::CLONE_VM } else { 0 };
    match flags & !allowed {
        0 => Ok(()),
        _ => Err(Errno(errno::EINVAL)),
    }
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
    if let Err(error) = check(flags) {
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
        flags: flags & KERNEL,
        exit_signal,
        waits: has(flag::CLONE_VFORK),
        parent_tid: has(flag::CLONE_PARENT_SETTID).then_some(parent_tid),
        child_tid: has(flag::CLONE_CHILD_SETTID).then_some(child_tid),
        clear_tid: has(flag::CLONE_CHILD_CLEARTID).then_some(child_tid),
        pidfd: has(flag::CLONE_PIDFD).then_some(parent_tid),
        ..Request::default()
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
        || args.exit_signal > wali_arch::signal::COUNT as u64
        || args.set_tid_size > MOST_LEVELS as u64
        || (args.set_tid_size == 0) != (args.set_tid == 0)
        || args.stack != 0
        || args.stack_size != 0
    {
        return Err(Errno(errno::EINVAL));
    }
    let has = |bit: i64| flags & bit != 0;
    let group = i32::try_from(args.cgroup).map_err(|_| Errno(errno::EINVAL));
    if has(flag::CLONE_INTO_CGROUP)
        && (group.is_err() || size < clone3_sizes::CLONE_ARGS_SIZE_VER2 as u32)
    {
        return Err(Errno(errno::EINVAL));
    }
    let address = |at: u64| u32::try_from(at).map_err(|_| Errno(errno::EFAULT));
    let place = |bit: i64, at: u64| has(bit).then(|| address(at)).transpose();
    let mut ids = [0; MOST_LEVELS];
    let levels = args.set_tid_size as usize;
    if levels > 0 {
        let mut bytes = [0; size_of::<i32>() * MOST_LEVELS];
        let bytes = &mut bytes[..size_of::<i32>() * levels];
        memory.read(address(args.set_tid)?, bytes)?;
        for (id, bytes) in ids.iter_mut().zip(bytes.as_chunks().0) {
            *id = i32::from_le_bytes(*bytes);
        }
    }
    check(flags)?;
    Ok(Request {
        flags: flags & KERNEL,
        exit_signal: args.exit_signal as i32,
        waits: has(flag::CLONE_VFORK),
        parent_tid: place(flag::CLONE_PARENT_SETTID, args.parent_tid)?,
        child_tid: place(flag::CLONE_CHILD_SETTID, args.child_tid)?,
        clear_tid: place(flag::CLONE_CHILD_CLEARTID, args.child_tid)?,
        pidfd: place(flag::CLONE_PIDFD, args.pidfd)?,
        clears_handlers: has(flag::CLONE_CLEAR_SIGHAND),
        ids,
        levels,
        cgroup: group.map_or(0, |fd| descriptor(fd) as u64),
    })
}
