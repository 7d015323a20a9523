//! Procedural macros that expand the specification. Each takes the spec's folder,
//! relative to the invoking crate's `Cargo.toml`, and, where the expansion stands on
//! hand-written code, the path of the module that has it. What they expand to is made
//! by `wali-codegen`; `wali-codegen emit rust` prints it.

mod input;

use proc_macro::TokenStream;
use wali_codegen::emit::rust;

/// `numbers!("../spec")`: for each ISA a module with the enum `Sysno` and the constants
/// `number::NAME`, and the compilation target's re-exported.
#[proc_macro]
pub fn numbers(input: TokenStream) -> TokenStream {
    input::expand(input.into(), rust::numbers).into()
}

/// `flags!("../spec")`: for each set of constants a module with the guest's values, the
/// host's, names, and `to_host` and `to_guest` for sets of bits.
#[proc_macro]
pub fn flags(input: TokenStream) -> TokenStream {
    input::expand(input.into(), rust::flags).into()
}

/// `layouts!("../spec", crate::layout)`: modules `guest` and `host` with the structures,
/// their layouts asserted, and the conversions between them. The module named must have
/// the traits `Plain` and `Convert` and, for tests, `samples`, `bytes` and `pointerless`.
#[proc_macro]
pub fn layouts(input: TokenStream) -> TokenStream {
    input::expand_with_support(input.into(), rust::layouts).into()
}

/// `bindings!("../spec", crate::host::abi)`: the traits `RuntimeCalls` and `AuxCalls`, a
/// function for each call the kernel answers, and `table`, all of them by import name.
#[proc_macro]
pub fn bindings(input: TokenStream) -> TokenStream {
    input::expand_with_support(input.into(), rust::bindings).into()
}
