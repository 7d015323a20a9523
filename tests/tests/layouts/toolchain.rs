//! The tools for each ISA: this machine's own for its own, and what `./cross --host` sets up
//! for others.

use std::env;
use std::path::Path;
use std::process::{Command, Output};

/// What builds programs for an ISA. They start like any others.
#[derive(Debug, Clone)]
pub struct Toolchain {
    /// The C compiler, with arguments.
    pub cc: Vec<String>,
    /// What rustc calls the target.
    pub target: String,
}

/// The ISAs to check: this machine's, and those that `./cross` has set up.
pub fn isas() -> Vec<String> {
    let mut isas = vec![env::consts::ARCH.to_owned()];
    for isa in env::var("WALI_ISAS").unwrap_or_default().split(',') {
        if !isa.is_empty() && !isas.iter().any(|known| known == isa) {
            isas.push(isa.to_owned());
        }
    }
    isas
}

/// The tools for an ISA.
pub fn of(isa: &str) -> Result<Toolchain, String> {
    // As the cc crate looks for it: the target with underscores.
    let set_up = env::vars().find_map(|(key, value)| {
        let target = key.strip_prefix("CC_")?;
        (target.starts_with(isa) && target.ends_with("_linux_gnu"))
            .then(|| (target.to_owned(), value))
    });
    let (target, cc) = match set_up {
        Some((key, cc)) => {
            let all = text(Command::new("rustc").args(["--print", "target-list"]))?;
            let mut all = all.lines();
            let found = all.find(|target| target.replace('-', "_") == key);
            let found = found.ok_or_else(|| format!("rustc knows no target for CC_{key}"))?;
            (found.to_owned(), cc)
        }
        None if isa == env::consts::ARCH => {
            let version = text(Command::new("rustc").arg("-vV"))?;
            let host = version.lines().find_map(|l| l.strip_prefix("host: "));
            let host = host.ok_or("rustc does not say what it is for")?;
            let cc = env::var("CC").unwrap_or_else(|_| "cc".to_owned());
            (host.to_owned(), cc)
        }
        None => return Err(format!("no tools for {isa}: run this under ./cross")),
    };
    let cc = cc.split_whitespace().map(str::to_owned).collect();
    Ok(Toolchain { cc, target })
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
