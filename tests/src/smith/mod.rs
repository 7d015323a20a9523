//! Random modules run by several engines, and what became of them compared.
//!
//! `wasm-smith` makes the modules ([`Case`]): it counts their steps, so that they end, and makes
//! NaNs what all engines make them. An [`Engine`] calls what a module exports and looks at what is
//! left of it afterwards ([`Outcome`]).

mod make;
mod ours;
mod ticks;
mod wasmi;

use std::fmt;

use wali_runtime::interp::{FuncType, ValType};

pub use make::{Case, Features};
pub use ours::Ours;
pub use wasmi::Wasmi;

/// Steps that a call may take, as `wasm-smith` counts them: entries of functions and loops, and what
/// bulk operations move.
pub const STEPS: i32 = 2000;
/// The export that has how many are left.
pub const STEPS_LEFT: &str = "steps left";
/// Bytes of guest stack: enough for as many calls of large functions as there may be steps.
pub const STACK: usize = 256 << 20;

/// Something that runs modules.
pub trait Engine {
    /// What to call it.
    fn name(&self) -> String;
    /// Makes an instance, makes the calls, and looks.
    fn run(&mut self, case: &Case) -> Outcome;
}

/// A value, as all engines can tell it: of references, whether there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Val {
    /// An integer of 32 bits.
    I32(i32),
    /// An integer of 64 bits.
    I64(i64),
    /// The bits of a float.
    F32(u32),
    /// The bits of a float.
    F64(u64),
    /// The bits of a vector.
    V128(u128),
    /// A reference to a function.
    Func(bool),
    /// What a host's reference stands for.
    Extern(Option<u64>),
    /// A reference to an exception.
    Exn(bool),
}

impl Val {
    /// What hashes are made of.
    fn words(self) -> [u64; 2] {
        match self {
            Val::I32(v) => [v as u32 as u64, 0],
            Val::I64(v) => [v as u64, 0],
            Val::F32(v) => [v.into(), 0],
            Val::F64(v) => [v, 0],
            Val::V128(v) => [v as u64, (v >> 64) as u64],
            Val::Func(there) | Val::Exn(there) => [there.into(), 0],
            Val::Extern(v) => [v.map_or(0, |v| v.wrapping_add(1)), 0],
        }
    }
}

/// How code ends that does not return.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// An `unreachable`, which is also where the steps are used up.
    Unreachable,
    /// Outside the memory.
    Memory,
    /// Outside a table, or of its segment.
    Table,
    /// A call of a null element.
    NullElement,
    /// A call of a function of another type.
    Signature,
    /// A misaligned atomic access.
    Unaligned,
    /// A wait on what is not shared.
    NotShared,
    /// A division by zero.
    DivideByZero,
    /// An overflow of integers.
    Overflow,
    /// A NaN that was to be an integer.
    Conversion,
    /// The stack is too small.
    Exhausted,
    /// An exception that nothing caught.
    Exception,
    /// A null reference to an exception that was thrown, or to a function.
    NullReference,
    /// What host functions end runs with.
    Host,
    /// The module is refused.
    Refused(String),
    /// Something that does not belong here.
    Other(String),
}

/// What became of a module.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// How it ended before it could be used.
    pub start: Option<Ended>,
    /// What each call yielded, and the steps left after it.
    pub calls: Vec<(Result<Vec<Val>, Ended>, i32)>,
    /// A hash of all calls of host functions.
    pub hosts: u64,
    /// The memory's size and a hash of it.
    pub memory: Option<(u64, u64)>,
    /// All globals.
    pub globals: Vec<Val>,
    /// Sizes of tables, with hashes of where there are null references.
    pub tables: Vec<(u64, u64)>,
}

impl Outcome {
    /// One that did not come to be used.
    pub fn unusable(ended: Ended, hosts: u64) -> Outcome {
        Outcome {
            start: Some(ended),
            hosts,
            ..Outcome::default()
        }
    }

    /// Whether limits of an engine had a part in it, so that another may come to another end.
    pub fn depends_on_limits(&self) -> bool {
        let exhausted = |ended: &Ended| *ended == Ended::Exhausted;
        let in_calls =
            |(result, _): &(Result<_, Ended>, i32)| result.as_ref().err().is_some_and(exhausted);
        self.start.as_ref().is_some_and(exhausted) || self.calls.iter().any(in_calls)
    }

    /// With misaligned accesses as accesses outside the memory: of one that is both, each engine says
    /// what it has found first.
    fn without_order(mut self) -> Outcome {
        for (result, _) in &mut self.calls {
            if let Err(ended @ Ended::Unaligned) = result {
                *ended = Ended::Memory;
            }
        }
        if self.start == Some(Ended::Unaligned) {
            self.start = Some(Ended::Memory);
        }
        self
    }

