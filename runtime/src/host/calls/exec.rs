//! Running other programs: native ones by the kernel, guests by this runtime anew.

use std::ffi::CString;
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::{FileExt, MetadataExt};

use wali_arch::flags::at_fd::AT_FDCWD;
use wali_arch::flags::{access_flags as access, at_flags as at, errno, exec_limits, mode_bits};
use wali_arch::syscall;
use wali_arch::tables::number;

use super::{everywhere, outcome};
use crate::host::abi::{Errno, Guest, GuestMemory, Unwind, descriptor};
use crate::host::handoff::Handoff;
use crate::host::mappings::PAGE;
use crate::host::process::{Process, Thread};

/// What a Wasm module begins with.
const MAGIC: &[u8] = b"\0asm";

/// As much of a file as the kernel looks at to see what it is.
const LOOKED_AT: usize = exec_limits::BINPRM_BUF_SIZE as usize;

/// Most interpreters of interpreters, as in the kernel.
const MOST_INTERPRETERS: usize = 5;

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

/// A guest program that is to run.
struct Program {
    module: File,
    /// What stands for the first argument, if the program was named by scripts: interpreters
    /// with their arguments, and the script.
    prefix: Vec<CString>,
    /// Its name, for messages.
    name: CString,
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
    let handoff = match find(&thread.process, memory, target) {
        None => None,
        Some(program) => match hand_over(memory, program, argv, envp) {
            Ok(handoff) => Some(handoff),
            Err(error) => return Ok(Err(error)),
        },
    };
    let pointers = (Pointers::read(memory, argv), Pointers::read(memory, envp));
    let Some(mask) = thread.signals().block_all() else {
        return Err(Unwind::Interrupted);
    };
    thread.signals().before_exec(mask);
    let result = match handoff {
        Some(handoff) => handoff.exec(
            thread.process.executable(),
            thread.process.tracer().map(|tracer| &**tracer),
            thread.process.emulates_fn_casts(),
        ),
        None => native(memory, target, &pointers.0, &pointers.1),
    };
    thread.signals().exec_failed(mask);
    Ok(result)
}

