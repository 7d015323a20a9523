//! x86-64: System V ABI, `syscall`.

use core::arch::{asm, naked_asm};

use crate::access::{Entry, Fault, Landing, Pins};

/// The registers of an interrupted thread, in a signal handler's third argument.
#[derive(Debug)]
pub struct MachineContext(*mut libc::ucontext_t);

impl MachineContext {
    /// # Safety
    /// `context` is the third argument of a running `SA_SIGINFO` handler.
    pub unsafe fn new(context: *mut core::ffi::c_void) -> MachineContext {
        MachineContext(context.cast())
    }

    fn register(&mut self, index: libc::c_int) -> &mut libc::greg_t {
        // SAFETY: `new` promised a live ucontext, and REG_* are indices into `gregs`.
        unsafe { &mut (&mut (*self.0).uc_mcontext.gregs)[index as usize] }
    }

    /// The program counter.
    pub fn pc(&mut self) -> usize {
        *self.register(libc::REG_RIP) as usize
    }

    /// Makes the thread go on at `pc`.
    pub fn set_pc(&mut self, pc: usize) {
        *self.register(libc::REG_RIP) = pc as i64;
    }

    /// Puts the faulting address where landings expect it.
    pub fn set_fault(&mut self, address: usize) {
        *self.register(libc::REG_RAX) = address as i64;
    }

    /// Puts pins where [`pinned_landing`] expects them.
    pub fn set_pins(&mut self, pins: Pins) {
        *self.register(libc::REG_RDI) = pins.landing as i64;
        *self.register(libc::REG_RSI) = pins.ip as i64;
        *self.register(libc::REG_RDX) = pins.sp as i64;
    }
}

macro_rules! syscalls {
    ($($name:ident($($arg:ident = $reg:tt),*);)*) => { $(
        #[inline(always)]
        pub unsafe fn $name(number: usize $(, $arg: usize)*) -> isize {
            let result: isize;
            // SAFETY: the caller answers for the call's effects; the clobbers are those
            // of the instruction.
            unsafe {
                asm!(
                    "syscall",
                    inlateout("rax") number as isize => result,
                    $(in($reg) $arg,)*
                    lateout("rcx") _,
                    lateout("r11") _,
                    options(nostack),
                );
            }
            result
        }
    )* };
}

syscalls! {
    syscall0();
    syscall1(a = "rdi");
    syscall2(a = "rdi", b = "rsi");
    syscall3(a = "rdi", b = "rsi", c = "rdx");
    syscall4(a = "rdi", b = "rsi", c = "rdx", d = "r10");
    syscall5(a = "rdi", b = "rsi", c = "rdx", d = "r10", e = "r8");
    syscall6(a = "rdi", b = "rsi", c = "rdx", d = "r10", e = "r8", f = "r9");
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
        ".globl wali_checked_start",
        ".hidden wali_checked_start",
        "wali_checked_start:",
        "cmp dword ptr [rcx], 0",
        "jne wali_checked_exit",
        "syscall",
        ".globl wali_checked_end",
        ".hidden wali_checked_end",
        "wali_checked_end:",
        "ret",
        ".globl wali_checked_exit",
        ".hidden wali_checked_exit",
        "wali_checked_exit:",
        "movabs rax, {not_made}",
        "ret",
        not_made = const crate::syscall::NOT_MADE,
    )
}

/// This kernel has handlers return to code of the program's that calls `rt_sigreturn`.
pub fn restorer() -> Option<usize> {
    Some(restore as *const () as usize)
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
extern "C" fn restore() {
    naked_asm!(
        "mov rax, {number}",
        "syscall",
        number = const match crate::tables::number::rt_sigreturn {
            Some(number) => number,
            None => panic!("every kernel has rt_sigreturn"),
        },
    )
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
        ".globl wali_pinned_landing",
        ".hidden wali_pinned_landing",
        "wali_pinned_landing:",
        "mov [rdi + {fault_ip}], rsi",
        "mov [rdi + {fault_sp}], rdx",
        "mov [rdi + {fault_addr}], rax",
        "mov rsp, [rdi]",
        "mov rax, {faulted}",
        "jmp 2b",
        fault_ip = const core::mem::offset_of!(Landing, fault_ip),
        fault_sp = const core::mem::offset_of!(Landing, fault_sp),
        fault_addr = const core::mem::offset_of!(Landing, fault_addr),
        faulted = const crate::access::FAULTED as isize,
    )
}

macro_rules! pinned {
    ($($load:ident($out:literal) $store:ident($in:literal $class:ident) $ty:ty;)*) => { $(
        #[inline(always)]
        pub unsafe fn $load(address: *const u8, pins: Pins) -> $ty {
            let value: u64;
            // SAFETY: the address is inside a reservation; if it is not accessible, the
            // site's landing takes over with the pins in the registers it expects.
            unsafe {
                asm!(
                    concat!("2: ", $out),
                    site!("2b", "wali_pinned_landing"),
                    address = in(reg) address,
                    value = lateout(reg) value,
                    in("rdi") pins.landing,
                    in("rsi") pins.ip,
                    in("rdx") pins.sp,
                    options(nostack, preserves_flags, readonly),
                );
            }
            value as $ty
        }

        #[inline(always)]
        pub unsafe fn $store(address: *mut u8, value: $ty, pins: Pins) {
            // SAFETY: as for the load.
            unsafe {
                asm!(
                    concat!("2: ", $in),
                    site!("2b", "wali_pinned_landing"),
                    address = in(reg) address,
                    value = in($class) value,
                    in("rdi") pins.landing,
                    in("rsi") pins.ip,
                    in("rdx") pins.sp,
                    options(nostack, preserves_flags),
                );
            }
        }
    )* };
}

