//! RISC-V, 64 bits: LP64D ABI, `ecall`.

use core::arch::{asm, naked_asm};

use crate::access::{Entry, Fault, Landing, Pins};

/// The registers of an interrupted thread, in a signal handler's third argument.
#[derive(Debug)]
pub struct MachineContext(*mut libc::ucontext_t);

/// Index of `a0` among the general registers of a machine context, where the program
/// counter takes the place of `x0`.
const A0: usize = 10;

impl MachineContext {
    /// # Safety
    /// `context` is the third argument of a running `SA_SIGINFO` handler.
    pub unsafe fn new(context: *mut core::ffi::c_void) -> MachineContext {
        MachineContext(context.cast())
    }

    fn registers(&mut self) -> &mut [libc::c_ulong; 32] {
        // SAFETY: `new` promised a live ucontext.
        unsafe { &mut (*self.0).uc_mcontext.__gregs }
    }

    /// The program counter.
    pub fn pc(&mut self) -> usize {
        self.registers()[0] as usize
    }

    /// Makes the thread go on at `pc`.
    pub fn set_pc(&mut self, pc: usize) {
        self.registers()[0] = pc as u64;
    }

    /// Puts the faulting address where landings expect it.
    pub fn set_fault(&mut self, address: usize) {
        self.registers()[A0 + 3] = address as u64;
    }

    /// Puts pins where [`pinned_landing`] expects them.
    pub fn set_pins(&mut self, pins: Pins) {
        let registers = self.registers();
        registers[A0] = pins.landing as u64;
        registers[A0 + 1] = pins.ip as u64;
        registers[A0 + 2] = pins.sp as u64;
    }
}

macro_rules! syscalls {
    ($($name:ident($($arg:ident = $reg:tt),*);)*) => { $(
        #[inline(always)]
        pub unsafe fn $name(number: usize $(, $arg: usize)*) -> isize {
            let result: isize;
            // SAFETY: the caller answers for the call's effects; the kernel preserves all
            // registers but a0 and the vector registers.
            unsafe { syscalls!(@asm number result $($arg $reg)*) }
            result
        }
    )* };
    (@asm $number:ident $result:ident) => {
        syscalls!(@ecall in("a7") $number, lateout("a0") $result)
    };
    (@asm $number:ident $result:ident $first:ident $a0:tt $($arg:ident $reg:tt)*) => {
        syscalls!(@ecall
            in("a7") $number,
            inlateout("a0") $first as isize => $result
            $(, in($reg) $arg)*
        )
    };
    (@ecall $($operands:tt)*) => {
        asm!(
            "ecall",
            $($operands)*,
            lateout("v0") _, lateout("v1") _, lateout("v2") _, lateout("v3") _,
            lateout("v4") _, lateout("v5") _, lateout("v6") _, lateout("v7") _,
            lateout("v8") _, lateout("v9") _, lateout("v10") _, lateout("v11") _,
            lateout("v12") _, lateout("v13") _, lateout("v14") _, lateout("v15") _,
            lateout("v16") _, lateout("v17") _, lateout("v18") _, lateout("v19") _,
            lateout("v20") _, lateout("v21") _, lateout("v22") _, lateout("v23") _,
            lateout("v24") _, lateout("v25") _, lateout("v26") _, lateout("v27") _,
            lateout("v28") _, lateout("v29") _, lateout("v30") _, lateout("v31") _,
            options(nostack),
        )
    };
}

syscalls! {
    syscall0();
    syscall1(a = "a0");
    syscall2(a = "a0", b = "a1");
    syscall3(a = "a0", b = "a1", c = "a2");
    syscall4(a = "a0", b = "a1", c = "a2", d = "a3");
    syscall5(a = "a0", b = "a1", c = "a2", d = "a3", e = "a4");
    syscall6(a = "a0", b = "a1", c = "a2", d = "a3", e = "a4", f = "a5");
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
        "ld a0, 0(t1)",
        "ld a1, 8(t1)",
        "ld a2, 16(t1)",
        "ld a3, 24(t1)",
        "ld a4, 32(t1)",
        "ld a5, 40(t1)",
        ".globl wali_checked_start",
        ".hidden wali_checked_start",
        "wali_checked_start:",
        "lw t0, 0(t0)",
        "bnez t0, wali_checked_exit",
        "ecall",
        ".globl wali_checked_end",
        ".hidden wali_checked_end",
        "wali_checked_end:",
        "ret",
        ".globl wali_checked_exit",
        ".hidden wali_checked_exit",
        "wali_checked_exit:",
        "li a0, {not_made}",
        "ret",
        not_made = const crate::syscall::NOT_MADE,
    )
}

