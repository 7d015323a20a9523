//! What `wali` says to modules that cannot run, and how guests that trap die.

use std::path::{Path, PathBuf};
use std::time::Duration;

use wali_tests::process::{self, End, Outcome};
use wali_tests::workspace;

/// Found, but cannot be run.
const CANNOT_RUN: End = End::Exit(126);
/// Not found.
const NOT_FOUND: End = End::Exit(127);
/// Wrong use of the command line.
const USAGE: End = End::Exit(2);

/// A folder with one module, and what `wali` did with it.
struct Run {
    outcome: Outcome,
    path: PathBuf,
    _dir: tempfile::TempDir,
}

fn wali(args: &[&str], path: &Path) -> Outcome {
    let mut command = workspace::command(workspace::wali());
    command.args(args).arg(path).env_clear();
    process::run(command, b"", Duration::from_secs(60))
}

fn run_bytes(verb: &str, name: &str, bytes: &[u8]) -> Run {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join(name);
    std::fs::write(&path, bytes).expect("a file in it");
    Run {
        outcome: wali(&[verb], &path),
        path,
        _dir: dir,
    }
}

/// Runs a module given as text that is assembled here, past whatever `wali` thinks of text.
fn run_wat(wat: &str) -> Run {
    let bytes = wat::parse_str(wat).unwrap_or_else(|e| panic!("{e}\n{wat}"));
    run_bytes("run", "module.wasm", &bytes)
}

impl Run {
    #[track_caller]
    fn ends(&self, end: End) -> &Run {
        let errors = self.outcome.errors();
        assert_eq!(self.outcome.end, end, "standard error:\n{errors}");
        assert!(!errors.contains("panicked"), "{errors}");
        self
    }

    #[track_caller]
    fn says(&self, parts: &[&str]) -> &Run {
        let errors = self.outcome.errors();
        for part in parts {
            assert!(errors.contains(part), "expected {part:?} in:\n{errors}");
        }
        self
    }

    /// Refused before anything ran: one line, which names the file and the cause.
    #[track_caller]
    fn refused(&self, parts: &[&str]) {
        self.ends(CANNOT_RUN).says(parts);
        let errors = self.outcome.errors();
        assert_eq!(
            errors.trim_end().lines().count(),
            1,
            "more than a line:\n{errors}"
        );
        let name = self
            .path
            .file_name()
            .expect("a file")
            .to_string_lossy()
            .into_owned();
        assert!(errors.contains(&name), "does not name {name}:\n{errors}");
        assert!(self.outcome.stdout.is_empty(), "nothing may have run");
    }
}

const GOOD: &str = r#"(module
  (import "wali" "SYS_write" (func $write (param i32 i32 i32) (result i64)))
  (import "wali" "__proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1 4)
  (table 2 funcref)
  (elem (i32.const 0) $start)
  (global $g (mut i32) (i32.const 7))
  (data (i32.const 64) "good\n")
  (func $start (export "_start")
    (drop (call $write (i32.const 1) (i32.const 64) (i32.const 5)))
    (call $exit (i32.const 0))))"#;

/// A module whose `_start` has this body, with a table of one function and one empty slot.
fn trapping(body: &str) -> Run {
    run_wat(&format!(
        r#"(module
          (import "wali" "__proc_exit" (func $exit (param i32)))
          (memory (export "memory") 1 4)
          (table 2 funcref) (elem (i32.const 0) $exit)
          (global $zero (mut i32) (i32.const 0))
          (func $innermost (param $zero i32) {body})
          (func $middle (call $innermost (global.get $zero)))
          (func (export "_start") (call $middle) (call $exit (i32.const 0))))"#
    ))
}

#[test]
fn a_good_module_runs() {
    let run = run_wat(GOOD);
    run.ends(End::Exit(0)).says(&[]);
    assert_eq!(run.outcome.stdout, b"good\n");
    let bytes = wat::parse_str(GOOD).expect("it parses");
    run_bytes("check", "module.wasm", &bytes).ends(End::Exit(0));
}

