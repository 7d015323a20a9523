//! Random nests of blocks, throws and catches, in both encodings, against a model that walks the
//! tree. `WALI_SEED=7 WALI_NESTS=100000` for other ones, and more of them.

use std::fmt::Write;

use wali_runtime::interp::{Imports, Instance, Module, Value};
use wali_tests::interp::unfold;

/// Functions of a module; each calls later ones only.
const FUNCS: usize = 4;
const TAGS: u32 = 3;

#[derive(Debug)]
enum Stmt {
    Log(u32),
    /// Logs a local, and changes it.
    Bump,
    Throw(u32, u32),
    Call(usize),
    /// With the label.
    Block(u32, Vec<Stmt>),
    Br(u32),
    /// An operand below, which is logged afterwards: a constant, or the local as it was before.
    Below(Option<u32>, Vec<Stmt>),
    /// Clauses by tag, then one for all, if there is one.
    Try(u32, Vec<Stmt>, Vec<(u32, Vec<Stmt>)>, Option<Vec<Stmt>>),
    /// To the label, or out of the function.
    Delegate(u32, Vec<Stmt>, Option<u32>),
    Rethrow(u32),
    /// The body, the tag or all, what is done with what is caught, and whether it is thrown again.
    Table(u32, Vec<Stmt>, Option<u32>, Vec<Stmt>, bool),
    /// The same with a label that is elsewhere, by a tag, whose value is dropped there.
    TableTo(Vec<Stmt>, u32),
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 32) as u32) % limit
    }
}

/// What is around a statement that is made up.
#[derive(Clone, Copy, PartialEq)]
enum Around {
    Block,
    Try,
    Clause,
}

struct Maker {
    random: Random,
    labels: u32,
    func: usize,
    around: Vec<(u32, Around)>,
}

impl Maker {
    fn label(&mut self) -> u32 {
        self.labels += 1;
        self.labels
    }

    fn inside(&mut self, label: u32, around: Around, depth: u32) -> Vec<Stmt> {
        self.around.push((label, around));
        let stmts = self.stmts(depth);
        self.around.pop();
        stmts
    }

    fn any(&mut self, wanted: impl Fn(Around) -> bool) -> Option<u32> {
        let fitting: Vec<u32> = self
            .around
            .iter()
            .filter(|(_, around)| wanted(*around))
            .map(|(label, _)| *label)
            .collect();
        match fitting.len() {
            0 => None,
            count => Some(fitting[self.random.below(count as u32) as usize]),
        }
    }

    fn stmts(&mut self, depth: u32) -> Vec<Stmt> {
        let count = 1 + self.random.below(3);
        (0..count).map(|_| self.stmt(depth)).collect()
    }

    fn stmt(&mut self, depth: u32) -> Stmt {
        let kind = self.random.below(if depth == 0 { 6 } else { 16 });
        let value = self.random.below(1000);
        let deeper = depth.saturating_sub(1);
        match kind {
            0 => Stmt::Log(value),
            1 => Stmt::Bump,
            2 => Stmt::Throw(self.random.below(TAGS), value),
            3 if self.func + 1 < FUNCS => {
                let rest = (FUNCS - self.func - 1) as u32;
                Stmt::Call(self.func + 1 + self.random.below(rest) as usize)
            }
            4 => self.any(|_| true).map_or(Stmt::Bump, Stmt::Br),
            5 => {
                let clause = self.any(|around| around == Around::Clause);
                clause.map_or(Stmt::Log(value), Stmt::Rethrow)
            }
            6 | 7 => {
                let label = self.label();
                Stmt::Block(label, self.inside(label, Around::Block, deeper))
            }
            8 | 9 => {
                let constant = (kind == 8).then_some(value);
                Stmt::Below(constant, self.stmts(deeper))
            }
            10 | 11 => {
                let label = self.label();
                let body = self.inside(label, Around::Try, deeper);
                let count = self.random.below(3);
                let clauses = (0..count)
                    .map(|_| {
                        let tag = self.random.below(TAGS);
                        (tag, self.inside(label, Around::Clause, deeper))
                    })
                    .collect();
                let all = self.random.below(2) == 0;
                let all = all.then(|| self.inside(label, Around::Clause, deeper));
                Stmt::Try(label, body, clauses, all)
            }
            12 => {
                let target = self.any(|_| true).filter(|_| self.random.below(4) > 0);
                let label = self.label();
                Stmt::Delegate(label, self.inside(label, Around::Block, deeper), target)
            }
            13 | 14 => {
                let label = self.label();
                let body = self.inside(label, Around::Block, deeper);
                let tag = self.random.below(TAGS + 1);
                let again = self.random.below(3) == 0;
                let clause = self.stmts(deeper);
                Stmt::Table(label, body, (tag < TAGS).then_some(tag), clause, again)
            }
            _ => match self.any(|around| around == Around::Block) {
                Some(label) => Stmt::TableTo(self.stmts(deeper), label),
                None => Stmt::Log(value),
            },
        }
    }
}

