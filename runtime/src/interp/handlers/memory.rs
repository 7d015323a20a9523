//! Loads, stores and bulk operations on memory 0.

use wali_arch::access::{self, Pins};

use super::super::context::{Context, Handler, dispatch, pins, stop};
use super::super::instance::Inner;
use super::super::isa::value::Slot;
use super::super::isa::{AccessForm, LoadOp, StoreOp};
use super::super::trap::Exit;
use super::{get, op32, op64, set};

/// A load: the width read from memory, and what becomes of it.
trait Load {
    const SIZE: u64;
    /// # Safety
    /// As for `wali_arch::access`.
    unsafe fn load(address: *const u8, pins: Pins) -> u64;
}

/// A store of the low bits of a slot.
trait Store {
    const SIZE: u64;
    /// # Safety
    /// As for `wali_arch::access`.
    unsafe fn store(address: *mut u8, slot: u64, pins: Pins);
}

macro_rules! loads {
    ($($name:ident $access:ident $raw:ty => $extended:ty;)*) => {
        $(
            struct $name;
            impl Load for $name {
                const SIZE: u64 = size_of::<$raw>() as u64;
                #[inline(always)]
                unsafe fn load(address: *const u8, pins: Pins) -> u64 {
                    // SAFETY: as the caller promises.
                    let raw = unsafe { access::$access(address, pins) };
                    Slot::to_slot(raw as $raw as $extended)
                }
            }
        )*

        pub(crate) const fn load_handler(op: LoadOp, form: AccessForm) -> Handler {
            match (op, form) {
                $(
                    (LoadOp::$name, AccessForm::At) => load_at::<$name>,
                    (LoadOp::$name, _) => load::<$name>,
                )*
            }
        }
    };
}

loads! {
    Load8U load8 u8 => u32;
    Load8S32 load8 i8 => i32;
    Load8S64 load8 i8 => i64;
    Load16U load16 u16 => u32;
    Load16S32 load16 i16 => i32;
    Load16S64 load16 i16 => i64;
    Load32 load32 u32 => u32;
    Load32S64 load32 i32 => i64;
    Load64 load64 u64 => u64;
}

macro_rules! stores {
    ($($name:ident $access:ident $raw:ty;)*) => {
        $(
            struct $name;
            impl Store for $name {
                const SIZE: u64 = size_of::<$raw>() as u64;
                #[inline(always)]
                unsafe fn store(address: *mut u8, slot: u64, pins: Pins) {
                    // SAFETY: as the caller promises.
                    unsafe { access::$access(address, slot as $raw, pins) }
                }
            }
        )*

        pub(crate) const fn store_handler(op: StoreOp, form: AccessForm) -> Handler {
            match (op, form) {
                $(
                    (StoreOp::$name, AccessForm::Slots) => store::<$name>,
                    (StoreOp::$name, AccessForm::At) => store_at::<$name>,
                    (StoreOp::$name, AccessForm::Imm) => store_imm::<$name>,
                )*
            }
        }
    };
}

stores! {
    Store8 store8 u8;
    Store16 store16 u16;
    Store32 store32 u32;
    Store64 store64 u64;
}

/// Whether an access of `size` bytes at `index` has to be refused here. With guarded bounds
/// none has: the reservation reaches beyond every index, and what is not memory faults.
///
/// # Safety
/// The machine's contract, in a module that has a memory.
#[inline(always)]
pub(super) unsafe fn refused(cx: *mut Context, index: u64, size: u64) -> bool {
    if cfg!(wali_bounds = "explicit") {
        // SAFETY: as the caller promises.
        unsafe { index + size > (*(*cx).memory).size() }
    } else {
        let _ = (cx, index, size);
        false
    }
}

/// Stops at an access beyond the memory.
///
/// # Safety
/// The machine's contract.
#[cold]
#[inline(never)]
pub(super) unsafe extern "C" fn out_of_bounds(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    index: u64,
) -> usize {
    // SAFETY: the machine's contract.
    unsafe {
        (*cx).trap_info = index;
        stop(cx, ip, sp, mem, Exit::MemoryOutOfBounds)
    }
}

