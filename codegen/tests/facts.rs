//! Facts: written and read back, and extracted from a small tree of headers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use wali_codegen::check;
use wali_codegen::facts::extract::extract;
use wali_codegen::facts::package::Headers;
use wali_codegen::facts::{self, Facts};
use wali_codegen::intent;
use wali_codegen::model::{Layout, Place, Spec};
use wali_codegen::source::Sources;

fn manifest(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The facts in the files of a specification.
fn read(sources: Sources) -> Facts {
    let sources = Arc::new(sources);
    let mut diags = wali_codegen::diag::Diagnostics::new(Arc::clone(&sources));
    let parsed = intent::read(&sources, &mut diags);
    let isas = parsed.intent.isas.iter();
    let isas: Vec<String> = isas.map(|isa| isa.name.value.clone()).collect();
    let facts = facts::read(&sources, &parsed.facts, &isas, &mut diags);
    assert!(diags.is_empty(), "{diags}");
    facts.expect("facts")
}

#[test]
fn committed_facts_are_written_back_byte_for_byte() {
    let spec = Sources::read(&manifest("../spec")).expect("the specification");
    let written = read(spec.clone()).to_sources();
    assert_eq!(written.files.len(), 5);
    for file in &written.files {
        let committed = spec.files.iter().find(|f| f.path == file.path);
        let committed = committed.unwrap_or_else(|| panic!("{} is not committed", file.path));
        let lines = committed.text.lines().zip(file.text.lines());
        let different = lines.enumerate().find(|(_, (old, new))| old != new);
        assert_eq!(different, None, "{}", file.path);
        assert_eq!(committed.text.len(), file.text.len(), "{}", file.path);
    }
}

#[test]
fn the_suite_is_recorded_where_there_is_one() {
    let suite_of = |provenance: &str| {
        let files = [("facts/provenance.yaml", provenance)];
        facts::recorded(&Arc::new(Sources::from_memory(files))).and_then(|p| p.suite)
    };
    let base = Sources::read(&manifest("tests/base")).expect("the small specification");
    let mut facts = read(base);
    for suite in [None, Some("sid".to_owned())] {
        facts.provenance.suite = suite.clone();
        let written = facts.to_sources();
        let mut files = written.files.iter();
        let provenance = files.find(|file| file.path == "facts/provenance.yaml");
        assert_eq!(suite_of(&provenance.expect("a file").text), suite);
    }
    assert_eq!(suite_of("suite: [sid]\n"), None);
    assert_eq!(suite_of("suite: {\n"), None);
    assert_eq!(suite_of(""), None);
    assert_eq!(facts::recorded(&Arc::default()), None);
}

#[test]
fn facts_survive_a_round_trip() {
    let base = Sources::read(&manifest("tests/base")).expect("the small specification");
    let facts = read(base.clone());
    assert_eq!(
        facts.constants["MAP_BTI"],
        [None, Some(16), None],
        "absence is explicit"
    );
    let mut rewritten = base;
    rewritten
        .files
        .retain(|file| !file.path.starts_with("facts/"));
    rewritten.files.extend(facts.to_sources().files);
    rewritten.files.sort_by(|a, b| a.path.cmp(&b.path));
    assert_eq!(read(rewritten), facts);
}

/// Headers that differ by ISA in every way that facts express.
fn headers() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let put = |path: &str, text: &str| {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(path, text).expect("a header");
    };
    let version = "#define LINUX_VERSION_MAJOR 9\n#define LINUX_VERSION_PATCHLEVEL 8\n\
                   #define LINUX_VERSION_SUBLEVEL 7\n";
    put("usr/include/linux/version.h", version);
    put(
        "usr/include/linux/thing.h",
        "#include <asm/width.h>\n#define COMMON (-5)\nenum { LISTED = 1u << 31 };\n\
         struct thing { char tag; width_t value; EXTRA };\n",
    );
    for (isa, width, extra, constant, call) in [
        (
            "x86",
            "long",
            "char last;",
            "#define ONLY 7",
            "#define __NR_old 1\n",
        ),
        ("arm64", "int", "", "", ""),
        ("riscv", "long", "char last;", "", ""),
    ] {
        let folder = format!("usr/lib/linux/uapi/{isa}/asm");
        let text = format!("typedef {width} width_t;\n#define EXTRA {extra}\n{constant}\n");
        put(&format!("{folder}/width.h"), &text);
        let text = format!("#ifndef X\n#define __NR_new 40\n{call}#endif\n");
        put(&format!("{folder}/unistd_64.h"), &text);
    }
    dir
}

const INTENT: [(&str, &str); 3] = [
    (
        "types.yaml",
        "int: { guest: i32 }\nlong: { guest: i64 }\nchar: { guest: u8 }\n",
    ),
    (
        "flags.yaml",
        "set:\n  kind: enum\n  headers: [linux/thing.h]\n  members: [COMMON, LISTED, ONLY]\n",
    ),
    (
        "structs.yaml",
        "thing:\n  headers: [linux/thing.h]\n  fields: { tag: char, value: long, last: char }\n",
    ),
];

fn sources(more: &[(&str, &str)]) -> Sources {
    let real = Sources::read(&manifest("tests/base")).expect("the small specification");
    let isas = real
        .files
        .into_iter()
        .filter(|file| file.path.starts_with("isa/"));
    let isas = isas.map(|file| (file.path, file.text));
    let more = more
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
    Sources::from_memory(isas.chain(more))
}

fn intent_of(sources: Sources) -> wali_codegen::intent::Intent {
    let sources = Arc::new(sources);
    let mut diags = wali_codegen::diag::Diagnostics::new(Arc::clone(&sources));
    let parsed = intent::read(&sources, &mut diags);
    assert!(diags.is_empty(), "{diags}");
    parsed.intent
}

