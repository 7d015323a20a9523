//! Blocks, branches, calls and returns.

use std::collections::HashMap;

use wasmparser::{BlockType, BrTable};

use super::super::catches::{ClauseId, NONE};
use super::super::isa::value::Bank;
use super::super::isa::{Edge, Input, PlainOp};
use super::Translator;
use super::encode::{Patches, halves, quarters, with32};
use super::stack::Provider;

/// An open block.
pub(super) struct Control {
    pub kind: Kind,
    /// Operands below the block's own.
    pub height: usize,
    params: usize,
    pub results: usize,
    /// Branches to the end.
    pub exits: Patches,
    /// What catches exceptions in it, and goes for what a block in it leaves to it.
    pub range: u32,
    /// Clauses that lead to the end.
    pub caught: Vec<ClauseId>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Function,
    Block,
    /// With the position of its start.
    Loop(usize),
    /// With the branch to take if the condition is false.
    If(Patches),
    Else,
    TryTable,
    Try,
    /// With the range of its `try`, and the last clause.
    Catch {
        range: u32,
        clause: ClauseId,
    },
}

impl Control {
    pub fn function(results: usize) -> Control {
        Control {
            kind: Kind::Function,
            height: 0,
            params: 0,
            results,
            exits: Patches::NONE,
            range: NONE,
            caught: Vec::new(),
        }
    }

    /// How many values a branch to it takes along.
    fn arity(&self) -> usize {
        match self.kind {
            Kind::Loop(_) => self.params,
            _ => self.results,
        }
    }
}

impl Translator<'_, '_> {
    pub(super) fn arities(&self, ty: BlockType) -> (usize, usize) {
        match ty {
            BlockType::Empty => (0, 0),
            BlockType::Type(wasmparser::ValType::V128) => (0, 2),
            BlockType::Type(_) => (0, 1),
            BlockType::FuncType(index) => {
                let ty = &self.module.types[index as usize].0;
                (ty.param_slots(), ty.result_slots())
            }
        }
    }

    pub(super) fn open(&mut self, kind: Kind, ty: BlockType) {
        let (params, results) = self.arities(ty);
        let height = self.stack.height() - params;
        self.controls.push(Control {
            kind,
            height,
            params,
            results,
            exits: Patches::NONE,
            range: self.controls.last().map_or(NONE, |control| control.range),
            caught: Vec::new(),
        });
    }

    pub(super) fn block(&mut self, ty: BlockType) {
        let (params, _) = self.arities(ty);
        self.materialise(params);
        self.settle();
        self.open(Kind::Block, ty);
    }

