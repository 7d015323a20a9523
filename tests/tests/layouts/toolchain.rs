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
    let (target, cc) = match env::var(format!("WALI_TARGET_{isa}")) {
        Ok(target) => {
            let key = format!("CC_{}", target.replace('-', "_"));
            let cc = env::var(&key).map_err(|_| format!("{key} is not set"))?;
            (target, cc)
        }
        Err(_) if isa == env::consts::ARCH => {
            let version = text(Command::new("rustc").arg("-vV"))?;
            let host = version.lines().find_map(|l| l.strip_prefix("host: "));
            let host = host.ok_or("rustc does not say what it is for")?;
            let cc = env::var("CC").unwrap_or_else(|_| "cc".to_owned());
            (host.to_owned(), cc)
        }
        Err(_) => return Err(format!("no tools for {isa}: run this under ./cross")),
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
