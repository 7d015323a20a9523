//! Constants, and the translation of flag bits where an ISA has them elsewhere.

use std::collections::BTreeMap;

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::names::{doc, ident, per_isa};
use crate::model::{Constant, FlagSet, PerIsa, Spec};

/// A module for each set: the guest's values, the host's, names and translations.
pub fn flags(spec: &Spec) -> TokenStream {
    spec.flag_sets
        .values()
        .map(|set| module(spec, set))
        .collect()
}

fn module(spec: &Spec, set: &FlagSet) -> TokenStream {
    let module = ident(&set.name);
    let doc = doc(set.doc.as_deref(), || format!("The set `{}`.", set.name));
    let narrow = set.members.iter().all(|m| {
        let all = m.host.0.iter().flatten().chain([&m.guest]);
        all.into_iter().all(|&v| i32::try_from(v).is_ok())
    });
    let ty = ident(if narrow { "i32" } else { "i64" });
    let guest = set.members.iter().map(|m| {
        let (name, value) = (ident(&m.name), Literal::i64_unsuffixed(m.guest));
        quote!(pub const #name: #ty = #value;)
    });
    let host = set.members.iter().map(|m| {
        let name = ident(&m.name);
        per_isa(spec, &m.host, |isa| match m.host.0[isa] {
            Some(value) => {
                let value = Literal::i64_unsuffixed(value);
                quote!(pub const #name: #ty = #value;)
            }
            None => quote!(),
        })
    });
    let names: Vec<_> = set.members.iter().map(|m| m.name.as_str()).collect();
    let idents: Vec<_> = set.members.iter().map(|m| ident(&m.name)).collect();
    let bits = set.bits;
    let differs = (0..spec.isas.len()).any(|isa| set.converts_on(isa));
    let translation = match (set.bits, differs) {
        (true, _) => bits_translation(spec, set),
        (false, true) => value_translation(spec, set),
        (false, false) => quote!(),
    };
    quote! {
        #doc
        pub mod #module {
            #![allow(missing_docs)]
            #(#guest)*

            /// Every member's name and guest value, in the order of the specification.
            pub const NAMES: &[(&str, #ty)] = &[#((#names, #idents)),*];

            /// Whether values combine by or.
            pub const BITS: bool = #bits;

            /// The host's values.
            pub mod host { #(#host)* }

            #translation
        }
    }
}

/// Single bits that lie elsewhere on the host, as (guest bit, host bit). Members of
/// several bits are made of others that are members too, or lie the same everywhere.
fn moves(set: &FlagSet, isa: usize) -> Vec<(u64, u64)> {
    let moves: BTreeMap<u64, u64> = set
        .members
        .iter()
        .filter_map(|m| Some((m.guest as u64, m.host.0[isa]? as u64)))
        .filter(|(guest, host)| guest != host && guest.count_ones() == 1 && host.count_ones() == 1)
        .collect();
    moves.into_iter().collect()
}

fn bits_translation(spec: &Spec, set: &FlagSet) -> TokenStream {
    let moves = PerIsa((0..spec.isas.len()).map(|isa| moves(set, isa)).collect());
    let there = per_isa(spec, &moves, |isa| {
        let body = mapping(moves.0[isa].iter().copied());
        quote! {
            /// The guest's bits as the host has them; bits outside the set stay.
            #[inline]
            pub const fn to_host(bits: u64) -> u64 { #body }
        }
    });
    let back = per_isa(spec, &moves, |isa| {
        let body = mapping(moves.0[isa].iter().map(|&(guest, host)| (host, guest)));
        quote! {
            /// The host's bits as the guest has them; bits outside the set stay.
            #[inline]
            pub const fn to_guest(bits: u64) -> u64 { #body }
        }
    });
    quote!(#there #back)
}

/// Values of an enumeration that is another on some ISA.
fn value_translation(spec: &Spec, set: &FlagSet) -> TokenStream {
    let values = PerIsa(
        (0..spec.isas.len())
            .map(|isa| {
                let pair = |m: &Constant| Some((m.guest, m.host.0[isa]?));
                let pairs: Vec<_> = set.members.iter().filter_map(pair).collect();
                pairs.into_iter().filter(|(g, h)| g != h).collect()
            })
            .collect::<Vec<Vec<(i64, i64)>>>(),
    );
    let arms = |pairs: Vec<(i64, i64)>| {
        let arms = pairs.into_iter().map(|(from, to)| {
            let (from, to) = (
                Literal::u64_unsuffixed(from as u64),
                Literal::u64_unsuffixed(to as u64),
            );
            quote!(#from => #to,)
        });
        quote!(match value { #(#arms)* other => other })
    };
    let there = per_isa(spec, &values, |isa| {
        let body = arms(values.0[isa].clone());
        quote! {
            /// The guest's value as the host has it; values outside the set stay.
            #[inline]
            pub const fn to_host(value: u64) -> u64 { #body }
        }
    });
    let back = per_isa(spec, &values, |isa| {
        let body = arms(values.0[isa].iter().map(|&(g, h)| (h, g)).collect());
        quote! {
            /// The host's value as the guest has it; values outside the set stay.
            #[inline]
            pub const fn to_guest(value: u64) -> u64 { #body }
        }
    });
    quote!(#there #back)
}

fn mapping(moves: impl Iterator<Item = (u64, u64)> + Clone) -> TokenStream {
    let hex = |v: u64| -> Literal { format!("{v:#x}").parse().expect("a number is a literal") };
    let moved = moves.clone().fold(0, |all, (from, _)| all | from);
    if moved == 0 {
        return quote!(bits);
    }
    let moved = hex(moved);
    let (from, to): (Vec<_>, Vec<_>) = moves.map(|(from, to)| (hex(from), hex(to))).unzip();
    quote! {
        let mut out = bits & !#moved;
        #(if bits & #from != 0 { out |= #to; })*
        out
    }
}
