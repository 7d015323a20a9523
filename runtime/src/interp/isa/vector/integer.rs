//! Operations on vectors of integers.

use super::super::super::context::{Acc, Context, Handler, dispatch};
use super::super::super::handlers::get;
use super::lanes::*;
use super::shapes::{get_vector, set_vector, shape};
use super::vector_ops;

vector_ops! {
    /// An operation on one vector of integers, or of bits.
    IntUnary unary:
    V128Not |a| map::<u64, u64, 2>(a, |a| !a);
    I8x16Abs |a| map::<i8, i8, 16>(a, i8::wrapping_abs);
    I8x16Neg |a| map::<i8, i8, 16>(a, i8::wrapping_neg);
    I16x8Abs |a| map::<i16, i16, 8>(a, i16::wrapping_abs);
    I16x8Neg |a| map::<i16, i16, 8>(a, i16::wrapping_neg);
    I32x4Abs |a| map::<i32, i32, 4>(a, i32::wrapping_abs);
    I32x4Neg |a| map::<i32, i32, 4>(a, i32::wrapping_neg);
    I64x2Abs |a| map::<i64, i64, 2>(a, i64::wrapping_abs);
    I64x2Neg |a| map::<i64, i64, 2>(a, i64::wrapping_neg);
    I8x16Popcnt |a| map::<u8, u8, 16>(a, |a| a.count_ones() as u8);
}

vector_ops! {
    /// An operation on two vectors of integers, or of bits.
    IntBinary binary:
    V128And |a, b| zip::<u64, u64, 2>(a, b, |a, b| a & b);
    V128AndNot |a, b| zip::<u64, u64, 2>(a, b, |a, b| a & !b);
    V128Or |a, b| zip::<u64, u64, 2>(a, b, |a, b| a | b);
    V128Xor |a, b| zip::<u64, u64, 2>(a, b, |a, b| a ^ b);
    I8x16Add |a, b| zip::<u8, u8, 16>(a, b, u8::wrapping_add);
    I8x16Sub |a, b| zip::<u8, u8, 16>(a, b, u8::wrapping_sub);
    I8x16AddSatS |a, b| zip::<i8, i8, 16>(a, b, i8::saturating_add);
    I8x16AddSatU |a, b| zip::<u8, u8, 16>(a, b, u8::saturating_add);
    I8x16SubSatS |a, b| zip::<i8, i8, 16>(a, b, i8::saturating_sub);
    I8x16SubSatU |a, b| zip::<u8, u8, 16>(a, b, u8::saturating_sub);
    I8x16AvgrU |a, b| zip::<u8, u8, 16>(a, b, |a, b| (u32::from(a) + u32::from(b)).div_ceil(2) as u8);
    I8x16MinS |a, b| zip::<i8, i8, 16>(a, b, Ord::min);
    I8x16MinU |a, b| zip::<u8, u8, 16>(a, b, Ord::min);
    I8x16MaxS |a, b| zip::<i8, i8, 16>(a, b, Ord::max);
    I8x16MaxU |a, b| zip::<u8, u8, 16>(a, b, Ord::max);
    I16x8Add |a, b| zip::<u16, u16, 8>(a, b, u16::wrapping_add);
    I16x8Sub |a, b| zip::<u16, u16, 8>(a, b, u16::wrapping_sub);
    I16x8Mul |a, b| zip::<u16, u16, 8>(a, b, u16::wrapping_mul);
    I16x8AddSatS |a, b| zip::<i16, i16, 8>(a, b, i16::saturating_add);
    I16x8AddSatU |a, b| zip::<u16, u16, 8>(a, b, u16::saturating_add);
    I16x8SubSatS |a, b| zip::<i16, i16, 8>(a, b, i16::saturating_sub);
    I16x8SubSatU |a, b| zip::<u16, u16, 8>(a, b, u16::saturating_sub);
    I16x8AvgrU |a, b| zip::<u16, u16, 8>(a, b, |a, b| (u32::from(a) + u32::from(b)).div_ceil(2) as u16);
    I16x8MinS |a, b| zip::<i16, i16, 8>(a, b, Ord::min);
    I16x8MinU |a, b| zip::<u16, u16, 8>(a, b, Ord::min);
    I16x8MaxS |a, b| zip::<i16, i16, 8>(a, b, Ord::max);
    I16x8MaxU |a, b| zip::<u16, u16, 8>(a, b, Ord::max);
    I32x4Add |a, b| zip::<u32, u32, 4>(a, b, u32::wrapping_add);
    I32x4Sub |a, b| zip::<u32, u32, 4>(a, b, u32::wrapping_sub);
    I32x4Mul |a, b| zip::<u32, u32, 4>(a, b, u32::wrapping_mul);
    I32x4MinS |a, b| zip::<i32, i32, 4>(a, b, Ord::min);
    I32x4MinU |a, b| zip::<u32, u32, 4>(a, b, Ord::min);
    I32x4MaxS |a, b| zip::<i32, i32, 4>(a, b, Ord::max);
    I32x4MaxU |a, b| zip::<u32, u32, 4>(a, b, Ord::max);
    I64x2Add |a, b| zip::<u64, u64, 2>(a, b, u64::wrapping_add);
    I64x2Sub |a, b| zip::<u64, u64, 2>(a, b, u64::wrapping_sub);
    I64x2Mul |a, b| zip::<u64, u64, 2>(a, b, u64::wrapping_mul);
    I16x8Q15MulrSatS |a, b| zip::<i16, i16, 8>(a, b, q15);
    I8x16Swizzle swizzle;
    I32x4DotI16x8S dot;
    I16x8RelaxedDotI8x16I7x16S dot_bytes;
}

vector_ops! {
    /// A shift of all lanes.
    Shift shift:
    I8x16Shl |a, by| map::<u8, u8, 16>(a, |a| a.wrapping_shl(by));
    I8x16ShrS |a, by| map::<i8, i8, 16>(a, |a| a.wrapping_shr(by));
    I8x16ShrU |a, by| map::<u8, u8, 16>(a, |a| a.wrapping_shr(by));
    I16x8Shl |a, by| map::<u16, u16, 8>(a, |a| a.wrapping_shl(by));
    I16x8ShrS |a, by| map::<i16, i16, 8>(a, |a| a.wrapping_shr(by));
    I16x8ShrU |a, by| map::<u16, u16, 8>(a, |a| a.wrapping_shr(by));
    I32x4Shl |a, by| map::<u32, u32, 4>(a, |a| a.wrapping_shl(by));
    I32x4ShrS |a, by| map::<i32, i32, 4>(a, |a| a.wrapping_shr(by));
    I32x4ShrU |a, by| map::<u32, u32, 4>(a, |a| a.wrapping_shr(by));
    I64x2Shl |a, by| map::<u64, u64, 2>(a, |a| a.wrapping_shl(by));
    I64x2ShrS |a, by| map::<i64, i64, 2>(a, |a| a.wrapping_shr(by));
    I64x2ShrU |a, by| map::<u64, u64, 2>(a, |a| a.wrapping_shr(by));
}
