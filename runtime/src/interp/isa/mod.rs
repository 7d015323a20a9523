//! The instruction set, as data: opcodes, the layout of their words, and their handlers.
//!
//! An instruction is one word with the address of its handler, then words with operands.
//! Operands are 16-bit *quarters*, numbered input the first word after the handler's:
//! slots of the frame, or two quarters forming a 32-bit number, or a whole word.

mod all;
pub(crate) mod memory;
pub(crate) mod numeric;
pub(crate) mod value;
pub(crate) mod vector;

use super::context::Handler;
use super::handlers::{
    BACK, InAcc, InSlot, ONWARDS, atomic, call, control, exception, global, memory as mem, table,
    vector as vec,
};
pub use all::handler_names;
pub(crate) use memory::{AtomicOp, LoadOp, StoreOp, Width};
pub(crate) use numeric::{ArithOp, CompareOp, UnaryOp};
use value::Bank;
use vector::{LaneLoad, LaneStore, VectorLoad, VectorOp};

/// Where an operand is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Input {
    Slot,
    /// In the accumulator: it is what the instruction before has computed.
    Acc,
}

/// Where a result goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// To a slot, and to the accumulator.
    Slot,
    /// To the accumulator only: the next instruction alone wants it.
    Acc,
}

/// Where the operands of a binary operation are: left, then right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BinaryForm {
    Slots,
    AccSlot,
    SlotAcc,
    /// The right one in the instruction, in 32 bits.
    Imm,
    AccImm,
    /// The right one in a word of its own.
    Wide,
    AccWide,
    /// The left one in the instruction, in 32 bits.
    ImmLeft,
    /// The left one in a word of its own.
    WideLeft,
}

/// Where the operands of a comparison are. A comparison can be turned around, so that what is in
/// the accumulator is always the left one, and a constant the right one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PairForm {
    Slots,
    AccSlot,
    /// The right one in the instruction, in 32 bits; in 16 bits if it is a branch.
    Imm,
    AccImm,
    /// The right one in a word of its own.
    Wide,
    AccWide,
}

/// What becomes of a comparison: a value, or a branch if it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CompareForm {
    Value(PairForm, Output),
    Branch(PairForm, Edge),
}

/// Where a branch leads. Backwards is a safepoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edge {
    Onwards,
    Back,
}

/// Where the address of a load is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LoadForm {
    Slot,
    Acc,
    /// It is constant.
    At,
    /// It is the sum of a slot and a constant, which may overflow.
    Sum,
    AccSum,
    /// It is the sum of two slots, which may overflow.
    Pair,
    AccPair,
}

/// Where address and value of a store are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreForm {
    Slots,
    AccSlot,
    SlotAcc,
    /// The address is constant.
    At,
    AtAcc,
    /// The value is constant, in a word of its own.
    Imm,
    AccImm,
    /// The address is a sum, as that of loads.
    SumSlot,
    AccSumSlot,
    SumImm,
    AccSumImm,
    PairSlot,
    AccPairSlot,
}

/// An opcode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Arith(ArithOp, BinaryForm, Output),
    Compare(CompareOp, CompareForm),
    Unary(UnaryOp, Input, Output),
    Load(LoadOp, LoadForm, Output),
    Store(StoreOp, StoreForm),
    Atomic(AtomicOp, Width),
    Vector(VectorOp),
    VectorLoad(VectorLoad),
    LaneLoad(LaneLoad),
    LaneStore(LaneStore),
    Plain(PlainOp),
}

/// An operand of an instruction, with the first quarter it is in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Operand {
    /// A slot that is written.
    Dst(u8),
    /// The accumulator, as what is written.
    DstAcc,
    /// The accumulator, as what is read.
    Acc,
    /// A slot that is read.
    Src(u8),
    /// The first of consecutive slots.
    Span(u8),
    /// Where the frame header is.
    Header(u8),
    /// A signed 16-bit constant.
    Imm16(u8),
    /// A 32-bit constant.
    Imm32(u8),
    /// A 64-bit constant.
    Imm64(u8),
    /// A 32-bit offset or address in memory.
    Offset(u8),
    /// A branch distance in words, input the instruction's first.
    Rel(u8),
    /// A 16-bit number.
    Count(u8),
    /// A 32-bit number.
    Index(u8),
    /// A 32-bit number of branch targets, each a word after the instruction.
    Targets(u8),
}

