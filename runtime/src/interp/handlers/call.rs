//! Calls and returns.
//!
//! Arguments lie in the caller's topmost temporaries, which become the callee's first
//! slots. The callee's header, behind its parameters and locals, holds where to return to
//! and the caller's frame; results go where the arguments were.

use super::super::context::{Acc, Cell, Context, HEADER_SLOTS, Meta, dispatch, stop};
use super::super::func::FuncObj;
use super::super::isa::value::Slot;
use super::super::jumps::FORGET;
use super::super::run;
use super::super::trap::Exit;
use super::super::types::TypeId;
use super::control::safepoint;
use super::{Source, get, op16, op32, op64};
use std::sync::atomic::Ordering;

/// What stands in the way of a call.
#[repr(usize)]
enum Obstacle {
    None,
    Interrupt,
    Untranslated,
    Overflow,
}

/// Looks at the callee's code, and for what has to happen before it can run.
///
/// # Safety
/// The machine's contract; `cell` is live.
#[inline(always)]
unsafe fn prepare(cx: *mut Context, cell: *const Cell, sp: *mut u64) -> (Obstacle, *const u64) {
    // SAFETY: as the caller promises; published code starts with its meta word.
    unsafe {
        let code: *const u64 = (*cell).load(Ordering::Acquire);
        let obstacle = if code.is_null() {
            Obstacle::Untranslated
        } else if Context::interrupted(cx) {
            Obstacle::Interrupt
        } else if sp as usize + Meta::read(code).frame as usize * 8 > (*cx).limit {
            Obstacle::Overflow
        } else {
            Obstacle::None
        };
        (obstacle, code)
    }
}

/// Starts the function whose code is `code` in the frame `sp`.
///
/// # Safety
/// The machine's contract for the callee, with arguments in place and room for its frame.
#[inline(always)]
unsafe fn begin(
    cx: *mut Context,
    code: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    return_to: *const u64,
    caller: *mut u64,
) -> usize {
    // SAFETY: as the caller promises.
    unsafe {
        let meta = Meta::read(code);
        let header = sp.add(meta.header as usize);
        *header = return_to as u64;
        *header.add(1) = caller as u64;
        let mut local = sp.add(meta.params as usize);
        while local < header {
            // Volatile, so that the loop does not become a call to memset, which would need
            // a native frame in each call instruction.
            local.write_volatile(0);
            local = local.add(1);
        }
        dispatch(cx, code.add(Meta::WORDS), sp, mem, Acc::NONE)
    }
}

/// Gets a call that cannot go on right away going: then the instruction starts again. Each
/// obstacle is overcome by a function of its own, so that calls save no register for the others.
///
/// # Safety
/// The machine's contract; `cell` is live.
#[inline(always)]
unsafe fn overcome(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    cell: *const Cell,
    obstacle: Obstacle,
) -> usize {
    // SAFETY: the machine's contract.
    unsafe {
        match obstacle {
            Obstacle::Untranslated => translate(cx, ip, sp, mem, cell),
            Obstacle::Overflow => overflow(cx, ip, sp),
            Obstacle::Interrupt | Obstacle::None => safepoint(cx, ip, sp, mem, 0, 0.0, 0.0),
        }
    }
}

/// # Safety
/// As for [`overcome`].
#[cold]
#[inline(never)]
unsafe extern "C" fn overflow(cx: *mut Context, ip: *const u64, sp: *mut u64) -> usize {
    // SAFETY: the machine's contract.
    unsafe { stop(cx, ip, sp, Exit::StackOverflow, Acc::NONE) }
}

/// # Safety
/// As for [`overcome`].
#[cold]
#[inline(never)]
unsafe extern "C" fn translate(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    cell: *const Cell,
) -> usize {
    // SAFETY: the machine's contract.
    unsafe {
        if !run::translate_cell(cx, cell) {
            return stop(cx, ip, sp, Exit::Pending, Acc::NONE);
        }
        dispatch(cx, ip, sp, mem, Acc::NONE)
    }
}

pub(crate) unsafe extern "C" fn call(
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
        let cell = (*cx).cells.add(op32(ip, 2) as usize);
        let callee = sp.add(op16(ip, 0) as usize);
        match prepare(cx, cell, callee) {
            (Obstacle::None, code) => begin(cx, code, callee, mem, ip.add(2), sp),
            (obstacle, _) => overcome(cx, ip, sp, mem, cell, obstacle),
        }
    }
}

