//! Resizing and moving mappings without ever leaving a hole in the reservation, or losing what
//! is in them where the kernel would not.

use std::ptr;
use std::sync::OnceLock;

use wali_arch::access;
use wali_arch::flags::{errno, mremap_flags};

mod older;

use super::place::find_free;
use super::{
    EINVAL, END, ENOMEM, PAGE, aligned, anonymous, check_lock, end_process, free, host, install,
    is_whole, last_error, mapped, pages, settle_lock,
};
use crate::host::abi::Errno;
use crate::memory::{Backing, Map, Memory, Region, Traits};

const EFAULT: Errno = Errno(errno::EFAULT);

/// mremap(2); the new address.
///
/// # Errors
/// As Linux's.
pub fn mremap(
    memory: &Memory,
    old_address: u32,
    old_size: u32,
    new_size: u32,
    flags: i32,
    new_address: u32,
) -> Result<u32, Errno> {
    let known =
        mremap_flags::MREMAP_MAYMOVE | mremap_flags::MREMAP_FIXED | mremap_flags::MREMAP_DONTUNMAP;
    let may_move = flags & mremap_flags::MREMAP_MAYMOVE != 0;
    let fixed = flags & mremap_flags::MREMAP_FIXED != 0;
    let keep = flags & mremap_flags::MREMAP_DONTUNMAP != 0;
    let old = aligned(old_address)?;
    let (old_len, new_len) = (pages(old_size), pages(new_size));
    if flags & !known != 0
        || (keep && !leaves_behind())
        || ((fixed || keep) && !may_move)
        || (keep && old_len != new_len)
        || new_len == 0
        || new_len == END
    {
        return Err(EINVAL);
    }
    let limit = memory.limit();
    // With the latter it is a hint, of which the same is wanted.
    let asked = match fixed || keep {
        false => None,
        true => {
            let at = aligned(new_address)?;
            let overlaps = at < old + old_len && old < at + new_len;
            if at + new_len > limit || overlaps {
                return Err(EINVAL);
            }
            if fixed && at < PAGE {
                return Err(Errno(errno::EPERM));
            }
            Some(at)
        }
    };
    let fixed = asked.filter(|_| fixed);
    let mut map = memory.map();
    if mapped(&map, old, old + PAGE) == old {
        return Err(EFAULT);
    }
    if fixed.is_none() && !keep && old_len != 0 && new_len <= old_len {
        // All that the kernel wants is that something is mapped where the range begins.
        if old + old_len > limit {
            return Err(EINVAL);
        }
        free(memory, &mut map, old + new_len, old + old_len)?;
        return Ok(old as u32);
    }
    if let Some(target) = fixed
        && old_len == new_len
        && moves_several()
    {
        return each(memory, &mut map, old, old_len, target, keep).map(|()| target as u32);
    }
    let region = source(&map, old, old_len)?;
    if old_len == 0 && !matches!(region.backing, Backing::Shared(_)) {
        return Err(EINVAL);
    }
    let more = match keep {
        true => new_len,
        false => new_len.saturating_sub(old_len),
    };
    if region.traits.any(Traits::LOCKED) && !keep {
        check_lock(more)?;
    }
    if !map.has_room(more, &region) {
        return Err(ENOMEM);
    }

    let target = match fixed {
        Some(at) => at,
        None => {
            let room = old + new_len <= limit && map.is_free(old + old_len, old + new_len);
            if room && !keep && old_len != 0 && region.backing != Backing::PrivateFile {
                let (tail, tail_len) = (old + old_len, new_len - old_len);
                add_tail(memory, &mut map, old, old_len, tail, tail_len, region)?;
                map.insert(tail, tail + tail_len, region);
                memory.cover(&mut map, tail + tail_len);
                return Ok(old as u32);
            }
            if !may_move {
                return Err(ENOMEM);
            }
            match asked.filter(|&at| at >= PAGE && map.is_free(at, at + new_len)) {
                Some(hint) => hint,
                None => find_free(memory, &mut map, new_len)?,
            }
        }
    };
    if fixed.is_some() {
        free(memory, &mut map, target, target + new_len)?;
    }
    if old_len > new_len {
        free(memory, &mut map, old + new_len, old + old_len)?;
    }
    let head = old_len.min(new_len);
    let span = (target, new_len);
    let region = relocate(memory, &mut map, old, head, span, region, keep)?;
    arrive(memory, &mut map, old, target, new_len, region);
    if head > 0 {
        leave(memory, &mut map, old, head, keep)?;
    }
    Ok(target as u32)
}

