//! A WALI program: a module loaded, linked to the host layer and run by the interpreter.

mod imports;
mod jumps;
mod load;
mod origin;
pub mod profile;
mod signals;
pub mod stats;
mod threads;

use std::ffi::c_int;
use std::fmt;
use std::sync::Arc;

pub use imports::{ImportAnswer, ImportReport, Problem};
pub use load::{LoadError, load, load_file};
pub use origin::Origin;
pub use threads::End;

use crate::engine::Unwind;
use crate::host::mappings::PAGE;
use crate::host::{Process, Thread};
use crate::interp::{ExportIndex, Instance, InterruptHandle, LinkError, Module, Trap, TrapKind};
use crate::memory::{Memory, MemoryError};
use profile::Profile;
use stats::Stats;
use threads::{Ended, Group};

/// The export that starts a program.
const START: &str = "_start";

/// The export under which a program's memory is found.
const MEMORY: &str = "memory";

/// How a program ended.
#[derive(Debug)]
pub enum Outcome {
    /// With a status, of which the parent sees the low byte.
    Exit(i32),
    /// With a trap.
    Trap(Trap),
}

/// Why a program could not be started.
#[derive(Debug)]
pub enum StartError {
    /// Imports that cannot be bound, all of them.
    Imports(Vec<Problem>),
    /// An export that every WALI program has.
    Export {
        /// Its name.
        name: &'static str,
        /// What is wrong with it.
        what: &'static str,
    },
    /// It was made for something else.
    Foreign(Origin),
    /// The host's pages are larger than the guest's.
    PageSize {
        /// The host's page size in bytes.
        host: u64,
    },
    /// The memory could not be made.
    Memory(MemoryError),
    /// The instance could not be made.
    Link(LinkError),
    /// The program ended in the module's start function, before `_start`.
    Ended(Outcome),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Imports(problems) => {
                for (i, problem) in problems.iter().enumerate() {
                    let separator = if i == 0 { "" } else { "; " };
                    write!(f, "{separator}{problem}")?;
                }
                Ok(())
            }
            StartError::Export { name, what } => {
                write!(f, "not a WALI program: {what} `{name}`")
            }
            StartError::Foreign(origin) => write!(f, "not a WALI program: {origin}"),
            StartError::PageSize { host } => write!(
                f,
                "this host's kernel has pages of {host} bytes, and guests rely on {PAGE}: \
                 boot one with pages of {PAGE} (on Debian's arm64 that is linux-image-arm64, \
                 not linux-image-arm64-16k); larger ones are not supported yet"
            ),
            StartError::Memory(error) => error.fmt(f),
            StartError::Link(error) => error.fmt(f),
            StartError::Ended(Outcome::Exit(status)) => {
                write!(f, "exited with status {status} in its start function")
            }
            StartError::Ended(Outcome::Trap(trap)) => trap.fmt(f),
        }
    }
}

impl std::error::Error for StartError {}

/// How a program is run.
#[derive(Default)]
pub struct Settings {
    /// What ends the process when the program ends, if that is the program's alone; see
    /// [`Program::with_end`].
    pub end: Option<Box<End>>,
    /// What its time goes into.
    pub stats: Option<Arc<Stats>>,
    /// Where it goes.
    pub profile: Option<Arc<Profile>>,
}

/// A program ready to run on the calling thread.
pub struct Program {
    instance: Instance,
    group: Arc<Group>,
}

impl Program {
    /// Links a module to a process.
    ///
    /// # Errors
    /// When the module is no WALI program, or asks for what is not there.
    pub fn new(module: &Module, process: Arc<Process>) -> Result<Program, StartError> {
        Program::with(module, process, Settings::default())
    }

    /// The same, for a process that is the program's alone: when the program ends, `end` is
    /// called on whatever thread that is, ends the process, and does not return.
    ///
    /// # Errors
    /// As there.
    pub fn with_end(
        module: &Module,
        process: Arc<Process>,
        end: Box<End>,
    ) -> Result<Program, StartError> {
        let end = Some(end);
        Program::with(
            module,
            process,
            Settings {
                end,
                ..Settings::default()
            },
        )
    }

    /// The same, with whatever is to be different.
    ///
    /// # Errors
    /// As there.
    pub fn with(
        module: &Module,
        process: Arc<Process>,
        settings: Settings,
    ) -> Result<Program, StartError> {
        check(module)?;
        // SAFETY: asks for a number.
        check_pages(unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as u64)?;
        let stats = settings.stats.as_ref();
        let linker = imports::link(module, process.tracer(), stats).map_err(StartError::Imports)?;
        let ty = module.memory_type().ok_or(StartError::Export {
            name: MEMORY,
            what: "it has no memory",
        })?;
        let memory = Memory::new(ty).map_err(StartError::Memory)?;
        memory.map().limits = process.limits();
        let thread = Thread::new(process, memory);
        let group = Group::new(module.clone(), linker, settings);
        let mut prepared = group.instance(thread, true).map_err(StartError::Link)?;
        group.begin_first(prepared.interrupt_handle());
        let started = prepared.start();
        let mut program = Program {
            instance: prepared.into_instance(),
            group,
        };
        match started {
            Ok(()) => Ok(program),
            Err(LinkError::Trap(trap)) => {
                Err(StartError::Ended(program.ended(Ended::by(Err(trap)))))
            }
            Err(error) => Err(StartError::Link(error)),
        }
    }

