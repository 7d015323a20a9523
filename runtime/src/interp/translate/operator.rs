//! One operator after another.

use wasmparser::Operator;

use super::super::isa::{ArithOp, AtomicOp, CompareOp, LoadOp, PlainOp, StoreOp, UnaryOp, Width};
use super::Translator;
use super::stack::Provider;

impl Translator<'_, '_> {
    /// Translates an operator.
    pub(super) fn operator(&mut self, operator: &Operator<'_>) {
        match self.dead {
            Some(open) => self.skip(operator, open),
            None => self.translate(operator),
        }
    }

    /// Passes over an operator that cannot be reached.
    fn skip(&mut self, operator: &Operator<'_>, open: u32) {
        match operator {
            Operator::Block { .. }
            | Operator::Loop { .. }
            | Operator::If { .. }
            | Operator::TryTable { .. }
            | Operator::Try { .. } => {
                self.dead = Some(open + 1);
            }
            Operator::End | Operator::Delegate { .. } if open > 0 => self.dead = Some(open - 1),
            Operator::End => self.end(),
            Operator::Delegate { relative_depth } => self.delegate(*relative_depth),
            Operator::Else if open == 0 => self.r#else(),
            Operator::Catch { tag_index } if open == 0 => self.catch(Some(*tag_index)),
            Operator::CatchAll if open == 0 => self.catch(None),
            _ => {}
        }
    }

