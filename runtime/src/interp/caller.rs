//! What host functions see of the guest that called them.

use std::any::Any;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::context::Context;
use super::func::{Func, narrow};
use super::instance::Instance;
use super::jumps::{Payload, Place};
use super::room;
use super::run::{self, attend_to, enter_host, jumps, run};
use super::table::Table;
use super::trap::{Trap, TrapKind};
use super::types::{FuncType, ValType, places};
use crate::memory::Memory;

const TOO_MANY: &str = "setjmp was called at too many places that longjmp could go back to";

/// Where guest code called a host function.
#[derive(Clone, Copy)]
pub(super) struct Site {
    /// The instruction behind the call; null if there is none to come back to.
    pub resume: *const u64,
    /// The calling frame.
    pub sp: *mut u64,
    /// The call's first argument.
    pub args: *mut u64,
}

impl Site {
    /// Nowhere.
    pub const NONE: Site = Site {
        resume: std::ptr::null(),
        sp: std::ptr::null_mut(),
        args: std::ptr::null_mut(),
    };
}

/// What a host function sees of the guest that called it.
pub struct Caller<'a> {
    cx: *mut Context,
    site: Site,
    /// Borrowed: it never drops.
    instance: ManuallyDrop<Instance>,
    _guest: PhantomData<&'a Instance>,
}

