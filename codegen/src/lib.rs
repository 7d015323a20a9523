//! From the YAML description of Linux's system calls to a checked model, and
//! from the model to code.

pub mod model;
