//! The examples do what their comments say.

use std::process::Command;
use std::time::Duration;

use wali_tests::process::{self, End, Outcome};
use wali_tests::workspace;

fn example(name: &str, args: &[&str], stdin: &[u8]) -> Outcome {
    let mut command = workspace::command(workspace::wali());
    command
        .arg("run")
        .arg(workspace::root().join("examples").join(name))
        .args(args);
    process::run(command, stdin, Duration::from_secs(60))
}

#[test]
fn hello_greets() {
    let outcome = example("hello.wat", &[], b"");
    assert_eq!(outcome.end, End::Exit(0), "{}", outcome.errors());
    assert_eq!(outcome.stdout, b"Hello from WebAssembly on Linux!\n");
}

#[test]
fn wc_counts_like_wc() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let texts = [
        String::new(),
        "no line feed".to_string(),
        "one\ttwo\x0bthree\x0cfour\rfive\n\n  six".to_string(),
        // Words across the borders of reads.
        "word ".repeat(40_000) + &"x".repeat(100_000) + "\n",
    ];
    for (i, text) in texts.iter().enumerate() {
        let path = dir.path().join(format!("text{i}"));
        std::fs::write(&path, text).expect("a file");
        let path = path.to_str().expect("a plain path");
        let real = Command::new("wc")
            .arg(path)
            .env("LC_ALL", "C")
            .output()
            .expect("wc runs");
        let ours = example("wc.wat", &[path], b"");
        assert_eq!(ours.end, End::Exit(0), "{}", ours.errors());
        assert_eq!(
            String::from_utf8_lossy(&ours.stdout),
            String::from_utf8_lossy(&real.stdout)
        );
    }
    let outcome = example("wc.wat", &[], b"from a pipe\n");
    assert_eq!(outcome.stdout, b" 1  3 12\n");
    let outcome = example("wc.wat", &["/absent"], b"");
    assert_eq!(outcome.end, End::Exit(1));
    assert_eq!(outcome.errors(), "wc: cannot read /absent\n");
}
