//! The command `wali-codegen` from outside.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use wali_codegen::model::Spec;

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wali-codegen"));
    command.args(args).current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

fn run(args: &[&str]) -> Output {
    command(args).output().expect("the command")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn spec() -> Spec {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec");
    Spec::load(&dir).unwrap_or_else(|diags| panic!("{diags}"))
}

#[test]
fn check_finds_the_specification_above_and_counts() {
    let output = run(&["check"]);
    let out = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let spec = spec();
    let counts = format!(
        "{} of {} system calls described",
        spec.calls.len(),
        spec.kernel.len()
    );
    assert!(out.contains(&counts), "{out}");
    assert!(out.contains("no errors"), "{out}");
}

#[test]
fn mistakes_are_there_as_json() {
    let output = run(&["check", "--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "[]\n");

    let dir = tempfile::tempdir().expect("a folder");
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/base");
    let copied = Command::new("cp")
        .arg("-R")
        .arg(&base)
        .arg(dir.path().join("spec"))
        .status();
    assert!(copied.expect("cp").success());
    let broken = "nanosleep:\n  doc: Sleeps.\n  args: { req: { in: struct timespce } }\n";
    std::fs::write(dir.path().join("spec/syscalls/time.yaml"), broken).expect("a file");
    let spec = dir.path().join("spec");
    let output = run(&["check", "--json", "--spec", spec.to_str().expect("UTF-8")]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stderr), "");
    let mistakes: Vec<Value> = serde_json::from_slice(&output.stdout).expect("JSON");
    let expected = serde_json::json!({
        "message": "unknown type `struct timespce`",
        "file": "syscalls/time.yaml",
        "line": 3,
        "column": 22,
        "end_line": 3,
        "end_column": 37,
        "label": "expected a struct of structs.yaml",
        "help": "did you mean `struct timespec`?",
    });
    assert!(mistakes.contains(&expected), "{mistakes:#?}");
}

#[test]
fn json_lists_every_call_of_the_kernel() {
    let output = run(&["list", "--json"]);
    let rows: Vec<Value> = serde_json::from_slice(&output.stdout).expect("JSON");
    let spec = spec();
    assert_eq!(rows.len(), spec.kernel.len());
    let row = |name: &str| {
        let found = rows.iter().find(|row| row["name"] == name);
        found.unwrap_or_else(|| panic!("no row for {name}")).clone()
    };
    let mut expected = serde_json::json!({
        "name": "open",
        "answer": "fallback", "family": "file", "import": "SYS_open", "aliases": [],
        "since": "1.0",
        "fallback": {
            "call": "openat", "args": ["AT_FDCWD", "pathname", "flags", "mode"],
        },
    });
    for (isa, number) in spec.isas.iter().zip(&spec.kernel["open"].0) {
        expected[&isa.name] = serde_json::json!(number);
    }
    assert_eq!(row("open"), expected);
    assert_eq!(row("openat2")["since"], "5.6");
    let range = serde_json::json!({ "after": null, "by": "6.12" });
    assert_eq!(row("riscv_hwprobe")["since"], range);
    let range = serde_json::json!({ "after": null, "by": "6.1" });
    assert_eq!(row("tuxcall")["since"], range);
    assert_eq!(row("read")["answer"], "direct");
    assert_eq!(row("readv")["answer"], "convert");
    assert_eq!(row("mmap")["answer"], "runtime");
    assert_eq!(row("kexec_load")["answer"], "refused");
    assert_eq!(row("riscv_hwprobe")["answer"], "refused");
    assert_eq!(row("kexec_load")["errno"], "EPERM");
    assert_eq!(
        row("kexec_load")["because"],
        "it replaces the host's kernel"
    );
    assert!(row("mmap")["because"].is_string());
    let cases = &row("ioctl")["cases"];
    assert_eq!(cases["by"], "request");
    assert_eq!(cases["otherwise"]["errno"], "ENOTTY");
    let of = cases["of"].as_array().expect("cases");
    assert!(of.contains(&serde_json::json!({ "case": ["TCGETS"], "by": "kernel" })));
    for row in &rows {
        let isas = spec.isas.iter().map(|isa| isa.name.as_str());
        for key in isas.chain(["name", "answer"]) {
            assert!(row.get(key).is_some(), "{key} in {row}");
        }
        let described = spec
            .calls
            .contains_key(row["name"].as_str().expect("a name"));
        assert_eq!(row.get("family").is_some(), described, "{row}");
    }
}

#[test]
fn tables_are_aligned_and_filtered() {
    let output = run(&["list", "--isa", "aarch64", "--answer", "convert"]);
    let out = text(&output.stdout);
    let mut lines = out.lines();
    let header = lines.next().expect("a header");
    let column = header.find("answer").expect("the last column");
    let mut names = Vec::new();
    for line in lines {
        assert_eq!(&line[column..], "convert", "{line}");
        names.extend(line.split_whitespace().next());
    }
    for name in ["openat", "fstat", "readv"] {
        assert!(names.contains(&name), "{name} is missing in {names:?}");
    }
    assert!(!names.contains(&"read"), "read does not convert");
}

#[test]
fn mistakes_on_the_command_line_are_explained() {
    for (args, word) in [
        (vec!["list", "--isa", "sparc"], "riscv64"),
        (vec!["list", "--isa", "arm64"], "did you mean `aarch64`?"),
        (
            vec!["emit", "syscallent", "risc64"],
            "did you mean `riscv64`?",
        ),
        (vec!["emit", "seccomp", "raed"], "did you mean `read`?"),
        (vec!["emit", "jsn"], "a similar value exists: 'json'"),
        (vec!["explain", "SYS_raed"], "did you mean `read`?"),
        (
            vec!["explain", "__proc_exti"],
            "did you mean `__proc_exit`?",
        ),
        (vec!["fmt", "no-such.yaml"], "no-such.yaml: No such file"),
        (
            vec!["compare-reference", "Cargo.toml"],
            "Cargo.toml: line 1: expected the columns",
        ),
        (vec!["check", "--spec", "no/such/folder"], "no/such/folder"),
        (
            vec!["check", "--spec", "Cargo.toml"],
            "Cargo.toml is a file, not a folder",
        ),
        (vec!["check", "--spec", ".."], "did you mean ../spec?"),
        (
            vec!["facts", "--deb", "no-such.deb"],
            "no-such.deb: no such file",
        ),
        (vec!["facts", "--headers", "src"], "dpkg-deb -x"),
    ] {
        let output = run(&args);
        let err = text(&output.stderr);
        assert!(!output.status.success(), "{args:?} succeeded");
        assert!(err.contains(word), "{args:?}: `{word}` is missing in {err}");
        assert!(!err.contains("panicked"), "{err}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = command(&["list", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command");
    // More than a pipe holds is to come when the reading end closes.
    let mut first = [0];
    let mut pipe = child.stdout.take().expect("a pipe");
    pipe.read_exact(&mut first).expect("a byte");
    drop(pipe);
    let output = child.wait_with_output().expect("the end");
    assert!(output.status.success(), "{:?}", output.status);
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn explain_tells_all_of_a_call() {
    let output = run(&["explain", "SYS_stat"]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    for part in [
        "int stat(const char *pathname, struct stat *statbuf);",
        "newfstatat(AT_FDCWD, pathname, statbuf, 0)",
        "| `st_mode` | `mode_t` | 24 | 4 | at 16 |",
        "pub fn stat<C: Guest>",
    ] {
        assert!(text.contains(part), "`{part}` is missing in\n{text}");
    }
    assert!(!text.contains("]("), "links lead nowhere here:\n{text}");

    let output = run(&["explain", "raed"]);
    assert!(!output.status.success());
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(error, "error: no call `raed`; did you mean `read`?\n");
}
