//! What handlers know: the per-instance block of pointers, and how one handler leads to
//! the next.

use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

pub(crate) use wali_arch::access::Acc;
use wali_arch::access::{Landing, Pins};

use super::func::FuncObj;
use super::instance::Inner as InstanceInner;
use super::table::TableInner;
use super::trap::{Exit, Trap};
use crate::memory::Memory;

/// Code that executes one instruction.
///
/// The arguments are the machine: context, instruction pointer (at the instruction's
/// first word), frame (its slot 0), the base of memory 0, and the accumulators: what the
/// instruction before has computed, if the translator has this one want it. All but the base
/// are where `wali_arch::access` wants its pins. At most six integer arguments travel in
/// registers on x86-64; a seventh would end tail calls.
pub(crate) type Handler = unsafe extern "C" fn(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    int: u64,
    single: f32,
    double: f64,
) -> usize;

/// A function's code, null until its first call. The code's first word is its [`Meta`].
pub(crate) type Cell = AtomicPtr<u64>;

/// What calls need to know of a function, packed into the first word of its code.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Meta {
    /// Slot of the frame header, behind parameters and locals.
    pub header: u16,
    /// How many slots arguments take; the locals after them start as zero.
    pub params: u16,
    /// All slots of a frame.
    pub frame: u32,
}

impl Meta {
    /// Words before a function's first instruction: this one, and its function index.
    pub const WORDS: usize = 2;

    pub fn pack(self) -> u64 {
        let (header, params) = (self.header.to_ne_bytes(), self.params.to_ne_bytes());
        let [a, b, c, d] = self.frame.to_ne_bytes();
        u64::from_ne_bytes([header[0], header[1], params[0], params[1], a, b, c, d])
    }

    /// The meta word at `code`, each part by a load of its own, which costs no register.
    ///
    /// # Safety
    /// `code` points to a function's code.
    #[inline(always)]
    pub unsafe fn read(code: *const u64) -> Meta {
        // SAFETY: as the caller promises; the layout is that of `pack`.
        unsafe {
            let quarters = code.cast::<u16>();
            Meta {
                header: *quarters,
                params: *quarters.add(1),
                frame: *code.cast::<u32>().add(1),
            }
        }
    }
}

/// Slots of a frame header: where to return to, and the caller's frame.
pub(crate) const HEADER_SLOTS: usize = 2;

/// Set in [`Context::interrupt`]: the guest has to stop.
pub(crate) const STOP: u32 = 1;
/// Set in [`Context::interrupt`]: the embedder's hook has to run.
pub(crate) const HOOK: u32 = 2;
/// Set in [`Context::interrupt`]: somebody wants to know where the guest is.
pub(crate) const SAMPLE: u32 = 4;

/// The machine's view of an instance. Owned by it, but shared with interrupt handles,
/// which touch `interrupt` only.
#[repr(C)]
pub(crate) struct Context {
    /// First, since its address is the pin of guarded accesses.
    pub landing: Landing,
    /// Nonzero when something wants attention at the next safepoint.
    pub interrupt: AtomicU32,
    /// Where the guest stack ends.
    pub limit: usize,
    /// Code of the module's functions, by index among the defined ones.
    pub cells: *const Cell,
    /// Cells of globals.
    pub globals: *const *mut u64,
    /// Tables.
    pub tables: *const *const TableInner,
    /// Function objects by index among all functions.
    pub funcs: *const *const FuncObj,
    /// Memory 0; null if there is none.
    pub memory: *const Memory,
    /// The instance.
    pub instance: *const InstanceInner,
    /// Where frames of a nested run may start.
    pub top: *mut u64,
    /// Where the trap arose.
    pub trap_ip: *const u64,
    /// Its frame.
    pub trap_sp: *mut u64,
    /// Its particulars; see [`Exit`].
    pub trap_info: u64,
    /// How many bytes a bulk operation has done that met a fault, for when it starts again; else 0.
    pub bulk_done: usize,
    /// The function whose type does not fit.
    pub trap_func: *const FuncObj,
    /// The trap of a host function.
    pub pending: Option<Trap>,
    /// Whether a host function has the state, so that nobody else may enter.
    pub lent: bool,
    /// The next instruction, under loop dispatch.
    #[cfg(wali_dispatch = "loop")]
    pub next: (*const u64, *mut u64, Acc),
}