#[test]
fn every_prefix_of_a_module_is_refused() {
    let bytes = wat::parse_str(GOOD).expect("it parses");
    for cut in 0..bytes.len() {
        // The name section at the end is not part of the program.
        let prefix = &bytes[..cut];
        let run = run_bytes("check", "cut.wasm", prefix);
        let errors = run.outcome.errors();
        assert!(!errors.contains("panicked"), "at {cut}: {errors}");
        assert!(
            matches!(run.outcome.end, CANNOT_RUN | End::Exit(0)),
            "at {cut}: {}\n{errors}",
            run.outcome.end
        );
        if run.outcome.end == End::Exit(0) {
            assert!(complete(prefix), "accepted although cut at {cut}");
        } else {
            assert_eq!(errors.lines().count(), 1, "at {cut}: {errors}");
            assert!(errors.contains("cut.wasm"), "at {cut}: {errors}");
        }
    }
}

/// Whether a prefix of the good module still has its code: the standard's own validator
/// accepts it and it exports its start.
fn complete(prefix: &[u8]) -> bool {
    let engine = wasmi::Engine::default();
    wasmi::Module::new(&engine, prefix).is_ok_and(|m| m.exports().any(|e| e.name() == "_start"))
}

#[test]
fn changed_bytes_never_break_the_checker() {
    let good = wat::parse_str(GOOD).expect("it parses");
    for at in 0..good.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut bytes = good.clone();
            bytes[at] ^= change;
            let run = run_bytes("check", "changed.wasm", &bytes);
            let errors = run.outcome.errors();
            assert!(
                !errors.contains("panicked"),
                "byte {at} changed by {change:#x}: {errors}"
            );
            // 1 is for imports that are valid and unknown.
            assert!(
                matches!(run.outcome.end, CANNOT_RUN | End::Exit(0 | 1)),
                "byte {at} changed by {change:#x}: {}\n{errors}",
                run.outcome.end
            );
        }
    }
}

#[test]
fn a_function_that_is_not_valid_is_refused_when_it_is_called() {
    let module = |call: &str| {
        let wat = GOOD.replace("(call $exit", &format!("{call} (call $exit"));
        let broken = "(func $broken (param i64) local.get 0 i32.eqz drop) (func $start";
        wat::parse_str(wat.replace("(func $start", broken)).expect("it parses")
    };
    let called = module("(call $broken (i64.const 1))");
    let run = run_bytes("run", "broken.wasm", &called);
    run.ends(CANNOT_RUN).says(&[
        "broken.wasm",
        "function 2 (broken)",
        "invalid",
        "type mismatch",
    ]);
    assert_eq!(run.outcome.stdout, b"good\n", "it ran until then");
    for bytes in [called, module("")] {
        run_bytes("check", "broken.wasm", &bytes).refused(&["type mismatch"]);
    }
    run_bytes("run", "unused.wasm", &module("")).ends(End::Exit(0));
}

#[test]
fn a_missing_file_is_not_found() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for verb in ["run", "check"] {
        let outcome = wali(&[verb], &dir.path().join("absent.wasm"));
        let run = Run {
            outcome,
            path: "absent.wasm".into(),
            _dir: tempfile::tempdir().expect("dir"),
        };
        run.ends(NOT_FOUND).says(&["absent.wasm", "no such file"]);
        assert_eq!(run.outcome.errors().lines().count(), 1);
    }
}

