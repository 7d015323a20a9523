//! Asking clang what the headers say, for each ISA.

mod clang;
mod survey;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use super::package::Headers;
use super::{Facts, StructFacts, Unnamed};
use crate::intent::Intent;
use crate::intent::types::IsaIntent;
use crate::model::{Layout, Place};
use clang::{Clang, Odd, Question, Reading};

pub use clang::{Complaint, complaints, find_clang, libc_headers};
pub use survey::likely_sets;

/// Extracts all facts that an intent needs, for all of its ISAs.
///
/// # Errors
/// There is no clang, or the headers are not what they should be.
pub fn extract(intent: &Intent, headers: &Headers) -> Result<Facts, String> {
    let (here, missing): (Vec<_>, Vec<_>) =
        intent.isas.iter().partition(|isa| has_isa(headers, isa));
    let [first, ..] = missing[..] else {
        check_headers(intent, headers, &here)?;
        return extract_some(intent, headers, &here);
    };
    let folder = headers.isa_folder(&first.uapi.value, &first.triple.value);
    let name = &first.name.value;
    let mut message = format!(
        "{}: no folder `asm` of {name} headers; check `uapi: {}` in isa/{name}.yaml",
        folder.display(),
        first.uapi.value,
    );
    if !here.is_empty() {
        let names = |isas: &[&IsaIntent]| -> Vec<String> {
            isas.iter().map(|isa| isa.name.value.clone()).collect()
        };
        let (here, missing) = (names(&here).join(", "), names(&missing).join(", "));
        message = format!(
            "{message}\nthe headers are those of {here} alone, not of {missing}; Debian's package \
             carries all ISAs since Linux 6.11"
        );
    }
    Err(message)
}

/// Extracts the facts about those ISAs that the headers know, as older packages are of one each,
/// and without headers that came later.
///
/// # Errors
/// See [`extract`].
pub fn extract_known(intent: &Intent, headers: &Headers) -> Result<Facts, String> {
    let isas: Vec<&IsaIntent> = intent
        .isas
        .iter()
        .filter(|isa| has_isa(headers, isa))
        .collect();
    match isas.is_empty() {
        true => extract(intent, headers),
        false => extract_some(intent, headers, &isas),
    }
}

fn has_isa(headers: &Headers, isa: &IsaIntent) -> bool {
    let folder = headers.isa_folder(&isa.uapi.value, &isa.triple.value);
    folder.join("asm").is_dir()
}

fn extract_some(intent: &Intent, headers: &Headers, isas: &[&IsaIntent]) -> Result<Facts, String> {
    let clang = Clang::new()?;
    let includes = clang::includes(header_names(intent));
    let questions = questions(intent);
    let mut answers = Vec::new();
    let mut numbers = Vec::new();
    for isa in isas {
        let reading = clang.reading(headers, isa, &includes);
        let mut known = reading.ask(&questions, Odd::Error)?;
        known.extend(unnamed(intent, &reading, &known)?);
        answers.push(known);
        numbers.push(call_numbers(&clang, headers, isa)?);
    }
    let per_isa = |question: &Question| -> Vec<Option<i64>> {
        answers
            .iter()
            .map(|table| table.get(question).copied())
            .collect()
    };
    let place = |ty: &str, field: &str| -> Vec<Option<Place>> {
        let offsets = per_isa(&Question::Offset(ty.to_owned(), field.to_owned()));
        let sizes = per_isa(&Question::FieldSize(ty.to_owned(), field.to_owned()));
        let places = pairs(offsets, sizes);
        places
            .map(|p| p.map(|(offset, size)| Place { offset, size }))
            .collect()
    };
    let named = constants(intent);
    let constants = named
        .iter()
        .map(|name| (name.clone(), per_isa(&Question::Constant(name.clone()))));
    let names: BTreeSet<&String> = numbers.iter().flat_map(BTreeMap::keys).collect();
    let calls = names.into_iter().map(|name| {
        let of_isas = numbers.iter().map(|table| table.get(name).copied());
        (name.clone(), of_isas.collect())
    });
    let structs = intent.structs.iter().map(|(name, s)| {
        let ty = &s.c.value;
        let sizes = per_isa(&Question::Size(ty.clone()));
        let layout = pairs(sizes, per_isa(&Question::Align(ty.clone())))
            .map(|p| p.map(|(size, align)| Layout { size, align }));
        let fields = s.fields.iter().map(|field| {
            let field = &field.name.value;
            (field.clone(), place(ty, field))
        });
        let facts = StructFacts {
            layout: layout.collect(),
            fields: fields.collect(),
        };
        (name.clone(), facts)
    });
    let all: BTreeSet<&Question> = answers.iter().flat_map(BTreeMap::keys).collect();
    let others = all.iter().filter_map(|question| match question {
        Question::Constant(name) if !named.contains(name) => {
            Some((name.clone(), per_isa(question)))
        }
        _ => None,
    });
    let mut fields = BTreeMap::new();
    for (name, s) in &intent.structs {
        let own: BTreeSet<&str> = s.fields.iter().map(|f| f.name.value.as_str()).collect();
        for question in &all {
            if let Question::Offset(ty, field) = question
                && *ty == s.c.value
                && !own.contains(field.as_str())
            {
                fields.insert(format!("{name}.{field}"), place(ty, field));
            }
        }
    }
    Ok(Facts {
        provenance: headers.provenance.clone(),
        isas: isas.iter().map(|isa| isa.name.value.clone()).collect(),
        calls: calls.collect(),
        constants: constants.collect(),
        structs: structs.collect(),
        unnamed: Unnamed {
            constants: others.collect(),
            fields,
        },
    })
}

