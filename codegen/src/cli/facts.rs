//! `wali-codegen facts`

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wali_codegen::check;
use wali_codegen::facts::extract::{extract, extract_known};
use wali_codegen::facts::history::History;
use wali_codegen::facts::package::Headers;
use wali_codegen::facts::{Facts, recorded};
use wali_codegen::intent::Intent;
use wali_codegen::source::{Source, Sources};

use super::Failure;

/// Where the headers come from and what to do with the facts.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Changes nothing; fails if the committed facts differ from the headers
    #[arg(long)]
    check: bool,
    /// Reads the tree of an unpacked `linux-libc-dev` package
    #[arg(long, value_name = "DIR", conflicts_with_all = ["deb", "suite"])]
    headers: Option<PathBuf>,
    /// Reads a `linux-libc-dev` package file
    #[arg(long, value_name = "FILE", conflicts_with = "suite")]
    deb: Option<PathBuf>,
    /// Fetches the package of a Debian suite with apt; installs nothing [default: the release
    /// that facts/provenance.yaml records]
    #[arg(long, value_name = "SUITE")]
    suite: Option<String>,
    /// Keeps the facts of an older kernel, too, named as `update --linux` names it
    #[arg(long, value_name = "KERNEL")]
    past: Option<String>,
}

pub(super) fn run(dir: &Path, args: &Args) -> Result<(), Failure> {
    let intent = check::load_intent(dir)?;
    let headers = match (&args.headers, &args.deb, &args.suite) {
        (Some(tree), ..) => Headers::from_dir(tree)?,
        (_, Some(deb), _) => Headers::from_deb(deb)?,
        (.., Some(suite)) => Headers::from_suite(suite)?,
        _ => {
            let recorded = Sources::read(dir).ok().and_then(|s| recorded(&Arc::new(s)));
            let recorded = recorded.ok_or_else(|| {
                "no facts say which release they are of; name one by `--suite`, `--deb` or `--headers`"
                    .to_owned()
            })?;
            match Headers::available(&recorded)? {
                None if args.check => {
                    let mut out = io::stdout().lock();
                    let (package, version) = (&recorded.package, &recorded.version);
                    writeln!(
                        out,
                        "not checked: Debian's suites have moved on from {package} {version}; \
                         `wali-codegen update` follows"
                    )?;
                    return Ok(());
                }
                None => Headers::recorded(&recorded)?,
                Some(headers) => headers,
            }
        }
    };
    let facts = extract(&intent, &headers)?;
    let mut changed = Vec::new();
    let mut committed_from_another = false;
    let mut out = io::stdout().lock();
    let mut files = facts.to_sources().files;
    files.extend(older(dir, args, &intent, &facts)?);
    for file in &files {
        let path = dir.join(&file.path);
        let old = fs::read_to_string(&path).unwrap_or_default();
        if old == file.text {
            continue;
        }
        if args.check
            && History::is_file(&file.path)
            && without_origin(&old) == without_origin(&file.text)
        {
            // The series has moved on.
            continue;
        }
        if args.check && file.path.ends_with("provenance.yaml") {
            // An unpacked tree no longer knows the package it came from, and a suite moves
            // on within its kernel series: what counts is whether the facts still hold. But
            // the same version with another digest is not the same package.
            let version = format!("version: {:?}\n", headers.provenance.version);
            // Which suite carries the package is no matter.
            if without_suite(&old) == without_suite(&file.text) {
                continue;
            }
            if args.headers.is_some() || !old.contains(&version) {
                committed_from_another = true;
                continue;
            }
        }
        difference(&mut out, &path, &old, &file.text)?;
        changed.push(file);
    }
    if !args.check {
        write(dir, &changed)?;
    }
    let source = format!(
        "{} {}",
        headers.provenance.package, headers.provenance.version
    );
    if changed.is_empty() {
        writeln!(out, "the facts agree with {source}")?;
        if committed_from_another {
            writeln!(
                out,
                "note: they were extracted from another package; see spec/facts/provenance.yaml"
            )?;
        }
    } else if args.check {
        return Err(Failure::Other(format!(
            "the facts differ from {source}; run `wali-codegen facts` to bring them up to date"
        )));
    } else {
        writeln!(out, "the facts agree with {source}")?;
        writeln!(out, "now run `wali-codegen check`")?;
    }
    Ok(())
}

