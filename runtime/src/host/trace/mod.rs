//! Host calls as they happen, in lines as strace writes them, rendered from the specification.
//!
//! What a call reads is rendered before it is made, what it writes after. The guest's memory is
//! read as the kernel reads it: what is not accessible is shown as an address.

mod render;
mod select;
mod signals;
mod sockets;
mod special;
mod value;

use std::ffi::CString;
use std::fmt::Write;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::time::Instant;

use wali_arch::flags::errno;

use super::abi::{Answer, Binding, Guest, MAX_ARGS};
use super::meta::{By, Call};
use super::reserved::{high_duplicate, out_of_the_way};
use crate::engine::Unwind;
use render::{Arguments, Shape};

pub use render::Limits;
pub use select::Selection;

/// The column of results, as strace has it.
const RESULTS: usize = 40;

/// What to trace and how to show it.
#[derive(Debug, Clone)]
pub struct Options {
    /// The calls.
    pub calls: Selection,
    /// What to show of data.
    pub limits: Limits,
    /// Whether lines begin with the time since the line before.
    pub times: bool,
    /// Whether lines end with the time that the call took.
    pub durations: bool,
    /// Whether lines begin with the thread's id even if there is only one.
    pub ids: bool,
    /// Whether lines say how calls are answered; refusals always do.
    pub answers: bool,
    /// The same in words of the command line, for programs that the guest starts.
    pub words: Vec<CString>,
}

/// Writes a line for each call.
#[derive(Debug)]
pub struct Tracer {
    out: OwnedFd,
    options: Options,
    began: Instant,
    /// When the line before was written, in nanoseconds since `began`.
    last: AtomicU64,
    /// The thread of the first line.
    first: AtomicI32,
    /// Whether there has been another thread or process.
    many: AtomicBool,
}

