//! What a program's time goes into: calls, translation, guest code, in all of its processes that
//! come by fork.

use std::io::{self, Write};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::engine::Unwind;
use crate::host::abi::is_error;
use crate::interp::{Module, Translation};

/// Counters that all processes of a program share.
#[derive(Default)]
struct Shared {
    /// Nanoseconds from their beginnings to their ends, of all threads.
    lives: AtomicU64,
    /// Of those, the ones in calls.
    calls: AtomicU64,
    functions: AtomicU64,
    words: AtomicU64,
    translation: AtomicU64,
    threads: AtomicU64,
    processes: AtomicU64,
}

/// What is counted of an import.
#[derive(Default)]
struct Count {
    calls: AtomicU64,
    errors: AtomicU64,
    /// Nanoseconds of those that have returned.
    nanos: AtomicU64,
}

/// Memory that copies of this process share: zeroes at first, for ever.
struct Table {
    shared: NonNull<Shared>,
    counts: NonNull<Count>,
    len: usize,
}

// SAFETY: what it points to is atomic, and is never unmapped.
unsafe impl Send for Table {}
// SAFETY: as above.
unsafe impl Sync for Table {}

impl Table {
    fn new(len: usize) -> io::Result<Table> {
        let bytes = size_of::<Shared>() + len * size_of::<Count>();
        // SAFETY: a new mapping, of which nobody else knows.
        let at = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if at == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let shared: *mut Shared = at.cast();
        // SAFETY: both lie in the mapping, which is aligned to pages; both sizes are multiples of
        // eight. Zeroes are values of both types.
        unsafe {
            Ok(Table {
                shared: NonNull::new_unchecked(shared),
                counts: NonNull::new_unchecked(shared.add(1).cast()),
                len,
            })
        }
    }

    fn shared(&self) -> &Shared {
        // SAFETY: mapped for ever, and initialised by the kernel.
        unsafe { self.shared.as_ref() }
    }

    fn counts(&self) -> &[Count] {
        // SAFETY: as above, and `len` of them.
        unsafe { std::slice::from_raw_parts(self.counts.as_ptr(), self.len) }
    }
}

/// Time spent by several at once: the sum over those that are in it now, too.
#[derive(Default)]
struct Meter {
    /// Sum of ends, less the sum of beginnings.
    nanos: AtomicI64,
    /// How many have begun and not ended.
    active: AtomicI64,
}

impl Meter {
    fn begin(&self, now: u64) {
        self.nanos.fetch_sub(now as i64, Relaxed);
        self.active.fetch_add(1, Relaxed);
    }

    fn end(&self, now: u64) {
        self.nanos.fetch_add(now as i64, Relaxed);
        self.active.fetch_sub(1, Relaxed);
    }

    fn total(&self, now: u64) -> u64 {
        let total = self.nanos.load(Relaxed) + self.active.load(Relaxed) * now as i64;
        u64::try_from(total).unwrap_or(0)
    }

    /// Only one is in it, from now on.
    fn reset(&self, now: u64) {
        self.nanos.store(-(now as i64), Relaxed);
        self.active.store(1, Relaxed);
    }
}

/// What is known before the program is linked.
#[derive(Debug, Clone, Copy)]
pub struct Start {
    /// When the runtime began.
    pub began: Instant,
    /// What loading the module took.
    pub loading: Duration,
    /// The module's bytes.
    pub bytes: u64,
}

/// The statistics of a program.
pub struct Stats {
    start: Start,
    /// The process that prints them.
    process: u32,
    module: Module,
    /// Of its imports.
    names: Vec<String>,
    table: Table,
    lives: Meter,
    calls: Meter,
    /// What had been translated when this process was made.
    before: [AtomicU64; 3],
    /// How many forks lie between this process and the first one.
    generation: AtomicU32,
    /// This process, if it is a copy that has not been counted.
    finished: AtomicU32,
}

impl Stats {
    /// Statistics of a program that is about to begin.
    ///
    /// # Errors
    /// If there is no memory for the counters.
    pub fn new(module: &Module, start: Start) -> io::Result<Stats> {
        let imports = module.imports().iter();
        let plain = |name: &str| name.strip_prefix("SYS_").unwrap_or(name).to_owned();
        let names: Vec<String> = imports.map(|import| plain(&import.name)).collect();
        Ok(Stats {
            start,
            process: std::process::id(),
            module: module.clone(),
            table: Table::new(names.len())?,
            names,
            lives: Meter::default(),
            calls: Meter::default(),
            before: Default::default(),
            generation: AtomicU32::new(0),
            finished: AtomicU32::new(0),
        })
    }

    fn now(&self) -> u64 {
        self.start.began.elapsed().as_nanos() as u64
    }

    /// Makes a call of an import and counts it.
    pub(super) fn call(
        &self,
        import: usize,
        call: impl FnOnce() -> Result<u64, Unwind>,
    ) -> Result<u64, Unwind> {
        let count = &self.table.counts()[import];
        let began = self.now();
        self.calls.begin(began);
        count.calls.fetch_add(1, Relaxed);
        let generation = self.generation.load(Relaxed);
        let result = call();
        let ended = self.now();
        self.calls.end(ended);
        // A copy that has come out of the call did not make it.
        if generation == self.generation.load(Relaxed) {
            count.nanos.fetch_add(ended.saturating_sub(began), Relaxed);
        }
        match result {
            Ok(value) if is_error(value as i64) => {
                count.errors.fetch_add(1, Relaxed);
            }
            // It will be made again.
            Err(Unwind::Interrupted) => {
                count.calls.fetch_sub(1, Relaxed);
            }
            _ => {}
        }
        result
    }

