//! From stack code to register-slot code.
//!
//! The operand stack exists during translation only. Each operand is a local that has not
//! been set since, a constant, or in the temporary slot that belongs to its height; so
//! reading locals and constants costs nothing until somebody needs them in a particular
//! place. Where control flow merges, the values that a label takes are in the temporaries
//! of the label's heights. Moving them there never overwrites one still to be moved: a
//! temporary moves downwards or not at all, and the lowest one is moved first.

mod adapter;
mod control;
mod encode;
mod exception;
mod memory;
mod numeric;
mod once;
mod operator;
mod stack;
mod vector;

use wasmparser::{BinaryReader, FunctionBody};

use super::catches::Catches;
use super::context::{HEADER_SLOTS, Meta};
use super::isa::value::Bank;
use super::isa::{Input, Op, PlainOp};
use super::module::{ModuleError, ModuleInner};
use super::types::FuncType;
pub(crate) use adapter::adapter;
use control::Control;
pub(crate) use encode::Recorder;
use encode::{CodeTooLong, Encoder, quarters};
use once::Name;
use stack::{Operand, Provider, Stack};

/// Translates function `index` of those the module defines, validated if it was not. The result is the same each
/// time, with or without a recorder.
pub(crate) fn translate(
    module: &ModuleInner,
    index: usize,
    recorder: Option<&mut Recorder>,
) -> Result<(Box<[u64]>, Catches), Untranslatable> {
    let body = &module.bodies[index];
    let shape = module.shape(index).map_err(Untranslatable::Invalid)?;
    let ty = &module.types[body.ty as usize].0;
    let params = ty.param_slots();
    let results = ty.result_slots();
    let header = params + shape.locals as usize;
    let temps = header + HEADER_SLOTS;
    // Validation bounds the sum by what 16 bits can name.
    let meta = Meta {
        header: header as u16,
        params: params as u16,
        frame: (temps + shape.height as usize).max(results) as u32,
    };
    let func = module.imported_funcs + index as u32;
    let mut translator = Translator {
        module,
        encoder: Encoder::new(meta, func, recorder),
        stack: Stack::new(header),
        controls: vec![Control::function(results)],
        catches: Catches::default(),
        results,
        header: header as u16,
        temps: temps as u16,
        dead: None,
        locals: None,
        once: Vec::new(),
        wide: &shape.wide,
        at: 0,
    };
    let bytes = &module.bytes[body.range.clone()];
    let reader = BinaryReader::new(bytes, body.range.start as u64);
    let function = FunctionBody::new(reader);
    if shape.has_vectors {
        translator.locals = Some(local_slots(ty, &function));
    } else {
        translator.once = once::find(&function, params, header);
    }
    let mut operators = function
        .get_operators_reader()
        .expect("the function is valid");
    while !operators.eof() && !translator.encoder.is_full() {
        let (operator, offset) = operators.read_with_offset().expect("the function is valid");
        translator.at = offset;
        translator.encoder.offset = u32::try_from(offset).unwrap_or(u32::MAX);
        translator.operator(&operator);
    }
    let words = translator
        .encoder
        .finish()
        .map_err(Untranslatable::TooLong)?;
    Ok((words, translator.catches))
}

/// Why a function cannot be translated.
#[derive(Debug)]
pub(crate) enum Untranslatable {
    /// It is not valid.
    Invalid(ModuleError),
    /// There would be too much code.
    TooLong(CodeTooLong),
}

/// Of each local the first slot, and whether it has two.
fn local_slots(ty: &FuncType, function: &FunctionBody<'_>) -> Vec<(u16, bool)> {
    let vector = wasmparser::ValType::V128;
    let params = ty.params.iter().map(|ty| (1, ty.slots() == 2));
    let declared = function.get_locals_reader().into_iter().flatten();
    let declared = declared.map_while(Result::ok);
    let declared = declared.map(|(count, ty)| (count, ty == vector));
    let mut slots = Vec::new();
    let mut next = 0;
    for (count, wide) in params.chain(declared) {
        for _ in 0..count {
            slots.push((next, wide));
            next += 1 + u16::from(wide);
        }
    }
    slots
}

struct Translator<'m, 'r> {
    module: &'m ModuleInner,
    encoder: Encoder<'r>,
    stack: Stack,
    controls: Vec<Control>,
    /// What exceptions are caught, and where.
    catches: Catches,
    /// How many results the function has.
    results: usize,
    /// Slot of the frame header.
    header: u16,
    /// Slot of the lowest temporary.
    temps: u16,
    /// In code that cannot be reached: how many blocks that began there are open.
    dead: Option<u32>,
    /// Of each local the first slot, and whether it has two; none if each has the slot of its
    /// number.
    locals: Option<Vec<(u16, bool)>>,
    /// Of each local, whether it is set and read once; nothing if none is.
    once: Vec<Name>,
    /// Where operators are that drop or select vectors, as the module has it.
    wide: &'m [u32],
    /// Where in the module the operator is.
    at: u64,
}

