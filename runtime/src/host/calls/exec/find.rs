//! What program a name stands for: a guest, by itself or by way of scripts, or none of ours.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::{FileExt, MetadataExt};

use wali_arch::flags::at_fd::AT_FDCWD;
use wali_arch::flags::{
    access_flags as access, at_flags as at, errno, exec_limits, execve_flags, mode_bits,
};
use wali_arch::syscall;
use wali_arch::tables::number;

use super::Target;
use crate::host::abi::GuestMemory;
use crate::host::process::Process;

/// What a module begins with: the magic, and the version that is neither a component's nor of
/// times to come.
const MAGIC: &[u8] = b"\0asm\x01\0\0\0";

/// The highest number of a section that there is.
const LAST_SECTION: u8 = 13;

/// Sections up to here are looked at; with more, the loader has the last word.
const MOST_SECTIONS: usize = 1 << 12;

/// As much of a file as the kernel looks at to see what it is.
const LOOKED_AT: usize = exec_limits::BINPRM_BUF_SIZE as usize;

/// Most interpreters of interpreters, as in the kernel.
const MOST_INTERPRETERS: usize = 5;

/// A guest program that is to run.
pub struct Program {
    /// Its file.
    pub module: File,
    /// What stands for the first argument, if the program was named by scripts: interpreters
    /// with their arguments, and the script.
    pub prefix: Vec<CString>,
    /// Its name, for messages.
    pub name: CString,
    /// What the process is called from then on.
    pub command: CString,
    /// Bytes of the name by which it was started.
    pub named: usize,
}

/// The guest program that a call names, itself or by way of scripts; none if it is a native
/// one or if anything is wrong with it, which the kernel will say.
pub fn find(process: &Process, memory: GuestMemory, target: Target) -> Option<Program> {
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
    let own = process.own_module(target.dirfd, &name, &file);
    let command = command(process, &name, &file);
    let mut name = script_name(target.dirfd, name);
    let named = name.as_bytes_with_nul().len();
    if let Some(module) = own {
        return Some(Program {
            module,
            prefix: Vec::new(),
            name,
            command,
            named,
        });
    }
    let mut prefix = Vec::new();
    for _ in 0..=MOST_INTERPRETERS {
        let module = executable(process, &file)?;
        let mut start = [0; LOOKED_AT];
        let len = module.read_at(&mut start, 0).ok()?;
        let start = &start[..len];
        if start.starts_with(MAGIC) {
            return is_whole(&module).then_some(Program {
                module,
                prefix,
                name,
                command,
                named,
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

/// What the kernel calls the process: the last part of the name, or of that of the file if it was
/// given by a descriptor (since Linux 6.14; by the descriptor's number before).
fn command(process: &Process, name: &CStr, file: &OwnedFd) -> CString {
    let name = match name.is_empty() {
        false => name.to_bytes().to_vec(),
        true => process.name_of(file).unwrap_or_default(),
    };
    let last = name.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    CString::new(last).unwrap_or_default()
}

/// Whether the module's sections go as far as the file, which one that is cut off or damaged
/// does not pass. The kernel looks at no more of its own programs before there is no way back.
fn is_whole(module: &File) -> bool {
    let Ok(end) = module.metadata().map(|status| status.len()) else {
        return false;
    };
    let mut at = MAGIC.len() as u64;
    for _ in 0..MOST_SECTIONS {
        if at == end {
            return true;
        }
        let mut head = [0; 6];
        let Ok(len) = module.read_at(&mut head, at) else {
            return false;
        };
        let Some((&section, size)) = head[..len].split_first() else {
            return false;
        };
        let Some((size, taken)) = leb(size) else {
            return false;
        };
        at += 1 + taken + u64::from(size);
        if section > LAST_SECTION || at > end {
            return false;
        }
    }
    true
}

/// A number as modules have it, and how many bytes it takes.
fn leb(bytes: &[u8]) -> Option<(u32, u64)> {
    let mut number = 0u64;
    for (place, &byte) in bytes.iter().take(5).enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((u32::try_from(number).ok()?, place as u64 + 1));
        }
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

/// Whether a native program is there to be run, as far as can be told without running it.
pub fn is_program(dirfd: i32, path: &CString, flags: i32) -> bool {
    let file = match path.is_empty() && flags & at::AT_EMPTY_PATH != 0 {
        true => duplicate(dirfd),
        false => open_path(dirfd, path, flags & at::AT_SYMLINK_NOFOLLOW != 0),
    };
    file.is_some_and(|file| is_regular(&file) && allowed(&file))
}

fn is_regular(file: &OwnedFd) -> bool {
    let status = file
        .try_clone()
        .and_then(|file| File::from(file).metadata());
    status.is_ok_and(|s| s.mode() & mode_bits::S_IFMT as u32 == mode_bits::S_IFREG as u32)
}

/// Opens a file for reading, if it is one that may be executed.
fn executable(process: &Process, file: &OwnedFd) -> Option<File> {
    if !is_regular(file) || !allowed(file) {
        return None;
    }
    process.descriptors().reopen(file.as_raw_fd()).ok()
}

/// Whether the kernel would execute a file of the right format. Before Linux 6.14, one that is
/// open for writing somewhere counts as such, too.
fn allowed(file: &OwnedFd) -> bool {
    let fd = file.as_raw_fd() as usize;
    let empty = c"".as_ptr() as usize;
    let flags = (execve_flags::AT_EMPTY_PATH | execve_flags::AT_EXECVE_CHECK) as usize;
    // SAFETY: the path is a C string, there are neither arguments nor an environment, and with
    // this flag nothing is executed.
    let checked = number::execveat
        .map(|execveat| unsafe { syscall::syscall5(execveat, fd, empty, 0, 0, flags) });
    if checked != Some(-(errno::EINVAL as isize)) {
        return checked == Some(0);
    }
    const EXECUTE: usize = libc::X_OK as usize;
    let flags = (access::AT_EMPTY_PATH | access::AT_EACCESS) as usize;
    // SAFETY: the path is a C string.
    let allowed = number::faccessat2
        .map(|faccessat2| unsafe { syscall::syscall4(faccessat2, fd, empty, EXECUTE, flags) });
    match allowed {
        // Before Linux 5.8 nothing looks at a descriptor, and only for the real user.
        Some(missing) if missing == -(errno::ENOSYS as isize) => {
            let name = CString::new(format!("/proc/self/fd/{fd}"));
            // SAFETY: the path is a C string.
            name.is_ok_and(|name| unsafe { libc::access(name.as_ptr(), libc::X_OK) == 0 })
        }
        allowed => allowed == Some(0),
    }
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
    fn modules_that_are_cut_off_are_none() {
        let whole = |bytes: &[u8]| {
            let file = crate::host::handoff::memory_file(c"test").unwrap();
            file.write_all_at(bytes, 0).unwrap();
            is_whole(&file)
        };
        let module = wat::parse_str("(module (memory 1) (func) (data (i32.const 0) \"data\"))");
        let module = module.unwrap();
        assert!(whole(&module));
        let mut ends = 0;
        for end in MAGIC.len()..module.len() {
            ends += usize::from(whole(&module[..end]));
        }
        // Between sections it cannot be told.
        assert!(ends < 6, "{ends}");
        assert!(!whole(&[MAGIC, &[0xff; 20]].concat()));
        assert!(!whole(&[MAGIC, &[14, 0]].concat()));
        assert!(whole(&[MAGIC, &[1, 0x80, 0]].concat()));
        assert!(!whole(
            &[MAGIC, &[1, 0xff, 0xff, 0xff, 0xff, 0x7f]].concat()
        ));
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
