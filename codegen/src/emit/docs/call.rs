//! The section of a call.

use std::fmt::Write;

use super::{CONSTANTS, STRUCTURES, answers, cases, imports};
use crate::model::{
    Arg, ArgType, Aux, By, Call, Dir, Element, FallbackArg, Len, Pointee, Restart, Returns, Role,
    Spec, WasmType,
};

/// Members up to which a set is spelt out where it is used.
const FEW: usize = 6;

/// Adds a call's section to its page.
pub(in crate::emit) fn section(out: &mut String, spec: &Spec, call: &Call) {
    heading(out, &call.name, call.doc.as_deref());
    // A call that is refused may have no arguments in the specification, which says nothing.
    if !(call.args.is_empty() && matches!(call.by, By::Refused { .. })) {
        let result = match &call.returns {
            Returns::Scalar(name) => spec.scalars[name].c.as_str(),
            Returns::Flags(_) | Returns::Nothing => "int",
            Returns::Never => "void",
        };
        prototype(out, spec, result, &call.name, &call.args);
        arguments(out, spec, &call.args);
    }
    let params = wasm(&call.guest_signature(spec));
    let _ = writeln!(out, "- Import: {}, `({params}) -> i64`", imports(call));
    if !matches!(call.by, By::Refused { .. }) {
        let _ = writeln!(out, "- Returns: {}", returns(spec, &call.returns));
    }
    if let Some(text) = restart(call.restart) {
        let _ = writeln!(out, "- Interrupted by a signal handler: {text}");
    }
    let _ = writeln!(out, "- Answer: {}", answers(spec, call));
    if let Some(text) = reason(&call.by) {
        let _ = writeln!(out, "- {text}");
    }
    if let Some(fallback) = &call.fallback {
        let lacking = spec.isas.iter().zip(&call.numbers.0);
        let lacking: Vec<&str> = lacking
            .filter(|(_, number)| number.is_none())
            .map(|(isa, _)| isa.name.as_str())
            .collect();
        let args: Vec<String> = fallback.args.iter().map(fallback_arg).collect();
        let _ = writeln!(
            out,
            "- On {}: `{}({})`",
            listed(&lacking),
            fallback.call,
            args.join(", ")
        );
    }
    let numbers: Vec<String> = spec
        .isas
        .iter()
        .zip(&call.numbers.0)
        .map(|(isa, number)| match number {
            Some(number) => format!("{number} ({})", isa.name),
            None => format!("none ({})", isa.name),
        })
        .collect();
    let _ = writeln!(out, "- Number: {}", numbers.join(", "));
    if let Some(since) = call.since {
        let _ = writeln!(out, "- Since: Linux {since}");
    }
    if let Some(table) = &call.cases {
        cases::table(out, spec, call, table);
    }
}

/// Adds the section of an import that is no system call.
pub(in crate::emit) fn auxiliary(out: &mut String, spec: &Spec, aux: &Aux) {
    heading(out, &aux.name, aux.doc.as_deref());
    let result = aux.returns.as_ref();
    let result = result.map_or("void", |name| spec.scalars[name].c.as_str());
    prototype(out, spec, result, &aux.name, &aux.args);
    arguments(out, spec, &aux.args);
    let (params, result) = aux.guest_signature(spec);
    let result = result.map_or_else(|| "()".to_owned(), |ty| wasm(&[ty]));
    let names = std::iter::once(&aux.name).chain(&aux.aliases);
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    let _ = writeln!(
        out,
        "- Import: {}, `({}) -> {result}`",
        names.join(", "),
        wasm(&params)
    );
}

fn heading(out: &mut String, name: &str, doc: Option<&str>) {
    let _ = write!(out, "\n## `{name}`\n\n");
    if let Some(doc) = doc {
        let _ = write!(out, "{doc}\n\n");
    }
}

fn wasm(types: &[WasmType]) -> String {
    let names = types.iter().map(|ty| match ty {
        WasmType::I32 => "i32",
        WasmType::I64 => "i64",
    });
    names.collect::<Vec<_>>().join(", ")
}

fn prototype(out: &mut String, spec: &Spec, result: &str, name: &str, args: &[Arg]) {
    let params: Vec<String> = args.iter().map(|arg| declaration(spec, arg)).collect();
    let params = match params.is_empty() {
        true => "void".to_owned(),
        false => params.join(", "),
    };
    let gap = if result.ends_with('*') { "" } else { " " };
    let _ = write!(out, "```c\n{result}{gap}{name}({params});\n```\n\n");
}

