//! x86-64: System V ABI, `syscall`.

use core::arch::{asm, naked_asm};

use crate::access::{Entry, Landing};
use crate::bulk::Long;
use crate::fault::Registers;
use crate::layout::host;

pub fn registers(machine: &mut libc::mcontext_t) -> Registers {
    let mut register = |index: libc::c_int| (&raw mut machine.gregs[index as usize]).cast();
    Registers {
        pc: register(libc::REG_RIP),
        pins: [libc::REG_RDI, libc::REG_RSI, libc::REG_RDX].map(&mut register),
        fault: register(libc::REG_RAX),
    }
}

system_calls! {
    "syscall", number "rax", result "rax", arguments "rdi" "rsi" "rdx" "r10" "r8" "r9",
    changes ["rcx" "r11"]
}

#[unsafe(naked)]
pub unsafe extern "C" fn syscall_checked(
    flag: *const u32,
    number: usize,
    args: &[usize; 6],
) -> isize {
    naked_asm!(
        "mov rcx, rdi",
        "mov rax, rsi",
        "mov r11, rdx",
        "mov rdi, [r11]",
        "mov rsi, [r11 + 8]",
        "mov rdx, [r11 + 16]",
        "mov r10, [r11 + 24]",
        "mov r8, [r11 + 32]",
        "mov r9, [r11 + 40]",
        symbol!("wali_checked_start"),
        "cmp dword ptr [rcx], 0",
        "jne wali_checked_exit",
        "syscall",
        symbol!("wali_checked_end"),
        "ret",
        symbol!("wali_checked_exit"),
        "movabs rax, {not_made}",
        "ret",
        not_made = const crate::syscall::NOT_MADE,
    )
}

/// This kernel has handlers return to code of the program's that calls `rt_sigreturn`.
pub fn set_restorer(action: &mut host::k_sigaction) {
    action.sa_flags |= crate::flags::sigaction_flags::SA_RESTORER as u64;
    action.sa_restorer = restore as *const () as u64;
}

#[unsafe(naked)]
unsafe extern "C" fn restore() {
    naked_asm!(
        "mov rax, {number}",
        "syscall",
        number = const match crate::tables::number::rt_sigreturn {
            Some(number) => number,
            None => panic!("every kernel has rt_sigreturn"),
        },
    )
}

/// Executes what is no instruction.
pub fn illegal() {
    // SAFETY: the kernel sends a signal, and nothing else happens.
    unsafe { asm!("ud2") }
}

/// Divides by zero.
pub fn divide_by_zero() {
    // SAFETY: the kernel sends a signal, and nothing else happens.
    unsafe { asm!("xor ecx, ecx", "div ecx", out("eax") _, out("ecx") _, out("edx") _) }
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
        "push rbp",
        "push rbx",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "push rdi",
        "push qword ptr [rdi]",
        "sub rsp, 8",
        "mov [rdi], rsp",
        "call r8",
        "2:",
        "add rsp, 8",
        "pop rcx",
        "pop rdi",
        "mov [rdi], rcx",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        "ret",
        symbol!("wali_pinned_landing"),
        "mov [rdi + {fault_ip}], rsi",
        "mov [rdi + {fault_sp}], rdx",
        "mov [rdi + {fault_addr}], rax",
        "mov [rdi + {int}], r8",
        "movss [rdi + {single}], xmm0",
        "movsd [rdi + {double}], xmm1",
        "mov rsp, [rdi]",
        "mov rax, {faulted}",
        "jmp 2b",
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
    pins "rdi" "rsi" "rdx" "r8" "xmm0" "xmm1", fault "rax";
    u8: "movzx {value:e}, byte ptr [{address}]", "mov byte ptr [{address}], {value}" reg_byte;
    u16: "movzx {value:e}, word ptr [{address}]", "mov word ptr [{address}], {value:x}" reg;
    u32: "mov {value:e}, dword ptr [{address}]", "mov dword ptr [{address}], {value:e}" reg;
    u64: "mov {value:r}, qword ptr [{address}]", "mov qword ptr [{address}], {value:r}" reg;
    f32: "movss {value}, dword ptr [{address}]", f64: "movsd {value}, qword ptr [{address}]" in xmm_reg;
    block 64: [
        "movups {t}, xmmword ptr [{src} + 0]",
        "movups {u}, xmmword ptr [{src} + 16]",
        "movups {v}, xmmword ptr [{src} + 32]",
        "movups {w}, xmmword ptr [{src} + 48]"
    ], [
        "movups xmmword ptr [{dst} + 0], {t}",
        "movups xmmword ptr [{dst} + 16], {u}",
        "movups xmmword ptr [{dst} + 32], {v}",
        "movups xmmword ptr [{dst} + 48], {w}"
    ] (t xmm_reg, u xmm_reg, v xmm_reg, w xmm_reg);
}

/// Unaligned words cost nothing worth avoiding.
pub const ALIGNED: bool = false;

/// The string instructions.
pub const LONG: Option<Long> = Some(Long {
    from: 256,
    copy: move_string,
    fill: store_string,
});

unsafe fn move_string(dst: *mut u8, src: *const u8, len: usize) -> usize {
    let left;
    // SAFETY: the ranges are the caller's promise; a fault lands with what is left in rcx.
    unsafe {
        asm!(
            "2: rep movsb",
            "3:",
            site!("2b", "3b"),
            inout("rcx") len => left,
            inout("rdi") dst => _,
            inout("rsi") src => _,
            out("rax") _,
            options(nostack, preserves_flags),
        );
    }
    left
}

unsafe fn store_string(dst: *mut u8, value: u8, len: usize) -> usize {
    let left;
    // SAFETY: as for `move_string`.
    unsafe {
        asm!(
            "2: rep stosb",
            "3:",
            site!("2b", "3b"),
            inout("rcx") len => left,
            inout("rdi") dst => _,
            inout("rax") usize::from(value) => _,
            options(nostack, preserves_flags),
        );
    }
    left
}
