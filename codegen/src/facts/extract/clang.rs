//! Running clang over the headers of an ISA.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::{env, fs, io};

use tempfile::TempDir;

use crate::facts::package::Headers;
use crate::intent::types::IsaIntent;

/// A question to the headers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Question {
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

/// What to make of a question that clang cannot answer, beyond those about things that are absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Odd {
    /// The specification is wrong about it.
    Error,
    /// It was only an attempt.
    Dropped,
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

/// A compiler with a folder to work in.
pub(super) struct Clang {
    path: PathBuf,
    folder: TempDir,
}

/// A compiler with an ISA's headers.
pub(super) struct Reading<'a> {
    clang: &'a Clang,
    headers: &'a Headers,
    isa: &'a IsaIntent,
    /// What every program begins with.
    includes: &'a str,
}

impl Clang {
    pub fn new() -> Result<Clang, String> {
        let path = find_clang()?;
        let folder =
            tempfile::tempdir().map_err(|e| format!("cannot make a temporary folder: {e}"))?;
        for (name, text) in libc_headers() {
            let stub = folder.path().join(name);
            let parent = stub.parent().unwrap_or(folder.path());
            fs::create_dir_all(parent)
                .and_then(|()| fs::write(&stub, text))
                .map_err(|e| format!("{}: {e}", stub.display()))?;
        }
        Ok(Clang { path, folder })
    }

    pub fn reading<'a>(
        &'a self,
        headers: &'a Headers,
        isa: &'a IsaIntent,
        includes: &'a str,
    ) -> Reading<'a> {
        Reading {
            clang: self,
            headers,
            isa,
            includes,
        }
    }
}

/// Includes of those headers that there are.
pub(super) fn includes<'a>(headers: impl IntoIterator<Item = &'a str>) -> String {
    // Of the C library's, but in numbers of ioctl.
    let mut c = String::from("typedef __SIZE_TYPE__ size_t;\n");
    for header in headers {
        let _ = writeln!(
            c,
            "#if __has_include(<{header}>)\n#include <{header}>\n#endif"
        );
    }
    c
}

/// How a run ended.
struct Outcome {
    good: bool,
    stdout: String,
    stderr: String,
}

impl Reading<'_> {
    /// Runs clang on a program.
    fn run(&self, program: &str, options: &[&str]) -> Result<Outcome, String> {
        let source = self.clang.folder.path().join("questions.c");
        fs::write(&source, program).map_err(|e| format!("{}: {e}", source.display()))?;
        let output = Command::new(&self.clang.path)
            .arg(format!("--target={}", self.isa.triple.value))
            .args(["-std=gnu11", "-nostdinc", "-w", "-O0", "-ferror-limit=0"])
            .args(["-fno-caret-diagnostics", "-fno-color-diagnostics"])
            .args(options)
            .arg("-isystem")
            .arg(
                self.headers
                    .isa_folder(&self.isa.uapi.value, &self.isa.triple.value),
            )
            .arg("-isystem")
            .arg(self.headers.common())
            .arg("-idirafter")
            .arg(self.clang.folder.path())
            .arg(&source)
            .env("LC_ALL", "C")
            .output()
            .map_err(|e| self.no_clang(&e))?;
        Ok(Outcome {
            good: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// What clang prints about a program that must be right.
    pub fn print(&self, more: &str, options: &[&str]) -> Result<String, String> {
        let outcome = self.run(&format!("{}{more}", self.includes), options)?;
        match outcome.good {
            true => Ok(outcome.stdout),
            false => Err(self.failed(&outcome.stderr)),
        }
    }

    /// Every question becomes one global of a C file; clang's LLVM output holds the answers.
    /// Questions about things the ISA lacks make clang complain about exactly that line, and are
    /// dropped.
    pub fn ask(&self, questions: &[Question], odd: Odd) -> Result<BTreeMap<Question, i64>, String> {
        let mut asked: Vec<(usize, &Question)> = questions.iter().enumerate().collect();
        loop {
            let program = self.program(&asked);
            let outcome = self.run(&program, &["-S", "-emit-llvm", "-o", "-"])?;
            if outcome.good {
                return Ok(answers(&outcome.stdout, questions));
            }
            let lacking = lacking(&outcome.stderr, &self.isa.name.value, questions, odd)?;
            let before = asked.len();
            asked.retain(|(index, _)| !lacking.contains(index));
            if asked.len() == before {
                return Err(self.failed(&outcome.stderr));
            }
        }
    }

    /// The C file for some questions; the line directive makes clang name the question.
    fn program(&self, asked: &[(usize, &Question)]) -> String {
        let mut c = self.includes.to_owned();
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

    fn failed(&self, complaints: &str) -> String {
        format!("clang failed for {}:\n{complaints}", self.isa.name.value)
    }

    fn no_clang(&self, error: &io::Error) -> String {
        format!(
            "cannot run `{}`: {error}; set CLANG to a clang that works",
            self.clang.path.display()
        )
    }
}

/// An error of a compiler's.
pub struct Complaint<'a> {
    /// The question it is about: its place is that line, from 1, of a file called `question`.
    pub question: Option<usize>,
    /// Whether what was asked about is not there.
    pub absent: bool,
    /// All of it.
    pub line: &'a str,
}

/// The errors among what clang or gcc say.
pub fn complaints(text: &str) -> impl Iterator<Item = Complaint<'_>> {
    const ABSENT: [&str; 6] = [
        "undeclared",
        "no member named",
        "has no member",
        "incomplete type",
        "incomplete definition of type",
        "undefined type",
    ];
    text.lines().filter_map(|line| {
        let error = line.split_once(": error: ");
        let (place, message) = error.or_else(|| line.split_once(": fatal error: "))?;
        let place = place.strip_prefix("question:");
        let number = place.and_then(|rest| rest.split(':').next()?.parse::<usize>().ok());
        Some(Complaint {
            question: number.and_then(|line| line.checked_sub(1)),
            absent: ABSENT.iter().any(|phrase| message.contains(phrase)),
            line,
        })
    })
}

/// The questions about things the ISA lacks. Any other complaint is an error, unless it is about
/// a question that was only an attempt.
fn lacking(
    complaints: &str,
    isa: &str,
    questions: &[Question],
    odd: Odd,
) -> Result<BTreeSet<usize>, String> {
    let mut lacking = BTreeSet::new();
    for complaint in self::complaints(complaints) {
        let Complaint {
            question,
            absent,
            line,
        } = complaint;
        match question {
            Some(index) if absent || odd == Odd::Dropped => _ = lacking.insert(index),
            _ => {
                let what = match question.and_then(|index| questions.get(index)) {
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