/// Executes what is no instruction.
pub fn illegal() {
    // SAFETY: the kernel sends a signal, and nothing else happens.
    unsafe { asm!("unimp") }
}

/// Dividing by zero is no fault here.
pub fn divide_by_zero() {}

/// This kernel brings the code along to which handlers return.
pub fn restorer() -> Option<usize> {
    None
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
        "sd ra, 0(sp)",
        "sd s0, 8(sp)",
        "sd s1, 16(sp)",
        "sd s2, 24(sp)",
        "sd s3, 32(sp)",
        "sd s4, 40(sp)",
        "sd s5, 48(sp)",
        "sd s6, 56(sp)",
        "sd s7, 64(sp)",
        "sd s8, 72(sp)",
        "sd s9, 80(sp)",
        "sd s10, 88(sp)",
        "sd s11, 96(sp)",
        "fsd fs0, 104(sp)",
        "fsd fs1, 112(sp)",
        "fsd fs2, 120(sp)",
        "fsd fs3, 128(sp)",
        "fsd fs4, 136(sp)",
        "fsd fs5, 144(sp)",
        "fsd fs6, 152(sp)",
        "fsd fs7, 160(sp)",
        "fsd fs8, 168(sp)",
        "fsd fs9, 176(sp)",
        "fsd fs10, 184(sp)",
        "fsd fs11, 192(sp)",
        "sd a0, 200(sp)",
        "ld t0, 0(a0)",
        "sd t0, 208(sp)",
        "sd sp, 0(a0)",
        "jalr a4",
        "2:",
        "ld t0, 200(sp)",
        "ld t1, 208(sp)",
        "sd t1, 0(t0)",
        "ld ra, 0(sp)",
        "ld s0, 8(sp)",
        "ld s1, 16(sp)",
        "ld s2, 24(sp)",
        "ld s3, 32(sp)",
        "ld s4, 40(sp)",
        "ld s5, 48(sp)",
        "ld s6, 56(sp)",
        "ld s7, 64(sp)",
        "ld s8, 72(sp)",
        "ld s9, 80(sp)",
        "ld s10, 88(sp)",
        "ld s11, 96(sp)",
        "fld fs0, 104(sp)",
        "fld fs1, 112(sp)",
        "fld fs2, 120(sp)",
        "fld fs3, 128(sp)",
        "fld fs4, 136(sp)",
        "fld fs5, 144(sp)",
        "fld fs6, 152(sp)",
        "fld fs7, 160(sp)",
        "fld fs8, 168(sp)",
        "fld fs9, 176(sp)",
        "fld fs10, 184(sp)",
        "fld fs11, 192(sp)",
        "addi sp, sp, 224",
        "ret",
        ".globl wali_pinned_landing",
        ".hidden wali_pinned_landing",
        "wali_pinned_landing:",
        "sd a1, {fault_ip}(a0)",
        "sd a2, {fault_sp}(a0)",
        "sd a3, {fault_addr}(a0)",
        "ld sp, 0(a0)",
        "li a0, {faulted}",
        "j 2b",
        ".option pop",
        fault_ip = const core::mem::offset_of!(Landing, fault_ip),
        fault_sp = const core::mem::offset_of!(Landing, fault_sp),
        fault_addr = const core::mem::offset_of!(Landing, fault_addr),
        faulted = const crate::access::FAULTED as isize,
    )
}

macro_rules! pinned {
    ($($load:ident($out:literal) $store:ident($in:literal) $ty:ty;)*) => { $(
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
                    in("a0") pins.landing,
                    in("a1") pins.ip,
                    in("a2") pins.sp,
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
                    value = in(reg) u64::from(value),
                    in("a0") pins.landing,
                    in("a1") pins.ip,
                    in("a2") pins.sp,
                    options(nostack, preserves_flags),
                );
            }
        }
    )* };
}

