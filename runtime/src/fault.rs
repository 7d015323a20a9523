//! Faults of guest accesses: `SIGSEGV` and `SIGBUS` raised by a guarded access become a
//! value in the code that made it; any other goes to whoever was there before.

use std::cell::{Cell, UnsafeCell};
use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::sync::Once;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering, compiler_fence};

use wali_arch::access::{Acc, Pins};
use wali_arch::fault::{MachineContext, landing_for, pinned_landing};

const SIGNALS: [c_int; 2] = [libc::SIGSEGV, libc::SIGBUS];

/// Holds the handlers that were there before. Written once, before our own handler can
/// run, and only read afterwards.
struct Previous(UnsafeCell<MaybeUninit<[libc::sigaction; 2]>>);

// SAFETY: written under `Once`, before the handler that reads it is installed.
unsafe impl Sync for Previous {}

static PREVIOUS: Previous = Previous(UnsafeCell::new(MaybeUninit::uninit()));

/// Installs the handlers, once.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for (i, signal) in SIGNALS.into_iter().enumerate() {
            // SAFETY: `PREVIOUS[i]` is written before the handler can run, which reads it.
            unsafe {
                let previous = (*PREVIOUS.0.get())
                    .as_mut_ptr()
                    .cast::<libc::sigaction>()
                    .add(i);
                libc::sigaction(signal, std::ptr::null(), previous);
            }
            set_handler(signal);
        }
    });
}

/// The signals whose arrival lets calls be made again.
static RESTARTING: AtomicU64 = AtomicU64::new(0);

fn set_handler(signal: c_int) {
    // SAFETY: the action is fully initialised, and the handler keeps to what is
    // async-signal-safe.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) = handle;
        action.sa_sigaction = handler as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        if RESTARTING.load(Ordering::Relaxed) & 1 << signal != 0 {
            action.sa_flags |= libc::SA_RESTART;
        }
        // Nothing else interrupts the handler, so that others need not expect it.
        libc::sigfillset(&mut action.sa_mask);
        libc::sigaction(signal, &action, std::ptr::null_mut());
    }
}

/// Whether a call that one of the signals interrupts, sent by a process, is made again.
pub fn set_restarting(signal: c_int, restarts: bool) {
    match restarts {
        true => RESTARTING.fetch_or(1 << signal, Ordering::Relaxed),
        false => RESTARTING.fetch_and(!(1 << signal), Ordering::Relaxed),
    };
    set_handler(signal);
}

/// Has one of the signals ignored, for a program that is to inherit that, until
/// [`restore`]: no access may fault meanwhile.
pub fn ignore(signal: c_int) {
    set_disposition(signal, libc::SIG_IGN);
}

/// Puts the handlers back after [`ignore`].
pub fn restore() {
    SIGNALS.into_iter().for_each(set_handler);
}

thread_local! {
    /// The signal of the last fault on this thread, and its address.
    static LAST: Cell<(c_int, usize)> = const { Cell::new((0, 0)) };
    /// The pins of the guarded region this thread is in; without a landing, if it is in none.
    static REGION: UnsafeCell<Pins> = const {
        UnsafeCell::new(Pins {
            landing: std::ptr::null_mut(),
            ip: std::ptr::null(),
            sp: std::ptr::null_mut(),
            acc: Acc::NONE,
        })
    };
}

/// Runs `f`, some accesses to guest memory made by Rust itself (atomics); a fault in it
/// lands as a pinned access would.
///
/// # Safety
/// As for pinned accesses; in addition, `f` has nothing that must be dropped, holds no
/// lock and does not call back here.
#[inline(always)]
pub unsafe fn region<R>(pins: Pins, f: impl FnOnce() -> R) -> R {
    REGION.with(|region| {
        let region = region.get();
        // SAFETY: only this thread and its signal handler use the cell; the fences keep
        // the stores around the accesses as the handler sees them. Of what is in accumulators
        // such an access knows nothing.
        unsafe {
            (&raw mut (*region).ip).write_volatile(pins.ip);
            (&raw mut (*region).sp).write_volatile(pins.sp);
            (&raw mut (*region).landing).write_volatile(pins.landing);
            compiler_fence(Ordering::SeqCst);
            let result = f();
            compiler_fence(Ordering::SeqCst);
            (&raw mut (*region).landing).write_volatile(std::ptr::null_mut());
            result
        }
    })
}

extern "C" fn handle(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel passes a live siginfo and ucontext.
    let (address, code, mut machine) = unsafe {
        (
            (*info).si_addr() as usize,
            (*info).si_code,
            MachineContext::new(context),
        )
    };
    // A positive code says that the kernel raised it for an access, not a process by kill.
    if code <= 0 {
        sent(signal, info, context);
        return;
    }
    LAST.set((signal, address));
    if let Some(landing) = landing_for(machine.pc()) {
        machine.set_fault(address);
        machine.set_pc(landing);
        return;
    }
    // SAFETY: the cell belongs to this thread, which is stopped inside `region` or not in it
    // at all.
    let pins = REGION.with(|region| unsafe {
        let pins = region.get().read_volatile();
        (&raw mut (*region.get()).landing).write_volatile(std::ptr::null_mut());
        pins
    });
    if !pins.landing.is_null() {
        machine.set_pins(pins);
        machine.set_fault(address);
        machine.set_pc(pinned_landing());
        return;
    }
    pass_on(signal, info, context);
}

