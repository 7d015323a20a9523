//! The `wali` command.

mod binfmt;
mod check;
mod environment;
mod inherited;
mod measure;
mod options;
mod run;
mod trace;

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use wali_runtime::interp::{Module, Validation};
use wali_runtime::program::{self, LoadError};

/// Exit status when a module is there but cannot be run, as shells have it.
const CANNOT_RUN: u8 = 126;

/// Exit status when there is no such module, as shells have it.
const NOT_FOUND: u8 = 127;

/// Run Linux programs compiled to WebAssembly (WALI, the WebAssembly Linux Interface).
#[derive(Parser)]
#[command(name = "wali", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Args),
    Check(check::Args),
    Binfmt(binfmt::Args),
    // The name is `handoff::SUBCOMMAND`.
    #[command(hide = true)]
    Resume(run::ResumeArgs),
}

fn main() -> ExitCode {
    if let Some(status) = binfmt::run_started() {
        return status;
    }
    match Cli::parse().command {
        Command::Run(args) => run::run(args, None),
        Command::Binfmt(args) => binfmt::binfmt(&args),
        Command::Check(args) => check::check(&args),
        Command::Resume(args) => run::resume(&args),
    }
}

/// Loads a module, which is given back with its file, or says why not and with which status to
/// end.
fn load(path: &Path, functions: Validation) -> Result<(Module, File), ExitCode> {
    let file = File::open(path).map_err(|error| failed(path, &LoadError::Io(error)))?;
    load_file(file, path, functions)
}

/// The same with a file that is open; the path is for messages.
fn load_file(file: File, path: &Path, functions: Validation) -> Result<(Module, File), ExitCode> {
    let second = file.try_clone().map_err(LoadError::Io);
    let loaded = second.and_then(|second| program::load_file(second, path, functions));
    loaded
        .map(|module| (module, file))
        .map_err(|error| failed(path, &error))
}

fn failed(path: &Path, error: &LoadError) -> ExitCode {
    complain(path, error);
    ExitCode::from(if error.is_not_found() {
        NOT_FOUND
    } else {
        CANNOT_RUN
    })
}

/// Prints an error about a module, if standard error takes it: the guest may have closed it.
fn complain(path: &Path, error: &dyn std::fmt::Display) {
    let _ = writeln!(io::stderr(), "wali: {}: {error}", path.display());
}
