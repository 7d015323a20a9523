//! Exceptions that guest code refers to.
//!
//! References are numbers, which guest code copies as it likes: slots have no types. So what is
//! alive is found by looking: at guest stacks and what marks keep of them, word by word, and at
//! globals and tables of such references, of all instances of the thread. A word that only looks
//! like a reference keeps an exception longer than needed, and does nothing else. It is done
//! when there are twice as many exceptions as the last time left.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use super::Exception;
use crate::interp::instance::Inner as InstanceInner;
use crate::interp::types::{ValType, places};

/// The upper half of references, so that few other words look like them.
const MARK: u64 = 0x6578_6e21 << 32;

/// Exceptions up to which nothing is looked for.
const FEW: usize = 1 << 10;

/// Most words that exceptions take that guest code refers to, about: 256 MiB.
const MOST_WORDS: usize = 1 << 25;

/// Words of an exception without its values, about.
const OWN_WORDS: usize = 12;

thread_local! {
    static HEAP: RefCell<Heap> = const { RefCell::new(Heap::new()) };
}

/// There is no room for another exception.
#[derive(Debug)]
pub(crate) struct Full;

struct Heap {
    entries: Vec<Entry>,
    free: Vec<u32>,
    /// Words that exceptions take.
    words: usize,
    /// The number of exceptions at which to look for those that are alive.
    enough: usize,
    instances: Vec<Weak<InstanceInner>>,
}

#[derive(Default)]
struct Entry {
    exception: Option<Exception>,
    alive: bool,
}

/// Has an instance of this thread looked at from now on.
pub(crate) fn enter(instance: &Rc<InstanceInner>) {
    HEAP.with_borrow_mut(|heap| {
        heap.instances
            .retain(|instance| instance.strong_count() > 0);
        heap.instances.push(Rc::downgrade(instance));
    });
}

/// The exception that a reference is to; none for null.
pub(crate) fn deref(reference: u64) -> Option<Exception> {
    HEAP.with_borrow(|heap| heap.entries.get(heap.index(reference)?)?.exception.clone())
}

/// A reference to an exception, for code of an instance whose stack is in use up to `end`.
pub(crate) fn insert(
    exception: &Exception,
    running: *const InstanceInner,
    end: *const u64,
) -> Result<u64, Full> {
    HEAP.with_borrow_mut(|heap| {
        if heap.entries.len() - heap.free.len() >= heap.enough || heap.words > MOST_WORDS {
            heap.collect(exception, running, end);
        }
        heap.insert(exception)
    })
}

impl Heap {
    const fn new() -> Heap {
        Heap {
            entries: Vec::new(),
            free: Vec::new(),
            words: 0,
            enough: FEW,
            instances: Vec::new(),
        }
    }

    fn insert(&mut self, exception: &Exception) -> Result<u64, Full> {
        if self.words > MOST_WORDS {
            return Err(Full);
        }
        let entry = Entry {
            exception: Some(exception.clone()),
            alive: false,
        };
        let index = match self.free.pop() {
            Some(index) => {
                self.entries[index as usize] = entry;
                index
            }
            None => {
                self.entries.push(entry);
                self.entries.len() as u32 - 1
            }
        };
        self.words += words(exception);
        Ok(MARK | u64::from(index))
    }

    /// The entry of what may be a reference.
    fn index(&self, word: u64) -> Option<usize> {
        let index = (word ^ MARK) as usize;
        (index < self.entries.len()).then_some(index)
    }

    /// Drops what nothing refers to.
    fn collect(&mut self, new: &Exception, running: *const InstanceInner, end: *const u64) {
        let mut found = Vec::new();
        self.see_values(new, &mut found);
        let instances = std::mem::take(&mut self.instances);
        for instance in instances.iter().filter_map(Weak::upgrade) {
            let end = std::ptr::eq(Rc::as_ptr(&instance), running).then_some(end);
            instance.words_that_may_refer(end, &mut |words| {
                for &word in words {
                    self.see(word, &mut found);
                }
            });
        }
        self.instances = instances;
        while let Some(index) = found.pop() {
            if let Some(exception) = self.entries[index].exception.clone() {
                self.see_values(&exception, &mut found);
            }
        }
        self.words = 0;
        for (index, entry) in self.entries.iter_mut().enumerate() {
            match &entry.exception {
                Some(exception) if entry.alive => self.words += words(exception),
                Some(_) => {
                    entry.exception = None;
                    self.free.push(index as u32);
                }
                None => {}
            }
            entry.alive = false;
        }
        let left = self.entries.len() - self.free.len();
        self.enough = FEW.max(2 * left);
    }

    /// Notes that a word was found, which may be a reference.
    fn see(&mut self, word: u64, found: &mut Vec<usize>) {
        if let Some(index) = self.index(word)
            && let entry = &mut self.entries[index]
            && entry.exception.is_some()
            && !entry.alive
        {
            entry.alive = true;
            found.push(index);
        }
    }

    fn see_values(&mut self, exception: &Exception, found: &mut Vec<usize>) {
        for (ty, at) in places(exception.tag().values()) {
            if ty == ValType::ExnRef {
                self.see(exception.slots()[at], found);
            }
        }
    }
}

fn words(exception: &Exception) -> usize {
    OWN_WORDS + exception.slots().len()
}
