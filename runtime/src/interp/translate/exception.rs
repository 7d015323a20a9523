//! Throwing and catching, as WebAssembly has it now and as it had it before.
//!
//! What a clause catches goes straight to where its label takes values, so that no code is needed
//! between throwing and the label, except for labels that return. The former `catch` is a place
//! of its own: the operands there begin with one that no code sees, a reference to the exception,
//! for `rethrow`. It is only made where there is a `rethrow`.

use wasmparser::{BlockType, Catch, TryTable};

use super::super::catches::{Clause, NONE};
use super::super::isa::PlainOp;
use super::Translator;
use super::control::{Control, Kind};
use super::encode::{quarters, with32};

impl Translator<'_, '_> {
    /// The range of the code that is written now.
    fn range(&self) -> u32 {
        self.controls.last().map_or(NONE, |control| control.range)
    }

    /// Opens a block, and a range that is its code.
    fn open_range(&mut self, kind: Kind, ty: BlockType) -> u32 {
        let (params, _) = self.arities(ty);
        self.materialise(params);
        self.settle();
        let start = self.encoder.label();
        let range = self.catches.open(start, self.range());
        self.open(kind, ty);
        self.last_control().range = range;
        range
    }

    /// Closes the range of the innermost block.
    fn close_range(&mut self) {
        let range = self.range();
        let end = self.encoder.label();
        self.catches.close(range, end);
        let parent = self.catches.parent(range);
        self.last_control().range = parent;
    }

    fn last_control(&mut self) -> &mut Control {
        self.controls.last_mut().expect("a block is open")
    }

    pub(super) fn try_table(&mut self, table: &TryTable) {
        let range = self.open_range(Kind::TryTable, table.ty);
        for catch in &table.catches {
            let (tag, label, refers) = match *catch {
                Catch::One { tag, label } => (tag, label, false),
                Catch::OneRef { tag, label } => (tag, label, true),
                Catch::All { label } => (NONE, label, false),
                Catch::AllRef { label } => (NONE, label, true),
            };
            // Labels are those outside.
            let target = self.target(label + 1);
            let count = if tag == NONE { 0 } else { self.carried(tag) };
            let height = self.controls[target].height;
            let (values, reference) = (self.temp(height), self.temp(height + count));
            let clause = self.catches.add(
                range,
                Clause {
                    tag,
                    position: 0,
                    values: (tag != NONE).then_some(values),
                    reference: refers.then_some(reference),
                },
            );
            match self.controls[target].kind {
                Kind::Loop(start) => self.catches.clause(clause).position = start as u32,
                _ => self.controls[target].caught.push(clause),
            }
        }
    }

    /// How many values exceptions of a tag carry.
    fn carried(&self, tag: u32) -> usize {
        let ty = self.module.tags[tag as usize];
        self.module.types[ty as usize].0.param_slots()
    }

    /// At the end of a block that catches.
    pub(super) fn end_of_range(&mut self) {
        if matches!(self.last_control().kind, Kind::TryTable | Kind::Try) {
            self.close_range();
        }
    }

    pub(super) fn r#try(&mut self, ty: BlockType) {
        self.open_range(Kind::Try, ty);
    }

    /// A clause of a `try`; for all exceptions, if there is no tag.
    pub(super) fn catch(&mut self, tag: Option<u32>) {
        let index = self.controls.len() - 1;
        if self.dead.take().is_none() {
            self.leave_catch(index);
            let branch = self.encoder.plain(PlainOp::BrOn, &[0]);
            self.encoder.wait(&mut self.controls[index].exits, branch);
        }
        let range = match self.controls[index].kind {
            Kind::Catch { range, .. } => range,
            _ => {
                let range = self.range();
                self.close_range();
                range
            }
        };
        let position = self.encoder.label();
        let height = self.controls[index].height;
        let count = tag.map_or(0, |tag| self.carried(tag));
        self.replace(height, 1 + count);
        let values = tag.map(|_| self.temp(height + 1));
        let clause = Clause {
            tag: tag.unwrap_or(NONE),
            position: position as u32,
            values,
            reference: None,
        };
        let clause = self.catches.add(range, clause);
        self.controls[index].kind = Kind::Catch { range, clause };
    }

    /// Puts the results of a block that falls through to its end where they belong: in a `catch`
    /// there is an operand below them.
    pub(super) fn leave_catch(&mut self, index: usize) {
        let control = &self.controls[index];
        let (height, count) = (control.height, control.results);
        if !matches!(control.kind, Kind::Catch { .. }) {
            self.materialise(count);
            return;
        }
        let first = self.stack.height() - count;
        for i in 0..count {
            self.move_to(self.stack.at(first + i), self.temp(height + i));
        }
        self.replace(height, count);
    }

    /// The end of a `try` that leaves what it does not catch to another.
    pub(super) fn delegate(&mut self, depth: u32) {
        let range = self.range();
        let target = self.target(depth + 1);
        let next = self.controls[target].range;
        self.catches.delegate(range, next);
        self.end();
    }

    pub(super) fn rethrow(&mut self, depth: u32) {
        let target = self.target(depth);
        let reference = self.temp(self.controls[target].height);
        if let Kind::Catch { clause, .. } = self.controls[target].kind {
            self.catches.clause(clause).reference = Some(reference);
        }
        self.encoder
            .plain(PlainOp::ThrowRef, &[quarters(reference, 0, 0, 0)]);
        self.die();
    }

    pub(super) fn throw(&mut self, tag: u32) {
        let span = self.materialise(self.carried(tag));
        self.encoder.plain(PlainOp::Throw, &[with32(span, 0, tag)]);
        self.die();
    }

    pub(super) fn throw_ref(&mut self) {
        let reference = self.pop_slot();
        self.encoder
            .plain(PlainOp::ThrowRef, &[quarters(reference, 0, 0, 0)]);
        self.die();
    }

    /// Writes a call that leaves the function, and with it all that catches.
    pub(super) fn leaving(&mut self, write: impl FnOnce(&mut Self)) {
        let range = self.range();
        if range == NONE {
            return write(self);
        }
        let start = self.encoder.label();
        let gap = self.catches.open(start, range);
        self.catches.delegate(gap, NONE);
        write(self);
        let end = self.encoder.label();
        self.catches.close(gap, end);
    }
}