/// An argument as C declares it.
fn declaration(spec: &Spec, arg: &Arg) -> String {
    let structure = |name: &str| spec.structs[name].c.clone();
    let scalar = |name: &str| spec.scalars[name].c.clone();
    let ty = match &arg.ty {
        ArgType::Value { scalar: name, .. } => scalar(name),
        ArgType::Unused { scalar: Some(name) } => scalar(name),
        ArgType::Unused { scalar: None } => "void *".to_owned(),
        ArgType::Pointer { dir, to, .. } => {
            let target = match to {
                Pointee::Bytes(_) => "void".to_owned(),
                Pointee::String { .. } => "char".to_owned(),
                Pointee::Scalar(name)
                | Pointee::Array {
                    of: Element::Scalar(name),
                    ..
                } => scalar(name),
                Pointee::Struct(name)
                | Pointee::Array {
                    of: Element::Struct(name),
                    ..
                } => structure(name),
            };
            let constant = if *dir == Dir::In { "const " } else { "" };
            format!("{constant}{target} *")
        }
    };
    let gap = if ty.ends_with('*') { "" } else { " " };
    format!("{ty}{gap}{}", arg.name)
}

fn arguments(out: &mut String, spec: &Spec, args: &[Arg]) {
    if args.is_empty() {
        return;
    }
    out.push_str("| argument | is |\n|---|---|\n");
    for arg in args {
        let _ = writeln!(out, "| `{}` | {} |", arg.name, meaning(spec, &arg.ty));
    }
    out.push('\n');
}

/// What an argument is, in words.
pub(super) fn meaning(spec: &Spec, ty: &ArgType) -> String {
    match ty {
        ArgType::Unused { .. } => "not used".to_owned(),
        ArgType::Value {
            flags: Some(name), ..
        } => set(spec, name),
        ArgType::Value {
            scalar,
            flags: None,
        } => value(spec, scalar),
        ArgType::Pointer { dir, to, nullable } => {
            let count = |len: &Len| match len {
                Len::Fixed(n) => n.to_string(),
                Len::Arg(name) => format!("`{name}`"),
            };
            let what = match to {
                Pointee::Bytes(len) => format!("{} bytes", count(len)),
                Pointee::String { path: true } => "a file's name".to_owned(),
                Pointee::String { path: false } => "a string".to_owned(),
                Pointee::Scalar(name) => value(spec, name),
                Pointee::Struct(name) => structure(name),
                Pointee::Array { of, count: len } => {
                    let of = match of {
                        Element::Scalar(name) => value(spec, name),
                        Element::Struct(name) => structure(name),
                    };
                    format!("{} times {of}", count(len))
                }
            };
            let way = match dir {
                Dir::In => "reads",
                Dir::Out => "writes",
                Dir::InOut => "reads and writes",
            };
            let null = if *nullable { ", or null" } else { "" };
            format!("{way} {what}{null}")
        }
    }
}

fn structure(name: &str) -> String {
    format!("[`struct {name}`]({STRUCTURES}#{name})")
}

/// A set of constants, spelt out if it is small.
fn set(spec: &Spec, name: &str) -> String {
    let set = &spec.flag_sets[name];
    let kind = if set.bits { "flags of" } else { "one of" };
    let members: Vec<String> = set
        .members
        .iter()
        .take(FEW + 1)
        .map(|m| format!("`{}`", m.name))
        .collect();
    let members = match members.len() {
        1..=FEW => format!(": {}", members.join(", ")),
        _ => String::new(),
    };
    format!("{kind} [{name}]({CONSTANTS}#{name}){members}")
}

fn value(spec: &Spec, name: &str) -> String {
    let scalar = &spec.scalars[name];
    match scalar.role {
        Role::Plain => format!("`{}`", scalar.c),
        Role::Descriptor => "a descriptor".to_owned(),
        Role::Address => "an address".to_owned(),
        Role::Process => "a process, thread or group".to_owned(),
        Role::User => "a user".to_owned(),
        Role::Group => "a group".to_owned(),
        Role::Signal => "a signal".to_owned(),
        Role::Mode => "a file mode".to_owned(),
        Role::Clock => "a clock".to_owned(),
    }
}

/// What a success gives, in words.
pub(super) fn returns(spec: &Spec, returns: &Returns) -> String {
    match returns {
        Returns::Scalar(name) => value(spec, name),
        Returns::Flags(name) => set(spec, name),
        Returns::Nothing => "0".to_owned(),
        Returns::Never => "never".to_owned(),
    }
}

/// Names in a sentence.
pub(super) fn listed<T: AsRef<str>>(names: &[T]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

/// What a signal handler does to a call that blocks.
pub(super) fn restart(restart: Restart) -> Option<&'static str> {
    match restart {
        Restart::Signal => Some("restarted under `SA_RESTART`, `EINTR` otherwise"),
        Restart::Never => Some("`EINTR` always"),
        Restart::NotBlocking => None,
    }
}

/// Why the kernel does not do it as it is.
pub(super) fn reason(by: &By) -> Option<String> {
    match by {
        By::Kernel => None,
        By::Runtime { because } => Some(format!("The runtime's: {because}")),
        By::Refused { errno, because } => Some(format!("Refused with `{}`: {because}", errno.name)),
    }
}

/// An argument of a fallback.
pub(crate) fn fallback_arg(arg: &FallbackArg) -> String {
    match arg {
        FallbackArg::Arg(name) => name.clone(),
        FallbackArg::Int(value) => value.to_string(),
        FallbackArg::Constant(constant) => constant.name.clone(),
    }
}
