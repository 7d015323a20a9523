//! Modules: validated when loaded, or each function when it is first called, which is when it is
//! translated, too.

mod features;
mod names;
mod parse;
mod validate;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use super::catches::{Catches, Clause};
use super::const_expr::ConstExpr;
use super::context::{Cell, Meta};
use super::isa::Op;
use super::translate::{self, Untranslatable};
use super::trap::{Escaped, Trap};
use super::types::{ExternType, FuncType, GlobalType, MemoryType, TableType, TypeId};
use names::Names;
use validate::Shape;
use wasmparser::ValidatorResources;

/// A validated module. Clones share it; it may be used by many threads at once.
#[derive(Clone)]
pub struct Module(pub(crate) Arc<ModuleInner>);

/// When a module's functions are validated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validation {
    /// When the module is loaded: one that is not valid is refused.
    AtOnce,
    /// Each when it is first called, which traps if the function is not valid: a program that
    /// calls few of its functions starts sooner. All else is validated at once.
    OnFirstCall,
}

/// Why a module was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleError {
    /// What is wrong.
    pub message: String,
    /// At which byte of the module.
    pub offset: u64,
}

impl fmt::Display for ModuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "invalid module: {} (at byte {:#x})",
            self.message, self.offset
        )
    }
}

impl std::error::Error for ModuleError {}

/// An import of a module.
#[derive(Debug, Clone)]
pub struct Import {
    /// The module it is asked from.
    pub module: String,
    /// Its name there.
    pub name: String,
    /// What the module says it is.
    pub ty: ExternType,
}

/// Which thing of an index space an export is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportIndex {
    /// A function.
    Func(u32),
    /// A table.
    Table(u32),
    /// A memory.
    Memory(u32),
    /// A global.
    Global(u32),
    /// A tag of exceptions.
    Tag(u32),
}

/// A function that the module defines.
pub(crate) struct Body {
    /// Index of its type.
    pub ty: u32,
    /// Its code, from the locals on, in the module's bytes.
    pub range: Range<usize>,
    /// What validation has found out about it.
    shape: OnceLock<Shape>,
}

pub(crate) struct GlobalInit {
    pub ty: GlobalType,
    pub init: ConstExpr,
}

pub(crate) struct TableDef {
    pub ty: TableType,
    pub init: Option<ConstExpr>,
}

pub(crate) enum SegmentKind<T> {
    Passive,
    Declared,
    Active { target: T, offset: ConstExpr },
}

pub(crate) struct Elements {
    pub kind: SegmentKind<u32>,
    pub items: Vec<ConstExpr>,
}

pub(crate) struct Data {
    pub kind: SegmentKind<()>,
    pub range: Range<usize>,
}

#[derive(Default)]
pub(crate) struct ModuleInner {
    pub bytes: Vec<u8>,
    pub types: Vec<(FuncType, TypeId)>,
    /// Whether any of these types has vectors.
    pub has_vectors: bool,
    pub imports: Vec<Import>,
    /// Type index of each function, imported ones first.
    pub funcs: Vec<u32>,
    pub imported_funcs: u32,
    pub bodies: Vec<Body>,
    /// What functions are validated with that were not when the module was loaded.
    validator: Option<ValidatorResources>,
    /// Tables that the module defines, and so on.
    pub tables: Vec<TableDef>,
    pub memory: Option<MemoryType>,
    pub globals: Vec<GlobalInit>,
    /// Types of all globals, imported ones first.
    pub global_types: Vec<GlobalType>,
    /// Type index of each tag, imported ones first.
    pub tags: Vec<u32>,
    pub imported_tags: u32,
    pub imported_tables: u32,
    pub imported_globals: u32,
    pub exports: Vec<(String, ExportIndex)>,
    pub by_name: HashMap<String, ExportIndex>,
    pub start: Option<u32>,
    pub elements: Vec<Elements>,
    pub data: Vec<Data>,
    name_section: Option<Range<usize>>,
    names: OnceLock<Names>,
    /// Code of the functions in `bodies`.
    pub cells: Box<[Cell]>,
    /// All code there is.
    code: Mutex<Code>,
    /// What translation has done: see [`Translation`].
    translated: [AtomicU64; 3],
}

