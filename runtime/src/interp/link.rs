//! What instances are made of, and how their imports are found.

use std::collections::HashMap;
use std::fmt;

use super::exception::Tag;
use super::func::Func;
use super::global::Global;
use super::module::Import;
use super::table::Table;
use super::trap::{Escaped, Trap};
use super::types::ExternType;
use crate::memory::{Memory, MemoryError};

/// Something imported or exported.
#[derive(Debug, Clone)]
pub enum Extern {
    /// A function.
    Func(Func),
    /// A table.
    Table(Table),
    /// A memory.
    Memory(Memory),
    /// A global.
    Global(Global),
    /// A tag of exceptions.
    Tag(Tag),
}

impl Extern {
    /// Its type; limits are those of the present size.
    pub fn ty(&self) -> ExternType {
        match self {
            Extern::Func(func) => ExternType::Func(func.ty()),
            Extern::Table(table) => {
                let mut ty = table.ty();
                ty.min = table.size();
                ExternType::Table(ty)
            }
            Extern::Memory(memory) => {
                let mut ty = memory.ty();
                ty.min_pages = memory.pages();
                ExternType::Memory(ty)
            }
            Extern::Global(global) => ExternType::Global(global.ty()),
            Extern::Tag(tag) => ExternType::Tag(tag.ty()),
        }
    }

    /// Whether it can be imported as `wanted`.
    pub(crate) fn matches(&self, wanted: &ExternType) -> bool {
        fn limits(min: u64, max: Option<u64>, wanted_min: u64, wanted_max: Option<u64>) -> bool {
            let bounded = match (max, wanted_max) {
                (_, None) => true,
                (Some(max), Some(wanted)) => max <= wanted,
                (None, Some(_)) => false,
            };
            min >= wanted_min && bounded
        }
        if let (Extern::Func(func), ExternType::Func(wanted)) = (self, wanted) {
            return func.has_type(wanted);
        }
        match (self.ty(), wanted) {
            (ExternType::Global(ty), ExternType::Global(wanted)) => ty == *wanted,
            (ExternType::Tag(ty), ExternType::Tag(wanted)) => ty == *wanted,
            (ExternType::Table(ty), ExternType::Table(wanted)) => {
                let (min, max) = (u64::from(wanted.min), wanted.max.map(u64::from));
                ty.element == wanted.element
                    && limits(ty.min.into(), ty.max.map(u64::from), min, max)
            }
            (ExternType::Memory(ty), ExternType::Memory(wanted)) => {
                ty.shared == wanted.shared
                    && limits(
                        ty.min_pages,
                        ty.max_pages,
                        wanted.min_pages,
                        wanted.max_pages,
                    )
            }
            _ => false,
        }
    }
}

/// Finds what a module imports.
pub trait Resolver {
    /// What to import; none if there is nothing of this name.
    fn resolve(&self, import: &Import) -> Option<Extern>;

    /// The same for the module's import of that index, for those who know the module.
    fn resolve_at(&self, _index: usize, import: &Import) -> Option<Extern> {
        self.resolve(import)
    }
}

impl<F: Fn(&Import) -> Option<Extern>> Resolver for F {
    fn resolve(&self, import: &Import) -> Option<Extern> {
        self(import)
    }
}

/// A resolver with a fixed set of names.
#[derive(Debug, Default, Clone)]
pub struct Imports {
    modules: HashMap<String, HashMap<String, Extern>>,
}

impl Imports {
    /// One without names.
    pub fn new() -> Imports {
        Imports::default()
    }

    /// Gives something a name.
    pub fn define(&mut self, module: &str, name: &str, what: Extern) -> &mut Self {
        self.modules
            .entry(module.to_string())
            .or_default()
            .insert(name.to_string(), what);
        self
    }
}

impl Resolver for Imports {
    fn resolve(&self, import: &Import) -> Option<Extern> {
        self.modules.get(&import.module)?.get(&import.name).cloned()
    }
}

/// Why an instance could not be made.
#[derive(Debug)]
#[non_exhaustive]
pub enum LinkError {
    /// Nothing of this name is there to import.
    Missing(Box<Import>),
    /// What is there is of another type.
    Incompatible {
        /// What the module wants.
        import: Box<Import>,
        /// What there is.
        found: Box<ExternType>,
    },
    /// The memory could not be made.
    Memory(MemoryError),
    /// A table is too large, or there is no memory for it.
    Table {
        /// The elements asked for.
        elements: u32,
    },
    /// The guest stack could not be made.
    Stack(std::io::Error),
    /// Initialisation, or the start function, trapped.
    Trap(Trap),
}

/// The full name of an import, for messages.
fn name(import: &Import) -> String {
    format!("{}.{}", Escaped(&import.module), Escaped(&import.name))
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinkError::Missing(import) => {
                write!(f, "unknown import {}: {}", name(import), import.ty)
            }
            LinkError::Incompatible { import, found } => write!(
                f,
                "incompatible import type: the module imports {} as {}, but it is {found}",
                name(import),
                import.ty
            ),
            LinkError::Memory(error) => error.fmt(f),
            LinkError::Table { elements } => {
                write!(
                    f,
                    "a table of {elements} elements is larger than the interpreter allows, \
                     or than there is memory for"
                )
            }
            LinkError::Stack(error) => write!(f, "cannot map a guest stack: {error}"),
            LinkError::Trap(trap) => trap.fmt(f),
        }
    }
}

impl std::error::Error for LinkError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            LinkError::Memory(error) => Some(error),
            LinkError::Stack(error) => Some(error),
            LinkError::Trap(trap) => Some(trap),
            _ => None,
        }
    }
}

impl From<Trap> for LinkError {
    fn from(trap: Trap) -> Self {
        LinkError::Trap(trap)
    }
}
