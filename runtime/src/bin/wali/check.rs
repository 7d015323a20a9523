//! `wali check`

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use wali_runtime::host::abi::Answer;
use wali_runtime::program::{self, ImportAnswer, ImportReport};

use super::{CANNOT_RUN, complain, load};

/// List what a program imports and how each import is answered on this ISA
///
/// direct: straight to the kernel. convert: with structures or flags converted. fallback:
/// by another call, as this ISA lacks it. absent: with ENOSYS, as natively, as this ISA lacks it. runtime: by the runtime. refused: with an error,
/// for the sandbox's sake. unknown: with ENOSYS, as Linux has no such call. The
/// exit status is 0 if every import is answered, 1 if some are unknown or cannot be linked, 126 if the module cannot be run at
/// all, 127 if there is no such file.
#[derive(clap::Args)]
pub struct Args {
    /// The program: a WebAssembly module, binary or text
    module: PathBuf,
}

/// Prints the list.
pub fn check(args: &Args) -> ExitCode {
    let module = match load(&args.module) {
        Ok((module, _)) => module,
        Err(status) => return status,
    };
    let exports = program::check_exports(&module);
    let reports = program::report(&module);
    match print(&reports) {
        // A reader that has seen enough closes the pipe; that is no failure.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("wali: cannot write the list: {error}");
            return ExitCode::FAILURE;
        }
        _ => {}
    }
    if let Err(error) = &exports {
        complain(&args.module, error);
        return ExitCode::from(CANNOT_RUN);
    }
    let answered = |report: &ImportReport| {
        !matches!(
            report.answer,
            ImportAnswer::Unknown | ImportAnswer::Unlinkable(_)
        )
    };
    ExitCode::from(u8::from(!reports.iter().all(answered)))
}

fn print(reports: &[ImportReport]) -> io::Result<()> {
    let rows: Vec<[String; 3]> = reports
        .iter()
        .map(|report| {
            let answer = match &report.answer {
                ImportAnswer::Syscall(answer) => answer.word().to_owned(),
                ImportAnswer::Aux => Answer::Runtime.word().to_owned(),
                ImportAnswer::Unknown => {
                    "unknown: Linux has no such call, fails with ENOSYS".to_owned()
                }
                ImportAnswer::Unlinkable(why) => format!("cannot be linked: {why}"),
            };
            let import = &report.import;
            [
                format!("{}.{}", import.module, import.name),
                import.ty.to_string(),
                answer,
            ]
        })
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let (names, types) = (width(0), width(1));
    let mut out = io::stdout().lock();
    for [name, ty, answer] in &rows {
        writeln!(out, "{name:names$}  {ty:types$}  {answer}")?;
    }
    writeln!(out, "{} imports on {}", rows.len(), std::env::consts::ARCH)
}