/// Writes down that a mapping has come to `target`.
fn arrive(memory: &Memory, map: &mut Map, old: u64, target: u64, len: u64, region: Region) {
    let backing = match region.backing {
        Backing::Shared(object) => Backing::Shared(object.moved(old, target)),
        other => other,
    };
    map.insert(target, target + len, Region { backing, ..region });
    memory.cover(map, target + len);
}

/// What becomes of the place that a mapping has left.
fn leave(memory: &Memory, map: &mut Map, old: u64, len: u64, keep: bool) -> Result<(), Errno> {
    if keep {
        // As the kernel: what stays behind is not locked.
        map.change(old, old + len, |region| Region {
            traits: region.traits.without(Traits::LOCKED.with(Traits::ON_FAULT)),
            ..region
        });
        return Ok(());
    }
    free(memory, map, old, old + len)
}

/// Whether the kernel can leave an empty mapping behind, as it can from Linux 5.7 on: seen by
/// trying.
fn leaves_behind() -> bool {
    static SEEN: OnceLock<bool> = OnceLock::new();
    *SEEN.get_or_init(|| {
        let page = PAGE as usize;
        let anonymous = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: everything happens in pages of our own.
        unsafe {
            let old = libc::mmap(ptr::null_mut(), page, libc::PROT_NONE, anonymous, -1, 0);
            if old == libc::MAP_FAILED {
                return false;
            }
            let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_DONTUNMAP;
            // Without an address, libc would pass what happens to be where one would be.
            let new = libc::mremap(old, page, page, flags, ptr::null_mut::<libc::c_void>());
            libc::munmap(old, page);
            if new != libc::MAP_FAILED {
                libc::munmap(new, page);
            }
            new != libc::MAP_FAILED
        }
    })
}

/// Whether the kernel moves several mappings at once, as it does from Linux 6.17 on: seen by
/// trying, since what a kernel does is not always what its number says.
fn moves_several() -> bool {
    static SEEN: OnceLock<bool> = OnceLock::new();
    *SEEN.get_or_init(|| {
        let page = PAGE as usize;
        let anonymous = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: everything happens in four pages of our own.
        unsafe {
            let none = libc::PROT_NONE;
            let all = libc::mmap(ptr::null_mut(), 4 * page, none, anonymous, -1, 0);
            if all == libc::MAP_FAILED {
                return false;
            }
            let target: *mut libc::c_void = all.cast::<u8>().add(2 * page).cast();
            let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED | libc::MREMAP_DONTUNMAP;
            let moved = libc::mprotect(all, page, libc::PROT_READ) == 0
                && libc::mremap(all, 2 * page, 2 * page, flags, target) != libc::MAP_FAILED;
            libc::munmap(all, 4 * page);
            moved
        }
    })
}

/// Moves whatever is mapped in a range to another, with the gaps between.
fn each(
    memory: &Memory,
    map: &mut Map,
    old: u64,
    len: u64,
    target: u64,
    keep: bool,
) -> Result<(), Errno> {
    let pieces = map.overlapping(old, old + len);
    if keep {
        let more = pieces.iter().map(|(start, end, _)| end - start).sum();
        if pieces
            .iter()
            .any(|(_, _, region)| !map.has_room(more, region))
        {
            return Err(ENOMEM);
        }
    }
    for (start, end, region) in pieces {
        let (to, len) = (target + (start - old), end - start);
        free(memory, map, to, to + len)?;
        let region = move_pages(memory, map, start, len, to, region, keep)?;
        arrive(memory, map, start, to, len, region);
        leave(memory, map, start, len, keep)?;
    }
    Ok(())
}

