//! Copies and fills of memory that may be inaccessible, out of an ISA's accesses. Where a block
//! meets a fault, its bytes are gone through one by one, so that all before the inaccessible one
//! are done.

use crate::access::Fault;
use crate::isa;

const WORD: usize = size_of::<u64>();

/// What some ISAs have instructions for.
#[cfg_attr(not(wali_isa), allow(dead_code))]
pub(crate) struct Long {
    /// From so many bytes on, they win over loops.
    pub(crate) from: usize,
    /// Copies from lower to higher addresses, and returns how many bytes are left at a fault.
    pub(crate) copy: unsafe fn(*mut u8, *const u8, usize) -> usize,
    /// Fills, in the same way.
    pub(crate) fill: unsafe fn(*mut u8, u8, usize) -> usize,
}

/// Divides the sizes of all pages.
const GRANULE: usize = 4096;

/// Whether a fault may find some of a range's bytes done: those on its first page.
fn on_two_pages(start: *mut u8, size: usize) -> bool {
    start as usize % GRANULE > GRANULE - size
}

/// Whether more than bytes are worth the try at these addresses.
fn by_words(dst: *mut u8, src: *const u8) -> bool {
    !isa::ALIGNED || (dst as usize | src as usize).is_multiple_of(WORD)
}

/// What is to be copied, from its end if `DOWN`.
struct Copy<const DOWN: bool> {
    dst: *mut u8,
    src: *const u8,
    len: usize,
}

impl<const DOWN: bool> Copy<DOWN> {
    /// Where the next `size` bytes are.
    #[inline(always)]
    fn next(&self, done: usize, size: usize) -> (*mut u8, *const u8) {
        let at = if DOWN { self.len - done - size } else { done };
        (self.dst.wrapping_add(at), self.src.wrapping_add(at))
    }

    /// Whether the next bytes must not be moved at once, since some may be stored before a fault,
    /// and have then overwritten others that are to be copied.
    #[inline(always)]
    fn delicate(&self, done: usize, size: usize) -> bool {
        (self.dst as usize).abs_diff(self.src as usize) < size
            && on_two_pages(self.next(done, size).0, size)
    }

    /// Copies what is not done.
    ///
    /// # Errors
    /// An inaccessible address.
    ///
    /// # Safety
    /// As for [`copy`] or [`copy_backward`].
    #[inline(always)]
    unsafe fn rest(&self, mut done: usize) -> Result<(), Fault> {
        // SAFETY: the caller's contract is the callees', for all parts of the ranges. What a part
        // stores is no source of a later part.
        unsafe {
            if by_words(self.dst, self.src) {
                while self.len - done >= isa::BLOCK {
                    let (to, from) = self.next(done, isa::BLOCK);
                    if self.delicate(done, isa::BLOCK) || isa::move_block(to, from) != 0 {
                        self.carefully(done, done + isa::BLOCK)?;
                    }
                    done += isa::BLOCK;
                }
            }
            let left = self.len - done;
            let (to, from) = self.next(done, left);
            if copy_short(to, from, left) {
                return Ok(());
            }
            self.carefully(done, self.len)
        }
    }

    /// Copies by words and bytes.
    ///
    /// # Errors
    /// An inaccessible address.
    ///
    /// # Safety
    /// As for [`Self::rest`].
    #[cold]
    #[inline(never)]
    unsafe fn carefully(&self, mut done: usize, until: usize) -> Result<(), Fault> {
        while done < until {
            if until - done >= WORD {
                let (to, from) = self.next(done, WORD);
                // SAFETY: the caller's contract is the callee's.
                let word = || unsafe { move_word(to, from) } == 0;
                if by_words(to, from) && !self.delicate(done, WORD) && word() {
                    done += WORD;
                    continue;
                }
            }
            let (to, from) = self.next(done, 1);
            // SAFETY: as above.
            match unsafe { move_byte(to, from) } {
                0 => done += 1,
                address => return Err(Fault { address, done }),
            }
        }
        Ok(())
    }
}

macro_rules! moves {
    ($($name:ident $load:ident $store:ident;)*) => { $(
        /// Moves what one access can; the faulting address, or 0.
        ///
        /// # Safety
        /// As for [`copy`].
        #[inline(always)]
        unsafe fn $name(dst: *mut u8, src: *const u8) -> usize {
            // SAFETY: the caller's contract is the callee's.
            unsafe {
                match isa::$load(src) {
                    (value, 0) => isa::$store(dst, value),
                    (_, fault) => fault,
                }
            }
        }
    )* };
}

moves! {
    move_byte try_load8 try_store8;
    move_word try_load64 try_store64;
}

