//! Guest backtraces: a walk over frame headers.

use super::context::HEADER_SLOTS;
use super::instance::Inner as InstanceInner;
use super::module::Function;
use super::trap::{FRAMES_KEPT, Frame, Trap};

/// Goes over the frames from the instruction at `ip` in the frame `sp` outwards, to where the
/// host called the guest: the function of each, and the instruction in it. Adapters are part of
/// the calls that they adapt.
///
/// # Safety
/// `sp` is the frame of a live guest stack in which `ip` was executed.
pub(super) unsafe fn walk(
    instance: &InstanceInner,
    ip: *const u64,
    sp: *mut u64,
    mut each: impl FnMut(Function, *const u64),
) {
    const { assert!(HEADER_SLOTS == 2) };
    // SAFETY: guest code is stopped, and nobody marks places meanwhile.
    let jumps = unsafe { instance.jumps() };
    let (mut ip, mut sp) = (ip, sp);
    // What leads out of the first function is not one of ours.
    while let Some(function) = instance.module().function_at(ip) {
        if !function.is_adapter() {
            each(function, ip);
        }
        // SAFETY: the header is where the function's meta word says, and leads to the caller's
        // frame. A return address is behind the call; one word back is inside it.
        unsafe {
            let header = sp.add(function.meta().header as usize);
            let return_to = jumps.return_address(sp, *header as *const u64);
            ip = return_to.wrapping_sub(1);
            sp = *header.add(1) as *mut u64;
        }
    }
}

/// Adds the frames from the instruction at `ip` in the frame `sp` outwards, to where the
/// host called the guest.
///
/// # Safety
/// As for [`walk`].
pub(crate) unsafe fn collect(
    instance: &InstanceInner,
    ip: *const u64,
    sp: *mut u64,
    trap: &mut Trap,
) {
    let module = instance.module();
    let mut inner = Vec::new();
    // A ring of the outermost frames so far.
    let mut outer = Vec::new();
    let mut count = 0usize;
    let each = |function: Function, ip| {
        let place = (function.index(), function.position(ip));
        if inner.len() < FRAMES_KEPT {
            inner.push(place);
        } else if outer.len() < FRAMES_KEPT {
            outer.push(place);
        } else {
            outer[count % FRAMES_KEPT] = place;
        }
        count += 1;
    };
    // SAFETY: as the caller promises.
    unsafe { walk(instance, ip, sp, each) };
    if outer.len() == FRAMES_KEPT {
        outer.rotate_left(count % FRAMES_KEPT);
    }
    let omitted = count - inner.len() - outer.len();
    inner.append(&mut outer);
    let offsets = module.offsets_of(&inner);
    let frames = inner.iter().zip(offsets).map(|(&(func, _), offset)| Frame {
        func,
        name: module.func_name(func).map(str::to_string),
        offset,
    });
    trap.add_frames(frames, omitted);
}
