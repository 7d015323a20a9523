//! Exceptions in the interpreter: what the official tests do not ask, and the former encoding,
//! for which there are none.

use std::sync::Arc;

use wali_runtime::interp::{
    Caller, Exception, Extern, FuncType, Imports, Instance, Module, Options, Tag, Trap, TrapKind,
    ValType, Value,
};
use wali_tests::clock;
use wali_tests::interp::{host, instance, module, optimised, run, unfold};

fn text(result: Result<Vec<Value>, Trap>) -> String {
    result.expect_err("it does not end well").to_string()
}

/// Runs what takes and yields one `i32`, for several arguments.
fn check(instance: &Instance, name: &str, cases: &[(i32, i32)]) {
    for &(argument, expected) in cases {
        let found = run(instance, name, &[argument]).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(found, expected, "{name}({argument})");
    }
}

#[test]
fn clauses_of_try_are_tried_in_order() {
    let instance = instance(
        r#"(module
          (tag $a (param i32)) (tag $b (param i32 i64)) (tag $c)
          (func $throw (param i32)
            (if (i32.eq (local.get 0) (i32.const 1)) (then (throw $a (i32.const 10))))
            (if (i32.eq (local.get 0) (i32.const 2)) (then (throw $b (i32.const 20) (i64.const 5))))
            (if (i32.eq (local.get 0) (i32.const 3)) (then (throw $c))))
          (func (export "catch") (param i32) (result i32)
            ;; An operand below, which the code in the `try` does not see.
            (i32.const 1000)
            (try (result i32)
              (do (call $throw (local.get 0)) (i32.const 1))
              (catch $a)
              (catch $b (i32.wrap_i64) (i32.add))
              (catch_all (i32.const 3)))
            (i32.add))
          (func (export "inline") (param i32) (result i32)
            (try (result i32)
              (do
                (local.set 0 (i32.add (local.get 0) (i32.const 1)))
                (throw $a (i32.mul (local.get 0) (i32.const 3))))
              (catch $a (i32.add (local.get 0)))))
          (func (export "bare") (param i32) (result i32)
            (try (do (try (do (call $throw (local.get 0))))) (catch_all (return (i32.const 7))))
            (i32.const 8))
          (func (export "retry") (param i32) (result i32) (local $n i32)
            (loop $again (result i32)
              (try (result i32)
                (do
                  (if (i32.lt_s (local.get $n) (local.get 0)) (then (throw $a (i32.const 1))))
                  (local.get $n))
                (catch $a
                  (local.set $n (i32.add (local.get $n)))
                  (br $again)))))
          (func (export "parameters") (param i32) (result i32)
            (i32.const 5) (i32.const 6)
            (try (param i32 i32) (result i32)
              (do (i32.add) (call $throw (local.get 0)))
              (catch_all (i32.const -1)))))"#,
    );
    let cases = [(0, 1001), (1, 1010), (2, 1025), (3, 1003)];
    check(&instance, "catch", &cases);
    check(&instance, "inline", &[(4, 20)]);
    check(&instance, "bare", &[(0, 8), (3, 7)]);
    check(&instance, "retry", &[(0, 0), (1000, 1000)]);
    check(&instance, "parameters", &[(0, 11), (1, -1)]);
}

