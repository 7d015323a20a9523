//! Broken specifications: every mistake must be reported on its line, in the predicted
//! words, and nothing else may be.
//!
//! A file of `broken/` is one specification or more, each of which begins with a line that names
//! the file of the small specification in `base/` that it replaces or adds. `# error: A | B`
//! predicts a report on its own line whose text contains A and B; `# error-above: ...` one on the
//! file's first line of content, `# error-other: ...` one in another file.

mod small;

use std::fs;

use small::{base, load, specifications, tests};
use wali_codegen::diag::{Diagnostic, Diagnostics};
use wali_codegen::model::Spec;
use wali_codegen::source::Source;

/// A report that a comment predicts.
#[derive(Debug)]
struct Predicted {
    /// None in another file, 0 at the top of this one.
    line: Option<usize>,
    parts: Vec<String>,
}

fn predictions(text: &str) -> Vec<Predicted> {
    let mut predicted = Vec::new();
    let parts = |text: &str| {
        text.split(" | ")
            .map(|part| part.trim().to_owned())
            .collect()
    };
    for (index, line) in text.lines().enumerate() {
        for part in line.split("# error: ").skip(1) {
            predicted.push(Predicted {
                line: Some(index + 1),
                parts: parts(part.trim_end()),
            });
        }
        for (prefix, line_of) in [("# error-above: ", Some(0)), ("# error-other: ", None)] {
            if let Some(part) = line.strip_prefix(prefix) {
                predicted.push(Predicted {
                    line: line_of,
                    parts: parts(part),
                });
            }
        }
    }
    predicted
}

/// Everything a report says, in one string.
fn whole(diagnostic: &Diagnostic) -> String {
    let label = diagnostic.at.as_ref().map(|(_, label)| label.as_str());
    let parts = [
        Some(diagnostic.message.as_str()),
        label,
        diagnostic.help.as_deref(),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

/// Checks one, and says how many mistakes were found.
fn check(text: &str) -> Result<usize, String> {
    let (first, _) = text.split_once('\n').ok_or("empty")?;
    let target = first.strip_prefix("# file: ").ok_or("no `# file:` line")?;
    let mut sources = base();
    sources.files.retain(|file| file.path != target);
    sources.files.push(Source {
        path: target.to_owned(),
        text: text.to_owned(),
    });
    let diags = load(sources).err().ok_or("no error was reported")?;
    assert!(!diags.to_string().is_empty());
    let mut predicted = predictions(text);
    if predicted.is_empty() {
        return Err("predicts nothing".to_owned());
    }
    let mut surprises = Vec::new();
    for diagnostic in diags.iter() {
        let line = line_of(&diags, diagnostic, target);
        let said = whole(diagnostic);
        let found = predicted.iter().position(|p| {
            // The top of a file counts as above whatever its first line of content is.
            let line_fits = match (line, p.line) {
                (Some(line), Some(0)) => line <= 2,
                (line, predicted) => line == predicted,
            };
            line_fits && p.parts.iter().all(|part| said.contains(part.as_str()))
        });
        match found {
            Some(index) => _ = predicted.remove(index),
            None => surprises.push(format!("line {line:?}: {said}")),
        }
    }
    if surprises.is_empty() && predicted.is_empty() {
        return Ok(diags.len());
    }
    Err(format!(
        "not predicted: {surprises:#?}\nnot reported: {predicted:#?}"
    ))
}

/// The line a report points to, if it is in the file under test.
fn line_of(diags: &Diagnostics, diagnostic: &Diagnostic, target: &str) -> Option<usize> {
    let (span, _) = diagnostic.at.as_ref()?;
    let sources = diags.sources();
    let in_target = sources.files[span.file].path == target;
    in_target.then(|| sources.line_column(span.file, span.range.start).0)
}

#[test]
fn the_small_specification_is_sound() {
    if let Err(diags) = load(base()) {
        panic!("{diags}");
    }
}

#[test]
fn a_call_without_an_entry_is_named() {
    let diags = Spec::from_sources(base()).expect_err("calls are left out");
    let said: Vec<String> = diags.iter().map(whole).collect();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].contains("without an entry: nanosleep, stat, statx"),
        "{said:?}"
    );
}

