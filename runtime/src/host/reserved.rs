//! Descriptors of the runtime's own. They lie above those a guest may have, if its limit can
//! be exceeded, and are known here, so that it can neither close nor replace them: programs
//! close all descriptors they do not know.
//!
//! To calls that take a descriptor they are not open (`abi::descriptor`): one is the root of
//! procfs, which leads out of a root that the guest has changed to. By `/proc/self/fd`, where it
//! has a procfs, the guest comes to them as to any file. They stand for places
//! (`O_PATH`), for the guest's environment, or for the trace of it, and whoever relies on one
//! checks its identity.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, Ordering};

use super::opened::Identity;

/// Most descriptors that are known at a time.
const MOST: usize = 16;

/// Whether this process has ever had a second thread of the guest's.
static THREADS: AtomicBool = AtomicBool::new(false);

/// There is going to be one.
pub fn gets_threads() {
    THREADS.store(true, Ordering::Relaxed);
}

/// Most that are taken from the guest for a moment.
const MOST_TAKEN: usize = 64;

/// Descriptors up to here are cheap: the kernel's table of them takes a page or two.
const CHEAP: libc::rlim_t = 1 << 10;

/// A descriptor, and what it stood for when it was listed. Once it stands for something else
/// it was closed, and is the guest's.
struct Entry {
    number: AtomicI32,
    device: AtomicU64,
    inode: AtomicU64,
}

impl Entry {
    /// Its number, if it still stands for the same.
    fn get(&self) -> Option<RawFd> {
        let fd = self.number.load(Ordering::Acquire);
        let known = Identity(
            self.device.load(Ordering::Relaxed),
            self.inode.load(Ordering::Relaxed),
        );
        (fd >= 0 && Identity::of(fd).is_ok_and(|now| now == known)).then_some(fd)
    }
}

static ENTRIES: [Entry; MOST] = [const {
    Entry {
        number: AtomicI32::new(-1),
        device: AtomicU64::new(0),
        inode: AtomicU64::new(0),
    }
}; MOST];

/// No descriptor below is listed.
static LOWEST: AtomicI32 = AtomicI32::new(i32::MAX);

/// Whether a descriptor is the runtime's.
#[inline]
pub fn holds(fd: RawFd) -> bool {
    fd >= LOWEST.load(Ordering::Relaxed) && listed(fd)
}

#[cold]
fn listed(fd: RawFd) -> bool {
    let taken = TAKEN
        .iter()
        .any(|taken| taken.load(Ordering::Acquire) == fd);
    taken
        || ENTRIES
            .iter()
            .any(|entry| entry.number.load(Ordering::Acquire) == fd && entry.get().is_some())
}

/// Descriptors that threads have taken from the guest; -1 where there is none.
static TAKEN: [AtomicI32; MOST_TAKEN] = [const { AtomicI32::new(-1) }; MOST_TAKEN];

/// How many threads are closing or replacing descriptors; [`TAKING`] in addition while one is
/// about to be taken, so that no others begin.
static CHANGES: AtomicU32 = AtomicU32::new(0);

const TAKING: u32 = 1 << 31;

/// Held while descriptors are closed or replaced for the guest, from when it was found that they
/// are not the runtime's: none becomes the runtime's meanwhile.
#[derive(Debug)]
pub struct Change(());

impl Change {
    /// Begins.
    pub fn begin() -> Change {
        let mut now = CHANGES.load(Ordering::Relaxed) & !TAKING;
        while let Err(other) =
            CHANGES.compare_exchange_weak(now, now + 1, Ordering::SeqCst, Ordering::Relaxed)
        {
            if other & TAKING != 0 {
                std::thread::yield_now();
            }
            now = other & !TAKING;
        }
        Change(())
    }
}