#[test]
fn rethrow_throws_what_the_named_clause_caught() {
    let instance = instance(
        r#"(module
          (tag $a (param i32)) (tag $b (param i32))
          (func (export "which") (param i32) (result i32)
            (try $outermost (result i32)
              (do
                (try $one (result i32)
                  (do (throw $a (i32.const 1)))
                  (catch $a
                    (drop)
                    (try $two (result i32)
                      (do (throw $b (i32.const 2)))
                      (catch_all
                        (if (local.get 0) (then (rethrow $one)))
                        (rethrow $two))))))
              (catch $a (i32.add (i32.const 100)))
              (catch $b (i32.add (i32.const 200)))))
          ;; The second time, the value is not what it was.
          (func (export "again") (param i32) (result i32)
            (try $outer (result i32)
              (do
                (try $inner
                  (do (throw $a (local.get 0)))
                  (catch $a
                    (local.set 0 (i32.mul (i32.const 2)))
                    (rethrow $inner)))
                (i32.const 0))
              (catch $a (i32.add (local.get 0)))))
          (func (export "cleanup") (param i32) (result i32) (local $sum i32)
            (try
              (do
                (try $t (do (try $u (do (throw $a (i32.const 5)))
                  (catch_all (local.set $sum (i32.add (local.get $sum) (i32.const 1))) (rethrow $u))))
                  (catch_all (local.set $sum (i32.add (local.get $sum) (i32.const 10))) (rethrow $t))))
              (catch $a (local.set $sum (i32.mul (local.get $sum)))))
            (local.get $sum)))"#,
    );
    check(&instance, "which", &[(0, 202), (1, 101)]);
    check(&instance, "again", &[(7, 21)]);
    check(&instance, "cleanup", &[(0, 55)]);
}

#[test]
fn delegate_skips_what_lies_between() {
    let instance = instance(
        r#"(module
          (tag $a)
          (func (export "skips") (param i32) (result i32)
            (try $far (result i32)
              (do
                (try (result i32)
                  (do
                    (try (result i32)
                      (do (throw $a))
                      (delegate $far)))
                  (catch_all (i32.const 1))))
              (catch $a (i32.const 2))))
          ;; To a block: to what is around the block.
          (func (export "block") (param i32) (result i32)
            (try (result i32)
              (do
                (block $b (result i32)
                  (try (result i32)
                    (do (try (result i32) (do (throw $a)) (delegate $b)))
                    (catch_all (i32.const 1)))))
              (catch $a (i32.const 3))))
          ;; To a `try` of which it is in a clause: to what is around that.
          (func (export "clause") (param i32) (result i32)
            (try (result i32)
              (do
                (try $t (result i32)
                  (do (throw $a))
                  (catch $a
                    (try (result i32)
                      (do (try (result i32) (do (throw $a)) (delegate $t)))
                      (catch_all (i32.const 1))))))
              (catch_all (i32.const 4))))
          (func $out (result i32)
            (try (result i32)
              (do (try (result i32) (do (throw $a)) (delegate 1)))
              (catch_all (i32.const 1))))
          (func (export "caller") (param i32) (result i32)
            (try (result i32) (do (call $out)) (catch $a (i32.const 5))))
          (func (export "chain") (param i32) (result i32)
            (try $0 (result i32)
              (do (try (result i32)
                (do (try $1 (result i32)
                  (do (try (result i32)
                    (do (try (result i32) (do (throw $a)) (delegate $1)))
                    (catch_all (i32.const 1))))
                  (delegate $0)))
                (catch_all (i32.const 2))))
              (catch_all (i32.const 6)))))"#,
    );
    for (name, value) in [("skips", 2), ("block", 3), ("clause", 4), ("caller", 5)] {
        check(&instance, name, &[(0, value)]);
    }
    check(&instance, "chain", &[(0, 6)]);
}

