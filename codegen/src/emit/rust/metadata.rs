//! What calls are, as data: statics that say what the specification says, in the types of the
//! support module's `meta`.

use std::collections::BTreeSet;

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

use super::names::ident;
use crate::model::{
    Arg, ArgType, Aux, By, Call, Case, Cases, Dir, Element, FieldType, FlagSet, Len, Otherwise,
    Pointee, Release, Returns, Role, Since, Spec, Struct,
};

/// The family of imports that are not system calls.
const AUX: &str = "aux";

/// The module with a static for each call, each set of constants, and the structures that
/// calls use.
pub(super) fn metadata(spec: &Spec, support: &syn::Path) -> TokenStream {
    let mut used = Used::default();
    for call in spec.calls.values() {
        used.args(spec, &call.args);
        if let Some(cases) = &call.cases {
            used.cases(spec, cases);
        }
    }
    for aux in spec.aux.values() {
        used.args(spec, &aux.args);
    }
    let sets = spec.flag_sets.values().map(set);
    let set_names = spec.flag_sets.keys().map(|name| ident(name));
    let structs = used
        .structs
        .iter()
        .map(|name| structure(spec, &spec.structs[*name]));
    let calls = spec.calls.values().map(|c| call(spec, c));
    let auxiliary = spec.aux.values().map(|a| aux(spec, a));
    quote! {
        /// What each call is.
        #[allow(missing_docs, non_upper_case_globals, unused_imports)]
        pub mod metadata {
            use #support::meta::*;
            pub mod sets {
                use super::*;
                #(#sets)*
                /// All of them.
                pub static ALL: &[&FlagSet] = &[#(&#set_names),*];
            }
            pub mod structs {
                use super::*;
                #(#structs)*
            }
            #(#calls)*
            #(#auxiliary)*
        }
    }
}

/// The path of a call's static, seen from beside the module.
pub(super) fn path(name: &str) -> TokenStream {
    let name = ident(name);
    quote!(&metadata::#name)
}

/// Names of the structures that calls refer to.
#[derive(Default)]
struct Used<'a> {
    structs: BTreeSet<&'a str>,
}

impl<'a> Used<'a> {
    fn args(&mut self, spec: &'a Spec, args: &'a [Arg]) {
        for arg in args {
            let ArgType::Pointer { to, .. } = &arg.ty else {
                continue;
            };
            match to {
                Pointee::Struct(name)
                | Pointee::Array {
                    of: Element::Struct(name),
                    ..
                } => self.structure(spec, name),
                Pointee::Bytes(_)
                | Pointee::String { .. }
                | Pointee::Scalar(_)
                | Pointee::Array {
                    of: Element::Scalar(_),
                    ..
                } => {}
            }
        }
    }

    fn cases(&mut self, spec: &'a Spec, cases: &'a Cases) {
        for case in &cases.cases {
            self.args(spec, &case.args);
            if let Some(below) = &case.cases {
                self.cases(spec, below);
            }
        }
    }

    fn structure(&mut self, spec: &'a Spec, name: &'a str) {
        if !self.structs.insert(name) {
            return;
        }
        for field in &spec.structs[name].fields {
            match &field.ty {
                FieldType::Struct(name)
                | FieldType::Pointer {
                    element: Some(Element::Struct(name)),
                    ..
                } => self.structure(spec, name),
                FieldType::Scalar(_) | FieldType::Array { .. } | FieldType::Pointer { .. } => {}
            }
        }
    }
}

fn set(set: &FlagSet) -> TokenStream {
    let (name, text, bits) = (ident(&set.name), &set.name, set.bits);
    let members = set.members.iter().map(|member| {
        let (name, value) = (&member.name, Literal::i64_unsuffixed(member.guest));
        quote!((#name, #value))
    });
    quote! {
        pub static #name: FlagSet = FlagSet { name: #text, bits: #bits, members: &[#(#members),*] };
    }
}

fn structure(spec: &Spec, s: &Struct) -> TokenStream {
    let (name, text, size) = (
        ident(&s.name),
        &s.name,
        Literal::u64_unsuffixed(s.guest.size),
    );
    let fields = s.fields.iter().map(|field| {
        let (text, offset) = (&field.name, Literal::u64_unsuffixed(field.guest.offset));
        let ty = match &field.ty {
            FieldType::Scalar(name) => {
                let scalar = scalar(spec, name);
                quote!(FieldType::Scalar(#scalar))
            }
            FieldType::Array { of, count } => {
                let (of, count) = (scalar(spec, of), Literal::u64_unsuffixed(*count));
                quote!(FieldType::Array(#of, #count))
            }
            FieldType::Struct(name) => {
                let name = ident(name);
                quote!(FieldType::Struct(&#name))
            }
            FieldType::Pointer {
                dir: way,
                element: of,
                len,
            } => {
                let way = dir(*way);
                let of = of
                    .as_ref()
                    .map_or_else(|| quote!(Element::Byte), |of| element(spec, of));
                let at = place(s.fields.iter().map(|f| &f.name), len);
                quote!(FieldType::Pointer(#way, #of, #at))
            }
        };
        quote!(Field { name: #text, offset: #offset, ty: #ty })
    });
    quote! {
        pub static #name: Struct = Struct { name: #text, size: #size, fields: &[#(#fields),*] };
    }
}

/// The place of a name that the checker has resolved.
fn place<'a>(mut names: impl Iterator<Item = &'a String>, wanted: &str) -> Literal {
    Literal::usize_unsuffixed(names.position(|name| name == wanted).unwrap_or(0))
}

fn scalar(spec: &Spec, name: &str) -> TokenStream {
    let scalar = &spec.scalars[name];
    let (bits, signed) = (
        Literal::u8_unsuffixed(scalar.guest.bits),
        scalar.guest.signed,
    );
    let role = match scalar.role {
        // C's own word for text; bytes that are numbers are `u8`.
        Role::Plain if name == "char" => quote!(Text),
        Role::Plain if name == "sigset_t" => quote!(Signals),
        Role::Plain => quote!(Plain),
        Role::Descriptor => quote!(Descriptor),
        Role::Address => quote!(Address),
        Role::Process => quote!(Process),
        Role::User => quote!(User),
        Role::Group => quote!(Group),
        Role::Signal => quote!(Signal),
        Role::Mode => quote!(Mode),
        Role::Clock => quote!(Clock),
    };
    quote!(Scalar { bits: #bits, signed: #signed, role: Role::#role })
}

fn dir(dir: Dir) -> TokenStream {
    let variant = match dir {
        Dir::In => format_ident!("In"),
        Dir::Out => format_ident!("Out"),
        Dir::InOut => format_ident!("InOut"),
    };
    quote!(Dir::#variant)
}

fn element(spec: &Spec, of: &Element) -> TokenStream {
    match of {
        Element::Scalar(name) => {
            let scalar = scalar(spec, name);
            quote!(Element::Scalar(#scalar))
        }
        Element::Struct(name) => {
            let name = ident(name);
            quote!(Element::Struct(&structs::#name))
        }
    }
}

fn args(spec: &Spec, args: &[Arg]) -> TokenStream {
    let len = |len: &Len| match len {
        Len::Arg(name) => {
            let at = place(args.iter().map(|arg| &arg.name), name);
            quote!(Len::Arg(#at))
        }
        Len::Fixed(n) => {
            let n = Literal::u64_unsuffixed(*n);
            quote!(Len::Fixed(#n))
        }
    };
    let all = args.iter().map(|arg| {
        let name = &arg.name;
        let ty = match &arg.ty {
            ArgType::Value {
                scalar: s,
                flags: Some(set),
            } => {
                let (s, set) = (scalar(spec, s), ident(set));
                quote!(ArgType::Flags(#s, &sets::#set))
            }
            ArgType::Value {
                scalar: s,
                flags: None,
            } => {
                let s = scalar(spec, s);
                quote!(ArgType::Value(#s))
            }
            ArgType::Pointer { dir: way, to, .. } => {
                let to = match to {
                    Pointee::Bytes(n) => {
                        let n = len(n);
                        quote!(Pointee::Bytes(#n))
                    }
                    Pointee::String { path: true } => quote!(Pointee::Path),
                    Pointee::String { path: false } => quote!(Pointee::String),
                    Pointee::Scalar(s) => {
                        let s = scalar(spec, s);
                        quote!(Pointee::Scalar(#s))
                    }
                    Pointee::Struct(name) => {
                        let name = ident(name);
                        quote!(Pointee::Struct(&structs::#name))
                    }
                    Pointee::Array { of, count } => {
                        let (of, count) = (element(spec, of), len(count));
                        quote!(Pointee::Array(#of, #count))
                    }
                };
                let way = dir(*way);
                quote!(ArgType::Pointer(#way, #to))
            }
            ArgType::Unused { .. } => quote!(ArgType::Unused),
        };
        quote!(Arg { name: #name, ty: #ty })
    });
    quote!(&[#(#all),*])
}

fn returns(spec: &Spec, returns: &Returns) -> TokenStream {
    match returns {
        Returns::Scalar(name) => {
            let scalar = scalar(spec, name);
            quote!(Returns::Value(#scalar))
        }
        Returns::Flags(set) => {
            let set = ident(set);
            quote!(Returns::Flags(&sets::#set))
        }
        Returns::Nothing => quote!(Returns::Nothing),
        Returns::Never => quote!(Returns::Never),
    }
}

fn by(by: &By) -> TokenStream {
    match by {
        By::Kernel => quote!(By::Kernel),
        By::Runtime { because } => quote!(By::Runtime(#because)),
        By::Refused { errno, because } => {
            let errno = Literal::i64_unsuffixed(errno.guest);
            quote!(By::Refused(#errno, #because))
        }
    }
}

fn cases(spec: &Spec, own: &[Arg], of: Option<&Cases>) -> TokenStream {
    let Some(cases) = of else {
        return quote!(None);
    };
    let at = place(own.iter().map(|arg| &arg.name), &cases.by);
    let all = cases.cases.iter().map(|c| case(spec, c));
    let otherwise = match &cases.otherwise {
        Otherwise::AsIs => quote!(By::Kernel),
        Otherwise::Refused { errno, because } => {
            let errno = Literal::i64_unsuffixed(errno.guest);
            quote!(By::Refused(#errno, #because))
        }
    };
    quote!(Some(&Cases { by: #at, of: &[#(#all),*], otherwise: #otherwise }))
}

fn case(spec: &Spec, case: &Case) -> TokenStream {
    let value = Literal::i64_unsuffixed(case.constant.guest);
    let mask = Literal::i64_unsuffixed(case.mask.unwrap_or(-1));
    let (args, returns, by) = (
        args(spec, &case.args),
        returns(spec, &case.returns),
        by(&case.by),
    );
    let below = cases(spec, &case.args, case.cases.as_ref());
    quote!(Case { value: #value, mask: #mask, args: #args, returns: #returns, by: #by, cases: #below })
}

fn call(spec: &Spec, call: &Call) -> TokenStream {
    let (name, text, family) = (ident(&call.name), &call.name, &call.family);
    let (args, returns, by) = (
        args(spec, &call.args),
        returns(spec, &call.returns),
        by(&call.by),
    );
    let cases = cases(spec, &call.args, call.cases.as_ref());
    let since = since(call.since);
    quote! {
        pub static #name: Call = Call {
            name: #text, family: #family, args: #args, returns: #returns, by: #by, cases: #cases,
            since: #since,
        };
    }
}

fn since(since: Option<Since>) -> TokenStream {
    let release = |Release(numbers): Release| {
        let numbers = numbers.map(Literal::u16_unsuffixed);
        quote!(Release([#(#numbers),*]))
    };
    match since {
        None => quote!(None),
        Some(Since::Exactly(first)) => {
            let first = release(first);
            quote!(Some(Since::Exactly(#first)))
        }
        Some(Since::Between { after, by }) => {
            let by = release(by);
            let after = match after.map(release) {
                Some(after) => quote!(Some(#after)),
                None => quote!(None),
            };
            quote!(Some(Since::Between { after: #after, by: #by }))
        }
    }
}

fn aux(spec: &Spec, aux: &Aux) -> TokenStream {
    let (name, text) = (ident(&aux.name), &aux.name);
    let args = args(spec, &aux.args);
    let returns = match &aux.returns {
        Some(name) => {
            let scalar = scalar(spec, name);
            quote!(Returns::Value(#scalar))
        }
        None => quote!(Returns::Nothing),
    };
    quote! {
        pub static #name: Call = Call {
            name: #text, family: #AUX, args: #args, returns: #returns,
            by: By::Runtime("it is no system call"), cases: None, since: None,
        };
    }
}
