//! The threads of a program: how they begin and end, and how the process ends with them.
//!
//! A guest thread is a thread of the host's with an instance of its own over the program's
//! memory. All but that of the first, which the embedder gives, are made here.

use std::collections::BTreeMap;
use std::ffi::{c_int, c_void};
use std::fmt;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use wali_arch::flags::errno;

use super::imports::Linker;
use super::profile::{self, Profile};
use super::stats::Stats;
use super::{Outcome, Settings, end_process, outcome, signals};
use crate::engine::{ForkLock, Unwind};
use crate::host::abi::Errno;
use crate::host::signals::{FAULTS, Set, kick, set_kernel_mask};
use crate::host::{NewThread, Thread};
use crate::interp::{
    ForkGuard, FuncType, Instance, InterruptHandle, LinkError, Module, Options, Prepared, Sampler,
    Trap, TrapKind, ValType, Value,
};

/// Ends the process as the program ended; called on whatever thread ends it. It does not return.
pub type End = dyn Fn(&Outcome) + Send + Sync;

/// Bytes of the native stack of a thread: room for the deepest nesting of handlers of signals.
const STACK: usize = 2 << 20;

/// How long to wait for threads that have been told to stop before they are told again: they may
/// have been about to make a call that blocks.
const AGAIN: Duration = Duration::from_millis(2);

/// How often a first thread that has ended looks whether the embedder wants the program to stop.
const LOOK: Duration = Duration::from_millis(20);

/// A process's threads.
pub struct Group {
    module: Module,
    linker: Linker,
    end: Option<Box<End>>,
    stats: Option<Arc<Stats>>,
    profile: Option<Arc<Profile>>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Threads whose code has not ended, those about to begin included.
    live: usize,
    /// Threads that are there, by their ids.
    threads: BTreeMap<c_int, InterruptHandle>,
    /// The id of the first thread, if this process has it.
    first: Option<c_int>,
    /// Whether the process is ending.
    ends: bool,
    /// How, until somebody has taken it.
    outcome: Option<Outcome>,
}

/// What a thread's code ended.
pub enum Ended {
    /// The thread, with a status that counts if it is the last.
    Thread(i32),
    /// The process.
    Process(Outcome),
}

impl Ended {
    /// By what a call of guest code returned.
    pub fn by(result: Result<(), Trap>) -> Ended {
        match result {
            // Natively, too, a thread whose function returns ends.
            Ok(()) => Ended::Thread(0),
            Err(trap) => match trap.kind() {
                TrapKind::Host(payload) => match payload.downcast_ref::<Unwind>() {
                    Some(Unwind::ExitThread(status)) => Ended::Thread(*status),
                    _ => Ended::Process(outcome(trap)),
                },
                _ => Ended::Process(outcome(trap)),
            },
        }
    }
}

fn gettid() -> c_int {
    // SAFETY: asks for a number.
    unsafe { libc::gettid() }
}

