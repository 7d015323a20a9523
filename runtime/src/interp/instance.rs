//! Instances: a module's functions with memory, tables and globals of their own.

use std::any::Any;
use std::cell::{Cell as StdCell, OnceCell, RefCell, UnsafeCell};
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use super::cast::Cast;
use super::context::Context;
use super::exception::Tag;
use super::func::{Func, FuncObj, Hook, OnTrap, name_of};
use super::global::Global;
use super::interrupt::{InterruptHandle, SharedContext};
use super::jumps::Jumps;
use super::link::Extern;
use super::module::{Data, ExportIndex, Module};
use super::sample::Sampler;
use super::stack::GuestStack;
use super::table::{Table, TableInner};
use super::trap::{Trap, TrapKind};
use super::types::{FuncType, MemoryType, TypeId, ValType, Value, from_slots, to_slots};
use crate::memory::Memory;

/// An instance of a module, used by one thread.
///
/// Instances that share a table, or a global that holds references, keep each other alive,
/// since each may have put its functions there.
pub struct Instance(pub(crate) Rc<Inner>);

pub(crate) struct Inner {
    pub(super) module: Module,
    pub(super) context: Arc<SharedContext>,
    pub(super) stack: GuestStack,
    pub(super) memory: Option<Memory>,
    /// Stands in where host code asks for a memory that the module does not have.
    pub(super) empty: OnceCell<Memory>,
    pub(super) imported_funcs: Vec<Func>,
    /// Functions the module defines.
    pub(super) objects: Box<[FuncObj]>,
    /// All functions.
    pub(super) funcs: Box<[*const FuncObj]>,
    pub(super) tables: Vec<Table>,
    pub(super) table_pointers: Box<[*const TableInner]>,
    pub(super) globals: Vec<Global>,
    pub(super) global_pointers: Box<[*mut u64]>,
    pub(super) tags: Vec<Tag>,
    pub(super) dropped_data: Box<[StdCell<bool>]>,
    /// Items of element segments, emptied when dropped.
    pub(super) elements: RefCell<Vec<Vec<u64>>>,
    pub(super) state: UnsafeCell<Option<Box<dyn Any>>>,
    pub(super) hook: Option<Box<Hook>>,
    pub(super) sampler: Option<Box<Sampler>>,
    pub(super) on_trap: Option<Box<OnTrap>>,
    /// Functions that the embedder passed in.
    pub(super) kept: RefCell<Vec<Func>>,
    pub(super) jumps: UnsafeCell<Jumps>,
    pub(super) emulates_fn_casts: bool,
    /// What the module has said about adapters, so as not to ask it at each call.
    pub(super) adapters: RefCell<HashMap<(u32, TypeId), *const u64>>,
}

impl Inner {
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// The imported function of an index, if it is one.
    pub fn imported(&self, index: u32) -> Option<&Func> {
        self.imported_funcs.get(index as usize)
    }

    pub fn func(&self, index: u32) -> *const FuncObj {
        self.funcs[index as usize]
    }

    /// The tag of an index.
    pub fn tag(&self, index: u32) -> &Tag {
        &self.tags[index as usize]
    }

    /// Has messages call a tag of this instance by the name that it has here.
    pub fn name_tag(&self, tag: &Tag) {
        if let Some(index) = self.tags.iter().position(|known| known == tag) {
            tag.name(|| self.module.tag_name(index as u32));
        }
    }

    /// Shows all words that may be references to exceptions. Its stack is in use up to `end`, or,
    /// where none of its code runs or its code has called the host, up to where that says.
    pub fn words_that_may_refer(&self, end: Option<*const u64>, see: &mut dyn FnMut(&[u64])) {
        let is_reference = |ty: ValType| ty == ValType::ExnRef;
        // SAFETY: this thread's code is stopped, so that the context, the stack up to there and
        // the marks are not in use.
        unsafe {
            let base = self.stack.base().cast_const();
            let end = end.unwrap_or((*self.cx()).top.cast_const());
            see(std::slice::from_raw_parts(
                base,
                end.offset_from(base) as usize,
            ));
            see(self.jumps().slots());
        }
        for global in &self.globals {
            if is_reference(global.ty().ty) {
                see(&[global.inner.bits() as u64]);
            }
        }
        for table in &self.tables {
            if is_reference(table.ty().element) {
                table.inner.see(see);
            }
        }
        for elements in self.elements.borrow().iter() {
            see(elements);
        }
    }

