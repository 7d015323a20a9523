//! What `wali run` measures: `--stats` and `--profile`.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use wali_tests::process::{self, Outcome};
use wali_tests::workspace;

/// Its first process works in `heavy` three times as long as in `light`, both below `work`; a copy
/// of it works in `copy`. Then it makes some calls, two of which fail.
const PROGRAM: &str = r#"(module
  (import "wali" "SYS_fork" (func $fork (result i64)))
  (import "wali" "SYS_wait4" (func $wait4 (param i32 i32 i32 i32) (result i64)))
  (import "wali" "SYS_getppid" (func $getppid (result i64)))
  (import "wali" "SYS_close" (func $close (param i32) (result i64)))
  (import "wali" "SYS_no_such_call" (func $none (result i64)))
  (import "wali" "SYS_exit_group" (func $exit (param i32) (result i64)))
  (memory (export "memory") 1)
  (func $spin (param $n i32)
    (loop $again
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func $heavy (call $spin (i32.const 60000000)))
  (func $light (call $spin (i32.const 20000000)))
  (func $copy (call $spin (i32.const 20000000)))
  (func $work (call $heavy) (call $light))
  (func (export "_start")
    (if (i64.eqz (call $fork))
      (then (call $copy) (drop (call $exit (i32.const 0)))))
    (drop (call $wait4 (i32.const -1) (i32.const 0) (i32.const 0) (i32.const 0)))
    (call $work)
    (drop (call $getppid)) (drop (call $getppid)) (drop (call $getppid))
    (drop (call $close (i32.const -1)))
    (drop (call $none))
    (drop (call $exit (i32.const 3)))))"#;

/// A program that works until it is killed.
const ENDLESS: &str = r#"(module (memory (export "memory") 1)
  (func $endless (loop $again (br $again)))
  (func (export "_start") (call $endless)))"#;

fn program(dir: &Path, text: &str) -> std::path::PathBuf {
    let path = dir.join("program.wat");
    std::fs::write(&path, text).expect("a file");
    path
}

fn wali(args: &[&str], program: &Path) -> Command {
    let mut command = workspace::target().command(workspace::wali());
    command.arg("run").args(args).arg(program).env_clear();
    command
}

fn run(command: Command) -> Outcome {
    process::run(command, b"", Duration::from_secs(60))
}

/// Stacks and microseconds of a folded profile.
fn folded(path: &Path) -> BTreeMap<String, u64> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{path:?}: {e}"));
    let line = |line: &str| {
        let (stack, micros) = line.rsplit_once(' ').expect("a stack and a number");
        (stack.to_owned(), micros.parse().expect("a number"))
    };
    text.lines().map(line).collect()
}

#[test]
fn a_profile_says_where_the_time_goes() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    // For so long that it does not matter when, on a busy machine, somebody comes to ask for a sample.
    let program = program(dir.path(), &PROGRAM.replace("0000000", "00000000"));
    let file = dir.path().join("out.folded");
    let outcome = run(wali(&["--profile", file.to_str().unwrap()], &program));
    assert_eq!(outcome.end, process::End::Exit(3), "{outcome:?}");

    let stacks = folded(&file);
    let of = |stack: &str| {
        *stacks
            .get(stack)
            .unwrap_or_else(|| panic!("{stack}: {stacks:?}"))
    };
    let (heavy, light) = (of("_start;work;heavy;spin"), of("_start;work;light;spin"));
    assert!(heavy > 2 * light && heavy < 4 * light, "{stacks:?}");
    let all: u64 = stacks.values().sum();
    assert!(heavy + light > all / 2, "{stacks:?}");
    assert!(
        !stacks.keys().any(|stack| stack.contains("copy")),
        "{stacks:?}"
    );

    // The copy's is beside it.
    let files = std::fs::read_dir(dir.path()).expect("the folder");
    let names = files.map(|file| file.expect("an entry").path());
    let is_copy =
        |path: &std::path::PathBuf| path.file_stem().is_some_and(|stem| stem == "out.folded");
    let copies: Vec<_> = names.filter(is_copy).collect();
    let [copy] = &copies[..] else {
        panic!("one process was made: {copies:?}");
    };
    let stacks = folded(copy);
    assert!(stacks.contains_key("_start;copy;spin"), "{stacks:?}");
    assert!(
        !stacks.keys().any(|stack| stack.contains("work")),
        "{stacks:?}"
    );
}

