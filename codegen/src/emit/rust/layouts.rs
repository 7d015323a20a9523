//! Guest and host structures with asserted layouts, and the conversions between them.

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

use super::names::{doc, ident, int, int_of, items_per_isa, per_isa};
use crate::model::{Element, Field, FieldType, Int, Layout, PerIsa, Place, Spec, Struct};

/// Modules `guest` and `host`, conversions and their property tests. `support` names the
/// module with the traits `Plain` and `Convert` and, for tests, `samples`, `bytes` and
/// `pointerless`.
pub fn layouts(spec: &Spec, support: &syn::Path) -> TokenStream {
    let structs = spec.structs.values();
    let guest = structs.clone().flat_map(|s| guest_struct(spec, s, support));
    let host = structs.clone().map(|s| {
        items_per_isa(spec, &facts(spec, s), |isa| {
            host_struct(spec, s, isa, support)
        })
    });
    let conversions = structs.clone().map(|s| {
        per_isa(spec, &facts(spec, s), |isa| {
            conversion(spec, s, isa, support)
        })
    });
    let tests = structs
        .filter(|s| !has_pointer(spec, s))
        .map(|s| per_isa(spec, &facts(spec, s), |isa| test(spec, s, isa, support)));
    quote! {
        /// Structures as the guest lays them out.
        #[allow(non_camel_case_types, non_snake_case, missing_docs)]
        pub mod guest { #(#guest)* }

        /// Structures as the host's kernel lays them out.
        #[allow(non_camel_case_types, non_snake_case, missing_docs)]
        pub mod host { #(#host)* }

        #[allow(unused_variables, clippy::unnecessary_cast)]
        mod conversions {
            use super::{guest, host};
            use #support::Convert;
            #(#conversions)*
        }

        #[cfg(test)]
        #[allow(non_snake_case, clippy::unnecessary_cast)]
        mod conversion_tests {
            use super::{guest, host};
            use #support::Convert;
            #(#tests)*
        }
    }
}

/// All that code about the struct depends on, for each ISA.
fn facts(spec: &Spec, s: &Struct) -> PerIsa<(Layout, Vec<Option<Place>>, bool)> {
    let isas = 0..spec.isas.len();
    PerIsa(
        isas.map(|i| {
            let places = s.fields.iter().map(|f| f.host.0[i]).collect();
            (s.host.0[i], places, s.converts_on(i, spec))
        })
        .collect(),
    )
}

/// One member of a struct as it is laid out: a field or the padding before the next.
struct Member {
    name: syn::Ident,
    ty: TokenStream,
    place: Place,
    align: u64,
    public: bool,
}

fn guest_struct(spec: &Spec, s: &Struct, support: &syn::Path) -> [TokenStream; 3] {
    let members = s
        .fields
        .iter()
        .map(|f| {
            let (ty, align) = match &f.ty {
                FieldType::Scalar(name) => {
                    let guest = spec.scalars[name].guest;
                    (ident_ty(int(guest)), u64::from(guest.bits / 8))
                }
                FieldType::Array { of, count } => {
                    let guest = spec.scalars[of].guest;
                    (array(int(guest), *count), u64::from(guest.bits / 8))
                }
                FieldType::Struct(name) => {
                    let ident = ident(name);
                    (quote!(super::guest::#ident), spec.structs[name].guest.align)
                }
                FieldType::Pointer { .. } => (quote!(u32), 4),
            };
            Member {
                name: ident(&f.name),
                ty,
                place: f.guest,
                align,
                public: true,
            }
        })
        .collect();
    let doc = doc(s.doc.as_deref(), || format!("`{}` of the guest.", s.c));
    definition(s, doc, s.guest, members, support)
}

fn host_struct(spec: &Spec, s: &Struct, isa: usize, support: &syn::Path) -> [TokenStream; 3] {
    let members = s
        .fields
        .iter()
        .filter_map(|f| {
            let place = f.host.0[isa]?;
            let (ty, align) = match &f.ty {
                FieldType::Scalar(name) => {
                    let ty = int_of(place.size, spec.scalars[name].guest);
                    (ident_ty(ty), place.size)
                }
                FieldType::Array { of, count } => {
                    let size = place.size / (*count).max(1);
                    (array(int_of(size, spec.scalars[of].guest), *count), size)
                }
                FieldType::Struct(name) => {
                    let ident = ident(name);
                    (
                        quote!(super::host::#ident),
                        spec.structs[name].host.0[isa].align,
                    )
                }
                FieldType::Pointer { .. } => (quote!(u64), 8),
            };
            Some(Member {
                name: ident(&f.name),
                ty,
                place,
                align,
                public: true,
            })
        })
        .collect();
    let doc = doc(s.doc.as_deref(), || format!("`{}` of the host.", s.c));
    definition(s, doc, s.host.0[isa], members, support)
}

fn ident_ty(ident: proc_macro2::Ident) -> TokenStream {
    quote!(#ident)
}

fn array(element: proc_macro2::Ident, count: u64) -> TokenStream {
    let count = Literal::u64_unsuffixed(count);
    quote!([#element; #count])
}

/// A struct definition with all padding made explicit, so that every byte of it is
/// initialised and may be shown to the other side, and assertions on all of its layout.
fn definition(
    s: &Struct,
    doc: TokenStream,
    layout: Layout,
    mut members: Vec<Member>,
    support: &syn::Path,
) -> [TokenStream; 3] {
    members.sort_by_key(|m| m.place.offset);
    let natural = members.iter().map(|m| m.align).max().unwrap_or(1);
    let aligned = members
        .iter()
        .all(|m| m.place.offset.is_multiple_of(m.align))
        && layout.size.is_multiple_of(natural)
        && layout.align >= natural;
    let repr = match (aligned, layout.align) {
        (true, align) if align == natural => quote!(#[repr(C)]),
        (true, align) => {
            let align = Literal::u64_unsuffixed(align);
            quote!(#[repr(C, align(#align))])
        }
        (false, align) => {
            let align = Literal::u64_unsuffixed(align);
            quote!(#[repr(C, packed(#align))])
        }
    };

    let mut all = Vec::new();
    let mut end = 0;
    for member in members {
        push_padding(&mut all, end, member.place.offset);
        end = member.place.offset + member.place.size;
        all.push(member);
    }
    push_padding(&mut all, end, layout.size);

    let ident = ident(&s.name);
    let fields = all.iter().map(
        |Member {
             name, ty, public, ..
         }| match public {
            true => quote!(pub #name: #ty,),
            false => quote!(#name: #ty,),
        },
    );
    let names: Vec<_> = all.iter().map(|m| &m.name).collect();
    let offsets = all.iter().map(|m| Literal::u64_unsuffixed(m.place.offset));
    let sizes = all.iter().map(|m| Literal::u64_unsuffixed(m.place.size));
    let types: Vec<_> = all.iter().map(|m| &m.ty).collect();
    let (size, align) = (
        Literal::u64_unsuffixed(layout.size),
        Literal::u64_unsuffixed(layout.align),
    );
    let definition = quote! {
        #doc
        #[derive(Debug, Clone, Copy)]
        #repr
        pub struct #ident { #(#fields)* }
    };
    let assertions = quote! {
        const _: () = {
            assert!(size_of::<#ident>() == #size);
            assert!(align_of::<#ident>() == #align);
            #(assert!(core::mem::offset_of!(#ident, #names) == #offsets);)*
            #(assert!(size_of::<#types>() == #sizes);)*
        };
    };
    // Sound since the assertions leave no byte outside the integer fields.
    let plain = quote!(unsafe impl #support::Plain for #ident {});
    [definition, assertions, plain]
}

fn push_padding(all: &mut Vec<Member>, from: u64, to: u64) {
    if from < to {
        let count = Literal::u64_unsuffixed(to - from);
        all.push(Member {
            name: format_ident!("_pad_{from}"),
            ty: quote!([u8; #count]),
            place: Place {
                offset: from,
                size: to - from,
            },
            align: 1,
            public: false,
        });
    }
}

/// Whether the struct holds an address at any depth.
fn has_pointer(spec: &Spec, s: &Struct) -> bool {
    s.fields.iter().any(|f| match &f.ty {
        FieldType::Pointer { .. } => true,
        FieldType::Struct(name) => has_pointer(spec, &spec.structs[name]),
        FieldType::Scalar(_) | FieldType::Array { .. } => false,
    })
}

fn conversion(spec: &Spec, s: &Struct, isa: usize, support: &syn::Path) -> TokenStream {
    let ident = ident(&s.name);
    let same = !s.converts_on(isa, spec);
    let shared: Vec<(&Field, Place)> = s
        .fields
        .iter()
        .filter_map(|f| Some((f, f.host.0[isa]?)))
        .collect();
    let to_host = shared
        .iter()
        .map(|(f, place)| field_to_host(spec, f, *place));
    let update = shared.iter().map(|(f, _)| field_to_guest(spec, f));
    quote! {
        impl #support::Convert for guest::#ident {
            type Host = host::#ident;
            const SAME: bool = #same;

            #[inline]
            fn to_host<E>(
                &self,
                address: &mut impl FnMut(u32, u64) -> Result<usize, E>,
            ) -> Result<host::#ident, E> {
                let mut host = <host::#ident as #support::Plain>::zeroed();
                #(#to_host)*
                Ok(host)
            }

            #[inline]
            fn update(&mut self, host: &host::#ident) { #(#update)* }
        }
    }
}

fn field_to_host(spec: &Spec, f: &Field, place: Place) -> TokenStream {
    let name = ident(&f.name);
    match &f.ty {
        FieldType::Scalar(scalar) => {
            let scalar = &spec.scalars[scalar];
            let (ty, widen) = (int_of(place.size, scalar.guest), int(scalar.widening()));
            quote!(host.#name = self.#name as #widen as #ty;)
        }
        FieldType::Array { of, count } => {
            let scalar = &spec.scalars[of];
            let ty = int_of(place.size / (*count).max(1), scalar.guest);
            let widen = int(scalar.widening());
            quote!(host.#name = { self.#name }.map(|v| v as #widen as #ty);)
        }
        FieldType::Struct(_) => quote!(host.#name = { self.#name }.to_host(address)?;),
        FieldType::Pointer { len, element, .. } => {
            let len = ident(len);
            let size = match element {
                None => 1,
                Some(Element::Scalar(scalar)) => u64::from(spec.scalars[scalar].guest.bits / 8),
                Some(Element::Struct(s)) => spec.structs[s].guest.size,
            };
            let len = match size {
                1 => quote!(self.#len as u64),
                _ => {
                    let size = Literal::u64_suffixed(size);
                    quote!((self.#len as u64).saturating_mul(#size))
                }
            };
            quote!(host.#name = address(self.#name, #len)? as u64;)
        }
    }
}

fn field_to_guest(spec: &Spec, f: &Field) -> TokenStream {
    let name = ident(&f.name);
    match &f.ty {
        FieldType::Scalar(scalar) => {
            let ty = int(spec.scalars[scalar].guest);
            quote!(self.#name = host.#name as #ty;)
        }
        FieldType::Array { of, .. } => {
            let ty = int(spec.scalars[of].guest);
            quote!(self.#name = { host.#name }.map(|v| v as #ty);)
        }
        FieldType::Struct(_) => quote! {
            let mut inner = { self.#name };
            inner.update(&{ host.#name });
            self.#name = inner;
        },
        // Addresses are the guest's own and stay.
        FieldType::Pointer { .. } => quote!(),
    }
}

/// A property test: what both sides can represent survives the way there and back.
fn test(spec: &Spec, s: &Struct, isa: usize, support: &syn::Path) -> TokenStream {
    let ident = ident(&s.name);
    let mut guest_first = Vec::new();
    let mut host_first = Vec::new();
    for (f, place) in s.fields.iter().filter_map(|f| Some((f, f.host.0[isa]?))) {
        let name = super::names::ident(&f.name);
        let element =
            |scalar: &str, size: u64| -> (Int, u64) { (spec.scalars[scalar].guest, size * 8) };
        let (guest, host_bits) = match &f.ty {
            FieldType::Scalar(scalar) => element(scalar, place.size),
            FieldType::Array { of, count } => element(of, place.size / (*count).max(1)),
            FieldType::Struct(_) | FieldType::Pointer { .. } => continue,
        };
        let guest_bits = u64::from(guest.bits);
        if host_bits >= guest_bits {
            guest_first.push(quote!(assert_eq!({ back.#name }, { guest.#name });));
        }
        if guest_bits >= host_bits {
            host_first.push(quote!(assert_eq!({ back.#name }, { host.#name });));
        }
    }
    let same = (!s.converts_on(isa, spec))
        .then(|| quote!(assert_eq!(#support::bytes(&back), #support::bytes(&to_host(&guest)));));
    quote! {
        #[test]
        fn #ident() {
            let to_host = |guest: &guest::#ident| #support::pointerless(guest);
            for guest in #support::samples::<guest::#ident>() {
                let back = guest::#ident::from_host(&to_host(&guest));
                let _ = back;
                #(#guest_first)*
                #same
            }
            for host in #support::samples::<host::#ident>() {
                let back = to_host(&guest::#ident::from_host(&host));
                let _ = back;
                #(#host_first)*
            }
        }
    }
}
