//! From a faulting program counter to the place where execution goes on.
//!
//! Every access in `isa/` that may fault records itself in the section `wali_sites`:
//! two 32-bit offsets, each relative to its own address, to the instruction and to
//! its landing.

pub use crate::isa::MachineContext;

use core::ffi::c_int;

use crate::{isa, labels};

/// Commits the fault for which the kernel sends `SIGILL` or `SIGFPE`. It returns where the ISA
/// has none, or if somebody handles the signal.
pub fn commit(signal: c_int) {
    match signal {
        libc::SIGILL => isa::illegal(),
        libc::SIGFPE => isa::divide_by_zero(),
        _ => {}
    }
}

#[repr(C)]
struct Site {
    instruction: i32,
    landing: i32,
}

fn resolve(offset: &i32) -> usize {
    (core::ptr::from_ref(offset) as usize).wrapping_add_signed(*offset as isize)
}

/// Where execution goes on when the instruction at `pc` faults; none if that
/// instruction is not a guarded access. Async-signal-safe.
pub fn landing_for(pc: usize) -> Option<usize> {
    sites()
        .iter()
        .find(|site| resolve(&site.instruction) == pc)
        .map(|site| resolve(&site.landing))
}

/// How many guarded accesses the program has.
pub fn site_count() -> usize {
    sites().len()
}

/// The landing of pinned accesses: expects the pins in their registers and the
/// faulting address in the fault register.
pub fn pinned_landing() -> usize {
    labels::pinned_landing()
}

#[cfg(wali_isa)]
fn sites() -> &'static [Site] {
    unsafe extern "C" {
        #[link_name = "__start_wali_sites"]
        static START: [Site; 0];
        #[link_name = "__stop_wali_sites"]
        static STOP: [Site; 0];
    }
    // SAFETY: no instruction; it makes the section exist in every program that asks for it.
    // (`R` keeps a section although nothing refers to it by name.)
    unsafe {
        core::arch::asm!(
            ".pushsection wali_sites, \"aR\", @progbits",
            ".popsection",
            options(nomem, nostack, preserves_flags)
        );
    }
    let (start, stop) = (
        (&raw const START).cast::<Site>(),
        (&raw const STOP).cast::<Site>(),
    );
    let count = (stop as usize - start as usize) / size_of::<Site>();
    // SAFETY: the linker defines the two symbols as the bounds of the section, which
    // holds nothing but pairs of 32-bit offsets written by `isa/`.
    unsafe { core::slice::from_raw_parts(start, count) }
}

#[cfg(not(wali_isa))]
fn sites() -> &'static [Site] {
    &[]
}
