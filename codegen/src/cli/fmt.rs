//! `wali-codegen fmt`

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use wali_codegen::fmt;
use wali_codegen::source::{Sources, read_text};

use super::Failure;

/// What to bring into canonical form.
#[derive(Debug, clap::Args)]
#[command(after_long_help = CANONICAL)]
pub(super) struct Args {
    /// Changes nothing; fails if a file is not in canonical form
    #[arg(long)]
    check: bool,
    /// YAML files, or `-` for standard input; without any, all of the specification that people
    /// write
    files: Vec<PathBuf>,
}

/// What the long help says of the canonical form.
const CANONICAL: &str = "The order of things, comments, single blank lines, and whether a mapping \
    or a list stands in brackets are kept. Everything else follows from them: a blank line around \
    entries at the left edge that go over lines; two spaces for each level, lists further in than their key; brackets on one line of at most 100 characters, or \
    else none, but a line for each item; double quotes where a text needs some, or is a number to \
    other readers of YAML; three spaces before a comment behind something; no blanks at the end of \
    lines. A file that is not YAML is left as it is.";

pub(super) fn run(dir: &Path, args: &Args) -> Result<(), Failure> {
    if args.files == [Path::new("-")] {
        return standard_input(args.check);
    }
    let files = match args.files.as_slice() {
        [] => of_specification(dir)?,
        given => given.to_vec(),
    };
    let mut out = io::stdout().lock();
    // All are read before any is written.
    let mut texts = Vec::new();
    for path in &files {
        let text = read_text(path).map_err(|e| e.to_string())?;
        let formatted = fmt::format(&path.display().to_string(), &text)?;
        texts.push((path, text, formatted));
    }
    let mut changed = 0;
    for (path, text, formatted) in texts {
        if text == formatted {
            continue;
        }
        changed += 1;
        if args.check {
            let line = difference(&text, &formatted);
            writeln!(out, "{}:{line}: not in canonical form", path.display())?;
        } else {
            fs::write(path, formatted).map_err(|e| format!("{}: {e}", path.display()))?;
            writeln!(out, "formatted {}", path.display())?;
        }
    }
    match (changed, args.check) {
        (1.., true) => Err(Failure::Other(
            "run `wali-codegen fmt` to bring the specification into canonical form".to_owned(),
        )),
        (0, _) => Ok(writeln!(
            out,
            "{} files are in canonical form",
            files.len()
        )?),
        _ => Ok(()),
    }
}

/// The files of the specification that people write.
fn of_specification(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let sources = Sources::read(dir).map_err(|e| e.to_string())?;
    let by_hand = sources
        .files
        .iter()
        .filter(|file| !file.path.starts_with("facts/"));
    Ok(by_hand.map(|file| dir.join(&file.path)).collect())
}

fn standard_input(check: bool) -> Result<(), Failure> {
    let mut text = String::new();
    io::stdin()
        .read_to_string(&mut text)
        .map_err(|e| format!("standard input: {e}"))?;
    let formatted = fmt::format("-", &text)?;
    if check && formatted != text {
        let line = difference(&text, &formatted);
        return Err(Failure::Other(format!(
            "line {line}: not in canonical form"
        )));
    }
    if !check {
        let mut out = io::stdout().lock();
        out.write_all(formatted.as_bytes())?;
        out.flush()?;
    }
    Ok(())
}

/// The first line, counted from 1, in which two texts differ.
fn difference(text: &str, formatted: &str) -> usize {
    let same = text
        .split_inclusive('\n')
        .zip(formatted.split_inclusive('\n'))
        .take_while(|(a, b)| a == b);
    same.count() + 1
}
