//! The imports as a WIT interface, for tools of the component model. WIT's types say what
//! crosses the boundary: addresses are numbers, since what stands there is the program's own
//! memory, in layouts that WIT cannot express; the documentation says which.

use std::fmt::Write;

use crate::model::{Arg, ArgType, Dir, Element, Pointee, Scalar, Spec, WasmType};

/// The interface's text.
pub fn wit(spec: &Spec) -> String {
    let mut out = format!(
        "// Written by `wali-codegen emit wit` from {} {}.\n\
         package wali:linux;\n\n\
         /// Linux's system calls. Each returns a result or a negative error number.\n\
         interface syscalls {{\n\
         \x20   /// An address in the guest's memory.\n\
         \x20   type address = u32;\n",
        spec.provenance.package, spec.provenance.version
    );
    for (name, call) in &spec.calls {
        let doc = call.doc.as_deref().unwrap_or_default();
        let heading = format!("`{}`: {doc}", call.import);
        function(spec, &mut out, name, &heading, &call.args, Some("s64"));
    }
    out.push_str(
        "}\n\n/// Start-up, threads and jumps.\ninterface process {\n\
         \x20   /// An address in the guest's memory.\n\
         \x20   type address = u32;\n",
    );
    for (name, aux) in &spec.aux {
        let doc = aux.doc.as_deref().unwrap_or_default();
        let heading = format!("`{name}`: {doc}");
        let result = aux.returns.as_ref().map(|name| value(&spec.scalars[name]));
        function(spec, &mut out, name, &heading, &aux.args, result);
    }
    out.push_str(
        "}\n\n/// What a WALI program imports.\nworld program {\n\
         \x20   import syscalls;\n    import process;\n}\n",
    );
    out
}

fn function(
    spec: &Spec,
    out: &mut String,
    name: &str,
    heading: &str,
    args: &[Arg],
    result: Option<&str>,
) {
    let _ = writeln!(out, "\n    /// {}", heading.trim_end());
    for arg in args {
        if let Some(what) = meaning(arg) {
            let _ = writeln!(out, "    /// `{}`: {what}.", kebab(&arg.name));
        }
    }
    let args: Vec<String> = args
        .iter()
        .map(|arg| format!("%{}: {}", kebab(&arg.name), argument(spec, arg)))
        .collect();
    let _ = write!(out, "    %{}: func({})", kebab(name), args.join(", "));
    if let Some(result) = result {
        let _ = write!(out, " -> {result}");
    }
    out.push_str(";\n");
}

/// WIT's names are words of letters and digits, each beginning with a letter, between single
/// hyphens. What else C allows gets an `x` before it: an empty word, and one with a digit first.
fn kebab(name: &str) -> String {
    let words = name.split('_').map(|word| {
        if word.starts_with(|c: char| c.is_ascii_alphabetic()) {
            word.to_ascii_lowercase()
        } else {
            format!("x{word}")
        }
    });
    words.collect::<Vec<_>>().join("-")
}

fn argument(spec: &Spec, arg: &Arg) -> &'static str {
    match &arg.ty {
        ArgType::Value { scalar, .. } => value(&spec.scalars[scalar]),
        ArgType::Pointer { .. } => "address",
        ArgType::Unused { .. } => match arg.wasm(spec) {
            WasmType::I32 => "u32",
            WasmType::I64 => "u64",
        },
    }
}

fn value(scalar: &Scalar) -> &'static str {
    match (scalar.guest.wasm(), scalar.guest.signed) {
        (WasmType::I32, true) => "s32",
        (WasmType::I32, false) => "u32",
        (WasmType::I64, true) => "s64",
        (WasmType::I64, false) => "u64",
    }
}

/// What a number or an address stands for.
fn meaning(arg: &Arg) -> Option<String> {
    let (dir, to, nullable) = match &arg.ty {
        ArgType::Value { flags, .. } => {
            return flags.as_ref().map(|set| format!("constants of `{set}`"));
        }
        ArgType::Unused { .. } => return None,
        ArgType::Pointer { dir, to, nullable } => (dir, to, nullable),
    };
    let what = match to {
        Pointee::Bytes(_) => "bytes".to_owned(),
        Pointee::String { path: true } => "a path".to_owned(),
        Pointee::String { path: false } => "a string".to_owned(),
        Pointee::Scalar(name) => format!("a `{name}`"),
        Pointee::Struct(name) => format!("a `struct {name}`"),
        Pointee::Array { of, .. } => match of {
            Element::Scalar(name) => format!("an array of `{name}`"),
            Element::Struct(name) => format!("an array of `struct {name}`"),
        },
    };
    let way = match dir {
        Dir::In => "read",
        Dir::Out => "written",
        Dir::InOut => "read and written",
    };
    let none = if *nullable { ", or 0 for none" } else { "" };
    Some(format!("{what}, {way}{none}"))
}