/// Has the kernel run a native program, or say why not.
fn native(
    memory: GuestMemory,
    target: Target,
    argv: &Pointers,
    envp: &Pointers,
) -> Result<i64, Errno> {
    let path = memory.address(target.path, 0);
    let (argv, envp) = (argv.word(memory), envp.word(memory));
    let (dirfd, flags) = (target.dirfd as usize, target.flags as usize);
    // SAFETY: all strings are inside the reservation; the arrays of their addresses are the
    // host's and end with a null pointer, or are nowhere.
    outcome(unsafe {
        if target.dirfd == AT_FDCWD && flags == 0 {
            syscall::syscall3(everywhere(number::execve)?, path, argv, envp)
        } else {
            let number = everywhere(number::execveat)?;
            syscall::syscall5(number, dirfd, path, argv, envp, flags)
        }
    })
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
    fn read(memory: GuestMemory, at: u32) -> Pointers {
        if at == 0 {
            return Pointers::None;
        }
        let mut addresses = Vec::new();
        let all = each_string(memory, at, |string| {
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
    at: u32,
    mut f: impl FnMut(u32) -> Result<(), Errno>,
) -> Result<(), Errno> {
    if at == 0 {
        return Ok(());
    }
    let mut at = at;
    // More pointers than fit with all of their strings empty.
    for _ in 0..=most_bytes() / size_of::<usize>() as u64 {
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
fn most_bytes() -> u64 {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: a live local.
    unsafe { libc::getrlimit(libc::RLIMIT_STACK, &mut limit) };
    let most = exec_limits::_STK_LIM as u64 / 4 * 3;
    most.min(limit.rlim_cur / 4)
        .max(exec_limits::ARG_MAX as u64)
}

/// The strings of argument list and environment, within what the kernel would take.
struct Strings {
    left: u64,
}

impl Strings {
    fn read(&mut self, memory: GuestMemory, at: u32) -> Result<Vec<CString>, Errno> {
        let mut strings = Vec::new();
        each_string(memory, at, |string| {
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
    program: Program,
    argv: u32,
    envp: u32,
) -> Result<Handoff, Errno> {
    let mut strings = Strings { left: most_bytes() };
    let mut args = strings.read(memory, argv)?;
    // A program without arguments gets an empty name.
    if args.is_empty() {
        args.push(CString::default());
    }
    let environment = strings.read(memory, envp)?;
    strings.spend(program.name.as_bytes_with_nul().len() as u64)?;
    if !program.prefix.is_empty() {
        args.splice(..1, program.prefix);
    }
    Ok(Handoff {
        module: program.module,
        name: program.name,
        args,
        environment,
    })
}

/// The guest program that a call names, itself or by way of scripts; none if it is a native
/// one or if anything is wrong with it, which the kernel will say.
fn find(process: &Process, memory: GuestMemory, target: Target) -> Option<Program> {
    const FLAGS: i32 = at::AT_EMPTY_PATH | at::AT_SYMLINK_NOFOLLOW;
    if target.flags & !FLAGS != 0 {
        return None;
    }
    let name = memory.read_string(target.path, exec_limits::PATH_MAX as usize);
    let name = name.ok()??;
    let mut file = if name.is_empty() && target.flags & at::AT_EMPTY_PATH != 0 {
        duplicate(target.dirfd)?
    } else {
        let nofollow = target.flags & at::AT_SYMLINK_NOFOLLOW != 0;
        open_path(target.dirfd, &name, nofollow)?
    };
    let mut name = script_name(target.dirfd, name);
    let mut prefix = Vec::new();
    for _ in 0..=MOST_INTERPRETERS {
        let module = executable(process, &file)?;
        let mut start = [0; LOOKED_AT];
        let len = module.read_at(&mut start, 0).ok()?;
        let start = &start[..len];
        if start.starts_with(MAGIC) {
            return Some(Program {
                module,
                prefix,
                name,
            });
        }
        let (interpreter, arg) = interpreter(start)?;
        if prefix.is_empty() {
            prefix.push(name);
        }
        let front = std::iter::once(interpreter.clone()).chain(arg);
        prefix.splice(..0, front);
        file = open_path(AT_FDCWD, &interpreter, false)?;
        name = interpreter;
    }
    None
}

/// The name by which an interpreter finds its script.
fn script_name(dirfd: i32, name: CString) -> CString {
    let absolute = name.as_bytes().starts_with(b"/");
    if dirfd == AT_FDCWD || absolute {
        return name;
    }
    let mut path = format!("/dev/fd/{dirfd}").into_bytes();
    if !name.is_empty() {
        path.push(b'/');
        path.extend_from_slice(name.as_bytes());
    }
    CString::new(path).unwrap_or(name)
}

fn duplicate(fd: i32) -> Option<OwnedFd> {
    // SAFETY: makes a new descriptor, which is nobody else's.
    unsafe {
        let new = libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0);
        (new >= 0).then(|| OwnedFd::from_raw_fd(new))
    }
}

/// A descriptor that stands for a file without opening it, which could block or have effects.
fn open_path(dirfd: i32, path: &CString, nofollow: bool) -> Option<OwnedFd> {
    let nofollow = if nofollow { libc::O_NOFOLLOW } else { 0 };
    let flags = libc::O_PATH | libc::O_CLOEXEC | nofollow;
    // SAFETY: the path is a C string; the new descriptor is nobody else's.
    unsafe {
        let fd = libc::openat(dirfd, path.as_ptr(), flags);
        (fd >= 0).then(|| OwnedFd::from_raw_fd(fd))
    }
}

/// Opens a file for reading, if it is one that may be executed.
fn executable(process: &Process, file: &OwnedFd) -> Option<File> {
    const EXECUTE: usize = libc::X_OK as usize;
    let status = File::from(file.try_clone().ok()?).metadata().ok()?;
    if status.mode() & mode_bits::S_IFMT as u32 != mode_bits::S_IFREG as u32 {
        return None;
    }
    let flags = (access::AT_EMPTY_PATH | access::AT_EACCESS) as usize;
    let empty = c"".as_ptr() as usize;
    // SAFETY: the path is a C string.
    let allowed = unsafe {
        let fd = file.as_raw_fd() as usize;
        syscall::syscall4(number::faccessat2?, fd, empty, EXECUTE, flags)
    };
    if allowed != 0 {
        return None;
    }
    process.descriptors().reopen(file.as_raw_fd()).ok()
}

/// The interpreter that a script's first line names, and the argument that follows it, as the
/// kernel takes the line apart.
fn interpreter(start: &[u8]) -> Option<(CString, Option<CString>)> {
    let line = start.strip_prefix(b"#!")?;
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let end = line.iter().position(|&byte| byte == b'\n');
    let line = match end {
        Some(end) => &line[..end],
        // The name must be whole, or the file end here.
        None if start.len() < LOOKED_AT => line,
        None => {
            let from = line.iter().position(|byte| !blank(byte))?;
            line[from..].iter().position(blank)?;
            line
        }
    };
    let line = line.split(|&byte| byte == 0).next()?;
    let from = line.iter().position(|byte| !blank(byte))?;
    let to = line.iter().rposition(|byte| !blank(byte))?;
    let line = &line[from..=to];
    let (name, arg) = match line.iter().position(blank) {
        Some(at) => (&line[..at], Some(&line[at..])),
        None => (line, None),
    };
    let arg = arg.map(|arg| arg.trim_ascii_start());
    let arg = arg.filter(|arg| !arg.is_empty());
    Some((
        CString::new(name).ok()?,
        arg.map(CString::new).transpose().ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Option<(String, Option<String>)> {
        let text = |text: CString| text.into_string().unwrap();
        interpreter(line.as_bytes()).map(|(name, arg)| (text(name), arg.map(text)))
    }

    #[test]
    fn first_lines_are_taken_apart_as_by_the_kernel() {
        let plain = |name: &str| Some((name.to_string(), None));
        assert_eq!(parsed("#!/bin/sh\nrest"), plain("/bin/sh"));
        assert_eq!(parsed("#! \t/bin/sh  \n"), plain("/bin/sh"));
        let both = Some(("/bin/env".into(), Some("a  b".into())));
        assert_eq!(parsed("#!/bin/env  a  b \n"), both);
        assert_eq!(parsed("#!/bin/sh"), plain("/bin/sh"));
        assert_eq!(parsed("#!  \n"), None);
        assert_eq!(parsed("no script"), None);
        let long = "x".repeat(300);
        assert_eq!(parsed(&format!("#!{}", &long[..LOOKED_AT - 2])), None);
    }
}