/// The text of statements.
fn write(stmts: &[Stmt], out: &mut String) {
    for stmt in stmts {
        let _ = match stmt {
            Stmt::Log(value) => write!(out, "(call $log (i32.const {value}))"),
            Stmt::Bump => write!(
                out,
                "(call $log (local.get $n)) (local.set $n (i32.add (local.get $n) (i32.const 1)))"
            ),
            Stmt::Throw(tag, value) => write!(out, "(throw {tag} (i32.const {value}))"),
            Stmt::Call(func) => write!(out, "(call $f{func})"),
            Stmt::Br(label) => write!(out, "(br $l{label})"),
            Stmt::Rethrow(label) => write!(out, "(rethrow $l{label})"),
            Stmt::Block(label, body) => {
                let _ = write!(out, "(block $l{label} ");
                write(body, out);
                write!(out, ")")
            }
            Stmt::Below(constant, body) => {
                let _ = match constant {
                    Some(value) => write!(out, "(i32.const {value}) "),
                    None => write!(out, "(local.get $n) "),
                };
                write(body, out);
                write!(out, "(call $log)")
            }
            Stmt::Try(label, body, clauses, all) => {
                let _ = write!(out, "(try $l{label} (do ");
                write(body, out);
                let _ = write!(out, ")");
                for (tag, clause) in clauses {
                    let _ = write!(out, "(catch {tag} (call $log) ");
                    write(clause, out);
                    let _ = write!(out, ")");
                }
                if let Some(clause) = all {
                    let _ = write!(out, "(catch_all ");
                    write(clause, out);
                    let _ = write!(out, ")");
                }
                write!(out, ")")
            }
            Stmt::Delegate(label, body, target) => {
                let _ = write!(out, "(try $l{label} (do ");
                write(body, out);
                match target {
                    Some(target) => write!(out, ") (delegate $l{target}))"),
                    None => write!(out, ") (delegate $out))"),
                }
            }
            Stmt::Table(label, body, tag, clause, again) => {
                let values = if tag.is_some() {
                    "i32 exnref"
                } else {
                    "exnref"
                };
                let _ = write!(out, "(block $l{label} (block $h{label} (result {values}) ");
                let _ = match tag {
                    Some(tag) => write!(out, "(try_table (catch_ref {tag} $h{label}) "),
                    None => write!(out, "(try_table (catch_all_ref $h{label}) "),
                };
                write(body, out);
                // A local for each, as the clause may catch something itself.
                let _ = write!(out, ") (br $l{label})) (local.set $e{label})");
                if tag.is_some() {
                    let _ = write!(out, "(call $log)");
                }
                // What the clause leaves by must not be the block around it.
                write(clause, out);
                match again {
                    true => write!(out, "(throw_ref (local.get $e{label})))"),
                    false => write!(out, ")"),
                }
            }
            Stmt::TableTo(body, label) => {
                let _ = write!(out, "(try_table (catch_all $l{label}) ");
                write(body, out);
                write!(out, ")")
            }
        };
    }
}

/// How statements are left.
enum Flow {
    Next,
    Br(u32),
    Throw(u32, u32),
    /// An exception on its way to a label, or out of the function, by which nothing catches it.
    Delegated(Option<u32>, u32, u32),
}

struct Model<'a> {
    funcs: &'a [Vec<Stmt>],
    log: u32,
}

/// A function's run.
#[derive(Default)]
struct Locals {
    n: u32,
    /// What clauses caught that are running, by label.
    caught: Vec<(u32, u32, u32)>,
}

