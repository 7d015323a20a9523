//! The guest's signal handlers, run where its code can be interrupted.

use std::ffi::c_int;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use wali_arch::flags::fault_codes;
use wali_arch::layout::host;

use super::threads::Group;
use crate::engine::{Engine, ForkLock};
use crate::host::abi::{Errno, Guest};
use crate::host::signals::{Delivery, Disposition, Frame, Signals, of_fault};
use crate::host::{NewThread, Thread};
use crate::interp::{
    Caller, Extern, Func, FuncType, Global, Instance, InterruptHandle, Trap, TrapKind, ValType,
    Value,
};
use crate::memory::Map;

/// The name of the guest's C stack pointer.
const STACK_POINTER: &str = "__stack_pointer";

/// What the host layer sees of the interpreter.
#[derive(Debug)]
struct Interpreter {
    interrupt: InterruptHandle,
    stack_pointer: Option<Global>,
    group: Arc<Group>,
}

impl Engine for Interpreter {
    fn word(&self) -> &AtomicU32 {
        self.interrupt.word()
    }

    fn request(&self) {
        self.interrupt.request_hook();
    }

    fn stack_pointer(&self) -> Option<u32> {
        match self.stack_pointer.as_ref()?.get() {
            Value::I32(at) => Some(at as u32),
            _ => None,
        }
    }

    fn set_stack_pointer(&self, to: u32) {
        if let Some(global) = &self.stack_pointer {
            global.set(&Value::I32(to as i32));
        }
    }

    fn spawn(&self, new: NewThread) -> Result<i32, Errno> {
        self.group.spawn(new)
    }

    fn owns_process(&self) -> bool {
        self.group.owns_process()
    }

    fn alone(&self) -> bool {
        self.group.alone()
    }

    fn fork_lock(&self) -> Box<dyn ForkLock + '_> {
        Box::new(self.group.fork_lock())
    }
}

/// The global that is the C stack pointer: by its name, or the first one that could be it, as
/// linkers put it first.
fn stack_pointer(instance: &Instance) -> Option<Global> {
    let fits = |global: &Global| global.ty().mutable && global.ty().ty == ValType::I32;
    let exported = match instance.export(STACK_POINTER) {
        Some(Extern::Global(global)) => Some(global),
        _ => None,
    };
    exported
        .or_else(|| instance.global_by_name(STACK_POINTER))
        .filter(fits)
        .or_else(|| (0..).map_while(|index| instance.global(index)).find(fits))
}

/// Connects a thread's signals with the instance that runs it, on the thread itself.
pub fn attach(instance: &mut Instance, group: Arc<Group>) {
    let engine = Interpreter {
        interrupt: instance.interrupt_handle(),
        stack_pointer: stack_pointer(instance),
        group,
    };
    if let Some(thread) = instance.state::<Thread>() {
        // SAFETY: the signals have an allocation of their own; `detach` is called before the
        // instance goes, whose state they are.
        unsafe { thread.signals().attach(Box::new(engine)) };
    }
}

/// Ends what [`attach`] began.
pub fn detach(instance: &mut Instance) {
    if let Some(thread) = instance.state::<Thread>() {
        thread.signals_mut().detach();
    }
}

/// Runs the handlers of all signals that have come.
///
/// # Errors
/// What a handler ended the guest with.
pub fn attend(caller: &mut Caller<'_>) -> Result<(), Trap> {
    while let Some(delivery) = caller.state::<Thread>().signals().next() {
        run(caller, &delivery)?;
    }
    Ok(())
}

/// Runs one handler, and before it those of signals that its mask lets through.
fn run(caller: &mut Caller<'_>, delivery: &Delivery) -> Result<(), Trap> {
    let Disposition::Handler(index) = delivery.action.disposition() else {
        return Ok(());
    };
    let func = caller.table_func(index)?;
    let informs = func.ty().params.len() > 1;
    let thread = caller.state::<Thread>();
    tell(thread, &delivery.info);
    let memory = thread.memory();
    let signals = thread.signals();
    let Ok(frame) = signals.push_frame(memory, delivery, informs) else {
        return Err(no_room(signals, delivery));
    };
    // Natively, all that a handler needs is on its stack: so it runs even if there is no room left
    // on the other.
    match frame.switched {
        true => caller.with_reserve(|caller| run_in(caller, delivery, &frame, &func, index)),
        false => run_in(caller, delivery, &frame, &func, index),
    }
}

/// Writes a signal down, if somebody wants to know.
fn tell(thread: &Thread, info: &host::siginfo) {
    if let Some(tracer) = thread.process.tracer() {
        tracer.signal(info);
    }
}

