//! From a faulting program counter to the place where execution goes on.
//!
//! Every access in `isa/` that may fault records itself in the section `wali_sites`:
//! two 32-bit offsets, each relative to its own address, to the instruction and to
//! its landing.

use core::ffi::{c_int, c_void};

use crate::access::Pins;
use crate::{assembly, isa};

/// The registers of an interrupted thread, in a signal handler's third argument.
#[derive(Debug)]
pub struct MachineContext(Registers);

/// Where a machine context has the registers that matter here.
#[derive(Debug)]
#[cfg_attr(not(wali_isa), allow(dead_code))]
pub(crate) struct Registers {
    pub(crate) pc: *mut usize,
    /// Those that pinned accesses have for landing, instruction pointer and frame.
    pub(crate) pins: [*mut usize; 3],
    /// The one in which landings expect the faulting address.
    pub(crate) fault: *mut usize,
}

impl MachineContext {
    /// # Safety
    /// `context` is the third argument of a running `SA_SIGINFO` handler, which owns the result.
    pub unsafe fn new(context: *mut c_void) -> MachineContext {
        // SAFETY: the caller promises a live ucontext.
        let context = unsafe { &mut *context.cast::<libc::ucontext_t>() };
        MachineContext(isa::registers(&mut context.uc_mcontext))
    }

    /// The program counter.
    pub fn pc(&mut self) -> usize {
        // SAFETY: inside the ucontext of `new`.
        unsafe { *self.0.pc }
    }

    /// Makes the thread go on at `pc`.
    pub fn set_pc(&mut self, pc: usize) {
        // SAFETY: inside the ucontext of `new`.
        unsafe { *self.0.pc = pc }
    }

    /// Puts the faulting address where landings expect it.
    pub fn set_fault(&mut self, address: usize) {
        // SAFETY: inside the ucontext of `new`.
        unsafe { *self.0.fault = address }
    }

    /// Puts pins where [`pinned_landing`] expects them.
    pub fn set_pins(&mut self, pins: Pins) {
        let [landing, ip, sp] = self.0.pins;
        // SAFETY: inside the ucontext of `new`.
        unsafe {
            *landing = pins.landing as usize;
            *ip = pins.ip as usize;
            *sp = pins.sp as usize;
        }
    }
}

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
    assembly::pinned_landing()
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
