//! What a Rust program finds when it runs on an ISA: by `wali-arch`, and by the crates `libc` and
//! `linux-raw-sys`, whose tables other people made.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value as Json;
use wali_tests::workspace;

use crate::toolchain;
use crate::world::{Known, Subject, Value, World};

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Witness {
    /// `wali-arch`, about the host.
    Arch,
    /// `wali-arch`, about the guest.
    Guest,
    /// `libc`.
    Libc,
    /// `linux-raw-sys`.
    LinuxRawSys,
}

/// A question with the Rust that answers it.
struct Question {
    witness: Witness,
    subject: Subject,
    /// The value, and what has the value's type.
    rust: (String, String),
}

/// The features of `linux-raw-sys` that have what the specification names.
const FEATURES: [&str; 18] = [
    "auxvec",
    "elf_uapi",
    "errno",
    "general",
    "if_arp",
    "if_ether",
    "if_packet",
    "io_uring",
    "ioctl",
    "landlock",
    "loop_device",
    "mempolicy",
    "net",
    "netlink",
    "prctl",
    "ptrace",
    "system",
    "vm_sockets",
];

/// What the program for an ISA says, by witness.
pub fn answers(known: &Known, isa: usize) -> Result<BTreeMap<Witness, World>, String> {
    let isa = &known.spec.isas[isa].name;
    let target = toolchain::target(isa)?;
    // Always the same one, so that cargo need not build everything anew.
    let folder = workspace::target_dir().join("layouts").join(isa);
    let folder = folder.as_path();
    package(folder)?;
    let sources = sources(folder, &["libc", "linux-raw-sys"])?;
    let mut questions = Vec::new();
    arch(known, &mut questions);
    libc(known, &words(&sources["libc"])?, &mut questions);
    raw(known, &sources["linux-raw-sys"], isa, &mut questions)?;

    let built = converse(folder, &questions, &|| {
        let mut cargo = cargo(folder);
        cargo.args(["build", "--release", "--message-format=json"]);
        if let Some(triple) = &target.triple {
            cargo.args(["--target", triple]);
        }
        let mut place = workspace::target_dir();
        if let Ok(crates) = std::env::var(format!("WALI_BUILD_STD_{}", target.isa)) {
            // Apart, since what stable rustc is allowed here has all be built anew.
            place.push("build-std");
            cargo.env("RUSTC_BOOTSTRAP", "1");
            cargo.env("CARGO_UNSTABLE_BUILD_STD", crates);
        }
        cargo.arg("--target-dir").arg(&place);
        cargo
    })?;
    let text = toolchain::text(&mut target.command(&built))?;
    read(&text, &questions)
}

/// The program with all questions that compile.
fn converse(
    folder: &Path,
    questions: &[Question],
    cargo: &dyn Fn() -> Command,
) -> Result<PathBuf, String> {
    let mut absent = BTreeSet::new();
    loop {
        let (text, lines) = program(questions, &absent);
        toolchain::write(&folder.join("src/main.rs"), &text)?;
        match build(&mut cargo())? {
            Ok(program) => return Ok(program),
            Err(complaints) => {
                for (line, message) in complaints {
                    match lines.get(&line) {
                        Some(&question) => _ = absent.insert(question),
                        None => return Err(message),
                    }
                }
            }
        }
    }
}

/// What `libc` says when it is built for guests, by the SDK's cargo; nothing if there is no such SDK.
pub fn guest(known: &Known) -> Result<Option<World>, String> {
    let Some(sdk) = workspace::sdk().filter(|sdk| sdk.join("bin/cargo-wali").exists()) else {
        return Ok(None);
    };
    let folder = workspace::target_dir().join("layouts/guest");
    let manifest = "[package]\nname = \"witness\"\nedition = \"2024\"\n\n[workspace]\n\n\
        [dependencies]\nlibc = { version = \"0.2\", default-features = false }\n";
    toolchain::write(&folder.join("Cargo.toml"), manifest)?;
    toolchain::write(&folder.join("src/main.rs"), "fn main() {}\n")?;
    lock(&folder)?;
    let libc_sources = sources(&folder, &["libc"])?;
    let mut questions = Vec::new();
    libc(known, &words(&libc_sources["libc"])?, &mut questions);
    let text = converse(&folder, &questions, &|| {
        let mut cargo = cargo(&folder);
        cargo.arg("--config").arg(sdk.join("share/cargo.toml"));
        cargo.args(["build", "--release", "--message-format=json"]);
        cargo.args(["--target", "wasm32-wali-linux-musl", "--target-dir"]);
        cargo.arg(workspace::target_dir());
        cargo
    })
    .and_then(|program| toolchain::text(Command::new(workspace::wali()).arg("run").arg(program)))?;
    Ok(read(&text, &questions)?.remove(&Witness::Libc))
}