#[test]
fn files_that_are_no_modules_are_refused() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let sub = dir.path().join("folder.wasm");
    std::fs::create_dir(&sub).expect("mkdir");
    let outcome = wali(&["run"], &sub);
    Run {
        outcome,
        path: sub,
        _dir: dir,
    }
    .refused(&["directory"]);

    run_bytes("run", "empty.wasm", b"").refused(&["empty"]);
    run_bytes("run", "notes.txt", b"These are notes.\n").refused(&[]);
    run_bytes("run", "script", b"#!/bin/sh\necho no\n").refused(&[]);
    run_bytes(
        "run",
        "elf",
        b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0",
    )
    .refused(&[]);
    run_bytes("run", "next.wasm", b"\0asm\x02\0\0\0").refused(&["version"]);
    // A component, which is no module.
    run_bytes("run", "component.wasm", b"\0asm\x0d\0\x01\0").refused(&[]);
    run_bytes(
        "run",
        "endless.wasm",
        &[
            b"\0asm\x01\0\0\0\x01\xff\xff\xff\xff\x0f".as_slice(),
            &[0; 64],
        ]
        .concat(),
    )
    .refused(&[]);
    // A generator of bytes without any pattern, always the same.
    let mut x = 0x2545_f491_4f6c_dd1d_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        x as u8
    })
    .take(100_000)
    .collect();
    run_bytes("run", "noise.wasm", &noise).refused(&[]);
    run_bytes(
        "run",
        "noise2.wasm",
        &[b"\0asm\x01\0\0\0".as_slice(), &noise].concat(),
    )
    .refused(&[]);
}

#[test]
fn mistakes_in_text_have_a_place() {
    let run = run_bytes(
        "run",
        "bad.wat",
        b"(module\n  (func (export \"_start\")\n    (i32.add 1)))\n",
    );
    run.ends(CANNOT_RUN).says(&["bad.wat:3:"]);
    let run = run_bytes("run", "open.wat", b"(module\n  (func");
    run.ends(CANNOT_RUN).says(&["open.wat:2:"]);
}

