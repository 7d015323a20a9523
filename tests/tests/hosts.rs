//! Modules and hosts that were not made for each other: calls that this ISA or this kernel has
//! not, and what `wali check` says of them beforehand.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use wali_codegen::model::{By, Spec};
use wali_tests::process::{self, End, Outcome};
use wali_tests::workspace;

fn spec() -> Spec {
    Spec::load(&workspace::spec_dir()).unwrap_or_else(|problems| panic!("{problems}"))
}

fn wali(args: &[&str], module: &Path) -> Command {
    let mut command = workspace::target().command(workspace::wali());
    command.args(args).arg(module).env_clear();
    command
}

fn run(command: Command) -> Outcome {
    process::run(command, b"", Duration::from_secs(60))
}

/// A module of these imports, with its file.
fn module(imports: &str, code: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let text = format!(
        "(module {imports} (memory (export \"memory\") 1) (func (export \"_start\") {code}))"
    );
    let bytes = wat::parse_str(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    std::fs::write(dir.path().join("module.wasm"), bytes).expect("a file in it");
    dir
}

fn check(args: &[&str], module: &tempfile::TempDir) -> Outcome {
    let args: Vec<&str> = ["check"].iter().chain(args).copied().collect();
    run(wali(&args, &module.path().join("module.wasm")))
}

fn import(name: &str) -> String {
    format!("(import \"wali\" \"{name}\" (func ${name} (param i32 i32 i32 i32) (result i64)))")
}

/// A program that names calls of one ISA, or of none, runs on all: those calls fail as they do
/// where Linux has them not, and no sooner than they are made.
#[test]
fn calls_of_one_isa_fail_alike_on_all() {
    let spec = spec();
    let enosys = spec.flag_sets["errno"]
        .members
        .iter()
        .find(|m| m.name == "ENOSYS");
    let enosys = enosys.expect("ENOSYS").guest;
    let mut tried = 0;
    for call in spec.calls.values() {
        let lacking = call
            .numbers
            .0
            .iter()
            .filter(|number| number.is_none())
            .count();
        let By::Refused { errno, .. } = &call.by else {
            // It is there in another way: a fallback, or the runtime.
            continue;
        };
        if lacking == 0 {
            continue;
        }
        assert!(
            ["ENOSYS", "EPERM", "EINVAL"].contains(&errno.name.as_str()),
            "{} fails with {}",
            call.name,
            errno.name
        );
        fails_with(&call.import, errno.guest);
        tried += 1;
    }
    assert!(tried > 10, "only {tried} calls of single ISAs");
    fails_with("SYS_of_another_century", enosys);
}

#[track_caller]
fn fails_with(name: &str, errno: i64) {
    let imports = format!(
        "(import \"wali\" \"__proc_exit\" (func $exit (param i32))) {}",
        import(name)
    );
    let none = "(i32.const 0)";
    let code = format!(
        "(call $exit (i32.wrap_i64 (i64.sub (i64.const 0) (call ${name} {none} {none} {none} {none}))))"
    );
    let dir = module(&imports, &code);
    let outcome = run(wali(&["run"], &dir.path().join("module.wasm")));
    assert_eq!(
        outcome.end,
        End::Exit(errno as i32),
        "{name}: {}",
        outcome.errors()
    );
}

#[test]
fn check_says_since_when_calls_exist() {
    let dir = module(
        &(import("SYS_read") + &import("SYS_openat2") + &import("SYS_mseal")),
        "",
    );
    let outcome = check(&[], &dir);
    let text = String::from_utf8_lossy(&outcome.stdout).into_owned();
    assert_eq!(outcome.end, End::Exit(0), "{text}{}", outcome.errors());
    let spec = spec();
    for name in ["read", "openat2", "mseal"] {
        let line = text
            .lines()
            .find(|line| line.contains(&format!("SYS_{name} ")));
        let line = line.unwrap_or_else(|| panic!("no line for {name} in\n{text}"));
        let since = spec.calls[name].since.expect("a release").to_string();
        assert!(line.contains(&format!("since Linux {since}")), "{line}");
    }
}

#[test]
fn check_compares_with_a_kernel() {
    let dir = module(&(import("SYS_read") + &import("SYS_openat2")), "");
    for (kernel, status) in [("5.5.19", 1), ("5.6", 0), ("6.12", 0)] {
        let outcome = check(&["--kernel", kernel], &dir);
        let text = String::from_utf8_lossy(&outcome.stdout).into_owned();
        assert_eq!(outcome.end, End::Exit(status), "{kernel}: {text}");
        assert_eq!(text.contains("not in 5.5.19"), status == 1, "{text}");
        assert_eq!(
            text.contains("Linux 5.5.19: SYS_openat2"),
            status == 1,
            "{text}"
        );
    }
    for odd in ["5", "5.x", "", "six"] {
        let outcome = check(&["--kernel", odd], &dir);
        assert_eq!(outcome.end, End::Exit(2), "{odd}");
    }
}

/// The kernel itself can be told to say that it is old.
#[test]
fn check_compares_with_this_kernel() {
    let dir = module(&(import("SYS_read") + &import("SYS_openat2")), "");
    let mut command = wali(&["check"], &dir.path().join("module.wasm"));
    // SAFETY: one system call between fork and execve.
    unsafe {
        command.pre_exec(|| match libc::personality(libc::UNAME26 as libc::c_ulong) {
            -1 => Err(std::io::Error::last_os_error()),
            _ => Ok(()),
        });
    }
    let outcome = run(command);
    let text = String::from_utf8_lossy(&outcome.stdout).into_owned();
    // It is no failure: a program may do without.
    assert_eq!(outcome.end, End::Exit(0), "{text}");
    assert!(text.contains("; not in 2.6."), "{text}");
    assert!(text.contains("this kernel, Linux 2.6."), "{text}");
}

#[test]
fn check_names_what_a_module_needs_of_webassembly() {
    for (definitions, code, needs) in [
        ("", "", "needs nothing but the first version of WebAssembly"),
        ("", "(drop (i32x4.splat (i32.const 1)))", "needs simd"),
        ("(tag)", "", "needs exceptions"),
        ("", "try catch_all end", "needs legacy-exceptions"),
        (
            "",
            "(atomic.fence) (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))",
            "needs bulk-memory, threads",
        ),
    ] {
        let dir = module(definitions, code);
        let outcome = check(&[], &dir);
        let text = String::from_utf8_lossy(&outcome.stdout).into_owned();
        assert_eq!(
            text.lines().last(),
            Some(needs),
            "{definitions} {code}: {text}"
        );
    }
}

#[test]
fn check_speaks_json() {
    let imports = [
        import("SYS_read"),
        import("SYS_openat2"),
        import("SYS_mseal"),
        import("SYS_of_another_century"),
        "(import \"wali\" \"__proc_exit\" (func (param i32)))".to_owned(),
        "(import \"wa\\22li\" \"x\\01\" (func))".to_owned(),
    ];
    let dir = module(&imports.concat(), "");
    let outcome = check(&["--json", "--kernel", "5.5"], &dir);
    assert_eq!(outcome.end, End::Exit(1), "{}", outcome.errors());
    let value: Value = serde_json::from_slice(&outcome.stdout).expect("JSON");
    assert_eq!(value["isa"], std::env::consts::ARCH);
    assert_eq!(value["kernel"], "5.5");
    assert_eq!(value["error"], Value::Null);
    assert_eq!(value["features"], serde_json::json!([]));
    let rows = value["imports"].as_array().expect("rows");
    assert_eq!(rows.len(), imports.len());
    let fields = |row: &Value| ["name", "answer", "since", "here"].map(|key| row[key].clone());
    let row = |name: &str, answer: &str, since: Value, here: Value| {
        [name.into(), answer.into(), since, here]
    };
    assert_eq!(
        fields(&rows[0]),
        row("SYS_read", "direct", "1.0".into(), true.into())
    );
    assert_eq!(
        fields(&rows[1]),
        row("SYS_openat2", "runtime", "5.6".into(), false.into())
    );
    assert!(rows[1]["because"].is_string());
    assert_eq!(rows[2]["answer"], "refused");
    // What is refused is so whatever the kernel.
    assert_eq!(rows[2]["here"], true);
    let nothing = || Value::Null;
    assert_eq!(
        fields(&rows[3]),
        row("SYS_of_another_century", "unknown", nothing(), nothing())
    );
    assert_eq!(
        fields(&rows[4]),
        row("__proc_exit", "runtime", nothing(), true.into())
    );
    assert_eq!(
        fields(&rows[5]),
        row("x\u{1}", "unlinkable", nothing(), nothing())
    );
    assert_eq!(rows[5]["module"], "wa\"li");

    // Valid, but nothing to run.
    let bytes = wat::parse_str("(module)").expect("a module");
    std::fs::write(dir.path().join("module.wasm"), bytes).expect("a file");
    let outcome = check(&["--json"], &dir);
    assert_eq!(outcome.end, End::Exit(126));
    let value: Value = serde_json::from_slice(&outcome.stdout).expect("JSON");
    assert!(
        value["error"]
            .as_str()
            .is_some_and(|error| error.contains("_start")),
        "{value}"
    );
}
