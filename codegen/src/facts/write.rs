//! Facts as YAML: sorted, one line each, so that a new kernel's difference reads well.

use std::fmt::Write as _;

use super::{FOLDER, Facts, StructFacts};
use crate::model::{Layout, Place, Provenance};
use crate::source::Sources;

const HEADER: &str = "# Written by `wali-codegen facts` from a kernel release; do not edit.\n";

pub(super) fn sources(facts: &Facts) -> Sources {
    Sources::from_memory([
        (format!("{FOLDER}/provenance.yaml"), provenance(facts)),
        (format!("{FOLDER}/syscalls.yaml"), calls(facts)),
        (format!("{FOLDER}/constants.yaml"), constants(facts)),
        (format!("{FOLDER}/structs.yaml"), structs(facts)),
        (format!("{FOLDER}/unnamed.yaml"), unnamed(facts)),
    ])
}

fn provenance(facts: &Facts) -> String {
    format!("{HEADER}\n{}", origin(&facts.provenance, &facts.isas))
}

/// Where facts come from, and what they are about.
pub(super) fn origin(p: &Provenance, isas: &[String]) -> String {
    let suite = p.suite.as_ref().map(|s| format!("suite: {s}\n"));
    format!(
        "package: {}\n{}version: \"{}\"\nsha256: {}\nisas: [{}]\n",
        p.package,
        suite.unwrap_or_default(),
        p.version,
        p.sha256,
        isas.join(", ")
    )
}

fn calls(facts: &Facts) -> String {
    let mut out = format!(
        "{HEADER}# A call's number, broken out where ISAs differ; null where the ISA has no such call.\n\n"
    );
    let mut calls: Vec<_> = facts.calls.iter().collect();
    // In the order of the first ISA's table, then the calls it lacks.
    calls.sort_by_key(|(name, numbers)| (first(numbers).unwrap_or(u32::MAX), *name));
    for (name, numbers) in calls {
        line(
            &mut out,
            "",
            name,
            &per_isa(&facts.isas, numbers, |n| n.to_string()),
        );
    }
    out
}

fn first<T: Copy>(values: &[Option<T>]) -> Option<T> {
    values.first().copied().flatten()
}

fn constants(facts: &Facts) -> String {
    let mut out = format!(
        "{HEADER}# A constant's value, broken out where ISAs differ; null where the ISA has no such constant.\n\n"
    );
    for (name, values) in &facts.constants {
        line(
            &mut out,
            "",
            name,
            &per_isa(&facts.isas, values, |v| number(*v)),
        );
    }
    out
}

/// Large values in hexadecimal: they are masks.
pub(super) fn number(value: i64) -> String {
    if value >= 0x100 {
        format!("{value:#x}")
    } else {
        value.to_string()
    }
}

fn structs(facts: &Facts) -> String {
    let mut out = format!(
        "{HEADER}# Layouts in bytes: [size, alignment] of a struct, [offset, size] of a field;\n\
         # broken out where ISAs differ, null where the ISA has no such struct or field.\n"
    );
    for (name, facts_of) in &facts.structs {
        structure(&mut out, facts, name, facts_of);
    }
    out
}

fn structure(out: &mut String, facts: &Facts, name: &str, of: &StructFacts) {
    let layout = |l: &Layout| format!("[{}, {}]", l.size, l.align);
    let place = |p: &Place| format!("[{}, {}]", p.offset, p.size);
    let _ = writeln!(out, "\n{name}:");
    line(
        out,
        "  ",
        "layout",
        &per_isa(&facts.isas, &of.layout, layout),
    );
    let _ = writeln!(out, "  fields:");
    for (field, places) in &of.fields {
        line(out, "    ", field, &per_isa(&facts.isas, places, place));
    }
}

fn unnamed(facts: &Facts) -> String {
    let mut out = format!(
        "{HEADER}# What the headers have and the specification does not name: constants that look like\n\
         # members of its sets, and fields, so that those of a new kernel show.\n"
    );
    if !facts.unnamed.constants.is_empty() {
        out.push_str("\nconstants:\n");
        for (name, values) in &facts.unnamed.constants {
            line(
                &mut out,
                "  ",
                name,
                &per_isa(&facts.isas, values, |v| number(*v)),
            );
        }
    }
    if !facts.unnamed.fields.is_empty() {
        out.push_str("\nfields:\n");
        for (name, places) in &facts.unnamed.fields {
            let place = |p: &Place| format!("[{}, {}]", p.offset, p.size);
            line(&mut out, "  ", name, &per_isa(&facts.isas, places, place));
        }
    }
    out
}

pub(super) fn line(out: &mut String, indent: &str, name: &str, value: &str) {
    let _ = writeln!(out, "{indent}{name}: {value}");
}

/// One value if it is the same everywhere, otherwise one for each ISA.
pub(super) fn per_isa<T: PartialEq>(
    isas: &[String],
    values: &[Option<T>],
    show: impl Fn(&T) -> String,
) -> String {
    let show = |value: &Option<T>| value.as_ref().map_or_else(|| "null".to_owned(), &show);
    match values.split_first() {
        Some((first, rest)) if rest.iter().all(|v| v == first) => show(first),
        _ => {
            let each = isas.iter().zip(values);
            let each: Vec<String> = each
                .map(|(isa, value)| format!("{isa}: {}", show(value)))
                .collect();
            format!("{{ {} }}", each.join(", "))
        }
    }
}

/// Names, one a line.
pub(super) fn list<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    let lines = names.into_iter().map(|name| format!("  - {name}\n"));
    lines.collect()
}