    pub fn memory_or_empty(&self) -> &Memory {
        self.memory.as_ref().unwrap_or_else(|| {
            self.empty.get_or_init(|| {
                let ty = MemoryType {
                    min_pages: 0,
                    max_pages: Some(0),
                    shared: false,
                };
                Memory::new(ty).expect("address space for an empty memory")
            })
        })
    }

    /// The embedder's state.
    ///
    /// # Safety
    /// Nobody else has it.
    #[expect(
        clippy::mut_from_ref,
        reason = "the caller promises that it is the only one"
    )]
    pub unsafe fn state(&self) -> Option<&mut Box<dyn Any>> {
        // SAFETY: as the caller promises.
        unsafe { (*self.state.get()).as_mut() }
    }

    /// The index of an imported function.
    pub fn import_index(&self, func: *const FuncObj) -> Option<u32> {
        let imported = &self.funcs[..self.imported_funcs.len()];
        let index = imported.iter().position(|&known| known == func)?;
        Some(index as u32)
    }

    /// Where the guest stack ends.
    pub fn stack_limit(&self) -> usize {
        self.stack.limit()
    }

    /// How a function is called by another type than its own; the trap that an indirect call
    /// through `index` would be if it is not to be, or cannot.
    pub fn cast(&self, func: &Func, caller: &FuncType, index: u32) -> Result<Cast, Trap> {
        let found = func.ty();
        let cast = Cast::new(caller, &found).filter(|_| self.emulates_fn_casts);
        cast.ok_or_else(|| {
            Trap::new(TrapKind::IndirectCallTypeMismatch {
                expected: caller.clone(),
                found,
                index,
                // SAFETY: context and function are live.
                name: unsafe { name_of(self.cx(), func.raw()) },
            })
        })
    }

    /// Code by which a function is called as if it were of another type; null if it is not to
    /// be, or cannot.
    pub fn adapter(&self, func: u32, caller: TypeId) -> *const u64 {
        if !self.emulates_fn_casts {
            return std::ptr::null();
        }
        let mut adapters = self.adapters.borrow_mut();
        let made = adapters.entry((func, caller));
        *made.or_insert_with(|| self.module.adapter(func, caller))
    }

    /// The places in its code to come back to.
    ///
    /// # Safety
    /// Nobody else has them.
    #[expect(
        clippy::mut_from_ref,
        reason = "the caller promises that it is the only one"
    )]
    pub unsafe fn jumps(&self) -> &mut Jumps {
        // SAFETY: as the caller promises.
        unsafe { &mut *self.jumps.get() }
    }

    pub fn hook(&self) -> Option<&Hook> {
        self.hook.as_deref()
    }

    pub fn sampler(&self) -> Option<&Sampler> {
        self.sampler.as_deref()
    }

    pub fn on_trap(&self) -> Option<&OnTrap> {
        self.on_trap.as_deref()
    }

    /// Keeps a function alive that the guest may hold from now on.
    pub fn keep(&self, func: Func) {
        self.kept.borrow_mut().push(func);
    }

    /// The bytes of a data segment, none once dropped.
    pub fn data(&self, index: u32) -> &[u8] {
        if self.dropped_data[index as usize].get() {
            return &[];
        }
        let segment: &Data = &self.module.0.data[index as usize];
        &self.module.0.bytes[segment.range.clone()]
    }

    pub fn drop_data(&self, index: u32) {
        self.dropped_data[index as usize].set(true);
    }

    pub fn init_table(
        &self,
        table: &TableInner,
        segment: u32,
        to: u32,
        from: u32,
        len: u32,
    ) -> Option<()> {
        table.init(to, &self.elements.borrow()[segment as usize], from, len)
    }

    pub fn drop_elements(&self, segment: u32) {
        self.elements.borrow_mut()[segment as usize] = Vec::new();
    }

    pub fn cx(&self) -> *mut Context {
        self.context.get()
    }
}

