//! Runs WALI programs: a thin WebAssembly interpreter and the Linux host layer on it.
//!
//! The host layer ([`host`]) is written against the small interface in [`engine`], not
//! against the interpreter ([`interp`]), so that another engine can take its place.

pub mod engine;
pub mod fault;
pub mod host;
pub mod interp;
pub mod json;
pub mod memory;
pub mod program;

/// The guide's code compiles.
#[cfg(doctest)]
#[doc = include_str!("../../docs/embed.md")]
struct EmbedGuide;
