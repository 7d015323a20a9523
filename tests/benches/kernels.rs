//! The same kernels natively, in this interpreter on plain and on shared memory, and in
//! wasmi on plain memory: `cargo bench -p wali-tests --bench kernels [-- --quick] [NAME]`. With
//! `--wasmtime`, in its interpreter Pulley and as Cranelift's machine code, too, on plain memory.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use wali_runtime::interp::{self, Imports, Instance, Value};
use wali_tests::bench::{Options, geometric_mean, median, table};
use wali_tests::guests::build;
use wali_tests::workspace;

/// Kernels with the amount of work for a measurement and for a smoke test. Those with a level
/// behind their names are optimised that far, others by `-O2`.
const KERNELS: &[(&str, u32, u32)] = &[
    ("fib", 32, 15),
    ("sieve", 10, 1),
    ("xorshift", 20, 1),
    ("nbody", 200_000, 100),
    ("sha256", 1000, 10),
    ("indirect", 10, 1),
    ("matrix", 10, 1),
    ("text", 15, 1),
    ("branches", 20, 1),
    ("mix64", 40, 1),
    ("mixed", 300, 2),
    ("bulk", 200, 1),
    ("atomics", 4, 1),
    ("fib -O0", 30, 15),
    ("sieve -O0", 4, 1),
    ("xorshift -O0", 6, 1),
    ("nbody -O0", 60_000, 100),
    ("sha256 -O0", 300, 10),
    ("indirect -O0", 5, 1),
    ("matrix -O0", 4, 1),
    ("text -O0", 6, 1),
    ("branches -O0", 8, 1),
    ("mix64 -O0", 10, 1),
    ("mixed -O0", 100, 2),
    ("bulk -O0", 100, 1),
    ("atomics -O0", 2, 1),
];

/// Rounds of a measurement.
const ROUNDS: usize = 5;

/// A kernel in one world: runs it and gives its checksum and milliseconds.
type World = Box<dyn FnMut(u32) -> (u32, f64)>;

fn main() {
    let options = Options::from_args();
    let wasmtime = options.wasmtime.then(wasmtime);
    println!(
        "{}; milliseconds, and times slower than native (last: wasmi, and than ours)",
        interp::BUILD
    );
    let mut names = vec!["native", "plain", "shared", "wasmi"];
    if wasmtime.is_some() {
        names.extend(["pulley", "cranelift"]);
    }
    let mut rows = Vec::new();
    let mut ratios: Vec<Vec<f64>> = Vec::new();
    for (name, full, quick) in KERNELS.iter().filter(|k| options.wants(k.0)) {
        let n = if options.quick { *quick } else { *full };
        let times = measure(name, n, options.rounds(ROUNDS), wasmtime.as_deref());
        let [native, _, shared, wasmi, ..] = times[..] else {
            panic!("four worlds at least");
        };
        let slower = times[1..].iter().map(|time| time / native);
        let slower: Vec<f64> = slower.chain([wasmi / shared]).collect();
        let mut row = vec![name.to_string(), format!("{native:.2}")];
        for (time, ratio) in times[1..].iter().zip(&slower) {
            row.extend([format!("{time:.1}"), format!("{ratio:.2}x")]);
        }
        row.push(format!("{:.2}x", wasmi / shared));
        rows.push(row);
        ratios.push(slower);
    }
    if rows.is_empty() {
        eprintln!("no kernel of that name");
        std::process::exit(2);
    }
    let mut last = vec!["mean".to_string(), String::new()];
    for column in 0..ratios[0].len() {
        let ratios: Vec<f64> = ratios.iter().map(|row| row[column]).collect();
        // Times are of no use added up.
        if column + 1 < names.len() {
            last.push(String::new());
        }
        last.push(format!("{:.2}x", geometric_mean(&ratios)));
    }
    rows.push(last);
    let mut heading = vec!["kernel", "native"];
    heading.extend(names[1..].iter().flat_map(|name| [name, ""]));
    heading.push("wasmi/shared");
    table(&heading, &rows);
}

