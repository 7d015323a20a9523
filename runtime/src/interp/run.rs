//! The ways into and out of guest code: runs of it, host functions that it calls, and what
//! happens where it stops.

use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

use wali_arch::access::{self, FAULTED};

use super::backtrace;
use super::caller::{Caller, Site};
use super::context::{Cell, Context, HOOK, Handler, Meta, SAMPLE, STOP, execute};
use super::func::{Func, FuncObj, Target, index_of, name_of, narrow};
use super::handlers::call;
use super::instance::Inner as InstanceInner;
use super::jumps::Jumps;
use super::room;
use super::sample;
use super::trap::{Exit, Trap, TrapKind};
use super::types::{TypeId, places};
use super::unwind;

pub(super) const ENTERED: &str = "an instance was entered while one of its host functions runs, \
                       but not through that function's `Caller`";

/// Where the function returns to that the host called.
pub(super) static EXIT: [Handler; 1] = [call::exit];

/// Calls guest code, arguments and results in `slots`.
///
/// # Safety
/// `func` is a live guest function, of whose type `slots` holds arguments and has room for
/// results.
pub(super) unsafe fn run(func: *const FuncObj, slots: &mut [u64]) -> Result<(), Trap> {
    // SAFETY: the function's context is live as long as it is, and this thread's.
    unsafe {
        let cx = (*func).cx;
        if (*cx).lent {
            return Err(Trap::message(ENTERED));
        }
        if !room::is_left() {
            return Err(Trap::new(TrapKind::StackOverflow));
        }
        let code = (*(*cx).instance).module().code_of((*func).cell)?;
        let base = (*cx).top;
        let meta = Meta::read(code);
        if base as usize + (meta.frame as usize).max(slots.len()) * 8 > (*cx).limit {
            return Err(Trap::new(TrapKind::StackOverflow));
        }
        for (i, slot) in slots.iter().enumerate() {
            *base.add(i) = *slot;
        }
        let header = base.add(meta.header as usize);
        for slot in meta.params as usize..meta.header as usize {
            *base.add(slot) = 0;
        }
        *header = EXIT.as_ptr() as u64;
        *header.add(1) = base as u64;
        // The caller of a guest function is stopped inside a host function or not there.
        let mem = match (*cx).memory.as_ref() {
            Some(memory) => memory.base(),
            None => std::ptr::null_mut(),
        };
        let (mut ip, mut sp) = (code.add(Meta::WORDS), base);
        let result = loop {
            let status = access::enter(cx.cast(), ip, sp, mem, execute);
            if status == Exit::Done as usize {
                break Ok(());
            }
            // What else runs until the instruction starts again has accumulators, too.
            let acc = (*cx).landing.acc;
            match go_on(cx, base, status) {
                Ok(place) => {
                    (ip, sp) = place;
                    (*cx).landing.acc = acc;
                }
                Err(trap) => {
                    jumps(cx).drop_from(base);
                    break Err(trap);
                }
            }
        };
        (*cx).top = base;
        if result.is_ok() {
            for (i, slot) in slots.iter_mut().take((*func).results as usize).enumerate() {
                *slot = *base.add(i);
            }
        }
        result
    }
}

/// Whether [`run`] would find room for a function, called from the instance of `cx`.
///
/// # Safety
/// `cx` is live.
pub(super) unsafe fn has_room(cx: *mut Context, func: &Func) -> bool {
    if !room::is_left() {
        return false;
    }
    let raw = func.raw();
    // SAFETY: as the caller promises, and `func` is live.
    unsafe {
        if (*raw).cx != cx {
            return true;
        }
        // A function that cannot be translated says so when it is called.
        match (*(*cx).instance).module().code_of((*raw).cell) {
            Ok(code) => (*cx).top as usize + Meta::read(code).frame as usize * 8 <= (*cx).limit,
            Err(_) => true,
        }
    }
}

/// The instruction and the frame at which guest code stopped.
///
/// # Safety
/// `cx` is live, and `status` is what running its code returned.
unsafe fn place(cx: *mut Context, status: usize) -> (*const u64, *mut u64) {
    // SAFETY: as the caller promises.
    unsafe {
        match status {
            FAULTED => ((*cx).landing.fault_ip, (*cx).landing.fault_sp),
            _ => ((*cx).trap_ip, (*cx).trap_sp),
        }
    }
}

