//! Where a program spends its processor time: samples of the stacks of its threads, weighted with
//! the time that the thread has used since its sample before.
//!
//! A thread of the host's asks for samples at each tick (`interp::Sampler`); guests' threads take
//! them themselves. So no signal is needed, which the guest would feel, and what waits costs nothing.

mod text;

use std::collections::{BTreeMap, HashMap};
use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::FromRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::host::own_program::Kept;
use crate::host::signals::{Set, set_kernel_mask};
use crate::interp::{InterruptHandle, Module};

/// Between two samples of a thread that runs.
const TICK: Duration = Duration::from_millis(1);

/// The file is written anew at least this long after it was written last, so that programs that are
/// killed have one; and so long that writing takes a twentieth of the time at most.
const WRITE_EVERY: Duration = Duration::from_secs(1);
const WRITE_SHARE: u32 = 20;

/// How a profile is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A line for each stack: functions from the outermost, separated by `;`, and microseconds.
    Folded,
    /// JSON as <https://www.speedscope.app/file-format-schema.json> has it: samples in their order.
    Speedscope,
}

/// A profile in the making, written to its file from time to time and at the end.
#[derive(Debug)]
pub struct Profile {
    /// A place only, and gone once the guest has put something else there.
    folder: Kept,
    format: Format,
    module: Module,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The file's name in its folder.
    name: Vec<u8>,
    threads: BTreeMap<libc::pid_t, Thread>,
    stacks: HashMap<Arc<[u32]>, u32>,
    /// By the numbers in `stacks`.
    known: Vec<Arc<[u32]>>,
    /// Whether there is anything that is not in the file.
    changed: bool,
    /// Whether somebody asks for samples.
    ticking: bool,
}

#[derive(Debug, Default)]
struct Thread {
    /// By which it is asked for samples; none when it has ended.
    handle: Option<InterruptHandle>,
    /// What it had used of the processor at its last sample.
    used: Duration,
    /// Stacks and microseconds, in the order of samples; equal ones that follow each other are one.
    samples: Vec<(u32, u64)>,
}

impl Profile {
    /// Opens the folder of the file, and makes the file.
    ///
    /// # Errors
    /// If either cannot be done.
    pub fn new(module: &Module, path: &Path, format: Format) -> io::Result<Profile> {
        File::create(path)?;
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let flags = libc::O_PATH | libc::O_DIRECTORY;
        let place = File::options()
            .read(true)
            .custom_flags(flags)
            .open(folder)?;
        let name = path.file_name().unwrap_or(OsStr::new("")).as_bytes();
        let state = State {
            name: name.to_vec(),
            ..State::default()
        };
        Ok(Profile {
            folder: Kept::new(place.into())?,
            format,
            module: module.clone(),
            state: Mutex::new(state),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The calling thread begins.
    pub(super) fn begin(self: &Arc<Profile>, handle: InterruptHandle) {
        let mut state = self.lock();
        let thread = state.threads.entry(gettid()).or_default();
        thread.handle = Some(handle);
        thread.used = used();
        self.tick(&mut state);
    }

    /// A sample of the calling thread.
    pub(super) fn sample(&self, functions: &[u32]) {
        let now = used();
        let mut state = self.lock();
        let state = &mut *state;
        let stack = match state.stacks.get(functions) {
            Some(&number) => number,
            None => {
                let number = state.known.len() as u32;
                let functions: Arc<[u32]> = functions.into();
                state.known.push(Arc::clone(&functions));
                state.stacks.insert(functions, number);
                number
            }
        };
        let thread = state.threads.entry(gettid()).or_default();
        let micros = now.saturating_sub(thread.used).as_micros() as u64;
        thread.used += Duration::from_micros(micros);
        match thread.samples.last_mut() {
            Some((last, total)) if *last == stack => *total += micros,
            _ => thread.samples.push((stack, micros)),
        }
        state.changed = true;
    }

    /// The calling thread ends.
    pub(super) fn end(&self) {
        if let Some(thread) = self.lock().threads.get_mut(&gettid()) {
            thread.handle = None;
        }
    }

    /// Starts the thread that asks for samples, unless it is there.
    fn tick(self: &Arc<Profile>, state: &mut State) {
        if state.ticking {
            return;
        }
        let profile = Arc::clone(self);
        // Signals are for the guest's threads.
        let before = set_kernel_mask(!Set::default());
        let made = std::thread::Builder::new()
            .name("wali profile".into())
            .spawn(move || profile.ask());
        set_kernel_mask(before);
        state.ticking = made.is_ok();
    }

    /// Asks for samples, for ever.
    fn ask(&self) {
        let mut next = Instant::now() + WRITE_EVERY;
        loop {
            std::thread::sleep(TICK);
            for thread in self.lock().threads.values() {
                if let Some(handle) = &thread.handle {
                    handle.request_sample();
                }
            }
            let before = Instant::now();
            if before >= next {
                // What cannot be written now is complained of at the end.
                let _ = self.write();
                next = Instant::now() + WRITE_EVERY.max(before.elapsed() * WRITE_SHARE);
            }
        }
    }

    /// Writes what there is, if it has changed; nobody sees a file that is half written.
    ///
    /// # Errors
    /// If that cannot be done.
    pub fn write(&self) -> io::Result<()> {
        let mut state = self.lock();
        if !state.changed {
            return Ok(());
        }
        let mut new = state.name.clone();
        new.extend_from_slice(b".new");
        let (new, name) = (CString::new(new)?, CString::new(state.name.clone())?);
        let folder = self.folder.get().ok_or(io::ErrorKind::NotFound)?;
        let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC | libc::O_CLOEXEC;
        // SAFETY: the name is a C string; the descriptor is nobody else's.
        let file = unsafe {
            match libc::openat(folder, new.as_ptr(), flags, 0o666) {
                fd @ 0.. => File::from_raw_fd(fd),
                _ => return Err(io::Error::last_os_error()),
            }
        };
        let mut out = BufWriter::new(file);
        text::write(&mut out, self.format, &self.module, &state)?;
        out.flush()?;
        // SAFETY: the names are C strings.
        if unsafe { libc::renameat(folder, new.as_ptr(), folder, name.as_ptr()) } != 0 {
            return Err(io::Error::last_os_error());
        }
        state.changed = false;
        Ok(())
    }

    /// Keeps others away, for the time of a fork.
    pub(super) fn fork_lock(self: &Arc<Profile>) -> Fork<'_> {
        Fork {
            profile: self,
            thread: gettid(),
            state: self.lock(),
        }
    }
}

/// A profile that nobody writes to while its process is copied.
pub(super) struct Fork<'a> {
    profile: &'a Arc<Profile>,
    /// The thread that forks.
    thread: libc::pid_t,
    state: MutexGuard<'a, State>,
}

impl Fork<'_> {
    /// The copy has a profile of its own, whose name ends in the process's id.
    pub fn in_child(&mut self) {
        let mut old = std::mem::take(&mut *self.state);
        let handle = old.threads.remove(&self.thread).and_then(|old| old.handle);
        let state = &mut *self.state;
        state.name = old.name;
        state
            .name
            .extend_from_slice(format!(".{}", gettid()).as_bytes());
        let thread = state.threads.entry(gettid()).or_default();
        thread.handle = handle;
        thread.used = used();
        self.profile.tick(state);
    }
}

fn gettid() -> libc::pid_t {
    // SAFETY: asks for a number.
    unsafe { libc::gettid() }
}

/// What the calling thread has used of the processor.
fn used() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the kernel fills the local in; every thread has this clock.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
