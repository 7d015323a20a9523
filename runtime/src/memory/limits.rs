//! Limits on a guest's memory. The kernel's own bind the runtime as well, which needs far more
//! address space than any guest, so that those of the guest are kept and enforced here.

use std::ffi::c_int;

/// No limit.
pub const UNLIMITED: u64 = libc::RLIM_INFINITY;

/// A limit: what holds, and how far it may be raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// What holds.
    pub soft: u64,
    /// How far that may be raised.
    pub hard: u64,
}

impl Limit {
    /// None at all.
    pub const NONE: Limit = Limit {
        soft: UNLIMITED,
        hard: UNLIMITED,
    };
}

/// The resources whose limits are kept here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// `RLIMIT_AS`: all that is mapped.
    AddressSpace,
    /// `RLIMIT_DATA`: what is private and may be written.
    Data,
    /// `RLIMIT_STACK`: for a guest, what its arguments may take at execve.
    Stack,
}

impl Resource {
    /// All of them.
    pub const ALL: [Resource; 3] = [Resource::AddressSpace, Resource::Data, Resource::Stack];

    /// The kernel's number.
    pub fn number(self) -> c_int {
        (match self {
            Resource::AddressSpace => libc::RLIMIT_AS,
            Resource::Data => libc::RLIMIT_DATA,
            Resource::Stack => libc::RLIMIT_STACK,
        }) as c_int
    }

    /// The resource of that number, if its limit is kept here.
    pub fn of(number: c_int) -> Option<Resource> {
        Resource::ALL
            .into_iter()
            .find(|resource| resource.number() == number)
    }
}

/// A guest's limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits([Limit; Resource::ALL.len()]);

impl Default for Limits {
    fn default() -> Limits {
        Limits([Limit::NONE; Resource::ALL.len()])
    }
}

impl Limits {
    /// One of them.
    pub fn get(&self, resource: Resource) -> Limit {
        self.0[resource as usize]
    }

    /// Changes one of them.
    pub fn set(&mut self, resource: Resource, limit: Limit) {
        self.0[resource as usize] = limit;
    }

    /// Whether `more` bytes may be mapped beside `mapped` bytes, of which `data` are data; the
    /// kernel counts in pages and forgives a limit of 0 on data.
    pub(super) fn allow(&self, mapped: u64, data: u64, more: u64, is_data: bool) -> bool {
        let pages = |bytes: u64| bytes / 4096;
        let fits = |used: u64, limit: u64| pages(used) + pages(more) <= pages(limit);
        let limit = self.get(Resource::Data);
        fits(mapped, self.get(Resource::AddressSpace).soft)
            && (!is_data || fits(data, limit.soft) || limit.soft == 0 && fits(data, limit.hard))
    }
}
