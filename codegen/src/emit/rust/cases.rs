//! Calls that do many things: a match over the argument that tells the cases apart.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

use super::bindings::{kernel_body, parameters, passed_int, refusal};
use super::names::{cfg_any, ident, int, per_isa};
use crate::model::{Arg, ArgType, By, Call, Case, Cases, Int, Otherwise, Role, Spec};

/// The call as it is in a case. What told the cases apart is the host's by then.
fn in_case(call: &Call, cases: &Cases, case: &Case) -> Call {
    let mut args = case.args.clone();
    for arg in args.iter_mut().filter(|arg| arg.name == cases.by) {
        if let ArgType::Value { flags, .. } = &mut arg.ty {
            *flags = None;
        }
    }
    Call {
        args,
        returns: case.returns.clone(),
        restart: case.restart,
        by: case.by.clone(),
        cases: case.cases.clone(),
        ..call.clone()
    }
}

/// The unsigned integer in which the argument `by` is compared.
fn compared(spec: &Spec, call: &Call, by: &str) -> Int {
    let arg = call.args.iter().find(|arg| arg.name == by);
    let bits = arg.map_or(32, |arg| passed_int(spec, &arg.ty).bits);
    Int {
        bits,
        signed: false,
    }
}

fn pattern(value: i64, int: Int) -> Literal {
    match int.bits {
        64 => Literal::u64_unsuffixed(value as u64),
        _ => Literal::u32_unsuffixed(value as u32),
    }
}