/// The region that mremap's old range lies in: all of it mapped, and of one kind.
fn source(map: &Map, old: u64, old_len: u64) -> Result<Region, Errno> {
    let end = old + old_len.max(PAGE);
    let mut pieces = map.pieces(old, end);
    match pieces.next() {
        Some((start, until, region)) if start == old && until == end => Ok(region),
        _ => Err(EFAULT),
    }
}

/// Makes the part by which a mapping grows: `len` bytes at `at`, which is free, of what follows
/// `old_len` bytes at `old`. What is mapped there already stays as it is.
fn add_tail(
    memory: &Memory,
    map: &mut Map,
    old: u64,
    old_len: u64,
    at: u64,
    len: u64,
    region: Region,
) -> Result<(), Errno> {
    if region.backing == Backing::Anonymous {
        anonymous(memory, map, at, len, region.prot)?;
    } else {
        // A size of 0 asks for a second mapping of the same shared pages.
        // SAFETY: the source is the guest's, the new mapping is at an address of the
        // kernel's choice; its head, which is mapped already, goes away again.
        let copy = unsafe {
            let whole = (old_len + len) as usize;
            let copy = libc::mremap(host(memory, old), 0, whole, libc::MREMAP_MAYMOVE);
            if copy == libc::MAP_FAILED {
                return Err(last_error());
            }
            if old_len > 0 {
                libc::munmap(copy, old_len as usize);
            }
            copy.cast::<u8>().wrapping_add(old_len as usize).cast()
        };
        install(memory, map, copy, at, len)?;
    }
    if region.traits.any(Traits::WIPE_ON_FORK) {
        // SAFETY: the range is the guest's; the advice changes none of it.
        unsafe { libc::madvise(host(memory, at), len as usize, libc::MADV_WIPEONFORK) };
    }
    settle_lock(memory, at, len, region.traits);
    Ok(())
}

/// Moves `head` bytes at `old` to `target`, which is free, and lets the mapping have `new_len`
/// there: what is there then. The old range stays mapped: the caller frees it, or keeps it, if it is
/// to be empty. On failure everything is as it was.
fn relocate(
    memory: &Memory,
    map: &mut Map,
    old: u64,
    head: u64,
    (target, new_len): (u64, u64),
    region: Region,
    keep: bool,
) -> Result<Region, Errno> {
    if head > 0 && new_len > head && region.backing == Backing::PrivateFile {
        if region.traits.any(Traits::CUT_OFF) {
            return Err(ENOMEM);
        }
        grow_elsewhere(memory, map, old, head, target, new_len, region.prot)?;
        return Ok(region);
    }
    let (tail, tail_len) = (target + head, new_len - head);
    if tail_len > 0 {
        add_tail(memory, map, old, head, tail, tail_len, region)?;
    }
    if head == 0 {
        return Ok(region);
    }
    move_pages(memory, map, old, head, target, region, keep).inspect_err(|_| {
        map.insert(tail, tail + tail_len, region);
        let _ = free(memory, map, tail, tail + tail_len);
    })
}

/// Moves a region's pages within the reservation, and says what they are then. What they leave
/// behind stays mapped; if it is to be kept, it is empty.
fn move_pages(
    memory: &Memory,
    map: &mut Map,
    old: u64,
    len: u64,
    to: u64,
    region: Region,
    keep: bool,
) -> Result<Region, Errno> {
    match pull_pages(memory, old, len, to, region.prot) {
        Ok(()) => Ok(region),
        // An older kernel cannot leave something behind; natively that is an error if wanted.
        Err(EINVAL) if !keep => older::move_pages(memory, map, old, len, to, region),
        Err(error) => Err(error),
    }
}