/// A package that depends on all three, in the versions of the workspace.
fn package(folder: &Path) -> Result<(), String> {
    let root = workspace::root();
    let manifest = format!(
        "[package]\nname = \"witness\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n\
         wali-arch = {{ path = {:?} }}\n\
         libc = {{ version = \"0.2\", default-features = false }}\n\
         linux-raw-sys = {{ version = \"0.12\", default-features = false, \
         features = [\"no_std\", {}] }}\n\n\
         [profile.release]\nopt-level = 3\ncodegen-units = 16\ndebug = \"line-tables-only\"\n",
        root.join("arch"),
        FEATURES.map(|f| format!("{f:?}")).join(", ")
    );
    toolchain::write(&folder.join("Cargo.toml"), &manifest)?;
    toolchain::write(&folder.join("src/main.rs"), "fn main() {}\n")?;
    lock(folder)
}

/// The versions of the workspace, for a package in a folder.
fn lock(folder: &Path) -> Result<(), String> {
    let lock = workspace::root().join("Cargo.lock");
    let copy = std::fs::copy(&lock, folder.join("Cargo.lock"));
    copy.map(drop)
        .map_err(|e| format!("{}: {e}", lock.display()))
}

fn cargo(folder: &Path) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.current_dir(folder);
    cargo
}

/// Where the sources of these crates are.
fn sources(folder: &Path, wanted: &[&str]) -> Result<BTreeMap<String, PathBuf>, String> {
    let text = toolchain::text(cargo(folder).args(["metadata", "--format-version=1"]))?;
    let metadata: Json = serde_json::from_str(&text).map_err(|e| e.to_string())?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let sources = packages.filter_map(|package| {
        let manifest = Path::new(package["manifest_path"].as_str()?);
        let name = package["name"].as_str()?.to_owned();
        Some((name, manifest.parent()?.join("src")))
    });
    let sources: BTreeMap<_, _> = sources.collect();
    match wanted.iter().find(|&&name| !sources.contains_key(name)) {
        None => Ok(sources),
        Some(name) => Err(format!("cargo does not say where {name} is")),
    }
}

/// All names in a folder of sources: what is not among them need not be asked for.
fn words(folder: &Path) -> Result<BTreeSet<String>, String> {
    let mut words = BTreeSet::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let fail = |e| format!("{}: {e}", folder.display());
        for entry in std::fs::read_dir(&folder).map_err(fail)? {
            let path = entry.map_err(fail)?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).map_err(fail)?;
                let of_text = text.split(|c: char| !c.is_alphanumeric() && c != '_');
                words.extend(of_text.map(str::to_owned));
            }
        }
    }
    Ok(words)
}

fn constant(name: String) -> (String, String) {
    (
        format!("({name}) as i64"),
        format!("size_of_val(&{name}) as i64"),
    )
}

/// Questions about a struct's size, alignment and fields.
fn of_struct(
    witness: Witness,
    name: &str,
    ty: &str,
    fields: impl Iterator<Item = String>,
    questions: &mut Vec<Question>,
) {
    let mut ask = |subject, value| {
        let rust = (value, "0".to_owned());
        questions.push(Question {
            witness,
            subject,
            rust,
        });
    };
    let own = || name.to_owned();
    ask(Subject::Size(own()), format!("size_of::<{ty}>() as i64"));
    ask(Subject::Align(own()), format!("align_of::<{ty}>() as i64"));
    for field in fields {
        let rust = match field.as_str() {
            // As the macros and bindgen have it.
            "type" if witness == Witness::LinuxRawSys => "type_".to_owned(),
            word if keyword(word) => format!("r#{word}"),
            word => word.to_owned(),
        };
        ask(
            Subject::Offset(own(), field.clone()),
            format!("offset_of!({ty}, {rust}) as i64"),
        );
        ask(
            Subject::FieldSize(own(), field),
            format!("field(|s: *const {ty}| unsafe {{ &raw const (*s).{rust} }})"),
        );
    }
}

fn keyword(word: &str) -> bool {
    [
        "type", "match", "ref", "in", "move", "loop", "final", "priv",
    ]
    .contains(&word)
}

fn fields(known: &Known, name: &str) -> impl Iterator<Item = String> {
    let fields = &known.intent.structs[name].fields;
    fields
        .iter()
        .map(|f| f.name.value.clone())
        .collect::<Vec<_>>()
        .into_iter()
}

