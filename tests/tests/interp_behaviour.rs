//! What the interpreter owes beyond the specification: bounded stacks, traps that explain
//! themselves, and translation that keeps to its bounds.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use wali_runtime::interp::{
    Imports, Instance, LinkError, Module, Options, TrapKind, ValType, Value,
};
use wali_runtime::memory::Memory;
use wali_tests::clock;
use wali_tests::interp::{host, instance, module, optimised, run};
use wali_tests::workspace;

/// If any handler called the next one instead of jumping to it, this would overrun the
/// native stack within a few thousand instructions.
#[test]
fn native_stack_does_not_grow_with_guest_instructions() {
    let wat = r#"(module
      (import "h" "f" (func $host (param i32) (result i32)))
      (memory 1 2 shared) (data $d "abcdefgh")
      (table $t 4 funcref) (elem (i32.const 0) $inc $dec $inc $dec)
      (global $g (mut i64) (i64.const 1))
      (func $inc (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
      (func $dec (param i32) (result i32) (local i64 i64 i64) (i32.sub (local.get 0) (i32.const 1)))
      (func $two (param i32) (result i32 i32) (local.get 0) (i32.const 3))
      (func $tail (param i32) (result i32) (return_call $inc (local.get 0)))
      (func (export "run") (param $n i32) (result i32) (local $x i32) (local $y i64) (local $f f64)
        (local.set $f (f64.const 1.5))
        (loop $again
          (local.set $x (call_indirect $t (param i32) (result i32)
            (local.get $x) (i32.and (local.get $n) (i32.const 3))))
          (i32.store (i32.and (local.get $x) (i32.const 0xfffc)) (local.get $n))
          (local.set $x (i32.add (local.get $x) (i32.load8_s offset=3 (i32.and (local.get $n) (i32.const 255)))))
          (local.set $y (i64.rotl (i64.add (local.get $y) (i64.load32_u (i32.const 16))) (i64.const 7)))
          (global.set $g (i64.mul (global.get $g) (i64.const 6364136223846793005)))
          (local.set $f (f64.sqrt (f64.add (local.get $f) (f64.convert_i32_s (local.get $n)))))
          (local.set $x (i32.xor (local.get $x) (i32.trunc_sat_f64_s (f64.nearest (local.get $f)))))
          (block $c (block $b (block $a
            (br_table $a $b $c (i32.rem_u (local.get $n) (i32.const 3))))
            (local.set $x (select (local.get $x) (i32.const 5) (i64.eqz (local.get $y)))))
            (local.set $x (i32.clz (local.get $x))))
          (drop (i32.atomic.rmw.add (i32.const 32) (local.get $x)))
          (local.set $x (i32.add (i32.atomic.load (i32.const 32)) (call $tail (local.get $x))))
          (call $two (local.get $x)) (drop) (local.set $x)
          (if (f64.lt (local.get $f) (f64.const 2)) (then (local.set $x (memory.size))))
          (if (i32.eqz (i32.and (local.get $n) (i32.const 15)))
            (then
              (memory.fill (i32.const 64) (local.get $n) (i32.const 8))
              (memory.copy (i32.const 80) (i32.const 64) (i32.const 8))
              (memory.init $d (i32.const 96) (i32.const 0) (i32.const 8))
              (local.set $x (call $host (local.get $x)))
              (table.set $t (i32.const 3) (table.get $t (i32.const 1)))))
          (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $x)))"#;
    // Under an emulator fewer, which are still many for such a stack.
    let iterations = match (optimised(), workspace::target().emulated()) {
        (true, false) => 50_000_000,
        (true, true) => 2_000_000,
        (false, _) => 300_000,
    };
    let calls = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&calls);
    let done = thread::Builder::new().stack_size(128 << 10).spawn(move || {
        let mut imports = Imports::new();
        let count = host(
            &[ValType::I32],
            &[ValType::I32],
            Box::new(move |_, _| {
                counted.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }),
        );
        imports.define("h", "f", count);
        let instance = Instance::new(&module(wat), &imports).expect("an instance");
        run(&instance, "run", &[iterations]).map_err(|trap| trap.to_string())
    });
    done.expect("a thread")
        .join()
        .expect("no native overflow")
        .expect("no trap");
    assert_eq!(calls.load(Ordering::Relaxed), iterations as u64 / 16);
}

#[test]
fn deep_recursion_is_a_trap_and_leaves_the_instance_usable() {
    let instance = instance(
        r#"(module (func $f (export "f") (param i32) (result i32)
             (if (result i32) (local.get 0)
               (then (i32.add (i32.const 1) (call $f (i32.sub (local.get 0) (i32.const 1)))))
               (else (i32.const 0)))))"#,
    );
    for _ in 0..2 {
        let trap = run(&instance, "f", &[-1]).expect_err("the stack ends somewhere");
        assert!(matches!(trap.kind(), TrapKind::StackOverflow), "{trap}");
        assert_eq!(trap.frames().len(), 64);
        assert!(trap.omitted() > 100_000, "{}", trap.omitted());
        assert!(trap.to_string().contains("more frames"), "{trap}");
        assert_eq!(run(&instance, "f", &[50_000]).expect("fits"), 50_000);
    }
}

