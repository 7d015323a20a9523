//! Functions: are they valid, and what frame do they need?

use wasmparser::{
    BinaryReader,
    FrameKind::{LegacyCatch, LegacyCatchAll, LegacyTry},
    FuncToValidate, FuncValidatorAllocations, FunctionBody, Operator, OperatorsReader,
    ValidatorResources,
};

use super::super::context::HEADER_SLOTS;
use super::super::types::FuncType;
use super::parse::{FEATURES, Result};
use super::{ModuleError, ModuleInner};

/// Most slots of a frame, since instructions name slots by 16 bits.
const MAX_FRAME: u64 = u16::MAX as u64;

/// What is known of a function that is valid.
pub(crate) struct Shape {
    /// Slots of its locals without parameters.
    pub locals: u32,
    /// Most slots of operands at any point, results of tail calls included.
    pub height: u32,
    /// Whether there are vectors among its locals, parameters included.
    pub has_vectors: bool,
    /// Where in the module operators are that drop or select vectors.
    pub wide: Box<[u32]>,
}

impl ModuleInner {
    /// The shape of a function that the module defines, validated if it was not.
    pub(crate) fn shape(&self, index: usize) -> Result<&Shape> {
        let body = &self.bodies[index];
        if let Some(shape) = body.shape.get() {
            return Ok(shape);
        }
        let Some(resources) = &self.validator else {
            unreachable!("a function is validated at once, or there is a validator for it");
        };
        let func = FuncToValidate {
            resources: resources.clone(),
            index: self.imported_funcs + index as u32,
            ty: body.ty,
            features: FEATURES,
        };
        let bytes = &self.bytes[body.range.clone()];
        let reader = BinaryReader::new_features(bytes, body.range.start as u64, FEATURES);
        let mut allocations = FuncValidatorAllocations::default();
        let shape = self.validate(func, &FunctionBody::new(reader), &mut allocations)?;
        Ok(body.shape.get_or_init(|| shape))
    }

    /// The type of the function that a valid tail call leads to.
    fn tail_callee(&self, operator: &Operator<'_>) -> Option<&FuncType> {
        let ty = match *operator {
            Operator::ReturnCall { function_index } => self.funcs[function_index as usize],
            Operator::ReturnCallIndirect { type_index, .. } => type_index,
            _ => return None,
        };
        Some(&self.types[ty as usize].0)
    }

    /// Validates a function, and measures the frame it needs. All sections before the code have
    /// been read.
    pub(super) fn validate(
        &self,
        func: FuncToValidate<ValidatorResources>,
        body: &FunctionBody<'_>,
        allocations: &mut FuncValidatorAllocations,
    ) -> Result<Shape> {
        let (ty, index) = (func.ty, func.index);
        let mut validator = func.into_validator(std::mem::take(allocations));
        let mut reader = body.get_binary_reader();
        validator.read_locals(&mut reader)?;
        let mut operators = OperatorsReader::new(reader);
        // Results are at the bottom where a clause that catches leads to the end.
        let mut height = self.types[ty as usize].0.results.len() as u32;
        let mut vectors = self.has_vectors;
        let mut wide = Vec::new();
        // Each open `try` may have an operand that the validator does not know of.
        let mut tries = 0;
        while !operators.eof() {
            let (operator, offset) = operators.read_with_offset()?;
            let before = validator.operand_stack_height();
            match operator {
                Operator::Try { .. } => tries += 1,
                Operator::Delegate { .. } => tries -= 1,
                Operator::End if tries > 0 => {
                    let frame = validator.get_control_frame(0).map(|frame| frame.kind);
                    let is_try = matches!(frame, Some(LegacyTry | LegacyCatch | LegacyCatchAll));
                    tries -= u32::from(is_try);
                }
                Operator::Drop | Operator::Select | Operator::TypedSelect { .. } if vectors => {
                    let below = u32::from(!matches!(operator, Operator::Drop));
                    let ty = validator.get_operand_type(below as usize);
                    if ty == Some(Some(wasmparser::ValType::V128)) {
                        wide.push(offset as u32);
                    }
                }
                _ => {}
            }
            validator.op(offset, &operator)?;
            let after = match self.tail_callee(&operator) {
                // What comes next cannot be reached, and the validator has emptied its stack;
                // but a callee outside the instance leaves its results in this frame.
                Some(ty) => before.saturating_add(ty.results.len() as u32),
                None => validator.operand_stack_height(),
            };
            vectors |= validator.get_operand_type(0) == Some(Some(wasmparser::ValType::V128));
            height = height.max(after.saturating_add(tries));
        }
        operators.finish()?;
        // Any operand may be a vector.
        let height = height.saturating_mul(if vectors { 2 } else { 1 });
        let params = self.types[ty as usize].0.param_slots() as u32;
        let all_locals = slots_of_locals(body, &self.types[ty as usize].0)?;
        let has_vectors = all_locals != validator.len_locals();
        let locals = all_locals - params;
        let slots = u64::from(params) + u64::from(locals) + HEADER_SLOTS as u64 + u64::from(height);
        if slots > MAX_FRAME {
            return Err(ModuleError {
                message: format!(
                    "function {index} needs {slots} slots for parameters, locals and operands; \
                     the interpreter has {MAX_FRAME}"
                ),
                offset: body.range().start,
            });
        }
        *allocations = validator.into_allocations();
        Ok(Shape {
            locals,
            height,
            has_vectors,
            wide: wide.into(),
        })
    }
}

/// How many slots parameters and locals of a valid function take.
fn slots_of_locals(body: &FunctionBody<'_>, ty: &FuncType) -> Result<u32> {
    let mut slots = ty.param_slots() as u32;
    for local in body.get_locals_reader()? {
        let (count, ty) = local?;
        let each = if ty == wasmparser::ValType::V128 {
            2
        } else {
            1
        };
        slots = slots.saturating_add(count.saturating_mul(each));
    }
    Ok(slots)
}
