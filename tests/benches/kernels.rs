//! The same kernels natively, in this interpreter on plain and on shared memory, and in
//! wasmi on plain memory: `cargo bench -p wali-tests --bench kernels [-- --quick] [NAME]`.

use std::path::PathBuf;
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
    ("bulk -O0", 100, 1),
    ("atomics -O0", 2, 1),
];

/// Rounds of a measurement.
const ROUNDS: usize = 5;

/// A kernel in one world: runs it and gives its checksum and milliseconds.
type World = Box<dyn FnMut(u32) -> (u32, f64)>;

fn main() {
    let options = Options::from_args();
    println!(
        "{}; milliseconds, and times slower than native (wasmi: and than ours)",
        interp::BUILD
    );
    let mut rows = Vec::new();
    let mut ratios: [Vec<f64>; 4] = Default::default();
    for (name, full, quick) in KERNELS.iter().filter(|k| options.wants(k.0)) {
        let n = if options.quick { *quick } else { *full };
        let [native, plain, shared, wasmi] = measure(name, n, options.rounds(ROUNDS));
        let all = [
            plain / native,
            shared / native,
            wasmi / native,
            wasmi / shared,
        ];
        rows.push(vec![
            name.to_string(),
            format!("{native:.2}"),
            format!("{plain:.1}"),
            format!("{:.2}x", all[0]),
            format!("{shared:.1}"),
            format!("{:.2}x", all[1]),
            format!("{wasmi:.1}"),
            format!("{:.2}x", all[2]),
            format!("{:.2}x", all[3]),
        ]);
        all.iter()
            .zip(&mut ratios)
            .for_each(|(ratio, into)| into.push(*ratio));
    }
    if rows.is_empty() {
        eprintln!("no kernel of that name");
        std::process::exit(2);
    }
    let [plain, shared, wasmi, ours] = ratios.map(|r| format!("{:.2}x", geometric_mean(&r)));
    let blank = String::new;
    rows.push(vec![
        "mean".into(),
        blank(),
        blank(),
        plain,
        blank(),
        shared,
        blank(),
        wasmi,
        ours,
    ]);
    let heading = [
        "kernel",
        "native",
        "plain",
        "",
        "shared",
        "",
        "wasmi",
        "",
        "wasmi/shared",
    ];
    table(&heading, &rows);
}

/// Medians of all worlds, which take turns.
fn measure(name: &str, n: u32, rounds: usize) -> [f64; 4] {
    let dir = workspace::root().join("tests/benches/kernels");
    let (stem, level) = name.split_once(' ').unwrap_or((name, "-O2"));
    let source = dir.join(format!("{stem}.c"));
    let built =
        |shared| build::build_kernel(&source, level, shared).unwrap_or_else(|e| panic!("{e}"));
    let native = build::build_native_kernel(&source, level, &dir.join("main.c"))
        .unwrap_or_else(|e| panic!("{e}"));
    let mut worlds: [World; 4] = [
        native_world(native),
        our_world(built(false)),
        our_world(built(true)),
        wasmi_world(built(false)),
    ];
    let mut samples: [Vec<f64>; 4] = Default::default();
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
    samples.map(|s| median(&s))
}

fn native_world(program: PathBuf) -> World {
    Box::new(move |n| {
        let output = Command::new(&program)
            .arg(n.to_string())
            .output()
            .expect("the kernel starts");
        assert!(
            output.status.success(),
            "{}: {}",
            program.display(),
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
