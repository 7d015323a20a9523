//! How long small programs take from start to end, and how much memory:
//! `cargo bench -p wali-tests --bench startup [-- --quick]`.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use wali_tests::bench::{Options, median, ms, table};
use wali_tests::guests::{self, build};
use wali_tests::process::{self, End};
use wali_tests::workspace;

/// What is started, by name.
type Row = (&'static str, Box<dyn Fn() -> Command>);

fn main() {
    let options = Options::from_args();
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hello = dir.path().join("hello.wasm");
    let text = workspace::root().join("examples/hello.wat");
    let bytes = wat::parse_file(&text).unwrap_or_else(|e| panic!("{e}"));
    std::fs::write(&hello, bytes).expect("a file in it");
    let programs = guests::programs();
    let args = programs
        .iter()
        .find(|p| p.name == "args")
        .expect("tests/guests/args.c");
    let args = build::build(args).unwrap_or_else(|e| panic!("{e}"));

    let wali = |module: PathBuf| {
        move || {
            let mut command = workspace::command(workspace::wali());
            command.arg("run").arg(&module);
            command
        }
    };
    let native = args.native.clone();
    let rows: Vec<Row> = vec![
        // Also the floor of the memory figures: a child starts as a copy of this process.
        ("/bin/true", Box::new(|| Command::new("/bin/true"))),
        (
            "args, native",
            Box::new(move || workspace::command(&native)),
        ),
        (
            "wali --version",
            Box::new(|| {
                let mut command = workspace::command(workspace::wali());
                command.arg("--version");
                command
            }),
        ),
        ("hello.wat, assembled", Box::new(wali(hello))),
        ("args, with libc", Box::new(wali(args.wasm))),
    ];
    let mut samples = vec![(Vec::new(), Vec::new()); rows.len()];
    for _ in 0..options.rounds(41) {
        for ((_, command), (times, sizes)) in rows.iter().zip(&mut samples) {
            let mut command = command();
            // With something to do between them, the standard library forks before it execs
            // instead of borrowing this process's memory, whose size the child would inherit
            // as its own high mark.
            // SAFETY: the closure does nothing.
            unsafe { command.pre_exec(|| Ok(())) };
            let outcome = process::run(command, b"", Duration::from_secs(60));
            assert_eq!(outcome.end, End::Exit(0), "{}", outcome.errors());
            times.push(ms(outcome.wall));
            sizes.push(outcome.max_rss as f64);
        }
    }
    let floor = median(&samples[0].0);
    let rows: Vec<Vec<String>> = rows
        .iter()
        .zip(&samples)
        .filter(|((name, _), _)| options.wants(name))
        .map(|((name, _), (times, sizes))| {
            let time = median(times);
            let size = median(sizes) / 1024.0;
            vec![
                name.to_string(),
                format!("{time:.2}"),
                format!("{:+.2}", time - floor),
                format!("{size:.1}"),
            ]
        })
        .collect();
    table(&["program", "ms", "above /bin/true", "MiB resident"], &rows);
}