unsafe extern "C" fn load<L: Load>(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
) -> usize {
    // SAFETY: the machine's contract; the sum of two 32-bit numbers lies in the reservation.
    unsafe {
        let index = u64::from(get::<u32>(ip, sp, 1)) + u64::from(op32(ip, 2));
        if refused(cx, index, L::SIZE) {
            return out_of_bounds(cx, ip, sp, mem, index);
        }
        let value = L::load(mem.wrapping_add(index as usize), pins(cx, ip, sp));
        set(ip, sp, 0, value);
        dispatch(cx, ip.add(2), sp, mem)
    }
}

unsafe extern "C" fn load_at<L: Load>(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
) -> usize {
    // SAFETY: the machine's contract; a 32-bit number lies in the reservation.
    unsafe {
        let index = u64::from(op32(ip, 2));
        if refused(cx, index, L::SIZE) {
            return out_of_bounds(cx, ip, sp, mem, index);
        }
        let value = L::load(mem.wrapping_add(index as usize), pins(cx, ip, sp));
        set(ip, sp, 0, value);
        dispatch(cx, ip.add(2), sp, mem)
    }
}

unsafe extern "C" fn store<S: Store>(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
) -> usize {
    // SAFETY: the machine's contract; the sum of two 32-bit numbers lies in the reservation.
    unsafe {
        let index = u64::from(get::<u32>(ip, sp, 0)) + u64::from(op32(ip, 2));
        if refused(cx, index, S::SIZE) {
            return out_of_bounds(cx, ip, sp, mem, index);
        }
        S::store(
            mem.wrapping_add(index as usize),
            get(ip, sp, 1),
            pins(cx, ip, sp),
        );
        dispatch(cx, ip.add(2), sp, mem)
    }
}

unsafe extern "C" fn store_at<S: Store>(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
) -> usize {
    // SAFETY: the machine's contract; a 32-bit number lies in the reservation.
    unsafe {
        let index = u64::from(op32(ip, 2));
        if refused(cx, index, S::SIZE) {
            return out_of_bounds(cx, ip, sp, mem, index);
        }
        S::store(
            mem.wrapping_add(index as usize),
            get(ip, sp, 1),
            pins(cx, ip, sp),
        );
        dispatch(cx, ip.add(2), sp, mem)
    }
}

unsafe extern "C" fn store_imm<S: Store>(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
) -> usize {
    // SAFETY: the machine's contract; the sum of two 32-bit numbers lies in the reservation.
    unsafe {
        let index = u64::from(get::<u32>(ip, sp, 0)) + u64::from(op32(ip, 2));
        if refused(cx, index, S::SIZE) {
            return out_of_bounds(cx, ip, sp, mem, index);
        }
        S::store(mem.wrapping_add(index as usize), op64(ip), pins(cx, ip, sp));
        dispatch(cx, ip.add(3), sp, mem)
    }
}

pub(crate) unsafe extern "C" fn size(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
) -> usize {
    // SAFETY: the machine's contract; validation requires a memory.
    unsafe {
        set(ip, sp, 0, (*(*cx).memory).pages() as u32);
        dispatch(cx, ip.add(2), sp, mem)
    }
}

pub(crate) unsafe extern "C" fn grow(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
) -> usize {
    // SAFETY: the machine's contract; validation requires a memory.
    unsafe {
        let before = (*(*cx).memory).grow(u64::from(get::<u32>(ip, sp, 1)));
        set(ip, sp, 0, before.map_or(u32::MAX, |pages| pages as u32));
        dispatch(cx, ip.add(2), sp, mem)
    }
}

/// Goes on after a bulk operation, or stops if it failed.
///
/// # Safety
/// The machine's contract; the instruction has `words` words.
#[inline(always)]
unsafe fn after_bulk(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    words: usize,
    result: Result<(), Exit>,
) -> usize {
    // SAFETY: the machine's contract.
    unsafe {
        match result {
            Ok(()) => dispatch(cx, ip.add(words), sp, mem),
            Err(exit) => stop(cx, ip, sp, mem, exit),
        }
    }
}

