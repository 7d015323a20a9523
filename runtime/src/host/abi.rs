//! What the generated bindings stand on.

use std::ffi::CString;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use wali_arch::access::{self, Acc, FAULTED, Landing, Pins};
pub use wali_arch::flags;
pub use wali_arch::layout::{Convert, Plain, Widened, guest};
pub use wali_arch::syscall;
pub use wali_arch::tables::number;

pub use super::convert;
use super::mappings::PAGE;
pub use super::meta;
use super::reserved;
pub use crate::engine::Unwind;
use crate::fault;
use crate::memory::Memory;

/// An error number of Linux's, positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Errno(pub i32);

impl Errno {
    /// Not an error of Linux's: a call was not made, or has to be made again, since signal
    /// handlers have to run first.
    pub const INTERRUPTED: Errno = Errno(i32::MAX);

    /// That of a failed call of the standard library's.
    pub fn of(error: &std::io::Error) -> Errno {
        Errno(error.raw_os_error().unwrap_or(flags::errno::EIO))
    }

    /// As a system call returns it.
    #[inline]
    pub fn result(self) -> i64 {
        -i64::from(self.0)
    }
}

/// Whether what a system call returned is an error: the last numbers are, as many as `MAX_ERRNO`
/// in the kernel's `linux/err.h` says, which programs do not get to see.
#[inline]
pub fn is_error(result: i64) -> bool {
    const MAX_ERRNO: i64 = 4095;
    (-MAX_ERRNO..0).contains(&result)
}

/// What the guest gets for a call's outcome.
///
/// # Errors
/// If the call has to be made again.
#[inline]
pub fn finish(outcome: Result<i64, Errno>) -> Result<u64, Unwind> {
    match outcome {
        Err(Errno::INTERRUPTED) => Err(Unwind::Interrupted),
        outcome => Ok(outcome.unwrap_or_else(Errno::result) as u64),
    }
}

/// The guest as the bindings see it.
pub trait Guest {
    /// Its memory.
    fn memory(&self) -> GuestMemory;

    /// Makes a call that may block: [`syscall::NOT_MADE`] if signal handlers have to run first.
    ///
    /// # Safety
    /// As for the raw calls.
    unsafe fn may_block(&self, number: usize, args: &[usize; MAX_ARGS]) -> isize;

    /// Makes a call that opens by name, and may block: not what other threads could read or write
    /// memory by before it is looked at.
    ///
    /// # Safety
    /// As for the raw calls.
    unsafe fn open_by_name(&self, number: usize, args: &[usize; MAX_ARGS]) -> isize;

    /// Looks at what a call opened by name before the guest gets it: the descriptor, or an
    /// error in its place.
    fn opened(&mut self, result: i64) -> i64;
}

/// The place where guest addresses become host addresses.
///
/// The reservation behind a memory is so large that any 32-bit address plus any length
/// up to 4 GiB lies inside it, and what is not mapped there faults: the kernel then says
/// `EFAULT`, exactly as far into a buffer as it would natively.
#[derive(Debug, Clone, Copy)]
pub struct GuestMemory {
    base: *mut u8,
}

impl GuestMemory {
    /// The most bytes that may lie behind an address.
    const MOST: u64 = 1 << 32;

    /// A view of `memory`.
    ///
    /// # Safety
    /// `memory` outlives every use of the view and of its copies.
    #[inline]
    pub unsafe fn new(memory: &Memory) -> GuestMemory {
        GuestMemory {
            base: memory.base(),
        }
    }

    /// An address in the kernel's half, which the kernel lets no process use: it says
    /// `EFAULT`, but not before it has said what else is wrong with a call.
    pub(super) const NOWHERE: usize = usize::MAX << 12;

    /// The host address of `len` bytes at a guest address, for the kernel; the null pointer
    /// stays null, and an extent larger than all of guest memory is nowhere. One at the null
    /// pointer that reaches beyond the page that no process maps lies behind the memory, where
    /// nothing is mapped either: as natively, that is an error only if the kernel looks there.
    #[inline]
    pub fn address(self, at: u32, len: u64) -> usize {
        if len > GuestMemory::MOST {
            GuestMemory::NOWHERE
        } else if at == 0 && len > PAGE {
            self.base as usize + GuestMemory::MOST as usize
        } else if at == 0 {
            0
        } else {
            self.base as usize + at as usize
        }
    }

