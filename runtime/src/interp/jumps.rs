//! Places in guest code to come back to: what `setjmp` needs of an engine.
//!
//! A host function marks the frame that called it: the place behind the call and what is in
//! the frame's slots. As long as a frame has marks, its return address leads to
//! [`FORGET`], which drops them, so that a frame that has returned is known exactly, also when
//! the same function is called again at the same depth. Calls and returns of frames without
//! marks know nothing of this.
//!
//! Going back is a trap on its way outwards: each run of guest code asks whether the marked
//! frame is one of its own (`run::go_on`). Frames further in are gone then, and so are
//! those of a run that fails.

use std::collections::HashMap;

use super::context::{HEADER_SLOTS, Handler};
use super::handlers::call;
use super::types::ValType;

/// Where a frame with marks returns to.
pub(super) static FORGET: [Handler; 1] = [call::forget];

/// Words for what the embedder keeps with a mark.
pub type Payload = [u64; 2];

/// Most words that all marks of an instance take: 256 MiB. Those of real programs take as much
/// as a guest stack at most; others could mark one frame for each address in their memory.
const MOST_WORDS: usize = 1 << 25;

/// Words of a mark without its slots, about.
const MARK_WORDS: usize = (size_of::<Mark>() + size_of::<(Name, usize)>()) / 8;

/// Marks of a frame that are looked for one by one; those after them are found by name.
const FEW: usize = 16;

/// All marks of an instance. Frames are in the order of the guest stack, and so are marks by
/// frame and slots by mark: dropping those of the innermost frames is shortening three lists.
#[derive(Debug, Default)]
pub(crate) struct Jumps {
    frames: Vec<Marked>,
    marks: Vec<Mark>,
    slots: Vec<u64>,
    /// Where marks are that are not among the first of their frame.
    others: HashMap<Name, usize>,
}

/// What a mark is of: frame, place and key.
type Name = (*mut u64, *const u64, u64);

/// A frame with marks.
#[derive(Debug)]
struct Marked {
    sp: *mut u64,
    /// Where it really returns to.
    return_to: *const u64,
    /// The first of its marks.
    marks: usize,
    /// The first slot of its marks.
    slots: usize,
}

#[derive(Debug)]
struct Mark {
    id: u64,
    /// The embedder's name for it: the same call of the same frame has one mark for each.
    key: u64,
    place: Place,
    /// What the marking call yields.
    result: Option<ValType>,
    /// The first of its slots.
    slots: usize,
    payload: Payload,
}

/// A call that guest code has made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The instruction behind it.
    pub resume: *const u64,
    /// The calling frame.
    pub sp: *mut u64,
    /// Which of its slots is the header.
    pub header: usize,
    /// Which of its slots is the call's first argument and result.
    pub args: usize,
}

impl Place {
    /// The slots that a mark keeps: all below the call's but the header.
    ///
    /// # Safety
    /// The frame is live.
    unsafe fn kept<'a>(self) -> [&'a mut [u64]; 2] {
        // SAFETY: as the caller promises; the temporaries follow the header.
        unsafe {
            let temps = self.header + HEADER_SLOTS;
            [
                std::slice::from_raw_parts_mut(self.sp, self.header),
                std::slice::from_raw_parts_mut(self.sp.add(temps), self.args - temps),
            ]
        }
    }
}

/// There is no room for another mark.
#[derive(Debug)]
pub(crate) struct Full;

impl Jumps {
    /// Marks a place, with a number from `fresh` that is greater than all before it. If the same call has
    /// marked the same frame with this key before, its mark is renewed and keeps its number.
    ///
    /// # Safety
    /// The frame is the innermost one of a guest stack, all of whose frames with marks are in
    /// this list.
    pub unsafe fn mark(
        &mut self,
        place: Place,
        key: u64,
        result: Option<ValType>,
        payload: Payload,
        fresh: impl FnOnce() -> u64,
    ) -> Result<u64, Full> {
        let first = match self.frames.last() {
            Some(frame) if frame.sp == place.sp => frame.marks,
            _ => self.marks.len(),
        };
        if let Some(index) = self.named(first, place, key) {
            let mark = &mut self.marks[index];
            mark.result = result;
            mark.payload = payload;
            let mut to = mark.slots;
            // SAFETY: as the caller promises.
            for slots in unsafe { place.kept() } {
                self.slots[to..to + slots.len()].copy_from_slice(slots);
                to += slots.len();
            }
            return Ok(mark.id);
        }
        let count = place.args - HEADER_SLOTS;
        let used = self.slots.len() + self.marks.len() * MARK_WORDS;
        if used + count + MARK_WORDS > MOST_WORDS
            || self.slots.try_reserve(count).is_err()
            || self.marks.try_reserve(1).is_err()
            || self.frames.try_reserve(1).is_err()
            || self.others.try_reserve(1).is_err()
        {
            return Err(Full);
        }
        if first == self.marks.len() {
            // SAFETY: as the caller promises.
            let return_to = unsafe { self.redirect(place) };
            self.frames.push(Marked {
                sp: place.sp,
                return_to,
                marks: first,
                slots: self.slots.len(),
            });
        }
        let id = fresh();
        if self.marks.len() - first >= FEW {
            let name = (place.sp, place.resume, key);
            self.others.insert(name, self.marks.len());
        }
        self.marks.push(Mark {
            id,
            key,
            place,
            result,
            slots: self.slots.len(),
            payload,
        });
        // SAFETY: as the caller promises.
        for slots in unsafe { place.kept() } {
            self.slots.extend_from_slice(slots);
        }
        Ok(id)
    }

