//! Tables and references.

use super::super::context::{Acc, Context, dispatch, stop};
use super::super::table::TableInner;
use super::super::trap::Exit;
use super::{get as slot, op32, set as set_slot};

/// # Safety
/// The machine's contract; validation checked the index.
#[inline(always)]
unsafe fn table<'a>(cx: *mut Context, index: u32) -> &'a TableInner {
    // SAFETY: the instance keeps its tables alive as long as its code runs.
    unsafe { &**(*cx).tables.add(index as usize) }
}

/// Goes on, or stops with an access outside a table.
///
/// # Safety
/// The machine's contract; the instruction has `words` words.
#[inline(always)]
unsafe fn after(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    words: usize,
    done: Option<()>,
) -> usize {
    // SAFETY: the machine's contract.
    unsafe {
        match done {
            Some(()) => dispatch(cx, ip.add(words), sp, mem, Acc::NONE),
            None => stop(cx, ip, sp, Exit::TableOutOfBounds, Acc::NONE),
        }
    }
}

pub(crate) unsafe extern "C" fn ref_func(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    _: u64,
    _: f32,
    _: f64,
) -> usize {
    // SAFETY: the machine's contract; validation checked the index.
    unsafe {
        let func = *(*cx).funcs.add(op32(ip, 2) as usize);
        set_slot(ip, sp, 0, func as u64);
        dispatch(cx, ip.add(2), sp, mem, Acc::NONE)
    }
}

pub(crate) unsafe extern "C" fn get(
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
        match table(cx, op32(ip, 2)).get(slot(ip, sp, 1)) {
            Some(value) => {
                set_slot(ip, sp, 0, value);
                dispatch(cx, ip.add(2), sp, mem, Acc::NONE)
            }
            None => stop(cx, ip, sp, Exit::TableOutOfBounds, Acc::NONE),
        }
    }
}

pub(crate) unsafe extern "C" fn set(
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
        let done = table(cx, op32(ip, 2)).set(slot(ip, sp, 0), slot(ip, sp, 1));
        after(cx, ip, sp, mem, 2, done)
    }
}

pub(crate) unsafe extern "C" fn size(
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
        set_slot(ip, sp, 0, table(cx, op32(ip, 2)).size());
        dispatch(cx, ip.add(2), sp, mem, Acc::NONE)
    }
}

pub(crate) unsafe extern "C" fn grow(
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
        let before = table(cx, op32(ip, 4)).grow(slot(ip, sp, 2), slot(ip, sp, 1));
        set_slot(ip, sp, 0, before.unwrap_or(u32::MAX));
        dispatch(cx, ip.add(3), sp, mem, Acc::NONE)
    }
}

pub(crate) unsafe extern "C" fn fill(
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
        let done = table(cx, op32(ip, 4)).fill(slot(ip, sp, 0), slot(ip, sp, 1), slot(ip, sp, 2));
        after(cx, ip, sp, mem, 3, done)
    }
}

pub(crate) unsafe extern "C" fn copy(
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
        let (to, from) = (table(cx, op32(ip, 4)), table(cx, op32(ip, 6)));
        let done = to.copy(slot(ip, sp, 0), from, slot(ip, sp, 1), slot(ip, sp, 2));
        after(cx, ip, sp, mem, 3, done)
    }
}

pub(crate) unsafe extern "C" fn init(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    _: u64,
    _: f32,
    _: f64,
) -> usize {
    // SAFETY: the machine's contract; validation checked the segment.
    unsafe {
        let (to, from, len) = (slot(ip, sp, 0), slot(ip, sp, 1), slot(ip, sp, 2));
        let table = table(cx, op32(ip, 4));
        let done = (*(*cx).instance).init_table(table, op32(ip, 6), to, from, len);
        after(cx, ip, sp, mem, 3, done)
    }
}

pub(crate) unsafe extern "C" fn elem_drop(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    _: u64,
    _: f32,
    _: f64,
) -> usize {
    // SAFETY: the machine's contract; validation checked the segment.
    unsafe {
        (*(*cx).instance).drop_elements(op32(ip, 2));
        dispatch(cx, ip.add(2), sp, mem, Acc::NONE)
    }
}
