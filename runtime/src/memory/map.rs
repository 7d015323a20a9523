//! What the guest has mapped where in its linear memory: an interval map. Addresses
//! are guest addresses in bytes; every range is half open.

use std::collections::BTreeMap;

use super::limits::Limits;

/// What backs a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backing {
    /// Private anonymous pages.
    Anonymous,
    /// A private mapping of a file.
    PrivateFile,
    /// A shared mapping, of a file or anonymous.
    Shared(Object),
}

/// What a shared mapping shows. Neighbours that show one object, each its own part, are one
/// mapping; others never are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Object {
    /// Different for each time that something was mapped.
    pub id: u64,
    /// Where the object's first byte is or would be, wrapping around.
    pub origin: u64,
    /// Whether it is an attached segment of System V shared memory.
    pub segment: bool,
}

impl Object {
    /// The same object in a mapping that was moved.
    pub fn moved(self, from: u64, to: u64) -> Object {
        let origin = self.origin.wrapping_add(to).wrapping_sub(from);
        Object { origin, ..self }
    }
}

/// What has been asked of a region beyond its protection: what the kernel keeps for each of its
/// own mappings, and so what parts one from its neighbour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traits(u8);

impl Traits {
    /// Locked in memory.
    pub const LOCKED: Traits = Traits(1);
    /// Locked page by page, as they are used.
    pub const ON_FAULT: Traits = Traits(2);
    /// Not there in copies of the process.
    pub const DONT_FORK: Traits = Traits(4);
    /// Zero in copies of the process.
    pub const WIPE_ON_FORK: Traits = Traits(8);
    /// Copied out of a file, of which no more can be had.
    pub const CUT_OFF: Traits = Traits(16);

    /// These and others.
    pub fn with(self, others: Traits) -> Traits {
        Traits(self.0 | others.0)
    }

    /// These without others.
    pub fn without(self, others: Traits) -> Traits {
        Traits(self.0 & !others.0)
    }

    /// Whether some of `others` are among these.
    pub fn any(self, others: Traits) -> bool {
        self.0 & others.0 != 0
    }
}

/// What is known of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// What backs it.
    pub backing: Backing,
    /// The host protection it was last given.
    pub prot: i32,
    /// What else was asked for.
    pub traits: Traits,
}

impl Region {
    /// Pages of the initial image or of `memory.grow`.
    pub const HEAP: Region = Region {
        backing: Backing::Anonymous,
        prot: libc::PROT_READ | libc::PROT_WRITE,
        traits: Traits(0),
    };

    /// A region without traits.
    pub fn new(backing: Backing, prot: i32) -> Region {
        Region {
            backing,
            prot,
            traits: Traits::default(),
        }
    }

    /// Whether it counts as data: what is private and may be written.
    pub fn is_data(&self) -> bool {
        !matches!(self.backing, Backing::Shared(_)) && self.prot & libc::PROT_WRITE != 0
    }
}

/// An interval map of regions; what no region covers is free.
#[derive(Debug, Default)]
pub struct Map {
    /// Start to end and region; disjoint, never empty, neighbours of one kind joined.
    regions: BTreeMap<u64, (u64, Region)>,
    /// Whether and how new mappings are to be locked in memory (mlockall's `MCL_FUTURE`).
    pub lock_future: Option<Traits>,
    /// Where the program break lies.
    pub brk: Break,
    /// What the guest may have.
    pub limits: Limits,
    /// How many objects have been mapped.
    objects: u64,
    /// How many bytes are mapped, and how many of them are data.
    mapped: u64,
    data: u64,
    /// Below this address nothing is free, as far as anybody has looked from `looked_from`.
    full_until: u64,
    looked_from: u64,
}

/// The program break.
#[derive(Debug, Clone, Copy, Default)]
pub struct Break {
    /// Where it was at the start, behind the initial memory.
    pub start: u64,
    /// Where it is.
    pub end: u64,
}

