//! What the benches share: options, medians, tables, and programs that measure themselves.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use crate::guests::{Program, build};
use crate::process::{self, End};
use crate::workspace;

/// Options of a bench: `--quick` for a smoke test, and names to choose by.
#[derive(Debug, Clone)]
pub struct Options {
    /// Little work and few rounds: only to see that everything runs.
    pub quick: bool,
    /// Beside wasmtime, too, for benches of the interpreter.
    pub wasmtime: bool,
    /// Parts of names; all benches if there are none.
    pub filters: Vec<String>,
}

impl Options {
    /// From the command line; what cargo itself adds is ignored.
    pub fn from_args() -> Options {
        let mut options = Options {
            quick: false,
            wasmtime: false,
            filters: Vec::new(),
        };
        for arg in std::env::args().skip(1) {
            match arg.as_str() {
                "--bench" => {}
                "--quick" => options.quick = true,
                "--wasmtime" => options.wasmtime = true,
                name if !name.starts_with('-') => options.filters.push(name.into()),
                other => {
                    eprintln!(
                        "unknown option {other}; there are --quick, --wasmtime (for kernels) and \
                         names to choose by"
                    );
                    std::process::exit(2);
                }
            }
        }
        options
    }

    /// Whether a bench of that name was asked for.
    pub fn wants(&self, name: &str) -> bool {
        self.filters.is_empty() || self.filters.iter().any(|f| name.contains(f.as_str()))
    }

    /// `full` rounds, or few.
    pub fn rounds(&self, full: usize) -> usize {
        if self.quick { 1 } else { full }
    }
}

/// The middle one of some values.
pub fn median(values: &[f64]) -> f64 {
    assert!(!values.is_empty(), "a median of nothing");
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        (sorted[middle - 1] + sorted[middle]) / 2.0
    }
}

/// The geometric mean, which is the right one for ratios.
pub fn geometric_mean(values: &[f64]) -> f64 {
    (values.iter().map(|v| v.ln()).sum::<f64>() / values.len() as f64).exp()
}

/// A duration in milliseconds.
pub fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Prints rows under a heading, the first column to the left and the others to the right.
pub fn table(heading: &[&str], rows: &[Vec<String>]) {
    let width = |column: usize| {
        let cells = rows.iter().map(|r| r[column].chars().count());
        cells
            .chain([heading[column].chars().count()])
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heading.len()).map(width).collect();
    let heading: Vec<String> = heading.iter().map(|h| h.to_string()).collect();
    for row in std::iter::once(&heading).chain(rows) {
        let mut line = format!("{:<1$}", row[0], widths[0]);
        for (cell, width) in row.iter().zip(&widths).skip(1) {
            line += &format!("  {cell:>width$}");
        }
        println!("{line}");
    }
}

/// Runs a program in both worlds in turns, and prints a row for each thing that it measures.
/// It is given a count, and prints names and hundredths of nanoseconds; `unit` is what a
/// nanosecond is in the table.
pub fn worlds(source: &str, count: u32, rounds: usize, unit: f64, options: &Options) {
    let source = workspace::root().join("tests/benches").join(source);
    let name = source.file_stem().unwrap_or_default().to_string_lossy();
    let name = name.into_owned();
    let built = build::build(&Program { name, source }).unwrap_or_else(|e| panic!("{e}"));
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut samples: BTreeMap<String, [Vec<f64>; 2]> = BTreeMap::new();
    let mut order = Vec::new();
    for _ in 0..options.rounds(rounds) {
        let mut guest = workspace::command(workspace::wali());
        guest.arg("run").arg(&built.wasm);
        for (world, mut command) in [workspace::command(&built.native), guest]
            .into_iter()
            .enumerate()
        {
            command.arg(count.to_string()).current_dir(dir.path());
            for (name, ns) in measured(command) {
                if !samples.contains_key(&name) {
                    order.push(name.clone());
                }
                samples.entry(name).or_default()[world].push(ns * unit);
            }
        }
    }
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
    table(&["", "native", "guest", "difference", "ratio"], &rows);
}

/// Names and nanoseconds as the program prints them.
fn measured(command: Command) -> Vec<(String, f64)> {
    let outcome = process::run(command, b"", Duration::from_secs(600));
    assert_eq!(outcome.end, End::Exit(0), "{}", outcome.errors());
    let text = String::from_utf8(outcome.stdout).expect("names and numbers");
    text.lines()
        .map(|line| {
            let (name, value) = line.split_once(' ').expect("a name and a number");
            let value = value.parse::<f64>().expect("a number");
            (name.to_string(), value / 100.0)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn middles() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0]), 2.5);
        assert!((geometric_mean(&[2.0, 8.0]) - 4.0).abs() < 1e-9);
    }
}
