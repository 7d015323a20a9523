//! Writing instructions, and patching the distances of branches.

use std::fmt;

use super::super::context::Meta;
use super::super::isa::value::Bank;
use super::super::isa::{Op, PlainOp};

/// Most words of one function's code: 128 MiB. Only branches that take many values along
/// make code so much longer than what it comes from, and they do so at each branch anew.
const MAX_WORDS: usize = 1 << 24;

// So that distances and positions fit where instructions and patches have them.
const _: () = assert!(MAX_WORDS <= i32::MAX as usize);

/// A function's code would be longer than [`MAX_WORDS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CodeTooLong;

impl fmt::Display for CodeTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "its code would be longer than {MAX_WORDS} words; split the function, or have its \
             branches take fewer values along"
        )
    }
}

/// An instruction as it was written, for disassembly and backtraces.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record {
    /// Index of its first word.
    pub position: usize,
    pub op: Op,
    /// The byte of the module it comes from.
    pub offset: u32,
}

/// Takes down what is written. Addresses of handlers do not tell: two opcodes may have been
/// given the same code.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    pub records: Vec<Record>,
}

/// The instruction written last, while nothing can branch to what follows it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Last {
    pub position: usize,
    pub op: Op,
    /// The slot it writes, if that can still be changed.
    pub dst: Option<u16>,
}

/// What an accumulator has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Held {
    bank: Bank,
    /// The slot that has the same, unless the instruction writes none.
    slot: u16,
}

/// A place that holds a distance to be filled in, in a list of such places.
#[derive(Debug, Clone, Copy)]
struct Patch {
    word: u32,
    /// Where the distance counts from.
    base: u32,
    /// Whether it takes the whole word, or its second half.
    whole: bool,
    next: u32,
}

/// A list of places that wait for the same target.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patches(u32);

impl Patches {
    pub const NONE: Patches = Patches(u32::MAX);

    pub fn is_empty(self) -> bool {
        self.0 == u32::MAX
    }
}

/// Code as it is written. Once it is full, nothing is written any more, and
/// [`Encoder::finish`] reports it.
pub(super) struct Encoder<'r> {
    words: Vec<u64>,
    full: bool,
    patches: Vec<Patch>,
    last: Option<Last>,
    held: Option<Held>,
    recorder: Option<&'r mut Recorder>,
    /// The byte of the module that is being translated.
    pub offset: u32,
}

/// How many words `target` is behind `base`.
fn distance(base: usize, target: usize) -> i64 {
    target as i64 - base as i64
}

/// Four quarters as a word.
pub(super) fn quarters(a: u16, b: u16, c: u16, d: u16) -> u64 {
    let [a, b, c, d] = [a, b, c, d].map(u16::to_ne_bytes);
    u64::from_ne_bytes([a[0], a[1], b[0], b[1], c[0], c[1], d[0], d[1]])
}

/// Two quarters and a 32-bit number as a word.
pub(super) fn with32(a: u16, b: u16, number: u32) -> u64 {
    let ([a, b], n) = ([a, b].map(u16::to_ne_bytes), number.to_ne_bytes());
    u64::from_ne_bytes([a[0], a[1], b[0], b[1], n[0], n[1], n[2], n[3]])
}

/// A word with another first quarter.
pub(super) fn with_first(first: u16, word: u64) -> u64 {
    let [_, b, c, d] = split(word);
    quarters(first, b, c, d)
}

/// Two 32-bit numbers as a word.
pub(super) fn halves(a: u32, b: u32) -> u64 {
    let (a, b) = (a.to_ne_bytes(), b.to_ne_bytes());
    u64::from_ne_bytes([a[0], a[1], a[2], a[3], b[0], b[1], b[2], b[3]])
}

/// A word's quarters.
pub(super) fn split(word: u64) -> [u16; 4] {
    let b = word.to_ne_bytes();
    [[b[0], b[1]], [b[2], b[3]], [b[4], b[5]], [b[6], b[7]]].map(u16::from_ne_bytes)
}

/// A word's second half.
pub(super) fn half32(word: u64) -> u32 {
    let b = word.to_ne_bytes();
    u32::from_ne_bytes([b[4], b[5], b[6], b[7]])
}