fn pairs(a: Vec<Option<i64>>, b: Vec<Option<i64>>) -> impl Iterator<Item = Option<(u64, u64)>> {
    let unsigned = |v: Option<i64>| v.and_then(|v| u64::try_from(v).ok());
    a.into_iter()
        .zip(b)
        .map(move |(a, b)| unsigned(a).zip(unsigned(b)))
}

/// The answers about what an ISA's headers have beside what the specification names.
fn unnamed(
    intent: &Intent,
    reading: &Reading,
    known: &BTreeMap<Question, i64>,
) -> Result<BTreeMap<Question, i64>, String> {
    let text = reading.print("", &["-E", "-dD"])?;
    let names = survey::unnamed(&text, &survey::families(intent), &constants(intent));
    let mut questions: Vec<Question> = names.into_iter().map(Question::Constant).collect();

    let mut sizes = String::new();
    for (index, s) in intent.structs.values().enumerate() {
        let ty = &s.c.value;
        if known.contains_key(&Question::Size(ty.clone())) {
            let _ = writeln!(sizes, "const long long size_{index} = sizeof({ty});");
        }
    }
    let options = [
        "-S",
        "-emit-llvm",
        "-Xclang",
        "-fdump-record-layouts",
        "-o",
        "/dev/null",
    ];
    let records = survey::fields(&reading.print(&sizes, &options)?);
    let mut tried = Vec::new();
    for s in intent.structs.values() {
        let ty = &s.c.value;
        let own: BTreeSet<&str> = s.fields.iter().map(|f| f.name.value.as_str()).collect();
        let fields = records.get(ty).into_iter().flatten();
        for field in fields.filter(|field| !own.contains(field.as_str())) {
            questions.push(Question::Offset(ty.clone(), field.clone()));
            questions.push(Question::FieldSize(ty.clone(), field.clone()));
            tried.push((s, field));
        }
    }
    let mut answers = reading.ask(&questions, Odd::Dropped)?;
    // Fields that are another name for what is named already are nothing new.
    for (s, field) in tried {
        let place = |field: &String, answers: &BTreeMap<Question, i64>| -> Option<Place> {
            let of = |q| u64::try_from(*answers.get(&q)?).ok();
            Some(Place {
                offset: of(Question::Offset(s.c.value.clone(), field.clone()))?,
                size: of(Question::FieldSize(s.c.value.clone(), field.clone()))?,
            })
        };
        let own = s.fields.iter().filter_map(|f| place(&f.name.value, known));
        let own: Vec<Place> = own.collect();
        if place(field, &answers).is_none_or(|place| survey::covered(place, &own)) {
            answers.remove(&Question::Offset(s.c.value.clone(), field.clone()));
            answers.remove(&Question::FieldSize(s.c.value.clone(), field.clone()));
        }
    }
    Ok(answers)
}