#[test]
fn try_table_leads_to_any_label() {
    let instance = instance(
        r#"(module
          (tag $a (param i32)) (tag $two (param i32 i32))
          (func $throw (param i32) (if (local.get 0) (then (throw $a (local.get 0)))))
          (func $throw_two (throw $two (i32.const 30) (i32.const 4)))
          ;; The function's own label, of one result and of two.
          (func $returns (export "returns") (param i32) (result i32)
            (try_table (catch $a 0) (call $throw (local.get 0)))
            (i32.const 99))
          (func $pair (result i32 i32)
            (try_table (catch $two 0) (call $throw_two))
            (i32.const 0) (i32.const 0))
          (func (export "pair") (param i32) (result i32) (call $pair) (i32.sub))
          (func (export "falls_out") (param i32) (result i32)
            (block (try_table (catch_all 0) (throw $a (i32.const 1))))
            (i32.const 1) (return))
          (func $nothing (try_table (catch_all 0) (throw $a (i32.const 1))))
          (func (export "nothing") (param i32) (result i32) (call $nothing) (i32.const 3))
          ;; A loop, with operands below, a local among them that is set meanwhile.
          (func (export "loop") (param i32) (result i32) (local $n i32)
            (local.get 0)
            (i32.const 0)
            (loop $again (param i32) (result i32)
              (local.set 0)
              (local.set $n (i32.add (local.get $n) (i32.const 1)))
              (try_table (catch $a $again)
                (if (i32.lt_s (local.get $n) (i32.const 5)) (then (call $throw (local.get $n)))))
              (i32.add (local.get 0) (local.get $n)))
            (i32.add))
          ;; Out of several blocks at once, with an operand that has to be where the label wants it.
          (func (export "far") (param i32) (result i32)
            (i32.const 5)
            (block $far (result i32)
              (i32.const 6) (i32.const 7)
              (block
                (i32.const 8)
                (try_table (catch $a $far) (call $throw (local.get 0)))
                (drop))
              (drop))
            (i32.add))
          (func (export "rethrown") (param i32) (result i32) (local $e exnref)
            (block $h (result i32)
              (try_table (catch $a $h)
                (block $r (result i32 exnref)
                  (try_table (catch_ref $a $r) (call $throw (local.get 0)))
                  (return (i32.const -1)))
                (local.set $e)
                (drop)
                (throw_ref (local.get $e)))
              (i32.const -2)))
          (func (export "all") (param i32) (result i32)
            (block $h (result exnref)
              (try_table (catch_all_ref $h) (call $throw (local.get 0)))
              (return (i32.const -1)))
            (ref.is_null))
          (func (export "null") (throw_ref (ref.null exn))))"#,
    );
    check(&instance, "returns", &[(0, 99), (12, 12)]);
    check(&instance, "pair", &[(0, 26)]);
    check(&instance, "nothing", &[(0, 3)]);
    check(&instance, "loop", &[(100, 109)]);
    check(&instance, "far", &[(0, 11), (20, 25)]);
    check(&instance, "rethrown", &[(0, -1), (8, 8)]);
    check(&instance, "all", &[(0, -1), (1, 0)]);
    let trap = text(instance.invoke("null", &[]));
    assert!(trap.starts_with("null exception reference"), "{trap}");
}

/// A function that is left by a call catches nothing any more, whatever is called.
#[test]
fn tail_calls_leave_what_catches() {
    let mut imports = Imports::new();
    let tag = Tag::new([]);
    let thrown = tag.clone();
    let throw = Box::new(move |_: &mut Caller<'_>, _: &mut [u64]| {
        let exception = Exception::new(&thrown, &[]).expect("of the tag's type");
        Err(Trap::exception(exception))
    });
    imports.define("h", "throw", host(&[], &[], throw));
    imports.define("h", "tag", Extern::Tag(tag));
    let text = r#"(module
      (import "h" "throw" (func $host))
      (import "h" "tag" (tag $a))
      (type $t (func))
      (table funcref (elem $own $host))
      (func $own (throw $a))
      (func $f (param i32)
        (block $h
          (try_table (catch_all $h)
            (if (i32.eq (local.get 0) (i32.const 0)) (then (return_call $own)))
            (if (i32.eq (local.get 0) (i32.const 1)) (then (return_call $host)))
            (return_call_indirect (type $t) (i32.sub (local.get 0) (i32.const 2)))))
        (unreachable))
      (func (export "f") (param i32) (result i32)
        (try (result i32) (do (call $f (local.get 0)) (i32.const 0)) (catch $a (i32.const 1))))
      (func (export "called") (param i32) (result i32)
        (block $h (try_table (catch $a $h) (call $host)) (return (i32.const 0)))
        (i32.const 1)))"#;
    let instance = Instance::new(&module(text), &imports).expect("an instance");
    check(&instance, "f", &[(0, 1), (1, 1), (2, 1), (3, 1)]);
    check(&instance, "called", &[(0, 1)]);
}

