//! Modules made to be slow: what they cost is in proportion to their size, in processor time and in
//! memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use wali_runtime::interp::{Imports, Instance, Module};
use wali_tests::clock;

/// Counts what is allocated, and the most of it.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: the system's allocator does the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(now, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One at a time: allocations are counted for the whole process.
static ALONE: Mutex<()> = Mutex::new(());

fn number(mut n: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (n & 0x7f) as u8;
        n >>= 7;
        if n == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id], &number(content.len())[..], content].concat()
}

/// A module of functions `() -> ()`, of which the first is exported as `f`, and a tag without values.
fn module(bodies: &[Vec<u8>]) -> Vec<u8> {
    let count = number(bodies.len());
    let mut code = count.clone();
    for body in bodies {
        code.extend(number(body.len()));
        code.extend(body);
    }
    [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, &[1, 0x60, 0, 0]),
        section(3, &[count, vec![0; bodies.len()]].concat()),
        section(13, &[1, 0, 0]),
        section(7, &[1, 1, b'f', 0, 0]),
        section(10, &code),
    ]
    .concat()
}

/// A function of these bytes without locals.
fn body(code: &[&[u8]]) -> Vec<u8> {
    [&[0], &code.concat()[..], &[END]].concat()
}

const END: u8 = 0x0b;
const DROP: u8 = 0x1a;

/// Processor time of loading and running the module, and the most memory.
fn cost(bytes: &[u8]) -> (Duration, usize) {
    let before = NOW.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);
    let start = clock::used();
    let module = Module::new(bytes).unwrap_or_else(|e| panic!("{e}"));
    let instance = Instance::new(&module, &Imports::new()).expect("an instance");
    instance.invoke("f", &[]).unwrap_or_else(|e| panic!("{e}"));
    let taken = clock::used() - start;
    (taken, MOST.load(Ordering::Relaxed) - before)
}

/// Makes it in two sizes, the second four times the first.
fn check(name: &str, make: impl Fn(usize) -> Vec<Vec<u8>>, small: usize) {
    let _alone = ALONE.lock().unwrap_or_else(|e| e.into_inner());
    let modules = [small, 4 * small].map(|n| module(&make(n)));
    let [(short, little), (long, much)] = [cost(&modules[0]), cost(&modules[1])];
    let size = modules[1].len();
    println!("{name}: {size} bytes take {long:?} and {much} bytes of memory");
    // Were it quadratic, it would be sixteen times as much.
    let most = short * 9 + Duration::from_millis(100);
    assert!(
        long < most,
        "{name}: {short:?}, and four times of it {long:?}"
    );
    let most = little * 9 + (1 << 20);
    assert!(
        much < most,
        "{name}: {little} bytes, and for four times of it {much}"
    );
    assert!(
        much < 80 * size + (4 << 20),
        "{name}: {much} bytes for {size}"
    );
}

macro_rules! shapes {
    ($($name:ident $small:literal |$n:ident| $make:expr;)*) => { $(
        #[test]
        fn $name() {
            check(stringify!($name), |$n| $make, $small);
        }
    )* };
}

shapes! {
    functions 75_000 |n| vec![body(&[]); n];
    nested_blocks 200_000 |n| vec![body(&[&b"\x02\x40".repeat(n), &vec![END; n]])];
    nested_loops 200_000 |n| vec![body(&[&b"\x03\x40".repeat(n), &vec![END; n]])];
    ifs 100_000 |n| vec![body(&[&b"\x41\x00\x04\x40\x05\x0b".repeat(n)])];
    one_sum 200_000 |n| vec![body(&[b"\x41\x01", &b"\x41\x02\x6a".repeat(n), &[DROP]])];
    tables_of_branches 10 |n| {
        let count = 60_000;
        let table = [b"\x02\x40\x41\x00\x0e", &number(count)[..], &vec![0; count + 1], &[END]];
        vec![body(&[&table.concat().repeat(n)])]
    };
    // An exception out of all of them: `try_table (catch_all 0)` in a block.
    nested_catches 50_000 |n| {
        let open = b"\x02\x40\x1f\x40\x01\x02\x00".repeat(n);
        vec![body(&[&open, b"\x08\x00", &vec![END; 2 * n]])]
    };
    former_catches 80_000 |n| vec![body(&[&b"\x06\x40\x08\x00\x19\x0b".repeat(n)])];
    // As deep as slots allow.
    nested_former_catches 10_000 |n| {
        let open = b"\x06\x40".repeat(n);
        vec![body(&[&open, b"\x08\x00", &b"\x19\x0b".repeat(n)])]
    };
    vectors 20_000 |n| {
        let constant = [b"\xfd\x0c".to_vec(), vec![2; 16]].concat();
        let add = [&constant[..], b"\xfd\xae\x01"].concat();
        vec![body(&[&constant, &add.repeat(n), &[DROP]])]
    };
}

/// One slot is one too many.
#[test]
fn frames_that_are_too_large_are_refused() {
    let deep = |n: usize| module(&[body(&[&b"\x06\x40".repeat(n), &vec![END; n]])]);
    assert!(Module::new(&deep(65_000)).is_ok());
    let error = Module::new(&deep(66_000))
        .expect_err("too deep")
        .to_string();
    assert!(error.contains("needs 66002 slots"), "{error}");
    let locals = |count: usize, ty: u8| {
        let body = [&[1], &number(count)[..], &[ty, END]].concat();
        Module::new(&module(&[body]))
    };
    assert!(locals(50_000, 0x7f).is_ok());
    let error = locals(40_000, 0x7b)
        .expect_err("twice as many slots")
        .to_string();
    assert!(error.contains("needs 80002 slots"), "{error}");
}