/// The trap in the place of a handler for which there is no room. The mask is as it was.
fn no_room(signals: &Signals, delivery: &Delivery) -> Trap {
    signals.set_mask(delivery.before);
    Trap::new(TrapKind::StackOverflow)
}

/// Runs a handler in its frame.
fn run_in(
    caller: &mut Caller<'_>,
    delivery: &Delivery,
    frame: &Frame,
    func: &Func,
    index: u32,
) -> Result<(), Trap> {
    let fits = caller.has_room_for(func);
    let thread = caller.state::<Thread>();
    let memory = thread.memory();
    let signals = thread.signals();
    if !fits {
        signals.pop_frame(memory, delivery, frame);
        return Err(no_room(signals, delivery));
    }
    let mask = signals.enter(delivery);
    signals.set_mask(mask);
    let mut slots = [0; MOST_SLOTS];
    slots[..3].copy_from_slice(&[
        delivery.signal as u64,
        u64::from(frame.info),
        u64::from(frame.context),
    ]);
    attend(caller)?;
    // If one of the two is left by a jump, whoever jumps has set the stack pointer, and the mask
    // or not.
    match callable(&func.ty()) {
        true => caller.call(func, &mut slots)?,
        false => caller.call_as(func, &handler_type(), index, &mut slots)?,
    }
    // A signal that comes before the mask does nests in this handler: opened over its note, the
    // mask would let in another one, of which there would be no room for a note.
    while caller.state::<Thread>().signals().block_all().is_none() {
        attend(caller)?;
    }
    let signals = caller.state::<Thread>().signals();
    let mask = signals.pop_frame(memory, delivery, frame);
    signals.leave(mask);
    Ok(())
}

/// Slots for a handler's arguments and whatever it returns.
const MOST_SLOTS: usize = 4;

/// What the kernel takes handlers for.
fn handler_type() -> FuncType {
    FuncType::new([ValType::I32; 3], [])
}

/// Whether a function can be a handler as it is: C lets people cast, and the native caller passes
/// three arguments and looks at no result.
fn callable(ty: &FuncType) -> bool {
    let word = |ty: &ValType| matches!(ty, ValType::I32 | ValType::I64);
    ty.params.len() <= 3 && ty.params.iter().all(word) && ty.results.len() <= MOST_SLOTS
}

/// Runs the guest's handler for a trap, if it has one for the signal that would come natively.
/// If the handler returns, the instruction starts again, as natively.
///
/// # Errors
/// The trap, if there is no handler; otherwise what the handler ended the guest with.
pub fn on_trap(caller: &mut Caller<'_>, trap: Trap) -> Result<(), Trap> {
    let Some((signal, code, address)) = fault(&caller.memory().map(), &trap) else {
        return Err(trap);
    };
    let info = of_fault(signal, code, address);
    let thread = caller.state::<Thread>();
    let signals = thread.signals();
    let overflow = matches!(trap.kind(), TrapKind::StackOverflow);
    match signals.raise(signal, info) {
        // Without a stack of its own, a handler has no room, either.
        Some(delivery) if !overflow || signals.switches(&delivery) => {
            run(caller, &delivery)?;
            attend(caller)
        }
        _ => {
            tell(thread, &info);
            Err(trap)
        }
    }
}

/// The signal that a native program gets in the place of a trap, its code, and its address.
fn fault(map: &Map, trap: &Trap) -> Option<(c_int, i32, u32)> {
    // There is no place at which the guest could go on.
    if matches!(trap.kind(), TrapKind::BadJump(_)) {
        return None;
    }
    let signal = super::signal_of(trap)?;
    let (code, address) = match *trap.kind() {
        TrapKind::MemoryOutOfBounds { address } => (fault_codes::SEGV_MAPERR, address),
        TrapKind::MemoryProtected { address } => match map.at(address) {
            Some(_) => (fault_codes::SEGV_ACCERR, address),
            None => (fault_codes::SEGV_MAPERR, address),
        },
        TrapKind::MemoryBeyondFile { address } => (fault_codes::BUS_ADRERR, address),
        TrapKind::UnalignedAtomic { address } => (fault_codes::BUS_ADRALN, address),
        TrapKind::DivideByZero => (fault_codes::FPE_INTDIV, 0),
        TrapKind::IntegerOverflow => (fault_codes::FPE_INTDIV, 0),
        TrapKind::InvalidConversion => (fault_codes::FPE_FLTINV, 0),
        TrapKind::Unreachable => (fault_codes::ILL_ILLOPN, 0),
        TrapKind::IndirectCallTypeMismatch { .. } => (fault_codes::ILL_ILLOPC, 0),
        _ => (fault_codes::SEGV_MAPERR, 0),
    };
    Some((signal, code, address as u32))
}