    fn translate(&mut self, operator: &Operator<'_>) {
        use Operator as O;
        match operator {
            O::Nop => {}
            O::Unreachable => self.unreachable(),
            O::Block { blockty } => self.block(*blockty),
            O::Loop { blockty } => self.r#loop(*blockty),
            O::If { blockty } => self.r#if(*blockty),
            O::Else => self.r#else(),
            O::End => self.end(),
            O::Br { relative_depth } => self.br(*relative_depth),
            O::BrIf { relative_depth } => self.br_if(*relative_depth),
            O::BrTable { targets } => self.br_table(targets),
            O::Return => self.r#return(),
            O::Call { function_index } => self.call(*function_index),
            O::CallIndirect {
                type_index,
                table_index,
            } => {
                self.call_indirect(*type_index, *table_index);
            }
            O::ReturnCall { function_index } => self.return_call(*function_index),
            O::ReturnCallIndirect {
                type_index,
                table_index,
            } => {
                self.return_call_indirect(*type_index, *table_index);
            }
            O::TryTable { try_table } => self.try_table(try_table),
            O::Throw { tag_index } => self.throw(*tag_index),
            O::ThrowRef => self.throw_ref(),
            O::Try { blockty } => self.r#try(*blockty),
            O::Catch { tag_index } => self.catch(Some(*tag_index)),
            O::CatchAll => self.catch(None),
            O::Rethrow { relative_depth } => self.rethrow(*relative_depth),
            O::Delegate { relative_depth } => self.delegate(*relative_depth),
            O::Drop if self.is_wide() => self.drop_vector(),
            O::Drop => {
                self.pop();
            }
            O::Select | O::TypedSelect { .. } if self.is_wide() => self.select_vector(),
            O::Select | O::TypedSelect { .. } => self.select(),

            O::LocalGet { local_index } => match self.local(*local_index) {
                (slot, true) => self.get_vector_local(slot),
                (slot, false) => self.local_get(slot),
            },
            O::LocalSet { local_index } => match self.local(*local_index) {
                (slot, true) => self.set_vector_local(slot),
                (slot, false) => self.local_set(slot),
            },
            O::LocalTee { local_index } => match self.local(*local_index) {
                (slot, true) => {
                    self.set_vector_local(slot);
                    self.get_vector_local(slot);
                }
                (slot, false) => self.local_tee(slot),
            },
            O::GlobalGet { global_index } if self.is_vector_global(*global_index) => {
                self.get_vector_global(*global_index);
            }
            O::GlobalGet { global_index } => {
                self.result_of_index(PlainOp::GlobalGet, *global_index);
            }
            O::GlobalSet { global_index } if self.is_vector_global(*global_index) => {
                self.set_vector_global(*global_index);
            }
            O::GlobalSet { global_index } => self.global_set(*global_index),
            O::I32Const { value } => self.constant(u64::from(*value as u32)),
            O::I64Const { value } => self.constant(*value as u64),
            O::F32Const { value } => self.constant(u64::from(value.bits())),
            O::F64Const { value } => self.constant(value.bits()),
            O::RefNull { .. } => self.constant(0),
            O::RefIsNull => self.eqz(CompareOp::I64Eq),
            O::RefFunc { function_index } => {
                self.result_of_index(PlainOp::RefFunc, *function_index);
            }

            O::TableGet { table } => self.result_of_one(PlainOp::TableGet, *table),
            O::TableSet { table } => self.table_set(*table),
            O::TableSize { table } => self.result_of_index(PlainOp::TableSize, *table),
            O::TableGrow { table } => self.table_grow(*table),
            O::TableFill { table } => self.bulk(PlainOp::TableFill, Some((*table, 0))),
            O::TableCopy {
                dst_table,
                src_table,
            } => {
                self.bulk(PlainOp::TableCopy, Some((*dst_table, *src_table)));
            }
            O::TableInit { elem_index, table } => {
                self.bulk(PlainOp::TableInit, Some((*table, *elem_index)));
            }
            O::ElemDrop { elem_index } => self.index_only(PlainOp::ElemDrop, *elem_index),
            O::MemorySize { .. } => self.result_of_index(PlainOp::MemorySize, 0),
            O::MemoryGrow { .. } => self.result_of_one(PlainOp::MemoryGrow, 0),
            O::MemoryFill { .. } => self.bulk(PlainOp::MemoryFill, None),
            O::MemoryCopy { .. } => self.bulk(PlainOp::MemoryCopy, None),
            O::MemoryInit { data_index, .. } => {
                self.bulk(PlainOp::MemoryInit, Some((*data_index, 0)));
            }
            O::DataDrop { data_index } => self.index_only(PlainOp::DataDrop, *data_index),

            O::I32Load { memarg } | O::I64Load32U { memarg } => self.load(LoadOp::Load32, memarg),
            O::I64Load { memarg } => self.load(LoadOp::Load64, memarg),
            O::F32Load { memarg } => self.load(LoadOp::LoadF32, memarg),
            O::F64Load { memarg } => self.load(LoadOp::LoadF64, memarg),
            O::I32Load8S { memarg } => self.load(LoadOp::Load8S32, memarg),
            O::I32Load8U { memarg } | O::I64Load8U { memarg } => self.load(LoadOp::Load8U, memarg),
            O::I32Load16S { memarg } => self.load(LoadOp::Load16S32, memarg),
            O::I32Load16U { memarg } | O::I64Load16U { memarg } => {
                self.load(LoadOp::Load16U, memarg)
            }
            O::I64Load8S { memarg } => self.load(LoadOp::Load8S64, memarg),
            O::I64Load16S { memarg } => self.load(LoadOp::Load16S64, memarg),
            O::I64Load32S { memarg } => self.load(LoadOp::Load32S64, memarg),
            O::I32Store { memarg } | O::I64Store32 { memarg } => {
                self.store(StoreOp::Store32, memarg)
            }
            O::I64Store { memarg } => self.store(StoreOp::Store64, memarg),
            O::F32Store { memarg } => self.store(StoreOp::StoreF32, memarg),
            O::F64Store { memarg } => self.store(StoreOp::StoreF64, memarg),
            O::I32Store8 { memarg } | O::I64Store8 { memarg } => {
                self.store(StoreOp::Store8, memarg)
            }
            O::I32Store16 { memarg } | O::I64Store16 { memarg } => {
                self.store(StoreOp::Store16, memarg)
            }

            O::I32AtomicLoad8U { memarg } | O::I64AtomicLoad8U { memarg } => {
                self.atomic(AtomicOp::Load, Width::W8, memarg)
            }
            O::I32AtomicLoad16U { memarg } | O::I64AtomicLoad16U { memarg } => {
                self.atomic(AtomicOp::Load, Width::W16, memarg)
            }
            O::I32AtomicLoad { memarg } | O::I64AtomicLoad32U { memarg } => {
                self.atomic(AtomicOp::Load, Width::W32, memarg)
            }
            O::I64AtomicLoad { memarg } => self.atomic(AtomicOp::Load, Width::W64, memarg),
            O::I32AtomicStore8 { memarg } | O::I64AtomicStore8 { memarg } => {
                self.atomic(AtomicOp::Store, Width::W8, memarg)
            }
            O::I32AtomicStore16 { memarg } | O::I64AtomicStore16 { memarg } => {
                self.atomic(AtomicOp::Store, Width::W16, memarg)
            }
            O::I32AtomicStore { memarg } | O::I64AtomicStore32 { memarg } => {
                self.atomic(AtomicOp::Store, Width::W32, memarg)
            }
            O::I64AtomicStore { memarg } => self.atomic(AtomicOp::Store, Width::W64, memarg),
            O::I32AtomicRmw8AddU { memarg } | O::I64AtomicRmw8AddU { memarg } => {
                self.atomic(AtomicOp::Add, Width::W8, memarg)
            }
            O::I32AtomicRmw16AddU { memarg } | O::I64AtomicRmw16AddU { memarg } => {
                self.atomic(AtomicOp::Add, Width::W16, memarg)
            }
            O::I32AtomicRmwAdd { memarg } | O::I64AtomicRmw32AddU { memarg } => {
                self.atomic(AtomicOp::Add, Width::W32, memarg)
            }
            O::I64AtomicRmwAdd { memarg } => self.atomic(AtomicOp::Add, Width::W64, memarg),
            O::I32AtomicRmw8SubU { memarg } | O::I64AtomicRmw8SubU { memarg } => {
                self.atomic(AtomicOp::Sub, Width::W8, memarg)
            }
            O::I32AtomicRmw16SubU { memarg } | O::I64AtomicRmw16SubU { memarg } => {
                self.atomic(AtomicOp::Sub, Width::W16, memarg)
            }
            O::I32AtomicRmwSub { memarg } | O::I64AtomicRmw32SubU { memarg } => {
                self.atomic(AtomicOp::Sub, Width::W32, memarg)
            }
            O::I64AtomicRmwSub { memarg } => self.atomic(AtomicOp::Sub, Width::W64, memarg),
            O::I32AtomicRmw8AndU { memarg } | O::I64AtomicRmw8AndU { memarg } => {
                self.atomic(AtomicOp::And, Width::W8, memarg)
            }
            O::I32AtomicRmw16AndU { memarg } | O::I64AtomicRmw16AndU { memarg } => {
                self.atomic(AtomicOp::And, Width::W16, memarg)
            }
            O::I32AtomicRmwAnd { memarg } | O::I64AtomicRmw32AndU { memarg } => {
                self.atomic(AtomicOp::And, Width::W32, memarg)
            }
            O::I64AtomicRmwAnd { memarg } => self.atomic(AtomicOp::And, Width::W64, memarg),
            O::I32AtomicRmw8OrU { memarg } | O::I64AtomicRmw8OrU { memarg } => {
                self.atomic(AtomicOp::Or, Width::W8, memarg)
            }
            O::I32AtomicRmw16OrU { memarg } | O::I64AtomicRmw16OrU { memarg } => {
                self.atomic(AtomicOp::Or, Width::W16, memarg)
            }
            O::I32AtomicRmwOr { memarg } | O::I64AtomicRmw32OrU { memarg } => {
                self.atomic(AtomicOp::Or, Width::W32, memarg)
            }
            O::I64AtomicRmwOr { memarg } => self.atomic(AtomicOp::Or, Width::W64, memarg),
            O::I32AtomicRmw8XorU { memarg } | O::I64AtomicRmw8XorU { memarg } => {
                self.atomic(AtomicOp::Xor, Width::W8, memarg)
            }
            O::I32AtomicRmw16XorU { memarg } | O::I64AtomicRmw16XorU { memarg } => {
                self.atomic(AtomicOp::Xor, Width::W16, memarg)
            }
            O::I32AtomicRmwXor { memarg } | O::I64AtomicRmw32XorU { memarg } => {
                self.atomic(AtomicOp::Xor, Width::W32, memarg)
            }
            O::I64AtomicRmwXor { memarg } => self.atomic(AtomicOp::Xor, Width::W64, memarg),
            O::I32AtomicRmw8XchgU { memarg } | O::I64AtomicRmw8XchgU { memarg } => {
                self.atomic(AtomicOp::Xchg, Width::W8, memarg)
            }
            O::I32AtomicRmw16XchgU { memarg } | O::I64AtomicRmw16XchgU { memarg } => {
                self.atomic(AtomicOp::Xchg, Width::W16, memarg)
            }
            O::I32AtomicRmwXchg { memarg } | O::I64AtomicRmw32XchgU { memarg } => {
                self.atomic(AtomicOp::Xchg, Width::W32, memarg)
            }
            O::I64AtomicRmwXchg { memarg } => self.atomic(AtomicOp::Xchg, Width::W64, memarg),
            O::I32AtomicRmw8CmpxchgU { memarg } | O::I64AtomicRmw8CmpxchgU { memarg } => {
                self.atomic(AtomicOp::Cmpxchg, Width::W8, memarg)
            }
            O::I32AtomicRmw16CmpxchgU { memarg } | O::I64AtomicRmw16CmpxchgU { memarg } => {
                self.atomic(AtomicOp::Cmpxchg, Width::W16, memarg)
            }
            O::I32AtomicRmwCmpxchg { memarg } | O::I64AtomicRmw32CmpxchgU { memarg } => {
                self.atomic(AtomicOp::Cmpxchg, Width::W32, memarg)
            }
            O::I64AtomicRmwCmpxchg { memarg } => self.atomic(AtomicOp::Cmpxchg, Width::W64, memarg),
            O::MemoryAtomicNotify { memarg } => self.notify(memarg),
            O::MemoryAtomicWait32 { memarg } => self.wait(PlainOp::Wait32, memarg),
            O::MemoryAtomicWait64 { memarg } => self.wait(PlainOp::Wait64, memarg),
            O::AtomicFence { .. } => {
                self.encoder.plain(PlainOp::Fence, &[]);
            }

            O::I32Eqz => self.eqz(CompareOp::I32Eq),
            O::I64Eqz => self.eqz(CompareOp::I64Eq),
            O::I32WrapI64 => self.unary(UnaryOp::KeepLow32),
            // 32-bit values are extended by zeros wherever they are.
            O::I64ExtendI32U => {}
            O::I64ExtendI32S | O::I64Extend32S => self.unary(UnaryOp::I64Extend32S),
            // Bits are bits.
            O::I32ReinterpretF32
            | O::I64ReinterpretF64
            | O::F32ReinterpretI32
            | O::F64ReinterpretI64 => {}
            other => self.numeric(other),
        }
    }

