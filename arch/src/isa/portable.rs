//! Accesses in plain Rust, for Miri and for ISAs without a file of their own: byte-wise
//! relaxed atomics, which may race but cannot recover from a fault. Engines check bounds
//! themselves here. There are no system calls: a port begins with its own file.

use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

use crate::access::{Acc, Entry, Landing, Pins};
use crate::bulk::Long;
use crate::fault::Registers;
use crate::layout::host;

/// Plain Rust cannot name registers.
pub fn registers(_: &mut libc::mcontext_t) -> Registers {
    panic!("registers need a file for this ISA in arch/src/isa/");
}

#[inline]
pub unsafe fn enter(
    landing: *mut Landing,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    entry: Entry,
) -> usize {
    // SAFETY: the caller's contract is the callee's.
    unsafe { entry(landing, ip, sp, mem) }
}

unsafe fn byte<'a>(address: *const u8) -> &'a AtomicU8 {
    // SAFETY: the caller's address is valid for one byte that is only accessed atomically.
    unsafe { AtomicU8::from_ptr(address.cast_mut()) }
}

macro_rules! bytewise {
    ($($load:ident $store:ident $ty:ty;)*) => { $(
        #[inline(always)]
        pub unsafe fn $load(address: *const u8, _: Pins) -> $ty {
            let mut bytes = [0; size_of::<$ty>()];
            for (i, b) in bytes.iter_mut().enumerate() {
                // SAFETY: all bytes of the value are accessible, by the caller's promise.
                *b = unsafe { byte(address.wrapping_add(i)) }.load(Relaxed);
            }
            <$ty>::from_le_bytes(bytes)
        }

        #[inline(always)]
        pub unsafe fn $store(address: *mut u8, value: $ty, _: Pins) {
            for (i, b) in value.to_le_bytes().into_iter().enumerate() {
                // SAFETY: as for the load.
                unsafe { byte(address.wrapping_add(i)) }.store(b, Relaxed);
            }
        }
    )* };
}

bytewise! {
    load8 store8 u8;
    load16 store16 u16;
    load32 store32 u32;
    load64 store64 u64;
}

/// # Safety
/// As for the load of an integer of this width.
#[inline(always)]
pub unsafe fn load_f32(address: *const u8, pins: Pins) -> f32 {
    // SAFETY: the caller's contract is the callee's.
    f32::from_bits(unsafe { load32(address, pins) })
}

/// # Safety
/// As for the load of an integer of this width.
#[inline(always)]
pub unsafe fn load_f64(address: *const u8, pins: Pins) -> f64 {
    // SAFETY: the caller's contract is the callee's.
    f64::from_bits(unsafe { load64(address, pins) })
}

/// What cannot fault does not have to recover from it.
const NO_PINS: Pins = Pins {
    landing: core::ptr::null_mut(),
    ip: core::ptr::null(),
    sp: core::ptr::null_mut(),
    acc: Acc::NONE,
};

macro_rules! recovering {
    ($($try_load:ident $load:ident $try_store:ident $store:ident $ty:ty;)*) => { $(
        #[inline(always)]
        pub unsafe fn $try_load(address: *const u8) -> ($ty, usize) {
            // SAFETY: the caller's contract is the callee's.
            (unsafe { $load(address, NO_PINS) }, 0)
        }

        #[inline(always)]
        pub unsafe fn $try_store(address: *mut u8, value: $ty) -> usize {
            // SAFETY: the caller's contract is the callee's.
            unsafe { $store(address, value, NO_PINS) };
            0
        }
    )* };
}

recovering! {
    try_load8 load8 try_store8 store8 u8;
    try_load32 load32 try_store32 store32 u32;
    try_load64 load64 try_store64 store64 u64;
}

pub const BLOCK: usize = size_of::<u64>();

pub unsafe fn move_block(dst: *mut u8, src: *const u8) -> usize {
    // SAFETY: the caller's contract is the callee's.
    unsafe { try_store64(dst, try_load64(src).0) }
}

pub const ALIGNED: bool = false;

pub const LONG: Option<Long> = None;

macro_rules! no_syscalls {
    ($($name:ident($($arg:ident),*);)*) => { $(
        pub unsafe fn $name(_number: usize $(, _: replace!($arg usize))*) -> isize {
            unsupported()
        }
    )* };
}
macro_rules! replace {
    ($arg:ident $ty:ty) => {
        $ty
    };
}

no_syscalls! {
    syscall0();
    syscall1(a);
    syscall2(a, b);
    syscall3(a, b, c);
    syscall4(a, b, c, d);
    syscall5(a, b, c, d, e);
    syscall6(a, b, c, d, e, f);
}

fn unsupported() -> isize {
    panic!("system calls need a file for this ISA in arch/src/isa/");
}

pub unsafe fn syscall_checked(_: *const u32, _: usize, _: &[usize; 6]) -> isize {
    unsupported()
}

pub fn illegal() {}

pub fn divide_by_zero() {}

pub fn set_restorer(_: &mut host::k_sigaction) {}
