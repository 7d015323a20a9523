//! The options of `wali run` about the guest's environment.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use tempfile::TempDir;
use wali_tests::guests::{self, build};
use wali_tests::process::{End, Outcome, run};
use wali_tests::workspace;

/// The guest that prints its environment, sorted.
fn printer() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let program = guests::programs().into_iter().find(|p| p.name == "env");
        let built = build::build(&program.expect("a program `env`"));
        built.unwrap_or_else(|e| panic!("{e}")).wasm
    };
    BUILT.get_or_init(build).clone()
}

/// `wali run` with these options, from a host environment of two variables and one that
/// cannot be passed.
fn wali(options: &[&str]) -> Outcome {
    let mut command: Command = workspace::command(workspace::wali());
    command.arg("run").args(options).arg(printer());
    command.env_clear().env("HOST", "one").env("OTHER", "two");
    command.env("BROKEN", "a\nINJECTED=b");
    run(command, b"", Duration::from_secs(60))
}

/// The variables that the guest saw.
fn seen(options: &[&str]) -> Vec<String> {
    let outcome = wali(options);
    assert_eq!(outcome.end, End::Exit(0), "{}", outcome.errors());
    let text = String::from_utf8(outcome.stdout).expect("variables of the test are text");
    let lines = text.lines().filter(|line| line.contains('='));
    lines.map(str::to_owned).collect()
}

#[test]
fn the_host_s_by_default() {
    assert_eq!(seen(&[]), ["HOST=one", "OTHER=two"]);
}

#[test]
fn cleared() {
    assert!(seen(&["--clear-env"]).is_empty());
}

/// The guest `args` fails if its name is empty.
#[test]
fn another_name() {
    let program = guests::programs().into_iter().find(|p| p.name == "args");
    let built = build::build(&program.expect("a program `args`"));
    let module = built.unwrap_or_else(|e| panic!("{e}")).wasm;
    for (name, status) in [("other", 0), ("", 1)] {
        let mut command: Command = workspace::command(workspace::wali());
        command.args(["run", "--argv0", name]).arg(&module);
        let outcome = run(command, b"", Duration::from_secs(60));
        assert_eq!(outcome.end, End::Exit(status), "{name:?}");
    }
}

#[test]
fn single_variables_are_added_replaced_and_passed_on() {
    assert_eq!(
        seen(&["--env", "HOST=three", "-e", "NEW=a=b", "--env", "EMPTY="]),
        ["EMPTY=", "HOST=three", "NEW=a=b", "OTHER=two"]
    );
    assert_eq!(
        seen(&["--clear-env", "--env", "OTHER", "--env", "NOT_THERE"]),
        ["OTHER=two"]
    );
}

/// What follows the module is the program's, also if it looks like an option.
#[test]
fn the_program_s_arguments_are_not_options() {
    let mut command: Command = workspace::command(workspace::wali());
    command
        .arg("run")
        .arg(printer())
        .args(["-e", "NEW=1", "--clear-env", "--", "--help"]);
    command.env_clear().env("HOST", "one");
    let outcome = run(command, b"", Duration::from_secs(60));
    assert_eq!(outcome.end, End::Exit(0), "{}", outcome.errors());
    let text = String::from_utf8_lossy(&outcome.stdout);
    assert!(text.contains("HOST=one"), "{text}");
    assert!(!text.contains("NEW=1"), "{text}");
}

#[test]
fn files_come_before_single_variables() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("variables");
    fs::write(&file, "# a comment\n\nHOST=file\nFILE=x y=z\nLAST=1").unwrap();
    let file = file.to_str().unwrap();
    assert_eq!(
        seen(&["--env-file", file, "--env", "LAST=2"]),
        ["FILE=x y=z", "HOST=file", "LAST=2", "OTHER=two"]
    );
}

#[test]
fn mistakes_name_the_place() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("variables");
    fs::write(&file, "GOOD=1\nBAD\n").unwrap();
    let file = file.to_str().unwrap();
    let refused = |options: &[&str], parts: &[&str]| {
        let outcome = wali(options);
        assert_eq!(outcome.end, End::Exit(2), "{options:?}");
        let errors = outcome.errors();
        for part in parts {
            assert!(errors.contains(part), "expected {part:?} in:\n{errors}");
        }
        assert_eq!(errors.lines().count(), 1, "{errors}");
    };
    refused(&["--env-file", file], &["variables:2", "NAME=VALUE", "BAD"]);
    refused(
        &["--env-file", "/no/such/file"],
        &["/no/such/file", "No such file"],
    );
    refused(&["--env", "=value"], &["=value", "no name"]);
    refused(&["--env", "A=b\nc"], &["line break"]);
}
