//! What the interpreter owes beyond the specification: bounded stacks, traps that explain
//! themselves, threads, interrupts, and re-entry from the host.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use wali_runtime::interp::{
    BUILD, Caller, Extern, Func, FuncType, HostFn, Imports, Instance, LinkError, Module, Options,
    Trap, TrapKind, ValType, Value,
};
use wali_runtime::memory::Memory;

fn module(wat: &str) -> Module {
    Module::new(&wat::parse_str(wat).expect("well-formed text")).expect("a valid module")
}

fn instance(wat: &str) -> Instance {
    Instance::new(&module(wat), &Imports::new()).expect("an instance")
}

fn i32_of(values: &[Value]) -> i32 {
    match values {
        [Value::I32(value)] => *value,
        other => panic!("one i32 was expected: {other:?}"),
    }
}

fn run(instance: &Instance, name: &str, args: &[i32]) -> Result<i32, Trap> {
    let args: Vec<Value> = args.iter().map(|arg| Value::I32(*arg)).collect();
    instance.invoke(name, &args).map(|values| i32_of(&values))
}

fn host(params: &[ValType], results: &[ValType], code: Box<HostFn>) -> Extern {
    Extern::Func(Func::host(FuncType::new(params, results), Arc::from(code)))
}

fn optimised() -> bool {
    BUILD.starts_with("threaded")
}

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
    let iterations = if optimised() { 50_000_000 } else { 300_000 };
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
fn an_endless_loop_can_be_interrupted() {
    for body in [
        "(loop $l (br $l))",
        "(loop $l (br_if $l (i32.const 1)))",
        "(loop $l (block (br_table $l 0 (i32.const 0))))",
        "(return_call $f)",
        "(loop $l (br_if $l (i32.ge_u (i32.add (global.get $g) (i32.const 1)) (i32.const 0))))",
    ] {
        let instance = instance(&format!(
            "(module (global $g (mut i32) (i32.const 0)) (func $f (export \"f\") {body}))"
        ));
        let handle = instance.interrupt_handle();
        let other = thread::spawn(move || {
            thread::sleep(Duration::from_millis(30));
            handle.interrupt();
        });
        let trap = instance.invoke("f", &[]).expect_err("interrupted");
        assert!(
            matches!(trap.kind(), TrapKind::Interrupted),
            "{body}: {trap}"
        );
        assert_eq!(trap.frames().len(), 1, "{body}: {trap}");
        other.join().expect("the other thread ends");
    }
}

#[test]
fn a_requested_hook_runs_guest_code_between_two_instructions() {
    let module = module(
        r#"(module
             (global $seen (mut i32) (i32.const 0))
             (table funcref (elem $note))
             (func $note (param i32) (global.set $seen (local.get 0)))
             (func (export "f") (param i32 i64) (result i32) (local i32 i32)
               (local.set 2 (i32.const 77))
               (i32.const 1000)
               (loop $l (br_if $l (i32.eqz (global.get $seen))))
               (i32.add (local.get 2)) (i32.add (local.get 0)) (i32.add (global.get $seen))))"#,
    );
    let options = Options {
        hook: Some(Box::new(|caller: &mut Caller<'_>| {
            caller.call_table(0, &mut [5])
        })),
        ..Options::default()
    };
    let instance = Instance::with_options(&module, &Imports::new(), options).expect("an instance");
    let handle = instance.interrupt_handle();
    let other = thread::spawn(move || {
        thread::sleep(Duration::from_millis(30));
        handle.request_hook();
    });
    let result = instance
        .invoke("f", &[Value::I32(10_000), Value::I64(0)])
        .expect("ends");
    assert_eq!(i32_of(&result), 11_082, "the frame is as the hook found it");
    other.join().expect("the other thread ends");
}

#[test]
fn threads_translate_the_same_functions_at_once() {
    let mut wat = String::from("(module (memory 1 1 shared)");
    for i in 0..200 {
        let next = if i == 199 {
            "(local.get 0)".to_string()
        } else {
            format!("(call $f{} (i32.add (local.get 0) (i32.const {i})))", i + 1)
        };
        wat.push_str(&format!(
            "(func $f{i} (export \"f{i}\") (param i32) (result i32) {next})"
        ));
    }
    wat.push(')');
    let module = module(&wat);
    let barrier = Barrier::new(8);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let instance = Instance::new(&module, &Imports::new()).expect("an instance");
                barrier.wait();
                assert_eq!(
                    run(&instance, "f0", &[0]).expect("no trap"),
                    (0..199).sum::<i32>()
                );
            });
        }
    });
}

