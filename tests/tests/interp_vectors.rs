//! Vectors where they are more than an operation: in locals, calls, globals, exceptions, marks, and at
//! the edges of memory.

use std::sync::Arc;

use wali_runtime::interp::{
    Caller, Extern, FuncType, Global, GlobalType, Imports, Instance, Trap, TrapKind, ValType, Value,
};
use wali_tests::interp::{host, instance, module};

const A: u128 = 0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100;
const B: u128 = 0xffee_ddcc_bbaa_9988_7766_5544_3322_1100;

fn vectors(result: Result<Vec<Value>, Trap>) -> Vec<u128> {
    let one = |value: Value| match value {
        Value::V128(value) => value,
        other => panic!("a vector was expected: {other:?}"),
    };
    let values = result.unwrap_or_else(|e| panic!("{e}"));
    values.into_iter().map(one).collect()
}

#[test]
fn locals_and_calls_mix_widths() {
    let instance = instance(
        r#"(module
          (type $mixed (func (param i32 v128 i64 v128 f32) (result f32 v128 i32 v128 i64)))
          (table funcref (elem $mixed))
          (func $mixed (export "mixed") (type $mixed) (local v128 i32 v128)
            (local.set 5 (local.get 1))
            (local.set 7 (local.get 3))
            (local.set 6 (local.get 0))
            ;; Read before it is set: what it was counts.
            (local.get 4)
            (local.get 5)
            (local.set 5 (local.get 7))
            (local.get 6)
            (local.get 5)
            (local.get 2))
          (func (export "indirect") (type $mixed)
            (call_indirect (type $mixed) (local.get 0) (local.get 1) (local.get 2) (local.get 3)
              (local.get 4) (i32.const 0)))
          (func (export "tail") (type $mixed)
            (return_call $mixed (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4)))
          (func (export "pick") (param i32 v128 v128) (result v128)
            (i64.const 5)
            (select (local.get 1) (local.get 2) (local.get 0))
            (local.get 0) (if (param v128) (result v128) (then (return)) (else))
            (drop) (drop)
            (local.tee 1 (local.get 2))
            (drop)
            (block (result v128) (local.get 1)))
          (func (export "choose") (param i32 v128 v128) (result v128)
            (select (local.get 1) (local.get 2) (local.get 0)))
          (func (export "branches") (param i32 v128 v128) (result v128)
            (block $b (result v128)
              (block $a (result v128)
                (i32.const 3) (local.get 1) (local.get 0) (br_table $a $b $a))
              (drop) (local.get 2)))
          (func (export "loop") (param i32 v128 v128) (result v128)
            (local.get 1)
            (loop $again (param v128) (result v128)
              (local.get 2) (i32x4.add)
              (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))"#,
    );
    let args = [
        Value::I32(-7),
        Value::V128(A),
        Value::I64(1 << 40),
        Value::V128(B),
        Value::F32(1.5),
    ];
    let expected = [
        Value::F32(1.5),
        Value::V128(A),
        Value::I32(-7),
        Value::V128(B),
        Value::I64(1 << 40),
    ];
    for name in ["mixed", "indirect", "tail"] {
        let found = instance
            .invoke(name, &args)
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(format!("{found:?}"), format!("{expected:?}"), "{name}");
    }
    let call = |name: &str, n: i32| {
        let args = [Value::I32(n), Value::V128(A), Value::V128(B)];
        vectors(instance.invoke(name, &args))[0]
    };
    assert_eq!((call("pick", 1), call("pick", 0)), (A, B));
    assert_eq!((call("choose", 1), call("choose", 0)), (A, B));
    assert_eq!((call("branches", 0), call("branches", 1)), (B, A));
    let lanes = |v: u128| [0, 32, 64, 96].map(|at| (v >> at) as u32);
    let (a, b) = (lanes(A), lanes(B));
    let sum = |i: usize| a[i].wrapping_add(b[i].wrapping_mul(1000));
    assert_eq!(lanes(call("loop", 1000)), [0, 1, 2, 3].map(sum));
}

#[test]
fn hosts_globals_and_constants_have_both_halves() {
    let mut imports = Imports::new();
    let ty = GlobalType {
        ty: ValType::V128,
        mutable: true,
    };
    let global = Global::new(ty, &Value::V128(A)).expect("of this type");
    imports.define("h", "g", Extern::Global(global.clone()));
    let swap = Box::new(|_: &mut Caller<'_>, slots: &mut [u64]| {
        // An i32, a vector, an i32; the vector comes back first.
        let [number, low, high, other] = slots[..4] else {
            panic!("{slots:?}");
        };
        slots[..3].copy_from_slice(&[high, low, number + other]);
        Ok(())
    });
    let params = [ValType::I32, ValType::V128, ValType::I32];
    let swap = host(&params, &[ValType::V128, ValType::I32], swap);
    imports.define("h", "swap", swap);
    let text = r#"(module
      (import "h" "g" (global $g (mut v128)))
      (import "h" "swap" (func $swap (param i32 v128 i32) (result v128 i32)))
      (global $c v128 (v128.const i64x2 5 6))
      (global $copy (export "copy") (mut v128) (v128.const i64x2 -1 0x123456789))
      (func (export "swap") (param v128) (result v128)
        (call $swap (i32.const 1) (local.get 0) (i32.const 2))
        (i32.const 3) (i32.ne) (if (then (unreachable))))
      (func (export "globals") (result v128 v128)
        (global.get $g)
        (global.set $g (i64x2.add (global.get $c) (global.get $copy)))
        (global.get $g)))"#;
    let instance = Instance::new(&module(text), &imports).expect("an instance");
    let swapped = vectors(instance.invoke("swap", &[Value::V128(A)]));
    assert_eq!(swapped, [A.rotate_left(64)]);
    let sum = (6 + 0x1_2345_6789_u128) << 64 | 4;
    assert_eq!(vectors(instance.invoke("globals", &[])), [A, sum]);
    assert!(matches!(global.get(), Value::V128(found) if found == sum));
    let wanted = FuncType::new([ValType::V128], [ValType::V128]);
    match instance.export("swap") {
        Some(Extern::Func(func)) => assert_eq!(func.ty(), wanted),
        other => panic!("{other:?}"),
    }
}

