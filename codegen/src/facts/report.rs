//! Differences between releases as text for people: the body of a commit message.

use std::fmt::Write as _;

use super::compare::{Change, Changes, Kind, Value};
use super::upstream;

/// What stands before the list of a section.
const INCOMPATIBLE: &str = "INCOMPATIBLE, which the kernel promises not to be";

/// Lines are kept shorter than this where names allow it.
const WIDTH: usize = 90;

impl Changes {
    /// The report.
    pub fn to_text(&self) -> String {
        let mut out = self.title();
        out.push('\n');
        if self.is_empty() {
            out.push_str("\nNothing changed.\n");
        }
        self.section(&mut out, INCOMPATIBLE, &self.incompatible);
        self.section(&mut out, "Calls that came", &self.calls);
        self.section(
            &mut out,
            "Constants of the specification that came",
            &self.constants,
        );
        self.new_constants(&mut out);
        self.section(
            &mut out,
            "Structs of the specification that came, grew or use their padding",
            &self.structs,
        );
        self.section(
            &mut out,
            "New fields, named nowhere in the specification",
            &self.new_fields,
        );
        self.omitted(&mut out);
        self.section(
            &mut out,
            "Went or changed, but named nowhere in the specification",
            &self.unnamed,
        );
        out
    }

    fn title(&self) -> String {
        let series = |version: &str| match upstream(version) {
            Ok(release) => release.to_string(),
            Err(_) => version.to_owned(),
        };
        let package = |p: &crate::model::Provenance| {
            let suite = p.suite.as_ref().map(|s| format!(" of {s}"));
            format!("{} {}{}", p.package, p.version, suite.unwrap_or_default())
        };
        format!(
            "Facts of Linux {}, after {}\n\nFrom {} to {},\non {}.",
            series(&self.after.version),
            series(&self.before.version),
            package(&self.before),
            package(&self.after),
            self.isas.join(", ")
        )
    }

    fn section(&self, out: &mut String, title: &str, changes: &[Change]) {
        if changes.is_empty() {
            return;
        }
        let _ = writeln!(out, "\n{title} ({}):\n", changes.len());
        for change in changes {
            let _ = writeln!(out, "- {}", self.line(change));
        }
    }

    /// Those of a set in a paragraph, since there may be many.
    fn new_constants(&self, out: &mut String) {
        if self.new_constants.is_empty() {
            return;
        }
        let count = self.new_constants.len();
        let _ = writeln!(
            out,
            "\nNew constants that look like members of sets, named nowhere in the specification ({count}):\n"
        );
        let mut sets: Vec<&Vec<String>> = self.new_constants.iter().map(|c| &c.sets).collect();
        sets.sort();
        sets.dedup();
        for set in sets {
            let members = self.new_constants.iter().filter(|c| c.sets == *set);
            let words = members.map(|change| {
                let values = self.values(change, &change.after);
                format!("{} {values}", change.name)
            });
            paragraph(out, format!("- {}:", set.join(" or ")), words);
        }
    }

    /// Names alone, as nobody has to look at them again.
    fn omitted(&self, out: &mut String) {
        if self.omitted.is_empty() {
            return;
        }
        let _ = writeln!(
            out,
            "\nNew, but left out of the specification on purpose ({}):\n",
            self.omitted.len()
        );
        let words = self.omitted.iter().map(|change| change.name.clone());
        paragraph(out, "-".to_owned(), words);
    }

    /// A change in a line, such as `uprobe: 336 on x86_64 only`.
    fn line(&self, change: &Change) -> String {
        let name = &change.name;
        let pairs = change.before.iter().zip(&change.after);
        let differing: Vec<usize> = pairs
            .enumerate()
            .filter_map(|(isa, (old, new))| (old != new).then_some(isa))
            .collect();
        let mut groups: Vec<(Option<Value>, Option<Value>, Vec<&str>)> = Vec::new();
        for isa in &differing {
            let (old, new) = (change.before[*isa], change.after[*isa]);
            let isa = self.isas[*isa].as_str();
            match groups.iter_mut().find(|(o, n, _)| (*o, *n) == (old, new)) {
                Some((_, _, isas)) => isas.push(isa),
                None => groups.push((old, new, vec![isa])),
            }
        }
        let everywhere = differing.len() == self.isas.len() && groups.len() == 1;
        let parts: Vec<String> = groups
            .iter()
            .map(|(old, new, isas)| {
                let on = match everywhere {
                    true => String::new(),
                    false => format!(" on {}", isas.join(", ")),
                };
                format!("{}{on}", what(change.kind, *old, *new))
            })
            .collect();
        let parts = parts.join("; ");
        // Where it was before on some, and where it is not, is worth saying.
        let lacking = |values: &[Option<Value>]| -> Vec<&str> {
            let isas = self.isas.iter().zip(values);
            let isas = isas.filter(|(_, value)| value.is_none());
            isas.map(|(isa, _)| isa.as_str()).collect()
        };
        let absent = lacking(&change.after);
        let had = change.before.iter().any(Option::is_some);
        let lacked = change.before.iter().any(Option::is_none);
        let all_gone = absent.len() == self.isas.len();
        let note = if change.kind != Kind::Call || all_gone {
            String::new()
        } else if had && lacked && absent.is_empty() {
            "; now on all".to_owned()
        } else if absent.is_empty() {
            String::new()
        } else {
            format!("; not on {}", absent.join(", "))
        };
        format!("{name}: {parts}{note}")
    }

    /// Values where they may differ by ISA.
    fn values(&self, change: &Change, values: &[Option<Value>]) -> String {
        let first = values.iter().flatten().next();
        let same = values.iter().all(|value| value.as_ref() == first);
        if let (Some(first), true) = (first, same) {
            return show(change.kind, *first);
        }
        let isas = self.isas.iter().zip(values);
        let each: Vec<String> = isas
            .filter_map(|(isa, value)| Some(format!("{isa} {}", show(change.kind, (*value)?))))
            .collect();
        format!("({})", each.join(", "))
    }
}

/// Words with commas between, in lines that are not too long.
fn paragraph(out: &mut String, mut line: String, words: impl Iterator<Item = String>) {
    let mut words = words.peekable();
    while let Some(mut word) = words.next() {
        if words.peek().is_some() {
            word.push(',');
        }
        if line.len() + 1 + word.len() > WIDTH {
            let _ = writeln!(out, "{line}");
            line = format!("  {word}");
        } else {
            line = format!("{line} {word}");
        }
    }
    let _ = writeln!(out, "{line}");
}

fn what(kind: Kind, old: Option<Value>, new: Option<Value>) -> String {
    match (old, new) {
        (None, Some(new)) => show(kind, new),
        (Some(old), None) => format!("gone (was {})", show(kind, old)),
        (Some(old), Some(new)) => format!("{} instead of {}", show(kind, new), show(kind, old)),
        (None, None) => "absent".to_owned(),
    }
}

fn show(kind: Kind, value: Value) -> String {
    match (kind, value) {
        (Kind::Constant, Value::Number(number)) if number >= 0x100 => format!("{number:#x}"),
        (_, Value::Number(number)) => number.to_string(),
        (Kind::Struct, Value::Pair([size, align])) => format!("{size} bytes, aligned to {align}"),
        (_, Value::Pair([offset, size])) => format!("{size} bytes at {offset}"),
    }
}
