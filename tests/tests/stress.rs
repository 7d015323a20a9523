//! Everything that processes and threads do, at once and at random, for `WALI_STRESS_SECONDS` (15
//! unless said otherwise) from `WALI_SEED`, with twice as many programs as processors.

use std::env;
use std::time::Duration;

use wali_tests::guests::{self, build, compare};
use wali_tests::process::{End, run};

fn number(name: &str, otherwise: u64) -> u64 {
    env::var(name).map_or(otherwise, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {text}"))
    })
}

#[test]
fn nothing_is_lost_under_stress() {
    let program = guests::programs().into_iter().find(|p| p.name == "stress");
    let built = build::build(&program.expect("a program `stress`"));
    let built = built.unwrap_or_else(|e| panic!("{e}"));
    let seconds = number("WALI_STRESS_SECONDS", 15);
    let seed = number("WALI_SEED", 1);
    let programs = std::thread::available_parallelism().map_or(2, |n| n.get() as u64) * 2;
    let run_one = |seed: u64| {
        let mut command = compare::wali_run(&built.wasm);
        command.args([seconds.to_string(), seed.to_string(), "figures".into()]);
        let outcome = run(command, b"", Duration::from_secs(seconds * 4 + 120));
        let text = String::from_utf8_lossy(&outcome.stdout).into_owned();
        let good = outcome.end == End::Exit(0) && text == "nothing lost, nothing left\n";
        let report = format!("seed {seed}: {}: {text}{}", outcome.end, outcome.errors());
        (good, report)
    };
    let reports: Vec<(bool, String)> = std::thread::scope(|scope| {
        let run_one = &run_one;
        let started: Vec<_> = (seed..seed + programs)
            .map(|seed| scope.spawn(move || run_one(seed)))
            .collect();
        let ended = started.into_iter().map(|run| run.join());
        ended.map(|run| run.expect("a run reports")).collect()
    });
    for (_, report) in &reports {
        println!("{report}");
    }
    assert!(reports.iter().all(|(good, _)| *good));
}
