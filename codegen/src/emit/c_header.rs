//! A C header with which a freestanding guest declares its imports.

use std::fmt::Write;

use crate::model::{Arg, ArgType, By, Dir, Element, Field, FieldType, Int, Pointee, Spec, Struct};

/// The header's text. Guest types are spelt with C's own integers, so that the header
/// stands alone, and so that it means the same for every Wasm data model.
pub fn c_header(spec: &Spec) -> String {
    let mut out = String::new();
    let _ = write!(
        out,
        "/* WALI: the WebAssembly Linux Interface, for freestanding guests.\n\
         \x20* Written by `wali-codegen emit c-header` from {} {}.\n\
         \x20*\n\
         \x20* System calls are `wali_sys_NAME` and return what the kernel does: a result or a\n\
         \x20* negative error number. Auxiliary calls, constants and structs have their own names,\n\
         \x20* except for auxiliary calls that C has, too: they are `wali_NAME`. */\n\
         #ifndef WALI_H\n#define WALI_H\n\n",
        spec.provenance.package, spec.provenance.version
    );
    out.push_str(
        "#define WALI_IMPORT(name) __attribute__((import_module(\"wali\"), import_name(name)))\n",
    );
    for set in spec.flag_sets.values() {
        let _ = write!(out, "\n/* {} */\n", set.doc.as_deref().unwrap_or(&set.name));
        for member in &set.members {
            let _ = writeln!(out, "#define {} {}", member.name, number(member.guest));
        }
    }
    for name in in_order(spec) {
        structure(spec, &spec.structs[name], &mut out);
    }
    for call in spec.calls.values() {
        out.push('\n');
        if let Some(doc) = &call.doc {
            let _ = writeln!(out, "/* {doc} */");
        }
        if let By::Refused { because, errno } = &call.by {
            let _ = writeln!(out, "/* Always fails with {}: {because}. */", errno.name);
        }
        let _ = writeln!(
            out,
            "WALI_IMPORT(\"{}\") long long wali_sys_{}({});",
            call.import,
            call.name,
            parameters(spec, &call.args)
        );
    }
    for aux in spec.aux.values() {
        out.push('\n');
        if let Some(doc) = &aux.doc {
            let _ = writeln!(out, "/* {doc} */");
        }
        let result = aux
            .returns
            .as_ref()
            .map_or("void", |s| c_int(spec.scalars[s].guest));
        // Names without an underscore are the program's, and so C's.
        let prefix = if aux.name.starts_with('_') {
            ""
        } else {
            "wali_"
        };
        let twice = if aux.twice {
            " __attribute__((returns_twice))"
        } else {
            ""
        };
        let _ = writeln!(
            out,
            "WALI_IMPORT(\"{0}\"){twice} {result} {prefix}{0}({1});",
            aux.name,
            parameters(spec, &aux.args)
        );
    }
    out.push_str("\n#endif\n");
    out
}

pub(super) fn number(value: i64) -> String {
    match (i32::try_from(value), u32::try_from(value)) {
        (Ok(v), _) if v < 0 => format!("({v})"),
        (Ok(v), _) => format!("{v:#x}"),
        (_, Ok(v)) => format!("{v:#x}u"),
        _ => format!("{:#x}ull", value as u64),
    }
}

fn c_int(int: Int) -> &'static str {
    match (int.bits, int.signed) {
        (8, true) => "signed char",
        (8, false) => "unsigned char",
        (16, true) => "short",
        (16, false) => "unsigned short",
        (32, true) => "int",
        (32, false) => "unsigned",
        (_, true) => "long long",
        (_, false) => "unsigned long long",
    }
}

/// The keywords of C23 that a name could be, and those of GNU C.
const KEYWORDS: &[&str] = &[
    "alignas",
    "alignof",
    "asm",
    "auto",
    "bool",
    "break",
    "case",
    "char",
    "const",
    "constexpr",
    "continue",
    "default",
    "do",
    "double",
    "else",
    "enum",
    "extern",
    "false",
    "float",
    "for",
    "goto",
    "if",
    "inline",
    "int",
    "long",
    "nullptr",
    "register",
    "restrict",
    "return",
    "short",
    "signed",
    "sizeof",
    "static",
    "static_assert",
    "struct",
    "switch",
    "thread_local",
    "true",
    "typedef",
    "typeof",
    "typeof_unqual",
    "union",
    "unsigned",
    "void",
    "volatile",
    "while",
];

