//! Ways out of the sandbox that are closed: the runtime's memory by way of procfs, however
//! its files are spelt, and holes in the guest's memory; and ends that must be a native
//! program's.

use std::fs;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::time::Duration;

use tempfile::TempDir;
use wali_arch::flags::{
    at_fd::AT_FDCWD, errno::EACCES, errno::EFAULT, errno::EINVAL, errno::ENOMEM, errno::EPERM,
    map_flags as map, mount_flags as mount, open_flags as open, open_tree_flags as open_tree,
    prot_flags as prot, signals, socket_levels, socket_options,
};
use wali_tests::gaps;
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

/// Runs a module given as text.
fn run_text(text: &str) -> End {
    let cwd = TempDir::new().unwrap();
    let module = cwd.path().join("module.wat");
    fs::write(&module, text).unwrap();
    let mut command = workspace::command(workspace::wali());
    command.arg("run").arg(&module).current_dir(cwd.path());
    run(command, b"", Duration::from_secs(60)).end
}

/// A copy of the process has a memory of its own, under another number in procfs.
#[test]
fn memory_cannot_be_opened_by_copies() {
    for call in ["fork", "vfork"] {
        for (path, expected) in [("/proc/self/mem", DENIED), ("/proc/self/status", OPENED)] {
            let text = format!(
                r#"(module
  (import "wali" "SYS_openat" (func $openat (param i32 i32 i32 i32) (result i64)))
  (import "wali" "SYS_{call}" (func $fork (result i64)))
  (import "wali" "SYS_wait4" (func $wait4 (param i32 i32 i32 i32) (result i64)))
  (import "wali" "__proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 512) "{path}\00")
  (func (export "_start") (local $child i64) (local $result i64)
    (local.set $child (call $fork))
    (if (i64.ne (local.get $child) (i64.const 0)) (then
      (if (i64.ne (local.get $child) (call $wait4
            (i32.wrap_i64 (local.get $child)) (i32.const 1024) (i32.const 0) (i32.const 0)))
        (then (call $exit (i32.const {OTHER}))))
      (call $exit (i32.shr_u (i32.load (i32.const 1024)) (i32.const 8)))))
    (local.set $result (call $openat
      (i32.const {AT_FDCWD}) (i32.const 512) (i32.const {O_RDONLY}) (i32.const 0)))
    (if (i64.ge_s (local.get $result) (i64.const 0)) (then (call $exit (i32.const {OPENED}))))
    (if (i64.eq (local.get $result) (i64.const -{EACCES})) (then (call $exit (i32.const {DENIED}))))
    (call $exit (i32.const {OTHER}))))"#,
                O_RDONLY = open::O_RDONLY,
            );
            assert_eq!(run_text(&text), End::Exit(expected), "{path} after {call}");
        }
    }
}

/// A changed root makes the names in procfs say what the guest likes.
#[test]
fn memory_cannot_be_opened_from_another_root() {
    // SAFETY: asks for a number.
    if unsafe { libc::geteuid() } != 0 {
        eprintln!("skipped: only root can change the root");
        return;
    }
    let jail = TempDir::new().unwrap();
    let folder = jail.path().join("proc/self/fd");
    fs::create_dir_all(&folder).unwrap();
    for fd in 0..20 {
        symlink("/harmless", folder.join(fd.to_string())).unwrap();
    }
    let text = format!(
        r#"(module
  (import "wali" "SYS_openat" (func $openat (param i32 i32 i32 i32) (result i64)))
  (import "wali" "SYS_chroot" (func $chroot (param i32) (result i64)))
  (import "wali" "__proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 512) "/proc\00")
  (data (i32.const 600) "self/mem\00")
  (data (i32.const 1024) "{}\00")
  (func (export "_start") (local $proc i32) (local $result i64)
    (local.set $proc (i32.wrap_i64 (call $openat
      (i32.const {AT_FDCWD}) (i32.const 512) (i32.const {directory}) (i32.const 0))))
    (if (i64.ne (call $chroot (i32.const 1024)) (i64.const 0)) (then (call $exit (i32.const {OTHER}))))
    (local.set $result (call $openat
      (local.get $proc) (i32.const 600) (i32.const {flags}) (i32.const 0)))
    (if (i64.eq (local.get $result) (i64.const -{EACCES})) (then (call $exit (i32.const {DENIED}))))
    (call $exit (i32.const {OPENED}))))"#,
        jail.path().display(),
        directory = open::O_DIRECTORY,
        flags = open::O_RDWR,
    );
    assert_eq!(run_text(&text), End::Exit(DENIED));
}

