//! The pages of constants and structures.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::MARK;
use crate::model::{Dir, Element, FieldType, FlagSet, Release, Since, Spec, Struct};

/// Every set with its members' values.
pub(super) fn constants(spec: &Spec) -> String {
    let mut out = format!(
        "{MARK}# Constants\n\n[All calls](README.md)\n\n\
         Values are the guest's, on every ISA.\n"
    );
    for set in spec.flag_sets.values() {
        constant_set(&mut out, spec, set);
    }
    out
}

/// Adds the section of a set.
pub(in crate::emit) fn constant_set(out: &mut String, spec: &Spec, set: &FlagSet) {
    let _ = write!(out, "\n## `{}`\n\n", set.name);
    if let Some(doc) = &set.doc {
        let _ = write!(out, "{doc} ");
    }
    let _ = write!(
        out,
        "{}\n\n",
        if set.bits {
            "Values combine by or."
        } else {
            "One at a time."
        }
    );
    members(out, spec, set);
}

fn members(out: &mut String, spec: &Spec, set: &FlagSet) {
    // A column for each ISA on which a value is not the guest's.
    let others: Vec<usize> = (0..spec.isas.len())
        .filter(|isa| set.members.iter().any(|m| m.host.0[*isa] != Some(m.guest)))
        .collect();
    out.push_str("| constant | value |");
    for isa in &others {
        let _ = write!(out, " {} |", spec.isas[*isa].name);
    }
    let _ = writeln!(out, "\n|---|--:|{}", "--:|".repeat(others.len()));
    let value = |value: i64| match set.bits || value > 0xffff {
        true => format!("{value:#x}"),
        false => value.to_string(),
    };
    for member in &set.members {
        let _ = write!(out, "| `{}` | {} |", member.name, value(member.guest));
        for isa in &others {
            let text = match member.host.0[*isa] {
                None => "–".to_owned(),
                Some(host) if host == member.guest => String::new(),
                Some(host) => value(host),
            };
            let _ = write!(out, " {text} |");
        }
        out.push('\n');
    }
    // Most are older than all that is known.
    let mut late: BTreeMap<(Release, Release), Vec<String>> = BTreeMap::new();
    for member in &set.members {
        if let Some(Since::Between { after, by }) = member.since
            && let Some(after) = after
        {
            let names = late.entry((by, after)).or_default();
            names.push(format!("`{}`", member.name));
        }
    }
    for ((by, after), names) in late {
        let since = Since::Between {
            after: Some(after),
            by,
        };
        let _ = writeln!(out, "\nSince Linux {since}: {}.", names.join(", "));
    }
}

/// Every structure with its fields.
pub(super) fn structures(spec: &Spec) -> String {
    let mut out = format!(
        "{MARK}# Structures\n\n[All calls](README.md)\n\n\
         Offsets and sizes are the guest's, in bytes; ISAs stand beside where theirs are others.\n"
    );
    for s in spec.structs.values() {
        structure(&mut out, spec, s);
    }
    out
}

/// Adds the section of a structure.
pub(in crate::emit) fn structure(out: &mut String, spec: &Spec, s: &Struct) {
    let _ = write!(out, "\n## `{}`\n\n", s.name);
    if let Some(doc) = &s.doc {
        let _ = write!(out, "{doc} ");
    }
    let spelling = if s.c == format!("struct {}", s.name) {
        String::new()
    } else {
        format!("In the kernel's headers `{}`. ", s.c)
    };
    let converted: Vec<&str> = (0..spec.isas.len())
        .filter(|isa| s.converts_on(*isa, spec))
        .map(|isa| spec.isas[isa].name.as_str())
        .collect();
    let converted = if converted.is_empty() {
        "the same everywhere".to_owned()
    } else {
        format!("converted on {}", converted.join(", "))
    };
    let packed = if s.packed { ", packed" } else { "" };
    let _ = write!(
        out,
        "{spelling}{} bytes{packed}, {converted}.\n\n",
        s.guest.size
    );
    fields(out, spec, s);
}

fn fields(out: &mut String, spec: &Spec, s: &Struct) {
    // A column for each ISA whose offsets or sizes are others.
    let others: Vec<usize> = (0..spec.isas.len())
        .filter(|isa| s.fields.iter().any(|f| f.host.0[*isa] != Some(f.guest)))
        .collect();
    out.push_str("| field | type | offset | size |");
    for isa in &others {
        let _ = write!(out, " {} |", spec.isas[*isa].name);
    }
    let _ = writeln!(out, "\n|---|---|--:|--:|{}", "--:|".repeat(others.len()));
    for field in &s.fields {
        let scalar = |name: &str| format!("`{}`", spec.scalars[name].c);
        let structure = |name: &str| format!("[`struct {name}`](#{name})");
        let ty = match &field.ty {
            FieldType::Scalar(name) => scalar(name),
            FieldType::Array { of, count } => format!("{count} times {}", scalar(of)),
            FieldType::Struct(name) => structure(name),
            FieldType::Pointer { dir, element, len } => {
                let what = match element {
                    None => "bytes".to_owned(),
                    Some(Element::Scalar(name)) => format!("times {}", scalar(name)),
                    Some(Element::Struct(name)) => format!("times {}", structure(name)),
                };
                let way = match dir {
                    Dir::In => "read",
                    Dir::Out => "written",
                    Dir::InOut => "read or written",
                };
                format!("address of `{len}` {what}, {way}")
            }
        };
        let _ = write!(
            out,
            "| `{}` | {ty} | {} | {} |",
            field.name, field.guest.offset, field.guest.size
        );
        for isa in &others {
            let place = match field.host.0[*isa] {
                None => "–".to_owned(),
                Some(host) if host == field.guest => String::new(),
                Some(host) if host.size == field.guest.size => format!("at {}", host.offset),
                Some(host) => format!("at {}, {} bytes", host.offset, host.size),
            };
            let _ = write!(out, " {place} |");
        }
        out.push('\n');
    }
}
