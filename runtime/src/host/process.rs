//! A guest process and its threads: what the host layer keeps for them.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard};

use wali_arch::flags::futex_ops;
use wali_arch::syscall;
use wali_arch::tables::number;

use super::abi::{Guest, GuestMemory, MAX_ARGS};
use super::handoff::{memory_file, write_unlimited};
use super::jumps;
use super::limits::{self, Limits};
use super::opened::{Descriptors, Identity, NAME, name_of};
use super::opening::{self, Request};
use super::own_program::{self, Kept};
use super::reserved::{self, out_of_the_way};
use super::signals::{self, Actions, Set, Signals};
use super::trace::Tracer;
use crate::memory::{Map, Memory};

/// Where the guest's environment comes from.
#[derive(Debug, Default)]
pub enum Environment {
    /// No variables.
    #[default]
    Empty,
    /// `NAME=value` each.
    Variables(Vec<Vec<u8>>),
}

/// What a process starts with.
#[derive(Debug, Default)]
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
    /// The file of its module, for `/proc/self/exe`.
    pub program: Option<File>,
    /// Options for the runtimes of guests that it starts by execve: words of a command line
    /// that `wali resume` takes. The tracer sees to its own.
    pub options: Vec<CString>,
    /// What it may have of memory; what this process may, if nothing is said.
    pub limits: Option<Limits>,
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
    /// The runtime's file, to run other guests by.
    executable: Option<Kept>,
    /// The module's.
    program: Option<Kept>,
    /// What runtimes of other guests are started with.
    options: Vec<CString>,
    /// What it may have of memory at its start.
    limits: Limits,
    /// Whether `__init` and `__deinit` have been called.
    pub(super) initialised: AtomicBool,
    pub(super) deinitialised: AtomicBool,
    /// Whether there has ever been more than one thread.
    threads: AtomicBool,
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
        jumps::choose_key();
        Ok(Arc::new(Process {
            args: startup.args,
            environment,
            tracer: startup.tracer,
            emulate_fn_casts: startup.emulate_fn_casts,
            descriptors,
            actions: Arc::new(Actions::inherited()),
            executable: own_program::runtime(),
            program: startup.program.and_then(|file| Kept::new(file.into()).ok()),
            options: startup.options,
            limits: startup.limits.unwrap_or_else(limits::inherited),
            initialised: AtomicBool::new(false),
            deinitialised: AtomicBool::new(false),
            threads: AtomicBool::new(false),
        }))
    }

    /// What it may have of memory at its start.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Whether others may have the same descriptors: there has been more than one thread.
    pub(super) fn has_threads(&self) -> bool {
        self.threads.load(Ordering::Relaxed)
    }

    /// There is going to be another thread.
    pub(super) fn gets_threads(&self) {
        self.threads.store(true, Ordering::Relaxed);
        reserved::gets_threads();
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

    /// A descriptor of the runtime's file, unless the guest has put another in its place.
    pub(super) fn executable(&self) -> Option<RawFd> {
        self.executable.as_ref()?.get()
    }

    /// The same of the module's file.
    pub(super) fn program(&self) -> Option<RawFd> {
        self.program.as_ref()?.get()
    }

    /// What runtimes of guests that this one starts are to be started with.
    pub(super) fn options(&self) -> &[CString] {
        &self.options
    }

    /// Whether the calling thread is the only one in the process, the embedder's counted, too;
    /// where that cannot be told it is not.
    pub(super) fn is_alone(&self) -> bool {
        self.descriptors.threads() == Some(1)
    }

    /// What the kernel calls the file behind a descriptor.
    pub(super) fn name_of(&self, file: &OwnedFd) -> Option<Vec<u8>> {
        let mut name = [0; NAME];
        let len = name_of(self.descriptors.root()?, file.as_raw_fd(), &mut name).ok()?;
        Some(name[..len].to_vec())
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
    let mut file = memory_file(c"wali-environment")?;
    let mut text = Vec::new();
    for variable in variables {
        text.extend_from_slice(variable);
        text.push(b'\n');
    }
    write_unlimited(&mut file, &text).map_err(|error| {
        io::Error::other(format!("the environment does not fit (ulimit -f): {error}"))
    })?;
    out_of_the_way(file.into())
}

/// A thread of a guest process: what its host calls work on.
#[derive(Debug)]
pub struct Thread {
    /// Its process.
    pub process: Arc<Process>,
    pub(super) memory: Memory,
    /// What `set_tid_address` named.
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

    /// A thread that this one starts in the function of a table slot, with its mask. Created
    /// while all signals are blocked.
    pub(super) fn another(&self, mask: Set, start: u32, argument: u32) -> NewThread {
        let actions = Arc::clone(&self.process.actions);
        let thread = Thread {
            process: Arc::clone(&self.process),
            memory: self.memory.clone(),
            clear_tid: 0,
            signals: Box::new(Signals::with_mask(actions, mask)),
            released_at_exec: None,
        };
        NewThread {
            thread,
            mask,
            start,
            argument,
        }
    }

    /// The lock on the guest's mappings.
    pub(super) fn map_lock(&self) -> MutexGuard<'_, Map> {
        self.memory.map()
    }

    /// Its memory.
    pub fn linear_memory(&self) -> &Memory {
        &self.memory
    }

    /// Does what the kernel does for a thread that ends while there are others.
    pub fn ended(&mut self) {
        self.clear_tid();
    }

    /// Clears the word that `set_tid_address` named, if it still holds this thread's id, and
    /// wakes who waits for that. Programs make it a lock that another thread may have by now.
    fn clear_tid(&mut self) {
        let at = std::mem::take(&mut self.clear_tid);
        if at == 0 {
            return;
        }
        // SAFETY: asks for a number.
        let tid = unsafe { libc::gettid() } as u32;
        if Guest::memory(self).compare_exchange(at, tid, 0) == Ok(tid) {
            wake_one(Guest::memory(self), at);
        }
    }

    /// Opens by name where there are other threads.
    pub(super) fn open_request(&self, request: Request) -> isize {
        let memory = Guest::memory(self);
        let name = || {
            let at = memory.guest_address(request.path)?;
            memory.read_string(at, libc::PATH_MAX as usize).ok()?
        };
        opening::open(&self.process.descriptors, &self.signals, request, name)
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

/// Wakes one who waits at a word of the guest's.
fn wake_one(memory: GuestMemory, at: u32) {
    let Some(number) = number::futex else { return };
    let word = memory.address(at, size_of::<u32>() as u64);
    // SAFETY: the word is inside the reservation.
    unsafe { syscall::syscall3(number, word, futex_ops::FUTEX_WAKE as usize, 1) };
}

/// A thread about to begin, and what it begins with.
#[derive(Debug)]
pub struct NewThread {
    /// The thread.
    pub thread: Thread,
    /// Its mask, to be set once it runs.
    pub mask: Set,
    /// The table slot of its function, which gets the thread's id and
    pub start: u32,
    /// this.
    pub argument: u32,
}

impl Guest for Thread {
    #[inline]
    fn memory(&self) -> GuestMemory {
        // SAFETY: bindings use the view during a call, for which they borrow the thread, and
        // the thread keeps its memory.
        unsafe { GuestMemory::new(&self.memory) }
    }

    #[inline]
    unsafe fn may_block(&self, number: usize, args: &[usize; MAX_ARGS]) -> isize {
        // SAFETY: as the caller promises.
        unsafe { self.signals.may_block(number, args) }
    }

    unsafe fn open_by_name(&self, number: usize, args: &[usize; MAX_ARGS]) -> isize {
        match Request::of(number, args) {
            Some(request) if self.process.has_threads() => self.open_request(request),
            // SAFETY: as the caller promises.
            _ => unsafe { self.may_block(number, args) },
        }
    }

    fn opened(&mut self, result: i64) -> i64 {
        self.process.descriptors.admit(result)
    }
}