/// With mounts of its own, binds `from` to `to` and opens `path` with an expression.
fn opened_after_binding(from: &str, to: &str, path: &str, open: &str) -> Option<End> {
    let cwd = TempDir::new().unwrap();
    fs::write(cwd.path().join("target"), "").unwrap();
    fs::create_dir(cwd.path().join("fds")).unwrap();
    for fd in 0..20 {
        symlink("/harmless", cwd.path().join(format!("fds/{fd}"))).unwrap();
    }
    let text = format!(
        r#"(module
  (import "wali" "SYS_mount" (func $mount (param i32 i32 i32 i64 i32) (result i64)))
  (import "wali" "SYS_openat" (func $openat (param i32 i32 i32 i32) (result i64)))
  (import "wali" "SYS_open_tree" (func $open_tree (param i32 i32 i32) (result i64)))
  (import "wali" "__proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 1024) "{from}\00")
  (data (i32.const 2048) "{to}\00")
  (data (i32.const 3072) "{path}\00")
  (func (export "_start") (local $result i64)
    (if (i64.ne (i64.const 0)
          (call $mount (i32.const 1024) (i32.const 2048) (i32.const 0) (i64.const {}) (i32.const 0)))
      (then (call $exit (i32.const {OTHER}))))
    (local.set $result {open})
    (if (i64.ge_s (local.get $result) (i64.const 0)) (then (call $exit (i32.const {OPENED}))))
    (if (i64.eq (local.get $result) (i64.const -{EACCES})) (then (call $exit (i32.const {DENIED}))))
    (call $exit (i32.const {OTHER}))))"#,
        mount::MS_BIND,
    );
    let module = cwd.path().join("module.wat");
    fs::write(&module, text).unwrap();
    let mut command = workspace::command(workspace::wali());
    command.arg("run").arg(&module).current_dir(cwd.path());
    // SAFETY: between fork and exec, system calls alone.
    unsafe { command.pre_exec(own_mounts) };
    match run(command, b"", Duration::from_secs(60)).end {
        End::Exit(NO_NAMESPACE) => None,
        end => Some(end),
    }
}

/// Another status of theirs.
const NO_NAMESPACE: i32 = 4;

/// Gives the process mounts of its own, so that the runtime, too, has those that a guest makes;
/// or ends it.
fn own_mounts() -> std::io::Result<()> {
    let flags = libc::MS_REC | libc::MS_PRIVATE;
    let (none, root) = (c"none".as_ptr(), c"/".as_ptr());
    // SAFETY: the strings are C strings; the null pointers are allowed.
    unsafe {
        let alone = libc::unshare(libc::CLONE_NEWNS) == 0
            || libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNS) == 0;
        if !alone || libc::mount(none, root, std::ptr::null(), flags, std::ptr::null()) != 0 {
            libc::_exit(NO_NAMESPACE);
        }
    }
    Ok(())
}

/// Neither another name for it nor other names on the way to its own.
#[test]
fn memory_cannot_be_opened_behind_mounts() {
    let open_file = format!(
        "(call $openat (i32.const {AT_FDCWD}) (i32.const 3072) (i32.const {}) (i32.const 0))",
        open::O_RDWR
    );
    let clone_tree = format!(
        "(call $open_tree (i32.const {AT_FDCWD}) (i32.const 3072) (i32.const {}))",
        open_tree::OPEN_TREE_CLONE
    );
    let memory = "/proc/self/mem";
    for (from, to, path, open, expected) in [
        ("/proc/self/comm", "target", "target", &open_file, OPENED),
        (memory, "target", "target", &open_file, DENIED),
        ("fds", "/proc/thread-self/fd", memory, &open_file, DENIED),
        ("fds", "/proc/self/fd", memory, &open_file, DENIED),
        ("fds", "fds", memory, &clone_tree, DENIED),
        ("fds", "fds", "fds", &clone_tree, OPENED),
    ] {
        match opened_after_binding(from, to, path, open) {
            Some(end) => assert_eq!(end, End::Exit(expected), "{from} on {to}, then {path}"),
            None => eprintln!("skipped: no mount namespace without privileges here"),
        }
    }
}

/// Their events would open any file.
#[test]
fn file_events_with_descriptors_are_refused() {
    let text = format!(
        r#"(module
  (import "wali" "SYS_fanotify_init" (func $init (param i32 i32) (result i64)))
  (import "wali" "__proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (call $exit (i32.wrap_i64 (i64.sub (i64.const 0)
      (call $init (i32.const 0) (i32.const {})))))))"#,
        open::O_RDWR
    );
    assert_eq!(run_text(&text), End::Exit(EPERM));
}

