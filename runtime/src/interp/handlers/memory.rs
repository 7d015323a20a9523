//! Loads, stores and bulk operations on memory 0.

use wali_arch::access::{self, Pins};

use super::super::context::{Acc, Context, Handler, dispatch, pins, stop};
use super::super::instance::Inner;
use super::super::isa::value::Slot;
use super::super::isa::{LoadForm, LoadOp, Output, StoreForm, StoreOp};
use super::super::trap::Exit;
use super::{InAcc, InSlot, InWide, Source, Target, ToAcc, ToSlot, get, op16, op32, set};

/// A load: the width read from memory, and what becomes of it.
trait Load {
    const SIZE: u64;
    type Value: Slot;
    /// # Safety
    /// As for `wali_arch::access`.
    unsafe fn load(address: *const u8, pins: Pins) -> Self::Value;
}

/// A store of the low bits of a value.
trait Store {
    const SIZE: u64;
    type Value: Slot;
    /// What does the same with a value from a slot.
    type OfSlot: Store;
    /// # Safety
    /// As for `wali_arch::access`.
    unsafe fn store(address: *mut u8, value: Self::Value, pins: Pins);
}

macro_rules! loads {
    ($($name:ident $access:ident $raw:ty => $value:ty, |$from:ident| $to:expr;)*) => {
        $(
            struct $name;
            impl Load for $name {
                const SIZE: u64 = size_of::<$raw>() as u64;
                type Value = $value;
                #[inline(always)]
                unsafe fn load(address: *const u8, pins: Pins) -> $value {
                    // SAFETY: as the caller promises.
                    let $from = unsafe { access::$access(address, pins) };
                    $to
                }
            }
        )*

        pub(crate) const fn load_handler(op: LoadOp, form: LoadForm, output: Output) -> Handler {
            match (op, output) {
                $(
                    (LoadOp::$name, Output::Slot) => load_from::<$name, ToSlot>(form),
                    (LoadOp::$name, Output::Acc) => load_from::<$name, ToAcc>(form),
                )*
            }
        }
    };
}

const fn load_from<L: Load, T: Target>(form: LoadForm) -> Handler {
    match form {
        LoadForm::Slot => load::<L, Offset<InSlot<1>>, T>,
        LoadForm::Acc => load::<L, Offset<InAcc>, T>,
        LoadForm::At => load::<L, Fixed, T>,
        LoadForm::Sum => load::<L, Sum<InSlot<1>>, T>,
        LoadForm::AccSum => load::<L, Sum<InAcc>, T>,
        LoadForm::Pair => load::<L, Pair<InSlot<1>>, T>,
        LoadForm::AccPair => load::<L, Pair<InAcc>, T>,
    }
}

loads! {
    Load8U load8 u8 => u32, |raw| u32::from(raw);
    Load8S32 load8 i8 => i32, |raw| i32::from(raw as i8);
    Load8S64 load8 i8 => i64, |raw| i64::from(raw as i8);
    Load16U load16 u16 => u32, |raw| u32::from(raw);
    Load16S32 load16 i16 => i32, |raw| i32::from(raw as i16);
    Load16S64 load16 i16 => i64, |raw| i64::from(raw as i16);
    Load32 load32 u32 => u32, |raw| raw;
    Load32S64 load32 i32 => i64, |raw| i64::from(raw as i32);
    Load64 load64 u64 => u64, |raw| raw;
    LoadF32 load_f32 f32 => f32, |raw| raw;
    LoadF64 load_f64 f64 => f64, |raw| raw;
}

macro_rules! stores {
    ($($name:ident $of_slot:ident $access:ident $raw:ty, $value:ty, |$from:ident| $to:expr;)*) => {
        $(
            struct $name;
            impl Store for $name {
                const SIZE: u64 = size_of::<$raw>() as u64;
                type Value = $value;
                type OfSlot = $of_slot;
                #[inline(always)]
                unsafe fn store(address: *mut u8, $from: $value, pins: Pins) {
                    // SAFETY: as the caller promises.
                    unsafe { access::$access(address, $to, pins) }
                }
            }
        )*

        pub(crate) const fn store_handler(op: StoreOp, form: StoreForm) -> Handler {
            match op {
                $(StoreOp::$name => store_from::<$name>(form),)*
            }
        }
    };
}

