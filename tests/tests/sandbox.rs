//! The runtime's memory stays out of the guest's reach by way of procfs, however its files
//! are spelt.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use tempfile::TempDir;
use wali_arch::flags::{at_fd::AT_FDCWD, errno::EACCES, open_flags as open};
use wali_tests::process::{End, run};
use wali_tests::workspace;

/// Statuses of the program below.
const OPENED: i32 = 1;
const DENIED: i32 = 2;
const OTHER: i32 = 3;

/// A program that opens `path`, after changing to `folder` or relative to it as a
/// descriptor, and tells by its status what came of it.
fn program(folder: Option<&str>, by_descriptor: bool, path: &str, flags: i32) -> String {
    let quote = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let enter = match folder {
        None => String::new(),
        Some(_) if by_descriptor => format!(
            "(local.set $dir (i32.wrap_i64
               (call $openat (i32.const {AT_FDCWD}) (i32.const 512) (i32.const {}) (i32.const 0))))",
            open::O_DIRECTORY
        ),
        Some(_) => "(drop (call $chdir (i32.const 512)))".into(),
    };
    format!(
        r#"(module
  (import "wali" "SYS_openat" (func $openat (param i32 i32 i32 i32) (result i64)))
  (import "wali" "SYS_chdir" (func $chdir (param i32) (result i64)))
  (import "wali" "__proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 512) "{}\00")
  (data (i32.const 1024) "{}\00")
  (func (export "_start") (local $dir i32) (local $result i64)
    (local.set $dir (i32.const {AT_FDCWD}))
    {enter}
    (local.set $result
      (call $openat (local.get $dir) (i32.const 1024) (i32.const {flags}) (i32.const 0)))
    (if (i64.ge_s (local.get $result) (i64.const 0)) (then (call $exit (i32.const {OPENED}))))
    (if (i64.eq (local.get $result) (i64.const -{EACCES})) (then (call $exit (i32.const {DENIED}))))
    (call $exit (i32.const {OTHER}))))"#,
        quote(folder.unwrap_or("")),
        quote(path),
    )
}

/// Runs the program in `cwd`.
fn attempt(
    cwd: &TempDir,
    folder: Option<&str>,
    by_descriptor: bool,
    path: &str,
    flags: i32,
) -> End {
    let module = cwd.path().join("open.wat");
    fs::write(&module, program(folder, by_descriptor, path, flags)).unwrap();
    let mut command = workspace::command(workspace::wali());
    command.arg("run").arg(&module).current_dir(cwd.path());
    run(command, b"", Duration::from_secs(60)).end
}

#[test]
fn memory_of_processes_cannot_be_opened() {
    let cwd = TempDir::new().unwrap();
    symlink("/proc/self/mem", cwd.path().join("link")).unwrap();
    symlink("/proc/self", cwd.path().join("folder")).unwrap();
    let parent = format!("/proc/{}/mem", std::process::id());
    for flags in [open::O_RDONLY, open::O_RDWR, open::O_WRONLY, open::O_PATH] {
        for path in [
            "/proc/self/mem",
            "/proc/thread-self/mem",
            "//proc/./self//mem",
            "/proc/self/../self/mem",
            "/proc/self/cwd/link",
            "link",
            "folder/mem",
            &parent,
        ] {
            let end = attempt(&cwd, None, false, path, flags);
            assert_eq!(end, End::Exit(DENIED), "{path} with flags {flags:#x}");
        }
        for folder in ["/proc/self", "folder", "/proc/thread-self"] {
            for by_descriptor in [false, true] {
                let end = attempt(&cwd, Some(folder), by_descriptor, "mem", flags);
                assert_eq!(
                    end,
                    End::Exit(DENIED),
                    "mem in {folder} with flags {flags:#x}"
                );
            }
        }
    }
}

#[test]
fn other_files_can() {
    let cwd = TempDir::new().unwrap();
    fs::write(cwd.path().join("mem"), "not a process's").unwrap();
    for path in [
        "mem",
        "/proc/self/status",
        "/proc/self/cwd/mem",
        "/proc/meminfo",
    ] {
        let end = attempt(&cwd, None, false, path, open::O_RDONLY);
        assert_eq!(end, End::Exit(OPENED), "{path}");
    }
    assert_eq!(
        attempt(&cwd, None, false, "missing", open::O_RDONLY),
        End::Exit(OTHER)
    );
}
