//! Marks of places in guest code, and jumps back to them: what the interpreter owes to setjmp
//! and longjmp, without the host layer.

use std::sync::Arc;

use wali_runtime::interp::{
    Extern, Func, FuncType, HostFn, Imports, Instance, Module, Trap, TrapKind, ValType, Value,
};

fn host(params: usize, results: &[ValType], code: Box<HostFn>) -> Extern {
    let ty = FuncType::new(vec![ValType::I32; params], results);
    Extern::Func(Func::host(ty, Arc::from(code)))
}

/// A module's instance, with functions to mark places and to go back to them:
///
/// - `mark`: takes a key, which is also its payload; yields 0, and later what it is told to.
/// - `last`: the number of the mark that was set last.
/// - `alive`: whether there is a mark of a number.
/// - `jump`: to a mark, with a value.
/// - `again`: calls element 0 of table 0 with an argument.
fn instance(body: &str) -> Instance {
    static HEADER: &str = r#"
        (import "h" "mark" (func $mark (param i32) (result i32)))
        (import "h" "mark64" (func $mark64 (param i32) (result i64)))
        (import "h" "last" (func $last (result i32)))
        (import "h" "alive" (func $alive (param i32) (result i32)))
        (import "h" "jump" (func $jump (param i32 i32)))
        (import "h" "again" (func $again (param i32) (result i32)))
        (type $marking (func (param i32) (result i32)))"#;
    let wat = format!("(module {HEADER} {body})");
    let module = Module::new(&wat::parse_str(&wat).expect("well-formed text")).expect("valid");
    let last = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let order = std::sync::atomic::Ordering::Relaxed;
    let mut imports = Imports::new();
    for (name, ty) in [("mark", ValType::I32), ("mark64", ValType::I64)] {
        let last = Arc::clone(&last);
        let code = Box::new(
            move |caller: &mut wali_runtime::interp::Caller<'_>, slots: &mut [u64]| {
                let id = caller.mark(slots[0], Some(ty), [slots[0], 7])?;
                last.store(id, order);
                slots[0] = 0;
                Ok(())
            },
        );
        imports.define("h", name, host(1, &[ty], code));
    }
    let code = Box::new(
        move |_: &mut wali_runtime::interp::Caller<'_>, slots: &mut [u64]| {
            slots[0] = last.load(order);
            Ok(())
        },
    );
    imports.define("h", "last", host(0, &[ValType::I32], code));
    let alive = host(
        1,
        &[ValType::I32],
        Box::new(|caller, slots| {
            slots[0] = u64::from(caller.marked(slots[0]).is_some());
            Ok(())
        }),
    );
    imports.define("h", "alive", alive);
    let jump = host(
        2,
        &[],
        Box::new(|caller, slots| match caller.marked(slots[0]) {
            Some([_, 7]) => Err(caller.jump(slots[0], slots[1])),
            Some(other) => panic!("a payload of nobody's: {other:?}"),
            None => Err(Trap::message("gone")),
        }),
    );
    imports.define("h", "jump", jump);
    let again = host(
        1,
        &[ValType::I32],
        Box::new(|caller, slots| caller.call_table(0, slots)),
    );
    imports.define("h", "again", again);
    Instance::new(&module, &imports).expect("an instance")
}

fn run(instance: &Instance, name: &str, args: &[i32]) -> Result<i32, Trap> {
    let args: Vec<Value> = args.iter().map(|arg| Value::I32(*arg)).collect();
    match instance.invoke(name, &args)?[..] {
        [Value::I32(value)] => Ok(value),
        ref other => panic!("one i32 was expected: {other:?}"),
    }
}

#[test]
fn locals_and_operands_are_what_they_were() {
    let instance = instance(
        r#"(global $count (mut i32) (i32.const 0))
           (func $leave (param i32 i32) (call $jump (local.get 0) (local.get 1)))
           (func (export "f") (param $a i32) (result i32) (local $b i32) (local $id i32)
             (local.set $b (i32.const 1000))
             ;; Operands below the call, one of which is a local that is set later.
             (local.get $a)
             (i32.mul (local.get $a) (i32.const 3))
             (local.get $b)
             (call $mark (i32.const 1))
             (global.set $count (i32.add (global.get $count) (i32.const 1)))
             (local.tee $id)
             (if (then) (else
               (local.set $a (i32.const -1))
               (local.set $b (i32.const -1))
               (call $leave (call $last) (i32.const 7))))
             (local.get $b) (local.get $a) (local.get $id)
             (i32.add) (i32.add) (i32.add) (i32.add) (i32.add))
           (func (export "count") (result i32) (global.get $count))"#,
    );
    // a, 3a and b below the call; b, a and 7 behind it: all as they were at the call.
    assert_eq!(
        run(&instance, "f", &[5]).unwrap(),
        5 + 15 + 1000 + 1000 + 5 + 7
    );
    assert_eq!(run(&instance, "count", &[]).unwrap(), 2);
}