/// All that `wali-arch` has.
fn arch(known: &Known, questions: &mut Vec<Question>) {
    for name in known.facts.calls.keys() {
        questions.push(Question {
            witness: Witness::Arch,
            subject: Subject::Number(name.clone()),
            rust: (
                format!("number(wali_arch::tables::number::{name})"),
                "0".to_owned(),
            ),
        });
    }
    for (set, members) in &known.intent.sets {
        for member in &members.members {
            for (witness, module) in [(Witness::Arch, "host::"), (Witness::Guest, "")] {
                let path = format!("wali_arch::flags::{set}::{module}{}", member.value);
                questions.push(Question {
                    witness,
                    subject: Subject::Constant(member.value.clone()),
                    // Its type here says nothing about its type in C.
                    rust: (constant(path).0, "0".to_owned()),
                });
            }
        }
    }
    for name in known.intent.structs.keys() {
        for (witness, module) in [(Witness::Arch, "host"), (Witness::Guest, "guest")] {
            let ty = format!("wali_arch::layout::{module}::{name}");
            of_struct(witness, name, &ty, fields(known, name), questions);
        }
    }
}

/// What a crate could call a struct: its tag, or its name here.
fn names(known: &Known, name: &str) -> BTreeSet<String> {
    let c = &known.intent.structs[name].c.value;
    let tag = c.strip_prefix("struct ").unwrap_or(c);
    let plain = |name: &&str| name.chars().all(|c| c.is_alphanumeric() || c == '_');
    [tag, name]
        .into_iter()
        .filter(plain)
        .map(str::to_owned)
        .collect()
}

fn libc(known: &Known, words: &BTreeSet<String>, questions: &mut Vec<Question>) {
    for call in known.facts.calls.keys() {
        let name = format!("SYS_{call}");
        if words.contains(&name) {
            questions.push(Question {
                witness: Witness::Libc,
                subject: Subject::Number(call.clone()),
                rust: constant(format!("libc::{name}")),
            });
        }
    }
    for name in known.facts.constants.keys() {
        if words.contains(name) {
            questions.push(Question {
                witness: Witness::Libc,
                subject: Subject::Constant(name.clone()),
                rust: constant(format!("libc::{name}")),
            });
        }
    }
    for name in known.intent.structs.keys() {
        for libc in names(known, name) {
            if words.contains(&libc) {
                let ty = format!("libc::{libc}");
                let fields = fields(known, name).filter(|f| words.contains(f));
                of_struct(Witness::Libc, name, &ty, fields, questions);
            }
        }
    }
}

/// What stands in the modules of `linux-raw-sys` for an ISA, which are flat: constants, also as
/// variants of enumerations, and structs. Several modules may have the same.
fn raw(
    known: &Known,
    sources: &Path,
    isa: &str,
    questions: &mut Vec<Question>,
) -> Result<(), String> {
    let mut values: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut types: BTreeMap<String, BTreeMap<String, Vec<String>>> = BTreeMap::new();
    for module in FEATURES {
        let file = sources.join(isa).join(format!("{module}.rs"));
        let text =
            std::fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
        let path = format!("linux_raw_sys::{module}");
        let mut inside = None;
        for line in text.lines() {
            let word = |rest: &str| -> String {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
                rest[..end.unwrap_or(rest.len())].to_owned()
            };
            if let Some(rest) = line.strip_prefix("pub const ") {
                let name = word(rest);
                let path = format!("{path}::{name}");
                values.entry(name).or_default().insert(path);
            } else if let Some(rest) = line.strip_prefix("pub enum ") {
                inside = Some((word(rest), false));
            } else if let Some(rest) = line.strip_prefix("pub struct ") {
                inside = Some((word(rest), true));
                let of = types.entry(word(rest)).or_default();
                of.insert(format!("{path}::{}", word(rest)), Vec::new());
            } else if line.starts_with('}') {
                inside = None;
            } else if let Some((outer, is_struct)) = &inside {
                let outer_path = format!("{path}::{outer}");
                if !is_struct {
                    let name = word(line);
                    let path = format!("{outer_path}::{name}");
                    values.entry(name).or_default().insert(path);
                } else if let Some(rest) = line.strip_prefix("pub ") {
                    let of = types.entry(outer.clone()).or_default();
                    of.entry(outer_path).or_default().push(word(rest));
                }
            }
        }
    }
    let mut ask = |subject: Subject, path: &String| {
        questions.push(Question {
            witness: Witness::LinuxRawSys,
            subject,
            rust: constant(path.clone()),
        });
    };
    for call in known.facts.calls.keys() {
        for path in values.get(&format!("__NR_{call}")).into_iter().flatten() {
            ask(Subject::Number(call.clone()), path);
        }
    }
    for name in known.facts.constants.keys() {
        for path in values.get(name).into_iter().flatten() {
            ask(Subject::Constant(name.clone()), path);
        }
    }
    for name in known.intent.structs.keys() {
        for raw in names(known, name) {
            for (ty, of) in types.get(&raw).into_iter().flatten() {
                // bindgen's stand-in for a struct that the module's headers only mention.
                if *of == ["_address"] || *of == ["_unused"] {
                    continue;
                }
                let fields = fields(known, name).filter(|f| {
                    let there = |name: &str| of.iter().any(|f| f == name);
                    there(f) || f == "type" && there("type_")
                });
                of_struct(Witness::LinuxRawSys, name, ty, fields, questions);
            }
        }
    }
    Ok(())
}

