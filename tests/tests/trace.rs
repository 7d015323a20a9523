//! `wali run --trace`: its options, and its lines beside strace's own for the same program.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use wali_tests::guests::{self, build};
use wali_tests::process::{End, Outcome, run};
use wali_tests::workspace;

const LIMIT: Duration = Duration::from_secs(60);

/// `wali run` in a folder.
fn wali(dir: &Path, options: &[&str], program: &Path, args: &[&str]) -> Outcome {
    let mut command: Command = workspace::command(workspace::wali());
    command.arg("run").args(options).arg(program).args(args);
    run(in_folder(command, dir), b"", LIMIT)
}

fn in_folder(mut command: Command, dir: &Path) -> Command {
    command.current_dir(dir);
    command
}

fn example(name: &str) -> PathBuf {
    workspace::root().join("examples").join(name)
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// A program of WebAssembly text whose `_start` has this body, over a page of memory.
fn program(dir: &Path, imports: &str, data: &str, body: &str) -> PathBuf {
    let text = format!(
        "(module {imports} (memory (export \"memory\") 1) {data}
           (func (export \"_start\") {body}))"
    );
    let path = dir.join("program.wat");
    fs::write(&path, text).expect("a file");
    path
}

#[test]
fn a_line_for_each_call() {
    let dir = folder();
    fs::write(dir.path().join("text"), "two words\n").expect("a file");
    let outcome = wali(dir.path(), &["--trace"], &example("wc.wat"), &["text"]);
    assert_eq!(outcome.end, End::Exit(0), "{}", outcome.errors());
    assert_eq!(outcome.stdout, b" 1  2 10 text\n");
    let errors = outcome.errors();
    let begin = "open(\"text\", O_RDONLY)                  = 3
read(3, \"two words\\n\", 32768)           = 10
read(3, \"\", 32768)                      = 0
write(1, \" \", 1)                        = 1
";
    assert!(errors.starts_with(begin), "{errors}");
    assert!(
        errors.ends_with("write(1, \"\\n\", 1)                       = 1\n+++ exited with 0 +++\n"),
        "{errors}"
    );
}

#[test]
fn calls_are_chosen() {
    let dir = folder();
    fs::write(dir.path().join("text"), "").expect("a file");
    let lines = |option: &str| {
        let outcome = wali(dir.path(), &[option], &example("wc.wat"), &["text"]);
        assert_eq!(outcome.end, End::Exit(0), "{}", outcome.errors());
        let errors = outcome.errors();
        let name = |line: &str| line.split('(').next().map(str::to_owned);
        // The end is always told.
        let (lines, end) = errors.split_at(errors.len() - "+++ exited with 0 +++\n".len());
        assert_eq!(end, "+++ exited with 0 +++\n");
        let mut names: Vec<String> = lines.lines().filter_map(name).collect();
        names.dedup();
        names
    };
    assert_eq!(lines("--trace=read"), ["read"]);
    assert_eq!(lines("--trace=SYS_write,open"), ["open", "write"]);
    assert_eq!(lines("--trace=%file"), ["open"]);
    assert_eq!(lines("--trace=!%fd"), ["open"]);
    assert_eq!(lines("--trace=!write"), ["open", "read"]);
    assert_eq!(lines("--trace=mmap"), [""; 0]);
    assert_eq!(
        lines("--trace=%aux,!__init"),
        [
            "__cl_get_argc",
            "__cl_get_argv_len",
            "__cl_copy_argv",
            "__deinit",
            "__proc_exit"
        ]
    );
}

#[test]
fn mistakes_are_explained() {
    let dir = folder();
    for (options, text) in [
        (&["--trace=raed"][..], "did you mean `read`?"),
        (&["--trace=%flie"], "did you mean `%file`?"),
        (&["--trace=open,"], "a name is missing"),
        (&["--trace-times"], "--trace"),
        (
            &["--trace", "--trace-file=/no/such/folder/x"],
            "/no/such/folder/x: No such file",
        ),
    ] {
        let outcome = wali(dir.path(), options, &example("hello.wat"), &[]);
        assert_eq!(outcome.end, End::Exit(2), "{options:?}");
        assert!(
            outcome.errors().contains(text),
            "{options:?}: {}",
            outcome.errors()
        );
        assert!(outcome.stdout.is_empty(), "the program ran");
    }
}

/// Lines may begin with ids and times, and end with answers and durations.
#[test]
fn lines_say_more_if_asked() {
    let dir = folder();
    let options = [
        "--trace",
        "--trace-ids",
        "--trace-times",
        "--trace-durations",
        "--trace-answers",
        "--trace-string=5",
        "--trace-file=out",
    ];
    let outcome = wali(dir.path(), &options, &example("hello.wat"), &[]);
    assert_eq!(outcome.end, End::Exit(0), "{}", outcome.errors());
    assert_eq!(outcome.errors(), "");
    let text = fs::read_to_string(dir.path().join("out")).expect("the trace");
    let (line, end) = text.split_once('\n').expect("two lines");
    assert!(end.ends_with(" +++ exited with 0 +++\n"), "{end}");
    let digits: String = line
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    let (id, rest) = digits.split_once("] ").expect("an id");
    assert!(id.starts_with("[pid ") && id.ends_with('0'), "{line}");
    assert_eq!(
        rest,
        "     0.000000 write(0, \"Hello\"..., 00)                = 00 [direct] <0.000000>"
    );
}

#[test]
fn refusals_say_why() {
    let dir = folder();
    let imports = "(import \"wali\" \"SYS_ptrace\" (func $ptrace (result i64)))
        (import \"wali\" \"SYS_ioctl\" (func $ioctl (param i32 i32 i32) (result i64)))
        (import \"wali\" \"SYS_no_such\" (func $none (param i32 i64) (result i64)))
        (import \"wali\" \"SYS_exit_group\" (func $exit (param i32) (result i64)))";
    let body = "(drop (call $ptrace))
        (drop (call $ioctl (i32.const 1) (i32.const 0x7ffffff0) (i32.const 16)))
        (drop (call $ioctl (i32.const 77) (i32.const 0x7ffffff0) (i32.const 16)))
        (drop (call $none (i32.const 7) (i64.const -1)))
        (drop (call $exit (i32.const 3)))";
    let program = program(dir.path(), imports, "", body);
    let outcome = wali(dir.path(), &["--trace"], &program, &[]);
    assert_eq!(outcome.end, End::Exit(3), "{}", outcome.errors());
    let errors = outcome.errors();
    // Before the program runs, the runtime says which calls are not there.
    let lines: Vec<&str> = errors
        .lines()
        .filter(|line| !line.starts_with("wali:"))
        .collect();
    let [ptrace, unknown, closed, none, exit, end] = lines[..] else {
        panic!("{errors}");
    };
    let spec = wali_codegen::model::Spec::load(&workspace::spec_dir());
    let spec = spec.unwrap_or_else(|e| panic!("{e}"));
    let because = |name: &str| match &spec.calls[name].by {
        wali_codegen::model::By::Refused { because, .. } => because.clone(),
        _ => panic!("{name} is not refused"),
    };
    let refused = format!("[refused: {}]", because("ptrace"));
    assert!(
        ptrace.starts_with("ptrace()") && ptrace.contains("= -1 EPERM ("),
        "{ptrace}"
    );
    assert!(ptrace.ends_with(&refused), "{ptrace}");
    assert!(unknown.starts_with("ioctl(1, 0x7ffffff0 /* "), "{unknown}");
    assert!(
        unknown.contains("= -1 ENOTTY (") && unknown.contains("[refused: "),
        "{unknown}"
    );
    // The kernel's own error is not the specification's.
    assert!(
        closed.ends_with("= -1 EBADF (Bad file descriptor)"),
        "{closed}"
    );
    assert_eq!(
        none,
        "no_such(0x7, 0xffffffffffffffff)        = -1 ENOSYS (Function not implemented) \
         [not described]"
    );
    assert_eq!(exit, "exit_group(3)                           = ?");
    assert_eq!(end, "+++ exited with 3 +++");
}

/// The trace goes where standard error was at the start, whatever the guest does to it, and
/// addresses that lead nowhere are only addresses.
#[test]
fn a_guest_cannot_stop_its_trace() {
    let dir = folder();
    let imports = "(import \"wali\" \"SYS_close\" (func $close (param i32) (result i64)))
        (import \"wali\" \"SYS_open\" (func $open (param i32 i32 i32) (result i64)))
        (import \"wali\" \"SYS_writev\" (func $writev (param i32 i32 i32) (result i64)))";
    let data = "(data (i32.const 16) \"a\\00\\01b\") (data (i32.const 65532) \"end!\")";
    let body = "(drop (call $close (i32.const 2)))
        (drop (call $open (i32.const 65532) (i32.const 0) (i32.const 0)))
        (drop (call $open (i32.const 0) (i32.const 0x42) (i32.const 0)))
        (drop (call $open (i32.const -16) (i32.const 0) (i32.const 0)))
        (drop (call $writev (i32.const 1) (i32.const 65524) (i32.const 1000000)))";
    let program = program(dir.path(), imports, data, body);
    let outcome = wali(dir.path(), &["--trace"], &program, &[]);
    assert_eq!(outcome.end, End::Exit(0), "{}", outcome.errors());
    let errors = outcome.errors();
    let lines: Vec<&str> = errors.lines().collect();
    assert_eq!(lines.len(), 6, "{errors}");
    assert_eq!(lines[0], "close(2)                                = 0");
    assert_eq!(
        lines[1],
        "open(0xfffc, O_RDONLY)                  = -1 EFAULT (Bad address)"
    );
    assert!(
        lines[2].starts_with("open(NULL, O_RDWR|O_CREAT, 000) "),
        "{errors}"
    );
    assert!(
        lines[3].starts_with("open(0xfffffff0, O_RDONLY) "),
        "{errors}"
    );
    assert!(
        lines[4].starts_with("writev(1, [{iov_base=NULL, iov_len=0}, "),
        "{errors}"
    );
}

/// The guest whose halves make the same calls.
fn halves() -> build::Built {
    let program = guests::programs().into_iter().find(|p| p.name == "trace");
    let built = build::build(&program.expect("a program `trace`"));
    built.unwrap_or_else(|e| panic!("{e}"))
}

/// The calls between the two that mark begin and end, without those of the C libraries.
fn marked(trace: &str) -> Vec<String> {
    let libc = [
        "write(1, ",
        "fstat(1, ",
        "newfstatat(1, ",
        "brk(",
        "mmap(",
        "munmap(",
        "getrandom(",
    ];
    trace
        .lines()
        .skip_while(|line| !line.contains("/no/such/folder/begin"))
        .take_while(|line| !line.contains("/no/such/folder/end"))
        .filter(|line| !libc.iter().any(|call| line.starts_with(call)))
        .map(without_addresses)
        .collect()
}

/// A line with `ADDRESS` for numbers of four hexadecimal digits and more.
fn without_addresses(line: &str) -> String {
    let mut parts = line.split("0x");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_hexdigit).count();
        out.push_str(if digits < 4 { "0x" } else { "ADDRESS" });
        out.push_str(if digits < 4 { part } else { &part[digits..] });
    }
    // strace says what points in time are in words.
    while let Some(at) = out.find(" /* 1970-") {
        let end = out[at..].find("*/").map_or(out.len(), |end| at + end + 2);
        out.replace_range(at..end, "");
    }
    // Columns move with addresses.
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn with_file() -> TempDir {
    let dir = folder();
    let text = "line one\nline two\ttab \"quoted\"\n";
    fs::write(dir.path().join("file"), text).expect("a file");
    dir
}

/// As in the golden file, wherever it runs; `WALI_BLESS=1` accepts what has changed.
#[test]
fn every_kind_of_argument() {
    let dir = with_file();
    let mut options = vec!["--trace"];
    options.push("--trace-file=trace");
    let outcome = wali(dir.path(), &options, &halves().wasm, &[]);
    assert_eq!(outcome.end, End::Exit(0), "{}", outcome.errors());
    let trace = fs::read_to_string(dir.path().join("trace")).expect("the trace");
    let ours = marked(&trace).join("\n") + "\n";
    let golden = workspace::root().join("tests/data/trace.txt");
    if std::env::var_os("WALI_BLESS").is_some() {
        fs::write(&golden, &ours).expect("the golden file");
    }
    let expected = fs::read_to_string(&golden).expect("the golden file");
    for (ours, expected) in ours.lines().zip(expected.lines()) {
        assert_eq!(ours, expected);
    }
    assert_eq!(ours, expected);
}

/// The trace that strace leaves of a program, and what else it has to say; none where there is no
/// strace that may trace, or where it would trace an emulator.
fn straced(dir: &Path, program: &Path, args: &[&str]) -> Option<std::process::Output> {
    if workspace::target().emulated() {
        println!("NOT COMPARED with strace: it sees the emulator's calls, not the program's");
        return None;
    }
    let mut strace = Command::new("strace");
    strace.args(["-f", "-o", "trace"]).arg(program).args(args);
    strace.current_dir(dir).process_group(0);
    let output = strace.output();
    match output {
        Ok(output) if dir.join("trace").metadata().is_ok_and(|m| m.len() > 0) => Some(output),
        // Not installed, or not allowed to trace here: nothing to compare with.
        other => {
            eprintln!("strace: {other:?}");
            None
        }
    }
}

/// Lines about signals and ends, without what differs from run to run.
fn of_signals(dir: &TempDir) -> Vec<String> {
    let trace = fs::read_to_string(dir.path().join("trace")).expect("the trace");
    let about = |line: &str| line.find("--- ").or_else(|| line.find("+++ "));
    let text = trace.lines().filter_map(|line| Some(&line[about(line)?..]));
    text.map(|line| {
        let mut out = String::new();
        for field in line.split_inclusive(&[',', '}'][..]) {
            let (name, value) = field.split_once('=').unwrap_or((field, ""));
            match name.trim() {
                // strace says in words what the times are.
                "si_pid" | "si_addr" | "si_utime" | "si_stime" => out.push_str(name),
                _ if value.is_empty() => out.push_str(name),
                _ => out.push_str(field),
            }
        }
        out
    })
    .collect()
}

/// Signals and ends are told as strace tells them.
#[test]
fn signals_as_strace() {
    let program = guests::programs()
        .into_iter()
        .find(|p| p.name == "trace_signals");
    let built = build::build(&program.expect("a program `trace_signals`"));
    let built = built.unwrap_or_else(|e| panic!("{e}"));
    for args in [&[][..], &["dies"]] {
        let (ours, theirs) = (folder(), folder());
        let options = ["--trace", "--trace-file=trace"];
        wali(ours.path(), &options, &built.wasm, args);
        let ours = of_signals(&ours);
        let end = match args {
            [] => "+++ exited with 3 +++",
            _ => "+++ killed by SIGILL +++",
        };
        assert_eq!(ours.last().map(String::as_str), Some(end));
        assert!(ours[0].starts_with("--- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER,"));
        if straced(theirs.path(), &built.native, args).is_some() {
            assert_eq!(ours, of_signals(&theirs));
        }
    }
}

/// strace of the native half, where there is one that may trace.
#[test]
fn the_same_lines_as_strace() {
    let built = halves();
    let (ours, theirs) = (with_file(), with_file());
    let Some(output) = straced(theirs.path(), &built.native, &[]) else {
        return;
    };
    let outcome = wali(
        ours.path(),
        &["--trace", "--trace-file=trace"],
        &built.wasm,
        &[],
    );
    assert_eq!(outcome.end, End::Exit(0), "{}", outcome.errors());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(text(&outcome.stdout), text(&output.stdout));
    let read = |dir: &TempDir| {
        let trace = fs::read_to_string(dir.path().join("trace"));
        // strace says whose lines they are.
        let own = |line: &str| match line.split_once(' ') {
            Some((id, rest)) if id.parse::<u32>().is_ok() => rest.trim_start().to_owned(),
            _ => line.to_owned(),
        };
        let lines: Vec<String> = trace.expect("the trace").lines().map(own).collect();
        marked(&lines.join("\n"))
    };
    let (ours, theirs) = (read(&ours), read(&theirs));
    let different: Vec<String> = ours
        .iter()
        .zip(&theirs)
        .filter(|(ours, theirs)| ours != theirs)
        .map(|(ours, theirs)| format!("\n  ours:   {ours}\n  strace: {theirs}"))
        .collect();
    assert!(different.is_empty(), "{}", different.concat());
    assert_eq!(ours.len(), theirs.len());
}