#[test]
fn tags_are_the_same_only_if_imported() {
    let library = module(
        r#"(module
          (tag $e (export "e") (param i32))
          (func (export "throw") (param i32) (throw $e (local.get 0)))
          (func (export "pass") (param exnref) (throw_ref (local.get 0))))"#,
    );
    let [one, other] = [(); 2].map(|()| Instance::new(&library, &Imports::new()).unwrap());
    let mut imports = Imports::new();
    for (name, instance) in [("one", &one), ("other", &other)] {
        for what in ["e", "throw", "pass"] {
            imports.define(name, what, instance.export(what).unwrap());
        }
    }
    let user = module(
        r#"(module
          (import "one" "e" (tag $one (param i32)))
          (import "other" "e" (tag $other (param i32)))
          (import "one" "throw" (func $throw_one (param i32)))
          (import "other" "throw" (func $throw_other (param i32)))
          (import "other" "pass" (func $pass (param exnref)))
          (tag $own (param i32))
          (func $throw (param i32)
            (if (i32.eq (local.get 0) (i32.const 1)) (then (call $throw_one (i32.const 1))))
            (if (i32.eq (local.get 0) (i32.const 2)) (then (call $throw_other (i32.const 2))))
            (throw $own (i32.const 3)))
          (func (export "f") (param i32) (result i32)
            (try (result i32) (do (call $throw (local.get 0)) (i32.const 0))
              (catch $other (i32.add (i32.const 20)))
              (catch $own (i32.add (i32.const 30)))
              (catch $one (i32.add (i32.const 10)))))
          ;; To another instance and back by reference.
          (func (export "pass") (param i32) (result i32)
            (block $h (result i32)
              (try_table (catch $one $h)
                (block $r (result exnref)
                  (try_table (catch_all_ref $r) (call $throw_one (local.get 0)))
                  (unreachable))
                (call $pass))
              (unreachable))))"#,
    );
    let user = Instance::new(&user, &imports).expect("an instance");
    check(&user, "f", &[(1, 11), (2, 22), (3, 33)]);
    check(&user, "pass", &[(42, 42)]);
    // Of another type it is not importable.
    let wrong = module(r#"(module (import "one" "e" (tag (param i64))))"#);
    let error = Instance::new(&wrong, &imports).expect_err("of another type");
    let error = error.to_string();
    assert!(error.contains("incompatible import type"), "{error}");
    assert!(error.contains("tag (i64) -> ()"), "{error}");
}

/// Out through host functions and on in the guest code around them; what it refers to in the guest
/// stays behind.
#[test]
fn exceptions_pass_host_functions() {
    let mut imports = Imports::new();
    let again = Box::new(|caller: &mut Caller<'_>, slots: &mut [u64]| caller.call_table(0, slots));
    imports.define("h", "again", host(&[ValType::I32], &[ValType::I32], again));
    let swallow = Box::new(|caller: &mut Caller<'_>, slots: &mut [u64]| {
        let trap = caller.call_table(0, slots).expect_err("it throws");
        let TrapKind::Exception(exception) = trap.kind() else {
            panic!("{trap}");
        };
        match &exception.values()[..] {
            [Value::I32(value), Value::FuncRef(None)] => slots[0] = *value as u64,
            other => panic!("{other:?}"),
        }
        Ok(())
    });
    let swallow = host(&[ValType::I32], &[ValType::I32], swallow);
    imports.define("h", "swallow", swallow);
    let text = r#"(module
      (import "h" "again" (func $again (param i32) (result i32)))
      (import "h" "swallow" (func $swallow (param i32) (result i32)))
      (tag $e (param i32 funcref))
      (table funcref (elem $inner))
      (func $inner (param i32) (result i32)
        (if (result i32) (local.get 0)
          (then (call $again (i32.sub (local.get 0) (i32.const 1))))
          (else (throw $e (i32.const 7) (ref.func $inner)))))
      (func (export "f") (param i32) (result i32)
        (try (result i32)
          (do (call $inner (local.get 0)))
          (catch $e (ref.is_null) (i32.mul (i32.const 10)) (i32.add))))
      (func (export "swallow") (param i32) (result i32) (call $swallow (local.get 0))))"#;
    let instance = Instance::new(&module(text), &imports).expect("an instance");
    // Without a host function between, the reference is there.
    check(&instance, "f", &[(0, 7), (1, 17), (50, 17)]);
    check(&instance, "swallow", &[(0, 7), (9, 7)]);
}

