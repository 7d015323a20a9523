//! Arithmetic and comparisons.

use super::super::isa::value::{Class, Slot, imm32};
use super::super::isa::{ArithOp, BinaryForm, BranchForm, CompareForm, CompareOp, Op, UnaryOp};
use super::Translator;
use super::encode::{half32, quarters, split, with32};
use super::stack::Provider;

/// Operands of an instruction, without the slot it writes.
enum Operands {
    Slots(u16, u16),
    Imm(u16, u32),
    Wide(u16, u64),
}

/// What a branch depends on.
#[derive(Debug, Clone, Copy)]
pub(super) enum Condition {
    /// A slot that is not zero, or one that is.
    Slot {
        slot: u16,
        zero: bool,
    },
    Slots(CompareOp, u16, u16),
    Imm(CompareOp, u16, i16),
    Wide(CompareOp, u16, u64),
}

impl Condition {
    pub fn inverse(self) -> Condition {
        let inverse = |op: CompareOp| op.relatives().inverse;
        match self {
            Condition::Slot { slot, zero } => Condition::Slot { slot, zero: !zero },
            Condition::Slots(op, a, b) => Condition::Slots(inverse(op), a, b),
            Condition::Imm(op, a, b) => Condition::Imm(inverse(op), a, b),
            Condition::Wide(op, a, b) => Condition::Wide(inverse(op), a, b),
        }
    }
}

/// The slot of the constant that 32 bits in an instruction stand for.
fn widened(class: Class, bits: u32) -> u64 {
    match class {
        Class::I32 => u32::from_imm32(bits).to_slot(),
        Class::I64 => u64::from_imm32(bits).to_slot(),
        Class::F32 => f32::from_imm32(bits).to_slot(),
        Class::F64 => f64::from_imm32(bits).to_slot(),
    }
}

impl Translator<'_, '_> {
    pub(super) fn unary(&mut self, op: UnaryOp) {
        let src = self.pop_slot();
        let dst = self.push_temp();
        self.emit_result(Op::Unary(op), &[quarters(dst, src, 0, 0)], dst);
    }

    /// Operands with a constant, if any, on the right.
    fn right(&mut self, class: Class, a: u16, constant: u64) -> Operands {
        match imm32(class, constant) {
            Some(bits) => Operands::Imm(a, bits),
            None => Operands::Wide(a, constant),
        }
    }

    pub(super) fn arith(&mut self, op: ArithOp) {
        let (mut b, mut a) = (self.pop(), self.pop());
        let class = op.class();
        if op.commutative() && matches!(a.provider, Provider::Const(_)) {
            (a, b) = (b, a);
        }
        if let (Provider::Const(left), Provider::Local(_) | Provider::Temp) =
            (a.provider, b.provider)
        {
            let b = self.slot(b);
            let dst = self.push_temp();
            match imm32(class, left) {
                Some(bits) => self.emit_result(
                    Op::Arith(op, BinaryForm::ImmLeft),
                    &[with32(dst, b, bits)],
                    dst,
                ),
                None => self.emit_result(
                    Op::Arith(op, BinaryForm::WideLeft),
                    &[quarters(dst, b, 0, 0), left],
                    dst,
                ),
            }
            return;
        }
        let a = self.slot(a);
        let operands = match b.provider {
            Provider::Const(constant) => self.right(class, a, constant),
            _ => Operands::Slots(a, self.slot(b)),
        };
        let dst = self.push_temp();
        self.emit_binary(|form| Op::Arith(op, form), dst, operands);
    }

    pub(super) fn compare(&mut self, op: CompareOp) {
        let (mut b, mut a, mut op) = (self.pop(), self.pop(), op);
        if matches!(a.provider, Provider::Const(_)) {
            (a, b) = (b, a);
            op = op.relatives().swapped;
        }
        let a = self.slot(a);
        let operands = match b.provider {
            Provider::Const(constant) => self.right(op.class(), a, constant),
            _ => Operands::Slots(a, self.slot(b)),
        };
        let dst = self.push_temp();
        self.emit_binary(
            |form| Op::Compare(op, CompareForm::Value(form)),
            dst,
            operands,
        );
    }

