//! A guest process and its threads: what the host layer keeps for them.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard};

use super::abi::{Guest, GuestMemory};
use super::opened::{Descriptors, Identity};
use super::reserved::out_of_the_way;
use super::signals::{self, Actions, Signals};
use super::trace::Tracer;
use crate::memory::{Map, Memory};

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
    /// Who writes down its calls.
    pub tracer: Option<Arc<Tracer>>,
    /// Whether functions are called through pointers of other types, as C programs do natively
    /// though C does not allow it.
    pub emulate_fn_casts: bool,
}

/// A guest process.
#[derive(Debug)]
pub struct Process {
    args: Vec<CString>,
    /// An anonymous file with the environment, a line each; none if it is empty.
    environment: Option<OwnedFd>,
    /// Who writes down its calls.
    tracer: Option<Arc<Tracer>>,
    emulate_fn_casts: bool,
    /// What tells memory of processes from other files.
    descriptors: Descriptors,
    /// What happens on signals.
    actions: Arc<Actions>,
    /// This program itself, to run other guests by.
    executable: Option<(OwnedFd, Identity)>,
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
        signals::install();
        Ok(Arc::new(Process {
            args: startup.args,
            environment,
            tracer: startup.tracer,
            emulate_fn_casts: startup.emulate_fn_casts,
            descriptors,
            actions: Arc::new(Actions::inherited()),
            executable: executable(),
            initialised: AtomicBool::new(false),
            deinitialised: AtomicBool::new(false),
        }))
    }

    /// Who writes down its calls.
    pub fn tracer(&self) -> Option<&Arc<Tracer>> {
        self.tracer.as_ref()
    }

    /// Whether functions are called through pointers of other types.
    pub fn emulates_fn_casts(&self) -> bool {
        self.emulate_fn_casts
    }

    /// The command line with argv[0].
    pub fn args(&self) -> &[CString] {
        &self.args
    }

    /// What happens on signals.
    pub(super) fn actions(&self) -> &Actions {
        &self.actions
    }

    /// What descriptors stand for.
    pub(super) fn descriptors(&self) -> &Descriptors {
        &self.descriptors
    }

    /// A descriptor of this program itself, unless the guest has put another in its place.
    pub(super) fn executable(&self) -> Option<RawFd> {
        let (fd, known) = self.executable.as_ref()?;
        let fd = fd.as_raw_fd();
        Identity::of(fd)
            .is_ok_and(|now| now == *known)
            .then_some(fd)
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

/// This program's file, kept open, since a guest may come to have a root without procfs.
fn executable() -> Option<(OwnedFd, Identity)> {
    let flags = libc::O_PATH | libc::O_CLOEXEC;
    // SAFETY: the path is a C string; the descriptor is nobody else's.
    let fd = unsafe {
        let fd = libc::open(c"/proc/self/exe".as_ptr(), flags);
        (fd >= 0).then(|| OwnedFd::from_raw_fd(fd))?
    };
    let fd = out_of_the_way(fd).ok()?;
    let known = Identity::of(fd.as_raw_fd()).ok()?;
    Some((fd, known))
}

/// A thread of a guest process: what its host calls work on.
#[derive(Debug)]
pub struct Thread {
    /// Its process.
    pub process: Arc<Process>,
    pub(super) memory: Memory,
    /// What `set_tid_address` named; cleared by nobody yet, since no thread outlives it.
    pub(super) clear_tid: u32,
    /// In an allocation of their own, where the signal handler finds them.
    signals: Box<Signals>,
    /// A descriptor by whose closing the parent learns that this process, made by vfork, ends
    /// or runs another program.
    pub(super) released_at_exec: Option<(RawFd, Identity)>,
}

impl Thread {
    /// The first thread of a process over its memory, which the calling thread becomes.
    pub fn new(process: Arc<Process>, memory: Memory) -> Thread {
        let signals = Box::new(Signals::new(Arc::clone(&process.actions)));
        Thread {
            process,
            memory,
            clear_tid: 0,
            signals,
            released_at_exec: None,
        }
    }

    /// The lock on the guest's mappings.
    pub(super) fn map_lock(&self) -> MutexGuard<'_, Map> {
        self.memory.map()
    }

    /// Its signals.
    pub fn signals(&self) -> &Signals {
        &self.signals
    }

    /// Its signals, to be changed.
    pub fn signals_mut(&mut self) -> &mut Signals {
        &mut self.signals
    }
}

impl Guest for Thread {
    #[inline]
    fn memory(&self) -> GuestMemory {
        // SAFETY: bindings use the view during a call, for which they borrow the thread, and
        // the thread keeps its memory.
        unsafe { GuestMemory::new(&self.memory) }
    }

    #[inline]
    fn interrupt_word(&self) -> *const u32 {
        self.signals.word()
    }

    fn opened(&mut self, result: i64) -> i64 {
        self.process.descriptors.admit(result)
    }
}
