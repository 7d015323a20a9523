//! Asking clang what the headers say.
//!
//! Every question becomes one global of a C file; clang's LLVM output holds the answers.
//! One run for each ISA answers all; questions about things an ISA lacks make clang
//! complain about exactly that line, and are dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, io};

use super::package::Headers;
use super::{Facts, StructFacts};
use crate::intent::Intent;
use crate::intent::types::IsaIntent;
use crate::model::{Layout, Place};

/// A question to the headers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Question {
    Constant(String),
    Size(String),
    Align(String),
    Offset(String, String),
    FieldSize(String, String),
}

impl Question {
    fn c(&self) -> String {
        match self {
            Question::Constant(name) => name.clone(),
            Question::Size(ty) => format!("sizeof({ty})"),
            Question::Align(ty) => format!("_Alignof({ty})"),
            Question::Offset(ty, field) => format!("__builtin_offsetof({ty}, {field})"),
            Question::FieldSize(ty, field) => format!("sizeof((({ty} *)0)->{field})"),
        }
    }
}

/// Extracts all facts that an intent needs.
pub fn extract(intent: &Intent, headers: &Headers) -> Result<Facts, String> {
    let clang = find_clang()?;
    check_headers(intent, headers)?;
    let questions = questions(intent);
    let mut answers = Vec::new();
    let mut numbers = Vec::new();
    for isa in &intent.isas {
        answers.push(ask(&clang, intent, headers, isa, &questions)?);
        numbers.push(call_numbers(headers, isa)?);
    }
    let per_isa = |question: Question| -> Vec<Option<i64>> {
        answers
            .iter()
            .map(|table| table.get(&question).copied())
            .collect()
    };
    let constants = constants(intent)
        .into_iter()
        .map(|name| (name.clone(), per_isa(Question::Constant(name))));
    let names: BTreeSet<&String> = numbers.iter().flat_map(BTreeMap::keys).collect();
    let calls = names.into_iter().map(|name| {
        (
            name.clone(),
            numbers
                .iter()
                .map(|table| table.get(name).copied())
                .collect(),
        )
    });
    let structs = intent.structs.iter().map(|(name, s)| {
        let ty = &s.c.value;
        let sizes = per_isa(Question::Size(ty.clone()));
        let layout = pairs(sizes, per_isa(Question::Align(ty.clone())))
            .map(|p| p.map(|(size, align)| Layout { size, align }));
        let fields = s.fields.iter().map(|field| {
            let field = &field.name.value;
            let offsets = per_isa(Question::Offset(ty.clone(), field.clone()));
            let sizes = per_isa(Question::FieldSize(ty.clone(), field.clone()));
            let places =
                pairs(offsets, sizes).map(|p| p.map(|(offset, size)| Place { offset, size }));
            (field.clone(), places.collect())
        });
        (
            name.clone(),
            StructFacts {
                layout: layout.collect(),
                fields: fields.collect(),
            },
        )
    });
    Ok(Facts {
        provenance: headers.provenance.clone(),
        isas: intent
            .isas
            .iter()
            .map(|isa| isa.name.value.clone())
            .collect(),
        calls: calls.collect(),
        constants: constants.collect(),
        structs: structs.collect(),
    })
}

