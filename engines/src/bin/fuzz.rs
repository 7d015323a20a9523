//! Random modules in this interpreter and in wasmtime, until something differs. `--help` says how.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use wali_engines::{Code, Wasmtime};
use wali_tests::smith::{Case, Ended, Engine, Features, Ours, Wasmi};

const HELP: &str = "\
Compares random modules in this interpreter and in wasmtime, until a difference, which ends it with 1.

    fuzz [--seed N] [--modules N | --seconds N] [--save FOLDER] [--keep-going]

    --seed N       the first seed; 0 if not given
    --modules N    ends after as many
    --seconds N    ends after this time; 60 if neither is given
    --save FOLDER  where modules that differ are written; the current one if not given
    --keep-going   does not end at a difference

Every 4000 modules a new process goes on. While a module runs, its seed is in FOLDER/fuzz-PID.seed, for when the process dies of it.
WALI_DISPATCH and WALI_BOUNDS choose how this interpreter is built.
";

struct Args {
    seed: u64,
    modules: u64,
    until: Option<Duration>,
    save: PathBuf,
    keep_going: bool,
    /// This process is such a part.
    part: bool,
}

fn args() -> Args {
    let mut found = Args {
        seed: 0,
        modules: u64::MAX,
        until: None,
        save: PathBuf::from("."),
        keep_going: false,
        part: false,
    };
    let mut given = std::env::args().skip(1);
    while let Some(option) = given.next() {
        let mut number = || {
            let text = given.next().unwrap_or_default();
            text.parse::<u64>()
                .unwrap_or_else(|_| wrong(&format!("{option} {text}: a number is missing")))
        };
        match option.as_str() {
            "--seed" => found.seed = number(),
            "--modules" => found.modules = number(),
            "--seconds" => found.until = Some(Duration::from_secs(number())),
            "--save" => match given.next() {
                Some(folder) => found.save = folder.into(),
                None => wrong("--save: the folder is missing"),
            },
            "--keep-going" => found.keep_going = true,
            "--part" => found.part = true,
            "-h" | "--help" => {
                print!("{HELP}");
                std::process::exit(0)
            }
            other => wrong(&format!("{other}: there is no such option")),
        }
    }
    if found.modules == u64::MAX && found.until.is_none() {
        found.until = Some(Duration::from_secs(60));
    }
    found
}

fn wrong(why: &str) -> ! {
    eprint!("fuzz: {why}\n\n{HELP}");
    std::process::exit(2)
}

#[derive(Debug, Default)]
struct Seen {
    modules: u64,
    not_made: u64,
    beside_wasmi: u64,
    unusable: u64,
    calls: u64,
    results: u64,
    exceptions: u64,
    traps: u64,
    exhausted: u64,
    faults_of_wasmi: u64,
    different: u64,
}

fn main() {
    let args = args();
    if !args.part {
        std::process::exit(parts(&args));
    }
    // Deep recursion of wasmtime's is on this stack.
    let run = std::thread::Builder::new().stack_size(1 << 30);
    let seen = run
        .spawn(move || fuzz(&args))
        .expect("a thread starts")
        .join();
    let seen = seen.unwrap_or_else(|_| std::process::exit(101));
    std::process::exit(i32::from(seen.different > 0));
}

/// Has processes of their own run the modules, some after the other: instances that share a table
/// keep each other and their memories, for which a process has only so much address space.
fn parts(args: &Args) -> i32 {
    const SEEDS: u64 = 4000;
    let start = Instant::now();
    let program = std::env::current_exe().expect("this program has a path");
    let mut status = 0;
    let (mut seed, end) = (args.seed, args.seed.saturating_add(args.modules));
    while seed < end {
        let left = args
            .until
            .map(|until| until.saturating_sub(start.elapsed()));
        if left.is_some_and(|left| left.is_zero()) {
            break;
        }
        let mut part = Command::new(&program);
        part.arg("--part").arg("--save").arg(&args.save);
        part.args(["--seed", &seed.to_string()]);
        part.args(["--modules", &SEEDS.min(end - seed).to_string()]);
        if let Some(left) = left {
            part.args(["--seconds", &left.as_secs().max(1).to_string()]);
        }
        if args.keep_going {
            part.arg("--keep-going");
        }
        match part.status().expect("it starts").code() {
            Some(0) => {}
            // A difference, or the death of the process.
            code => {
                status = code.unwrap_or(101);
                if !args.keep_going {
                    break;
                }
            }
        }
        seed += SEEDS;
    }
    status
}

