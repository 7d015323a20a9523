//! The emitters' output, for a few calls of each shape out of the real specification.
//! `WALI_BLESS=1 cargo test -p wali-codegen` accepts what has changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use quote::ToTokens as _;
use wali_codegen::emit;
use wali_codegen::model::Spec;
use wali_codegen::source::{Source, Sources};

/// A call of each shape: direct, with a string, with flags that move, with a struct that
/// is converted, read, written or both, in an array, by fallback, by the runtime, refused,
/// with cases.
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
    "ioctl",
];
const STRUCTS: &[&str] = &[
    "stat",
    "iovec",
    "timespec",
    "itimerspec",
    "utsname",
    "termios",
];
const FLAG_SETS: &[&str] = &[
    "open_flags",
    "at_flags",
    "unlink_flags",
    "whence",
    "prot_flags",
    "map_flags",
    "clock_ids",
    "mode_bits",
    "ioctl_request",
];
/// One of each shape: a struct, a value, a scalar, nothing, a number that is the guest's own.
const CASES: &[&str] = &["TCGETS", "TCSBRK", "FIONREAD", "FIOCLEX", "BLKBSZGET"];
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
    for cases in spec.calls.values_mut().filter_map(|c| c.cases.as_mut()) {
        cases.cases.retain(|case| keep(CASES, &case.constant.name));
        let set = spec.flag_sets.get_mut(&cases.set).expect("it is kept");
        set.members.retain(|m| keep(CASES, &m.name));
    }
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

#[test]
fn json() {
    check("model.json", &emit::json(&reduced()));
    check("model.schema.json", &emit::json_schema());
}

#[test]
fn wit() {
    check("wali.wit", &emit::wit(&reduced()));
}

#[test]
fn native_symbols() {
    check("native_symbols.h.txt", &emit::native_symbols(&reduced()));
}

#[test]
fn musl() {
    // With all signals and errors, which its headers list.
    let mut spec = Spec::load(&spec_folder()).unwrap_or_else(|problems| panic!("{problems}"));
    spec.calls.retain(|name, _| CALLS.contains(&name.as_str()));
    let files = emit::musl(&spec).into_iter();
    // The facts are a line for each constant and each field that there is.
    let files = files.filter(|(path, _)| *path != "facts.c");
    let text: String = files
        .map(|(path, text)| format!("/* {path} */\n{text}\n"))
        .collect();
    check("musl.h.txt", &text);
}

#[test]
fn syscallent() {
    check("syscallent.h.txt", &emit::syscallent(&reduced(), 1));
}

#[test]
fn native_header() {
    check("native.h.txt", &emit::native_header(&reduced(), 1));
}

/// What compiling takes follows from how much there is to compile: times differ, tokens do not.
#[test]
fn the_macros_expand_to_no_more_than_was_thought() {
    let spec = Spec::load(&spec_folder()).unwrap_or_else(|problems| panic!("{problems}"));
    let support: syn::Path = syn::parse_quote!(crate::support);
    for (name, tokens, most) in [
        ("numbers", emit::rust::numbers(&spec), 80_000),
        ("flags", emit::rust::flags(&spec), 90_000),
        ("layouts", emit::rust::layouts(&spec, &support), 220_000),
        ("bindings", emit::rust::bindings(&spec, &support), 650_000),
    ] {
        let count = count(tokens);
        println!("{name}: {count} tokens");
        assert!(
            (most / 4..=most).contains(&count),
            "{name}: {count} tokens, and {most} were thought to be the most; if there have to be \
             more, say so here and in ARCHITECTURE.md"
        );
    }
}

fn count(tokens: proc_macro2::TokenStream) -> usize {
    let each = tokens.into_iter().map(|token| match token {
        proc_macro2::TokenTree::Group(group) => 2 + count(group.stream()),
        _ => 1,
    });
    each.sum()
}

/// Arguments whose names are those of generated locals, functions, modules or C keywords.
const UNHYGIENIC: &str = "
nanosleep:
  doc: Takes arguments named as what is generated is.
  args:
    cx: { in: bytes, len: number }
    number: size_t
    result: { out: struct iovec }
    errno: int
    syscall: open_flags
    self: int
stat:
  doc: Falls back to a call named as its argument is.
  args: { openat: path, cx: open_flags }
  returns: fd
  fallback: { call: openat, args: [AT_FDCWD, openat, cx, 0] }
statx:
  doc: Has C's words for its arguments.
  args:
    register: { in: bytes, len: int }
    int: size_t
    size_of: { in: int }