impl Context {
    pub fn new() -> Context {
        Context {
            landing: Landing::new(),
            interrupt: AtomicU32::new(0),
            limit: 0,
            cells: std::ptr::null(),
            globals: std::ptr::null(),
            tables: std::ptr::null(),
            funcs: std::ptr::null(),
            memory: std::ptr::null(),
            instance: std::ptr::null(),
            top: std::ptr::null_mut(),
            trap_ip: std::ptr::null(),
            trap_sp: std::ptr::null_mut(),
            trap_info: 0,
            bulk_done: 0,
            trap_func: std::ptr::null(),
            pending: None,
            lent: false,
            #[cfg(wali_dispatch = "loop")]
            next: (std::ptr::null(), std::ptr::null_mut(), Acc::NONE),
        }
    }

    /// Whether something wants attention.
    ///
    /// # Safety
    /// `cx` is live.
    #[inline(always)]
    pub unsafe fn interrupted(cx: *const Context) -> bool {
        // SAFETY: `cx` is live, and the word is atomic.
        unsafe { (*cx).interrupt.load(Ordering::Relaxed) != 0 }
    }
}

/// The state of the machine, as guarded accesses want it.
#[inline(always)]
pub(crate) fn pins(cx: *mut Context, ip: *const u64, sp: *mut u64, acc: Acc) -> Pins {
    Pins {
        landing: cx.cast(),
        ip,
        sp,
        acc,
    }
}

/// Goes on with the instruction at `ip`.
///
/// # Safety
/// `ip` points to an instruction of a function whose frame `sp` is, in the instance of
/// `cx`, whose memory's base `mem` is.
#[inline(always)]
#[cfg(wali_dispatch = "threaded")]
pub(crate) unsafe fn dispatch(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    acc: Acc,
) -> usize {
    // SAFETY: the first word of an instruction is the address of its handler.
    unsafe {
        let handler = *ip.cast::<Handler>();
        handler(cx, ip, sp, mem, acc.int, acc.single, acc.double)
    }
}

/// Goes on with the instruction at `ip`, once this handler has returned.
///
/// # Safety
/// `ip` points to an instruction of a function whose frame `sp` is, in the instance of
/// `cx`, whose memory's base `mem` is.
#[inline(always)]
#[cfg(wali_dispatch = "loop")]
pub(crate) unsafe fn dispatch(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    _mem: *mut u8,
    acc: Acc,
) -> usize {
    // SAFETY: `cx` is live and this thread's.
    unsafe { (*cx).next = (ip, sp, acc) };
    CONTINUE
}

/// What handlers return to the dispatch loop when there is a next instruction.
#[cfg(wali_dispatch = "loop")]
const CONTINUE: usize = usize::MAX - 1;

/// Runs from the instruction at `ip` until guest code stops, with the accumulators that the
/// landing has: an instruction that trapped may start again.
///
/// # Safety
/// As for [`dispatch`].
pub(crate) unsafe extern "C" fn execute(
    landing: *mut Landing,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
) -> usize {
    let cx = landing.cast::<Context>();
    // SAFETY: the landing is the context's, and this thread's.
    let acc = unsafe { (*landing).acc };
    #[cfg(wali_dispatch = "threaded")]
    // SAFETY: as the caller promises.
    unsafe {
        dispatch(cx, ip, sp, mem, acc)
    }
    #[cfg(wali_dispatch = "loop")]
    {
        let (mut ip, mut sp, mut acc) = (ip, sp, acc);
        loop {
            // SAFETY: the first word of an instruction is the address of its handler, and
            // a handler that returns CONTINUE has named the next instruction.
            unsafe {
                let handler = *ip.cast::<Handler>();
                let status = handler(cx, ip, sp, mem, acc.int, acc.single, acc.double);
                if status != CONTINUE {
                    return status;
                }
                (ip, sp, acc) = (*cx).next;
            }
        }
    }
}

/// Stops guest code at `ip`, whose instruction may start again with what `acc` has.
///
/// # Safety
/// `cx` is live and this thread's.
#[inline(always)]
pub(crate) unsafe fn stop(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    exit: Exit,
    acc: Acc,
) -> usize {
    // SAFETY: as the caller promises.
    unsafe { stop_with(cx, ip, sp, exit, acc.int, acc.single, acc.double) }
}

/// # Safety
/// As for [`stop`].
#[cold]
#[inline(never)]
unsafe extern "C" fn stop_with(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    exit: Exit,
    int: u64,
    single: f32,
    double: f64,
) -> usize {
    // SAFETY: as the caller promises.
    unsafe {
        (*cx).trap_ip = ip;
        (*cx).trap_sp = sp;
        (*cx).landing.acc = Acc::new(int, single, double);
    }
    exit as usize
}
