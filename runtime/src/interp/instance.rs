//! Instances: a module's functions with memory, tables and globals of their own.

use std::any::Any;
use std::cell::{Cell as StdCell, OnceCell, RefCell, UnsafeCell};
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use super::cast::Cast;
use super::context::Context;
use super::exception::{self, Tag};
use super::func::{Func, FuncObj, Hook, OnTrap, name_of};
use super::global::{Global, GlobalInner};
use super::handlers::memory::init_bytes;
use super::interrupt::{InterruptHandle, SharedContext};
use super::jumps::Jumps;
use super::link::{Extern, LinkError, Resolver};
use super::module::{Data, ExportIndex, Module, SegmentKind};
use super::sample::Sampler;
use super::stack::GuestStack;
use super::table::{Kept, Table, TableInner};
use super::trap::{Exit, Trap, TrapKind};
use super::types::{FuncType, MemoryType, TypeId, ValType, Value, from_slots, to_slots};
use crate::memory::Memory;

/// An instance of a module, used by one thread.
///
/// Instances that share a table, or a global that holds references, keep each other alive,
/// since each may have put its functions there.
pub struct Instance(pub(crate) Rc<Inner>);

/// How to make an instance.
pub struct Options {
    /// Bytes of the guest stack.
    pub stack_bytes: usize,
    /// The embedder's state, for host functions.
    pub state: Option<Box<dyn Any>>,
    /// Stands in for the memory that the module defines. This is how the threads of a
    /// program share its memory.
    pub memory: Option<Memory>,
    /// Whether active data segments are copied to that memory. They are not when another
    /// instance has done so: that would undo what the program has written since.
    pub fresh_memory: bool,
    /// What to do at a safepoint when [`InterruptHandle::request_hook`] was called.
    pub hook: Option<Box<Hook>>,
    /// What to do with the instance before any of its code runs.
    pub ready: Option<Box<Ready>>,
    /// What to do with samples that [`InterruptHandle::request_sample`] asks for.
    pub sampler: Option<Box<Sampler>>,
    /// What to do when guest code traps.
    pub on_trap: Option<Box<OnTrap>>,
    /// Whether indirect calls reach functions of other types, as in C on x86-64; otherwise they
    /// trap, as WebAssembly has it.
    pub emulate_fn_casts: bool,
}

/// See [`Options::ready`].
pub type Ready = dyn FnOnce(&mut Instance);

impl Default for Options {
    fn default() -> Self {
        Options {
            stack_bytes: 16 << 20,
            state: None,
            memory: None,
            fresh_memory: false,
            hook: None,
            ready: None,
            sampler: None,
            on_trap: None,
            emulate_fn_casts: false,
        }
    }
}

pub(crate) struct Inner {
    module: Module,
    context: Arc<SharedContext>,
    stack: GuestStack,
    memory: Option<Memory>,
    /// Stands in where host code asks for a memory that the module does not have.
    empty: OnceCell<Memory>,
    imported_funcs: Vec<Func>,
    /// Functions the module defines.
    objects: Box<[FuncObj]>,
    /// All functions.
    funcs: Box<[*const FuncObj]>,
    tables: Vec<Table>,
    table_pointers: Box<[*const TableInner]>,
    globals: Vec<Global>,
    global_pointers: Box<[*mut u64]>,
    tags: Vec<Tag>,
    dropped_data: Box<[StdCell<bool>]>,
    /// Items of element segments, emptied when dropped.
    elements: RefCell<Vec<Vec<u64>>>,
    state: UnsafeCell<Option<Box<dyn Any>>>,
    hook: Option<Box<Hook>>,
    sampler: Option<Box<Sampler>>,
    on_trap: Option<Box<OnTrap>>,
    /// Functions that the embedder passed in.
    kept: RefCell<Vec<Func>>,
    jumps: UnsafeCell<Jumps>,
    emulates_fn_casts: bool,
    /// What the module has said about adapters, so as not to ask it at each call.
    adapters: RefCell<HashMap<(u32, TypeId), *const u64>>,
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
    /// Instantiates a module: finds its imports, initialises memory and tables, and runs the
    /// start function.
    pub fn new(module: &Module, imports: &dyn Resolver) -> Result<Instance, LinkError> {
        Instance::with_options(module, imports, Options::default())
    }

    /// Instantiates a module.
    pub fn with_options(
        module: &Module,
        imports: &dyn Resolver,
        options: Options,
    ) -> Result<Instance, LinkError> {
        let mut prepared = Instance::prepare(module, imports, options)?;
        prepared.start()?;
        Ok(prepared.into_instance())
    }