/// Medians of all worlds, which take turns.
fn measure(name: &str, n: u32, rounds: usize, wasmtime: Option<&Path>) -> Vec<f64> {
    let dir = workspace::root().join("tests/benches/kernels");
    let (stem, level) = name.split_once(' ').unwrap_or((name, "-O2"));
    let source = dir.join(format!("{stem}.c"));
    let built =
        |shared| build::build_kernel(&source, level, shared).unwrap_or_else(|e| panic!("{e}"));
    let native = build::build_native_kernel(&source, level, &dir.join("main.c"))
        .unwrap_or_else(|e| panic!("{e}"));
    let mut worlds: Vec<World> = vec![
        outside_world(native, Vec::new()),
        our_world(built(false)),
        our_world(built(true)),
        wasmi_world(built(false)),
    ];
    for engine in ["pulley", "cranelift"] {
        if let Some(program) = wasmtime {
            let args = vec![engine.into(), built(false).into()];
            worlds.push(outside_world(program.into(), args));
        }
    }
    let mut samples = vec![Vec::new(); worlds.len()];
    // The first round warms up: translation, caches, page faults.
    for round in 0..=rounds {
        let mut sums = Vec::new();
        for (world, samples) in worlds.iter_mut().zip(&mut samples) {
            let (sum, time) = world(n);
            sums.push(sum);
            if round > 0 {
                samples.push(time);
            }
        }
        assert!(
            sums.iter().all(|s| *s == sums[0]),
            "{name}: checksums differ: {sums:x?}"
        );
    }
    samples.iter().map(|s| median(s)).collect()
}

/// Builds what runs kernels in wasmtime, in a workspace of its own.
fn wasmtime() -> PathBuf {
    let folder = workspace::root().join("engines");
    let target = workspace::target_dir().join("engines");
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--release", "--locked", "--bin", "kernel"])
        .arg("--target-dir")
        .arg(&target)
        .current_dir(folder);
    eprintln!("building wasmtime, which takes some minutes the first time");
    let status = cargo.status().expect("cargo starts");
    assert!(status.success(), "{cargo:?}: {status}");
    target.join("release/kernel")
}

/// A program that is given the number, and prints the checksum and nanoseconds.
fn outside_world(program: PathBuf, args: Vec<OsString>) -> World {
    Box::new(move |n| {
        let mut command = Command::new(&program);
        command.args(&args).arg(n.to_string());
        let output = command.output().expect("the kernel starts");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{command:?}: {}\n{errors}",
            output.status
        );
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (sum, ns) = text
            .trim()
            .split_once(' ')
            .expect("a checksum and nanoseconds");
        (
            sum.parse().expect("a number"),
            ns.parse::<f64>().expect("a number") / 1e6,
        )
    })
}

fn our_world(module: PathBuf) -> World {
    let bytes = std::fs::read(&module).expect("it was just built");
    let module = interp::Module::new(&bytes).unwrap_or_else(|e| panic!("{e}"));
    let instance = Instance::new(&module, &Imports::new()).unwrap_or_else(|e| panic!("{e}"));
    Box::new(move |n| {
        let start = Instant::now();
        let results = instance
            .invoke("run", &[Value::I32(n as i32)])
            .unwrap_or_else(|e| panic!("{e}"));
        let time = start.elapsed();
        let [Value::I32(sum)] = results[..] else {
            panic!("one i32, not {results:?}")
        };
        (sum as u32, time.as_secs_f64() * 1e3)
    })
}

fn wasmi_world(module: PathBuf) -> World {
    let bytes = std::fs::read(&module).expect("it was just built");
    let engine = wasmi::Engine::default();
    let module = wasmi::Module::new(&engine, &bytes[..]).unwrap_or_else(|e| panic!("{e}"));
    let mut store = wasmi::Store::new(&engine, ());
    let instance = wasmi::Linker::new(&engine)
        .instantiate_and_start(&mut store, &module)
        .unwrap_or_else(|e| panic!("{e}"));
    let run = instance
        .get_typed_func::<i32, i32>(&store, "run")
        .unwrap_or_else(|e| panic!("{e}"));
    Box::new(move |n| {
        let start = Instant::now();
        let sum = run
            .call(&mut store, n as i32)
            .unwrap_or_else(|e| panic!("{e}"));
        (sum as u32, start.elapsed().as_secs_f64() * 1e3)
    })
}
