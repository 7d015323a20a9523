//! Options about tracing.

use std::path::PathBuf;
use std::sync::Arc;

use wali_runtime::host::trace::{self, Limits, Selection, Tracer};

/// Most bytes of a buffer that a line can have.
const MOST_BYTES: usize = 1 << 20;

/// Options about tracing.
#[derive(clap::Args)]
#[command(next_help_heading = "Tracing")]
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

/// The tracer that the options ask for.
pub fn tracer(options: &Options) -> Result<Option<Arc<Tracer>>, String> {
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
    };
    let file = options.trace_file.as_deref();
    let tracer = Tracer::new(chosen, file).map_err(|error| match file {
        Some(path) => format!("--trace-file: {}: {error}", path.display()),
        None => format!("--trace: standard error cannot be kept: {error}"),
    })?;
    Ok(Some(Arc::new(tracer)))
}