impl Drop for Change {
    fn drop(&mut self) {
        CHANGES.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A descriptor that the guest can neither close nor replace, until this is dropped.
#[derive(Debug)]
pub struct Taken {
    fd: RawFd,
    place: &'static AtomicI32,
}

impl AsRawFd for Taken {
    fn as_raw_fd(&self) -> RawFd {
        self.fd
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        // While the number is still taken: nobody else closes it. If it is given out anew before
        // that is over, a call on it fails, as it would have before.
        // SAFETY: the descriptor is this one's.
        unsafe { libc::close(self.fd) };
        self.place.store(-1, Ordering::SeqCst);
    }
}

/// How often to try while other threads close descriptors, which may take its time: some seconds.
const TRIES: u32 = 1 << 23;

/// Takes a descriptor from the guest, to another number. What it stands for is to be looked at
/// after that.
///
/// # Errors
/// `EMFILE`, and `ENFILE` when too many are taken.
pub fn take(fd: OwnedFd) -> Result<Taken, i32> {
    let claim = |place: &&AtomicI32| {
        let claimed = place.compare_exchange(-1, CLAIMED, Ordering::SeqCst, Ordering::Relaxed);
        claimed.is_ok()
    };
    let Some(place) = TAKEN.iter().find(claim) else {
        return Err(libc::ENFILE);
    };
    let mut left = TRIES;
    let mut wait = || {
        left -= 1;
        std::thread::yield_now();
        left > 0
    };
    let mut alone = true;
    while alone && CHANGES.fetch_or(TAKING, Ordering::SeqCst) & TAKING != 0 {
        alone = wait();
    }
    if !alone {
        place.store(-1, Ordering::SeqCst);
        return Err(libc::ENFILE);
    }
    while alone && CHANGES.load(Ordering::SeqCst) != TAKING {
        alone = wait();
    }
    if !alone {
        CHANGES.fetch_and(!TAKING, Ordering::SeqCst);
        place.store(-1, Ordering::SeqCst);
        return Err(libc::ENFILE);
    }
    let high = [CHEAP as i32 - MOST_TAKEN as i32, 0]
        .into_iter()
        .find_map(|floor| {
            // SAFETY: duplicates a descriptor; the new one is nobody else's.
            unsafe {
                let high = libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, floor);
                (high >= 0).then_some(high)
            }
        });
    if let Some(high) = high {
        place.store(high, Ordering::SeqCst);
        LOWEST.fetch_min(high, Ordering::SeqCst);
    } else {
        place.store(-1, Ordering::SeqCst);
    }
    CHANGES.fetch_and(!TAKING, Ordering::SeqCst);
    high.map(|fd| Taken { fd, place }).ok_or(libc::EMFILE)
}

/// In place of a number, before it is known.
const CLAIMED: RawFd = -2;

/// In a forked child, whose other threads are gone with what they were about.
pub fn in_child() {
    CHANGES.store(0, Ordering::SeqCst);
    for place in &TAKEN {
        let fd = place.swap(-1, Ordering::SeqCst);
        if fd >= 0 {
            // SAFETY: the descriptor was a vanished thread's, and its alone.
            unsafe { libc::close(fd) };
        }
    }
}

/// The runtime's descriptors in `first..=last`, in order; the others of the array are above.
pub fn within(first: u32, last: u32) -> [u32; MOST + MOST_TAKEN] {
    let mut all = [u32::MAX; MOST + MOST_TAKEN];
    let own = ENTRIES.iter().map(Entry::get);
    let taken = TAKEN
        .iter()
        .map(|taken| Some(taken.load(Ordering::Acquire)));
    for (place, number) in all.iter_mut().zip(own.chain(taken)) {
        let number = number
            .and_then(|fd| u32::try_from(fd).ok())
            .unwrap_or(u32::MAX);
        if (first..=last).contains(&number) {
            *place = number;
        }
    }
    all.sort_unstable();
    all
}

/// Lists a descriptor. Where there are too many, it is left to those who use it to notice
/// that it was closed.
fn list(fd: RawFd) {
    let Ok(Identity(device, inode)) = Identity::of(fd) else {
        return;
    };
    let claim = |entry: &&Entry| {
        let before = entry.number.load(Ordering::Acquire);
        let claimed = || {
            let (old, new) = (Ordering::SeqCst, Ordering::Relaxed);
            entry.number.compare_exchange(before, CLAIMED, old, new)
        };
        before != CLAIMED && entry.get().is_none() && claimed().is_ok()
    };
    let Some(entry) = ENTRIES.iter().find(claim) else {
        return;
    };
    entry.device.store(device, Ordering::Relaxed);
    entry.inode.store(inode, Ordering::Relaxed);
    entry.number.store(fd, Ordering::Release);
    LOWEST.fetch_min(fd, Ordering::Relaxed);
}

/// Moves a descriptor of the runtime's above those of the guest's, and lists it. Where that is
/// not possible it goes to the upper end of what the limit allows.
///
/// # Errors
/// If the limit cannot be read.
pub fn out_of_the_way(fd: OwnedFd) -> io::Result<OwnedFd> {
    let fd = match duplicate(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC)? {
        Some(high) => high,
        None => fd,
    };
    list(fd.as_raw_fd());
    Ok(fd)
}

/// A second descriptor for the same file, above those of the guest's, closed by execve or not.
/// It is not listed.
///
/// # Errors
/// If there is no room.
pub fn high_duplicate(fd: RawFd, closed_on_exec: bool) -> io::Result<OwnedFd> {
    let command = match closed_on_exec {
        true => libc::F_DUPFD_CLOEXEC,
        false => libc::F_DUPFD,
    };
    duplicate(fd, command)?.ok_or_else(|| io::Error::from_raw_os_error(libc::EMFILE))
}

/// Room for some descriptors more than the limit allows, as far as the hard one does, until this is
/// dropped: for what the runtime opens on behalf of a guest that has used up its own.
#[derive(Debug)]
pub struct Room(Option<libc::rlimit>);

impl Room {
    /// Makes it.
    pub fn new() -> Room {
        let mut limit = libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        };
        // SAFETY: live locals.
        unsafe {
            if libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) != 0 {
                return Room(None);
            }
            let cur = limit.rlim_cur.saturating_add(MOST as libc::rlim_t);
            let wider = libc::rlimit {
                rlim_cur: cur.min(limit.rlim_max),
                ..limit
            };
            let made = wider.rlim_cur > limit.rlim_cur
                && libc::setrlimit(libc::RLIMIT_NOFILE, &wider) == 0;
            Room(made.then_some(limit))
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if let Some(limit) = &self.0 {
            // SAFETY: a live local.
            unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, limit) };
        }
    }
}

