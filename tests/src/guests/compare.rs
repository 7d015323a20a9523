//! Running a case in one world or another, and telling the differences.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use similar::{ChangeTag, TextDiff};

use super::build::Built;
use super::cases::Case;
use super::tree;
use crate::gaps::Gap;
use crate::process::{self, End, Outcome};
use crate::workspace::{self, Target};

/// How long a guest may take.
const LIMIT: Duration = Duration::from_secs(120);
/// How long if it is emulated, by a machine that has much else to do.
const EMULATED: Duration = Duration::from_secs(180);
/// How long if it is known that the emulator may hang it. Who takes longer for other reasons is
/// taken for hung.
const HANGING: Duration = Duration::from_secs(40);

/// What a run in one world gave, as texts to compare.
#[derive(Debug, Clone)]
pub struct World {
    end: End,
    stdout: String,
    stderr: String,
    tree: String,
    /// What is wrong whatever other worlds do.
    wrong: Option<&'static str>,
}

/// Something in which two worlds differ.
#[derive(Debug, Clone)]
pub struct Difference {
    /// The lines that only one of them has; for an end, what it was.
    pub lines: Vec<String>,
    /// Whether it is in how they ended.
    pub ends: bool,
    /// How to show it.
    pub report: String,
}

/// Runs the case natively on a target, where these gaps may show.
pub fn native(target: &Target, built: &Built, case: &Case, gaps: &[&Gap]) -> Result<World, String> {
    world(target.command(&built.native), case, limit(target, gaps))
}

/// Runs the case under the `wali` of a target, where these gaps may show.
pub fn wali(target: &Target, built: &Built, case: &Case, gaps: &[&Gap]) -> Result<World, String> {
    let command = wali_of(target, &case.options, &built.wasm);
    wali_world(command, case, limit(target, gaps))
}

/// Runs the case in both worlds here, with something done to each command before it starts.
pub fn prepared(
    built: &Built,
    case: &Case,
    prepare: impl Fn(&mut Command),
) -> Result<[World; 2], String> {
    let target = workspace::target();
    let mut native = target.command(&built.native);
    let mut wali = wali_of(target, &case.options, &built.wasm);
    prepare(&mut native);
    prepare(&mut wali);
    let limit = limit(target, &[]);
    Ok([world(native, case, limit)?, wali_world(wali, case, limit)?])
}

fn limit(target: &Target, gaps: &[&Gap]) -> Duration {
    match target.emulated() {
        true if gaps.iter().any(|gap| gap.ends) => HANGING,
        true => EMULATED,
        false => LIMIT,
    }
}

fn wali_world(command: Command, case: &Case, limit: Duration) -> Result<World, String> {
    let mut wali = world(command, case, limit)?;
    if case.signal.is_some() {
        let said = wali.stderr.split_once("wali: ");
        match said.filter(|(_, said)| said.contains(": killed by SIG")) {
            Some((before, _)) => wali.stderr.truncate(before.len()),
            None => wali.wrong = Some("wali does not say on standard error why it ends"),
        }
    }
    Ok(wali)
}

/// `wali run MODULE`, to which arguments are added.
pub fn wali_run(module: &Path) -> Command {
    wali_of(workspace::target(), &[], module)
}

fn wali_of(target: &Target, options: &[String], module: &Path) -> Command {
    let mut command = target.command(target.wali());
    command.arg("run").args(options).arg(module);
    command
}

/// In what two worlds differ, under these names.
pub fn differences(names: [&str; 2], one: &World, other: &World) -> Vec<Difference> {
    let mut found = Vec::new();
    for wrong in [one.wrong, other.wrong].into_iter().flatten() {
        found.push(Difference {
            lines: vec![wrong.to_string()],
            ends: false,
            report: format!("{wrong}\n"),
        });
    }
    if one.end != other.end {
        found.push(Difference {
            lines: vec![one.end.to_string(), other.end.to_string()],
            ends: true,
            report: format!("{}: {}\n{}: {}\n", names[0], one.end, names[1], other.end),
        });
    }
    let texts = [
        ("standard output", &one.stdout, &other.stdout),
        ("standard error", &one.stderr, &other.stderr),
        ("files left behind", &one.tree, &other.tree),
    ];
    found.extend(
        texts
            .into_iter()
            .filter_map(|(what, one, other)| differ(what, names, one, other)),
    );
    found
}

/// In what a world differs from what its case says.
pub fn unexpected(name: &str, world: &World, case: &Case) -> Vec<Difference> {
    let expected = match case.signal {
        None => End::Exit(case.status),
        Some(signal) => End::Signal(signal),
    };
    let mut found = Vec::new();
    if world.end != expected {
        found.push(Difference {
            lines: vec![world.end.to_string()],
            ends: true,
            report: format!(
                "expected: {expected}; {name}: {}, with the standard error\n{}",
                world.end, world.stderr
            ),
        });
    }
    if let Some(stdout) = &case.stdout {
        found.extend(differ(
            "standard output",
            ["expected", name],
            stdout,
            &world.stdout,
        ));
    }
    found
}

fn world(mut command: Command, case: &Case, limit: Duration) -> Result<World, String> {
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
    } = process::run(command, case.stdin.as_bytes(), limit);
    Ok(World {
        end,
        stdout: text(&stdout),
        stderr: text(&stderr),
        tree: tree::describe(&cwd).map_err(|e| format!("cannot read what is left: {e}"))?,
        wrong: None,
    })
}

fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_string(),
        Err(_) => bytes.escape_ascii().to_string(),
    }
}

fn differ(what: &str, names: [&str; 2], one: &str, other: &str) -> Option<Difference> {
    if one == other {
        return None;
    }
    let diff = TextDiff::from_lines(one, other);
    let lines = diff
        .iter_all_changes()
        .filter(|change| change.tag() != ChangeTag::Equal)
        .map(|change| change.to_string());
    let shown = diff
        .unified_diff()
        .context_radius(2)
        .header(names[0], names[1])
        .to_string();
    // Enough to see what is wrong, not a megabyte of it, unless it goes to files.
    let most = match std::env::var_os("WALI_REPORTS") {
        Some(_) => usize::MAX,
        None => 24,
    };
    let shown: Vec<String> = shown
        .lines()
        .take(most)
        .map(|l| l.chars().take(300).collect())
        .collect();
    Some(Difference {
        lines: lines.collect(),
        ends: false,
        report: format!("{what}:\n{}\n", shown.join("\n")),
    })
}
