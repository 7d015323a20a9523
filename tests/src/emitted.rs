//! What a compiler has made of the interpreter: its code read back, and the ways through it.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::process::Command;

/// A machine instruction.
#[derive(Debug, Clone)]
pub struct Instruction {
    address: u64,
    mnemonic: String,
    operands: String,
    /// What a relocation puts there: a symbol, and whether its start is meant.
    symbol: Option<(String, bool)>,
}

/// The functions of an archive of object files, by symbol, and the handlers it lists.
#[derive(Debug, Default)]
pub struct Code {
    functions: HashMap<String, Vec<Instruction>>,
    /// The symbols in the table `wali_handlers`.
    pub handlers: Vec<String>,
}

impl Code {
    /// Reads a library of `wali-runtime`.
    ///
    /// # Errors
    /// If it cannot be disassembled, or has no table of handlers.
    pub fn read(library: &Path) -> Result<Code, String> {
        let mut code = Code::default();
        let relocations = objdump(library, &["-r"])?;
        let table = relocations
            .split("\n\n")
            .find(|section| section.contains("[.data.rel.ro.wali_handlers]"))
            .ok_or_else(|| format!("{} has no table wali_handlers", library.display()))?;
        // Behind two lines of headings: offset, type, symbol.
        for line in table.trim().lines().skip(2) {
            let value = line.split_whitespace().nth(2).unwrap_or_default();
            code.handlers.push(symbol(value).0);
        }
        let text = objdump(library, &["-d", "-r", "--no-show-raw-insn"])?;
        let mut function = Vec::new();
        let mut name = String::new();
        for line in text.lines() {
            if let Some(label) = line.strip_suffix(">:").and_then(|l| l.split_once(" <")) {
                // Local labels are inside of a function.
                if !label.1.starts_with(".L") {
                    code.functions.insert(name, std::mem::take(&mut function));
                    name = label.1.to_string();
                }
            } else if let Some((address, rest)) = line.split_once(':') {
                let Ok(address) = u64::from_str_radix(address.trim(), 16) else {
                    continue;
                };
                let mut words = rest.split_whitespace();
                let Some(first) = words.next() else { continue };
                let rest = words.collect::<Vec<_>>().join(" ");
                match function.last_mut() {
                    Some(Instruction { symbol: at, .. }) if first.starts_with("R_") => {
                        // More than one is the linker's business; the first names the symbol.
                        at.get_or_insert(symbol(&rest));
                    }
                    _ => function.push(Instruction {
                        address,
                        mnemonic: first.to_string(),
                        operands: rest,
                        symbol: None,
                    }),
                }
            }
        }
        code.functions.insert(name, function);
        Ok(code)
    }
}

