//! A guest process and its threads: what the host layer keeps for them.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::abi::{Guest, GuestMemory};
use super::opened::Descriptors;
use super::reserved::out_of_the_way;
use crate::memory::Memory;

/// Where the guest's environment comes from.
#[derive(Debug)]
pub enum Environment {
    /// No variables.
    Empty,
    /// `NAME=value` each.
    Variables(Vec<Vec<u8>>),
}

/// What a process starts with.
#[derive(Debug)]
pub struct Startup {
    /// The command line with argv[0].
    pub args: Vec<CString>,
    /// The environment.
    pub environment: Environment,
}

/// A guest process.
#[derive(Debug)]
pub struct Process {
    args: Vec<CString>,
    /// An anonymous file with the environment, a line each; none if it is empty.
    environment: Option<OwnedFd>,
    /// What tells memory of processes from other files.
    descriptors: Descriptors,
    /// Whether `__init` and `__deinit` have been called.
    pub(super) initialised: AtomicBool,
    pub(super) deinitialised: AtomicBool,
}

impl Process {
    /// Prepares a process.
    ///
    /// # Errors
    /// When this process has a descriptor that a guest must not have, or the environment's file
    /// cannot be made.
    pub fn new(startup: Startup) -> io::Result<Arc<Process>> {
        let descriptors = Descriptors::open();
        descriptors.check_inherited()?;
        let environment = match startup.environment {
            Environment::Empty => None,
            Environment::Variables(variables) if variables.is_empty() => None,
            Environment::Variables(variables) => Some(environment_file(&variables)?),
        };
        Ok(Arc::new(Process {
            args: startup.args,
            environment,
            descriptors,
            initialised: AtomicBool::new(false),
            deinitialised: AtomicBool::new(false),
        }))
    }

    /// The command line with argv[0].
    pub fn args(&self) -> &[CString] {
        &self.args
    }

    /// The path at which the guest finds its environment.
    pub(super) fn environment_path(&self) -> Option<CString> {
        let fd = self.environment.as_ref()?.as_raw_fd();
        CString::new(format!("/proc/self/fd/{fd}")).ok()
    }

    /// Sets a flag and says whether it was set before.
    pub(super) fn once(flag: &AtomicBool) -> bool {
        flag.swap(true, Ordering::Relaxed)
    }
}

/// The environment in an anonymous file that no other process can find, under a
/// descriptor far above those a program counts on.
fn environment_file(variables: &[Vec<u8>]) -> io::Result<OwnedFd> {
    // SAFETY: the name is a C string; the result is checked.
    let fd = unsafe { libc::memfd_create(c"wali-environment".as_ptr(), libc::MFD_CLOEXEC) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was just made and is nobody else's.
    let mut file = unsafe { File::from_raw_fd(fd) };
    let mut text = Vec::new();
    for variable in variables {
        text.extend_from_slice(variable);
        text.push(b'\n');
    }
    file.write_all(&text)?;
    out_of_the_way(file.into())
}

/// A thread of a guest process: what its host calls work on.
#[derive(Debug)]
pub struct Thread {
    /// Its process.
    pub process: Arc<Process>,
    pub(super) memory: Memory,
    /// What `set_tid_address` named; cleared by nobody yet, since no thread outlives it.
    pub(super) clear_tid: u32,
}

impl Thread {
    /// The first thread of a process over its memory.
    pub fn new(process: Arc<Process>, memory: Memory) -> Thread {
        Thread {
            process,
            memory,
            clear_tid: 0,
        }
    }
}

impl Guest for Thread {
    #[inline]
    fn memory(&self) -> GuestMemory {
        // SAFETY: bindings use the view during a call, for which they borrow the thread, and
        // the thread keeps its memory.
        unsafe { GuestMemory::new(&self.memory) }
    }

    fn opened(&mut self, result: i64) -> i64 {
        self.process.descriptors.admit(result)
    }
}
