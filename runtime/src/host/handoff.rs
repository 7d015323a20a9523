//! A guest program that another one has started, on its way into a new runtime: execve keeps
//! nothing of a process but its descriptors, so one of them holds what the runtime has to know.

use std::ffi::{CStr, CString, c_char};
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use wali_arch::flags::at_fd::AT_FDCWD;
use wali_arch::flags::{at_flags, errno};
use wali_arch::syscall;
use wali_arch::tables::number;

use super::abi::Errno;
use super::limits::{Limit, Limits, Resource};
use super::process::Process;
use super::reserved::{Room, high_duplicate, out_of_the_way};
use super::trace::Tracer;

/// The subcommand of this program that goes on with a [`Handoff`], whose descriptor follows.
pub const SUBCOMMAND: &str = "resume";

/// A program with all it is given.
#[derive(Debug)]
pub struct Handoff {
    /// The module, open for reading.
    pub module: File,
    /// Its name, for messages.
    pub name: CString,
    /// What the process is called (`comm`).
    pub command: CString,
    /// Its arguments with argv[0].
    pub args: Vec<CString>,
    /// Its environment.
    pub environment: Vec<CString>,
    /// What it may have of memory.
    pub limits: Limits,
}

impl Handoff {
    /// Runs the program in place of this one, by this runtime with the options that it was
    /// started with. The room is for the descriptors that this takes.
    ///
    /// # Errors
    /// Why it could not be done; otherwise it does not return.
    pub fn exec(&self, process: &Process, room: Room) -> Result<i64, Errno> {
        let (letter, _module) = self.write().map_err(|error| Errno::of(&error))?;
        let fd = CString::new(letter.as_raw_fd().to_string()).map_err(|_| Errno(errno::EINVAL))?;
        let subcommand = CString::new(SUBCOMMAND).map_err(|_| Errno(errno::EINVAL))?;
        let trace = process.tracer().map(|tracer| Tracer::hand_on(tracer));
        let trace = trace.transpose().map_err(|error| Errno::of(&error))?;
        let options = trace.iter().flat_map(|(_, words)| words);
        let options = options.chain(process.options());
        let mut args = vec![c"wali".as_ptr(), subcommand.as_ptr()];
        args.extend(options.map(|word| word.as_ptr()));
        args.extend([fd.as_ptr(), std::ptr::null()]);
        unsafe extern "C" {
            static environ: *const *const c_char;
        }
        let number = number::execveat.ok_or(Errno(errno::ENOSYS))?;
        drop(room);
        let exec = |directory: RawFd, path: &CStr, flags: i32| {
            // SAFETY: strings and arrays are the host's, and end as they have to.
            let result = unsafe {
                syscall::syscall5(
                    number,
                    directory as usize,
                    path.as_ptr() as usize,
                    args.as_ptr() as usize,
                    environ as usize,
                    flags as usize,
                )
            };
            Errno(-result as i32)
        };
        let by_descriptor = process
            .executable()
            .map(|fd| exec(fd, c"", at_flags::AT_EMPTY_PATH));
        Err(match by_descriptor {
            // What binfmt_misc starts by an interpreter, QEMU for instance, needs a path.
            None | Some(Errno(errno::ENOENT)) => exec(AT_FDCWD, c"/proc/self/exe", 0),
            Some(error) => error,
        })
    }

    /// Something to read with everything in it, and the module; both survive execve.
    fn write(&self) -> io::Result<(OwnedFd, OwnedFd)> {
        let module = high_duplicate(self.module.as_raw_fd(), false)?;
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&module.as_raw_fd().to_le_bytes());
        put(&mut bytes, &[self.name.clone(), self.command.clone()]);
        put(&mut bytes, &self.args);
        put(&mut bytes, &self.environment);
        put_limits(&mut bytes, &self.limits);
        let letter = match in_pipe(&bytes)? {
            Some(pipe) => pipe,
            None => in_file(&bytes)?,
        };
        Ok((high_duplicate(letter.as_raw_fd(), false)?, module))
    }

    /// Takes over what a runtime has left in that descriptor.
    ///
    /// # Errors
    /// If there is no such thing.
    pub fn take(fd: RawFd) -> io::Result<Handoff> {
        // Whoever says so has us own it; if it is not there, nothing is closed.
        // SAFETY: asks about a number.
        if unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor is there, and the one who started us leaves it to us.
        let mut file = unsafe { File::from_raw_fd(fd) };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let mut bytes = &bytes[..];
        let module = i32::from_le_bytes(number_of(&mut bytes)?);
        // SAFETY: asks about a number.
        if unsafe { libc::fcntl(module, libc::F_GETFD) } < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: as above.
        let module = out_of_the_way(unsafe { OwnedFd::from_raw_fd(module) })?.into();
        let mut names = get(&mut bytes)?;
        let command = names.pop().ok_or(io::ErrorKind::InvalidData)?;
        let name = names.pop().ok_or(io::ErrorKind::InvalidData)?;
        Ok(Handoff {
            module,
            name,
            command,
            args: get(&mut bytes)?,
            environment: get(&mut bytes)?,
            limits: get_limits(&mut bytes)?,
        })
    }
}

/// A pipe with all of the bytes, if there is room in it: unlike files, it knows no limit on
/// their size (`RLIMIT_FSIZE`), which the guest may have lowered.
fn in_pipe(bytes: &[u8]) -> io::Result<Option<OwnedFd>> {
    let (from, mut to) = io::pipe()?;
    // SAFETY: asks about a descriptor.
    let room = unsafe { libc::fcntl(to.as_raw_fd(), libc::F_GETPIPE_SZ) };
    if usize::try_from(room).is_ok_and(|room| bytes.len() <= room) {
        to.write_all(bytes)?;
        return Ok(Some(from.into()));
    }
    Ok(None)
}