impl Map {
    /// An object that was not there before, with its first byte at `origin`.
    pub fn object(&mut self, origin: u64, segment: bool) -> Object {
        self.objects += 1;
        Object {
            id: self.objects,
            origin,
            segment,
        }
    }

    /// Puts a region into `start..end`, replacing what was there.
    pub fn insert(&mut self, start: u64, end: u64, region: Region) {
        if start >= end {
            return;
        }
        self.remove(start, end);
        self.mapped += end - start;
        self.data += if region.is_data() { end - start } else { 0 };
        let (mut start, mut end) = (start, end);
        if let Some((&s, &(e, r))) = self.regions.range(..start).next_back()
            && e == start
            && r == region
        {
            self.regions.remove(&s);
            start = s;
        }
        if let Some(&(e, r)) = self.regions.get(&end)
            && r == region
        {
            self.regions.remove(&end);
            end = e;
        }
        self.regions.insert(start, (end, region));
    }

    /// Frees `start..end`.
    pub fn remove(&mut self, start: u64, end: u64) {
        if start >= end {
            return;
        }
        self.split(start);
        self.split(end);
        while let Some((&s, &(e, region))) = self.regions.range(start..end).next() {
            self.regions.remove(&s);
            self.mapped -= e - s;
            self.data -= if region.is_data() { e - s } else { 0 };
            self.full_until = self.full_until.min(start);
        }
    }

    /// Changes what is known of all that is mapped in `start..end`.
    pub fn change(&mut self, start: u64, end: u64, f: impl Fn(Region) -> Region) {
        for (s, e, region) in self.overlapping(start, end) {
            self.insert(s, e, f(region));
        }
    }

    /// Records a new protection for what is mapped in `start..end`.
    pub fn protect(&mut self, start: u64, end: u64, prot: i32) {
        self.change(start, end, |region| Region { prot, ..region });
    }

    /// The mapped pieces of `start..end`, clipped to it, in order.
    pub fn pieces(&self, start: u64, end: u64) -> impl Iterator<Item = (u64, u64, Region)> {
        let before = self.regions.range(..=start).next_back();
        let first = before.map_or(start, |(&s, _)| s);
        self.regions
            .range(first..end.max(first))
            .map(move |(&s, &(e, r))| (s.max(start), e.min(end), r))
            .filter(|&(s, e, _)| s < e)
    }

    /// The same, for those who change the map meanwhile.
    pub fn overlapping(&self, start: u64, end: u64) -> Vec<(u64, u64, Region)> {
        self.pieces(start, end).collect()
    }

    /// The region that an address lies in.
    pub fn at(&self, address: u64) -> Option<Region> {
        self.pieces(address, address + 1).map(|(_, _, r)| r).next()
    }

    /// The end of the mapped run that begins at `start`, looking no further than `end`:
    /// `end` itself if all of it is mapped, `start` if nothing is.
    pub fn mapped_until(&self, start: u64, end: u64) -> u64 {
        let mut at = start;
        for (s, e, _) in self.pieces(start, end) {
            if s != at {
                break;
            }
            at = e;
        }
        at
    }

    /// Whether nothing is mapped in `start..end`.
    pub fn is_free(&self, start: u64, end: u64) -> bool {
        self.pieces(start, end).next().is_none()
    }

    /// The lowest free range of `len` bytes inside `floor..ceiling`.
    pub fn find_free(&mut self, len: u64, floor: u64, ceiling: u64) -> Option<u64> {
        let known = floor == self.looked_from && self.full_until > floor;
        let mut full_until = if known { self.full_until } else { floor };
        let mut at = full_until;
        let mut found = None;
        for (s, e, _) in self.pieces(at, ceiling) {
            if s - at >= len {
                found = Some(at);
                break;
            }
            if s == full_until {
                full_until = e;
            }
            at = e;
        }
        (self.looked_from, self.full_until) = (floor, full_until);
        found.or_else(|| (ceiling.checked_sub(at)? >= len).then_some(at))
    }