#[test]
fn a_place_can_be_gone_back_to_many_times_and_yields_any_value() {
    let instance = instance(
        r#"(memory 1)
           (func (export "f") (param i32) (result i32) (local i64)
             (local.set 1 (call $mark64 (i32.const 9)))
             (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
             (if (i32.lt_u (i32.load (i32.const 0)) (local.get 0))
               (then (call $jump (call $last) (i32.load (i32.const 0)))))
             (i32.wrap_i64 (local.get 1)))"#,
    );
    assert_eq!(run(&instance, "f", &[100_000]).unwrap(), 99_999);
}

/// Marks of frames that have returned are gone, also when the same function is called again at
/// the same depth, and whichever way the frame has gone.
#[test]
fn frames_that_are_gone_are_known() {
    let instance = instance(
        r#"(table funcref (elem $mark))
           (func $set (param i32) (result i32)
             (drop (call $mark (local.get 0))) (call $last))
           (func $set_void (drop (call $mark (i32.const 1))))
           (func $set_two (result i32 i32)
             (drop (call $mark (i32.const 1))) (call $last) (i32.const 1))
           (func $not_set (param i32) (result i32) (call $alive (local.get 0)))
           (func (export "returned") (result i32) (local i32)
             (local.set 0 (call $set (i32.const 1)))
             (i32.add (i32.mul (call $alive (local.get 0)) (i32.const 100))
               (i32.add (i32.mul (call $not_set (local.get 0)) (i32.const 10))
                 (i32.add (call $alive (call $set (i32.const 1))) (call $alive (local.get 0))))))
           (func (export "other_returns") (result i32)
             (call $set_void)
             (call $set_two) (drop)
             (i32.add (call $alive) (call $alive (call $last))))
           (func $deep (param i32) (result i32)
             (if (result i32) (local.get 0)
               (then (call $deep (i32.sub (local.get 0) (i32.const 1))))
               (else (call $set (i32.const 2)))))
           (func (export "deep") (result i32) (call $alive (call $deep (i32.const 1000))))
           ;; Replaced by itself, by another function, and by the call that marks.
           (global $first (mut i32) (i32.const 0))
           (func $self (param i32) (result i32)
             (if (i32.eqz (local.get 0)) (then (return (call $alive (global.get $first)))))
             (drop (call $mark (i32.const 3)))
             (global.set $first (call $last))
             (return_call $self (i32.const 0)))
           (func $replaced (param i32) (result i32)
             (drop (call $mark (i32.const 3)))
             (return_call $not_set (call $last)))
           (func $tail (param i32) (result i32) (return_call $mark (i32.const 3)))
           (func $tail_indirect (param i32) (result i32)
             (return_call_indirect (type $marking) (i32.const 3) (i32.const 0)))
           (func (export "replaced") (result i32)
             (i32.add (i32.add
               (call $self (i32.const 1))
               (call $replaced (i32.const 1)))
               (i32.add
                 (i32.add (call $tail (i32.const 0)) (call $alive (call $last)))
                 (i32.add (call $tail_indirect (i32.const 0)) (call $alive (call $last))))))"#,
    );
    for name in ["returned", "other_returns", "deep", "replaced"] {
        for _ in 0..3 {
            assert_eq!(run(&instance, name, &[]).unwrap(), 0, "{name}");
        }
    }
}

#[test]
fn the_same_call_in_the_same_frame_has_one_mark_for_each_key() {
    let instance = instance(
        r#"(func (export "f") (param i32) (result i32) (local $first i32) (local $i i32)
             (loop $again
               (drop (call $mark (i32.const 4)))
               (if (i32.eqz (local.get $first)) (then (local.set $first (call $last))))
               (local.set $i (i32.add (local.get $i) (i32.const 1)))
               (br_if $again (i32.lt_u (local.get $i) (local.get 0))))
             (i32.sub (call $last) (local.get $first)))
           ;; How many numbers of a thousand keys are not what they were the first time, or gone.
           (memory 1)
           (func (export "keys") (param i32) (result i32) (local $i i32) (local $at i32) (local $wrong i32)
             (loop $again
               (drop (call $mark (i32.rem_u (local.get $i) (i32.const 1000))))
               (local.set $at (i32.mul (i32.rem_u (local.get $i) (i32.const 1000)) (i32.const 4)))
               (if (i32.lt_u (local.get $i) (i32.const 1000))
                 (then (i32.store (local.get $at) (call $last)))
                 (else (local.set $wrong (i32.add (local.get $wrong)
                   (i32.ne (i32.load (local.get $at)) (call $last))))))
               (local.set $i (i32.add (local.get $i) (i32.const 1)))
               (br_if $again (i32.lt_u (local.get $i) (local.get 0))))
             (local.set $at (i32.const 0))
             (loop $again
               (local.set $wrong (i32.add (local.get $wrong)
                 (i32.eqz (call $alive (i32.load (local.get $at))))))
               (local.set $at (i32.add (local.get $at) (i32.const 4)))
               (br_if $again (i32.lt_u (local.get $at) (i32.const 4000))))
             (local.get $wrong))
           (func (export "ends") (local i32)
             (loop $again
               (drop (call $mark (local.get 0)))
               (local.set 0 (i32.add (local.get 0) (i32.const 1)))
               (br $again)))"#,
    );
    assert_eq!(run(&instance, "f", &[1_000_000]).unwrap(), 0);
    for _ in 0..2 {
        assert_eq!(run(&instance, "keys", &[100_000]).unwrap(), 0);
    }
    // There is an end to them, and then nothing is left.
    for _ in 0..2 {
        let trap = instance.invoke("ends", &[]).expect_err("bounded");
        assert!(matches!(trap.kind(), TrapKind::BadJump(_)), "{trap}");
    }
    assert_eq!(run(&instance, "f", &[10]).unwrap(), 0);
}

