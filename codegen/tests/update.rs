//! `wali-codegen update`: what it says of kernels that changed, for better or worse, what it
//! writes, and what it makes of headers that are none.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use wali_codegen::check;
use wali_codegen::diag::Diagnostics;
use wali_codegen::facts::Facts;
use wali_codegen::facts::compare::Changes;
use wali_codegen::facts::history::{self, History};
use wali_codegen::source::Sources;

fn manifest(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// All releases that are known, oldest first.
fn releases(dir: &Path) -> (wali_codegen::intent::Intent, Vec<Facts>) {
    let (intent, newest, history) = check::load_facts(dir).unwrap_or_else(|d| panic!("{d}"));
    let mut all = history.whole(&newest);
    all.reverse();
    all.push(newest);
    (intent, all)
}

#[test]
fn reports_of_kernels_that_were() {
    let (intent, all) = releases(&manifest("../spec"));
    let of = |series: &str| {
        let mut all = all.iter();
        let found = all.find(|facts| facts.provenance.version.starts_with(series));
        found.unwrap_or_else(|| panic!("Linux {series} is not known"))
    };
    for (before, after) in [("6.1.", "6.12."), ("6.12.", "7.3.")] {
        let changes = Changes::between(of(before), of(after), &intent);
        let (before, after) = (before.trim_end_matches('.'), after.trim_end_matches('.'));
        let path = manifest(&format!("tests/golden/update-{before}-{after}.txt"));
        let text = changes.to_text();
        if std::env::var_os("WALI_BLESS").is_some() {
            fs::write(&path, &text).expect("the golden");
        }
        let golden = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            golden == text,
            "{}: run with WALI_BLESS=1 and look at the difference\n{text}",
            path.display()
        );
    }
}

#[test]
fn older_releases_are_written_back_byte_for_byte() {
    let dir = manifest("../spec");
    let (_, mut all) = releases(&dir);
    let newest = all.pop().expect("facts");
    let written = History::to_sources(&newest, &all);
    assert_eq!(written.len(), all.len());
    for file in written {
        let committed = fs::read_to_string(dir.join(&file.path)).expect("a file");
        assert!(committed == file.text, "{}", file.path);
    }
}

/// A small tree of headers, of three ISAs.
struct Tree(tempfile::TempDir);

const ISAS: [&str; 3] = ["x86", "arm64", "riscv"];

impl Tree {
    fn new(minor: u32, header: &str, calls: &str) -> Tree {
        let tree = Tree(tempfile::tempdir().expect("a folder"));
        let version = format!(
            "#define LINUX_VERSION_MAJOR 9\n#define LINUX_VERSION_PATCHLEVEL {minor}\n\
             #define LINUX_VERSION_SUBLEVEL 0\n"
        );
        tree.put("usr/include/linux/version.h", &version);
        tree.put("usr/include/linux/thing.h", header);
        for isa in ISAS {
            tree.put(&format!("usr/lib/linux/uapi/{isa}/asm/unistd_64.h"), calls);
        }
        tree
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(path, text).expect("a header");
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

const OLD: &str = "#define T_ONE 1\n#define T_TWO 2\n#define T_SIX 6\n#define T_OLD 9\n\
    struct thing { int a; int spare[3]; };\nstruct wide { long a; long b; };\n";
const OLD_CALLS: &str = "#define __NR_go 1\n#define __NR_stop 2\n#define __NR_wait 3\n";

const CALLS: &str = "# Calls.\ngo: { doc: Goes.,   args: {}, runtime: a test } # odd\n\n# Of stop.\n\
    stop:\n  doc: Stops.\n  args: {}\n  runtime: a test\n\nwait:\n  doc: Waits.\n  args: {}\n  runtime: a test\n";

/// A specification whose facts are those of the old tree.
fn spec(old: &Tree) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let base = Sources::read(&manifest("tests/base")).expect("the small specification");
    let isas = base
        .files
        .into_iter()
        .filter(|f| f.path.starts_with("isa/"));
    let mut files: Vec<(String, String)> = isas.map(|f| (f.path, f.text)).collect();
    let flags = "errno:\n  kind: enum\n  headers: [linux/thing.h]\n  members: [T_SIX]\n\
        set:\n  kind: enum\n  headers: [linux/thing.h]\n  members: [T_ONE, T_TWO]\n";
    let structs = "thing:\n  headers: [linux/thing.h]\n  fields: { a: int, spare: array of int }\n\
        wide:\n  headers: [linux/thing.h]\n  fields: { a: long, b: long }\n";
    for (path, text) in [
        (
            "types.yaml",
            "int: { guest: i32 }\nuint: { guest: u32, c: unsigned int }\nlong: { guest: i64 }\n\
            size_t: { guest: u32, host: i64 }\nfd: { guest: i32, role: descriptor, c: int }\n\
            addr: { guest: u32, host: u64, role: address, c: void * }\n",
        ),
        ("flags.yaml", flags),
        ("structs.yaml", structs),
        ("syscalls/calls.yaml", CALLS),
    ] {
        files.push((path.to_owned(), text.to_owned()));
    }
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(path, text).expect("a file");
    }
    let output = run(dir.path(), &["facts", "--headers", &text_of(old.path())]);
    assert!(output.0, "{}", output.1);
    dir
}