impl Tracer {
    /// A tracer that writes to a file, which is made or emptied; to standard error, as it is
    /// now, if there is none.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn new(options: Options, file: Option<&Path>) -> io::Result<Tracer> {
        let out = match file {
            // Processes that write to it append.
            Some(path) => {
                File::create(path)?;
                File::options().append(true).open(path)?.into()
            }
            None => io::stderr().as_fd().try_clone_to_owned()?,
        };
        Ok(Tracer::on(out_of_the_way(out)?, options))
    }

    /// A tracer that goes on where that of the program before has written, whose descriptor it
    /// takes over.
    ///
    /// # Errors
    /// If it is none.
    pub fn inherited(options: Options, fd: RawFd) -> io::Result<Tracer> {
        // SAFETY: asks about a number.
        if unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor is there, and whoever started us leaves it to us.
        let out = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Tracer::on(out_of_the_way(out)?, options))
    }

    fn on(out: OwnedFd, options: Options) -> Tracer {
        Tracer {
            out,
            options,
            began: Instant::now(),
            last: AtomicU64::new(0),
            first: AtomicI32::new(0),
            many: AtomicBool::new(false),
        }
    }

    /// A descriptor for a program that the guest starts, and words that tell its runtime to go
    /// on with the trace there.
    ///
    /// # Errors
    /// If there is no descriptor left.
    pub fn hand_on(&self) -> io::Result<(OwnedFd, Vec<CString>)> {
        let out = high_duplicate(self.out.as_raw_fd(), false)?;
        let mut words = self.options.words.clone();
        words.push(CString::new(format!(
            "--trace-descriptor={}",
            out.as_raw_fd()
        ))?);
        // The other runtime does not know that this process is one of several.
        if self.many.load(Ordering::Relaxed) && !self.options.ids {
            words.push(c"--trace-ids".into());
        }
        Ok((out, words))
    }

    /// Whether a binding's calls are traced.
    pub fn traces<C>(&self, binding: &Binding<C>) -> bool {
        self.options.calls.has(binding.meta)
    }

    /// Whether calls of an import are traced that has no binding.
    pub fn traces_unknown(&self, import: &str) -> bool {
        self.options.calls.has_unknown(import)
    }

    /// Makes a call and writes its line.
    ///
    /// # Errors
    /// As the call itself.
    pub fn call<C: Guest>(
        &self,
        binding: &Binding<C>,
        guest: &mut C,
        words: &[u64; MAX_ARGS],
    ) -> Result<u64, Unwind> {
        let call = binding.meta;
        let limits = &self.options.limits;
        let shape = Shape::of(call, words);
        let start = self.began.elapsed().as_nanos() as u64;
        let arguments = Arguments::new(shape, words, guest.memory(), limits);
        let leaves = special::leaves(call);
        if leaves {
            self.departure(call, &arguments, start);
        }
        let before = Instant::now();
        let result = (binding.call)(guest, words);
        let took = before.elapsed().as_nanos() as u64;
        let value = match result {
            Ok(word) => word as i64,
            Err(_) if leaves => return result,
            Err(unwind) => {
                let text = format!("{}({})", call.name, arguments.entering());
                let outcome = match unwind {
                    // It will be made again, behind the handlers of signals.
                    Unwind::Interrupted => "? ERESTARTSYS (To be restarted)",
                    Unwind::Mark(_) => "0",
                    Unwind::Exit(_) | Unwind::ExitThread(_) | Unwind::Jump(_) => "?",
                };
                self.line(start, None, &text, outcome, "");
                return result;
            }
        };
        if value > 0 && special::multiplies(call.name) {
            self.many.store(true, Ordering::Relaxed);
        }
        let text = if leaves {
            format!("<... {} resumed>)", call.name)
        } else {
            let list = arguments.leaving(value, guest.memory(), limits);
            format!("{}({list})", call.name)
        };
        let mut outcome = String::new();
        shape.result(&mut outcome, value);
        let note = self.note(shape.by, binding.answer, value);
        self.line(start, Some(took), &text, &outcome, &note);
        result
    }

    /// The time of a line that is written now.
    fn now(&self) -> u64 {
        self.began.elapsed().as_nanos() as u64
    }

    /// The line of a call that is not expected back, and without a result.
    fn departure(&self, call: &Call, arguments: &Arguments, start: u64) {
        let list = arguments.entering();
        if special::is_exit(call) {
            self.line(start, None, &format!("{}({list})", call.name), "?", "");
        } else {
            let text = format!("{}({list} <unfinished ...>\n", call.name);
            self.write(start, &text);
        }
    }

    /// The line of a call that is not described, which fails with `ENOSYS`.
    pub fn unknown(&self, import: &str, words: &[u64]) {
        let start = self.began.elapsed().as_nanos() as u64;
        let name = import.strip_prefix("SYS_").unwrap_or(import);
        let words: Vec<String> = words.iter().map(|word| format!("{word:#x}")).collect();
        let mut outcome = String::new();
        value::error(&mut outcome, errno::ENOSYS);
        let text = format!("{name}({})", words.join(", "));
        self.line(start, None, &text, &outcome, " [not described]");
    }

    /// What is worth saying of who answered.
    fn note(&self, by: By, answer: Option<Answer>, result: i64) -> String {
        match (by, answer) {
            (By::Refused(number, why), _) if result == -i64::from(number) => {
                format!(" [refused: {why}]")
            }
            (By::Runtime(why), Some(_)) if self.options.answers => format!(" [runtime: {why}]"),
            // Of a call with cases, some are the runtime's.
            (By::Kernel, Some(answer)) if self.options.answers => {
                let answer = match answer {
                    Answer::Runtime => Answer::Convert,
                    answer => answer,
                };
                format!(" [{}]", answer.word())
            }
            _ => String::new(),
        }
    }

    fn line(&self, start: u64, took: Option<u64>, call: &str, outcome: &str, note: &str) {
        let mut text = format!("{call:<RESULTS$}= {outcome}{note}");
        if call.len() >= RESULTS {
            text = format!("{call} = {outcome}{note}");
        }
        if let Some(took) = took.filter(|_| self.options.durations) {
            let (seconds, micros) = (took / 1_000_000_000, took / 1000 % 1_000_000);
            let _ = write!(text, " <{seconds}.{micros:06}>");
        }
        text.push('\n');
        self.write(start, &text);
    }

    /// Writes a line at once, so that those of several processes do not mix.
    fn write(&self, start: u64, text: &str) {
        // SAFETY: asks for a number.
        let thread = unsafe { libc::gettid() };
        let known = self
            .first
            .compare_exchange(0, thread, Ordering::Relaxed, Ordering::Relaxed);
        if known.is_err_and(|first| first != thread) {
            self.many.store(true, Ordering::Relaxed);
        }
        let mut line = String::new();
        if self.options.ids || self.many.load(Ordering::Relaxed) {
            let _ = write!(line, "[pid {thread:5}] ");
        }
        let last = self.last.swap(start, Ordering::Relaxed);
        if self.options.times {
            // The first line is the beginning.
            let since = if last == 0 {
                0
            } else {
                start.saturating_sub(last)
            };
            let (seconds, micros) = (since / 1_000_000_000, since / 1000 % 1_000_000);
            let _ = write!(line, "{seconds:6}.{micros:06} ");
        }
        line.push_str(text);
        let mut rest = line.as_bytes();
        while !rest.is_empty() {
            // SAFETY: the bytes are a live slice.
            let wrote =
                unsafe { libc::write(self.out.as_raw_fd(), rest.as_ptr().cast(), rest.len()) };
            match usize::try_from(wrote) {
                Ok(wrote) if wrote > 0 => rest = &rest[wrote..],
                _ if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
                // A trace that cannot be written is no reason to end the guest.
                _ => return,
            }
        }
    }
}

#[cfg(test)]
mod tests;
