//! Types and values at the interpreter's edge.

use std::collections::HashMap;
use std::fmt;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use super::exception::{self, Exception};
use super::func::Func;

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValType {
    /// 32-bit integer.
    I32,
    /// 64-bit integer.
    I64,
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
    /// Vector of 128 bits.
    V128,
    /// Reference to a function, or null.
    FuncRef,
    /// Reference to something of the embedder's, or null.
    ExternRef,
    /// Reference to an exception, or null.
    ExnRef,
}

impl ValType {
    /// The type as `wasmparser` has it; none for types outside the interpreter's features.
    pub(crate) fn from_wasm(ty: wasmparser::ValType) -> Option<ValType> {
        Some(match ty {
            wasmparser::ValType::I32 => ValType::I32,
            wasmparser::ValType::I64 => ValType::I64,
            wasmparser::ValType::F32 => ValType::F32,
            wasmparser::ValType::F64 => ValType::F64,
            wasmparser::ValType::V128 => ValType::V128,
            wasmparser::ValType::Ref(wasmparser::RefType::FUNCREF) => ValType::FuncRef,
            wasmparser::ValType::Ref(wasmparser::RefType::EXTERNREF) => ValType::ExternRef,
            wasmparser::ValType::Ref(wasmparser::RefType::EXNREF) => ValType::ExnRef,
            _ => return None,
        })
    }

    /// How many slots a value takes.
    pub fn slots(self) -> usize {
        match self {
            ValType::V128 => 2,
            _ => 1,
        }
    }

    /// Whether values of the type are references.
    pub fn is_ref(self) -> bool {
        self.is_guest_ref() || self == ValType::ExternRef
    }

    /// Whether values of the type are references to what a guest has.
    pub(crate) fn is_guest_ref(self) -> bool {
        matches!(self, ValType::FuncRef | ValType::ExnRef)
    }
}

impl fmt::Display for ValType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ValType::I32 => "i32",
            ValType::I64 => "i64",
            ValType::F32 => "f32",
            ValType::F64 => "f64",
            ValType::V128 => "v128",
            ValType::FuncRef => "funcref",
            ValType::ExternRef => "externref",
            ValType::ExnRef => "exnref",
        })
    }
}

/// The type of a function.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FuncType {
    /// Types of the parameters.
    pub params: Box<[ValType]>,
    /// Types of the results.
    pub results: Box<[ValType]>,
}

impl FuncType {
    /// A type from its parts.
    pub fn new(params: impl Into<Box<[ValType]>>, results: impl Into<Box<[ValType]>>) -> FuncType {
        FuncType {
            params: params.into(),
            results: results.into(),
        }
    }

    /// How many slots a call needs for arguments and results, which share them.
    pub fn slots(&self) -> usize {
        self.param_slots().max(self.result_slots())
    }

    /// How many slots the arguments take.
    pub fn param_slots(&self) -> usize {
        slots(&self.params)
    }

    /// How many slots the results take.
    pub fn result_slots(&self) -> usize {
        slots(&self.results)
    }
}

/// How many slots values of these types take.
pub(crate) fn slots(types: &[ValType]) -> usize {
    types.iter().map(|ty| ty.slots()).sum()
}

/// Types with the first slot of each.
pub(crate) fn places(types: &[ValType]) -> impl Iterator<Item = (ValType, usize)> {
    types.iter().scan(0, |next, ty| {
        let at = *next;
        *next += ty.slots();
        Some((*ty, at))
    })
}

/// Values in slots.
pub(crate) fn to_slots(values: &[Value]) -> Vec<u64> {
    let mut slots = Vec::with_capacity(values.len());
    for value in values {
        let bits = value.to_bits();
        slots.push(bits as u64);
        if value.ty().slots() == 2 {
            slots.push((bits >> 64) as u64);
        }
    }
    slots
}

