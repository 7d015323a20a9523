//! What the headers have beside that which the specification names: constants that look like
//! members of its sets, and fields of its structs.
//!
//! A kernel's new flags and fields would not show otherwise, since only what is named is asked for.

use std::collections::{BTreeMap, BTreeSet};

use crate::intent::Intent;
use crate::intent::types::SetIntent;
use crate::model::Place;

/// How names of a family begin, and in which headers they stand.
pub(super) struct Family<'a> {
    /// The set.
    set: &'a str,
    prefixes: Vec<String>,
    headers: BTreeSet<(&'a str, &'a str)>,
}

/// Sets smaller than this do not tell what their members' names have in common, unless an
/// underscore ends it.
const TELLING: usize = 5;

impl<'a> Family<'a> {
    fn of(set: &'a SetIntent) -> Family<'a> {
        let names: Vec<&str> = set.members.iter().map(|name| name.value.as_str()).collect();
        Family {
            set: &set.name.value,
            prefixes: prefixes(&names),
            headers: set.headers.iter().map(|h| split(&h.value)).collect(),
        }
    }

    /// Whether a name that stands in a header may be a member.
    fn has(&self, name: &str, header: (&str, &str)) -> bool {
        self.prefixes.iter().any(|p| name.starts_with(p.as_str()))
            && self.headers.iter().any(|own| same_header(*own, header))
    }
}

/// Folder and name of a header without `.h`.
fn split(header: &str) -> (&str, &str) {
    let (folder, file) = header.rsplit_once('/').unwrap_or(("", header));
    (folder, file.strip_suffix(".h").unwrap_or(file))
}

/// Whether a header is another, or stands behind it: `asm/mman.h` includes
/// `asm-generic/mman-common.h`, and `linux/fcntl.h` is `asm/fcntl.h` and more.
fn same_header(own: (&str, &str), other: (&str, &str)) -> bool {
    if own == other {
        return true;
    }
    let shared = |folder: &str| ["linux", "asm", "asm-generic"].contains(&folder);
    let generic = other.0 == "asm-generic"
        && other
            .1
            .strip_prefix(own.1)
            .is_some_and(|rest| rest.starts_with('-'));
    shared(own.0) && shared(other.0) && (own.1 == other.1 || generic)
}

/// What the names have in common, up to an underscore if there is one; otherwise the words that
/// several of them begin with.
fn prefixes(names: &[&str]) -> Vec<String> {
    let [first, rest @ ..] = names else {
        return Vec::new();
    };
    let common = rest.iter().fold(*first, |common, name| {
        let same = common.bytes().zip(name.bytes());
        let length = same.take_while(|(a, b)| a == b).count();
        &common[..length]
    });
    match common.rfind('_') {
        Some(end @ 1..) if names.len() > 1 => return vec![common[..=end].to_owned()],
        _ if names.len() >= TELLING && !common.is_empty() => return vec![common.to_owned()],
        _ => {}
    }
    let mut words: BTreeMap<&str, usize> = BTreeMap::new();
    for name in names {
        if let Some(end @ 1..) = name.find('_') {
            *words.entry(&name[..=end]).or_default() += 1;
        }
    }
    let several = words.into_iter().filter(|(_, count)| *count > 1);
    several.map(|(word, _)| word.to_owned()).collect()
}

/// The sets that a constant may belong into, by its name alone.
pub fn likely_sets<'a>(intent: &'a Intent, name: &str) -> Vec<&'a str> {
    let begins = |f: &Family| f.prefixes.iter().any(|p| name.starts_with(p.as_str()));
    let mut families: Vec<Family> = families(intent).into_iter().filter(begins).collect();
    // What has more of the name in common is likelier.
    let common = |f: &Family| {
        let own = f.prefixes.iter().filter(|p| name.starts_with(p.as_str()));
        own.map(String::len).max()
    };
    let longest = families.iter().filter_map(common).max();
    families.retain(|f| common(f) == longest);
    families.iter().map(|f| f.set).collect()
}