pinned! {
    load8("lbu {value}, 0({address})") store8("sb {value}, 0({address})") u8;
    load16("lhu {value}, 0({address})") store16("sh {value}, 0({address})") u16;
    load32("lwu {value}, 0({address})") store32("sw {value}, 0({address})") u32;
    load64("ld {value}, 0({address})") store64("sd {value}, 0({address})") u64;
}

#[inline]
pub unsafe fn copy(dst: *mut u8, src: *const u8, len: usize) -> Result<(), Fault> {
    let (left, address): (usize, usize);
    // SAFETY: the ranges are the caller's promise; a fault lands with the count of bytes
    // not yet done in `left`. Words are copied only where both sides are aligned, since
    // a misaligned access may be emulated, slowly.
    unsafe {
        asm!(
            "or {t}, {src}, {dst}",
            "andi {t}, {t}, 7",
            "bnez {t}, 5f",
            "2:",
            "sltiu {t}, {left}, 8",
            "bnez {t}, 5f",
            "3: ld {t}, 0({src})",
            "4: sd {t}, 0({dst})",
            "addi {src}, {src}, 8",
            "addi {dst}, {dst}, 8",
            "addi {left}, {left}, -8",
            "j 2b",
            "5:",
            "beqz {left}, 8f",
            "6: lbu {t}, 0({src})",
            "7: sb {t}, 0({dst})",
            "addi {src}, {src}, 1",
            "addi {dst}, {dst}, 1",
            "addi {left}, {left}, -1",
            "j 5b",
            "8:",
            site!("3b", "8b"),
            site!("4b", "8b"),
            site!("6b", "8b"),
            site!("7b", "8b"),
            left = inout(reg) len => left,
            src = inout(reg) src => _,
            dst = inout(reg) dst => _,
            t = out(reg) _,
            out("a3") address,
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
    // SAFETY: as for `copy`, from the end.
    unsafe {
        asm!(
            "or {t}, {src}, {dst}",
            "andi {t}, {t}, 7",
            "bnez {t}, 5f",
            "2:",
            "sltiu {t}, {left}, 8",
            "bnez {t}, 5f",
            "3: ld {t}, -8({src})",
            "4: sd {t}, -8({dst})",
            "addi {src}, {src}, -8",
            "addi {dst}, {dst}, -8",
            "addi {left}, {left}, -8",
            "j 2b",
            "5:",
            "beqz {left}, 8f",
            "6: lbu {t}, -1({src})",
            "7: sb {t}, -1({dst})",
            "addi {src}, {src}, -1",
            "addi {dst}, {dst}, -1",
            "addi {left}, {left}, -1",
            "j 5b",
            "8:",
            site!("3b", "8b"),
            site!("4b", "8b"),
            site!("6b", "8b"),
            site!("7b", "8b"),
            left = inout(reg) len => left,
            src = inout(reg) src.wrapping_add(len) => _,
            dst = inout(reg) dst.wrapping_add(len) => _,
            t = out(reg) _,
            out("a3") address,
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
            "andi {t}, {dst}, 7",
            "bnez {t}, 4f",
            "2:",
            "sltiu {t}, {left}, 8",
            "bnez {t}, 4f",
            "3: sd {word}, 0({dst})",
            "addi {dst}, {dst}, 8",
            "addi {left}, {left}, -8",
            "j 2b",
            "4:",
            "beqz {left}, 6f",
            "5: sb {word}, 0({dst})",
            "addi {dst}, {dst}, 1",
            "addi {left}, {left}, -1",
            "j 4b",
            "6:",
            site!("3b", "6b"),
            site!("5b", "6b"),
            left = inout(reg) len => left,
            dst = inout(reg) dst => _,
            word = in(reg) u64::from_ne_bytes([value; 8]),
            t = out(reg) _,
            out("a3") address,
            options(nostack),
        );
    }
    if left == 0 {
        Ok(())
    } else {
        Err(Fault { address })
    }
}
