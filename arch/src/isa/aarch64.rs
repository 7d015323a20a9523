//! AArch64: AAPCS64, `svc 0`.

use core::arch::{asm, naked_asm};

use crate::access::{Entry, Landing};
use crate::bulk::Long;
use crate::fault::Registers;
use crate::layout::host;

pub fn registers(machine: &mut libc::mcontext_t) -> Registers {
    Registers {
        pc: (&raw mut machine.pc).cast(),
        pins: [0, 1, 2].map(|x: usize| (&raw mut machine.regs[x]).cast()),
        fault: (&raw mut machine.regs[3]).cast(),
    }
}

system_calls! {
    "svc 0", number "x8", result "x0", arguments "x0" "x1" "x2" "x3" "x4" "x5", changes []
}

#[unsafe(naked)]
pub unsafe extern "C" fn syscall_checked(
    flag: *const u32,
    number: usize,
    args: &[usize; 6],
) -> isize {
    naked_asm!(
        "mov x9, x0",
        "mov x8, x1",
        "mov x10, x2",
        "ldp x0, x1, [x10]",
        "ldp x2, x3, [x10, #16]",
        "ldp x4, x5, [x10, #32]",
        symbol!("wali_checked_start"),
        "ldr w9, [x9]",
        "cbnz w9, wali_checked_exit",
        "svc 0",
        symbol!("wali_checked_end"),
        "ret",
        symbol!("wali_checked_exit"),
        "mov x0, {not_made}",
        "ret",
        not_made = const crate::syscall::NOT_MADE,
    )
}

/// This kernel brings the code along to which handlers return.
pub fn set_restorer(_: &mut host::k_sigaction) {}

/// Executes what is no instruction.
pub fn illegal() {
    // SAFETY: the kernel sends a signal, and nothing else happens.
    unsafe { asm!("udf #0") }
}

/// Dividing by zero is no fault here.
pub fn divide_by_zero() {}

/// An instruction for each pair of registers that a callee keeps, with its place in the frame.
macro_rules! kept {
    ($instruction:literal) => {
        slots!($instruction "[sp, #" "]":
            "x19, x20" 2 "x21, x22" 4 "x23, x24" 6 "x25, x26" 8 "x27, x28" 10
            "d8, d9" 12 "d10, d11" 14 "d12, d13" 16 "d14, d15" 18)
    };
}

#[unsafe(naked)]
pub unsafe extern "C" fn enter(
    landing: *mut Landing,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    entry: Entry,
) -> usize {
    naked_asm!(
        "stp x29, x30, [sp, #-176]!",
        "mov x29, sp",
        kept!("stp"),
        "ldr x9, [x0]",
        "stp x0, x9, [sp, #160]",
        "mov x9, sp",
        "str x9, [x0]",
        "blr x4",
        "2:",
        "ldp x9, x10, [sp, #160]",
        "str x10, [x9]",
        kept!("ldp"),
        "ldp x29, x30, [sp], #176",
        "ret",
        symbol!("wali_pinned_landing"),
        "str x1, [x0, #{fault_ip}]",
        "str x2, [x0, #{fault_sp}]",
        "str x3, [x0, #{fault_addr}]",
        "str x4, [x0, #{int}]",
        "str s0, [x0, #{single}]",
        "str d1, [x0, #{double}]",
        "ldr x9, [x0]",
        "mov sp, x9",
        "mov x0, #{faulted}",
        "b 2b",
        fault_ip = const core::mem::offset_of!(Landing, fault_ip),
        fault_sp = const core::mem::offset_of!(Landing, fault_sp),
        fault_addr = const core::mem::offset_of!(Landing, fault_addr),
        int = const core::mem::offset_of!(Landing, acc.int),
        single = const core::mem::offset_of!(Landing, acc.single),
        double = const core::mem::offset_of!(Landing, acc.double),
        faulted = const crate::access::FAULTED as isize,
    )
}

accesses! {
    pins "x0" "x1" "x2" "x4" "v0" "v1", fault "x3";
    u8: "ldrb {value:w}, [{address}]", "strb {value:w}, [{address}]" reg;
    u16: "ldrh {value:w}, [{address}]", "strh {value:w}, [{address}]" reg;
    u32: "ldr {value:w}, [{address}]", "str {value:w}, [{address}]" reg;
    u64: "ldr {value}, [{address}]", "str {value}, [{address}]" reg;
    f32: "ldr {value:s}, [{address}]", f64: "ldr {value:d}, [{address}]" in vreg;
    block 64: [
        "ldp {a}, {b}, [{src}, 0]",
        "ldp {c}, {d}, [{src}, 16]",
        "ldp {e}, {f}, [{src}, 32]",
        "ldp {g}, {h}, [{src}, 48]"
    ], [
        "stp {a}, {b}, [{dst}, 0]",
        "stp {c}, {d}, [{dst}, 16]",
        "stp {e}, {f}, [{dst}, 32]",
        "stp {g}, {h}, [{dst}, 48]"
    ] (a reg, b reg, c reg, d reg, e reg, f reg, g reg, h reg);
}

/// Unaligned words cost nothing worth avoiding.
pub const ALIGNED: bool = false;

/// Instructions for long copies are not on every machine.
pub const LONG: Option<Long> = None;
