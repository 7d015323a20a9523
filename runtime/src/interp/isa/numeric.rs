//! Arithmetic: what each numeric operation computes.

use super::super::context::Handler;
use super::super::handlers::numeric as handlers;
use super::super::trap::Exit;
use super::value::{Binary, Class, Operand, Outcome, Unary};
use super::{BinaryForm, CompareForm, Input, Output};

/// The opposite of a comparison, and the same one with its operands swapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Relatives {
    pub inverse: CompareOp,
    pub swapped: CompareOp,
}

macro_rules! binary_ops {
    (
        $(#[$doc:meta])* $enum:ident, $property:ident: $property_ty:ty, $form:ty => $lookup:ident;
        $($name:ident $text:literal $in:ty => $out:ty, $value:expr, |$a:ident, $b:ident| $body:expr;)*
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $enum { $($name),* }

        impl $enum {
            pub const ALL: &[$enum] = &[$($enum::$name),*];

            pub fn text(self) -> &'static str {
                match self { $($enum::$name => $text),* }
            }

            /// The type of the operands.
            pub fn class(self) -> Class {
                match self { $($enum::$name => <$in>::CLASS),* }
            }

            /// What a translator may do with it.
            pub fn $property(self) -> $property_ty {
                match self { $($enum::$name => $value),* }
            }

            /// The code that executes it.
            pub const fn handler(self, form: $form) -> Handler {
                match self { $($enum::$name => handlers::$lookup::<$name>(form)),* }
            }
        }

        $(
            pub(crate) struct $name;
            impl Binary for $name {
                type In = $in;
                type Out = $out;
                #[inline(always)]
                fn apply($a: $in, $b: $in) -> Result<$out, Exit> {
                    Outcome::<$out>::outcome($body)
                }
            }
        )*
    };
}

macro_rules! unary_ops {
    ($($name:ident $text:literal $in:ty => $out:ty, |$a:ident| $body:expr;)*) => {
        /// An operation on one value.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum UnaryOp { $($name),* }

        impl UnaryOp {
            pub const ALL: &[UnaryOp] = &[$(UnaryOp::$name),*];

            pub fn text(self) -> &'static str {
                match self { $(UnaryOp::$name => $text),* }
            }

            /// The types of operand and result.
            pub fn classes(self) -> (Class, Class) {
                match self { $(UnaryOp::$name => (<$in>::CLASS, <$out>::CLASS)),* }
            }

            /// The code that executes it.
            pub const fn handler(self, input: Input, output: Output) -> Handler {
                match self { $(UnaryOp::$name => handlers::unary_handler::<$name>(input, output)),* }
            }
        }

        $(
            pub(crate) struct $name;
            impl Unary for $name {
                type In = $in;
                type Out = $out;
                #[inline(always)]
                fn apply($a: $in) -> Result<$out, Exit> {
                    Outcome::<$out>::outcome($body)
                }
            }
        )*
    };
}

macro_rules! compares {
    ($inverse:ident, $swapped:ident) => {
        Relatives {
            inverse: CompareOp::$inverse,
            swapped: CompareOp::$swapped,
        }
    };
}

