//! Throwing. What is caught where is in a table beside the code: see `catches`.

use super::super::context::{Acc, Context, dispatch, stop};
use super::super::trap::Exit;
use super::super::unwind;
use super::control::safepoint;
use super::{get, op16, op32};

pub(crate) unsafe extern "C" fn throw(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    _: u64,
    _: f32,
    _: f64,
) -> usize {
    // SAFETY: the machine's contract; validation checked tag and values.
    unsafe {
        let slots = sp.add(op16(ip, 0) as usize);
        let caught = unwind::throw(cx, ip, sp, op32(ip, 2), slots);
        go_on(cx, ip, sp, mem, caught)
    }
}

pub(crate) unsafe extern "C" fn throw_ref(
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
        let caught = unwind::throw_again(cx, ip, sp, get(ip, sp, 0));
        go_on(cx, ip, sp, mem, caught)
    }
}

/// Goes on where an exception is caught, which may be backwards; otherwise stops.
///
/// # Safety
/// The machine's contract; `caught` is an instruction with its frame, or null.
#[inline(always)]
unsafe fn go_on(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    caught: (*const u64, *mut u64),
) -> usize {
    // SAFETY: as the caller promises.
    unsafe {
        if caught.0.is_null() {
            return stop(cx, ip, sp, Exit::Pending, Acc::NONE);
        }
        let (ip, sp) = caught;
        if Context::interrupted(cx) {
            return safepoint(cx, ip, sp, mem, 0, 0.0, 0.0);
        }
        dispatch(cx, ip, sp, mem, Acc::NONE)
    }
}
