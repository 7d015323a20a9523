//! Throwing: from where an exception arises to where it is caught, over frames of guest code.
//!
//! Frames of one run are of one instance, and are gone through here. An exception that no frame
//! of a run catches leaves it as a trap does, [`TrapKind::Exception`], through whatever host
//! functions there are, and the runs further out look for whoever catches it in turn.

use super::context::Context;
use super::exception::{self, Exception, Full, Tag};
use super::module::CaughtAt;
use super::run::{EXIT, jumps};
use super::trap::{Trap, TrapKind};

const TOO_MANY: &str = "the guest refers to too many exceptions, or to too large ones";

/// An exception on its way.
struct Thrown<'a> {
    tag: &'a Tag,
    /// The values it carries.
    slots: *const u64,
    /// The exception itself, if there is one already, and a reference to it.
    made: Option<(&'a Exception, u64)>,
}

/// Where guest code goes on that caught an exception: instruction and frame. The instruction is
/// null if it was not caught: a pair of words travels in registers, and what handlers get from
/// functions has to.
type Place = (*const u64, *mut u64);

const NOWHERE: Place = (std::ptr::null(), std::ptr::null_mut());

/// Throws an exception of the instance's tag `tag`, whose values are at `slots`. Where nothing in
/// this run catches it, `cx` has the trap pending.
///
/// # Safety
/// `cx` runs the instruction at `ip` in the frame `sp`, and the slots have what the tag says.
pub(crate) unsafe fn throw(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    tag: u32,
    slots: *const u64,
) -> Place {
    // SAFETY: as the caller promises; the instance lives as long as its code runs.
    unsafe {
        let tag = (*(*cx).instance).tag(tag);
        let thrown = Thrown {
            tag,
            slots,
            made: None,
        };
        let trap = match unwind(cx, ip, sp, &thrown) {
            Ok(Some(place)) => return place,
            Ok(None) => Trap::exception(make(tag, slots)),
            Err(trap) => trap,
        };
        (*cx).pending = Some(trap);
        NOWHERE
    }
}

/// Throws the exception that is referred to, which is not null, again.
///
/// # Safety
/// As for [`throw`].
pub(crate) unsafe fn throw_again(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    reference: u64,
) -> Place {
    // SAFETY: as the caller promises.
    unsafe {
        let trap = match exception::deref(reference) {
            None => Trap::new(TrapKind::NullException),
            Some(exception) => match land(cx, ip, sp, &exception, reference) {
                Ok(Some(place)) => return place,
                Ok(None) => Trap::exception(exception),
                Err(trap) => trap,
            },
        };
        (*cx).pending = Some(trap);
        NOWHERE
    }
}

/// Where an exception is caught that arises at the instruction at `ip`, if it is in this run.
/// There may be a reference to it, which otherwise is null.
///
/// # Errors
/// If there is no room to refer to it.
///
/// # Safety
/// Guest code of `cx` is stopped at that instruction in the frame `sp`.
pub(super) unsafe fn land(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    exception: &Exception,
    reference: u64,
) -> Result<Option<Place>, Trap> {
    let thrown = Thrown {
        tag: exception.tag(),
        slots: exception.slots().as_ptr(),
        made: Some((exception, reference)),
    };
    // SAFETY: as the caller promises.
    unsafe { unwind(cx, ip, sp, &thrown) }
}

/// An exception of the values at `slots`.
///
/// # Safety
/// As for [`throw`].
unsafe fn make(tag: &Tag, slots: *const u64) -> Exception {
    // SAFETY: as the caller promises.
    let slots = unsafe { std::slice::from_raw_parts(slots, tag.slots()) };
    Exception::of_slots(tag.clone(), slots.into())
}

/// # Safety
/// As for [`land`].
unsafe fn unwind(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    thrown: &Thrown<'_>,
) -> Result<Option<Place>, Trap> {
    // SAFETY: as the caller promises; headers lead from frame to frame, up to the one that the
    // host called.
    unsafe {
        let instance = &*(*cx).instance;
        let module = instance.module();
        let (mut ip, mut sp) = (ip, sp);
        loop {
            let caught = module.caught_at(ip, |tag| instance.tag(tag) == thrown.tag);
            let function = match caught {
                CaughtAt::Nowhere => return Ok(None),
                CaughtAt::Outside(function) => function,
                CaughtAt::Here { function, clause } => {
                    let end = sp.add(function.meta().frame as usize);
                    if let Some(slot) = clause.reference {
                        let reference = refer(cx, thrown, end)?;
                        take_values(clause.values, thrown, sp);
                        *sp.add(usize::from(slot)) = reference;
                    } else {
                        take_values(clause.values, thrown, sp);
                    }
                    jumps(cx).drop_from(sp.add(1));
                    return Ok(Some((function.at(clause.position), sp)));
                }
            };
            let header = sp.add(function.meta().header as usize);
            let return_to = jumps(cx).return_address(sp, *header as *const u64);
            if return_to == EXIT.as_ptr().cast() {
                return Ok(None);
            }
            // Behind the call; one word back is inside it.
            ip = return_to.sub(1);
            sp = *header.add(1) as *mut u64;
        }
    }
}

/// Puts an exception's values into the frame that catches it.
///
/// # Safety
/// `sp` is that frame, which has room for them from `slot` on.
unsafe fn take_values(slot: Option<u16>, thrown: &Thrown<'_>, sp: *mut u64) {
    if let Some(slot) = slot {
        let count = thrown.tag.slots();
        // SAFETY: as the caller promises. They may come from this frame, or from one that begins
        // in its temporaries.
        unsafe { std::ptr::copy(thrown.slots, sp.add(usize::from(slot)), count) };
    }
}

/// A reference to the exception, for a frame that ends at `end`.
///
/// # Safety
/// As for [`unwind`].
unsafe fn refer(cx: *mut Context, thrown: &Thrown<'_>, end: *const u64) -> Result<u64, Trap> {
    let made;
    let exception = match thrown.made {
        Some((_, reference)) if reference != 0 => return Ok(reference),
        Some((exception, _)) => exception,
        None => {
            // SAFETY: as the caller promises.
            made = unsafe { make(thrown.tag, thrown.slots) };
            &made
        }
    };
    // SAFETY: the context is live.
    let instance = unsafe { (*cx).instance };
    exception::insert(exception, instance, end).map_err(|Full| Trap::message(TOO_MANY))
}
