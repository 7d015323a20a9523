//! A table of native symbols as the WebAssembly Micro Runtime takes them, in C: for engines
//! that bring their own functions and want names and signatures to be right.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::model::{Arg, Spec, WasmType};

/// The table's text. Each function is declared, and whoever includes it defines them.
pub fn native_symbols(spec: &Spec) -> String {
    let mut declared = BTreeSet::new();
    let mut declarations = String::new();
    let mut rows = String::new();
    let mut entry = |import: &str, function: &str, args: &[Arg], result: Option<WasmType>| {
        let params: Vec<WasmType> = args.iter().map(|arg| arg.wasm(spec)).collect();
        if declared.insert(function.to_owned()) {
            let params: String = params
                .iter()
                .zip(args)
                .map(|(ty, arg)| {
                    format!(", {} {}", c_type(*ty), super::c_header::c_name(&arg.name))
                })
                .collect();
            let result = result.map_or("void", c_type);
            let _ = writeln!(
                declarations,
                "extern {result} {function}(wasm_exec_env_t exec_env{params});"
            );
        }
        let letters: String = params.iter().map(|ty| letter(*ty)).collect();
        let result = result.map(|ty| letter(ty).to_string()).unwrap_or_default();
        let _ = writeln!(
            rows,
            "    {{ \"{import}\", (void *){function}, \"({letters}){result}\", NULL }},"
        );
    };
    for (name, call) in &spec.calls {
        for import in std::iter::once(&call.import).chain(&call.aliases) {
            entry(
                import,
                &format!("wali_sys_{name}"),
                &call.args,
                Some(WasmType::I64),
            );
        }
    }
    for (name, aux) in &spec.aux {
        let (_, result) = aux.guest_signature(spec);
        for import in std::iter::once(name).chain(&aux.aliases) {
            entry(import, &format!("wali_aux_{name}"), &aux.args, result);
        }
    }
    format!(
        "/* WALI's imports as native symbols of the WebAssembly Micro Runtime.\n\
         \x20* Written by `wali-codegen emit native-symbols` from {} {}.\n\
         \x20*\n\
         \x20* Include after wasm_export.h, define the functions, and register the table for the\n\
         \x20* module \"wali\". Addresses arrive as the guest's numbers: they are not checked yet. */\n\n\
         {declarations}\n\
         static NativeSymbol wali_native_symbols[] = {{\n{rows}}};\n",
        spec.provenance.package, spec.provenance.version
    )
}

fn c_type(ty: WasmType) -> &'static str {
    match ty {
        WasmType::I32 => "int32_t",
        WasmType::I64 => "int64_t",
    }
}

/// The engine's letter for a type.
fn letter(ty: WasmType) -> char {
    match ty {
        WasmType::I32 => 'i',
        WasmType::I64 => 'I',
    }
}
