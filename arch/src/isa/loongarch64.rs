//! LoongArch, 64 bits: LP64D ABI, `syscall 0`.

use core::arch::{asm, naked_asm};

use crate::access::{Entry, Landing};
use crate::bulk::Long;
use crate::fault::Registers;
use crate::layout::host;

/// Among the general registers of a machine context, `a0` is `r4`.
pub fn registers(machine: &mut libc::mcontext_t) -> Registers {
    Registers {
        pc: (&raw mut machine.__pc).cast(),
        pins: [4, 5, 6].map(|r: usize| (&raw mut machine.__gregs[r]).cast()),
        fault: (&raw mut machine.__gregs[7]).cast(),
    }
}

system_calls! {
    "syscall 0", number "$a7", result "$a0", arguments "$a0" "$a1" "$a2" "$a3" "$a4" "$a5",
    changes ["$t0" "$t1" "$t2" "$t3" "$t4" "$t5" "$t6" "$t7" "$t8"]
}

#[unsafe(naked)]
pub unsafe extern "C" fn syscall_checked(
    flag: *const u32,
    number: usize,
    args: &[usize; 6],
) -> isize {
    naked_asm!(
        "move $t0, $a0",
        "move $a7, $a1",
        "move $t1, $a2",
        slots!("ld.d" "$t1, " "": "$a0" 0 "$a1" 1 "$a2" 2 "$a3" 3 "$a4" 4 "$a5" 5),
        symbol!("wali_checked_start"),
        "ld.w $t0, $t0, 0",
        "bnez $t0, wali_checked_exit",
        "syscall 0",
        symbol!("wali_checked_end"),
        "ret",
        symbol!("wali_checked_exit"),
        "li.d $a0, {not_made}",
        "ret",
        not_made = const crate::syscall::NOT_MADE,
    )
}

/// This kernel brings the code along to which handlers return.
pub fn set_restorer(_: &mut host::k_sigaction) {}

/// Executes what is no instruction.
pub fn illegal() {
    // SAFETY: the kernel sends a signal, and nothing else happens.
    unsafe { asm!(".word 0") }
}

/// Dividing by zero is no fault here.
pub fn divide_by_zero() {}

/// Instructions for each register that a callee keeps, with its place in the frame.
macro_rules! kept {
    ($integer:literal $float:literal) => {
        concat!(
            slots!($integer "$sp, " "": "$ra" 0 "$fp" 1 "$s0" 2 "$s1" 3 "$s2" 4 "$s3" 5 "$s4" 6
                "$s5" 7 "$s6" 8 "$s7" 9 "$s8" 10),
            slots!($float "$sp, " "": "$fs0" 11 "$fs1" 12 "$fs2" 13 "$fs3" 14 "$fs4" 15
                "$fs5" 16 "$fs6" 17 "$fs7" 18)
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
        "addi.d $sp, $sp, -176",
        kept!("st.d" "fst.d"),
        "st.d $a0, $sp, 152",
        "ld.d $t0, $a0, 0",
        "st.d $t0, $sp, 160",
        "st.d $sp, $a0, 0",
        "jirl $ra, $a4, 0",
        "2:",
        "ld.d $t0, $sp, 152",
        "ld.d $t1, $sp, 160",
        "st.d $t1, $t0, 0",
        kept!("ld.d" "fld.d"),
        "addi.d $sp, $sp, 176",
        "ret",
        symbol!("wali_pinned_landing"),
        "st.d $a1, $a0, {fault_ip}",
        "st.d $a2, $a0, {fault_sp}",
        "st.d $a3, $a0, {fault_addr}",
        "st.d $a4, $a0, {int}",
        "fst.s $fa0, $a0, {single}",
        "fst.d $fa1, $a0, {double}",
        "ld.d $sp, $a0, 0",
        "li.d $a0, {faulted}",
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
    pins "$a0" "$a1" "$a2" "$a4" "$fa0" "$fa1", fault "$a3";
    u8: "ld.bu {value}, {address}, 0", "st.b {value}, {address}, 0" reg;
    u16: "ld.hu {value}, {address}, 0", "st.h {value}, {address}, 0" reg;
    u32: "ld.wu {value}, {address}, 0", "st.w {value}, {address}, 0" reg;
    u64: "ld.d {value}, {address}, 0", "st.d {value}, {address}, 0" reg;
    f32: "fld.s {value}, {address}, 0", f64: "fld.d {value}, {address}, 0" in freg;
    block 64: [
        "ld.d {a}, {src}, 0",
        "ld.d {b}, {src}, 8",
        "ld.d {c}, {src}, 16",
        "ld.d {d}, {src}, 24",
        "ld.d {e}, {src}, 32",
        "ld.d {f}, {src}, 40",
        "ld.d {g}, {src}, 48",
        "ld.d {h}, {src}, 56"
    ], [
        "st.d {a}, {dst}, 0",
        "st.d {b}, {dst}, 8",
        "st.d {c}, {dst}, 16",
        "st.d {d}, {dst}, 24",
        "st.d {e}, {dst}, 32",
        "st.d {f}, {dst}, 40",
        "st.d {g}, {dst}, 48",
        "st.d {h}, {dst}, 56"
    ] (a reg, b reg, c reg, d reg, e reg, f reg, g reg, h reg);
}

/// Unaligned words cost nothing worth avoiding.
pub const ALIGNED: bool = false;

/// There are no instructions for long copies.
pub const LONG: Option<Long> = None;
