//! Atomic accesses by threads of the host's that share a memory, all at once: each operation in each
//! width that there is, beside neighbours that others change, fences, and waits.
//! `WALI_ATOMICS=100` for a hundred times as many. With operations made of a load and a store,
//! `sums_are_complete` and `nothing_swapped_is_lost` fail, and `bits_are_their_threads` does not end.

use std::fmt::Write;
use std::sync::Barrier;

use wali_runtime::interp::{Imports, Instance, Module, Options, Value};
use wali_runtime::memory::{Memory, MemoryType};

const THREADS: usize = 4;
const WAYS: [Way; 7] = [
    Way::new("i32", "8", "_u", 1),
    Way::new("i32", "16", "_u", 2),
    Way::new("i32", "", "", 4),
    Way::new("i64", "8", "_u", 1),
    Way::new("i64", "16", "_u", 2),
    Way::new("i64", "32", "_u", 4),
    Way::new("i64", "", "", 8),
];

/// How memory is accessed: by operations on a type, of so many bytes.
#[derive(Debug, Clone, Copy)]
struct Way {
    ty: &'static str,
    width: &'static str,
    sign: &'static str,
    bytes: u32,
}

impl Way {
    const fn new(ty: &'static str, width: &'static str, sign: &'static str, bytes: u32) -> Way {
        Way {
            ty,
            width,
            sign,
            bytes,
        }
    }

    fn name(self) -> String {
        format!("{}{}", self.ty, self.width)
    }

    /// A value cut to the width.
    fn cut(self, value: u64) -> u64 {
        value & u64::MAX >> (64 - 8 * self.bytes)
    }

    fn value(self, value: u64) -> Value {
        match self.ty {
            "i32" => Value::I32(value as i32),
            _ => Value::I64(value as i64),
        }
    }

    /// Functions, each with an address and a count first.
    fn text(self) -> String {
        let Way {
            ty, width, sign, ..
        } = self;
        let name = self.name();
        let rmw = |op: &str| format!("{ty}.atomic.rmw{width}.{op}{sign}");
        let load = format!("{ty}.atomic.load{width}{sign}");
        let store = format!("{ty}.atomic.store{width}");
        let ones = self.cut(0x0101_0101_0101_0101);
        let (add, sub, xchg) = (rmw("add"), rmw("sub"), rmw("xchg"));
        let (or, and, xor) = (rmw("or"), rmw("and"), rmw("xor"));
        let cmpxchg = rmw("cmpxchg");
        let head = |what: &str, rest: &str| {
            format!("(func (export \"{what} {name}\") (param $at i32) (param $n i32) {rest}")
        };
        let again =
            "(br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))".to_string();
        // An error unless what was there has this in the bits of the mask.
        let expect = |op: &str, operand: &str, found: &str| {
            format!(
                "(local.set $errors (i32.add (local.get $errors) (i32.eqz ({ty}.eq {found}
                   ({ty}.and (local.get $mask) ({op} (local.get $at) {operand}))))))"
            )
        };
        let (mask, zero) = ("(local.get $mask)", format!("({ty}.const 0)"));
        let others = format!("({ty}.xor (local.get $mask) ({ty}.const -1))");
        let mut text = String::new();
        for (what, op) in [("add", &add), ("sub", &sub)] {
            let head = head(what, &format!("(param $by {ty})"));
            let _ = write!(
                text,
                "{head} (loop $again
                   (drop ({op} (local.get $at) (local.get $by))) {again}))"
            );
        }
        let _ = write!(
            text,
            "{} (loop $again {} {} {} {} {again}) (local.get $errors))",
            head(
                "bits",
                &format!("(param $mask {ty}) (result i32) (local $errors i32)")
            ),
            expect(&or, mask, &zero),
            expect(&and, &others, mask),
            expect(&xor, mask, &zero),
            expect(&xor, mask, mask),
        );
        // What was put there less what was found there.
        let _ = write!(
            text,
            "{} (loop $again
               (local.set $token ({ty}.mul (local.get $token) ({ty}.const 0x915f77f5)))
               (local.set $sum ({ty}.add (local.get $sum) ({ty}.sub (local.get $token)
                 ({xchg} (local.get $at) (local.get $token))))) {again}) (local.get $sum))",
            head(
                "swap",
                &format!("(param $token {ty}) (result {ty}) (local $sum {ty})")
            ),
        );
        let _ = write!(
            text,
            "{} (loop $again (local.set $old ({load} (local.get $at)))
               (br_if $again ({ty}.ne (local.get $old) ({cmpxchg} (local.get $at)
                 (local.get $old) ({ty}.add (local.get $old) ({ty}.const 1))))) {again}))",
            head("count", &format!("(local $old {ty})")),
        );
        // All bytes of what is stored are the same.
        let _ = write!(
            text,
            "{} (loop $again ({store} (local.get $at) (local.get $mine))
               (local.set $seen ({load} (local.get $at)))
               (local.set $errors (i32.add (local.get $errors) ({ty}.ne (local.get $seen)
                 ({ty}.mul ({ty}.const {ones}) ({ty}.and (local.get $seen) ({ty}.const 255))))))
               {again}) (local.get $errors))",
            head(
                "whole",
                &format!("(param $mine {ty}) (result i32) (local $seen {ty}) (local $errors i32)")
            ),
        );
        let _ = write!(
            text,
            "(func (export \"load {name}\") (param i32) (result {ty}) ({load} (local.get 0)))"
        );
        text
    }
}

