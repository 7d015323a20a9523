//! The commands of `wali-codegen`.

mod check;
mod emit;
mod explain;
mod facts;
mod fmt;
mod list;
mod reference;
mod since;
mod update;

use std::env;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use wali_codegen::diag::Diagnostics;
use wali_codegen::model::Spec;

/// Works on a YAML description of Linux's system-call table: checks it, lists it,
/// brings its facts up to date with a kernel release, and prints the code made from it.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
struct Cli {
    /// The specification's folder [default: `spec` in the current folder or one above it]
    #[arg(long, value_name = "DIR", global = true)]
    spec: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Checks the specification and counts what is in it
    Check(check::Args),
    /// Brings the YAML that people write into canonical form
    Fmt(fmt::Args),
    /// Lists every system call of the kernel with its numbers and how it is answered
    List(list::Args),
    /// Extracts the facts from a kernel release's headers
    Facts(facts::Args),
    /// Compares with another kernel release, says what changed, and brings the facts up to it
    Update(update::Args),
    /// Finds out since when the kernel has its calls, from manual pages and older headers
    Since(since::Args),
    /// Says all that is known of a call, with the Rust made of it
    Explain(explain::Args),
    /// Compares numbers, signatures and names with a table of WALI's reference
    CompareReference(reference::Args),
    /// Prints generated code
    Emit(emit::Args),
}

/// Why a command failed.
enum Failure {
    /// Mistakes in the specification.
    Spec(Diagnostics),
    /// Anything else, said in full.
    Other(String),
    /// Whoever read the output has gone.
    BrokenPipe,
    /// There are differences or mistakes, which have been said.
    Different,
}

impl From<String> for Failure {
    fn from(message: String) -> Failure {
        Failure::Other(message)
    }
}

impl From<Diagnostics> for Failure {
    fn from(diags: Diagnostics) -> Failure {
        Failure::Spec(diags)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::BrokenPipe,
            _ => Failure::Other(format!("cannot write the output: {error}")),
        }
    }
}

/// Parses the command line and obeys it.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let outcome = spec_folder(cli.spec.as_deref()).and_then(|dir| match &cli.command {
        Command::Check(args) => check::run(&dir, args),
        Command::Fmt(args) => fmt::run(&dir, args),
        Command::List(args) => list::run(&dir, args),
        Command::Facts(args) => facts::run(&dir, args),
        Command::Update(args) => update::run(&dir, args),
        Command::Since(args) => since::run(&dir, args),
        Command::Explain(args) => explain::run(&dir, args),
        Command::CompareReference(args) => reference::run(&dir, args),
        Command::Emit(args) => emit::run(&dir, args),
    });
    match outcome {
        Ok(()) | Err(Failure::BrokenPipe) => ExitCode::SUCCESS,
        Err(Failure::Different) => ExitCode::FAILURE,
        Err(failure) => {
            // Nothing is left to do if even standard error is closed.
            let _ = complain(&failure);
            match cli.command {
                Command::Update(_) => ExitCode::from(update::ERROR),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

fn complain(failure: &Failure) -> io::Result<()> {
    let mut stderr = io::stderr().lock();
    match failure {
        Failure::Spec(diags) if wants_colour() => writeln!(stderr, "{}", diags.coloured()),
        Failure::Spec(diags) => writeln!(stderr, "{diags}"),
        Failure::Other(message) => writeln!(stderr, "error: {message}"),
        Failure::BrokenPipe | Failure::Different => Ok(()),
    }
}

fn wants_colour() -> bool {
    io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

/// The folder given, or the nearest `spec` that looks like a specification.
fn spec_folder(given: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(dir) = given {
        if dir.is_dir() {
            return Ok(dir.to_path_buf());
        }
        let message = if dir.exists() {
            format!("{} is a file, not a folder", dir.display())
        } else {
            format!("{}: no such folder; check `--spec`", dir.display())
        };
        return Err(Failure::Other(message));
    }
    let here = env::current_dir().map_err(|e| format!("no current folder: {e}"))?;
    let found = here
        .ancestors()
        .map(|dir| dir.join("spec"))
        .find(|dir| dir.join("isa").is_dir());
    match found {
        // Relative where that is shorter to read.
        Some(dir) if dir == here.join("spec") => Ok(PathBuf::from("spec")),
        Some(dir) => Ok(dir),
        None => Err(Failure::Other(format!(
            "no folder `spec` with an `isa` folder in {} or above it; name one with `--spec`",
            here.display()
        ))),
    }
}

fn load(dir: &Path) -> Result<Spec, Failure> {
    Spec::load(dir).map_err(Failure::Spec)
}
