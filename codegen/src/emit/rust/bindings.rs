//! Host functions for the described calls: addresses translated, structs and flags
//! converted where the host needs it, the rest straight to the kernel.

use std::collections::BTreeMap;

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

use super::cases;
use super::metadata;
use super::names::{doc, ident, int};
use super::passage::{Passage, passage};
use super::table::{aux_entry, entry};
use crate::model::{
    Arg, ArgType, Aux, By, Call, Fallback, FallbackArg, Int, Pointee, Restart, Returns, Role, Spec,
};

/// The trait for what the runtime carries out, the functions for what the kernel does,
/// and the table of all bindings. `support` names a module with what they stand on.
pub fn bindings(spec: &Spec, support: &syn::Path) -> TokenStream {
    let (families, family_names) = runtime_traits(spec);
    let aux_methods = spec.aux.values().map(|aux| aux_method(spec, aux));
    let functions = spec.calls.values().map(|call| function(spec, call));
    let entries = spec.calls.values().flat_map(|call| {
        let names = std::iter::once(&call.import).chain(&call.aliases);
        names
            .map(|name| entry(spec, call, name))
            .collect::<Vec<_>>()
    });
    let aux_entries = spec.aux.values().flat_map(|aux| {
        let names = std::iter::once(&aux.name).chain(&aux.aliases);
        names.map(|name| aux_entry(spec, aux, name))
    });
    let metadata = metadata::metadata(spec, support);
    quote! {
        #(#families)*

        /// All calls that the runtime carries out itself.
        pub trait RuntimeCalls: #(#family_names)+* {}

        impl<C: #(#family_names)+*> RuntimeCalls for C {}

        /// Imports that are not system calls.
        pub trait AuxCalls: Guest { #(#aux_methods)* }

        #[allow(unused_imports)]
        use #support::{Answer, Binding, Errno, Guest, Unwind, ValType, finish, flags};

        /// One function for each described call.
        #[allow(
            unused_imports,
            unused_mut,
            unused_variables,
            clippy::too_many_arguments,
            clippy::unnecessary_cast
        )]
        pub mod calls {
            use super::*;
            use #support::flags::errno;
            use #support::{Widened, closed, convert, descriptor, guest, number, syscall};
            #(#functions)*
        }

        #metadata

        /// Every import that can be bound, by name.
        #[allow(clippy::unnecessary_cast)]
        pub fn table<C: RuntimeCalls + AuxCalls>() -> &'static [Binding<C>] {
            const { &[#(#entries,)* #(#aux_entries,)*] }
        }
    }
}

/// The scalar behind an argument in its guest form.
fn guest_int(spec: &Spec, ty: &ArgType) -> Int {
    match ty {
        ArgType::Value { scalar, .. } => spec.scalars[scalar].guest,
        ArgType::Unused {
            scalar: Some(scalar),
        } => spec.scalars[scalar].guest,
        ArgType::Pointer { .. } | ArgType::Unused { scalar: None } => Int {
            bits: 32,
            signed: false,
        },
    }
}

/// The integer in which an argument travels: 32 or 64 bits.
pub(super) fn passed_int(spec: &Spec, ty: &ArgType) -> Int {
    let int = guest_int(spec, ty);
    Int {
        bits: if int.bits == 64 { 64 } else { 32 },
        ..int
    }
}

pub(super) fn parameters(spec: &Spec, args: &[Arg]) -> Vec<TokenStream> {
    args.iter()
        .map(|arg| {
            let (name, ty) = (ident(&arg.name), int(passed_int(spec, &arg.ty)));
            quote!(#name: #ty)
        })
        .collect()
}

/// A trait for each family with calls that the runtime carries out, and the traits' names.
fn runtime_traits(spec: &Spec) -> (Vec<TokenStream>, Vec<Ident>) {
    let mut families: BTreeMap<&str, Vec<TokenStream>> = BTreeMap::new();
    for call in spec.calls.values() {
        if let By::Runtime { because } = &call.by {
            let doc = doc(call.doc.as_deref(), || format!("`{}`.", call.name));
            let (name, parameters) = (ident(&call.name), parameters(spec, &call.args));
            let method = runtime_method(doc, because, &name, &parameters);
            families.entry(&call.family).or_default().push(method);
        }
        for case in cases::runtime_cases(spec, call) {
            let doc = doc(Some(&case.doc), String::new);
            let method = runtime_method(doc, case.because, &case.name, &case.parameters);
            families.entry(&call.family).or_default().push(method);
        }
    }
    let traits = families.into_iter().map(|(family, methods)| {
        let doc = format!(" Calls of the family `{family}` that the runtime carries out itself;");
        let name = family_trait(family);
        let definition = quote! {
            #[doc = #doc]
            /// results are the kernel's: negative error numbers on failure.
            pub trait #name: Guest { #(#methods)* }
        };
        (definition, name)
    });
    traits.unzip()
}

/// `FdCalls` for `fd`.
fn family_trait(family: &str) -> Ident {
    let words = family.split(['_', '-']).map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_uppercase() + rest
    });
    format_ident!("{}Calls", words.collect::<String>())
}

fn runtime_method(
    doc: TokenStream,
    because: &str,
    name: &Ident,
    parameters: &[TokenStream],
) -> TokenStream {
    let why = format!(" The runtime's because {because}.");
    quote! {
        #doc
        #[doc = ""]
        #[doc = #why]
        ///
        /// # Errors
        /// Only to end the guest; what the call itself fails with is its result.
        #[allow(clippy::too_many_arguments)]
        fn #name(&mut self #(, #parameters)*) -> Result<i64, Unwind>;
    }
}