/// The families of all sets.
pub(super) fn families(intent: &Intent) -> Vec<Family<'_>> {
    intent.sets.values().map(Family::of).collect()
}

/// The names in preprocessed text (`clang -E -dD`) that belong to a family and to no set.
pub(super) fn unnamed(
    text: &str,
    families: &[Family],
    named: &BTreeSet<String>,
) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut header = ("", "");
    let mut enums = Enumerators::default();
    for line in text.lines() {
        let line = line.trim();
        let mut take = |name: &str| {
            if !named.contains(name) && families.iter().any(|f| f.has(name, header)) {
                found.insert(name.to_owned());
            }
        };
        if let Some(marker) = line.strip_prefix("# ") {
            if let Some(path) = marker.split('"').nth(1) {
                let folder_at = path.rfind('/').map_or(0, |file| {
                    path[..file].rfind('/').map_or(0, |folder| folder + 1)
                });
                header = split(&path[folder_at..]);
            }
        } else if let Some(macro_) = line.strip_prefix("#define ") {
            let (name, body) = macro_.split_once(' ').unwrap_or((macro_, ""));
            if !name.contains('(') && may_be_number(body) {
                take(name);
            }
        } else if !line.starts_with('#') {
            enums.read(line, &mut take);
        }
    }
    found
}

/// Whether the body of a macro may be an expression: what is none could spoil the questions
/// after it.
fn may_be_number(body: &str) -> bool {
    let mut depth = 0;
    for c in body.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            '{' | '}' | ';' | '"' | '#' | '=' | '.' => return false,
            _ => {}
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0 && !body.trim().is_empty()
}

/// Finds the names in the bodies of enumerations, in tokens that come line by line.
#[derive(Default)]
struct Enumerators {
    state: State,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Outside of enumerations.
    #[default]
    Outside,
    /// After `enum`, before its brace.
    Head,
    /// Where a name is expected.
    Name,
    /// After a name, within so many parentheses.
    Value(u32),
}

impl Enumerators {
    fn read(&mut self, line: &str, take: &mut impl FnMut(&str)) {
        let mut rest = line;
        while let Some(c) = rest.chars().next() {
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if word(c) {
                let end = rest.find(|c| !word(c)).unwrap_or(rest.len());
                let (token, after) = rest.split_at(end);
                rest = after;
                self.state = match self.state {
                    State::Outside if token == "enum" => State::Head,
                    State::Name => {
                        take(token);
                        State::Value(0)
                    }
                    other => other,
                };
                continue;
            }
            rest = &rest[c.len_utf8()..];
            self.state = match (self.state, c) {
                (State::Head, '{') | (State::Value(0), ',') => State::Name,
                (State::Head, c) if !c.is_whitespace() => State::Outside,
                (State::Value(depth), '(') => State::Value(depth + 1),
                (State::Value(depth @ 1..), ')') => State::Value(depth - 1),
                (State::Name | State::Value(0), '}') => State::Outside,
                (other, _) => other,
            };
        }
    }
}

/// The fields of each record in what `clang -fdump-record-layouts` prints, by the type's name;
/// those of parts without a name are the record's own.
pub(super) fn fields(dump: &str) -> BTreeMap<String, Vec<String>> {
    let mut records: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut record: Option<(String, Vec<String>)> = None;
    // How deep the fields are that belong to the record: deeper ones are a field's.
    let mut own = 1;
    for line in dump.lines() {
        if line.starts_with("*** Dumping") {
            record = None;
            continue;
        }
        let Some((place, text)) = line.split_once(" | ") else {
            continue;
        };
        let text = text.trim_end();
        if place.trim().is_empty() {
            records.extend(record.take());
            continue;
        }
        let depth = (text.len() - text.trim_start().len()) / 2;
        let text = text.trim_start();
        let Some((_, fields)) = &mut record else {
            record = Some((text.to_owned(), Vec::new()));
            own = 1;
            continue;
        };
        own = own.min(depth);
        if depth > own {
            continue;
        }
        // `union x::(anonymous at file.h:1:2)` has no name after it.
        if text.ends_with(')') {
            own = depth + 1;
        } else if let Some((_, name)) = text.rsplit_once(' ') {
            fields.push(name.to_owned());
        }
    }
    records
}

