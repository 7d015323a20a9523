//! All that is known of one call, for a person at a terminal.

use std::collections::BTreeSet;
use std::fmt::Write;

use quote::{ToTokens, quote};

use super::docs::{call, data};
use crate::diag::did_you_mean;
use crate::model::{Arg, ArgType, By, Call, Cases, Element, FieldType, Pointee, Returns, Spec};

/// The reference's section of a call, found by its name or an import's, with the structures and
/// constants it deals in and the Rust that is made of it.
///
/// # Errors
/// There is no such call; with the name that was probably meant.
pub fn explain(spec: &Spec, name: &str) -> Result<String, String> {
    let mut out = String::new();
    if let Some(aux) = spec.aux.get(name) {
        call::auxiliary(&mut out, spec, aux);
        return Ok(plain(&out));
    }
    let call = spec.call(name).map_err(|error| {
        let aux = did_you_mean(name, spec.aux.keys().map(String::as_str));
        aux.map_or(error, |meant| format!("no call `{name}`; {meant}"))
    })?;
    call::section(&mut out, spec, call);
    let file = format!("syscalls/{}.yaml", call.family);
    if spec.files.contains(&file) {
        let _ = write!(out, "\nWritten in `{file}` of the specification.\n");
    }
    let used = Used::of(spec, call);
    for name in &used.structs {
        data::structure(&mut out, spec, &spec.structs[name]);
    }
    for name in &used.sets {
        data::constant_set(&mut out, spec, &spec.flag_sets[name]);
    }
    let mut out = plain(&out);
    let _ = write!(out, "\n## Rust\n\n{}", rust(spec, call));
    Ok(out)
}

/// The function of a call, or what else stands for it.
fn rust(spec: &Spec, call: &Call) -> String {
    if let By::Runtime { .. } = call.by {
        return format!(
            "A method `{}` of the trait for the family `{}`, which the runtime implements.\n",
            call.name, call.family
        );
    }
    let support = syn::parse_quote!(crate::abi);
    let bindings = super::rust::bindings(spec, &support);
    let file: syn::File = syn::parse2(bindings).expect("what is emitted is Rust");
    let calls = file.items.iter().find_map(|item| match item {
        syn::Item::Mod(module) if module.ident == "calls" => module.content.as_ref(),
        _ => None,
    });
    let functions = calls.into_iter().flat_map(|(_, items)| items);
    let function = functions.filter(|item| match item {
        syn::Item::Fn(function) => {
            let name = function.sig.ident.to_string();
            name.trim_start_matches("r#") == call.name
        }
        _ => false,
    });
    let tokens = function.map(ToTokens::to_token_stream);
    super::rust::format(quote!(#(#tokens)*))
}

/// What a call deals in, by spec name.
#[derive(Default)]
struct Used {
    structs: BTreeSet<String>,
    sets: BTreeSet<String>,
}

impl Used {
    fn of(spec: &Spec, call: &Call) -> Used {
        let mut used = Used::default();
        for arg in &call.args {
            used.arg(spec, arg);
        }
        used.returns(&call.returns);
        for (_, case) in call.cases.iter().flat_map(Cases::walk) {
            for arg in &case.args {
                used.arg(spec, arg);
            }
            used.returns(&case.returns);
        }
        used
    }

    fn returns(&mut self, returns: &Returns) {
        if let Returns::Flags(set) = returns {
            self.sets.insert(set.clone());
        }
    }

    fn arg(&mut self, spec: &Spec, arg: &Arg) {
        match &arg.ty {
            ArgType::Value { flags, .. } => self.sets.extend(flags.clone()),
            ArgType::Pointer { to, .. } => match to {
                Pointee::Struct(name)
                | Pointee::Array {
                    of: Element::Struct(name),
                    ..
                } => self.structure(spec, name),
                _ => {}
            },
            ArgType::Unused { .. } => {}
        }
    }

    fn structure(&mut self, spec: &Spec, name: &str) {
        if !self.structs.insert(name.to_owned()) {
            return;
        }
        for field in &spec.structs[name].fields {
            match &field.ty {
                FieldType::Struct(inner)
                | FieldType::Pointer {
                    element: Some(Element::Struct(inner)),
                    ..
                } => self.structure(spec, inner),
                _ => {}
            }
        }
    }
}

/// Markdown without its links, which lead nowhere from a terminal.
fn plain(markdown: &str) -> String {
    let mut out = String::new();
    let mut rest = markdown.trim_start();
    while let Some((before, link)) = rest.split_once('[') {
        out.push_str(before);
        let target = link.split_once("](").and_then(|(text, target)| {
            let (_, after) = target.split_once(')')?;
            Some((text, after))
        });
        match target {
            Some((text, after)) if !text.contains('\n') => {
                out.push_str(text);
                rest = after;
            }
            _ => {
                out.push('[');
                rest = link;
            }
        }
    }
    out.push_str(rest);
    out
}