/// The method for an auxiliary import: its name without leading underscores.
pub(super) fn aux_ident(aux: &Aux) -> Ident {
    ident(aux.name.trim_start_matches('_'))
}

fn aux_method(spec: &Spec, aux: &Aux) -> TokenStream {
    let doc = doc(aux.doc.as_deref(), || format!("`{}`.", aux.name));
    let (name, parameters) = (aux_ident(aux), parameters(spec, &aux.args));
    let result = match &aux.returns {
        Some(scalar) => {
            let ty = int(spec.scalars[scalar].guest);
            quote!(#ty)
        }
        None => quote!(()),
    };
    quote! {
        #doc
        ///
        /// # Errors
        /// Only to end or unwind the guest.
        fn #name(&mut self #(, #parameters)*) -> Result<#result, Unwind>;
    }
}

fn function(spec: &Spec, call: &Call) -> TokenStream {
    let body = match &call.by {
        By::Runtime { .. } => return quote!(),
        By::Refused { errno, .. } => refusal(&errno.name),
        By::Kernel => kernel_body(spec, call),
    };
    let doc = doc(call.doc.as_deref(), || format!("`{}`.", call.name));
    let (name, parameters) = (ident(&call.name), parameters(spec, &call.args));
    quote! {
        #doc
        ///
        /// # Errors
        /// What was refused before it reached the kernel; the kernel's own errors are
        /// negative results.
        pub fn #name<C: Guest>(__cx: &mut C #(, #parameters)*) -> Result<i64, Errno> { #body }
    }
}

pub(super) fn refusal(errno: &str) -> TokenStream {
    let errno = ident(errno);
    quote!(Err(Errno(errno::#errno)))
}

/// The body of a call that the kernel does. Its own locals begin with two underscores, as no
/// argument does, and it names functions by path, so that arguments can have any name.
pub(super) fn kernel_body(spec: &Spec, call: &Call) -> TokenStream {
    if let Some(cases) = &call.cases {
        return cases::body(spec, call, cases);
    }
    let name = ident(&call.name);
    let absent = match &call.fallback {
        Some(fallback) => fallback_call(spec, fallback),
        None => refusal("ENOSYS"),
    };
    let passages: Vec<Passage> = call
        .args
        .iter()
        .map(|arg| passage(spec, call, arg))
        .collect();
    let (before, words) = (
        passages.iter().map(|p| &p.before),
        passages.iter().map(|p| &p.word),
    );
    let after: TokenStream = passages.iter().map(|p| p.after.clone()).collect();
    let finish = if after.is_empty() {
        quote!()
    } else {
        quote!(if __result >= 0 { #after })
    };
    let opened = opens(spec, call).then(|| quote!(let __result = __cx.opened(__result);));
    let result = match &call.returns {
        Returns::Flags(set) if (0..spec.isas.len()).any(|i| spec.flag_sets[set].converts_on(i)) => {
            let set = ident(set);
            quote!(Ok(if __result < 0 { __result } else {
                flags::#set::to_guest(__result as u64) as i64
            }))
        }
        _ => quote!(Ok(__result)),
    };
    let syscall = syscall(spec, call, &words.collect::<Vec<_>>());
    quote! {
        let Some(__number) = number::#name else { return #absent };
        #(#before)*
        // SAFETY: every address among the words is inside the guest's reservation with its
        // extent, as `memory` made sure, or that of a live local.
        let __result = unsafe { #syscall } as i64;
        #opened
        #finish
        #result
    }
}

/// The system call itself. One that may block is left if signal handlers have to run first.
fn syscall(spec: &Spec, call: &Call, words: &[&TokenStream]) -> TokenStream {
    if call.restart == Restart::NotBlocking {
        let syscall = format_ident!("syscall{}", words.len());
        return quote!(syscall::#syscall(__number #(, #words)*));
    }
    let zeros = (words.len()..MOST_ARGS).map(|_| quote!(0));
    let args = words.iter().map(|word| quote!(#word)).chain(zeros);
    let make = match opens(spec, call) {
        true => quote!(open_by_name),
        false => quote!(may_block),
    };
    quote! {
        let __args = [#(#args),*];
        match __cx.#make(__number, &__args) {
            syscall::NOT_MADE => return Err(Errno::INTERRUPTED),
            __result => __result,
        }
    }
}

/// Most arguments of a system call.
const MOST_ARGS: usize = 6;

/// Whether a call makes a descriptor out of a file's name, so that what it opened must be
/// looked at.
fn opens(spec: &Spec, call: &Call) -> bool {
    let descriptor = matches!(&call.returns, Returns::Scalar(name)
        if spec.scalars[name].role == Role::Descriptor);
    let path = |arg: &Arg| {
        matches!(
            arg.ty,
            ArgType::Pointer {
                to: Pointee::String { path: true },
                ..
            }
        )
    };
    descriptor && call.args.iter().any(path)
}

fn fallback_call(spec: &Spec, fallback: &Fallback) -> TokenStream {
    let target = &spec.calls[&fallback.call];
    let name = ident(&fallback.call);
    let args = fallback.args.iter().zip(&target.args).map(|(arg, param)| {
        let ty = int(passed_int(spec, &param.ty));
        let value = match arg {
            FallbackArg::Arg(name) => {
                let name = ident(name);
                return quote!(#name as #ty);
            }
            FallbackArg::Int(value) => *value,
            FallbackArg::Constant(constant) => constant.guest,
        };
        let value = Literal::i64_suffixed(value);
        quote!(#value as #ty)
    });
    quote!(self::#name(__cx #(, #args)*))
}