#[test]
fn a_small_guest_stack_overflows_sooner() {
    let module = module(r#"(module (func $f (export "f") (call $f)))"#);
    let options = Options {
        stack_bytes: 1 << 16,
        ..Options::default()
    };
    let instance = Instance::with_options(&module, &Imports::new(), options).expect("an instance");
    let trap = instance.invoke("f", &[]).expect_err("overflows");
    assert!(matches!(trap.kind(), TrapKind::StackOverflow));
    assert!(
        trap.omitted() + trap.frames().len() <= (1 << 16) / 16,
        "{}",
        trap.omitted()
    );
}

#[test]
fn ten_million_tail_calls_need_no_stack() {
    let instance = instance(
        r#"(module
             (table funcref (elem $odd $even))
             (type $t (func (param i32 i32) (result i32)))
             (func $even (export "even") (param i32 i32) (result i32)
               (if (i32.eqz (local.get 0)) (then (return (local.get 1))))
               (return_call $odd (i32.sub (local.get 0) (i32.const 1)) (local.get 1)))
             (func $odd (param i32 i32) (result i32) (local i64 i64)
               (if (i32.eqz (local.get 0)) (then (return (i32.const -1))))
               (return_call_indirect (type $t)
                 (i32.sub (local.get 0) (i32.const 1)) (local.get 1) (i32.const 1))))"#,
    );
    assert_eq!(
        run(&instance, "even", &[10_000_000, 42]).expect("constant space"),
        42
    );
    assert_eq!(
        run(&instance, "even", &[9_999_999, 42]).expect("constant space"),
        -1
    );
}

#[test]
fn faults_tell_protected_pages_from_addresses_outside() {
    let instance = instance(
        r#"(module (memory (export "m") 2)
             (func (export "load") (param i32) (result i32) (i32.load offset=4 (local.get 0)))
             (func (export "at") (result i32) (i32.load (i32.const 0x10004)))
             (func (export "store") (param i32) (result i32) (i64.store (local.get 0) (i64.const -1)) (i32.const 0))
             (func (export "atomic") (param i32) (result i32) (i32.atomic.rmw.add (local.get 0) (i32.const 1)))
             (func (export "fill") (param i32) (result i32) (memory.fill (local.get 0) (i32.const 1) (i32.const 4)) (i32.const 0)))"#,
    );
    let memory: &Memory = instance.memory().expect("it has one");
    let base = memory.base();
    // SAFETY: the second Wasm page of a memory that nothing but the guest uses.
    let result =
        unsafe { libc::mprotect(base.wrapping_add(0x10000).cast(), 0x10000, libc::PROT_NONE) };
    assert_eq!(result, 0);
    let cases = [
        ("load", 0x10000, 0x10004),
        ("store", 0x10010, 0x10010),
        ("atomic", 0x10020, 0x10020),
        ("fill", 0x10030, 0x10030),
    ];
    for (name, argument, expected) in cases {
        let trap = run(&instance, name, &[argument]).expect_err("protected");
        let TrapKind::MemoryProtected { address } = trap.kind() else {
            panic!("{name}: {trap}")
        };
        assert_eq!(*address, expected, "{name}");
        assert_eq!(trap.frames().len(), 1, "{name}");
        assert_eq!(
            run(&instance, name, &[64])
                .map(|_| ())
                .map_err(|t| t.to_string()),
            Ok(())
        );
        for outside in [0x20000, -8] {
            let trap = run(&instance, name, &[outside]).expect_err("outside");
            let TrapKind::MemoryOutOfBounds { address } = trap.kind() else {
                panic!("{name}: {trap}")
            };
            assert!(*address >= 0x20000, "{name}: {address:#x}");
        }
    }
    assert!(matches!(
        run(&instance, "at", &[]).expect_err("protected").kind(),
        TrapKind::MemoryProtected { address: 0x10004 }
    ));
}

