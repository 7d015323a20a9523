//! Vectors and memory, and what is moved without a look at it.

use wali_arch::access;

use super::super::context::{Acc, Context, dispatch, pins};
use super::super::isa::vector::Vector;
use super::super::isa::vector::shapes::{get_vector, set_vector};
use super::memory::{out_of_bounds, refused};
use super::{get, op16, op32};

const PAGE: usize = crate::memory::PAGE as usize;

/// Bytes of a vector.
const SIZE: u64 = size_of::<Vector>() as u64;

/// Where the instruction's address and offset lead, in the quarters of these numbers; the index
/// if `size` bytes there have to be refused.
///
/// # Safety
/// The machine's contract, in a module that has a memory.
#[inline(always)]
unsafe fn place(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    [address, offset]: [usize; 2],
    size: u64,
) -> Result<*mut u8, u64> {
    // SAFETY: the machine's contract. The sum of two 32-bit numbers lies in the reservation,
    // which goes on behind it for more than a vector.
    unsafe {
        let index = u64::from(get::<u32>(ip, sp, address)) + u64::from(op32(ip, offset));
        match refused(cx, index, size) {
            true => Err(index),
            false => Ok(mem.wrapping_add(index as usize)),
        }
    }
}

/// Where the address and the offset are in instructions of two words, and in longer ones.
const SHORT: [usize; 2] = [1, 2];
const LONG: [usize; 2] = [2, 4];

/// A handler that accesses memory.
macro_rules! handler {
    ($name:ident $where:ident $size:expr, $words:literal, |$cx:ident $ip:ident $sp:ident $at:ident| $body:expr) => {
        pub(crate) unsafe extern "C" fn $name(
            $cx: *mut Context,
            $ip: *const u64,
            $sp: *mut u64,
            mem: *mut u8,
            _: u64,
            _: f32,
            _: f64,
        ) -> usize {
            // SAFETY: the machine's contract.
            unsafe {
                let $at = match place($cx, $ip, $sp, mem, $where, $size) {
                    Ok(at) => at,
                    Err(index) => return out_of_bounds($cx, $ip, $sp, index, 0, 0.0, 0.0),
                };
                $body;
                dispatch($cx, $ip.add($words), $sp, mem, Acc::NONE)
            }
        }
    };
}

macro_rules! loads {
    ($($name:ident $raw:ident $access:ident $f:expr;)*) => {
        #[expect(non_snake_case, reason = "as the operators are called")]
        pub(crate) mod loads {
            use super::super::super::isa::vector::{extend, splat};
            use super::*;

            // One access after the other: a vector may be half another thread's, as may others.
            handler!(V128Load SHORT SIZE, 2, |cx ip sp at| {
                let low = access::load64(at, pins(cx, ip, sp, Acc::NONE));
                let high = access::load64(at.wrapping_add(8), pins(cx, ip, sp, Acc::NONE));
                set_vector(ip, sp, 0, [low, high])
            });

            $(
                handler!($name SHORT size_of::<$raw>() as u64, 2, |cx ip sp at| {
                    let f: fn($raw) -> Vector = $f;
                    set_vector(ip, sp, 0, f(access::$access(at, pins(cx, ip, sp, Acc::NONE))))
                });
            )*
        }
    };
}

loads! {
    V128Load8x8S u64 load64 |raw| extend::<i8, i16, 8>(raw, i16::from);
    V128Load8x8U u64 load64 |raw| extend::<u8, u16, 8>(raw, u16::from);
    V128Load16x4S u64 load64 |raw| extend::<i16, i32, 4>(raw, i32::from);
    V128Load16x4U u64 load64 |raw| extend::<u16, u32, 4>(raw, u32::from);
    V128Load32x2S u64 load64 |raw| extend::<i32, i64, 2>(raw, i64::from);
    V128Load32x2U u64 load64 |raw| extend::<u32, u64, 2>(raw, u64::from);
    V128Load8Splat u8 load8 |raw| splat::<u8, 16>(raw);
    V128Load16Splat u16 load16 |raw| splat::<u16, 8>(raw);
    V128Load32Splat u32 load32 |raw| splat::<u32, 4>(raw);
    V128Load64Splat u64 load64 |raw| [raw, raw];
    V128Load32Zero u32 load32 |raw| [u64::from(raw), 0];
    V128Load64Zero u64 load64 |raw| [raw, 0];
}

