//! Loads, stores, atomics, and operations on memories and tables.

use wasmparser::MemArg;

use super::super::isa::value::Bank;
use super::super::isa::{
    ArithOp, AtomicOp, BinaryForm, Input, LoadForm, LoadOp, Op, Output, PlainOp, StoreForm,
    StoreOp, Width,
};
use super::Translator;
use super::encode::{Encoder, half32, halves, quarters, split, with_first, with32};
use super::stack::{Operand, Provider};

/// An address that an access adds up itself, of what is where.
enum Sum {
    Imm(Input, u16, u32),
    Pair(Input, u16, u16),
}

impl Translator<'_, '_> {
    /// The sum of a constant address and the offset, if 32 bits can name it.
    fn fixed(address: Operand, memarg: &MemArg) -> Option<u32> {
        match address.provider {
            Provider::Const(base) => u32::try_from(u64::from(base as u32) + memarg.offset).ok(),
            _ => None,
        }
    }

    /// The sum that an address, just popped, is, if it was made by the last instruction and the
    /// access can make it itself.
    fn sum(&mut self, address: Operand, memarg: &MemArg) -> Option<Sum> {
        let last = self.encoder.last().filter(|_| self.is_last(address))?;
        let Op::Arith(ArithOp::I32Add, form, Output::Slot) = last.op else {
            return None;
        };
        // An offset would be added without overflow.
        let sum: fn(u16, u16, u32) -> Sum = match form {
            BinaryForm::Imm if memarg.offset == 0 => |a, _, imm| Sum::Imm(Input::Slot, a, imm),
            BinaryForm::AccImm if memarg.offset == 0 => |a, _, imm| Sum::Imm(Input::Acc, a, imm),
            BinaryForm::Slots if u16::try_from(memarg.offset).is_ok() => {
                |a, b, _| Sum::Pair(Input::Slot, a, b)
            }
            BinaryForm::AccSlot if u16::try_from(memarg.offset).is_ok() => {
                |a, b, _| Sum::Pair(Input::Acc, a, b)
            }
            _ => return None,
        };
        let word = self.encoder.take_last()[0];
        let [_, a, b, _] = split(word);
        Some(sum(a, b, half32(word)))
    }

    pub(super) fn load(&mut self, op: LoadOp, memarg: &MemArg) {
        let address = self.pop();
        if let Some(at) = Self::fixed(address, memarg) {
            let dst = self.push_temp();
            let op = Op::Load(op, LoadForm::At, Output::Slot);
            self.emit_result(op, &[with32(dst, 0, at)], dst);
            return;
        }
        if let Some(sum) = self.sum(address, memarg) {
            let (form, word) = match sum {
                Sum::Imm(input, a, imm) => {
                    let form = match input {
                        Input::Slot => LoadForm::Sum,
                        Input::Acc => LoadForm::AccSum,
                    };
                    (form, with32(0, a, imm))
                }
                Sum::Pair(input, a, b) => {
                    let form = match input {
                        Input::Slot => LoadForm::Pair,
                        Input::Acc => LoadForm::AccPair,
                    };
                    (form, quarters(0, a, b, memarg.offset as u16))
                }
            };
            let dst = self.push_temp();
            self.emit_result(
                Op::Load(op, form, Output::Slot),
                &[with_first(dst, word)],
                dst,
            );
            return;
        }
        let (input, address) = self.input(address, Bank::Int);
        let form = match input {
            Input::Slot => LoadForm::Slot,
            Input::Acc => LoadForm::Acc,
        };
        let dst = self.push_temp();
        let operands = [with32(dst, address, memarg.offset as u32)];
        self.emit_result(Op::Load(op, form, Output::Slot), &operands, dst);
    }