/// Where guest code goes on that stopped, if it does: a run whose first frame is `base`.
///
/// # Safety
/// `cx` is live, and `status` is what running its code returned.
#[cold]
unsafe fn go_on(
    cx: *mut Context,
    base: *mut u64,
    status: usize,
) -> Result<(*const u64, *mut u64), Trap> {
    // SAFETY: as the caller promises; frames from `base` on are this run's.
    unsafe {
        let trap = trap(cx, status);
        let (mut ip, mut sp) = place(cx, status);
        let bulk_done = std::mem::take(&mut (*cx).bulk_done);
        let mut outcome = match trap.kind() {
            // What has been offered before comes from further in: natively, a fault that is not
            // handled where it happens ends the process.
            TrapKind::Jump { .. } | TrapKind::Exception(_) => Err(trap),
            _ if trap.was_offered() => Err(trap),
            _ => trapped(cx, ip, sp, trap).map_err(Trap::offered),
        };
        if outcome.is_ok() {
            (*cx).bulk_done = bulk_done;
        }
        while let Err(trap) = outcome {
            let landed = match trap.kind() {
                &TrapKind::Jump { id, value } => jumps(cx)
                    .land(id, value, base)
                    .map(|place| (place.resume, place.sp)),
                TrapKind::Exception(exception) => unwind::land(cx, ip, sp, exception, 0)?,
                _ => None,
            };
            let Some(place) = landed else {
                return Err(trap);
            };
            (ip, sp) = place;
            // Signals that the jump has unblocked come first, as natively.
            outcome = match Context::interrupted(cx) {
                true => stopped(cx, ip, sp, |caller| attend_to(cx, caller)),
                false => Ok(()),
            };
        }
        Ok((ip, sp))
    }
}

/// The marks of an instance.
///
/// # Safety
/// `cx` is live, and nobody else has them.
pub(super) unsafe fn jumps<'a>(cx: *mut Context) -> &'a mut Jumps {
    // SAFETY: as the caller promises.
    unsafe { (*(*cx).instance).jumps() }
}

/// Forgets the marks of the innermost frame that has some; where it really returns to.
///
/// # Safety
/// `cx` runs the frame, or its return.
#[cold]
#[inline(never)]
pub(crate) unsafe fn forget_marks(cx: *mut Context) -> *const u64 {
    // SAFETY: as the caller promises.
    unsafe { jumps(cx).forget() }
}

/// Lets the embedder see a trap; it may have the guest go on.
///
/// # Safety
/// `cx` stopped at the instruction `ip` in the frame `sp`.
#[cold]
unsafe fn trapped(cx: *mut Context, ip: *const u64, sp: *mut u64, trap: Trap) -> Result<(), Trap> {
    // SAFETY: as the caller promises.
    unsafe {
        let instance = &*(*cx).instance;
        let Some(on_trap) = instance.on_trap() else {
            return Err(trap);
        };
        let offered = trap.identity();
        let mut result = stopped(cx, ip, sp, |caller| on_trap(caller, trap));
        if let Err(other) = &mut result
            && other.identity() != offered
        {
            explain(instance, ip, sp, other);
        }
        result
    }
}