/// The files whose text these facts change.
pub(super) fn differing(dir: &Path, facts: &Facts) -> Vec<Source> {
    let files = facts.to_sources().files.into_iter();
    let old = |file: &Source| fs::read_to_string(dir.join(&file.path)).unwrap_or_default();
    files.filter(|file| old(file) != file.text).collect()
}

/// The files about older releases: from their packages where there still are such, otherwise from
/// what is known of them.
fn older(dir: &Path, args: &Args, intent: &Intent, newest: &Facts) -> Result<Vec<Source>, Failure> {
    let mut older = match check::load_facts(dir) {
        Ok((_, committed, history)) => history.whole(&committed),
        // Where there are no facts yet, there are no older ones.
        Err(_) => Vec::new(),
    };
    let by_hand = args.headers.is_some() || args.deb.is_some();
    for facts in &mut older {
        if !by_hand && let Some(headers) = Headers::available(&facts.provenance)? {
            *facts = extract_known(intent, &headers)?;
        }
    }
    if let Some(past) = &args.past {
        older.insert(0, extract_known(intent, &Headers::named(past)?)?);
    }
    Ok(History::to_sources(newest, &older))
}

fn without_origin(text: &str) -> Vec<&str> {
    let keys = ["package:", "suite:", "version:", "sha256:"];
    let lines = text.lines();
    lines
        .filter(|line| !keys.iter().any(|key| line.starts_with(key)))
        .collect()
}

fn without_suite(provenance: &str) -> Vec<&str> {
    let lines = provenance.lines();
    lines.filter(|line| !line.starts_with("suite:")).collect()
}

/// Puts files into a specification, all of them or none: each is written whole beside its place
/// before the first takes it.
pub(super) fn write(dir: &Path, files: &[&Source]) -> Result<(), Failure> {
    let mut written = Vec::new();
    for file in files {
        let path = dir.join(&file.path);
        let naming = |e: io::Error| format!("{}: {e}", path.display());
        let folder = path.parent().unwrap_or(dir);
        fs::create_dir_all(folder).map_err(naming)?;
        let permissions = match fs::metadata(&path) {
            Ok(old) => old.permissions(),
            // Less what the user's mask takes away.
            Err(_) => fs::Permissions::from_mode(0o666),
        };
        // Names that begin with a dot are no part of a specification, should one be left behind.
        let mut new = tempfile::Builder::new()
            .prefix(".new-")
            .permissions(permissions)
            .tempfile_in(folder)
            .map_err(naming)?;
        new.write_all(file.text.as_bytes()).map_err(naming)?;
        written.push((new.into_temp_path(), path));
    }
    for (new, path) in written {
        new.persist(&path)
            .map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(())
}

/// The lines that went and came. Facts are one line each and sorted, so lines compare
/// as sets; a struct's lines are told apart by the struct's name before them.
fn difference(out: &mut impl Write, path: &Path, old: &str, new: &str) -> io::Result<()> {
    let (old, new) = (qualified(old), qualified(new));
    writeln!(out, "{}:", path.display())?;
    for line in old.iter().filter(|line| !new.contains(line)) {
        writeln!(out, "- {line}")?;
    }
    for line in new.iter().filter(|line| !old.contains(line)) {
        writeln!(out, "+ {line}")?;
    }
    Ok(())
}

fn qualified(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut parent = "";
    for line in text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        if let Some(name) = line.strip_suffix(':').filter(|name| !name.starts_with(' ')) {
            parent = name;
        } else if line.ends_with(':') {
            // The fields below it follow with their struct's name.
        } else if line.starts_with(' ') {
            lines.push(format!("{parent}.{}", line.trim_start()));
        } else {
            lines.push(line.to_owned());
        }
    }
    lines
}
