//! `wali check`

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use wali_runtime::host::abi::Answer;
use wali_runtime::host::kernel::{self, Presence};
use wali_runtime::host::meta::{By, Release, Since};
use wali_runtime::interp::Validation;
use wali_runtime::json;
use wali_runtime::program::{self, ImportAnswer, ImportReport, StartError};

use super::{CANNOT_RUN, complain, load};

/// Say of a module whether it can be run here, what it imports, and how each import is answered
///
/// The module is not run. For each import: its type, how it is answered on this ISA, and the
/// first release of Linux with the call, with a remark if this kernel is older. Calls are not
/// tried: what a kernel's configuration or a container's filter leaves out does not show. The last
/// line names the proposals to WebAssembly that the module needs, such as threads.
///
/// direct: straight to the kernel. convert: with structures or flags converted. fallback:
/// by another call, as this ISA lacks it. absent: with ENOSYS, as this ISA lacks it and nothing
/// stands in for it. runtime: by the runtime. refused: with an error, for the sandbox's sake.
/// unknown: with ENOSYS, as Linux has no such call.
///
/// The exit status is 0 if every import is answered, 1 if some are unknown or cannot be linked,
/// or came later than the release named by --kernel; 126 if the module cannot be run at all,
/// 127 if there is no such file.
#[derive(clap::Args)]
pub struct Args {
    /// Print one JSON object
    ///
    /// It has `module`, `isa`, `kernel`, `error`, why the module cannot be run, or null, `features`,
    /// the proposals to WebAssembly that it needs, and `imports`: of each `module`, `name`, `type`
    /// and `answer`, `because` where there is a reason for that, `since`, the first release with the
    /// call or one `after` which and one `by` which it came, and `here`, whether `kernel` has it:
    /// true, false, or null if that cannot be told. Nothing is printed of what is no module.
    #[arg(long)]
    json: bool,

    /// Compare with this release of Linux, such as 5.10, instead of this kernel's, and fail if it
    /// lacks a call
    #[arg(long, value_name = "RELEASE", value_parser = parse_release)]
    kernel: Option<Release>,

    /// The program: a WebAssembly module, binary or text
    module: PathBuf,
}

fn parse_release(text: &str) -> Result<Release, String> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let release = Release::of(text).filter(|_| plain);
    release.ok_or_else(|| "expected numbers with dots, such as 5.10".to_owned())
}

/// Prints what there is to say.
pub fn check(args: &Args) -> ExitCode {
    let module = match load(&args.module, Validation::AtOnce) {
        Ok((module, _)) => module,
        Err(status) => return status,
    };
    let form = program::check(&module);
    let reports = program::report(&module);
    let kernel = args.kernel.or_else(kernel::release);
    let printed = match args.json {
        true => print_json(
            args,
            kernel,
            form.as_ref().err(),
            &reports,
            &module.features(),
        ),
        false => print(kernel, args.kernel.is_some(), &reports)
            .and_then(|()| print_features(&module.features())),
    };
    match printed {
        // A reader that has seen enough closes the pipe; that is no failure.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("wali: cannot write the list: {error}");
            return ExitCode::FAILURE;
        }
        _ => {}
    }
    if let Err(error) = &form {
        complain(&args.module, error);
        return ExitCode::from(CANNOT_RUN);
    }
    let answered = |report: &ImportReport| {
        let lacking = args.kernel.is_some() && presence(kernel, report) == Presence::Lacking;
        !matches!(
            report.answer,
            ImportAnswer::Unknown | ImportAnswer::Unlinkable(_)
        ) && !lacking
    };
    ExitCode::from(u8::from(!reports.iter().all(answered)))
}

/// Whether the kernel has what an import stands for. One that is refused is refused everywhere.
fn presence(kernel: Option<Release>, report: &ImportReport) -> Presence {
    match (kernel, &report.answer, report.call) {
        (_, ImportAnswer::Aux | ImportAnswer::Syscall(Answer::Refused), _) => Presence::Here,
        (Some(kernel), ImportAnswer::Syscall(_), Some(call)) => match call.since {
            Some(since) => kernel.has(since),
            None => Presence::Unknown,
        },
        _ => Presence::Unknown,
    }
}

fn answer_word(answer: &ImportAnswer) -> &'static str {
    match answer {
        ImportAnswer::Syscall(answer) => answer.word(),
        ImportAnswer::Aux => Answer::Runtime.word(),
        ImportAnswer::Unknown => "unknown",
        ImportAnswer::Unlinkable(_) => "unlinkable",
    }
}

