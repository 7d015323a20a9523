//! Modules made to exhaust something: they end in an error that says so, soon, and never in
//! the end of the process.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use std::{env, fmt::Write};

use wali_runtime::interp::{
    Extern, Func, FuncType, HostFn, Imports, Instance, LinkError, Module, Options, Trap, TrapKind,
    ValType, Value,
};
use wali_tests::clock;

fn compile(wat: &str) -> Vec<u8> {
    wat::parse_str(wat).expect("well-formed text")
}

fn module(wat: &str) -> Module {
    Module::new(&compile(wat)).expect("a valid module")
}

fn instance(wat: &str) -> Instance {
    Instance::new(&module(wat), &Imports::new()).expect("an instance")
}

fn run(instance: &Instance, name: &str, args: &[i32]) -> Result<Vec<Value>, Trap> {
    let args: Vec<Value> = args.iter().map(|arg| Value::I32(*arg)).collect();
    instance.invoke(name, &args)
}

/// A host function without parameters that yields 0, 1, 2 and so on.
fn counting(results: usize) -> Extern {
    let code: Box<HostFn> = Box::new(move |_, slots| {
        for (i, slot) in slots.iter_mut().take(results).enumerate() {
            *slot = i as u64;
        }
        Ok(())
    });
    let ty = FuncType::new([], vec![ValType::I64; results]);
    Extern::Func(Func::host(ty, Arc::from(code)))
}

/// The results of a tail call to the host lie above whatever the caller left on its stack:
/// the frame has to have room for them.
#[test]
fn results_of_a_foreign_tail_call_stay_within_the_frame() {
    const RESULTS: usize = 100;
    let results = "i64 ".repeat(RESULTS);
    let drops = "drop ".repeat(RESULTS);
    let tail_calls = [
        "return_call $host",
        "i32.const 0 return_call_indirect (type $t)",
    ];
    for tail_call in tail_calls {
        for leftover in [0, 1, 2, 98, 99, 301, 304] {
            let operands = "i32.const 7 ".repeat(leftover);
            let module = module(&format!(
                r#"(module
                     (type $t (func (result {results})))
                     (import "h" "f" (func $host (type $t)))
                     (table funcref (elem $host))
                     (func $g (export "g") (type $t) {operands} {tail_call})
                     (func $f (export "f") call $g {drops} call $f))"#
            ));
            let mut imports = Imports::new();
            imports.define("h", "f", counting(RESULTS));
            let options = Options {
                stack_bytes: 1 << 16,
                ..Options::default()
            };
            let instance = Instance::with_options(&module, &imports, options).expect("an instance");
            let trap = run(&instance, "f", &[]).expect_err("the stack ends somewhere");
            assert!(
                matches!(trap.kind(), TrapKind::StackOverflow),
                "{tail_call}, {leftover} left over: {trap}"
            );
            let expected: Vec<i64> = (0..RESULTS as i64).collect();
            let found: Vec<i64> = run(&instance, "g", &[])
                .expect("there is room for one")
                .iter()
                .map(|value| match value {
                    Value::I64(value) => *value,
                    other => panic!("not an i64: {other:?}"),
                })
                .collect();
            assert_eq!(found, expected, "{tail_call}, {leftover} left over");
        }
    }
}

#[test]
fn results_of_a_tail_call_count_towards_the_largest_frame() {
    let with_results = |results: usize| {
        let (locals, operands) = ("i64 ".repeat(49_900), "i32.const 7 ".repeat(15_000));
        let results = "i32 ".repeat(results);
        compile(&format!(
            r#"(module
                 (type $t (func (result {results})))
                 (import "h" "f" (func $host (type $t)))
                 (func (type $t) (local {locals}) {operands} return_call $host))"#
        ))
    };
    Module::new(&with_results(600)).expect("65,502 slots are few enough");
    let error = Module::new(&with_results(700)).expect_err("65,602 slots are too many");
    assert!(error.message.contains("65602 slots"), "{error}");
    // Were slots counted by 16 bits somewhere, this would be a small frame.
    let error = Module::new(&with_results(999)).expect_err("65,901 slots are too many");
    assert!(error.message.contains("65901 slots"), "{error}");
}

const WIDE: usize = 1000;

/// A function type with as many results as there may be, in text.
fn wide() -> String {
    format!("(type $wide (func (result {})))", "i32 ".repeat(WIDE))
}

/// Branches out of a block, each with its own code to move the block's results.
fn branches(count: usize) -> String {
    let mut text = "i32.const 7 ".repeat(WIDE);
    for _ in 0..count {
        text.push_str("local.get 0 br_if 0 ");
    }
    text
}

#[test]
fn code_that_grows_out_of_proportion_is_refused_at_the_call() {
    let (wide, ifs) = (wide(), branches(10_000));
    let drops = "drop ".repeat(WIDE);
    let nesting = 10_000;
    let mut table = "block (type $wide) ".repeat(nesting);
    table.push_str(&"i32.const 7 ".repeat(WIDE));
    table.push_str("local.get 0 br_table ");
    for depth in 0..nesting {
        let _ = write!(table, "{depth} ");
    }
    table.push_str(&"end ".repeat(nesting));
    for body in [
        format!("block (type $wide) {ifs} end {drops}"),
        format!("{table} {drops}"),
    ] {
        let instance = instance(&format!(
            r#"(module {wide}
                 (type $t (func (param i32)))
                 (table funcref (elem $big))
                 (func $big (export "big") (param i32) {body})
                 (func (export "call") (param i32) local.get 0 call $big)
                 (func (export "indirect") (param i32)
                   local.get 0 i32.const 0 call_indirect (type $t))
                 (func (export "tail") (param i32) local.get 0 return_call $big)
                 (func (export "fine") (param i32) (result i32) local.get 0))"#
        ));
        for (name, frames) in [("big", 0), ("call", 1), ("indirect", 1), ("tail", 1)] {
            let trap = run(&instance, name, &[1]).expect_err("too much code");
            let text = trap.to_string();
            assert!(text.starts_with("function 0 (big) at byte 0x"), "{text}");
            assert!(text.contains("16777216 words"), "{text}");
            assert_eq!(trap.frames().len(), frames, "{name}: {text}");
            let fine = run(&instance, "fine", &[3]).expect("the instance is still of use");
            assert!(matches!(fine[..], [Value::I32(3)]), "{fine:?}");
        }
    }
}

