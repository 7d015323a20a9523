//! Where operations on vectors have their operands: the first slots of vectors, in quarters.

use super::super::super::handlers::op16;
use super::lanes::Vector;

/// The vector at `quarter`.
///
/// # Safety
/// The machine's contract; there is one.
#[inline(always)]
pub(crate) unsafe fn get_vector(ip: *const u64, sp: *mut u64, quarter: usize) -> Vector {
    // SAFETY: as the caller promises.
    unsafe {
        let slot = sp.add(op16(ip, quarter) as usize);
        [*slot, *slot.add(1)]
    }
}

/// Puts a vector to `quarter`.
///
/// # Safety
/// As for [`get_vector`].
#[inline(always)]
pub(crate) unsafe fn set_vector(ip: *const u64, sp: *mut u64, quarter: usize, value: Vector) {
    // SAFETY: as the caller promises.
    unsafe {
        let slot = sp.add(op16(ip, quarter) as usize);
        *slot = value[0];
        *slot.add(1) = value[1];
    }
}

/// What an operation does, by where its operands are.
macro_rules! shape {
    (unary $ip:ident $sp:ident $f:expr) => {{
        let f: fn(Vector) -> Vector = $f;
        set_vector($ip, $sp, 0, f(get_vector($ip, $sp, 1)))
    }};
    (binary $ip:ident $sp:ident $f:expr) => {{
        let f: fn(Vector, Vector) -> Vector = $f;
        let (a, b) = (get_vector($ip, $sp, 1), get_vector($ip, $sp, 2));
        set_vector($ip, $sp, 0, f(a, b))
    }};
    (ternary $ip:ident $sp:ident $f:expr) => {{
        let f: fn(Vector, Vector, Vector) -> Vector = $f;
        let (a, b) = (get_vector($ip, $sp, 1), get_vector($ip, $sp, 2));
        set_vector($ip, $sp, 0, f(a, b, get_vector($ip, $sp, 3)))
    }};
    (shift $ip:ident $sp:ident $f:expr) => {{
        let f: fn(Vector, u32) -> Vector = $f;
        let (a, by) = (get_vector($ip, $sp, 1), get($ip, $sp, 2));
        set_vector($ip, $sp, 0, f(a, by))
    }};
    (test $ip:ident $sp:ident $f:expr) => {{
        let f: fn(Vector) -> _ = $f;
        set($ip, $sp, 0, f(get_vector($ip, $sp, 1)))
    }};
    (splat $ip:ident $sp:ident $f:expr) => {{
        let f: fn(_) -> Vector = $f;
        set_vector($ip, $sp, 0, f(get($ip, $sp, 1)))
    }};
    (extract $ip:ident $sp:ident $f:expr) => {{
        let f: fn(Vector, usize) -> _ = $f;
        let a = get_vector($ip, $sp, 1);
        set($ip, $sp, 0, f(a, usize::from(op16($ip, 3))))
    }};
    (replace $ip:ident $sp:ident $f:expr) => {{
        let f: fn(Vector, _, usize) -> Vector = $f;
        let (a, value) = (get_vector($ip, $sp, 1), get($ip, $sp, 2));
        set_vector($ip, $sp, 0, f(a, value, usize::from(op16($ip, 3))))
    }};
}

pub(super) use shape;
