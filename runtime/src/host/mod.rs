//! The host layer: Linux's system calls for a guest, as the specification describes them.

pub mod abi;
pub mod bindings;
mod calls;
pub mod convert;
pub mod handoff;
pub mod jumps;
pub mod kernel;
pub mod limits;
pub mod mappings;
mod memory_files;
mod messages;
pub mod meta;
pub mod opened;
mod opening;
pub(crate) mod own_program;
mod process;
mod reserved;
pub mod signals;
pub mod trace;

pub use process::{Environment, NewThread, Process, Startup, Thread};