/// A name of the spec as C takes it.
pub fn c_name(name: &str) -> String {
    let mark = if KEYWORDS.contains(&name) { "_" } else { "" };
    format!("{name}{mark}")
}

fn parameters(spec: &Spec, args: &[Arg]) -> String {
    if args.is_empty() {
        return "void".into();
    }
    let all: Vec<String> = args
        .iter()
        .map(|arg| {
            let ty = argument(spec, &arg.ty);
            let gap = if ty.ends_with('*') { "" } else { " " };
            format!("{ty}{gap}{}", c_name(&arg.name))
        })
        .collect();
    all.join(", ")
}

fn argument(spec: &Spec, ty: &ArgType) -> String {
    match ty {
        ArgType::Value { scalar, .. }
        | ArgType::Unused {
            scalar: Some(scalar),
        } => c_int(spec.scalars[scalar].guest).into(),
        ArgType::Unused { scalar: None } => "void *".into(),
        ArgType::Pointer { dir, to, .. } => {
            let target = match to {
                Pointee::Bytes(_) => "void".into(),
                Pointee::String { .. } => "char".into(),
                Pointee::Scalar(s)
                | Pointee::Array {
                    of: Element::Scalar(s),
                    ..
                } => c_int(spec.scalars[s].guest).to_owned(),
                Pointee::Struct(s)
                | Pointee::Array {
                    of: Element::Struct(s),
                    ..
                } => {
                    format!("struct {s}")
                }
            };
            let constant = if *dir == Dir::In { "const " } else { "" };
            format!("{constant}{target} *")
        }
    }
}

/// Structs with each one after those it contains.
fn in_order(spec: &Spec) -> Vec<&str> {
    fn visit<'a>(spec: &'a Spec, name: &'a str, order: &mut Vec<&'a str>) {
        if order.contains(&name) {
            return;
        }
        for field in &spec.structs[name].fields {
            if let FieldType::Struct(inner) = &field.ty {
                visit(spec, inner, order);
            }
        }
        order.push(name);
    }
    let mut order = Vec::new();
    for name in spec.structs.keys() {
        visit(spec, name, &mut order);
    }
    order
}

fn structure(spec: &Spec, s: &Struct, out: &mut String) {
    out.push('\n');
    if let Some(doc) = &s.doc {
        let _ = writeln!(out, "/* {doc} */");
    }
    let _ = writeln!(out, "struct {} {{", s.name);
    for field in &s.fields {
        let _ = writeln!(out, "    {};", member(spec, field));
    }
    let end = s.fields.last().map_or(0, |f| f.guest.offset + f.guest.size);
    let aligned = if s.packed {
        end
    } else {
        end.next_multiple_of(s.guest.align)
    };
    if aligned < s.guest.size {
        let _ = writeln!(out, "    char __tail[{}];", s.guest.size - end);
    }
    let packed = if s.packed {
        " __attribute__((packed))"
    } else {
        ""
    };
    let _ = writeln!(out, "}}{packed};");
    let _ = writeln!(
        out,
        "_Static_assert(sizeof(struct {0}) == {1}, \"size of struct {0}\");",
        s.name, s.guest.size
    );
    for field in &s.fields {
        let _ = writeln!(
            out,
            "_Static_assert(__builtin_offsetof(struct {0}, {1}) == {2}, \"offset of {1}\");",
            s.name,
            c_name(&field.name),
            field.guest.offset
        );
    }
}

fn member(spec: &Spec, field: &Field) -> String {
    let name = c_name(&field.name);
    match &field.ty {
        FieldType::Scalar(s) => format!("{} {name}", c_int(spec.scalars[s].guest)),
        FieldType::Array { of, count } => {
            // Text in C is an array of plain char, whatever its signedness.
            let scalar = &spec.scalars[of];
            let element = match scalar.c.as_str() {
                "char" => "char",
                _ => c_int(scalar.guest),
            };
            format!("{element} {name}[{count}]")
        }
        FieldType::Struct(s) => format!("struct {s} {name}"),
        FieldType::Pointer { .. } => format!("void *{name}"),
    }
}
