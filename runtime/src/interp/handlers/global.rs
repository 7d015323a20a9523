//! Globals.

use super::super::context::{Acc, Context, dispatch};
use super::{Source, op32, set as set_slot};

pub(crate) unsafe extern "C" fn get(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    int: u64,
    single: f32,
    double: f64,
) -> usize {
    let acc = Acc::new(int, single, double);
    // SAFETY: the machine's contract; validation checked the index.
    unsafe {
        let cell = *(*cx).globals.add(op32(ip, 2) as usize);
        set_slot(ip, sp, 0, *cell);
        dispatch(cx, ip.add(2), sp, mem, acc)
    }
}

pub(crate) unsafe extern "C" fn set<A: Source>(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    int: u64,
    single: f32,
    double: f64,
) -> usize {
    let acc = Acc::new(int, single, double);
    // SAFETY: the machine's contract; validation checked the index.
    unsafe {
        let cell = *(*cx).globals.add(op32(ip, 2) as usize);
        *cell = A::read(ip, sp, acc);
        dispatch(cx, ip.add(2), sp, mem, acc)
    }
}
