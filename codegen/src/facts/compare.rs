//! What one kernel release's facts say otherwise than another's.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Facts;
use super::extract::likely_sets;
pub use super::history::Value;
use crate::intent::Intent;
use crate::model::{Layout, Place, Provenance};

/// All differences, the ones that break programs apart.
#[derive(Debug, Clone, Serialize)]
pub struct Changes {
    /// The release compared with.
    pub before: Provenance,
    /// The release compared.
    pub after: Provenance,
    /// The ISAs that both are about, and that alone are compared.
    pub isas: Vec<String>,
    /// What the kernel promises never to do: calls removed or renumbered, constants removed or
    /// changed, structs or fields removed, moved or shrunk.
    pub incompatible: Vec<Change>,
    /// Calls that came, on all ISAs or some.
    pub calls: Vec<Change>,
    /// Constants that the specification names and that came.
    pub constants: Vec<Change>,
    /// Constants that came, look like members of a set and are named nowhere in the specification.
    pub new_constants: Vec<Change>,
    /// Constants and fields that came and that the specification leaves out on purpose.
    pub omitted: Vec<Change>,
    /// Structs and fields that the specification names and that came or grew, and padding that
    /// was put to use.
    pub structs: Vec<Change>,
    /// Fields that came and that the specification does not name.
    pub new_fields: Vec<Change>,
    /// Constants named nowhere in the specification that went or have another value.
    pub unnamed: Vec<Change>,
}

/// One thing that changed.
#[derive(Debug, Clone, Serialize)]
pub struct Change {
    /// What it is.
    pub kind: Kind,
    /// Its name; a field's after that of its struct and a dot.
    pub name: String,
    /// What it was on the ISAs compared.
    pub before: Vec<Option<Value>>,
    /// What it is there.
    pub after: Vec<Option<Value>>,
    /// The sets of the specification that a constant may belong into.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sets: Vec<String>,
}

/// What can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A call's number.
    Call,
    /// A constant's value.
    Constant,
    /// A struct's size and alignment.
    Struct,
    /// A field's place and size.
    Field,
}

impl From<u32> for Value {
    fn from(number: u32) -> Value {
        Value::Number(number.into())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Value {
        Value::Number(number)
    }
}

impl From<Layout> for Value {
    fn from(layout: Layout) -> Value {
        Value::Pair([layout.size, layout.align])
    }
}

impl From<Place> for Value {
    fn from(place: Place) -> Value {
        Value::Pair([place.offset, place.size])
    }
}

impl Changes {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.lists().iter().all(|list| list.is_empty())
    }

    fn lists(&self) -> [&Vec<Change>; 8] {
        [
            &self.incompatible,
            &self.calls,
            &self.constants,
            &self.new_constants,
            &self.omitted,
            &self.structs,
            &self.new_fields,
            &self.unnamed,
        ]
    }

    /// Compares facts. What one of them was never asked about is left out. The intent says which
    /// sets a constant may belong into by its name, and what is left out on purpose.
    pub fn between(before: &Facts, after: &Facts, intent: &Intent) -> Changes {
        let isas: Vec<String> = before
            .isas
            .iter()
            .filter(|i| after.isas.contains(i))
            .cloned()
            .collect();
        let mut changes = Changes {
            before: before.provenance.clone(),
            after: after.provenance.clone(),
            isas,
            incompatible: Vec::new(),
            calls: Vec::new(),
            constants: Vec::new(),
            new_constants: Vec::new(),
            omitted: Vec::new(),
            structs: Vec::new(),
            new_fields: Vec::new(),
            unnamed: Vec::new(),
        };
        let sides = Sides {
            before: places(&before.isas, &changes.isas),
            after: places(&after.isas, &changes.isas),
        };
        changes.calls(before, after, &sides);
        changes.constants(before, after, &sides, intent);
        changes.structs(before, after, &sides, intent);
        changes
    }

    fn calls(&mut self, before: &Facts, after: &Facts, sides: &Sides) {
        for (_, change) in sides.maps(Kind::Call, &before.calls, &after.calls) {
            match change.breaks() {
                true => self.incompatible.push(change),
                false => self.calls.push(change),
            }
        }
        let number = |change: &Change| change.after.iter().flatten().map(Value::first).max();
        self.calls.sort_by_key(number);
    }