#[test]
fn a_deep_backtrace_costs_no_more_than_a_shallow_one() {
    let (wide, ifs, drops) = (wide(), branches(2_000), "drop ".repeat(WIDE));
    let instance = instance(&format!(
        r#"(module {wide}
             (func $f (export "f") (param i32)
               local.get 0
               if local.get 0 i32.const 1 i32.sub call $f return end
               local.get 0 i32.eqz if unreachable end
               block (type $wide) {ifs} end {drops}))"#
    ));
    let trap = |depth: i32| {
        let start = clock::used();
        let trap = run(&instance, "f", &[depth]).expect_err("unreachable");
        assert!(matches!(trap.kind(), TrapKind::Unreachable), "{trap}");
        (trap, clock::used() - start)
    };
    // The first one translates.
    trap(0);
    let (shallow, once) = trap(0);
    let (deep, many) = trap(100);
    assert!(
        many < once * 8 + Duration::from_millis(50),
        "a frame takes {once:?}, 64 take {many:?}"
    );
    assert_eq!((deep.frames().len(), deep.omitted()), (64, 37));
    assert_eq!(deep.frames()[0], shallow.frames()[0]);
    let call = deep.frames()[1].offset;
    assert!(call < deep.frames()[0].offset, "{deep}");
    assert!(deep.frames()[1..].iter().all(|frame| frame.offset == call));
}

/// Tells this program, run again, to do what needs its limit of address space.
const LIMITED: &str = "WALI_TEST_LIMITED";
/// Large enough for this program, in KiB; too small for ten of the largest tables.
const ADDRESS_SPACE: u32 = 512 << 10;
const ELEMENTS: u32 = 10_000_000;

#[test]
fn tables_that_memory_does_not_suffice_for_do_not_come_to_be() {
    if env::var_os(LIMITED).is_some() {
        return exhaust_memory_with_tables();
    }
    let output = Command::new("sh")
        .arg("-c")
        .arg(format!("ulimit -v {ADDRESS_SPACE} && exec \"$0\" \"$@\""))
        .arg(env::current_exe().expect("a running program has a path"))
        .args(["--exact", "--nocapture", "--test-threads=1"])
        .arg("tables_that_memory_does_not_suffice_for_do_not_come_to_be")
        .env(LIMITED, "1")
        .output()
        .expect("a shell");
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {text}", output.status);
    assert!(text.contains("1 passed"), "{text}");
}

fn exhaust_memory_with_tables() {
    let tables = |min: u32| format!("(table {min} funcref)").repeat(10);
    let mut grow = String::new();
    for table in 0..10 {
        let _ = write!(
            grow,
            "(local.set $failed (i32.add (local.get $failed) (i32.eq (i32.const -1)
               (table.grow {table} (ref.null func) (i32.const {ELEMENTS})))))
             (local.set $size (i32.add (local.get $size) (table.size {table})))"
        );
    }
    let growing = instance(&format!(
        r#"(module {}
             (func (export "grow") (result i32 i32) (local $failed i32) (local $size i32)
               {grow} (local.get $failed) (local.get $size)))"#,
        tables(0)
    ));
    let grown = run(&growing, "grow", &[]).expect("growth that fails is no trap");
    let [Value::I32(failed), Value::I32(size)] = grown[..] else {
        panic!("two numbers were expected: {grown:?}");
    };
    assert!((1..10).contains(&failed), "{failed} of 10 failed");
    assert_eq!(size, (10 - failed) * ELEMENTS as i32);
    drop(growing);

    let error = Instance::new(
        &module(&format!("(module {})", tables(ELEMENTS))),
        &Imports::new(),
    )
    .expect_err("as large from the start");
    assert!(
        matches!(error, LinkError::Table { elements: ELEMENTS }),
        "{error}"
    );
}

#[test]
fn names_cannot_control_the_terminal() {
    let instance = instance(
        r#"(module
             (func $"\1b[2J\0d\0aerror: \u{202e}\07" unreachable)
             (func $"größe<'数'>::{\"é\"}" call 0)
             (export "f" (func 1)))"#,
    );
    let text = run(&instance, "f", &[])
        .expect_err("unreachable")
        .to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text:?}");
    assert!(
        lines[1].starts_with(r"    at \u{1b}[2J\r\nerror: \u{202e}\u{7} (function 0, offset 0x"),
        "{text:?}"
    );
    assert!(
        lines[2].starts_with(r#"    at größe<'数'>::{"é"} (function 1, offset 0x"#),
        "{text:?}"
    );
    let asking = module(r#"(module (import "\1b[2J" "a\0ab" (func)))"#);
    let error = Instance::new(&asking, &Imports::new()).expect_err("nothing is there");
    assert!(
        error
            .to_string()
            .starts_with(r"unknown import \u{1b}[2J.a\nb: "),
        "{error:?}"
    );
}
