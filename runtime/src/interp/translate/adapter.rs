//! Code that stands between a caller and a function of another type.

use super::super::cast::{Cast, Source};
use super::super::context::{HEADER_SLOTS, Meta};
use super::super::isa::{Input, Op, Output, PlainOp, UnaryOp};
use super::super::module::{ADAPTER, ModuleInner};
use super::super::types::FuncType;
use super::encode::{Encoder, quarters, with32};

/// Writes code with which function `func`, of whatever index space, is called by the type
/// `caller`; none if that cannot be.
pub(crate) fn adapter(module: &ModuleInner, func: u32, caller: &FuncType) -> Option<Box<[u64]>> {
    let callee = &module.types[module.funcs[func as usize] as usize].0;
    let cast = Cast::new(caller, callee)?;
    let header = caller.params.len();
    // Arguments and results of the callee, then results for the caller.
    let inner = header + HEADER_SLOTS;
    let outer = inner + callee.slots();
    let slot = |index: usize| u16::try_from(index).expect("validation bounds types");
    let meta = Meta {
        header: slot(header),
        params: slot(header),
        frame: (outer + caller.results.len()) as u32,
    };
    let mut encoder = Encoder::new(meta, func, None);
    encoder.mark(ADAPTER);
    let fill = |encoder: &mut Encoder<'_>, sources: &[Source], from: usize, to: usize| {
        for (index, source) in sources.iter().enumerate() {
            let to = slot(to + index);
            match *source {
                Source::Zero => encoder.constant(to, 0),
                Source::Whole(index) => encoder.copy(to, slot(from + index)),
                Source::Low32(index) => {
                    let operands = [quarters(to, slot(from + index), 0, 0)];
                    encoder.emit(
                        Op::Unary(UnaryOp::KeepLow32, Input::Slot, Output::Slot),
                        &operands,
                        None,
                    );
                }
            }
        }
    };
    fill(&mut encoder, &cast.arguments, 0, inner);
    let (call, index) = match func.checked_sub(module.imported_funcs) {
        Some(defined) => (PlainOp::Call, defined),
        None => (PlainOp::CallImport, func),
    };
    encoder.plain(call, &[with32(slot(inner), 0, index)]);
    encoder.label();
    fill(&mut encoder, &cast.results, inner, outer);
    let (header, outer) = (slot(header), slot(outer));
    let (op, word) = match caller.results.len() {
        0 => (PlainOp::Return0, quarters(header, 0, 0, 0)),
        1 => (PlainOp::Return1, quarters(header, outer, 0, 0)),
        count => (PlainOp::ReturnN, quarters(header, outer, slot(count), 0)),
    };
    encoder.plain(op, &[word]);
    encoder.finish().ok()
}