/// Checks that `len` bytes at `start` are inside the memory.
///
/// # Safety
/// The machine's contract, in a module that has a memory.
unsafe fn check(cx: *mut Context, start: u32, len: u32) -> Result<(), Exit> {
    let end = u64::from(start) + u64::from(len);
    // SAFETY: as the caller promises.
    unsafe {
        let size = (*(*cx).memory).size();
        if end > size {
            // The first address that is not there.
            (*cx).trap_info = size.max(start.into());
            return Err(Exit::MemoryOutOfBounds);
        }
    }
    Ok(())
}

/// # Safety
/// `cx` is live.
unsafe fn recovered(cx: *mut Context, result: Result<(), access::Fault>) -> Result<(), Exit> {
    result.map_err(|fault| {
        // SAFETY: as the caller promises.
        unsafe { (*cx).trap_info = fault.address as u64 };
        Exit::MemoryFault
    })
}

#[inline(never)]
unsafe fn fill_bytes(
    cx: *mut Context,
    mem: *mut u8,
    to: u32,
    value: u32,
    len: u32,
) -> Result<(), Exit> {
    // SAFETY: the machine's contract; the range was checked.
    unsafe {
        check(cx, to, len)?;
        recovered(
            cx,
            access::fill(mem.wrapping_add(to as usize), value as u8, len as usize),
        )
    }
}

pub(crate) unsafe extern "C" fn fill(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
) -> usize {
    // SAFETY: the machine's contract.
    unsafe {
        let result = fill_bytes(cx, mem, get(ip, sp, 0), get(ip, sp, 1), get(ip, sp, 2));
        after_bulk(cx, ip, sp, mem, 2, result)
    }
}

#[inline(never)]
unsafe fn copy_bytes(
    cx: *mut Context,
    mem: *mut u8,
    to: u32,
    from: u32,
    len: u32,
) -> Result<(), Exit> {
    // SAFETY: the machine's contract; both ranges were checked.
    unsafe {
        check(cx, to, len)?;
        check(cx, from, len)?;
        let (dst, src) = (
            mem.wrapping_add(to as usize),
            mem.wrapping_add(from as usize),
        );
        let len = len as usize;
        let result = if to <= from || from as usize + len <= to as usize {
            access::copy(dst, src, len)
        } else {
            access::copy_backward(dst, src, len)
        };
        recovered(cx, result)
    }
}

pub(crate) unsafe extern "C" fn copy(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
) -> usize {
    // SAFETY: the machine's contract.
    unsafe {
        let result = copy_bytes(cx, mem, get(ip, sp, 0), get(ip, sp, 1), get(ip, sp, 2));
        after_bulk(cx, ip, sp, mem, 2, result)
    }
}

/// Copies from a data segment, as `memory.init` does.
///
/// # Safety
/// `cx` is live, in an instance with a memory whose base is `mem` and a segment `index`.
#[inline(never)]
pub(crate) unsafe fn init_bytes(
    cx: *mut Context,
    mem: *mut u8,
    index: u32,
    to: u32,
    from: u32,
    len: u32,
) -> Result<(), Exit> {
    // SAFETY: as the caller promises; both ranges are checked.
    unsafe {
        let instance: &Inner = &*(*cx).instance;
        let data = instance.data(index);
        let end = u64::from(from) + u64::from(len);
        if end > data.len() as u64 {
            (*cx).trap_info = end;
            return Err(Exit::MemoryOutOfBounds);
        }
        check(cx, to, len)?;
        let data = &data[from as usize..end as usize];
        recovered(
            cx,
            access::copy(mem.wrapping_add(to as usize), data.as_ptr(), data.len()),
        )
    }
}

pub(crate) unsafe extern "C" fn init(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
) -> usize {
    // SAFETY: the machine's contract; validation checked the segment.
    unsafe {
        let (to, from, len) = (get(ip, sp, 0), get(ip, sp, 1), get(ip, sp, 2));
        let result = init_bytes(cx, mem, op32(ip, 4), to, from, len);
        after_bulk(cx, ip, sp, mem, 3, result)
    }
}

pub(crate) unsafe extern "C" fn data_drop(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
) -> usize {
    // SAFETY: the machine's contract; validation checked the segment.
    unsafe {
        (*(*cx).instance).drop_data(op32(ip, 2));
        dispatch(cx, ip.add(2), sp, mem)
    }
}
