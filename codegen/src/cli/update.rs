//! `wali-codegen update`

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use wali_codegen::check;
use wali_codegen::facts::compare::Changes;
use wali_codegen::facts::extract::extract;
use wali_codegen::facts::history::History;
use wali_codegen::facts::manual::Manual;
use wali_codegen::facts::package::{Headers, progress};
use wali_codegen::facts::prototypes::Prototypes;
use wali_codegen::facts::scaffold::{self, Scaffold};
use wali_codegen::facts::{Facts, upstream};
use wali_codegen::intent::Intent;
use wali_codegen::source::Sources;

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
    /// The kernel's source, or its `include/linux/syscalls.h`, for the arguments of new calls
    /// [default: Debian's, if the headers come from a suite]
    #[arg(long, value_name = "PATH")]
    prototypes: Option<PathBuf>,
    /// A folder with manual pages of section 2, for calls that have no prototype there
    /// [default: Debian's newest, if the headers come from a suite]
    #[arg(long, value_name = "DIR")]
    manual: Option<PathBuf>,
    /// Changes nothing, and exits with status 1 if there is something to change
    #[arg(long)]
    dry_run: bool,
    /// Prints the difference as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(dir: &Path, args: &Args) -> Result<(), Failure> {
    let (intent, committed, history) = check::load_facts(dir)?;
    let headers = Headers::named(&args.linux)?;
    let source = &headers.provenance;
    progress(&format!("reading {} {}", source.package, source.version));
    let facts = extract(&intent, &headers)?;
    let changes = Changes::between(&committed, &facts, &intent);
    let mut out = io::stdout().lock();
    if args.json {
        let text = serde_json::to_string_pretty(&changes)
            .map_err(|e| format!("cannot write JSON: {e}"))?;
        writeln!(out, "{text}")?;
    } else {
        write!(out, "{}", changes.to_text())?;
    }
    let (now, then) = (&source.version, &committed.provenance.version);
    let goes_back = upstream(now)? < upstream(then)?;
    if args.dry_run {
        if goes_back {
            eprintln!("note: {now} is older than {then}, which the facts are of");
        }
        return match changes.is_empty() {
            true => Ok(()),
            false => Err(Failure::Different),
        };
    }
    if goes_back {
        return Err(Failure::Other(format!(
            "{now} is older than {then}, which the facts are of, and nothing was changed: older \
             releases are added by `wali-codegen facts --past`, and what the specification was \
             before is in the version control"
        )));
    }
    // What may fail comes before anything is written.
    let entries = scaffold_calls(args, &intent, &headers, &facts, &committed)?;
    let sources = Sources::read(dir).map_err(|e| format!("cannot read the specification: {e}"))?;
    let mut files = facts::differing(dir, &facts);
    files.extend(scaffold::insert(&sources, &entries));
    // The facts so far become those of an older release.
    let mut older = history.whole(&committed);
    older.insert(0, committed);
    files.extend(History::to_sources(&facts, &older));
    facts::write(dir, &files.iter().collect::<Vec<_>>())?;
    tell(dir, &entries);
    eprintln!(
        "now run `wali-codegen check`; docs/update-the-kernel.md says what else there is to do"
    );
    Ok(())
}

/// Entries for the calls that have none.
fn scaffold_calls(
    args: &Args,
    intent: &Intent,
    headers: &Headers,
    facts: &Facts,
    before: &Facts,
) -> Result<Vec<Scaffold>, Failure> {
    let new = || {
        let calls = facts.calls.keys();
        calls.filter(|name| !intent.calls.contains_key(*name))
    };
    if new().next().is_none() {
        return Ok(Vec::new());
    }
    let mut prototypes = match &args.prototypes {
        Some(path) => Prototypes::read(path)?,
        None => Prototypes::of(headers)?.unwrap_or_default(),
    };
    if new().any(|name| !prototypes.0.contains_key(name)) {
        match &args.manual {
            Some(folder) => prototypes.add(&Manual::in_folder(folder)?, new())?,
            None if headers.provenance.suite.is_none() => {}
            // It can do without.
            None => {
                let added = Manual::newest().and_then(|manual| prototypes.add(&manual, new()));
                added.unwrap_or_else(|e| eprintln!("note: no manual pages: {e}"));
            }
        }
    }
    let version = &before.provenance.version;
    Ok(scaffold::entries(intent, facts, version, &prototypes))
}

/// Says where entries were put.
fn tell(dir: &Path, entries: &[Scaffold]) {
    for entry in entries {
        let place = match &entry.after {
            Some(call) => format!("after {call}"),
            None => "at the end".to_owned(),
        };
        let path = dir.join(&entry.path);
        eprintln!(
            "{}: {}, {place}, to be reviewed",
            path.display(),
            entry.name
        );
    }
    if entries.iter().any(|entry| !entry.known) {
        eprintln!(
            "note: of some calls the arguments are not known; `--prototypes` names the kernel's source, \
             and `--manual` a folder with manual pages"
        );
    }
}