#[test]
fn operands_survive_a_later_set_of_their_local() {
    let instance = instance(
        r#"(module
             (func (export "set") (param i32) (result i32)
               (local.get 0) (local.set 0 (i32.const 100)) (i32.sub (local.get 0)))
             (func (export "tee") (param i32) (result i32)
               (i32.sub (local.get 0) (local.tee 0 (i32.add (local.get 0) (i32.const 10)))))
             (func (export "twice") (param i32) (result i32)
               (local.get 0) (local.get 0) (local.get 0)
               (local.set 0 (i32.mul (local.get 0) (i32.const 2)))
               (i32.add) (i32.add) (i32.mul (i32.const 1000)) (i32.add (local.get 0)))
             (func (export "block") (param i32) (result i32)
               (local.get 0)
               (if (i32.eqz (local.get 0)) (then (local.set 0 (i32.const 7))) (else (local.set 0 (i32.const 9))))
               (i32.mul (i32.const 10)) (i32.add (local.get 0)))
             (func (export "loop") (param i32) (result i32) (local i32)
               (local.get 0)
               (loop $l
                 (local.set 1 (i32.add (local.get 1) (local.get 0)))
                 (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
               (i32.mul (i32.const 1000)) (i32.add (local.get 1)))
             (func (export "swap") (param i32) (result i32) (local i32)
               (local.set 1 (i32.const 3))
               (local.get 0) (local.get 1) (local.set 0) (local.set 1)
               (i32.add (i32.mul (local.get 0) (i32.const 100)) (local.get 1)))
             (func (export "carry") (param i32) (result i32)
               (block $b (result i32)
                 (drop (br_if $b (local.get 0) (i32.gt_s (local.get 0) (i32.const 5))))
                 (local.set 0 (i32.const -1))
                 (local.get 0)))
             (func (export "multi") (param i32) (result i32)
               (local.get 0) (i32.const 1)
               (loop $l (param i32 i32) (result i32)
                 (i32.mul (local.get 0))
                 (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
                 (local.get 0) (local.get 0)
                 (if (param i32 i32 i32) (result i32)
                   (then (drop) (br $l))
                   (else (drop) (local.set 0) (drop) (local.get 0))))))"#,
    );
    let call = |name, arg| run(&instance, name, &[arg]).expect("no trap");
    assert_eq!(call("set", 1), -99);
    assert_eq!(call("tee", 5), -10);
    assert_eq!(call("twice", 3), 9006);
    assert_eq!(call("block", 0), 7);
    assert_eq!(call("block", 4), 49);
    assert_eq!(call("loop", 4), 4010);
    assert_eq!(call("swap", 8), 308);
    assert_eq!(call("carry", 6), 6);
    assert_eq!(call("carry", 5), -1);
    assert_eq!(call("multi", 5), 120);
}

#[test]
fn a_frame_that_instructions_cannot_address_is_refused() {
    let wat = format!("(module (func (local {})))", "i64 ".repeat(49_000));
    Module::new(&wat::parse_str(&wat).expect("well-formed")).expect("fits");
    let operands = format!(
        "(module (func (local {}) {} {}))",
        "i64 ".repeat(49_000),
        "(i32.const 0) ".repeat(17_000),
        "drop ".repeat(17_000)
    );
    let error =
        Module::new(&wat::parse_str(&operands).expect("well-formed")).expect_err("too many");
    assert!(error.to_string().contains("needs 66002 slots"), "{error}");
    assert!(error.offset > 0);
}

#[test]
fn a_large_br_table_finds_every_target() {
    const TARGETS: usize = 5000;
    let mut wat = String::from("(module (func (export \"f\") (param i32) (result i32)\n");
    wat.push_str(&"(block ".repeat(TARGETS));
    wat.push_str("(br_table ");
    for i in 0..TARGETS {
        wat.push_str(&format!("{i} "));
    }
    wat.push_str("(local.get 0))");
    for i in 0..TARGETS {
        wat.push_str(&format!(") (return (i32.const {i}))"));
    }
    wat.push_str("))");
    let instance = instance(&wat);
    for i in (0..TARGETS).step_by(7).chain([TARGETS - 1]) {
        assert_eq!(run(&instance, "f", &[i as i32]).expect("no trap"), i as i32);
    }
    assert_eq!(
        run(&instance, "f", &[-1]).expect("no trap"),
        TARGETS as i32 - 1
    );
}

/// Translation that searched the operand stack for each instruction would take hours here.
#[test]
fn translation_is_linear_in_hostile_functions() {
    const LOCALS: usize = 20_000;
    let mut wat = format!(
        "(module (func (export \"f\") (result i32) (local {})\n",
        "i32 ".repeat(LOCALS)
    );
    for i in 0..LOCALS {
        wat.push_str(&format!("(local.get {i}) "));
    }
    for _ in 0..LOCALS {
        wat.push_str("(local.get 0) ");
    }
    for i in 0..LOCALS {
        wat.push_str(&format!("(local.set {i} (i32.const 1)) "));
    }
    wat.push_str(&"(block) ".repeat(LOCALS));
    wat.push_str(&"(if (i32.const 0) (then)) ".repeat(LOCALS));
    wat.push_str(&"drop ".repeat(2 * LOCALS));
    wat.push_str("(local.get 5)))");
    let instance = instance(&wat);
    let start = clock::used();
    assert_eq!(run(&instance, "f", &[]).expect("no trap"), 1);
    let taken = clock::used() - start;
    assert!(taken < Duration::from_secs(20), "{taken:?}");
}

#[test]
fn link_errors_name_the_import() {
    let module = module(r#"(module (import "env" "f" (func (param i32) (result i64))))"#);
    let error = Instance::new(&module, &Imports::new()).expect_err("missing");
    assert_eq!(
        error.to_string(),
        "unknown import env.f: function (i32) -> (i64)"
    );
    let mut imports = Imports::new();
    imports.define("env", "f", host(&[], &[], Box::new(|_, _| Ok(()))));
    let error = Instance::new(&module, &imports).expect_err("of another type");
    assert!(matches!(error, LinkError::Incompatible { .. }), "{error}");
}

#[test]
fn translation_fuses_what_it_promises_to() {
    let module = module(
        r#"(module (memory 1) (func (param $i i32) (param $n i32) (local $s i64)
             (loop $l
               (local.set $s (i64.add (local.get $s) (i64.load offset=8 (local.get $i))))
               (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 16))) (local.get $n))))
             (i64.store (i32.const 64) (local.get $s))))"#,
    );
    assert_eq!(
        names(&module),
        [
            "load64.to_acc",
            "i64.add.acc",
            "i32.add.imm",
            "br_i32.lt_u.acc",
            "store64.at",
            "return0"
        ],
    );
}

