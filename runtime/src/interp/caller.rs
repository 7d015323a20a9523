//! What host functions see of the guest that called them.

use std::any::Any;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::rc::Rc;

use super::context::Context;
use super::func::{Func, attend_to, narrow, run};
use super::instance::Instance;
use super::table::Table;
use super::trap::{Trap, TrapKind};
use crate::memory::Memory;

/// What a host function sees of the guest that called it.
pub struct Caller<'a> {
    cx: *mut Context,
    /// Borrowed: it never drops.
    instance: ManuallyDrop<Instance>,
    _guest: PhantomData<&'a Instance>,
}

impl Caller<'_> {
    /// # Safety
    /// `cx` is live for as long as the caller is used, and stopped in a call or safepoint.
    #[inline(always)]
    pub(super) unsafe fn new<'a>(cx: *mut Context) -> Caller<'a> {
        // SAFETY: instances live in an `Rc`; this takes no share in it, and gives up none.
        let instance = unsafe { Instance(Rc::from_raw((*cx).instance)) };
        Caller {
            cx,
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

    /// Calls a guest's function with raw slots; see [`HostFn`]. The slice must have room for
    /// arguments and results. References among the arguments arrive as null.
    pub fn call(&mut self, func: &Func, slots: &mut [u64]) -> Result<(), Trap> {
        if func.is_host() {
            return Err(Trap::message("a host function was called without a guest"));
        }
        let ty = func.ty();
        if slots.len() < ty.slots() {
            return Err(Trap::message(format!(
                "a function of type {ty} was called with {} slots instead of {}",
                slots.len(),
                ty.slots()
            )));
        }
        for (slot, param) in slots.iter_mut().zip(&ty.params) {
            narrow(slot, *param);
        }
        // SAFETY: `self` is borrowed, so nobody has the state; the context is live.
        unsafe {
            let lent = std::mem::replace(&mut (*self.cx).lent, false);
            let result = run(func.raw(), &mut slots[..ty.slots()]);
            (*self.cx).lent = lent;
            result
        }
    }
}
