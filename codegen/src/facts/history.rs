//! Facts of older releases, kept as what they have otherwise than the next newer one: enough to
//! compare with them without their headers, and to know since when there is what.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use super::read::Reader;
use super::write::{line, list, number, per_isa};
use super::{FOLDER, Facts, Stated, StructFacts, Unnamed, upstream};
use crate::diag::{Diagnostic, Diagnostics};
use crate::intent::decode::{self, Fields};
use crate::model::{Layout, Place, Provenance, Release, Since};
use crate::source::{Source, Sources};
use crate::yaml::Node;

/// How the files' names begin, before the release.
const PREFIX: &str = "linux_";

const HEADER: &str = "# Written by `wali-codegen facts`; do not edit. What this release had otherwise than the next\n\
    # newer one that is known; null where it had no such thing.\n\n";

/// A fact's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize), serde(untagged))]
pub enum Value {
    /// Of a call or a constant.
    Number(i64),
    /// Size and alignment of a struct, or offset and size of a field.
    Pair([u64; 2]),
}

/// Values by name, for each ISA.
type Table = BTreeMap<String, Vec<Option<Value>>>;

/// The tables of a release, as they are called in its file. The headers were asked for names in
/// the first three; of others they have been listed, so that one that is missing is not there.
const TABLES: [&str; 6] = [
    "constants",
    "structs",
    "fields",
    "syscalls",
    "unnamed_constants",
    "unnamed_fields",
];
const ASKED: usize = 3;
const CONSTANTS: usize = 0;
const SYSCALLS: usize = 3;

/// All facts of a release in one form.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Flat {
    isas: Vec<String>,
    tables: [Table; 6],
}

/// An older release: what it had otherwise than the next newer one.
#[derive(Debug, Clone)]
pub struct Past {
    provenance: Provenance,
    differing: Flat,
    /// Names that nobody asked its headers for.
    unknown: BTreeSet<String>,
}

/// What is known of older releases, newest first.
#[derive(Debug, Clone, Default)]
pub struct History(Vec<Past>);

impl Flat {
    fn of(facts: &Facts) -> Flat {
        let pair = |a: u64, b: u64| Value::Pair([a, b]);
        let numbers =
            |table: &BTreeMap<String, Vec<Option<i64>>>| map(table, |v| Value::Number(*v));
        let places = |p: &Place| pair(p.offset, p.size);
        let structs = facts.structs.iter();
        let layouts = structs.clone().map(|(name, s)| {
            let layout = each(&s.layout, |l: &Layout| pair(l.size, l.align));
            (name.clone(), layout)
        });
        let fields = structs.flat_map(|(name, s)| {
            let fields = s.fields.iter();
            fields.map(move |(field, p)| (format!("{name}.{field}"), each(p, places)))
        });
        Flat {
            isas: facts.isas.clone(),
            tables: [
                numbers(&facts.constants),
                layouts.collect(),
                fields.collect(),
                map(&facts.calls, |n| Value::Number(i64::from(*n))),
                numbers(&facts.unnamed.constants),
                map(&facts.unnamed.fields, places),
            ],
        }
    }

    fn into_facts(self, provenance: Provenance) -> Facts {
        let [constants, layouts, fields, calls, more, more_fields] = self.tables;
        let numbers = |table: Table| -> BTreeMap<String, Vec<Option<i64>>> {
            map(&table, |v| match v {
                Value::Number(number) => *number,
                Value::Pair(_) => 0,
            })
        };
        let place = |value: &Value| match value {
            Value::Pair([offset, size]) => Place {
                offset: *offset,
                size: *size,
            },
            Value::Number(_) => Place { offset: 0, size: 0 },
        };
        let mut structs: BTreeMap<String, StructFacts> = BTreeMap::new();
        for (name, layout) in &layouts {
            let layout = each(layout, |value| {
                let Place { offset, size } = place(value);
                Layout {
                    size: offset,
                    align: size,
                }
            });
            let fields = Vec::new();
            structs.insert(name.clone(), StructFacts { layout, fields });
        }
        for (name, places) in &fields {
            if let Some((of, field)) = name.split_once('.')
                && let Some(of) = structs.get_mut(of)
            {
                of.fields.push((field.to_owned(), each(places, place)));
            }
        }
        let number = |value: &i64| u32::try_from(*value).unwrap_or(u32::MAX);
        Facts {
            provenance,
            isas: self.isas,
            calls: map(&numbers(calls), number),
            constants: numbers(constants),
            structs,
            unnamed: Unnamed {
                constants: numbers(more),
                fields: map(&more_fields, place),
            },
        }
    }

