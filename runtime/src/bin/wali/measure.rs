//! Options about what is measured of a program.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use wali_runtime::interp::Module;
use wali_runtime::program::profile::{Format, Profile};
use wali_runtime::program::stats::{Start, Stats};

use super::{complain, inherited};

/// Such options.
#[derive(clap::Args)]
#[group(id = "measure")]
pub struct Options {
    /// At its end, print what the program's time went into, and its system calls
    ///
    /// On standard error: time for loading, translating, system calls and guest code, then a line
    /// for each call that was made, in all processes that it has made by fork and that have ended
    /// on their own. Programs that they execute are not counted. Counting costs about a
    /// tenth of a microsecond a call.
    #[arg(long)]
    stats: bool,

    /// Write to this file in which functions the program spends its processor time
    ///
    /// A thousand times a second, each thread that runs notes its stack of functions, by name
    /// where the module has names. In the format of https://speedscope.app if the file's name
    /// ends in `.json`, otherwise a line for each stack with its microseconds, as flamegraph.pl
    /// and inferno take it. A system call counts as a function; waiting costs nothing. Copies by
    /// fork write files of their own, with their process id behind the name. The file is
    /// written anew every second, in case the program is killed. Sampling takes a thread: calls that
    /// the kernel refuses to processes with several (unshare of users, some of setns) fail.
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
}

/// What is measured.
#[derive(Default, Clone)]
pub struct Measures {
    pub stats: Option<Arc<Stats>>,
    pub profile: Option<Arc<Profile>>,
}

/// What the options ask to measure of a module that has just been loaded.
pub fn measures(
    options: &Options,
    module: &Module,
    file: &File,
    began: Instant,
) -> Result<Measures, String> {
    let loading = began.elapsed();
    let mut measures = Measures::default();
    if options.stats {
        let start = Start {
            began,
            loading,
            bytes: file.metadata().map_or(0, |metadata| metadata.len()),
        };
        let stats = Stats::new(module, start).map_err(|error| format!("--stats: {error}"))?;
        measures.stats = Some(Arc::new(stats));
    }
    if let Some(path) = &options.profile {
        let format = match path.extension() {
            Some(extension) if extension == "json" => Format::Speedscope,
            _ => Format::Folded,
        };
        let profile = Profile::new(module, path, format)
            .map_err(|error| format!("--profile: {}: {error}", path.display()))?;
        measures.profile = Some(Arc::new(profile));
    }
    Ok(measures)
}

impl Measures {
    /// Writes them, when the program has ended.
    pub fn write(&self, program: &Path) {
        if self.stats.is_none() && self.profile.is_none() {
            return;
        }
        inherited::ignore_sigpipe();
        if let Some(profile) = &self.profile
            && let Err(error) = profile.write()
        {
            complain(
                program,
                &format_args!("the profile cannot be written: {error}"),
            );
        }
        if let Some(stats) = &self.stats {
            // What standard error does not take is lost, as messages are.
            let _ = stats.finish(&mut BufWriter::new(io::stderr()));
        }
    }
}