/// Out of guest code that host functions have called, many levels at once; and what is further
/// in is gone.
#[test]
fn jumps_leave_nested_runs() {
    let instance = instance(
        r#"(table funcref (elem $inner))
           (global $outer (mut i32) (i32.const 0))
           (global $innermost (mut i32) (i32.const 0))
           (func $inner (param i32) (result i32)
             (drop (call $mark (i32.const 1)))
             (global.set $innermost (call $last))
             (if (result i32) (local.get 0)
               (then (call $again (i32.sub (local.get 0) (i32.const 1))))
               (else (call $jump (global.get $outer) (i32.const 42)) (i32.const 1))))
           (func $f (export "f") (param i32) (result i32) (local i32)
             (local.set 1 (call $mark (i32.const 2)))
             (if (i32.eqz (local.get 1)) (then
               (global.set $outer (call $last))
               (drop (call $again (local.get 0)))
               (unreachable)))
             (i32.add (local.get 1) (call $alive (global.get $innermost))))
           (func (export "many") (param i32) (result i32) (local i32)
             (loop $again
               (local.set 1 (i32.add (local.get 1) (call $f (i32.rem_u (local.get 0) (i32.const 20)))))
               (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
             (local.get 1))"#,
    );
    assert_eq!(run(&instance, "f", &[0]).unwrap(), 42);
    assert_eq!(run(&instance, "f", &[50]).unwrap(), 42);
    assert_eq!(run(&instance, "many", &[10_000]).unwrap(), 420_000);
}

#[test]
fn a_run_that_fails_leaves_no_marks() {
    let instance = instance(
        r#"(table funcref (elem $fails))
           (func $fails (param i32) (result i32)
             (drop (call $mark (i32.const 1)))
             (unreachable))
           (func (export "f") (param i32) (result i32) (call $fails (i32.const 0)))
           (func (export "g") (param i32) (result i32) (call $again (i32.const 0)))
           (func (export "last") (result i32) (call $last))
           (func (export "alive") (param i32) (result i32) (call $alive (local.get 0)))"#,
    );
    for name in ["f", "g"] {
        run(&instance, name, &[0]).expect_err("unreachable");
        let last = run(&instance, "last", &[]).unwrap();
        assert_eq!(run(&instance, "alive", &[last]).unwrap(), 0);
    }
    let trap = run(&instance, "f", &[0]).expect_err("unreachable");
    let frames: Vec<_> = trap.frames().iter().map(|f| f.name.as_deref()).collect();
    assert_eq!(frames, [Some("fails"), Some("f")]);
}

#[test]
fn backtraces_see_through_marked_frames() {
    let instance = instance(
        r#"(func $innermost (unreachable))
           (func $marked (drop (call $mark (i32.const 1))) (call $innermost))
           (func $between (call $marked))
           (func $marked_too (drop (call $mark (i32.const 1))) (call $between))
           (func (export "f") (call $marked_too))"#,
    );
    let trap = instance.invoke("f", &[]).expect_err("unreachable");
    let names: Vec<_> = trap.frames().iter().map(|f| f.name.as_deref()).collect();
    let wanted = ["innermost", "marked", "between", "marked_too", "f"];
    assert_eq!(names, wanted.map(Some));
    // The same places as without marks: inside of calls, behind the functions' beginnings.
    let offsets: Vec<_> = trap.frames().iter().map(|f| f.offset).collect();
    assert!(offsets.iter().all(|&offset| offset > 0), "{offsets:?}");
}

#[test]
fn a_host_function_can_be_marked_from_by_an_indirect_call() {
    let instance = instance(
        r#"(table funcref (elem $mark))
           (func (export "f") (param i32) (result i32) (local i32)
             (local.set 1
               (call_indirect (type $marking) (i32.const 1) (i32.const 0)))
             (if (i32.eqz (local.get 1)) (then (call $jump (call $last) (local.get 0))))
             (local.get 1))"#,
    );
    assert_eq!(run(&instance, "f", &[17]).unwrap(), 17);
}