impl Model<'_> {
    fn log(&mut self, value: u32) {
        self.log = self.log.wrapping_mul(31).wrapping_add(value);
    }

    fn call(&mut self, func: usize) -> Flow {
        let funcs = self.funcs;
        match self.run(&funcs[func], &mut Locals::default()) {
            Flow::Delegated(None, tag, value) => Flow::Throw(tag, value),
            flow => flow,
        }
    }

    fn run(&mut self, stmts: &[Stmt], locals: &mut Locals) -> Flow {
        for stmt in stmts {
            match self.step(stmt, locals) {
                Flow::Next => {}
                flow => return flow,
            }
        }
        Flow::Next
    }

    /// A block's end: branches to it have arrived, and exceptions that go there go on from there.
    fn arrive(flow: Flow, label: u32) -> Flow {
        match flow {
            Flow::Br(to) if to == label => Flow::Next,
            Flow::Delegated(Some(to), tag, value) if to == label => Flow::Throw(tag, value),
            flow => flow,
        }
    }

    fn step(&mut self, stmt: &Stmt, locals: &mut Locals) -> Flow {
        match stmt {
            Stmt::Log(value) => self.log(*value),
            Stmt::Bump => {
                self.log(locals.n);
                locals.n += 1;
            }
            Stmt::Throw(tag, value) => return Flow::Throw(*tag, *value),
            Stmt::Call(func) => return self.call(*func),
            Stmt::Br(label) => return Flow::Br(*label),
            Stmt::Rethrow(label) => {
                let caught = locals.caught.iter().rev();
                let mut caught = caught.filter(|(of, ..)| of == label);
                let &(_, tag, value) = caught.next().expect("in a clause");
                return Flow::Throw(tag, value);
            }
            Stmt::Block(label, body) => return Self::arrive(self.run(body, locals), *label),
            Stmt::Below(constant, body) => {
                let below = constant.unwrap_or(locals.n);
                match self.run(body, locals) {
                    Flow::Next => self.log(below),
                    flow => return flow,
                }
            }
            Stmt::Try(label, body, clauses, all) => {
                // What is delegated to it from its body is caught here.
                let (tag, value) = match Self::arrive(self.run(body, locals), *label) {
                    Flow::Throw(tag, value) => (tag, value),
                    flow => return flow,
                };
                let clause = match clauses.iter().find(|(of, _)| *of == tag) {
                    Some((_, clause)) => {
                        self.log(value);
                        clause
                    }
                    None => match all {
                        Some(clause) => clause,
                        None => return Flow::Throw(tag, value),
                    },
                };
                locals.caught.push((*label, tag, value));
                let flow = self.run(clause, locals);
                locals.caught.pop();
                return Self::arrive(flow, *label);
            }
            Stmt::Delegate(label, body, target) => {
                return match Self::arrive(self.run(body, locals), *label) {
                    Flow::Throw(tag, value) => Flow::Delegated(*target, tag, value),
                    flow => flow,
                };
            }
            Stmt::Table(label, body, wanted, clause, again) => {
                let (tag, value) = match self.run(body, locals) {
                    Flow::Br(to) if to == *label => return Flow::Next,
                    // The label is outside of what catches.
                    Flow::Delegated(Some(to), tag, value) if to == *label => {
                        return Flow::Throw(tag, value);
                    }
                    Flow::Throw(tag, value) if wanted.is_none_or(|wanted| wanted == tag) => {
                        (tag, value)
                    }
                    flow => return flow,
                };
                if wanted.is_some() {
                    self.log(value);
                }
                match self.run(clause, locals) {
                    Flow::Next if *again => return Flow::Throw(tag, value),
                    flow => return Self::arrive(flow, *label),
                }
            }
            Stmt::TableTo(body, label) => {
                return match self.run(body, locals) {
                    Flow::Throw(..) => Flow::Br(*label),
                    flow => flow,
                };
            }
        }
        Flow::Next
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    let value = std::env::var(name).ok();
    value.map_or(otherwise, |value| value.parse().expect("a number"))
}

#[test]
fn nests_do_what_the_model_does() {
    let seed = number("WALI_SEED", 1);
    let count = number("WALI_NESTS", 3000);
    let (mut caught, mut uncaught) = (0, 0);
    for round in 0..count {
        let mut maker = Maker {
            random: Random((seed << 32 | round).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            labels: 0,
            func: 0,
            around: Vec::new(),
        };
        let funcs: Vec<Vec<Stmt>> = (0..FUNCS)
            .map(|func| {
                maker.func = func;
                maker.stmts(4)
            })
            .collect();
        let mut text = String::from("(module (global $log (mut i32) (i32.const 0))");
        for _ in 0..TAGS {
            text.push_str("(tag (param i32))");
        }
        text.push_str(
            "(func $log (param i32) (global.set $log (i32.add (local.get 0)
               (i32.mul (global.get $log) (i32.const 31)))))
             (func (export \"run\") (result i32)
               (block $c (result i32) (block $b (result i32) (block $a (result i32)
                 (try_table (catch 0 $a) (catch 1 $b) (catch 2 $c) (call $f0))
                 (return (global.get $log)))
                 (call $log) (call $log (i32.const 0)) (return (global.get $log)))
                 (call $log) (call $log (i32.const 1)) (return (global.get $log)))
               (call $log) (call $log (i32.const 2)) (global.get $log))",
        );
        for (index, body) in funcs.iter().enumerate() {
            let _ = write!(text, "(func $f{index} (local $n i32) ");
            for label in 1..=maker.labels {
                let _ = write!(text, "(local $e{label} exnref)");
            }
            let _ = write!(text, "(block $out ");
            write(body, &mut text);
            text.push_str("))");
        }
        text.push(')');
        let mut model = Model {
            funcs: &funcs,
            log: 0,
        };
        match model.call(0) {
            Flow::Throw(tag, value) => {
                model.log(value);
                model.log(tag);
                uncaught += 1;
            }
            _ => caught += 1,
        }
        let bytes = wat::parse_str(unfold(&text)).unwrap_or_else(|e| panic!("{e}\n{text}"));
        let module = Module::new(&bytes).unwrap_or_else(|e| panic!("{e}\n{text}"));
        let instance = Instance::new(&module, &Imports::new()).expect("an instance");
        match instance.invoke("run", &[]) {
            Ok(values) if matches!(values[..], [Value::I32(v)] if v as u32 == model.log) => {}
            other => panic!(
                "seed {seed}, round {round}: {other:?}, not {}\n{text}",
                model.log
            ),
        }
    }
    println!("{count} nests: {uncaught} end by an exception, {caught} otherwise");
    assert!(uncaught > count / 10 && caught > count / 10);
}
