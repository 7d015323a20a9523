//! `wali-codegen since`

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use wali_codegen::facts::since::{self, Found};
use wali_codegen::source::Sources;

use super::Failure;

/// What to do with what is found.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Changes nothing; fails if what is recorded is not so
    #[arg(long)]
    check: bool,
}

pub(super) fn run(dir: &Path, args: &Args) -> Result<(), Failure> {
    let spec = super::load(dir)?;
    let found = since::find(&spec)?;
    let mut out = io::stdout().lock();
    if !args.check {
        let path = dir.join(Found::path());
        fs::write(&path, found.to_text()).map_err(|e| format!("{}: {e}", path.display()))?;
        let (calls, all) = (found.calls.len(), spec.kernel.len());
        writeln!(out, "{}: {calls} of {all} calls", path.display())?;
        return Ok(());
    }
    let mut wrong = 0;
    let sources = Sources::read(dir).map_err(|e| e.to_string())?;
    let recorded = since::recorded(&Arc::new(sources));
    for name in spec.kernel.keys() {
        match (recorded.get(name), found.calls.get(name)) {
            (Some(&recorded), Some(&now)) if !since::agrees(recorded, now) => {
                writeln!(out, "{name}: recorded as {recorded}, found as {now}")?;
                wrong += 1;
            }
            (Some(recorded), Some(now)) if recorded != now => {
                writeln!(out, "note: {name}: recorded as {recorded}, found as {now}")?;
            }
            (None, Some(now)) => {
                writeln!(out, "{name}: not recorded, found as {now}")?;
                wrong += 1;
            }
            _ => {}
        }
    }
    match wrong {
        0 => Ok(writeln!(out, "what is recorded is so")?),
        _ => Err(Failure::Other(
            "what is recorded is not so; run `wali-codegen since` to bring it up to date"
                .to_owned(),
        )),
    }
}