    /// Makes all of an instance that needs no code of the guest's to run.
    pub fn prepare(
        module: &Module,
        imports: &dyn Resolver,
        mut options: Options,
    ) -> Result<Prepared, LinkError> {
        crate::fault::install();
        let ready = options.ready.take();
        let reuses_memory =
            options.memory.is_some() && module.0.memory.is_some() && !options.fresh_memory;
        let instance = build(module, imports, options)?;
        Ok(Prepared {
            instance,
            ready,
            reuses_memory,
        })
    }

    fn initialise(&self, reuses_memory: bool) -> Result<(), Trap> {
        let inner = &self.0;
        let module = inner.module.0.as_ref();
        let global = |index: u32| inner.globals[index as usize].inner.bits();
        let func = |index: u32| inner.func(index) as u64;
        for (index, segment) in module.elements.iter().enumerate() {
            let index = index as u32;
            if let SegmentKind::Active { target, offset } = &segment.kind {
                let to = offset.evaluate(global, func) as u32;
                let table = &inner.tables[*target as usize].inner;
                let len = segment.items.len() as u32;
                inner
                    .init_table(table, index, to, 0, len)
                    .ok_or_else(|| Trap::new(TrapKind::TableOutOfBounds))?;
            }
            if !matches!(segment.kind, SegmentKind::Passive) {
                inner.drop_elements(index);
            }
        }
        for (index, segment) in module.data.iter().enumerate() {
            let index = index as u32;
            let SegmentKind::Active { offset, .. } = &segment.kind else {
                continue;
            };
            if !reuses_memory {
                let to = offset.evaluate(global, func) as u32;
                let memory = inner.memory_or_empty();
                let len = segment.range.len() as u32;
                // SAFETY: the context is live, and validation requires a memory.
                let done = unsafe { init_bytes(inner.cx(), memory.base(), index, to, 0, len) };
                done.map_err(|exit| {
                    // SAFETY: the context is live, and nothing else uses it now.
                    let info = unsafe { (*inner.cx()).trap_info };
                    Trap::new(match exit {
                        Exit::MemoryOutOfBounds => TrapKind::MemoryOutOfBounds { address: info },
                        _ => TrapKind::MemoryProtected {
                            address: info - memory.base() as u64,
                        },
                    })
                })?;
            }
            inner.drop_data(index);
        }
        Ok(())
    }

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

/// An instance before any of its code has run.
///
/// It may be moved to another thread and started there if nothing that it was made of is
/// shared with this one: its imports are [`HostFunc`](super::HostFunc)s, and what its options
/// hold can be sent.
pub struct Prepared {
    instance: Instance,
    ready: Option<Box<Ready>>,
    reuses_memory: bool,
}

impl Prepared {
    /// Initialises memory and tables and runs the start function.
    pub fn start(&mut self) -> Result<(), LinkError> {
        let instance = &mut self.instance;
        if let Some(ready) = self.ready.take() {
            ready(instance);
        }
        exception::enter(&instance.0);
        instance.initialise(self.reuses_memory)?;
        if let Some(start) = instance.module().0.start {
            instance.call(&Func::guest(Rc::clone(&instance.0), start), &[])?;
        }
        Ok(())
    }

    /// A handle by which other threads interrupt the guest.
    pub fn interrupt_handle(&self) -> InterruptHandle {
        self.instance.interrupt_handle()
    }

