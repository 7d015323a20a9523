//! Accesses to memory that may be inaccessible and that other threads may be
//! writing: plain Rust accesses there would be undefined behaviour, assembly is not.
//!
//! Loads and stores of the interpreter are *pinned*: at the instruction that may
//! fault, the interpreter's state lies in the C ABI's first three argument
//! registers (and behind them, see [`Acc`]), so that a fault handler finds it without any
//! bookkeeping on the fast path. The handler moves the program counter to the site's landing (see
//! [`crate::fault`]), which makes [`enter`] return [`FAULTED`].

pub use crate::bulk::{copy, copy_backward, fill};
use crate::isa;

/// Values that an engine carries from one piece of code to the next in the C ABI's fifth integer
/// register and first two floating-point ones, as arguments behind its first four.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Acc {
    /// An integer of whatever width.
    pub int: u64,
    /// A 32-bit float.
    pub single: f32,
    /// A 64-bit float.
    pub double: f64,
}

impl Acc {
    /// These three.
    #[inline(always)]
    pub const fn new(int: u64, single: f32, double: f64) -> Acc {
        Acc {
            int,
            single,
            double,
        }
    }

    /// Nothing in particular.
    pub const NONE: Acc = Acc {
        int: 0,
        single: 0.0,
        double: 0.0,
    };
}

/// What [`enter`] and a landing exchange; the first field of an engine's context.
#[repr(C)]
#[derive(Debug)]
pub struct Landing {
    /// The native stack pointer to come back to; kept by [`enter`].
    pub native_sp: usize,
    /// The guest's instruction pointer at the fault.
    pub fault_ip: *const u64,
    /// The guest's frame pointer at the fault.
    pub fault_sp: *mut u64,
    /// The address whose access faulted.
    pub fault_addr: usize,
    /// What was in the registers of [`Acc`] at the fault.
    pub acc: Acc,
}

impl Landing {
    /// A landing that nothing has entered yet.
    pub const fn new() -> Landing {
        Landing {
            native_sp: 0,
            fault_ip: core::ptr::null(),
            fault_sp: core::ptr::null_mut(),
            fault_addr: 0,
            acc: Acc::NONE,
        }
    }
}

impl Default for Landing {
    fn default() -> Self {
        Landing::new()
    }
}

/// Code that [`enter`] runs: landing, guest instruction pointer, guest frame, memory base.
pub type Entry = unsafe extern "C" fn(*mut Landing, *const u64, *mut u64, *mut u8) -> usize;

/// What [`enter`] returns when a guarded access faulted. An [`Entry`] must not return it.
pub const FAULTED: usize = usize::MAX;

/// The engine's state at an access, handed to the landing if it faults.
#[derive(Debug, Clone, Copy)]
pub struct Pins {
    /// The landing that was given to the innermost [`enter`] of this thread.
    pub landing: *mut Landing,
    /// The guest's instruction pointer.
    pub ip: *const u64,
    /// The guest's frame pointer.
    pub sp: *mut u64,
    /// What the engine carries in registers.
    pub acc: Acc,
}

/// A bulk access that met an inaccessible page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// The first address found inaccessible.
    pub address: usize,
    /// How many bytes were done before: the first ones, or the last ones of a copy from the end.
    pub done: usize,
}

/// Calls `entry(landing, ip, sp, mem)` and returns its result, or [`FAULTED`] after a
/// pinned access faulted. Calls may nest on one landing.
///
/// # Safety
/// `landing` is valid for the duration of the call and used by this thread only;
/// `entry` upholds its own contract. Between `enter` and any pinned access made with
/// this landing there may be no frame whose destructors matter: a fault drops them.
#[inline]
pub unsafe fn enter(
    landing: *mut Landing,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    entry: Entry,
) -> usize {
    // SAFETY: the caller's contract is the callee's.
    unsafe { isa::enter(landing, ip, sp, mem, entry) }
}

