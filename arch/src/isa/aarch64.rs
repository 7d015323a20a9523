//! AArch64: AAPCS64, `svc 0`.

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

    fn machine(&mut self) -> &mut libc::mcontext_t {
        // SAFETY: `new` promised a live ucontext.
        unsafe { &mut (*self.0).uc_mcontext }
    }

    /// The program counter.
    pub fn pc(&mut self) -> usize {
        self.machine().pc as usize
    }

    /// Makes the thread go on at `pc`.
    pub fn set_pc(&mut self, pc: usize) {
        self.machine().pc = pc as u64;
    }

    /// Puts the faulting address where landings expect it.
    pub fn set_fault(&mut self, address: usize) {
        self.machine().regs[3] = address as u64;
    }

    /// Puts pins where [`pinned_landing`] expects them.
    pub fn set_pins(&mut self, pins: Pins) {
        let regs = &mut self.machine().regs;
        regs[0] = pins.landing as u64;
        regs[1] = pins.ip as u64;
        regs[2] = pins.sp as u64;
    }
}

macro_rules! syscalls {
    ($($name:ident($($arg:ident = $reg:tt),*);)*) => { $(
        #[inline(always)]
        pub unsafe fn $name(number: usize $(, $arg: usize)*) -> isize {
            let result: isize;
            // SAFETY: the caller answers for the call's effects; the kernel preserves
            // all registers but x0.
            unsafe { syscalls!(@asm number result $($arg $reg)*) }
            result
        }
    )* };
    (@asm $number:ident $result:ident) => {
        asm!("svc 0", in("x8") $number, lateout("x0") $result, options(nostack))
    };
    (@asm $number:ident $result:ident $first:ident $x0:tt $($arg:ident $reg:tt)*) => {
        asm!(
            "svc 0",
            in("x8") $number,
            inlateout("x0") $first as isize => $result,
            $(in($reg) $arg,)*
            options(nostack),
        )
    };
}

syscalls! {
    syscall0();
    syscall1(a = "x0");
    syscall2(a = "x0", b = "x1");
    syscall3(a = "x0", b = "x1", c = "x2");
    syscall4(a = "x0", b = "x1", c = "x2", d = "x3");
    syscall5(a = "x0", b = "x1", c = "x2", d = "x3", e = "x4");
    syscall6(a = "x0", b = "x1", c = "x2", d = "x3", e = "x4", f = "x5");
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
        ".globl wali_checked_start",
        ".hidden wali_checked_start",
        "wali_checked_start:",
        "ldr w9, [x9]",
        "cbnz w9, wali_checked_exit",
        "svc 0",
        ".globl wali_checked_end",
        ".hidden wali_checked_end",
        "wali_checked_end:",
        "ret",
        ".globl wali_checked_exit",
        ".hidden wali_checked_exit",
        "wali_checked_exit:",
        "mov x0, {not_made}",
        "ret",
        not_made = const crate::syscall::NOT_MADE,
    )
}

/// Executes what is no instruction.
pub fn illegal() {
    // SAFETY: the kernel sends a signal, and nothing else happens.
    unsafe { asm!("udf #0") }
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
        "stp x29, x30, [sp, #-176]!",
        "mov x29, sp",
        "stp x19, x20, [sp, #16]",
        "stp x21, x22, [sp, #32]",
        "stp x23, x24, [sp, #48]",
        "stp x25, x26, [sp, #64]",
        "stp x27, x28, [sp, #80]",
        "stp d8, d9, [sp, #96]",
        "stp d10, d11, [sp, #112]",
        "stp d12, d13, [sp, #128]",
        "stp d14, d15, [sp, #144]",
        "ldr x9, [x0]",
        "stp x0, x9, [sp, #160]",
        "mov x9, sp",
        "str x9, [x0]",
        "blr x4",
        "2:",
        "ldp x9, x10, [sp, #160]",
        "str x10, [x9]",
        "ldp x19, x20, [sp, #16]",
        "ldp x21, x22, [sp, #32]",
        "ldp x23, x24, [sp, #48]",
        "ldp x25, x26, [sp, #64]",
        "ldp x27, x28, [sp, #80]",
        "ldp d8, d9, [sp, #96]",
        "ldp d10, d11, [sp, #112]",
        "ldp d12, d13, [sp, #128]",
        "ldp d14, d15, [sp, #144]",
        "ldp x29, x30, [sp], #176",
        "ret",
        ".globl wali_pinned_landing",
        ".hidden wali_pinned_landing",
        "wali_pinned_landing:",
        "str x1, [x0, #{fault_ip}]",
        "str x2, [x0, #{fault_sp}]",
        "str x3, [x0, #{fault_addr}]",
        "ldr x9, [x0]",
        "mov sp, x9",
        "mov x0, #{faulted}",
        "b 2b",
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
                    in("x0") pins.landing,
                    in("x1") pins.ip,
                    in("x2") pins.sp,
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
                    in("x0") pins.landing,
                    in("x1") pins.ip,
                    in("x2") pins.sp,
                    options(nostack, preserves_flags),
                );
            }
        }
    )* };
}

