//! What a system call costs a guest above what it costs a native program:
//! `cargo bench -p wali-tests --bench syscalls [-- --quick]`.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use wali_tests::bench::{Options, median, table};
use wali_tests::guests::{Program, build};
use wali_tests::process::{self, End};
use wali_tests::workspace;

fn main() {
    let options = Options::from_args();
    let calls = if options.quick { 100 } else { 200_000 };
    let program = Program {
        name: "calls".into(),
        source: workspace::root().join("tests/benches/syscalls/calls.c"),
    };
    let built = build::build(&program).unwrap_or_else(|e| panic!("{e}"));
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut samples: BTreeMap<String, [Vec<f64>; 2]> = BTreeMap::new();
    let mut order = Vec::new();
    for _ in 0..options.rounds(7) {
        let mut guest = workspace::command(workspace::wali());
        guest.arg("run").arg(&built.wasm);
        for (world, mut command) in [workspace::command(&built.native), guest]
            .into_iter()
            .enumerate()
        {
            command.arg(calls.to_string()).current_dir(dir.path());
            for (name, ns) in run(command) {
                if !samples.contains_key(&name) {
                    order.push(name.clone());
                }
                samples.entry(name).or_default()[world].push(ns);
            }
        }
    }
    println!("nanoseconds for a call");
    let rows: Vec<Vec<String>> = order
        .iter()
        .filter(|name| options.wants(name))
        .map(|name| {
            let [native, guest] = samples[name].each_ref().map(|s| median(s));
            vec![
                name.clone(),
                format!("{native:.1}"),
                format!("{guest:.1}"),
                format!("{:+.1}", guest - native),
                format!("{:.2}x", guest / native),
            ]
        })
        .collect();
    table(&["call", "native", "guest", "difference", "ratio"], &rows);
}

/// Names and nanoseconds as the program prints them, in hundredths.
fn run(command: Command) -> Vec<(String, f64)> {
    let outcome = process::run(command, b"", Duration::from_secs(600));
    assert_eq!(outcome.end, End::Exit(0), "{}", outcome.errors());
    let text = String::from_utf8(outcome.stdout).expect("names and numbers");
    text.lines()
        .map(|line| {
            let (name, value) = line.split_once(' ').expect("a name and a number");
            (
                name.to_string(),
                value.parse::<f64>().expect("a number") / 100.0,
            )
        })
        .collect()
}
