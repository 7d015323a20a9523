//! Operators on vectors. A vector is two operands, the low half below, of which only the lower one
//! is looked at; most of what the translator does, moves above all, knows of slots only.

use wasmparser::{MemArg, Operator};

use super::super::isa::vector::{
    Comparison, Conversion, Extract, FloatBinary, FloatUnary, IntBinary, IntUnary, Joining,
    LaneLoad, LaneStore, Replace, Shift, Splat, Ternary, Test, VectorLoad, VectorOp,
};
use super::super::isa::{Op, PlainOp};
use super::Translator;
use super::encode::{halves, quarters, with32};
use super::stack::Provider;

impl Translator<'_, '_> {
    /// Pops a vector, and yields its first slot: it is moved into its temporaries unless it is in
    /// two slots that follow each other.
    fn pop_vector(&mut self) -> u16 {
        let (high, low) = (self.pop(), self.pop());
        if let (Provider::Local(low), Provider::Local(high)) = (low.provider, high.provider)
            && high == low + 1
        {
            return low;
        }
        let slot = self.temp(low.height);
        self.move_to(low, slot);
        self.move_to(high, slot + 1);
        slot
    }

    /// Pushes a vector, and yields its first slot.
    fn push_vector(&mut self) -> u16 {
        let slot = self.push_temp();
        self.push_temp();
        slot
    }

    /// The first slot of a local, and whether it has two.
    pub(super) fn local(&self, index: u32) -> (u16, bool) {
        match &self.locals {
            Some(locals) => locals[index as usize],
            None => (index as u16, false),
        }
    }

    pub(super) fn get_vector_local(&mut self, slot: u16) {
        self.stack.push(Provider::Local(slot));
        self.stack.push(Provider::Local(slot + 1));
    }

    pub(super) fn set_vector_local(&mut self, slot: u16) {
        let (high, low) = (self.pop(), self.pop());
        if self.is_last(low) && !self.stack.uses(slot) {
            self.encoder.redirect_last(slot, false);
            return;
        }
        self.preserve(slot);
        self.preserve(slot + 1);
        self.move_to(low, slot);
        self.move_to(high, slot + 1);
    }

    pub(super) fn drop_vector(&mut self) {
        self.pop();
        self.pop();
    }

    pub(super) fn select_vector(&mut self) {
        let condition = self.pop_slot();
        let (b, a) = (self.pop_vector(), self.pop_vector());
        let dst = self.push_vector();
        let operands = [quarters(dst, a, b, condition)];
        self.emit_result(Op::Plain(PlainOp::SelectVector), &operands, dst);
    }

    pub(super) fn get_vector_global(&mut self, index: u32) {
        let dst = self.push_vector();
        let operands = [with32(dst, 0, index)];
        self.emit_result(Op::Plain(PlainOp::GlobalGetVector), &operands, dst);
    }

    pub(super) fn set_vector_global(&mut self, index: u32) {
        let src = self.pop_vector();
        self.encoder
            .plain(PlainOp::GlobalSetVector, &[with32(src, 0, index)]);
    }

    fn vector_constant(&mut self, value: u128) {
        self.stack.push(Provider::Const(value as u64));
        self.stack.push(Provider::Const((value >> 64) as u64));
    }

    fn shuffle(&mut self, lanes: [u8; 16]) {
        let (b, a) = (self.pop_vector(), self.pop_vector());
        let dst = self.push_vector();
        let lanes = u128::from_le_bytes(lanes);
        let operands = [quarters(dst, a, b, 0), lanes as u64, (lanes >> 64) as u64];
        self.emit_result(Op::Plain(PlainOp::Shuffle), &operands, dst);
    }

    fn vector_load(&mut self, op: VectorLoad, memarg: &MemArg) {
        let address = self.pop_slot();
        let dst = self.push_vector();
        let operands = [with32(dst, address, memarg.offset as u32)];
        self.emit_result(Op::VectorLoad(op), &operands, dst);
    }

    fn vector_store(&mut self, memarg: &MemArg) {
        let (value, address) = (self.pop_vector(), self.pop_slot());
        let operands = [with32(value, address, memarg.offset as u32)];
        self.encoder.plain(PlainOp::StoreVector, &operands);
    }