pinned! {
    load8("ldrb {value:w}, [{address}]") store8("strb {value:w}, [{address}]") u8;
    load16("ldrh {value:w}, [{address}]") store16("strh {value:w}, [{address}]") u16;
    load32("ldr {value:w}, [{address}]") store32("str {value:w}, [{address}]") u32;
    load64("ldr {value}, [{address}]") store64("str {value}, [{address}]") u64;
}

#[inline]
pub unsafe fn copy(dst: *mut u8, src: *const u8, len: usize) -> Result<(), Fault> {
    let (left, address): (usize, usize);
    // SAFETY: the ranges are the caller's promise; a fault lands with the count of bytes
    // not yet done in `left`. Sixteen bytes are loaded before any of them is stored.
    unsafe {
        asm!(
            "2:",
            "cmp {left}, #16",
            "b.lo 5f",
            "3: ldp {a}, {b}, [{src}]",
            "4: stp {a}, {b}, [{dst}]",
            "add {src}, {src}, #16",
            "add {dst}, {dst}, #16",
            "sub {left}, {left}, #16",
            "b 2b",
            "5:",
            "cbz {left}, 8f",
            "6: ldrb {a:w}, [{src}]",
            "7: strb {a:w}, [{dst}]",
            "add {src}, {src}, #1",
            "add {dst}, {dst}, #1",
            "sub {left}, {left}, #1",
            "b 5b",
            "8:",
            site!("3b", "8b"),
            site!("4b", "8b"),
            site!("6b", "8b"),
            site!("7b", "8b"),
            left = inout(reg) len => left,
            src = inout(reg) src => _,
            dst = inout(reg) dst => _,
            a = out(reg) _,
            b = out(reg) _,
            out("x3") address,
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
            "2:",
            "cmp {left}, #16",
            "b.lo 5f",
            "3: ldp {a}, {b}, [{src}, #-16]!",
            "4: stp {a}, {b}, [{dst}, #-16]!",
            "sub {left}, {left}, #16",
            "b 2b",
            "5:",
            "cbz {left}, 8f",
            "6: ldrb {a:w}, [{src}, #-1]!",
            "7: strb {a:w}, [{dst}, #-1]!",
            "sub {left}, {left}, #1",
            "b 5b",
            "8:",
            site!("3b", "8b"),
            site!("4b", "8b"),
            site!("6b", "8b"),
            site!("7b", "8b"),
            left = inout(reg) len => left,
            src = inout(reg) src.wrapping_add(len) => _,
            dst = inout(reg) dst.wrapping_add(len) => _,
            a = out(reg) _,
            b = out(reg) _,
            out("x3") address,
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
            "2:",
            "cmp {left}, #8",
            "b.lo 4f",
            "3: str {word}, [{dst}]",
            "add {dst}, {dst}, #8",
            "sub {left}, {left}, #8",
            "b 2b",
            "4:",
            "cbz {left}, 6f",
            "5: strb {word:w}, [{dst}]",
            "add {dst}, {dst}, #1",
            "sub {left}, {left}, #1",
            "b 4b",
            "6:",
            site!("3b", "6b"),
            site!("5b", "6b"),
            left = inout(reg) len => left,
            dst = inout(reg) dst => _,
            word = in(reg) u64::from_ne_bytes([value; 8]),
            out("x3") address,
            options(nostack),
        );
    }
    if left == 0 {
        Ok(())
    } else {
        Err(Fault { address })
    }
}
