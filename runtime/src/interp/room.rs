//! Room on the native stack, of which each run of guest code takes some that a host function has
//! started: handlers of signals, above all.

use std::cell::Cell;

/// Bytes that a run leaves for the host functions that it calls, and as many for handlers of an
/// overflow; less on small stacks.
const KEPT: usize = 192 << 10;

/// What is taken for the size of a stack that cannot be found out.
const UNKNOWN: usize = 1 << 20;

/// A thread's stack.
#[derive(Clone, Copy)]
struct Stack {
    lowest: usize,
    kept: usize,
}

thread_local! {
    static STACK: Cell<Option<Stack>> = const { Cell::new(None) };
    static SPENDS: Cell<bool> = const { Cell::new(false) };
}

/// Says whether runs may use what is kept back; what held before.
pub(super) fn spend(reserve: bool) -> bool {
    SPENDS.replace(reserve)
}

/// Whether there is room for another run.
pub(super) fn is_left() -> bool {
    let local = 0u8;
    let here = std::ptr::from_ref(&local).addr();
    let stack = STACK.get().unwrap_or_else(|| {
        let (lowest, size) = extent().unwrap_or((here.saturating_sub(UNKNOWN), UNKNOWN));
        let kept = KEPT.min(size / 8);
        let stack = Stack { lowest, kept };
        STACK.set(Some(stack));
        stack
    });
    let needed = stack.kept * if SPENDS.get() { 1 } else { 2 };
    here.saturating_sub(stack.lowest) > needed
}

/// The lowest address and the size of the calling thread's stack.
#[cfg(not(miri))]
fn extent() -> Option<(usize, usize)> {
    let mut attributes = std::mem::MaybeUninit::<libc::pthread_attr_t>::uninit();
    let mut address = std::ptr::null_mut();
    let mut size = 0;
    // SAFETY: the attributes are initialised by the first call, used if that succeeds, and
    // destroyed once.
    unsafe {
        if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) != 0 {
            return None;
        }
        let found = libc::pthread_attr_getstack(attributes.as_ptr(), &raw mut address, &mut size);
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        (found == 0).then(|| (address.addr(), size))
    }
}

/// Miri has no such call.
#[cfg(miri)]
fn extent() -> Option<(usize, usize)> {
    None
}