    fn constants(&mut self, before: &Facts, after: &Facts, sides: &Sides, intent: &Intent) {
        let all = |facts: &Facts| -> BTreeMap<String, Vec<Option<i64>>> {
            let named = facts.constants.iter();
            let all = named.chain(&facts.unnamed.constants);
            all.map(|(name, values)| (name.clone(), values.clone()))
                .collect()
        };
        let named = |name: &String| after.constants.contains_key(name);
        // What is named now and was not looked at then, since it does not look like a member.
        let unasked = |facts: &Facts, other: &Facts, name: &String| {
            !facts.constants.contains_key(name)
                && !facts.unnamed.constants.contains_key(name)
                && other.constants.contains_key(name)
        };
        for (name, mut change) in sides.maps(Kind::Constant, &all(before), &all(after)) {
            if unasked(before, after, &name) || unasked(after, before, &name) {
                continue;
            }
            match (named(&name), change.breaks()) {
                (true, true) => self.incompatible.push(change),
                (true, false) => self.constants.push(change),
                (false, true) => self.unnamed.push(change),
                (false, false) if intent.omits(&name) => self.omitted.push(change),
                (false, false) => {
                    let sets = likely_sets(intent, &name);
                    change.sets = sets.into_iter().map(str::to_owned).collect();
                    self.new_constants.push(change);
                }
            }
        }
    }

    fn structs(&mut self, before: &Facts, after: &Facts, sides: &Sides, intent: &Intent) {
        for (name, new) in &after.structs {
            let Some(old) = before.structs.get(name) else {
                continue;
            };
            if let Some(change) = sides.change(Kind::Struct, name, &old.layout, &new.layout) {
                let pairs = change.before.iter().zip(&change.after);
                let smaller = pairs.into_iter().any(|pair| match pair {
                    (Some(Value::Pair(old)), Some(Value::Pair(new))) => {
                        new[0] < old[0] || new[1] != old[1]
                    }
                    (old, new) => old.is_some() && new.is_none(),
                });
                match smaller {
                    true => self.incompatible.push(change),
                    false => self.structs.push(change),
                }
            }
            for (field, old) in &old.fields {
                let Some((_, new)) = new.fields.iter().find(|(name, _)| name == field) else {
                    continue;
                };
                let name = format!("{name}.{field}");
                if let Some(change) = sides.change(Kind::Field, &name, old, new) {
                    match change.breaks() && !padding(field) {
                        true => self.incompatible.push(change),
                        false => self.structs.push(change),
                    }
                }
            }
        }
        let named: BTreeSet<String> = after
            .structs
            .iter()
            .flat_map(|(name, s)| {
                s.fields
                    .iter()
                    .map(move |(field, _)| format!("{name}.{field}"))
            })
            .collect();
        let fields = (&before.unnamed.fields, &after.unnamed.fields);
        for (name, change) in sides.maps(Kind::Field, fields.0, fields.1) {
            let new = change.before.iter().zip(&change.after);
            let new = new
                .into_iter()
                .any(|(old, new)| old.is_none() && new.is_some());
            match new && !named.contains(&name) {
                true if intent.omits(&name) => self.omitted.push(change),
                true => self.new_fields.push(change),
                false => {}
            }
        }
    }
}

/// Names of fields that the kernel may give away.
fn padding(field: &str) -> bool {
    let name = field.trim_start_matches('_');
    ["spare", "pad", "unused", "reserved", "resv", "rsvd"]
        .iter()
        .any(|word| name.starts_with(word))
}

impl Value {
    fn first(&self) -> i64 {
        match self {
            Value::Number(number) => *number,
            Value::Pair([first, _]) => i64::try_from(*first).unwrap_or(i64::MAX),
        }
    }
}

impl Change {
    /// Whether something that was there is not any more, or is another thing.
    fn breaks(&self) -> bool {
        let mut pairs = self.before.iter().zip(&self.after);
        pairs.any(|(old, new)| old.is_some() && old != new)
    }
}

/// The indices of names in a list.
fn places(isas: &[String], wanted: &[String]) -> Vec<usize> {
    let place = |name: &String| isas.iter().position(|isa| isa == name);
    wanted.iter().filter_map(place).collect()
}

/// Where the ISAs that are compared stand on each side.
struct Sides {
    before: Vec<usize>,
    after: Vec<usize>,
}

impl Sides {
    fn maps<T: Copy + Into<Value>>(
        &self,
        kind: Kind,
        before: &BTreeMap<String, Vec<Option<T>>>,
        after: &BTreeMap<String, Vec<Option<T>>>,
    ) -> Vec<(String, Change)> {
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let none = Vec::new();
        let changes = names.into_iter().filter_map(|name| {
            let old = before.get(name).unwrap_or(&none);
            let new = after.get(name).unwrap_or(&none);
            Some((name.clone(), self.change(kind, name, old, new)?))
        });
        changes.collect()
    }

    /// The difference, if there is one on the ISAs compared.
    fn change<T: Copy + Into<Value>>(
        &self,
        kind: Kind,
        name: &str,
        before: &[Option<T>],
        after: &[Option<T>],
    ) -> Option<Change> {
        let values = |side: &[usize], values: &[Option<T>]| -> Vec<Option<Value>> {
            let of = |isa: &usize| values.get(*isa).copied().flatten().map(Into::into);
            side.iter().map(of).collect()
        };
        let (before, after) = (values(&self.before, before), values(&self.after, after));
        (before != after).then(|| Change {
            kind,
            name: name.to_owned(),
            before,
            after,
            sets: Vec::new(),
        })
    }
}
