//! Compilers and programs of the ISAs, and what they print.

use std::path::Path;
use std::process::{Command, Output};

use wali_tests::workspace::{self, Target};

/// The ISAs to check: this machine's, and those that `./cross --host` has set up.
pub fn targets() -> Vec<&'static Target> {
    let others = workspace::targets().iter().copied();
    let others = others.filter(|target| target.isa != workspace::target().isa);
    std::iter::once(workspace::target()).chain(others).collect()
}

/// The target of an ISA.
pub fn target(isa: &str) -> Result<&'static Target, String> {
    let found = targets().into_iter().find(|target| target.isa == isa);
    found.ok_or_else(|| format!("{isa} is not set up: start this by ./cross --host {isa}"))
}

/// What a command prints; an error if it fails.
pub fn text(command: &mut Command) -> Result<String, String> {
    let output = output(command)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?}: {}\n{complaint}", output.status))
}

/// Runs a command to its end.
pub fn output(command: &mut Command) -> Result<Output, String> {
    command
        .env("LC_ALL", "C")
        .output()
        .map_err(|e| format!("cannot start {:?}: {e}", command.get_program()))
}

/// Writes a file, and its folder.
pub fn write(path: &Path, text: &str) -> Result<(), String> {
    let fail = |e| format!("{}: {e}", path.display());
    std::fs::create_dir_all(path.parent().expect("a file is in a folder")).map_err(fail)?;
    std::fs::write(path, text).map_err(fail)
}
