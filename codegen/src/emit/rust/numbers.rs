//! System-call numbers: an enum and a table of constants for each ISA.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::names::{cfg, ident};
use crate::model::{Answer, Spec};

/// A module for each ISA, and the host's re-exported.
pub fn numbers(spec: &Spec) -> TokenStream {
    spec.isas
        .iter()
        .enumerate()
        .map(|(index, isa)| {
            let module = ident(&isa.name);
            let cfg = cfg(isa);
            let mut present: Vec<(u32, &str)> = spec
                .kernel
                .iter()
                .filter_map(|(name, numbers)| Some((numbers.0[index]?, name.as_str())))
                .collect();
            present.sort_unstable();
            let names: Vec<_> = present.iter().map(|(_, name)| ident(name)).collect();
            let words: Vec<_> = present.iter().map(|&(_, name)| name).collect();
            let values: Vec<_> = present
                .iter()
                .map(|&(n, _)| Literal::usize_unsuffixed(n as usize))
                .collect();
            let constants = spec.kernel.iter().map(|(name, numbers)| {
                let ident = ident(name);
                let Some(n) = numbers.0[index] else {
                    return quote!(pub const #ident: Option<usize> = None;);
                };
                let n = Literal::usize_unsuffixed(n as usize);
                let everywhere = numbers.0.iter().all(Option::is_some);
                match everywhere || !can_do_without(spec, name) {
                    true => quote!(pub const #ident: Option<usize> = Some(#n);),
                    // A build for tests does as the ISAs that lack the call.
                    false => quote! {
                        pub const #ident: Option<usize> =
                            if cfg!(wali_fallbacks) { None } else { Some(#n) };
                    },
                }
            });
            let module_doc = format!(" The system calls of {}.", isa.name);
            quote! {
                #[doc = #module_doc]
                pub mod #module {
                    /// A system call of this ISA's table.
                    #[allow(non_camel_case_types, missing_docs)]
                    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
                    #[repr(usize)]
                    pub enum Sysno { #(#names = #values),* }

                    impl Sysno {
                        /// Every call, by number.
                        pub const ALL: &'static [Sysno] = &[#(Sysno::#names),*];

                        /// The call with that number.
                        pub fn new(number: usize) -> Option<Sysno> {
                            match number {
                                #(#values => Some(Sysno::#names),)*
                                _ => None,
                            }
                        }

                        /// The kernel's name for it.
                        pub fn name(self) -> &'static str {
                            match self { #(Sysno::#names => #words),* }
                        }
                    }

                    /// Every call of any ISA with its number on this one, if it has one.
                    #[allow(non_upper_case_globals, missing_docs)]
                    pub mod number { #(#constants)* }
                }
                #cfg
                pub use #module::{Sysno, number};
            }
        })
        .collect()
}

/// Whether ISAs that lack the call do it in another way.
fn can_do_without(spec: &Spec, name: &str) -> bool {
    let call = spec.calls.get(name);
    call.is_none_or(|call| call.answer(spec) != Answer::Absent)
}