/// Makes a trap of a status that handlers returned.
///
/// # Safety
/// `cx` is live, and `status` is what running its code returned.
#[cold]
unsafe fn trap(cx: *mut Context, status: usize) -> Trap {
    // SAFETY: as the caller promises.
    unsafe {
        let instance = &*(*cx).instance;
        let info = (*cx).trap_info;
        let fault = |place: usize| {
            let memory = instance.memory_or_empty();
            let address = (place as u64).wrapping_sub(memory.base() as u64);
            if crate::fault::was_beyond_file(place) {
                TrapKind::MemoryBeyondFile { address }
            } else if address < memory.size() {
                TrapKind::MemoryProtected { address }
            } else {
                TrapKind::MemoryOutOfBounds { address }
            }
        };
        let (ip, sp) = place(cx, status);
        if status == FAULTED {
            let mut trap = Trap::new(fault((*cx).landing.fault_addr));
            backtrace::collect(instance, ip, sp, &mut trap);
            return trap;
        }
        let kind = match Exit::from_status(status) {
            Exit::Done | Exit::Pending => None,
            Exit::Unreachable => Some(TrapKind::Unreachable),
            Exit::MemoryOutOfBounds => Some(TrapKind::MemoryOutOfBounds { address: info }),
            Exit::MemoryFault => Some(fault(info as usize)),
            Exit::UnalignedAtomic => Some(TrapKind::UnalignedAtomic { address: info }),
            Exit::ExpectedSharedMemory => Some(TrapKind::ExpectedSharedMemory),
            Exit::DivideByZero => Some(TrapKind::DivideByZero),
            Exit::IntegerOverflow => Some(TrapKind::IntegerOverflow),
            Exit::InvalidConversion => Some(TrapKind::InvalidConversion),
            Exit::TableOutOfBounds => Some(TrapKind::TableOutOfBounds),
            Exit::UndefinedElement => Some(TrapKind::UndefinedElement { index: info as u32 }),
            Exit::UninitializedElement => {
                Some(TrapKind::UninitializedElement { index: info as u32 })
            }
            Exit::TypeMismatch => Some(TrapKind::IndirectCallTypeMismatch {
                expected: TypeId(info as u32).ty(),
                found: (*(*cx).trap_func).ty.ty(),
                index: (info >> 32) as u32,
                name: name_of(cx, (*cx).trap_func),
            }),
            Exit::StackOverflow => Some(TrapKind::StackOverflow),
        };
        let mut trap = match kind {
            Some(kind) => Trap::new(kind),
            None => (*cx).pending.take().expect("a pending trap was announced"),
        };
        explain(instance, ip, sp, &mut trap);
        trap
    }
}

/// Adds to a trap where it came through, unless it is no failure: a host function that ends the
/// process, or a jump.
///
/// # Safety
/// Guest code of the instance is stopped at `ip` in the frame `sp`.
unsafe fn explain(instance: &InstanceInner, ip: *const u64, sp: *mut u64, trap: &mut Trap) {
    if let TrapKind::Exception(exception) = trap.kind() {
        instance.name_tag(exception.tag());
    }
    if !matches!(trap.kind(), TrapKind::Host(_) | TrapKind::Jump { .. }) {
        // SAFETY: as the caller promises.
        unsafe { backtrace::collect(instance, ip, sp, trap) };
    }
}

/// Calls a host function.
///
/// # Safety
/// `cx` is the live context of the calling instance, whose state nobody has; `func` is a host
/// function, whose arguments `slots` has.
#[inline(always)]
pub(super) unsafe fn enter_host(
    cx: *mut Context,
    func: &FuncObj,
    slots: &mut [u64],
    site: Site,
) -> Result<(), Trap> {
    let Target::Host { code, ty, .. } = &func.target else {
        return Ok(());
    };
    // SAFETY: as the caller promises.
    unsafe {
        (*cx).lent = true;
        let result = code(&mut Caller::new(cx, site), slots);
        (*cx).lent = false;
        for (ty, at) in places(&ty.results) {
            narrow(&mut slots[at], ty);
        }
        result
    }
}

/// Calls a host function or one of another instance from guest code of `cx`, arguments and
/// results at `args`. The calling frame is `sp`, and `resume` is the instruction behind the
/// call, or null if the frame does not go on. If it fails, `cx` has the trap pending.
///
/// # Safety
/// `cx` runs the calling code; `func` is live and `args` are its arguments in the topmost
/// temporaries of the calling frame, which has room for the results.
pub(crate) unsafe fn call_foreign(
    cx: *mut Context,
    func: *const FuncObj,
    args: *mut u64,
    resume: *const u64,
    sp: *mut u64,
) -> bool {
    // SAFETY: as the caller promises. Nothing else reads the slots while the callee has them.
    unsafe {
        let func = &*func;
        let slots = std::slice::from_raw_parts_mut(args, func.slots as usize);
        let top = std::mem::replace(&mut (*cx).top, args.add(func.slots as usize));
        let result = match &func.target {
            Target::Host { .. } => {
                let result = enter_host(cx, func, slots, Site { resume, sp, args });
                if (*cx).interrupt.load(Ordering::Relaxed) & SAMPLE != 0 {
                    sample::take_behind(cx, func, resume, sp);
                }
                result
            }
            Target::Guest { .. } => run(func, slots),
        };
        (*cx).top = top;
        match result {
            Ok(()) => true,
            Err(trap) => {
                (*cx).pending = Some(trap);
                false
            }
        }
    }
}