#[test]
fn backtraces_name_functions_through_the_host() {
    let wat = r#"(module
      (import "h" "back" (func $back (param i32)))
      (table 1 funcref) (elem (i32.const 0) $inner)
      (func $inner (param i32) (drop (i32.div_s (i32.const 1) (local.get 0))))
      (func $middle (param i32) (call $back (local.get 0)) (nop))
      (func $outer (export "outer") (param i32) (call $middle (local.get 0))))"#;
    let mut imports = Imports::new();
    imports.define(
        "h",
        "back",
        host(
            &[ValType::I32],
            &[],
            Box::new(|caller, slots| caller.call_table(0, slots)),
        ),
    );
    let bytes = wat::parse_str(wat).expect("well-formed");
    let module = Module::new(&bytes).expect("valid");
    let instance = Instance::new(&module, &imports).expect("an instance");
    instance
        .invoke("outer", &[Value::I32(1)])
        .expect("divides by one");
    let trap = instance
        .invoke("outer", &[Value::I32(0)])
        .expect_err("divides by zero");
    assert!(matches!(trap.kind(), TrapKind::DivideByZero));
    let names: Vec<_> = trap
        .frames()
        .iter()
        .map(|frame| frame.name.as_deref())
        .collect();
    assert_eq!(names, [Some("inner"), Some("middle"), Some("outer")]);
    // i32.div_s and call have these opcodes, and stand where the frames say.
    let opcodes: Vec<u8> = trap
        .frames()
        .iter()
        .map(|f| bytes[f.offset as usize])
        .collect();
    assert_eq!(opcodes, [0x6d, 0x10, 0x10]);
    let text = trap.to_string();
    assert!(
        text.starts_with("integer divide by zero\n    at inner (function 1, offset 0x"),
        "{text}"
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
fn atomics_of_many_threads_lose_nothing() {
    const THREADS: i32 = 4;
    const ROUNDS: i32 = 20_000;
    let module = module(
        r#"(module (import "m" "m" (memory 1 1 shared))
             (func (export "f") (param $n i32) (result i32) (local $old i64)
               (loop $l
                 (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))
                 (drop (i64.atomic.rmw.sub (i32.const 8) (i64.const 3)))
                 (drop (i32.atomic.rmw8.add_u (i32.const 17) (i32.const 1)))
                 (drop (i64.atomic.rmw16.xor_u (i32.const 18) (i64.const 0xffff)))
                 (loop $again
                   (local.set $old (i64.atomic.load (i32.const 24)))
                   (br_if $again (i64.ne (local.get $old) (i64.atomic.rmw.cmpxchg (i32.const 24)
                     (local.get $old) (i64.add (local.get $old) (i64.const 0x100000001))))))
                 (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
               (i32.const 0))
             (func (export "at") (param i32) (result i32) (i32.load (local.get 0))))"#,
    );
    let ty = wali_runtime::interp::MemoryType {
        min_pages: 1,
        max_pages: Some(1),
        shared: true,
    };
    let memory = Memory::new(ty).expect("one page");
    let make = || {
        let mut imports = Imports::new();
        imports.define("m", "m", Extern::Memory(memory.clone()));
        Instance::new(&module, &imports).expect("an instance")
    };
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| run(&make(), "f", &[ROUNDS]).expect("no trap"));
        }
    });
    let instance = make();
    let total = THREADS * ROUNDS;
    let at = |address| run(&instance, "at", &[address]).expect("no trap");
    assert_eq!(at(0), total);
    assert_eq!((at(8), at(12)), (-3 * total, -1));
    assert_eq!(
        at(16),
        i32::from(total as u8) << 8,
        "neighbouring bytes are untouched"
    );
    assert_eq!((at(24), at(28)), (total, total));
}

