//! The calls of [`crate::hostile`]'s modules, made natively: in a process whose memory is laid
//! out as a guest's is, with the addresses, numbers and structs that the host has.
//!
//! The calls are written down as a list of steps, which needs no specification to be followed.

use std::ffi::CString;
use std::fs;
use std::io::{self, Write};
use std::os::fd::IntoRawFd;
use std::path::Path;

use wali_codegen::model::{ArgType, FieldType, Int, Pointee, Spec};

use crate::hostile::{self, AREAS, CANARY, END, FILE, PATH, Side, Store, Variant, Vector};

/// Address space of a guest, and as much behind it as a length may reach.
const RESERVED: usize = 3 << 32;

/// A word of a step: a number, or the host address of a guest address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Number(u64),
    Address(u32),
}

/// What the process does.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// Fills with zeros.
    Clear { at: u32, len: u64 },
    /// Puts the file's path there.
    Name { at: u32 },
    /// Stores the low `size` bytes of a word.
    Store { at: u32, size: u64, word: Word },
    /// Makes a call, and keeps its result.
    Call { number: u64, args: [Word; 6] },
}

/// The steps for these calls on the host of this index, or none if it has no such call.
pub fn script(spec: &Spec, variant: &Variant, vectors: &[Vector], isa: usize) -> Option<Vec<u64>> {
    let call = &variant.call;
    let number = u64::from(call.numbers.0[isa]?);
    let mut steps = Vec::new();
    for vector in vectors {
        for (i, arg) in call.args.iter().enumerate() {
            let ArgType::Pointer { to, .. } = &arg.ty else {
                continue;
            };
            let at = hostile::area(i);
            steps.push(match to {
                Pointee::String { .. } => Step::Name { at },
                _ => Step::Clear {
                    at,
                    len: hostile::extent(spec, call, to, Side::Host(isa)),
                },
            });
        }
        for store in &vector.stores {
            steps.push(stored(spec, store, isa)?);
        }
        let mut args = [Word::Number(0); 6];
        for (i, (arg, &value)) in call.args.iter().zip(&vector.args).enumerate() {
            args[i] = match &arg.ty {
                ArgType::Pointer { .. } => Word::Address(value as u32),
                ArgType::Value { scalar, .. } => {
                    Word::Number(widened(spec.scalars[scalar].widening(), value as u64))
                }
                ArgType::Unused { .. } => Word::Number(0),
            };
        }
        for (at, constant) in &variant.fixed {
            args[*at] = Word::Number(constant.host.0[isa]? as u64);
        }
        steps.push(Step::Call { number, args });
    }
    Some(steps.iter().flat_map(encode).collect())
}

fn stored(spec: &Spec, store: &Store, isa: usize) -> Option<Step> {
    let place = store.field.host.0[isa]?;
    Some(Step::Store {
        at: store.at + place.offset as u32,
        size: place.size,
        word: match &store.field.ty {
            FieldType::Scalar(scalar) => {
                let widening = spec.scalars[scalar].widening();
                Word::Number(widened(widening, u64::from(store.value)))
            }
            _ => Word::Address(store.value),
        },
    })
}

/// A guest's number as the host's kernel gets it.
fn widened(int: Int, value: u64) -> u64 {
    let unused = 64 - u32::from(int.bits);
    match int.signed {
        true => ((value << unused) as i64 >> unused) as u64,
        false => value << unused >> unused,
    }
}

fn encode(step: &Step) -> Vec<u64> {
    let word = |word: Word| match word {
        Word::Number(value) => [0, value],
        Word::Address(at) => [1, u64::from(at)],
    };
    let mut words = Vec::new();
    match *step {
        Step::Clear { at, len } => words.extend([0, u64::from(at), len]),
        Step::Name { at } => words.extend([1, u64::from(at)]),
        Step::Store { at, size, word: w } => {
            words.extend([2, u64::from(at), size]);
            words.extend(word(w));
        }
        Step::Call { number, args } => {
            words.extend([3, number]);
            words.extend(args.into_iter().flat_map(word));
        }
    }
    words
}

