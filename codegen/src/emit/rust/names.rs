//! Identifiers and types of the generated Rust.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};

use crate::model::{Int, Isa, PerIsa, Spec};

/// A name of the spec as an identifier.
pub fn ident(name: &str) -> Ident {
    if syn::parse_str::<Ident>(name).is_ok() {
        Ident::new(name, Span::call_site())
    } else if matches!(name, "self" | "super" | "crate" | "Self" | "_") {
        format_ident!("{name}_")
    } else if syn::parse_str::<Ident>(&format!("r#{name}")).is_ok() {
        Ident::new_raw(name, Span::call_site())
    } else {
        format_ident!("_{name}")
    }
}

/// The Rust integer of that representation.
pub fn int(int: Int) -> Ident {
    format_ident!("{}{}", if int.signed { "i" } else { "u" }, int.bits)
}

/// The integer of a field or argument that spans `bytes` with the signedness of `like`.
pub fn int_of(bytes: u64, like: Int) -> Ident {
    int(Int {
        bits: (bytes * 8) as u8,
        signed: like.signed,
    })
}

/// `#[doc = …]` from the spec, or from a default.
pub fn doc(text: Option<&str>, default: impl FnOnce() -> String) -> TokenStream {
    let text = format!(" {}", text.map_or_else(default, str::to_owned));
    quote!(#[doc = #text])
}

/// The condition under which code for an ISA is compiled.
pub fn cfg(isa: &Isa) -> TokenStream {
    let arch = &isa.name;
    quote!(#[cfg(target_arch = #arch)])
}

/// The condition that the ISA is one of those with a property; nothing if all have it.
pub fn cfg_any(spec: &Spec, holds: impl Fn(usize) -> bool) -> TokenStream {
    let (with, without): (Vec<usize>, Vec<usize>) = (0..spec.isas.len()).partition(|i| holds(*i));
    if without.is_empty() {
        return TokenStream::new();
    }
    let names = with.iter().map(|i| &spec.isas[*i].name);
    quote!(#[cfg(any(#(target_arch = #names),*))])
}

/// Emits an item once if what it depends on is the same on every ISA, otherwise once for
/// each ISA under its condition.
pub fn per_isa<T: PartialEq>(
    spec: &Spec,
    facts: &PerIsa<T>,
    mut item: impl FnMut(usize) -> TokenStream,
) -> TokenStream {
    items_per_isa(spec, facts, |isa| [item(isa)])
}

/// As [`per_isa`], for several items that belong together.
pub fn items_per_isa<T: PartialEq, const N: usize>(
    spec: &Spec,
    facts: &PerIsa<T>,
    mut items: impl FnMut(usize) -> [TokenStream; N],
) -> TokenStream {
    if facts.uniform().is_some() {
        return items(0).into_iter().collect();
    }
    let mut out = TokenStream::new();
    for (i, isa) in spec.isas.iter().enumerate() {
        let cfg = cfg(isa);
        for item in items(i).into_iter().filter(|item| !item.is_empty()) {
            out.extend(quote!(#cfg #item));
        }
    }
    out
}