impl Caller<'_> {
    /// # Safety
    /// `cx` is live for as long as the caller is used, and stopped in a call or safepoint.
    #[inline(always)]
    pub(super) unsafe fn new<'a>(cx: *mut Context, site: Site) -> Caller<'a> {
        // SAFETY: instances live in an `Rc`; this takes no share in it, and gives up none.
        let instance = unsafe { Instance(Rc::from_raw((*cx).instance)) };
        Caller {
            cx,
            site,
            instance: ManuallyDrop::new(instance),
            _guest: PhantomData,
        }
    }

    /// The calling instance.
    pub fn instance(&self) -> &Instance {
        &self.instance
    }

    /// Its memory. An instance without one has an empty memory here, so that every address
    /// is out of bounds.
    pub fn memory(&self) -> &Memory {
        self.instance.0.memory_or_empty()
    }

    /// The embedder's state.
    ///
    /// # Panics
    /// If the state set for the instance is not a `T`: a mistake of the embedder's.
    pub fn state<T: Any>(&mut self) -> &mut T {
        // SAFETY: only the innermost `Caller` of an instance is usable (`Context::lent`, and
        // `self` is borrowed for as long as the state is).
        unsafe { self.instance.0.state() }
            .and_then(|state| state.downcast_mut())
            .expect("the instance has a state of this type")
    }

    /// Whether there is room on guest stack and native stack for a call of this function.
    pub fn has_room_for(&self, func: &Func) -> bool {
        // SAFETY: context and function are live.
        unsafe { run::has_room(self.cx, func) }
    }

    /// Has `f` call functions that may use what is kept back of guest stack and native stack:
    /// for handlers of their overflow.
    pub fn with_reserve<R>(&mut self, f: impl FnOnce(&mut Self) -> R) -> R {
        let native = room::spend(true);
        // SAFETY: the context is live and this thread's; the limit is the stack's own.
        unsafe {
            let whole = self.instance.0.stack_limit();
            let limit = std::mem::replace(&mut (*self.cx).limit, whole);
            let result = f(self);
            (*self.cx).limit = limit;
            room::spend(native);
            result
        }
    }

    /// Attends to what set the interrupt word, as a safepoint does: for host functions that
    /// were interrupted and want to go on.
    ///
    /// # Errors
    /// What the hook fails with, or `Interrupted`.
    pub fn attend(&mut self) -> Result<(), Trap> {
        // SAFETY: the context is live, and its instance is in this host function, which
        // borrows nothing of the instance's but `self`.
        unsafe { attend_to(self.cx, &mut *self) }
    }

    /// Marks the place behind the call of this host function, for [`Caller::jump`] to go back
    /// to as long as the calling function has not returned. `result` is what the call yields,
    /// `payload` is kept with the mark. The same call marks the same frame but once for each
    /// `key`. The mark's number is like that of no other in this process; 0, and no mark, if the
    /// call is the last thing that the calling function does.
    ///
    /// # Errors
    /// If there are too many.
    pub fn mark(
        &mut self,
        key: u64,
        result: Option<ValType>,
        payload: Payload,
    ) -> Result<u64, Trap> {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let Site { resume, sp, args } = self.site;
        if resume.is_null() {
            return Ok(0);
        }
        let function = self.instance.module().function_at(resume);
        let meta = function.expect("guest code belongs to its module").meta();
        // SAFETY: the frame has called this host function, and so is the innermost one; the
        // arguments are slots of it.
        unsafe {
            let place = Place {
                resume,
                sp,
                header: meta.header as usize,
                args: args.offset_from(sp) as usize,
            };
            let fresh = || LAST.fetch_add(1, Ordering::Relaxed) + 1;
            jumps(self.cx)
                .mark(place, key, result, payload, fresh)
                .map_err(|_| Trap::new(TrapKind::BadJump(TOO_MANY)))
        }
    }

    /// What is kept with a mark of this instance; none if there is no such mark, or not any
    /// more.
    pub fn marked(&self, id: u64) -> Option<Payload> {
        // SAFETY: this is the innermost `Caller`, which has the instance.
        unsafe { jumps(self.cx).payload(id) }
    }

    /// The trap by which guest code goes back to a mark, where the marking call yields
    /// `value` once more. Only whoever called guest code has to do with it: passes it on.
    pub fn jump(&self, id: u64, value: u64) -> Trap {
        Trap::new(TrapKind::Jump { id, value })
    }

    /// Calls the function at `index` of table 0 with raw slots; see [`HostFn`].
    pub fn call_table(&mut self, index: u32, slots: &mut [u64]) -> Result<(), Trap> {
        let func = self.table_func(index)?;
        self.call(&func, slots)
    }

    /// The function at `index` of table 0, or the trap that calling it would be.
    pub fn table_func(&self, index: u32) -> Result<Func, Trap> {
        let table = self.instance.table(0).filter(Table::holds_functions);
        match table {
            Some(table) if index < table.size() => table
                .func(index)
                .ok_or_else(|| Trap::new(TrapKind::UninitializedElement { index })),
            _ => Err(Trap::new(TrapKind::UndefinedElement { index })),
        }
    }

    /// Calls a function as if it were of type `ty`, as [`Options::emulate_fn_casts`] has it.
    ///
    /// # Errors
    /// The trap that an indirect call would be, through `index`, if the types are not the same
    /// and are not to be adapted; otherwise what the function ends with.
    ///
    /// [`Options::emulate_fn_casts`]: super::Options::emulate_fn_casts
    pub fn call_as(
        &mut self,
        func: &Func,
        ty: &FuncType,
        index: u32,
        slots: &mut [u64],
    ) -> Result<(), Trap> {
        let found = func.ty();
        if found == *ty {
            return self.call(func, slots);
        }
        let cast = self.instance.0.cast(func, ty, index)?;
        let mut arguments = cast.arguments(slots, &found);
        self.call(func, &mut arguments)?;
        cast.results(&arguments, slots);
        Ok(())
    }

    /// Calls a function with raw slots; see [`HostFn`]. The slice must have room for
    /// arguments and results. References among the arguments arrive as null.
    pub fn call(&mut self, func: &Func, slots: &mut [u64]) -> Result<(), Trap> {
        let ty = func.ty();
        if slots.len() < ty.slots() {
            return Err(Trap::message(format!(
                "a function of type {ty} was called with {} slots instead of {}",
                slots.len(),
                ty.slots()
            )));
        }
        for (param, at) in places(&ty.params) {
            narrow(&mut slots[at], param);
        }
        // SAFETY: `self` is borrowed, so nobody has the state; the context is live.
        unsafe {
            let lent = std::mem::replace(&mut (*self.cx).lent, false);
            let slots = &mut slots[..ty.slots()];
            let result = match func.is_host() {
                true => enter_host(self.cx, &*func.raw(), slots, Site::NONE),
                false => run(func.raw(), slots).map_err(Trap::freed),
            };
            (*self.cx).lent = lent;
            result
        }
    }
}
