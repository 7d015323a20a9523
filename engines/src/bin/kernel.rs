//! Runs a kernel of the bench in wasmtime: once to warm up, once for the clock, as the native ones do.

use std::time::Instant;

use wali_engines::Code;
use wasmtime::{Config, Engine, Instance, Module, SharedMemory, Store};

const HELP: &str = "\
Runs a kernel of tests/benches/kernels in wasmtime, and prints its checksum and nanoseconds.

    kernel cranelift|pulley MODULE NUMBER

The bench calls it: cargo bench -p wali-tests --bench kernels -- --wasmtime
";

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (code, path, number) = match &args[..] {
        [engine, path, number] => {
            let code = match engine.as_str() {
                "cranelift" => Code::Machine,
                "pulley" => Code::Pulley,
                _ => wrong(),
            };
            let number = number.parse::<u32>().unwrap_or_else(|_| wrong());
            (code, path, number)
        }
        [help] if help == "--help" || help == "-h" => {
            print!("{HELP}");
            return;
        }
        _ => wrong(),
    };
    match run(code, path, number) {
        Ok((sum, nanos)) => println!("{sum} {nanos}"),
        Err(error) => {
            eprintln!("{path}: {error:?}");
            std::process::exit(1);
        }
    }
}

fn wrong() -> ! {
    eprint!("{HELP}");
    std::process::exit(2)
}

fn run(code: Code, path: &str, number: u32) -> Result<(u32, u128), wasmtime::Error> {
    let mut config = Config::new();
    config.shared_memory(true);
    if code == Code::Pulley {
        config.target("pulley64")?;
    }
    let engine = Engine::new(&config)?;
    let module = Module::from_file(&engine, path)?;
    let mut store = Store::new(&engine, ());
    let mut imports = Vec::new();
    for import in module.imports() {
        let ty = import.ty();
        let ty = ty.memory().filter(|ty| ty.is_shared());
        let ty = ty.ok_or_else(|| wasmtime::Error::msg("a kernel imports nothing"))?;
        imports.push(SharedMemory::new(&engine, ty.clone())?.into());
    }
    let instance = Instance::new(&mut store, &module, &imports)?;
    let run = instance.get_typed_func::<u32, u32>(&mut store, "run")?;
    let warm = run.call(&mut store, number)?;
    let start = Instant::now();
    let sum = run.call(&mut store, number)?;
    let nanos = start.elapsed().as_nanos();
    match sum == warm {
        true => Ok((sum, nanos)),
        false => Err(wasmtime::Error::msg("two runs differ")),
    }
}
