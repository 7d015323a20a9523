//! Running a program to its end: what it printed, how it ended, what it used.

use std::fmt;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With this status.
    Exit(i32),
    /// By this signal.
    Signal(i32),
    /// It was killed for taking too long.
    Timeout,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Exit(status) => write!(f, "exit status {status}"),
            End::Signal(signal) => write!(f, "killed by signal {signal}"),
            End::Timeout => write!(f, "killed for taking too long"),
        }
    }
}

/// What a program did.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// How it ended.
    pub end: End,
    /// Everything on standard output.
    pub stdout: Vec<u8>,
    /// Everything on standard error.
    pub stderr: Vec<u8>,
    /// From start to end.
    pub wall: Duration,
    /// The most memory resident at once, in KiB.
    pub max_rss: i64,
}

impl Outcome {
    /// Standard error as text.
    pub fn errors(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

/// Runs a command with `stdin` as its input, for `limit` at most.
///
/// The program leads a process group of its own. If it takes too long, that is killed as a whole,
/// and whoever else still has its output open.
pub fn run(mut command: Command, stdin: &[u8], limit: Duration) -> Outcome {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    // SAFETY: system calls between fork and execve, and nothing else.
    unsafe { command.pre_exec(heed_signals) };
    let start = Instant::now();
    #[expect(
        clippy::zombie_processes,
        reason = "waited for by `wait`, which tells the usage too"
    )]
    let mut child = command
        .spawn()
        .unwrap_or_else(|e| panic!("cannot start {:?}: {e}", command.get_program()));
    let pid = child.id() as libc::pid_t;
    let mut input = child.stdin.take().expect("piped");
    let mut out = child.stdout.take().expect("piped");
    let mut err = child.stderr.take().expect("piped");
    let pipes = [identity(out.as_fd()), identity(err.as_fd())];
    let (done, finished) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || {
            // A program that does not read its input is no failure.
            let _ = input.write_all(stdin);
        });
        let stdout = scope.spawn(move || drain(&mut out));
        let stderr = scope.spawn(move || drain(&mut err));
        scope.spawn(move || {
            let _ = done.send(wait(pid));
        });
        let mut late = false;
        let (status, max_rss) = finished.recv_timeout(limit).unwrap_or_else(|_| {
            late = true;
            // SAFETY: sends a signal; the group is that of a child nobody has waited for yet.
            unsafe { libc::kill(-pid, libc::SIGKILL) };
            let end = finished.recv().expect("a killed program ends");
            kill_writers(&pipes);
            end
        });
        let wall = start.elapsed();
        let end = match status {
            _ if late => End::Timeout,
            s if libc::WIFSIGNALED(s) => End::Signal(libc::WTERMSIG(s)),
            s => End::Exit(libc::WEXITSTATUS(s)),
        };
        Outcome {
            end,
            stdout: stdout.join().expect("drain does not panic"),
            stderr: stderr.join().expect("drain does not panic"),
            wall,
            max_rss,
        }
    })
}

/// Has the calling process ignore no signals: shells ignore some for what runs in the background, and
/// nohup does, which its programs inherit.
fn heed_signals() -> std::io::Result<()> {
    for signal in 1..=31 {
        // SAFETY: sets no handler. Two signals that cannot be set stay as they are.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    Ok(())
}

/// What tells a file from others.
fn identity(file: BorrowedFd<'_>) -> Option<(u64, u64)> {
    let file = File::from(file.try_clone_to_owned().ok()?);
    let status = file.metadata().ok()?;
    Some((status.dev(), status.ino()))
}

/// Kills those that have left the group and still hold standard output or standard error open,
/// which would be waited for to its end otherwise.
fn kill_writers(pipes: &[Option<(u64, u64)>]) {
    let Ok(processes) = fs::read_dir("/proc") else {
        return;
    };
    let own = std::process::id() as libc::pid_t;
    let ids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    for pid in ids.filter(|&pid: &libc::pid_t| pid != own) {
        let writes = ["1", "2"].iter().any(|fd| {
            let status = fs::metadata(format!("/proc/{pid}/fd/{fd}"));
            status.is_ok_and(|status| pipes.contains(&Some((status.dev(), status.ino()))))
        });
        if writes {
            // SAFETY: sends a signal to a process that the program has started.
            unsafe { libc::kill(pid, libc::SIGKILL) };
        }
    }
}

fn drain(from: &mut impl Read) -> Vec<u8> {
    let mut all = Vec::new();
    // What was read before an error is what there is to compare.
    let _ = from.read_to_end(&mut all);
    all
}

/// Waits for a child's end: its status and the most memory it had resident.
fn wait(pid: libc::pid_t) -> (i32, i64) {
    let mut status = 0;
    // SAFETY: an all-zero rusage is a valid one.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: both pointers lead to live variables of the types wait4 fills in.
        let got = unsafe { libc::wait4(pid, &mut status, 0, &mut usage) };
        if got == pid {
            return (status, usage.ru_maxrss);
        }
        let error = std::io::Error::last_os_error();
        assert_eq!(
            error.kind(),
            std::io::ErrorKind::Interrupted,
            "wait4: {error}"
        );
    }
}
