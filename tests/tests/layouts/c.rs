//! What a C program finds when it runs: one that includes the kernel's headers of the release
//! that the facts are from, built by the ISA's compiler, a file for each set of headers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use wali_codegen::facts::extract;
use wali_codegen::facts::package::Headers;
use wali_tests::workspace::Target;

use crate::toolchain;
use crate::world::{Known, Subject, Value, World};

/// A question with the C that answers it.
#[derive(Debug, Clone)]
pub struct Question {
    /// What is asked about.
    pub subject: Subject,
    /// An expression.
    pub c: String,
}

/// Questions to the same headers.
pub type Groups = BTreeMap<Vec<String>, Vec<Question>>;

/// What makes some headers' contents known to a C file.
pub type Include<'a> = dyn Fn(&[String]) -> Result<String, String> + 'a;

/// Includes those headers that the ISA has.
pub fn including(headers: &[String]) -> Result<String, String> {
    let line = |h| format!("#if __has_include(<{h}>)\n#include <{h}>\n#endif\n");
    Ok(headers.iter().map(line).collect())
}

/// What the program for an ISA says.
pub fn host(known: &Known, headers: &Headers, isa: usize) -> Result<World, String> {
    let isa = &known.spec.isas[isa];
    let target = toolchain::target(&isa.name)?;
    let cc = target.cc()?;
    let mut includes = Vec::new();
    for folder in [headers.isa_folder(&isa.uapi, &isa.triple), headers.common()] {
        includes.extend(["-isystem".to_owned(), folder.display().to_string()]);
    }
    let mut groups = groups(known);
    let calls = calls(&cc, &includes)?;
    let calls = calls.iter().chain(known.facts.calls.keys());
    let calls: BTreeSet<&String> = calls.collect();
    let calls = calls.into_iter().map(|call| Question {
        subject: Subject::Number(call.clone()),
        c: format!("__NR_{call}"),
    });
    groups.insert(vec!["asm/unistd.h".to_owned()], calls.collect());
    answers(target, &cc, &includes, &groups)
}

/// A question for each constant and struct, with the headers that the specification names.
pub fn groups(known: &Known) -> Groups {
    let mut groups = Groups::new();
    let names = |headers: &[wali_codegen::source::Name]| -> Vec<String> {
        headers.iter().map(|name| name.value.clone()).collect()
    };
    for set in known.intent.sets.values() {
        let group = groups.entry(names(&set.headers)).or_default();
        group.extend(set.members.iter().map(|name| Question {
            subject: Subject::Constant(name.value.clone()),
            c: name.value.clone(),
        }));
    }
    for (name, s) in &known.intent.structs {
        let group = groups.entry(names(&s.headers)).or_default();
        let c = &s.c.value;
        let mut ask = |subject, c| group.push(Question { subject, c });
        ask(Subject::Size(name.clone()), format!("sizeof({c})"));
        ask(Subject::Align(name.clone()), format!("_Alignof({c})"));
        for field in &s.fields {
            let field = &field.name.value;
            ask(
                Subject::Offset(name.clone(), field.clone()),
                format!("offsetof({c}, {field})"),
            );
            ask(
                Subject::FieldSize(name.clone(), field.clone()),
                format!("sizeof((({c} *)0)->{field})"),
            );
        }
    }
    groups
}

/// Every call that the headers know: the specification may have missed one.
fn calls(cc: &[String], includes: &[String]) -> Result<BTreeSet<String>, String> {
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let source = folder.path().join("calls.c");
    toolchain::write(&source, "#include <asm/unistd.h>\n")?;
    let mut cpp = compiler(cc, includes);
    let macros = toolchain::text(cpp.args(["-dM", "-E"]).arg(&source))?;
    let names = macros.lines().filter_map(|line| {
        let name = line.strip_prefix("#define __NR_")?;
        name.split_whitespace().next().map(str::to_owned)
    });
    Ok(names.collect())
}

fn compiler(cc: &[String], includes: &[String]) -> Command {
    let mut command = Command::new(&cc[0]);
    command.args(&cc[1..]).args(["-std=gnu11", "-w"]);
    command.args(includes);
    command
}