    fn emit_binary(&mut self, op: impl Fn(BinaryForm) -> Op, dst: u16, operands: Operands) {
        match operands {
            Operands::Slots(a, b) => {
                self.emit_result(op(BinaryForm::Slots), &[quarters(dst, a, b, 0)], dst);
            }
            Operands::Imm(a, bits) => {
                self.emit_result(op(BinaryForm::Imm), &[with32(dst, a, bits)], dst);
            }
            Operands::Wide(a, value) => {
                let words = [quarters(dst, a, 0, 0), value];
                self.emit_result(op(BinaryForm::Wide), &words, dst);
            }
        }
    }

    /// A comparison with zero, for which `i32` and `i64` have an instruction. Of a comparison
    /// just made, it is the inverse one.
    pub(super) fn eqz(&mut self, op: CompareOp) {
        let operand = self.pop();
        if op == CompareOp::I32Eq
            && self.is_last(operand)
            && let Some(Op::Compare(made, form)) = self.encoder.last().map(|last| last.op)
        {
            let operands = self.encoder.take_last();
            let dst = self.push_temp();
            self.emit_result(Op::Compare(made.relatives().inverse, form), &operands, dst);
            return;
        }
        let src = self.slot(operand);
        let dst = self.push_temp();
        self.emit_binary(
            |form| Op::Compare(op, CompareForm::Value(form)),
            dst,
            Operands::Imm(src, 0),
        );
    }

    /// Pops a truth value to branch by. The comparison that made it becomes part of the
    /// branch, if it was the last instruction.
    pub(super) fn condition(&mut self) -> Condition {
        let operand = self.pop();
        let last = self.encoder.last().filter(|_| self.is_last(operand));
        let (op, form) = match last.map(|last| last.op) {
            Some(Op::Compare(op, CompareForm::Value(form))) => (op, form),
            // A test of bits.
            Some(Op::Arith(ArithOp::I32And, form)) => (CompareOp::I32Test, form),
            _ => {
                return Condition::Slot {
                    slot: self.slot(operand),
                    zero: false,
                };
            }
        };
        let operands = self.encoder.take_last();
        let [_, a, b, _] = split(operands[0]);
        match form {
            BinaryForm::Imm | BinaryForm::ImmLeft => {
                let bits = half32(operands[0]);
                match i16::try_from(bits as i32) {
                    Ok(bits) => Condition::Imm(op, a, bits),
                    Err(_) => Condition::Wide(op, a, widened(op.class(), bits)),
                }
            }
            BinaryForm::Wide | BinaryForm::WideLeft => Condition::Wide(op, a, operands[1]),
            BinaryForm::Slots => Condition::Slots(op, a, b),
        }
    }

    /// Writes a branch, its distance still to be filled in, and yields its position.
    pub(super) fn emit_branch(&mut self, condition: Condition) -> usize {
        use super::super::isa::PlainOp::{BrEqz, BrNez};
        let branch = |op, form| Op::Compare(op, CompareForm::Branch(form));
        let encoder = &mut self.encoder;
        match condition {
            Condition::Slot { slot, zero } => {
                encoder.plain(if zero { BrEqz } else { BrNez }, &[quarters(slot, 0, 0, 0)])
            }
            Condition::Slots(op, a, b) => {
                encoder.emit(branch(op, BranchForm::Slots), &[quarters(a, b, 0, 0)], None)
            }
            Condition::Imm(op, a, b) => encoder.emit(
                branch(op, BranchForm::Imm),
                &[quarters(a, b as u16, 0, 0)],
                None,
            ),
            Condition::Wide(op, a, b) => encoder.emit(
                branch(op, BranchForm::Wide),
                &[quarters(a, 0, 0, 0), b],
                None,
            ),
        }
    }
}