impl Translator<'_, '_> {
    /// Whether the operator, a `drop` or `select`, is of vectors.
    fn is_wide(&self) -> bool {
        !self.wide.is_empty() && self.wide.binary_search(&(self.at as u32)).is_ok()
    }

    fn is_vector_global(&self, index: u32) -> bool {
        self.module.global_types[index as usize].ty.slots() == 2
    }

    /// The temporary of a height.
    fn temp(&self, height: usize) -> u16 {
        u16::try_from(usize::from(self.temps) + height)
            .expect("validation bounds frames by what 16 bits can name")
    }

    fn pop(&mut self) -> Operand {
        self.stack.pop()
    }

    /// Pushes a result, and yields the slot for it.
    fn push_temp(&mut self) -> u16 {
        let slot = self.temp(self.stack.height());
        self.stack.push(Provider::Temp);
        slot
    }

    /// The slot an operand is in; a constant is put into its temporary first.
    fn slot(&mut self, operand: Operand) -> u16 {
        match operand.provider {
            Provider::Local(local) | Provider::Once(local) => local,
            Provider::Temp => self.temp(operand.height),
            Provider::Const(value) => {
                let slot = self.temp(operand.height);
                self.encoder.constant(slot, value);
                slot
            }
        }
    }

    /// Where an operand is, just popped for the next instruction; in the accumulator if it can be
    /// had there, and in what slot otherwise.
    fn input(&mut self, operand: Operand, bank: Bank) -> (Input, u16) {
        let slot = self.slot(operand);
        if self.encoder.held(slot) != Some(bank) {
            return (Input::Slot, slot);
        }
        if matches!(operand.provider, Provider::Temp | Provider::Once(_)) {
            self.encoder.spare(slot);
        }
        (Input::Acc, 0)
    }

    /// Pops an operand into a slot of its own.
    fn pop_slot(&mut self) -> u16 {
        let operand = self.pop();
        self.slot(operand)
    }

    /// Writes code that moves an operand to a slot.
    fn move_to(&mut self, operand: Operand, slot: u16) {
        match operand.provider {
            Provider::Const(value) => self.encoder.constant(slot, value),
            Provider::Local(local) | Provider::Once(local) => self.encoder.copy(slot, local),
            Provider::Temp => self.encoder.copy(slot, self.temp(operand.height)),
        }
    }

    /// Puts the topmost `count` operands into their temporaries, and yields the first's slot.
    fn materialise(&mut self, count: usize) -> u16 {
        for operand in self.stack.materialise(count) {
            self.move_to(operand, self.temp(operand.height));
        }
        self.temp(self.stack.height() - count)
    }

    /// Puts all operands that are locals into their temporaries: what follows may be executed
    /// or not, and may set them.
    fn settle(&mut self) {
        for (height, local) in self.stack.settle() {
            self.encoder.copy(self.temp(height), local);
        }
    }

    /// Writes an instruction with a result and operands in slots, in this order.
    fn emit_result(&mut self, op: Op, operands: &[u64], dst: u16) {
        self.encoder.emit(op, operands, Some(dst));
    }

    /// Before a local is set: saves what is on the stack of it.
    fn preserve(&mut self, local: u16) {
        if self.stack.uses(local) {
            for height in self.stack.detach(local) {
                self.encoder.copy(self.temp(height), local);
            }
        }
    }

    /// Whether the operand, just popped, is what the last instruction wrote.
    fn is_last(&self, operand: Operand) -> bool {
        let slot = match operand.provider {
            Provider::Temp => self.temp(operand.height),
            Provider::Once(local) => local,
            Provider::Local(_) | Provider::Const(_) => return false,
        };
        self.encoder
            .last()
            .is_some_and(|last| last.dst == Some(slot))
    }

    fn local_set(&mut self, local: u16) {
        let value = self.pop();
        let once = self.is_once(local);
        if once && self.set_once(local, value) {
            return;
        }
        if self.is_last(value) && !self.stack.uses(local) {
            self.encoder.redirect_last(local, once);
            return;
        }
        self.preserve(local);
        self.move_to(value, local);
    }

    fn local_tee(&mut self, local: u16) {
        let value = self.pop();
        if self.is_last(value) && !self.stack.uses(local) {
            self.encoder.redirect_last(local, false);
            self.stack.push(Provider::Local(local));
            return;
        }
        self.preserve(local);
        self.move_to(value, local);
        self.stack.push(value.provider);
    }

    fn select(&mut self) {
        let (condition, b, a) = (self.pop(), self.pop(), self.pop());
        let (a, b) = (self.slot(a), self.slot(b));
        let (input, condition) = self.input(condition, Bank::Int);
        let dst = self.push_temp();
        let op = match input {
            Input::Slot => PlainOp::Select,
            Input::Acc => PlainOp::SelectAcc,
        };
        self.emit_result(Op::Plain(op), &[quarters(dst, a, b, condition)], dst);
    }
}
