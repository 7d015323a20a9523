//! What a handler finds on the guest's C stack.

use wali_arch::flags::errno;
use wali_arch::layout::guest;

use super::set::Set;
use super::siginfo::to_guest;
use super::stack::AltStack;
use super::{Delivery, Signals};
use crate::host::abi::{Errno, GuestMemory};

/// Bytes below the stack pointer that functions use without moving it.
const RED_ZONE: u32 = 128;

/// The alignment of stack pointers.
const ALIGN: u32 = 16;

/// The guest libc's `ucontext_t`: flags, link, stack, machine context, mask, and room that is
/// never used. Its machine context has the size of x86-64's, and is all zeros.
const CONTEXT_STACK: u32 = 12;
const CONTEXT_MASK: u32 = 280;
const CONTEXT_BYTES: usize = 920;

/// A handler's frame.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    /// The stack pointer before it.
    before: u32,
    /// The stack pointer for the handler.
    pub sp: u32,
    /// Where its `siginfo_t` is, if it wants one.
    pub info: u32,
    /// Where its `ucontext_t` is, if it wants one.
    pub context: u32,
    /// Whether the handler has the stack for handlers, and whom it interrupts has not.
    pub switched: bool,
    /// The stack for handlers that is set again afterwards.
    stack: AltStack,
}

impl Signals {
    /// Puts a frame on the guest's stack, with information if the handler takes it.
    ///
    /// # Errors
    /// `EFAULT` if there is no room.
    pub fn push_frame(
        &self,
        memory: GuestMemory,
        delivery: &Delivery,
        informs: bool,
    ) -> Result<Frame, Errno> {
        let stack = self.stack.get();
        let Some(before) = self.engine().and_then(|engine| engine.stack_pointer()) else {
            return Ok(Frame {
                before: 0,
                sp: 0,
                info: 0,
                context: 0,
                switched: false,
                stack,
            });
        };
        let switch = stack
            .top()
            .filter(|_| delivery.action.on_stack() && !stack.holds(before));
        let top = match switch {
            Some(top) => Some(top),
            None => before.checked_sub(RED_ZONE),
        };
        // As for the kernel, which looks at no other stack's end.
        let ends = switch.is_some() || stack.holds(before);
        let below = |at: u32, bytes: usize| -> Result<u32, Errno> {
            let at = at.checked_sub(bytes as u32).map(|at| at & !(ALIGN - 1));
            at.filter(|&at| !ends || at > stack.base())
                .ok_or(Errno(errno::EFAULT))
        };
        let mut sp = below(top.ok_or(Errno(errno::EFAULT))?, 0)?;
        let (mut info, mut context) = (0, 0);
        if !informs {
            // The kernel's frame would be there: a stack that is none is found out.
            sp = below(sp, ALIGN as usize)?;
            memory.write(sp, &[0; ALIGN as usize])?;
        } else {
            context = below(sp, CONTEXT_BYTES)?;
            info = below(context, size_of::<guest::siginfo>())?;
            sp = info;
            memory.write(context, &[0; CONTEXT_BYTES])?;
            memory.write_plain(context + CONTEXT_STACK, &stack.as_set())?;
            memory.write_plain(context + CONTEXT_MASK, &delivery.before.bits())?;
            memory.write_plain(info, &to_guest(&delivery.info))?;
        }
        if stack.disarms() {
            self.stack.set(AltStack::DISARMED);
        }
        if let Some(engine) = self.engine() {
            engine.set_stack_pointer(sp);
        }
        Ok(Frame {
            before,
            sp,
            info,
            context,
            switched: switch.is_some(),
            stack,
        })
    }

    /// Whether the handler would leave the stack that the guest is on for that for handlers.
    pub fn switches(&self, delivery: &Delivery) -> bool {
        let stack = self.stack.get();
        let sp = self.engine().and_then(|engine| engine.stack_pointer());
        delivery.action.on_stack() && stack.top().is_some() && sp.is_some_and(|sp| !stack.holds(sp))
    }

    /// Takes a frame away. The mask that the handler wants to hold now: it may have changed
    /// the one in its `ucontext_t`.
    pub fn pop_frame(&self, memory: GuestMemory, delivery: &Delivery, frame: &Frame) -> Set {
        if let Some(engine) = self.engine()
            && frame.before != 0
        {
            engine.set_stack_pointer(frame.before);
        }
        // As the kernel does: whatever the handler set is gone, unless the handler that was
        // interrupted is on the stack in question.
        if !self.stack.get().holds(frame.before) {
            self.stack.set(frame.stack);
        }
        match frame.context {
            0 => delivery.before,
            at => memory
                .read_plain::<u64>(at + CONTEXT_MASK)
                .map_or(delivery.before, Set),
        }
    }
}