    fn lane_load(&mut self, op: LaneLoad, memarg: &MemArg, lane: u8) {
        let (value, address) = (self.pop_vector(), self.pop_slot());
        let dst = self.push_vector();
        let operands = [
            quarters(dst, value, address, lane.into()),
            halves(memarg.offset as u32, 0),
        ];
        self.emit_result(Op::LaneLoad(op), &operands, dst);
    }

    fn lane_store(&mut self, op: LaneStore, memarg: &MemArg, lane: u8) {
        let (value, address) = (self.pop_vector(), self.pop_slot());
        let operands = [
            quarters(0, value, address, lane.into()),
            halves(memarg.offset as u32, 0),
        ];
        self.encoder.emit(Op::LaneStore(op), &operands, None);
    }

    fn vector_to_vector(&mut self, op: VectorOp) {
        let a = self.pop_vector();
        let dst = self.push_vector();
        self.emit_result(Op::Vector(op), &[quarters(dst, a, 0, 0)], dst);
    }

    fn two_vectors(&mut self, op: VectorOp) {
        let (b, a) = (self.pop_vector(), self.pop_vector());
        let dst = self.push_vector();
        self.emit_result(Op::Vector(op), &[quarters(dst, a, b, 0)], dst);
    }

    fn three_vectors(&mut self, op: VectorOp) {
        let (c, b, a) = (self.pop_vector(), self.pop_vector(), self.pop_vector());
        let dst = self.push_vector();
        self.emit_result(Op::Vector(op), &[quarters(dst, a, b, c)], dst);
    }

    fn shift(&mut self, op: VectorOp) {
        let (by, a) = (self.pop_slot(), self.pop_vector());
        let dst = self.push_vector();
        self.emit_result(Op::Vector(op), &[quarters(dst, a, by, 0)], dst);
    }

    fn test(&mut self, op: VectorOp) {
        let a = self.pop_vector();
        let dst = self.push_temp();
        self.emit_result(Op::Vector(op), &[quarters(dst, a, 0, 0)], dst);
    }

    fn splat(&mut self, op: VectorOp) {
        let a = self.pop_slot();
        let dst = self.push_vector();
        self.emit_result(Op::Vector(op), &[quarters(dst, a, 0, 0)], dst);
    }

    fn extract(&mut self, op: Extract, lane: u8) {
        let a = self.pop_vector();
        let dst = self.push_temp();
        let operands = [quarters(dst, a, 0, lane.into())];
        self.emit_result(Op::Vector(VectorOp::Extract(op)), &operands, dst);
    }

    fn replace_lane(&mut self, op: Replace, lane: u8) {
        let (value, a) = (self.pop_slot(), self.pop_vector());
        let dst = self.push_vector();
        let operands = [quarters(dst, a, value, lane.into())];
        self.emit_result(Op::Vector(VectorOp::Replace(op)), &operands, dst);
    }