fn pairs(a: Vec<Option<i64>>, b: Vec<Option<i64>>) -> impl Iterator<Item = Option<(u64, u64)>> {
    let unsigned = |v: Option<i64>| v.and_then(|v| u64::try_from(v).ok());
    a.into_iter()
        .zip(b)
        .map(move |(a, b)| unsigned(a).zip(unsigned(b)))
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

fn check_headers(intent: &Intent, headers: &Headers) -> Result<(), String> {
    for isa in &intent.isas {
        let folder = headers.isa_folder(&isa.uapi.value);
        if !folder.join("asm").is_dir() {
            return Err(format!(
                "{}: no folder `asm` of {} headers; check `uapi: {}` in isa/{}.yaml",
                folder.display(),
                isa.name.value,
                isa.uapi.value,
                isa.name.value,
            ));
        }
    }
    for header in header_names(intent) {
        let on_isa = |isa: &IsaIntent| headers.isa_folder(&isa.uapi.value).join(header).is_file();
        if !headers.common().join(header).is_file() && !intent.isas.iter().any(on_isa) {
            return Err(format!(
                "the headers have no <{header}>, which flags.yaml or structs.yaml names; \
                 is it misspelt or not part of the kernel's uapi?"
            ));
        }
    }
    Ok(())
}

/// The compiler to use: `$CLANG`, or the newest of the usual names.
pub fn find_clang() -> Result<PathBuf, String> {
    if let Some(path) = env::var_os("CLANG") {
        return Ok(path.into());
    }
    ["clang", "clang-22", "clang-21", "clang-20", "clang-19"]
        .iter()
        .find(|name| {
            let probe = Command::new(name)
                .arg("--version")
                .stdout(Stdio::null())
                .status();
            probe.is_ok_and(|status| status.success())
        })
        .map(PathBuf::from)
        .ok_or_else(|| {
            "facts are extracted with clang, which was not found; install it \
             (Debian: `apt-get install clang-19`) or set CLANG to its path"
                .to_owned()
        })
}

/// The C file for some questions; the line directive makes clang name the question.
fn program(intent: &Intent, asked: &[(usize, &Question)]) -> String {
    // Of the C library's, but in numbers of ioctl.
    let mut c = String::from("typedef __SIZE_TYPE__ size_t;\n");
    for header in header_names(intent) {
        let _ = writeln!(
            c,
            "#if __has_include(<{header}>)\n#include <{header}>\n#endif"
        );
    }
    for (index, question) in asked {
        let _ = writeln!(c, "#line {} \"question\"", index + 1);
        let _ = writeln!(
            c,
            "const long long wali_{index} = (long long)({});",
            question.c()
        );
    }
    c
}

/// Constants of the kernel's interface that its public headers leave to the C library's
/// `sys/socket.h`; the crate `libc` has them from there. They are the same on all ISAs.
macro_rules! sockets {
    ($($name:ident)*) => { &[$((stringify!($name), libc::$name as i64)),*] };
}

const SOCKETS: &[(&str, i64)] = sockets! {
    AF_VSOCK SOL_ALG SOL_NETLINK SOL_PACKET SOL_TLS SOL_XDP
};

/// Headers of the C library's that the kernel's include, with what they need of them.
pub fn libc_headers() -> [(&'static str, String); 2] {
    let mut sockets = String::from(
        "#pragma once\n\
         typedef unsigned short sa_family_t;\n\
         struct sockaddr { sa_family_t sa_family; char sa_data[14]; };\n",
    );
    for (name, value) in SOCKETS {
        let _ = writeln!(sockets, "#define {name} {value}");
    }
    [("unistd.h", String::new()), ("sys/socket.h", sockets)]
}

fn ask(
    clang: &Path,
    intent: &Intent,
    headers: &Headers,
    isa: &IsaIntent,
    questions: &[Question],
) -> Result<BTreeMap<Question, i64>, String> {
    let folder = tempfile::tempdir().map_err(|e| format!("cannot make a temporary folder: {e}"))?;
    for (name, text) in libc_headers() {
        let stub = folder.path().join(name);
        let parent = stub.parent().unwrap_or(folder.path());
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&stub, text))
            .map_err(|e| format!("{}: {e}", stub.display()))?;
    }
    let mut asked: Vec<(usize, &Question)> = questions.iter().enumerate().collect();
    loop {
        let source = folder.path().join("questions.c");
        fs::write(&source, program(intent, &asked))
            .map_err(|e| format!("{}: {e}", source.display()))?;
        let output = Command::new(clang)
            .arg(format!("--target={}", isa.triple.value))
            .args(["-std=gnu11", "-nostdinc", "-w", "-O0", "-ferror-limit=0"])
            .args([
                "-fno-caret-diagnostics",
                "-fno-color-diagnostics",
                "-S",
                "-emit-llvm",
            ])
            .arg("-isystem")
            .arg(headers.isa_folder(&isa.uapi.value))
            .arg("-isystem")
            .arg(headers.common())
            .arg("-idirafter")
            .arg(folder.path())
            .args(["-o", "-"])
            .arg(&source)
            .env("LC_ALL", "C")
            .output()
            .map_err(|e| no_clang(clang, &e))?;
        if output.status.success() {
            let text = String::from_utf8_lossy(&output.stdout);
            return Ok(answers(&text, questions));
        }
        let complaints = String::from_utf8_lossy(&output.stderr);
        let lacking = lacking(&complaints, &isa.name.value, questions)?;
        let before = asked.len();
        asked.retain(|(index, _)| !lacking.contains(index));
        if asked.len() == before {
            return Err(format!(
                "clang failed for {}:\n{complaints}",
                isa.name.value
            ));
        }
    }
}

