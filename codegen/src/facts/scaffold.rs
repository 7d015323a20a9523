//! Entries for calls that are new: what can be known without thinking, put into the files that
//! people write without touching anything else in them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::prototypes::{Origin, Param, Prototype, Prototypes};
use super::{Facts, upstream};
use crate::intent::Intent;
use crate::source::{Source, Sources};

/// The folder of the calls, in a specification.
const CALLS: &str = "syscalls";
/// The family of calls that no rule puts anywhere.
const NEW: &str = "new";
const NEW_HEADER: &str =
    "# Calls of new kernels that belong to no family by their names alone: move them.\n";

/// How long lines of comments get.
const WIDTH: usize = 98;

/// Keys of an entry, which arguments cannot be named as.
const RESERVED: [&str; 2] = ["args", "returns"];

/// An entry for a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scaffold {
    /// The call.
    pub name: String,
    /// The file of its family, relative to the specification's folder.
    pub path: String,
    /// The call whose entry it comes after; the file's end if there is none.
    pub after: Option<String>,
    /// Whether a prototype was known.
    pub known: bool,
    text: String,
}

/// Entries for all calls that have none, in the order of their numbers.
/// They came after the release `before`.
pub fn entries(
    intent: &Intent,
    facts: &Facts,
    before: &str,
    prototypes: &Prototypes,
) -> Vec<Scaffold> {
    let new = facts
        .calls
        .iter()
        .filter(|(name, _)| !intent.calls.contains_key(*name) && !intent.broken.contains(*name));
    let mut new: Vec<(&String, u32)> = new
        .map(|(name, numbers)| (name, numbers.iter().flatten().copied().max().unwrap_or(0)))
        .collect();
    new.sort_by_key(|(name, number)| (*number, *name));
    let release = match upstream(before) {
        Ok(release) => format!("Linux {release}"),
        Err(_) => format!("the kernel of {before}"),
    };
    let entries = new.into_iter().map(|(name, _)| {
        let (family, after) = family(intent, name);
        let prototype = prototypes.0.get(name);
        Scaffold {
            name: name.clone(),
            path: format!("{CALLS}/{family}.yaml"),
            after,
            known: prototype.is_some(),
            text: entry(intent, name, prototype, &release),
        }
    });
    entries.collect()
}

/// The family of a call, and the call whose entry it should come after.
///
/// 1. A call of the same name but for `f` or `l` before it, `at` or a number after it: `fchroot`
///    goes with `chroot`.
/// 2. The call with the longest name that begins this one, of four letters at least:
///    `open_tree_attr` goes with `open_tree`.
/// 3. The family that is named as its first word: `file_getattr` goes into `file.yaml`.
/// 4. Otherwise `new.yaml`.
fn family(intent: &Intent, name: &str) -> (String, Option<String>) {
    let bare = |name: &str| {
        let name = name.trim_end_matches(|c: char| c.is_ascii_digit());
        name.strip_suffix("at").unwrap_or(name).to_owned()
    };
    let stems = [Some(name), name.strip_prefix('f'), name.strip_prefix('l')];
    let stems: Vec<String> = stems.into_iter().flatten().map(bare).collect();
    let same = stems.iter().find_map(|stem| intent.calls.get(stem));
    let begun = || {
        let calls = intent.calls.values();
        let begin = calls.filter(|c| c.name.value.len() > 3 && name.starts_with(&c.name.value));
        begin.max_by_key(|call| call.name.value.len())
    };
    if let Some(call) = same.or_else(begun) {
        return (call.family.clone(), Some(call.name.value.clone()));
    }
    let word = name.split('_').next().unwrap_or(name);
    match intent.calls.values().any(|call| call.family == word) {
        true => (word.to_owned(), None),
        false => (NEW.to_owned(), None),
    }
}