const fn store_from<S: Store>(form: StoreForm) -> Handler {
    match form {
        StoreForm::Slots => store::<S::OfSlot, Offset<InSlot<0>>, InSlot<1>>,
        StoreForm::AccSlot => store::<S::OfSlot, Offset<InAcc>, InSlot<1>>,
        StoreForm::SlotAcc => store::<S, Offset<InSlot<0>>, InAcc>,
        StoreForm::At => store::<S::OfSlot, Fixed, InSlot<1>>,
        StoreForm::AtAcc => store::<S, Fixed, InAcc>,
        StoreForm::Imm => store::<S::OfSlot, Offset<InSlot<0>>, InWide>,
        StoreForm::AccImm => store::<S::OfSlot, Offset<InAcc>, InWide>,
        StoreForm::SumSlot => store::<S::OfSlot, Sum<InSlot<0>>, InSlot<1>>,
        StoreForm::AccSumSlot => store::<S::OfSlot, Sum<InAcc>, InSlot<1>>,
        StoreForm::SumImm => store::<S::OfSlot, Sum<InSlot<0>>, InWide>,
        StoreForm::AccSumImm => store::<S::OfSlot, Sum<InAcc>, InWide>,
        StoreForm::PairSlot => store::<S::OfSlot, Pair<InSlot<0>>, InSlot<1>>,
        StoreForm::AccPairSlot => store::<S::OfSlot, Pair<InAcc>, InSlot<1>>,
    }
}

stores! {
    Store8 Store8 store8 u8, u64, |value| value as u8;
    Store16 Store16 store16 u16, u64, |value| value as u16;
    Store32 Store32 store32 u32, u64, |value| value as u32;
    Store64 Store64 store64 u64, u64, |value| value;
    StoreF32 Store32 store32 f32, f32, |value| value.to_bits();
    StoreF64 Store64 store64 f64, f64, |value| value.to_bits();
}

/// How the index of an access comes about: at most the sum of two 32-bit numbers.
trait Address {
    /// # Safety
    /// The machine's contract.
    unsafe fn index(ip: *const u64, sp: *mut u64, acc: Acc) -> u64;
}

/// An address and the instruction's offset.
struct Offset<A>(A);
/// The instruction's offset alone.
struct Fixed;
/// An address to which the program has added a constant, with WebAssembly's overflow.
struct Sum<A>(A);
/// An address to which the program has added another, and a short offset.
struct Pair<A>(A);

impl<A: Source> Address for Offset<A> {
    #[inline(always)]
    unsafe fn index(ip: *const u64, sp: *mut u64, acc: Acc) -> u64 {
        // SAFETY: as the caller promises.
        unsafe { u64::from(A::read::<u32>(ip, sp, acc)) + u64::from(op32(ip, 2)) }
    }
}

impl Address for Fixed {
    #[inline(always)]
    unsafe fn index(ip: *const u64, _sp: *mut u64, _acc: Acc) -> u64 {
        // SAFETY: as the caller promises.
        unsafe { u64::from(op32(ip, 2)) }
    }
}

impl<A: Source> Address for Sum<A> {
    #[inline(always)]
    unsafe fn index(ip: *const u64, sp: *mut u64, acc: Acc) -> u64 {
        // SAFETY: as the caller promises.
        unsafe { u64::from(A::read::<u32>(ip, sp, acc).wrapping_add(op32(ip, 2))) }
    }
}

impl<A: Source> Address for Pair<A> {
    #[inline(always)]
    unsafe fn index(ip: *const u64, sp: *mut u64, acc: Acc) -> u64 {
        // SAFETY: as the caller promises.
        unsafe {
            let sum = A::read::<u32>(ip, sp, acc).wrapping_add(get(ip, sp, 2));
            u64::from(sum) + u64::from(op16(ip, 3))
        }
    }
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
    index: u64,
    int: u64,
    single: f32,
    double: f64,
) -> usize {
    // SAFETY: the machine's contract.
    unsafe {
        (*cx).trap_info = index;
        let acc = Acc::new(int, single, double);
        stop(cx, ip, sp, Exit::MemoryOutOfBounds, acc)
    }
}

unsafe extern "C" fn load<L: Load, A: Address, T: Target>(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    int: u64,
    single: f32,
    double: f64,
) -> usize {
    let acc = Acc::new(int, single, double);
    // SAFETY: the machine's contract; the sum of two 32-bit numbers lies in the reservation.
    unsafe {
        let index = A::index(ip, sp, acc);
        if refused(cx, index, L::SIZE) {
            return out_of_bounds(cx, ip, sp, index, int, single, double);
        }
        let value = L::load(mem.wrapping_add(index as usize), pins(cx, ip, sp, acc));
        let acc = T::write(ip, sp, acc, value);
        dispatch(cx, ip.add(2), sp, mem, acc)
    }
}