/// A mapping that the kernel refuses after it has unmapped what was there would leave a hole.
#[test]
fn refused_mappings_leave_what_was_there() {
    let flags = map::MAP_PRIVATE | map::MAP_ANONYMOUS | map::MAP_FIXED | map::MAP_HUGETLB;
    let text = format!(
        r#"(module
  (import "wali" "SYS_mmap" (func $mmap (param i32 i32 i32 i32 i32 i64) (result i64)))
  (import "wali" "__proc_exit" (func $exit (param i32)))
  (memory (export "memory") 100)
  (func (export "_start") (local $result i64)
    (i32.store (i32.const 0x200000) (i32.const 77))
    (local.set $result (call $mmap (i32.const 0x200000) (i32.const 0x200000)
      (i32.const {}) (i32.const {flags}) (i32.const -1) (i64.const 0)))
    (if (i64.ne (local.get $result) (i64.const -{ENOMEM})) (then (call $exit (i32.const 1))))
    (call $exit (i32.load (i32.const 0x200000)))))"#,
        prot::PROT_READ | prot::PROT_WRITE,
    );
    assert_eq!(run_text(&text), End::Exit(77));
}

/// As a native program without a handler.
#[test]
fn fault_signals_that_a_process_sends_end_the_guest() {
    for signal in [signals::SIGSEGV, signals::SIGBUS] {
        let text = format!(
            r#"(module
  (import "wali" "SYS_getpid" (func $getpid (result i64)))
  (import "wali" "SYS_kill" (func $kill (param i32 i32) (result i64)))
  (memory (export "memory") 1)
  (func (export "_start")
    (drop (call $kill (i32.wrap_i64 (call $getpid)) (i32.const {signal})))))"#
        );
        assert_eq!(run_text(&text), End::Signal(signal));
    }
}

#[test]
fn a_trap_ends_the_guest_even_if_nobody_can_be_told() {
    let text = format!(
        r#"(module
  (import "wali" "SYS_open" (func $open (param i32 i32 i32) (result i64)))
  (import "wali" "SYS_dup2" (func $dup2 (param i32 i32) (result i64)))
  (memory (export "memory") 1)
  (data (i32.const 512) "/dev/full\00")
  (func (export "_start")
    (drop (call $dup2
      (i32.wrap_i64 (call $open (i32.const 512) (i32.const {}) (i32.const 0)))
      (i32.const 2)))
    unreachable))"#,
        open::O_WRONLY
    );
    assert_eq!(run_text(&text), End::Signal(signals::SIGILL));
}