/// Goes on after a call outside the instance.
///
/// # Safety
/// The machine's contract; the instruction has `words` words.
#[inline(always)]
unsafe fn after_foreign(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    words: usize,
    done: bool,
) -> usize {
    // SAFETY: the machine's contract.
    unsafe {
        if !done {
            return stop(cx, ip, sp, Exit::Pending, Acc::NONE);
        }
        if Context::interrupted(cx) {
            return attend_after(cx, ip, sp, mem, words);
        }
        dispatch(cx, ip.add(words), sp, mem, Acc::NONE)
    }
}

/// Attends to whatever set [`Context::interrupt`] during the call at `ip`, which has been made.
///
/// # Safety
/// As for [`after_foreign`].
#[cold]
#[inline(never)]
unsafe extern "C" fn attend_after(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    words: usize,
) -> usize {
    // SAFETY: the machine's contract.
    unsafe {
        let next = ip.add(words);
        if run::attend(cx, next, sp).is_continue() {
            return dispatch(cx, next, sp, mem, Acc::NONE);
        }
        // A signal that comes during a call is handled in it, as natively: whoever catches what
        // the call throws catches what the handler throws.
        let at = if run::throws(cx) { ip } else { next };
        stop(cx, at, sp, Exit::Pending, Acc::NONE)
    }
}

pub(crate) unsafe extern "C" fn call_import(
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
        let args = sp.add(op16(ip, 0) as usize);
        let done = run::call_foreign(cx, func, args, ip.add(2), sp);
        after_foreign(cx, ip, sp, mem, 2, done)
    }
}

/// The function that an indirect call leads to.
///
/// # Safety
/// The machine's contract; validation checked the table.
#[inline(always)]
unsafe fn element(
    cx: *mut Context,
    table: u32,
    index: u32,
    ty: u32,
) -> Result<*const FuncObj, Exit> {
    // SAFETY: the machine's contract; elements are null or live functions.
    unsafe {
        let table = &**(*cx).tables.add(table as usize);
        let Some(element) = table.get(index) else {
            (*cx).trap_info = u64::from(index);
            return Err(Exit::UndefinedElement);
        };
        let func = element as *const FuncObj;
        if func.is_null() {
            (*cx).trap_info = u64::from(index);
            return Err(Exit::UninitializedElement);
        }
        if (*func).ty.0 != ty {
            (*cx).trap_info = u64::from(ty) | u64::from(index) << 32;
            (*cx).trap_func = func;
            return Err(Exit::TypeMismatch);
        }
        Ok(func)
    }
}

pub(crate) unsafe extern "C" fn call_indirect(
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
        let func = match element(cx, op32(ip, 2), get(ip, sp, 1), op32(ip, 4)) {
            Ok(func) => func,
            // What else fails does so without a detour, so that calls save no register for it.
            Err(Exit::TypeMismatch) => return call_otherwise(cx, ip, sp, mem),
            Err(exit) => return stop(cx, ip, sp, exit, Acc::NONE),
        };
        if (*func).cx != cx {
            return call_indirect_foreign(cx, ip, sp, mem, func);
        }
        let callee = sp.add(op16(ip, 0) as usize);
        match prepare(cx, (*func).cell, callee) {
            (Obstacle::None, code) => begin(cx, code, callee, mem, ip.add(3), sp),
            (obstacle, _) => overcome(cx, ip, sp, mem, (*func).cell, obstacle),
        }
    }
}

/// An indirect call that does not find a function of its type: if it is to be made all the same,
/// an adapter makes it.
///
/// # Safety
/// The machine's contract; [`element`] has found another type.
#[cold]
#[inline(never)]
unsafe extern "C" fn call_otherwise(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
) -> usize {
    // SAFETY: the machine's contract; an adapter takes what the caller passes.
    unsafe {
        let callee = sp.add(op16(ip, 0) as usize);
        match adapter(cx, callee, Exit::TypeMismatch) {
            Ok(code) => begin(cx, code, callee, mem, ip.add(3), sp),
            Err(None) => safepoint(cx, ip, sp, mem, 0, 0.0, 0.0),
            Err(Some(exit)) => stop(cx, ip, sp, exit, Acc::NONE),
        }
    }
}

