//! The code behind each instruction.
//!
//! A handler reads its operands, does its work and goes on to the next instruction by
//! `dispatch`. In a threaded build that is a jump only if the handler has nothing left to
//! do afterwards: no value to drop, no local whose address somebody may hold. What is rare
//! or long is out of line, so that the common path keeps nothing on the native stack.
//!
//! All handlers share one contract, which [`super::context::dispatch`] states; the comments
//! at their `unsafe` blocks call it *the machine's contract*.

pub(crate) mod atomic;
pub(crate) mod call;
pub(crate) mod control;
pub(crate) mod exception;
pub(crate) mod global;
pub(crate) mod memory;
pub(crate) mod numeric;
pub(crate) mod table;
pub(crate) mod vector;

use super::context::Acc;
use super::isa::value::Slot;

/// The 16-bit operand at `quarter`.
///
/// # Safety
/// `ip` points to an instruction that has one there.
#[inline(always)]
pub(crate) unsafe fn op16(ip: *const u64, quarter: usize) -> u16 {
    // SAFETY: as the caller promises.
    unsafe { *ip.cast::<u16>().add(4 + quarter) }
}

/// The 32-bit operand at the even `quarter`.
///
/// # Safety
/// As for [`op16`].
#[inline(always)]
pub(crate) unsafe fn op32(ip: *const u64, quarter: usize) -> u32 {
    // SAFETY: as the caller promises.
    unsafe { *ip.cast::<u32>().add(2 + quarter / 2) }
}

/// The 64-bit operand in the third word.
///
/// # Safety
/// As for [`op16`].
#[inline(always)]
pub(crate) unsafe fn op64(ip: *const u64) -> u64 {
    // SAFETY: as the caller promises.
    unsafe { *ip.add(2) }
}

/// The value in the slot that `quarter` names.
///
/// # Safety
/// As for [`op16`], and `sp` is the frame that the instruction was translated for.
#[inline(always)]
pub(crate) unsafe fn get<T: Slot>(ip: *const u64, sp: *mut u64, quarter: usize) -> T {
    // SAFETY: as the caller promises.
    unsafe { T::from_slot(*sp.add(op16(ip, quarter) as usize)) }
}

/// Puts a value into the slot that `quarter` names.
///
/// # Safety
/// As for [`get`].
#[inline(always)]
pub(crate) unsafe fn set<T: Slot>(ip: *const u64, sp: *mut u64, quarter: usize, value: T) {
    // SAFETY: as the caller promises.
    unsafe { *sp.add(op16(ip, quarter) as usize) = value.to_slot() }
}

/// Where a branch at `ip` with its distance at `quarter` leads.
///
/// # Safety
/// As for [`op16`].
#[inline(always)]
pub(crate) unsafe fn target(ip: *const u64, quarter: usize) -> *const u64 {
    // SAFETY: translation keeps distances inside the function.
    unsafe { ip.offset(op32(ip, quarter) as i32 as isize) }
}

/// A place that an operand can come from.
pub(crate) trait Source {
    /// Words that the instruction has in all, as far as this operand is concerned.
    const WORDS: usize = 2;
    /// # Safety
    /// The machine's contract.
    unsafe fn read<T: Slot>(ip: *const u64, sp: *mut u64, acc: Acc) -> T;
}

/// A slot named by the quarter `Q`.
pub(crate) struct InSlot<const Q: usize>;
/// The accumulator.
pub(crate) struct InAcc;
/// The last 32 bits of the second word.
pub(crate) struct InImm32;
/// The second quarter, signed.
pub(crate) struct InImm16;
/// The third word.
pub(crate) struct InWide;

impl<const Q: usize> Source for InSlot<Q> {
    #[inline(always)]
    unsafe fn read<T: Slot>(ip: *const u64, sp: *mut u64, _acc: Acc) -> T {
        // SAFETY: as the caller promises.
        unsafe { get(ip, sp, Q) }
    }
}

impl Source for InAcc {
    #[inline(always)]
    unsafe fn read<T: Slot>(_ip: *const u64, _sp: *mut u64, acc: Acc) -> T {
        T::from_acc(acc)
    }
}

impl Source for InImm32 {
    #[inline(always)]
    unsafe fn read<T: Slot>(ip: *const u64, _sp: *mut u64, _acc: Acc) -> T {
        // SAFETY: as the caller promises.
        unsafe { T::from_imm32(op32(ip, 2)) }
    }
}

impl Source for InImm16 {
    #[inline(always)]
    unsafe fn read<T: Slot>(ip: *const u64, _sp: *mut u64, _acc: Acc) -> T {
        // SAFETY: as the caller promises.
        unsafe { T::from_imm32(i32::from(op16(ip, 1) as i16) as u32) }
    }
}

impl Source for InWide {
    const WORDS: usize = 3;
    #[inline(always)]
    unsafe fn read<T: Slot>(ip: *const u64, _sp: *mut u64, _acc: Acc) -> T {
        // SAFETY: as the caller promises.
        unsafe { T::from_slot(op64(ip)) }
    }
}

/// Of branches: whether they may lead backwards, and so have to look for interrupts.
pub(crate) const BACK: bool = true;
/// The opposite of [`BACK`].
pub(crate) const ONWARDS: bool = false;

/// A place for a result.
pub(crate) trait Target {
    /// Puts it there, and yields the accumulators afterwards.
    ///
    /// # Safety
    /// The machine's contract.
    unsafe fn write<T: Slot>(ip: *const u64, sp: *mut u64, acc: Acc, value: T) -> Acc;
}

/// The slot that the first quarter names; and the accumulator, which costs nothing.
pub(crate) struct ToSlot;
/// The accumulator.
pub(crate) struct ToAcc;

impl Target for ToSlot {
    #[inline(always)]
    unsafe fn write<T: Slot>(ip: *const u64, sp: *mut u64, acc: Acc, value: T) -> Acc {
        // SAFETY: as the caller promises.
        unsafe { set(ip, sp, 0, value) };
        value.to_acc(acc)
    }
}

impl Target for ToAcc {
    #[inline(always)]
    unsafe fn write<T: Slot>(_ip: *const u64, _sp: *mut u64, acc: Acc, value: T) -> Acc {
        value.to_acc(acc)
    }
}
