//! Running other programs: native ones by the kernel, guests by this runtime anew.

mod find;

use std::ffi::CString;

use wali_arch::flags::at_fd::AT_FDCWD;
use wali_arch::flags::{errno, exec_limits};
use wali_arch::syscall;

use super::outcome;
use crate::host::abi::{Errno, Guest, GuestMemory, Unwind, descriptor};
use crate::host::handoff::Handoff;
use crate::host::limits::{self, Limits, Resource};
use crate::host::mappings::PAGE;
use crate::host::process::Thread;
use crate::host::reserved::Room;
use find::{Program, find};

/// The longest string that a program is given, in pages: MAX_ARG_STRLEN of linux/binfmts.h, which
/// no compiler can tell, since the kernel keeps its PAGE_SIZE to itself.
const MOST_PAGES: u64 = 32;

/// Where a call finds its program: what execveat says about it.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// What the path is relative to.
    pub dirfd: i32,
    /// The path.
    pub path: u32,
    /// Flags of execveat.
    pub flags: i32,
}

/// execve(2) and execveat(2).
///
/// # Errors
/// If handlers have to run first.
pub fn exec(
    thread: &mut Thread,
    mut target: Target,
    argv: u32,
    envp: u32,
) -> Result<Result<i64, Errno>, Unwind> {
    target.dirfd = descriptor(target.dirfd) as i32;
    let memory = Guest::memory(thread);
    let limits = thread.map_lock().limits;
    let room = Room::new();
    let handoff = match find(&thread.process, memory, target) {
        None => None,
        Some(program) => match hand_over(memory, limits, program, argv, envp) {
            Ok(handoff) => Some(handoff),
            Err(error) => return Ok(Err(error)),
        },
    };
    let most = most_bytes(&limits);
    let pointers = (
        Pointers::read(memory, most, argv),
        Pointers::read(memory, most, envp),
    );
    let Some(mask) = thread.signals().block_all() else {
        return Err(Unwind::Interrupted);
    };
    // What the runtime leaves to the program is open for a moment also to programs that other
    // threads start: no thread forks meanwhile.
    let _lock = thread.signals().engine().map(|engine| engine.fork_lock());
    thread.signals().before_exec(mask);
    let result = match handoff {
        Some(handoff) => handoff.exec(&thread.process, room),
        None => {
            drop(room);
            native(memory, target, &limits, &pointers.0, &pointers.1)
        }
    };
    thread.signals().exec_failed(mask);
    Ok(result)
}

/// Has the kernel run a native program, or say why not.
fn native(
    memory: GuestMemory,
    target: Target,
    limits: &Limits,
    argv: &Pointers,
    envp: &Pointers,
) -> Result<i64, Errno> {
    let path = memory.address(target.path, 0);
    let (argv, envp) = (argv.word(memory), envp.word(memory));
    let (dirfd, flags) = (target.dirfd as usize, target.flags as usize);
    // A limit that may not be raised again is lowered only for a program that is there.
    let name = memory.read_string(target.path, exec_limits::PATH_MAX as usize);
    let there =
        matches!(name, Ok(Some(name)) if find::is_program(target.dirfd, &name, target.flags));
    let given = there.then(|| limits::give(limits));
    // SAFETY: all strings are inside the reservation; the arrays of their addresses are the
    // host's and end with a null pointer, or are nowhere.
    let result = outcome(unsafe {
        if target.dirfd == AT_FDCWD && flags == 0 {
            syscall::syscall3(everywhere!(execve), path, argv, envp)
        } else {
            let number = everywhere!(execveat);
            syscall::syscall5(number, dirfd, path, argv, envp, flags)
        }
    });
    if let Some(given) = given {
        given.take_back();
    }
    result
}

/// An array of strings as the kernel wants it.
enum Pointers {
    /// None: the null pointer.
    None,
    /// Host addresses, with a null pointer at the end.
    Array(Vec<usize>),
    /// Too many to fit, or not there: for the kernel to say so when it comes to that.
    Nowhere,
}

