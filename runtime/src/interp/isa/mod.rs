//! The instruction set, as data: opcodes, the layout of their words, and their handlers.
//!
//! An instruction is one word with the address of its handler, then words with operands.
//! Operands are 16-bit *quarters*, numbered from the first word after the handler's:
//! slots of the frame, or two quarters forming a 32-bit number, or a whole word.

mod all;
pub(crate) mod memory;
pub(crate) mod numeric;
pub(crate) mod value;
pub(crate) mod vector;

use super::context::Handler;
use super::handlers::{
    atomic, call, control, exception, global, memory as mem, table, vector as vec,
};
pub use all::handler_names;
pub(crate) use memory::{AtomicOp, LoadOp, StoreOp, Width};
pub(crate) use numeric::{ArithOp, CompareOp, UnaryOp};
use vector::{LaneLoad, LaneStore, VectorLoad, VectorOp};

/// Where the operands of a binary operation are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BinaryForm {
    /// Both in slots.
    Slots,
    /// The right one in the instruction, in 32 bits.
    Imm,
    /// The right one in a word of its own.
    Wide,
    /// The left one in the instruction, in 32 bits.
    ImmLeft,
    /// The left one in a word of its own.
    WideLeft,
}

/// Where the operands of a comparing branch are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BranchForm {
    /// Both in slots.
    Slots,
    /// The right one in the instruction, in 16 bits.
    Imm,
    /// The right one in a word of its own.
    Wide,
}

/// What becomes of a comparison: a value, or a branch if it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CompareForm {
    Value(BinaryForm),
    Branch(BranchForm),
}

/// Where the operands of a load or store are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AccessForm {
    /// All in slots.
    Slots,
    /// The address is constant.
    At,
    /// The value to store is constant.
    Imm,
}

/// An opcode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Arith(ArithOp, BinaryForm),
    Compare(CompareOp, CompareForm),
    Unary(UnaryOp),
    Load(LoadOp, AccessForm),
    Store(StoreOp, AccessForm),
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
    /// A branch distance in words, from the instruction's first.
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
    ($($name:ident $text:literal $words:literal [$($operand:ident $quarter:literal)*] $handler:path;)*) => {
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
                    operands: &[$(Operand::$operand($quarter)),*],
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
    Select "select" 2 [Dst 0 Src 1 Src 2 Src 3] control::select;

    Unreachable "unreachable" 1 [] control::unreachable;
    Br "br" 2 [Rel 2] control::br;
    BrNez "br_nez" 2 [Src 0 Rel 2] control::br_nez;
    BrEqz "br_eqz" 2 [Src 0 Rel 2] control::br_eqz;
    BrTable "br_table" 2 [Src 0 Targets 2] control::br_table;

    Return0 "return0" 2 [Header 0] call::return0;
    Return1 "return1" 2 [Header 0 Src 1] call::return1;
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
    GlobalSet "global.set" 2 [Src 0 Index 2] global::set;

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
            Op::Arith(op, form) => format!("{}{}", op.text(), form.suffix()),
            Op::Compare(op, CompareForm::Value(form)) => {
                format!("{}{}", op.text(), form.suffix())
            }
            Op::Compare(op, CompareForm::Branch(form)) => {
                format!("br_{}{}", op.text(), form.suffix())
            }
            Op::Unary(op) => op.text().to_string(),
            Op::Load(op, form) => format!("{}{}", op.text(), form.suffix()),
            Op::Store(op, form) => format!("{}{}", op.text(), form.suffix()),
            Op::Atomic(op, width) => format!("{}{}", op.text(), width.text()),
            Op::Vector(op) => op.text().to_string(),
            Op::VectorLoad(op) => op.text().to_string(),
            Op::LaneLoad(op) => op.text().to_string(),
            Op::LaneStore(op) => op.text().to_string(),
            Op::Plain(op) => op.text().to_string(),
        }
    }

    /// How its words are laid out.
    pub fn format(self) -> Format {
        use Operand::*;
        let (words, operands): (usize, &'static [Operand]) = match self {
            Op::Arith(_, form) | Op::Compare(_, CompareForm::Value(form)) => match form {
                BinaryForm::Slots => (2, &[Dst(0), Src(1), Src(2)]),
                BinaryForm::Imm => (2, &[Dst(0), Src(1), Imm32(2)]),
                BinaryForm::Wide => (3, &[Dst(0), Src(1), Imm64(4)]),
                BinaryForm::ImmLeft => (2, &[Dst(0), Imm32(2), Src(1)]),
                BinaryForm::WideLeft => (3, &[Dst(0), Imm64(4), Src(1)]),
            },
            Op::Compare(_, CompareForm::Branch(form)) => match form {
                BranchForm::Slots => (2, &[Src(0), Src(1), Rel(2)]),
                BranchForm::Imm => (2, &[Src(0), Imm16(1), Rel(2)]),
                BranchForm::Wide => (3, &[Src(0), Imm64(4), Rel(2)]),
            },
            Op::Unary(_) => (2, &[Dst(0), Src(1)]),
            Op::Load(_, AccessForm::At) => (2, &[Dst(0), Offset(2)]),
            Op::Load(_, _) => (2, &[Dst(0), Src(1), Offset(2)]),
            Op::Store(_, AccessForm::Slots) => (2, &[Src(0), Src(1), Offset(2)]),
            Op::Store(_, AccessForm::At) => (2, &[Src(1), Offset(2)]),
            Op::Store(_, AccessForm::Imm) => (3, &[Src(0), Offset(2), Imm64(4)]),
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
            Op::Arith(op, form) => op.handler(form),
            Op::Compare(op, form) => op.handler(form),
            Op::Unary(op) => op.handler(),
            Op::Load(op, form) => mem::load_handler(op, form),
            Op::Store(op, form) => mem::store_handler(op, form),
            Op::Atomic(op, width) => atomic::handler(op, width),
            Op::Vector(op) => op.handler(),
            Op::VectorLoad(op) => op.handler(),
            Op::LaneLoad(op) => op.handler(),
            Op::LaneStore(op) => op.handler(),
            Op::Plain(op) => op.handler(),
        }
    }
}

impl BinaryForm {
    fn suffix(self) -> &'static str {
        match self {
            BinaryForm::Slots => "",
            BinaryForm::Imm => ".imm",
            BinaryForm::Wide => ".wide",
            BinaryForm::ImmLeft => ".imm_left",
            BinaryForm::WideLeft => ".wide_left",
        }
    }
}

impl BranchForm {
    fn suffix(self) -> &'static str {
        match self {
            BranchForm::Slots => "",
            BranchForm::Imm => ".imm",
            BranchForm::Wide => ".wide",
        }
    }
}

impl AccessForm {
    fn suffix(self) -> &'static str {
        match self {
            AccessForm::Slots => "",
            AccessForm::At => ".at",
            AccessForm::Imm => ".imm",
        }
    }
}