/// How many words an instruction has, and what is in them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Format {
    pub words: usize,
    pub operands: &'static [Operand],
}

macro_rules! plain_ops {
    ($($name:ident $text:literal $words:literal [$($operand:ident $($quarter:literal)?)*] $handler:expr;)*) => {
        /// Opcodes of which there is one form only.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum PlainOp { $($name),* }

        impl PlainOp {
            const ALL: &[PlainOp] = &[$(PlainOp::$name),*];

            fn text(self) -> &'static str {
                match self { $(PlainOp::$name => $text),* }
            }

            fn format(self) -> Format {
                match self { $(PlainOp::$name => Format {
                    words: $words,
                    operands: &[$(Operand::$operand$(($quarter))?),*],
                }),* }
            }

            const fn handler(self) -> Handler {
                match self { $(PlainOp::$name => $handler),* }
            }
        }
    };
}

plain_ops! {
    Copy "copy" 2 [Dst 0 Src 1] control::copy;
    Copy2 "copy2" 2 [Dst 0 Src 1 Dst 2 Src 3] control::copy2;
    Const32 "const32" 2 [Dst 0 Imm32 2] control::const32;
    Const64 "const64" 3 [Dst 0 Imm64 4] control::const64;
    Select "select" 2 [Dst 0 Src 1 Src 2 Src 3] control::select::<InSlot<3>>;
    SelectAcc "select.acc" 2 [Dst 0 Src 1 Src 2 Acc] control::select::<InAcc>;

    Unreachable "unreachable" 1 [] control::unreachable;
    Br "br" 2 [Rel 2] control::br::<BACK>;
    BrOn "br" 2 [Rel 2] control::br::<ONWARDS>;
    BrNez "br_nez" 2 [Src 0 Rel 2] control::br_truth::<InSlot<0>, true, BACK>;
    BrNezOn "br_nez" 2 [Src 0 Rel 2] control::br_truth::<InSlot<0>, true, ONWARDS>;
    BrNezAcc "br_nez.acc" 2 [Acc Rel 2] control::br_truth::<InAcc, true, BACK>;
    BrNezAccOn "br_nez.acc" 2 [Acc Rel 2] control::br_truth::<InAcc, true, ONWARDS>;
    BrEqz "br_eqz" 2 [Src 0 Rel 2] control::br_truth::<InSlot<0>, false, BACK>;
    BrEqzOn "br_eqz" 2 [Src 0 Rel 2] control::br_truth::<InSlot<0>, false, ONWARDS>;
    BrEqzAcc "br_eqz.acc" 2 [Acc Rel 2] control::br_truth::<InAcc, false, BACK>;
    BrEqzAccOn "br_eqz.acc" 2 [Acc Rel 2] control::br_truth::<InAcc, false, ONWARDS>;
    AddBrNez "i32.add.br_nez" 3 [Dst 0 Src 1 Imm64 4 Rel 2] control::add_br::<true>;
    AddBrEqz "i32.add.br_eqz" 3 [Dst 0 Src 1 Imm64 4 Rel 2] control::add_br::<false>;
    AddBr "i32.add.br" 3 [Dst 0 Src 1 Imm64 4 Rel 2] control::add_then_br;
    BrTable "br_table" 2 [Src 0 Targets 2] control::br_table::<InSlot<0>>;
    BrTableAcc "br_table.acc" 2 [Acc Targets 2] control::br_table::<InAcc>;

    Return0 "return0" 2 [Header 0] call::return0;
    Return1 "return1" 2 [Header 0 Src 1] call::return1::<InSlot<1>, u64>;
    Return1Int "return1.acc" 2 [Header 0 Acc] call::return1::<InAcc, u64>;
    Return1Single "return1.acc.f32" 2 [Header 0 Acc] call::return1::<InAcc, f32>;
    Return1Double "return1.acc.f64" 2 [Header 0 Acc] call::return1::<InAcc, f64>;
    ReturnImm "return_imm" 3 [Header 0 Imm64 4] call::return_imm;
    ReturnN "return_n" 2 [Header 0 Span 1 Count 2] call::return_n;
    Call "call" 2 [Span 0 Index 2] call::call;
    CallImport "call_import" 2 [Span 0 Index 2] call::call_import;
    CallIndirect "call_indirect" 3 [Span 0 Src 1 Index 2 Index 4] call::call_indirect;
    ReturnCall "return_call" 2 [Header 0 Span 1 Index 2] call::return_call;
    ReturnCallIndirect "return_call_indirect" 3 [Header 0 Span 1 Src 2 Index 4 Index 6]
        call::return_call_indirect;

    Throw "throw" 2 [Span 0 Index 2] exception::throw;
    ThrowRef "throw_ref" 2 [Src 0] exception::throw_ref;

    GlobalGet "global.get" 2 [Dst 0 Index 2] global::get;
    GlobalSet "global.set" 2 [Src 0 Index 2] global::set::<InSlot<0>>;
    GlobalSetAcc "global.set.acc" 2 [Acc Index 2] global::set::<InAcc>;

    GlobalGetVector "global.get.vector" 2 [Dst 0 Index 2] vec::global_get;
    GlobalSetVector "global.set.vector" 2 [Src 0 Index 2] vec::global_set;
    SelectVector "select.vector" 2 [Dst 0 Src 1 Src 2 Src 3] vec::select;
    StoreVector "V128Store" 2 [Src 0 Src 1 Offset 2] vec::store;
    Shuffle "I8x16Shuffle" 4 [Dst 0 Src 1 Src 2 Imm64 4 Imm64 8] vec::shuffle;

    RefFunc "ref.func" 2 [Dst 0 Index 2] table::ref_func;
    TableGet "table.get" 2 [Dst 0 Src 1 Index 2] table::get;
    TableSet "table.set" 2 [Src 0 Src 1 Index 2] table::set;
    TableSize "table.size" 2 [Dst 0 Index 2] table::size;
    TableGrow "table.grow" 3 [Dst 0 Src 1 Src 2 Index 4] table::grow;
    TableFill "table.fill" 3 [Src 0 Src 1 Src 2 Index 4] table::fill;
    TableCopy "table.copy" 3 [Src 0 Src 1 Src 2 Index 4 Index 6] table::copy;
    TableInit "table.init" 3 [Src 0 Src 1 Src 2 Index 4 Index 6] table::init;
    ElemDrop "elem.drop" 2 [Index 2] table::elem_drop;

    MemorySize "memory.size" 2 [Dst 0] mem::size;
    MemoryGrow "memory.grow" 2 [Dst 0 Src 1] mem::grow;
    MemoryFill "memory.fill" 2 [Src 0 Src 1 Src 2] mem::fill;
    MemoryCopy "memory.copy" 2 [Src 0 Src 1 Src 2] mem::copy;
    MemoryInit "memory.init" 3 [Src 0 Src 1 Src 2 Index 4] mem::init;
    DataDrop "data.drop" 2 [Index 2] mem::data_drop;

    Notify "memory.atomic.notify" 3 [Dst 0 Src 1 Src 2 Offset 4] atomic::notify;
    Wait32 "memory.atomic.wait32" 3 [Dst 0 Src 1 Src 2 Src 3 Offset 4] atomic::wait32;
    Wait64 "memory.atomic.wait64" 3 [Dst 0 Src 1 Src 2 Src 3 Offset 4] atomic::wait64;
    Fence "atomic.fence" 1 [] atomic::fence;
}