    /// Translates operators on vectors, which have opcodes of the same names.
    pub(super) fn vector(&mut self, operator: &Operator<'_>) {
        macro_rules! same_names {
            ({ $($method:ident $enum:ident: $($name:ident)*;)* }
             the same { $($same:ident $same_enum:ident: $($other:ident $as:ident)*;)* }
             memory { $($access:ident $access_enum:ident: $($load:ident)*;)* }
             lanes of memory { $($lane_access:ident $lane_enum:ident: $($lane:ident)*;)* }
             lanes { $($with_lane:ident $with_enum:ident: $($with:ident)*;)* }
             the same lanes { $($float:ident $float_enum:ident: $($lane_of:ident $bits:ident)*;)* }) => {
                match operator {
                    $($(Operator::$name => self.$method(VectorOp::$enum($enum::$name)),)*)*
                    $($(Operator::$other => {
                        self.$same(VectorOp::$same_enum($same_enum::$as));
                    })*)*
                    $($(Operator::$load { memarg } => {
                        self.$access($access_enum::$load, memarg);
                    })*)*
                    $($(Operator::$lane { memarg, lane } => {
                        self.$lane_access($lane_enum::$lane, memarg, *lane);
                    })*)*
                    $($(Operator::$with { lane } => {
                        self.$with_lane($with_enum::$with, *lane);
                    })*)*
                    $($(Operator::$lane_of { lane } => {
                        self.$float($float_enum::$bits, *lane);
                    })*)*
                    Operator::V128Const { value } => self.vector_constant(value.i128() as u128),
                    Operator::V128Store { memarg } => self.vector_store(memarg),
                    Operator::I8x16Shuffle { lanes } => self.shuffle(*lanes),
                    // Validation lets no operator through that is not translated here.
                    other => unreachable!("{other:?} was validated, but is not supported"),
                }
            };
        }
        same_names! {
            {
            vector_to_vector IntUnary:
                V128Not I8x16Abs I8x16Neg I16x8Abs I16x8Neg I32x4Abs I32x4Neg I64x2Abs
                I64x2Neg I8x16Popcnt;
            two_vectors IntBinary:
                V128And V128AndNot V128Or V128Xor I8x16Add I8x16Sub I8x16AddSatS
                I8x16AddSatU I8x16SubSatS I8x16SubSatU I8x16AvgrU I8x16MinS I8x16MinU
                I8x16MaxS I8x16MaxU I16x8Add I16x8Sub I16x8Mul I16x8AddSatS I16x8AddSatU
                I16x8SubSatS I16x8SubSatU I16x8AvgrU I16x8MinS I16x8MinU I16x8MaxS I16x8MaxU
                I32x4Add I32x4Sub I32x4Mul I32x4MinS I32x4MinU I32x4MaxS I32x4MaxU I64x2Add
                I64x2Sub I64x2Mul I16x8Q15MulrSatS I8x16Swizzle
                I32x4DotI16x8S I16x8RelaxedDotI8x16I7x16S;
            shift Shift:
                I8x16Shl I8x16ShrS I8x16ShrU I16x8Shl I16x8ShrS I16x8ShrU I32x4Shl I32x4ShrS
                I32x4ShrU I64x2Shl I64x2ShrS I64x2ShrU;
            vector_to_vector FloatUnary:
                F32x4Ceil F32x4Floor F32x4Trunc F32x4Nearest F32x4Abs F32x4Neg F32x4Sqrt
                F64x2Ceil F64x2Floor F64x2Trunc F64x2Nearest F64x2Abs F64x2Neg F64x2Sqrt;
            two_vectors FloatBinary:
                F32x4Add F32x4Sub F32x4Mul F32x4Div F32x4Min F32x4Max
                F32x4PMin F32x4PMax F64x2Add F64x2Sub F64x2Mul F64x2Div
                F64x2Min F64x2Max F64x2PMin F64x2PMax;
            two_vectors Comparison:
                I8x16Eq I8x16Ne I8x16LtS I8x16LtU I8x16GtS I8x16GtU I8x16LeS I8x16LeU
                I8x16GeS I8x16GeU I16x8Eq I16x8Ne I16x8LtS I16x8LtU I16x8GtS I16x8GtU
                I16x8LeS I16x8LeU I16x8GeS I16x8GeU I32x4Eq I32x4Ne I32x4LtS I32x4LtU
                I32x4GtS I32x4GtU I32x4LeS I32x4LeU I32x4GeS I32x4GeU I64x2Eq I64x2Ne
                I64x2LtS I64x2GtS I64x2LeS I64x2GeS F32x4Eq F32x4Ne F32x4Lt F32x4Gt F32x4Le
                F32x4Ge F64x2Eq F64x2Ne F64x2Lt F64x2Gt F64x2Le F64x2Ge;
            test Test:
                V128AnyTrue I8x16AllTrue I8x16Bitmask I16x8AllTrue I16x8Bitmask I32x4AllTrue
                I32x4Bitmask I64x2AllTrue I64x2Bitmask;
            vector_to_vector Conversion:
                I16x8ExtendLowI8x16S I16x8ExtendHighI8x16S I16x8ExtAddPairwiseI8x16S
                I16x8ExtendLowI8x16U I16x8ExtendHighI8x16U I16x8ExtAddPairwiseI8x16U
                I32x4ExtendLowI16x8S I32x4ExtendHighI16x8S I32x4ExtAddPairwiseI16x8S
                I32x4ExtendLowI16x8U I32x4ExtendHighI16x8U I32x4ExtAddPairwiseI16x8U
                I64x2ExtendLowI32x4S I64x2ExtendHighI32x4S I64x2ExtendLowI32x4U
                I64x2ExtendHighI32x4U I32x4TruncSatF32x4S I32x4TruncSatF64x2SZero
                I32x4TruncSatF32x4U I32x4TruncSatF64x2UZero
                F32x4ConvertI32x4S F64x2ConvertLowI32x4S
                F32x4ConvertI32x4U F64x2ConvertLowI32x4U F32x4DemoteF64x2Zero
                F64x2PromoteLowF32x4;
            two_vectors Joining:
                I16x8ExtMulLowI8x16S I16x8ExtMulHighI8x16S I16x8ExtMulLowI8x16U
                I16x8ExtMulHighI8x16U I32x4ExtMulLowI16x8S I32x4ExtMulHighI16x8S
                I32x4ExtMulLowI16x8U I32x4ExtMulHighI16x8U I64x2ExtMulLowI32x4S
                I64x2ExtMulHighI32x4S I64x2ExtMulLowI32x4U I64x2ExtMulHighI32x4U
                I8x16NarrowI16x8S I8x16NarrowI16x8U I16x8NarrowI32x4S I16x8NarrowI32x4U;
            three_vectors Ternary:
                V128Bitselect F32x4RelaxedMadd F32x4RelaxedNmadd F64x2RelaxedMadd
                F64x2RelaxedNmadd
                I32x4RelaxedDotI8x16I7x16AddS;
            splat Splat:
                I8x16Splat I16x8Splat I32x4Splat I64x2Splat;
            }
            // Relaxed operators are the strict ones; and bits are bits.
            the same {
            two_vectors FloatBinary:
                F32x4RelaxedMin F32x4Min F32x4RelaxedMax F32x4Max F64x2RelaxedMin F64x2Min
                F64x2RelaxedMax F64x2Max;
            two_vectors IntBinary:
                I16x8RelaxedQ15mulrS I16x8Q15MulrSatS I8x16RelaxedSwizzle I8x16Swizzle;
            vector_to_vector Conversion:
                I32x4RelaxedTruncF32x4S I32x4TruncSatF32x4S
                I32x4RelaxedTruncF32x4U I32x4TruncSatF32x4U
                I32x4RelaxedTruncF64x2SZero I32x4TruncSatF64x2SZero
                I32x4RelaxedTruncF64x2UZero I32x4TruncSatF64x2UZero;
            three_vectors Ternary:
                I8x16RelaxedLaneselect V128Bitselect I16x8RelaxedLaneselect V128Bitselect
                I32x4RelaxedLaneselect V128Bitselect I64x2RelaxedLaneselect V128Bitselect;
            splat Splat: F32x4Splat I32x4Splat F64x2Splat I64x2Splat;
            }
            memory {
            vector_load VectorLoad:
                V128Load V128Load8x8S V128Load8x8U V128Load16x4S V128Load16x4U V128Load32x2S
                V128Load32x2U V128Load8Splat V128Load16Splat V128Load32Splat V128Load64Splat
                V128Load32Zero V128Load64Zero;
            }
            lanes of memory {
            lane_load LaneLoad:
                V128Load8Lane V128Load16Lane V128Load32Lane V128Load64Lane;
            lane_store LaneStore:
                V128Store8Lane V128Store16Lane V128Store32Lane V128Store64Lane;
            }
            lanes {
            extract Extract:
                I8x16ExtractLaneS I8x16ExtractLaneU I16x8ExtractLaneS I16x8ExtractLaneU
                I32x4ExtractLane I64x2ExtractLane;
            replace_lane Replace:
                I8x16ReplaceLane I16x8ReplaceLane I32x4ReplaceLane I64x2ReplaceLane;
            }
            the same lanes {
            extract Extract:
                F32x4ExtractLane I32x4ExtractLane F64x2ExtractLane I64x2ExtractLane;
            replace_lane Replace:
                F32x4ReplaceLane I32x4ReplaceLane F64x2ReplaceLane I64x2ReplaceLane;
            }
        }
    }
}