/// The adapter for a call that did not find a function of its type, whose frame would be at
/// `callee`; what to stop with otherwise, if it is not just for a while.
///
/// # Safety
/// As for [`call_otherwise`].
#[inline(always)]
unsafe fn adapter(
    cx: *mut Context,
    callee: *mut u64,
    exit: Exit,
) -> Result<*const u64, Option<Exit>> {
    // SAFETY: the machine's contract; `element` has left type and function.
    unsafe {
        if exit != Exit::TypeMismatch {
            return Err(Some(exit));
        }
        let caller = TypeId((*cx).trap_info as u32);
        let code = run::adapter(cx, (*cx).trap_func, caller);
        if code.is_null() {
            return Err(Some(exit));
        }
        if Context::interrupted(cx) {
            return Err(None);
        }
        if callee as usize + Meta::read(code).frame as usize * 8 > (*cx).limit {
            return Err(Some(Exit::StackOverflow));
        }
        Ok(code)
    }
}

#[inline(never)]
unsafe extern "C" fn call_indirect_foreign(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    func: *const FuncObj,
) -> usize {
    // SAFETY: the machine's contract.
    unsafe {
        let args = sp.add(op16(ip, 0) as usize);
        let done = run::call_foreign(cx, func, args, ip.add(3), sp);
        after_foreign(cx, ip, sp, mem, 3, done)
    }
}

/// Replaces the frame by that of the function in `cell`, whose arguments start at `args`.
///
/// # Safety
/// The machine's contract; the frame's header is at the first quarter.
#[inline(always)]
unsafe fn replace(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    cell: *const Cell,
    args: *mut u64,
) -> usize {
    // SAFETY: the machine's contract. Arguments are above where they go, so that copying
    // upwards from the first one overwrites none that is still to be copied.
    unsafe {
        let (obstacle, code) = prepare(cx, cell, sp);
        if !matches!(obstacle, Obstacle::None) {
            return overcome(cx, ip, sp, mem, cell, obstacle);
        }
        let header = sp.add(op16(ip, 0) as usize);
        let (return_to, caller) = (*header as *const u64, *header.add(1) as *mut u64);
        if return_to == FORGET.as_ptr().cast() {
            return unmark(cx, ip, sp, mem);
        }
        let params = Meta::read(code).params as usize;
        copy_up(sp, args, params);
        begin(cx, code, sp, mem, return_to, caller)
    }
}

/// Forgets the marks of a frame that is about to be replaced, and starts the instruction
/// again.
///
/// # Safety
/// The machine's contract; the frame has marks, and its header is at the first quarter.
#[cold]
#[inline(never)]
unsafe extern "C" fn unmark(cx: *mut Context, ip: *const u64, sp: *mut u64, mem: *mut u8) -> usize {
    // SAFETY: the machine's contract.
    unsafe {
        *sp.add(op16(ip, 0) as usize) = run::forget_marks(cx) as u64;
        dispatch(cx, ip, sp, mem, Acc::NONE)
    }
}

/// Where functions return to whose frames have marks: forgets them, and returns.
pub(crate) unsafe extern "C" fn forget(
    cx: *mut Context,
    _ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    _: u64,
    _: f32,
    _: f64,
) -> usize {
    // SAFETY: the machine's contract; `sp` is the caller's frame already.
    unsafe { dispatch(cx, run::forget_marks(cx), sp, mem, Acc::NONE) }
}

/// Copies slots, the first one first, without a call to memmove.
///
/// # Safety
/// Both are slots of the guest stack.
#[inline(always)]
unsafe fn copy_up(to: *mut u64, from: *const u64, count: usize) {
    let mut i = 0;
    while i < count {
        // SAFETY: as the caller promises.
        unsafe { to.add(i).write_volatile(*from.add(i)) };
        i += 1;
    }
}

pub(crate) unsafe extern "C" fn return_call(
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
        let cell = (*cx).cells.add(op32(ip, 2) as usize);
        replace(cx, ip, sp, mem, cell, sp.add(op16(ip, 1) as usize))
    }
}

pub(crate) unsafe extern "C" fn return_call_indirect(
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
        let func = match element(cx, op32(ip, 4), get(ip, sp, 2), op32(ip, 6)) {
            Ok(func) => func,
            Err(exit) => return return_call_otherwise(cx, ip, sp, mem, exit),
        };
        if (*func).cx != cx {
            return return_call_foreign(cx, ip, sp, mem, func);
        }
        replace(cx, ip, sp, mem, (*func).cell, sp.add(op16(ip, 1) as usize))
    }
}

