//! Globals.

use super::super::context::{Context, dispatch};
use super::{get as slot, op32, set as set_slot};

pub(crate) unsafe extern "C" fn get(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
) -> usize {
    // SAFETY: the machine's contract; validation checked the index.
    unsafe {
        let cell = *(*cx).globals.add(op32(ip, 2) as usize);
        set_slot(ip, sp, 0, *cell);
        dispatch(cx, ip.add(2), sp, mem)
    }
}

pub(crate) unsafe extern "C" fn set(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
) -> usize {
    // SAFETY: the machine's contract; validation checked the index.
    unsafe {
        let cell = *(*cx).globals.add(op32(ip, 2) as usize);
        *cell = slot(ip, sp, 0);
        dispatch(cx, ip.add(2), sp, mem)
    }
}
