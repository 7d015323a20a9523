//! setjmp and longjmp as clang makes them out of exceptions (`-wasm-enable-sjlj`), next to the same
//! programs natively.

use std::path::PathBuf;

use wali_tests::guests::build::{self, Built};
use wali_tests::guests::cases::Case;
use wali_tests::guests::compare;
use wali_tests::guests::{self, Program};
use wali_tests::workspace;

/// Has clang make exceptions of jumps, as WebAssembly had them before or as it has them now; what the
/// program includes first says who does the rest.
fn flags(former: bool) -> Vec<String> {
    let header = guests::dir().join("jumps/by_exceptions.h");
    let flags = "-mexception-handling -mllvm -wasm-enable-sjlj -include";
    let flags = flags.split(' ').map(str::to_string);
    let encoding = format!("-wasm-use-legacy-eh={former}");
    let encoding = ["-mllvm", &encoding].map(str::to_string);
    // Clang 19 knows the former one only, and not how to ask for it.
    let encoding = encoding.into_iter().filter(|_| !former);
    let header = header.display().to_string();
    flags.chain([header]).chain(encoding).collect()
}

/// Builds the program in both worlds, and compares what they do.
fn compare(name: &str, former: bool) {
    let source = &guests::dir().join(name);
    let program = Program {
        name: source.file_stem().unwrap().to_string_lossy().into_owned(),
        source: source.clone(),
    };
    let native = build::build(&program)
        .unwrap_or_else(|e| panic!("{e}"))
        .native;
    let dir = tempfile::tempdir().expect("a temporary folder");
    let wasm = dir.path().join("program.wasm");
    let sources: [PathBuf; 2] = [source.clone(), guests::dir().join("jumps/by_exceptions.c")];
    match build::build_module(&sources, &flags(former), &wasm) {
        Err(e) if !former && e.contains("Unknown command line argument") => {
            println!("left out: this clang has the former encoding only; see WALI_GUEST_CC");
            return;
        }
        built => built.unwrap_or_else(|e| panic!("{e}")),
    }
    let module = wali_runtime::program::load(&wasm).unwrap_or_else(|e| panic!("{e}"));
    let jumps = module.imports().iter().filter(|i| i.name.contains("jmp"));
    assert_eq!(jumps.count(), 0, "the jumps are the host's");
    let (built, case) = (Built { wasm, native }, Case::default());
    let native = compare::native(workspace::target(), &built, &case, &[]);
    let wali = compare::wali(workspace::target(), &built, &case, &[]);
    let (native, wali) = (native.unwrap(), wali.unwrap());
    let mut found = compare::unexpected("native", &native, &case);
    found.extend(compare::differences(["native", "wali"], &native, &wali));
    let reports: Vec<&str> = found.iter().map(|d| d.report.as_str()).collect();
    assert!(reports.is_empty(), "{}", reports.join("\n"));
}

#[test]
fn jumps_do_what_they_do_natively() {
    compare("setjmp.c", true);
}

#[test]
fn jumps_out_of_handlers_do_what_they_do_natively() {
    compare("jumps/handlers.c", true);
}

#[test]
fn jumps_in_the_new_encoding_do_what_they_do_natively() {
    compare("setjmp.c", false);
    compare("jumps/handlers.c", false);
}