pinned! {
    load8("movzx {value:e}, byte ptr [{address}]") store8("mov byte ptr [{address}], {value}" reg_byte) u8;
    load16("movzx {value:e}, word ptr [{address}]") store16("mov word ptr [{address}], {value:x}" reg) u16;
    load32("mov {value:e}, dword ptr [{address}]") store32("mov dword ptr [{address}], {value:e}" reg) u32;
    load64("mov {value:r}, qword ptr [{address}]") store64("mov qword ptr [{address}], {value:r}" reg) u64;
}

/// From this many bytes on, the string instructions win over loops.
const STRING: usize = 256;

#[inline]
pub unsafe fn copy(dst: *mut u8, src: *const u8, len: usize) -> Result<(), Fault> {
    let (left, address): (usize, usize);
    // SAFETY: the ranges are the caller's promise; a fault lands with the count of bytes
    // not yet done in rcx.
    unsafe {
        asm!(
            "cmp rcx, {string}",
            "jae 12f",
            "2:",
            "cmp rcx, 16",
            "jb 5f",
            "3: movups {block}, xmmword ptr [rsi]",
            "4: movups xmmword ptr [rdi], {block}",
            "add rsi, 16",
            "add rdi, 16",
            "sub rcx, 16",
            "jmp 2b",
            "5:",
            "cmp rcx, 8",
            "jb 8f",
            "6: mov {word}, qword ptr [rsi]",
            "7: mov qword ptr [rdi], {word}",
            "add rsi, 8",
            "add rdi, 8",
            "sub rcx, 8",
            "8:",
            "test rcx, rcx",
            "jz 13f",
            "9: movzx {word:e}, byte ptr [rsi]",
            "14: mov byte ptr [rdi], {word:l}",
            "inc rsi",
            "inc rdi",
            "dec rcx",
            "jmp 8b",
            "12: rep movsb",
            "13:",
            site!("3b", "13b"),
            site!("4b", "13b"),
            site!("6b", "13b"),
            site!("7b", "13b"),
            site!("9b", "13b"),
            site!("14b", "13b"),
            site!("12b", "13b"),
            string = const STRING,
            inout("rcx") len => left,
            inout("rdi") dst => _,
            inout("rsi") src => _,
            block = out(xmm_reg) _,
            word = out(reg) _,
            out("rax") address,
            options(nostack),
        );
    }
    if left == 0 {
        Ok(())
    } else {
        Err(Fault { address })
    }
}

#[inline]
pub unsafe fn copy_backward(dst: *mut u8, src: *const u8, len: usize) -> Result<(), Fault> {
    let (left, address): (usize, usize);
    // SAFETY: the ranges are the caller's promise; a fault lands with the count of bytes
    // not yet done in rcx. Sixteen bytes are loaded before any of them is stored.
    unsafe {
        asm!(
            "2:",
            "cmp rcx, 16",
            "jb 5f",
            "3: movups {block}, xmmword ptr [{src} + rcx - 16]",
            "4: movups xmmword ptr [{dst} + rcx - 16], {block}",
            "sub rcx, 16",
            "jmp 2b",
            "5:",
            "test rcx, rcx",
            "jz 8f",
            "6: movzx {byte:e}, byte ptr [{src} + rcx - 1]",
            "7: mov byte ptr [{dst} + rcx - 1], {byte:l}",
            "dec rcx",
            "jmp 5b",
            "8:",
            site!("3b", "8b"),
            site!("4b", "8b"),
            site!("6b", "8b"),
            site!("7b", "8b"),
            inout("rcx") len => left,
            dst = in(reg) dst,
            src = in(reg) src,
            block = out(xmm_reg) _,
            byte = out(reg) _,
            out("rax") address,
            options(nostack),
        );
    }
    if left == 0 {
        Ok(())
    } else {
        Err(Fault { address })
    }
}

#[inline]
pub unsafe fn fill(dst: *mut u8, value: u8, len: usize) -> Result<(), Fault> {
    let (left, address): (usize, usize);
    // SAFETY: as for `copy`.
    unsafe {
        asm!(
            "cmp rcx, {string}",
            "jae 7f",
            "2:",
            "cmp rcx, 8",
            "jb 4f",
            "3: mov qword ptr [rdi], rax",
            "add rdi, 8",
            "sub rcx, 8",
            "jmp 2b",
            "4:",
            "test rcx, rcx",
            "jz 8f",
            "5: mov byte ptr [rdi], al",
            "inc rdi",
            "dec rcx",
            "jmp 4b",
            "7: rep stosb",
            "8:",
            site!("3b", "8b"),
            site!("5b", "8b"),
            site!("7b", "8b"),
            string = const STRING,
            inout("rcx") len => left,
            inout("rdi") dst => _,
            inout("rax") u64::from_ne_bytes([value; 8]) => address,
            options(nostack),
        );
    }
    if left == 0 {
        Ok(())
    } else {
        Err(Fault { address })
    }
}
