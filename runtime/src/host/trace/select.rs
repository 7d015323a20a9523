//! Which calls are traced: a list of names and families, some with `!`.

use std::collections::BTreeSet;

use wali_arch::tables::x86_64::Sysno;

use super::special;
use crate::host::Thread;
use crate::host::bindings::table;
use crate::host::meta::{ArgType, Call, Pointee, Role};

/// The family of what is no system call.
const AUX: &str = "aux";

/// What the names of system calls' imports begin with.
const SYSCALL: &str = "SYS_";

/// The calls that are traced.
#[derive(Debug, Clone)]
pub struct Selection {
    /// Kernel names, or imports' where those are no system calls.
    names: BTreeSet<&'static str>,
    /// Whether system calls that nobody knows are traced.
    unknown: bool,
}

impl Selection {
    /// Every system call.
    pub fn all() -> Selection {
        let described = calls().filter(|call| call.family != AUX);
        let names = described.map(|call| call.name);
        Selection {
            names: names
                .chain(Sysno::ALL.iter().map(|call| call.name()))
                .collect(),
            unknown: true,
        }
    }

    /// The calls that a list names: `openat,%net,!sendto`. A list that begins by leaving
    /// something out begins with all.
    ///
    /// # Errors
    /// Says what is no name, and what was probably meant.
    pub fn parse(list: &str) -> Result<Selection, String> {
        let items: Vec<&str> = list.split(',').map(str::trim).collect();
        let mut selection = match items.first() {
            Some(item) if item.starts_with('!') => Selection::all(),
            _ => Selection {
                names: BTreeSet::new(),
                unknown: false,
            },
        };
        for item in items {
            let (name, on) = match item.strip_prefix('!') {
                Some(name) => (name, false),
                None => (item, true),
            };
            let names = match name {
                "all" => {
                    selection.unknown = on;
                    Selection::all().names
                }
                _ => named(name)?,
            };
            if on {
                selection.names.extend(names);
            } else {
                selection.names.retain(|name| !names.contains(name));
            }
        }
        Ok(selection)
    }

    /// Whether a described call is traced.
    pub fn has(&self, call: &Call) -> bool {
        self.names.contains(call.name)
    }

    /// Whether an import is traced that is not described.
    pub fn has_unknown(&self, import: &str) -> bool {
        let name = import.strip_prefix(SYSCALL).unwrap_or(import);
        self.names.contains(name) || (self.unknown && Sysno::ALL.iter().all(|s| s.name() != name))
    }
}

/// Every described call, with a row for each name that it can be imported by.
fn rows() -> impl Iterator<Item = (&'static str, &'static Call)> {
    table::<Thread>()
        .iter()
        .map(|binding| (binding.import, binding.meta))
}

fn calls() -> impl Iterator<Item = &'static Call> {
    rows().map(|(_, call)| call)
}

/// The calls of a name or family.
fn named(item: &str) -> Result<BTreeSet<&'static str>, String> {
    if let Some(family) = item.strip_prefix('%') {
        let family = match family {
            "network" => "net",
            "desc" => "fd",
            family => family,
        };
        let names: BTreeSet<_> = calls()
            .filter(|call| belongs(call, family))
            .map(|call| call.name)
            .collect();
        if names.is_empty() {
            let families = calls().map(|call| call.family).collect::<BTreeSet<_>>();
            let families: Vec<String> = families.iter().map(|name| format!("%{name}")).collect();
            let hint = closest(item, families.iter().map(String::as_str));
            let hint = hint.unwrap_or_else(|| format!("there are {}", families.join(", ")));
            return Err(format!("there is no family `{item}`; {hint}"));
        }
        return Ok(names);
    }
    let name = item.strip_prefix(SYSCALL).unwrap_or(item);
    let imported = rows().find(|(import, call)| {
        call.name == name || *import == item || import.strip_prefix(SYSCALL) == Some(name)
    });
    let kernel = || Sysno::ALL.iter().map(|call| call.name());
    let found = imported
        .map(|(_, call)| call.name)
        .or_else(|| kernel().find(|known| *known == name));
    match found {
        Some(name) => Ok(BTreeSet::from([name])),
        None if item.is_empty() => Err("a name is missing in the list of calls".to_owned()),
        None => {
            let hint = closest(name, calls().map(|call| call.name).chain(kernel()));
            let hint = hint.map_or_else(String::new, |hint| format!("; {hint}"));
            Err(format!("there is no call `{item}`{hint}"))
        }
    }
}

/// Whether a call is of a family. `%file` has all that takes a file's name, and `%fd` all that
/// takes a descriptor, as strace has it.
fn belongs(call: &Call, family: &str) -> bool {
    let descriptor = || {
        call.args.iter().any(|arg| match &arg.ty {
            ArgType::Value(scalar) | ArgType::Flags(scalar, _) => scalar.role == Role::Descriptor,
            ArgType::Pointer(_, Pointee::Scalar(scalar)) => scalar.role == Role::Descriptor,
            ArgType::Pointer(..) | ArgType::Unused => false,
        })
    };
    call.family == family
        || (call.family != AUX
            && match family {
                "file" => special::has_path(call),
                "fd" => descriptor(),
                _ => false,
            })
}

/// The name that was probably meant.
fn closest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let near = known.map(|name| (strsim::damerau_levenshtein(wrong, name), name));
    let (distance, name) = near.min()?;
    (distance <= 1 + wrong.len() / 4).then(|| format!("did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &str) -> BTreeSet<&'static str> {
        Selection::parse(list)
            .unwrap_or_else(|e| panic!("{e}"))
            .names
    }

    #[test]
    fn names_families_and_negation() {
        assert_eq!(names("read,SYS_write"), BTreeSet::from(["read", "write"]));
        // Aliases mean the call.
        assert_eq!(names("fstatat"), BTreeSet::from(["newfstatat"]));
        let file = names("%file,!stat");
        assert!(file.contains("openat") && file.contains("mkdir"));
        assert!(!file.contains("stat") && !file.contains("read"));
        let most = Selection::parse("!read").unwrap();
        assert!(most.names.contains("write") && !most.names.contains("read"));
        assert!(most.has_unknown("SYS_no_such_call") && !most.names.contains("__init"));
        assert!(names("%aux").contains("__init") && !names("%aux").contains("read"));
        assert_eq!(names("__init"), BTreeSet::from(["__init"]));
        assert!(
            !Selection::parse("read")
                .unwrap()
                .has_unknown("SYS_no_such_call")
        );
        assert!(names("%memory").contains("mmap"));
    }

    #[test]
    fn mistakes_are_explained() {
        let mistake = |list| Selection::parse(list).unwrap_err();
        assert_eq!(
            mistake("raed"),
            "there is no call `raed`; did you mean `read`?"
        );
        assert!(mistake("%flie").contains("did you mean `%file`?"));
        assert!(mistake("%nonsense").contains("there are %aux, "));
        assert!(mistake("read,").contains("missing"));
        assert!(mistake("nothing_like_a_call").contains("no call"));
    }
}