impl Instance {
    /// The module it is an instance of.
    pub fn module(&self) -> &Module {
        &self.0.module
    }

    /// An export.
    pub fn export(&self, name: &str) -> Option<Extern> {
        Some(match self.0.module.export(name)? {
            ExportIndex::Func(index) => Extern::Func(self.func(index)?),
            ExportIndex::Table(index) => Extern::Table(self.table(index)?),
            ExportIndex::Memory(_) => Extern::Memory(self.memory()?.clone()),
            ExportIndex::Global(index) => Extern::Global(self.global(index)?),
            ExportIndex::Tag(index) => Extern::Tag(self.0.tags.get(index as usize)?.clone()),
        })
    }

    /// A function by its index, exported or not.
    pub fn func(&self, index: u32) -> Option<Func> {
        ((index as usize) < self.0.funcs.len()).then(|| Func::guest(Rc::clone(&self.0), index))
    }

    /// A table by its index, exported or not.
    pub fn table(&self, index: u32) -> Option<Table> {
        let table = self.0.tables.get(index as usize)?;
        Some(Table {
            inner: Rc::clone(&table.inner),
            _owner: Some(Rc::clone(&self.0)),
        })
    }

    /// The memory, exported or not.
    pub fn memory(&self) -> Option<&Memory> {
        self.0.memory.as_ref()
    }

    /// A global by its index, exported or not.
    pub fn global(&self, index: u32) -> Option<Global> {
        let global = self.0.globals.get(index as usize)?;
        Some(Global {
            inner: Rc::clone(&global.inner),
            _owner: Some(Rc::clone(&self.0)),
        })
    }

    /// A global by the name that the name section gives it.
    pub fn global_by_name(&self, name: &str) -> Option<Global> {
        self.global(self.0.module.global_by_name(name)?)
    }

    /// Calls a function, which may be a host function: this instance is then its caller.
    pub fn call(&self, func: &Func, args: &[Value]) -> Result<Vec<Value>, Trap> {
        // SAFETY: the context is live, and this thread's.
        unsafe { func.call_from(self.0.cx(), args) }
    }

    /// Calls a function of another type than `ty` as if it were of that type, as
    /// [`Options::emulate_fn_casts`] has it, and drops its results.
    ///
    /// # Errors
    /// The trap that an indirect call through `index` would be if the types are not to be
    /// adapted; otherwise what the function ends with.
    pub fn call_as(
        &self,
        func: &Func,
        ty: &FuncType,
        index: u32,
        args: &[Value],
    ) -> Result<(), Trap> {
        let cast = self.0.cast(func, ty, index)?;
        let found = func.ty();
        let slots = cast.arguments(&to_slots(args), &found);
        // SAFETY: a type that can be cast has no references.
        let args = unsafe { from_slots(&found.params, &slots) };
        self.call(func, &args).map(|_| ())
    }

    /// Calls an exported function.
    pub fn invoke(&self, name: &str, args: &[Value]) -> Result<Vec<Value>, Trap> {
        match self.export(name) {
            Some(Extern::Func(func)) => self.call(&func, args),
            _ => Err(Trap::message(format!(
                "there is no exported function `{name}`"
            ))),
        }
    }

    /// The embedder's state, while no host function runs; none if it is not a `T`.
    pub fn state<T: Any>(&mut self) -> Option<&mut T> {
        // SAFETY: the context is live; while a host function has the state, nobody else gets
        // it, and none starts as long as this borrow lasts.
        unsafe {
            if (*self.0.cx()).lent {
                return None;
            }
            self.0.state()?.downcast_mut()
        }
    }

    /// A handle by which other threads, or signal handlers, interrupt the guest.
    pub fn interrupt_handle(&self) -> InterruptHandle {
        InterruptHandle::new(Arc::clone(&self.0.context))
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance")
            .field("module", &self.0.module)
            .finish_non_exhaustive()
    }
}
