//! The emitters' output, for a few calls of each shape out of the real specification.
//! `WALI_BLESS=1 cargo test -p wali-codegen` accepts what has changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use wali_codegen::emit;
use wali_codegen::model::Spec;

/// A call of each shape: direct, with a string, with flags that move, with a struct that
/// is converted, read, written or both, in an array, by fallback, by the runtime, refused.
const CALLS: &[&str] = &[
    "read",
    "open",
    "openat",
    "stat",
    "newfstatat",
    "fstat",
    "readv",
    "writev",
    "rmdir",
    "unlinkat",
    "mmap",
    "exit_group",
    "kexec_load",
    "getppid",
    "pread64",
    "clock_gettime",
];
const STRUCTS: &[&str] = &["stat", "iovec", "timespec", "itimerspec", "utsname"];
const FLAG_SETS: &[&str] = &[
    "open_flags",
    "at_flags",
    "whence",
    "prot_flags",
    "map_flags",
    "clock_ids",
    "mode_bits",
];
const AUX: &[&str] = &["__init", "__proc_exit", "__cl_copy_argv"];

fn spec_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec")
}

fn reduced() -> Spec {
    let mut spec = Spec::load(&spec_folder()).unwrap_or_else(|problems| panic!("{problems}"));
    let keep = |names: &[&str], name: &String| names.contains(&name.as_str());
    spec.kernel.retain(|name, _| keep(CALLS, name));
    spec.calls.retain(|name, _| keep(CALLS, name));
    spec.structs.retain(|name, _| keep(STRUCTS, name));
    spec.flag_sets.retain(|name, _| keep(FLAG_SETS, name));
    spec.aux.retain(|name, _| keep(AUX, name));
    assert_eq!(spec.calls.len(), CALLS.len(), "each call is described");
    assert_eq!(spec.structs.len(), STRUCTS.len());
    assert_eq!(spec.flag_sets.len(), FLAG_SETS.len());
    spec
}

fn check(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    if std::env::var_os("WALI_BLESS").is_some() {
        fs::write(&path, text).unwrap();
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    if expected != text {
        let line = expected.lines().zip(text.lines()).position(|(a, b)| a != b);
        let line = line.unwrap_or_else(|| expected.lines().count().min(text.lines().count()));
        panic!(
            "{} is not what is emitted now; first difference in line {}:\n  golden:  {}\n  \
             emitted: {}\nSet WALI_BLESS=1 to accept all changes.",
            path.display(),
            line + 1,
            expected.lines().nth(line).unwrap_or("(end)"),
            text.lines().nth(line).unwrap_or("(end)"),
        );
    }
}

#[test]
fn rust() {
    let spec = reduced();
    let support: syn::Path = syn::parse_quote!(crate::support);
    check(
        "numbers.rs.txt",
        &emit::rust::format(emit::rust::numbers(&spec)),
    );
    check(
        "flags.rs.txt",
        &emit::rust::format(emit::rust::flags(&spec)),
    );
    check(
        "layouts.rs.txt",
        &emit::rust::format(emit::rust::layouts(&spec, &support)),
    );
    check(
        "bindings.rs.txt",
        &emit::rust::format(emit::rust::bindings(&spec, &support)),
    );
}

#[test]
fn c_header() {
    check("wali.h.txt", &emit::c_header(&reduced()));
}

/// The same bytes wherever it is run from.
#[test]
fn deterministic_from_any_directory() {
    let spec = fs::canonicalize(spec_folder()).unwrap();
    for what in ["rust", "c-header"] {
        let outputs = ["/", env!("CARGO_MANIFEST_DIR"), spec.to_str().unwrap()].map(|cwd| {
            let output = Command::new(env!("CARGO_BIN_EXE_wali-codegen"))
                .args(["emit", what, "--spec"])
                .arg(&spec)
                .current_dir(cwd)
                .output()
                .unwrap();
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
            assert!(!output.stdout.is_empty());
            output.stdout
        });
        assert!(
            outputs.iter().all(|o| *o == outputs[0]),
            "emit {what} depends on the directory"
        );
    }
}
