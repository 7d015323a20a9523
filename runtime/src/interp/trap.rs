//! Traps: why a guest stopped, and where.

use std::any::Any;
use std::fmt;

use super::exception::Exception;
use super::types::FuncType;

/// Why guest code stopped.
#[derive(Debug)]
#[non_exhaustive]
pub enum TrapKind {
    /// An `unreachable` instruction.
    Unreachable,
    /// An access outside the memory.
    MemoryOutOfBounds {
        /// The guest address, where known.
        address: u64,
    },
    /// An access inside the memory to a page that is not mapped, or not for this access.
    MemoryProtected {
        /// The guest address.
        address: u64,
    },
    /// An access to a page of a mapped file that lies beyond the file's end.
    MemoryBeyondFile {
        /// The guest address.
        address: u64,
    },
    /// An atomic access to a misaligned address.
    UnalignedAtomic {
        /// The guest address.
        address: u64,
    },
    /// `memory.atomic.wait` on a memory that is not shared.
    ExpectedSharedMemory,
    /// Integer division or remainder by zero.
    DivideByZero,
    /// Integer overflow in a division or conversion.
    IntegerOverflow,
    /// Conversion of a NaN to an integer.
    InvalidConversion,
    /// A table access outside the table.
    TableOutOfBounds,
    /// An indirect call through an index outside the table.
    UndefinedElement {
        /// The index.
        index: u32,
    },
    /// An indirect call through a null element.
    UninitializedElement {
        /// The index.
        index: u32,
    },
    /// An indirect call to a function of another type.
    IndirectCallTypeMismatch {
        /// The type that the call instruction names.
        expected: FuncType,
        /// The type of the function in the table.
        found: FuncType,
        /// The index.
        index: u32,
        /// The function's name, if it has one.
        name: Option<String>,
    },
    /// The guest stack is exhausted.
    StackOverflow,
    /// Guest code goes back to a place that was marked: see [`Caller::jump`]. Whoever called
    /// it passes this on.
    ///
    /// [`Caller::jump`]: super::Caller::jump
    Jump {
        /// The mark.
        id: u64,
        /// What the marking call yields.
        value: u64,
    },
    /// A jump to a place that is not there, or too many of them.
    BadJump(&'static str),
    /// An exception of the guest's that nothing has caught yet. Guest code further out may, so
    /// whoever called guest code passes this on.
    Exception(Exception),
    /// A null reference to an exception was thrown.
    NullException,
    /// The embedder asked the guest to stop.
    Interrupted,
    /// An error of a host function or of the embedder's use of the interpreter.
    Message(String),
    /// What a host function ended the run with.
    Host(Box<dyn Any + Send>),
}

impl fmt::Display for TrapKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrapKind::Unreachable => f.write_str("unreachable instruction executed"),
            TrapKind::MemoryOutOfBounds { address } => {
                write!(f, "out of bounds memory access at address {address:#x}")
            }
            TrapKind::MemoryProtected { address } => {
                write!(
                    f,
                    "access to an unmapped or protected page at address {address:#x}"
                )
            }
            TrapKind::MemoryBeyondFile { address } => {
                write!(
                    f,
                    "access beyond the end of a mapped file at address {address:#x}"
                )
            }
            TrapKind::UnalignedAtomic { address } => {
                write!(f, "unaligned atomic access at address {address:#x}")
            }
            TrapKind::ExpectedSharedMemory => {
                f.write_str("expected shared memory: waiting needs one that others can notify on")
            }
            TrapKind::DivideByZero => f.write_str("integer divide by zero"),
            TrapKind::IntegerOverflow => f.write_str("integer overflow"),
            TrapKind::InvalidConversion => f.write_str("invalid conversion to integer"),
            TrapKind::TableOutOfBounds => f.write_str("out of bounds table access"),
            TrapKind::UndefinedElement { index } => {
                write!(
                    f,
                    "undefined element: call through index {index}, outside the table"
                )
            }
            TrapKind::UninitializedElement { index } => {
                write!(
                    f,
                    "uninitialized element {index}: call through a null reference"
                )
            }
            TrapKind::IndirectCallTypeMismatch {
                expected,
                found,
                index,
                name,
            } => {
                f.write_str("indirect call type mismatch: ")?;
                match name {
                    Some(name) => write!(f, "{}", Escaped(name))?,
                    None => f.write_str("a function")?,
                }
                write!(
                    f,
                    " (table index {index}) is {found}, but was called as {expected}"
                )
            }
            TrapKind::StackOverflow => f.write_str("call stack exhausted"),
            TrapKind::Jump { .. } => f.write_str("jump to a marked place"),
            TrapKind::BadJump(why) => f.write_str(why),
            TrapKind::Exception(exception) => write!(f, "uncaught {exception}"),
            TrapKind::NullException => f.write_str("null exception reference"),
            TrapKind::Interrupted => f.write_str("interrupted"),
            TrapKind::Message(text) => f.write_str(text),
            TrapKind::Host(_) => f.write_str("ended by the host"),
        }
    }
}

/// A name from a module, printed without what would act on a terminal or a log. Quotes, which
/// names of Rust functions have, stay what they are.
pub(crate) struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self.0.split_inclusive(['\'', '"']) {
            let text = part.trim_end_matches(['\'', '"']);
            write!(f, "{}", text.escape_debug())?;
            f.write_str(&part[text.len()..])?;
        }
        Ok(())
    }
}