binary_ops! {
    /// A comparison: an operation that yields a truth value.
    CompareOp, relatives: Relatives, CompareForm => compare_handler;

    I32Eq "i32.eq" u32 => bool, compares!(I32Ne, I32Eq), |a, b| a == b;
    I32Ne "i32.ne" u32 => bool, compares!(I32Eq, I32Ne), |a, b| a != b;
    I32LtS "i32.lt_s" i32 => bool, compares!(I32GeS, I32GtS), |a, b| a < b;
    I32LtU "i32.lt_u" u32 => bool, compares!(I32GeU, I32GtU), |a, b| a < b;
    I32GtS "i32.gt_s" i32 => bool, compares!(I32LeS, I32LtS), |a, b| a > b;
    I32GtU "i32.gt_u" u32 => bool, compares!(I32LeU, I32LtU), |a, b| a > b;
    I32LeS "i32.le_s" i32 => bool, compares!(I32GtS, I32GeS), |a, b| a <= b;
    I32LeU "i32.le_u" u32 => bool, compares!(I32GtU, I32GeU), |a, b| a <= b;
    I32GeS "i32.ge_s" i32 => bool, compares!(I32LtS, I32LeS), |a, b| a >= b;
    I32GeU "i32.ge_u" u32 => bool, compares!(I32LtU, I32LeU), |a, b| a >= b;

    I64Eq "i64.eq" u64 => bool, compares!(I64Ne, I64Eq), |a, b| a == b;
    I64Ne "i64.ne" u64 => bool, compares!(I64Eq, I64Ne), |a, b| a != b;
    I64LtS "i64.lt_s" i64 => bool, compares!(I64GeS, I64GtS), |a, b| a < b;
    I64LtU "i64.lt_u" u64 => bool, compares!(I64GeU, I64GtU), |a, b| a < b;
    I64GtS "i64.gt_s" i64 => bool, compares!(I64LeS, I64LtS), |a, b| a > b;
    I64GtU "i64.gt_u" u64 => bool, compares!(I64LeU, I64LtU), |a, b| a > b;
    I64LeS "i64.le_s" i64 => bool, compares!(I64GtS, I64GeS), |a, b| a <= b;
    I64LeU "i64.le_u" u64 => bool, compares!(I64GtU, I64GeU), |a, b| a <= b;
    I64GeS "i64.ge_s" i64 => bool, compares!(I64LtS, I64LeS), |a, b| a >= b;
    I64GeU "i64.ge_u" u64 => bool, compares!(I64LtU, I64LeU), |a, b| a >= b;

    // Tests of bits, which Wasm spells `and` followed by a branch.
    I32Test "i32.test" u32 => bool, compares!(I32TestZ, I32Test), |a, b| a & b != 0;
    I32TestZ "i32.testz" u32 => bool, compares!(I32Test, I32TestZ), |a, b| a & b == 0;

    // The inverse of an order of floats is no order: both are false of a NaN.
    F32Eq "f32.eq" f32 => bool, compares!(F32Ne, F32Eq), |a, b| a == b;
    F32Ne "f32.ne" f32 => bool, compares!(F32Eq, F32Ne), |a, b| a != b;
    F32Lt "f32.lt" f32 => bool, compares!(F32NotLt, F32Gt), |a, b| a < b;
    F32Gt "f32.gt" f32 => bool, compares!(F32NotGt, F32Lt), |a, b| a > b;
    F32Le "f32.le" f32 => bool, compares!(F32NotLe, F32Ge), |a, b| a <= b;
    F32Ge "f32.ge" f32 => bool, compares!(F32NotGe, F32Le), |a, b| a >= b;
    F32NotLt "f32.not_lt" f32 => bool, compares!(F32Lt, F32NotGt), |a, b| not(a < b);
    F32NotGt "f32.not_gt" f32 => bool, compares!(F32Gt, F32NotLt), |a, b| not(a > b);
    F32NotLe "f32.not_le" f32 => bool, compares!(F32Le, F32NotGe), |a, b| not(a <= b);
    F32NotGe "f32.not_ge" f32 => bool, compares!(F32Ge, F32NotLe), |a, b| not(a >= b);

    F64Eq "f64.eq" f64 => bool, compares!(F64Ne, F64Eq), |a, b| a == b;
    F64Ne "f64.ne" f64 => bool, compares!(F64Eq, F64Ne), |a, b| a != b;
    F64Lt "f64.lt" f64 => bool, compares!(F64NotLt, F64Gt), |a, b| a < b;
    F64Gt "f64.gt" f64 => bool, compares!(F64NotGt, F64Lt), |a, b| a > b;
    F64Le "f64.le" f64 => bool, compares!(F64NotLe, F64Ge), |a, b| a <= b;
    F64Ge "f64.ge" f64 => bool, compares!(F64NotGe, F64Le), |a, b| a >= b;
    F64NotLt "f64.not_lt" f64 => bool, compares!(F64Lt, F64NotGt), |a, b| not(a < b);
    F64NotGt "f64.not_gt" f64 => bool, compares!(F64Gt, F64NotLt), |a, b| not(a > b);
    F64NotLe "f64.not_le" f64 => bool, compares!(F64Le, F64NotGe), |a, b| not(a <= b);
    F64NotGe "f64.not_ge" f64 => bool, compares!(F64Ge, F64NotLe), |a, b| not(a >= b);

}