/// What translating a module's functions has come to so far.
#[derive(Debug, Clone, Copy)]
pub struct Translation {
    /// How many functions.
    pub functions: u64,
    /// Words of code, eight bytes each.
    pub words: u64,
    /// Nanoseconds it took.
    pub nanos: u64,
}

/// Translated functions, by the address of their first word.
#[derive(Default)]
struct Code {
    by_address: BTreeMap<usize, (Box<[u64]>, Catches)>,
    /// Where the code is by which a function is called by another type; none if that cannot be.
    adapters: HashMap<(u32, TypeId), Option<usize>>,
}

impl Code {
    fn function_at(&self, ip: *const u64) -> Option<(Function, &Catches)> {
        let (_, (words, catches)) = self.by_address.range(..=ip as usize).next_back()?;
        let code = words.as_ptr();
        let here = words.as_ptr_range().contains(&ip);
        here.then_some((Function { code }, catches))
    }
}

/// Set in the second word of code that is an adapter to the function of that index.
pub(crate) const ADAPTER: u64 = 1 << 32;

/// Held while a function is translated, in any module: so that a fork, which takes it too,
/// finds none half done.
static TRANSLATION: Mutex<()> = Mutex::new(());

/// The translation lock.
pub(crate) fn translation_lock() -> MutexGuard<'static, ()> {
    TRANSLATION.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A translated function.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Function {
    code: *const u64,
}

impl Function {
    pub fn meta(self) -> Meta {
        // SAFETY: code lives as long as its module, and starts with a meta word.
        unsafe { Meta::read(self.code) }
    }

    /// Its index among all functions.
    pub fn index(self) -> u32 {
        // SAFETY: as for the meta word; this is the one after it.
        unsafe { *self.code.add(1) as u32 }
    }

    /// Whether this only leads to the function.
    pub fn is_adapter(self) -> bool {
        // SAFETY: as for the index.
        unsafe { *self.code.add(1) & ADAPTER != 0 }
    }

    /// The instruction at a position.
    pub fn at(self, position: u32) -> *const u64 {
        // SAFETY: translation keeps positions inside the function.
        unsafe { self.code.add(position as usize) }
    }

    /// The position of an instruction, or of a word inside one.
    pub fn position(self, ip: *const u64) -> usize {
        (ip as usize - self.code as usize) / 8
    }
}

/// Whether an exception is caught in a function.
pub(crate) enum CaughtAt {
    /// The instruction is not of this module's functions.
    Nowhere,
    /// Not in this one.
    Outside(Function),
    /// In this one.
    Here { function: Function, clause: Clause },
}

