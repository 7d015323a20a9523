//! All of WALI that differs by instruction-set architecture.
//!
//! Each file in `isa/` holds one ISA's assembly and nothing else: system calls,
//! accesses to memory that may fault or that other threads are writing, and the
//! few machine registers a signal handler needs. Everything else about an ISA
//! (numbers, layouts, flag values) is data from the specification.

#![cfg_attr(not(test), no_std)]

// Guests' words are little-endian, and their addresses become 64-bit ones by an addition to a base.
#[cfg(not(all(target_endian = "little", target_pointer_width = "64")))]
compile_error!(
    "WALI needs a 64-bit little-endian host: build for one, such as aarch64-unknown-linux-gnu \
     (docs/port-an-isa.md says what such a host needs)"
);
#[cfg(not(target_os = "linux"))]
compile_error!("WALI guests call Linux: build for it, as for x86_64-unknown-linux-gnu");

#[macro_use]
mod assembly;

pub mod access;
mod bulk;
pub mod fault;
pub mod flags;
pub mod layout;
pub mod signal;
pub mod syscall;
pub mod tables;

#[cfg_attr(all(wali_isa, target_arch = "x86_64"), path = "isa/x86_64.rs")]
#[cfg_attr(all(wali_isa, target_arch = "aarch64"), path = "isa/aarch64.rs")]
#[cfg_attr(all(wali_isa, target_arch = "riscv64"), path = "isa/riscv64.rs")]
#[cfg_attr(
    all(wali_isa, target_arch = "loongarch64"),
    path = "isa/loongarch64.rs"
)]
#[cfg_attr(not(wali_isa), path = "isa/portable.rs")]
mod isa;