/// As [`call_otherwise`], for a call that replaces its frame.
///
/// # Safety
/// As for [`call_otherwise`].
#[cold]
#[inline(never)]
unsafe extern "C" fn return_call_otherwise(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    exit: Exit,
) -> usize {
    // SAFETY: the machine's contract; as in `replace`.
    unsafe {
        match adapter(cx, sp, exit) {
            Ok(code) => {
                let header = sp.add(op16(ip, 0) as usize);
                let (return_to, caller) = (*header as *const u64, *header.add(1) as *mut u64);
                if return_to == FORGET.as_ptr().cast() {
                    return unmark(cx, ip, sp, mem);
                }
                let args = sp.add(op16(ip, 1) as usize);
                copy_up(sp, args, Meta::read(code).params as usize);
                begin(cx, code, sp, mem, return_to, caller)
            }
            Err(None) => safepoint(cx, ip, sp, mem, 0, 0.0, 0.0),
            Err(Some(exit)) => stop(cx, ip, sp, exit, Acc::NONE),
        }
    }
}

/// A call outside the instance, then a return with what it yields.
#[inline(never)]
unsafe extern "C" fn return_call_foreign(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    func: *const FuncObj,
) -> usize {
    // SAFETY: the machine's contract.
    unsafe {
        let args = sp.add(op16(ip, 1) as usize);
        // The frame is as good as gone, so that there is no place to come back to.
        if !run::call_foreign(cx, func, args, std::ptr::null(), sp) {
            return stop(cx, ip, sp, Exit::Pending, Acc::NONE);
        }
        let header = sp.add(op16(ip, 0) as usize);
        let (return_to, caller) = (*header as *const u64, *header.add(1) as *mut u64);
        copy_up(sp, args, (*func).results as usize);
        dispatch(cx, return_to, caller, mem, Acc::NONE)
    }
}

pub(crate) unsafe extern "C" fn return0(
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
        let header = sp.add(op16(ip, 0) as usize);
        dispatch(
            cx,
            *header as *const u64,
            *header.add(1) as *mut u64,
            mem,
            Acc::NONE,
        )
    }
}

pub(crate) unsafe extern "C" fn return1<A: Source, T: Slot>(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    int: u64,
    single: f32,
    double: f64,
) -> usize {
    let acc = Acc::new(int, single, double);
    // SAFETY: the machine's contract. The header may be where the result goes.
    unsafe {
        let header = sp.add(op16(ip, 0) as usize);
        let (return_to, caller) = (*header as *const u64, *header.add(1) as *mut u64);
        *sp = A::read::<T>(ip, sp, acc).to_slot();
        dispatch(cx, return_to, caller, mem, acc)
    }
}

pub(crate) unsafe extern "C" fn return_imm(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    _: u64,
    _: f32,
    _: f64,
) -> usize {
    // SAFETY: the machine's contract. The header may be where the result goes.
    unsafe {
        let header = sp.add(op16(ip, 0) as usize);
        let (return_to, caller) = (*header as *const u64, *header.add(1) as *mut u64);
        *sp = op64(ip);
        dispatch(cx, return_to, caller, mem, Acc::NONE)
    }
}

pub(crate) unsafe extern "C" fn return_n(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    _: u64,
    _: f32,
    _: f64,
) -> usize {
    // SAFETY: the machine's contract. Results are temporaries, above where they go.
    unsafe {
        let header = sp.add(op16(ip, 0) as usize);
        let (return_to, caller) = (*header as *const u64, *header.add(1) as *mut u64);
        copy_up(sp, sp.add(op16(ip, 1) as usize), op16(ip, 2) as usize);
        dispatch(cx, return_to, caller, mem, Acc::NONE)
    }
}

/// Where the function that the host called returns to.
pub(crate) unsafe extern "C" fn exit(
    _cx: *mut Context,
    _ip: *const u64,
    _sp: *mut u64,
    _mem: *mut u8,
    _: u64,
    _: f32,
    _: f64,
) -> usize {
    Exit::Done as usize
}

const _: () = assert!(HEADER_SLOTS == 2, "the handlers above read two");
