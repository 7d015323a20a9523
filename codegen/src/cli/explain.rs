//! `wali-codegen explain`

use std::io::{self, Write};
use std::path::Path;

use wali_codegen::emit;

use super::Failure;

/// What to explain.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A call, by its name in the kernel or by that of the import, such as `read` or `SYS_read`
    #[arg(required = true)]
    call: Vec<String>,
}

pub(super) fn run(dir: &Path, args: &Args) -> Result<(), Failure> {
    let spec = super::load(dir)?;
    let texts: Result<Vec<String>, String> = args
        .call
        .iter()
        .map(|name| emit::explain(&spec, name))
        .collect();
    let mut out = io::stdout().lock();
    out.write_all(texts?.join("\n").as_bytes())?;
    out.flush()?;
    Ok(())
}