/// The type of an import is each import's own.
#[test]
fn one_name_may_be_imported_with_several_types() {
    let text = r#"(module
  (import "wali" "SYS_exit" (func $a (param i32) (result i64)))
  (import "wali" "SYS_exit" (func $b (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (call $b (i32.const 5)) (drop (call $a (i32.const 6)))))"#;
    assert_eq!(run_text(text), End::Exit(5));
}

/// Sends three descriptors in one message: of a harmless file, of this process's memory, and
/// of the harmless file again. The socket at which they arrive is inherited by children.
fn descriptors_in_flight() -> (OwnedFd, OwnedFd) {
    let (mut pair, file, memory) = (
        [0; 2],
        fs::File::open("/dev/null").unwrap(),
        fs::File::open("/proc/self/mem").unwrap(),
    );
    // SAFETY: the array is a live local.
    let made = unsafe { libc::socketpair(libc::AF_UNIX, libc::SOCK_DGRAM, 0, pair.as_mut_ptr()) };
    assert_eq!(made, 0);
    // SAFETY: the kernel has just made both.
    let pair = pair.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
    let fds = [file.as_raw_fd(), memory.as_raw_fd(), file.as_raw_fd()];
    let mut control = [0u64; 8];
    // SAFETY: the header points to live locals, and the control messages fit into theirs.
    let sent = unsafe {
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = libc::CMSG_SPACE(size_of_val(&fds) as u32) as _;
        let first = libc::CMSG_FIRSTHDR(&message);
        (*first).cmsg_level = libc::SOL_SOCKET;
        (*first).cmsg_type = libc::SCM_RIGHTS;
        (*first).cmsg_len = libc::CMSG_LEN(size_of_val(&fds) as u32) as _;
        libc::CMSG_DATA(first).copy_from(fds.as_ptr().cast(), size_of_val(&fds));
        libc::sendmsg(pair[0].as_raw_fd(), &message, 0)
    };
    assert_eq!(sent, 0);
    let [sender, receiver] = pair;
    // Far from those that a child makes.
    // SAFETY: duplicates a descriptor, or closes both in children.
    unsafe {
        let high = libc::fcntl(receiver.as_raw_fd(), libc::F_DUPFD, 200);
        for fd in [&sender, &receiver] {
            libc::fcntl(fd.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC);
        }
        assert!(high >= 200);
        (sender, OwnedFd::from_raw_fd(high))
    }
}

/// Descriptors end at the first that may not be received, and no other is left open.
#[test]
fn memory_cannot_be_received() {
    let mut wrong = Vec::new();
    for (call, params, args) in [
        ("recvmsg", "i32 i32 i32", "(i32.const 0)"),
        (
            "recvmmsg",
            "i32 i32 i32 i32 i32",
            "(i32.const 1) (i32.const 0) (i32.const 0)",
        ),
    ] {
        let (_sender, receiver) = descriptors_in_flight();
        let truncated = libc::MSG_CTRUNC;
        let text = format!(
            r#"(module
  (import "wali" "SYS_{call}" (func $receive (param {params}) (result i64)))
  (import "wali" "SYS_dup" (func $dup (param i32) (result i64)))
  (import "wali" "__proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (local $before i32)
    ;; The lowest free descriptor.
    (local.set $before (i32.wrap_i64 (call $dup (i32.const 0))))
    ;; A header without pieces, with 64 bytes for control messages.
    (i32.store (i32.const 1044) (i32.const 1304))
    (i32.store (i32.const 1048) (i32.const 64))
    (if (i64.lt_s (call $receive (i32.const {fd}) (i32.const 1024) {args}) (i64.const 0))
      (then (call $exit (i32.const 1))))
    (if (i32.ne (i32.load (i32.const 1056)) (i32.const {truncated}))
      (then (call $exit (i32.const 2))))
    (if (i32.ne (i32.load (i32.const 1304)) (i32.const 20)) (then (call $exit (i32.const 3))))
    (if (i32.ne (i32.load (i32.const 1320)) (i32.add (local.get $before) (i32.const 1)))
      (then (call $exit (i32.const 4))))
    (if (i64.ne (call $dup (i32.const 0))
                (i64.extend_i32_u (i32.add (local.get $before) (i32.const 2))))
      (then (call $exit (i32.const 5))))))"#,
            fd = receiver.as_raw_fd(),
        );
        match run_text(&text) {
            End::Exit(0) => {}
            end => wrong.push(format!("{call}: {end}")),
        }
    }
    gaps::judge("sandbox::memory_cannot_be_received", || {
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(wrong.join("\n")),
        }
    });
}

/// A filter in the host's layout, with addresses of every kind, is none.
#[test]
fn filters_cannot_be_read_from_host_memory() {
    let program = |address: u64, len: usize| {
        format!(
            r#"(module
  (import "wali" "SYS_socket" (func $socket (param i32 i32 i32) (result i64)))
  (import "wali" "SYS_setsockopt" (func $set (param i32 i32 i32 i32 i32) (result i64)))
  (import "wali" "__proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (i32.store16 (i32.const 1024) (i32.const 1))
    (i64.store (i32.const {at}) (i64.const {address}))
    (call $exit (i32.wrap_i64 (i64.sub (i64.const 0)
      (call $set (i32.wrap_i64 (call $socket (i32.const {unix}) (i32.const {dgram}) (i32.const 0)))
                 (i32.const {level}) (i32.const {option}) (i32.const 1024) (i32.const {len})))))))"#,
            at = if len == 8 { 1028 } else { 1032 },
            unix = libc::AF_UNIX,
            dgram = libc::SOCK_DGRAM,
            level = socket_levels::SOL_SOCKET,
            option = socket_options::SO_ATTACH_FILTER,
        )
    };
    let local = [0x06u64; 2];
    for address in [
        local.as_ptr() as u64,
        0x40_0000,
        0x5555_5555_5000,
        2048,
        u64::MAX - 4095,
    ] {
        assert_eq!(
            run_text(&program(address, 16)),
            End::Exit(EINVAL),
            "{address:#x}"
        );
    }
    // In the guest's layout an address is 32 bits wide.
    for address in [0xffff_f000, 0x7fff_f000] {
        assert_eq!(
            run_text(&program(address, 8)),
            End::Exit(EFAULT),
            "{address:#x}"
        );
    }
}
