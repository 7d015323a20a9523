//! From the YAML description of Linux's system calls to a checked model, and
//! from the model to code.

pub mod check;
pub mod diag;
pub mod emit;
pub mod facts;
pub mod fmt;
pub mod intent;
pub mod model;
pub mod reference;
pub mod source;
pub mod yaml;
