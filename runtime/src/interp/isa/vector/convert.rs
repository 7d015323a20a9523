//! Operations on vectors that change the width or kind of lanes.

use super::super::super::context::{Acc, Context, Handler, dispatch};
use super::lanes::*;
use super::shapes::{get_vector, set_vector, shape};
use super::vector_ops;

vector_ops! {
    /// A conversion of a vector.
    Conversion unary:
    I16x8ExtendLowI8x16S |a| part::<i8, i16, 16, 8>(a, 0, i16::from);
    I16x8ExtendHighI8x16S |a| part::<i8, i16, 16, 8>(a, 8, i16::from);
    I16x8ExtAddPairwiseI8x16S |a| pairs::<i8, i16, 16, 8>(a);
    I16x8ExtendLowI8x16U |a| part::<u8, u16, 16, 8>(a, 0, u16::from);
    I16x8ExtendHighI8x16U |a| part::<u8, u16, 16, 8>(a, 8, u16::from);
    I16x8ExtAddPairwiseI8x16U |a| pairs::<u8, u16, 16, 8>(a);
    I32x4ExtendLowI16x8S |a| part::<i16, i32, 8, 4>(a, 0, i32::from);
    I32x4ExtendHighI16x8S |a| part::<i16, i32, 8, 4>(a, 4, i32::from);
    I32x4ExtAddPairwiseI16x8S |a| pairs::<i16, i32, 8, 4>(a);
    I32x4ExtendLowI16x8U |a| part::<u16, u32, 8, 4>(a, 0, u32::from);
    I32x4ExtendHighI16x8U |a| part::<u16, u32, 8, 4>(a, 4, u32::from);
    I32x4ExtAddPairwiseI16x8U |a| pairs::<u16, u32, 8, 4>(a);
    I64x2ExtendLowI32x4S |a| part::<i32, i64, 4, 2>(a, 0, i64::from);
    I64x2ExtendHighI32x4S |a| part::<i32, i64, 4, 2>(a, 2, i64::from);
    I64x2ExtendLowI32x4U |a| part::<u32, u64, 4, 2>(a, 0, u64::from);
    I64x2ExtendHighI32x4U |a| part::<u32, u64, 4, 2>(a, 2, u64::from);
    I32x4TruncSatF32x4S |a| map::<f32, i32, 4>(a, |a| a as i32);
    I32x4TruncSatF64x2SZero |a| halve::<f64, i32>(a, |a| a as i32);
    I32x4TruncSatF32x4U |a| map::<f32, u32, 4>(a, |a| a as u32);
    I32x4TruncSatF64x2UZero |a| halve::<f64, u32>(a, |a| a as u32);
    F32x4ConvertI32x4S |a| map::<i32, f32, 4>(a, |a| a as f32);
    F64x2ConvertLowI32x4S |a| part::<i32, f64, 4, 2>(a, 0, f64::from);
    F32x4ConvertI32x4U |a| map::<u32, f32, 4>(a, |a| a as f32);
    F64x2ConvertLowI32x4U |a| part::<u32, f64, 4, 2>(a, 0, f64::from);
    F32x4DemoteF64x2Zero |a| halve::<f64, f32>(a, |a| a as f32);
    F64x2PromoteLowF32x4 |a| part::<f32, f64, 4, 2>(a, 0, f64::from);
}

vector_ops! {
    /// A conversion of two vectors into one.
    Joining binary:
    I16x8ExtMulLowI8x16S |a, b| multiply::<i8, i16, 16, 8>(a, b, 0);
    I16x8ExtMulHighI8x16S |a, b| multiply::<i8, i16, 16, 8>(a, b, 8);
    I16x8ExtMulLowI8x16U |a, b| multiply::<u8, u16, 16, 8>(a, b, 0);
    I16x8ExtMulHighI8x16U |a, b| multiply::<u8, u16, 16, 8>(a, b, 8);
    I32x4ExtMulLowI16x8S |a, b| multiply::<i16, i32, 8, 4>(a, b, 0);
    I32x4ExtMulHighI16x8S |a, b| multiply::<i16, i32, 8, 4>(a, b, 4);
    I32x4ExtMulLowI16x8U |a, b| multiply::<u16, u32, 8, 4>(a, b, 0);
    I32x4ExtMulHighI16x8U |a, b| multiply::<u16, u32, 8, 4>(a, b, 4);
    I64x2ExtMulLowI32x4S |a, b| multiply::<i32, i64, 4, 2>(a, b, 0);
    I64x2ExtMulHighI32x4S |a, b| multiply::<i32, i64, 4, 2>(a, b, 2);
    I64x2ExtMulLowI32x4U |a, b| multiply::<u32, u64, 4, 2>(a, b, 0);
    I64x2ExtMulHighI32x4U |a, b| multiply::<u32, u64, 4, 2>(a, b, 2);
    I8x16NarrowI16x8S |a, b| narrow::<i16, i8, 8, 16>(a, b, |a| a.clamp(i8::MIN as i16, i8::MAX as i16) as i8);
    I8x16NarrowI16x8U |a, b| narrow::<i16, u8, 8, 16>(a, b, |a| a.clamp(u8::MIN as i16, u8::MAX as i16) as u8);
    I16x8NarrowI32x4S |a, b| narrow::<i32, i16, 4, 8>(a, b, |a| a.clamp(i16::MIN as i32, i16::MAX as i32) as i16);
    I16x8NarrowI32x4U |a, b| narrow::<i32, u16, 4, 8>(a, b, |a| a.clamp(u16::MIN as i32, u16::MAX as i32) as u16);
}