/// Whether the access to that address that faulted on this thread just now found a mapping, but
/// no page in it: what lies beyond the end of a file.
pub fn was_beyond_file(address: usize) -> bool {
    LAST.get() == (libc::SIGBUS, address)
}

/// What was there for the signal before us.
fn previous(signal: c_int) -> &'static libc::sigaction {
    let index = SIGNALS.iter().position(|&s| s == signal).unwrap_or(0);
    // SAFETY: `install` wrote the entry before the handler that asks could run.
    unsafe {
        &*(*PREVIOUS.0.get())
            .as_ptr()
            .cast::<libc::sigaction>()
            .add(index)
    }
}

/// Whether the signal was ignored when this process was started.
pub fn was_ignored(signal: c_int) -> bool {
    install();
    previous(signal).sa_sigaction == libc::SIG_IGN
}

/// The signal's default action from here on.
fn set_default(signal: c_int) {
    set_disposition(signal, libc::SIG_DFL);
}

fn set_disposition(signal: c_int, disposition: libc::sighandler_t) {
    // SAFETY: a zeroed action with a disposition that is no handler is valid.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = disposition;
        libc::sigaction(signal, &action, std::ptr::null_mut());
    }
}

/// Ends this process by one of these signals. Async-signal-safe.
pub fn die(signal: c_int) {
    set_default(signal);
    // SAFETY: sends this thread a signal whose default action ends the process, and lets it
    // come; the set is a live local.
    unsafe {
        libc::syscall(libc::SYS_tgkill, libc::getpid(), libc::gettid(), signal);
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigaddset(&mut set, signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &set, std::ptr::null_mut());
    }
    // Still here: natively, too, nothing that is sent ends the first process of a namespace.
    set_handler(signal);
}

/// Commits the fault for which the kernel has this signal, whose action is the default one. It
/// returns where this hardware has no such fault.
pub fn commit(signal: c_int) {
    let page = match signal {
        libc::SIGILL | libc::SIGFPE => {
            wali_arch::fault::commit(signal);
            return;
        }
        // A page without a file behind it, and one that nobody may read.
        libc::SIGBUS | libc::SIGSEGV => {
            // SAFETY: new mappings; the descriptor is nobody else's.
            unsafe {
                let fd = libc::memfd_create(c"fault".as_ptr(), libc::MFD_CLOEXEC);
                let readable = match signal {
                    libc::SIGBUS => libc::PROT_READ,
                    _ => libc::PROT_NONE,
                };
                libc::mmap(std::ptr::null_mut(), 1, readable, libc::MAP_SHARED, fd, 0)
            }
        }
        _ => return,
    };
    if page != libc::MAP_FAILED {
        // SAFETY: no object of Rust's is there; the read ends this process.
        unsafe { page.cast::<u8>().read_volatile() };
    }
}

/// What is asked about a signal that a process sent; whether it has seen to it.
pub type Sent = fn(c_int, *mut libc::siginfo_t, *mut c_void) -> bool;

static SENT: AtomicPtr<()> = AtomicPtr::new(std::ptr::null_mut());

/// Has `f` asked about such signals, in the signal handler: it must be async-signal-safe.
pub fn on_sent(f: Sent) {
    SENT.store(f as *mut (), Ordering::Release);
}

/// A signal that a process sent: unless somebody sees to it, it ends this process or was
/// ignored before us. Rust's own handler would take it for a fault and lose it.
fn sent(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let f = SENT.load(Ordering::Acquire);
    if !f.is_null() {
        // SAFETY: only `on_sent` stores here, functions of this type.
        let f: Sent = unsafe { std::mem::transmute(f) };
        if f(signal, info, context) {
            return;
        }
    }
    if previous(signal).sa_sigaction != libc::SIG_IGN {
        die(signal);
    }
}

/// Gives a fault that is not ours to the handler before us (Rust's own detects native
/// stack overflow), or to the default action by returning to the same instruction.
fn pass_on(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let previous = previous(signal);
    match previous.sa_sigaction {
        libc::SIG_DFL | libc::SIG_IGN => set_default(signal),
        handler if previous.sa_flags & libc::SA_SIGINFO != 0 => {
            // SAFETY: with this flag, the handler takes these arguments.
            let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) =
                unsafe { std::mem::transmute(handler) };
            handler(signal, info, context);
        }
        handler => {
            // SAFETY: without the flag, the handler takes the signal alone.
            let handler: extern "C" fn(c_int) = unsafe { std::mem::transmute(handler) };
            handler(signal);
        }
    }
}