/// The names of the instructions of the first function.
fn names(module: &Module) -> Vec<String> {
    let text = module.disassemble(0).expect("it has a body");
    text.lines()
        .skip(1)
        .filter_map(|line| line.split_whitespace().nth(2))
        .map(str::to_string)
        .collect()
}

#[test]
fn translation_sees_through_the_locals_of_unoptimised_code() {
    let module = module(
        r#"(module (memory 1) (func (param $fp i32)
             (local i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
             (block $out (loop $l
               ;; if (!(i < 100)) break;
               (local.set 1 (i32.load offset=12 (local.get $fp)))
               (local.set 2 (i32.const 100))
               (local.set 3 (i32.lt_u (local.get 1) (local.get 2)))
               (local.set 4 (i32.const 1))
               (local.set 5 (i32.and (local.get 3) (local.get 4)))
               (br_if $out (i32.eqz (local.get 5)))
               ;; i++;
               (local.set 6 (i32.load offset=12 (local.get $fp)))
               (local.set 7 (i32.const 1))
               (local.set 8 (i32.add (local.get 6) (local.get 7)))
               (i32.store offset=12 (local.get $fp) (local.get 8))
               (br $l)))))"#,
    );
    assert_eq!(
        names(&module),
        [
            "load32.to_acc",
            "br_i32.ge_u.acc_imm",
            "load32.to_acc",
            "i32.add.acc_imm.to_acc",
            "store32.acc",
            "br",
            "return0"
        ],
    );
}

