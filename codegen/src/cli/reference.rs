//! `wali-codegen compare-reference`

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use wali_codegen::reference;

use super::Failure;

/// What to compare with.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A table as `python -m wali.spec.syscalls --dump` of the package wali-linux writes it, or as
    /// `emit reference-csv` does
    file: PathBuf,
}

pub(super) fn run(dir: &Path, args: &Args) -> Result<(), Failure> {
    let spec = super::load(dir)?;
    let naming = |e: String| format!("{}: {e}", args.file.display());
    let text = fs::read_to_string(&args.file).map_err(|e| naming(e.to_string()))?;
    let rows = reference::read(&text).map_err(naming)?;
    let lines = reference::compare(&spec, &rows).map_err(naming)?;
    let mut out = io::stdout().lock();
    for line in &lines {
        writeln!(out, "{line}")?;
    }
    let described = rows.iter().filter(|row| row.args.is_some()).count();
    writeln!(
        out,
        "{} calls compared, {described} of them with arguments: {} differences",
        rows.len(),
        lines.len()
    )?;
    match lines.len() {
        0 => Ok(()),
        _ => Err(Failure::Other(format!(
            "the specification differs from {}",
            args.file.display()
        ))),
    }
}