/// The body of a call that the kernel does in some of its cases.
pub(super) fn body(spec: &Spec, call: &Call, cases: &Cases) -> TokenStream {
    let (by, ty) = (ident(&cases.by), compared(spec, call, &cases.by));
    // Cases that come to the same code share an arm.
    let mut arms: Vec<(String, TokenStream, Vec<Literal>)> = Vec::new();
    let (mut special, mut growing) = (Vec::new(), Vec::new());
    for case in &cases.cases {
        let body = case_body(spec, call, cases, case);
        let value = pattern(case.constant.guest, ty);
        let everywhere = case
            .constant
            .host
            .0
            .iter()
            .all(|v| *v == Some(case.constant.guest));
        if !everywhere {
            special.push(elsewhere(spec, call, cases, case, &value, &body));
            continue;
        }
        if let Some(mask) = case.mask {
            let mask = pattern(mask, ty);
            growing.push(quote!(__value if __value & #mask == #value & #mask => { #body }));
            continue;
        }
        let text = body.to_string();
        match arms.iter_mut().find(|(known, ..)| *known == text) {
            Some((_, _, values)) => values.push(value),
            None => arms.push((text, body, vec![value])),
        }
    }
    let arms = arms
        .iter()
        .map(|(_, body, values)| quote!(#(#values)|* => { #body }));
    let otherwise = match &cases.otherwise {
        Otherwise::AsIs => kernel_body(
            spec,
            &Call {
                cases: None,
                ..call.clone()
            },
        ),
        Otherwise::Refused { errno, .. } => case_refusal(spec, call, &errno.name),
    };
    let ty = int(ty);
    quote! {
        match #by as #ty {
            #(#arms)*
            #(#special)*
            #(#growing)*
            _ => { #otherwise }
        }
    }
}

/// As the kernel fails for what it does not know: not before it has seen the descriptor.
fn case_refusal(spec: &Spec, call: &Call, errno: &str) -> TokenStream {
    let descriptor = call.args.iter().find(|arg| {
        matches!(&arg.ty, ArgType::Value { scalar, .. }
            if spec.scalars[scalar].role == Role::Descriptor)
    });
    match descriptor {
        Some(arg) => {
            let (fd, errno) = (ident(&arg.name), ident(errno));
            quote!(Err(closed(#fd).unwrap_or(Errno(errno::#errno))))
        }
        None => refusal(errno),
    }
}

/// An arm for a constant that has another value, or is not there, on some ISA.
fn elsewhere(
    spec: &Spec,
    call: &Call,
    cases: &Cases,
    case: &Case,
    value: &Literal,
    body: &TokenStream,
) -> TokenStream {
    let present = cfg_any(spec, |isa| case.constant.host.0[isa].is_some());
    let by = ident(&cases.by);
    let arg = call.args.iter().find(|arg| arg.name == cases.by);
    let translated = arg.map(|arg| {
        let ty = int(passed_int(spec, &arg.ty));
        per_isa(spec, &case.constant.host, |isa| {
            case.constant.host.0[isa].map_or_else(TokenStream::new, |value| {
                let value = Literal::i64_suffixed(value);
                quote!(let #by = #value as #ty;)
            })
        })
    });
    quote!(#present #value => { #translated #body })
}

fn case_body(spec: &Spec, call: &Call, cases: &Cases, case: &Case) -> TokenStream {
    let body = match &case.by {
        By::Kernel => kernel_body(spec, &in_case(call, cases, case)),
        By::Refused { errno, .. } => return case_refusal(spec, call, &errno.name),
        // The table has sent it elsewhere.
        By::Runtime { .. } => return refusal("ENOSYS"),
    };
    let narrowed = call.args.iter().zip(&case.args).filter_map(|(own, new)| {
        let (from, to) = (passed_int(spec, &own.ty), passed_int(spec, &new.ty));
        let (name, ty) = (ident(&own.name), int(to));
        let unused = matches!(new.ty, ArgType::Unused { .. });
        (from != to && !unused).then(|| quote!(let #name = #name as #ty;))
    });
    quote!(#(#narrowed)* #body)
}

/// A method for a case that the runtime carries out.
pub(super) struct RuntimeCase<'a> {
    pub name: Ident,
    pub doc: String,
    pub because: &'a str,
    pub parameters: Vec<TokenStream>,
}

/// The methods for the cases that the runtime carries out.
pub(super) fn runtime_cases<'a>(spec: &Spec, call: &'a Call) -> Vec<RuntimeCase<'a>> {
    let Some(cases) = &call.cases else {
        return Vec::new();
    };
    let leaves = cases.walk().into_iter().filter_map(|(path, case)| {
        let By::Runtime { because } = &case.by else {
            return None;
        };
        let names: Vec<&str> = path.iter().map(|constant| constant.name.as_str()).collect();
        let parameters = parameters(spec, &case.args).into_iter().zip(&case.args);
        Some(RuntimeCase {
            name: method_name(call, &names),
            doc: format!("`{}` with `{}`.", call.name, names.join("`, `")),
            because,
            parameters: parameters
                .filter(|(_, arg)| is_passed(cases, &names, arg))
                .map(|(parameter, _)| parameter)
                .collect(),
        })
    });
    leaves.collect()
}

fn method_name(call: &Call, path: &[&str]) -> Ident {
    format_ident!("{}_{}", call.name, path.join("_").to_lowercase())
}

/// Whether the method of the case that `path` leads to takes an argument: not if the case
/// leaves it unused, nor if it is what told the cases apart.
fn is_passed(cases: &Cases, path: &[&str], arg: &Arg) -> bool {
    if matches!(arg.ty, ArgType::Unused { .. }) || cases.by == arg.name {
        return false;
    }
    let Some((first, rest)) = path.split_first() else {
        return true;
    };
    let mut all = cases.cases.iter();
    let next = all.find(|case| case.constant.name == *first);
    match next.and_then(|case| case.cases.as_ref()) {
        Some(below) => is_passed(below, rest, arg),
        None => true,
    }
}

/// The table's expression for a call with cases that the runtime carries out: those are sent
/// to their methods, the others to `kernel`.
pub(super) fn table_expression(spec: &Spec, call: &Call, kernel: &TokenStream) -> TokenStream {
    match &call.cases {
        Some(cases) if !runtime_cases(spec, call).is_empty() => {
            dispatch(spec, call, (cases, cases), &mut Vec::new(), kernel)
        }
        _ => kernel.clone(),
    }
}

fn dispatch<'a>(
    spec: &Spec,
    call: &Call,
    (whole, cases): (&Cases, &'a Cases),
    path: &mut Vec<&'a str>,
    kernel: &TokenStream,
) -> TokenStream {
    let ty = compared(spec, call, &cases.by);
    let at = call
        .args
        .iter()
        .position(|arg| arg.name == cases.by)
        .unwrap_or(0);
    let mut arms = Vec::new();
    for case in &cases.cases {
        path.push(&case.constant.name);
        let value = pattern(case.constant.guest, ty);
        let present = cfg_any(spec, |isa| case.constant.host.0[isa].is_some());
        match (&case.by, &case.cases) {
            (By::Runtime { .. }, _) => {
                let method = method_name(call, path);
                let words = case
                    .args
                    .iter()
                    .enumerate()
                    .filter(|(_, arg)| is_passed(whole, path, arg));
                let words = words.map(|(i, arg)| {
                    let i = Literal::usize_unsuffixed(i);
                    let ty = int(passed_int(spec, &arg.ty));
                    quote!(a[#i] as #ty)
                });
                arms.push(quote! {
                    #present #value => cx.#method(#(#words),*).map(|r| r as u64),
                });
            }
            (By::Kernel, Some(below)) => {
                let inner = dispatch(spec, call, (whole, below), path, kernel);
                if inner.to_string() != kernel.to_string() {
                    arms.push(quote!(#present #value => #inner,));
                }
            }
            _ => {}
        }
        path.pop();
    }
    if arms.is_empty() {
        return kernel.clone();
    }
    let (at, ty) = (Literal::usize_unsuffixed(at), int(ty));
    quote!(match a[#at] as #ty { #(#arms)* _ => #kernel })
}
