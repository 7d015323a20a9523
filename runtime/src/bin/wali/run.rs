//! `wali run`

use std::ffi::{CString, OsString, c_int};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::RawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use wali_runtime::host::handoff::Handoff;
use wali_runtime::host::{Environment, Process, Startup};
use wali_runtime::host::{kernel, limits};
use wali_runtime::interp::{Module, TrapKind, Validation};
use wali_runtime::program::{
    ImportAnswer, Outcome, Program, Settings, end_process, report, signal_of,
};

use super::measure::Measures;
use super::{
    CANNOT_RUN, complain, environment, inherited, load, load_file, measure, options, trace,
};

const CASTS: &str = "help: natively, calls through function pointers of another type get through; \
                     so they do with `wali run --emulate-fn-casts`";

/// Run a program
///
/// The program sees the host's files, its standard streams, and, unless told otherwise, its
/// environment. The exit status is the program's; a program that traps dies by the signal
/// that would have killed its native counterpart. Before it starts: 126 if the module cannot
/// be run, 127 if there is no such file, 2 for wrong arguments.
#[derive(clap::Args)]
#[command(override_usage = "wali run [OPTIONS] <MODULE> [ARGS]...")]
pub struct Args {
    #[command(flatten)]
    environment: environment::Options,

    #[command(flatten)]
    engine: options::Options,

    #[command(flatten)]
    trace: trace::Options,

    #[command(flatten)]
    measure: measure::Options,

    /// The program, a WebAssembly module, binary or text, and its arguments
    // One list, so that whatever follows the module is the program's: also what looks like an
    // option of this command.
    #[arg(required = true, trailing_var_arg = true, value_names = ["MODULE", "ARGS"], num_args = 1..)]
    program: Vec<OsString>,
}

/// Go on with a program that a guest has started by execve
#[derive(clap::Args)]
pub struct ResumeArgs {
    #[command(flatten)]
    engine: options::Options,

    #[command(flatten)]
    trace: trace::Options,

    /// The descriptor to which the runtime before this one has written its trace
    #[arg(long)]
    trace_descriptor: Option<RawFd>,

    /// The descriptor in which the runtime before this one has left the program
    descriptor: RawFd,
}

/// A module that the kernel has started by this command.
pub struct Started {
    /// The program's argv[0].
    pub name: OsString,
    /// The module, if the kernel has opened it.
    pub file: Option<File>,
}

/// Runs the program and ends as it ends.
pub fn run(args: Args, started: Option<Started>) -> ExitCode {
    let began = Instant::now();
    let mut words = args.program.into_iter();
    let path = PathBuf::from(words.next().unwrap_or_default());
    let environment = match environment::environment(&args.environment) {
        Ok(environment) => environment,
        Err(text) => {
            eprintln!("wali: {text}");
            return ExitCode::from(2);
        }
    };
    let tracer = match trace::tracer(&args.trace, None) {
        Ok(tracer) => tracer,
        Err(text) => {
            eprintln!("wali: {text}");
            return ExitCode::from(2);
        }
    };
    let (name, file) = match started {
        Some(Started { name, file }) => (name, file),
        None => {
            let name = args.environment.argv0;
            name_process(path.as_os_str().as_bytes());
            (name.unwrap_or_else(|| path.clone().into()), None)
        }
    };
    let loaded = match file {
        Some(file) => load_file(file, &path, Validation::OnFirstCall),
        None => load(&path, Validation::OnFirstCall),
    };
    let (module, file) = match loaded {
        Ok(loaded) => loaded,
        Err(status) => return status,
    };
    let measures = match measure::measures(&args.measure, &module, &file, began) {
        Ok(measures) => measures,
        Err(text) => {
            eprintln!("wali: {text}");
            return ExitCode::from(2);
        }
    };
    let unknown: Vec<String> = report(&module)
        .into_iter()
        .filter(|report| matches!(report.answer, ImportAnswer::Unknown))
        .map(|report| report.import.name)
        .collect();
    if !unknown.is_empty() {
        let text = format!(
            "warning: system calls that are not supported fail with ENOSYS: {}",
            unknown.join(", ")
        );
        complain(&path, &text);
    }
    // Arguments came as C strings, so that none holds a NUL.
    let arguments = std::iter::once(name)
        .chain(words)
        .filter_map(|arg| CString::new(arg.into_vec()).ok())
        .collect();
    let startup = Startup {
        args: arguments,
        environment,
        tracer,
        program: Some(file),
        options: args.engine.words(),
        emulate_fn_casts: args.engine.emulate_fn_casts,
        limits: Some(limits::inherited()),
    };
    start(&module, &path, startup, measures)
}