#[test]
fn every_mistake_is_reported_as_predicted() {
    let mut failures = Vec::new();
    let (mut count, mut mistakes) = (0, 0);
    for entry in fs::read_dir(tests().join("broken")).expect("the folder of broken files") {
        let path = entry.expect("an entry").path();
        let text = fs::read_to_string(&path).expect("a file");
        for (line, text) in specifications(&text) {
            count += 1;
            match check(&text) {
                Ok(found) => mistakes += found,
                Err(failure) => {
                    failures.push(format!("{}:{}: {failure}", path.display(), line + 1));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    assert!(count >= 200, "only {count} broken specifications found");
    assert!(mistakes >= 300, "only {mistakes} mistakes in them");
}

#[test]
fn a_report_reads_like_a_compiler() {
    let mut sources = base();
    sources.files.push(Source {
        path: "syscalls/time.yaml".to_owned(),
        text: "nanosleep:\n  doc: Sleeps.\n  args:\n    req: { in: struct timespce }\n".to_owned(),
    });
    let diags = load(sources).expect_err("a misspelt struct");
    let text = diags.to_string();
    let place = format!("{}:4:16", tests().join("base/syscalls/time.yaml").display());
    for part in [
        "error: unknown type `struct timespce`",
        &place,
        "4 |     req: { in: struct timespce }",
        "^^^^^^^^^^^^^^^ expected a struct of structs.yaml",
        "help: did you mean `struct timespec`?",
        "error: 1 error in the specification",
    ] {
        assert!(text.contains(part), "`{part}` is missing in\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "colours in plain text");
    assert!(
        diags.coloured().contains('\u{1b}'),
        "no colours for terminals"
    );
}

#[test]
fn missing_facts_name_the_remedy() {
    let mut sources = base();
    sources
        .files
        .retain(|file| !file.path.starts_with("facts/"));
    let text = load(sources).expect_err("no facts").to_string();
    assert!(text.contains("run `wali-codegen facts`"), "{text}");
}

#[test]
fn a_missing_folder_is_named() {
    let dir = tests().join("no-such-folder");
    let text = Spec::load(&dir).expect_err("no folder").to_string();
    assert!(text.contains("no-such-folder"), "{text}");
    assert!(text.contains("--spec"), "{text}");
}

#[test]
fn a_folder_without_a_specification_is_not_walked() {
    let dir = tempfile::tempdir().expect("a folder");
    let put = |path: &str| {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(path, "not a specification\n").expect("a file");
    };
    let said = || {
        let diags = Spec::load(dir.path()).expect_err("no specification");
        assert_eq!(diags.len(), 1, "{diags}");
        diags.to_string()
    };
    put("notes.yaml");
    put("deep/below/notes.yaml");
    let text = said();
    assert!(
        text.contains("holds no specification (no folder `isa`)"),
        "{text}"
    );
    assert!(
        !text.contains("did you mean") && !text.contains("--spec"),
        "{text}"
    );
    put("spec/isa/x86_64.yaml");
    let text = said();
    let meant = format!("did you mean {}?", dir.path().join("spec").display());
    assert!(text.contains(&meant), "{text}");
    put("isa/x86_64.yaml");
    let text = said();
    assert!(text.contains("a folder inside a part"), "{text}");
}

#[test]
fn the_facts_are_not_blamed_for_a_mistake_in_an_isa() {
    let mut sources = base();
    let isa = sources
        .files
        .iter_mut()
        .find(|file| file.path == "isa/riscv64.yaml");
    isa.expect("the ISA").text = "order: 3\ntriple: riscv64-linux-gnu\n".to_owned();
    let text = load(sources).expect_err("no `uapi`").to_string();
    assert!(text.contains("an ISA has no `uapi`"), "{text}");
    assert!(!text.contains("the facts are about"), "{text}");
}

#[test]
fn hostile_files_neither_panic_nor_hang() {
    let deep = "[".repeat(100_000);
    let deep_map = "{ a: ".repeat(100_000);
    let deep_block: String = (0..2_000)
        .map(|n| format!("{}a:\n", " ".repeat(n)))
        .collect();
    let wide = "x".repeat(1_000_000);
    for text in [
        deep.as_str(),
        &deep_map,
        &deep_block,
        &wide,
        "\u{feff}read: {}\n",
        "? [a]\n: b\n",
        "read: !!binary aGk=\n",
        "--- a\n--- b\n",
        "read: { args: { a: { in: bytes, len: 99999999999999999999999 } } }\n",
        "%YAML 9.9\n---\nread: {}\n",
    ] {
        let mut sources = base();
        sources.files.push(Source {
            path: "syscalls/hostile.yaml".to_owned(),
            text: text.to_owned(),
        });
        let diags = load(sources).expect_err("nothing of this is a specification");
        assert!(diags.to_string().contains("hostile.yaml"));
    }
}

/// What is no text at all has no lines to point into, but is told apart.
#[test]
fn other_encodings_are_refused_with_their_line() {
    let dir = tempfile::tempdir().expect("a folder");
    let put = |path: &str, bytes: &[u8]| {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(path, bytes).expect("a file");
    };
    for file in base().files {
        put(&file.path, file.text.as_bytes());
    }
    let utf16: Vec<u8> = "read: {}\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for (bytes, line) in [
        (&b"nanosleep:\n  doc: Schl\xe4ft.\n"[..], 2),
        (&[&[0xff, 0xfe], &utf16[..]].concat(), 1),
        (b"nanosleep: { doc: \"\xed\xa0\x80\" }\n", 1),
    ] {
        put("syscalls/broken.yaml", bytes);
        let text = Spec::load(dir.path()).expect_err("no UTF-8").to_string();
        let said = format!("syscalls/broken.yaml: line {line} is not UTF-8");
        assert!(text.contains(&said), "{text}");
    }
}

/// What editors elsewhere leave behind is no mistake.
#[test]
fn byte_order_marks_and_carriage_returns_are_read_over() {
    let mut sources = base();
    for file in &mut sources.files {
        file.text = format!("\u{feff}{}", file.text.replace('\n', "\r\n"));
    }
    let rest = "nanosleep,stat,statx"
        .split(',')
        .map(|name| format!("{name}: {{ doc: A call., refuse: ENOSYS, because: a test }}\r\n"));
    sources.files.push(Source {
        path: "syscalls/rest.yaml".to_owned(),
        text: rest.collect(),
    });
    if let Err(diags) = Spec::from_sources(sources) {
        panic!("{diags}");
    }
}
