//! What Wasm programs find: one that includes the generated header for guests, and one with the
//! kernel's own headers, read as a guest's compiler would have to.

use std::path::Path;
use std::process::Command;

use wali_codegen::emit;
use wali_codegen::facts::extract;
use wali_codegen::facts::package::Headers;
use wali_tests::guests::build;
use wali_tests::workspace;

use crate::c::{self, Groups, Include, Question};
use crate::toolchain;
use crate::world::{Known, Subject, World};

/// The C header that `wali-codegen emit c-header` writes.
pub fn header(known: &Known) -> Result<World, String> {
    let mut questions = Vec::new();
    let mut ask = |subject: Subject, c: String| questions.push(Question { subject, c });
    for set in known.spec.flag_sets.values() {
        for member in &set.members {
            ask(Subject::Constant(member.name.clone()), member.name.clone());
        }
    }
    for (name, s) in &known.spec.structs {
        let ty = format!("struct {name}");
        ask(Subject::Size(name.clone()), format!("sizeof({ty})"));
        ask(Subject::Align(name.clone()), format!("_Alignof({ty})"));
        for f in &s.fields {
            let (of, field) = (name.clone(), f.name.clone());
            let member = emit::c_name(&field);
            let c = format!("offsetof({ty}, {member})");
            ask(Subject::Offset(of.clone(), field.clone()), c);
            let c = format!("sizeof((({ty} *)0)->{member})");
            ask(Subject::FieldSize(of, field), c);
        }
    }
    let groups = Groups::from([(vec!["wali.h".to_owned()], questions)]);
    answers(&groups, &|headers| {
        Ok(headers
            .iter()
            .map(|h| format!("#include <{h}>\n"))
            .collect())
    })
}

/// The kernel's headers as they are on the guest's ISA, in the guest's data model: pointers and
/// sizes of 32 bits, a `long` of 64. No compiler has that, so that the preprocessor's output is
/// rewritten to say `long long`.
pub fn kernel(known: &Known, headers: &Headers) -> Result<World, String> {
    let isa = &known.spec.isas[known.intent.guest_isa()];
    let clang = extract::find_clang()?;
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    for (name, text) in extract::libc_headers() {
        toolchain::write(&folder.path().join(name), &text)?;
    }
    let groups = c::groups(known);
    answers(&groups, &|names| {
        let file = folder.path().join("headers.c");
        toolchain::write(&file, &c::including(names)?)?;
        let mut cpp = Command::new(&clang);
        cpp.arg(format!("--target={}", isa.triple));
        cpp.args(["-std=gnu11", "-nostdinc", "-E", "-dD"]);
        cpp.arg("-isystem")
            .arg(headers.isa_folder(&isa.uapi, &isa.triple));
        cpp.arg("-isystem").arg(headers.common());
        cpp.arg("-idirafter").arg(folder.path()).arg(&file);
        let text = toolchain::text(&mut cpp)?;
        // What the compiler defines by itself comes first.
        let start = format!("# 1 {file:?} 2\n");
        let own = text.split_once(&start).map(|(_, own)| own);
        let own =
            own.ok_or_else(|| format!("no `{}` in the preprocessor's output", start.trim()))?;
        let lines = own.lines().filter(|line| !line.starts_with("# "));
        let text: String = lines.map(|line| format!("{line}\n")).collect();
        Ok(in_data_model(&text))
    })
}

/// C for an ISA whose `long` has 64 bits, as C for one whose `long` has 32 but whose layouts are to
/// be the same; but for sizes, which have 32.
fn in_data_model(c: &str) -> String {
    let mut out = String::new();
    let mut rest = c;
    while !rest.is_empty() {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let number = word.starts_with(|c: char| c.is_ascii_digit());
        rest = after;
        match word {
            "" => {
                let next = rest.find(is_word).unwrap_or(rest.len());
                out.push_str(&rest[..next]);
                rest = &rest[next..];
            }
            "long" => {
                out.push_str("long long");
                let next = rest.trim_start();
                let second = next
                    .strip_prefix("long")
                    .filter(|r| !r.starts_with(is_word));
                rest = second.unwrap_or(rest);
            }
            // 1UL, but not 1ULL.
            _ if number
                && word
                    .to_ascii_lowercase()
                    .trim_end_matches('u')
                    .ends_with('l') =>
            {
                out.push_str(word);
                if !word.to_ascii_lowercase().contains("ll") {
                    out.push('L');
                }
            }
            _ => out.push_str(word),
        }
    }
    let sizes = [
        (
            "__kernel_ulong_t __kernel_size_t;",
            "unsigned int __kernel_size_t;",
        ),
        ("__kernel_long_t __kernel_ssize_t;", "int __kernel_ssize_t;"),
        (
            "__kernel_long_t __kernel_ptrdiff_t;",
            "int __kernel_ptrdiff_t;",
        ),
    ];
    for (wide, narrow) in sizes {
        out = out.replace(wide, narrow);
    }
    out
}

/// Builds the program as a guest and runs it.
fn answers(groups: &Groups, include: &Include) -> Result<World, String> {
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let flags = ["-w", "-Wno-error", "-ferror-limit=0"].map(str::to_owned);
    let files = c::sources(groups, folder.path(), include, |file: &Path| {
        build::check_module(file, &flags)
    })?;
    let module = folder.path().join("program.wasm");
    build::build_module(&files, &flags, &module)?;
    let mut wali = workspace::command(workspace::wali());
    c::read(&toolchain::text(wali.arg("run").arg(&module))?, groups)
}