/// A second descriptor with a high number, if there is room.
fn duplicate(fd: RawFd, command: i32) -> io::Result<Option<OwnedFd>> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is a live local.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let above = |floor: libc::rlim_t| {
        // SAFETY: duplicates a descriptor; the new one is nobody else's.
        unsafe {
            let high = libc::fcntl(fd, command, floor as libc::c_int);
            (high >= 0).then(|| OwnedFd::from_raw_fd(high))
        }
    };
    let room = MOST as libc::rlim_t;
    // The limit is all threads', who would see another, or undo what others do to it.
    let alone = !THREADS.load(Ordering::Relaxed);
    if alone && limit.rlim_cur <= CHEAP && limit.rlim_max >= limit.rlim_cur + room {
        let wider = libc::rlimit {
            rlim_cur: limit.rlim_cur + room,
            ..limit
        };
        // SAFETY: both are live locals; the limit is what it was before anybody sees another.
        unsafe {
            libc::setrlimit(libc::RLIMIT_NOFILE, &wider);
            let high = above(limit.rlim_cur);
            libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
            if high.is_some() {
                return Ok(high);
            }
        }
    }
    Ok(above(limit.rlim_cur.min(CHEAP).saturating_sub(room)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn null() -> OwnedFd {
        std::fs::File::open("/dev/null").unwrap().into()
    }

    #[test]
    fn closed_ones_are_no_longer_held() {
        let fd = out_of_the_way(null()).unwrap();
        let number = fd.as_raw_fd();
        assert!(holds(number));
        assert!(within(0, u32::MAX - 1).contains(&(number as u32)));
        assert!(!within(0, number as u32 - 1).contains(&(number as u32)));
        assert!(!holds(0) && !holds(-1) && !holds(i32::MAX));
        drop(fd);
        assert!(!holds(number));
    }
}
