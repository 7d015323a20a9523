//! What tests of the interpreter share.

use std::sync::Arc;

use wali_runtime::interp::{
    BUILD, Extern, Func, FuncType, HostFn, Imports, Instance, Module, Trap, ValType, Value,
};

/// A module from text, in which the former `try` may be folded: see [`unfold`].
pub fn module(wat: &str) -> Module {
    let bytes = match wat.contains("(try ") {
        true => wat::parse_str(unfold(wat)),
        false => wat::parse_str(wat),
    };
    Module::new(&bytes.expect("well-formed text")).expect("a valid module")
}

/// Writes each `(try (do ..) (catch $tag ..) (catch_all ..))`, or with `(delegate $label)`, without
/// its parentheses: the former text format has them, the text parser has not.
pub fn unfold(wat: &str) -> String {
    let mut out = String::new();
    // What each open parenthesis leads to in the place of its closing one.
    let mut open: Vec<&str> = Vec::new();
    let mut rest = wat;
    while let Some(c) = rest.chars().next() {
        let word = |text: &str| text.find([' ', '\n', '(', ')']).unwrap_or(text.len());
        let taken = match c {
            '"' => 2 + rest[1..].find('"').expect("a string ends"),
            ';' => rest.find('\n').unwrap_or(rest.len()),
            ')' => {
                out.push_str(open.pop().expect("parentheses are balanced"));
                1
            }
            '(' => {
                let name = &rest[1..1 + word(&rest[1..])];
                let closing = match name {
                    "try" => " end ",
                    "do" | "catch" | "catch_all" if open.last() == Some(&" end ") => " ",
                    "delegate" => {
                        *open.last_mut().expect("it is in a `try`") = " ";
                        " "
                    }
                    _ => ")",
                };
                open.push(closing);
                let name = if name == "do" { "" } else { name };
                let folded = closing == ")";
                out.push_str(if folded { "(" } else { " " });
                out.push_str(name);
                1 + word(&rest[1..])
            }
            _ => {
                out.push(c);
                c.len_utf8()
            }
        };
        if matches!(c, '"' | ';') {
            out.push_str(&rest[..taken]);
        }
        rest = &rest[taken..];
    }
    out
}

/// An instance of a module without imports.
pub fn instance(wat: &str) -> Instance {
    Instance::new(&module(wat), &Imports::new()).expect("an instance")
}

/// The one value, which is an `i32`.
pub fn i32_of(values: &[Value]) -> i32 {
    match values {
        [Value::I32(value)] => *value,
        other => panic!("one i32 was expected: {other:?}"),
    }
}

/// Calls an export that takes `i32`s and yields one.
pub fn run(instance: &Instance, name: &str, args: &[i32]) -> Result<i32, Trap> {
    let args: Vec<Value> = args.iter().map(|arg| Value::I32(*arg)).collect();
    instance.invoke(name, &args).map(|values| i32_of(&values))
}

/// A host function.
pub fn host(params: &[ValType], results: &[ValType], code: Box<HostFn>) -> Extern {
    Extern::Func(Func::host(FuncType::new(params, results), Arc::from(code)))
}

/// Whether native code is optimised.
pub fn optimised() -> bool {
    BUILD.starts_with("threaded")
}
