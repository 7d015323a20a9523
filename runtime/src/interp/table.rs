//! Tables of references.

use std::cell::{Cell, RefCell, UnsafeCell};
use std::rc::Rc;

use super::func::Func;
use super::instance::Inner as InstanceInner;
use super::types::{TableType, ValType, Value};

/// Most elements a table may have: what the validator allows at the start, too.
const MAX_ELEMENTS: u32 = 10_000_000;

/// A table; clones share it.
#[derive(Clone)]
pub struct Table {
    pub(crate) inner: Rc<TableInner>,
    /// The instance that made it, which its elements may refer to.
    pub(crate) _owner: Option<Rc<InstanceInner>>,
}

/// What handlers see of a table. Elements are slots: null, or a reference.
pub(crate) struct TableInner {
    ty: TableType,
    elements: UnsafeCell<Vec<u64>>,
    /// The size, where a handler finds it at once.
    size: Cell<u32>,
    /// What the elements refer to: instances that may have put functions here, and
    /// functions that the embedder has.
    keep: RefCell<Vec<Kept>>,
}

/// Something kept alive for the references to it.
pub(crate) enum Kept {
    Instance(#[expect(dead_code, reason = "held for its drop")] Rc<InstanceInner>),
    Func(#[expect(dead_code, reason = "held for its drop")] Func),
}

impl TableInner {
    /// A table of `ty`'s least size, filled with `value`; none if that is too large, or there
    /// is no memory for it.
    pub fn new(ty: TableType, value: u64) -> Option<TableInner> {
        if ty.min > MAX_ELEMENTS {
            return None;
        }
        let mut elements = Vec::new();
        elements.try_reserve_exact(ty.min as usize).ok()?;
        elements.resize(ty.min as usize, value);
        Some(TableInner {
            ty,
            elements: UnsafeCell::new(elements),
            size: Cell::new(ty.min),
            keep: RefCell::default(),
        })
    }

    #[inline(always)]
    pub fn size(&self) -> u32 {
        self.size.get()
    }

    pub fn keep(&self, kept: Kept) {
        self.keep.borrow_mut().push(kept);
    }

    /// The elements.
    ///
    /// A table is used by one thread, and no method that holds this slice runs guest code
    /// or other code that could ask for it again.
    #[expect(clippy::mut_from_ref, reason = "see above")]
    fn elements(&self) -> &mut Vec<u64> {
        // SAFETY: `TableInner` is not `Sync`, and as said above no two of these live at once.
        unsafe { &mut *self.elements.get() }
    }

    #[inline(always)]
    pub fn get(&self, index: u32) -> Option<u64> {
        self.elements().get(index as usize).copied()
    }

    #[inline(always)]
    pub fn set(&self, index: u32, value: u64) -> Option<()> {
        *self.elements().get_mut(index as usize)? = value;
        Some(())
    }

    /// Shows all elements.
    pub fn see(&self, see: &mut dyn FnMut(&[u64])) {
        see(self.elements());
    }

    /// The size before, unless growth is not possible.
    #[inline(never)]
    pub fn grow(&self, delta: u32, value: u64) -> Option<u32> {
        let before = self.size();
        let limit = self.ty.max.unwrap_or(u32::MAX).min(MAX_ELEMENTS);
        let after = before.checked_add(delta).filter(|&after| after <= limit)?;
        let elements = self.elements();
        // Growing by one again and again should not copy each time, while there is room.
        elements
            .try_reserve(delta as usize)
            .or_else(|_| elements.try_reserve_exact(delta as usize))
            .ok()?;
        elements.resize(after as usize, value);
        self.size.set(after);
        Some(before)
    }

    #[inline(never)]
    pub fn fill(&self, start: u32, value: u64, len: u32) -> Option<()> {
        self.elements().get_mut(range(start, len)?)?.fill(value);
        Some(())
    }

    #[inline(never)]
    pub fn init(&self, to: u32, items: &[u64], from: u32, len: u32) -> Option<()> {
        let source = items.get(range(from, len)?)?;
        self.elements()
            .get_mut(range(to, len)?)?
            .copy_from_slice(source);
        Some(())
    }

    #[inline(never)]
    pub fn copy(&self, to: u32, other: &TableInner, from: u32, len: u32) -> Option<()> {
        let (source, target) = (range(from, len)?, range(to, len)?);
        if std::ptr::eq(self, other) {
            let elements = self.elements();
            if source.end > elements.len() || target.end > elements.len() {
                return None;
            }
            elements.copy_within(source, target.start);
        } else {
            let source = other.elements().get(source)?;
            self.elements().get_mut(target)?.copy_from_slice(source);
        }
        Some(())
    }
}

fn range(start: u32, len: u32) -> Option<std::ops::Range<usize>> {
    let start = start as usize;
    Some(start..start.checked_add(len as usize)?)
}

impl Table {
    /// A table of `ty`'s least size, filled with `value`; none if that is too large, there is
    /// no memory for it, or the value is of another type.
    pub fn new(ty: TableType, value: &Value) -> Option<Table> {
        if value.ty() != ty.element {
            return None;
        }
        let table = Table {
            inner: Rc::new(TableInner::new(ty, value.to_slot())?),
            _owner: None,
        };
        table.keep(value);
        Some(table)
    }

    fn keep(&self, value: &Value) {
        if let Value::FuncRef(Some(func)) = value {
            self.inner.keep(Kept::Func(func.clone()));
        }
    }

    /// Its type, as declared.
    pub fn ty(&self) -> TableType {
        self.inner.ty
    }

    /// How many elements it has.
    pub fn size(&self) -> u32 {
        self.inner.size()
    }

    /// The element at `index`, if there is one.
    pub fn get(&self, index: u32) -> Option<Value> {
        let slot = self.inner.get(index)?;
        // SAFETY: elements of a table of functions are null or functions it keeps alive.
        Some(unsafe { Value::from_bits(self.inner.ty.element, slot.into()) })
    }

    /// The function at `index`; none if there is no such element, it is null, or the table
    /// is not one of functions.
    pub fn func(&self, index: u32) -> Option<Func> {
        match self.get(index)? {
            Value::FuncRef(func) => func,
            _ => None,
        }
    }

    /// Sets the element at `index`; none if there is no such element or the value is of
    /// another type.
    pub fn set(&self, index: u32, value: &Value) -> Option<()> {
        if value.ty() != self.inner.ty.element {
            return None;
        }
        self.inner.set(index, value.to_slot())?;
        self.keep(value);
        Some(())
    }

    /// Whether its elements are functions.
    pub fn holds_functions(&self) -> bool {
        self.inner.ty.element == ValType::FuncRef
    }
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Table({} of {:?})", self.size(), self.inner.ty)
    }
}