#[test]
fn a_profile_in_json_is_what_speedscope_reads() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let program = program(dir.path(), PROGRAM);
    let file = dir.path().join("out.json");
    let outcome = run(wali(&["--profile", file.to_str().unwrap()], &program));
    assert_eq!(outcome.end, process::End::Exit(3), "{outcome:?}");

    let text = std::fs::read_to_string(&file).expect("the profile");
    let profile: Value = serde_json::from_str(&text).expect("JSON");
    let frames = profile["shared"]["frames"].as_array().expect("frames");
    let [thread] = &profile["profiles"].as_array().expect("profiles")[..] else {
        panic!("one thread: {text}");
    };
    assert_eq!(
        (&thread["type"], &thread["unit"]),
        (&"sampled".into(), &"microseconds".into())
    );
    let (samples, weights) = (thread["samples"].as_array(), thread["weights"].as_array());
    let (samples, weights) = (samples.expect("samples"), weights.expect("weights"));
    assert_eq!(samples.len(), weights.len());
    let total: u64 = weights
        .iter()
        .map(|weight| weight.as_u64().expect("a number"))
        .sum();
    assert_eq!(thread["endValue"].as_u64(), Some(total));
    // The order of the work can be seen: first heavy, then light.
    let name = |frame: &Value| &frames[frame.as_u64().expect("an index") as usize]["name"];
    let first_of = |function: &str| {
        samples.iter().position(|stack| {
            stack
                .as_array()
                .expect("a stack")
                .iter()
                .any(|frame| name(frame) == function)
        })
    };
    let (heavy, light) = (first_of("heavy"), first_of("light"));
    assert!(heavy.is_some() && heavy < light, "{text}");
}

#[test]
fn a_program_that_is_killed_leaves_its_profile() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let program = program(dir.path(), ENDLESS);
    let file = dir.path().join("out.folded");
    let mut command = wali(&["--profile", file.to_str().unwrap()], &program);
    let mut child = command.stdin(Stdio::null()).spawn().expect("wali starts");
    let patience = Instant::now() + Duration::from_secs(60);
    while std::fs::metadata(&file).map_or(0, |file| file.len()) == 0 {
        assert!(Instant::now() < patience, "no profile is written");
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().expect("it is killed");
    let status = child.wait().expect("it ends");
    assert_eq!(status.signal(), Some(libc::SIGKILL));
    assert!(folded(&file).contains_key("_start;endless"));
}

#[test]
fn statistics_count_calls_of_all_processes() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let program = program(dir.path(), PROGRAM);
    let outcome = run(wali(&["--stats"], &program));
    assert_eq!(outcome.end, process::End::Exit(3), "{outcome:?}");
    let text = String::from_utf8_lossy(&outcome.stderr).into_owned();
    // Calls and errors by name.
    let mut counts = BTreeMap::new();
    for line in text
        .lines()
        .skip_while(|line| !line.ends_with("  call"))
        .skip(1)
    {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (name, calls) = (words[words.len() - 1], words[3]);
        counts.insert(
            name,
            (calls, words.get(4).copied().filter(|_| words.len() == 6)),
        );
    }
    for (name, calls, errors) in [
        ("fork", "1", None),
        ("wait4", "1", None),
        ("getppid", "3", None),
        ("close", "1", Some("1")),
        ("no_such_call", "1", Some("1")),
        ("exit_group", "2", None),
    ] {
        let (found, failed) = counts.get(name).unwrap_or_else(|| panic!("{name}: {text}"));
        assert_eq!((*found, *failed), (calls, errors), "{name}: {text}");
    }
    // `spin` in both.
    assert!(
        text.contains("validating and translating 7 functions (the module has 6) into"),
        "{text}"
    );
    assert!(text.contains("in 9 system calls"), "{text}");
    assert!(text.contains("2 threads, of 2 processes"), "{text}");
}

#[test]
fn files_that_cannot_be_written_are_said_at_the_start() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let program = program(dir.path(), PROGRAM);
    let outcome = run(wali(&["--profile", "/no/such/folder/out.json"], &program));
    assert_eq!(outcome.end, process::End::Exit(2), "{outcome:?}");
    let text = String::from_utf8_lossy(&outcome.stderr).into_owned();
    assert!(
        text.starts_with("wali: --profile: /no/such/folder/out.json: "),
        "{text}"
    );
}