impl Group {
    pub fn new(module: Module, linker: Linker, settings: Settings) -> Arc<Group> {
        let Settings {
            end,
            stats,
            profile,
        } = settings;
        Arc::new(Group {
            module,
            linker,
            end,
            stats,
            profile,
            state: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An instance for a thread, before anything of it has run.
    pub fn instance(
        self: &Arc<Group>,
        thread: Thread,
        fresh_memory: bool,
    ) -> Result<Prepared, LinkError> {
        let group = Arc::clone(self);
        let emulate_fn_casts = thread.process.emulates_fn_casts();
        let options = Options {
            emulate_fn_casts,
            memory: Some(thread.linear_memory().clone()),
            fresh_memory,
            state: Some(Box::new(thread)),
            hook: Some(Box::new(signals::attend)),
            ready: Some(Box::new(move |instance| signals::attach(instance, group))),
            on_trap: Some(Box::new(signals::on_trap)),
            sampler: self.profile.clone().map(|profile| -> Box<Sampler> {
                Box::new(move |functions: &[u32]| profile.sample(functions))
            }),
            ..Options::default()
        };
        Instance::prepare(&self.module, &self.linker, options)
    }

    /// Counts the calling thread as the program's first.
    pub fn begin_first(&self, interrupt: InterruptHandle) {
        self.measure(&interrupt);
        let mut state = self.lock();
        state.live = 1;
        state.first = Some(gettid());
        state.threads.insert(gettid(), interrupt);
    }

    /// Has the calling thread measured.
    fn measure(&self, interrupt: &InterruptHandle) {
        if let Some(stats) = &self.stats {
            stats.begin();
        }
        if let Some(profile) = &self.profile {
            profile.begin(interrupt.clone());
        }
    }

    /// Starts a thread. All signals are blocked.
    ///
    /// # Errors
    /// `EAGAIN` if there is no room.
    pub fn spawn(self: &Arc<Group>, new: NewThread) -> Result<c_int, Errno> {
        let again = Errno(errno::EAGAIN);
        let NewThread {
            thread,
            mask,
            start,
            argument,
        } = new;
        let prepared = self.instance(thread, false).map_err(|_| again)?;
        let begun = AtomicI32::new(0);
        let birth = Box::new(Birth {
            group: Arc::clone(self),
            prepared,
            mask,
            start,
            argument,
            begun: &raw const begun,
        });
        self.lock().live += 1;
        // Also those of faults: the new thread unblocks them when it can take them.
        let before = set_kernel_mask(!Set::default());
        let made = start_thread(birth);
        set_kernel_mask(before);
        if made.is_err() {
            self.lock().live -= 1;
            return Err(again);
        }
        Ok(wait_for(&begun))
    }

    /// Whether the calling thread may begin; if the process is ending, it is told to stop.
    fn begin(&self, interrupt: InterruptHandle) {
        self.measure(&interrupt);
        let mut state = self.lock();
        if state.ends {
            interrupt.interrupt();
        }
        state.threads.insert(gettid(), interrupt);
    }

    /// Ends what the guest sees of the calling thread, whose code has ended; the process, too, if
    /// that is how, or if it is the last. All signals are blocked from here on.
    fn settle(&self, instance: &mut Instance, ended: Ended) {
        set_kernel_mask(!FAULTS);
        // Under one lock: who says how the process ends, and whether it does.
        let mut state = self.lock();
        state.live -= 1;
        match ended {
            Ended::Process(outcome) => self.end_with(state, outcome),
            Ended::Thread(status) if state.live == 0 && !state.ends => {
                self.end_with(state, Outcome::Exit(status));
            }
            // Counted out before anybody can learn of it, as by the kernel.
            Ended::Thread(_) => {
                drop(state);
                if let Some(thread) = instance.state::<Thread>() {
                    thread.ended();
                }
            }
        }
        set_kernel_mask(!Set::default());
        signals::detach(instance);
    }

    /// Forgets the calling thread, which does nothing more for the program.
    fn depart(&self) {
        if let Some(stats) = &self.stats {
            stats.end();
        }
        if let Some(profile) = &self.profile {
            profile.end();
        }
        self.lock().threads.remove(&gettid());
        self.changed.notify_all();
    }

    /// What becomes of the program when the code of the first thread has ended: waits for the
    /// others, and says how it ended.
    pub fn leave_first(&self, instance: &mut Instance, ended: Ended) -> Outcome {
        let interrupt = instance.interrupt_handle();
        let mask = set_kernel_mask(!FAULTS);
        self.settle(instance, ended);
        self.depart();
        let mut state = self.lock();
        while !state.threads.is_empty() {
            let patience = match (&self.end, state.ends) {
                (Some(_), _) => Duration::MAX,
                (None, true) => AGAIN,
                (None, false) => LOOK,
            };
            state = self
                .changed
                .wait_timeout(state, patience)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
            if state.ends {
                state.stop_others();
            } else if self.end.is_none() && interrupt.is_stopped() {
                drop(state);
                self.end(Outcome::Trap(Trap::new(TrapKind::Interrupted)));
                state = self.lock();
            }
        }
        let outcome = state.outcome.take();
        drop(state);
        set_kernel_mask(mask);
        // Whichever thread was the last has left one.
        outcome.unwrap_or(Outcome::Exit(0))
    }

    /// Ends the process, if no other thread does. With an `end`, this does not return.
    fn end(&self, outcome: Outcome) {
        self.end_with(self.lock(), outcome);
    }

    fn end_with(&self, mut state: MutexGuard<'_, State>, outcome: Outcome) {
        if let Some(end) = &self.end {
            // Nobody gets the lock again: other threads that come to their end wait for it. A
            // message takes its time, in which nothing of the guest's must go on.
            if matches!(outcome, Outcome::Trap(_)) {
                state.stop_others();
            }
            end(&outcome);
            std::process::abort();
        }
        if state.first.is_none() {
            end_process(&outcome);
        }
        if !state.ends {
            state.ends = true;
            state.outcome = Some(outcome);
        }
        state.stop_others();
        self.changed.notify_all();
    }

    /// Whether the process ends with the program.
    pub fn owns_process(&self) -> bool {
        self.end.is_some()
    }

    /// Whether the calling thread is the only one.
    pub fn alone(&self) -> bool {
        self.lock().live == 1
    }

    /// Takes the locks that a fork needs.
    pub fn fork_lock(&self) -> Locks<'_> {
        Locks {
            state: self.lock(),
            thread: gettid(),
            interpreter: ForkGuard::new(),
            profile: self.profile.as_ref().map(|profile| profile.fork_lock()),
            stats: self.stats.as_deref(),
        }
    }
}

impl State {
    /// Tells all threads but the calling one to stop.
    fn stop_others(&self) {
        let me = gettid();
        for (&thread, interrupt) in self.threads.iter().filter(|(id, _)| **id != me) {
            interrupt.interrupt();
            kick(thread);
        }
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").finish_non_exhaustive()
    }
}

/// The locks held across a fork.
pub struct Locks<'a> {
    state: MutexGuard<'a, State>,
    /// The thread that forks.
    thread: c_int,
    interpreter: ForkGuard,
    profile: Option<profile::Fork<'a>>,
    stats: Option<&'a Stats>,
}

impl ForkLock for Locks<'_> {
    fn too_late(&self) -> bool {
        self.state.ends
    }

