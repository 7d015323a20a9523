//! Guest backtraces: a walk over frame headers.

use super::context::HEADER_SLOTS;
use super::instance::Inner as InstanceInner;
use super::trap::{FRAMES_KEPT, Frame, Trap};

/// Adds the frames from the instruction at `ip` in the frame `sp` outwards, to where the
/// host called the guest.
///
/// # Safety
/// `sp` is the frame of a live guest stack in which `ip` was executed.
pub(crate) unsafe fn collect(
    instance: &InstanceInner,
    ip: *const u64,
    sp: *mut u64,
    trap: &mut Trap,
) {
    const { assert!(HEADER_SLOTS == 2) };
    let module = instance.module();
    // SAFETY: guest code is stopped, and nobody marks places meanwhile.
    let jumps = unsafe { instance.jumps() };
    let (mut ip, mut sp) = (ip, sp);
    let mut inner = Vec::new();
    // A ring of the outermost frames so far.
    let mut outer = Vec::new();
    let mut count = 0usize;
    // What leads out of the first function is not one of ours.
    while let Some(function) = module.function_at(ip) {
        let place = (function.index(), function.position(ip));
        // An adapter is part of the call.
        if !function.is_adapter() {
            if inner.len() < FRAMES_KEPT {
                inner.push(place);
            } else if outer.len() < FRAMES_KEPT {
                outer.push(place);
            } else {
                outer[count % FRAMES_KEPT] = place;
            }
            count += 1;
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