fn decode(words: &[u64]) -> Option<Vec<Step>> {
    let mut words = words.iter().copied();
    let mut steps = Vec::new();
    while let Some(kind) = words.next() {
        let mut next = || words.next();
        let word = |next: &mut dyn FnMut() -> Option<u64>| match next()? {
            0 => next().map(Word::Number),
            _ => next().map(|at| Word::Address(at as u32)),
        };
        steps.push(match kind {
            0 => Step::Clear {
                at: next()? as u32,
                len: next()?,
            },
            1 => Step::Name { at: next()? as u32 },
            2 => Step::Store {
                at: next()? as u32,
                size: next()?,
                word: word(&mut next)?,
            },
            _ => {
                let number = next()?;
                let mut args = [Word::Number(0); 6];
                for arg in &mut args {
                    *arg = word(&mut next)?;
                }
                Step::Call { number, args }
            }
        });
    }
    Some(steps)
}

/// Follows the steps in a file, in a process that is there for nothing else, and writes the
/// results to standard output.
///
/// # Errors
/// If the memory or the file cannot be set up.
pub fn perform(script: &Path) -> io::Result<()> {
    let bytes = fs::read(script)?;
    let words: Vec<u64> = bytes
        .chunks_exact(8)
        .map(|c| u64::from_le_bytes(c.try_into().expect("eight bytes")))
        .collect();
    let steps = decode(&words).ok_or(io::ErrorKind::InvalidData)?;
    let memory = Memory::new()?;
    let file = fs::File::options().read(true).write(true).open(FILE)?;
    let number = file.into_raw_fd();
    if number != 3 {
        return Err(io::Error::other("the file did not become descriptor 3"));
    }
    let mut results = Vec::with_capacity(8 * steps.len());
    for step in steps {
        match step {
            Step::Clear { at, len } => memory.put(at, &vec![0; len as usize]),
            Step::Name { at } => memory.name(at),
            Step::Store { at, size, word } => {
                memory.put(at, &memory.word(word).to_le_bytes()[..size as usize]);
            }
            Step::Call { number, args } => {
                results.extend(memory.call(number, args).to_le_bytes());
            }
        }
    }
    io::stdout().write_all(&results)
}

/// Memory as a module's is, with the same things in it.
struct Memory {
    base: *mut u8,
}

impl Memory {
    fn new() -> io::Result<Memory> {
        // SAFETY: a new mapping where the kernel likes, of which a part becomes accessible.
        let base = unsafe {
            let base = libc::mmap(
                std::ptr::null_mut(),
                RESERVED,
                libc::PROT_NONE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            );
            let access = libc::PROT_READ | libc::PROT_WRITE;
            if base == libc::MAP_FAILED || libc::mprotect(base, END as usize, access) != 0 {
                return Err(io::Error::last_os_error());
            }
            base.cast()
        };
        let memory = Memory { base };
        memory.put(AREAS, &vec![CANARY; (END - AREAS) as usize]);
        memory.name(PATH);
        Ok(memory)
    }

    fn name(&self, at: u32) {
        let name = CString::new(FILE).expect("a name without zeros");
        self.put(at, name.as_bytes_with_nul());
    }

    fn put(&self, at: u32, bytes: &[u8]) {
        assert!(at as usize + bytes.len() <= END as usize, "inside memory");
        // SAFETY: the target is accessible, as was just checked, and no Rust object.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.base.add(at as usize), bytes.len());
        }
    }

    fn word(&self, word: Word) -> u64 {
        match word {
            Word::Number(value) => value,
            Word::Address(0) => 0,
            Word::Address(at) => self.base as u64 + u64::from(at),
        }
    }

    fn call(&self, number: u64, args: [Word; 6]) -> i64 {
        let [a, b, c, d, e, f] = args.map(|word| self.word(word));
        // SAFETY: what the kernel is given to write to is in this memory, of which nothing else
        // in this process makes use; calls that would take more away are left out by the test.
        let result = unsafe { libc::syscall(number as libc::c_long, a, b, c, d, e, f) };
        match result {
            -1 => -i64::from(io::Error::last_os_error().raw_os_error().unwrap_or(0)),
            result => result,
        }
    }
}
