//! Operations on vectors: of three vectors, and of one lane.

use super::super::super::context::{Acc, Context, Handler, dispatch};
use super::super::super::handlers::{get, op16, set};
use super::lanes::*;
use super::shapes::{get_vector, set_vector, shape};
use super::vector_ops;

vector_ops! {
    /// An operation on three vectors.
    Ternary ternary:
    V128Bitselect select;
    F32x4RelaxedMadd |a, b, c| zip3::<f32, 4>(a, b, c, |a, b, c| a * b + c);
    F32x4RelaxedNmadd |a, b, c| zip3::<f32, 4>(a, b, c, |a, b, c| -a * b + c);
    F64x2RelaxedMadd |a, b, c| zip3::<f64, 2>(a, b, c, |a, b, c| a * b + c);
    F64x2RelaxedNmadd |a, b, c| zip3::<f64, 2>(a, b, c, |a, b, c| -a * b + c);
    I32x4RelaxedDotI8x16I7x16AddS dot_bytes_add;
}

vector_ops! {
    /// A scalar in all lanes.
    Splat splat:
    I8x16Splat |a: u32| splat::<u8, 16>(a as u8);
    I16x8Splat |a: u32| splat::<u16, 8>(a as u16);
    I32x4Splat |a: u32| splat::<u32, 4>(a);
    I64x2Splat |a: u64| splat::<u64, 2>(a);
}

vector_ops! {
    /// A lane as a scalar.
    Extract extract:
    I8x16ExtractLaneS |a, lane| i32::from(lane_of::<i8, 16>(a, lane));
    I8x16ExtractLaneU |a, lane| u32::from(lane_of::<u8, 16>(a, lane));
    I16x8ExtractLaneS |a, lane| i32::from(lane_of::<i16, 8>(a, lane));
    I16x8ExtractLaneU |a, lane| u32::from(lane_of::<u16, 8>(a, lane));
    I32x4ExtractLane |a, lane| lane_of::<u32, 4>(a, lane);
    I64x2ExtractLane |a, lane| lane_of::<u64, 2>(a, lane);
}

vector_ops! {
    /// A vector with one lane replaced.
    Replace replace:
    I8x16ReplaceLane |a, value: u32, lane| with_lane::<u8, 16>(a, lane, value as u8);
    I16x8ReplaceLane |a, value: u32, lane| with_lane::<u16, 8>(a, lane, value as u16);
    I32x4ReplaceLane |a, value: u32, lane| with_lane::<u32, 4>(a, lane, value);
    I64x2ReplaceLane |a, value: u64, lane| with_lane::<u64, 2>(a, lane, value);
}