    pub(super) fn r#loop(&mut self, ty: BlockType) {
        let (params, _) = self.arities(ty);
        self.materialise(params);
        self.settle();
        let start = self.encoder.label();
        self.open(Kind::Loop(start), ty);
    }

    pub(super) fn r#if(&mut self, ty: BlockType) {
        // The comparison is taken back first: what settling writes would come between.
        let condition = self.condition();
        let (params, _) = self.arities(ty);
        self.materialise(params);
        self.settle();
        let mut otherwise = Patches::NONE;
        let branch = self.emit_branch(condition.inverse(), Edge::Onwards);
        self.encoder.wait(&mut otherwise, branch);
        self.open(Kind::If(otherwise), ty);
    }

    pub(super) fn r#else(&mut self) {
        let index = self.controls.len() - 1;
        let Kind::If(otherwise) = self.controls[index].kind else {
            return;
        };
        if self.dead.take().is_none() {
            self.materialise(self.controls[index].results);
            let branch = self.encoder.plain(PlainOp::BrOn, &[0]);
            self.encoder.wait(&mut self.controls[index].exits, branch);
        }
        self.encoder.bind(otherwise);
        let control = &mut self.controls[index];
        control.kind = Kind::Else;
        let (height, params) = (control.height, control.params);
        self.replace(height, params);
    }

    /// Leaves `count` temporaries above `height`.
    pub(super) fn replace(&mut self, height: usize, count: usize) {
        self.stack.truncate(height);
        for _ in 0..count {
            self.stack.push(Provider::Temp);
        }
    }

    pub(super) fn end(&mut self) {
        self.end_of_range();
        let falls_through = self.dead.take().is_none();
        let index = self.controls.len() - 1;
        if falls_through && matches!(self.controls[index].kind, Kind::Catch { .. }) {
            self.leave_catch(index);
        }
        let control = self.controls.pop().expect("validation balances blocks");
        let otherwise = match control.kind {
            Kind::Function => {
                if falls_through {
                    self.emit_return();
                }
                if !control.caught.is_empty() {
                    self.bind_caught(&control.caught);
                    self.replace(0, control.results);
                    self.emit_return();
                }
                return;
            }
            Kind::If(otherwise) => otherwise,
            _ => Patches::NONE,
        };
        if control.exits.is_empty() && otherwise.is_empty() && control.caught.is_empty() {
            // Nothing else leads here: operands stay what they are.
            if !falls_through {
                self.dead = Some(0);
                self.replace(control.height, control.results);
            }
            return;
        }
        if falls_through {
            self.materialise(control.results);
        }
        self.encoder.bind(control.exits);
        self.encoder.bind(otherwise);
        self.bind_caught(&control.caught);
        self.replace(control.height, control.results);
    }

    /// Has clauses lead here.
    fn bind_caught(&mut self, clauses: &[ClauseId]) {
        if !clauses.is_empty() {
            let here = self.encoder.label();
            for clause in clauses {
                self.catches.clause(*clause).position = here as u32;
            }
        }
    }

    /// Code from here to the end of the block cannot be reached.
    pub(super) fn die(&mut self) {
        self.dead = Some(0);
    }

    pub(super) fn target(&self, depth: u32) -> usize {
        self.controls.len() - 1 - depth as usize
    }

    /// Whether the values that a branch takes along have to be moved.
    fn moves(&self, target: usize) -> bool {
        let control = &self.controls[target];
        let count = control.arity();
        if matches!(control.kind, Kind::Function) {
            return true;
        }
        let first = self.stack.height() - count;
        count > 0
            && (first != control.height
                || (first..first + count).any(|h| self.stack.at(h).provider != Provider::Temp))
    }

    /// Writes the moves and the jump of a branch. The operands stay on the stack.
    fn emit_jump(&mut self, target: usize) {
        let control = &self.controls[target];
        if matches!(control.kind, Kind::Function) {
            return self.emit_return();
        }
        let (height, count) = (control.height, control.arity());
        let first = self.stack.height() - count;
        for i in 0..count {
            self.move_to(self.stack.at(first + i), self.temp(height + i));
        }
        let branch = self.emit_br(self.edge(target));
        self.connect(target, branch);
    }

    /// Which way a branch to a block leads.
    fn edge(&self, target: usize) -> Edge {
        match self.controls[target].kind {
            Kind::Loop(_) => Edge::Back,
            _ => Edge::Onwards,
        }
    }

    /// Has a branch lead to a block.
    fn connect(&mut self, target: usize, branch: usize) {
        match self.controls[target].kind {
            Kind::Loop(start) => self.encoder.set_distance(branch, start),
            _ => self.encoder.wait(&mut self.controls[target].exits, branch),
        }
    }

    pub(super) fn br(&mut self, depth: u32) {
        self.emit_jump(self.target(depth));
        self.die();
    }

    pub(super) fn br_if(&mut self, depth: u32) {
        let target = self.target(depth);
        let edge = self.edge(target);
        let condition = match edge {
            Edge::Back => self.condition_of_loop(),
            Edge::Onwards => self.condition(),
        };
        if self.moves(target) {
            let mut around = Patches::NONE;
            let branch = self.emit_branch(condition.inverse(), Edge::Onwards);
            self.encoder.wait(&mut around, branch);
            self.encoder.label();
            self.emit_jump(target);
            self.encoder.bind(around);
        } else {
            let branch = self.emit_branch(condition, edge);
            self.connect(target, branch);
        }
    }

    pub(super) fn br_table(&mut self, table: &BrTable<'_>) {
        let index = self.pop();
        let (op, index) = match self.input(index, Bank::Int) {
            (Input::Slot, index) => (PlainOp::BrTable, index),
            (Input::Acc, _) => (PlainOp::BrTableAcc, 0),
        };
        let count = table.len() + 1;
        let base = self.encoder.plain(op, &[with32(index, 0, count)]);
        // Targets that need moves lead to code of their own behind the table.
        let mut detours: HashMap<usize, Vec<usize>> = HashMap::new();
        let mut order = Vec::new();
        let depths = table
            .targets()
            .map_while(Result::ok)
            .chain([table.default()]);
        for depth in depths {
            let target = self.target(depth);
            if self.moves(target) {
                let word = self.encoder.position();
                self.encoder.push_target(base, base);
                let words = detours.entry(target).or_default();
                if words.is_empty() {
                    order.push(target);
                }
                words.push(word);
            } else {
                match self.controls[target].kind {
                    Kind::Loop(start) => self.encoder.push_target(base, start),
                    _ => self
                        .encoder
                        .wait_target(&mut self.controls[target].exits, base),
                }
            }
        }
        for target in order {
            if self.encoder.is_full() {
                break;
            }
            let here = self.encoder.label();
            for word in &detours[&target] {
                self.encoder.set_target(*word, base, here);
            }
            self.emit_jump(target);
        }
        self.die();
    }

    pub(super) fn r#return(&mut self) {
        self.emit_return();
        self.die();
    }

    /// Writes a return with the topmost operands, which stay on the stack.
    fn emit_return(&mut self) {
        let count = self.results;
        let first = self.stack.height() - count;
        match count {
            0 => {
                self.encoder
                    .plain(PlainOp::Return0, &[quarters(self.header, 0, 0, 0)]);
            }
            1 => {
                let operand = self.stack.at(first);
                if let Provider::Const(value) = operand.provider {
                    let operands = [quarters(self.header, 0, 0, 0), value];
                    self.encoder.plain(PlainOp::ReturnImm, &operands);
                    return;
                }
                let slot = self.slot(operand);
                // Nothing wants it but the return: where a label has been before, as there is
                // if the return is not the end of it all, no accumulator has anything.
                let (op, slot) = match self.encoder.held(slot) {
                    None => (PlainOp::Return1, slot),
                    Some(bank) => {
                        let (_, slot) = self.input(operand, bank);
                        let op = match bank {
                            Bank::Int => PlainOp::Return1Int,
                            Bank::Single => PlainOp::Return1Single,
                            Bank::Double => PlainOp::Return1Double,
                        };
                        (op, slot)
                    }
                };
                let operands = [quarters(self.header, slot, 0, 0)];
                self.encoder.plain(op, &operands);
            }
            _ => {
                for height in first..first + count {
                    self.move_to(self.stack.at(height), self.temp(height));
                }
                let operands = [quarters(self.header, self.temp(first), count as u16, 0)];
                self.encoder.plain(PlainOp::ReturnN, &operands);
            }
        }
    }

    pub(super) fn unreachable(&mut self) {
        self.encoder.plain(PlainOp::Unreachable, &[]);
        self.die();
    }

    /// Puts arguments in place and results on the stack, and yields the first one's slot.
    fn arguments(&mut self, ty: u32) -> u16 {
        let ty = &self.module.types[ty as usize].0;
        let span = self.materialise(ty.param_slots());
        let height = self.stack.height() - ty.param_slots();
        self.replace(height, ty.result_slots());
        span
    }

    pub(super) fn call(&mut self, func: u32) {
        let span = self.arguments(self.module.funcs[func as usize]);
        match func.checked_sub(self.module.imported_funcs) {
            Some(defined) => self
                .encoder
                .plain(PlainOp::Call, &[with32(span, 0, defined)]),
            None => self
                .encoder
                .plain(PlainOp::CallImport, &[with32(span, 0, func)]),
        };
    }

    pub(super) fn return_call(&mut self, func: u32) {
        self.leaving(|translator| translator.emit_return_call(func));
        self.die();
    }

    fn emit_return_call(&mut self, func: u32) {
        match func.checked_sub(self.module.imported_funcs) {
            Some(defined) => {
                let span = self.arguments(self.module.funcs[func as usize]);
                let operands = [with32(self.header, span, defined)];
                self.encoder.plain(PlainOp::ReturnCall, &operands);
            }
            None => {
                self.call(func);
                self.emit_return();
            }
        }
    }

    pub(super) fn call_indirect(&mut self, ty: u32, table: u32) {
        let index = self.pop_slot();
        let span = self.arguments(ty);
        let id = self.module.types[ty as usize].1.0;
        let operands = [with32(span, index, table), halves(id, 0)];
        self.encoder.plain(PlainOp::CallIndirect, &operands);
    }

    pub(super) fn return_call_indirect(&mut self, ty: u32, table: u32) {
        let index = self.pop_slot();
        let span = self.arguments(ty);
        let id = self.module.types[ty as usize].1.0;
        let operands = [quarters(self.header, span, index, 0), halves(table, id)];
        self.leaving(|translator| {
            let encoder = &mut translator.encoder;
            encoder.plain(PlainOp::ReturnCallIndirect, &operands);
        });
        self.die();
    }
}