    /// The guest's address of what [`GuestMemory::address`] gave the host's of.
    pub(super) fn guest_address(self, host: usize) -> Option<u32> {
        u32::try_from(host.checked_sub(self.base as usize)?).ok()
    }

    /// Copies bytes of the guest's out.
    ///
    /// # Errors
    /// `EFAULT` if some are not accessible; null never is.
    pub fn read(self, at: u32, into: &mut [u8]) -> Result<(), Errno> {
        let from = self.place(at, into.len())?;
        // SAFETY: the source is inside the reservation, the target is the caller's.
        unsafe { access::copy(into.as_mut_ptr(), from, into.len()) }
            .map_err(|_| Errno(flags::errno::EFAULT))
    }

    /// Copies bytes into the guest.
    ///
    /// # Errors
    /// As for [`GuestMemory::read`].
    pub fn write(self, at: u32, bytes: &[u8]) -> Result<(), Errno> {
        let to = self.place(at, bytes.len())?;
        // SAFETY: the target is inside the reservation, the source is the caller's.
        unsafe { access::copy(to, bytes.as_ptr(), bytes.len()) }
            .map_err(|_| Errno(flags::errno::EFAULT))
    }

    /// Copies a string of the guest's out; none if it has `most` bytes or more before its end.
    ///
    /// # Errors
    /// As for [`GuestMemory::read`].
    pub fn read_string(self, at: u32, most: usize) -> Result<Option<CString>, Errno> {
        let mut text = Vec::new();
        let mut at = at;
        while text.len() < most {
            // Not beyond the page, as the string may end before the memory does.
            let mut chunk = [0; 256];
            let left = PAGE - u64::from(at) % PAGE;
            let chunk = &mut chunk[..left.min(256) as usize];
            self.read(at, chunk)?;
            if let Some(end) = chunk.iter().position(|&byte| byte == 0) {
                text.extend_from_slice(&chunk[..end]);
                return Ok((text.len() < most)
                    .then(|| CString::new(text).ok())
                    .flatten());
            }
            text.extend_from_slice(chunk);
            at = at
                .checked_add(chunk.len() as u32)
                .ok_or(Errno(flags::errno::EFAULT))?;
        }
        Ok(None)
    }

    /// Copies a structure of the guest's out.
    ///
    /// # Errors
    /// As for [`GuestMemory::read`].
    #[inline]
    pub fn read_plain<T: Plain>(self, at: u32) -> Result<T, Errno> {
        let mut value = T::zeroed();
        let from = self.place(at, size_of::<T>())?;
        // SAFETY: the source is inside the reservation, the target is a local that
        // accepts any bytes.
        unsafe { access::copy(core::ptr::from_mut(&mut value).cast(), from, size_of::<T>()) }
            .map_err(|_| Errno(flags::errno::EFAULT))?;
        Ok(value)
    }

    /// Copies structures of the guest's that stand in a row.
    ///
    /// # Errors
    /// As for [`GuestMemory::read`].
    #[inline]
    pub fn read_plains<T: Plain>(self, at: u32, into: &mut [T]) -> Result<(), Errno> {
        let size = size_of_val(into);
        let from = self.place(at, size)?;
        // SAFETY: the source is inside the reservation, the target is the caller's and accepts
        // any bytes.
        unsafe { access::copy(into.as_mut_ptr().cast(), from, size) }
            .map_err(|_| Errno(flags::errno::EFAULT))
    }

    /// Copies structures into the guest, in a row.
    ///
    /// # Errors
    /// As for [`GuestMemory::read`].
    #[inline]
    pub fn write_plains<T: Plain>(self, at: u32, values: &[T]) -> Result<(), Errno> {
        let size = size_of_val(values);
        let to = self.place(at, size)?;
        // SAFETY: the target is inside the reservation, and `Plain` values have no byte that is
        // not initialised.
        unsafe { access::copy(to, values.as_ptr().cast(), size) }
            .map_err(|_| Errno(flags::errno::EFAULT))
    }

    /// Copies a structure into the guest.
    ///
    /// # Errors
    /// As for [`GuestMemory::read`].
    #[inline]
    pub fn write_plain<T: Plain>(self, at: u32, value: &T) -> Result<(), Errno> {
        let to = self.place(at, size_of::<T>())?;
        // SAFETY: the target is inside the reservation, and a `Plain` value has no byte
        // that is not initialised.
        unsafe { access::copy(to, core::ptr::from_ref(value).cast(), size_of::<T>()) }
            .map_err(|_| Errno(flags::errno::EFAULT))
    }