fn text_of(path: &Path) -> String {
    path.to_str().expect("plain").to_owned()
}

fn command(spec: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wali-codegen"));
    command.arg("--spec").arg(spec).args(args);
    command
}

fn all_text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn run(spec: &Path, args: &[&str]) -> (bool, String) {
    let output = command(spec, args).output().expect("the command");
    (output.status.success(), all_text(&output))
}

#[test]
fn what_breaks_programs_comes_first() {
    let old = Tree::new(1, OLD, OLD_CALLS);
    let spec = spec(&old);
    // `go` is renumbered, `stop` gone, T_ONE changed, T_TWO gone, a field moved.
    let header = "#define T_ONE 7\n#define T_SIX 6\n#define T_NEW 5\n#define T_OLD 9\n\
        struct thing { int a; int b; int spare[2]; };\nstruct wide { long b; long a; };\n";
    let calls = "#define __NR_go 4\n#define __NR_wait 3\n#define __NR_waitfor 5\n";
    let new = Tree::new(2, header, calls);
    let kernel = text_of(new.path());
    let output = command(spec.path(), &["update", "--dry-run", "--linux", &kernel]).output();
    let output = output.expect("the command");
    assert_eq!(output.status.code(), Some(1), "{}", all_text(&output));
    let report = String::from_utf8(output.stdout).expect("text");
    let place = |part: &str| {
        let at = report.find(part);
        at.unwrap_or_else(|| panic!("`{part}` is missing in\n{report}"))
    };
    let first = place("INCOMPATIBLE");
    let calls = place("Calls that came (1):\n\n- waitfor: 5\n");
    assert!(first < calls);
    for part in [
        "- go: 4 instead of 1\n",
        "- stop: gone (was 2)\n",
        "- T_ONE: 7 instead of 1\n",
        "- T_TWO: gone (was 2)\n",
        "- wide.a: 8 bytes at 8 instead of 8 bytes at 0\n",
    ] {
        let at = place(part);
        assert!(
            first < at && at < calls,
            "{part} stands elsewhere in\n{report}"
        );
    }
    place("- set: T_NEW 5\n");
    place("- thing.spare: 8 bytes at 8 instead of 12 bytes at 4\n");
    place("- thing.b: 4 bytes at 4\n");
    assert!(!report.contains("T_OLD"), "{report}");

    // As data.
    let args = ["update", "--dry-run", "--json", "--linux", &kernel];
    let output = command(spec.path(), &args).output().expect("the command");
    assert_eq!(output.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(json["incompatible"].as_array().map(Vec::len), Some(6));
    assert_eq!(json["calls"][0]["name"], "waitfor");
    assert_eq!(json["calls"][0]["before"][0], serde_json::Value::Null);
    assert_eq!(json["calls"][0]["after"], serde_json::json!([5, 5, 5]));
    assert_eq!(json["new_constants"][0]["sets"], serde_json::json!(["set"]));
    let facts = fs::read_to_string(spec.path().join("facts/provenance.yaml")).expect("facts");
    assert!(facts.contains("9.1.0"), "--dry-run wrote");

    // The kernel took away what the specification names, which it is told.
    let (good, text) = run(spec.path(), &["update", "--linux", &kernel]);
    assert!(good, "{text}");
    let (good, text) = run(spec.path(), &["check"]);
    assert!(
        !good && text.contains("T_TWO") && text.contains("stop"),
        "{text}"
    );
}

#[test]
fn an_update_writes_facts_entries_and_the_past() {
    let old = Tree::new(1, OLD, OLD_CALLS);
    let spec = spec(&old);
    let calls = format!(
        "{OLD_CALLS}#define __NR_fstop 4\n#define __NR_other 5\n#define __NR_dark 6\n#define __NR_paged 7\n"
    );
    let new = Tree::new(2, &format!("{OLD}#define T_NEW 5\n"), &calls);
    new.put(
        "source/include/linux/syscalls.h",
        "asmlinkage long sys_fstop(int fd, const struct wide __user *args,\n\t\tsize_t usize);\n\
         asmlinkage long sys_other(const char __user *pathname, unsigned long __user *out);\n",
    );
    let args = [
        "update",
        "--linux",
        &text_of(new.path()),
        "--prototypes",
        &text_of(&new.path().join("source")),
        "--manual",
        &text_of(&new.path().join("man")),
    ];
    // Pages of calls that have prototypes are not asked.
    let page = |text: &str| format!(".TH x 2\n.SH SYNOPSIS\n.nf\n{text}.fi\n.SH DESCRIPTION\n");
    new.put("man/man2/other.2", &page(".B int other(int wrong);\n"));
    new.put(
        "man/man2/paged.2",
        &page(".BI \"long syscall(SYS_paged, const char *\" path \", int \" dirfd );\n"),
    );
    let (good, text) = run(spec.path(), &args);
    assert!(good, "{text}");
    for part in [
        "calls.yaml: fstop, after stop, to be reviewed",
        "new.yaml: other, at the end, to be reviewed",
        "note: of some calls the arguments are not known",
    ] {
        assert!(text.contains(part), "`{part}` is missing in {text}");
    }
    let written = fs::read_to_string(spec.path().join("syscalls/calls.yaml")).expect("calls");
    let entry = "\n# To be reviewed: a guess from fstop(int fd, const struct wide *args, size_t usize).\n\
        fstop:\n  doc: Came after Linux 9.1; not described yet.\n  args:\n    fd: fd\n    \
        args_: { in: bytes, len: usize }\n    usize: size_t\n  refuse: T_SIX\n";
    let entry = entry.replace("T_SIX", "ENOSYS");
    let at = written
        .find(&entry)
        .unwrap_or_else(|| panic!("no such entry in {written}"));
    let end = written[at..].find("yet\n\n").expect("an end") + at + "yet\n".len();
    // All else is as it was, to the byte.
    let rest = written[..at].to_owned() + &written[end..];
    assert_eq!(rest, CALLS);
    let new_file = fs::read_to_string(spec.path().join("syscalls/new.yaml")).expect("calls");
    assert!(
        new_file.contains("pathname: path\n    out: { out: "),
        "{new_file}"
    );
    assert!(new_file.contains("dark:\n  doc: "), "{new_file}");
    let from_page = "a guess from its manual page, paged(const char *path, int dirfd).\npaged:\n";
    assert!(new_file.contains(from_page), "{new_file}");
    assert!(
        new_file.contains("    path: path\n    dirfd: fd\n"),
        "{new_file}"
    );

    // The release it came from is kept, and tells since when there is what.
    let sources = Sources::read(spec.path()).expect("files");
    let sources = Arc::new(sources);
    let mut diags = Diagnostics::new(Arc::clone(&sources));
    let parsed = wali_codegen::intent::read(&sources, &mut diags);
    let isas: Vec<String> = ["x86_64", "aarch64", "riscv64"].map(str::to_owned).to_vec();
    let past = history::read(&sources, &parsed.facts, &isas, &mut diags);
    let facts = wali_codegen::facts::read(&sources, &parsed.facts, &isas, &mut diags);
    let facts = facts.expect("facts");
    let since = past.since(&facts);
    let of = |name: &str| since.call(name, None).map(|since| since.to_string());
    assert_eq!(of("fstop").as_deref(), Some("9.2 or earlier, but not 9.1"));
    assert_eq!(of("go").as_deref(), Some("9.1 or earlier"));
    assert_eq!(past.whole(&facts)[0].calls.len(), 3);

    // The same again changes nothing.
    let args = ["update", "--dry-run", "--linux", &text_of(new.path())];
    let output = command(spec.path(), &args).output().expect("the command");
    assert_eq!(output.status.code(), Some(0), "{}", all_text(&output));
    assert!(all_text(&output).contains("Nothing changed."));
}

/// All of it is written, or nothing.
#[test]
fn an_update_that_is_interrupted_changes_nothing() {
    let old = Tree::new(1, OLD, OLD_CALLS);
    let spec = spec(&old);
    let path = spec.path().join("syscalls/calls.yaml");
    let remark = "# A remark that makes the file larger than what may be written.\n";
    let long = fs::read_to_string(&path).expect("calls") + &remark.repeat(8000);
    fs::write(&path, long).expect("calls");
    let calls = format!("{OLD_CALLS}#define __NR_fstop 4\n");
    let new = Tree::new(2, &format!("{OLD}#define T_NEW 5\n"), &calls);
    let texts = || -> Vec<(String, String)> {
        let sources = Sources::read(spec.path()).expect("files");
        let files = sources.files.into_iter();
        files.map(|file| (file.path, file.text)).collect()
    };
    let before = texts();
    // Blocks are of 512 bytes or of 1024: less than the file has, and more than the facts.
    let kernel = text_of(new.path());
    let output = Command::new("sh")
        .args(["-c", "ulimit -f 200 && exec \"$@\"", "sh"])
        .arg(env!("CARGO_BIN_EXE_wali-codegen"))
        .args([
            "--spec",
            &text_of(spec.path()),
            "update",
            "--linux",
            &kernel,
        ])
        .output()
        .expect("a shell");
    assert!(!output.status.success(), "{}", all_text(&output));
    assert!(texts() == before, "something was changed");
    let (good, text) = run(spec.path(), &["update", "--linux", &kernel]);
    assert!(good, "{text}");
    let changed = texts().into_iter().filter(|file| !before.contains(file));
    let changed: Vec<String> = changed.map(|(path, _)| path).collect();
    for part in [
        "facts/linux_9_1.yaml",
        "facts/provenance.yaml",
        "syscalls/calls.yaml",
    ] {
        assert!(
            changed.iter().any(|path| path == part),
            "{part}: {changed:?}"
        );
    }
}

#[test]
fn headers_that_are_none_are_explained() {
    let old = Tree::new(1, OLD, OLD_CALLS);
    let spec = spec(&old);
    let check = |kernel: &str, part: &str| {
        let output = command(spec.path(), &["update", "--linux", kernel]).output();
        let output = output.expect("the command");
        let text = all_text(&output);
        assert_eq!(output.status.code(), Some(2), "{kernel}: {text}");
        assert!(text.contains(part), "`{part}` is missing in {text}");
        assert!(!text.contains("panicked"), "{text}");
    };
    let tree = |remove: &str| {
        let tree = Tree::new(2, OLD, OLD_CALLS);
        let path = tree.path().join(remove);
        match path.is_dir() {
            true => fs::remove_dir_all(path).expect("a folder"),
            false => fs::remove_file(path).expect("a file"),
        }
        tree
    };
    let incomplete = |remove: &str, part: &str| {
        let tree = tree(remove);
        check(&text_of(tree.path()), part);
    };
    incomplete("usr/include/linux/thing.h", "<linux/thing.h>");
    incomplete("usr/lib/linux/uapi/riscv", "not of riscv64");
    incomplete(
        "usr/lib/linux/uapi/arm64/asm/unistd_64.h",
        "unistd.h: no such file",
    );
    incomplete("usr/include/linux/version.h", "version.h");
    incomplete("usr/include/linux", "no folder usr/include/linux");
    incomplete("usr/lib", "no folder usr/lib/linux/uapi");

    let odd = tempfile::tempdir().expect("a folder");
    let put = |path: &str| {
        let path = odd.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(path, "").expect("a file");
    };
    check(&text_of(odd.path()), "dpkg-deb -x");
    put("include/linux/version.h");
    check(&text_of(odd.path()), "the headers of one ISA");
    fs::remove_dir_all(odd.path().join("include")).expect("a folder");
    put("include/uapi/linux/fs.h");
    put("Kbuild");
    check(&text_of(odd.path()), "the kernel's source");

    // A package that is none, or is cut off.
    let deb = odd.path().join("linux-libc-dev_9.2_all.deb");
    fs::write(
        &deb,
        "!<arch>\ndebian-binary   0           0     0     100644  4         `\n2.0\n",
    )
    .expect("a file");
    check(&text_of(&deb), "dpkg-deb");
    check(
        "no/such/place",
        "no/such/place: no such folder or package file",
    );
    check("9.2-rc1", "`9.2-rc1` is no release of Linux");
    check("none.deb", "none.deb: no such file");

    // Headers that no compiler reads.
    let broken = Tree::new(2, "struct thing { int a\n", OLD_CALLS);
    check(
        &text_of(broken.path()),
        "clang cannot read the headers of x86_64",
    );

    let fine = Tree::new(2, OLD, OLD_CALLS);
    let with = |name: &str, value: &str, kernel: &str, part: &str| {
        let mut command = command(spec.path(), &["update", "--linux", kernel]);
        let output = command.env(name, value).output().expect("the command");
        let text = all_text(&output);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(part), "`{part}` is missing in {text}");
    };
    let kernel = text_of(fine.path());
    with(
        "CLANG",
        "/no/such/clang",
        &kernel,
        "cannot run `/no/such/clang`",
    );
    // Without a network; the cache is empty.
    let cache = tempfile::tempdir().expect("a folder");
    if Path::new("/usr/share/keyrings/debian-archive-keyring.gpg").exists() {
        let mut command = command(spec.path(), &["update", "--linux", "sid"]);
        command.env("XDG_CACHE_HOME", cache.path());
        command.env("WALI_DEBIAN_MIRROR", "http://127.0.0.1:9/debian");
        let output = command.output().expect("the command");
        let text = all_text(&output);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(
            text.contains("`apt-get` failed") && text.contains("--deb FILE"),
            "{text}"
        );
    }
}
