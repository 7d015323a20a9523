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
pub fn expand(input: TokenStream, emit: impl FnOnce(&Spec) -> TokenStream) -> TokenStream {
    let expand = || {
        let Input { folder, support } = syn::parse2(input)?;
        if let Some(path) = support {
            return Err(syn::Error::new_spanned(
                path,
                "this macro takes the folder only",
            ));
        }
        load_and_emit(&folder, emit)
    };
    expand().unwrap_or_else(|error| error.into_compile_error())
}

/// As [`expand`], for emitters whose output stands on hand-written code.
pub fn expand_with_support(
    input: TokenStream,
    emit: impl FnOnce(&Spec, &Path) -> TokenStream,
) -> TokenStream {
    let expand = || {
        let Input { folder, support } = syn::parse2(input)?;
        let path = support.ok_or_else(|| {
            let text = "expected a second argument: the path of the module that the \
                        expansion stands on, such as `crate::support`";
            syn::Error::new(folder.span(), text)
        })?;
        load_and_emit(&folder, |spec| emit(spec, &path))
    };
    expand().unwrap_or_else(|error| error.into_compile_error())
}

fn load_and_emit(
    folder: &LitStr,
    emit: impl FnOnce(&Spec) -> TokenStream,
) -> syn::Result<TokenStream> {
    let fail = |text: String| syn::Error::new(folder.span(), text);
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .ok_or_else(|| fail("CARGO_MANIFEST_DIR is not set: this macro needs cargo".into()))?;
    let path: PathBuf = [manifest.into(), PathBuf::from(folder.value())]
        .iter()
        .collect();
    let spec = Spec::load(&path)
        .map_err(|problems| fail(format!("the specification has mistakes\n{problems}")))?;
    let expansion = emit(&spec);
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

#[cfg(test)]
mod tests {
    use super::*;
    use wali_codegen::emit::rust;

    #[test]
    fn expands_and_names_every_file_it_depends_on() {
        let text = expand(quote!("../spec"), rust::numbers).to_string();
        assert!(text.contains("enum Sysno"), "{text}");
        let spec = Spec::load("../spec".as_ref()).unwrap_or_else(|problems| panic!("{problems}"));
        assert!(spec.files.len() > 10);
        for file in spec.files {
            assert!(
                text.contains(&format!("\"/../spec/{file}\"")),
                "{file} is not watched"
            );
        }
    }

    #[test]
    fn mistakes_of_a_specification_become_a_compile_error_with_their_places() {
        let folder = tempfile::tempdir().unwrap();
        copy("../codegen/tests/base".as_ref(), folder.path());
        let calls = folder.path().join("syscalls/fd.yaml");
        let text = std::fs::read_to_string(&calls).unwrap();
        std::fs::write(&calls, text.replace("{ dirfd: fd,", "{ dirfd: fdd,")).unwrap();

        let folder = folder.path().to_str().unwrap();
        let text = expand(quote!(#folder), rust::numbers).to_string();
        assert!(text.contains("compile_error"), "{text}");
        for part in ["`fdd`", "did you mean `fd`", "syscalls/fd.yaml:8:"] {
            assert!(text.contains(part), "no `{part}` in {text}");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let text = expand(quote!("no/such/spec"), rust::numbers).to_string();
        assert!(text.contains("compile_error"), "{text}");
        assert!(text.contains("no/such/spec"), "{text}");
    }

    fn copy(from: &std::path::Path, to: &std::path::Path) {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            let target = to.join(path.file_name().unwrap());
            match path.is_dir() {
                true => copy(&path, &target),
                false => drop(std::fs::copy(&path, &target).unwrap()),
            }
        }
    }
}
