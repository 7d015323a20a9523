//! A table of one ISA's calls in the form of strace's `syscallent.h`: an entry by number, with
//! how many arguments there are and what the call is about.

use std::fmt::Write;

use crate::model::{Arg, ArgType, Call, Pointee, Role, Spec};

/// The table's text, for the ISA with that index.
pub fn syscallent(spec: &Spec, isa: usize) -> String {
    let mut calls: Vec<(u32, &Call)> = spec
        .calls
        .values()
        .filter_map(|call| Some((call.numbers.0[isa]?, call)))
        .collect();
    calls.sort_by_key(|(number, _)| *number);
    let mut out = format!(
        "/* System calls of {}: [number] = {{ arguments, about, decoder, name }}.\n\
         \x20* Written by `wali-codegen emit syscallent` from {} {}. */\n",
        spec.isas[isa].name, spec.provenance.package, spec.provenance.version
    );
    for (number, call) in calls {
        let about = match about(spec, call) {
            marks if marks.is_empty() => "0".to_owned(),
            marks => marks.join("|"),
        };
        let _ = writeln!(
            out,
            "[{number:3}] = {{ {}, {about}, SEN({}), \"{}\" }},",
            call.args.len(),
            call.name,
            call.name
        );
    }
    out
}

/// What strace's `-e trace=%CLASS` goes by, as far as it follows from types and families.
fn about(spec: &Spec, call: &Call) -> Vec<&'static str> {
    let role = |arg: &Arg, role: Role| match &arg.ty {
        ArgType::Value { scalar, .. } => spec.scalars[scalar].role == role,
        _ => false,
    };
    let descriptor = call.args.iter().any(|arg| role(arg, Role::Descriptor));
    let path = call.args.iter().any(|arg| {
        matches!(
            &arg.ty,
            ArgType::Pointer {
                to: Pointee::String { path: true },
                ..
            }
        )
    });
    let marks = [
        (descriptor, "TD"),
        (path, "TF"),
        (call.family == "memory", "TM"),
        (call.family == "net", "TN"),
        (call.family == "process", "TP"),
        (call.family == "signal", "TS"),
        (call.family == "ipc", "TI"),
    ];
    let marks = marks.into_iter().filter(|(is, _)| *is);
    marks.map(|(_, mark)| mark).collect()
}