fn objdump(library: &Path, arguments: &[&str]) -> Result<String, String> {
    let tool = "llvm-objdump-19";
    let output = Command::new(tool).args(arguments).arg(library).output();
    let output = output.map_err(|e| format!("{tool}: {e}; install llvm-19"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    String::from_utf8(output.stdout).map_err(|e| e.to_string())
}

/// The symbol of a relocation, which may be its section's, and whether its start is meant.
fn symbol(value: &str) -> (String, bool) {
    let sign = value.rfind(['+', '-']).filter(|&at| {
        let addend = value[at + 1..].strip_prefix("0x").unwrap_or("-");
        u64::from_str_radix(addend, 16).is_ok()
    });
    let (name, addend) = value.split_at(sign.unwrap_or(value.len()));
    let name = name
        .strip_prefix(".text.unlikely.")
        .or_else(|| name.strip_prefix(".text."))
        .unwrap_or(name);
    // On x86-64 the distance counts from the end of the instruction.
    (name.to_string(), addend.is_empty() || addend == "-0x4")
}

/// Where an instruction leads.
enum Flow {
    Next,
    /// Onwards, or there.
    Branch(u64),
    Jump(u64),
    /// To another function, if not onwards.
    TailBranch(String),
    Tail(String),
    /// To where a register says.
    Indirect,
    Call(String),
    CallIndirect,
    Return,
    /// Nowhere.
    End,
    /// This is not known.
    Unclear,
}

/// What an instruction does to the stack pointer.
enum Stack {
    Untouched,
    /// It makes room for so many bytes, or gives them back.
    Grown(i64),
    Unclear,
}

/// How to read the code of an ISA.
struct Reader {
    isa: &'static str,
    flow: fn(&Instruction, Option<&Instruction>) -> Flow,
    stack: fn(&Instruction) -> Stack,
}

const READERS: [Reader; 4] = [
    Reader {
        isa: "x86_64",
        flow: x86_flow,
        stack: x86_stack,
    },
    Reader {
        isa: "aarch64",
        flow: aarch64_flow,
        stack: aarch64_stack,
    },
    Reader {
        isa: "riscv64",
        flow: riscv_flow,
        stack: riscv_stack,
    },
    Reader {
        isa: "loongarch64",
        flow: loongarch_flow,
        stack: loongarch_stack,
    },
];

fn number(text: &str) -> Option<i64> {
    let text = text.trim_start_matches(['$', '#']);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let value = match digits.strip_prefix("0x") {
        Some(hex) => i64::from_str_radix(hex, 16).ok()?,
        None => digits.parse().ok()?,
    };
    Some(if negative { -value } else { value })
}

impl Instruction {
    fn operand(&self, index: usize) -> &str {
        self.operands.split(", ").nth(index).unwrap_or("")
    }

    /// The place in this function that the operands end with.
    fn target(&self) -> Option<u64> {
        let text = self.operands.split(" <").next()?;
        let last = text.rsplit([' ', ',']).next()?;
        u64::from_str_radix(last.strip_prefix("0x")?, 16).ok()
    }

    /// A jump to a place that a relocation or the operands name.
    fn direct(&self, local: fn(u64) -> Flow, tail: fn(String) -> Flow) -> Flow {
        match (&self.symbol, self.target()) {
            (Some((name, true)), _) if !name.starts_with(".L") => tail(name.clone()),
            (Some((_, false)), _) => Flow::Unclear,
            (_, Some(address)) => local(address),
            (_, None) => Flow::Unclear,
        }
    }

    fn called(&self) -> Flow {
        match &self.symbol {
            Some((name, _)) => Flow::Call(name.clone()),
            None => Flow::Unclear,
        }
    }
}

fn x86_flow(i: &Instruction, _: Option<&Instruction>) -> Flow {
    let pointer = i.operands.starts_with('*') && i.symbol.is_none();
    match i.mnemonic.trim_end_matches('q') {
        "jmp" if pointer => Flow::Indirect,
        "jmp" => i.direct(Flow::Jump, Flow::Tail),
        "call" if pointer => Flow::CallIndirect,
        "call" => i.called(),
        "ret" => Flow::Return,
        "ud2" | "int3" | "hlt" => Flow::End,
        other if other.starts_with('j') => i.direct(Flow::Branch, Flow::TailBranch),
        _ => Flow::Next,
    }
}

fn x86_stack(i: &Instruction) -> Stack {
    let by = number(i.operand(0));
    match (i.mnemonic.as_str(), by) {
        ("pushq", _) => Stack::Grown(8),
        ("popq", _) if i.operands != "%rsp" => Stack::Grown(-8),
        ("subq", Some(by)) if i.operand(1) == "%rsp" => Stack::Grown(by),
        ("addq", Some(by)) if i.operand(1) == "%rsp" => Stack::Grown(-by),
        ("cmpq" | "testq", _) => Stack::Untouched,
        ("leave" | "enter", _) => Stack::Unclear,
        _ if i.operands.ends_with(" %rsp") || i.operands == "%rsp" => Stack::Unclear,
        _ => Stack::Untouched,
    }
}

fn aarch64_flow(i: &Instruction, _: Option<&Instruction>) -> Flow {
    match i.mnemonic.as_str() {
        "b" => i.direct(Flow::Jump, Flow::Tail),
        "br" => Flow::Indirect,
        "bl" => i.called(),
        // With a symbol it is that of a thread-local variable's descriptor, by the ABI.
        "blr" if i.symbol.is_some() => i.called(),
        "blr" => Flow::CallIndirect,
        "ret" => Flow::Return,
        "brk" | "udf" => Flow::End,
        "cbz" | "cbnz" | "tbz" | "tbnz" => i.direct(Flow::Branch, Flow::TailBranch),
        other if other.starts_with("b.") => i.direct(Flow::Branch, Flow::TailBranch),
        other if other.starts_with("br") || other.starts_with("ret") => Flow::Unclear,
        _ => Flow::Next,
    }
}

fn aarch64_stack(i: &Instruction) -> Stack {
    let same = i.operand(0) == "sp" && i.operand(1) == "sp";
    let text = &i.operands;
    match (i.mnemonic.as_str(), number(i.operand(2))) {
        ("sub", Some(by)) if same => Stack::Grown(by),
        ("add", Some(by)) if same => Stack::Grown(-by),
        ("cmp" | "cmn", _) => Stack::Untouched,
        // Written back: before the access, or after it.
        _ if text.contains("[sp") && text.ends_with("]!") => text
            .rsplit_once(", ")
            .and_then(|(_, by)| number(by.trim_end_matches("]!")))
            .map_or(Stack::Unclear, |by| Stack::Grown(-by)),
        _ if text.contains("[sp], ") => text
            .rsplit_once(", ")
            .and_then(|(_, by)| number(by))
            .map_or(Stack::Unclear, |by| Stack::Grown(-by)),
        _ if i.operand(0) == "sp" => Stack::Unclear,
        _ => Stack::Untouched,
    }
}

/// The symbol whose distance the instruction before has put into the same register.
fn paired<'a>(i: &Instruction, before: Option<&'a Instruction>, high: &str) -> Option<&'a str> {
    let before = before.filter(|b| b.mnemonic == high)?;
    let (name, start) = before.symbol.as_ref()?;
    let register = before.operand(0);
    let mut operands = i.operands.split([',', ' ', '(', ')', '<']);
    (*start && operands.any(|o| o == register)).then_some(name)
}

