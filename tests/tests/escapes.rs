//! Ways out of the sandbox, each tried for real by a guest in `tests/guests/hostile`, which
//! exits with 1 and says so if one is open; and what the command itself refuses.
//!
//! | way | tried by |
//! |---|---|
//! | holes in memory, lengths past its end, fixed addresses outside, execution | `mappings.c`, `emptied.c`, `sandbox.rs`, `random_calls.rs` |
//! | the memory of processes by procfs, however it is spelt or mounted; of the machine by devices | `procfs.c`, `mounts.c`, `sandbox.rs` |
//! | calls that take the host's addresses, robust lists, other processes' memory; threads of the runtime's | `refused.c` |
//! | addresses inside of payloads: ioctl, socket options, prctl, filters | `payloads.c`, `hostile.rs` |
//! | descriptors of memory before they are looked at, by other threads | `openers.c` |
//! | as many threads as there is room for, in functions that are none | `bomb.c` |
//! | the runtime's descriptors | `descriptors.c` |
//! | descriptors of memory that are inherited | here |
//! | descriptors of memory that are received | guest `messages.c` |
//! | structures that change under the kernel's hands | `races.c` |
//! | arrays larger than what the caller says (`epoll_pwait`) | guest `epolls.c`, `hostile.rs` |
//! | signal stacks in linear memory, handlers for faults | guest `signals.c` |
//! | jumps to frames that are gone, by buffers that hold anything | `jumps.c`, `interp_jumps.rs` |
//! | anything else | `random_calls.rs` |

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use wali_tests::gaps;
use wali_tests::guests::{self, Program, build};
use wali_tests::process::{End, Outcome, run};
use wali_tests::workspace;

fn module(name: &str) -> PathBuf {
    let program = Program {
        name: format!("hostile-{name}"),
        source: guests::dir().join("hostile").join(name).with_extension("c"),
    };
    build::build_wasm(&program).unwrap_or_else(|e| panic!("{e}"))
}

/// Runs a module in a shell, which does something first.
fn shell(before: &str, module: &PathBuf, after: &str) -> Outcome {
    let folder = TempDir::new().unwrap();
    let wali = workspace::command(workspace::wali());
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(format!("{before} exec \"$@\" {after}"))
        .arg("sh")
        .arg(wali.get_program())
        .args(wali.get_args())
        .arg("run")
        .arg(module)
        .current_dir(folder.path());
    run(command, b"", Duration::from_secs(120))
}

/// Whether the guest found no way; otherwise what it says, and how it ended.
fn closed(outcome: &Outcome) -> Result<(), String> {
    let said = String::from_utf8_lossy(&outcome.stdout);
    match outcome.end {
        End::Exit(0) if said.is_empty() => Ok(()),
        End::Exit(1) if !said.is_empty() => Err(said.into_owned()),
        end => Err(format!("{said}{end}\n{}", outcome.errors())),
    }
}

macro_rules! guests {
    ($($name:ident),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                gaps::judge(concat!("escapes::", stringify!($name)), || {
                    closed(&shell("", &module(stringify!($name)), ""))
                });
            }
        )*

        #[test]
        fn every_guest_is_run() {
            let mut run = vec![$(stringify!($name)),*];
            run.sort_unstable();
            let entries = fs::read_dir(guests::dir().join("hostile")).unwrap();
            let sources = entries.map(|e| e.unwrap().path());
            let sources = sources.filter(|p| p.extension().is_some_and(|e| e == "c"));
            let mut found: Vec<_> =
                sources.map(|p| p.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
            found.sort_unstable();
            assert_eq!(found, run);
        }
    };
}

guests!(
    bomb,
    descriptors,
    jumps,
    mappings,
    emptied,
    mounts,
    openers,
    payloads,
    procfs,
    races,
    refused
);

/// Where the runtime's descriptors lie depends on the limits.
#[test]
fn descriptors_under_other_limits() {
    let module = module("descriptors");
    gaps::judge("escapes::descriptors_under_other_limits", || {
        for limits in [
            "ulimit -Sn 64",
            "ulimit -n 64",
            "ulimit -n 1024",
            "ulimit -Sn 1024",
        ] {
            closed(&shell(&format!("{limits};"), &module, ""))?;
        }
        Ok(())
    });
}

#[test]
fn inherited_memory_is_refused() {
    let module = module("refused");
    for after in [
        "5</proc/self/mem",
        "7<>/proc/thread-self/mem",
        "0</proc/self/mem",
    ] {
        // The process of the shell becomes the runtime's.
        let outcome = shell("", &module, after);
        assert_eq!(outcome.end, End::Exit(126), "{after}: {}", outcome.errors());
        assert!(
            outcome.errors().contains("is memory"),
            "{}",
            outcome.errors()
        );
    }
    gaps::judge("escapes::inherited_memory_is_refused", || {
        closed(&shell("", &module, "5</dev/zero 6</proc/self/status"))
    });
}