/// Every constant the specification names.
fn constants(intent: &Intent) -> BTreeSet<String> {
    let members = intent.sets.values().flat_map(|set| &set.members);
    members.map(|name| name.value.clone()).collect()
}

fn questions(intent: &Intent) -> Vec<Question> {
    let mut questions: Vec<Question> = constants(intent)
        .into_iter()
        .map(Question::Constant)
        .collect();
    for s in intent.structs.values() {
        let ty = &s.c.value;
        questions.push(Question::Size(ty.clone()));
        questions.push(Question::Align(ty.clone()));
        for field in &s.fields {
            questions.push(Question::Offset(ty.clone(), field.name.value.clone()));
            questions.push(Question::FieldSize(ty.clone(), field.name.value.clone()));
        }
    }
    questions
}

/// Every header the specification names, in order.
fn header_names(intent: &Intent) -> BTreeSet<&str> {
    let sets = intent.sets.values().flat_map(|set| &set.headers);
    let structs = intent.structs.values().flat_map(|s| &s.headers);
    sets.chain(structs)
        .map(|name| name.value.as_str())
        .collect()
}

fn check_headers(intent: &Intent, headers: &Headers, isas: &[&IsaIntent]) -> Result<(), String> {
    let folders: Vec<_> = isas
        .iter()
        .map(|isa| headers.isa_folder(&isa.uapi.value, &isa.triple.value))
        .collect();
    for header in header_names(intent) {
        let on_isa = folders.iter().any(|folder| folder.join(header).is_file());
        if !headers.common().join(header).is_file() && !on_isa {
            return Err(format!(
                "the headers have no <{header}>, which the specification names; is it misspelt, \
                 not part of the kernel's uapi, or is the tree incomplete?"
            ));
        }
    }
    Ok(())
}

/// The numbers of an ISA's calls: from its flat table, or, before Linux 6.11, by the compiler.
fn call_numbers(
    clang: &Clang,
    headers: &Headers,
    isa: &IsaIntent,
) -> Result<BTreeMap<String, u32>, String> {
    let folder = headers.isa_folder(&isa.uapi.value, &isa.triple.value);
    let flat = folder.join("asm/unistd_64.h");
    let path = if flat.is_file() {
        flat
    } else {
        folder.join("asm/unistd.h")
    };
    let text = match path.ends_with("unistd_64.h") {
        true => fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?,
        false if path.is_file() => {
            let reading = clang.reading(headers, isa, "#include <asm/unistd.h>\n");
            let text = reading.print("", &["-E", "-dM"])?;
            let names = text.lines().filter_map(number_macro);
            let names =
                names.filter(|(name, _)| !["syscalls", "arch_specific_syscall"].contains(name));
            let questions: Vec<Question> = names
                .map(|(name, _)| Question::Constant(format!("__NR_{name}")))
                .collect();
            let answers = reading.ask(&questions, Odd::Dropped)?;
            let lines = answers
                .iter()
                .filter_map(|(question, number)| match question {
                    Question::Constant(name) => Some(format!("#define {name} {number}\n")),
                    _ => None,
                });
            lines.collect()
        }
        false => return Err(format!("{}: no such file", path.display())),
    };
    let defined = text.lines().filter_map(number_macro);
    let numbers: BTreeMap<String, u32> = defined
        .filter_map(|(name, number)| Some((name.to_owned(), number.parse().ok()?)))
        .collect();
    match numbers.is_empty() {
        true => Err(format!(
            "{}: no `#define __NR_name number` found",
            path.display()
        )),
        false => Ok(numbers),
    }
}

/// Name and value in `#define __NR_name value`.
fn number_macro(line: &str) -> Option<(&str, &str)> {
    let mut words = line.strip_prefix("#define __NR_")?.split_whitespace();
    Some((words.next()?, words.next()?))
}
