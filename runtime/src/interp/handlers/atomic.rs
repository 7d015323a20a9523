//! Atomic accesses, fences, and waiting.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering, fence as full_fence};

use super::super::context::{Acc, Context, Handler, dispatch, pins, stop};
use super::super::isa::{AtomicOp, Width};
use super::super::run;
use super::super::trap::Exit;
use super::super::wait::{self, End};
use super::memory::{out_of_bounds, refused};
use super::{get, op32, set};
use crate::fault::region;

/// An access that is a load, store or read-modify-write with one operand.
trait Access {
    const WORDS: usize;
    const SIZE: u64;
    /// Does it and yields what was there before.
    ///
    /// # Safety
    /// `address` is aligned and inside a guest memory reservation; called in a `region`.
    unsafe fn access(address: *mut u8, ip: *const u64, sp: *mut u64) -> u64;
    /// The quarter of the address's slot.
    const ADDRESS: usize;
    /// The quarter of the offset.
    const OFFSET: usize;
    const YIELDS: bool;
}

unsafe extern "C" fn atomic<A: Access>(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    _: u64,
    _: f32,
    _: f64,
) -> usize {
    // SAFETY: the machine's contract; the sum of two 32-bit numbers lies in the reservation.
    unsafe {
        let index = u64::from(get::<u32>(ip, sp, A::ADDRESS)) + u64::from(op32(ip, A::OFFSET));
        if index % A::SIZE != 0 {
            return unaligned(cx, ip, sp, index);
        }
        if refused(cx, index, A::SIZE) {
            return out_of_bounds(cx, ip, sp, index, 0, 0.0, 0.0);
        }
        let address = mem.wrapping_add(index as usize);
        let before = region(pins(cx, ip, sp, Acc::NONE), || A::access(address, ip, sp));
        if A::YIELDS {
            set(ip, sp, 0, before);
        }
        dispatch(cx, ip.add(A::WORDS), sp, mem, Acc::NONE)
    }
}

#[cold]
#[inline(never)]
unsafe extern "C" fn unaligned(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    index: u64,
) -> usize {
    // SAFETY: the machine's contract.
    unsafe {
        (*cx).trap_info = index;
        stop(cx, ip, sp, Exit::UnalignedAtomic, Acc::NONE)
    }
}

/// Marks a combination of operation and width as a type.
struct Of<const OP: usize, T>(T);

macro_rules! accesses {
    ($($atomic:ident $raw:ident $width:ident;)*) => {
        $(
            impl Access for Of<{ AtomicOp::Load as usize }, $raw> {
                const WORDS: usize = 2;
                const SIZE: u64 = size_of::<$raw>() as u64;
                const ADDRESS: usize = 1;
                const OFFSET: usize = 2;
                const YIELDS: bool = true;
                #[inline(always)]
                unsafe fn access(address: *mut u8, _ip: *const u64, _sp: *mut u64) -> u64 {
                    // SAFETY: as the caller promises; a fault there is recovered from.
                    let atomic = unsafe { $atomic::from_ptr(address.cast()) };
                    u64::from(atomic.load(Ordering::SeqCst))
                }
            }

            impl Access for Of<{ AtomicOp::Store as usize }, $raw> {
                const WORDS: usize = 2;
                const SIZE: u64 = size_of::<$raw>() as u64;
                const ADDRESS: usize = 0;
                const OFFSET: usize = 2;
                const YIELDS: bool = false;
                #[inline(always)]
                unsafe fn access(address: *mut u8, ip: *const u64, sp: *mut u64) -> u64 {
                    // SAFETY: as the caller promises; a fault there is recovered from.
                    let (atomic, value) = unsafe {
                        ($atomic::from_ptr(address.cast()), get::<u64>(ip, sp, 1))
                    };
                    atomic.store(value as $raw, Ordering::SeqCst);
                    0
                }
            }

            accesses!(@rmw $atomic $raw: Add fetch_add, Sub fetch_sub, And fetch_and,
                Or fetch_or, Xor fetch_xor, Xchg swap);

            impl Access for Of<{ AtomicOp::Cmpxchg as usize }, $raw> {
                const WORDS: usize = 3;
                const SIZE: u64 = size_of::<$raw>() as u64;
                const ADDRESS: usize = 1;
                const OFFSET: usize = 4;
                const YIELDS: bool = true;
                #[inline(always)]
                unsafe fn access(address: *mut u8, ip: *const u64, sp: *mut u64) -> u64 {
                    // SAFETY: as the caller promises; a fault there is recovered from.
                    let (atomic, expected, new) = unsafe {
                        let atomic = $atomic::from_ptr(address.cast());
                        (atomic, get::<u64>(ip, sp, 2), get::<u64>(ip, sp, 3))
                    };
                    // An expected value beyond the width matches nothing: narrow accesses
                    // extend what they read with zeros.
                    if expected > u64::from($raw::MAX) {
                        return u64::from(atomic.load(Ordering::SeqCst));
                    }
                    let (expected, new) = (expected as $raw, new as $raw);
                    match atomic.compare_exchange(
                        expected, new, Ordering::SeqCst, Ordering::SeqCst,
                    ) {
                        Ok(before) | Err(before) => u64::from(before),
                    }
                }
            }
        )*

        pub(crate) const fn handler(op: AtomicOp, width: Width) -> Handler {
            match width {
                $(Width::$width => match op {
                    AtomicOp::Load => atomic::<Of<{ AtomicOp::Load as usize }, $raw>>,
                    AtomicOp::Store => atomic::<Of<{ AtomicOp::Store as usize }, $raw>>,
                    AtomicOp::Add => atomic::<Of<{ AtomicOp::Add as usize }, $raw>>,
                    AtomicOp::Sub => atomic::<Of<{ AtomicOp::Sub as usize }, $raw>>,
                    AtomicOp::And => atomic::<Of<{ AtomicOp::And as usize }, $raw>>,
                    AtomicOp::Or => atomic::<Of<{ AtomicOp::Or as usize }, $raw>>,
                    AtomicOp::Xor => atomic::<Of<{ AtomicOp::Xor as usize }, $raw>>,
                    AtomicOp::Xchg => atomic::<Of<{ AtomicOp::Xchg as usize }, $raw>>,
                    AtomicOp::Cmpxchg => atomic::<Of<{ AtomicOp::Cmpxchg as usize }, $raw>>,
                },)*
            }
        }
    };
    (@rmw $atomic:ident $raw:ident: $($op:ident $method:ident),*) => { $(
        impl Access for Of<{ AtomicOp::$op as usize }, $raw> {
            const WORDS: usize = 3;
            const SIZE: u64 = size_of::<$raw>() as u64;
            const ADDRESS: usize = 1;
            const OFFSET: usize = 4;
            const YIELDS: bool = true;
            #[inline(always)]
            unsafe fn access(address: *mut u8, ip: *const u64, sp: *mut u64) -> u64 {
                // SAFETY: as the caller promises; a fault there is recovered from.
                let (atomic, value) = unsafe {
                    ($atomic::from_ptr(address.cast()), get::<u64>(ip, sp, 2))
                };
                u64::from(atomic.$method(value as $raw, Ordering::SeqCst))
            }
        }
    )* };
}