#[test]
fn clang_answers_for_every_isa() {
    let tree = headers();
    let headers = Headers::from_dir(tree.path()).expect("headers");
    assert_eq!(headers.provenance.version, "9.8.7");
    let facts = extract(&intent_of(sources(&INTENT)), &headers).expect("facts");
    assert_eq!(facts.calls["new"], [Some(40); 3]);
    assert_eq!(facts.calls["old"], [Some(1), None, None]);
    assert_eq!(facts.constants["COMMON"], [Some(-5); 3]);
    assert_eq!(facts.constants["LISTED"], [Some(1 << 31); 3]);
    assert_eq!(facts.constants["ONLY"], [Some(7), None, None]);
    let thing = &facts.structs["thing"];
    let layout = |size, align| Some(Layout { size, align });
    assert_eq!(thing.layout, [layout(24, 8), layout(8, 4), layout(24, 8)]);
    let place = |offset, size| Some(Place { offset, size });
    let expected = [
        ("tag", [place(0, 1), place(0, 1), place(0, 1)]),
        ("value", [place(8, 8), place(4, 4), place(8, 8)]),
        ("last", [place(16, 1), None, place(16, 1)]),
    ];
    for ((name, places), (expected_name, expected)) in thing.fields.iter().zip(expected) {
        assert_eq!(name, expected_name);
        assert_eq!(*places, expected, "{name}");
    }

    // From these facts the whole specification loads, and the struct converts where it must.
    let entry = |name| format!("{name}:\n  doc: A call.\n  args: {{}}\n  runtime: a test\n");
    let calls = entry("new") + &entry("old");
    let mut whole = sources(&[&INTENT[..], &[("syscalls/all.yaml", &calls)]].concat());
    whole.files.extend(facts.to_sources().files);
    let spec = Spec::from_sources(whole).unwrap_or_else(|diags| panic!("{diags}"));
    let converts: Vec<bool> = (0..3)
        .map(|isa| spec.structs["thing"].converts_on(isa, &spec))
        .collect();
    assert_eq!(converts, [false, true, false]);
}

#[test]
fn a_header_that_does_not_exist_is_named() {
    let tree = headers();
    let headers = Headers::from_dir(tree.path()).expect("headers");
    let flags = "set:\n  kind: enum\n  headers: [linux/thnig.h]\n  members: [COMMON]\n";
    let error = extract(&intent_of(sources(&[("flags.yaml", flags)])), &headers);
    let error = error.expect_err("no such header");
    assert!(error.contains("<linux/thnig.h>"), "{error}");
}

#[test]
fn a_tree_without_an_isa_is_named() {
    let tree = headers();
    fs::remove_dir_all(tree.path().join("usr/lib/linux/uapi/riscv")).expect("the folder");
    let headers = Headers::from_dir(tree.path()).expect("headers");
    let error = extract(&intent_of(sources(&INTENT)), &headers).expect_err("no riscv");
    assert!(error.contains("isa/riscv64.yaml"), "{error}");
}

#[test]
fn the_command_writes_checks_and_shows_differences() {
    let tree = headers();
    let spec = tempfile::tempdir().expect("a folder");
    for file in &sources(&INTENT).files {
        let path = spec.path().join(&file.path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(path, &file.text).expect("a file");
    }
    let run = |more: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_wali-codegen"))
            .arg("--spec")
            .arg(spec.path())
            .args(["facts", "--headers"])
            .arg(tree.path())
            .args(more)
            .output()
            .expect("the command");
        let text = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        (output.status.success(), text)
    };
    let (good, text) = run(&["--check"]);
    assert!(!good && text.contains("+ new: 40"), "{text}");
    assert!(!spec.path().join("facts").exists(), "--check wrote");
    let (good, text) = run(&[]);
    assert!(good, "{text}");
    assert!(text.contains("now run `wali-codegen check`"), "{text}");
    assert!(
        text.contains("+ thing.tag: ") && !text.contains("fields:"),
        "{text}"
    );
    let provenance = spec.path().join("facts/provenance.yaml");
    let recorded = fs::read_to_string(&provenance).expect("facts");
    assert!(!recorded.contains("suite"), "{recorded}");
    // Another suite with the same facts passes.
    let fetched = recorded.replace("version:", "suite: sid\nversion:");
    fs::write(&provenance, &fetched).expect("a change");
    let (good, text) = run(&["--check"]);
    assert!(good && text.contains("agree"), "{text}");
    // Headers given by hand belong to no suite.
    let (good, text) = run(&[]);
    assert!(good && text.contains("- suite: sid"), "{text}");
    assert_eq!(fs::read_to_string(&provenance).expect("facts"), recorded);
    let (good, text) = run(&["--check"]);
    assert!(good && text.contains("agree"), "{text}");

    let structs = spec.path().join("facts/structs.yaml");
    let old = fs::read_to_string(&structs).expect("facts");
    fs::write(&structs, old.replace("[4, 4]", "[4, 2]")).expect("a change");
    let (good, text) = run(&["--check"]);
    assert!(!good, "{text}");
    assert!(
        text.contains("- thing.value: { x86_64: [8, 8], aarch64: [4, 2]"),
        "{text}"
    );
    assert!(
        text.contains("+ thing.value: { x86_64: [8, 8], aarch64: [4, 4]"),
        "{text}"
    );
}

#[test]
fn intent_loads_without_facts() {
    let intent = check::load_intent(&manifest("../spec")).unwrap_or_else(|diags| panic!("{diags}"));
    assert!(intent.calls.len() > 150);
}
