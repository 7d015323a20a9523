//! Vectors as lanes, and what is done to all of them. A vector is two slots, the low one first.

/// A vector.
pub(crate) type Vector = [u64; 2];

/// A type of lanes: a number, of which any bits are a value.
///
/// # Safety
/// It is one of the primitive numbers.
pub(crate) unsafe trait Lane: Copy {}

macro_rules! numbers {
    ($($ty:ty)*) => {
        // SAFETY: these are primitive numbers.
        $(unsafe impl Lane for $ty {})*
    };
}

numbers! { i8 u8 i16 u16 i32 u32 i64 u64 f32 f64 }

#[inline(always)]
pub(crate) fn lanes<T: Lane, const N: usize>(a: Vector) -> [T; N] {
    const { assert!(size_of::<[T; N]>() == size_of::<Vector>()) };
    // SAFETY: both are as large, and any bits are numbers.
    unsafe { std::mem::transmute_copy(&a) }
}

#[inline(always)]
pub(crate) fn vector<T: Lane, const N: usize>(a: [T; N]) -> Vector {
    const { assert!(size_of::<[T; N]>() == size_of::<Vector>()) };
    // SAFETY: both are as large, and any bits are numbers.
    unsafe { std::mem::transmute_copy(&a) }
}

#[inline(always)]
pub(crate) fn map<T: Lane, U: Lane, const N: usize>(a: Vector, f: impl Fn(T) -> U) -> Vector {
    vector::<U, N>(lanes::<T, N>(a).map(f))
}

#[inline(always)]
pub(crate) fn zip<T: Lane, U: Lane, const N: usize>(
    a: Vector,
    b: Vector,
    f: impl Fn(T, T) -> U,
) -> Vector {
    let (a, b) = (lanes::<T, N>(a), lanes::<T, N>(b));
    vector::<U, N>(std::array::from_fn(|i| f(a[i], b[i])))
}

#[inline(always)]
pub(crate) fn zip3<T: Lane, const N: usize>(
    a: Vector,
    b: Vector,
    c: Vector,
    f: impl Fn(T, T, T) -> T,
) -> Vector {
    let (a, b, c) = (lanes::<T, N>(a), lanes::<T, N>(b), lanes::<T, N>(c));
    vector::<T, N>(std::array::from_fn(|i| f(a[i], b[i], c[i])))
}

/// A lane of ones or zeros.
pub(crate) trait Mask: Lane {
    const ONES: Self;
    const ZEROS: Self;
}

macro_rules! masks {
    ($($ty:ty)*) => { $(
        impl Mask for $ty {
            const ONES: $ty = <$ty>::MAX;
            const ZEROS: $ty = 0;
        }
    )* };
}

masks! { u8 u16 u32 u64 }

#[inline(always)]
pub(crate) fn compare<T: Lane, M: Mask, const N: usize>(
    a: Vector,
    b: Vector,
    holds: impl Fn(T, T) -> bool,
) -> Vector {
    zip::<T, M, N>(a, b, |a, b| if holds(a, b) { M::ONES } else { M::ZEROS })
}

#[inline(always)]
pub(crate) fn bitmask<T: Lane + Default + PartialOrd, const N: usize>(a: Vector) -> u32 {
    let bit = |(i, lane): (usize, &T)| u32::from(*lane < T::default()) << i;
    lanes::<T, N>(a).iter().enumerate().map(bit).sum()
}

#[inline(always)]
pub(crate) fn splat<T: Lane, const N: usize>(value: T) -> Vector {
    vector([value; N])
}

#[inline(always)]
pub(crate) fn lane_of<T: Lane, const N: usize>(a: Vector, lane: usize) -> T {
    // Validation bounds it; this way, no check is needed.
    lanes::<T, N>(a)[lane % N]
}

#[inline(always)]
pub(crate) fn with_lane<T: Lane, const N: usize>(a: Vector, lane: usize, value: T) -> Vector {
    let mut lanes = lanes::<T, N>(a);
    lanes[lane % N] = value;
    vector(lanes)
}

/// Lanes from `from` on, converted to wider ones.
#[inline(always)]
pub(crate) fn part<T: Lane, U: Lane, const N: usize, const M: usize>(
    a: Vector,
    from: usize,
    f: impl Fn(T) -> U,
) -> Vector {
    let a = lanes::<T, N>(a);
    vector::<U, M>(std::array::from_fn(|i| f(a[from + i])))
}

/// Two lanes converted to narrower ones, before two of zero.
#[inline(always)]
pub(crate) fn halve<T: Lane, U: Lane + Default>(a: Vector, f: impl Fn(T) -> U) -> Vector {
    let [a, b] = lanes::<T, 2>(a);
    vector([f(a), f(b), U::default(), U::default()])
}