/// Fences and waits.
const OTHERS: &str = r#"
  ;; A turn of two threads: writes to one place, and reads the other's.
  (func (export "turn") (param $mine i32) (param $others i32) (result i32)
    (i32.store (local.get $mine) (i32.const 1))
    (atomic.fence)
    (i32.load (local.get $others)))
  (func (export "clear") (param $at i32) (i32.store (local.get $at) (i32.const 0)))
  ;; A lock that waits, around a sum that is no atomic one.
  (func $lock (param $at i32) (local $old i32)
    (if (i32.eqz (local.tee $old (i32.atomic.rmw.cmpxchg (local.get $at) (i32.const 0) (i32.const 1))))
      (then (return)))
    (loop $again
      (if (i32.or (i32.eq (local.get $old) (i32.const 2))
            (i32.ne (i32.const 0)
              (i32.atomic.rmw.cmpxchg (local.get $at) (i32.const 1) (i32.const 2))))
        (then (drop (memory.atomic.wait32 (local.get $at) (i32.const 2) (i64.const -1)))))
      (br_if $again (local.tee $old
        (i32.atomic.rmw.cmpxchg (local.get $at) (i32.const 0) (i32.const 2))))))
  (func $unlock (param $at i32)
    (if (i32.ne (i32.const 1) (i32.atomic.rmw.sub (local.get $at) (i32.const 1)))
      (then (i32.atomic.store (local.get $at) (i32.const 0))
        (drop (memory.atomic.notify (local.get $at) (i32.const 1))))))
  (func (export "locked") (param $at i32) (param $n i32)
    (loop $again
      (call $lock (local.get $at))
      (i64.store offset=8 (local.get $at)
        (i64.add (i64.load offset=8 (local.get $at)) (i64.const 3)))
      (call $unlock (local.get $at))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  ;; Waits for one's turn in a ring, and gives it to the next; counts what waits yield that they
  ;; never may.
  (func (export "ring") (param $at i32) (param $n i32) (param $mine i64) (param $of i64) (result i32)
    (local $seen i64) (local $errors i32) (local $how i32)
    (loop $again
      (loop $wait
        (local.set $seen (i64.atomic.load (local.get $at)))
        (if (i64.ne (local.get $mine) (i64.rem_u (local.get $seen) (local.get $of)))
          (then
            (local.set $how (memory.atomic.wait64 (local.get $at) (local.get $seen) (i64.const -1)))
            (local.set $errors (i32.add (local.get $errors) (i32.ge_u (local.get $how) (i32.const 2))))
            (br $wait))))
      (i64.atomic.store (local.get $at) (i64.add (local.get $seen) (i64.const 1)))
      (drop (memory.atomic.notify (local.get $at) (i32.const -1)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $errors))
"#;

fn module() -> Module {
    let mut text = String::from("(module (memory (export \"memory\") 1 1 shared)");
    WAYS.iter().for_each(|way| text.push_str(&way.text()));
    text.push_str(OTHERS);
    text.push(')');
    let bytes = wat::parse_str(&text).unwrap_or_else(|e| panic!("{e}"));
    Module::new(&bytes).unwrap_or_else(|e| panic!("{e}"))
}

fn rounds(count: u32) -> u32 {
    let more = std::env::var("WALI_ATOMICS").map_or(1, |n| n.parse().expect("a number"));
    count * more
}

/// Has threads do something at once, each in an instance of its own over one memory.
fn together<T: Send>(threads: usize, what: impl Fn(usize, &Instance) -> T + Sync) -> Vec<T> {
    let module = module();
    let memory = Memory::new(MemoryType {
        min_pages: 1,
        max_pages: Some(1),
        shared: true,
    });
    let memory = memory.expect("there is address space");
    let ready = Barrier::new(threads);
    std::thread::scope(|scope| {
        let thread = |number| {
            let (module, memory, ready, what) = (&module, memory.clone(), &ready, &what);
            scope.spawn(move || {
                let options = Options {
                    memory: Some(memory),
                    ..Options::default()
                };
                let instance = Instance::with_options(module, &Imports::new(), options);
                let instance = instance.unwrap_or_else(|e| panic!("{e}"));
                ready.wait();
                what(number, &instance)
            })
        };
        let threads: Vec<_> = (0..threads).map(thread).collect();
        let results = threads.into_iter().map(|thread| thread.join());
        results.map(|result| result.expect("no panic")).collect()
    })
}

fn invoke(instance: &Instance, name: &str, args: &[Value]) -> Option<u64> {
    let results = instance.invoke(name, args);
    match results.unwrap_or_else(|e| panic!("{name}: {e}"))[..] {
        [Value::I32(value)] => Some(value as u32 as u64),
        [Value::I64(value)] => Some(value as u64),
        [] => None,
        ref other => panic!("{name}: {other:?}"),
    }
}

fn i32(value: u32) -> Value {
    Value::I32(value as i32)
}

/// Does something with all ways, each on a place that threads share, and on neighbouring places
/// that are one thread's each; then looks at the values in all those places.
fn on_places(
    what: &str,
    count: u32,
    operand: impl Fn(Way, usize) -> Option<u64> + Sync,
    expected: impl Fn(Way, &[u64], Option<usize>) -> u64,
    fault: impl Fn(Way, u64) -> bool + Sync,
) {
    let step = Barrier::new(THREADS);
    let all = together(THREADS, |number, instance| {
        let mut found = Vec::new();
        // A line for each way.
        for (line, way) in (0..).zip(WAYS) {
            let place = |index: usize| 64 * line + index as u32 * way.bytes;
            let name = format!("{what} {}", way.name());
            let run = |at: u32| {
                let mut args = vec![i32(at), i32(count)];
                args.extend(operand(way, number).map(|operand| way.value(operand)));
                let result = invoke(instance, &name, &args).unwrap_or_default();
                assert!(!fault(way, result), "{name}: {result}");
                result
            };
            step.wait();
            let shared = run(place(THREADS));
            let own = run(place(number));
            step.wait();
            let load = format!("load {}", way.name());
            let values = (0..=THREADS).map(|index| {
                let value = invoke(instance, &load, &[i32(place(index))]);
                value.expect("a value")
            });
            found.push((shared, own, values.collect::<Vec<u64>>()));
        }
        found
    });
    for (index, way) in WAYS.into_iter().enumerate() {
        let shared: Vec<u64> = all.iter().map(|found| found[index].0).collect();
        let own: Vec<u64> = all.iter().map(|found| found[index].1).collect();
        for found in &all {
            let values = &found[index].2;
            for (number, value) in values[..THREADS].iter().enumerate() {
                let expected = way.cut(expected(way, &own, Some(number)));
                assert_eq!(*value, expected, "{what} {way:?} by thread {number}");
            }
            let expected = way.cut(expected(way, &shared, None));
            assert_eq!(values[THREADS], expected, "{what} {way:?} by all");
        }
    }
}

/// A number for each thread.
fn delta(number: usize) -> u64 {
    0x0123_4567_89ab_cdef_u64.wrapping_mul(2 * number as u64 + 1)
}

/// What threads do to a place: one, or all of them.
fn sum_of(who: Option<usize>, each: impl Fn(usize) -> u64) -> u64 {
    match who {
        Some(number) => each(number),
        None => (0..THREADS).map(each).fold(0, u64::wrapping_add),
    }
}

#[test]
fn sums_are_complete() {
    let count = rounds(100_000);
    for (what, sign) in [("add", 1), ("sub", u64::MAX)] {
        on_places(
            what,
            count,
            |_, number| Some(delta(number)),
            |_, _, who| {
                let times = sign.wrapping_mul(count.into());
                sum_of(who, |number| delta(number).wrapping_mul(times))
            },
            |_, _| false,
        );
    }
}

#[test]
fn comparing_counts_are_complete() {
    let count = rounds(20_000);
    on_places(
        "count",
        count,
        |_, _| None,
        |_, _, who| sum_of(who, |_| count.into()),
        |_, _| false,
    );
}

#[test]
fn bits_are_their_threads() {
    on_places(
        "bits",
        rounds(50_000),
        // Both ends of the value, and two in the middle.
        |way, number| Some(1 << (number as u32 * (8 * way.bytes - 1) / (THREADS as u32 - 1))),
        |_, _, _| 0,
        |_, errors| errors > 0,
    );
}

#[test]
fn nothing_swapped_is_lost() {
    on_places(
        "swap",
        rounds(100_000),
        |_, number| Some(2 * number as u64 + 1),
        |_, sums, who| sum_of(who, |number| sums[number]),
        |_, _| false,
    );
}

#[test]
fn values_are_whole() {
    let count = rounds(100_000);
    let all = together(THREADS, |number, instance| {
        let byte = 0x81 + 0x25 * number as u64;
        let errors = (0..).zip(WAYS).map(|(line, way)| {
            let value = way.cut(0x0101_0101_0101_0101 * (byte & 0xff));
            let args = [i32(64 * line), i32(count), way.value(value)];
            invoke(instance, &format!("whole {}", way.name()), &args)
        });
        errors.collect::<Vec<_>>()
    });
    let none = vec![Some(0); WAYS.len()];
    assert!(all.iter().all(|errors| *errors == none), "{all:?}");
}

#[test]
fn expected_values_beyond_the_width_match_nothing() {
    let text = WAYS.iter().filter(|way| way.sign == "_u").map(|way| {
        let Way { ty, width, .. } = way;
        let beyond = 1u64 << (8 * way.bytes);
        format!(
            "(func (export \"{}\") (result {ty}) (local $old {ty})
               ({ty}.atomic.store{width} (i32.const 0) ({ty}.const 5))
               (local.set $old ({ty}.atomic.rmw{width}.cmpxchg_u (i32.const 0)
                 ({ty}.const {}) ({ty}.const 9)))
               ({ty}.add (local.get $old)
                 ({ty}.mul ({ty}.const 16) ({ty}.atomic.load{width}_u (i32.const 0)))))",
            way.name(),
            beyond + 5
        )
    });
    let text: String = text.collect();
    let bytes = wat::parse_str(format!("(module (memory 1 1 shared) {text})"));
    let module = Module::new(&bytes.unwrap_or_else(|e| panic!("{e}"))).expect("it is valid");
    let instance = Instance::new(&module, &Imports::new()).expect("an instance");
    for way in WAYS.iter().filter(|way| way.sign == "_u") {
        assert_eq!(
            invoke(&instance, &way.name(), &[]),
            Some(5 + 16 * 5),
            "{way:?}"
        );
    }
}

#[test]
fn fences_order_what_is_before_and_after() {
    let count = rounds(3_000);
    let step = Barrier::new(2);
    // On lines of their own.
    let places = [1024, 2048];
    let both_saw_nothing = together(2, |number, instance| {
        let (mine, others) = (places[number], places[1 - number]);
        (0..count)
            .map(|_| {
                invoke(instance, "clear", &[i32(mine)]);
                step.wait();
                let seen = invoke(instance, "turn", &[i32(mine), i32(others)]);
                step.wait();
                seen.expect("a value") == 0
            })
            .collect::<Vec<bool>>()
    });
    let [first, second] = &both_saw_nothing[..] else {
        panic!("there are two threads");
    };
    let wrong = first.iter().zip(second).filter(|(a, b)| **a && **b).count();
    assert_eq!(wrong, 0, "of {count} turns");
}

#[test]
fn locks_that_wait_exclude() {
    let count = rounds(5_000);
    let sums = together(THREADS, |_, instance| {
        invoke(instance, "locked", &[i32(512), i32(count)]);
        // All have added when the last of them looks.
        invoke(instance, "load i64", &[i32(520)]).expect("a value")
    });
    let most = sums.into_iter().max();
    assert_eq!(most, Some(3 * u64::from(count) * THREADS as u64));
}

#[test]
fn notifications_arrive() {
    let count = rounds(500);
    let errors = together(THREADS, |number, instance| {
        let turn = [Value::I64(number as i64), Value::I64(THREADS as i64)];
        let args = [&[i32(768), i32(count)], &turn[..]].concat();
        invoke(instance, "ring", &args)
    });
    assert_eq!(errors, vec![Some(0); THREADS]);
}