    /// The same for fewer ISAs. What is on none of them and was not asked for is left out.
    fn restricted(&self, isas: &[String]) -> Flat {
        let places: Vec<Option<usize>> = isas
            .iter()
            .map(|isa| self.isas.iter().position(|own| own == isa))
            .collect();
        let table = |index: usize, table: &Table| -> Table {
            let entries = table.iter().map(|(name, values)| {
                let values = places.iter().map(|place| values[(*place)?]);
                (name.clone(), values.collect::<Vec<_>>())
            });
            let there = |values: &[Option<Value>]| values.iter().any(Option::is_some);
            entries
                .filter(|(_, values)| index < ASKED || there(values))
                .collect()
        };
        let mut index = 0;
        Flat {
            isas: isas.to_vec(),
            tables: self.tables.each_ref().map(|t| {
                index += 1;
                table(index - 1, t)
            }),
        }
    }

    /// What this release has otherwise than a newer one.
    fn since(&self, newer: &Flat, provenance: &Provenance) -> Past {
        let newer = newer.restricted(&self.isas);
        let none = vec![None; self.isas.len()];
        let mut unknown = BTreeSet::new();
        let mut tables: [Table; 6] = Default::default();
        for (index, differing) in tables.iter_mut().enumerate() {
            let (old, new) = (&self.tables[index], &newer.tables[index]);
            for name in old.keys().chain(new.keys()) {
                match (old.get(name), new.get(name)) {
                    (None, _) if index < ASKED => _ = unknown.insert(name.clone()),
                    // The specification no longer names it.
                    (_, None) if index < ASKED => {}
                    (old, new) if old != new => {
                        differing.insert(name.clone(), old.unwrap_or(&none).clone());
                    }
                    _ => {}
                }
            }
        }
        Past {
            provenance: provenance.clone(),
            differing: Flat {
                isas: self.isas.clone(),
                tables,
            },
            unknown,
        }
    }
}

fn each<T, U>(values: &[Option<T>], of: impl Fn(&T) -> U) -> Vec<Option<U>> {
    values.iter().map(|value| value.as_ref().map(&of)).collect()
}

fn map<T, U>(
    table: &BTreeMap<String, Vec<Option<T>>>,
    of: impl Fn(&T) -> U,
) -> BTreeMap<String, Vec<Option<U>>> {
    let entries = table.iter();
    entries
        .map(|(name, values)| (name.clone(), each(values, &of)))
        .collect()
}

impl Past {
    /// All facts of the release, from those of the next newer one.
    fn whole(&self, newer: &Flat) -> Flat {
        let mut whole = newer.restricted(&self.differing.isas);
        for (index, differing) in self.differing.tables.iter().enumerate() {
            let table = &mut whole.tables[index];
            if index < ASKED {
                table.retain(|name, _| !self.unknown.contains(name));
            }
            for (name, values) in differing {
                if index >= ASKED && values.iter().all(Option::is_none) {
                    table.remove(name);
                } else {
                    table.insert(name.clone(), values.clone());
                }
            }
        }
        whole
    }

    fn release(&self) -> Option<Release> {
        upstream(&self.provenance.version).ok()
    }

    fn to_text(&self) -> String {
        let p = &self.provenance;
        let isas = &self.differing.isas;
        let mut out = HEADER.to_owned();
        out.push_str(&super::write::origin(p, isas));
        for (name, table) in TABLES.iter().zip(&self.differing.tables) {
            if table.is_empty() {
                continue;
            }
            let _ = writeln!(out, "\n{name}:");
            for (key, values) in table {
                let show = |value: &Value| match value {
                    Value::Number(value) => number(*value),
                    Value::Pair([a, b]) => format!("[{a}, {b}]"),
                };
                line(&mut out, "  ", key, &per_isa(isas, values, show));
            }
        }
        if !self.unknown.is_empty() {
            out.push_str("\n# Not asked for.\nunknown:\n");
            out.push_str(&list(&self.unknown));
        }
        out
    }
}

impl History {
    /// All facts of each release, newest first, from the newest ones of all.
    pub fn whole(&self, newest: &Facts) -> Vec<Facts> {
        let mut newer = Flat::of(newest);
        let mut all = Vec::new();
        for past in &self.0 {
            newer = past.whole(&newer);
            all.push(newer.clone().into_facts(past.provenance.clone()));
        }
        all
    }

    /// The files that hold older releases, given in any order, before the newest one.
    pub fn to_sources(newest: &Facts, older: &[Facts]) -> Vec<Source> {
        let release = |facts: &Facts| upstream(&facts.provenance.version).ok();
        let mut older: Vec<&Facts> = older.iter().collect();
        older.retain(|facts| release(facts) < release(newest));
        older.sort_by_key(|facts| std::cmp::Reverse(release(facts)));
        older.dedup_by_key(|facts| release(facts));
        let mut newer = Flat::of(newest);
        let mut files = Vec::new();
        for facts in older {
            let flat = Flat::of(facts);
            let past = flat.since(&newer, &facts.provenance);
            if let Some(release) = past.release() {
                let release = release.to_string().replace('.', "_");
                files.push(Source {
                    path: format!("{FOLDER}/{PREFIX}{release}.yaml"),
                    text: past.to_text(),
                });
            }
            newer = flat;
        }
        files
    }