    pub(super) fn store(&mut self, op: StoreOp, memarg: &MemArg) {
        let (value, address) = (self.pop(), self.pop());
        let offset = memarg.offset as u32;
        let emit = |encoder: &mut Encoder<'_>, form, operands: &[u64]| {
            encoder.emit(Op::Store(op, form), operands, None);
        };
        if let Some(at) = Self::fixed(address, memarg) {
            let (form, value) = match self.input(value, op.bank()) {
                (Input::Slot, value) => (StoreForm::At, value),
                (Input::Acc, _) => (StoreForm::AtAcc, 0),
            };
            emit(&mut self.encoder, form, &[with32(0, value, at)]);
        } else if let Provider::Const(value) = value.provider {
            // Sums of two slots and a constant to store do not go together.
            let is_imm = |op| matches!(op, Op::Arith(_, BinaryForm::Imm | BinaryForm::AccImm, _));
            if self.encoder.last().is_some_and(|last| is_imm(last.op))
                && let Some(Sum::Imm(input, a, imm)) = self.sum(address, memarg)
            {
                let form = match input {
                    Input::Slot => StoreForm::SumImm,
                    Input::Acc => StoreForm::AccSumImm,
                };
                return emit(&mut self.encoder, form, &[with32(a, 0, imm), value]);
            }
            let (form, address) = match self.input(address, Bank::Int) {
                (Input::Slot, address) => (StoreForm::Imm, address),
                (Input::Acc, _) => (StoreForm::AccImm, 0),
            };
            emit(
                &mut self.encoder,
                form,
                &[with32(address, 0, offset), value],
            );
        } else {
            // Of a sum just made, the value is in a slot, and none that the sum is in.
            if let Provider::Local(value) | Provider::Once(value) = value.provider
                && let Some(sum) = self.sum(address, memarg)
            {
                let (form, word) = match sum {
                    Sum::Imm(Input::Slot, a, imm) => (StoreForm::SumSlot, with32(a, value, imm)),
                    Sum::Imm(Input::Acc, _, imm) => (StoreForm::AccSumSlot, with32(0, value, imm)),
                    Sum::Pair(input, a, b) => {
                        let form = match input {
                            Input::Slot => StoreForm::PairSlot,
                            Input::Acc => StoreForm::AccPairSlot,
                        };
                        (form, quarters(a, value, b, offset as u16))
                    }
                };
                return emit(&mut self.encoder, form, &[word]);
            }
            // A constant address is put into its slot first.
            let place = self.slot(address);
            let (form, address, value) = match self.input(value, op.bank()) {
                (Input::Acc, _) => (StoreForm::SlotAcc, place, 0),
                (Input::Slot, value) => match self.input(address, Bank::Int) {
                    (Input::Slot, address) => (StoreForm::Slots, address, value),
                    (Input::Acc, _) => (StoreForm::AccSlot, 0, value),
                },
            };
            emit(&mut self.encoder, form, &[with32(address, value, offset)]);
        }
    }

    pub(super) fn atomic(&mut self, op: AtomicOp, width: Width, memarg: &MemArg) {
        let offset = memarg.offset as u32;
        let code = Op::Atomic(op, width);
        match op {
            AtomicOp::Load => {
                let address = self.pop_slot();
                let dst = self.push_temp();
                self.emit_result(code, &[with32(dst, address, offset)], dst);
            }
            AtomicOp::Store => {
                let (value, address) = (self.pop_slot(), self.pop_slot());
                self.encoder
                    .emit(code, &[with32(address, value, offset)], None);
            }
            AtomicOp::Cmpxchg => {
                let (new, expected, address) = (self.pop_slot(), self.pop_slot(), self.pop_slot());
                let dst = self.push_temp();
                let operands = [quarters(dst, address, expected, new), halves(offset, 0)];
                self.emit_result(code, &operands, dst);
            }
            _ => {
                let (value, address) = (self.pop_slot(), self.pop_slot());
                let dst = self.push_temp();
                let operands = [quarters(dst, address, value, 0), halves(offset, 0)];
                self.emit_result(code, &operands, dst);
            }
        }
    }

    pub(super) fn notify(&mut self, memarg: &MemArg) {
        let (count, address) = (self.pop_slot(), self.pop_slot());
        let dst = self.push_temp();
        let operands = [
            quarters(dst, address, count, 0),
            halves(memarg.offset as u32, 0),
        ];
        self.emit_result(Op::Plain(PlainOp::Notify), &operands, dst);
    }

    pub(super) fn wait(&mut self, op: PlainOp, memarg: &MemArg) {
        let (timeout, expected, address) = (self.pop_slot(), self.pop_slot(), self.pop_slot());
        let dst = self.push_temp();
        let operands = [
            quarters(dst, address, expected, timeout),
            halves(memarg.offset as u32, 0),
        ];
        self.emit_result(Op::Plain(op), &operands, dst);
    }

    /// An operation on three operands, without a result, that names up to two indices.
    pub(super) fn bulk(&mut self, op: PlainOp, indices: Option<(u32, u32)>) {
        let (c, b, a) = (self.pop_slot(), self.pop_slot(), self.pop_slot());
        let slots = quarters(a, b, c, 0);
        match indices {
            None => self.encoder.plain(op, &[slots]),
            Some((first, second)) => self.encoder.plain(op, &[slots, halves(first, second)]),
        };
    }

    /// An operation with a result and one operand, which is in a slot.
    pub(super) fn result_of_one(&mut self, op: PlainOp, index: u32) {
        let src = self.pop_slot();
        let dst = self.push_temp();
        self.emit_result(Op::Plain(op), &[with32(dst, src, index)], dst);
    }

    /// An operation with a result, and no operand but an index.
    pub(super) fn result_of_index(&mut self, op: PlainOp, index: u32) {
        let dst = self.push_temp();
        self.emit_result(Op::Plain(op), &[with32(dst, 0, index)], dst);
    }

    pub(super) fn global_set(&mut self, index: u32) {
        let value = self.pop();
        let (op, src) = match self.input(value, Bank::Int) {
            (Input::Slot, src) => (PlainOp::GlobalSet, src),
            (Input::Acc, _) => (PlainOp::GlobalSetAcc, 0),
        };
        self.encoder.plain(op, &[with32(src, 0, index)]);
    }

    pub(super) fn table_set(&mut self, table: u32) {
        let (value, index) = (self.pop_slot(), self.pop_slot());
        self.encoder
            .plain(PlainOp::TableSet, &[with32(index, value, table)]);
    }

    pub(super) fn table_grow(&mut self, table: u32) {
        let (delta, value) = (self.pop_slot(), self.pop_slot());
        let dst = self.push_temp();
        let operands = [quarters(dst, value, delta, 0), halves(table, 0)];
        self.emit_result(Op::Plain(PlainOp::TableGrow), &operands, dst);
    }
}
