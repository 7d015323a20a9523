//! What the interpreter owes its embedder: interrupts, threads, and re-entry from host functions.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use wali_runtime::interp::{
    Caller, Extern, Imports, Instance, Module, Options, Trap, TrapKind, ValType, Value,
};
use wali_runtime::memory::Memory;
use wali_tests::interp::{host, i32_of, instance, module, run};

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
fn a_host_function_that_keeps_a_guest_waiting_does_not_block_interrupts() {
    let entered = Arc::new(AtomicBool::new(false));
    let asked = Arc::new(AtomicBool::new(false));
    let (flag, seen) = (Arc::clone(&entered), entered);
    let waits_for = Arc::clone(&asked);
    let mut imports = Imports::new();
    imports.define(
        "h",
        "sleep",
        host(
            &[],
            &[],
            Box::new(move |_, _| {
                flag.store(true, Ordering::SeqCst);
                while !waits_for.load(Ordering::SeqCst) {
                    thread::yield_now();
                }
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
        asked.store(true, Ordering::SeqCst);
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

#[test]
fn an_instruction_that_starts_again_has_the_operands_that_it_had() {
    // Operands that are in registers only: an address, and values of each kind. What runs before
    // the instruction starts again has others there, and traps as well.
    let module = module(
        r#"(module (memory 1 4)
             (table funcref (elem $other))
             (func $other (param i32) (result i32)
               (f32.store (i32.const 0) (f32.mul (f32.const 7) (f32.convert_i32_s (local.get 0))))
               (f64.store (i32.const 0) (f64.mul (f64.const 7) (f64.convert_i32_s (local.get 0))))
               (i32.load (i32.mul (local.get 0) (i32.const 4096))))
             (func (export "load") (param $x i32) (result i32)
               (i32.add (i32.load (i32.mul (local.get $x) (i32.const 16))) (i32.const 5)))
             (func (export "int") (param $x i32) (result i32)
               (i32.store (i32.const 70000) (i32.mul (local.get $x) (i32.const 3)))
               (i32.load (i32.const 70000)))
             (func (export "single") (param $x i32) (result i32)
               (f32.store (i32.const 70000)
                 (f32.mul (f32.convert_i32_s (local.get $x)) (f32.const 3)))
               (i32.trunc_f32_s (f32.load (i32.const 70000))))
             (func (export "double") (param $x i32) (result i32)
               (f64.store (i32.const 70000)
                 (f64.mul (f64.convert_i32_s (local.get $x)) (f64.const 3)))
               (i32.trunc_f64_s (f64.load (i32.const 70000)))))"#,
    );
    for (name, argument, expected) in [
        ("load", 70000 / 16, 5),
        ("int", 11, 33),
        ("single", 11, 33),
        ("double", 11, 33),
    ] {
        let traps = Arc::new(AtomicUsize::new(0));
        let options = Options {
            on_trap: Some({
                let traps = Arc::clone(&traps);
                Box::new(move |caller: &mut Caller<'_>, trap: Trap| {
                    if traps.fetch_add(1, Ordering::Relaxed) > 0 {
                        return Err(trap);
                    }
                    caller.call_table(0, &mut [1000]).expect_err("it traps");
                    caller.memory().grow(1).expect("there is room");
                    Ok(())
                })
            }),
            ..Options::default()
        };
        let instance = Instance::with_options(&module, &Imports::new(), options);
        let instance = instance.expect("an instance");
        let result = run(&instance, name, &[argument]);
        assert_eq!(result.unwrap_or_else(|e| panic!("{name}: {e}")), expected);
        assert_eq!(traps.load(Ordering::Relaxed), 2, "{name}");
    }
}