binary_ops! {
    /// An operation on two values of one type.
    ArithOp, commutative: bool, (BinaryForm, Output) => binary_handler;

    I32Add "i32.add" u32 => u32, true, |a, b| a.wrapping_add(b);
    I32Sub "i32.sub" u32 => u32, false, |a, b| a.wrapping_sub(b);
    I32Mul "i32.mul" u32 => u32, true, |a, b| a.wrapping_mul(b);
    I32DivS "i32.div_s" i32 => i32, false, |a, b| divided(b == 0, a.checked_div(b));
    I32DivU "i32.div_u" u32 => u32, false, |a, b| divided(b == 0, a.checked_div(b));
    I32RemS "i32.rem_s" i32 => i32, false, |a, b| if b == 0 { Err(Exit::DivideByZero) } else { Ok(a.wrapping_rem(b)) };
    I32RemU "i32.rem_u" u32 => u32, false, |a, b| divided(b == 0, a.checked_rem(b));
    I32And "i32.and" u32 => u32, true, |a, b| a & b;
    I32Or "i32.or" u32 => u32, true, |a, b| a | b;
    I32Xor "i32.xor" u32 => u32, true, |a, b| a ^ b;
    I32Shl "i32.shl" u32 => u32, false, |a, b| a.wrapping_shl(b);
    I32ShrS "i32.shr_s" i32 => i32, false, |a, b| a.wrapping_shr(b as u32);
    I32ShrU "i32.shr_u" u32 => u32, false, |a, b| a.wrapping_shr(b);
    I32Rotl "i32.rotl" u32 => u32, false, |a, b| a.rotate_left(b & 31);
    I32Rotr "i32.rotr" u32 => u32, false, |a, b| a.rotate_right(b & 31);

    I64Add "i64.add" u64 => u64, true, |a, b| a.wrapping_add(b);
    I64Sub "i64.sub" u64 => u64, false, |a, b| a.wrapping_sub(b);
    I64Mul "i64.mul" u64 => u64, true, |a, b| a.wrapping_mul(b);
    I64DivS "i64.div_s" i64 => i64, false, |a, b| divided(b == 0, a.checked_div(b));
    I64DivU "i64.div_u" u64 => u64, false, |a, b| divided(b == 0, a.checked_div(b));
    I64RemS "i64.rem_s" i64 => i64, false, |a, b| if b == 0 { Err(Exit::DivideByZero) } else { Ok(a.wrapping_rem(b)) };
    I64RemU "i64.rem_u" u64 => u64, false, |a, b| divided(b == 0, a.checked_rem(b));
    I64And "i64.and" u64 => u64, true, |a, b| a & b;
    I64Or "i64.or" u64 => u64, true, |a, b| a | b;
    I64Xor "i64.xor" u64 => u64, true, |a, b| a ^ b;
    I64Shl "i64.shl" u64 => u64, false, |a, b| a.wrapping_shl(b as u32);
    I64ShrS "i64.shr_s" i64 => i64, false, |a, b| a.wrapping_shr(b as u32);
    I64ShrU "i64.shr_u" u64 => u64, false, |a, b| a.wrapping_shr(b as u32);
    I64Rotl "i64.rotl" u64 => u64, false, |a, b| a.rotate_left(b as u32 & 63);
    I64Rotr "i64.rotr" u64 => u64, false, |a, b| a.rotate_right(b as u32 & 63);

    F32Add "f32.add" f32 => f32, false, |a, b| a + b;
    F32Sub "f32.sub" f32 => f32, false, |a, b| a - b;
    F32Mul "f32.mul" f32 => f32, false, |a, b| a * b;
    F32Div "f32.div" f32 => f32, false, |a, b| a / b;
    F32Min "f32.min" f32 => f32, false, |a, b| if a.is_nan() || b.is_nan() { a + b } else if a == b { f32::from_bits(a.to_bits() | b.to_bits()) } else if a < b { a } else { b };
    F32Max "f32.max" f32 => f32, false, |a, b| if a.is_nan() || b.is_nan() { a + b } else if a == b { f32::from_bits(a.to_bits() & b.to_bits()) } else if a > b { a } else { b };
    F32Copysign "f32.copysign" f32 => f32, false, |a, b| a.copysign(b);

    F64Add "f64.add" f64 => f64, false, |a, b| a + b;
    F64Sub "f64.sub" f64 => f64, false, |a, b| a - b;
    F64Mul "f64.mul" f64 => f64, false, |a, b| a * b;
    F64Div "f64.div" f64 => f64, false, |a, b| a / b;
    F64Min "f64.min" f64 => f64, false, |a, b| if a.is_nan() || b.is_nan() { a + b } else if a == b { f64::from_bits(a.to_bits() | b.to_bits()) } else if a < b { a } else { b };
    F64Max "f64.max" f64 => f64, false, |a, b| if a.is_nan() || b.is_nan() { a + b } else if a == b { f64::from_bits(a.to_bits() & b.to_bits()) } else if a > b { a } else { b };
    F64Copysign "f64.copysign" f64 => f64, false, |a, b| a.copysign(b);
}