impl Op {
    /// The opcode's name, for disassembly.
    pub fn name(self) -> String {
        match self {
            Op::Arith(op, form, output) => {
                format!("{}{}{}", op.text(), form.suffix(), output.suffix())
            }
            Op::Compare(op, CompareForm::Value(form, output)) => {
                format!("{}{}{}", op.text(), form.suffix(), output.suffix())
            }
            Op::Compare(op, CompareForm::Branch(form, _)) => {
                format!("br_{}{}", op.text(), form.suffix())
            }
            Op::Unary(op, input, output) => {
                let input = if input == Input::Acc { ".acc" } else { "" };
                format!("{}{input}{}", op.text(), output.suffix())
            }
            Op::Load(op, form, output) => {
                format!("{}{}{}", op.text(), form.suffix(), output.suffix())
            }
            Op::Store(op, form) => format!("{}{}", op.text(), form.suffix()),
            Op::Atomic(op, width) => format!("{}{}", op.text(), width.text()),
            Op::Vector(op) => op.text().to_string(),
            Op::VectorLoad(op) => op.text().to_string(),
            Op::LaneLoad(op) => op.text().to_string(),
            Op::LaneStore(op) => op.text().to_string(),
            Op::Plain(op) => op.text().to_string(),
        }
    }

    /// How its words are laid out. Where an operand is in the accumulator, its quarter is unused.
    pub fn format(self) -> Format {
        use Operand::*;
        let (words, operands): (usize, &'static [Operand]) = match self {
            Op::Arith(_, form, output) => {
                let words = match form {
                    BinaryForm::Wide | BinaryForm::AccWide | BinaryForm::WideLeft => 3,
                    _ => 2,
                };
                (words, form.operands(output))
            }
            Op::Compare(_, CompareForm::Value(form, output)) => {
                (form.words(), form.binary().operands(output))
            }
            Op::Compare(_, CompareForm::Branch(form, _)) => {
                let operands: &[Operand] = match form {
                    PairForm::Slots => &[Src(0), Src(1), Rel(2)],
                    PairForm::AccSlot => &[Acc, Src(1), Rel(2)],
                    PairForm::Imm => &[Src(0), Imm16(1), Rel(2)],
                    PairForm::AccImm => &[Acc, Imm16(1), Rel(2)],
                    PairForm::Wide => &[Src(0), Imm64(4), Rel(2)],
                    PairForm::AccWide => &[Acc, Imm64(4), Rel(2)],
                };
                (form.words(), operands)
            }
            Op::Unary(_, Input::Slot, Output::Slot) => (2, &[Dst(0), Src(1)]),
            Op::Unary(_, Input::Acc, Output::Slot) => (2, &[Dst(0), Acc]),
            Op::Unary(_, Input::Slot, Output::Acc) => (2, &[DstAcc, Src(1)]),
            Op::Unary(_, Input::Acc, Output::Acc) => (2, &[DstAcc, Acc]),
            Op::Load(_, LoadForm::Slot, Output::Slot) => (2, &[Dst(0), Src(1), Offset(2)]),
            Op::Load(_, LoadForm::Slot, Output::Acc) => (2, &[DstAcc, Src(1), Offset(2)]),
            Op::Load(_, LoadForm::Acc, Output::Slot) => (2, &[Dst(0), Acc, Offset(2)]),
            Op::Load(_, LoadForm::Acc, Output::Acc) => (2, &[DstAcc, Acc, Offset(2)]),
            Op::Load(_, LoadForm::At, Output::Slot) => (2, &[Dst(0), Offset(2)]),
            Op::Load(_, LoadForm::At, Output::Acc) => (2, &[DstAcc, Offset(2)]),
            Op::Load(_, LoadForm::Sum, Output::Slot) => (2, &[Dst(0), Src(1), Imm32(2)]),
            Op::Load(_, LoadForm::Sum, Output::Acc) => (2, &[DstAcc, Src(1), Imm32(2)]),
            Op::Load(_, LoadForm::AccSum, Output::Slot) => (2, &[Dst(0), Acc, Imm32(2)]),
            Op::Load(_, LoadForm::AccSum, Output::Acc) => (2, &[DstAcc, Acc, Imm32(2)]),
            Op::Load(_, LoadForm::Pair, Output::Slot) => (2, &[Dst(0), Src(1), Src(2), Count(3)]),
            Op::Load(_, LoadForm::Pair, Output::Acc) => (2, &[DstAcc, Src(1), Src(2), Count(3)]),
            Op::Load(_, LoadForm::AccPair, Output::Slot) => (2, &[Dst(0), Acc, Src(2), Count(3)]),
            Op::Load(_, LoadForm::AccPair, Output::Acc) => (2, &[DstAcc, Acc, Src(2), Count(3)]),
            Op::Store(_, StoreForm::Slots) => (2, &[Src(0), Src(1), Offset(2)]),
            Op::Store(_, StoreForm::AccSlot) => (2, &[Acc, Src(1), Offset(2)]),
            Op::Store(_, StoreForm::SlotAcc) => (2, &[Src(0), Acc, Offset(2)]),
            Op::Store(_, StoreForm::At) => (2, &[Src(1), Offset(2)]),
            Op::Store(_, StoreForm::AtAcc) => (2, &[Acc, Offset(2)]),
            Op::Store(_, StoreForm::Imm) => (3, &[Src(0), Offset(2), Imm64(4)]),
            Op::Store(_, StoreForm::AccImm) => (3, &[Acc, Offset(2), Imm64(4)]),
            Op::Store(_, StoreForm::SumSlot) => (2, &[Src(0), Imm32(2), Src(1)]),
            Op::Store(_, StoreForm::AccSumSlot) => (2, &[Acc, Imm32(2), Src(1)]),
            Op::Store(_, StoreForm::SumImm) => (3, &[Src(0), Imm32(2), Imm64(4)]),
            Op::Store(_, StoreForm::AccSumImm) => (3, &[Acc, Imm32(2), Imm64(4)]),
            Op::Store(_, StoreForm::PairSlot) => (2, &[Src(0), Src(2), Count(3), Src(1)]),
            Op::Store(_, StoreForm::AccPairSlot) => (2, &[Acc, Src(2), Count(3), Src(1)]),
            Op::Atomic(AtomicOp::Load, _) => (2, &[Dst(0), Src(1), Offset(2)]),
            Op::Atomic(AtomicOp::Store, _) => (2, &[Src(0), Src(1), Offset(2)]),
            Op::Atomic(AtomicOp::Cmpxchg, _) => (3, &[Dst(0), Src(1), Src(2), Src(3), Offset(4)]),
            Op::Atomic(_, _) => (3, &[Dst(0), Src(1), Src(2), Offset(4)]),
            Op::Vector(op) => return op.format(),
            Op::VectorLoad(_) => (2, &[Dst(0), Src(1), Offset(2)]),
            Op::LaneLoad(_) => (3, &[Dst(0), Src(1), Src(2), Count(3), Offset(4)]),
            Op::LaneStore(_) => (3, &[Src(1), Src(2), Count(3), Offset(4)]),
            Op::Plain(op) => return op.format(),
        };
        Format { words, operands }
    }

