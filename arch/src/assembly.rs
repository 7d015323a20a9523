//! What the assembly of all ISAs has in common, so that their files say only what differs: the
//! labels that assembly defines, how it records an instruction that may fault, and the Rust
//! around system calls and accesses.

/// Defines a label that Rust knows, too.
#[cfg(wali_isa)]
macro_rules! symbol {
    ($name:literal) => {
        concat!(".globl ", $name, "\n.hidden ", $name, "\n", $name, ":")
    };
}

/// Records the instruction at a local label, and where execution goes on if it faults, in
/// the table of sites (see `fault`). `R` keeps the section although nothing names it.
#[cfg(wali_isa)]
macro_rules! site {
    ($at:literal, $landing:literal) => {
        concat!(
            ".pushsection wali_sites, \"aR\", @progbits\n",
            ".balign 4\n",
            ".long ",
            $at,
            " - .\n",
            ".long ",
            $landing,
            " - .\n",
            ".popsection"
        )
    };
}

/// An instruction for each register, with a place in memory counted in words: `sd s0, 8*1(sp)`.
#[cfg(wali_isa)]
#[allow(unused_macros)]
macro_rules! slots {
    ($instruction:literal $before:literal $after:literal: $($register:literal $slot:literal)*) => {
        concat!($(
            $instruction, " ", $register, ", ", $before, "8*", $slot, $after, "\n"
        ),*)
    };
}

/// `syscall0` to `syscall6`, of the instruction and the registers of number, arguments and
/// result, and of those that the kernel leaves changed. The result may have the register of the
/// number, or of an argument.
#[cfg(wali_isa)]
macro_rules! system_calls {
    (
        $instruction:literal, number $number:tt, result $result:tt,
        arguments $a:tt $b:tt $c:tt $d:tt $e:tt $f:tt,
        changes $changes:tt
    ) => {
        system_calls! { @all $instruction $number $result $changes
            syscall0();
            syscall1(a = $a);
            syscall2(a = $a, b = $b);
            syscall3(a = $a, b = $b, c = $c);
            syscall4(a = $a, b = $b, c = $c, d = $d);
            syscall5(a = $a, b = $b, c = $c, d = $d, e = $e);
            syscall6(a = $a, b = $b, c = $c, d = $d, e = $e, f = $f);
        }
    };
    (
        @all $instruction:literal $number:tt $result:tt $changes:tt
        $($name:ident($($arg:ident = $register:tt),*);)*
    ) => {
        $(system_calls! {
            @one $instruction $number $result $changes $name($($arg = $register),*)
        })*
    };
    (
        @one $instruction:literal $number:tt $result:tt [$($changed:tt)*]
        $name:ident($($arg:ident = $register:tt),*)
    ) => {
        #[inline(always)]
        pub unsafe fn $name(number: usize $(, $arg: usize)*) -> isize {
            let result: isize;
            // SAFETY: the caller answers for the call's effects; the kernel preserves all
            // registers but these.
            unsafe {
                core::arch::asm!(
                    $instruction,
                    in($number) number,
                    $(in($register) $arg,)*
                    lateout($result) result,
                    $(lateout($changed) _,)*
                    options(nostack),
                );
            }
            result
        }
    };
}