#[test]
fn waiting_and_notifying() {
    let module = module(
        r#"(module (import "m" "m" (memory 1 1 shared))
             (func (export "wait32") (param i32 i64) (result i32) (memory.atomic.wait32 (i32.const 0) (local.get 0) (local.get 1)))
             (func (export "wait64") (param i32 i64) (result i32) (memory.atomic.wait64 (i32.const 8) (i64.extend_i32_u (local.get 0)) (local.get 1)))
             (func (export "notify") (param i32 i32) (result i32) (memory.atomic.notify (local.get 0) (local.get 1)))
             (func (export "set_high") (i64.atomic.store (i32.const 8) (i64.const 0x100000000))))"#,
    );
    let ty = wali_runtime::interp::MemoryType {
        min_pages: 1,
        max_pages: Some(1),
        shared: true,
    };
    let memory = Memory::new(ty).expect("one page");
    let make = || {
        let mut imports = Imports::new();
        imports.define("m", "m", Extern::Memory(memory.clone()));
        Instance::new(&module, &imports).expect("an instance")
    };
    let wait = |name: &str, expected: i32, timeout: i64| {
        let args = [Value::I32(expected), Value::I64(timeout)];
        i32_of(&make().invoke(name, &args).expect("no trap"))
    };
    for (name, address) in [("wait32", 0), ("wait64", 8)] {
        assert_eq!(wait(name, 1, -1), 1, "{name}: not equal");
        let start = Instant::now();
        assert_eq!(wait(name, 0, 20_000_000), 2, "{name}: timed out");
        assert!(start.elapsed() >= Duration::from_millis(20));
        assert_eq!(run(&make(), "notify", &[address, 5]).expect("no trap"), 0);
        thread::scope(|scope| {
            let sleepers: Vec<_> = (0..3).map(|_| scope.spawn(|| wait(name, 0, -1))).collect();
            let instance = make();
            let mut woken = 0;
            while woken < 3 {
                // One at a time, so that the count is seen to be kept.
                let now = run(&instance, "notify", &[address, 1]).expect("no trap");
                assert!(now <= 1);
                woken += now;
                thread::yield_now();
            }
            for sleeper in sleepers {
                assert_eq!(sleeper.join().expect("ends"), 0, "{name}: woken");
            }
        });
    }
    // A change in the high half only counts, too.
    make().invoke("set_high", &[]).expect("no trap");
    assert_eq!(wait("wait64", 0, -1), 1);
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
    let start = Instant::now();
    assert_eq!(run(&instance, "f", &[]).expect("no trap"), 1);
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn the_host_ends_a_run_with_a_payload() {
    let mut imports = Imports::new();
    imports.define(
        "h",
        "exit",
        host(
            &[ValType::I32],
            &[],
            Box::new(|_, slots| Err(Trap::host(slots[0] as i32))),
        ),
    );
    let module = module(
        r#"(module (import "h" "exit" (func $exit (param i32)))
             (func (export "f") (call $exit (i32.const 7)) (unreachable)))"#,
    );
    let instance = Instance::new(&module, &imports).expect("an instance");
    let trap = instance.invoke("f", &[]).expect_err("ended");
    let TrapKind::Host(payload) = trap.into_kind() else {
        panic!("another kind")
    };
    assert_eq!(payload.downcast_ref::<i32>(), Some(&7));
}