#[test]
fn programs_need_a_start_and_a_memory() {
    run_wat(r#"(module (memory (export "memory") 1))"#).refused(&["_start"]);
    run_wat(r#"(module (memory (export "memory") 1) (func (export "_start") (param i32)))"#)
        .refused(&["_start"]);
    run_wat(
        r#"(module (memory (export "memory") 1) (global (export "_start") i32 (i32.const 1)))"#,
    )
    .refused(&["_start"]);
    run_wat(r#"(module (func (export "_start")))"#).refused(&["memory"]);
    run_wat(r#"(module (memory 1) (func (export "_start")))"#).refused(&["memory"]);
    run_wat(r#"(module (memory (export "memory") 65537) (func (export "_start")))"#)
        .refused(&["memory"]);
    run_wat(r#"(module (memory (export "memory") i64 1) (func (export "_start")))"#)
        .refused(&["memory"]);
}

#[test]
fn imports_must_be_known_and_of_a_fitting_type() {
    let import = |import: &str| {
        run_wat(&format!(
            r#"(module (import {import}) (memory (export "memory") 1) (func (export "_start")))"#
        ))
    };
    import(r#""wali" "SYS_read" (func (param i32 f64 i32) (result i64))"#)
        .refused(&["SYS_read", "f64"]);
    import(r#""wali" "SYS_read" (func (param i32 i32 i32) (result f32))"#)
        .refused(&["SYS_read", "f32"]);
    import(r#""wali" "SYS_read" (global i32)"#).refused(&["SYS_read"]);
    import(r#""wali" "read" (func (param i32 i32 i32) (result i64))"#).refused(&["read"]);
    import(r#""wali" "__no_such_thing" (func)"#).refused(&["__no_such_thing"]);
    import(r#""wali" "__cl_get_argc" (func (result f64))"#).refused(&["__cl_get_argc", "f64"]);
    import(r#""env" "puts" (func (param i32) (result i32))"#).refused(&["env", "puts"]);
    import(r#""wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32))"#)
        .refused(&["made for WASI", "wali-cc"]);
    import(r#""env" "table" (table 1 funcref)"#).refused(&["env", "table"]);
    run_wat(r#"(module (import "env" "memory" (memory 1)) (export "memory" (memory 0)) (func (export "_start")))"#)
        .refused(&["env", "memory"]);
}

#[test]
fn what_was_made_for_something_else_is_told() {
    let says = |text: &str, word: &str| {
        run_wat(&format!("(module {text})")).refused(&["not a WALI program", word]);
    };
    let start = r#"(memory (export "memory") 1) (func (export "_start"))"#;
    let import = |module: &str, name: &str| format!(r#"(import "{module}" "{name}" (func))"#);
    says(
        &format!("{} {start}", import("wasi_unstable", "fd_close")),
        "WASI",
    );
    says(&import("env", "emscripten_resize_heap"), "Emscripten");
    says(
        &format!("{}{start}", import("env", "invoke_vii")),
        "Emscripten",
    );
    says(
        &format!("{}{}", import("a", "a"), import("a", "b")),
        "Emscripten",
    );
    says(&import("gojs", "runtime.wasmExit"), "Go");
    says(
        &import("__wbindgen_placeholder__", "__wbindgen_throw"),
        "wasm-bindgen",
    );
    says(&import("./app_bg.js", "__wbg_log_1"), "wasm-bindgen");
    says(
        &format!(
            r#"{} (func (export "__new")) (func (export "__pin"))"#,
            import("env", "abort")
        ),
        "AssemblyScript",
    );
    let object = r#"(import "env" "__linear_memory" (memory 0))"#;
    says(
        &format!("{} {object}", import("wali", "SYS_getpid")),
        "object file",
    );
    says(
        r#"(import "env" "__memory_base" (global i32))"#,
        "shared library",
    );
    says(
        r#"(memory (export "memory") 1) (func (export "add"))"#,
        "_start",
    );
    says(
        &format!(
            r#"{} (func (export "_initialize"))"#,
            import("wali", "SYS_getpid")
        ),
        "this is a library",
    );
}

#[test]
fn what_is_imported_of_others_is_named() {
    let both = r#"(module (import "wali" "SYS_getpid" (func (result i64)))
        (import "wasi_snapshot_preview1" "sched_yield" (func (result i32)))
        (memory (export "memory") 1) (func (export "_start")))"#;
    run_wat(both).refused(&["wasi_snapshot_preview1.sched_yield", "that is WASI's"]);
    // What needs nothing runs, whoever made it.
    let run = run_wat(
        r#"(module (memory (export "memory") 1) (func (export "_start"))
           (func (export "emscripten_stack_get_current")))"#,
    );
    run.ends(End::Exit(0));
}

#[test]
fn unknown_system_calls_fail_with_enosys() {
    let run = run_wat(
        r#"(module
          (import "wali" "SYS_from_the_future" (func $new (param i32 i64) (result i64)))
          (import "wali" "__proc_exit" (func $exit (param i32)))
          (memory (export "memory") 1)
          (func (export "_start")
            (call $exit (i32.wrap_i64 (i64.sub (i64.const 0) (call $new (i32.const 1) (i64.const 2)))))))"#,
    );
    run.ends(End::Exit(libc::ENOSYS))
        .says(&["SYS_from_the_future"]);
    assert_eq!(
        run.outcome.errors().lines().count(),
        1,
        "one warning: {}",
        run.outcome.errors()
    );
}

#[test]
fn integer_traps_die_like_a_division_error() {
    for body in [
        "(drop (i32.div_s (i32.const 1) (local.get $zero)))",
        "(drop (i64.rem_u (i64.const 1) (i64.extend_i32_u (local.get $zero))))",
        "(drop (i32.div_s (i32.const 0x80000000) (i32.sub (local.get $zero) (i32.const 1))))",
    ] {
        trapping(body)
            .ends(End::Signal(libc::SIGFPE))
            .says(&["innermost", "middle", "integer"]);
    }
}

#[test]
fn memory_traps_die_like_a_bad_access() {
    for body in [
        "(drop (i32.load (i32.const 0x10000)))",
        "(drop (i32.load (i32.const 0xfffd)))",
        "(i64.store offset=0xffffffff (i32.const 0xffffffff) (i64.const 1))",
        "(drop (i32.load8_u (i32.const 0xffffffff)))",
        "(memory.fill (i32.const 0xffff) (i32.const 1) (i32.const 2))",
        "(memory.copy (i32.const 0) (i32.const 1) (i32.const 0x10000))",
    ] {
        trapping(body).ends(End::Signal(libc::SIGSEGV)).says(&[
            "innermost",
            "middle",
            "out of bounds memory access",
        ]);
    }
}

#[test]
fn unreachable_code_dies_like_an_illegal_instruction() {
    trapping("(unreachable)")
        .ends(End::Signal(libc::SIGILL))
        .says(&["unreachable", "innermost", "middle"]);
}

#[test]
fn exceptions_that_nothing_catches_die_like_an_abort() {
    run_wat(
        r#"(module
          (memory (export "memory") 1 4)
          (tag $mistake (param i32 f64))
          (func $innermost (throw $mistake (i32.const -5) (f64.const 0.5)))
          (func $middle try call $innermost catch_all rethrow 0 end)
          (func (export "_start") (call $middle)))"#,
    )
    .ends(End::Signal(libc::SIGABRT))
    .says(&[
        "killed by SIGABRT: uncaught exception of tag 0 (mistake) with -5, 0.5",
        "middle",
    ]);
    run_wat(
        r#"(module
          (memory (export "memory") 1 4)
          (func (export "_start") (throw_ref (ref.null exn))))"#,
    )
    .ends(End::Signal(libc::SIGSEGV))
    .says(&["null exception reference"]);
}

#[test]
fn bad_indirect_calls_die_by_a_signal() {
    for (body, part) in [
        (
            "(call_indirect (param i32) (i32.const 1) (i32.const 1))",
            "uninitialized element",
        ),
        (
            "(call_indirect (param i32) (i32.const 1) (i32.const 2))",
            "undefined element",
        ),
        (
            "(call_indirect (param i64) (i64.const 1) (i32.const 0))",
            "indirect call type mismatch",
        ),
    ] {
        let run = trapping(body);
        run.says(&[part, "innermost"]);
        let end = run.outcome.end;
        assert!(
            matches!(end, End::Signal(libc::SIGSEGV | libc::SIGILL)),
            "{part}: {end}"
        );
    }
}

/// The message names the function, both types and the remedy; with that, the call gets through.
#[test]
fn casts_of_function_pointers_are_explained() {
    let wat = r#"(module
        (import "wali" "__proc_exit" (func $exit (param i32)))
        (type $wanted (func (param i64 i32 f64) (result i32)))
        (memory (export "memory") 1) (table funcref (elem $exit $callback $wide $reference))
        (func $callback (param $x i32) (call $exit (i32.add (local.get $x) (i32.const 100))))
        (func $wide (param i64 i64 f32 i32) (result f64)
          (if (i64.ne (local.get 0) (i64.const 0x1ffffffff)) (then (unreachable)))
          (if (i64.ne (local.get 1) (i64.const 0xfffffffe)) (then (unreachable)))
          (if (i32.ne (i32.reinterpret_f32 (local.get 2)) (i32.const 0x55667788)) (then (unreachable)))
          (if (local.get 3) (then (unreachable)))
          (f64.const 1))
        (func $reference (param externref))
        (func $work (param $which i32) (result i32)
          (call_indirect (type $wanted)
            (i64.const 0x1ffffffff) (i32.const -2)
            (f64.reinterpret_i64 (i64.const 0x1122334455667788)) (local.get $which)))
        (func (export "_start") (call $exit (i32.add (i32.const 7) (call $work (i32.const INDEX))))))"#;
    let run = |index: &str, options: &[&str]| {
        let bytes = wat::parse_str(wat.replace("INDEX", index)).expect("well-formed text");
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("casts.wasm");
        std::fs::write(&path, bytes).expect("a file in it");
        let outcome = wali(&[&["run"], options].concat(), &path);
        Run {
            outcome,
            path,
            _dir: dir,
        }
    };
    let wanted = "(i64, i32, f64) -> (i32)";
    run("1", &[]).ends(End::Signal(libc::SIGILL)).says(&[
        "indirect call type mismatch",
        "callback (table index 1) is (i32) -> ()",
        wanted,
        "at work",
        "--emulate-fn-casts",
    ]);
    run("0", &[])
        .ends(End::Signal(libc::SIGILL))
        .says(&["wali.__proc_exit (table index 0)", wanted]);
    let emulated = |index| run(index, &["--emulate-fn-casts"]);
    // The lower half of the first argument.
    emulated("1").ends(End::Exit(99));
    emulated("0").ends(End::Exit(255));
    // Widened by zeros, in the order of integers and floats; a result of another kind is lost.
    emulated("2").ends(End::Exit(7));
    emulated("3")
        .ends(End::Signal(libc::SIGILL))
        .says(&["reference (table index 3)", "externref"]);
}

/// A jump that cannot be says why, and where.
#[test]
fn jumps_to_nowhere_are_explained() {
    let run = |body: &str| {
        run_wat(&format!(
            r#"(module
              (import "wali" "setjmp" (func $setjmp (param i32) (result i32)))
              (import "wali" "longjmp" (func $longjmp (param i32 i32)))
              (memory (export "memory") 1)
              (func $place (drop (call $setjmp (i32.const 1024))))
              (func $jump (call $longjmp (i32.const 1024) (i32.const 1)))
              (func $work {body})
              (func (export "_start") (call $work)))"#
        ))
    };
    run("(call $jump)").ends(End::Signal(libc::SIGABRT)).says(&[
        "killed by SIGABRT",
        "longjmp",
        "holds no place",
        "at jump",
        "at work",
    ]);
    run("(call $place) (call $jump)")
        .ends(End::Signal(libc::SIGABRT))
        .says(&["has returned", "at jump"]);
    run("(call $longjmp (i32.const 65530) (i32.const 1))")
        .ends(End::Signal(libc::SIGSEGV))
        .says(&["at work"]);
}

#[test]
fn deep_recursion_dies_like_a_stack_overflow() {
    for body in ["(call $innermost (local.get $zero))", "(call $middle)"] {
        let run = trapping(body);
        run.ends(End::Signal(libc::SIGSEGV))
            .says(&["call stack exhausted", "innermost"]);
        // A backtrace of a million frames helps nobody.
        assert!(
            run.outcome.errors().lines().count() < 200,
            "{}",
            run.outcome.errors().len()
        );
    }
}

#[test]
fn a_trap_while_starting_is_a_trap() {
    run_wat(
        r#"(module (memory (export "memory") 1) (func $first unreachable) (start $first)
          (func (export "_start")))"#,
    )
    .ends(End::Signal(libc::SIGILL))
    .says(&["unreachable", "first"]);
    run_wat(
        r#"(module (memory (export "memory") 1) (data (i32.const 65535) "ab")
          (func (export "_start")))"#,
    )
    .says(&["out of bounds"]);
}

#[test]
fn a_start_that_returns_ends_with_zero() {
    let run = run_wat(r#"(module (memory (export "memory") 1) (func (export "_start")))"#);
    run.ends(End::Exit(0));
    assert!(run.outcome.stderr.is_empty(), "{}", run.outcome.errors());
}

#[test]
fn names_must_be_utf8() {
    // An export whose name is the single byte 0xff.
    let module = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x05\x01\x01\xff\0\0\x0a\x04\x01\x02\0\x0b";
    run_bytes("run", "names.wasm", module).refused(&["UTF-8"]);
    // In the name section it costs a name, not the program.
    let mut good =
        wat::parse_str(r#"(module (memory (export "memory") 1) (func (export "_start")))"#)
            .expect("it parses");
    good.extend(b"\0\x0c\x04name\x01\x05\x01\0\x02\xff\xfe");
    run_bytes("run", "debug.wasm", &good).ends(End::Exit(0));
}

#[test]
fn wrong_use_is_told() {
    let run = |args: &[&str]| {
        let mut command = workspace::command(workspace::wali());
        command.args(args);
        process::run(command, b"", Duration::from_secs(60))
    };
    for args in [
        &[][..],
        &["run"],
        &["frobnicate"],
        &["run", "--no-such-option", "x.wasm"],
    ] {
        let outcome = run(args);
        assert_eq!(outcome.end, USAGE, "{args:?}: {}", outcome.errors());
        assert!(
            outcome.errors().contains("Usage"),
            "{args:?}: {}",
            outcome.errors()
        );
    }
    for args in [&["--help"][..], &["run", "--help"], &["--version"]] {
        let outcome = run(args);
        assert_eq!(outcome.end, End::Exit(0), "{args:?}: {}", outcome.errors());
        assert!(!outcome.stdout.is_empty(), "{args:?}");
    }
}