fn fuzz(args: &Args) -> Seen {
    let note = args.save.join(format!("fuzz-{}.seed", std::process::id()));
    let (mut ours, mut polled) = (Ours::new(), Ours::polled());
    let (mut machine, mut wasmi) = (Wasmtime::new(Code::Machine), Wasmi::default());
    let mut pulley = Wasmtime::new(Code::Pulley);
    println!("{}, from seed {}", ours.name(), args.seed);
    let start = Instant::now();
    let mut told = start;
    let mut seen = Seen::default();
    for seed in args.seed..args.seed.saturating_add(args.modules) {
        if args.until.is_some_and(|until| start.elapsed() > until) {
            break;
        }
        if told.elapsed() > Duration::from_secs(60) {
            told = Instant::now();
            println!("seed {seed}: {seen:?}");
        }
        std::fs::write(&note, seed.to_string()).expect("the seed can be written");
        // wasmi has none of these, Pulley no threads; and what is rare should be among little else
        // sometimes.
        let (beyond, in_pulley) = (seed % 4 != 0, seed % 16 == 2);
        let features = Features {
            vectors: beyond,
            threads: beyond && !in_pulley,
            exceptions: beyond,
        };
        let Some(case) = Case::new(seed, features) else {
            seen.not_made += 1;
            continue;
        };
        let outcome = ours.run(&case);
        let mut others: Vec<&mut dyn Engine> = vec![&mut polled];
        match in_pulley {
            true => others.push(&mut pulley),
            false => others.push(&mut machine),
        }
        if !beyond {
            seen.beside_wasmi += 1;
            others.push(&mut wasmi);
        }
        let mut agreed = true;
        for engine in others {
            let other = engine.run(&case);
            if outcome.depends_on_limits() || other.depends_on_limits() {
                seen.exhausted += 1;
                agreed = false;
                continue;
            }
            if engine.name() == "wasmi" && Wasmi::divides_by_zero(&other, &outcome) {
                seen.faults_of_wasmi += 1;
                continue;
            }
            if let Some(difference) = outcome.difference(&other, &case) {
                // It comes last, and wasmtime has done as we did.
                if engine.name() == "wasmi" && agreed {
                    println!("seed {seed}: wasmi alone differs");
                    seen.faults_of_wasmi += 1;
                    continue;
                }
                agreed = false;
                let path = args.save.join(format!("different-{seed}.wasm"));
                std::fs::write(&path, &case.wasm).expect("the module can be written");
                println!(
                    "{}: {} and {}, in {}\n{difference}",
                    case.text(),
                    ours.name(),
                    engine.name(),
                    path.display()
                );
                seen.different += 1;
                if !args.keep_going {
                    println!("{seen:?}");
                    return seen;
                }
            }
        }
        seen.modules += 1;
        seen.unusable += u64::from(outcome.start.is_some());
        for (result, _) in &outcome.calls {
            seen.calls += 1;
            match result {
                Ok(_) => seen.results += 1,
                Err(Ended::Exception) => seen.exceptions += 1,
                Err(_) => seen.traps += 1,
            }
        }
    }
    let _ = std::fs::remove_file(&note);
    println!(
        "{seen:?}, attention {} times, in {:.0} s",
        polled.hooks(),
        start.elapsed().as_secs_f64()
    );
    seen
}
