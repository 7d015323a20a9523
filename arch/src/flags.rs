//! Constants of guest and host, generated from the specification: a module for each set.

wali_macros::flags!("../spec");
