//! Locals that are set once and read once, with no branch and no label between: unoptimised code
//! names most values so. They are operands by another name. A constant needs no instruction, and a
//! result may stay in the accumulator, or become part of what takes it.

use wasmparser::{FunctionBody, Operator};

use super::super::isa::{ArithOp, CompareForm, Op};
use super::Translator;
use super::stack::{Operand, Provider};

/// What is known of a local so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Untouched,
    /// Set in the stretch of code of this number.
    Set(u32),
    /// Set and read.
    Once,
    /// Anything else.
    Other,
}

/// A local that is set once and read once, and where its value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    /// No such local.
    Other,
    /// In its slot, once it is set.
    Own,
    /// Somewhere else.
    Alias(Provider),
}

/// Looks for such locals among `count`, of which the first are `params`. None of these is one.
pub(super) fn find(body: &FunctionBody<'_>, params: usize, count: usize) -> Vec<Name> {
    if count == params {
        return Vec::new();
    }
    let mut uses = vec![Use::Untouched; count];
    let mut stretch = 0;
    let mut found = false;
    let operators = body.get_operators_reader().into_iter().flatten();
    for operator in operators.map_while(Result::ok) {
        match operator {
            Operator::LocalSet { local_index } => {
                let local = &mut uses[local_index as usize];
                *local = match local {
                    Use::Untouched if local_index as usize >= params => Use::Set(stretch),
                    _ => Use::Other,
                };
            }
            Operator::LocalGet { local_index } => {
                let local = &mut uses[local_index as usize];
                let once = *local == Use::Set(stretch);
                found |= once;
                *local = if once { Use::Once } else { Use::Other };
            }
            Operator::LocalTee { local_index } => uses[local_index as usize] = Use::Other,
            Operator::Block { .. }
            | Operator::Loop { .. }
            | Operator::If { .. }
            | Operator::Else
            | Operator::End
            | Operator::Br { .. }
            | Operator::BrIf { .. }
            | Operator::BrTable { .. }
            | Operator::Return
            | Operator::ReturnCall { .. }
            | Operator::ReturnCallIndirect { .. }
            | Operator::Unreachable
            | Operator::TryTable { .. }
            | Operator::Throw { .. }
            | Operator::ThrowRef
            | Operator::Try { .. }
            | Operator::Catch { .. }
            | Operator::CatchAll
            | Operator::Rethrow { .. }
            | Operator::Delegate { .. } => stretch += 1,
            _ => {}
        }
    }
    if !found {
        return Vec::new();
    }
    let name = |local| match local {
        Use::Once => Name::Own,
        _ => Name::Other,
    };
    uses.into_iter().map(name).collect()
}

impl Translator<'_, '_> {
    fn name(&self, local: u16) -> Name {
        // There is no list if there are none.
        self.once
            .get(usize::from(local))
            .copied()
            .unwrap_or(Name::Other)
    }

    pub(super) fn is_once(&self, local: u16) -> bool {
        self.name(local) != Name::Other
    }

    /// Sets such a local without any code, if that can be.
    pub(super) fn set_once(&mut self, local: u16, value: Operand) -> bool {
        // Other locals may be set before this one is read, and temporaries may be overwritten.
        let known = matches!(value.provider, Provider::Const(_) | Provider::Once(_));
        if known {
            self.once[usize::from(local)] = Name::Alias(value.provider);
        }
        known
    }

    pub(super) fn local_get(&mut self, local: u16) {
        let provider = match self.name(local) {
            Name::Other => Provider::Local(local),
            Name::Own => Provider::Once(local),
            Name::Alias(provider) => provider,
        };
        self.stack.push(provider);
    }

    /// Whether the lowest bit of an operand, just popped, is all of it: what a comparison just
    /// made has yielded.
    pub(super) fn is_truth(&self, operand: Operand) -> bool {
        let op = self.encoder.last().map(|last| last.op);
        matches!(op, Some(Op::Compare(_, CompareForm::Value(..)))) && self.is_last(operand)
    }

    /// Whether an operation on an operand and a constant, just popped, yields the operand as it is.
    pub(super) fn keeps(&self, op: ArithOp, operand: Operand, constant: u64) -> bool {
        op == ArithOp::I32And && constant as u32 == 1 && self.is_truth(operand)
    }
}