#[test]
fn traps_are_not_caught() {
    let instance = instance(
        r#"(module
          (memory 1)
          (func $deep (call $deep))
          (func (export "unreachable") (try (do (unreachable)) (catch_all)))
          (func (export "memory") (block $h (try_table (catch_all $h)
            (drop (i32.load (i32.const -1))))))
          (func (export "zero") (try (do (drop (i32.div_u (i32.const 1) (i32.const 0)))) (catch_all)))
          (func (export "stack") (try (do (call $deep)) (catch_all))))"#,
    );
    for (name, message) in [
        ("unreachable", "unreachable"),
        ("memory", "out of bounds memory access"),
        ("zero", "integer divide by zero"),
        ("stack", "call stack exhausted"),
    ] {
        let trap = text(instance.invoke(name, &[]));
        assert!(trap.starts_with(message), "{name}: {trap}");
    }
}

#[test]
fn what_nothing_catches_is_named() {
    let instance = instance(
        r#"(module
          (tag $mistake (param i32 f64))
          (tag (export "exported"))
          (tag)
          (func $inner (throw $mistake (i32.const -5) (f64.const 1.5)))
          (func $outer (export "f") (try (do (call $inner)) (catch 1)))
          (func (export "throws") (throw 1))
          (func (export "nameless") (throw 2))
          (func (export "rethrown") (block $h (result exnref)
            (try_table (catch_all_ref $h) (call $inner)) (unreachable)) (throw_ref)))"#,
    );
    let trap = text(instance.invoke("f", &[]));
    let expected = "uncaught exception of tag 0 (mistake) with -5, 1.5\n    at inner (function 0";
    assert!(trap.starts_with(expected), "{trap}");
    assert!(trap.contains("\n    at outer (function 1"), "{trap}");
    let trap = text(instance.invoke("throws", &[]));
    let expected = "uncaught exception of tag 1 (exported)\n";
    assert!(trap.starts_with(expected), "{trap}");
    let trap = text(instance.invoke("nameless", &[]));
    assert!(trap.starts_with("uncaught exception of tag 2\n"), "{trap}");
    let trap = text(instance.invoke("rethrown", &[]));
    let expected = "uncaught exception of tag 0 (mistake) with -5, 1.5\n    at rethrown";
    assert!(trap.starts_with(expected), "{trap}");
}

