//! Operations on vectors of floats.

use super::super::super::context::{Acc, Context, Handler, dispatch};
use super::lanes::*;
use super::shapes::{get_vector, set_vector, shape};
use super::vector_ops;

vector_ops! {
    /// An operation on one vector of floats.
    FloatUnary unary:
    F32x4Ceil |a| map::<f32, f32, 4>(a, |a| if a.is_nan() { a + a } else { a.ceil() });
    F32x4Floor |a| map::<f32, f32, 4>(a, |a| if a.is_nan() { a + a } else { a.floor() });
    F32x4Trunc |a| map::<f32, f32, 4>(a, |a| if a.is_nan() { a + a } else { a.trunc() });
    F32x4Nearest |a| map::<f32, f32, 4>(a, |a| if a.is_nan() { a + a } else { a.round_ties_even() });
    F32x4Abs |a| map::<u32, u32, 4>(a, |a| a & !(1 << 31));
    F32x4Neg |a| map::<u32, u32, 4>(a, |a| a ^ (1 << 31));
    F32x4Sqrt |a| map::<f32, f32, 4>(a, f32::sqrt);
    F64x2Ceil |a| map::<f64, f64, 2>(a, |a| if a.is_nan() { a + a } else { a.ceil() });
    F64x2Floor |a| map::<f64, f64, 2>(a, |a| if a.is_nan() { a + a } else { a.floor() });
    F64x2Trunc |a| map::<f64, f64, 2>(a, |a| if a.is_nan() { a + a } else { a.trunc() });
    F64x2Nearest |a| map::<f64, f64, 2>(a, |a| if a.is_nan() { a + a } else { a.round_ties_even() });
    F64x2Abs |a| map::<u64, u64, 2>(a, |a| a & !(1 << 63));
    F64x2Neg |a| map::<u64, u64, 2>(a, |a| a ^ (1 << 63));
    F64x2Sqrt |a| map::<f64, f64, 2>(a, f64::sqrt);
}

vector_ops! {
    /// An operation on two vectors of floats.
    FloatBinary binary:
    F32x4Add |a, b| zip::<f32, f32, 4>(a, b, |a, b| a + b);
    F32x4Sub |a, b| zip::<f32, f32, 4>(a, b, |a, b| a - b);
    F32x4Mul |a, b| zip::<f32, f32, 4>(a, b, |a, b| a * b);
    F32x4Div |a, b| zip::<f32, f32, 4>(a, b, |a, b| a / b);
    F32x4Min |a, b| zip::<f32, f32, 4>(a, b, min_f32);
    F32x4Max |a, b| zip::<f32, f32, 4>(a, b, max_f32);
    F32x4PMin |a, b| zip::<f32, f32, 4>(a, b, |a, b| if b < a { b } else { a });
    F32x4PMax |a, b| zip::<f32, f32, 4>(a, b, |a, b| if a < b { b } else { a });
    F64x2Add |a, b| zip::<f64, f64, 2>(a, b, |a, b| a + b);
    F64x2Sub |a, b| zip::<f64, f64, 2>(a, b, |a, b| a - b);
    F64x2Mul |a, b| zip::<f64, f64, 2>(a, b, |a, b| a * b);
    F64x2Div |a, b| zip::<f64, f64, 2>(a, b, |a, b| a / b);
    F64x2Min |a, b| zip::<f64, f64, 2>(a, b, min_f64);
    F64x2Max |a, b| zip::<f64, f64, 2>(a, b, max_f64);
    F64x2PMin |a, b| zip::<f64, f64, 2>(a, b, |a, b| if b < a { b } else { a });
    F64x2PMax |a, b| zip::<f64, f64, 2>(a, b, |a, b| if a < b { b } else { a });
}
