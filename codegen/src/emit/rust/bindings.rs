//! Host functions for the described calls: addresses translated, structs and flags
//! converted where the host needs it, the rest straight to the kernel.

use std::collections::BTreeMap;

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

use super::cases;
use super::metadata;
use super::names::{cfg, doc, ident, int};
use crate::model::{
    Answer, Arg, ArgType, Aux, By, Call, Dir, Element, Fallback, FallbackArg, Int, Len, PerIsa,
    Pointee, Restart, Returns, Role, Spec,
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
    let aux_entries = spec.aux.values().map(|aux| aux_entry(spec, aux));
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
            use #support::{Widened, closed, convert, guest, number, syscall};
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
fn aux_ident(aux: &Aux) -> Ident {
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

/// What becomes of one argument on the way to the kernel.
struct Passage {
    /// A statement before the call; may fail with an error number.
    before: TokenStream,
    /// The word for the kernel.
    word: TokenStream,
    /// A statement after a call that succeeded.
    after: TokenStream,
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
    let syscall = syscall(call, &words.collect::<Vec<_>>());
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
fn syscall(call: &Call, words: &[&TokenStream]) -> TokenStream {
    if call.restart == Restart::NotBlocking {
        let syscall = format_ident!("syscall{}", words.len());
        return quote!(syscall::#syscall(__number #(, #words)*));
    }
    let zeros = (words.len()..MOST_ARGS).map(|_| quote!(0));
    let args = words.iter().map(|word| quote!(#word)).chain(zeros);
    quote! {
        let __args = [#(#args),*];
        match syscall::syscall_checked(__cx.interrupt_word(), __number, &__args) {
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

fn passage(spec: &Spec, call: &Call, arg: &Arg) -> Passage {
    let name = ident(&arg.name);
    match &arg.ty {
        ArgType::Value { scalar, flags } => {
            let moved = flags
                .as_ref()
                .map(|f| &spec.flag_sets[f])
                .filter(|set| (0..spec.isas.len()).any(|isa| set.converts_on(isa)));
            let word = match moved {
                Some(set) => {
                    let (set, ty) = (ident(&set.name), int(passed_int(spec, &arg.ty)));
                    quote!(flags::#set::to_host(#name as u64) as #ty as usize)
                }
                None => {
                    let passed = passed_int(spec, &arg.ty);
                    let signed = spec.scalars[scalar].widening().signed;
                    let ty = int(Int { signed, ..passed });
                    quote!(#name as #ty as usize)
                }
            };
            Passage {
                before: quote!(),
                word,
                after: quote!(),
            }
        }
        ArgType::Pointer { dir, to, .. } => pointer(spec, call, &name, *dir, to),
        ArgType::Unused { .. } => Passage {
            before: quote!(),
            word: quote!(0usize),
            after: quote!(),
        },
    }
}

/// The value of a length as `u64`; a negative one counts as huge, for the kernel to refuse.
/// One that stands in memory is the kernel's to judge.
fn length(spec: &Spec, call: &Call, len: &Len) -> TokenStream {
    match len {
        Len::Fixed(n) => {
            let n = Literal::u64_suffixed(*n);
            quote!(#n)
        }
        Len::Arg(name) => {
            let arg = call.args.iter().find(|a| a.name == *name);
            if arg.is_some_and(|a| matches!(a.ty, ArgType::Pointer { .. })) {
                return quote!(0u64);
            }
            let ty = arg.map(|a| passed_int(spec, &a.ty));
            let bits = ty.map_or(64, |int| int.bits);
            let (name, unsigned) = (
                ident(name),
                int(Int {
                    bits,
                    signed: false,
                }),
            );
            quote!(#name as #unsigned as u64)
        }
    }
}

fn pointer(spec: &Spec, call: &Call, name: &Ident, dir: Dir, to: &Pointee) -> Passage {
    match to {
        Pointee::Bytes(len) => straight(name, length(spec, call, len)),
        // The kernel stops at the end of accessible memory, which the reservation holds.
        Pointee::String { .. } => straight(name, quote!(0)),
        Pointee::Scalar(scalar) => {
            let scalar = &spec.scalars[scalar];
            let (guest, host) = (int(scalar.guest), int(scalar.host));
            if scalar.guest.bits == scalar.host.bits {
                straight(name, quote!(::core::mem::size_of::<#guest>() as u64))
            } else {
                converted(name, dir, quote!(Widened<#guest, #host>), None)
            }
        }
        Pointee::Struct(s) => {
            let ty = ident(s);
            if converts(spec, s) {
                converted(name, dir, quote!(guest::#ty), None)
            } else {
                straight(name, quote!(::core::mem::size_of::<guest::#ty>() as u64))
            }
        }
        Pointee::Array { of, count } => {
            let count = length(spec, call, count);
            let (ty, converts) = match of {
                Element::Scalar(scalar) => {
                    let scalar = &spec.scalars[scalar];
                    let (guest, host) = (int(scalar.guest), int(scalar.host));
                    if scalar.guest.bits == scalar.host.bits {
                        (quote!(#guest), false)
                    } else {
                        (quote!(Widened<#guest, #host>), true)
                    }
                }
                Element::Struct(s) => {
                    let ty = ident(s);
                    (quote!(guest::#ty), converts(spec, s))
                }
            };
            if converts {
                // A result is how many the kernel wrote; without one it wrote them all.
                let given = match call.returns {
                    Returns::Scalar(_) | Returns::Flags(_) => quote!(__result as u64),
                    Returns::Nothing | Returns::Never => count.clone(),
                };
                let mut passage = converted(name, dir, ty, Some(count));
                if dir == Dir::Out {
                    passage.after = quote!(#name.give_back(#given)?;);
                }
                passage
            } else {
                straight(
                    name,
                    quote!((#count).saturating_mul(::core::mem::size_of::<#ty>() as u64)),
                )
            }
        }
    }
}

fn converts(spec: &Spec, name: &str) -> bool {
    (0..spec.isas.len()).any(|isa| spec.structs[name].converts_on(isa, spec))
}

/// The guest's own bytes, handed to the kernel where they are.
fn straight(name: &Ident, extent: TokenStream) -> Passage {
    Passage {
        before: quote!(let #name = __cx.memory().address(#name, #extent);),
        word: quote!(#name),
        after: quote!(),
    }
}

/// A struct, or `count` of them, through a copy in the host's layout.
fn converted(name: &Ident, dir: Dir, ty: TokenStream, count: Option<TokenStream>) -> Passage {
    let kind = match (dir, &count) {
        (Dir::In, None) => quote!(In),
        (Dir::Out, None) => quote!(Out),
        (Dir::InOut, None) => quote!(InOut),
        (Dir::In, Some(_)) => quote!(InArray),
        (Dir::Out, Some(_)) => quote!(OutArray),
        (Dir::InOut, Some(_)) => quote!(InOutArray),
    };
    let count = count.map(|count| quote!(, #count));
    let after = match dir {
        Dir::In => quote!(),
        Dir::Out | Dir::InOut => quote!(#name.give_back()?;),
    };
    Passage {
        before: quote!(let mut #name = convert::#kind::<#ty>::new(__cx.memory(), #name #count)?;),
        word: quote!(#name.word()),
        after,
    }
}

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

fn entry(spec: &Spec, call: &Call, import: &str) -> TokenStream {
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

fn aux_entry(spec: &Spec, aux: &Aux) -> TokenStream {
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
    table_entry(
        spec, &aux.name, &aux.name, None, &aux.args, result, expression,
    )
}
