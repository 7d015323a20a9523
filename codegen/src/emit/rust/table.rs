//! The table of all bindings.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::bindings::{aux_ident, passed_int};
use super::cases;
use super::metadata;
use super::names::{cfg, ident, int};
use crate::model::{Answer, Arg, Aux, By, Call, Int, PerIsa, Spec};

fn value_type(int: Int) -> TokenStream {
    if int.bits == 64 {
        quote!(ValType::I64)
    } else {
        quote!(ValType::I32)
    }
}

/// A table entry; `call` is an expression over `cx` and the words `a` of type
/// `Result<u64, Unwind>`.
fn table_entry(
    spec: &Spec,
    name: &str,
    import: &str,
    syscall: Option<&Call>,
    args: &[Arg],
    result: Option<TokenStream>,
    call: TokenStream,
) -> TokenStream {
    let params = args.iter().map(|arg| value_type(passed_int(spec, &arg.ty)));
    let meta = metadata::path(name);
    let result = match result {
        Some(ty) => quote!(Some(#ty)),
        None => quote!(None),
    };
    let answer = syscall.map(|call| answer(spec, call));
    let answer = match answer {
        Some(answer) => quote!(Some(#answer)),
        None => quote!(None),
    };
    quote! {
        Binding {
            import: #import,
            params: &[#(#params),*],
            result: #result,
            meta: #meta,
            answer: #answer,
            call: |cx, a| #call,
        }
    }
}

/// How the call is answered, as an expression that is right on every ISA.
fn answer(spec: &Spec, call: &Call) -> TokenStream {
    let word = |isa: usize| {
        let variant = match call.answer_on(isa, spec) {
            Answer::Direct => quote!(Direct),
            Answer::Convert => quote!(Convert),
            Answer::Fallback => quote!(Fallback),
            Answer::Absent => quote!(Absent),
            Answer::Runtime => quote!(Runtime),
            Answer::Refused => quote!(Refused),
        };
        quote!(Answer::#variant)
    };
    let answers = PerIsa(
        (0..spec.isas.len())
            .map(|isa| call.answer_on(isa, spec))
            .collect(),
    );
    if answers.uniform().is_some() {
        return word(0);
    }
    let arms = spec.isas.iter().enumerate().map(|(i, isa)| {
        let (cfg, word) = (cfg(isa), word(i));
        quote!(#cfg { #word })
    });
    quote!({ #(#arms)* })
}

/// The words of the arguments in the types of the callee's parameters.
fn words(spec: &Spec, args: &[Arg]) -> Vec<TokenStream> {
    args.iter()
        .enumerate()
        .map(|(i, arg)| {
            let (i, ty) = (Literal::usize_unsuffixed(i), int(passed_int(spec, &arg.ty)));
            quote!(a[#i] as #ty)
        })
        .collect()
}

pub(super) fn entry(spec: &Spec, call: &Call, import: &str) -> TokenStream {
    let (name, words) = (ident(&call.name), words(spec, &call.args));
    let expression = match call.by {
        By::Runtime { .. } => quote!(cx.#name(#(#words),*).map(|r| r as u64)),
        By::Kernel | By::Refused { .. } => {
            let kernel = quote!(finish(calls::#name(cx #(, #words)*)));
            cases::table_expression(spec, call, &kernel)
        }
    };
    table_entry(
        spec,
        &call.name,
        import,
        Some(call),
        &call.args,
        Some(quote!(ValType::I64)),
        expression,
    )
}

pub(super) fn aux_entry(spec: &Spec, aux: &Aux, import: &str) -> TokenStream {
    let (name, words) = (aux_ident(aux), words(spec, &aux.args));
    let (result, expression) = match &aux.returns {
        Some(scalar) => {
            let guest = spec.scalars[scalar].guest;
            let unsigned = int(Int {
                signed: false,
                ..guest
            });
            (
                Some(value_type(guest)),
                quote!(cx.#name(#(#words),*).map(|r| u64::from(r as #unsigned))),
            )
        }
        None => (None, quote!(cx.#name(#(#words),*).map(|()| 0))),
    };
    table_entry(spec, &aux.name, import, None, &aux.args, result, expression)
}