impl Pointers {
    fn read(memory: GuestMemory, most: u64, at: u32) -> Pointers {
        if at == 0 {
            return Pointers::None;
        }
        let mut addresses = Vec::new();
        let all = each_string(memory, most, at, |string| {
            addresses.push(memory.address(string, 0));
            Ok(())
        });
        match all {
            Ok(()) => {
                addresses.push(0);
                Pointers::Array(addresses)
            }
            Err(Errno(errno::E2BIG)) => {
                // The kernel counts them all again, and finds them too many.
                addresses.push(0);
                Pointers::Array(addresses)
            }
            Err(_) => Pointers::Nowhere,
        }
    }

    fn word(&self, memory: GuestMemory) -> usize {
        match self {
            Pointers::None => 0,
            Pointers::Array(addresses) => addresses.as_ptr() as usize,
            Pointers::Nowhere => memory.address(0, u64::MAX),
        }
    }
}

/// Calls `f` with the address of each string in an array, which need not be there.
fn each_string(
    memory: GuestMemory,
    most: u64,
    at: u32,
    mut f: impl FnMut(u32) -> Result<(), Errno>,
) -> Result<(), Errno> {
    if at == 0 {
        return Ok(());
    }
    let mut at = at;
    // More pointers than fit with all of their strings empty.
    for _ in 0..=most / size_of::<usize>() as u64 {
        let string = memory.read_plain::<u32>(at)?;
        if string == 0 {
            return Ok(());
        }
        f(string)?;
        at = at
            .checked_add(size_of::<u32>() as u32)
            .ok_or(Errno(errno::EFAULT))?;
    }
    Err(Errno(errno::E2BIG))
}

/// Room for arguments and environment: a quarter of the stack, within the kernel's bounds.
fn most_bytes(limits: &Limits) -> u64 {
    let most = exec_limits::_STK_LIM as u64 / 4 * 3;
    most.min(limits.get(Resource::Stack).soft / 4)
        .max(exec_limits::ARG_MAX as u64)
}

/// The strings of argument list and environment, within what the kernel would take.
struct Strings {
    most: u64,
    left: u64,
}

impl Strings {
    fn read(&mut self, memory: GuestMemory, at: u32) -> Result<Vec<CString>, Errno> {
        let mut strings = Vec::new();
        let most = self.most;
        each_string(memory, most, at, |string| {
            let text = memory.read_string(string, (MOST_PAGES * PAGE) as usize)?;
            let text = text.ok_or(Errno(errno::E2BIG))?;
            self.spend((size_of::<usize>() + text.as_bytes_with_nul().len()) as u64)?;
            strings.push(text);
            Ok(())
        })?;
        Ok(strings)
    }

    fn spend(&mut self, bytes: u64) -> Result<(), Errno> {
        self.left = self.left.checked_sub(bytes).ok_or(Errno(errno::E2BIG))?;
        Ok(())
    }
}

/// Puts together what the runtime needs to run the program anew.
fn hand_over(
    memory: GuestMemory,
    limits: Limits,
    program: Program,
    argv: u32,
    envp: u32,
) -> Result<Handoff, Errno> {
    let most = most_bytes(&limits);
    let mut strings = Strings { most, left: most };
    strings.spend(program.named as u64)?;
    let mut args = strings.read(memory, argv)?;
    // A program without arguments gets an empty name.
    if args.is_empty() {
        strings.spend((size_of::<usize>() + 1) as u64)?;
        args.push(CString::default());
    }
    let environment = strings.read(memory, envp)?;
    if !program.prefix.is_empty() {
        let bytes = |strings: &[CString]| -> u64 {
            let lengths = strings.iter().map(|s| s.as_bytes_with_nul().len() as u64);
            lengths.sum()
        };
        strings.left += bytes(&args[..1]);
        strings.spend(bytes(&program.prefix))?;
        args.splice(..1, program.prefix);
    }
    Ok(Handoff {
        module: program.module,
        name: program.name,
        command: program.command,
        args,
        environment,
        limits,
    })
}