macro_rules! pinned {
    ($($load:ident $store:ident $ty:ty;)*) => { $(
        /// Loads from an address of any alignment.
        ///
        /// # Safety
        /// `address` lies, with the value's size, inside a guest memory reservation, and
        /// `pins.landing` is the landing of the innermost [`enter`] on this thread.
        #[inline(always)]
        pub unsafe fn $load(address: *const u8, pins: Pins) -> $ty {
            // SAFETY: the caller's contract is the callee's.
            unsafe { isa::$load(address, pins) }
        }

        /// Stores to an address of any alignment.
        ///
        /// # Safety
        /// As for the load of this width.
        #[inline(always)]
        pub unsafe fn $store(address: *mut u8, value: $ty, pins: Pins) {
            // SAFETY: the caller's contract is the callee's.
            unsafe { isa::$store(address, value, pins) }
        }
    )* };
}

pinned! {
    load8 store8 u8;
    load16 store16 u16;
    load32 store32 u32;
    load64 store64 u64;
}

/// Loads a float from an address of any alignment.
///
/// # Safety
/// As for [`load32`].
#[inline(always)]
pub unsafe fn load_f32(address: *const u8, pins: Pins) -> f32 {
    // SAFETY: the caller's contract is the callee's.
    unsafe { isa::load_f32(address, pins) }
}

/// Loads a float from an address of any alignment.
///
/// # Safety
/// As for [`load64`].
#[inline(always)]
pub unsafe fn load_f64(address: *const u8, pins: Pins) -> f64 {
    // SAFETY: the caller's contract is the callee's.
    unsafe { isa::load_f64(address, pins) }
}

#[cfg(test)]
mod tests {
    use super::*;

    unsafe extern "C" fn add_slots(
        landing: *mut Landing,
        ip: *const u64,
        sp: *mut u64,
        mem: *mut u8,
    ) -> usize {
        let acc = Acc::NONE;
        let pins = Pins {
            landing,
            ip,
            sp,
            acc,
        };
        // SAFETY: the test passes eight readable and writable bytes as `mem`.
        unsafe {
            let value = load32(mem.wrapping_add(1), pins);
            store16(mem.wrapping_add(5), 0xbeef, pins);
            store8(mem, 7, pins);
            value as usize + *sp as usize + *ip as usize
        }
    }

    #[test]
    fn enter_passes_everything_and_comes_back() {
        let mut bytes = [0u8, 1, 0, 0, 0, 9, 9, 9];
        let (ip, mut sp) = (40u64, 1u64);
        let mut landing = Landing::new();
        // SAFETY: all pointers are to live locals, and `add_slots` stays inside them.
        let result = unsafe { enter(&mut landing, &ip, &mut sp, bytes.as_mut_ptr(), add_slots) };
        assert_eq!(result, 42);
        assert_eq!(bytes, [7, 1, 0, 0, 0, 0xef, 0xbe, 9]);
        assert_eq!(landing.native_sp, 0, "restored");
    }

    #[test]
    fn bulk_copies_of_all_small_sizes() {
        for len in (0..70usize).chain(250..260) {
            for shift in 0..20usize {
                let start: Vec<u8> = (0..300).map(|i| i as u8).collect();
                let mut expected = start.clone();
                expected.copy_within(0..len, shift);
                let mut got = start.clone();
                let p = got.as_mut_ptr();
                // SAFETY: len + shift is below 300; the ranges overlap with dst above src.
                unsafe { copy_backward(p.wrapping_add(shift), p, len) }.unwrap();
                assert_eq!(got, expected, "backward {len} {shift}");

                let mut expected = start.clone();
                expected.copy_within(shift..shift + len, 0);
                let mut got = start.clone();
                let p = got.as_mut_ptr();
                // SAFETY: as above with dst below src.
                unsafe { copy(p, p.wrapping_add(shift), len) }.unwrap();
                assert_eq!(got, expected, "forward {len} {shift}");

                let mut expected = start.clone();
                expected[shift..shift + len].fill(0xa5);
                let mut got = start;
                let p = got.as_mut_ptr().wrapping_add(shift);
                // SAFETY: len + shift is below 300.
                unsafe { fill(p, 0xa5, len) }.unwrap();
                assert_eq!(got, expected, "fill {len} {shift}");
            }
        }
    }
}
