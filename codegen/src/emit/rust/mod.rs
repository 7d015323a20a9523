//! Rust: what the macros of `wali-macros` expand to.

mod bindings;
mod cases;
mod flags;
mod layouts;
mod metadata;
mod names;
mod numbers;
mod passage;
mod table;

pub use bindings::bindings;
pub use flags::flags;
pub use layouts::layouts;
pub use numbers::numbers;

use proc_macro2::TokenStream;
use quote::quote;

use crate::model::Spec;

/// The whole expansion as formatted Rust, for people to read: one module for each macro.
pub fn rust(spec: &Spec) -> String {
    let support: syn::Path = syn::parse_quote!(crate::abi);
    let numbers = numbers(spec);
    let flags = flags(spec);
    let layouts = layouts(spec, &support);
    let bindings = bindings(spec, &support);
    let all = quote! {
        pub mod numbers { #numbers }
        pub mod flags { #flags }
        pub mod layouts { #layouts }
        pub mod bindings { #bindings }
    };
    let header = format!(
        "// What wali-macros expand to, from {} {}. Written by `wali-codegen emit rust`.\n\n",
        spec.provenance.package, spec.provenance.version
    );
    header + &format(all)
}

/// Formats tokens that form a file. What does not parse is printed as it is: the
/// compiler's message about it will be better than ours.
pub fn format(tokens: TokenStream) -> String {
    match syn::parse2(tokens.clone()) {
        Ok(file) => prettyplease::unparse(&file),
        Err(_) => tokens.to_string(),
    }
}