impl Module {
    /// Validates a module in binary form.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn new(bytes: &[u8]) -> Result<Module, ModuleError> {
        Module::with(bytes.to_vec(), Validation::AtOnce)
    }

    /// The same, with functions validated now or when they are called.
    ///
    /// # Errors
    /// Says what is wrong with what was validated.
    pub fn with(bytes: Vec<u8>, functions: Validation) -> Result<Module, ModuleError> {
        Ok(Module(Arc::new(parse::parse(bytes, functions)?)))
    }

    /// What the module needs beyond the first version of WebAssembly: proposals, by the names that
    /// tools have for them.
    pub fn features(&self) -> Vec<String> {
        features::features(&self.0)
    }

    /// What the module imports.
    pub fn imports(&self) -> &[Import] {
        &self.0.imports
    }

    /// What the module exports.
    pub fn exports(&self) -> &[(String, ExportIndex)] {
        &self.0.exports
    }

    /// The export of a name.
    pub fn export(&self, name: &str) -> Option<ExportIndex> {
        self.0.by_name.get(name).copied()
    }

    /// How many functions there are, imported ones included.
    pub fn func_count(&self) -> u32 {
        self.0.funcs.len() as u32
    }

    /// How many functions are imported; they come first.
    pub fn imported_func_count(&self) -> u32 {
        self.0.imported_funcs
    }

    /// The type of a function, if there is one of this index.
    pub fn func_type(&self, index: u32) -> Option<&FuncType> {
        let ty = *self.0.funcs.get(index as usize)?;
        Some(&self.0.types[ty as usize].0)
    }

    /// What is imported as this function, if it is imported.
    pub fn imported_func(&self, index: u32) -> Option<&Import> {
        let imports = self.imports().iter();
        let mut funcs = imports.filter(|import| matches!(import.ty, ExternType::Func(_)));
        funcs.nth(index as usize)
    }

    /// The name of a function, from the name section or else the exports.
    pub fn func_name(&self, index: u32) -> Option<&str> {
        let exported = || {
            let wanted = ExportIndex::Func(index);
            let (name, _) = self.exports().iter().find(|(_, what)| *what == wanted)?;
            Some(name.as_str())
        };
        self.names().func(&self.0.bytes, index).or_else(exported)
    }

    /// The index of the global that the name section calls `name`.
    pub fn global_by_name(&self, name: &str) -> Option<u32> {
        self.names().global_index(&self.0.bytes, name)
    }

    /// The type of the module's memory, if it defines one.
    pub fn memory_type(&self) -> Option<MemoryType> {
        self.0.memory
    }

    /// What translation has come to so far.
    pub fn translation(&self) -> Translation {
        let [functions, words, nanos] = &self.0.translated;
        let [functions, words, nanos] =
            [functions, words, nanos].map(|sum| sum.load(Ordering::Relaxed));
        Translation {
            functions,
            words,
            nanos,
        }
    }

    fn names(&self) -> &Names {
        self.0.names.get_or_init(|| {
            let section = self.0.name_section.clone();
            section.map_or_else(Names::default, |range| Names::parse(&self.0.bytes, range))
        })
    }

    /// The code of the function whose cell this is, validated and translated if it was not. One
    /// that is not valid, or whose code would be too long, traps instead.
    ///
    /// # Safety
    /// The cell is one of this module's.
    pub(crate) unsafe fn code_of(&self, cell: *const Cell) -> Result<*const u64, Trap> {
        // SAFETY: as the caller promises.
        let (cell, index) = unsafe { (&*cell, cell.offset_from(self.0.cells.as_ptr()) as usize) };
        let code = cell.load(Ordering::Acquire);
        if !code.is_null() {
            return Ok(code);
        }
        let _one_at_a_time = translation_lock();
        let code = cell.load(Ordering::Acquire);
        if !code.is_null() {
            return Ok(code);
        }
        let began = Instant::now();
        let (words, catches) = translate::translate(&self.0, index, None)
            .map_err(|error| self.untranslatable(index, error))?;
        let nanos = began.elapsed().as_nanos() as u64;
        let done = [1, words.len() as u64, nanos];
        for (sum, done) in self.0.translated.iter().zip(done) {
            sum.fetch_add(done, Ordering::Relaxed);
        }
        let mut code = self.0.code.lock().unwrap_or_else(PoisonError::into_inner);
        let address = words.as_ptr().cast_mut();
        code.by_address.insert(address as usize, (words, catches));
        cell.store(address, Ordering::Release);
        Ok(address)
    }

    /// Code by which a function is called as if it were of another type; null if that cannot be.
    pub(crate) fn adapter(&self, func: u32, caller: TypeId) -> *const u64 {
        let _one_at_a_time = translation_lock();
        let mut code = self.0.code.lock().unwrap_or_else(PoisonError::into_inner);
        let Code {
            by_address,
            adapters,
        } = &mut *code;
        let made = adapters.entry((func, caller)).or_insert_with(|| {
            let words = translate::adapter(&self.0, func, &caller.ty())?;
            let address = words.as_ptr() as usize;
            by_address.insert(address, (words, Catches::default()));
            Some(address)
        });
        made.map_or(std::ptr::null(), |address| address as *const u64)
    }

    /// The trap of a call to a function that could not be translated.
    #[cold]
    fn untranslatable(&self, index: usize, error: Untranslatable) -> Trap {
        let func = self.0.imported_funcs + index as u32;
        let name = self
            .func_name(func)
            .map_or(String::new(), |name| format!(" ({})", Escaped(name)));
        let start = self.0.bodies[index].range.start;
        Trap::message(match error {
            Untranslatable::Invalid(error) => format!("function {func}{name}: {error}"),
            Untranslatable::TooLong(error) => {
                format!("function {func}{name} at byte {start:#x} cannot be translated: {error}")
            }
        })
    }

    /// The translated function that an instruction belongs to.
    pub(crate) fn function_at(&self, ip: *const u64) -> Option<Function> {
        let _not_during_fork = translation_lock();
        let code = self.0.code.lock().unwrap_or_else(PoisonError::into_inner);
        code.function_at(ip).map(|(function, _)| function)
    }

    /// Where in its function an exception is caught that arises at an instruction; `is` says
    /// whether it has the tag of that index.
    pub(crate) fn caught_at(&self, ip: *const u64, is: impl Fn(u32) -> bool) -> CaughtAt {
        let _not_during_fork = translation_lock();
        let code = self.0.code.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((function, catches)) = code.function_at(ip) else {
            return CaughtAt::Nowhere;
        };
        match catches.find(function.position(ip), is) {
            Some(clause) => CaughtAt::Here { function, clause },
            None => CaughtAt::Outside(function),
        }
    }

    /// What a tag is called in messages.
    pub(crate) fn tag_name(&self, index: u32) -> String {
        let exported = || {
            let wanted = ExportIndex::Tag(index);
            let (name, _) = self.exports().iter().find(|(_, what)| *what == wanted)?;
            Some(name.as_str())
        };
        let name = self.names().tag(&self.0.bytes, index).or_else(exported);
        match name {
            Some(name) => format!("tag {index} ({})", Escaped(name)),
            None => format!("tag {index}"),
        }
    }

    /// For each function and word of its code, the byte of the module that the instruction at
    /// (or around) the word comes from. No table is kept for this: translating again, once for
    /// each function, finds it.
    pub(crate) fn offsets_of(&self, places: &[(u32, usize)]) -> Vec<u32> {
        let mut offsets = vec![0; places.len()];
        let mut order: Vec<usize> = (0..places.len()).collect();
        order.sort_by_key(|&i| places[i].0);
        for same in order.chunk_by(|&a, &b| places[a].0 == places[b].0) {
            let Some(index) = places[same[0]].0.checked_sub(self.0.imported_funcs) else {
                continue;
            };
            let mut recorder = translate::Recorder::default();
            if translate::translate(&self.0, index as usize, Some(&mut recorder)).is_err() {
                continue;
            }
            let records = &recorder.records;
            for &i in same {
                let at = records.partition_point(|record| record.position <= places[i].1);
                offsets[i] = at.checked_sub(1).map_or(0, |at| records[at].offset);
            }
        }
        offsets
    }

    /// The code of a function that the module defines, as text, one instruction a line; none
    /// if there is no such function, or it is not valid, or its code would be too long to run.
    pub fn disassemble(&self, func: u32) -> Option<String> {
        let index = func.checked_sub(self.0.imported_funcs)? as usize;
        self.0.bodies.get(index)?;
        let mut recorder = translate::Recorder::default();
        let (words, _) = translate::translate(&self.0, index, Some(&mut recorder)).ok()?;
        let ops: Vec<(usize, Op, u32)> = recorder
            .records
            .iter()
            .map(|r| (r.position, r.op, r.offset))
            .collect();
        Some(super::disasm::disassemble(&words, &ops))
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module")
            .field("imports", &self.0.imports.len())
            .field("functions", &self.0.funcs.len())
            .field("exports", &self.0.exports.len())
            .finish()
    }
}