    /// A handle by which another thread can stop the program.
    pub fn interrupt_handle(&self) -> InterruptHandle {
        self.instance.interrupt_handle()
    }

    /// Runs the program to its end, that of all its threads.
    pub fn run(&mut self) -> Outcome {
        let ended = match self.instance.invoke(START, &[]) {
            Ok(_) => Ended::Process(Outcome::Exit(0)),
            Err(trap) => Ended::by(Err(trap)),
        };
        self.ended(ended)
    }

    fn ended(&mut self, ended: Ended) -> Outcome {
        self.group.leave_first(&mut self.instance, ended)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        signals::detach(&mut self.instance);
    }
}

/// What it means that guest code stopped.
fn outcome(trap: Trap) -> Outcome {
    match trap.kind() {
        TrapKind::Host(payload) => match payload.downcast_ref::<Unwind>() {
            Some(Unwind::Exit(status) | Unwind::ExitThread(status)) => Outcome::Exit(*status),
            Some(unwind) => Outcome::Trap(Trap::message(unwind.to_string())),
            None => Outcome::Trap(trap),
        },
        _ => Outcome::Trap(trap),
    }
}

/// How each import of a module is answered on this ISA, in the module's order.
pub fn report(module: &Module) -> Vec<ImportReport> {
    imports::report(module)
}

/// Whether pages of this size are what guests rely on.
fn check_pages(host: u64) -> Result<(), StartError> {
    match host {
        PAGE => Ok(()),
        host => Err(StartError::PageSize { host }),
    }
}

/// Whether the module is a WALI program, as far as can be told without linking it.
///
/// # Errors
/// Says what it is instead, or which export is missing or of the wrong kind.
pub fn check(module: &Module) -> Result<(), StartError> {
    let unlinkable = |report: &ImportReport| matches!(report.answer, ImportAnswer::Unlinkable(_));
    let exports = check_exports(module);
    if (exports.is_err() || report(module).iter().any(unlinkable))
        && let Some(origin) = origin::of(module)
    {
        return Err(StartError::Foreign(origin));
    }
    exports
}

fn check_exports(module: &Module) -> Result<(), StartError> {
    let error = |name, what| Err(StartError::Export { name, what });
    match module.export(START) {
        Some(ExportIndex::Func(index)) => {
            let ty = module.func_type(index);
            if ty.is_none_or(|ty| !ty.params.is_empty() || !ty.results.is_empty()) {
                return error(START, "wants arguments or gives results:");
            }
        }
        Some(_) => return error(START, "this export is not a function:"),
        None => return error(START, "it does not export the function"),
    }
    match module.export(MEMORY) {
        Some(ExportIndex::Memory(_)) => Ok(()),
        Some(_) => error(MEMORY, "this export is not a memory:"),
        None => error(MEMORY, "it does not export its memory as"),
    }
}

/// The signal by which a native program would die in the place of this trap; none if
/// nothing native corresponds to it.
pub fn signal_of(trap: &Trap) -> Option<c_int> {
    match trap.kind() {
        TrapKind::MemoryOutOfBounds { .. }
        | TrapKind::MemoryProtected { .. }
        | TrapKind::StackOverflow
        | TrapKind::TableOutOfBounds
        | TrapKind::NullException
        | TrapKind::UndefinedElement { .. }
        | TrapKind::UninitializedElement { .. } => Some(libc::SIGSEGV),
        TrapKind::UnalignedAtomic { .. } | TrapKind::MemoryBeyondFile { .. } => Some(libc::SIGBUS),
        TrapKind::Unreachable | TrapKind::IndirectCallTypeMismatch { .. } => Some(libc::SIGILL),
        TrapKind::DivideByZero | TrapKind::IntegerOverflow | TrapKind::InvalidConversion => {
            Some(libc::SIGFPE)
        }
        // As of a C library that looks whether the place of a jump is there.
        TrapKind::BadJump(_) => Some(libc::SIGABRT),
        // As of C++, where nothing catches.
        TrapKind::Exception(_) => Some(libc::SIGABRT),
        _ => None,
    }
}

/// Ends this process as a program ended, for its parent to see, without a message.
pub fn end_process(outcome: &Outcome) -> ! {
    let status = match outcome {
        Outcome::Exit(status) => *status,
        Outcome::Trap(trap) => {
            if let Some(signal) = signal_of(trap) {
                die(signal);
            }
            NO_SIGNAL
        }
    };
    // SAFETY: ends all threads; nothing of the program's is to run any more.
    unsafe { libc::_exit(status & 0xff) }
}

/// The status of a program that traps where nothing native corresponds to it: that of shells for
/// what cannot be run.
const NO_SIGNAL: i32 = 126;

/// Ends this process by a signal's default action.
fn die(signal: c_int) {
    // SAFETY: the default action and an empty mask need nothing of ours to stay alive.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, signal);
        libc::sigprocmask(libc::SIG_UNBLOCK, &set, std::ptr::null_mut());
        libc::raise(signal);
    }
    // The first process of a namespace is still here: only a fault of its own ends it.
    crate::fault::commit(signal);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn larger_pages_are_refused_with_a_remedy() {
        assert!(check_pages(PAGE).is_ok());
        for host in [1 << 14, 1 << 16] {
            let text = check_pages(host).unwrap_err().to_string();
            assert!(text.contains(&format!("pages of {host} bytes")), "{text}");
            assert!(text.contains("boot one with pages of 4096"), "{text}");
        }
    }
}
