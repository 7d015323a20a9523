//! Globals.

use std::cell::{RefCell, UnsafeCell};
use std::rc::Rc;

use super::instance::Inner as InstanceInner;
use super::table::Kept;
use super::types::{GlobalType, Value};

/// A global; clones share it.
#[derive(Clone)]
pub struct Global {
    pub(crate) inner: Rc<GlobalInner>,
    /// The instance that made it, which its value may refer to.
    pub(crate) _owner: Option<Rc<InstanceInner>>,
}

pub(crate) struct GlobalInner {
    ty: GlobalType,
    slots: UnsafeCell<[u64; 2]>,
    /// What its value may refer to.
    keep: RefCell<Vec<Kept>>,
}

impl GlobalInner {
    pub fn new(ty: GlobalType, bits: u128) -> GlobalInner {
        GlobalInner {
            ty,
            slots: UnsafeCell::new([bits as u64, (bits >> 64) as u64]),
            keep: RefCell::default(),
        }
    }

    /// Where the value is.
    pub fn cell(&self) -> *mut u64 {
        self.slots.get().cast()
    }

    pub fn keep(&self, kept: Kept) {
        self.keep.borrow_mut().push(kept);
    }

    /// The value; vectors alone use the upper half.
    pub fn bits(&self) -> u128 {
        // SAFETY: a global is used by one thread, and no reference to the cell is ever made.
        let [low, high] = unsafe { *self.slots.get() };
        u128::from(low) | u128::from(high) << 64
    }
}

impl Global {
    /// A global with a value; none if the value is of another type.
    pub fn new(ty: GlobalType, value: &Value) -> Option<Global> {
        let global = Global {
            inner: Rc::new(GlobalInner::new(ty, value.to_bits())),
            _owner: None,
        };
        (value.ty() == ty.ty).then(|| {
            global.keep(value);
            global
        })
    }

    fn keep(&self, value: &Value) {
        if let Value::FuncRef(Some(func)) = value {
            self.inner.keep(Kept::Func(func.clone()));
        }
    }

    /// Its type.
    pub fn ty(&self) -> GlobalType {
        self.inner.ty
    }

    /// Its value.
    pub fn get(&self) -> Value {
        // SAFETY: a function in a global is kept alive by what could put it there.
        unsafe { Value::from_bits(self.inner.ty.ty, self.inner.bits()) }
    }

    /// Sets its value; none if it is immutable or of another type.
    pub fn set(&self, value: &Value) -> Option<()> {
        if !self.inner.ty.mutable || value.ty() != self.inner.ty.ty {
            return None;
        }
        self.keep(value);
        // SAFETY: as for reading.
        unsafe {
            *self.inner.slots.get() = [value.to_bits() as u64, (value.to_bits() >> 64) as u64]
        };
        Some(())
    }
}

impl std::fmt::Debug for Global {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Global({:?} {:?})", self.inner.ty, self.get())
    }
}