/// The program, and which question stands in which line.
fn program(questions: &[Question], without: &BTreeSet<usize>) -> (String, BTreeMap<u64, usize>) {
    let mut text = String::from(
        "#![allow(deprecated, clippy::all, unused)]\n\
         use core::mem::offset_of;\n\
         const fn field<S, F>(_: fn(*const S) -> *const F) -> i64 { size_of::<F>() as i64 }\n\
         const fn number(n: Option<usize>) -> i64 { match n { Some(n) => n as i64, None => -1 } }\n\
         static ANSWERS: &[(usize, i64, i64)] = &[\n",
    );
    let mut lines = BTreeMap::new();
    let mut line = 1 + text.lines().count() as u64;
    for (index, question) in questions.iter().enumerate() {
        if !without.contains(&index) {
            let (value, of) = &question.rust;
            let _ = writeln!(text, "({index}, {value}, {of}),");
            lines.insert(line, index);
            line += 1;
        }
    }
    text.push_str("];\nfn main() { for (q, v, b) in ANSWERS { println!(\"{q} {v} {b}\") } }\n");
    (text, lines)
}

/// The program, or the lines about things that are not there. What else is wrong has no line.
fn build(cargo: &mut Command) -> Result<Result<PathBuf, Vec<(u64, String)>>, String> {
    // No such value, type or field, or not a public one, and what is no number.
    const ABSENT: [&str; 10] = [
        "E0412", "E0423", "E0425", "E0433", "E0573", "E0603", "E0605", "E0606", "E0609", "E0616",
    ];
    // A function of that name.
    const FUNCTION: &str = "pointers cannot be cast to integers";
    let output = toolchain::output(cargo)?;
    let mut complaints = Vec::new();
    let mut program = None;
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Ok(message) = serde_json::from_str::<Json>(line) else {
            continue;
        };
        if let Some(path) = message["executable"].as_str() {
            program = Some(PathBuf::from(path));
        }
        let message = &message["message"];
        if message["level"] != "error" {
            continue;
        }
        let code = message["code"]["code"].as_str().unwrap_or_default();
        let text = message["rendered"].as_str().unwrap_or_default().to_owned();
        let spans = message["spans"].as_array().into_iter().flatten();
        let place = spans
            .filter(|span| span["is_primary"] == true)
            .find_map(|span| span["line_start"].as_u64());
        match place {
            Some(line) if ABSENT.contains(&code) || text.contains(FUNCTION) => {
                complaints.push((line, text))
            }
            // The count of errors at the end.
            None if text.contains("could not compile") || text.contains("aborting due to") => {}
            _ => return Err(text),
        }
    }
    match program {
        Some(program) if output.status.success() => Ok(Ok(program)),
        _ if !complaints.is_empty() => Ok(Err(complaints)),
        _ => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

fn read(text: &str, questions: &[Question]) -> Result<BTreeMap<Witness, World>, String> {
    let mut worlds: BTreeMap<Witness, World> = BTreeMap::new();
    for line in text.lines() {
        let (question, value, bytes) = crate::world::answer(line, questions)?;
        let number = matches!(question.subject, Subject::Number(_));
        if number && question.witness == Witness::Arch && value < 0 {
            continue;
        }
        let value = Value {
            value,
            bytes: u64::try_from(bytes).ok().filter(|&bytes| bytes > 0),
        };
        let world = worlds.entry(question.witness).or_default();
        let old = world.insert(question.subject.clone(), value);
        if let Some(old) = old.filter(|old| !old.same(value)) {
            return Err(format!(
                "{:?} has two values for {}: {:#x} and {:#x}",
                question.witness, question.subject, old.value, value.value
            ));
        }
    }
    Ok(worlds)
}