    /// How many bytes are mapped in `start..end`.
    pub fn mapped_in(&self, start: u64, end: u64) -> u64 {
        self.pieces(start, end).map(|(s, e, _)| e - s).sum()
    }

    /// Whether the limits allow `len` bytes more of such a region.
    pub fn has_room(&self, len: u64, region: &Region) -> bool {
        self.limits
            .allow(self.mapped, self.data, len, region.is_data())
    }

    /// Whether the limits allow `len` mapped bytes to become data.
    pub fn has_room_for_data(&self, len: u64) -> bool {
        self.has_room(len, &Region::HEAP) || !self.limits.allow(self.mapped, 0, len, false)
    }

    /// All regions in order.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64, Region)> {
        self.regions.iter().map(|(&s, &(e, r))| (s, e, r))
    }

    fn split(&mut self, at: u64) {
        if let Some((_, (end, region))) = self.regions.range_mut(..at).next_back()
            && *end > at
        {
            let tail = (*end, *region);
            *end = at;
            self.regions.insert(at, tail);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [Region; 3] = [
        Region::HEAP,
        Region {
            backing: Backing::Shared(Object {
                id: 1,
                origin: 0,
                segment: false,
            }),
            prot: libc::PROT_READ,
            traits: Traits(0),
        },
        Region {
            backing: Backing::PrivateFile,
            prot: libc::PROT_NONE,
            traits: Traits::DONT_FORK,
        },
    ];

    /// A small deterministic generator (xorshift), so that failures repeat.
    fn random(state: &mut u64) -> u64 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state
    }

    #[test]
    fn agrees_with_an_array_of_pages() {
        const PAGES: usize = 48;
        let mut state = 0x9e37_79b9_7f4a_7c15;
        for _ in 0..300 {
            let mut map = Map::default();
            let mut pages = [None; PAGES];
            for _ in 0..40 {
                let a = (random(&mut state) as usize) % (PAGES + 1);
                let b = (random(&mut state) as usize) % (PAGES + 1);
                let (start, end) = (a.min(b), a.max(b));
                match random(&mut state) % 3 {
                    0 => {
                        let kind = KINDS[(random(&mut state) % 3) as usize];
                        map.insert(start as u64, end as u64, kind);
                        pages[start..end].fill(Some(kind));
                    }
                    1 => {
                        map.remove(start as u64, end as u64);
                        pages[start..end].fill(None);
                    }
                    _ => {
                        map.protect(start as u64, end as u64, 7);
                        for page in pages[start..end].iter_mut().flatten() {
                            page.prot = 7;
                        }
                    }
                }
                check(&mut map, &pages);
            }
        }
    }

    fn check(map: &mut Map, pages: &[Option<Region>]) {
        let mut seen = vec![None; pages.len()];
        let mut last = None;
        for (s, e, r) in map.iter() {
            assert!(s < e);
            assert_ne!(last, Some((s, r)), "neighbours of one kind are joined");
            seen[s as usize..e as usize].fill(Some(r));
            last = Some((e, r));
        }
        assert_eq!(seen, pages);
        let count = |f: fn(&Region) -> bool| pages.iter().flatten().filter(|r| f(r)).count();
        assert_eq!(map.mapped, count(|_| true) as u64);
        assert_eq!(map.data, count(Region::is_data) as u64);
        for start in 0..pages.len() {
            let run = pages[start..].iter().take_while(|p| p.is_some()).count();
            assert_eq!(
                map.mapped_until(start as u64, pages.len() as u64),
                (start + run) as u64
            );
            for len in 1..5 {
                let free = (start..=pages.len().saturating_sub(len))
                    .find(|&at| pages[at..at + len].iter().all(Option::is_none))
                    .map(|at| at as u64);
                let found = map.find_free(len as u64, start as u64, pages.len() as u64);
                assert_eq!(found, free);
            }
        }
    }
}