/// If they were not, there would be too many of them.
#[test]
fn exceptions_that_nothing_refers_to_are_dropped() {
    let instance = instance(
        r#"(module
          (tag $a (param i32)) (tag $link (param i32 exnref))
          (global $kept (mut exnref) (ref.null exn))
          (table $t 10 exnref)
          (func $throw (param i32) (throw $a (local.get 0)))
          (func $value (param exnref) (result i32)
            (block $h (result i32) (try_table (catch $a $h) (throw_ref (local.get 0))) (unreachable)))
          ;; Thrown and forgotten, while some are referred to: by a local, a global, a table.
          (func (export "many") (param i32) (result i32) (local $e exnref)
            (local.set $e (call $ref (i32.const 1)))
            (global.set $kept (call $ref (i32.const 20)))
            (table.set $t (i32.const 3) (call $ref (i32.const 300)))
            (loop $again
              (drop (call $ref (local.get 0)))
              (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (i32.add (i32.add
              (call $value (local.get $e))
              (call $value (global.get $kept)))
              (call $value (table.get $t (i32.const 3)))))
          (func $ref (param i32) (result exnref) (local $e exnref)
            (block $h (result i32 exnref)
              (try_table (catch_ref $a $h) (call $throw (local.get 0)))
              (unreachable))
            (local.set $e) (drop) (local.get $e))
          ;; A list of exceptions, each of which refers to the one before.
          (func $link (param i32 exnref) (throw $link (local.get 0) (local.get 1)))
          (func (export "list") (param i32) (result i32) (local $e exnref) (local $i i32) (local $sum i32)
            (loop $again
              (block $h (result exnref)
                (try_table (catch_all_ref $h) (call $link (local.get $i) (local.get $e)))
                (unreachable))
              (local.set $e)
              (local.set $i (i32.add (local.get $i) (i32.const 1)))
              (br_if $again (i32.lt_s (local.get $i) (local.get 0))))
            (block $done
              (loop $again
                (br_if $done (ref.is_null (local.get $e)))
                (block $h (result i32 exnref)
                  (try_table (catch $link $h) (throw_ref (local.get $e)))
                  (unreachable))
                (local.set $e)
                (local.set $sum (i32.add (local.get $sum)))
                (br $again)))
            (local.get $sum))
          (func (export "former") (param i32) (result i32) (local $n i32)
            (loop $again
              (try
                (do (try $t (do (call $throw (i32.const 1)))
                  (catch_all (rethrow $t))))
                (catch $a (local.set $n (i32.add (local.get $n)))))
              (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get $n))
          ;; More than there may be.
          (func (export "endless") (local $e exnref) (local $i i32)
            (loop $again
              (block $h (result exnref)
                (try_table (catch_all_ref $h) (call $link (local.get $i) (local.get $e)))
                (unreachable))
              (local.set $e)
              (br $again))))"#,
    );
    let count = if optimised() { 3_000_000 } else { 30_000 };
    for count in [10_000, count] {
        check(&instance, "many", &[(count, 321)]);
        check(&instance, "former", &[(count, count)]);
    }
    check(&instance, "list", &[(100_000, 704_982_704)]);
    check(&instance, "many", &[(10_000, 321)]);
    let trap = text(instance.invoke("endless", &[]));
    assert!(trap.contains("refers to too many exceptions"), "{trap}");
    // The list is gone, and there is room again.
    check(&instance, "list", &[(100_000, 704_982_704)]);
}

#[test]
fn exceptions_leave_deep_stacks() {
    let instance = instance(
        r#"(module
          (tag $a (param i32))
          (func $down (param i32) (result i32)
            (if (i32.eqz (local.get 0)) (then (throw $a (i32.const 6))))
            (i32.add (call $down (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))
          (func (export "f") (param i32) (result i32)
            (try (result i32) (do (call $down (local.get 0))) (catch $a)))
          (func $endless (call $endless))
          ;; An overflow where an exception was caught is the same as anywhere.
          (func (export "in_clause") (param i32) (result i32)
            (try (result i32)
              (do (call $down (local.get 0)))
              (catch $a (drop) (call $endless) (i32.const 1)))))"#,
    );
    check(&instance, "f", &[(0, 6), (1, 6), (100_000, 6)]);
    let trap = text(instance.invoke("in_clause", &[Value::I32(1000)]));
    assert!(trap.starts_with("call stack exhausted"), "{trap}");
    check(&instance, "f", &[(100_000, 6)]);
}

/// Throwing drops the marks of the frames that are left, and keeps those of the others.
#[test]
fn marks_go_with_their_frames() {
    let last = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let order = std::sync::atomic::Ordering::Relaxed;
    let mut imports = Imports::new();
    let marked = Arc::clone(&last);
    let mark = Box::new(move |caller: &mut Caller<'_>, slots: &mut [u64]| {
        marked.store(caller.mark(slots[0], Some(ValType::I32), [0, 0])?, order);
        slots[0] = 0;
        Ok(())
    });
    imports.define("h", "mark", host(&[ValType::I32], &[ValType::I32], mark));
    let last = Box::new(move |_: &mut Caller<'_>, slots: &mut [u64]| {
        slots[0] = last.load(order);
        Ok(())
    });
    imports.define("h", "last", host(&[], &[ValType::I32], last));
    let alive = Box::new(|caller: &mut Caller<'_>, slots: &mut [u64]| {
        slots[0] = u64::from(caller.marked(slots[0]).is_some());
        Ok(())
    });
    imports.define("h", "alive", host(&[ValType::I32], &[ValType::I32], alive));
    let jump = Box::new(|caller: &mut Caller<'_>, slots: &mut [u64]| Err(caller.jump(slots[0], 5)));
    imports.define("h", "jump", host(&[ValType::I32], &[], jump));
    let text = r#"(module
      (import "h" "mark" (func $mark (param i32) (result i32)))
      (import "h" "last" (func $last (result i32)))
      (import "h" "alive" (func $alive (param i32) (result i32)))
      (import "h" "jump" (func $jump (param i32)))
      (tag $a)
      (func $inner (param i32)
        (drop (call $mark (i32.const 1)))
        (if (local.get 0) (then (call $inner (i32.sub (local.get 0) (i32.const 1)))))
        (throw $a))
      (func (export "f") (param i32) (result i32) (local $own i32) (local $n i32)
        (local.set $n (call $mark (i32.const 2)))
        (if (i32.eq (local.get $n) (i32.const 5))
          (then (return (i32.add (i32.const 10) (call $alive (call $last))))))
        (local.set $own (call $last))
        (try (do (call $inner (local.get 0))) (catch $a))
        ;; Its own is there, theirs are not.
        (if (i32.eqz (call $alive (local.get $own))) (then (unreachable)))
        (if (call $alive (call $last)) (then (unreachable)))
        (call $jump (local.get $own))
        (unreachable))
      ;; The frame that catches has a mark and is left by a return.
      (func (export "g") (param i32) (result i32)
        (try (do (drop (call $mark (i32.const 3))) (call $inner (local.get 0))) (catch $a))
        (i32.const 4)))"#;
    let instance = Instance::new(&module(text), &imports).expect("an instance");
    for _ in 0..3 {
        check(&instance, "f", &[(0, 10), (3, 10), (200, 10)]);
        check(&instance, "g", &[(0, 4), (30, 4)]);
    }
}