accesses! {
    AtomicU8 u8 W8;
    AtomicU16 u16 W16;
    AtomicU32 u32 W32;
    AtomicU64 u64 W64;
}

pub(crate) unsafe extern "C" fn fence(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    _: u64,
    _: f32,
    _: f64,
) -> usize {
    full_fence(Ordering::SeqCst);
    // SAFETY: the machine's contract.
    unsafe { dispatch(cx, ip.add(1), sp, mem, Acc::NONE) }
}

/// Checks the address of a wait or notify and yields the host's address.
///
/// # Safety
/// The machine's contract.
#[inline(always)]
unsafe fn waitable(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    size: u64,
) -> Result<*mut u8, Exit> {
    // SAFETY: the machine's contract; validation requires a memory.
    unsafe {
        let index = u64::from(get::<u32>(ip, sp, 1)) + u64::from(op32(ip, 4));
        (*cx).trap_info = index;
        if index % size != 0 {
            return Err(Exit::UnalignedAtomic);
        }
        if index + size > (*(*cx).memory).size() {
            return Err(Exit::MemoryOutOfBounds);
        }
        Ok(mem.wrapping_add(index as usize))
    }
}

pub(crate) unsafe extern "C" fn notify(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    _: u64,
    _: f32,
    _: f64,
) -> usize {
    // SAFETY: the machine's contract.
    unsafe {
        match waitable(cx, ip, sp, mem, 4) {
            Ok(address) => {
                set(ip, sp, 0, wait::notify(address, get(ip, sp, 2)));
                dispatch(cx, ip.add(3), sp, mem, Acc::NONE)
            }
            Err(exit) => stop(cx, ip, sp, exit, Acc::NONE),
        }
    }
}

pub(crate) unsafe extern "C" fn wait32(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    _: u64,
    _: f32,
    _: f64,
) -> usize {
    // SAFETY: the machine's contract.
    unsafe { after_wait(cx, ip, sp, mem, wait_on(cx, ip, sp, mem, 4)) }
}

pub(crate) unsafe extern "C" fn wait64(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    _: u64,
    _: f32,
    _: f64,
) -> usize {
    // SAFETY: the machine's contract.
    unsafe { after_wait(cx, ip, sp, mem, wait_on(cx, ip, sp, mem, 8)) }
}

#[inline(always)]
unsafe fn after_wait(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    result: Result<u32, Exit>,
) -> usize {
    // SAFETY: the machine's contract.
    unsafe {
        match result {
            Ok(value) => {
                set(ip, sp, 0, value);
                dispatch(cx, ip.add(3), sp, mem, Acc::NONE)
            }
            Err(exit) => stop(cx, ip, sp, exit, Acc::NONE),
        }
    }
}

#[inline(never)]
unsafe fn wait_on(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    size: u64,
) -> Result<u32, Exit> {
    // SAFETY: the machine's contract.
    unsafe {
        let address = waitable(cx, ip, sp, mem, size)?;
        if !(*(*cx).memory).ty().shared {
            return Err(Exit::ExpectedSharedMemory);
        }
        // Whatever interrupts the wait may run guest code; then the wait goes on.
        let attend = || {
            if Context::interrupted(cx) {
                run::attend(cx, ip, sp)
            } else {
                ControlFlow::Continue(())
            }
        };
        let timeout = get::<i64>(ip, sp, 3);
        let flag = (*cx).interrupt.as_ptr();
        let end = if size == 4 {
            wait::wait32(flag, address, get(ip, sp, 2), timeout, attend)
        } else {
            wait::wait64(flag, address, get(ip, sp, 2), timeout, attend)
        };
        match end {
            End::Woken => Ok(0),
            End::NotEqual => Ok(1),
            End::TimedOut => Ok(2),
            End::Stopped => Err(Exit::Pending),
            End::Fault => {
                (*cx).trap_info = address as u64;
                Err(Exit::MemoryFault)
            }
        }
    }
}