/// Accesses to guest memory, of the registers of the pins, that of the faulting address, and
/// the instructions that load and store `{value}` at `{address}`, with the class of `{value}`'s
/// register in the store; and those that load floats.
///
/// Those of [`crate::access`] go to the pinned landing; those for `bulk` go on behind the access
/// and return the faulting address, which is never 0. `block` is how many bytes are best moved at
/// a time from `{src}` to `{dst}`: instructions that load all of them, then those that store them
/// in ascending order, with registers in between.
#[cfg(wali_isa)]
macro_rules! accesses {
    (
        pins $landing:tt $ip:tt $sp:tt $int:tt $single:tt $double:tt, fault $fault:tt;
        u8: $load8:literal, $store8:literal $class8:ident;
        u16: $load16:literal, $store16:literal $class16:ident;
        u32: $load32:literal, $store32:literal $class32:ident;
        u64: $load64:literal, $store64:literal $class64:ident;
        f32: $load_single:literal, f64: $load_double:literal in $floats:ident;
        block $size:literal: $loads:tt, $stores:tt $temporaries:tt;
    ) => {
        accesses! { @float ($landing $ip $sp $int $single $double) $floats
            load_f32($load_single) f32; load_f64($load_double) f64;
        }
        accesses! { @pinned ($landing $ip $sp $int $single $double)
            load8($load8) store8($store8 $class8) u8;
            load16($load16) store16($store16 $class16) u16;
            load32($load32) store32($store32 $class32) u32;
            load64($load64) store64($store64 $class64) u64;
        }
        accesses! { @recovering $fault
            try_load8($load8) try_store8($store8 $class8) u8;
            try_load32($load32) try_store32($store32 $class32) u32;
            try_load64($load64) try_store64($store64 $class64) u64;
        }
        accesses! { @block $fault $size $loads $stores $temporaries }
    };
    // One instruction, with the pins where its landing expects them.
    (
        @pinned_access ($landing:tt $ip:tt $sp:tt $int:tt $single:tt $double:tt)
        $pins:ident $instruction:literal, [$($operands:tt)*], [$($options:tt)*]
    ) => {
        core::arch::asm!(
            concat!("2: ", $instruction),
            site!("2b", "wali_pinned_landing"),
            $($operands)*,
            in($landing) $pins.landing,
            in($ip) $pins.ip,
            in($sp) $pins.sp,
            in($int) $pins.acc.int,
            in($single) $pins.acc.single,
            in($double) $pins.acc.double,
            options($($options)*),
        )
    };
    (@float $pins:tt $class:ident $($load:ident($out:literal) $ty:ident;)*) => {
        $(accesses! { @float_load $pins $class $load($out) $ty })*
    };
    (
        @float_load ($landing:tt $ip:tt $sp:tt $int:tt $single:tt $double:tt)
        $class:ident $load:ident($out:literal) $ty:ident
    ) => {
        #[inline(always)]
        pub unsafe fn $load(address: *const u8, pins: crate::access::Pins) -> $ty {
            let value: $ty;
            // SAFETY: as for the loads of integers.
            unsafe {
                accesses! {
                    @pinned_access ($landing $ip $sp $int $single $double) pins $out,
                    [address = in(reg) address, value = lateout($class) value],
                    [nostack, preserves_flags, readonly]
                }
            }
            value
        }
    };
    (@pinned $pins:tt $($load:ident($out:literal) $store:ident $in:tt $ty:ident;)*) => {
        $(accesses! { @pinned_pair $pins $load($out) $store $in $ty })*
    };
    (
        @pinned_pair ($landing:tt $ip:tt $sp:tt $int:tt $single:tt $double:tt)
        $load:ident($out:literal) $store:ident($in:literal $class:ident) $ty:ident
    ) => {
        #[inline(always)]
        pub unsafe fn $load(address: *const u8, pins: crate::access::Pins) -> $ty {
            let value: u64;
            // SAFETY: the address is inside a reservation; if it is not accessible, the
            // site's landing takes over with the pins in the registers it expects.
            unsafe {
                accesses! {
                    @pinned_access ($landing $ip $sp $int $single $double) pins $out,
                    [address = in(reg) address, value = lateout(reg) value],
                    [nostack, preserves_flags, readonly]
                }
            }
            value as $ty
        }

        #[inline(always)]
        pub unsafe fn $store(address: *mut u8, value: $ty, pins: crate::access::Pins) {
            // SAFETY: as for the load.
            unsafe {
                accesses! {
                    @pinned_access ($landing $ip $sp $int $single $double) pins $in,
                    [address = in(reg) address, value = in($class) value],
                    [nostack, preserves_flags]
                }
            }
        }
    };
    (
        @recovering $fault:tt
        $($load:ident($out:literal) $store:ident($in:literal $class:ident) $ty:ident;)*
    ) => { $(
        #[inline(always)]
        pub unsafe fn $load(address: *const u8) -> ($ty, usize) {
            let value: u64;
            let fault: usize;
            // SAFETY: the address is the caller's promise; if it is not accessible, nothing is
            // loaded, and the register of the faulting address tells.
            unsafe {
                core::arch::asm!(
                    concat!("2: ", $out),
                    "3:",
                    site!("2b", "3b"),
                    address = in(reg) address,
                    value = lateout(reg) value,
                    inout($fault) 0usize => fault,
                    options(nostack, preserves_flags, readonly),
                );
            }
            (value as $ty, fault)
        }

        #[inline(always)]
        pub unsafe fn $store(address: *mut u8, value: $ty) -> usize {
            let fault: usize;
            // SAFETY: as for the load.
            unsafe {
                core::arch::asm!(
                    concat!("2: ", $in),
                    "3:",
                    site!("2b", "3b"),
                    address = in(reg) address,
                    value = in($class) value,
                    inout($fault) 0usize => fault,
                    options(nostack, preserves_flags),
                );
            }
            fault
        }
    )* };
    (
        @block $fault:tt $size:literal [$($load:literal),*] [$($store:literal),*]
        ($($temporary:ident $class:ident),*)
    ) => {
        pub const BLOCK: usize = $size;

        #[inline(always)]
        pub unsafe fn move_block(dst: *mut u8, src: *const u8) -> usize {
            let fault: usize;
            // SAFETY: as for the loads and stores.
            unsafe {
                core::arch::asm!(
                    $(concat!("2: ", $load), site!("2b", "3f"),)*
                    $(concat!("2: ", $store), site!("2b", "3f"),)*
                    "3:",
                    src = in(reg) src,
                    dst = in(reg) dst,
                    $($temporary = out($class) _,)*
                    inout($fault) 0usize => fault,
                    options(nostack, preserves_flags),
                );
            }
            fault
        }
    };
}

#[cfg(wali_isa)]
unsafe extern "C" {
    fn wali_checked_start();
    fn wali_checked_end();
    fn wali_checked_exit();
    fn wali_pinned_landing();
}

/// See `syscall::checked_range`.
#[cfg(wali_isa)]
pub fn checked_range() -> core::ops::Range<usize> {
    wali_checked_start as *const () as usize..wali_checked_end as *const () as usize
}

/// See `syscall::checked_exit`.
#[cfg(wali_isa)]
pub fn checked_exit() -> usize {
    wali_checked_exit as *const () as usize
}

/// See `fault::pinned_landing`.
#[cfg(wali_isa)]
pub fn pinned_landing() -> usize {
    wali_pinned_landing as *const () as usize
}

/// Without assembly there are no labels.
#[cfg(not(wali_isa))]
pub fn checked_range() -> core::ops::Range<usize> {
    0..0
}

/// Without assembly there are no labels.
#[cfg(not(wali_isa))]
pub fn checked_exit() -> usize {
    0
}

/// Without assembly there are no labels.
#[cfg(not(wali_isa))]
pub fn pinned_landing() -> usize {
    0
}