/// Throwing in an endless loop can be interrupted, also where the exception leads backwards.
#[test]
fn throwing_is_interrupted() {
    for body in [
        "(loop $l (try_table (catch_all $l) (throw $a)))",
        "(loop $l (try (do (throw $a)) (catch_all (br $l))))",
    ] {
        let instance = instance(&format!(r#"(module (tag $a) (func (export "f") {body}))"#));
        let handle = instance.interrupt_handle();
        let other = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(20));
            handle.interrupt();
        });
        let trap = instance.invoke("f", &[]).expect_err("interrupted");
        assert!(matches!(trap.kind(), TrapKind::Interrupted), "{trap}");
        other.join().unwrap();
    }
}

/// Calls that are adapted are passed by, and are no frames in backtraces.
#[test]
fn exceptions_pass_adapted_calls() {
    let text = r#"(module
      (tag $e (param i32))
      (type $other (func (param i64) (result i64)))
      (table funcref (elem $throw))
      (func $throw (param i32) (result i32) (throw $e (local.get 0)))
      (func $call (param i32) (result i32)
        (i32.wrap_i64 (call_indirect (type $other) (i64.extend_i32_u (local.get 0)) (i32.const 0))))
      (func (export "f") (param i32) (result i32)
        (try (result i32) (do (call $call (local.get 0))) (catch $e)))
      (func (export "g") (param i32) (result i32)
        (block $h (result i32)
          (try_table (catch $e $h)
            (drop (call_indirect (type $other) (i64.extend_i32_u (local.get 0)) (i32.const 0))))
          (i32.const -1))))"#;
    let options = Options {
        emulate_fn_casts: true,
        ..Options::default()
    };
    let instance = Instance::with_options(&module(text), &Imports::new(), options);
    let instance = instance.expect("an instance");
    for _ in 0..3 {
        check(&instance, "f", &[(5, 5)]);
        check(&instance, "g", &[(6, 6)]);
    }
}

