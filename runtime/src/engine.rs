//! The boundary between the host layer and the engine that runs the guest: how a host call
//! ends or interrupts the guest instead of returning to it, and what the host layer asks of
//! the engine.

use std::fmt;
use std::sync::atomic::AtomicU32;

use crate::host::NewThread;
use crate::host::abi::Errno;

/// Why guest code does not simply go on behind a host call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unwind {
    /// The process ends with this status (its low byte).
    Exit(i32),
    /// The calling thread ends; if it is the last one, the process with this status.
    ExitThread(i32),
    /// The call yields 0, and once more whenever the guest jumps to its place.
    Mark(Mark),
    /// The guest jumps to a place that it has marked before.
    Jump(Jump),
    /// Signal handlers have to run, and then the call has to be made again: it has had no
    /// effect.
    Interrupted,
}

/// A place to be marked: setjmp and sigsetjmp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The guest's buffer.
    pub buffer: u32,
    /// What becomes of the signal mask; none if the call has nothing to do with it.
    pub mask: Option<SaveMask>,
}

/// Whether sigsetjmp stores the signal mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SaveMask(pub bool);

/// A jump to a place: longjmp and siglongjmp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jump {
    /// The guest's buffer.
    pub buffer: u32,
    /// What the call that marked the place yields; 1 instead of 0.
    pub value: i32,
}

impl fmt::Display for Unwind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unwind::Exit(status) => write!(f, "exit with status {}", status & 0xff),
            Unwind::ExitThread(status) => write!(f, "end of a thread with status {status}"),
            Unwind::Mark(_) => f.write_str("setjmp"),
            Unwind::Jump(_) => f.write_str("longjmp"),
            Unwind::Interrupted => f.write_str("interrupted by a signal"),
        }
    }
}

/// What the host layer asks of the engine that runs a thread.
pub trait Engine: fmt::Debug {
    /// The word that is nonzero while something wants the guest's attention.
    fn word(&self) -> &AtomicU32;

    /// Has signals attended to at the next safepoint. Async-signal-safe.
    fn request(&self);

    /// The guest's C stack pointer, if it has one.
    fn stack_pointer(&self) -> Option<u32>;

    /// Moves it.
    fn set_stack_pointer(&self, to: u32);

    /// Starts a thread, while all signals are blocked; its id.
    ///
    /// # Errors
    /// `EAGAIN` where there is no room for another.
    fn spawn(&self, new: NewThread) -> Result<i32, Errno>;

    /// Whether the process ends with the guest. Where it does not, threads that are told to stop
    /// have to leave their calls, for which they are sent a signal of a fault.
    fn owns_process(&self) -> bool;

    /// Whether the calling thread is the only one.
    fn alone(&self) -> bool;

    /// Takes the engine's locks for the time of a fork.
    fn fork_lock(&self) -> Box<dyn ForkLock + '_>;
}

/// An engine's locks, held across a fork and released when dropped.
pub trait ForkLock {
    /// Whether the process is ending, so that there is no use in a fork.
    fn too_late(&self) -> bool;

    /// Forgets what belonged to threads that a forked child does not have.
    fn in_child(&mut self);
}