";

/// The function of a call.
fn function(bindings: &syn::File, name: &str) -> syn::ItemFn {
    let calls = bindings.items.iter().find_map(|item| match item {
        syn::Item::Mod(module) if module.ident == "calls" => module.content.as_ref(),
        _ => None,
    });
    let (_, items) = calls.expect("the module `calls`");
    let found = items.iter().find_map(|item| match item {
        syn::Item::Fn(function) if function.sig.ident == name => Some(function),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("no {name}")).clone()
}

#[test]
fn names_of_arguments_do_not_clash_with_generated_ones() {
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/base");
    let mut sources = Sources::read(&base).unwrap();
    sources.files.push(Source {
        path: "syscalls/unhygienic.yaml".to_owned(),
        text: UNHYGIENIC.to_owned(),
    });
    let spec = Spec::from_sources(sources).unwrap_or_else(|problems| panic!("{problems}"));
    let support: syn::Path = syn::parse_quote!(crate::support);
    let bindings: syn::File = syn::parse2(emit::rust::bindings(&spec, &support)).unwrap();

    let nanosleep = function(&bindings, "nanosleep");
    // Only pointers become something else under their own name; all else is out of reach.
    let locals = nanosleep.block.stmts.iter().filter_map(|s| match s {
        syn::Stmt::Local(local) => Some(local.pat.to_token_stream().to_string()),
        _ => None,
    });
    let locals: Vec<String> = locals.collect();
    let expected = ["Some (__number)", "cx", "mut result", "__result"];
    assert_eq!(locals, expected);
    let body = nanosleep.block.to_token_stream().to_string();
    for part in [
        "let cx = __cx . memory () . address (cx , number as u32 as u64)",
        "syscall6 (__number , cx , number as u32 as usize , result . word () , \
         errno as i32 as usize , ",
        "to_host (syscall as u64)",
        "self_ as i32 as usize)",
        "result . give_back ()",
        "Ok (__result)",
    ] {
        assert!(body.contains(part), "`{part}` is missing in {body}");
    }
    // An argument with the target's name does not hide the target.
    let stat = function(&bindings, "stat").block.to_token_stream();
    let stat = stat.to_string();
    let target = "self :: openat (__cx , - 100i64 as i32 , openat as u32 , cx as i32 , ";
    assert!(stat.contains(target), "{stat}");

    let statx = function(&bindings, "statx").block.to_token_stream();
    let size = "address (size_of , :: core :: mem :: size_of :: < i32 > () as u64)";
    assert!(statx.to_string().contains(size), "{statx}");

    let header = emit::c_header(&spec);
    let statx = "wali_sys_statx(const void *register_, unsigned int_, const int *size_of);";
    assert!(header.contains(statx), "{header}");
}

#[test]
fn seccomp() {
    let calls = ["read", "open", "SYS_mmap", "kexec_load"].map(str::to_owned);
    let mut spec = reduced();
    let whole = Spec::load(&spec_folder()).unwrap_or_else(|problems| panic!("{problems}"));
    spec.flag_sets = whole.flag_sets;
    check("seccomp.json", &emit::seccomp(&spec, &calls).unwrap());
}

#[test]
fn reference_csv() {
    check("reference.csv", &wali_codegen::reference::write(&reduced()));
}

/// What `emit` can emit, by its own help.
fn kinds() -> Vec<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_wali-codegen"))
        .args(["emit", "--help"])
        .output()
        .unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let rows = help
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("- "));
    let kinds: Vec<String> = rows
        .filter_map(|row| Some(row.split_once(':')?.0.to_owned()))
        .collect();
    assert!(kinds.len() >= 13, "{kinds:?} in\n{help}");
    kinds
}

/// The same bytes wherever it is run from.
#[test]
fn deterministic_from_any_directory() {
    let spec = fs::canonicalize(spec_folder()).unwrap();
    for what in kinds() {
        let further: &[&str] = match what.as_str() {
            "syscallent" | "native-header" => &["aarch64"],
            "seccomp" => &["write", "SYS_open", "read"],
            _ => &[],
        };
        let outputs = ["/", env!("CARGO_MANIFEST_DIR")].map(|cwd| {
            let output = Command::new(env!("CARGO_BIN_EXE_wali-codegen"))
                .args(["emit", &what])
                .args(further)
                .arg("--spec")
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
            outputs[0] == outputs[1],
            "emit {what} depends on the directory"
        );
    }
}