    fn constant(&mut self, value: u64) {
        self.stack.push(Provider::Const(value));
    }

    /// An operation without operands but an index.
    fn index_only(&mut self, op: PlainOp, index: u32) {
        self.encoder
            .plain(op, &[super::encode::with32(0, 0, index)]);
    }

    /// Translates the operators that have opcodes of the same names.
    fn numeric(&mut self, operator: &Operator<'_>) {
        macro_rules! same_names {
            ($($method:ident $enum:ident: $($name:ident)*;)*) => {
                match operator {
                    $($(Operator::$name => self.$method($enum::$name),)*)*
                    other => self.vector(other),
                }
            };
        }
        same_names! {
            compare CompareOp:
                I32Eq I32Ne I32LtS I32LtU I32GtS I32GtU I32LeS I32LeU I32GeS I32GeU I64Eq I64Ne
                I64LtS I64LtU I64GtS I64GtU I64LeS I64LeU I64GeS I64GeU F32Eq F32Ne F32Lt F32Gt
                F32Le F32Ge F64Eq F64Ne F64Lt F64Gt F64Le F64Ge;
            arith ArithOp:
                I32Add I32Sub I32Mul I32DivS I32DivU I32RemS I32RemU I32And I32Or I32Xor I32Shl
                I32ShrS I32ShrU I32Rotl I32Rotr I64Add I64Sub I64Mul I64DivS I64DivU I64RemS
                I64RemU I64And I64Or I64Xor I64Shl I64ShrS I64ShrU I64Rotl I64Rotr F32Add
                F32Sub F32Mul F32Div F32Min F32Max F32Copysign F64Add F64Sub F64Mul F64Div
                F64Min F64Max F64Copysign;
            unary UnaryOp:
                I32Clz I32Ctz I32Popcnt I64Clz I64Ctz I64Popcnt I32Extend8S I32Extend16S
                I64Extend8S I64Extend16S F32Abs F32Neg F32Ceil F32Floor F32Trunc F32Nearest
                F32Sqrt F64Abs F64Neg F64Ceil F64Floor F64Trunc F64Nearest F64Sqrt I32TruncF32S
                I32TruncF32U I32TruncF64S I32TruncF64U I64TruncF32S I64TruncF32U I64TruncF64S
                I64TruncF64U I32TruncSatF32S I32TruncSatF32U I32TruncSatF64S I32TruncSatF64U
                I64TruncSatF32S I64TruncSatF32U I64TruncSatF64S I64TruncSatF64U F32ConvertI32S
                F32ConvertI32U F32ConvertI64S F32ConvertI64U F64ConvertI32S F64ConvertI32U
                F64ConvertI64S F64ConvertI64U F32DemoteF64 F64PromoteF32;
        }
    }
}