#[test]
fn state_memory_and_reentry_from_host_functions() {
    let mut imports = Imports::new();
    imports.define(
        "h",
        "step",
        host(
            &[ValType::I32],
            &[ValType::I64, ValType::I32],
            Box::new(|caller, slots| {
                *caller.state::<u32>() += 1;
                assert_eq!(caller.memory().pages(), 1);
                let mut inner = [slots[0]];
                caller.call_table(1, &mut inner)?;
                // A 32-bit result with rubbish above it must not disturb anything.
                slots[0] = u64::MAX;
                slots[1] = inner[0] | 0xdead_0000_0000;
                Ok(())
            }),
        ),
    );
    let module = module(
        r#"(module (import "h" "step" (func $step (param i32) (result i64 i32)))
             (memory 1) (table funcref (elem $step $double))
             (func $double (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
             (func (export "f") (param i32) (result i32) (local i64)
               (call $step (local.get 0)) (i64.extend_i32_u) (local.set 1) (drop)
               (i32.wrap_i64 (i64.shr_u (local.get 1) (i64.const 1)))))"#,
    );
    let options = Options {
        state: Some(Box::new(0u32)),
        ..Options::default()
    };
    let mut instance = Instance::with_options(&module, &imports, options).expect("an instance");
    assert_eq!(run(&instance, "f", &[21]).expect("no trap"), 21);
    assert_eq!(instance.state::<u32>(), Some(&mut 1));
    assert_eq!(instance.state::<u64>(), None);
}

#[test]
fn nesting_through_the_host_ends_in_a_trap() {
    let mut imports = Imports::new();
    imports.define(
        "h",
        "again",
        host(
            &[],
            &[],
            Box::new(|caller, slots| caller.call_table(0, slots)),
        ),
    );
    let module = module(
        r#"(module (import "h" "again" (func $again)) (table funcref (elem $f))
             (func $f (export "f") (call $again)))"#,
    );
    let instance = Instance::new(&module, &imports).expect("an instance");
    let trap = instance.invoke("f", &[]).expect_err("too deep");
    assert!(matches!(trap.kind(), TrapKind::StackOverflow), "{trap}");
    let trap = instance
        .invoke("f", &[])
        .expect_err("and again, so that nothing is left over");
    assert!(matches!(trap.kind(), TrapKind::StackOverflow), "{trap}");
}

#[test]
fn a_threads_instance_shares_memory_without_resetting_it() {
    let module = module(
        r#"(module (memory 1 1 shared) (data (i32.const 0) "\01")
             (func (export "bump") (result i32) (i32.atomic.rmw.add (i32.const 0) (i32.const 1))))"#,
    );
    let first = Instance::new(&module, &Imports::new()).expect("an instance");
    assert_eq!(run(&first, "bump", &[]).expect("no trap"), 1);
    let memory = first.memory().expect("it has one").clone();
    let second = thread::spawn(move || {
        let options = Options {
            memory: Some(memory),
            ..Options::default()
        };
        let instance =
            Instance::with_options(&module, &Imports::new(), options).expect("an instance");
        run(&instance, "bump", &[]).map_err(|trap| trap.to_string())
    });
    assert_eq!(second.join().expect("ends"), Ok(2));
    assert_eq!(run(&first, "bump", &[]).expect("no trap"), 3);
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
    let text = module.disassemble(0).expect("it has a body");
    let names: Vec<&str> = text
        .lines()
        .skip(1)
        .filter_map(|line| line.split_whitespace().nth(2))
        .collect();
    assert_eq!(
        names,
        [
            "load64",
            "i64.add",
            "i32.add.imm",
            "br_i32.lt_u",
            "store64.at",
            "return0"
        ],
        "{text}"
    );
}

#[test]
fn a_host_function_that_keeps_a_guest_waiting_does_not_block_interrupts() {
    let entered = Arc::new(AtomicBool::new(false));
    let (flag, seen) = (Arc::clone(&entered), entered);
    let mut imports = Imports::new();
    imports.define(
        "h",
        "sleep",
        host(
            &[],
            &[],
            Box::new(move |_, _| {
                flag.store(true, Ordering::SeqCst);
                thread::sleep(Duration::from_millis(50));
                Ok(())
            }),
        ),
    );
    let module = module(
        r#"(module (import "h" "sleep" (func $sleep)) (global $after (export "after") (mut i32) (i32.const 0))
             (func (export "f") (call $sleep) (global.set $after (i32.const 1))))"#,
    );
    let instance = Instance::new(&module, &imports).expect("an instance");
    let handle = instance.interrupt_handle();
    let other = thread::spawn(move || {
        while !seen.load(Ordering::SeqCst) {
            thread::yield_now();
        }
        handle.interrupt();
    });
    let trap = instance
        .invoke("f", &[])
        .expect_err("interrupted after the call");
    assert!(matches!(trap.kind(), TrapKind::Interrupted), "{trap}");
    let after = instance.global(0).expect("it has one").get();
    assert!(
        matches!(after, Value::I32(0)),
        "nothing ran after the host call: {after:?}"
    );
    other.join().expect("ends");
}
