//! The macros' arguments, and the way from them to an expansion.

use std::path::PathBuf;

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::{LitStr, Path, Token};
use wali_codegen::model::Spec;

/// `"folder"` or `"folder", path::of::support`.
struct Input {
    folder: LitStr,
    support: Option<Path>,
}

impl Parse for Input {
    fn parse(input: ParseStream) -> syn::Result<Input> {
        let folder = input.parse().map_err(|error| {
            let text = "expected the spec's folder as a string, such as \"../spec\"";
            syn::Error::new(error.span(), text)
        })?;
        let mut support = None;
        if input.parse::<Option<Token![,]>>()?.is_some() && !input.is_empty() {
            support = Some(input.call(Path::parse_mod_style)?);
            input.parse::<Option<Token![,]>>()?;
        }
        Ok(Input { folder, support })
    }
}

/// Expands by `emit`, or to a compile error that says what is wrong and where.
pub fn expand(
    input: TokenStream,
    emit: impl FnOnce(&Spec, Option<&Path>) -> TokenStream,
) -> TokenStream {
    try_expand(input, |spec, support, _| Ok(emit(spec, support)))
        .unwrap_or_else(|error| error.into_compile_error())
}

/// As [`expand`], for emitters that need the support module.
pub fn expand_with_support(
    input: TokenStream,
    emit: impl FnOnce(&Spec, &Path) -> TokenStream,
) -> TokenStream {
    try_expand(input, |spec, support, folder| match support {
        Some(path) => Ok(emit(spec, path)),
        None => Err(syn::Error::new(
            folder.span(),
            "expected a second argument: the path of the module that the expansion stands on",
        )),
    })
    .unwrap_or_else(|error| error.into_compile_error())
}

fn try_expand(
    input: TokenStream,
    emit: impl FnOnce(&Spec, Option<&Path>, &LitStr) -> syn::Result<TokenStream>,
) -> syn::Result<TokenStream> {
    let Input { folder, support } = syn::parse2(input)?;
    let fail = |text: String| syn::Error::new(folder.span(), text);
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .ok_or_else(|| fail("CARGO_MANIFEST_DIR is not set: this macro needs cargo".into()))?;
    let path: PathBuf = [manifest.into(), PathBuf::from(folder.value())]
        .iter()
        .collect();
    let spec = Spec::load(&path)
        .map_err(|problems| fail(format!("the specification has mistakes\n{problems}")))?;
    let expansion = emit(&spec, support.as_ref(), &folder)?;
    let dependencies = dependencies(&spec, &folder.value());
    Ok(quote!(#expansion #dependencies))
}

/// Makes cargo rebuild the invoking crate when a file of the spec changes, by a path that
/// does not depend on where the sources lie.
fn dependencies(spec: &Spec, folder: &str) -> TokenStream {
    let files = spec.files.iter().map(|file| {
        let path = format!("/{}/{file}", folder.trim_end_matches('/'));
        quote!(include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), #path)))
    });
    quote!(const _: &[&[u8]] = &[#(#files),*];)
}