/// A type of exceptions that a host function gives, and that the guest throws and catches.
#[test]
fn exceptions_of_the_host_carry_values() {
    let tag = Tag::new([ValType::I64, ValType::F32]);
    assert!(Exception::new(&tag, &[Value::I64(1)]).is_none());
    assert!(Exception::new(&tag, &[Value::F32(1.0), Value::I64(1)]).is_none());
    let mut imports = Imports::new();
    let thrown = tag.clone();
    let throw = Box::new(move |_: &mut Caller<'_>, slots: &mut [u64]| {
        let values = [Value::I64(slots[0] as i64), Value::F32(0.5)];
        Err(Trap::exception(
            Exception::new(&thrown, &values).expect("of the tag's type"),
        ))
    });
    imports.define("h", "throw", host(&[ValType::I64], &[], throw));
    imports.define("h", "tag", Extern::Tag(tag.clone()));
    let text = r#"(module
      (import "h" "throw" (func $throw (param i64)))
      (import "h" "tag" (tag $t (param i64 f32)))
      (export "same" (tag $t))
      (func (export "f") (param i64) (result i64 f32)
        (block $h (result i64 f32)
          (try_table (catch $t $h) (call $throw (local.get 0)))
          (unreachable)))
      (func (export "g") (throw $t (i64.const -3) (f32.const 2))))"#;
    let instance = Instance::new(&module(text), &imports).expect("an instance");
    let found = instance.invoke("f", &[Value::I64(1 << 40)]).unwrap();
    let expected = [Value::I64(1 << 40), Value::F32(0.5)];
    assert_eq!(format!("{found:?}"), format!("{expected:?}"));
    let trap = instance.invoke("g", &[]).expect_err("not caught");
    match trap.kind() {
        TrapKind::Exception(exception) => assert_eq!(*exception.tag(), tag),
        _ => panic!("{trap}"),
    }
    match instance.export("same") {
        Some(Extern::Tag(same)) => assert_eq!(same, tag),
        other => panic!("{other:?}"),
    }
    assert_eq!(tag.ty(), FuncType::new([ValType::I64, ValType::F32], []));
}

/// Deep nests cost time and memory in proportion to their size.
#[test]
fn deep_nests_are_translated_in_linear_time() {
    for (open, close) in [
        ("(try (do ", ") (catch_all (br 0)))"),
        ("(try (do ", ") (delegate 0))"),
        ("(block (try_table (catch_all 0) ", "))"),
    ] {
        let depth = 10_000;
        let body = open.repeat(depth) + "(throw $a)" + &close.repeat(depth);
        let text = format!(
            r#"(module (tag $a) (func $f {body}) (func (export "f") (block $h
            (try_table (catch_all $h) (call $f)))))"#
        );
        // The text parser recurses.
        let bytes = std::thread::Builder::new()
            .stack_size(256 << 20)
            .spawn(move || wat::parse_str(unfold(&text)).expect("well-formed text"))
            .unwrap()
            .join()
            .unwrap();
        let start = clock::used();
        let module = Module::new(&bytes).expect("a valid module");
        let instance = Instance::new(&module, &Imports::new()).expect("an instance");
        instance.invoke("f", &[]).expect("it is caught");
        let taken = clock::used() - start;
        assert!(taken.as_secs() < 10, "{open}: {taken:?}");
    }
}