    /// Replaces an aligned word of the guest's, if it is `expected`; the word as it was.
    ///
    /// # Errors
    /// `EFAULT` if it is not accessible, or not aligned.
    pub fn compare_exchange(self, at: u32, expected: u32, new: u32) -> Result<u32, Errno> {
        /// The slots hold what is expected and what is new, and get what was there.
        unsafe extern "C" fn exchange(
            landing: *mut Landing,
            ip: *const u64,
            sp: *mut u64,
            mem: *mut u8,
        ) -> usize {
            let pins = Pins {
                landing,
                ip,
                sp,
                acc: Acc::NONE,
            };
            // SAFETY: the caller passes live slots and an aligned address in the reservation.
            unsafe {
                let (expected, new) = (*sp as u32, *sp.add(1) as u32);
                let was = fault::region(pins, || {
                    let word = AtomicU32::from_ptr(mem.cast());
                    match word.compare_exchange(expected, new, SeqCst, SeqCst) {
                        Ok(was) | Err(was) => was,
                    }
                });
                *sp = was.into();
            }
            0
        }
        let word = self.place(at, size_of::<u32>())?;
        if !at.is_multiple_of(size_of::<u32>() as u32) {
            return Err(Errno(flags::errno::EFAULT));
        }
        let mut landing = Landing::new();
        let mut slots = [u64::from(expected), u64::from(new)];
        let ip = std::ptr::null();
        // SAFETY: `exchange` has nothing to drop, and all pointers are to live locals.
        match unsafe { access::enter(&mut landing, ip, slots.as_mut_ptr(), word, exchange) } {
            FAULTED => Err(Errno(flags::errno::EFAULT)),
            _ => Ok(slots[0] as u32),
        }
    }

    fn place(self, at: u32, len: usize) -> Result<*mut u8, Errno> {
        if (at == 0 && len > 0) || len as u64 > GuestMemory::MOST {
            return Err(Errno(flags::errno::EFAULT));
        }
        Ok(self.base.wrapping_add(at as usize))
    }
}

/// A descriptor of the guest's for the kernel. One of the runtime's own is none to the guest:
/// the kernel gets one that cannot be open, and says so when it comes to it.
#[inline]
pub fn descriptor(fd: i32) -> usize {
    match reserved::holds(fd) {
        true => -1i32 as usize,
        false => fd as usize,
    }
}

/// What the kernel says of a descriptor that is not open: for calls that are refused after
/// the kernel would have looked at it.
pub fn closed(fd: i32) -> Option<Errno> {
    let number = number::fcntl?;
    let command = flags::fcntl_command::F_GETFD as usize;
    // SAFETY: the arguments are numbers.
    let result = unsafe { syscall::syscall2(number, descriptor(fd), command) };
    (result < 0).then_some(Errno(-result as i32))
}

/// A Wasm value type that WALI's imports use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValType {
    /// 32 bits.
    I32,
    /// 64 bits.
    I64,
}

/// How a call is answered on this ISA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Straight to the kernel with translated addresses.
    Direct,
    /// To the kernel with structures or flags converted.
    Convert,
    /// By another call of the kernel.
    Fallback,
    /// With `ENOSYS`, as natively, since this ISA's kernel lacks it.
    Absent,
    /// By the runtime.
    Runtime,
    /// With an error, for a stated reason.
    Refused,
}

impl Answer {
    /// The word used in listings.
    pub fn word(self) -> &'static str {
        match self {
            Answer::Direct => "direct",
            Answer::Convert => "convert",
            Answer::Fallback => "fallback",
            Answer::Absent => "absent",
            Answer::Runtime => "runtime",
            Answer::Refused => "refused",
        }
    }
}

/// Most arguments a binding takes.
pub const MAX_ARGS: usize = 6;

/// A host function for an import of module `wali`.
#[derive(Debug)]
pub struct Binding<C> {
    /// The import's name.
    pub import: &'static str,
    /// Its parameters as the specification has them; a module may declare others.
    pub params: &'static [ValType],
    /// Its result.
    pub result: Option<ValType>,
    /// What the call is.
    pub meta: &'static meta::Call,
    /// How the system call is answered here; none for an import that is not one.
    pub answer: Option<Answer>,
    /// The function: arguments as 64-bit words, of which 32-bit ones count the low half.
    pub call: fn(&mut C, &[u64; MAX_ARGS]) -> Result<u64, Unwind>,
}
