//! Arithmetic and comparisons.

use super::super::isa::value::{Bank, Class, Slot, imm32};
use super::super::isa::{
    ArithOp, BinaryForm, CompareForm, CompareOp, Edge, Input, Op, Output, PairForm, PlainOp,
    UnaryOp,
};
use super::Translator;
use super::encode::{half32, quarters, split, with32};
use super::stack::{Operand, Provider};

/// What a branch depends on.
#[derive(Debug, Clone, Copy)]
pub(super) enum Condition {
    /// A truth value, or that it is zero.
    Truth { input: Input, slot: u16, zero: bool },
    /// A sum with a constant, written to a slot, that is not zero, or that is.
    Sum {
        dst: u16,
        src: u16,
        imm: u32,
        zero: bool,
    },
    /// A comparison; of its operands the slots or the constant, as its form has it.
    Pair {
        op: CompareOp,
        form: PairForm,
        left: u16,
        right: u16,
        wide: u64,
    },
}

impl Condition {
    pub fn inverse(self) -> Condition {
        match self {
            Condition::Truth { input, slot, zero } => Condition::Truth {
                input,
                slot,
                zero: !zero,
            },
            Condition::Sum {
                dst,
                src,
                imm,
                zero,
            } => Condition::Sum {
                dst,
                src,
                imm,
                zero: !zero,
            },
            Condition::Pair {
                op,
                form,
                left,
                right,
                wide,
            } => Condition::Pair {
                op: op.relatives().inverse,
                form,
                left,
                right,
                wide,
            },
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
        let operand = self.pop();
        let (input, src) = self.input(operand, op.classes().0.bank());
        let dst = self.push_temp();
        let op = Op::Unary(op, input, Output::Slot);
        self.emit_result(op, &[quarters(dst, src, 0, 0)], dst);
    }

    pub(super) fn arith(&mut self, op: ArithOp) {
        let (mut b, mut a) = (self.pop(), self.pop());
        let (class, commutes) = (op.class(), op.commutative());
        if commutes && matches!(a.provider, Provider::Const(_)) {
            (a, b) = (b, a);
        }
        if let (Provider::Const(left), Provider::Local(_) | Provider::Once(_) | Provider::Temp) =
            (a.provider, b.provider)
        {
            let b = self.slot(b);
            return match imm32(class, left) {
                Some(bits) => self.emit_arith(op, BinaryForm::ImmLeft, |dst| {
                    ([with32(dst, b, bits), 0], 1)
                }),
                None => self.emit_arith(op, BinaryForm::WideLeft, |dst| {
                    ([quarters(dst, b, 0, 0), left], 2)
                }),
            };
        }
        if let Provider::Const(right) = b.provider {
            if self.keeps(op, a, right) {
                return self.stack.push(a.provider);
            }
            let (form, words) = self.with_constant(class, a, right);
            return self.emit_arith(op, form.binary(), words);
        }
        let (form, a, b) = self.two(class.bank(), a, b);
        let (form, a, b) = match form {
            BinaryForm::SlotAcc if commutes => (BinaryForm::AccSlot, b, a),
            form => (form, a, b),
        };
        self.emit_arith(op, form, |dst| ([quarters(dst, a, b, 0), 0], 1));
    }

    /// Where two operands are of which none is constant.
    fn two(&mut self, bank: Bank, a: Operand, b: Operand) -> (BinaryForm, u16, u16) {
        match self.input(a, bank) {
            (Input::Acc, a) => (BinaryForm::AccSlot, a, self.slot(b)),
            (Input::Slot, a) => match self.input(b, bank) {
                (Input::Acc, b) => (BinaryForm::SlotAcc, a, b),
                (Input::Slot, b) => (BinaryForm::Slots, a, b),
            },
        }
    }

    /// Where an operand is, and the words of an instruction with it and a constant on the right,
    /// by the slot it writes.
    fn with_constant(
        &mut self,
        class: Class,
        a: Operand,
        constant: u64,
    ) -> (PairForm, impl FnOnce(u16) -> ([u64; 2], usize) + use<>) {
        let (input, a) = self.input(a, class.bank());
        let bits = imm32(class, constant);
        let form = match (input, bits) {
            (Input::Slot, Some(_)) => PairForm::Imm,
            (Input::Acc, Some(_)) => PairForm::AccImm,
            (Input::Slot, None) => PairForm::Wide,
            (Input::Acc, None) => PairForm::AccWide,
        };
        let words = move |dst| match bits {
            Some(bits) => ([with32(dst, a, bits), 0], 1),
            None => ([quarters(dst, a, 0, 0), constant], 2),
        };
        (form, words)
    }

    /// Writes an instruction whose operands depend on where its result goes.
    fn emit_value(&mut self, op: Op, words: impl FnOnce(u16) -> ([u64; 2], usize)) {
        let dst = self.push_temp();
        let (words, count) = words(dst);
        self.emit_result(op, &words[..count], dst);
    }

    fn emit_arith(
        &mut self,
        op: ArithOp,
        form: BinaryForm,
        words: impl FnOnce(u16) -> ([u64; 2], usize),
    ) {
        self.emit_value(Op::Arith(op, form, Output::Slot), words);
    }

    fn emit_compare(
        &mut self,
        op: CompareOp,
        form: PairForm,
        words: impl FnOnce(u16) -> ([u64; 2], usize),
    ) {
        let form = CompareForm::Value(form, Output::Slot);
        self.emit_value(Op::Compare(op, form), words);
    }

    pub(super) fn compare(&mut self, op: CompareOp) {
        let (mut b, mut a, mut op) = (self.pop(), self.pop(), op);
        if matches!(a.provider, Provider::Const(_)) {
            (a, b) = (b, a);
            op = op.relatives().swapped;
        }
        if let Provider::Const(right) = b.provider {
            let (form, words) = self.with_constant(op.class(), a, right);
            return self.emit_compare(op, form, words);
        }
        let (form, op, a, b) = match self.two(op.class().bank(), a, b) {
            (BinaryForm::SlotAcc, a, b) => (PairForm::AccSlot, op.relatives().swapped, b, a),
            (BinaryForm::AccSlot, a, b) => (PairForm::AccSlot, op, a, b),
            (_, a, b) => (PairForm::Slots, op, a, b),
        };
        self.emit_compare(op, form, |dst| ([quarters(dst, a, b, 0), 0], 1));
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
        let (form, words) = self.with_constant(op.class(), operand, 0);
        self.emit_compare(op, form, words);
    }

    /// Pops a truth value to branch by. The comparison that made it becomes part of the
    /// branch, if it was the last instruction.
    pub(super) fn condition(&mut self) -> Condition {
        let operand = self.pop();
        let last = self.encoder.last().filter(|_| self.is_last(operand));
        let (op, form) = match last.map(|last| last.op) {
            Some(Op::Compare(op, CompareForm::Value(form, _))) => (op, form),
            // A test of bits.
            Some(Op::Arith(ArithOp::I32And, BinaryForm::Slots, _)) => {
                (CompareOp::I32Test, PairForm::Slots)
            }
            Some(Op::Arith(ArithOp::I32And, BinaryForm::AccSlot, _)) => {
                (CompareOp::I32Test, PairForm::AccSlot)
            }
            Some(Op::Arith(ArithOp::I32And, BinaryForm::Imm, _)) => {
                (CompareOp::I32Test, PairForm::Imm)
            }
            Some(Op::Arith(ArithOp::I32And, BinaryForm::AccImm, _)) => {
                (CompareOp::I32Test, PairForm::AccImm)
            }
            _ => {
                let (input, slot) = self.input(operand, Bank::Int);
                return Condition::Truth {
                    input,
                    slot,
                    zero: false,
                };
            }
        };
        // What the comparison had from the accumulator is still there, and stays there whatever
        // moves come between.
        let operands = self.encoder.take_last();
        let [_, left, right, _] = split(operands[0]);
        let (form, right, wide) = match form {
            PairForm::Slots | PairForm::AccSlot => (form, right, 0),
            PairForm::Imm | PairForm::AccImm => {
                let bits = half32(operands[0]);
                match (i16::try_from(bits as i32), form) {
                    (Ok(bits), form) => (form, bits as u16, 0),
                    (Err(_), PairForm::Imm) => (PairForm::Wide, 0, widened(op.class(), bits)),
                    (Err(_), _) => (PairForm::AccWide, 0, widened(op.class(), bits)),
                }
            }
            PairForm::Wide | PairForm::AccWide => (form, 0, operands[1]),
        };
        Condition::Pair {
            op,
            form,
            left,
            right,
            wide,
        }
    }

    /// As [`Translator::condition`], for a branch backwards that is written next: a sum that a loop
    /// counts by becomes part of it.
    pub(super) fn condition_of_loop(&mut self) -> Condition {
        let operand = self.stack.at(self.stack.height() - 1);
        if let Provider::Local(local) = operand.provider
            && self.encoder.held(local) == Some(Bank::Int)
            && let Some((dst, src, imm)) = self.take_step()
        {
            self.pop();
            return Condition::Sum {
                dst,
                src,
                imm,
                zero: false,
            };
        }
        self.condition()
    }

    /// Takes back the last instruction if it is an addition of a constant that writes a slot: which slot,
    /// to which slot what is added.
    fn take_step(&mut self) -> Option<(u16, u16, u32)> {
        let step = Op::Arith(ArithOp::I32Add, BinaryForm::Imm, Output::Slot);
        if self.encoder.last()?.op != step {
            return None;
        }
        let word = self.encoder.take_last()[0];
        let [dst, src, ..] = split(word);
        Some((dst, src, half32(word)))
    }

    /// Writes a branch whatever the condition, its distance still to be filled in, and yields its
    /// position. A sum that a loop counts by becomes part of it.
    pub(super) fn emit_br(&mut self, edge: Edge) -> usize {
        match edge {
            Edge::Back => match self.take_step() {
                Some((dst, src, imm)) => {
                    let words = [quarters(dst, src, 0, 0), u64::from(imm)];
                    self.encoder.plain(PlainOp::AddBr, &words)
                }
                None => self.encoder.plain(PlainOp::Br, &[0]),
            },
            Edge::Onwards => self.encoder.plain(PlainOp::BrOn, &[0]),
        }
    }

    /// Writes a branch, its distance still to be filled in, and yields its position.
    pub(super) fn emit_branch(&mut self, condition: Condition, edge: Edge) -> usize {
        use PlainOp::{AddBrEqz, AddBrNez, BrEqz, BrEqzAcc, BrEqzAccOn, BrEqzOn};
        use PlainOp::{BrNez, BrNezAcc, BrNezAccOn, BrNezOn};
        let encoder = &mut self.encoder;
        match condition {
            Condition::Truth { input, slot, zero } => {
                let op = match (input, zero, edge) {
                    (Input::Slot, false, Edge::Back) => BrNez,
                    (Input::Slot, true, Edge::Back) => BrEqz,
                    (Input::Acc, false, Edge::Back) => BrNezAcc,
                    (Input::Acc, true, Edge::Back) => BrEqzAcc,
                    (Input::Slot, false, Edge::Onwards) => BrNezOn,
                    (Input::Slot, true, Edge::Onwards) => BrEqzOn,
                    (Input::Acc, false, Edge::Onwards) => BrNezAccOn,
                    (Input::Acc, true, Edge::Onwards) => BrEqzAccOn,
                };
                encoder.plain(op, &[quarters(slot, 0, 0, 0)])
            }
            Condition::Sum {
                dst,
                src,
                imm,
                zero,
            } => {
                let op = if zero { AddBrEqz } else { AddBrNez };
                encoder.plain(op, &[quarters(dst, src, 0, 0), u64::from(imm)])
            }
            Condition::Pair {
                op,
                form,
                left,
                right,
                wide,
            } => {
                let words = [quarters(left, right, 0, 0), wide];
                let op = Op::Compare(op, CompareForm::Branch(form, edge));
                encoder.emit(op, &words[..op.format().words - 1], None)
            }
        }
    }
}
