//! Running a case in both worlds and telling the differences.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use similar::TextDiff;

use super::build::Built;
use super::cases::Case;
use super::tree;
use crate::process::{self, End, Outcome};
use crate::workspace;

/// How long a guest may take; generous, for emulated hosts.
const LIMIT: Duration = Duration::from_secs(120);

/// What a run in one world gave, as texts to compare.
struct World {
    end: End,
    stdout: String,
    stderr: String,
    tree: String,
}

/// Runs the case natively and under `wali`; an error shows what differs.
pub fn compare(built: &Built, case: &Case) -> Result<(), String> {
    compare_prepared(built, case, &|_| {})
}

/// The same with something done to both commands before they start.
pub fn compare_prepared(
    built: &Built,
    case: &Case,
    prepare: &dyn Fn(&mut Command),
) -> Result<(), String> {
    let mut native = workspace::command(&built.native);
    prepare(&mut native);
    let native = world(native, case)?;
    let mut wali = wali_run_with(&case.options, &built.wasm);
    prepare(&mut wali);
    let mut wali = world(wali, case)?;
    let mut report = String::new();
    let expected = match case.signal {
        None => End::Exit(case.status),
        Some(signal) => {
            let said = wali.stderr.split_once("wali: ");
            match said.filter(|(_, said)| said.contains(": killed by SIG")) {
                Some((before, _)) => wali.stderr.truncate(before.len()),
                None => report.push_str("wali does not say on standard error why it ends\n"),
            }
            End::Signal(signal)
        }
    };
    if native.end != wali.end {
        let _ = writeln!(report, "native: {}\nwali:   {}", native.end, wali.end);
    }
    differ(&mut report, "standard output", &native.stdout, &wali.stdout);
    differ(&mut report, "standard error", &native.stderr, &wali.stderr);
    differ(&mut report, "files left behind", &native.tree, &wali.tree);
    if report.is_empty() {
        // Both agree; now whether on the right thing.
        if native.end != expected {
            let _ = writeln!(report, "expected: {expected}; both: {}", native.end);
        }
        if let Some(stdout) = &case.stdout {
            differ(
                &mut report,
                "standard output, expected against both",
                stdout,
                &native.stdout,
            );
        }
        if report.is_empty() {
            return Ok(());
        }
        let _ = writeln!(report, "standard error of both:\n{}", native.stderr);
    }
    Err(report)
}

/// `wali run MODULE`, to which arguments are added.
pub fn wali_run(module: &Path) -> Command {
    wali_run_with(&[], module)
}

/// The same with options before the module.
pub fn wali_run_with(options: &[String], module: &Path) -> Command {
    let mut command = workspace::command(workspace::wali());
    command.arg("run").args(options).arg(module);
    command
}

fn world(mut command: Command, case: &Case) -> Result<World, String> {
    let dir = tempfile::tempdir().map_err(|e| format!("no temporary folder: {e}"))?;
    // One name for both worlds, in case a program prints it.
    let cwd = dir.path().join("work");
    std::fs::create_dir(&cwd)
        .and_then(|()| case.populate(&cwd))
        .map_err(|e| format!("cannot make the case's files: {e}"))?;
    command.args(case.args.iter().map(|a| a.full()));
    command.current_dir(&cwd).env_clear().envs(&case.env);
    let Outcome {
        end,
        stdout,
        stderr,
        ..
    } = process::run(command, case.stdin.as_bytes(), LIMIT);
    Ok(World {
        end,
        stdout: text(&stdout),
        stderr: text(&stderr),
        tree: tree::describe(&cwd).map_err(|e| format!("cannot read what is left: {e}"))?,
    })
}

fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_string(),
        Err(_) => bytes.escape_ascii().to_string(),
    }
}

fn differ(report: &mut String, what: &str, native: &str, wali: &str) {
    if native != wali {
        let diff = TextDiff::from_lines(native, wali);
        let shown = diff
            .unified_diff()
            .context_radius(2)
            .header("native", "wali")
            .to_string();
        // Enough to see what is wrong, not a megabyte of it.
        let lines = shown
            .lines()
            .take(24)
            .map(|l| l.chars().take(300).collect::<String>());
        let _ = writeln!(report, "{what}:\n{}", lines.collect::<Vec<_>>().join("\n"));
    }
}