fn riscv_flow(i: &Instruction, before: Option<&Instruction>) -> Flow {
    let paired = paired(i, before, "auipc").map(str::to_string);
    match i.mnemonic.as_str() {
        "ret" => Flow::Return,
        "jr" => paired.map_or(Flow::Indirect, Flow::Tail),
        "jalr" => match (i.operand(0), paired) {
            ("zero", _) => Flow::Unclear,
            (_, Some(name)) => Flow::Call(name),
            _ => Flow::CallIndirect,
        },
        "j" => i.direct(Flow::Jump, Flow::Tail),
        "jal" => i.called(),
        "unimp" | "ebreak" | "c.unimp" => Flow::End,
        "beq" | "bne" | "blt" | "bge" | "bltu" | "bgeu" | "beqz" | "bnez" | "bltz" | "bgez"
        | "blez" | "bgtz" | "bgt" | "ble" | "bgtu" | "bleu" => {
            i.direct(Flow::Branch, Flow::TailBranch)
        }
        _ => Flow::Next,
    }
}

fn riscv_stack(i: &Instruction) -> Stack {
    if i.operand(0) != "sp" {
        return Stack::Untouched;
    }
    match (i.mnemonic.as_str(), i.operand(1), number(i.operand(2))) {
        ("addi", "sp", Some(by)) => Stack::Grown(-by),
        _ => Stack::Unclear,
    }
}

fn loongarch_flow(i: &Instruction, before: Option<&Instruction>) -> Flow {
    let paired = paired(i, before, "pcaddu18i").map(str::to_string);
    match i.mnemonic.as_str() {
        "ret" => Flow::Return,
        "jr" => paired.map_or(Flow::Indirect, Flow::Tail),
        "jirl" => match (i.operand(0), paired) {
            ("$zero", Some(name)) => Flow::Tail(name),
            ("$zero", None) => Flow::Indirect,
            (_, Some(name)) => Flow::Call(name),
            _ => Flow::CallIndirect,
        },
        "b" => loongarch_direct(i, Flow::Jump, Flow::Tail),
        "bl" => i.called(),
        "break" => Flow::End,
        "beq" | "bne" | "blt" | "bge" | "bltu" | "bgeu" | "beqz" | "bnez" | "bltz" | "bgez"
        | "blez" | "bgtz" | "bceqz" | "bcnez" => {
            loongarch_direct(i, Flow::Branch, Flow::TailBranch)
        }
        _ => Flow::Next,
    }
}

