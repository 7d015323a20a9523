//! The boundary between the host layer and the engine that runs the guest.

use std::fmt;

use crate::memory::Memory;

/// Why guest code does not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unwind {
    /// The process ends with this status (its low byte).
    Exit(i32),
    /// `longjmp` to a frame that this engine does not keep.
    Longjmp,
}

impl fmt::Display for Unwind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unwind::Exit(status) => write!(f, "exit with status {}", status & 0xff),
            Unwind::Longjmp => f.write_str("longjmp to a frame that is not kept"),
        }
    }
}

/// What the host layer asks of an engine, for one thread of the guest.
pub trait Engine {
    /// The guest's linear memory.
    fn memory(&self) -> &Memory;
}
