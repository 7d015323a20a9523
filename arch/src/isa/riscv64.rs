//! RISC-V, 64 bits: LP64D ABI, `ecall`.

use core::arch::{asm, naked_asm};

use crate::access::{Entry, Landing};
use crate::bulk::Long;
use crate::fault::Registers;
use crate::layout::host;

/// Among the general registers of a machine context, the program counter has the place of `x0`,
/// and `a0` is `x10`.
pub fn registers(machine: &mut libc::mcontext_t) -> Registers {
    let mut register = |x: usize| (&raw mut machine.__gregs[x]).cast();
    Registers {
        pc: register(0),
        pins: [10, 11, 12].map(&mut register),
        fault: register(13),
    }
}

// The kernel may forget the vector registers.
system_calls! {
    "ecall", number "a7", result "a0", arguments "a0" "a1" "a2" "a3" "a4" "a5",
    changes [
        "v0" "v1" "v2" "v3" "v4" "v5" "v6" "v7" "v8" "v9" "v10" "v11" "v12" "v13" "v14" "v15"
        "v16" "v17" "v18" "v19" "v20" "v21" "v22" "v23" "v24" "v25" "v26" "v27" "v28" "v29"
        "v30" "v31"
    ]
}

#[unsafe(naked)]
pub unsafe extern "C" fn syscall_checked(
    flag: *const u32,
    number: usize,
    args: &[usize; 6],
) -> isize {
    naked_asm!(
        "mv t0, a0",
        "mv a7, a1",
        "mv t1, a2",
        slots!("ld" "" "(t1)": "a0" 0 "a1" 1 "a2" 2 "a3" 3 "a4" 4 "a5" 5),
        symbol!("wali_checked_start"),
        "lw t0, 0(t0)",
        "bnez t0, wali_checked_exit",
        "ecall",
        symbol!("wali_checked_end"),
        "ret",
        symbol!("wali_checked_exit"),
        "li a0, {not_made}",
        "ret",
        not_made = const crate::syscall::NOT_MADE,
    )
}

/// This kernel brings the code along to which handlers return.
pub fn set_restorer(_: &mut host::k_sigaction) {}

/// Executes what is no instruction.
pub fn illegal() {
    // SAFETY: the kernel sends a signal, and nothing else happens.
    unsafe { asm!("unimp") }
}

/// Dividing by zero is no fault here.
pub fn divide_by_zero() {}

/// Instructions for each register that a callee keeps, with its place in the frame.
macro_rules! kept {
    ($integer:literal $float:literal) => {
        concat!(
            slots!($integer "" "(sp)": "ra" 0 "s0" 1 "s1" 2 "s2" 3 "s3" 4 "s4" 5 "s5" 6
                "s6" 7 "s7" 8 "s8" 9 "s9" 10 "s10" 11 "s11" 12),
            slots!($float "" "(sp)": "fs0" 13 "fs1" 14 "fs2" 15 "fs3" 16 "fs4" 17 "fs5" 18
                "fs6" 19 "fs7" 20 "fs8" 21 "fs9" 22 "fs10" 23 "fs11" 24)
        )
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
        // Where symbols of assembly outside functions are collected for link-time
        // optimisation, the target's features are not known.
        ".option push",
        ".option arch, +d",
        "addi sp, sp, -224",
        kept!("sd" "fsd"),
        "sd a0, 200(sp)",
        "ld t0, 0(a0)",
        "sd t0, 208(sp)",
        "sd sp, 0(a0)",
        "jalr a4",
        "2:",
        "ld t0, 200(sp)",
        "ld t1, 208(sp)",
        "sd t1, 0(t0)",
        kept!("ld" "fld"),
        "addi sp, sp, 224",
        "ret",
        symbol!("wali_pinned_landing"),
        "sd a1, {fault_ip}(a0)",
        "sd a2, {fault_sp}(a0)",
        "sd a3, {fault_addr}(a0)",
        "sd a4, {int}(a0)",
        "fsw fa0, {single}(a0)",
        "fsd fa1, {double}(a0)",
        "ld sp, 0(a0)",
        "li a0, {faulted}",
        "j 2b",
        ".option pop",
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
    pins "a0" "a1" "a2" "a4" "fa0" "fa1", fault "a3";
    u8: "lbu {value}, 0({address})", "sb {value}, 0({address})" reg;
    u16: "lhu {value}, 0({address})", "sh {value}, 0({address})" reg;
    u32: "lwu {value}, 0({address})", "sw {value}, 0({address})" reg;
    u64: "ld {value}, 0({address})", "sd {value}, 0({address})" reg;
    f32: "flw {value}, 0({address})", f64: "fld {value}, 0({address})" in freg;
    block 64: [
        "ld {a}, 0({src})",
        "ld {b}, 8({src})",
        "ld {c}, 16({src})",
        "ld {d}, 24({src})",
        "ld {e}, 32({src})",
        "ld {f}, 40({src})",
        "ld {g}, 48({src})",
        "ld {h}, 56({src})"
    ], [
        "sd {a}, 0({dst})",
        "sd {b}, 8({dst})",
        "sd {c}, 16({dst})",
        "sd {d}, 24({dst})",
        "sd {e}, 32({dst})",
        "sd {f}, 40({dst})",
        "sd {g}, 48({dst})",
        "sd {h}, 56({dst})"
    ] (a reg, b reg, c reg, d reg, e reg, f reg, g reg, h reg);
}

/// Machines may carry out unaligned words in firmware.
pub const ALIGNED: bool = true;

/// There are no instructions for long copies.
pub const LONG: Option<Long> = None;
