//! What can be said about layouts, numbers and constants, and what the specification says.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use wali_codegen::check;
use wali_codegen::diag::Diagnostics;
use wali_codegen::facts::{self, Facts};
use wali_codegen::intent::{self, Intent};
use wali_codegen::model::{Spec, WasmType};
use wali_codegen::source::Sources;
use wali_tests::workspace;

/// Something that has a value on an ISA.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The number of a system call.
    Number(String),
    /// The value of a constant.
    Constant(String),
    /// The size of a struct.
    Size(String),
    /// The alignment of a struct.
    Align(String),
    /// Where a struct has a field.
    Offset(String, String),
    /// The size of a field.
    FieldSize(String, String),
    /// How many parameters a guest's import has.
    Parameters(String),
    /// How many bits one of them has.
    Parameter(String, usize),
    /// How many bits the result has, 0 if there is none.
    Result(String),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Number(call) => write!(f, "__NR_{call}"),
            Subject::Constant(name) => write!(f, "{name}"),
            Subject::Size(of) => write!(f, "sizeof({of})"),
            Subject::Align(of) => write!(f, "alignof({of})"),
            Subject::Offset(of, field) => write!(f, "offsetof({of}, {field})"),
            Subject::FieldSize(of, field) => write!(f, "sizeof({of}.{field})"),
            Subject::Parameters(import) => write!(f, "parameters({import})"),
            Subject::Parameter(import, n) => write!(f, "parameter({import}, {n})"),
            Subject::Result(import) => write!(f, "result({import})"),
        }
    }
}

impl Subject {
    /// Which column of the table it counts in.
    pub fn kind(&self) -> usize {
        match self {
            Subject::Size(_) | Subject::Align(_) => 0,
            Subject::Offset(..) | Subject::FieldSize(..) => 1,
            Subject::Constant(_) => 2,
            Subject::Number(_) => 3,
            Subject::Parameters(_) | Subject::Parameter(..) | Subject::Result(_) => 4,
        }
    }

    /// What [`Subject`]'s display says.
    pub fn parse(text: &str) -> Option<Subject> {
        let word = |text: &str| {
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
            (!text.is_empty() && text.chars().all(fits)).then(|| text.to_owned())
        };
        let two = |text: &str, between| {
            let (a, b) = text.split_once(between)?;
            Some((word(a)?, word(b.trim_start())?))
        };
        if let Some(call) = text.strip_prefix("__NR_") {
            return word(call).map(Subject::Number);
        }
        let Some((what, of)) = text.strip_suffix(')').and_then(|t| t.split_once('(')) else {
            return word(text).map(Subject::Constant);
        };
        Some(match what {
            "sizeof" if of.contains('.') => {
                let (of, field) = two(of, ".")?;
                Subject::FieldSize(of, field)
            }
            "sizeof" => Subject::Size(word(of)?),
            "alignof" => Subject::Align(word(of)?),
            "offsetof" => {
                let (of, field) = two(of, ",")?;
                Subject::Offset(of, field)
            }
            "parameters" => Subject::Parameters(word(of)?),
            "parameter" => {
                let (import, n) = two(of, ",")?;
                Subject::Parameter(import, n.parse().ok()?)
            }
            "result" => Subject::Result(word(of)?),
            _ => return None,
        })
    }
}

/// The columns, each with what is checked of one such thing.
pub const KINDS: [&str; 5] = ["structs", "fields", "constants", "numbers", "types"];

/// A value; witnesses that have types say how wide the value's is.
#[derive(Debug, Clone, Copy)]
pub struct Value {
    /// The value.
    pub value: i64,
    /// `sizeof` its type, if known.
    pub bytes: Option<u64>,
}

impl Value {
    /// Whether both are the same. A constant of 32 bits is the same whatever its sign: that is
    /// a matter of its type, on which compilers, languages and C libraries differ.
    pub fn same(self, other: Value) -> bool {
        let narrow = |v: Value| {
            let fits = i64::from(i32::MIN)..=i64::from(u32::MAX);
            v.bytes.is_none_or(|bytes| bytes == 4) && fits.contains(&v.value)
        };
        let one_is_known = self.bytes.is_some() || other.bytes.is_some();
        self.value == other.value
            || (one_is_known
                && narrow(self)
                && narrow(other)
                && self.value as u32 == other.value as u32)
    }
}

/// What a witness says.
pub type World = BTreeMap<Subject, Value>;

/// The specification, as far as it is checked here.
pub struct Known {
    /// What people wrote.
    pub intent: Intent,
    /// What was read from the headers.
    pub facts: Facts,
    /// What came of both.
    pub spec: Spec,
}

/// A value whose type is not known.
pub fn plain(value: i64) -> Value {
    Value { value, bytes: None }
}

fn unsigned(value: u64) -> Value {
    plain(i64::try_from(value).expect("no struct is that large"))
}

