//! The bindings, generated from the specification.

wali_macros::bindings!("../spec", crate::host::abi);