    /// The code that executes it.
    pub const fn handler(self) -> Handler {
        match self {
            Op::Arith(op, form, output) => op.handler((form, output)),
            Op::Compare(op, form) => op.handler(form),
            Op::Unary(op, input, output) => op.handler(input, output),
            Op::Load(op, form, output) => mem::load_handler(op, form, output),
            Op::Store(op, form) => mem::store_handler(op, form),
            Op::Atomic(op, width) => atomic::handler(op, width),
            Op::Vector(op) => op.handler(),
            Op::VectorLoad(op) => op.handler(),
            Op::LaneLoad(op) => op.handler(),
            Op::LaneStore(op) => op.handler(),
            Op::Plain(op) => op.handler(),
        }
    }

    /// The accumulator in which it leaves its result.
    pub fn bank(self) -> Option<Bank> {
        Some(match self {
            Op::Arith(op, ..) => op.class().bank(),
            Op::Compare(_, CompareForm::Value(..)) => Bank::Int,
            Op::Unary(op, ..) => op.classes().1.bank(),
            Op::Load(op, ..) => op.bank(),
            _ => return None,
        })
    }

    /// The same with its result in the accumulator only.
    pub fn into_acc(self) -> Option<Op> {
        Some(match self {
            Op::Arith(op, form, _) => Op::Arith(op, form, Output::Acc),
            Op::Compare(op, CompareForm::Value(form, _)) => {
                Op::Compare(op, CompareForm::Value(form, Output::Acc))
            }
            Op::Unary(op, input, _) => Op::Unary(op, input, Output::Acc),
            Op::Load(op, form, _) => Op::Load(op, form, Output::Acc),
            _ => return None,
        })
    }

