//! The boundary between the host layer and the engine that runs the guest: how a host call
//! ends the guest instead of returning to it.

use std::fmt;

/// Why guest code does not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unwind {
    /// The process ends with this status (its low byte).
    Exit(i32),
    /// The guest called `longjmp`, which no engine here can do yet.
    Longjmp,
}

impl fmt::Display for Unwind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unwind::Exit(status) => write!(f, "exit with status {}", status & 0xff),
            Unwind::Longjmp => f.write_str("longjmp is not supported yet"),
        }
    }
}
