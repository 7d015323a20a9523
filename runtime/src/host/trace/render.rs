//! A call as text: what goes in before it is made, what comes out after it.

use std::fmt::Write;

use super::sockets;
use super::special;
use super::value::{self, Zero};
use crate::host::abi::{GuestMemory, MAX_ARGS, is_error};
use crate::host::bindings::metadata::sets;
use crate::host::mappings::PAGE;
use crate::host::meta::{
    Arg, ArgType, By, Call, Case, Dir, Element, FieldType, Len, Pointee, Returns, Role, Scalar,
    Struct,
};

/// Longest path that is shown, as long as the kernel takes.
const PATH_MAX: usize = wali_arch::flags::exec_limits::PATH_MAX as usize;

/// Text behind one argument after which arrays end.
const ENOUGH: usize = 1 << 14;

/// Structures within structures that are followed.
const DEPTH: u32 = 5;

/// A signal's default action, in place of a handler.
const DEFAULT: u64 = libc::SIG_DFL as u64;

/// No action.
const IGNORE: u64 = libc::SIG_IGN as u64;

/// What to show of data.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of strings and buffers, and elements of arrays.
    pub string: usize,
    /// Whether structures are shown with all their fields.
    pub verbose: bool,
}

/// A call as it is for its arguments.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    call: &'static Call,
    args: &'static [Arg],
    returns: Returns,
    pub by: By,
}

impl Shape {
    /// What the call is for these arguments.
    pub fn of(call: &'static Call, words: &[u64; MAX_ARGS]) -> Shape {
        let mut shape = Shape {
            call,
            args: call.args,
            returns: call.returns,
            by: call.by,
        };
        let mut below = call.cases;
        while let Some(cases) = below {
            let selector = match &shape.args[cases.by].ty {
                ArgType::Value(scalar) | ArgType::Flags(scalar, _) => *scalar,
                ArgType::Pointer(..) | ArgType::Unused => break,
            };
            let value = value::bits(selector, words[cases.by]);
            let known = |case: &Case| {
                value::bits(selector, (case.value & case.mask) as u64)
                    == value & value::bits(selector, case.mask as u64)
            };
            let Some(case) = cases.of.iter().find(|case| known(case)) else {
                shape.by = cases.otherwise;
                break;
            };
            (shape.args, shape.returns, shape.by) = (case.args, case.returns, case.by);
            below = case.cases;
        }
        shape
    }

    /// A result as text; `result` is the kernel's, negative for errors.
    pub fn result(&self, out: &mut String, result: i64) {
        match self.returns {
            Returns::Value(scalar) if self.call.family == "aux" => {
                let _ = write!(out, "{}", value::number(scalar, result as u64));
            }
            _ if is_error(result) => value::error(out, -result as i32),
            Returns::Value(scalar) => match scalar.role {
                // A descriptor among results is no directory to start from.
                Role::Plain | Role::Descriptor => {
                    let _ = write!(out, "{result}");
                }
                _ => value::scalar(out, scalar, result as u64),
            },
            Returns::Flags(set) => {
                let ty = Scalar {
                    bits: 64,
                    signed: false,
                    role: Role::Plain,
                };
                let mut names = String::new();
                let zero = special::zero(self.call, set);
                value::constants(&mut names, ty, set, result as u64, zero);
                let _ = match (result, names.as_str()) {
                    (0, "0") => out.write_str("0"),
                    (0, names) => write!(out, "0 (flags {names})"),
                    (_, names) => write!(out, "{result:#x} (flags {names})"),
                };
            }
            Returns::Nothing => {
                let _ = write!(out, "{result}");
            }
            Returns::Never => out.push('?'),
        }
    }
}

/// The arguments of a call under way.
pub(super) struct Arguments {
    shape: Shape,
    words: [u64; MAX_ARGS],
    /// What was to be read before the call; none for what the call writes.
    before: Vec<Option<String>>,
    /// Lengths before the call, which may change them.
    lengths: [u64; MAX_ARGS],
}

/// Reads the guest's memory.
#[derive(Clone, Copy)]
struct Reader<'a> {
    memory: GuestMemory,
    limits: &'a Limits,
}