    /// What both do not have in common; nothing if that is nothing.
    pub fn difference(&self, other: &Outcome, case: &Case) -> Option<String> {
        if self == other || self.clone().without_order() == other.clone().without_order() {
            return None;
        }
        fn both(what: impl fmt::Display, a: &impl fmt::Debug, b: &impl fmt::Debug) -> String {
            format!("{what}: {a:x?}\n    and {b:x?}")
        }
        if self.start != other.start {
            return Some(both("at the start", &self.start, &other.start));
        }
        for (index, (a, b)) in self.calls.iter().zip(&other.calls).enumerate() {
            if a != b {
                let (name, args) = &case.calls[index];
                let call = format!("call {index}, of {name:?} with {args:x?}");
                return Some(both(call, a, b));
            }
        }
        let parts = [
            (self.hosts != other.hosts).then(|| both("host calls", &self.hosts, &other.hosts)),
            (self.memory != other.memory).then(|| both("memory", &self.memory, &other.memory)),
            (self.globals != other.globals).then(|| both("globals", &self.globals, &other.globals)),
            (self.tables != other.tables).then(|| both("tables", &self.tables, &other.tables)),
        ];
        Some(parts.into_iter().flatten().collect::<Vec<_>>().join("\n"))
    }
}

/// A step of a hash.
pub fn mix(hash: u64, word: u64) -> u64 {
    (hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95)
}

/// What a host function does, the same in all engines: it notes its arguments in `log`, and what it
/// yields depends on all that was noted. Sometimes it ends the run.
pub fn host_call(
    log: &mut u64,
    name: &str,
    args: &[Val],
    ty: &FuncType,
) -> Result<Vec<Val>, Ended> {
    let words = args.iter().flat_map(|arg| arg.words());
    *log = name.bytes().map(u64::from).chain(words).fold(*log, mix);
    if log.is_multiple_of(61) {
        return Err(Ended::Host);
    }
    let mut hash = *log;
    let result = |ty: &ValType| {
        hash = mix(hash, 1);
        match ty {
            ValType::I32 => Val::I32((hash >> 32) as i32 >> (hash % 32)),
            ValType::I64 => Val::I64(hash as i64 >> (hash % 64)),
            ValType::F32 => Val::F32(((hash >> 40) as f32 / 16.0).to_bits()),
            ValType::F64 => Val::F64(((hash >> 20) as f64 / 1024.0).to_bits()),
            ValType::V128 => Val::V128(u128::from(hash) | u128::from(mix(hash, 2)) << 64),
            ValType::FuncRef => Val::Func(false),
            ValType::ExternRef => Val::Extern((!hash.is_multiple_of(3)).then_some(hash >> 32)),
            ValType::ExnRef => Val::Exn(false),
        }
    };
    Ok(ty.results.iter().map(result).collect())
}

/// The imports that a module may have: with each global its value, with each function what it does.
pub const HOST: &str = r#"
    (import "host" "nothing" (func))
    (import "host" "number" (func (param i32) (result i32)))
    (import "host" "two" (func (param i64 i32) (result i64 i32)))
    (import "host" "floats" (func (param f64 f32) (result f32 f64)))
    (import "host" "reference" (func (param externref funcref) (result externref)))
    (import "host" "i32" (global i32))
    (import "host" "i64" (global (mut i64)))
    (import "host" "f64" (global f64))
    (import "host" "memory" (memory 1 3))
    (import "host" "table" (table 5 20 funcref))
"#;

/// The same for modules with vectors.
pub const HOST_OF_VECTORS: &str = r#"
    (import "host" "vector" (func (param v128 i32) (result i32 v128)))
    (import "host" "v128" (global (mut v128)))
"#;

/// The values of the host's globals.
pub fn host_global(ty: ValType) -> Val {
    match ty {
        ValType::I32 => Val::I32(3),
        ValType::I64 => Val::I64(-4),
        ValType::F64 => Val::F64(0.5f64.to_bits()),
        ValType::V128 => Val::V128(0x0123_4567_89ab_cdef_0f1e_2d3c_4b5a_6978),
        other => unreachable!("the host has no global of type {other}"),
    }
}

/// A hash of bytes.
pub fn hash_bytes(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let words = words.iter().map(|word| u64::from_le_bytes(*word));
    let hash = words.fold(bytes.len() as u64, mix);
    rest.iter()
        .fold(hash, |hash, byte| mix(hash, (*byte).into()))
}