    /// Whether a file of a specification holds an older release.
    pub fn is_file(path: &str) -> bool {
        let name = path.strip_prefix(FOLDER).and_then(|p| p.strip_prefix('/'));
        name.is_some_and(|name| name.starts_with(PREFIX))
    }

    /// Since when there are calls and constants, as far as these releases tell.
    pub fn since(&self, newest: &Facts) -> Firsts {
        let mut firsts = Firsts::default();
        let Ok(own) = upstream(&newest.provenance.version) else {
            return firsts;
        };
        if self.0.is_empty() {
            return firsts;
        }
        let current = Flat::of(newest);
        for (table, into) in [
            (SYSCALLS, &mut firsts.calls),
            (CONSTANTS, &mut firsts.constants),
        ] {
            for name in current.tables[table].keys() {
                let bounds = (own, None, true);
                into.insert(name.clone(), bounds);
            }
        }
        let mut newer = current.clone();
        for past in &self.0 {
            newer = past.whole(&newer);
            let Some(release) = past.release() else {
                continue;
            };
            for (table, into) in [
                (SYSCALLS, &mut firsts.calls),
                (CONSTANTS, &mut firsts.constants),
            ] {
                // That a release of other ISAs lacks it means nothing.
                let here = current.restricted(&newer.isas);
                for (name, (by, after, open)) in into.iter_mut().filter(|(_, b)| b.2) {
                    let there = |flat: &Flat| {
                        let values = flat.tables[table].get(name);
                        values.is_some_and(|values| values.iter().any(Option::is_some))
                    };
                    if past.unknown.contains(name) || !there(&here) {
                        *open = false;
                    } else if there(&newer) {
                        *by = release;
                    } else {
                        *after = Some(release);
                        *open = false;
                    }
                }
            }
        }
        firsts
    }
}

/// The oldest release known to have something, the one known not to have it, and whether the
/// search goes on.
type Bounds = (Release, Option<Release>, bool);

/// Since when there are calls and constants.
#[derive(Debug, Clone, Default)]
pub struct Firsts {
    calls: BTreeMap<String, Bounds>,
    constants: BTreeMap<String, Bounds>,
}

impl Firsts {
    /// Of a call, with what manual pages say of it.
    pub fn call(&self, name: &str, stated: Option<Stated>) -> Option<Since> {
        let later_than = match stated {
            Some(Stated::Exactly(release)) => return Some(Since::Exactly(release)),
            Some(Stated::After(release)) => Some(release),
            None => None,
        };
        let (by, after, _) = self.calls.get(name)?;
        let after = (*after).max(later_than);
        Some(Since::Between { after, by: *by })
    }

    /// Of a constant.
    pub fn constant(&self, name: &str) -> Option<Since> {
        let (by, after, _) = self.constants.get(name)?;
        Some(Since::Between {
            after: *after,
            by: *by,
        })
    }
}

/// The older releases in the parsed files of `facts/`.
pub fn read(
    sources: &Arc<Sources>,
    files: &[(usize, Node)],
    isas: &[String],
    diags: &mut Diagnostics,
) -> History {
    let files = files
        .iter()
        .filter(|(file, _)| History::is_file(&sources.files[*file].path));
    let mut pasts: Vec<Past> = files
        .filter_map(|(_, root)| past(root, isas, diags))
        .collect();
    pasts.sort_by_key(|past| std::cmp::Reverse(past.release()));
    History(pasts)
}

fn past(root: &Node, all: &[String], diags: &mut Diagnostics) -> Option<Past> {
    let mut keys = vec!["package", "suite", "version", "sha256", "isas", "unknown"];
    keys.extend(TABLES);
    let fields = Fields::new(root, "an older release", &keys, diags)?;
    let names = fields.names("isas", diags);
    let isas: Vec<String> = names.iter().map(|name| name.value.clone()).collect();
    let mut reader = Reader { isas: all, diags };
    for name in &names {
        reader.known_isa(name);
    }
    let mut reader = Reader { isas: &isas, diags };
    let provenance = reader.origin(&fields)?;
    if let Err(message) = upstream(&provenance.version) {
        let at = fields.text("version", reader.diags)?;
        let label = "expected numbers with dots";
        let diagnostic = Diagnostic::new(message, &at.span, label);
        reader.diags.push(diagnostic);
        return None;
    }
    let mut index = 0;
    let tables = TABLES.map(|name| {
        let pairs = [1, 2, 5].contains(&index);
        index += 1;
        let Some(node) = fields.get(name) else {
            return Table::new();
        };
        reader.table(node, "a value", |r, n| match pairs {
            true => r.pair(n).map(Value::Pair),
            false => r.number(n).map(Value::Number),
        })
    });
    let unknown = match fields.get("unknown") {
        Some(node) => decode::list(node, "`unknown`", diags)
            .iter()
            .filter_map(|node| decode::text(node, "a name", diags))
            .map(|name| name.value)
            .collect(),
        None => BTreeSet::new(),
    };
    Some(Past {
        provenance,
        differing: Flat { isas, tables },
        unknown,
    })
}