/// Loads from all offsets, then stores what was loaded in ascending order; whether there was no
/// fault.
macro_rules! all {
    ($load:ident $store:ident $dst:ident $src:ident [$($value:ident $at:expr),*]) => {{
        $(let ($value, fault) = isa::$load($src.wrapping_add($at));
        if fault != 0 {
            return false;
        })*
        $(if isa::$store($dst.wrapping_add($at), $value) != 0 {
            return false;
        })*
        true
    }};
}

/// Copies up to a block of bytes, of ranges that may overlap, by accesses that may; whether it
/// did. If not, nothing is done.
///
/// # Safety
/// As for [`copy`], but for the overlap.
#[inline(always)]
unsafe fn copy_short(dst: *mut u8, src: *const u8, len: usize) -> bool {
    if isa::ALIGNED || len > 64 || on_two_pages(dst, len) {
        return false;
    }
    // SAFETY: the caller's contract is the callees', for all offsets below `len`.
    unsafe {
        match len {
            0 => true,
            1..4 => all!(try_load8 try_store8 dst src [a 0, b len / 2, c len - 1]),
            4..8 => all!(try_load32 try_store32 dst src [a 0, b len - 4]),
            8..17 => all!(try_load64 try_store64 dst src [a 0, b len - 8]),
            17..33 => {
                all!(try_load64 try_store64 dst src [a 0, b 8, c len - 16, d len - 8])
            }
            _ => all!(try_load64 try_store64 dst src [
                a 0, b 8, c 16, d 24, e len - 32, f len - 24, g len - 16, h len - 8
            ]),
        }
    }
}

/// Copies `len` bytes from lower to higher addresses. Bytes before a fault are done, and what is not
/// done can be copied later, even if the ranges overlap.
///
/// # Errors
/// An inaccessible address.
///
/// # Safety
/// Each range lies inside a guest memory reservation or is valid host memory of the
/// caller's; where they overlap, `dst` is not above `src`.
#[inline]
pub unsafe fn copy(dst: *mut u8, src: *const u8, len: usize) -> Result<(), Fault> {
    let done = match isa::LONG {
        // SAFETY: the caller's contract is the callee's.
        Some(long) if len >= long.from => len - unsafe { (long.copy)(dst, src, len) },
        _ => 0,
    };
    // SAFETY: as above.
    unsafe { Copy::<false> { dst, src, len }.rest(done) }
}

/// Copies `len` bytes from higher to lower addresses, for overlaps with `dst` above `src`.
/// Bytes before a fault, which are those above it, are done, and what is not done can be copied later.
///
/// # Errors
/// An inaccessible address.
///
/// # Safety
/// Each range lies inside a guest memory reservation or is valid host memory of the caller's.
#[inline]
pub unsafe fn copy_backward(dst: *mut u8, src: *const u8, len: usize) -> Result<(), Fault> {
    // SAFETY: the caller's contract is the callee's.
    unsafe { Copy::<true> { dst, src, len }.rest(0) }
}

/// Stores a word at all offsets, in ascending order; whether there was no fault.
macro_rules! fill_all {
    ($store:ident $dst:expr, $value:expr, [$($at:expr),*]) => {
        $(isa::$store($dst.wrapping_add($at), $value) == 0)&&*
    };
}

/// Fills `len` bytes. Bytes before a fault are done.
///
/// # Errors
/// The first address found inaccessible.
///
/// # Safety
/// The range lies inside a guest memory reservation or is valid host memory of the caller's.
#[inline]
pub unsafe fn fill(dst: *mut u8, value: u8, len: usize) -> Result<(), Fault> {
    let word = u64::from_ne_bytes([value; WORD]);
    let mut done = match isa::LONG {
        // SAFETY: the caller's contract is the callee's.
        Some(long) if len >= long.from => len - unsafe { (long.fill)(dst, value, len) },
        _ => 0,
    };
    // SAFETY: the caller's contract is the callees', for all parts of the range.
    unsafe {
        if by_words(dst, dst) {
            while len - done >= 8 * WORD
                && fill_all!(try_store64 dst.wrapping_add(done), word, [0, 8, 16, 24, 32, 40, 48, 56])
            {
                done += 8 * WORD;
            }
        }
        let (rest, left) = (dst.wrapping_add(done), len - done);
        let filled = !isa::ALIGNED
            && match left {
                0 => true,
                1..4 => fill_all!(try_store8 rest, value, [0, left / 2, left - 1]),
                4..8 => fill_all!(try_store32 rest, word as u32, [0, left - 4]),
                8..17 => fill_all!(try_store64 rest, word, [0, left - 8]),
                17..33 => fill_all!(try_store64 rest, word, [0, 8, left - 16, left - 8]),
                33..64 => fill_all!(try_store64 rest, word, [
                    0, 8, 16, 24, left - 32, left - 24, left - 16, left - 8
                ]),
                _ => false,
            };
        if filled {
            return Ok(());
        }
        while by_words(rest, rest)
            && len - done >= WORD
            && isa::try_store64(dst.wrapping_add(done), word) == 0
        {
            done += WORD;
        }
        while done < len {
            match isa::try_store8(dst.wrapping_add(done), value) {
                0 => done += 1,
                address => return Err(Fault { address, done }),
            }
        }
    }
    Ok(())
}