/// Whether a field lies where others have it covered: another name for them in a union.
pub(super) fn covered(place: Place, others: &[Place]) -> bool {
    let mut others: Vec<Place> = others.to_vec();
    others.sort_by_key(|other| other.offset);
    let end = place.offset + place.size;
    let reached = others.iter().fold(place.offset, |reached, other| {
        if other.offset <= reached {
            reached.max(other.offset + other.size)
        } else {
            reached
        }
    });
    reached >= end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_known_by_what_names_have_in_common() {
        for (names, expected) in [
            (&["MAP_SHARED", "MAP_FIXED"][..], &["MAP_"][..]),
            (&["E2BIG", "EACCES", "EAGAIN", "EBADF", "EIO"], &["E"]),
            (&["E2BIG", "EACCES"], &[]),
            (&["MAP_TYPE"], &[]),
            (&["BLKROSET", "FS_IOC_A", "FS_IOC_B", "TCGETS"], &["FS_"]),
            (&["__O_SYNC", "O_SYNC", "O_PATH"], &["O_"]),
            (&[], &[]),
        ] {
            assert_eq!(prefixes(names), expected, "{names:?}");
        }
    }

    #[test]
    fn names_are_found_in_macros_and_enumerations() {
        let text = "# 1 \"/x/usr/include/asm-generic/mman-common.h\" 1 3\n\
            #define MAP_NEW 0x10\n#define MAP_NAMED 1\n#define MAP_CALL(x) 1\n#define MAP_TEXT \"a\"\n\
            #define MAP_OPEN (\n#define MAP_EMPTY\n\
            enum kind {\n MAP_ONE = (1, 2),\n MAP_TWO\n};\nenum kind MAP_variable;\nint MAP_no;\n\
            enum { MAP_LAST, };\n\
            # 1 \"/x/usr/include/linux/other.h\" 1 3\n#define MAP_OTHER 1\n";
        let family = Family {
            set: "map_flags",
            prefixes: vec!["MAP_".to_owned()],
            headers: BTreeSet::from([("asm", "mman")]),
        };
        let named = BTreeSet::from(["MAP_NAMED".to_owned()]);
        let found = unnamed(text, &[family], &named);
        let found: Vec<&str> = found.iter().map(String::as_str).collect();
        assert_eq!(found, ["MAP_LAST", "MAP_NEW", "MAP_ONE", "MAP_TWO"]);
    }

    #[test]
    fn fields_of_parts_without_a_name_are_the_records() {
        let dump = "\n*** Dumping AST Record Layout\n\
            \x20        0 | struct thing\n\
            \x20        0 |   __u32 first\n\
            \x20        8 |   union thing::(anonymous at x.h:1:2)\n\
            \x20        8 |     __u64 one\n\
            \x20        8 |     struct pair two\n\
            \x20        8 |       int deep\n\
            \x20       16 |   struct pair other\n\
            \x20       16 |     int deep\n\
            \x20   24:0-3 |   unsigned int bits\n\
            \x20       32 |   int[4] last\n\
            \x20          | [sizeof=48, align=8]\n";
        let records = fields(dump);
        assert_eq!(
            records["struct thing"],
            ["first", "one", "two", "other", "bits", "last"]
        );
    }

    #[test]
    fn a_field_in_place_of_others_is_no_new_one() {
        let place = |offset, size| Place { offset, size };
        let others = [place(4, 4), place(0, 4)];
        assert!(covered(place(0, 8), &others));
        assert!(covered(place(4, 2), &others));
        assert!(!covered(place(4, 8), &others));
        assert!(!covered(place(8, 4), &others));
    }
}
