//! Arguments on their way to the kernel: translated, converted, or as they are.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

use super::bindings::passed_int;
use super::names::{ident, int};
use crate::model::{Arg, ArgType, Call, Dir, Element, Int, Len, Pointee, Returns, Role, Spec};

/// What becomes of one argument on the way to the kernel.
pub(super) struct Passage {
    /// A statement before the call; may fail with an error number.
    pub(super) before: TokenStream,
    /// The word for the kernel.
    pub(super) word: TokenStream,
    /// A statement after a call that succeeded.
    pub(super) after: TokenStream,
}

pub(super) fn passage(spec: &Spec, call: &Call, arg: &Arg) -> Passage {
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
                // Whether it is one of the runtime's own is asked on the way.
                None if spec.scalars[scalar].role == Role::Descriptor => {
                    quote!(descriptor(#name as i32))
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
        ArgType::Pointer { dir, to, nullable } => {
            // What the kernel does not look at has no end that could lie anywhere.
            let none_at_null = *nullable && measured(call, to);
            pointer(spec, call, &name, *dir, to, none_at_null)
        }
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

/// Whether an argument says how much there is.
fn measured(call: &Call, to: &Pointee) -> bool {
    let (Pointee::Bytes(Len::Arg(name))
    | Pointee::Array {
        count: Len::Arg(name),
        ..
    }) = to
    else {
        return false;
    };
    let arg = call.args.iter().find(|a| a.name == *name);
    arg.is_some_and(|a| matches!(a.ty, ArgType::Value { .. }))
}

/// A length or count, or 0 at the null pointer.
fn at_null(name: &Ident, none: bool, length: TokenStream) -> TokenStream {
    match none {
        true => quote!(if #name == 0 { 0 } else { #length }),
        false => length,
    }
}

fn pointer(
    spec: &Spec,
    call: &Call,
    name: &Ident,
    dir: Dir,
    to: &Pointee,
    none_at_null: bool,
) -> Passage {
    match to {
        Pointee::Bytes(len) => straight(name, at_null(name, none_at_null, length(spec, call, len))),
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
                let count = at_null(name, none_at_null, count);
                let mut passage = converted(name, dir, ty, Some(count));
                if dir == Dir::Out {
                    passage.after = quote!(#name.give_back(#given)?;);
                }
                passage
            } else {
                let extent = quote!((#count).saturating_mul(::core::mem::size_of::<#ty>() as u64));
                straight(name, at_null(name, none_at_null, extent))
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