/// Here places are told by their distance.
fn loongarch_direct(i: &Instruction, local: fn(u64) -> Flow, tail: fn(String) -> Flow) -> Flow {
    let place = i.operands.split(" <").next().unwrap_or_default();
    let distance = place.rsplit(' ').next().and_then(|last| last.parse().ok());
    match (&i.symbol, distance) {
        (None, Some(distance)) => local(i.address.wrapping_add_signed(distance)),
        _ => i.direct(local, tail),
    }
}

fn loongarch_stack(i: &Instruction) -> Stack {
    if i.operand(0) != "$sp" || i.mnemonic.starts_with("st.") {
        return Stack::Untouched;
    }
    match (i.mnemonic.as_str(), i.operand(1), number(i.operand(2))) {
        ("addi.d", "$sp", Some(by)) => Stack::Grown(-by),
        _ => Stack::Unclear,
    }
}

/// What was found on the ways through a function.
#[derive(Debug, Default)]
struct Found {
    /// Functions it goes on to.
    tails: HashSet<String>,
    calls: HashSet<String>,
    /// Whether it goes on to where a register says, with the stack as it was.
    dispatches: bool,
    /// It returns right after calls of these, or after none.
    returns: HashSet<Option<String>>,
    /// Whether a way to the next handler uses the stack and calls nothing.
    spills: bool,
    /// What must not be.
    faults: Vec<String>,
}

/// Follows all ways through a function from its start, with the bytes it has on the stack.
fn follow(reader: &Reader, function: &[Instruction]) -> Found {
    let places: HashMap<u64, usize> = function
        .iter()
        .enumerate()
        .map(|(index, i)| (i.address, index))
        .collect();
    let mut found = Found::default();
    // Place, bytes on the stack, whether there ever were any, the last call.
    let mut open = vec![(0, 0, false, None)];
    let mut seen = HashSet::new();
    while let Some(state) = open.pop() {
        if !seen.insert(state) {
            continue;
        }
        let (index, mut depth, mut used, mut called) = state;
        let Some(i) = function.get(index) else {
            found.faults.push("runs over its end".into());
            continue;
        };
        let at = format!("at {:#x}, `{} {}`", i.address, i.mnemonic, i.operands);
        if depth > 1 << 16 {
            found
                .faults
                .push(format!("{at}: the stack grows in a loop"));
            continue;
        }
        match (reader.stack)(i) {
            Stack::Untouched => {}
            Stack::Grown(by) => {
                depth += by;
                used = true;
            }
            Stack::Unclear => found
                .faults
                .push(format!("{at}: what becomes of the stack?")),
        }
        let level = |found: &mut Found| {
            if depth != 0 {
                let fault = format!("{at}: leaves {depth} bytes on the native stack");
                found.faults.push(fault);
            }
        };
        let before = index.checked_sub(1).map(|b| &function[b]);
        let mut go = |found: &mut Found, address: u64| match places.get(&address) {
            Some(&place) => open.push((place, depth, used, called)),
            None => found.faults.push(format!("{at}: leads to no instruction")),
        };
        match (reader.flow)(i, before) {
            Flow::Next => {}
            Flow::Branch(address) => go(&mut found, address),
            Flow::Jump(address) => {
                go(&mut found, address);
                continue;
            }
            Flow::TailBranch(name) => {
                level(&mut found);
                found.tails.insert(name);
            }
            Flow::Tail(name) => {
                level(&mut found);
                found.tails.insert(name);
                continue;
            }
            Flow::Indirect => {
                level(&mut found);
                found.spills |= used && called.is_none();
                found.dispatches |= depth == 0;
                continue;
            }
            Flow::Call(name) => {
                called = Some(index);
                found.calls.insert(name);
                // What ends a function never returns, even where nothing behind it says so.
                if index + 1 == function.len() {
                    continue;
                }
            }
            Flow::CallIndirect => {
                called = Some(index);
                found.faults.push(format!("{at}: calls by a pointer"));
            }
            Flow::Return => {
                level(&mut found);
                let call = called.and_then(|call: usize| {
                    let before = call.checked_sub(1).map(|b| &function[b]);
                    match (reader.flow)(&function[call], before) {
                        Flow::Call(name) => Some(name),
                        _ => None,
                    }
                });
                found.returns.insert(call);
                continue;
            }
            Flow::End => continue,
            Flow::Unclear => {
                found.faults.push(format!("{at}: where does it lead?"));
                continue;
            }
        }
        open.push((index + 1, depth, used, called));
    }
    found
}