#[test]
fn locals_that_are_read_again_or_elsewhere_keep_their_values() {
    let module = module(
        r#"(module (memory 1)
             (func (export "twice") (param $x i32) (result i32) (local $a i32) (local $b i32)
               ;; Read twice.
               (local.set $a (i32.add (local.get $x) (i32.const 1)))
               (local.set $b (i32.mul (local.get $a) (i32.const 10)))
               (i32.add (local.get $a) (local.get $b)))
             (func (export "before") (param $x i32) (result i32) (local $a i32) (local $sum i32)
               ;; Read before it is set, each time but the first what was set the time before.
               (loop $l
                 (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 10)) (local.get $a)))
                 (local.set $a (local.get $x))
                 (br_if $l (local.tee $x (i32.sub (local.get $x) (i32.const 1)))))
               (local.get $sum))
             (func (export "behind") (param $x i32) (result i32) (local $a i32)
               (local.set $a (i32.const 7))
               (if (local.get $x) (then (nop)))
               (local.get $a))
             (func (export "around") (param $x i32) (result i32) (local $a i32) (local $b i32)
               ;; What is on the stack was read before the other was set.
               (local.set $a (i32.add (local.get $x) (i32.const 1)))
               (local.get $a)
               (local.set $b (i32.add (local.get $x) (i32.const 2)))
               (local.set $x (i32.const 100))
               (i32.mul (local.get $b))
               (i32.add (local.get $x)))
             (func (export "renamed") (param $x i32) (result i32) (local $a i32) (local $b i32)
               (local $c i32)
               (local.set $a (i32.mul (local.get $x) (i32.const 3)))
               (local.set $b (local.get $a))
               (local.set $x (i32.const 1))
               (local.set $c (local.get $b))
               (i32.sub (local.get $c) (local.get $x)))
             (func (export "truth") (param $x i32) (result i32) (local $a i32) (local $b i32)
               (local.set $a (i32.lt_s (local.get $x) (i32.const 5)))
               (local.set $b (i32.and (local.get $a) (i32.const 1)))
               (i32.store (i32.const 0) (local.get $b))
               (i32.load (i32.const 0)))
             (func (export "bits") (param $x i32) (result i32) (local $a i32)
               (local.set $a (i32.add (local.get $x) (i32.const 1)))
               (i32.and (local.get $a) (i32.const 1))))"#,
    );
    let instance = Instance::new(&module, &Imports::new()).expect("it has no imports");
    for (name, argument, expected) in [
        ("twice", 4, 55),
        ("before", 4, 432),
        ("behind", 0, 7),
        ("behind", 1, 7),
        ("around", 4, 130),
        ("renamed", 4, 11),
        ("truth", 4, 1),
        ("truth", 5, 0),
        ("bits", 4, 1),
        ("bits", 5, 0),
    ] {
        let results = instance.invoke(name, &[Value::I32(argument)]);
        let found = results.unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(
            matches!(found[..], [Value::I32(result)] if result == expected),
            "{name}({argument}) is {found:?}, not {expected}"
        );
    }
}