/// Goes on with a program that a guest has started by execve.
pub fn resume(args: &ResumeArgs) -> ExitCode {
    let handoff = match Handoff::take(args.descriptor) {
        Ok(handoff) => handoff,
        Err(error) => {
            eprintln!("wali: nothing to resume: {error}");
            return ExitCode::from(2);
        }
    };
    let tracer = match trace::tracer(&args.trace, args.trace_descriptor) {
        Ok(tracer) => tracer,
        Err(text) => {
            eprintln!("wali: {text}");
            return ExitCode::from(2);
        }
    };
    let path = PathBuf::from(OsString::from_vec(handoff.name.into_bytes()));
    name_process(handoff.command.as_bytes());
    let (module, file) = match load_file(handoff.module, &path, Validation::OnFirstCall) {
        Ok(loaded) => loaded,
        Err(status) => return status,
    };
    // The interface has a line for each variable; those with a line break cannot be passed.
    let variables = handoff.environment.into_iter().map(CString::into_bytes);
    let variables = variables.filter(|variable| !variable.contains(&b'\n'));
    let environment = Environment::Variables(variables.collect());
    let startup = Startup {
        args: handoff.args,
        environment,
        tracer,
        program: Some(file),
        options: args.engine.words(),
        emulate_fn_casts: args.engine.emulate_fn_casts,
        limits: Some(handoff.limits),
    };
    start(&module, &path, startup, Measures::default())
}

/// Gives the process the name that the kernel gives it after execve, so that it is found by it:
/// the last part of its path.
fn name_process(path: &[u8]) {
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    if let Ok(name) = CString::new(name) {
        // SAFETY: the kernel copies the C string, as much of it as there is room for.
        unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
    }
}

/// What to say if the kernel lacks a call.
fn too_old(error: &io::Error) -> String {
    match (error.raw_os_error(), kernel::release()) {
        (Some(libc::ENOSYS), Some(release)) => format!(
            "; `wali` is made for Linux {} and later, and this is {release}, or less than that \
             under a filter or an emulator",
            kernel::OLDEST
        ),
        _ => String::new(),
    }
}

/// Runs a program to its end, and ends as it ends.
fn start(module: &Module, path: &Path, startup: Startup, measures: Measures) -> ExitCode {
    limits::raise();
    let process = match Process::new(startup) {
        Ok(process) => process,
        Err(error) => {
            complain(path, &format!("cannot start: {error}{}", too_old(&error)));
            return ExitCode::from(CANNOT_RUN);
        }
    };
    inherited::restore();
    let name = path.to_owned();
    let tracer = process.tracer().cloned();
    let ended = measures.clone();
    let end = move |outcome: &Outcome| {
        if let Some(tracer) = &tracer {
            match outcome {
                Outcome::Exit(status) => tracer.exited(*status),
                Outcome::Trap(trap) => {
                    if let Some(signal) = signal_of(trap) {
                        tracer.killed(signal);
                    }
                }
            }
        }
        ended.write(&name);
        end(&name, outcome)
    };
    let settings = Settings {
        end: Some(Box::new(end)),
        stats: measures.stats,
        profile: measures.profile,
    };
    match Program::with(module, process, settings) {
        Ok(mut program) => end_process(&program.run()),
        Err(error) => {
            complain(path, &error);
            ExitCode::from(CANNOT_RUN)
        }
    }
}

/// The name of a signal that traps end by.
fn signal_name(signal: c_int) -> Option<&'static str> {
    Some(match signal {
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGBUS => "SIGBUS",
        libc::SIGFPE => "SIGFPE",
        libc::SIGILL => "SIGILL",
        libc::SIGABRT => "SIGABRT",
        _ => return None,
    })
}

/// Ends this process as the program ended, with a word on why it did.
fn end(path: &Path, outcome: &Outcome) {
    if let Outcome::Trap(trap) = outcome {
        inherited::ignore_sigpipe();
        match signal_of(trap).and_then(signal_name) {
            Some(signal) => complain(path, &format_args!("killed by {signal}: {trap}")),
            None => complain(path, trap),
        }
        if let TrapKind::IndirectCallTypeMismatch { .. } = trap.kind() {
            let _ = writeln!(io::stderr(), "{CASTS}");
        }
    }
    end_process(outcome)
}