unsafe extern "C" fn store<S: Store, A: Address, V: Source>(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    int: u64,
    single: f32,
    double: f64,
) -> usize {
    let acc = Acc::new(int, single, double);
    // SAFETY: the machine's contract; the sum of two 32-bit numbers lies in the reservation.
    unsafe {
        let index = A::index(ip, sp, acc);
        if refused(cx, index, S::SIZE) {
            return out_of_bounds(cx, ip, sp, index, int, single, double);
        }
        S::store(
            mem.wrapping_add(index as usize),
            V::read(ip, sp, acc),
            pins(cx, ip, sp, acc),
        );
        dispatch(cx, ip.add(V::WORDS), sp, mem, acc)
    }
}

pub(crate) unsafe extern "C" fn size(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    _: u64,
    _: f32,
    _: f64,
) -> usize {
    // SAFETY: the machine's contract; validation requires a memory.
    unsafe {
        set(ip, sp, 0, (*(*cx).memory).pages() as u32);
        dispatch(cx, ip.add(2), sp, mem, Acc::NONE)
    }
}

pub(crate) unsafe extern "C" fn grow(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    _: u64,
    _: f32,
    _: f64,
) -> usize {
    // SAFETY: the machine's contract; validation requires a memory.
    unsafe {
        let before = (*(*cx).memory).grow(u64::from(get::<u32>(ip, sp, 1)));
        set(ip, sp, 0, before.map_or(u32::MAX, |pages| pages as u32));
        dispatch(cx, ip.add(2), sp, mem, Acc::NONE)
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
            Ok(()) => dispatch(cx, ip.add(words), sp, mem, Acc::NONE),
            Err(exit) => stop(cx, ip, sp, exit, Acc::NONE),
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

/// How many bytes are done already of a bulk operation that starts again after a fault. What it
/// has written may be what it reads.
///
/// # Safety
/// `cx` is live.
#[inline(always)]
unsafe fn done_before(cx: *mut Context) -> usize {
    // SAFETY: as the caller promises.
    unsafe {
        let done = (*cx).bulk_done;
        if done != 0 {
            (*cx).bulk_done = 0;
        }
        done
    }
}

/// What comes of the part behind the `done` bytes of a bulk operation.
///
/// # Safety
/// `cx` is live.
unsafe fn recovered(
    cx: *mut Context,
    done: usize,
    result: Result<(), access::Fault>,
) -> Result<(), Exit> {
    result.map_err(|fault| {
        // SAFETY: as the caller promises.
        unsafe {
            (*cx).trap_info = fault.address as u64;
            (*cx).bulk_done = done + fault.done;
        }
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
        let done = done_before(cx);
        let dst = mem.wrapping_add(to as usize + done);
        recovered(
            cx,
            done,
            access::fill(dst, value as u8, len as usize - done),
        )
    }
}

pub(crate) unsafe extern "C" fn fill(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    _: u64,
    _: f32,
    _: f64,
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
        let (len, done) = (len as usize, done_before(cx));
        let result = if to <= from || from as usize + len <= to as usize {
            access::copy(dst.wrapping_add(done), src.wrapping_add(done), len - done)
        } else {
            access::copy_backward(dst, src, len - done)
        };
        recovered(cx, done, result)
    }
}

pub(crate) unsafe extern "C" fn copy(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    _: u64,
    _: f32,
    _: f64,
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
        let done = done_before(cx);
        let data = &data[from as usize + done..end as usize];
        let dst = mem.wrapping_add(to as usize + done);
        recovered(cx, done, access::copy(dst, data.as_ptr(), data.len()))
    }
}

pub(crate) unsafe extern "C" fn init(
    cx: *mut Context,
    ip: *const u64,
    sp: *mut u64,
    mem: *mut u8,
    _: u64,
    _: f32,
    _: f64,
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
    _: u64,
    _: f32,
    _: f64,
) -> usize {
    // SAFETY: the machine's contract; validation checked the segment.
    unsafe {
        (*(*cx).instance).drop_data(op32(ip, 2));
        dispatch(cx, ip.add(2), sp, mem, Acc::NONE)
    }
}
