//! Samples of where guest code is, for profiles: whoever wants one sets a bit of the interrupt
//! word, and the guest's thread takes it at its next safepoint, or behind the host function that
//! it is in.

use std::sync::atomic::Ordering;

use super::backtrace;
use super::context::{Context, SAMPLE};
use super::func::{FuncObj, index_of};

/// Who gets samples: indices of functions, the innermost first. That of a host function comes
/// first if the guest has just been in it. The outermost is what the host has called.
pub type Sampler = dyn Fn(&[u32]);

/// Deepest stack of a sample; of deeper ones, the innermost functions.
const DEEPEST: usize = 512;

/// Takes a sample that was asked for.
///
/// # Safety
/// `cx` runs the instruction at `ip`, or is about to, in the frame `sp`.
#[cold]
#[inline(never)]
pub(super) unsafe fn take(cx: *mut Context, ip: *const u64, sp: *mut u64, within: Option<u32>) {
    // SAFETY: as the caller promises.
    unsafe {
        (*cx).interrupt.fetch_and(!SAMPLE, Ordering::SeqCst);
        let instance = &*(*cx).instance;
        let Some(sampler) = instance.sampler() else {
            return;
        };
        let mut functions: Vec<u32> = within.into_iter().collect();
        backtrace::walk(instance, ip, sp, |function, _| {
            if functions.len() < DEEPEST {
                functions.push(function.index());
            }
        });
        sampler(&functions);
    }
}

/// Takes a sample that was asked for while a host function ran, behind which guest code goes on
/// at `resume`, if anywhere.
///
/// # Safety
/// `cx` is live and stopped in the frame `sp` behind a call of `func`.
#[cold]
#[inline(never)]
pub(super) unsafe fn take_behind(
    cx: *mut Context,
    func: *const FuncObj,
    resume: *const u64,
    sp: *mut u64,
) {
    // A frame that has given itself up for the call is not to be walked over: the next safepoint
    // takes the sample.
    if resume.is_null() {
        return;
    }
    // SAFETY: as the caller promises. A word back is inside the call.
    unsafe { take(cx, resume.wrapping_sub(1), sp, index_of(cx, func)) };
}
