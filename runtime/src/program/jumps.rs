//! setjmp and longjmp: what the host layer asks for, carried out by the interpreter.

use crate::engine::{Jump, Mark, SaveMask};
use crate::host::Thread;
use crate::host::abi::Guest;
use crate::host::jumps::Buffer;
use crate::interp::{Caller, Trap, TrapKind, ValType};

const NOTHING: &str = "longjmp to a buffer that holds no place: setjmp was not called with it, \
                       or something has overwritten it";
const GONE: &str = "longjmp to a place that is not there any more: the function that called \
                    setjmp has returned, or runs in another thread";

/// What is kept with a mark: the C stack pointer, and whether the mask is in the buffer.
fn payload(stack_pointer: u32, mask: Option<SaveMask>) -> [u64; 2] {
    [stack_pointer.into(), mask.is_some().into()]
}

/// Marks the place of the call that is being made, which yields `result`. None if the handlers
/// of signals have to run first.
///
/// # Errors
/// A fault, as natively, if the buffer is not accessible.
pub fn mark(
    caller: &mut Caller<'_>,
    mark: Mark,
    result: Option<ValType>,
) -> Result<Option<u64>, Trap> {
    let thread = caller.state::<Thread>();
    let buffer = Buffer::new(Guest::memory(thread), mark.buffer);
    let signals = thread.signals();
    let stack_pointer = signals.engine().and_then(|engine| engine.stack_pointer());
    let mut written = Ok(());
    if let Some(SaveMask(save)) = mark.mask {
        let mask = match save {
            true => match signals.mask() {
                None => return Ok(None),
                mask => mask,
            },
            false => None,
        };
        written = buffer.write_mask(mask);
    }
    let payload = payload(stack_pointer.unwrap_or(0), mark.mask);
    let id = caller.mark(mark.buffer.into(), result, payload)?;
    match written.and_then(|()| buffer.write(id)) {
        Ok(()) => Ok(Some(0)),
        Err(_) => Err(fault(caller, mark.buffer)),
    }
}

/// The trap by which the guest jumps. None if the handlers of signals have to run first.
///
/// # Errors
/// A fault, as natively, if the buffer is not accessible; or that there is no such place.
pub fn jump(caller: &mut Caller<'_>, jump: Jump) -> Result<Option<Trap>, Trap> {
    let buffer = Buffer::new(Guest::memory(caller.state::<Thread>()), jump.buffer);
    let Ok(id) = buffer.read() else {
        return Err(fault(caller, jump.buffer));
    };
    let id = id.ok_or_else(|| Trap::new(TrapKind::BadJump(NOTHING)))?;
    let found = caller.marked(id);
    let [stack_pointer, has_mask] = found.ok_or_else(|| Trap::new(TrapKind::BadJump(GONE)))?;
    let mask = match has_mask {
        0 => None,
        _ => match buffer.read_mask() {
            Ok(mask) => mask,
            Err(_) => return Err(fault(caller, jump.buffer)),
        },
    };
    let signals = caller.state::<Thread>().signals();
    if let Some(mask) = mask {
        if signals.block_all().is_none() {
            return Ok(None);
        }
        signals.set_mask(mask.blockable());
    }
    if let Some(engine) = signals.engine() {
        engine.set_stack_pointer(stack_pointer as u32);
    }
    let value = if jump.value == 0 { 1 } else { jump.value };
    Ok(Some(caller.jump(id, i64::from(value) as u64)))
}

/// What an access by the guest itself would have been.
fn fault(caller: &Caller<'_>, address: u32) -> Trap {
    let address = address.into();
    Trap::new(if address < caller.memory().size() {
        TrapKind::MemoryProtected { address }
    } else {
        TrapKind::MemoryOutOfBounds { address }
    })
}