#[inline(always)]
pub(crate) fn narrow<T: Lane, U: Lane, const N: usize, const M: usize>(
    a: Vector,
    b: Vector,
    f: impl Fn(T) -> U,
) -> Vector {
    let (a, b) = (lanes::<T, N>(a), lanes::<T, N>(b));
    vector::<U, M>(std::array::from_fn(|i| {
        f(if i < N { a[i] } else { b[i - N] })
    }))
}

#[inline(always)]
pub(crate) fn multiply<T, U, const N: usize, const M: usize>(
    a: Vector,
    b: Vector,
    from: usize,
) -> Vector
where
    T: Lane,
    U: Lane + From<T> + std::ops::Mul<Output = U>,
{
    let (a, b) = (lanes::<T, N>(a), lanes::<T, N>(b));
    vector::<U, M>(std::array::from_fn(|i| {
        U::from(a[from + i]) * U::from(b[from + i])
    }))
}

/// Sums of neighbours.
#[inline(always)]
pub(crate) fn pairs<T, U, const N: usize, const M: usize>(a: Vector) -> Vector
where
    T: Lane,
    U: Lane + From<T> + std::ops::Add<Output = U>,
{
    let a = lanes::<T, N>(a);
    vector::<U, M>(std::array::from_fn(|i| {
        U::from(a[2 * i]) + U::from(a[2 * i + 1])
    }))
}

/// The lanes of a half vector from memory, extended.
#[inline(always)]
pub(crate) fn extend<T: Lane, U: Lane, const N: usize>(raw: u64, f: impl Fn(T) -> U) -> Vector {
    const { assert!(size_of::<[T; N]>() == size_of::<u64>()) };
    // SAFETY: both are as large, and any bits are numbers.
    let a: [T; N] = unsafe { std::mem::transmute_copy(&raw) };
    vector(a.map(f))
}

#[inline(always)]
pub(crate) fn q15(a: i16, b: i16) -> i16 {
    let product = (i32::from(a) * i32::from(b) + (1 << 14)) >> 15;
    product.min(i32::from(i16::MAX)) as i16
}

#[inline(always)]
pub(crate) fn swizzle(a: Vector, at: Vector) -> Vector {
    let a = lanes::<u8, 16>(a);
    map::<u8, u8, 16>(at, |at| a.get(usize::from(at)).copied().unwrap_or(0))
}

#[inline(always)]
pub(crate) fn shuffle(a: Vector, b: Vector, at: Vector) -> Vector {
    let (a, b) = (lanes::<u8, 16>(a), lanes::<u8, 16>(b));
    map::<u8, u8, 16>(at, |at| {
        let lane = usize::from(at % 16);
        if at < 16 { a[lane] } else { b[lane] }
    })
}

#[inline(always)]
pub(crate) fn select(a: Vector, b: Vector, mask: Vector) -> Vector {
    zip3::<u64, 2>(a, b, mask, |a, b, mask| (a & mask) | (b & !mask))
}

#[inline(always)]
pub(crate) fn dot(a: Vector, b: Vector) -> Vector {
    let (a, b) = (lanes::<i16, 8>(a), lanes::<i16, 8>(b));
    let product = |i: usize| i32::from(a[i]) * i32::from(b[i]);
    vector::<i32, 4>(std::array::from_fn(|i| {
        product(2 * i).wrapping_add(product(2 * i + 1))
    }))
}

#[inline(always)]
pub(crate) fn dot_bytes(a: Vector, b: Vector) -> Vector {
    let (a, b) = (lanes::<i8, 16>(a), lanes::<i8, 16>(b));
    let product = |i: usize| i16::from(a[i]) * i16::from(b[i]);
    vector::<i16, 8>(std::array::from_fn(|i| {
        product(2 * i).wrapping_add(product(2 * i + 1))
    }))
}

#[inline(always)]
pub(crate) fn dot_bytes_add(a: Vector, b: Vector, c: Vector) -> Vector {
    let sums = pairs::<i16, i32, 8, 4>(dot_bytes(a, b));
    zip::<i32, i32, 4>(sums, c, i32::wrapping_add)
}

macro_rules! extremes {
    ($($ty:ty: $min:ident $max:ident;)*) => { $(
        #[inline(always)]
        pub(crate) fn $min(a: $ty, b: $ty) -> $ty {
            if a.is_nan() || b.is_nan() {
                a + b
            } else if a == b {
                <$ty>::from_bits(a.to_bits() | b.to_bits())
            } else if a < b {
                a
            } else {
                b
            }
        }

        #[inline(always)]
        pub(crate) fn $max(a: $ty, b: $ty) -> $ty {
            if a.is_nan() || b.is_nan() {
                a + b
            } else if a == b {
                <$ty>::from_bits(a.to_bits() & b.to_bits())
            } else if a > b {
                a
            } else {
                b
            }
        }
    )* };
}

extremes! {
    f32: min_f32 max_f32;
    f64: min_f64 max_f64;
}
