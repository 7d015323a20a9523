//! This interpreter beside wasmtime.

mod cases;

pub use cases::{Code, Wasmtime};
