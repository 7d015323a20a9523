//! Functions as values.

use std::fmt;
use std::rc::{Rc, Weak};
use std::sync::{self, Arc};

use super::caller::{Caller, Site};
use super::context::{Cell, Context};
use super::instance::Inner as InstanceInner;
#[cfg(doc)]
use super::instance::Instance;
use super::run::{ENTERED, enter_host, run};
use super::trap::Trap;
use super::types::{FuncType, TypeId, ValType, Value, from_slots, to_slots};

/// A function of the embedder's. It gets its arguments in the slice's first slots and
/// leaves its results there; the slice has room for the longer of both lists. 32-bit values
/// take the low half of a slot, zero-extended; vectors take two slots, the low half first.
pub type HostFn = dyn Fn(&mut Caller<'_>, &mut [u64]) -> Result<(), Trap> + Send + Sync;

/// A safepoint hook: what to do when [`InterruptHandle::request_hook`] was called.
///
/// [`InterruptHandle::request_hook`]: super::InterruptHandle::request_hook
pub type Hook = dyn Fn(&mut Caller<'_>) -> Result<(), Trap>;

/// What to do when guest code traps. The guest is stopped at the instruction that trapped;
/// after `Ok`, that instruction starts again. The trap itself, or another, ends the run.
pub type OnTrap = dyn Fn(&mut Caller<'_>, Trap) -> Result<(), Trap>;

/// A function as code sees it. References to functions are addresses of these.
pub(crate) struct FuncObj {
    pub ty: TypeId,
    /// How many slots its results take.
    pub results: u32,
    /// Slots for arguments and results.
    pub(super) slots: u32,
    /// The context of its instance; null for host functions.
    pub cx: *mut Context,
    /// Its code; null for host functions.
    pub cell: *const Cell,
    pub(super) target: Target,
}

pub(super) enum Target {
    Guest {
        instance: Weak<InstanceInner>,
        index: u32,
    },
    Host {
        code: Arc<HostFn>,
        ty: FuncType,
        myself: sync::Weak<FuncObj>,
    },
}

impl FuncObj {
    /// A function that a module defines, number `index` among all functions.
    pub fn guest(
        ty: &FuncType,
        id: TypeId,
        cx: *mut Context,
        cell: *const Cell,
        instance: Weak<InstanceInner>,
        index: u32,
    ) -> FuncObj {
        FuncObj {
            ty: id,
            results: ty.result_slots() as u32,
            slots: ty.slots() as u32,
            cx,
            cell,
            target: Target::Guest { instance, index },
        }
    }
}

/// A function. Clones refer to the same one.
#[derive(Clone)]
pub struct Func(Owner);

#[derive(Clone)]
enum Owner {
    Guest(Rc<InstanceInner>, u32),
    Host(HostFunc),
}

/// A function of the embedder's, which instances of many threads may share.
#[derive(Clone)]
pub struct HostFunc(Arc<FuncObj>);

// SAFETY: what other functions hold that belongs to one thread, an instance and addresses in it,
// this one has not; its code is `Send` and `Sync`.
unsafe impl Send for HostFunc {}
// SAFETY: as above.
unsafe impl Sync for HostFunc {}

impl HostFunc {
    /// A function of that type.
    ///
    /// References to functions and exceptions cannot be results: they arrive as null.
    pub fn new(ty: FuncType, code: Arc<HostFn>) -> HostFunc {
        let id = TypeId::of(&ty);
        HostFunc(Arc::new_cyclic(|myself| FuncObj {
            ty: id,
            results: ty.result_slots() as u32,
            slots: ty.slots() as u32,
            cx: std::ptr::null_mut(),
            cell: std::ptr::null(),
            target: Target::Host {
                code,
                ty,
                myself: sync::Weak::clone(myself),
            },
        }))
    }
}

impl From<HostFunc> for Func {
    fn from(func: HostFunc) -> Func {
        Func(Owner::Host(func))
    }
}

impl Func {
    /// A function of the embedder's.
    ///
    /// References to functions and exceptions cannot be results: they arrive as null.
    pub fn host(ty: FuncType, code: Arc<HostFn>) -> Func {
        HostFunc::new(ty, code).into()
    }

    /// Function `index` of an instance that has as many.
    pub(crate) fn guest(instance: Rc<InstanceInner>, index: u32) -> Func {
        // An imported function stays what it is.
        match instance.imported(index) {
            Some(func) => func.clone(),
            None => Func(Owner::Guest(instance, index)),
        }
    }

    pub(crate) fn raw(&self) -> *const FuncObj {
        match &self.0 {
            Owner::Guest(instance, index) => instance.func(*index),
            Owner::Host(func) => Arc::as_ptr(&func.0),
        }
    }

    /// # Safety
    /// `raw` is null or a live function.
    pub(crate) unsafe fn from_raw(raw: *const FuncObj) -> Option<Func> {
        // SAFETY: as the caller promises.
        let func = unsafe { raw.as_ref()? };
        Some(Func(match &func.target {
            Target::Guest { instance, index } => Owner::Guest(instance.upgrade()?, *index),
            Target::Host { myself, .. } => Owner::Host(HostFunc(myself.upgrade()?)),
        }))
    }

    /// Whether it is the embedder's.
    pub fn is_host(&self) -> bool {
        matches!(self.0, Owner::Host(_))
    }

    /// Its type.
    pub fn ty(&self) -> FuncType {
        self.id().ty()
    }

    /// Whether it is of that type.
    pub(crate) fn has_type(&self, wanted: &FuncType) -> bool {
        // SAFETY: `self` keeps the function alive.
        match unsafe { &(*self.raw()).target } {
            Target::Host { ty, .. } => ty == wanted,
            Target::Guest { .. } => self.ty() == *wanted,
        }
    }

    pub(crate) fn id(&self) -> TypeId {
        // SAFETY: `self` keeps the function alive.
        unsafe { (*self.raw()).ty }
    }

    /// Calls it. A host function needs an instance to be called from: see
    /// [`Instance::call`].
    pub fn call(&self, args: &[Value]) -> Result<Vec<Value>, Trap> {
        match &self.0 {
            // SAFETY: `self` keeps the instance and its context alive.
            Owner::Guest(instance, _) => unsafe { self.call_from(instance.cx(), args) },
            Owner::Host(_) => Err(Trap::message("a host function was called without a guest")),
        }
    }

    /// Calls it from an instance.
    ///
    /// # Safety
    /// `cx` is the live context of an instance, and this thread's.
    pub(crate) unsafe fn call_from(
        &self,
        cx: *mut Context,
        args: &[Value],
    ) -> Result<Vec<Value>, Trap> {
        let ty = self.ty();
        check_arguments(&ty, args)?;
        for arg in args {
            if let (Value::FuncRef(Some(func)), Owner::Guest(instance, _)) = (arg, &self.0) {
                instance.keep(func.clone());
            }
        }
        let mut slots = to_slots(args);
        slots.resize(ty.slots(), 0);
        // SAFETY: `self` keeps the function alive; the arguments fit the type.
        unsafe {
            match &self.0 {
                Owner::Guest(..) => run(self.raw(), &mut slots).map_err(Trap::freed)?,
                Owner::Host(func) => {
                    if (*cx).lent {
                        return Err(Trap::message(ENTERED));
                    }
                    enter_host(cx, &func.0, &mut slots, Site::NONE)?;
                }
            }
            Ok(from_slots(&ty.results, &slots))
        }
    }
}

fn check_arguments(ty: &FuncType, args: &[Value]) -> Result<(), Trap> {
    if args.len() != ty.params.len() || args.iter().zip(&ty.params).any(|(a, p)| a.ty() != *p) {
        let found: Vec<String> = args.iter().map(|arg| arg.ty().to_string()).collect();
        return Err(Trap::message(format!(
            "a function of type {ty} was called with ({})",
            found.join(", ")
        )));
    }
    Ok(())
}

impl fmt::Debug for Func {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Owner::Guest(_, index) => write!(f, "Func({index}: {})", self.ty()),
            Owner::Host(_) => write!(f, "Func(host: {})", self.ty()),
        }
    }
}

/// Makes a slot that the embedder wrote what a slot of this type may be.
pub(super) fn narrow(slot: &mut u64, ty: ValType) {
    match ty {
        ValType::I32 | ValType::F32 => *slot &= u64::from(u32::MAX),
        ValType::FuncRef | ValType::ExnRef => *slot = 0,
        _ => {}
    }
}

/// The index that a function has in the instance of `cx`, if it has one.
///
/// # Safety
/// `cx` is live, and so is `func`.
pub(super) unsafe fn index_of(cx: *mut Context, func: *const FuncObj) -> Option<u32> {
    // SAFETY: as the caller promises.
    unsafe {
        match (*func).target {
            Target::Guest { index, .. } if (*func).cx == cx => Some(index),
            _ => (*(*cx).instance).import_index(func),
        }
    }
}

/// The name of a function that is known to the instance of `cx`.
///
/// # Safety
/// As for [`index_of`].
pub(super) unsafe fn name_of(cx: *mut Context, func: *const FuncObj) -> Option<String> {
    // SAFETY: as the caller promises.
    unsafe {
        let index = index_of(cx, func)?;
        let module = (*(*cx).instance).module();
        match module.imported_func(index) {
            Some(import) => Some(format!("{}.{}", import.module, import.name)),
            None => module.func_name(index).map(str::to_string),
        }
    }
}
