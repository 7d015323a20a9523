//! Interrupting a guest from elsewhere.

use std::cell::UnsafeCell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::context::{Context, HOOK, SAMPLE, STOP};

/// The context, in an allocation that interrupt handles can share.
pub(crate) struct SharedContext(UnsafeCell<Context>);

// SAFETY: other threads use `interrupt` only, which is atomic (see `InterruptHandle`). The
// rest belongs to the instance's thread; its destructor may run on another one, after the
// instance is gone, when it has nothing but a trap that was never delivered.
unsafe impl Sync for SharedContext {}
// SAFETY: as above.
unsafe impl Send for SharedContext {}

impl SharedContext {
    pub fn new() -> SharedContext {
        SharedContext(UnsafeCell::new(Context::new()))
    }

    pub fn get(&self) -> *mut Context {
        self.0.get()
    }
}

/// Interrupts a guest at its next safepoint: a branch, a call, or the end of a host call.
/// Usable from any thread and, apart from its drop, from signal handlers.
#[derive(Clone)]
pub struct InterruptHandle(Arc<SharedContext>);

impl InterruptHandle {
    pub(crate) fn new(context: Arc<SharedContext>) -> InterruptHandle {
        InterruptHandle(context)
    }

    /// Stops the guest with the trap `Interrupted`.
    pub fn interrupt(&self) {
        self.word().fetch_or(STOP, Ordering::SeqCst);
    }

    /// Has the instance's hook run.
    pub fn request_hook(&self) {
        self.word().fetch_or(HOOK, Ordering::SeqCst);
    }

    /// Has the instance's [`Sampler`](super::Sampler) told where the guest is.
    pub fn request_sample(&self) {
        self.word().fetch_or(SAMPLE, Ordering::SeqCst);
    }

    /// Whether the guest was told to stop, and has not yet.
    pub fn is_stopped(&self) -> bool {
        self.word().load(Ordering::SeqCst) & STOP != 0
    }

    /// The word that safepoints look at: nonzero while something wants attention.
    pub fn word(&self) -> &AtomicU32 {
        // SAFETY: a reference to this field only; the others belong to another thread.
        unsafe { &(*self.0.get()).interrupt }
    }
}

impl fmt::Debug for InterruptHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InterruptHandle")
            .field(&self.word().load(Ordering::Relaxed))
            .finish()
    }
}