/// An anonymous file with the bytes, to be read from its start.
fn in_file(bytes: &[u8]) -> io::Result<OwnedFd> {
    let mut file = memory_file(c"wali-handoff")?;
    write_unlimited(&mut file, bytes)?;
    file.rewind()?;
    Ok(file.into())
}

/// An anonymous file.
///
/// # Errors
/// If the kernel has no descriptor or no memory left.
pub fn memory_file(name: &CStr) -> io::Result<File> {
    // SAFETY: the name is a C string; the result is checked.
    let fd = unsafe { libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was just made and is nobody else's.
    Ok(unsafe { File::from_raw_fd(fd) })
}

/// Writes a file of the runtime's own, as large as the hard limit on files allows: the soft one
/// is for files of the program's.
///
/// # Errors
/// `EFBIG` if that is not enough, without the signal that goes with it.
pub fn write_unlimited(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: a live local.
    if unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &mut limit) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let len = bytes.len() as libc::rlim_t;
    if len > limit.rlim_max {
        return Err(io::Error::from_raw_os_error(libc::EFBIG));
    }
    if len <= limit.rlim_cur {
        return file.write_all(bytes);
    }
    let wider = libc::rlimit {
        rlim_cur: limit.rlim_max,
        ..limit
    };
    // SAFETY: both are live locals.
    unsafe {
        libc::setrlimit(libc::RLIMIT_FSIZE, &wider);
        let result = file.write_all(bytes);
        libc::setrlimit(libc::RLIMIT_FSIZE, &limit);
        result
    }
}

/// Writes a count and that many strings with their ends.
fn put(bytes: &mut Vec<u8>, strings: &[CString]) {
    bytes.extend_from_slice(&(strings.len() as u32).to_le_bytes());
    for string in strings {
        bytes.extend_from_slice(string.as_bytes_with_nul());
    }
}

fn put_limits(bytes: &mut Vec<u8>, limits: &Limits) {
    for resource in Resource::ALL {
        let limit = limits.get(resource);
        bytes.extend_from_slice(&limit.soft.to_le_bytes());
        bytes.extend_from_slice(&limit.hard.to_le_bytes());
    }
}

/// Reads what [`put_limits`] has written.
fn get_limits(bytes: &mut &[u8]) -> io::Result<Limits> {
    let mut limits = Limits::default();
    for resource in Resource::ALL {
        let soft = u64::from_le_bytes(number_of(bytes)?);
        let hard = u64::from_le_bytes(number_of(bytes)?);
        limits.set(resource, Limit { soft, hard });
    }
    Ok(limits)
}

fn number_of<const N: usize>(bytes: &mut &[u8]) -> io::Result<[u8; N]> {
    let (number, rest) = bytes
        .split_first_chunk()
        .ok_or(io::ErrorKind::InvalidData)?;
    *bytes = rest;
    Ok(*number)
}

/// Reads what [`put`] has written.
fn get(bytes: &mut &[u8]) -> io::Result<Vec<CString>> {
    let count = u32::from_le_bytes(number_of(bytes)?);
    let mut strings = Vec::new();
    for _ in 0..count {
        let end = bytes.iter().position(|&byte| byte == 0);
        let end = end.ok_or(io::ErrorKind::InvalidData)?;
        let string = CString::new(&bytes[..end]).map_err(|_| io::ErrorKind::InvalidData)?;
        strings.push(string);
        *bytes = &bytes[end + 1..];
    }
    Ok(strings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_arrives() {
        let strings = |texts: &[&str]| -> Vec<CString> {
            texts.iter().map(|t| CString::new(*t).unwrap()).collect()
        };
        let mut limits = Limits::default();
        let (soft, hard) = (1 << 40, u64::MAX - 1);
        limits.set(Resource::Data, Limit { soft, hard });
        let sent = Handoff {
            module: File::open("/dev/null").unwrap(),
            name: c"name".into(),
            command: c"command".into(),
            args: strings(&["", "two words", ""]),
            environment: strings(&[]),
            limits,
        };
        let (letter, module) = sent.write().unwrap();
        let letter = std::os::fd::IntoRawFd::into_raw_fd(letter);
        std::mem::forget(module);
        let got = Handoff::take(letter).unwrap();
        assert_eq!((got.name, got.command), (sent.name, sent.command));
        assert_eq!(got.args, sent.args);
        assert_eq!(got.environment, sent.environment);
        assert_eq!(got.limits, sent.limits);
    }

    #[test]
    fn much_arrives_as_well() {
        let sent = Handoff {
            module: File::open("/dev/null").unwrap(),
            name: c"name".into(),
            command: c"command".into(),
            args: vec![CString::new(vec![b'x'; 100_000]).unwrap(); 20],
            environment: Vec::new(),
            limits: Limits::default(),
        };
        let (letter, module) = sent.write().unwrap();
        let letter = std::os::fd::IntoRawFd::into_raw_fd(letter);
        std::mem::forget(module);
        assert_eq!(Handoff::take(letter).unwrap().args, sent.args);
    }

    #[test]
    fn other_files_are_refused() {
        assert!(Handoff::take(-1).is_err());
        let file = File::open("/dev/null").unwrap();
        let fd = std::os::fd::IntoRawFd::into_raw_fd(file);
        assert!(Handoff::take(fd).is_err());
    }
}
