//! How long it takes to check the specification and to make of it what the macros expand to, with
//! bounds that only something quite wrong exceeds. Processor time counts: machines are busy.
//!
//! `cargo bench -p wali-codegen`; with `-- --quick` fewer rounds.

use std::env;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use proc_macro2::TokenStream;
use wali_codegen::emit::rust;
use wali_codegen::model::Spec;

/// What is promised is 300 ms for the check, and two seconds for all expansions.
const CHECK: Duration = Duration::from_millis(300);
const EXPAND: Duration = Duration::from_secs(2);
/// How much slower another machine may be.
const SLACK: u32 = 5;

fn main() -> ExitCode {
    let quick = env::args().any(|arg| arg == "--quick");
    // Cargo's own flag, and what it passes on.
    let rounds = if quick { 3 } else { 20 };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec");
    let load = || Spec::load(&folder).unwrap_or_else(|problems| panic!("{problems}"));
    let spec = load();
    let support: syn::Path = syn::parse_quote!(crate::abi);
    let expand = || -> Vec<TokenStream> {
        vec![
            rust::numbers(&spec),
            rust::flags(&spec),
            rust::layouts(&spec, &support),
            rust::bindings(&spec, &support),
        ]
    };
    let mut good = bounded("check of the whole specification", CHECK, rounds, load);
    good &= bounded("what all macros expand to", EXPAND, rounds, expand);
    match good {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// What this thread, which is the first, has had of processors.
fn processor_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/schedstat").expect("/proc");
    let first = stat.split(' ').next().and_then(|ns| ns.parse().ok());
    Duration::from_nanos(first.expect("nanoseconds"))
}

/// Measures the quickest of several rounds, which says most on a busy machine.
fn bounded<T>(what: &str, promised: Duration, rounds: u32, work: impl Fn() -> T) -> bool {
    let round = |_| {
        let start = processor_time();
        black_box(work());
        processor_time() - start
    };
    let best = (0..rounds).map(round).min().unwrap_or_default();
    let bound = promised * SLACK;
    let verdict = if best <= bound { "" } else { ": TOO SLOW" };
    println!(
        "{what}: {:.0} ms; promised {} ms, an error from {} ms{verdict}",
        best.as_secs_f64() * 1000.0,
        promised.as_millis(),
        bound.as_millis()
    );
    best <= bound
}