/// The values that slots hold.
///
/// # Safety
/// Non-null slots of type `FuncRef` hold references to live functions.
pub(crate) unsafe fn from_slots(types: &[ValType], slots: &[u64]) -> Vec<Value> {
    let bits = |ty: ValType, at: usize| match ty.slots() {
        2 => u128::from(slots[at]) | u128::from(slots[at + 1]) << 64,
        _ => slots[at].into(),
    };
    // SAFETY: as the caller promises.
    let value = |(ty, at)| unsafe { Value::from_bits(ty, bits(ty, at)) };
    places(types).map(value).collect()
}

impl fmt::Display for FuncType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |types: &[ValType]| {
            types
                .iter()
                .map(ValType::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        };
        write!(f, "({}) -> ({})", list(&self.params), list(&self.results))
    }
}

/// A function type's number, the same in all modules of the process, so that an indirect
/// call compares one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TypeId(pub u32);

#[derive(Debug, Default)]
pub(crate) struct Interner {
    ids: HashMap<FuncType, TypeId>,
    types: Vec<FuncType>,
}

static INTERNER: LazyLock<Mutex<Interner>> = LazyLock::new(Mutex::default);

/// The interner's lock, for interning and for holding it across a fork.
pub(crate) fn interner() -> MutexGuard<'static, Interner> {
    INTERNER.lock().unwrap_or_else(PoisonError::into_inner)
}

impl TypeId {
    /// The number of a type.
    pub fn of(ty: &FuncType) -> TypeId {
        let mut interner = interner();
        if let Some(id) = interner.ids.get(ty) {
            return *id;
        }
        let id = TypeId(interner.types.len() as u32);
        interner.types.push(ty.clone());
        interner.ids.insert(ty.clone(), id);
        id
    }

    /// The type of a number.
    pub fn ty(self) -> FuncType {
        interner().types[self.0 as usize].clone()
    }
}

/// A value.
#[derive(Debug, Clone)]
pub enum Value {
    /// 32-bit integer.
    I32(i32),
    /// 64-bit integer.
    I64(i64),
    /// 32-bit float.
    F32(f32),
    /// 64-bit float.
    F64(f64),
    /// Vector of 128 bits, the first lane in the lowest.
    V128(u128),
    /// Reference to a function, or null.
    FuncRef(Option<Func>),
    /// A number that means something to the embedder, or null. The number may not be `u64::MAX`.
    ExternRef(Option<u64>),
    /// An exception that the guest referred to, or null. Where a guest gets such a value, it gets
    /// null: exceptions enter a guest by being thrown.
    ExnRef(Option<Exception>),
}

impl Value {
    /// The value's type.
    pub fn ty(&self) -> ValType {
        match self {
            Value::I32(_) => ValType::I32,
            Value::I64(_) => ValType::I64,
            Value::F32(_) => ValType::F32,
            Value::F64(_) => ValType::F64,
            Value::V128(_) => ValType::V128,
            Value::FuncRef(_) => ValType::FuncRef,
            Value::ExternRef(_) => ValType::ExternRef,
            Value::ExnRef(_) => ValType::ExnRef,
        }
    }

    /// The value as frame slots hold it, of which but one is used unless it is a vector.
    pub(crate) fn to_bits(&self) -> u128 {
        match self {
            Value::V128(v) => *v,
            other => other.to_slot().into(),
        }
    }

    /// The value as a frame slot holds it, the low half of a vector.
    pub(crate) fn to_slot(&self) -> u64 {
        match self {
            Value::I32(v) => u64::from(*v as u32),
            Value::I64(v) => *v as u64,
            Value::F32(v) => u64::from(v.to_bits()),
            Value::F64(v) => v.to_bits(),
            Value::V128(v) => *v as u64,
            Value::FuncRef(func) => func.as_ref().map_or(0, |f| f.raw() as u64),
            Value::ExternRef(v) => v.map_or(0, |v| v.wrapping_add(1)),
            Value::ExnRef(_) => 0,
        }
    }