#[test]
fn exceptions_and_marks_keep_vectors() {
    let last = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let order = std::sync::atomic::Ordering::Relaxed;
    let mut imports = Imports::new();
    let marked = Arc::clone(&last);
    let mark = Box::new(move |caller: &mut Caller<'_>, slots: &mut [u64]| {
        marked.store(caller.mark(1, Some(ValType::I32), [0, 0])?, order);
        slots[0] = 0;
        Ok(())
    });
    imports.define("h", "mark", host(&[], &[ValType::I32], mark));
    let jump = Box::new(move |caller: &mut Caller<'_>, _: &mut [u64]| {
        Err(caller.jump(last.load(order), 1))
    });
    imports.define("h", "jump", host(&[], &[], jump));
    let text = r#"(module
      (import "h" "mark" (func $mark (result i32)))
      (import "h" "jump" (func $jump))
      (tag $e (param i32 v128 i64))
      (func $throw (param v128) (throw $e (i32.const 1) (local.get 0) (i64.const 2)))
      (func (export "new") (param v128 v128) (result v128 v128) (local $e exnref)
        (block $out (result i32 v128 i64)
          (try_table (catch $e $out)
            (block $h (result i32 v128 i64 exnref)
              (try_table (catch_ref $e $h) (call $throw (local.get 0)))
              (unreachable))
            (local.set $e) (drop) (drop) (drop)
            (local.set 0 (local.get 1))
            (throw_ref (local.get $e)))
          (unreachable))
        (drop) (local.set 1) (drop) (local.get 1) (local.get 0))
      (func (export "former") (param v128 v128) (result v128 v128)
        (local.get 1)
        (try $t (result v128)
          (do (try $u (result v128) (do (call $throw (local.get 0)) (local.get 0))
            (catch $e (drop) (local.set 1) (drop) (rethrow $u))))
          (catch $e (drop) (local.set 1) (drop) (local.get 1))))
      (func (export "mark") (param v128 v128) (result v128 v128)
        (local.get 1)
        (if (i32.eqz (call $mark)) (then
          (local.set 0 (local.get 1))
          (call $jump)))
        (local.get 0))
      (func (export "uncaught") (param v128) (call $throw (local.get 0))))"#;
    let instance = Instance::new(&module(text), &imports).expect("an instance");
    let args = [Value::V128(A), Value::V128(B)];
    assert_eq!(vectors(instance.invoke("new", &args)), [A, B]);
    assert_eq!(vectors(instance.invoke("former", &args)), [B, A]);
    assert_eq!(vectors(instance.invoke("mark", &args)), [B, A]);
    let trap = instance.invoke("uncaught", &[Value::V128(A)]).unwrap_err();
    match trap.kind() {
        TrapKind::Exception(exception) => match exception.values()[..] {
            [Value::I32(1), Value::V128(A), Value::I64(2)] => {}
            ref other => panic!("{other:?}"),
        },
        _ => panic!("{trap}"),
    }
}

/// Nothing is stored where memory ends in the middle of a vector; and what lies before its end is
/// reached.
#[test]
fn memory_ends_behind_the_last_vector() {
    let instance = instance(
        r#"(module (memory 1)
          (func (export "store") (param i32 v128) (v128.store (local.get 0) (local.get 1)))
          (func (export "far") (param i32 v128) (v128.store offset=0xffffffff (local.get 0) (local.get 1)))
          (func (export "lane") (param i32 v128) (v128.store64_lane 1 (local.get 0) (local.get 1)))
          (func (export "load") (param i32) (result v128) (v128.load (local.get 0)))
          (func (export "splat") (param i32) (result v128) (v128.load16_splat (local.get 0))))"#,
    );
    let store = |name: &str, at: i32| instance.invoke(name, &[Value::I32(at), Value::V128(A)]);
    let load = |name: &str, at: i32| instance.invoke(name, &[Value::I32(at)]);
    store("store", 65520).expect("the last vector");
    for at in 65521..65540 {
        let trap = store("store", at).expect_err("beyond the memory");
        assert!(
            matches!(trap.kind(), TrapKind::MemoryOutOfBounds { .. }),
            "{trap}"
        );
        assert!(load("load", at).is_err());
    }
    assert_eq!(vectors(load("load", 65520)), [A]);
    store("lane", 65528).expect("the last lane");
    assert!(store("lane", 65529).is_err());
    assert_eq!(vectors(load("load", 65520)), [A]);
    assert!(store("store", -1).is_err() && store("far", -1).is_err() && store("far", 0).is_err());
    assert_eq!(
        vectors(load("splat", 65534)),
        [0x0f0e_0f0e_0f0e_0f0e_0f0e_0f0e_0f0e_0f0e]
    );
    assert!(load("splat", 65535).is_err());
}