impl Arguments {
    /// Before the call.
    pub fn new(
        shape: Shape,
        words: &[u64; MAX_ARGS],
        memory: GuestMemory,
        limits: &Limits,
    ) -> Arguments {
        let reader = Reader { memory, limits };
        let mut arguments = Arguments {
            shape,
            words: *words,
            before: Vec::new(),
            lengths: [0; MAX_ARGS],
        };
        for (i, arg) in shape.args.iter().enumerate().take(MAX_ARGS) {
            arguments.lengths[i] = arguments.length_of(i, reader);
            let text = match arg.ty {
                ArgType::Pointer(dir, ref to)
                    if dir == Dir::Out || arguments.is_filled(dir, to) =>
                {
                    None
                }
                _ => Some(arguments.text(i, None, reader)),
            };
            arguments.before.push(text);
        }
        arguments
    }

    /// Whether this is a vector whose pieces the call fills.
    fn is_filled(&self, dir: Dir, to: &Pointee) -> bool {
        let structures = matches!(
            to,
            Pointee::Struct(_) | Pointee::Array(Element::Struct(_), _)
        );
        dir == Dir::In && structures && special::fills(self.shape.call.name)
    }

    /// The length or count that this argument is, or that it points to.
    fn length_of(&self, at: usize, reader: Reader<'_>) -> u64 {
        match &self.shape.args[at].ty {
            ArgType::Value(scalar) | ArgType::Flags(scalar, _) => {
                value::bits(*scalar, self.words[at])
            }
            ArgType::Pointer(_, Pointee::Scalar(scalar)) => {
                reader.scalar(*scalar, self.words[at] as u32).unwrap_or(0)
            }
            ArgType::Pointer(..) | ArgType::Unused => 0,
        }
    }

    /// The arguments as they were before the call, for calls that do not come back.
    pub fn entering(&self) -> String {
        self.list(|i| match &self.before[i] {
            Some(text) => text.clone(),
            None => address(self.words[i]),
        })
    }

    /// The arguments after the call.
    pub fn leaving(&self, result: i64, memory: GuestMemory, limits: &Limits) -> String {
        let reader = Reader { memory, limits };
        self.list(|i| {
            let ArgType::Pointer(dir, to) = &self.shape.args[i].ty else {
                return self.before[i].clone().unwrap_or_default();
            };
            let succeeded = !is_error(result);
            match (&self.before[i], succeeded) {
                (Some(text), true) if *dir == Dir::InOut => {
                    let after = self.text(i, Some(result), reader);
                    if after == *text {
                        after
                    } else {
                        format!("{text} => {after}")
                    }
                }
                (Some(text), _) => text.clone(),
                (None, true) => self.text(i, Some(result), reader),
                // The vector itself went in.
                (None, false) if self.is_filled(*dir, to) => self.text(i, Some(0), reader),
                (None, false) => address(self.words[i]),
            }
        })
    }

    fn list(&self, text: impl Fn(usize) -> String) -> String {
        let mut out = String::new();
        for i in 0..self.before.len() {
            if special::is_shown(self.shape.args, &self.words, i) {
                if !out.is_empty() {
                    out.push_str(", ");
                }
                out.push_str(&text(i));
            }
        }
        out
    }

    /// An argument; `result` is there after a call that succeeded.
    fn text(&self, at: usize, result: Option<i64>, reader: Reader<'_>) -> String {
        let (mut out, word) = (String::new(), self.words[at]);
        let arg = &self.shape.args[at];
        if sockets::argument(&mut out, self.shape.call, arg, word)
            || self.address(&mut out, at, result, reader)
        {
            return out;
        }
        match &arg.ty {
            _ if special::is_strings(self.shape.call, arg) => {
                // strace shows the environment's size only; its names say little here.
                reader.strings(&mut out, word as u32, arg.name == "argv");
            }
            ArgType::Pointer(_, Pointee::Scalar(scalar))
                if special::is_status(self.shape.call, arg) && word as u32 != 0 =>
            {
                // With 0 for a result there was no child to tell of.
                match reader
                    .scalar(*scalar, word as u32)
                    .filter(|_| result != Some(0))
                {
                    Some(status) => value::wait_status(&mut out, status as i32),
                    None => value::address(&mut out, u64::from(word as u32)),
                }
            }
            ArgType::Value(scalar) => match special::argument_set(self.shape.call, arg) {
                Some(set) => value::constants(&mut out, *scalar, set, word, Zero::Alone),
                None => self.scalar(&mut out, *scalar, word),
            },
            ArgType::Flags(scalar, set) => {
                let zero = special::zero(self.shape.call, set);
                value::constants(&mut out, *scalar, set, word, zero);
            }
            ArgType::Pointer(dir, to) => {
                self.pointee(&mut out, word as u32, *dir, to, result, reader);
            }
            ArgType::Unused => {}
        }
        out
    }

