//! Where mappings go: fixed addresses, hints, what is free; and the program break, which grows
//! into room that is left to it.

use wali_arch::flags::{errno, map_flags};

use super::{ENOMEM, PAGE, aligned, anonymous, check_lock, free, settle_lock};
use crate::host::abi::Errno;
use crate::memory::{Map, Memory, Region, Resource, Traits};

/// Where a new mapping goes.
pub(super) fn choose(
    memory: &Memory,
    map: &mut Map,
    addr: u32,
    len: u64,
    flags: i32,
) -> Result<u64, Errno> {
    let limit = memory.limit();
    let no_replace = flags & map_flags::MAP_FIXED_NOREPLACE != 0;
    if no_replace || flags & map_flags::MAP_FIXED != 0 {
        let at = u64::from(addr);
        if at + len > limit {
            return Err(ENOMEM);
        }
        let at = aligned(addr)?;
        if at < PAGE {
            // As below vm.mmap_min_addr: address 0 is the null pointer.
            return Err(Errno(errno::EPERM));
        }
        if no_replace && !map.is_free(at, at + len) {
            return Err(Errno(errno::EEXIST));
        }
        return Ok(at);
    }
    let hint = u64::from(addr) / PAGE * PAGE;
    if hint >= PAGE && hint + len <= limit && map.is_free(hint, hint + len) {
        return Ok(hint);
    }
    find_free(memory, map, len)
}

/// Most of what is left to the program break.
const BREAK_ROOM: u64 = 64 << 20;

/// A free range: behind the room that the program break has to grow, as long as there is
/// enough.
pub(super) fn find_free(memory: &Memory, map: &mut Map, len: u64) -> Result<u64, Errno> {
    let limit = memory.limit();
    let start = map.brk.start;
    let room = BREAK_ROOM.min(limit.saturating_sub(start) / 8) / PAGE * PAGE;
    map.find_free(len, start + room, limit)
        .or_else(|| map.find_free(len, PAGE, limit))
        .ok_or(ENOMEM)
}

/// brk(2): the break where it is now.
pub fn brk(memory: &Memory, addr: u32) -> u32 {
    let mut map = memory.map();
    let wanted = u64::from(addr);
    let now = map.brk.end;
    if wanted < map.brk.start || move_break(memory, &mut map, wanted).is_none() {
        return now as u32;
    }
    map.brk.end = wanted;
    addr
}

fn move_break(memory: &Memory, map: &mut Map, wanted: u64) -> Option<()> {
    let old = map.brk.end.next_multiple_of(PAGE);
    let new = wanted.next_multiple_of(PAGE);
    if new <= old {
        return free(memory, map, new, old).ok();
    }
    let traits = map.lock_future.unwrap_or_default();
    let region = Region {
        traits,
        ..Region::HEAP
    };
    let data = map.limits.get(Resource::Data).soft;
    // As the kernel, which leaves a page between the break and what follows it.
    if new > memory.limit()
        || !map.is_free(old, new + PAGE)
        || wanted - map.brk.start > data
        || !map.has_room(new - old, &region)
        || (traits.any(Traits::LOCKED) && check_lock(new - old).is_err())
    {
        return None;
    }
    anonymous(memory, map, old, new - old, region.prot).ok()?;
    settle_lock(memory, old, new - old, traits);
    map.insert(old, new, region);
    memory.cover(map, new);
    Some(())
}
