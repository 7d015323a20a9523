//! Moves, branches and safepoints.

use super::super::context::{Context, dispatch, stop};
use super::super::run;
use super::super::trap::Exit;
use super::{get, op32, op64, set, target};

pub(crate) unsafe extern "C" fn copy(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
) -> usize {
    // SAFETY: the machine's contract.
    unsafe {
        set(ip, sp, 0, get::<u64>(ip, sp, 1));
        dispatch(cx, ip.add(2), sp, mem)
    }
}

/// Two copies, one after the other.
pub(crate) unsafe extern "C" fn copy2(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
) -> usize {
    // SAFETY: the machine's contract.
    unsafe {
        set(ip, sp, 0, get::<u64>(ip, sp, 1));
        set(ip, sp, 2, get::<u64>(ip, sp, 3));
        dispatch(cx, ip.add(2), sp, mem)
    }
}

pub(crate) unsafe extern "C" fn const32(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
) -> usize {
    // SAFETY: the machine's contract.
    unsafe {
        set(ip, sp, 0, op32(ip, 2));
        dispatch(cx, ip.add(2), sp, mem)
    }
}

pub(crate) unsafe extern "C" fn const64(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
) -> usize {
    // SAFETY: the machine's contract.
    unsafe {
        set(ip, sp, 0, op64(ip));
        dispatch(cx, ip.add(3), sp, mem)
    }
}

pub(crate) unsafe extern "C" fn select(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
) -> usize {
    // SAFETY: the machine's contract.
    unsafe {
        let (a, b) = (get::<u64>(ip, sp, 1), get::<u64>(ip, sp, 2));
        let chosen = if get::<u32>(ip, sp, 3) != 0 { a } else { b };
        set(ip, sp, 0, chosen);
        dispatch(cx, ip.add(2), sp, mem)
    }
}

pub(crate) unsafe extern "C" fn unreachable(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
) -> usize {
    // SAFETY: the machine's contract.
    unsafe { stop(cx, ip, sp, mem, Exit::Unreachable) }
}

pub(crate) unsafe extern "C" fn br(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
) -> usize {
    // SAFETY: the machine's contract.
    unsafe {
        if Context::interrupted(cx) {
            return safepoint(cx, ip, sp, mem);
        }
        dispatch(cx, target(ip, 2), sp, mem)
    }
}

pub(crate) unsafe extern "C" fn br_nez(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
) -> usize {
    // SAFETY: the machine's contract.
    unsafe {
        if get::<u32>(ip, sp, 0) == 0 {
            return dispatch(cx, ip.add(2), sp, mem);
        }
        if Context::interrupted(cx) {
            return safepoint(cx, ip, sp, mem);
        }
        dispatch(cx, target(ip, 2), sp, mem)
    }
}

pub(crate) unsafe extern "C" fn br_eqz(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
) -> usize {
    // SAFETY: the machine's contract.
    unsafe {
        if get::<u32>(ip, sp, 0) != 0 {
            return dispatch(cx, ip.add(2), sp, mem);
        }
        if Context::interrupted(cx) {
            return safepoint(cx, ip, sp, mem);
        }
        dispatch(cx, target(ip, 2), sp, mem)
    }
}

/// The targets follow the instruction, a word each; the last one is the default.
pub(crate) unsafe extern "C" fn br_table(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
) -> usize {
    // SAFETY: the machine's contract; translation writes as many targets as it says.
    unsafe {
        if Context::interrupted(cx) {
            return safepoint(cx, ip, sp, mem);
        }
        let index = get::<u32>(ip, sp, 0).min(op32(ip, 2) - 1);
        let distance = *ip.add(2 + index as usize) as i64 as isize;
        dispatch(cx, ip.offset(distance), sp, mem)
    }
}

/// Attends to whatever set [`Context::interrupt`], then starts the instruction at `ip`
/// again, which has had no effect yet.
///
/// # Safety
/// The machine's contract.
#[cold]
#[inline(never)]
pub(crate) unsafe extern "C" fn safepoint(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
) -> usize {
    // SAFETY: the machine's contract.
    unsafe {
        if run::attend(cx, ip, sp).is_break() {
            return stop(cx, ip, sp, mem, Exit::Pending);
        }
        dispatch(cx, ip, sp, mem)
    }
}