/// Attends to what set the interrupt word of the caller's instance.
///
/// # Safety
/// `cx` is live and that of `caller`.
pub(super) unsafe fn attend_to(cx: *mut Context, caller: &mut Caller<'_>) -> Result<(), Trap> {
    // SAFETY: as the caller promises.
    unsafe {
        let bits = (*cx).interrupt.swap(0, Ordering::SeqCst);
        if bits & STOP != 0 {
            return Err(Trap::new(TrapKind::Interrupted));
        }
        let instance = &*(*cx).instance;
        match instance.hook().filter(|_| bits & HOOK != 0) {
            Some(hook) => hook(caller),
            None => Ok(()),
        }
    }
}

/// Lends the state to `f` while the guest is stopped at the instruction `ip` in the frame `sp`.
///
/// # Safety
/// `cx` runs the instruction at `ip` in the frame `sp`, or is about to.
unsafe fn stopped<R>(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    f: impl FnOnce(&mut Caller<'_>) -> R,
) -> R {
    // SAFETY: as the caller promises.
    unsafe {
        let meta = (*(*cx).instance)
            .module()
            .function_at(ip)
            .map(|function| function.meta());
        let frame = meta.expect("guest code belongs to its module").frame as usize;
        let top = std::mem::replace(&mut (*cx).top, sp.add(frame));
        (*cx).lent = true;
        let result = f(&mut Caller::new(cx, Site::NONE));
        (*cx).lent = false;
        (*cx).top = top;
        result
    }
}

/// Attends to what set the interrupt word, between two instructions or before one.
/// If it stops the guest, `cx` has the trap pending.
///
/// # Safety
/// `cx` runs the instruction at `ip` in the frame `sp`, or is about to.
#[cold]
#[inline(never)]
pub(crate) unsafe fn attend(cx: *mut Context, ip: *const u64, sp: *mut u64) -> ControlFlow<()> {
    // SAFETY: as the caller promises.
    let result = unsafe {
        if (*cx).interrupt.load(Ordering::Relaxed) & SAMPLE != 0 {
            sample::take(cx, ip, sp, None);
        }
        stopped(cx, ip, sp, |caller| attend_to(cx, caller))
    };
    match result {
        Ok(()) => ControlFlow::Continue(()),
        Err(trap) => {
            // SAFETY: as the caller promises.
            unsafe { (*cx).pending = Some(trap) };
            ControlFlow::Break(())
        }
    }
}

/// Whether the pending trap is an exception.
///
/// # Safety
/// `cx` is live.
pub(crate) unsafe fn throws(cx: *mut Context) -> bool {
    // SAFETY: as the caller promises; nobody else has the trap.
    let pending = unsafe { &(*cx).pending };
    let kind = pending.as_ref().map(Trap::kind);
    matches!(kind, Some(TrapKind::Exception(_)))
}

/// Code by which a function is called as if it were of another type; null if it is not to be,
/// or cannot.
///
/// # Safety
/// `cx` runs the call; `func` is live.
#[cold]
#[inline(never)]
pub(crate) unsafe fn adapter(cx: *mut Context, func: *const FuncObj, caller: TypeId) -> *const u64 {
    // SAFETY: as the caller promises.
    unsafe {
        match index_of(cx, func) {
            Some(index) => (*(*cx).instance).adapter(index, caller),
            None => std::ptr::null(),
        }
    }
}

/// Translates a function on its first call. If that fails, `cx` has the trap pending.
///
/// # Safety
/// `cx` is live, and `cell` is one of its module's.
#[cold]
#[inline(never)]
pub(crate) unsafe fn translate_cell(cx: *mut Context, cell: *const Cell) -> bool {
    // SAFETY: as the caller promises.
    unsafe {
        match (*(*cx).instance).module().code_of(cell) {
            Ok(_) => true,
            Err(trap) => {
                (*cx).pending = Some(trap);
                false
            }
        }
    }
}