/// Builds the program, without the questions about things that the ISA does not have, runs it,
/// and reads what it prints.
fn answers(
    target: &Target,
    cc: &[String],
    includes: &[String],
    groups: &Groups,
) -> Result<World, String> {
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let program = folder.path().join("program");
    let files = sources(groups, folder.path(), &including, |file| {
        let mut check = compiler(cc, includes);
        check.args(unlimited(cc)?).arg("-fsyntax-only").arg(file);
        Ok(check)
    })?;
    let mut build = compiler(cc, includes);
    toolchain::text(build.args(&files).arg("-o").arg(&program))?;
    read(&toolchain::text(&mut target.command(&program))?, groups)
}

/// clang gives up after some errors unless told not to, in words that gcc does not know.
pub fn unlimited(cc: &[String]) -> Result<Option<&'static str>, String> {
    let version = toolchain::text(Command::new(&cc[0]).args(&cc[1..]).arg("--version"))?;
    Ok(version.contains("clang").then_some("-ferror-limit=0"))
}

/// The program's files, without the questions that `check`, a compiler's command for a file, finds
/// to be about things that are not there.
pub fn sources(
    groups: &Groups,
    folder: &Path,
    include: &Include,
    check: impl Fn(&Path) -> Result<Command, String>,
) -> Result<Vec<PathBuf>, String> {
    let mut absent = BTreeSet::new();
    for file in written(groups, &absent, folder, include)? {
        let output = toolchain::output(&mut check(&file)?)?;
        if !output.status.success() {
            let complaints = String::from_utf8_lossy(&output.stderr);
            absent.extend(lacking(&complaints, groups)?);
        }
    }
    written(groups, &absent, folder, include)
}

/// A file for each group, with a table; and one that prints them all.
fn written(
    groups: &Groups,
    without: &BTreeSet<usize>,
    folder: &Path,
    include: &Include,
) -> Result<Vec<PathBuf>, String> {
    const ANSWER: &str = "struct answer { int question; long long value, bytes; };\n";
    let mut files = Vec::new();
    let mut main = format!("#include <stdio.h>\n{ANSWER}");
    let mut index = 0;
    for (number, (headers, questions)) in groups.iter().enumerate() {
        let mut c = String::from("#include <stddef.h>\n");
        c.push_str(&include(headers)?);
        let _ = writeln!(c, "{ANSWER}const struct answer answers_{number}[] = {{");
        for question in questions {
            if !without.contains(&index) {
                let c_of = &question.c;
                let _ = writeln!(
                    c,
                    "#line {} \"question\"\n{{ {index}, (long long)({c_of}), sizeof({c_of}) }},",
                    index + 1
                );
            }
            index += 1;
        }
        c.push_str("{ -1 } };\n");
        let path = folder.join(format!("group_{number}.c"));
        toolchain::write(&path, &c)?;
        files.push(path);
        let _ = writeln!(main, "extern const struct answer answers_{number}[];");
    }
    main.push_str("int main(void) {\n    const struct answer *a;\n");
    for number in 0..groups.len() {
        let _ = writeln!(
            main,
            "    for (a = answers_{number}; a->question >= 0; a++)\n        \
             printf(\"%d %lld %lld\\n\", a->question, a->value, a->bytes);"
        );
    }
    main.push_str("    return 0;\n}\n");
    let path = folder.join("main.c");
    toolchain::write(&path, &main)?;
    files.push(path);
    Ok(files)
}

/// The questions about things that are not there, out of a compiler's complaints. Any other
/// complaint is an error.
fn lacking(complaints: &str, groups: &Groups) -> Result<BTreeSet<usize>, String> {
    let count = groups.values().map(Vec::len).sum();
    let mut lacking = BTreeSet::new();
    for complaint in extract::complaints(complaints) {
        match complaint.question.filter(|&index| index < count) {
            Some(index) if complaint.absent => _ = lacking.insert(index),
            _ => {
                let line = complaint.line;
                return Err(format!("the compiler cannot read the headers: {line}"));
            }
        }
    }
    Ok(lacking)
}

/// Reads lines of `question value bytes`.
pub fn read(text: &str, groups: &Groups) -> Result<World, String> {
    let questions: Vec<&Question> = groups.values().flatten().collect();
    let mut world = World::new();
    for line in text.lines() {
        let (question, value, bytes) = crate::world::answer(line, &questions)?;
        let subject = &question.subject;
        let value = Value {
            value,
            bytes: u64::try_from(bytes).ok(),
        };
        let old = world.insert(subject.clone(), value);
        if let Some(old) = old.filter(|old| !old.same(value)) {
            return Err(format!(
                "{subject} is {:#x} by some headers and {:#x} by others",
                old.value, value.value
            ));
        }
    }
    Ok(world)
}
