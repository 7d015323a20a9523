//! Modules that the kernel runs by `wali binfmt`, in a namespace of their own, where binfmt_misc is
//! its own, too (Linux 6.7). Where that cannot be had, this says so and nothing is tested.

use std::ffi::CString;
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use tempfile::TempDir;
use wali_tests::guests::{self, build};
use wali_tests::process::{End, Outcome, run};
use wali_tests::workspace;

const LIMIT: Duration = Duration::from_secs(60);

fn check(result: libc::c_int) -> io::Result<()> {
    match result {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// A shell's run in namespaces of its own, where it is root.
fn shell(folder: &Path, script: &str) -> Outcome {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(script).current_dir(folder);
    command.env_clear().env("PATH", "/usr/bin:/bin");
    command.env("WALI", workspace::wali());
    // SAFETY: asks for numbers.
    let (uid, gid) = unsafe { (libc::geteuid(), libc::getegid()) };
    let texts = [
        (c"/proc/self/setgroups", "deny".to_string()),
        (c"/proc/self/uid_map", format!("0 {uid} 1")),
        (c"/proc/self/gid_map", format!("0 {gid} 1")),
    ];
    let texts = texts.map(|(path, text)| (path, CString::new(text).unwrap()));
    let enter = move || {
        // SAFETY: C strings that were made before the fork, and live buffers.
        unsafe {
            check(libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNS))?;
            for (path, text) in &texts {
                let fd = libc::open(path.as_ptr(), libc::O_WRONLY);
                let bytes = text.as_bytes();
                let written = libc::write(fd, bytes.as_ptr().cast(), bytes.len());
                if written < 0 {
                    return Err(io::Error::last_os_error());
                }
                libc::close(fd);
            }
            let root = c"/".as_ptr();
            let private = libc::MS_REC | libc::MS_PRIVATE;
            let none = std::ptr::null();
            check(libc::mount(
                c"none".as_ptr(),
                root,
                none,
                private,
                none.cast(),
            ))
        }
    };
    // SAFETY: the closure makes system calls only.
    unsafe { command.pre_exec(enter) };
    run(command, b"", LIMIT)
}

/// Whether there can be such namespaces; if not, a line that no test runner keeps to itself.
fn possible() -> bool {
    static POSSIBLE: OnceLock<bool> = OnceLock::new();
    *POSSIBLE.get_or_init(|| {
        let script = "mount -t binfmt_misc none /proc/sys/fs/binfmt_misc && \
                      test -w /proc/sys/fs/binfmt_misc/register";
        let tried = std::panic::catch_unwind(|| shell(Path::new("/"), script));
        let native = !workspace::target().emulated();
        let possible = native && tried.is_ok_and(|outcome| outcome.end == End::Exit(0));
        if !possible {
            let _ = writeln!(
                io::stderr(),
                "NOT TESTED: binfmt_misc in a user namespace takes Linux 6.7, and leave to make one"
            );
        }
        possible
    })
}

/// A folder with a program of the guests', native in one folder and a module in the other.
fn worlds(name: &str) -> (TempDir, [String; 2]) {
    let program = guests::programs().into_iter().find(|p| p.name == name);
    let built = build::build(&program.expect("a program of that name"));
    let built = built.unwrap_or_else(|e| panic!("{e}"));
    let folder = TempDir::new().unwrap();
    let place = |world: &str, file: &Path| {
        let folder = folder.path().join(world);
        fs::create_dir(&folder).unwrap();
        let copy = folder.join("prog");
        // By another process: a descriptor of ours would be open in what other threads start at the
        // moment, and programs that are open for writing cannot be run.
        let copied = Command::new("cp").arg(file).arg(&copy).status().unwrap();
        assert!(copied.success());
        fs::set_permissions(&copy, Permissions::from_mode(0o755)).unwrap();
        world.to_string()
    };
    let names = [place("native", &built.native), place("module", &built.wasm)];
    (folder, names)
}

/// Runs a script in both worlds, with modules registered in one of them; what came of it, which
/// is the same.
#[track_caller]
fn same(program: &str, script: &str) -> Outcome {
    let (folder, [native, module]) = worlds(program);
    let native = shell(&folder.path().join(native), script);
    let install = "\"$WALI\" binfmt install >/dev/null || exit 99\n";
    let module = shell(&folder.path().join(module), &format!("{install}{script}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(
        text(&module.stdout),
        text(&native.stdout),
        "{script}\n{}",
        module.errors()
    );
    assert_eq!(module.end, native.end, "{script}\n{}", module.errors());
    module
}

#[test]
fn programs_get_their_arguments_as_they_are() {
    if !possible() {
        return;
    }
    let outcome = same(
        "args",
        "./prog; ./prog one 'two words' -- --help -x '' \"$(printf 'a\\nb')\"",
    );
    assert!(String::from_utf8_lossy(&outcome.stdout).contains("two words"));
    same("args", "PATH=.:$PATH; prog one");
    same("args", "exec bash -c 'exec -a \"another name\" ./prog one'");
    same("args", "exec bash -c 'exec -a \"\" ./prog --'");
    same(
        "args",
        "mv prog -- --trace; ./--trace -- x; PATH=.; --trace y",
    );
    same(
        "args",
        "printf '#!./prog argument of the line\\n' >s; chmod +x s; ./s one two",
    );
}

#[test]
fn programs_get_the_whole_environment() {
    if !possible() {
        return;
    }
    let outcome = same("env", "exec env -i A=1 B= LD_PRELOAD= 'odd name=x' ./prog");
    assert!(String::from_utf8_lossy(&outcome.stdout).contains("A=1"));
    same("env", "exec env -i ./prog");
}

#[test]
fn programs_find_themselves_and_closed_streams() {
    if !possible() {
        return;
    }
    let outcome = same(
        "own",
        "env -u PWD ./prog runs_itself; ./prog names; exec $PWD/prog links",
    );
    assert!(String::from_utf8_lossy(&outcome.stdout).contains("0: another name"));
    same("fds", "./prog; ./prog <&-; ./prog 2>&-; ./prog 2>&- <&-");
    same(
        "exits",
        "./prog exit 7; echo $?; ./prog; echo $?; ./prog a; echo $?",
    );
}

/// Runs a script with `args` as `./prog`, a module.
fn module(script: &str) -> Outcome {
    let (folder, [_, module]) = worlds("args");
    shell(&folder.path().join(module), &format!("set -e\n{script}"))
}

#[track_caller]
fn passes(script: &str) -> String {
    let outcome = module(script);
    assert_eq!(outcome.end, End::Exit(0), "{script}\n{}", outcome.errors());
    String::from_utf8_lossy(&outcome.stdout).into_owned() + &outcome.errors()
}

#[test]
fn options_come_from_a_variable() {
    if !possible() {
        return;
    }
    let install = "\"$WALI\" binfmt install >/dev/null\n";
    let text = passes(&format!(
        "{install}WALI_OPTIONS=' --trace=exit_group,%aux ' ./prog"
    ));
    assert!(text.contains("__cl_get_argc"), "{text}");
    let outcome = module(&format!("{install}WALI_OPTIONS=--no-such ./prog"));
    assert_eq!(outcome.end, End::Exit(2));
    assert!(
        outcome.errors().contains("WALI_OPTIONS"),
        "{}",
        outcome.errors()
    );
}

#[test]
fn install_status_and_remove() {
    if !possible() {
        return;
    }
    passes("! \"$WALI\" binfmt status; ! env ./prog 2>/dev/null");
    let text =
        passes("\"$WALI\" binfmt install; \"$WALI\" binfmt install; \"$WALI\" binfmt status");
    assert!(text.contains("(this file), flags PO"), "{text}");
    passes(
        "\"$WALI\" binfmt install; ./prog\n\"$WALI\" binfmt remove; ! env ./prog 2>/dev/null\n\
         ! \"$WALI\" binfmt status; \"$WALI\" binfmt remove",
    );
    // In another place there is another file.
    let text = passes(
        "\"$WALI\" binfmt install; cp \"$WALI\" w; ! ./w binfmt status; ! ./w binfmt remove",
    );
    assert!(
        text.contains("(not this file)") && text.contains("--force"),
        "{text}"
    );
    let text =
        passes("\"$WALI\" binfmt install --print; ! test -e /proc/sys/fs/binfmt_misc/register");
    assert!(text.starts_with(":wali:M::\\x00\\x61\\x73\\x6d"), "{text}");
}

#[test]
fn what_others_have_registered_stays() {
    if !possible() {
        return;
    }
    let mount = "R=/proc/sys/fs/binfmt_misc; mount -t binfmt_misc none $R\n";
    let text = passes(&format!(
        "{mount}echo ':wali:E::x::/bin/false:' >$R/register\n! \"$WALI\" binfmt install\n\
         ! \"$WALI\" binfmt remove; test -e $R/wali\n\"$WALI\" binfmt install --force; ./prog"
    ));
    assert!(text.contains("another `wali`"), "{text}");
    let text = passes(&format!(
        "{mount}echo ':other:M::\\x00asm::/bin/false:' >$R/register\n! ./prog\n\
         ! \"$WALI\" binfmt install; ! test -e $R/wali\n\"$WALI\" binfmt status || true\n\
         \"$WALI\" binfmt install --force; ./prog; \"$WALI\" binfmt remove; test -e $R/other"
    ));
    assert!(
        text.contains("`other`") && text.contains("other: /bin/false"),
        "{text}"
    );
}

#[test]
fn files_for_the_start_of_the_system() {
    if !possible() {
        return;
    }
    let text = passes(
        "\"$WALI\" binfmt install --persistent --directory conf/d; cat conf/d/wali.conf\n\
         test \"$(tail -n 1 conf/d/wali.conf)\" = \"$(\"$WALI\" binfmt install --print)\"\n\
         \"$WALI\" binfmt install --persistent --directory conf/d\n\
         \"$WALI\" binfmt status --directory conf/d\n\
         \"$WALI\" binfmt remove --directory conf/d; ! test -e conf/d/wali.conf",
    );
    assert!(
        text.contains("at the start of the system: conf/d/wali.conf"),
        "{text}"
    );
    let text = passes(
        "echo theirs >wali.conf; ! \"$WALI\" binfmt install --persistent --directory .\n\
         ! test -e /proc/sys/fs/binfmt_misc/wali; ! \"$WALI\" binfmt remove --directory .\n\
         test \"$(cat wali.conf)\" = theirs; \"$WALI\" binfmt install --persistent --force --directory .\n\
         ! test \"$(cat wali.conf)\" = theirs",
    );
    assert!(text.contains("not written by wali"), "{text}");
}

#[test]
fn users_are_told_what_it_takes() {
    let users = fs::read_to_string("/proc/self/uid_map").unwrap();
    // SAFETY: asks for a number.
    if unsafe { libc::geteuid() } == 0 && !users.contains("4294967295") {
        println!("NOT TESTED: this namespace has no user but root");
        return;
    }
    let mut command = Command::new(workspace::wali());
    command.args(["binfmt", "install"]);
    // SAFETY: a call without pointers.
    let nobody = || check(unsafe { libc::setuid(65534) });
    // SAFETY: the closure makes one system call.
    unsafe {
        if libc::geteuid() == 0 {
            // The command may be where nobody else finds it.
            let file = File::open(workspace::wali()).unwrap();
            command = Command::new(format!("/proc/self/fd/{}", file.as_raw_fd()));
            command.args(["binfmt", "install"]);
            command.pre_exec(move || {
                libc::fcntl(file.as_raw_fd(), libc::F_SETFD, 0);
                nobody()
            });
        }
    }
    let outcome = run(command, b"", LIMIT);
    assert_eq!(outcome.end, End::Exit(1), "{}", outcome.errors());
    let text = outcome.errors();
    assert!(
        text.contains("root") || text.contains("binfmt_misc is not there"),
        "{text}"
    );
}
