//! Operations on vectors. Those that memory has no part in are tables: a name, as in WebAssembly,
//! and what is done with the lanes; their handlers differ in that alone.

mod compare;
mod convert;
mod float;
mod integer;
mod lanes;
mod others;
pub(crate) mod shapes;

use super::super::context::Handler;
use super::super::handlers::vector;
use super::{Format, Operand};
pub(crate) use compare::{Comparison, Test};
pub(crate) use convert::{Conversion, Joining};
pub(crate) use float::{FloatBinary, FloatUnary};
pub(crate) use integer::{IntBinary, IntUnary, Shift};
pub(crate) use lanes::{Vector, extend, lane_of, shuffle, splat, with_lane};
pub(crate) use others::{Extract, Replace, Splat, Ternary};

macro_rules! vector_ops {
    ($(#[$doc:meta])* $enum:ident $shape:ident: $($name:ident $f:expr;)*) => {
        $(#[$doc])*
        #[allow(clippy::enum_variant_names, reason = "they are WebAssembly's names")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $enum { $($name),* }

        impl $enum {
            pub const ALL: &[$enum] = &[$($enum::$name),*];

            pub fn text(self) -> &'static str {
                match self { $($enum::$name => stringify!($name)),* }
            }

            pub const fn handler(self) -> Handler {
                match self { $(
                    $enum::$name => {
                        unsafe extern "C" fn run(
                            cx: *mut Context,
                            ip: *const u64,
                            sp: *mut u64,
                            mem: *mut u8,
                            _: u64,
                            _: f32,
                            _: f64,
                        ) -> usize {
                            // SAFETY: the machine's contract.
                            unsafe {
                                shape!($shape ip sp $f);
                                dispatch(cx, ip.add(2), sp, mem, Acc::NONE)
                            }
                        }
                        run
                    }
                )* }
            }
        }
    };
}

use vector_ops;

macro_rules! kinds {
    ($($kind:ident)*) => {
        /// An operation on vectors that memory has no part in.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum VectorOp {
            $($kind($kind),)*
        }

        impl VectorOp {
            pub const COUNT: usize = 0 $(+ $kind::ALL.len())*;
            pub const ALL: [VectorOp; VectorOp::COUNT] = {
                let mut all = [VectorOp::Test(Test::V128AnyTrue); VectorOp::COUNT];
                let mut count = 0;
                $(
                    let mut i = 0;
                    while i < $kind::ALL.len() {
                        all[count] = VectorOp::$kind($kind::ALL[i]);
                        count += 1;
                        i += 1;
                    }
                )*
                all
            };

            pub fn text(self) -> &'static str {
                match self { $(VectorOp::$kind(op) => op.text(),)* }
            }

            pub const fn handler(self) -> Handler {
                match self { $(VectorOp::$kind(op) => op.handler(),)* }
            }
        }
    };
}

kinds! {
    IntUnary IntBinary Shift FloatUnary FloatBinary Comparison Test Conversion Joining Ternary Splat
    Extract Replace
}

impl VectorOp {
    pub fn format(self) -> Format {
        use Operand::{Count, Dst, Src};
        let operands: &'static [Operand] = match self {
            VectorOp::IntUnary(_)
            | VectorOp::FloatUnary(_)
            | VectorOp::Conversion(_)
            | VectorOp::Test(_)
            | VectorOp::Splat(_) => &[Dst(0), Src(1)],
            VectorOp::IntBinary(_)
            | VectorOp::FloatBinary(_)
            | VectorOp::Comparison(_)
            | VectorOp::Joining(_)
            | VectorOp::Shift(_) => &[Dst(0), Src(1), Src(2)],
            VectorOp::Ternary(_) => &[Dst(0), Src(1), Src(2), Src(3)],
            VectorOp::Extract(_) => &[Dst(0), Src(1), Count(3)],
            VectorOp::Replace(_) => &[Dst(0), Src(1), Src(2), Count(3)],
        };
        Format { words: 2, operands }
    }
}

macro_rules! accesses {
    ($(#[$doc:meta])* $enum:ident $handlers:ident: $($name:ident)*) => {
        $(#[$doc])*
        #[allow(clippy::enum_variant_names, reason = "they are WebAssembly's names")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $enum { $($name),* }

        impl $enum {
            pub const ALL: &[$enum] = &[$($enum::$name),*];

            pub fn text(self) -> &'static str {
                match self { $($enum::$name => stringify!($name)),* }
            }

            pub const fn handler(self) -> Handler {
                match self { $($enum::$name => vector::$handlers::$name,)* }
            }
        }
    };
}

accesses! {
    /// A load of a vector, or of what becomes one.
    VectorLoad loads:
    V128Load V128Load8x8S V128Load8x8U V128Load16x4S V128Load16x4U V128Load32x2S V128Load32x2U
    V128Load8Splat V128Load16Splat V128Load32Splat V128Load64Splat V128Load32Zero V128Load64Zero
}

accesses! {
    /// A load of one lane.
    LaneLoad lane_loads:
    V128Load8Lane V128Load16Lane V128Load32Lane V128Load64Lane
}

accesses! {
    /// A store of one lane.
    LaneStore lane_stores:
    V128Store8Lane V128Store16Lane V128Store32Lane V128Store64Lane
}