impl<'r> Encoder<'r> {
    pub fn new(meta: Meta, func: u32, recorder: Option<&'r mut Recorder>) -> Encoder<'r> {
        Encoder {
            words: vec![meta.pack(), u64::from(func)],
            full: false,
            patches: Vec::new(),
            last: None,
            held: None,
            recorder,
            offset: 0,
        }
    }

    /// Sets bits beside the function's index.
    pub fn mark(&mut self, bits: u64) {
        self.words[1] |= bits;
    }

    pub fn finish(self) -> Result<Box<[u64]>, CodeTooLong> {
        if self.full {
            return Err(CodeTooLong);
        }
        Ok(self.words.into())
    }

    /// Whether something could not be written, for want of room.
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// Whether there is room for some more words.
    fn reserve(&mut self, words: usize) -> bool {
        if self.words.len() + words > MAX_WORDS {
            self.full = true;
            self.last = None;
        }
        !self.full
    }

    pub fn position(&self) -> usize {
        self.words.len()
    }

    pub fn last(&self) -> Option<Last> {
        self.last
    }

    /// Writes an instruction. `dst` is the slot in its first quarter, if it is one it writes.
    pub fn emit(&mut self, op: Op, operands: &[u64], dst: Option<u16>) -> usize {
        debug_assert_eq!(operands.len() + 1, op.format().words, "{op:?}");
        let position = self.words.len();
        if !self.reserve(operands.len() + 1) {
            return position;
        }
        self.words.push(op.handler() as usize as u64);
        self.words.extend_from_slice(operands);
        self.last = Some(Last { position, op, dst });
        if !op.keeps_acc() {
            self.held = op.bank().and_then(|bank| Some(Held { bank, slot: dst? }));
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.records.push(Record {
                position,
                op,
                offset: self.offset,
            });
        }
        position
    }

    pub fn plain(&mut self, op: PlainOp, operands: &[u64]) -> usize {
        self.emit(Op::Plain(op), operands, None)
    }

    /// Takes the last instruction back and yields its operands.
    pub fn take_last(&mut self) -> Vec<u64> {
        self.held = None;
        let Some(last) = self.last.take() else {
            return Vec::new();
        };
        if let Some(recorder) = &mut self.recorder {
            recorder.records.pop();
        }
        let operands = self.words.split_off(last.position + 1);
        self.words.pop();
        operands
    }

    /// Has the last instruction write another slot, which may be changed once more if there will
    /// be no more than one to read it.
    pub fn redirect_last(&mut self, dst: u16, again: bool) {
        if let Some(last) = &mut self.last {
            let word = &mut self.words[last.position + 1];
            let [_, b, c, d] = split(*word);
            *word = quarters(dst, b, c, d);
            last.dst = again.then_some(dst);
            if last.op.keeps_acc() {
                self.overwritten(dst);
            } else if let Some(held) = &mut self.held {
                held.slot = dst;
            }
        }
    }

    /// The accumulator that has what is in a slot.
    pub fn held(&self, slot: u16) -> Option<Bank> {
        self.held
            .filter(|held| held.slot == slot)
            .map(|held| held.bank)
    }

    /// Of the value in a slot, which an accumulator has: nothing but the next instruction wants
    /// it, and that from there. So the last instruction need not write the slot, if it does.
    pub fn spare(&mut self, slot: u16) {
        let Some(last) = self.last.as_mut().filter(|last| last.dst == Some(slot)) else {
            return;
        };
        let Some(op) = last.op.into_acc() else {
            return;
        };
        last.op = op;
        last.dst = None;
        self.words[last.position] = op.handler() as usize as u64;
        if let Some(record) = self.recorder.as_mut().and_then(|r| r.records.last_mut()) {
            record.op = op;
        }
    }

    /// A slot has been written, and by no instruction that leaves it in an accumulator.
    fn overwritten(&mut self, slot: u16) {
        self.held = self.held.filter(|held| held.slot != slot);
    }

    pub fn copy(&mut self, dst: u16, src: u16) {
        if dst == src {
            return;
        }
        let held = self.held;
        if let Some(Last {
            op: Op::Plain(PlainOp::Copy),
            ..
        }) = self.last
        {
            let offset = self.offset;
            let [first_dst, first_src, ..] = split(self.take_last()[0]);
            self.offset = offset;
            self.plain(PlainOp::Copy2, &[quarters(first_dst, first_src, dst, src)]);
            self.held = held;
        } else {
            self.emit(
                Op::Plain(PlainOp::Copy),
                &[quarters(dst, src, 0, 0)],
                Some(dst),
            );
        }
        self.overwritten(dst);
    }

    pub fn constant(&mut self, dst: u16, value: u64) {
        match u32::try_from(value) {
            Ok(value) => {
                self.emit(
                    Op::Plain(PlainOp::Const32),
                    &[with32(dst, 0, value)],
                    Some(dst),
                );
            }
            Err(_) => {
                let operands = [quarters(dst, 0, 0, 0), value];
                self.emit(Op::Plain(PlainOp::Const64), &operands, Some(dst));
            }
        }
        self.overwritten(dst);
    }

    /// From here on, code can be reached by a branch.
    pub fn label(&mut self) -> usize {
        self.last = None;
        self.held = None;
        self.words.len()
    }

    /// Has the branch at `position`, whose distance is the second half of its second word,
    /// wait in `list`.
    pub fn wait(&mut self, list: &mut Patches, position: usize) {
        self.add(list, position + 1, position, false);
    }

    /// Writes a branch target, counted from `base`, which waits in `list`.
    pub fn wait_target(&mut self, list: &mut Patches, base: usize) {
        let word = self.words.len();
        self.push_target(base, base);
        self.add(list, word, base, true);
    }

    /// Writes a branch target, counted from `base`, to be filled in by [`Encoder::set_target`].
    pub fn push_target(&mut self, base: usize, target: usize) {
        if self.reserve(1) {
            self.words.push(distance(base, target) as u64);
        }
    }

    pub fn set_target(&mut self, word: usize, base: usize, target: usize) {
        if !self.full {
            self.words[word] = distance(base, target) as u64;
        }
    }

    fn add(&mut self, list: &mut Patches, word: usize, base: usize, whole: bool) {
        if self.full {
            return;
        }
        let number = |at| u32::try_from(at).expect("as many as words, which are bounded");
        let patch = Patch {
            word: number(word),
            base: number(base),
            whole,
            next: list.0,
        };
        list.0 = number(self.patches.len());
        self.patches.push(patch);
    }

    /// Fills in the distance of the branch at `position`.
    pub fn set_distance(&mut self, position: usize, target: usize) {
        if self.full {
            return;
        }
        let [a, b, ..] = split(self.words[position + 1]);
        let distance = i32::try_from(distance(position, target)).expect("words are bounded");
        self.words[position + 1] = with32(a, b, distance.cast_unsigned());
    }

    /// Fills in all distances of a list: they lead here.
    pub fn bind(&mut self, list: Patches) {
        if list.is_empty() {
            return;
        }
        let target = self.label();
        let mut next = list.0;
        while next != u32::MAX {
            let patch = self.patches[next as usize];
            if patch.whole {
                self.set_target(patch.word as usize, patch.base as usize, target);
            } else {
                self.set_distance(patch.base as usize, target);
            }
            next = patch.next;
        }
    }
}