    /// Writes a socket's address, if this is one that is known.
    fn address(
        &self,
        out: &mut String,
        at: usize,
        result: Option<i64>,
        reader: Reader<'_>,
    ) -> bool {
        let (call, word) = (self.shape.call, self.words[at] as u32);
        let Some(length) = sockets::address_length(call, self.shape.args, at) else {
            return false;
        };
        let mut len = self.length_of(length, reader);
        if result.is_some() {
            len = len.min(self.lengths[length]);
        }
        let len = len.min(sockets::LONGEST as u64) as usize;
        let bytes = if word == 0 {
            None
        } else {
            reader.copy(word, len)
        };
        bytes.is_some_and(|bytes| sockets::address(out, &bytes))
    }

    fn scalar(&self, out: &mut String, scalar: Scalar, word: u64) {
        let names = sets::at_fd.members;
        let special = names
            .iter()
            .find(|(_, v)| i128::from(*v) == value::number(scalar, word));
        match special {
            Some((name, _))
                if scalar.role == Role::Descriptor && special::has_path(self.shape.call) =>
            {
                out.push_str(name);
            }
            _ => value::scalar(out, scalar, word),
        }
    }

    /// How many there are, as the arguments say, and, if the call wrote them and its result
    /// counts what it wrote, as that says.
    fn count(&self, len: Len, dir: Dir, result: Option<i64>, reader: Reader<'_>) -> u64 {
        let given = match len {
            Len::Fixed(n) => n,
            Len::Arg(at) if result.is_some() => self.length_of(at, reader).min(self.lengths[at]),
            Len::Arg(at) => self.length_of(at, reader),
        };
        match (dir, self.shape.returns, result) {
            (Dir::Out, Returns::Value(scalar), Some(result)) if scalar.role == Role::Plain => {
                given.min(result as u64)
            }
            _ => given,
        }
    }

    fn pointee(
        &self,
        out: &mut String,
        at: u32,
        dir: Dir,
        to: &Pointee,
        result: Option<i64>,
        reader: Reader<'_>,
    ) {
        if at == 0 {
            return out.push_str("NULL");
        }
        // What a call that fills several pieces put into all of them.
        let mut filled = match result {
            Some(result) if self.is_filled(dir, to) => result as u64,
            _ => u64::MAX,
        };
        match to {
            Pointee::Bytes(len) => {
                let count = self.count(*len, dir, result, reader);
                reader.bytes(out, at, count);
            }
            Pointee::Path => reader.string(out, at, PATH_MAX),
            Pointee::String => reader.string(out, at, reader.limits.string),
            Pointee::Scalar(scalar) if scalar.role == Role::Signals => {
                match reader.scalar(*scalar, at) {
                    Some(set) => value::scalar(out, *scalar, set),
                    None => value::address(out, u64::from(at)),
                }
            }
            Pointee::Scalar(scalar) => {
                reader.array(out, at, &Element::Scalar(*scalar), 1, &mut filled, DEPTH)
            }
            Pointee::Struct(s) => reader.structure_at(out, at, s, &mut filled, DEPTH),
            Pointee::Array(element, len) => {
                let count = self.count(*len, dir, result, reader);
                reader.array(out, at, element, count, &mut filled, DEPTH);
            }
        }
    }
}

fn address(word: u64) -> String {
    let mut out = String::new();
    value::address(&mut out, u64::from(word as u32));
    out
}

