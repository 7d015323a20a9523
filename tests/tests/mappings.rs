//! The reservation of a guest's memory seen from outside, while its threads map and unmap: never a
//! hole, nothing of the host's in it, nothing executable, and no more of the kernel's mappings than
//! the guest has of its own. And limits on address space that are there at the start.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use wali_tests::gaps;
use wali_tests::guests::{self, Program, build};
use wali_tests::workspace;

/// Address space behind a memory, at the least.
const RESERVED: u64 = 8 << 30;

/// Regions that the guest has at most at a time (four threads with two dozen each), and the gaps
/// between them; with room for what is not yet joined again.
const MOST: usize = 1000;

/// What the guest maps: shared memory, and, as it begins, the file of its environment.
const OWN: [&str; 2] = ["/dev/zero", "/memfd:wali-environment"];

/// One of the kernel's mappings.
struct Mapping {
    start: u64,
    end: u64,
    executable: bool,
    name: String,
}

fn mappings(pid: u32) -> Option<Vec<Mapping>> {
    let text = fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
    text.lines()
        .map(|line| {
            let mut words = line.split_ascii_whitespace();
            let (start, end) = words.next()?.split_once('-')?;
            Some(Mapping {
                start: u64::from_str_radix(start, 16).ok()?,
                end: u64::from_str_radix(end, 16).ok()?,
                executable: words.next()?.contains('x'),
                name: words.nth(3).unwrap_or_default().to_owned(),
            })
        })
        .collect()
}

/// Whether all of the process's threads have stopped: in the middle of a call, mappings are not
/// what they will be after it.
fn has_stopped(pid: u32) -> Option<bool> {
    for task in fs::read_dir(format!("/proc/{pid}/task")).ok()? {
        let stat = fs::read_to_string(task.ok()?.path().join("stat")).ok()?;
        let state = stat.rsplit(')').next()?.trim_start();
        if !state.starts_with('T') {
            return Some(false);
        }
    }
    Some(true)
}

fn send(child: &Child, signal: i32) {
    // SAFETY: sends a signal to a process that is ours and has not been waited for.
    unsafe { libc::kill(child.id() as libc::pid_t, signal) };
}

/// Looks at the reservation once, unless the process is at its beginning or end.
fn look(child: &Child, known: &mut Option<u64>) -> Result<bool, String> {
    let Some(all) = mappings(child.id()) else {
        return Ok(false);
    };
    // What is behind the guest's mappings is one large inaccessible one.
    let free = all.iter().find(|m| m.end - m.start > RESERVED / 2);
    *known = known.or(free.map(|m| m.end));
    let Some(end) = *known else {
        return Ok(false);
    };
    let start = end - RESERVED;
    let mut at = start;
    let mut count = 0;
    for mapping in all.iter().filter(|m| m.end > start && m.start < end) {
        if mapping.start > at {
            return Err(format!("a hole at {at:#x}"));
        }
        if mapping.executable {
            return Err(format!("executable at {at:#x}"));
        }
        if !mapping.name.is_empty() && !OWN.iter().any(|own| mapping.name.starts_with(own)) {
            return Err(format!("{} at {at:#x}", mapping.name));
        }
        at = mapping.end;
        count += 1;
    }
    if at < end || count > MOST {
        return Err(format!("{count} mappings until {at:#x} of {end:#x}"));
    }
    Ok(true)
}

#[test]
fn the_reservation_is_whole_and_the_guests_alone() {
    let program = Program {
        name: "mmap_threads".into(),
        source: guests::dir().join("mmap_threads.c"),
    };
    let wasm = build::build_wasm(&program).unwrap_or_else(|e| panic!("{e}"));
    let mut command = workspace::command(workspace::wali());
    command.arg("run").arg(wasm).arg("3000");
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut end = None;
    let mut looks = 0;
    let limit = Instant::now() + Duration::from_secs(300);
    while child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < limit, "it takes too long");
        send(&child, libc::SIGSTOP);
        while has_stopped(child.id()) == Some(false) {
            thread::sleep(Duration::from_millis(1));
        }
        match look(&child, &mut end) {
            Ok(seen) => looks += u32::from(seen),
            Err(text) => {
                send(&child, libc::SIGKILL);
                panic!("{text}");
            }
        }
        send(&child, libc::SIGCONT);
        thread::sleep(Duration::from_millis(10));
    }
    let outcome = child.wait_with_output().unwrap();
    assert!(outcome.status.success());
    let text = String::from_utf8(outcome.stdout).unwrap();
    assert_eq!(text.matches(": 0 wrong\n").count(), 4, "{text}");
    assert!(text.contains("\n0 copies failed"), "{text}");
    assert!(looks > 0, "never seen");
}

/// Runs a command under a limit of the shell's; its status, output and errors.
fn limited(limit: &str, command: &[&Path]) -> (Option<i32>, String, String) {
    let script = format!("ulimit {limit} && exec \"$@\"");
    let mut shell = workspace::command(Path::new("/bin/sh"));
    shell.args(["-c", &script, "sh"]).args(command);
    let outcome = shell.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        outcome.status.code(),
        text(outcome.stdout),
        text(outcome.stderr),
    )
}

/// A soft limit is the guest's, as natively; a hard one that leaves no room is explained.
#[test]
fn limits_of_the_start() {
    let program = Program {
        name: "limits_memory".into(),
        source: guests::dir().join("limits_memory.c"),
    };
    let built = build::build(&program).unwrap_or_else(|e| panic!("{e}"));
    let child = Path::new("child");
    let guest = [workspace::wali(), Path::new("run"), &built.wasm, child];
    let native = limited("-S -v 800000", &[&built.native, child]);
    assert_eq!(native.0, Some(0), "{}", native.2);
    assert!(native.1.contains("as: 819200000 "), "{}", native.1);
    gaps::judge("mappings::limits_of_the_start", || {
        assert_eq!(limited("-S -v 800000", &guest), native);
        Ok(())
    });
    let (status, output, errors) = limited("-v 4000000", &guest);
    assert_eq!((status, output.as_str()), (Some(126), ""), "{errors}");
    assert!(errors.contains("`ulimit -H -v`"), "{errors}");
}
