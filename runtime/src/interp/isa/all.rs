//! Every handler there is, as a list in the object file: what reads the emitted code (the test
//! `dispatch`) learns from its relocations what to look at. Nothing refers to it, so that linkers
//! leave it out of programs.

use super::super::context::Handler;
use super::super::handlers::call;
use super::vector::{LaneLoad, LaneStore, VectorLoad, VectorOp};
use super::{
    ArithOp, AtomicOp, BinaryForm, CompareForm, CompareOp, Edge, Input, LoadForm, LoadOp, Op,
    Output, PairForm, PlainOp, StoreForm, StoreOp, UnaryOp, Width,
};

const INPUT: [Input; 2] = [Input::Slot, Input::Acc];
const OUTPUT: [Output; 2] = [Output::Slot, Output::Acc];
const BINARY: [BinaryForm; 9] = [
    BinaryForm::Slots,
    BinaryForm::AccSlot,
    BinaryForm::SlotAcc,
    BinaryForm::Imm,
    BinaryForm::AccImm,
    BinaryForm::Wide,
    BinaryForm::AccWide,
    BinaryForm::ImmLeft,
    BinaryForm::WideLeft,
];
const PAIR: [PairForm; 6] = [
    PairForm::Slots,
    PairForm::AccSlot,
    PairForm::Imm,
    PairForm::AccImm,
    PairForm::Wide,
    PairForm::AccWide,
];
const EDGE: [Edge; 2] = [Edge::Onwards, Edge::Back];
const LOAD: [LoadForm; 7] = [
    LoadForm::Slot,
    LoadForm::Acc,
    LoadForm::At,
    LoadForm::Sum,
    LoadForm::AccSum,
    LoadForm::Pair,
    LoadForm::AccPair,
];
const STORE: [StoreForm; 13] = [
    StoreForm::Slots,
    StoreForm::AccSlot,
    StoreForm::SlotAcc,
    StoreForm::At,
    StoreForm::AtAcc,
    StoreForm::Imm,
    StoreForm::AccImm,
    StoreForm::SumSlot,
    StoreForm::AccSumSlot,
    StoreForm::SumImm,
    StoreForm::AccSumImm,
    StoreForm::PairSlot,
    StoreForm::AccPairSlot,
];

const COUNT: usize = PlainOp::ALL.len()
    + UnaryOp::ALL.len() * INPUT.len() * OUTPUT.len()
    + ArithOp::ALL.len() * BINARY.len() * OUTPUT.len()
    + CompareOp::ALL.len() * PAIR.len() * (OUTPUT.len() + EDGE.len())
    + LoadOp::ALL.len() * LOAD.len() * OUTPUT.len()
    + StoreOp::ALL.len() * STORE.len()
    + AtomicOp::ALL.len() * Width::ALL.len()
    + VectorOp::COUNT
    + VectorLoad::ALL.len()
    + LaneLoad::ALL.len()
    + LaneStore::ALL.len();

const OPS: [Op; COUNT] = ops();

/// Those of no opcode: where functions return to that the host has called, or that have marks.
const OTHERS: [(&str, Handler); 2] = [("exit", call::exit), ("forget", call::forget)];

#[used]
#[unsafe(export_name = "wali_handlers")]
static HANDLERS: [Handler; COUNT + OTHERS.len()] = handlers();

/// The names of what is in `wali_handlers`, in that order.
pub fn handler_names() -> Vec<String> {
    let others = OTHERS.iter().map(|(name, _)| name.to_string());
    OPS.iter().map(|op| op.name()).chain(others).collect()
}

const fn ops() -> [Op; COUNT] {
    let mut all = [Op::Plain(PlainOp::Copy); COUNT];
    let mut count = 0;
    // Constants have no `for` loops.
    macro_rules! each {
        ($item:ident of $list:expr => $op:expr) => {{
            let mut i = 0;
            while i < $list.len() {
                let $item = $list[i];
                all[count] = $op;
                count += 1;
                i += 1;
            }
        }};
        ($item:ident of $list:expr, $($rest:tt)*) => {{
            let mut j = 0;
            while j < $list.len() {
                let $item = $list[j];
                each!($($rest)*);
                j += 1;
            }
        }};
    }
    each!(op of PlainOp::ALL => Op::Plain(op));
    each!(output of OUTPUT, op of UnaryOp::ALL, input of INPUT => Op::Unary(op, input, output));
    each!(output of OUTPUT, op of ArithOp::ALL, form of BINARY => Op::Arith(op, form, output));
    each!(output of OUTPUT, op of CompareOp::ALL, form of PAIR =>
        Op::Compare(op, CompareForm::Value(form, output)));
    each!(edge of EDGE, op of CompareOp::ALL, form of PAIR =>
        Op::Compare(op, CompareForm::Branch(form, edge)));
    each!(output of OUTPUT, op of LoadOp::ALL, form of LOAD => Op::Load(op, form, output));
    each!(op of StoreOp::ALL, form of STORE => Op::Store(op, form));
    each!(op of AtomicOp::ALL, width of Width::ALL => Op::Atomic(op, width));
    each!(op of VectorOp::ALL => Op::Vector(op));
    each!(op of VectorLoad::ALL => Op::VectorLoad(op));
    each!(op of LaneLoad::ALL => Op::LaneLoad(op));
    each!(op of LaneStore::ALL => Op::LaneStore(op));
    assert!(count == COUNT);
    all
}

const fn handlers() -> [Handler; COUNT + OTHERS.len()] {
    let mut all = [OTHERS[0].1; COUNT + OTHERS.len()];
    let mut i = 0;
    while i < all.len() {
        all[i] = if i < COUNT {
            OPS[i].handler()
        } else {
            OTHERS[i - COUNT].1
        };
        i += 1;
    }
    all
}