#[cfg(all(test, wali_isa))]
mod tests {
    use super::*;
    use crate::fault::{MachineContext, landing_for};
    use core::ffi::{c_int, c_void};

    /// What an engine's handler does.
    extern "C" fn land(_: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
        // SAFETY: the kernel passes a live siginfo and ucontext.
        let (address, mut machine) =
            unsafe { ((*info).si_addr() as usize, MachineContext::new(context)) };
        let landing = landing_for(machine.pc()).expect("a recorded access");
        machine.set_fault(address);
        machine.set_pc(landing);
    }

    /// A page that is accessible, in between two that are not.
    fn island() -> (*mut u8, usize) {
        let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) = land;
        // SAFETY: a valid action with a handler that is async-signal-safe, and fresh mappings.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handler as usize;
            action.sa_flags = libc::SA_SIGINFO;
            for signal in [libc::SIGSEGV, libc::SIGBUS] {
                assert_eq!(libc::sigaction(signal, &action, std::ptr::null_mut()), 0);
            }
            let page = libc::sysconf(libc::_SC_PAGESIZE) as usize;
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let none = libc::PROT_NONE;
            let start = libc::mmap(std::ptr::null_mut(), 3 * page, none, flags, -1, 0);
            assert_ne!(start, libc::MAP_FAILED);
            let middle = start.cast::<u8>().add(page);
            let both = libc::PROT_READ | libc::PROT_WRITE;
            assert_eq!(libc::mprotect(middle.cast(), page, both), 0);
            (middle, page)
        }
    }

    /// The bytes of the page.
    fn bytes(page: *mut u8, size: usize) -> Vec<u8> {
        // SAFETY: the page is this test's alone.
        unsafe { std::slice::from_raw_parts(page, size) }.to_vec()
    }

    fn pattern(size: usize) -> Vec<u8> {
        (0..size).map(|i| (i % 251) as u8).collect()
    }

    #[test]
    fn what_lies_before_an_inaccessible_byte_is_done_and_nothing_else() {
        let (page, size) = island();
        let end = page.wrapping_add(size);
        let source = pattern(2 * size);
        for fits in (0..80).chain(250..300) {
            let len = fits + 1 + fits % 40;
            let fault = |address: *mut u8| {
                Err(Fault {
                    address: address as usize,
                    done: fits,
                })
            };
            // SAFETY: each range is a live vector's, or the page's and what is beyond it.
            unsafe {
                let clear = || page.write_bytes(0xee, size);
                clear();
                let mut expected = vec![0xee; size];
                expected[size - fits..].copy_from_slice(&source[..fits]);
                let got = copy(end.wrapping_sub(fits), source.as_ptr(), len);
                assert_eq!((got, bytes(page, size)), (fault(end), expected), "{len} up");

                clear();
                let mut expected = vec![0xee; size];
                expected[..fits].copy_from_slice(&source[len - fits..len]);
                let got = copy_backward(page.wrapping_sub(len - fits), source.as_ptr(), len);
                let before = page.wrapping_sub(1);
                assert_eq!(
                    (got, bytes(page, size)),
                    (fault(before), expected),
                    "{len} down"
                );

                clear();
                let mut expected = vec![0xee; size];
                expected[size - fits..].fill(0xa5);
                let got = fill(end.wrapping_sub(fits), 0xa5, len);
                assert_eq!(
                    (got, bytes(page, size)),
                    (fault(end), expected),
                    "{len} fill"
                );

                let mut to = vec![0xee; len];
                page.copy_from_nonoverlapping(source.as_ptr(), size);
                let got = copy(to.as_mut_ptr(), end.wrapping_sub(fits), len);
                let mut expected = source[size - fits..size].to_vec();
                expected.resize(len, 0xee);
                assert_eq!((got, &to), (fault(end), &expected), "{len} from");

                let mut to = vec![0xee; len];
                let got = copy_backward(to.as_mut_ptr(), page.wrapping_sub(len - fits), len);
                let mut expected = vec![0xee; len];
                expected[len - fits..].copy_from_slice(&source[..fits]);
                assert_eq!((got, &to), (fault(before), &expected), "{len} from, down");
            }
        }
    }

    #[test]
    fn nothing_is_done_behind_an_inaccessible_page() {
        let (page, size) = island();
        let (first, last) = (page.wrapping_sub(size), page.wrapping_add(size));
        let both = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: the three pages are this test's alone.
        unsafe {
            assert_eq!(libc::mprotect(first.cast(), size, both), 0);
            assert_eq!(libc::mprotect(page.cast(), size, libc::PROT_NONE), 0);
            assert_eq!(libc::mprotect(last.cast(), size, both), 0);
        }
        let source = pattern(3 * size);
        for before in [0, 1, 7, 8, 9, 31, 300] {
            for behind in [1, 7, 8, 9, 31, 300] {
                let len = before + size + behind;
                let (dst, mut to) = (page.wrapping_sub(before), vec![0; len]);
                let up = Err(Fault {
                    address: page as usize,
                    done: before,
                });
                let down = Err(Fault {
                    address: last as usize - 1,
                    done: behind,
                });
                // SAFETY: each range is a live vector's, or of the three pages.
                unsafe {
                    last.write_bytes(0xee, size);
                    assert_eq!(copy(dst, source.as_ptr(), len), up, "{before} {behind}");
                    assert_eq!(fill(dst, 0xa5, len), up, "{before} {behind}");
                    assert_eq!(bytes(last, size), vec![0xee; size], "{before} {behind}");
                    assert_eq!(copy(to.as_mut_ptr(), dst, len), up, "{before} {behind}");
                    first.write_bytes(0xee, size);
                    let got = copy_backward(dst, source.as_ptr(), len);
                    assert_eq!(got, down, "{before} {behind}");
                    assert_eq!(bytes(first, size), vec![0xee; size], "{before} {behind}");
                    let got = copy_backward(to.as_mut_ptr(), dst, len);
                    assert_eq!(got, down, "{before} {behind}");
                }
            }
        }
    }

    /// What is done of ranges that overlap is right, and the rest can follow when it is accessible.
    #[test]
    fn a_copy_goes_on_where_it_stopped() {
        let (page, size) = island();
        let end = page.wrapping_add(size);
        let protect = |protection| {
            // SAFETY: the page and the one behind it are this test's alone.
            assert_eq!(unsafe { libc::mprotect(end.cast(), size, protection) }, 0);
        };
        let both = libc::PROT_READ | libc::PROT_WRITE;
        let before = pattern(2 * size);
        for fits in 1..64 {
            for shift in 1..32 {
                let len = fits + 32;
                // Up to the second page with its start, and down from it with its end.
                let (up, down) = (size - fits, size + 32 - len);
                for (to, from, backward) in [(up, up + shift, false), (down, down - shift, true)] {
                    let mut expected = before.clone();
                    expected.copy_within(from..from + len, to);
                    protect(both);
                    let (dst, src) = (page.wrapping_add(to), page.wrapping_add(from));
                    // SAFETY: the ranges lie in the two pages.
                    unsafe {
                        page.copy_from_nonoverlapping(before.as_ptr(), 2 * size);
                        protect(libc::PROT_READ);
                        let one = if backward { copy_backward } else { copy };
                        let fault = one(dst, src, len).unwrap_err();
                        protect(both);
                        let (done, rest) = (fault.done, len - fault.done);
                        if backward {
                            assert_eq!((fault.address, done), (end as usize + 31, 0));
                            assert_eq!(copy_backward(dst, src, rest), Ok(()));
                        } else {
                            assert_eq!((fault.address, done), (end as usize, fits));
                            let (dst, src) = (dst.wrapping_add(done), src.wrapping_add(done));
                            assert_eq!(copy(dst, src, rest), Ok(()));
                        }
                    }
                    assert_eq!(bytes(page, 2 * size), expected, "{fits} {shift} {backward}");
                }
                // Down into the first page.
                let (to, from) = (size - fits, size - fits - shift);
                let mut expected = before.clone();
                expected.copy_within(from..from + len, to);
                // SAFETY: the ranges lie in the two pages.
                unsafe {
                    page.copy_from_nonoverlapping(before.as_ptr(), 2 * size);
                    assert_eq!(libc::mprotect(page.cast(), size, libc::PROT_READ), 0);
                    let (dst, src) = (page.wrapping_add(to), page.wrapping_add(from));
                    let fault = copy_backward(dst, src, len).unwrap_err();
                    assert_eq!(libc::mprotect(page.cast(), size, both), 0);
                    assert_eq!((fault.address, fault.done), (end as usize - 1, 32));
                    assert_eq!(copy_backward(dst, src, fits), Ok(()));
                }
                assert_eq!(bytes(page, 2 * size), expected, "{fits} {shift}, down");
            }
        }
    }
}