    /// Whether it leaves the accumulators as they are when the next instruction follows.
    pub fn keeps_acc(self) -> bool {
        use PlainOp::*;
        match self {
            Op::Store(..) | Op::Compare(_, CompareForm::Branch(..)) => true,
            Op::Plain(op) => matches!(
                op,
                Copy | Copy2
                    | Const32
                    | Const64
                    | BrNez
                    | BrNezOn
                    | BrNezAcc
                    | BrNezAccOn
                    | BrEqz
                    | BrEqzOn
                    | BrEqzAcc
                    | BrEqzAccOn
                    | GlobalSet
                    | GlobalSetAcc
            ),
            _ => false,
        }
    }
}

impl Output {
    fn suffix(self) -> &'static str {
        match self {
            Output::Slot => "",
            Output::Acc => ".to_acc",
        }
    }
}

impl BinaryForm {
    fn suffix(self) -> &'static str {
        match self {
            BinaryForm::Slots => "",
            BinaryForm::AccSlot => ".acc",
            BinaryForm::SlotAcc => ".acc_right",
            BinaryForm::Imm => ".imm",
            BinaryForm::AccImm => ".acc_imm",
            BinaryForm::Wide => ".wide",
            BinaryForm::AccWide => ".acc_wide",
            BinaryForm::ImmLeft => ".imm_left",
            BinaryForm::WideLeft => ".wide_left",
        }
    }

    fn operands(self, output: Output) -> &'static [Operand] {
        use Operand::*;
        match (self, output) {
            (BinaryForm::Slots, Output::Slot) => &[Dst(0), Src(1), Src(2)],
            (BinaryForm::Slots, Output::Acc) => &[DstAcc, Src(1), Src(2)],
            (BinaryForm::AccSlot, Output::Slot) => &[Dst(0), Acc, Src(2)],
            (BinaryForm::AccSlot, Output::Acc) => &[DstAcc, Acc, Src(2)],
            (BinaryForm::SlotAcc, Output::Slot) => &[Dst(0), Src(1), Acc],
            (BinaryForm::SlotAcc, Output::Acc) => &[DstAcc, Src(1), Acc],
            (BinaryForm::Imm, Output::Slot) => &[Dst(0), Src(1), Imm32(2)],
            (BinaryForm::Imm, Output::Acc) => &[DstAcc, Src(1), Imm32(2)],
            (BinaryForm::AccImm, Output::Slot) => &[Dst(0), Acc, Imm32(2)],
            (BinaryForm::AccImm, Output::Acc) => &[DstAcc, Acc, Imm32(2)],
            (BinaryForm::Wide, Output::Slot) => &[Dst(0), Src(1), Imm64(4)],
            (BinaryForm::Wide, Output::Acc) => &[DstAcc, Src(1), Imm64(4)],
            (BinaryForm::AccWide, Output::Slot) => &[Dst(0), Acc, Imm64(4)],
            (BinaryForm::AccWide, Output::Acc) => &[DstAcc, Acc, Imm64(4)],
            (BinaryForm::ImmLeft, Output::Slot) => &[Dst(0), Imm32(2), Src(1)],
            (BinaryForm::ImmLeft, Output::Acc) => &[DstAcc, Imm32(2), Src(1)],
            (BinaryForm::WideLeft, Output::Slot) => &[Dst(0), Imm64(4), Src(1)],
            (BinaryForm::WideLeft, Output::Acc) => &[DstAcc, Imm64(4), Src(1)],
        }
    }
}

