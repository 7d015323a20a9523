//! `wali-codegen update`

use std::io::{self, Write};
use std::path::Path;

use wali_codegen::check;
use wali_codegen::facts::compare::Changes;
use wali_codegen::facts::extract::{extract, likely_sets};
use wali_codegen::facts::package::{Headers, progress};

use super::{Failure, facts};

/// The exit status after an error, as 1 says that there are differences.
pub(super) const ERROR: u8 = 2;

/// Which kernel, and what to do with the difference.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit status: 0 if all is well, and with --dry-run if nothing changed; \
    1 with --dry-run if something changed; 2 after errors."
)]
pub(super) struct Args {
    /// A release (`7.2`, `6.12.107`), a Debian suite (`sid`), a package file
    /// (`linux-libc-dev_VERSION_all.deb`), or a folder that one was unpacked into
    #[arg(long, value_name = "KERNEL")]
    linux: String,
    /// Changes nothing, and exits with status 1 if there is something to change
    #[arg(long)]
    dry_run: bool,
    /// Prints the difference as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(dir: &Path, args: &Args) -> Result<(), Failure> {
    let (intent, committed) = check::load_facts(dir)?;
    let headers = Headers::named(&args.linux)?;
    let source = &headers.provenance;
    progress(&format!("reading {} {}", source.package, source.version));
    let facts = extract(&intent, &headers)?;
    let changes = Changes::between(&committed, &facts, |name| likely_sets(&intent, name));
    let mut out = io::stdout().lock();
    if args.json {
        let text = serde_json::to_string_pretty(&changes)
            .map_err(|e| format!("cannot write JSON: {e}"))?;
        writeln!(out, "{text}")?;
    } else {
        write!(out, "{}", changes.to_text())?;
    }
    if args.dry_run {
        return match changes.is_empty() {
            true => Ok(()),
            false => Err(Failure::Different),
        };
    }
    for file in facts::differing(dir, &facts) {
        facts::write(&dir.join(&file.path), &file)?;
    }
    Ok(())
}