    /// The mark of this place and key, in a frame whose marks begin at `first`.
    fn named(&self, first: usize, place: Place, key: u64) -> Option<usize> {
        let marks = &self.marks[first..];
        let same = |mark: &Mark| mark.key == key && mark.place.resume == place.resume;
        if let Some(index) = marks.iter().take(FEW).position(same) {
            return Some(first + index);
        }
        let others = (marks.len() > FEW).then_some(&self.others)?;
        others.get(&(place.sp, place.resume, key)).copied()
    }

    /// Has a frame return to [`FORGET`]; where it returned to before.
    ///
    /// # Safety
    /// The frame is live.
    unsafe fn redirect(&self, place: Place) -> *const u64 {
        // SAFETY: as the caller promises.
        unsafe {
            let header = place.sp.add(place.header);
            std::mem::replace(&mut *header, FORGET.as_ptr() as u64) as *const u64
        }
    }

    fn find(&self, id: u64) -> Option<usize> {
        self.marks.binary_search_by_key(&id, |mark| mark.id).ok()
    }

    /// What the embedder keeps with a mark; none if there is no such mark, or not any more.
    pub fn payload(&self, id: u64) -> Option<Payload> {
        Some(self.marks[self.find(id)?].payload)
    }

    /// What is kept of frames.
    pub fn slots(&self) -> &[u64] {
        &self.slots
    }

    /// Goes back to a mark if its frame is not below `base`: drops all frames further in, puts
    /// the slots back, and has the marking call yield `value`.
    ///
    /// # Safety
    /// Guest code is stopped, and frames from `base` on belong to a run that can go on.
    pub unsafe fn land(&mut self, id: u64, value: u64, base: *mut u64) -> Option<Place> {
        let index = self.find(id)?;
        let (place, result) = (self.marks[index].place, self.marks[index].result);
        if place.sp < base {
            return None;
        }
        // SAFETY: the address behind a frame's first slot.
        self.drop_from(unsafe { place.sp.add(1) });
        let mut from = self.marks[index].slots;
        // SAFETY: the frame is live, since it has marks, and nothing runs that would use it.
        unsafe {
            for slots in place.kept() {
                slots.copy_from_slice(&self.slots[from..from + slots.len()]);
                from += slots.len();
            }
            if let Some(ty) = result {
                *place.sp.add(place.args) = match ty {
                    ValType::I32 => u64::from(value as u32),
                    _ => value,
                };
            }
        }
        Some(place)
    }

    /// Forgets all frames that begin at `base` or further in: they are gone.
    pub fn drop_from(&mut self, base: *mut u64) {
        while let Some(frame) = self.frames.pop_if(|frame| frame.sp >= base) {
            self.drop_marks(&frame);
        }
    }

    /// Drops the marks of the innermost frame, which is not in the list any more.
    fn drop_marks(&mut self, frame: &Marked) {
        if self.marks.len() - frame.marks > FEW {
            for mark in &self.marks[frame.marks + FEW..] {
                let name = (mark.place.sp, mark.place.resume, mark.key);
                self.others.remove(&name);
            }
        }
        self.marks.truncate(frame.marks);
        self.slots.truncate(frame.slots);
    }

    /// Forgets the marks of the innermost frame that has some; where it really returns to.
    pub fn forget(&mut self) -> *const u64 {
        let frame = self
            .frames
            .pop()
            .expect("a frame that returns here has marks");
        self.drop_marks(&frame);
        frame.return_to
    }

    /// Where a frame really returns to, whose header says `return_to`.
    pub fn return_address(&self, sp: *mut u64, return_to: *const u64) -> *const u64 {
        if return_to != FORGET.as_ptr().cast() {
            return return_to;
        }
        let index = self.frames.binary_search_by_key(&sp, |frame| frame.sp);
        index.map_or(return_to, |index| self.frames[index].return_to)
    }
}