impl PairForm {
    /// How many words an instruction has.
    const fn words(self) -> usize {
        match self {
            PairForm::Wide | PairForm::AccWide => 3,
            _ => 2,
        }
    }

    fn suffix(self) -> &'static str {
        self.binary().suffix()
    }

    /// The same of a binary operation.
    pub const fn binary(self) -> BinaryForm {
        match self {
            PairForm::Slots => BinaryForm::Slots,
            PairForm::AccSlot => BinaryForm::AccSlot,
            PairForm::Imm => BinaryForm::Imm,
            PairForm::AccImm => BinaryForm::AccImm,
            PairForm::Wide => BinaryForm::Wide,
            PairForm::AccWide => BinaryForm::AccWide,
        }
    }
}

impl LoadForm {
    fn suffix(self) -> &'static str {
        match self {
            LoadForm::Slot => "",
            LoadForm::Acc => ".acc",
            LoadForm::At => ".at",
            LoadForm::Sum => ".sum",
            LoadForm::AccSum => ".acc_sum",
            LoadForm::Pair => ".pair",
            LoadForm::AccPair => ".acc_pair",
        }
    }
}

impl StoreForm {
    fn suffix(self) -> &'static str {
        match self {
            StoreForm::Slots => "",
            StoreForm::AccSlot => ".to_acc",
            StoreForm::SlotAcc => ".acc",
            StoreForm::At => ".at",
            StoreForm::AtAcc => ".acc_at",
            StoreForm::Imm => ".imm",
            StoreForm::AccImm => ".imm_to_acc",
            StoreForm::SumSlot => ".sum",
            StoreForm::AccSumSlot => ".acc_sum",
            StoreForm::SumImm => ".imm_sum",
            StoreForm::AccSumImm => ".imm_acc_sum",
            StoreForm::PairSlot => ".pair",
            StoreForm::AccPairSlot => ".acc_pair",
        }
    }
}
