//! Constant expressions: initial values of globals, offsets and items of segments.

use wasmparser::Operator;

use super::module::ModuleError;

/// A validated constant expression, in postfix order.
#[derive(Debug)]
pub(crate) struct ConstExpr(Box<[Step]>);

#[derive(Debug, Clone, Copy)]
enum Step {
    /// A value, as slots hold it.
    Const(u128),
    Global(u32),
    Func(u32),
    Add32,
    Sub32,
    Mul32,
    Add64,
    Sub64,
    Mul64,
}

impl ConstExpr {
    /// Reads an expression that the validator has seen, or is about to.
    pub fn read(expression: &wasmparser::ConstExpr<'_>) -> Result<ConstExpr, ModuleError> {
        let mut steps = Vec::new();
        let mut reader = expression.get_operators_reader();
        while !reader.eof() {
            let offset = reader.original_position();
            steps.push(match reader.read()? {
                Operator::I32Const { value } => Step::Const((value as u32).into()),
                Operator::I64Const { value } => Step::Const((value as u64).into()),
                Operator::F32Const { value } => Step::Const(value.bits().into()),
                Operator::F64Const { value } => Step::Const(value.bits().into()),
                Operator::V128Const { value } => Step::Const(value.i128() as u128),
                Operator::RefNull { .. } => Step::Const(0),
                Operator::RefFunc { function_index } => Step::Func(function_index),
                Operator::GlobalGet { global_index } => Step::Global(global_index),
                Operator::I32Add => Step::Add32,
                Operator::I32Sub => Step::Sub32,
                Operator::I32Mul => Step::Mul32,
                Operator::I64Add => Step::Add64,
                Operator::I64Sub => Step::Sub64,
                Operator::I64Mul => Step::Mul64,
                Operator::End => break,
                other => {
                    return Err(ModuleError {
                        message: format!("{other:?} in a constant expression is not supported"),
                        offset,
                    });
                }
            });
        }
        Ok(ConstExpr(steps.into()))
    }

    /// A reference to a function.
    pub fn ref_func(index: u32) -> ConstExpr {
        ConstExpr(Box::new([Step::Func(index)]))
    }

    /// Its value, given those of globals and references to functions.
    pub fn evaluate(&self, global: impl Fn(u32) -> u128, func: impl Fn(u32) -> u64) -> u128 {
        let mut stack = Vec::with_capacity(2);
        for step in &self.0 {
            let value = match *step {
                Step::Const(value) => value,
                Step::Global(index) => global(index),
                Step::Func(index) => func(index).into(),
                operation => {
                    let b = stack.pop().unwrap_or(0) as u64;
                    let a = stack.pop().unwrap_or(0) as u64;
                    let value = match operation {
                        Step::Add32 => u64::from((a as u32).wrapping_add(b as u32)),
                        Step::Sub32 => u64::from((a as u32).wrapping_sub(b as u32)),
                        Step::Mul32 => u64::from((a as u32).wrapping_mul(b as u32)),
                        Step::Add64 => a.wrapping_add(b),
                        Step::Sub64 => a.wrapping_sub(b),
                        _ => a.wrapping_mul(b),
                    };
                    value.into()
                }
            };
            stack.push(value);
        }
        stack.pop().unwrap_or(0)
    }
}
