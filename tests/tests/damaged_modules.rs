//! Modules with something changed: those of `wasm-smith`, and guests. Whatever the loader makes of
//! them, it does not panic; what it takes can be translated and told about, and where that is
//! bounded, run. `WALI_SEED=7 WALI_MODULES=30000` for other ones, and more of them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use wali_runtime::interp::{
    ExportIndex, Extern, ExternType, Func, FuncType, Global, Import, Instance, InterruptHandle,
    Module, Options, Table, Tag, TrapKind, ValType, Validation, Value,
};
use wali_runtime::memory::Memory;
use wali_tests::guests::{self, build};
use wali_tests::random::Random;
use wali_tests::smith::{Case, Features};

/// Runs that take longer are stopped: what makes modules end may be what was changed.
const LONGEST: Duration = Duration::from_millis(200);
/// Larger memories and tables are not run with: filling them takes its time.
const PAGES: u64 = 64;
/// See `PAGES`.
const ELEMENTS: u32 = 100_000;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// Changes a module in one place.
fn damage(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    const BYTES: &[u8] = &[
        0, 1, 0x0b, 0x3f, 0x40, 0x70, 0x7f, 0x80, 0xfc, 0xfd, 0xfe, 0xff,
    ];
    let at = random.below(bytes.len().max(1) as u64) as usize;
    let len = (random.below(16) as usize).min(bytes.len() - at.min(bytes.len()));
    match random.below(12) {
        _ if bytes.is_empty() => bytes.push(0),
        0 => bytes.truncate(at),
        1 => drop(bytes.drain(at..at + len)),
        2 => bytes.insert(at, *random.pick(BYTES)),
        3 => {
            let part = bytes[at..at + len].to_vec();
            let to = random.below(bytes.len() as u64) as usize;
            bytes.splice(to..to, part);
        }
        // A part of something else, with meaning of its own.
        4 if !other.is_empty() => {
            let from = random.below(other.len() as u64) as usize;
            let part = &other[from..other.len().min(from + len)];
            let end = bytes.len().min(at + part.len());
            bytes.splice(at..end, part.iter().copied());
        }
        5 | 6 => bytes[at] ^= 1 << random.below(8),
        7 => bytes[at] = bytes[at].wrapping_add(1),
        8 => bytes[at] = bytes[at].wrapping_sub(1),
        _ => bytes[at] = *random.pick(BYTES),
    }
}

/// What became of a module.
#[derive(Debug, PartialEq)]
enum Fate {
    Refused,
    Translated,
    Run,
}

fn look(bytes: &[u8]) -> Fate {
    match Module::new(bytes) {
        Ok(module) => use_module(&module),
        Err(error) => {
            assert!(!error.to_string().is_empty());
            // What is wrong may be in a function only, and then the rest can be used.
            if let Ok(module) = Module::with(bytes.to_vec(), Validation::OnFirstCall) {
                let functions = module.imported_func_count()..module.func_count();
                let mut texts = functions.map(|func| module.disassemble(func));
                assert!(texts.any(|text| text.is_none()), "{error}, but not later");
                use_module(&module);
            }
            Fate::Refused
        }
    }
}

fn use_module(module: &Module) -> Fate {
    let features = module.features();
    for func in 0..module.func_count() {
        let text = module.disassemble(func);
        assert!(text.is_none_or(|text| !text.is_empty()));
        let _ = module.func_name(func);
    }
    let of_imports = module.imports().iter().map(|import| import.ty.clone());
    let defined = module.memory_type().map(ExternType::Memory);
    let small = of_imports.chain(defined).all(|ty| match ty {
        ExternType::Memory(ty) => ty.max_pages.is_some_and(|pages| pages <= PAGES),
        ExternType::Table(ty) => ty.max.is_some_and(|max| max <= ELEMENTS),
        _ => true,
    });
    // Waits might never end.
    if !small || features.iter().any(|feature| feature == "threads") {
        return Fate::Translated;
    }
    run(module);
    Fate::Run
}

fn run(module: &Module) {
    let options = Options {
        stack_bytes: 1 << 20,
        ready: Some(Box::new(|instance: &mut Instance| {
            WATCHED.with(|watched| watched.begins(instance.interrupt_handle()));
        })),
        ..Options::default()
    };
    let instance = Instance::with_options(module, &host, options);
    for (name, export) in module.exports() {
        let Ok(instance) = &instance else {
            break;
        };
        let ExportIndex::Func(index) = export else {
            let _ = instance.export(name);
            continue;
        };
        let ty = module.func_type(*index).expect("it is there");
        let args: Vec<Value> = ty.params.iter().map(|ty| Value::default_of(*ty)).collect();
        match instance.invoke(name, &args) {
            Ok(results) => assert_eq!(results.len(), ty.results.len()),
            Err(trap) if matches!(trap.kind(), TrapKind::Interrupted) => break,
            Err(trap) => assert!(!trap.to_string().is_empty()),
        }
    }
    WATCHED.with(Watched::ends);
}

