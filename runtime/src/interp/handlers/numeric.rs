//! Arithmetic, comparisons and the branches by them, generic over where operands are.

use super::super::context::{Context, Handler, dispatch, stop};
use super::super::isa::value::{Binary, Slot, Unary};
use super::super::isa::{BinaryForm, BranchForm, CompareForm};
use super::control::safepoint;
use super::{get, op16, op32, op64, set, target};

/// A place that an operand can come from.
trait Source {
    /// Words that the instruction has in all.
    const WORDS: usize;
    /// # Safety
    /// The machine's contract.
    unsafe fn read<T: Slot>(ip: *const u64, sp: *mut u64) -> T;
}

/// A slot named by the quarter `Q`.
struct InSlot<const Q: usize>;
/// The last 32 bits of the second word.
struct InImm32;
/// The second quarter, signed.
struct InImm16;
/// The third word.
struct InWide;

impl<const Q: usize> Source for InSlot<Q> {
    const WORDS: usize = 2;
    #[inline(always)]
    unsafe fn read<T: Slot>(ip: *const u64, sp: *mut u64) -> T {
        // SAFETY: as the caller promises.
        unsafe { get(ip, sp, Q) }
    }
}

impl Source for InImm32 {
    const WORDS: usize = 2;
    #[inline(always)]
    unsafe fn read<T: Slot>(ip: *const u64, _sp: *mut u64) -> T {
        // SAFETY: as the caller promises.
        unsafe { T::from_imm32(op32(ip, 2)) }
    }
}

impl Source for InImm16 {
    const WORDS: usize = 2;
    #[inline(always)]
    unsafe fn read<T: Slot>(ip: *const u64, _sp: *mut u64) -> T {
        // SAFETY: as the caller promises.
        unsafe { T::from_imm32(i32::from(op16(ip, 1) as i16) as u32) }
    }
}

impl Source for InWide {
    const WORDS: usize = 3;
    #[inline(always)]
    unsafe fn read<T: Slot>(ip: *const u64, _sp: *mut u64) -> T {
        // SAFETY: as the caller promises.
        unsafe { T::from_slot(op64(ip)) }
    }
}

const fn larger(a: usize, b: usize) -> usize {
    if a > b { a } else { b }
}

unsafe extern "C" fn binary<O: Binary, A: Source, B: Source>(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
) -> usize {
    // SAFETY: the machine's contract.
    unsafe {
        match O::apply(A::read(ip, sp), B::read(ip, sp)) {
            Ok(value) => {
                set(ip, sp, 0, value);
                dispatch(cx, ip.add(larger(A::WORDS, B::WORDS)), sp, mem)
            }
            Err(exit) => stop(cx, ip, sp, mem, exit),
        }
    }
}

pub(crate) unsafe extern "C" fn unary<O: Unary>(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
) -> usize {
    // SAFETY: the machine's contract.
    unsafe {
        match O::apply(get(ip, sp, 1)) {
            Ok(value) => {
                set(ip, sp, 0, value);
                dispatch(cx, ip.add(2), sp, mem)
            }
            Err(exit) => stop(cx, ip, sp, mem, exit),
        }
    }
}

unsafe extern "C" fn branch<O: Binary<Out = bool>, B: Source>(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
) -> usize {
    // SAFETY: the machine's contract.
    unsafe {
        match O::apply(get(ip, sp, 0), B::read(ip, sp)) {
            Ok(false) => dispatch(cx, ip.add(B::WORDS), sp, mem),
            Ok(true) => {
                if Context::interrupted(cx) {
                    return safepoint(cx, ip, sp, mem);
                }
                dispatch(cx, target(ip, 2), sp, mem)
            }
            Err(exit) => stop(cx, ip, sp, mem, exit),
        }
    }
}

pub(crate) const fn binary_handler<O: Binary>(form: BinaryForm) -> Handler {
    match form {
        BinaryForm::Slots => binary::<O, InSlot<1>, InSlot<2>>,
        BinaryForm::Imm => binary::<O, InSlot<1>, InImm32>,
        BinaryForm::Wide => binary::<O, InSlot<1>, InWide>,
        BinaryForm::ImmLeft => binary::<O, InImm32, InSlot<1>>,
        BinaryForm::WideLeft => binary::<O, InWide, InSlot<1>>,
    }
}

pub(crate) const fn compare_handler<O: Binary<Out = bool>>(form: CompareForm) -> Handler {
    match form {
        CompareForm::Value(form) => binary_handler::<O>(form),
        CompareForm::Branch(BranchForm::Slots) => branch::<O, InSlot<1>>,
        CompareForm::Branch(BranchForm::Imm) => branch::<O, InImm16>,
        CompareForm::Branch(BranchForm::Wide) => branch::<O, InWide>,
    }
}
