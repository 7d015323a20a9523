//! System-call numbers of every ISA, generated from the specification.

wali_macros::numbers!("../spec");
