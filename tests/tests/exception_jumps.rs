//! setjmp and longjmp as clang makes them out of exceptions (`-wasm-enable-sjlj`), next to the same
//! programs natively.

use std::path::{Path, PathBuf};

use wali_tests::guests::build::{self, Built};
use wali_tests::guests::cases::Case;
use wali_tests::guests::compare;
use wali_tests::guests::{self, Program};
use wali_tests::workspace;

/// Has clang make exceptions of jumps, as WebAssembly had them before; what the program includes
/// first says who does the rest.
fn flags() -> Vec<String> {
    let header = guests::dir().join("jumps/by_exceptions.h");
    let flags = "-mexception-handling -mllvm -wasm-enable-sjlj -include";
    let flags = flags.split(' ').map(str::to_string);
    flags.chain([header.display().to_string()]).collect()
}

/// Builds the program in both worlds, and compares what they do.
fn compare(source: &Path) {
    let program = Program {
        name: source.file_stem().unwrap().to_string_lossy().into_owned(),
        source: source.to_path_buf(),
    };
    let native = build::build(&program)
        .unwrap_or_else(|e| panic!("{e}"))
        .native;
    let dir = tempfile::tempdir().expect("a temporary folder");
    let wasm = dir.path().join("program.wasm");
    let sources: [PathBuf; 2] = [
        source.to_path_buf(),
        guests::dir().join("jumps/by_exceptions.c"),
    ];
    build::build_module(&sources, &flags(), &wasm).unwrap_or_else(|e| panic!("{e}"));
    let module = wali_runtime::program::load(&wasm).unwrap_or_else(|e| panic!("{e}"));
    let jumps = module.imports().iter().filter(|i| i.name.contains("jmp"));
    assert_eq!(jumps.count(), 0, "the jumps are the host's");
    let (built, case) = (Built { wasm, native }, Case::default());
    let native = compare::native(workspace::target(), &built, &case);
    let wali = compare::wali(workspace::target(), &built, &case);
    let (native, wali) = (native.unwrap(), wali.unwrap());
    let mut found = compare::unexpected("native", &native, &case);
    found.extend(compare::differences(["native", "wali"], &native, &wali));
    let reports: Vec<&str> = found.iter().map(|d| d.report.as_str()).collect();
    assert!(reports.is_empty(), "{}", reports.join("\n"));
}

#[test]
fn jumps_do_what_they_do_natively() {
    compare(&guests::dir().join("setjmp.c"));
}

#[test]
fn jumps_out_of_handlers_do_what_they_do_natively() {
    compare(&guests::dir().join("jumps/handlers.c"));
}