    fn in_child(&mut self) {
        self.interpreter.in_child();
        if let Some(profile) = &mut self.profile {
            profile.in_child();
        }
        if let Some(stats) = self.stats {
            stats.in_child();
        }
        let state = &mut *self.state;
        let me = state.threads.remove(&self.thread);
        state.threads.clear();
        state.threads.extend(me.map(|me| (gettid(), me)));
        state.first = (state.first == Some(self.thread)).then(gettid);
        state.live = 1;
    }
}

/// What a new thread begins with.
struct Birth {
    group: Arc<Group>,
    prepared: Prepared,
    mask: Set,
    start: u32,
    argument: u32,
    /// Where its maker waits for its id.
    begun: *const AtomicI32,
}

/// Starts a thread of the host's.
fn start_thread(birth: Box<Birth>) -> Result<(), ()> {
    let birth = Box::into_raw(birth);
    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    let mut id = MaybeUninit::uninit();
    // SAFETY: the attributes are initialised first. The new thread owns what it is given, which
    // can be moved there: the instance's imports are the linker's, its state and callbacks hold
    // nothing of this thread's, and none of it has been used yet.
    let made = unsafe {
        libc::pthread_attr_init(attributes.as_mut_ptr());
        let attributes = attributes.as_mut_ptr();
        libc::pthread_attr_setdetachstate(attributes, libc::PTHREAD_CREATE_DETACHED);
        libc::pthread_attr_setstacksize(attributes, STACK);
        let made = libc::pthread_create(id.as_mut_ptr(), attributes, live, birth.cast());
        libc::pthread_attr_destroy(attributes);
        made
    };
    if made == 0 {
        return Ok(());
    }
    // SAFETY: there is no thread that could own it.
    drop(unsafe { Box::from_raw(birth) });
    Err(())
}

/// Waits for the id of a thread that has begun.
fn wait_for(begun: &AtomicI32) -> c_int {
    loop {
        let tid = begun.load(Ordering::Acquire);
        if tid != 0 {
            return tid;
        }
        // SAFETY: a live word, and no timeout.
        unsafe {
            let null = std::ptr::null::<libc::timespec>();
            libc::syscall(
                libc::SYS_futex,
                begun.as_ptr(),
                libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG,
                0,
                null,
            );
        }
    }
}

/// What a thread of the host's does: it begins with all signals blocked, and ends so.
extern "C" fn live(birth: *mut c_void) -> *mut c_void {
    // SAFETY: the maker has given it away.
    let birth = unsafe { Box::from_raw(birth.cast::<Birth>()) };
    let Birth {
        group,
        mut prepared,
        mask,
        start,
        argument,
        begun,
    } = *birth;
    let tid = gettid();
    group.begin(prepared.interrupt_handle());
    // SAFETY: the maker waits until the word is set; waking a word that is gone wakes nobody, or
    // somebody who looks again.
    unsafe {
        (*begun).store(tid, Ordering::Release);
        let wake = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
        libc::syscall(libc::SYS_futex, begun, wake, 1);
    }
    let started = prepared.start();
    let mut instance = prepared.into_instance();
    let ended = match started {
        Ok(()) => {
            if let Some(thread) = instance.state::<Thread>() {
                thread.signals().set_mask(mask);
            }
            Ended::by(run(&instance, start, tid, argument))
        }
        Err(LinkError::Trap(trap)) => Ended::by(Err(trap)),
        Err(error) => Ended::by(Err(Trap::message(error.to_string()))),
    };
    group.settle(&mut instance, ended);
    drop(instance);
    group.depart();
    std::ptr::null_mut()
}

/// Calls a thread's function. C lets people cast, so that any that takes as much will do.
fn run(instance: &Instance, start: u32, tid: c_int, argument: u32) -> Result<(), Trap> {
    let table = instance.table(0).filter(|table| table.holds_functions());
    let func = match table {
        Some(table) if start < table.size() => table
            .func(start)
            .ok_or_else(|| Trap::new(TrapKind::UninitializedElement { index: start }))?,
        _ => return Err(Trap::new(TrapKind::UndefinedElement { index: start })),
    };
    let ty = func.ty();
    let expected = FuncType::new([ValType::I32, ValType::I32], []);
    let mut arguments = Vec::with_capacity(2);
    for (ty, value) in ty.params.iter().zip([tid, argument as i32]) {
        match ty {
            ValType::I32 => arguments.push(Value::I32(value)),
            ValType::I64 => arguments.push(Value::I64(i64::from(value as u32))),
            _ => {}
        }
    }
    if arguments.len() != ty.params.len() {
        let arguments = [Value::I32(tid), Value::I32(argument as i32)];
        return instance.call_as(&func, &expected, start, &arguments);
    }
    instance.call(&func, &arguments).map(|_| ())
}