/// What was found in the code of all handlers.
#[derive(Debug, Default)]
pub struct Report {
    /// How many functions the handlers are and lead to.
    pub functions: usize,
    /// What must not be: the first handler that leads there, the function, the fault.
    pub faults: Vec<String>,
    /// Handlers that use the native stack on their way to the next one though they call nothing.
    pub spilling: Vec<String>,
}

/// Looks whether each handler, and each function that it leaves to, goes on by a jump to the next
/// handler, with the native stack as it found it.
///
/// It may return only if that ends the run: after a call of what does so, or if it does nothing
/// else. `ends` names the handlers of which that is expected.
///
/// # Errors
/// If this code cannot be read.
pub fn dispatch(isa: &str, code: &Code, names: &[String], ends: &[&str]) -> Result<Report, String> {
    let reader = READERS.iter().find(|reader| reader.isa == isa);
    let reader = reader.ok_or_else(|| format!("nothing here reads the code of {isa}"))?;
    if names.len() != code.handlers.len() {
        let (known, listed) = (names.len(), code.handlers.len());
        return Err(format!("{known} handlers have names, {listed} are listed"));
    }
    let all = reached(reader, code, names)?;
    let mut report = Report {
        functions: all.len(),
        ..Report::default()
    };
    for (symbol, (handler, found)) in &all {
        let mut fault = |text: &str| {
            let place = format!("{isa}: {handler}: {symbol}");
            report.faults.push(format!("{place}: {text}"));
        };
        found.faults.iter().for_each(|text| fault(text));
        for call in found
            .calls
            .iter()
            .filter(|call| goes_on(reader, code, call))
        {
            fault(&format!("calls {call}, which goes on with guest code"));
        }
        let only_returns = !found.dispatches && found.tails.is_empty() && found.calls.is_empty();
        if found.returns.iter().any(|call| match call {
            None => !only_returns,
            Some(call) => !of_handlers(call),
        }) {
            fault("returns, where it should go on");
        }
        if found.spills {
            report.spilling.push(handler.to_string());
        }
    }
    for (name, symbol) in names.iter().zip(&code.handlers) {
        if !all[symbol].1.dispatches && !ends.contains(&name.as_str()) {
            let fault = format!("{isa}: {name}: {symbol}: has no jump to the next handler");
            report.faults.push(fault);
        }
    }
    report.faults.sort();
    report.spilling.sort();
    Ok(report)
}

/// The handlers and all functions that they leave to, each with a handler that leads there.
fn reached<'a>(
    reader: &Reader,
    code: &Code,
    names: &'a [String],
) -> Result<HashMap<String, (&'a str, Found)>, String> {
    let mut all: HashMap<String, (&str, Found)> = HashMap::new();
    let handlers = names.iter().zip(&code.handlers).rev();
    let mut open: Vec<(String, &str)> = handlers.map(|(n, s)| (s.clone(), n.as_str())).collect();
    while let Some((symbol, handler)) = open.pop() {
        if all.contains_key(&symbol) {
            continue;
        }
        let function = code.functions.get(&symbol);
        let function =
            function.ok_or_else(|| format!("{handler}: there is no code of {symbol}"))?;
        let found = follow(reader, function);
        // Breadth first, so that handlers are named after themselves.
        let tails = found.tails.iter().map(|tail| (tail.clone(), handler));
        open.splice(0..0, tails);
        all.insert(symbol, (handler, found));
    }
    Ok(all)
}

/// Whether a symbol is that of a function among the handlers, in either way of writing symbols.
fn of_handlers(symbol: &str) -> bool {
    symbol.contains("6interp8handlers") || symbol.contains("6interp7context")
}

/// Whether a function among the handlers leads to the next instruction of the guest's.
fn goes_on(reader: &Reader, code: &Code, symbol: &str) -> bool {
    let mut open = vec![symbol.to_string()];
    let mut seen = HashSet::new();
    while let Some(symbol) = open.pop() {
        if !of_handlers(&symbol) || !seen.insert(symbol.clone()) {
            continue;
        }
        let Some(function) = code.functions.get(&symbol) else {
            continue;
        };
        let found = follow(reader, function);
        if found.dispatches {
            return true;
        }
        open.extend(found.tails);
    }
    false
}