macro_rules! lanes {
    ($($load:ident $store:ident $raw:ident $load_access:ident $store_access:ident $count:literal;)*) => {
        #[expect(non_snake_case, reason = "as the operators are called")]
        pub(crate) mod lane_loads {
            use super::super::super::isa::vector::with_lane;
            use super::*;

            $(
                handler!($load LONG size_of::<$raw>() as u64, 3, |cx ip sp at| {
                    let raw: $raw = access::$load_access(at, pins(cx, ip, sp, Acc::NONE));
                    let lane = usize::from(op16(ip, 3));
                    let value = with_lane::<$raw, $count>(get_vector(ip, sp, 1), lane, raw);
                    set_vector(ip, sp, 0, value)
                });
            )*
        }

        #[expect(non_snake_case, reason = "as the operators are called")]
        pub(crate) mod lane_stores {
            use super::super::super::isa::vector::lane_of;
            use super::*;

            $(
                handler!($store LONG size_of::<$raw>() as u64, 3, |cx ip sp at| {
                    let lane = usize::from(op16(ip, 3));
                    let raw = lane_of::<$raw, $count>(get_vector(ip, sp, 1), lane);
                    access::$store_access(at, raw, pins(cx, ip, sp, Acc::NONE))
                });
            )*
        }
    };
}

lanes! {
    V128Load8Lane V128Store8Lane u8 load8 store8 16;
    V128Load16Lane V128Store16Lane u16 load16 store16 8;
    V128Load32Lane V128Store32Lane u32 load32 store32 4;
    V128Load64Lane V128Store64Lane u64 load64 store64 2;
}

/// Bytes from a page's start up to which a vector is in that page.
const IN_PAGE: usize = PAGE - size_of::<Vector>();

// A vector in one page is stored from its start, where a fault is to be. Of others, nothing is to be
// stored if the page that follows is not there.
handler!(store SHORT SIZE, 2, |cx ip sp at| {
    let [low, high] = get_vector(ip, sp, 0);
    if at.addr() % PAGE <= IN_PAGE {
        access::store64(at, low, pins(cx, ip, sp, Acc::NONE));
        access::store64(at.wrapping_add(8), high, pins(cx, ip, sp, Acc::NONE));
    } else {
        access::store64(at.wrapping_add(8), high, pins(cx, ip, sp, Acc::NONE));
        access::store64(at, low, pins(cx, ip, sp, Acc::NONE));
    }
});

/// The lanes to take are in the instruction.
pub(crate) unsafe extern "C" fn shuffle(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    _: u64,
    _: f32,
    _: f64,
) -> usize {
    use super::super::isa::vector::shuffle;
    // SAFETY: the machine's contract.
    unsafe {
        let (a, b) = (get_vector(ip, sp, 1), get_vector(ip, sp, 2));
        set_vector(ip, sp, 0, shuffle(a, b, [*ip.add(2), *ip.add(3)]));
        dispatch(cx, ip.add(4), sp, mem, Acc::NONE)
    }
}

pub(crate) unsafe extern "C" fn select(
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
        let (a, b) = (get_vector(ip, sp, 1), get_vector(ip, sp, 2));
        let chosen = if get::<u32>(ip, sp, 3) != 0 { a } else { b };
        set_vector(ip, sp, 0, chosen);
        dispatch(cx, ip.add(2), sp, mem, Acc::NONE)
    }
}

pub(crate) unsafe extern "C" fn global_get(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    _: u64,
    _: f32,
    _: f64,
) -> usize {
    // SAFETY: the machine's contract; validation checked index and type.
    unsafe {
        let cell = *(*cx).globals.add(op32(ip, 2) as usize);
        set_vector(ip, sp, 0, [*cell, *cell.add(1)]);
        dispatch(cx, ip.add(2), sp, mem, Acc::NONE)
    }
}

pub(crate) unsafe extern "C" fn global_set(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    _: u64,
    _: f32,
    _: f64,
) -> usize {
    // SAFETY: the machine's contract; validation checked index and type.
    unsafe {
        let cell = *(*cx).globals.add(op32(ip, 2) as usize);
        let [low, high] = get_vector(ip, sp, 0);
        *cell = low;
        *cell.add(1) = high;
        dispatch(cx, ip.add(2), sp, mem, Acc::NONE)
    }
}
