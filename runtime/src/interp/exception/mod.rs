//! Exceptions and their tags as values.

mod heap;

use std::fmt;
use std::sync::{Arc, OnceLock};

pub(crate) use heap::{Full, deref, enter, insert};

use super::types::{FuncType, ValType, Value, from_slots, places, slots, to_slots};

/// What tells exceptions apart, and says what values they carry. Clones are the same tag.
#[derive(Clone)]
pub struct Tag(Arc<TagInner>);

struct TagInner {
    values: Box<[ValType]>,
    /// What it is called, once that was looked for.
    name: OnceLock<String>,
}

impl Tag {
    /// A tag like no other, whose exceptions carry values of these types.
    pub fn new(values: impl Into<Box<[ValType]>>) -> Tag {
        Tag(Arc::new(TagInner {
            values: values.into(),
            name: OnceLock::new(),
        }))
    }

    /// Has messages call it by a name, unless it has one.
    pub(crate) fn name(&self, name: impl FnOnce() -> String) {
        self.0.name.get_or_init(name);
    }

    /// The types of the values that its exceptions carry.
    pub fn values(&self) -> &[ValType] {
        &self.0.values
    }

    /// How many slots these values take.
    pub(crate) fn slots(&self) -> usize {
        slots(self.values())
    }

    /// Its type, as of a function that takes the values.
    pub fn ty(&self) -> FuncType {
        FuncType::new(self.values(), [])
    }
}

impl PartialEq for Tag {
    fn eq(&self, other: &Tag) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Tag {}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({})", self.ty())
    }
}

/// An exception. Clones are the same one.
#[derive(Clone)]
pub struct Exception(Arc<Inner>);

struct Inner {
    tag: Tag,
    slots: Box<[u64]>,
}

impl Exception {
    /// An exception with a tag and values. References to functions and to exceptions can only be
    /// null here; none if they are not, or the values are not of the tag's types.
    pub fn new(tag: &Tag, values: &[Value]) -> Option<Exception> {
        let fits = |(value, ty): (&Value, &ValType)| value.ty() == *ty && value.is_free();
        let same = values.len() == tag.values().len();
        if !same || !values.iter().zip(tag.values()).all(fits) {
            return None;
        }
        Some(Exception::of_slots(tag.clone(), to_slots(values).into()))
    }

    pub(crate) fn of_slots(tag: Tag, slots: Box<[u64]>) -> Exception {
        Exception(Arc::new(Inner { tag, slots }))
    }

    /// Its tag.
    pub fn tag(&self) -> &Tag {
        &self.0.tag
    }

    pub(crate) fn slots(&self) -> &[u64] {
        &self.0.slots
    }

    /// The values that it carries.
    pub fn values(&self) -> Vec<Value> {
        let free = self.clone().freed();
        // SAFETY: references to functions are null.
        unsafe { from_slots(free.tag().values(), free.slots()) }
    }

    /// The same, but with null in the place of what it refers to in the guest: nothing keeps that
    /// alive once the exception has left it.
    pub(crate) fn freed(self) -> Exception {
        if !places(self.tag().values()).any(|(ty, at)| ty.is_guest_ref() && self.slots()[at] != 0) {
            return self;
        }
        let mut slots: Box<[u64]> = self.slots().into();
        for (ty, at) in places(self.tag().values()) {
            if ty.is_guest_ref() {
                slots[at] = 0;
            }
        }
        Exception::of_slots(self.tag().clone(), slots)
    }
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.tag().0.name.get().map_or("a tag", String::as_str);
        write!(f, "exception of {name}")?;
        for (i, value) in self.values().iter().enumerate() {
            write!(f, "{}{value}", if i == 0 { " with " } else { ", " })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Exception({:?}: {self})", self.tag())
    }
}