fn print(kernel: Option<Release>, named: bool, reports: &[ImportReport]) -> io::Result<()> {
    let mut lacking = Vec::new();
    let mut row = |report: &ImportReport| {
        let mut last = match (&report.answer, report.call.and_then(|call| call.since)) {
            (ImportAnswer::Unknown, _) => "Linux has no such call, fails with ENOSYS".to_owned(),
            (ImportAnswer::Unlinkable(why), _) => format!("cannot be linked: {why}"),
            (_, Some(since)) => format!("since Linux {since}"),
            (_, None) => String::new(),
        };
        if let (Some(kernel), Some(_)) = (kernel, report.call) {
            match presence(Some(kernel), report) {
                Presence::Here => {}
                Presence::Lacking => {
                    let _ = write!(last, "; not in {kernel}");
                    lacking.push(report.import.name.clone());
                }
                Presence::Unknown => {
                    let _ = write!(last, "; perhaps not in {kernel}");
                }
            }
        }
        let import = &report.import;
        [
            format!("{}.{}", import.module, import.name),
            import.ty.to_string(),
            answer_word(&report.answer).to_owned(),
            last,
        ]
    };
    let rows: Vec<[String; 4]> = reports.iter().map(&mut row).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let (names, types, answers) = (width(0), width(1), width(2));
    let mut out = io::stdout().lock();
    for [name, ty, answer, last] in &rows {
        let line = format!("{name:names$}  {ty:types$}  {answer:answers$}  {last}");
        writeln!(out, "{}", line.trim_end())?;
    }
    let arch = std::env::consts::ARCH;
    let plural = if rows.len() == 1 { "" } else { "s" };
    writeln!(out, "{} import{plural} on {arch}", rows.len())?;
    if let (Some(kernel), false) = (kernel, lacking.is_empty()) {
        let which = match named {
            true => format!("Linux {kernel}"),
            false => format!("this kernel, Linux {kernel}"),
        };
        let names = lacking.join(", ");
        writeln!(
            out,
            "older than some calls, which fail with ENOSYS: {which}: {names}"
        )?;
    }
    Ok(())
}

fn print_features(features: &[String]) -> io::Result<()> {
    let names = match features.is_empty() {
        true => "nothing but the first version of WebAssembly".to_owned(),
        false => features.join(", "),
    };
    writeln!(io::stdout().lock(), "needs {names}")
}

fn print_json(
    args: &Args,
    kernel: Option<Release>,
    error: Option<&StartError>,
    reports: &[ImportReport],
    features: &[String],
) -> io::Result<()> {
    let text = |value: &dyn std::fmt::Display| json::string(&value.to_string());
    let imports = reports.iter().map(|report| {
        let import = &report.import;
        let mut row = format!(
            "{{\"module\":{},\"name\":{},\"type\":{},\"answer\":{}",
            json::string(&import.module),
            json::string(&import.name),
            text(&import.ty),
            json::string(answer_word(&report.answer))
        );
        let because = match (&report.answer, report.call.map(|call| call.by)) {
            (ImportAnswer::Unlinkable(why), _) => Some(why.as_str()),
            (ImportAnswer::Syscall(_), Some(By::Runtime(why) | By::Refused(_, why))) => Some(why),
            _ => None,
        };
        if let Some(because) = because {
            let _ = write!(row, ",\"because\":{}", json::string(because));
        }
        match report.call.and_then(|call| call.since) {
            Some(Since::Exactly(first)) => {
                let _ = write!(row, ",\"since\":{}", text(&first));
            }
            Some(Since::Between { after, by }) => {
                let after = after.map_or_else(|| "null".to_owned(), |after| text(&after));
                let by = text(&by);
                let _ = write!(row, ",\"since\":{{\"after\":{after},\"by\":{by}}}");
            }
            None => row.push_str(",\"since\":null"),
        }
        let here = match presence(kernel, report) {
            Presence::Here => "true",
            Presence::Lacking => "false",
            Presence::Unknown => "null",
        };
        let _ = write!(row, ",\"here\":{here}}}");
        row
    });
    let null = || "null".to_owned();
    writeln!(
        io::stdout().lock(),
        "{{\"module\":{},\"isa\":{},\"kernel\":{},\"error\":{},\"features\":[{}],\
         \"imports\":[{}]}}",
        json::string(&path(&args.module)),
        json::string(std::env::consts::ARCH),
        kernel.map_or_else(null, |kernel| text(&kernel)),
        error.map_or_else(null, |error| text(error)),
        features
            .iter()
            .map(|name| json::string(name))
            .collect::<Vec<_>>()
            .join(","),
        imports.collect::<Vec<_>>().join(",")
    )
}

fn path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
