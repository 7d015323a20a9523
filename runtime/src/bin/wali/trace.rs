//! Options about tracing.

use std::ffi::CString;
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::sync::Arc;

use wali_runtime::host::trace::{self, Limits, Selection, Tracer};

/// Most bytes of a buffer that a line can have.
const MOST_BYTES: usize = 1 << 20;

/// Options about tracing.
#[derive(clap::Args)]
#[command(next_help_heading = "Tracing")]
#[group(id = "tracing")]
pub struct Options {
    /// Write a line for each system call, as strace does: all, or a list of names and families
    /// such as `openat,%net`, some left out as in `!read,!write`
    ///
    /// Families are those of the specification: `%fd`, `%file`, `%dir`, `%memory` and so on.
    /// `%file` has all calls that take a file's name, `%fd` all that take a descriptor, and
    /// `%aux` the imports that are no system calls.
    #[arg(long, value_name = "CALLS", num_args = 0..=1, require_equals = true,
          default_missing_value = "all")]
    trace: Option<String>,

    /// Write the trace to a file instead of standard error
    #[arg(long, value_name = "FILE", requires = "trace")]
    trace_file: Option<PathBuf>,

    /// Bytes shown of a string or buffer, and elements of an array
    #[arg(long, value_name = "N", default_value_t = 32, requires = "trace")]
    trace_string: usize,

    /// Begin lines with the time since the line before
    #[arg(long, requires = "trace")]
    trace_times: bool,

    /// End lines with the time that the call took
    #[arg(long, requires = "trace")]
    trace_durations: bool,

    /// Begin lines with the thread's id, which they do when there are several
    #[arg(long, requires = "trace")]
    trace_ids: bool,

    /// Say how each call was answered; why one was refused is always said
    #[arg(long, requires = "trace")]
    trace_answers: bool,

    /// Show structures with all their fields
    #[arg(long, requires = "trace")]
    trace_verbose: bool,
}

/// The tracer that the options ask for; one that goes on with the trace of the program before,
/// if its descriptor is given.
pub fn tracer(options: &Options, before: Option<RawFd>) -> Result<Option<Arc<Tracer>>, String> {
    let Some(calls) = &options.trace else {
        return Ok(None);
    };
    let calls = Selection::parse(calls).map_err(|error| format!("--trace: {error}"))?;
    let chosen = trace::Options {
        calls,
        limits: Limits {
            string: options.trace_string.min(MOST_BYTES),
            verbose: options.trace_verbose,
        },
        times: options.trace_times,
        durations: options.trace_durations,
        ids: options.trace_ids,
        answers: options.trace_answers,
        words: words(options),
    };
    let file = options.trace_file.as_deref();
    let tracer = match before {
        Some(fd) => Tracer::inherited(chosen, fd),
        None => Tracer::new(chosen, file),
    };
    let tracer = tracer.map_err(|error| match file {
        Some(path) => format!("--trace-file: {}: {error}", path.display()),
        None => format!("--trace: the descriptor cannot be kept: {error}"),
    })?;
    Ok(Some(Arc::new(tracer)))
}

/// The options as words of a command line, for a program that this one starts.
fn words(options: &Options) -> Vec<CString> {
    let mut words = vec![
        format!("--trace={}", options.trace.as_deref().unwrap_or_default()),
        format!("--trace-string={}", options.trace_string),
    ];
    for (chosen, word) in [
        (options.trace_times, "--trace-times"),
        (options.trace_durations, "--trace-durations"),
        (options.trace_ids, "--trace-ids"),
        (options.trace_answers, "--trace-answers"),
        (options.trace_verbose, "--trace-verbose"),
    ] {
        if chosen {
            words.push(word.to_owned());
        }
    }
    let words = words.into_iter().map(CString::new);
    words.filter_map(Result::ok).collect()
}
