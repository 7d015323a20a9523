//! Making instances: from a module and what it imports to code that can run.

use std::any::Any;
use std::cell::{Cell as StdCell, OnceCell, RefCell, UnsafeCell};
use std::rc::Rc;
use std::sync::Arc;

use super::exception::{self, Tag};
use super::func::{Func, FuncObj, Hook, OnTrap};
use super::global::{Global, GlobalInner};
use super::handlers::memory::init_bytes;
use super::instance::{Inner, Instance};
use super::interrupt::{InterruptHandle, SharedContext};
use super::link::{Extern, LinkError, Resolver};
use super::module::{Module, SegmentKind};
use super::sample::Sampler;
use super::stack::GuestStack;
use super::table::{Kept, Table, TableInner};
use super::trap::{Exit, Trap, TrapKind};
use crate::memory::Memory;

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
                    let info = unsafe {
                        // It does not start again.
                        (*inner.cx()).bulk_done = 0;
                        (*inner.cx()).trap_info
                    };
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