fn no_clang(clang: &Path, error: &io::Error) -> String {
    format!(
        "cannot run `{}`: {error}; set CLANG to a clang that works",
        clang.display()
    )
}

/// The questions about things the ISA lacks. Any other complaint is an error.
fn lacking(complaints: &str, isa: &str, questions: &[Question]) -> Result<BTreeSet<usize>, String> {
    let mut lacking = BTreeSet::new();
    for line in complaints.lines() {
        let Some((place, message)) = line
            .split_once(": error: ")
            .or_else(|| line.split_once(": fatal error: "))
        else {
            continue;
        };
        let absent = [
            "undeclared identifier",
            "no member named",
            "incomplete type",
        ]
        .iter()
        .any(|phrase| message.contains(phrase));
        let index = place
            .strip_prefix("question:")
            .and_then(|rest| rest.split(':').next())
            .and_then(|line| line.parse::<usize>().ok())
            .and_then(|line| line.checked_sub(1));
        match index {
            Some(index) if absent => _ = lacking.insert(index),
            _ => {
                let what = match index.and_then(|index| questions.get(index)) {
                    Some(question) => format!("clang cannot make out `{}` on {isa}", question.c()),
                    None => format!("clang cannot read the headers of {isa}"),
                };
                return Err(format!("{what}: {line}"));
            }
        }
    }
    Ok(lacking)
}

/// Reads `@wali_7 = ... constant i64 42, ...`.
fn answers(llvm: &str, questions: &[Question]) -> BTreeMap<Question, i64> {
    let mut answers = BTreeMap::new();
    for line in llvm.lines() {
        let Some((index, definition)) = line
            .strip_prefix("@wali_")
            .and_then(|rest| rest.split_once(" = "))
        else {
            continue;
        };
        let value = definition
            .split_once(" i64 ")
            .and_then(|(_, rest)| rest.split(',').next())
            .and_then(|text| text.trim().parse().ok());
        let question = index.parse::<usize>().ok().and_then(|i| questions.get(i));
        if let (Some(question), Some(value)) = (question, value) {
            answers.insert(question.clone(), value);
        }
    }
    answers
}

/// The numbers in an ISA's `asm/unistd_64.h`.
fn call_numbers(headers: &Headers, isa: &IsaIntent) -> Result<BTreeMap<String, u32>, String> {
    let path = headers.isa_folder(&isa.uapi.value).join("asm/unistd_64.h");
    let text = fs::read_to_string(&path).map_err(|e| {
        format!(
            "{}: {e}; the flat table of call numbers is in Linux 6.11 and later",
            path.display()
        )
    })?;
    let mut numbers = BTreeMap::new();
    for line in text.lines() {
        let Some(rest) = line.strip_prefix("#define __NR_") else {
            continue;
        };
        let mut words = rest.split_whitespace();
        if let (Some(name), Some(number)) = (words.next(), words.next())
            && let Ok(number) = number.parse()
        {
            numbers.insert(name.to_owned(), number);
        }
    }
    if numbers.is_empty() {
        return Err(format!(
            "{}: no `#define __NR_name number` found",
            path.display()
        ));
    }
    Ok(numbers)
}