unary_ops! {
    I32Clz "i32.clz" u32 => u32, |a| a.leading_zeros();
    I32Ctz "i32.ctz" u32 => u32, |a| a.trailing_zeros();
    I32Popcnt "i32.popcnt" u32 => u32, |a| a.count_ones();
    I64Clz "i64.clz" u64 => u64, |a| u64::from(a.leading_zeros());
    I64Ctz "i64.ctz" u64 => u64, |a| u64::from(a.trailing_zeros());
    I64Popcnt "i64.popcnt" u64 => u64, |a| u64::from(a.count_ones());
    I32Extend8S "i32.extend8_s" i32 => i32, |a| i32::from(a as i8);
    I32Extend16S "i32.extend16_s" i32 => i32, |a| i32::from(a as i16);
    I64Extend8S "i64.extend8_s" i64 => i64, |a| i64::from(a as i8);
    I64Extend16S "i64.extend16_s" i64 => i64, |a| i64::from(a as i16);
    // Also i64.extend_i32_s.
    I64Extend32S "i64.extend32_s" i32 => i64, |a| i64::from(a);
    // i64.extend_i32_u and i32.wrap_i64 both keep the low half.
    KeepLow32 "keep_low32" u32 => u32, |a| a;

    // A signalling NaN comes out quiet, which addition does and library functions may not.
    F32Abs "f32.abs" f32 => f32, |a| f32::from_bits(a.to_bits() & !(1 << 31));
    F32Neg "f32.neg" f32 => f32, |a| f32::from_bits(a.to_bits() ^ (1 << 31));
    F32Ceil "f32.ceil" f32 => f32, |a| if a.is_nan() { a + a } else { a.ceil() };
    F32Floor "f32.floor" f32 => f32, |a| if a.is_nan() { a + a } else { a.floor() };
    F32Trunc "f32.trunc" f32 => f32, |a| if a.is_nan() { a + a } else { a.trunc() };
    F32Nearest "f32.nearest" f32 => f32, |a| if a.is_nan() { a + a } else { a.round_ties_even() };
    F32Sqrt "f32.sqrt" f32 => f32, |a| a.sqrt();
    F64Abs "f64.abs" f64 => f64, |a| f64::from_bits(a.to_bits() & !(1 << 63));
    F64Neg "f64.neg" f64 => f64, |a| f64::from_bits(a.to_bits() ^ (1 << 63));
    F64Ceil "f64.ceil" f64 => f64, |a| if a.is_nan() { a + a } else { a.ceil() };
    F64Floor "f64.floor" f64 => f64, |a| if a.is_nan() { a + a } else { a.floor() };
    F64Trunc "f64.trunc" f64 => f64, |a| if a.is_nan() { a + a } else { a.trunc() };
    F64Nearest "f64.nearest" f64 => f64, |a| if a.is_nan() { a + a } else { a.round_ties_even() };
    F64Sqrt "f64.sqrt" f64 => f64, |a| a.sqrt();

    // The first bounds below are those of the integer type, or the next float outside.
    I32TruncF32S "i32.trunc_f32_s" f32 => i32, |a| truncated(a.is_nan(), (-2147483648.0..2147483648.0).contains(&a), a as i32);
    I32TruncF32U "i32.trunc_f32_u" f32 => u32, |a| truncated(a.is_nan(), a > -1.0 && a < 4294967296.0, a as u32);
    I32TruncF64S "i32.trunc_f64_s" f64 => i32, |a| truncated(a.is_nan(), a > -2147483649.0 && a < 2147483648.0, a as i32);
    I32TruncF64U "i32.trunc_f64_u" f64 => u32, |a| truncated(a.is_nan(), a > -1.0 && a < 4294967296.0, a as u32);
    I64TruncF32S "i64.trunc_f32_s" f32 => i64, |a| truncated(a.is_nan(), (-9223372036854775808.0..9223372036854775808.0).contains(&a), a as i64);
    I64TruncF32U "i64.trunc_f32_u" f32 => u64, |a| truncated(a.is_nan(), a > -1.0 && a < 18446744073709551616.0, a as u64);
    I64TruncF64S "i64.trunc_f64_s" f64 => i64, |a| truncated(a.is_nan(), (-9223372036854775808.0..9223372036854775808.0).contains(&a), a as i64);
    I64TruncF64U "i64.trunc_f64_u" f64 => u64, |a| truncated(a.is_nan(), a > -1.0 && a < 18446744073709551616.0, a as u64);
    I32TruncSatF32S "i32.trunc_sat_f32_s" f32 => i32, |a| a as i32;
    I32TruncSatF32U "i32.trunc_sat_f32_u" f32 => u32, |a| a as u32;
    I32TruncSatF64S "i32.trunc_sat_f64_s" f64 => i32, |a| a as i32;
    I32TruncSatF64U "i32.trunc_sat_f64_u" f64 => u32, |a| a as u32;
    I64TruncSatF32S "i64.trunc_sat_f32_s" f32 => i64, |a| a as i64;
    I64TruncSatF32U "i64.trunc_sat_f32_u" f32 => u64, |a| a as u64;
    I64TruncSatF64S "i64.trunc_sat_f64_s" f64 => i64, |a| a as i64;
    I64TruncSatF64U "i64.trunc_sat_f64_u" f64 => u64, |a| a as u64;
    F32ConvertI32S "f32.convert_i32_s" i32 => f32, |a| a as f32;
    F32ConvertI32U "f32.convert_i32_u" u32 => f32, |a| a as f32;
    F32ConvertI64S "f32.convert_i64_s" i64 => f32, |a| a as f32;
    F32ConvertI64U "f32.convert_i64_u" u64 => f32, |a| a as f32;
    F64ConvertI32S "f64.convert_i32_s" i32 => f64, |a| f64::from(a);
    F64ConvertI32U "f64.convert_i32_u" u32 => f64, |a| f64::from(a);
    F64ConvertI64S "f64.convert_i64_s" i64 => f64, |a| a as f64;
    F64ConvertI64U "f64.convert_i64_u" u64 => f64, |a| a as f64;
    F32DemoteF64 "f32.demote_f64" f64 => f32, |a| a as f32;
    F64PromoteF32 "f64.promote_f32" f32 => f64, |a| f64::from(a);
}

/// The opposite; spelt out, since `!(a < b)` on floats reads like a mistake.
#[inline(always)]
fn not(truth: bool) -> bool {
    !truth
}

#[inline(always)]
fn divided<T>(by_zero: bool, quotient: Option<T>) -> Result<T, Exit> {
    match quotient {
        Some(quotient) => Ok(quotient),
        None if by_zero => Err(Exit::DivideByZero),
        None => Err(Exit::IntegerOverflow),
    }
}

#[inline(always)]
fn truncated<T>(nan: bool, fits: bool, value: T) -> Result<T, Exit> {
    match (nan, fits) {
        (_, true) => Ok(value),
        (true, false) => Err(Exit::InvalidConversion),
        (false, false) => Err(Exit::IntegerOverflow),
    }
}