/// One function of a guest backtrace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Index of the function in its module.
    pub func: u32,
    /// Its name, from the name section.
    pub name: Option<String>,
    /// Byte offset of the instruction in the module.
    pub offset: u32,
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(
                f,
                "{} (function {}, offset {:#x})",
                Escaped(name),
                self.func,
                self.offset
            ),
            None => write!(f, "function {} (offset {:#x})", self.func, self.offset),
        }
    }
}

/// Most frames a backtrace keeps from each end.
pub(crate) const FRAMES_KEPT: usize = 32;

/// Why and where guest code stopped. One word, so that results holding it stay small.
pub struct Trap(Box<Inner>);

struct Inner {
    kind: TrapKind,
    frames: Vec<Frame>,
    omitted: usize,
    /// Whether it has been offered to the embedder to go on after it.
    offered: bool,
}

impl Trap {
    /// A trap of this kind; its frames are added as it leaves guest code.
    #[cold]
    pub fn new(kind: TrapKind) -> Trap {
        Trap(Box::new(Inner {
            kind,
            frames: Vec::new(),
            omitted: 0,
            offered: false,
        }))
    }

    /// A trap that says `text`.
    pub fn message(text: impl Into<String>) -> Trap {
        Trap::new(TrapKind::Message(text.into()))
    }

    /// Ends the run with a value for whoever started it, such as an exit status.
    pub fn host(payload: impl Any + Send) -> Trap {
        Trap::new(TrapKind::Host(Box::new(payload)))
    }

    /// Throws an exception in the guest code that called a host function.
    pub fn exception(exception: Exception) -> Trap {
        Trap::new(TrapKind::Exception(exception))
    }

    /// The same for whoever is no guest: see [`Exception::freed`].
    pub(crate) fn freed(mut self) -> Trap {
        if let TrapKind::Exception(exception) = &mut self.0.kind {
            *exception = exception.clone().freed();
        }
        self
    }

    /// Why.
    pub fn kind(&self) -> &TrapKind {
        &self.0.kind
    }

    /// Why, by value.
    pub fn into_kind(self) -> TrapKind {
        self.0.kind
    }

    /// Where, innermost first. The middle of a very deep stack is left out.
    pub fn frames(&self) -> &[Frame] {
        &self.0.frames
    }

    /// How many frames were left out.
    pub fn omitted(&self) -> usize {
        self.0.omitted
    }

    /// What tells it from others that exist at the same time.
    pub(crate) fn identity(&self) -> usize {
        std::ptr::from_ref(&*self.0).addr()
    }

    pub(crate) fn offered(mut self) -> Trap {
        self.0.offered = true;
        self
    }

    pub(crate) fn was_offered(&self) -> bool {
        self.0.offered
    }

    pub(crate) fn add_frames(&mut self, frames: impl IntoIterator<Item = Frame>, omitted: usize) {
        let Inner {
            frames: kept,
            omitted: gone,
            ..
        } = &mut *self.0;
        kept.extend(frames);
        *gone += omitted;
        // Runs of guest code may nest deeply, too.
        if kept.len() > 2 * FRAMES_KEPT {
            let middle = FRAMES_KEPT..kept.len() - FRAMES_KEPT;
            *gone += middle.len();
            kept.drain(middle);
        }
    }
}

impl fmt::Debug for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trap")
            .field("kind", &self.0.kind)
            .field("frames", &self.0.frames)
            .field("omitted", &self.0.omitted)
            .finish()
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.kind)?;
        let split = match self.0.omitted {
            0 => self.0.frames.len(),
            _ => FRAMES_KEPT.min(self.0.frames.len()),
        };
        let (inner, outer) = self.0.frames.split_at(split);
        write_frames(f, inner)?;
        if self.0.omitted > 0 {
            write!(f, "\n    ... {} more frames ...", self.0.omitted)?;
        }
        write_frames(f, outer)
    }
}

/// Writes frames, of which those that are the same as the one before are counted only.
fn write_frames(f: &mut fmt::Formatter<'_>, frames: &[Frame]) -> fmt::Result {
    for same in frames.chunk_by(PartialEq::eq) {
        write!(f, "\n    at {}", same[0])?;
        match same.len() - 1 {
            0 => {}
            1 => f.write_str(" and once more")?,
            more => write!(f, " and {more} times more")?,
        }
    }
    Ok(())
}

impl std::error::Error for Trap {}

/// What a handler returns to the native caller when guest code stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Exit {
    /// The entry function returned.
    Done = 0,
    Unreachable,
    /// `Context::trap_info` has the address.
    MemoryOutOfBounds,
    /// `Context::trap_info` has the host address of the fault.
    MemoryFault,
    UnalignedAtomic,
    ExpectedSharedMemory,
    DivideByZero,
    IntegerOverflow,
    InvalidConversion,
    TableOutOfBounds,
    UndefinedElement,
    UninitializedElement,
    /// `Context::trap_info` has the expected type's number and the index, `Context::trap_func`
    /// the function.
    TypeMismatch,
    StackOverflow,
    /// `Context::pending` has the trap.
    Pending,
}

impl Exit {
    /// Back from the number a handler returned.
    pub fn from_status(status: usize) -> Exit {
        const ALL: [Exit; 15] = [
            Exit::Done,
            Exit::Unreachable,
            Exit::MemoryOutOfBounds,
            Exit::MemoryFault,
            Exit::UnalignedAtomic,
            Exit::ExpectedSharedMemory,
            Exit::DivideByZero,
            Exit::IntegerOverflow,
            Exit::InvalidConversion,
            Exit::TableOutOfBounds,
            Exit::UndefinedElement,
            Exit::UninitializedElement,
            Exit::TypeMismatch,
            Exit::StackOverflow,
            Exit::Pending,
        ];
        ALL[status]
    }
}