    /// The calling thread begins.
    pub(super) fn begin(&self) {
        self.lives.begin(self.now());
        self.table.shared().threads.fetch_add(1, Relaxed);
    }

    /// The calling thread ends.
    pub(super) fn end(&self) {
        self.lives.end(self.now());
    }

    /// This is a copy by fork, in the middle of that call.
    pub(super) fn in_child(&self) {
        let now = self.now();
        self.lives.reset(now);
        self.calls.reset(now);
        self.generation.fetch_add(1, Relaxed);
        for (before, now) in self.before.iter().zip(self.translated()) {
            before.store(now, Relaxed);
        }
        self.table.shared().processes.fetch_add(1, Relaxed);
    }

    fn translated(&self) -> [u64; 3] {
        let Translation {
            functions,
            words,
            nanos,
        } = self.module.translation();
        [functions, words, nanos]
    }

    /// The process ends: adds what it has counted for itself, and the first one writes the
    /// statistics of all.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn finish(&self, out: &mut impl Write) -> io::Result<()> {
        let process = std::process::id();
        if self.finished.swap(process, Relaxed) == process {
            return Ok(());
        }
        let now = self.now();
        let shared = self.table.shared();
        shared.lives.fetch_add(self.lives.total(now), Relaxed);
        shared.calls.fetch_add(self.calls.total(now), Relaxed);
        let sums = [&shared.functions, &shared.words, &shared.translation];
        for ((sum, now), before) in sums.into_iter().zip(self.translated()).zip(&self.before) {
            sum.fetch_add(now.saturating_sub(before.load(Relaxed)), Relaxed);
        }
        match process == self.process {
            true => self.print(out),
            false => Ok(()),
        }
    }

    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let shared = self.table.shared();
        let load = |what: &AtomicU64| what.load(Relaxed);
        let translation = load(&shared.translation);
        let (lives, calls) = (load(&shared.lives), load(&shared.calls));
        let code = lives.saturating_sub(calls).saturating_sub(translation);
        let Start { loading, bytes, .. } = self.start;
        let all = self.start.began.elapsed();
        let (functions, words) = (load(&shared.functions), load(&shared.words));
        let defined = self.module.func_count() - self.module.imported_func_count();
        let total: u64 = self
            .table
            .counts()
            .iter()
            .map(|count| load(&count.calls))
            .sum();
        let mut line =
            |nanos: u64, text: &str| writeln!(out, "{:>12.3} ms  {text}", nanos as f64 / 1e6);
        line(all.as_nanos() as u64, &format!("in all, {}", used()))?;
        line(
            loading.as_nanos() as u64,
            &format!("loading a module of {bytes} bytes"),
        )?;
        line(
            translation,
            &format!(
                "validating and translating {functions} functions (the module has {defined}) into \
                 {} KiB of code, {} bytes each",
                words * 8 / 1024,
                words * 8 / functions.max(1)
            ),
        )?;
        line(calls, &format!("in {total} system calls"))?;
        let several = match (load(&shared.threads), load(&shared.processes)) {
            (1, 0) => String::new(),
            (threads, processes) => format!(
                "; this line and the two before are sums over {} threads, of {} processes",
                threads + processes,
                processes + 1
            ),
        };
        line(code, &format!("in guest code{several}"))?;
        self.print_calls(out)
    }

    /// The calls that were made, those that took longest first.
    fn print_calls(&self, out: &mut impl Write) -> io::Result<()> {
        let mut rows: Vec<(&str, u64, u64, u64)> = self
            .names
            .iter()
            .zip(self.table.counts())
            .map(|(name, count)| {
                let load = |what: &AtomicU64| what.load(Relaxed);
                (
                    name.as_str(),
                    load(&count.calls),
                    load(&count.errors),
                    load(&count.nanos),
                )
            })
            .filter(|row| row.1 > 0)
            .collect();
        rows.sort_by_key(|&(name, calls, _, nanos)| (std::cmp::Reverse((nanos, calls)), name));
        if rows.is_empty() {
            return Ok(());
        }
        writeln!(
            out,
            "{:>15}  {:>9}  {:>9}  {:>9}  call",
            "total", "us a call", "calls", "errors"
        )?;
        for (name, calls, errors, nanos) in rows {
            let (total, each) = (nanos as f64 / 1e6, nanos as f64 / 1e3 / calls as f64);
            let errors = match errors {
                0 => String::new(),
                errors => errors.to_string(),
            };
            writeln!(
                out,
                "{total:>12.3} ms  {each:>9.1}  {calls:>9}  {errors:>9}  {name}"
            )?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for Stats {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stats")
            .field("start", &self.start)
            .finish_non_exhaustive()
    }
}

/// Processor time and memory, as the kernel has it.
fn used() -> String {
    let usage = |who| {
        // SAFETY: every bit pattern is a value, and the kernel fills it in.
        unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            libc::getrusage(who, &mut usage);
            usage
        }
    };
    let (own, children) = (usage(libc::RUSAGE_SELF), usage(libc::RUSAGE_CHILDREN));
    let millis = |time: libc::timeval| time.tv_sec as f64 * 1e3 + time.tv_usec as f64 / 1e3;
    format!(
        "{:.3} ms of the processor for the program, {:.3} ms for the kernel; at most {} KiB of memory",
        millis(own.ru_utime) + millis(children.ru_utime),
        millis(own.ru_stime) + millis(children.ru_stime),
        own.ru_maxrss
    )
}