fn entry(intent: &Intent, name: &str, prototype: Option<&Prototype>, release: &str) -> String {
    let mut out = String::new();
    match prototype {
        Some(prototype) => {
            let params: Vec<String> = prototype.params.iter().map(c).collect();
            let params = match params.is_empty() {
                true => "void".to_owned(),
                false => params.join(", "),
            };
            let origin = match prototype.origin {
                Origin::Kernel => "",
                Origin::Manual => "its manual page, ",
            };
            out.push_str(&comment(&format!(
                "To be reviewed: a guess from {origin}{name}({params})."
            )));
        }
        None => {
            let _ = writeln!(
                out,
                "# To be reviewed: neither the kernel's prototype nor a manual page was at hand."
            );
        }
    }
    let _ = writeln!(
        out,
        "{name}:\n  doc: Came after {release}; not described yet."
    );
    match prototype.map(|p| p.params.as_slice()) {
        None => {}
        Some([]) => out.push_str("  args: {}\n"),
        Some(params) => {
            out.push_str("  args:\n");
            for (index, param) in params.iter().enumerate() {
                let rest = &params[index + 1..];
                let _ = writeln!(
                    out,
                    "    {}: {}",
                    arg_name(param),
                    arg_type(intent, param, rest)
                );
            }
        }
    }
    let _ = writeln!(
        out,
        "  refuse: ENOSYS\n  because: it came after {release}, and nobody has looked at it yet"
    );
    out
}

/// Text in lines of a comment.
fn comment(text: &str) -> String {
    let mut out = String::new();
    let mut line = String::from("#");
    for word in text.split(' ') {
        if line.len() + word.len() > WIDTH {
            let _ = writeln!(out, "{line}");
            line = String::from("#  ");
        }
        let _ = write!(line, " {word}");
    }
    let _ = writeln!(out, "{line}");
    out
}

/// A parameter as C has it.
fn c(param: &Param) -> String {
    let constant = if param.constant { "const " } else { "" };
    let space = format!(" {}", "*".repeat(param.pointers));
    format!("{constant}{}{space}{}", param.ty, param.name)
}

fn arg_name(param: &Param) -> String {
    let name = param.name.trim_start_matches('_').to_lowercase();
    match RESERVED.contains(&name.as_str()) {
        true => format!("{name}_"),
        false => name,
    }
}

/// The likeliest type in the specification's words.
fn arg_type(intent: &Intent, param: &Param, rest: &[Param]) -> String {
    let scalar = scalar(intent, &param.ty);
    if param.pointers == 0 {
        return match (scalar.as_str(), param.name.ends_with("fd")) {
            ("int" | "uint", true) if intent.scalars.contains_key("fd") => "fd".to_owned(),
            _ => scalar,
        };
    }
    let dir = match (param.constant, param.ty.as_str()) {
        (true, _) => "in",
        (false, ty) if ty.starts_with("struct ") => "inout",
        (false, _) => "out",
    };
    if param.pointers > 1 {
        return "addr".to_owned();
    }
    // What follows and is a size is this one's.
    let size = rest.first().filter(|next| {
        let words = ["size", "len", "nr", "count", "nr_", "num"];
        let says = words.iter().any(|w| next.name.contains(w)) || next.ty == "size_t";
        next.pointers == 0 && says
    });
    match (param.ty.as_str(), size) {
        ("char", _) if param.constant && names_a_path(&param.name) => "path".to_owned(),
        ("char", _) if param.constant => "string".to_owned(),
        ("char" | "void" | "u8", Some(size)) => {
            format!("{{ {dir}: bytes, len: {} }}", arg_name(size))
        }
        (ty, Some(size)) if ty.starts_with("struct ") => {
            format!("{{ {dir}: bytes, len: {} }}", arg_name(size))
        }
        (ty, None) if ty.starts_with("struct ") => {
            let mut structs = intent.structs.values();
            match structs.find(|s| s.c.value == ty) {
                Some(s) => format!("{{ {dir}: struct {} }}", s.name.value),
                None => "addr".to_owned(),
            }
        }
        ("char" | "void", None) => "addr".to_owned(),
        (_, Some(size)) => format!("{{ {dir}: array of {scalar}, count: {} }}", arg_name(size)),
        (_, None) => format!("{{ {dir}: {scalar} }}"),
    }
}

fn names_a_path(name: &str) -> bool {
    ["path", "file"].iter().any(|word| name.contains(word))
}

