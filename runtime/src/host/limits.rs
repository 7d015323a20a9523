//! The guest's limits on memory. Those of the process bind the runtime, which reserves more
//! address space than a guest may have, so that the guest's are kept beside its mappings
//! ([`Limits`]) and the process's stay out of its way. Programs of other kinds get the guest's
//! from the kernel when they are started.

use std::ptr;

use wali_arch::flags::errno;

use super::abi::Errno;
pub use crate::memory::{Limit, Limits, Resource};

const EPERM: Errno = Errno(errno::EPERM);

/// What the runtime does not get along without: these it raises for itself.
const RAISED: [Resource; 2] = [Resource::AddressSpace, Resource::Data];

/// The process's own limit.
fn current(resource: Resource) -> Limit {
    let mut limit = libc::rlimit {
        rlim_cur: libc::RLIM_INFINITY,
        rlim_max: libc::RLIM_INFINITY,
    };
    // SAFETY: the kernel fills the local in.
    unsafe { libc::prlimit(0, resource.number() as _, ptr::null(), &mut limit) };
    Limit {
        soft: limit.rlim_cur,
        hard: limit.rlim_max,
    }
}

fn set_current(resource: Resource, limit: Limit) -> bool {
    let limit = libc::rlimit {
        rlim_cur: limit.soft,
        rlim_max: limit.hard,
    };
    // SAFETY: the kernel reads a live local.
    unsafe { libc::prlimit(0, resource.number() as _, &limit, ptr::null_mut()) == 0 }
}

/// The limits that this process has.
pub fn inherited() -> Limits {
    let mut limits = Limits::default();
    for resource in Resource::ALL {
        limits.set(resource, current(resource));
    }
    limits
}

/// Raises this process's limits, which a guest has from now on in its place, as far as that is
/// allowed.
pub fn raise() {
    for resource in RAISED {
        let hard = current(resource).hard;
        if !set_current(resource, Limit::NONE) {
            set_current(resource, Limit { soft: hard, hard });
        }
    }
}

/// Limits of this process that were changed for another program, until it turns out that it
/// cannot be run.
#[derive(Debug)]
pub struct Given(Limits);

/// Gives the process the guest's limits, for a program that the kernel is to run.
pub fn give(limits: &Limits) -> Given {
    let before = inherited();
    for resource in Resource::ALL {
        set_current(resource, limits.get(resource));
    }
    Given(before)
}

impl Given {
    /// Takes them back: as far as possible where the guest may not raise its own.
    pub fn take_back(self) {
        for resource in Resource::ALL {
            let before = self.0.get(resource);
            if !set_current(resource, before) {
                let hard = current(resource).hard;
                let soft = before.soft.min(hard);
                set_current(resource, Limit { soft, hard });
            }
        }
    }
}

/// Whether the kernel would let this process raise a limit beyond what it may itself: asked by
/// doing it, since capabilities are not all there is to it.
fn may_raise(resource: Resource) -> bool {
    let now = current(resource);
    // One byte short of no limit is as good as none, and leaves something to ask for.
    let low = Limit {
        hard: now.hard.min(libc::RLIM_INFINITY - 1),
        soft: now.soft.min(libc::RLIM_INFINITY - 1),
    };
    let high = Limit {
        hard: low.hard + 1,
        ..low
    };
    if !set_current(resource, low) {
        return false;
    }
    let may = set_current(resource, high);
    set_current(resource, now);
    may
}

/// Sets one of the guest's limits.
///
/// # Errors
/// As setrlimit's.
pub fn set(limits: &mut Limits, resource: Resource, new: Limit) -> Result<(), Errno> {
    if new.soft > new.hard {
        return Err(Errno(errno::EINVAL));
    }
    if new.hard > limits.get(resource).hard && !may_raise(resource) {
        return Err(EPERM);
    }
    limits.set(resource, new);
    Ok(())
}
