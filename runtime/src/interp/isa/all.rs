//! Every handler there is, as a list in the object file: what reads the emitted code (the test
//! `dispatch`) learns from its relocations what to look at. Nothing refers to it, so that linkers
//! leave it out of programs.

use super::super::context::Handler;
use super::super::handlers::call;
use super::vector::{LaneLoad, LaneStore, VectorLoad, VectorOp};
use super::{
    AccessForm, ArithOp, AtomicOp, BinaryForm, BranchForm, CompareForm, CompareOp, LoadOp, Op,
    PlainOp, StoreOp, UnaryOp, Width,
};

const BINARY: [BinaryForm; 5] = [
    BinaryForm::Slots,
    BinaryForm::Imm,
    BinaryForm::Wide,
    BinaryForm::ImmLeft,
    BinaryForm::WideLeft,
];
const BRANCH: [BranchForm; 3] = [BranchForm::Slots, BranchForm::Imm, BranchForm::Wide];
const LOAD: [AccessForm; 2] = [AccessForm::Slots, AccessForm::At];
const STORE: [AccessForm; 3] = [AccessForm::Slots, AccessForm::At, AccessForm::Imm];

const COUNT: usize = PlainOp::ALL.len()
    + UnaryOp::ALL.len()
    + ArithOp::ALL.len() * BINARY.len()
    + CompareOp::ALL.len() * (BINARY.len() + BRANCH.len())
    + LoadOp::ALL.len() * LOAD.len()
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
        ($item:ident of $list:expr, $form:ident of $forms:expr => $op:expr) => {{
            let mut j = 0;
            while j < $list.len() {
                let $item = $list[j];
                each!($form of $forms => $op);
                j += 1;
            }
        }};
    }
    each!(op of PlainOp::ALL => Op::Plain(op));
    each!(op of UnaryOp::ALL => Op::Unary(op));
    each!(op of ArithOp::ALL, form of BINARY => Op::Arith(op, form));
    each!(op of CompareOp::ALL, form of BINARY => Op::Compare(op, CompareForm::Value(form)));
    each!(op of CompareOp::ALL, form of BRANCH => Op::Compare(op, CompareForm::Branch(form)));
    each!(op of LoadOp::ALL, form of LOAD => Op::Load(op, form));
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