    /// Whether it refers to nothing that a guest has.
    pub(crate) fn is_free(&self) -> bool {
        !matches!(self, Value::FuncRef(Some(_)) | Value::ExnRef(Some(_)))
    }

    /// The value of type `ty` that slots hold.
    ///
    /// # Safety
    /// A non-null slot of type `FuncRef` holds a reference to a live function.
    pub(crate) unsafe fn from_bits(ty: ValType, bits: u128) -> Value {
        let slot = bits as u64;
        match ty {
            ValType::V128 => Value::V128(bits),
            ValType::I32 => Value::I32(slot as i32),
            ValType::I64 => Value::I64(slot as i64),
            ValType::F32 => Value::F32(f32::from_bits(slot as u32)),
            ValType::F64 => Value::F64(f64::from_bits(slot)),
            // SAFETY: as the caller promises.
            ValType::FuncRef => Value::FuncRef(unsafe { Func::from_raw(slot as *const _) }),
            ValType::ExternRef => Value::ExternRef(slot.checked_sub(1)),
            ValType::ExnRef => Value::ExnRef(exception::deref(slot).map(Exception::freed)),
        }
    }

    /// The null reference, or zero, of a type.
    pub fn default_of(ty: ValType) -> Value {
        match ty {
            ValType::I32 => Value::I32(0),
            ValType::I64 => Value::I64(0),
            ValType::F32 => Value::F32(0.0),
            ValType::F64 => Value::F64(0.0),
            ValType::V128 => Value::V128(0),
            ValType::FuncRef => Value::FuncRef(None),
            ValType::ExternRef => Value::ExternRef(None),
            ValType::ExnRef => Value::ExnRef(None),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::I32(v) => v.fmt(f),
            Value::I64(v) => v.fmt(f),
            Value::F32(v) => v.fmt(f),
            Value::F64(v) => v.fmt(f),
            Value::V128(v) => write!(f, "{v:#034x}"),
            Value::FuncRef(Some(_)) => f.write_str("a function"),
            Value::ExternRef(Some(v)) => v.fmt(f),
            Value::ExnRef(Some(_)) => f.write_str("an exception"),
            Value::FuncRef(None) | Value::ExternRef(None) | Value::ExnRef(None) => {
                f.write_str("null")
            }
        }
    }
}

/// The type of a global.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GlobalType {
    /// Type of its value.
    pub ty: ValType,
    /// Whether it can be set.
    pub mutable: bool,
}

/// The type of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableType {
    /// Type of its elements.
    pub element: ValType,
    /// Least number of elements.
    pub min: u32,
    /// Greatest number of elements, if bounded.
    pub max: Option<u32>,
}

pub use crate::memory::MemoryType;

/// The type of something imported or exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExternType {
    /// A function.
    Func(FuncType),
    /// A table.
    Table(TableType),
    /// A linear memory.
    Memory(MemoryType),
    /// A global.
    Global(GlobalType),
    /// A tag of exceptions; its type is that of a function which takes the values.
    Tag(FuncType),
}

impl fmt::Display for ExternType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn limits(min: u64, max: Option<u64>) -> String {
            max.map_or_else(|| min.to_string(), |max| format!("{min}..={max}"))
        }
        match self {
            ExternType::Func(ty) => write!(f, "function {ty}"),
            ExternType::Table(ty) => {
                let limits = limits(ty.min.into(), ty.max.map(u64::from));
                write!(f, "table of {limits} {}", ty.element)
            }
            ExternType::Memory(ty) => {
                let shared = if ty.shared { "shared " } else { "" };
                write!(
                    f,
                    "{shared}memory of {} pages",
                    limits(ty.min_pages, ty.max_pages)
                )
            }
            ExternType::Tag(ty) => write!(f, "tag {ty}"),
            ExternType::Global(ty) => {
                write!(
                    f,
                    "{} global of {}",
                    if ty.mutable { "mutable" } else { "immutable" },
                    ty.ty
                )
            }
        }
    }
}