impl Reader<'_> {
    /// Copies `len` bytes out; none if some are not accessible.
    fn copy(self, at: u32, len: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; len];
        self.memory.read(at, &mut bytes).ok()?;
        Some(bytes)
    }

    fn scalar(self, scalar: Scalar, at: u32) -> Option<u64> {
        Some(word(&self.copy(at, usize::from(scalar.bits / 8))?))
    }

    fn bytes(self, out: &mut String, at: u32, count: u64) {
        let shown = count.min(self.limits.string as u64);
        match self.copy(at, shown as usize) {
            Some(bytes) => value::quoted(out, &bytes, shown < count),
            None => value::address(out, u64::from(at)),
        }
    }

    /// A string up to its NUL, as far as it is accessible.
    fn string(self, out: &mut String, at: u32, most: usize) {
        let mut bytes = Vec::new();
        while bytes.len() <= most {
            // From page to page: there may be no next one.
            let from = u64::from(at) + bytes.len() as u64;
            let to_page = (PAGE - from % PAGE) as usize;
            let chunk = to_page.min(most + 1 - bytes.len());
            let Some(read) = u32::try_from(from).ok().and_then(|at| self.copy(at, chunk)) else {
                return value::address(out, u64::from(at));
            };
            if let Some(end) = read.iter().position(|byte| *byte == 0) {
                bytes.extend_from_slice(&read[..end]);
                break;
            }
            bytes.extend_from_slice(&read);
        }
        let more = bytes.len() > most;
        value::quoted(out, &bytes[..bytes.len().min(most)], more);
    }

    /// An array of addresses of strings, up to a null; or how many there are.
    fn strings(self, out: &mut String, at: u32, shown: bool) {
        if at == 0 {
            return out.push_str("NULL");
        }
        let (begin, mut count) = (out.len(), 0);
        out.push('[');
        // The kernel takes as many as fit into a few megabytes; this has to end, too.
        for i in 0..1 << 16 {
            let place = u32::try_from(u64::from(at) + 4 * i).ok();
            let Some(bytes) = place.and_then(|place| self.copy(place, 4)) else {
                out.truncate(begin);
                return value::address(out, u64::from(at));
            };
            let string = word(&bytes) as u32;
            if string == 0 {
                break;
            }
            count += 1;
            if shown && count <= self.limits.string {
                out.push_str(if i == 0 { "" } else { ", " });
                self.string(out, string, self.limits.string);
            }
        }
        if shown {
            out.push_str(if count > self.limits.string {
                ", ...]"
            } else {
                "]"
            });
        } else {
            out.truncate(begin);
            let _ = write!(out, "{at:#x} /* {count} vars */");
        }
    }

    fn array(
        self,
        out: &mut String,
        at: u32,
        element: &Element,
        count: u64,
        filled: &mut u64,
        depth: u32,
    ) {
        let size = match element {
            Element::Byte => return self.bytes(out, at, count),
            Element::Scalar(scalar) if scalar.role == Role::Text => {
                return self.bytes(out, at, count);
            }
            Element::Scalar(scalar) => u64::from(scalar.bits / 8),
            Element::Struct(s) => u64::from(s.size),
        };
        let begin = out.len();
        out.push('[');
        for i in 0..count {
            if i > 0 {
                out.push_str(", ");
            }
            if i >= self.limits.string as u64 || out.len() > ENOUGH {
                out.push_str("...");
                break;
            }
            let place = u32::try_from(u64::from(at) + i * size).ok();
            let Some(bytes) = place.and_then(|at| self.copy(at, size as usize)) else {
                if i == 0 {
                    out.truncate(begin);
                    return value::address(out, u64::from(at));
                }
                let _ = write!(out, "... /* {:#x} */", u64::from(at) + i * size);
                break;
            };
            match element {
                Element::Byte => {}
                Element::Scalar(scalar) => value::scalar(out, *scalar, word(&bytes)),
                Element::Struct(s) => self.structure(out, &bytes, s, filled, depth),
            }
        }
        out.push(']');
    }

    fn structure_at(self, out: &mut String, at: u32, s: &Struct, filled: &mut u64, depth: u32) {
        match self.copy(at, s.size as usize) {
            Some(bytes) => self.structure(out, &bytes, s, filled, depth),
            None => value::address(out, u64::from(at)),
        }
    }

    /// A structure whose bytes have been read.
    fn structure(self, out: &mut String, bytes: &[u8], s: &Struct, filled: &mut u64, depth: u32) {
        let Some(depth) = depth.checked_sub(1) else {
            return out.push_str("{...}");
        };
        let brief = special::BRIEF
            .iter()
            .find(|(name, _)| *name == s.name && !self.limits.verbose)
            .map(|(_, fields)| *fields);
        out.push('{');
        let mut first = true;
        for field in s.fields {
            if special::is_padding(field.name)
                || brief.is_some_and(|fields| !fields.contains(&field.name))
            {
                continue;
            }
            out.push_str(if first { "" } else { ", " });
            first = false;
            let _ = write!(out, "{}=", field.name);
            let from = bytes.get(field.offset as usize..).unwrap_or_default();
            match &field.ty {
                FieldType::Scalar(scalar) => self.field(out, s, field.name, *scalar, from),
                FieldType::Array(scalar, count) => self.embedded(out, *scalar, *count, from),
                FieldType::Struct(s) => self.structure(out, from, s, filled, depth),
                FieldType::Pointer(_, element, len) => {
                    let at = word(&from[..4.min(from.len())]) as u32;
                    let count = match s.fields.get(*len) {
                        Some(len) => self.sibling(len, bytes),
                        None => 0,
                    };
                    if at == 0 {
                        out.push_str("NULL");
                    } else if matches!(element, Element::Byte) {
                        let there = count.min(*filled);
                        *filled -= if *filled == u64::MAX { 0 } else { there };
                        self.bytes(out, at, there);
                    } else {
                        self.array(out, at, element, count, filled, depth);
                    }
                }
            }
        }
        if brief.is_some() {
            out.push_str(", ...");
        }
        out.push('}');
    }

    /// The value of a field that is the length of another.
    fn sibling(self, field: &crate::host::meta::Field, bytes: &[u8]) -> u64 {
        let from = bytes.get(field.offset as usize..).unwrap_or_default();
        match field.ty {
            FieldType::Scalar(scalar) => {
                let size = usize::from(scalar.bits / 8).min(from.len());
                value::bits(scalar, word(&from[..size]))
            }
            _ => 0,
        }
    }

    fn field(self, out: &mut String, s: &Struct, name: &str, scalar: Scalar, from: &[u8]) {
        let word = word(&from[..usize::from(scalar.bits / 8).min(from.len())]);
        if special::MODES.contains(&(s.name, name)) {
            return value::mode(out, word);
        }
        // Values with a name of their own among others that are what they are.
        match (s.name, name, word) {
            ("rlimit", _, u64::MAX) => return out.push_str("RLIM64_INFINITY"),
            ("k_sigaction", "sa_handler", DEFAULT) => return out.push_str("SIG_DFL"),
            ("k_sigaction", "sa_handler", IGNORE) => return out.push_str("SIG_IGN"),
            _ => {}
        }
        match special::field_set(s.name, name) {
            Some(set) => {
                let zero = match set.name == sets::open_flags.name {
                    true => Zero::Beside,
                    false => Zero::Alone,
                };
                value::constants(out, scalar, set, word, zero);
            }
            None => value::scalar(out, scalar, word),
        }
    }

    /// An array inside a structure: text up to its NUL, or numbers.
    fn embedded(self, out: &mut String, scalar: Scalar, count: u32, from: &[u8]) {
        let size = usize::from(scalar.bits / 8).max(1);
        let all = from.get(..size * count as usize).unwrap_or(from);
        if scalar.role == Role::Text {
            let end = all.iter().position(|byte| *byte == 0).unwrap_or(all.len());
            let shown = end.min(self.limits.string);
            return value::quoted(out, &all[..shown], shown < end);
        }
        out.push('[');
        for (i, element) in all.chunks_exact(size).enumerate() {
            out.push_str(if i == 0 { "" } else { ", " });
            if i >= self.limits.string {
                out.push_str("...");
                break;
            }
            value::scalar(out, scalar, word(element));
        }
        out.push(']');
    }
}

/// Up to eight bytes as the guest, which is little-endian, means them.
fn word(bytes: &[u8]) -> u64 {
    let mut all = [0; 8];
    let len = bytes.len().min(8);
    all[..len].copy_from_slice(&bytes[..len]);
    u64::from_le_bytes(all)
}