/// Moves pages within the reservation; what they leave behind stays mapped and is empty. Before
/// Linux 5.13 it is `EINVAL` for all but private anonymous memory, before 5.7 for that, too.
fn pull_pages(memory: &Memory, old: u64, len: u64, to: u64, prot: i32) -> Result<(), Errno> {
    let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED | libc::MREMAP_DONTUNMAP;
    let size = len as usize;
    // SAFETY: both ranges are the guest's.
    let result = unsafe { libc::mremap(host(memory, old), size, size, flags, host(memory, to)) };
    if result != libc::MAP_FAILED {
        return Ok(());
    }
    let error = last_error();
    if !is_whole(memory, to, to + len) {
        super::close_hole(memory, to, to + len);
    }
    // What is one mapping to the guest may be several to the kernel: copies of a process keep
    // apart what grew in them. Half by half, then.
    if error != EFAULT || len <= PAGE {
        return Err(error);
    }
    let half = (len / 2).next_multiple_of(PAGE);
    pull_pages(memory, old, half, to, prot)?;
    if let Err(error) = pull_pages(memory, old + half, len - half, to + half, prot) {
        give_back(memory, host(memory, to), old, half, prot);
        super::close_hole(memory, to, to + half);
        return Err(error);
    }
    Ok(())
}

/// Grows a private mapping of a file, whose other pages only the kernel can find: away from the
/// reservation, where there is room for it to grow.
fn grow_elsewhere(
    memory: &Memory,
    map: &mut Map,
    old: u64,
    head: u64,
    target: u64,
    new_len: u64,
    prot: i32,
) -> Result<(), Errno> {
    let leave = libc::MREMAP_MAYMOVE | libc::MREMAP_DONTUNMAP;
    let (from, to) = (head as usize, new_len as usize);
    // SAFETY: the source is the guest's and stays mapped; the rest happens at addresses of the
    // kernel's choice.
    let grown = unsafe {
        let anywhere = ptr::null_mut::<libc::c_void>();
        let copy = libc::mremap(host(memory, old), from, from, leave, anywhere);
        if copy == libc::MAP_FAILED {
            // Before Linux 5.13 nothing can be left behind, and without that there would be a hole.
            return Err(match last_error() {
                EINVAL => ENOMEM,
                error => error,
            });
        }
        let grown = libc::mremap(copy, from, to, libc::MREMAP_MAYMOVE);
        if grown == libc::MAP_FAILED {
            let error = last_error();
            give_back(memory, copy, old, head, prot);
            libc::munmap(copy, from);
            return Err(error);
        }
        grown
    };
    let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
    // SAFETY: the source is ours, and the target inside the reservation.
    let result = unsafe { libc::mremap(grown, to, to, flags, host(memory, target)) };
    if result != libc::MAP_FAILED {
        return Ok(());
    }
    let error = last_error();
    if !is_whole(memory, target, target + new_len) {
        super::close_hole(memory, target, target + new_len);
        map.remove(target, target + new_len);
    }
    give_back(memory, grown, old, head, prot);
    // SAFETY: ours, and of no use any more.
    unsafe { libc::munmap(grown, to) };
    Err(error)
}

/// Puts pages back to where they were taken from and where their mapping still is. They are all
/// there is of the guest's data: if they cannot be moved they are copied, and a guest whose
/// pages can be neither must not go on. What they leave is the caller's to see to.
fn give_back(memory: &Memory, copy: *mut libc::c_void, old: u64, len: u64, prot: i32) {
    let (place, size) = (host(memory, old), len as usize);
    let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED | libc::MREMAP_DONTUNMAP;
    // SAFETY: the copy is ours or the guest's, the place is the guest's.
    if unsafe { libc::mremap(copy, size, size, flags, place) } != libc::MAP_FAILED {
        return;
    }
    let both = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: as above; both ranges are as long as that.
    let copied = is_whole(memory, old, old + len)
        && unsafe {
            libc::mprotect(place, size, both) == 0
                && libc::mprotect(copy, size, libc::PROT_READ) == 0
                && access::copy(place.cast(), copy.cast(), size).is_ok()
                && libc::mprotect(place, size, prot) == 0
        };
    if !copied {
        end_process("pages of the guest are lost");
    }
}
