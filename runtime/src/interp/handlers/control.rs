//! Moves, branches and safepoints.

use super::super::context::{Acc, Context, dispatch, stop};
use super::super::run;
use super::super::trap::Exit;
use super::{Source, get, op32, op64, set, target};

pub(crate) unsafe extern "C" fn copy(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    int: u64,
    single: f32,
    double: f64,
) -> usize {
    let acc = Acc::new(int, single, double);
    // SAFETY: the machine's contract.
    unsafe {
        set(ip, sp, 0, get::<u64>(ip, sp, 1));
        dispatch(cx, ip.add(2), sp, mem, acc)
    }
}

/// Two copies, one after the other.
pub(crate) unsafe extern "C" fn copy2(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    int: u64,
    single: f32,
    double: f64,
) -> usize {
    let acc = Acc::new(int, single, double);
    // SAFETY: the machine's contract.
    unsafe {
        set(ip, sp, 0, get::<u64>(ip, sp, 1));
        set(ip, sp, 2, get::<u64>(ip, sp, 3));
        dispatch(cx, ip.add(2), sp, mem, acc)
    }
}

pub(crate) unsafe extern "C" fn const32(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    int: u64,
    single: f32,
    double: f64,
) -> usize {
    let acc = Acc::new(int, single, double);
    // SAFETY: the machine's contract.
    unsafe {
        set(ip, sp, 0, op32(ip, 2));
        dispatch(cx, ip.add(2), sp, mem, acc)
    }
}

pub(crate) unsafe extern "C" fn const64(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    int: u64,
    single: f32,
    double: f64,
) -> usize {
    let acc = Acc::new(int, single, double);
    // SAFETY: the machine's contract.
    unsafe {
        set(ip, sp, 0, op64(ip));
        dispatch(cx, ip.add(3), sp, mem, acc)
    }
}

pub(crate) unsafe extern "C" fn select<A: Source>(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    int: u64,
    single: f32,
    double: f64,
) -> usize {
    let acc = Acc::new(int, single, double);
    // SAFETY: the machine's contract.
    unsafe {
        let (a, b) = (get::<u64>(ip, sp, 1), get::<u64>(ip, sp, 2));
        let chosen = if A::read::<u32>(ip, sp, acc) != 0 {
            a
        } else {
            b
        };
        set(ip, sp, 0, chosen);
        dispatch(cx, ip.add(2), sp, mem, acc)
    }
}

pub(crate) unsafe extern "C" fn unreachable(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    _mem: *mut u8,
    int: u64,
    single: f32,
    double: f64,
) -> usize {
    let acc = Acc::new(int, single, double);
    // SAFETY: the machine's contract.
    unsafe { stop(cx, ip, sp, Exit::Unreachable, acc) }
}

pub(crate) unsafe extern "C" fn br<const BACK: bool>(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    int: u64,
    single: f32,
    double: f64,
) -> usize {
    let acc = Acc::new(int, single, double);
    // SAFETY: the machine's contract.
    unsafe {
        if BACK && Context::interrupted(cx) {
            return safepoint(cx, ip, sp, mem, int, single, double);
        }
        dispatch(cx, target(ip, 2), sp, mem, acc)
    }
}

/// Branches if an operand is not zero, or if it is.
pub(crate) unsafe extern "C" fn br_truth<A: Source, const TRUTH: bool, const BACK: bool>(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    int: u64,
    single: f32,
    double: f64,
) -> usize {
    let acc = Acc::new(int, single, double);
    // SAFETY: the machine's contract.
    unsafe {
        if (A::read::<u32>(ip, sp, acc) != 0) != TRUTH {
            return dispatch(cx, ip.add(2), sp, mem, acc);
        }
        if BACK && Context::interrupted(cx) {
            return safepoint(cx, ip, sp, mem, int, single, double);
        }
        dispatch(cx, target(ip, 2), sp, mem, acc)
    }
}

/// An addition, and a branch backwards by its result.
pub(crate) unsafe extern "C" fn add_br<const TRUTH: bool>(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    int: u64,
    single: f32,
    double: f64,
) -> usize {
    // SAFETY: the machine's contract.
    unsafe {
        let sum = get::<u32>(ip, sp, 1).wrapping_add(op64(ip) as u32);
        let acc = Acc {
            int: u64::from(sum),
            single,
            double,
        };
        if (sum != 0) != TRUTH {
            set(ip, sp, 0, sum);
            return dispatch(cx, ip.add(3), sp, mem, acc);
        }
        // Before it has any effect.
        if Context::interrupted(cx) {
            return safepoint(cx, ip, sp, mem, int, single, double);
        }
        set(ip, sp, 0, sum);
        dispatch(cx, target(ip, 2), sp, mem, acc)
    }
}

/// An addition, and a branch backwards whatever comes of it.
pub(crate) unsafe extern "C" fn add_then_br(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    int: u64,
    single: f32,
    double: f64,
) -> usize {
    let acc = Acc::new(int, single, double);
    // SAFETY: the machine's contract.
    unsafe {
        // Before it has any effect.
        if Context::interrupted(cx) {
            return safepoint(cx, ip, sp, mem, int, single, double);
        }
        let sum = get::<u32>(ip, sp, 1).wrapping_add(op64(ip) as u32);
        set(ip, sp, 0, sum);
        dispatch(cx, target(ip, 2), sp, mem, acc)
    }
}

/// The targets follow the instruction, a word each; the last one is the default.
pub(crate) unsafe extern "C" fn br_table<A: Source>(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    int: u64,
    single: f32,
    double: f64,
) -> usize {
    let acc = Acc::new(int, single, double);
    // SAFETY: the machine's contract; translation writes as many targets as it says.
    unsafe {
        if Context::interrupted(cx) {
            return safepoint(cx, ip, sp, mem, int, single, double);
        }
        let index = A::read::<u32>(ip, sp, acc).min(op32(ip, 2) - 1);
        let distance = *ip.add(2 + index as usize) as i64 as isize;
        dispatch(cx, ip.offset(distance), sp, mem, acc)
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
    int: u64,
    single: f32,
    double: f64,
) -> usize {
    let acc = Acc::new(int, single, double);
    // SAFETY: the machine's contract.
    unsafe {
        if run::attend(cx, ip, sp).is_break() {
            return stop(cx, ip, sp, Exit::Pending, acc);
        }
        dispatch(cx, ip, sp, mem, acc)
    }
}
