//! Translated code as text.

use std::fmt::Write;

use super::context::Meta;
use super::isa::{Op, Operand};

/// One line an instruction: position, byte of the module, name, operands.
pub(crate) fn disassemble(words: &[u64], ops: &[(usize, Op, u32)]) -> String {
    // SAFETY: code starts with a meta word.
    let meta = unsafe { Meta::read(words.as_ptr()) };
    let mut text = format!(
        "frame {} slots, {} parameters, header at {}\n",
        meta.frame, meta.params, meta.header
    );
    for (position, op, offset) in ops {
        let quarters: Vec<u16> = words[position + 1..position + op.format().words]
            .iter()
            .flat_map(|word| {
                word.to_ne_bytes()
                    .chunks(2)
                    .map(quarter)
                    .collect::<Vec<_>>()
            })
            .collect();
        let _ = write!(text, "{position:6} {offset:#08x}  {}", op.name());
        let mut separator = " ";
        for operand in op.format().operands {
            let _ = write!(
                text,
                "{separator}{}",
                show(*operand, &quarters, *position, words)
            );
            separator = ", ";
        }
        text.push('\n');
    }
    text
}

fn quarter(bytes: &[u8]) -> u16 {
    u16::from_ne_bytes([bytes[0], bytes[1]])
}

fn show(operand: Operand, quarters: &[u16], position: usize, words: &[u64]) -> String {
    let q = |at: u8| quarters[at as usize];
    let half = |at: u8| {
        let (a, b) = (q(at).to_ne_bytes(), q(at + 1).to_ne_bytes());
        u32::from_ne_bytes([a[0], a[1], b[0], b[1]])
    };
    match operand {
        Operand::Dst(at) => format!("s{} <-", q(at)),
        Operand::DstAcc => "acc <-".to_string(),
        Operand::Acc => "acc".to_string(),
        Operand::Src(at) => format!("s{}", q(at)),
        Operand::Span(at) => format!("s{}..", q(at)),
        Operand::Header(at) => format!("header s{}", q(at)),
        Operand::Imm16(at) => format!("{}", q(at) as i16),
        Operand::Imm32(at) => format!("{:#x}", half(at)),
        Operand::Imm64(at) => format!("{:#x}", words[position + 1 + at as usize / 4]),
        Operand::Offset(at) => format!("+{:#x}", half(at)),
        Operand::Rel(at) => format!("-> {}", position as i64 + i64::from(half(at) as i32)),
        Operand::Count(at) => format!("x{}", q(at)),
        Operand::Index(at) => format!("#{}", half(at)),
        Operand::Targets(at) => (0..half(at) as usize)
            .map(|i| format!("-> {}", position as i64 + words[position + 2 + i] as i64))
            .collect::<Vec<_>>()
            .join(", "),
    }
}
