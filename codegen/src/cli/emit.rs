//! `wali-codegen emit`

use std::io::{self, Write};
use std::path::Path;

use clap::ValueEnum;
use wali_codegen::emit;

use super::Failure;

/// What to print.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The language of the code
    what: What,
}

/// The emitters.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum What {
    /// The Rust that the procedural macros expand to
    Rust,
    /// A C header for guests
    CHeader,
}

pub(super) fn run(dir: &Path, args: &Args) -> Result<(), Failure> {
    let spec = super::load(dir)?;
    let text = match args.what {
        What::Rust => emit::rust(&spec),
        What::CHeader => emit::c_header(&spec),
    };
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}
