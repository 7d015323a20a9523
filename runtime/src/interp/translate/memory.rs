//! Loads, stores, atomics, and operations on memories and tables.

use wasmparser::MemArg;

use super::super::isa::{AccessForm, AtomicOp, LoadOp, Op, PlainOp, StoreOp, Width};
use super::Translator;
use super::encode::{halves, quarters, with32};
use super::stack::{Operand, Provider};

impl Translator<'_, '_> {
    /// The sum of a constant address and the offset, if 32 bits can name it.
    fn fixed(address: Operand, memarg: &MemArg) -> Option<u32> {
        match address.provider {
            Provider::Const(base) => u32::try_from(u64::from(base as u32) + memarg.offset).ok(),
            _ => None,
        }
    }

    pub(super) fn load(&mut self, op: LoadOp, memarg: &MemArg) {
        let address = self.pop();
        if let Some(at) = Self::fixed(address, memarg) {
            let dst = self.push_temp();
            self.emit_result(Op::Load(op, AccessForm::At), &[with32(dst, 0, at)], dst);
            return;
        }
        let address = self.slot(address);
        let dst = self.push_temp();
        let operands = [with32(dst, address, memarg.offset as u32)];
        self.emit_result(Op::Load(op, AccessForm::Slots), &operands, dst);
    }

    pub(super) fn store(&mut self, op: StoreOp, memarg: &MemArg) {
        let (value, address) = (self.pop(), self.pop());
        let offset = memarg.offset as u32;
        let (form, operands) = if let Some(at) = Self::fixed(address, memarg) {
            (AccessForm::At, vec![with32(0, self.slot(value), at)])
        } else if let Provider::Const(value) = value.provider {
            (
                AccessForm::Imm,
                vec![with32(self.slot(address), 0, offset), value],
            )
        } else {
            let (address, value) = (self.slot(address), self.slot(value));
            (AccessForm::Slots, vec![with32(address, value, offset)])
        };
        self.encoder.emit(Op::Store(op, form), &operands, None);
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
        let src = self.pop_slot();
        self.encoder
            .plain(PlainOp::GlobalSet, &[with32(src, 0, index)]);
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