/// The scalar that C calls so; a register's width where there is none.
fn scalar(intent: &Intent, ty: &str) -> String {
    let ty = ty.trim_start_matches('_');
    let known = match ty {
        "unsigned" | "unsigned int" => "uint",
        "unsigned long" => "ulong",
        "unsigned short" => "ushort",
        "umode_t" => "mode_t",
        other => other,
    };
    let by_c = || intent.scalars.values().find(|scalar| scalar.c == known);
    if intent.scalars.contains_key(known) {
        known.to_owned()
    } else if let Some(scalar) = by_c() {
        scalar.name.value.clone()
    } else {
        "ulong".to_owned()
    }
}

/// The files with entries put into them; the rest of their text is as it was.
pub fn insert(sources: &Sources, entries: &[Scaffold]) -> Vec<Source> {
    let mut files: BTreeMap<&str, String> = BTreeMap::new();
    // What was put in last after a call, so that the next one comes after that.
    let mut last: BTreeMap<&str, &str> = BTreeMap::new();
    for entry in entries {
        let old = sources.files.iter().find(|file| file.path == entry.path);
        let text = files
            .entry(&entry.path)
            .or_insert_with(|| old.map_or_else(|| NEW_HEADER.to_owned(), |file| file.text.clone()));
        let at = match &entry.after {
            Some(anchor) => {
                let after = last.insert(anchor, &entry.name).unwrap_or(anchor);
                end_of_entry(text, after)
            }
            None => text.len(),
        };
        let gap = match text[..at].ends_with('\n') {
            true => "\n",
            false => "\n\n",
        };
        text.insert_str(at, &format!("{gap}{}", entry.text));
    }
    let files = files.into_iter().map(|(path, text)| Source {
        path: path.to_owned(),
        text,
    });
    files.collect()
}

/// The end of the line that ends an entry at the file's top level.
fn end_of_entry(text: &str, name: &str) -> usize {
    let mut at = 0;
    let mut end = None;
    for line in text.split_inclusive('\n') {
        let begins = !line.starts_with([' ', '#', '\n', '\r']);
        match end {
            None if begins && line.split(':').next() == Some(name) => end = Some(at + line.len()),
            Some(_) if begins => break,
            // Comments and empty lines count if the entry goes on after them.
            Some(_) if line.starts_with(' ') && !line.trim().is_empty() => {
                end = Some(at + line.len());
            }
            _ => {}
        }
        at += line.len();
    }
    end.unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_ends_before_what_belongs_to_the_next() {
        let text = "# Top.\none: { doc: a }\n\n# Of two.\ntwo:\n  doc: b\n\n  # Inside.\n  args: {}\n\n\
                    # Of three.\nthree:\n  doc: c";
        let end = |name| &text[..end_of_entry(text, name)];
        assert!(end("one").ends_with("{ doc: a }\n"));
        assert!(end("two").ends_with("args: {}\n"));
        assert_eq!(end("three"), text);
    }

    #[test]
    fn entries_come_in_order_and_move_nothing_else() {
        let text = "# Top.\none:\n  doc: a # odd\n\n# Of two.\ntwo: { doc:   b }";
        let sources = Sources::from_memory([("syscalls/x.yaml", text)]);
        let entry = |name: &str, path: &str, after: Option<&str>| Scaffold {
            name: name.to_owned(),
            path: path.to_owned(),
            after: after.map(str::to_owned),
            known: false,
            text: format!("{name}:\n  doc: new\n"),
        };
        let files = insert(
            &sources,
            &[
                entry("one_a", "syscalls/x.yaml", Some("one")),
                entry("one_b", "syscalls/x.yaml", Some("one")),
                entry("last", "syscalls/x.yaml", None),
                entry("alone", "syscalls/new.yaml", None),
            ],
        );
        let expected = "# Top.\none:\n  doc: a # odd\n\none_a:\n  doc: new\n\none_b:\n  doc: new\n\n\
                        # Of two.\ntwo: { doc:   b }\n\nlast:\n  doc: new\n";
        assert_eq!(files[1].text, expected);
        assert_eq!(files[0].path, "syscalls/new.yaml");
        assert_eq!(files[0].text, format!("{NEW_HEADER}\nalone:\n  doc: new\n"));
    }
}