impl Known {
    /// Reads the specification.
    pub fn load() -> Result<Known, String> {
        let dir = workspace::spec_dir();
        let spec = Spec::load(&dir).map_err(|e| e.to_string())?;
        let intent = check::load_intent(&dir).map_err(|e| e.to_string())?;
        let sources = Arc::new(Sources::read(&dir).map_err(|e| e.to_string())?);
        let mut diags = Diagnostics::new(Arc::clone(&sources));
        let parsed = intent::read(&sources, &mut diags);
        let isas: Vec<String> = spec.isas.iter().map(|isa| isa.name.clone()).collect();
        let facts = facts::read(&sources, &parsed.facts, &isas, &mut diags);
        match facts {
            Some(facts) if diags.is_empty() => Ok(Known {
                intent,
                facts,
                spec,
            }),
            _ => Err(diags.to_string()),
        }
    }

    /// An ISA as the facts have it.
    pub fn host(&self, isa: usize) -> World {
        world(&self.facts, isa)
    }

    /// The guest as the model has it.
    pub fn guest(&self) -> World {
        let mut world = World::new();
        for member in self.spec.flag_sets.values().flat_map(|set| &set.members) {
            world.insert(Subject::Constant(member.name.clone()), plain(member.guest));
        }
        for (name, s) in &self.spec.structs {
            world.insert(Subject::Size(name.clone()), unsigned(s.guest.size));
            world.insert(Subject::Align(name.clone()), unsigned(s.guest.align));
            for f in &s.fields {
                let of = || (name.clone(), f.name.clone());
                let ((a, b), (c, d)) = (of(), of());
                world.insert(Subject::Offset(a, b), unsigned(f.guest.offset));
                world.insert(Subject::FieldSize(c, d), unsigned(f.guest.size));
            }
        }
        let word = |ty| match ty {
            WasmType::I32 => "i32",
            WasmType::I64 => "i64",
        };
        for call in self.spec.calls.values() {
            let types = call.guest_signature(&self.spec).into_iter().map(word);
            let types: Vec<&str> = types.collect();
            for import in std::iter::once(&call.import).chain(&call.aliases) {
                signature(&mut world, import, &types, "i64");
            }
        }
        for aux in self.spec.aux.values() {
            let (types, result) = aux.guest_signature(&self.spec);
            let types: Vec<&str> = types.into_iter().map(word).collect();
            for import in std::iter::once(&aux.name).chain(&aux.aliases) {
                signature(&mut world, import, &types, result.map_or("", word));
            }
        }
        world
    }
}

/// The question that a line `question value bytes` of a program's answers, and what it says.
pub fn answer<'q, Q>(line: &str, questions: &'q [Q]) -> Result<(&'q Q, i64, i64), String> {
    let words = line.split_whitespace();
    let words: Vec<i64> = words.map_while(|word| word.parse().ok()).collect();
    let [question, value, bytes] = words[..] else {
        return Err(format!("the program printed `{line}`"));
    };
    let question = usize::try_from(question).ok();
    let question = question.and_then(|index| questions.get(index));
    let question = question.ok_or_else(|| format!("nobody asked `{line}`"))?;
    Ok((question, value, bytes))
}

/// Says what type an import has, in words of WebAssembly.
pub fn signature(world: &mut World, import: &str, parameters: &[&str], result: &str) {
    let bits = |ty: &str| {
        plain(
            ty.strip_prefix('i')
                .and_then(|b| b.parse().ok())
                .unwrap_or(0),
        )
    };
    let own = || import.to_owned();
    let count = i64::try_from(parameters.len()).expect("few");
    world.insert(Subject::Parameters(own()), plain(count));
    world.insert(Subject::Result(own()), bits(result));
    for (n, ty) in parameters.iter().enumerate() {
        world.insert(Subject::Parameter(own(), n), bits(ty));
    }
}

/// One ISA's part of some facts.
pub fn world(facts: &Facts, isa: usize) -> World {
    let mut world = World::new();
    for (name, numbers) in &facts.calls {
        if let Some(number) = numbers[isa] {
            world.insert(Subject::Number(name.clone()), plain(number.into()));
        }
    }
    for (name, values) in &facts.constants {
        if let Some(value) = values[isa] {
            world.insert(Subject::Constant(name.clone()), plain(value));
        }
    }
    for (name, s) in &facts.structs {
        if let Some(layout) = s.layout[isa] {
            world.insert(Subject::Size(name.clone()), unsigned(layout.size));
            world.insert(Subject::Align(name.clone()), unsigned(layout.align));
        }
        for (field, places) in &s.fields {
            if let Some(place) = places[isa] {
                let of = || (name.clone(), field.clone());
                let ((a, b), (c, d)) = (of(), of());
                world.insert(Subject::Offset(a, b), unsigned(place.offset));
                world.insert(Subject::FieldSize(c, d), unsigned(place.size));
            }
        }
    }
    world
}
