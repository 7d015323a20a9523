//! Operations on vectors: comparisons, and what is asked of all lanes at once.

use super::super::super::context::{Acc, Context, Handler, dispatch};
use super::super::super::handlers::set;
use super::lanes::*;
use super::shapes::{get_vector, set_vector, shape};
use super::vector_ops;

vector_ops! {
    /// A comparison of all lanes, to masks.
    Comparison binary:
    I8x16Eq |a, b| compare::<u8, u8, 16>(a, b, |a, b| a == b);
    I8x16Ne |a, b| compare::<u8, u8, 16>(a, b, |a, b| a != b);
    I8x16LtS |a, b| compare::<i8, u8, 16>(a, b, |a, b| a < b);
    I8x16LtU |a, b| compare::<u8, u8, 16>(a, b, |a, b| a < b);
    I8x16GtS |a, b| compare::<i8, u8, 16>(a, b, |a, b| a > b);
    I8x16GtU |a, b| compare::<u8, u8, 16>(a, b, |a, b| a > b);
    I8x16LeS |a, b| compare::<i8, u8, 16>(a, b, |a, b| a <= b);
    I8x16LeU |a, b| compare::<u8, u8, 16>(a, b, |a, b| a <= b);
    I8x16GeS |a, b| compare::<i8, u8, 16>(a, b, |a, b| a >= b);
    I8x16GeU |a, b| compare::<u8, u8, 16>(a, b, |a, b| a >= b);
    I16x8Eq |a, b| compare::<u16, u16, 8>(a, b, |a, b| a == b);
    I16x8Ne |a, b| compare::<u16, u16, 8>(a, b, |a, b| a != b);
    I16x8LtS |a, b| compare::<i16, u16, 8>(a, b, |a, b| a < b);
    I16x8LtU |a, b| compare::<u16, u16, 8>(a, b, |a, b| a < b);
    I16x8GtS |a, b| compare::<i16, u16, 8>(a, b, |a, b| a > b);
    I16x8GtU |a, b| compare::<u16, u16, 8>(a, b, |a, b| a > b);
    I16x8LeS |a, b| compare::<i16, u16, 8>(a, b, |a, b| a <= b);
    I16x8LeU |a, b| compare::<u16, u16, 8>(a, b, |a, b| a <= b);
    I16x8GeS |a, b| compare::<i16, u16, 8>(a, b, |a, b| a >= b);
    I16x8GeU |a, b| compare::<u16, u16, 8>(a, b, |a, b| a >= b);
    I32x4Eq |a, b| compare::<u32, u32, 4>(a, b, |a, b| a == b);
    I32x4Ne |a, b| compare::<u32, u32, 4>(a, b, |a, b| a != b);
    I32x4LtS |a, b| compare::<i32, u32, 4>(a, b, |a, b| a < b);
    I32x4LtU |a, b| compare::<u32, u32, 4>(a, b, |a, b| a < b);
    I32x4GtS |a, b| compare::<i32, u32, 4>(a, b, |a, b| a > b);
    I32x4GtU |a, b| compare::<u32, u32, 4>(a, b, |a, b| a > b);
    I32x4LeS |a, b| compare::<i32, u32, 4>(a, b, |a, b| a <= b);
    I32x4LeU |a, b| compare::<u32, u32, 4>(a, b, |a, b| a <= b);
    I32x4GeS |a, b| compare::<i32, u32, 4>(a, b, |a, b| a >= b);
    I32x4GeU |a, b| compare::<u32, u32, 4>(a, b, |a, b| a >= b);
    I64x2Eq |a, b| compare::<u64, u64, 2>(a, b, |a, b| a == b);
    I64x2Ne |a, b| compare::<u64, u64, 2>(a, b, |a, b| a != b);
    I64x2LtS |a, b| compare::<i64, u64, 2>(a, b, |a, b| a < b);
    I64x2GtS |a, b| compare::<i64, u64, 2>(a, b, |a, b| a > b);
    I64x2LeS |a, b| compare::<i64, u64, 2>(a, b, |a, b| a <= b);
    I64x2GeS |a, b| compare::<i64, u64, 2>(a, b, |a, b| a >= b);
    F32x4Eq |a, b| compare::<f32, u32, 4>(a, b, |a, b| a == b);
    F32x4Ne |a, b| compare::<f32, u32, 4>(a, b, |a, b| a != b);
    F32x4Lt |a, b| compare::<f32, u32, 4>(a, b, |a, b| a < b);
    F32x4Gt |a, b| compare::<f32, u32, 4>(a, b, |a, b| a > b);
    F32x4Le |a, b| compare::<f32, u32, 4>(a, b, |a, b| a <= b);
    F32x4Ge |a, b| compare::<f32, u32, 4>(a, b, |a, b| a >= b);
    F64x2Eq |a, b| compare::<f64, u64, 2>(a, b, |a, b| a == b);
    F64x2Ne |a, b| compare::<f64, u64, 2>(a, b, |a, b| a != b);
    F64x2Lt |a, b| compare::<f64, u64, 2>(a, b, |a, b| a < b);
    F64x2Gt |a, b| compare::<f64, u64, 2>(a, b, |a, b| a > b);
    F64x2Le |a, b| compare::<f64, u64, 2>(a, b, |a, b| a <= b);
    F64x2Ge |a, b| compare::<f64, u64, 2>(a, b, |a, b| a >= b);
}

vector_ops! {
    /// What all lanes of a vector are together.
    Test test:
    V128AnyTrue |a| a != [0, 0];
    I8x16AllTrue |a| lanes::<u8, 16>(a).iter().all(|lane| *lane != 0);
    I8x16Bitmask |a| bitmask::<i8, 16>(a);
    I16x8AllTrue |a| lanes::<u16, 8>(a).iter().all(|lane| *lane != 0);
    I16x8Bitmask |a| bitmask::<i16, 8>(a);
    I32x4AllTrue |a| lanes::<u32, 4>(a).iter().all(|lane| *lane != 0);
    I32x4Bitmask |a| bitmask::<i32, 4>(a);
    I64x2AllTrue |a| lanes::<u64, 2>(a).iter().all(|lane| *lane != 0);
    I64x2Bitmask |a| bitmask::<i64, 2>(a);
}