thread_local! {
    static WATCHED: Watched = Watched::new();
}

/// What runs on a thread, and since when; another thread stops it after a while.
struct Watched(Arc<Mutex<Option<(Instant, InterruptHandle)>>>);

impl Watched {
    fn new() -> Watched {
        let watched = Arc::new(Mutex::new(None::<(Instant, InterruptHandle)>));
        let seen = Arc::downgrade(&watched);
        std::thread::spawn(move || {
            while let Some(watched) = seen.upgrade() {
                if let Some((since, handle)) = &*watched.lock().expect("nobody panics with it")
                    && since.elapsed() > LONGEST
                {
                    handle.interrupt();
                }
                drop(watched);
                std::thread::sleep(LONGEST / 4);
            }
        });
        Watched(watched)
    }

    fn begins(&self, handle: InterruptHandle) {
        *self.0.lock().expect("nobody panics with it") = Some((Instant::now(), handle));
    }

    fn ends(&self) {
        *self.0.lock().expect("nobody panics with it") = None;
    }
}

fn host(import: &Import) -> Option<Extern> {
    Some(match &import.ty {
        ExternType::Func(ty) => Extern::Func(nothing(ty)),
        ExternType::Global(ty) => Extern::Global(Global::new(*ty, &Value::default_of(ty.ty))?),
        ExternType::Memory(ty) => Extern::Memory(Memory::new(*ty).ok()?),
        ExternType::Table(ty) => Extern::Table(Table::new(*ty, &Value::default_of(ty.element))?),
        ExternType::Tag(ty) => Extern::Tag(Tag::new(ty.params.clone())),
    })
}

/// A function that yields zeros.
fn nothing(ty: &FuncType) -> Func {
    let slots = ty
        .results
        .iter()
        .map(|ty| 1 + usize::from(*ty == ValType::V128));
    let slots = slots.sum::<usize>();
    Func::host(
        ty.clone(),
        Arc::new(move |_, at| {
            at[..slots].fill(0);
            Ok(())
        }),
    )
}

fn survives(seed: u64, bytes: &[u8]) -> Fate {
    catch_unwind(AssertUnwindSafe(|| look(bytes))).unwrap_or_else(|_| {
        let path = std::env::temp_dir().join(format!("wali-damaged-{seed}.wasm"));
        std::fs::write(&path, bytes).expect("it can be written");
        panic!("seed {seed}, in {}", path.display())
    })
}

fn damaged(what: &str, originals: &[Vec<u8>], count: u64) {
    let first = number("WALI_SEED", 1) << 32;
    let mut fates = [0u64; 3];
    for seed in first..first + number("WALI_MODULES", count) {
        let mut random = Random::new(seed);
        let mut bytes = random.pick(originals).clone();
        let other = random.pick(originals);
        for _ in 0..1 + random.below(6) / 3 {
            damage(&mut bytes, other, &mut random);
        }
        fates[survives(seed, &bytes) as usize] += 1;
    }
    let [refused, translated, run] = fates;
    println!("{what}: {refused} refused, {translated} translated, {run} run");
    assert!(refused > 0 && translated + run > 0, "nothing is looked at");
}

#[test]
fn random_modules() {
    let features = Features {
        vectors: true,
        threads: false,
        exceptions: true,
    };
    let modules = (0..400).filter_map(|seed| Case::new(seed, features));
    let modules: Vec<Vec<u8>> = modules.map(|case| case.wasm).collect();
    for (seed, module) in (0..).zip(&modules) {
        assert_ne!(survives(seed, module), Fate::Refused, "{seed}");
    }
    damaged("random modules", &modules, 15_000);
}

#[test]
fn guests() {
    let chosen = ["setjmp", "threads", "simd", "casts"];
    let programs = guests::programs().into_iter();
    let programs = programs.filter(|program| chosen.contains(&program.name.as_str()));
    let modules = programs.map(|program| {
        let path = build::build_wasm(&program).unwrap_or_else(|e| panic!("{e}"));
        std::fs::read(path).expect("it was just built")
    });
    let modules: Vec<Vec<u8>> = modules.collect();
    assert_eq!(modules.len(), chosen.len());
    damaged("guests", &modules, 3000);
}