    /// The instance, which is usable once it has been started.
    pub fn into_instance(self) -> Instance {
        self.instance
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance")
            .field("module", &self.0.module)
            .finish_non_exhaustive()
    }
}

/// Makes the parts of an instance, uninitialised.
fn build(module: &Module, imports: &dyn Resolver, options: Options) -> Result<Instance, LinkError> {
    let parts = module.0.as_ref();
    let (mut funcs, mut tables, mut globals) = (Vec::new(), Vec::new(), Vec::new());
    let mut tags = Vec::new();
    let mut memory = None;
    for (index, import) in parts.imports.iter().enumerate() {
        let found = imports
            .resolve_at(index, import)
            .ok_or_else(|| LinkError::Missing(Box::new(import.clone())))?;
        if !found.matches(&import.ty) {
            let (import, found) = (Box::new(import.clone()), Box::new(found.ty()));
            return Err(LinkError::Incompatible { import, found });
        }
        match found {
            Extern::Func(func) => funcs.push(func),
            Extern::Table(table) => tables.push(table),
            Extern::Memory(found) => memory = Some(found),
            Extern::Global(global) => globals.push(global),
            Extern::Tag(tag) => tags.push(tag),
        }
    }
    for &ty in &parts.tags[tags.len()..] {
        tags.push(Tag::new(parts.types[ty as usize].0.params.clone()));
    }
    if let Some(ty) = parts.memory {
        memory = Some(match options.memory {
            Some(memory) => memory,
            None => Memory::new(ty).map_err(LinkError::Memory)?,
        });
    }
    let stack = GuestStack::new(options.stack_bytes).map_err(LinkError::Stack)?;
    let imported_tables = tables.len();
    let imported_globals = globals.len();
    let context = Arc::new(SharedContext::new());
    let cx = context.get();

    let mut failed = None;
    let inner = Rc::new_cyclic(|myself| {
        let first = parts.imported_funcs;
        let objects: Box<[FuncObj]> = parts
            .bodies
            .iter()
            .enumerate()
            .map(|(i, body)| {
                let (ty, id) = &parts.types[body.ty as usize];
                let index = first + i as u32;
                FuncObj::guest(ty, *id, cx, &parts.cells[i], myself.clone(), index)
            })
            .collect();
        let pointers: Box<[*const FuncObj]> = funcs
            .iter()
            .map(Func::raw)
            .chain(objects.iter().map(std::ptr::from_ref))
            .collect();
        let func = |index: u32| pointers[index as usize] as u64;

        for def in &parts.globals {
            let global = |index: u32| -> u128 {
                let global: &Global = &globals[index as usize];
                global.inner.bits()
            };
            let bits = def.init.evaluate(global, func);
            let inner = Rc::new(GlobalInner::new(def.ty, bits));
            globals.push(Global {
                inner,
                _owner: None,
            });
        }
        let global = |index: u32| globals[index as usize].inner.bits();
        for def in &parts.tables {
            let value = def
                .init
                .as_ref()
                .map_or(0, |init| init.evaluate(global, func) as u64);
            match TableInner::new(def.ty, value) {
                Some(table) => tables.push(Table {
                    inner: Rc::new(table),
                    _owner: None,
                }),
                None => {
                    failed = Some(LinkError::Table {
                        elements: def.ty.min,
                    })
                }
            }
        }
        let elements = parts
            .elements
            .iter()
            .map(|segment| {
                segment
                    .items
                    .iter()
                    .map(|item| item.evaluate(global, func) as u64)
                    .collect()
            })
            .collect();
        Inner {
            module: module.clone(),
            context,
            stack,
            memory,
            empty: OnceCell::new(),
            imported_funcs: funcs,
            objects,
            funcs: pointers,
            table_pointers: tables
                .iter()
                .map(|table| Rc::as_ptr(&table.inner))
                .collect(),
            tables,
            global_pointers: globals.iter().map(|global| global.inner.cell()).collect(),
            globals,
            tags,
            dropped_data: parts.data.iter().map(|_| StdCell::new(false)).collect(),
            elements: RefCell::new(elements),
            state: UnsafeCell::new(options.state),
            hook: options.hook,
            sampler: options.sampler,
            on_trap: options.on_trap,
            kept: RefCell::default(),
            jumps: UnsafeCell::default(),
            emulates_fn_casts: options.emulate_fn_casts,
            adapters: RefCell::default(),
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    debug_assert_eq!(inner.objects.len(), parts.bodies.len());
    // SAFETY: nothing runs yet, so that the context is ours.
    unsafe {
        (*cx).limit = inner.stack.limit_without_reserve();
        (*cx).top = inner.stack.base();
        (*cx).cells = parts.cells.as_ptr();
        (*cx).globals = inner.global_pointers.as_ptr();
        (*cx).tables = inner.table_pointers.as_ptr();
        (*cx).funcs = inner.funcs.as_ptr();
        (*cx).memory = inner
            .memory
            .as_ref()
            .map_or(std::ptr::null(), std::ptr::from_ref);
        (*cx).instance = Rc::as_ptr(&inner);
    }
    // Whatever is shared may come to hold this instance's functions.
    for table in &inner.tables[..imported_tables] {
        table.inner.keep(Kept::Instance(Rc::clone(&inner)));
    }
    for global in &inner.globals[..imported_globals] {
        if global.ty().mutable && global.ty().ty.is_ref() {
            global.inner.keep(Kept::Instance(Rc::clone(&inner)));
        }
    }
    Ok(Instance(inner))
}
