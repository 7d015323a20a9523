//! Loads, stores and atomics: what each one moves.

use super::value::Bank;

macro_rules! memory_ops {
    ($(#[$doc:meta])* $enum:ident: $($name:ident $text:literal;)*) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $enum { $($name),* }

        impl $enum {
            pub const ALL: &[$enum] = &[$($enum::$name),*];

            pub fn text(self) -> &'static str {
                match self { $($enum::$name => $text),* }
            }
        }
    };
}

memory_ops! {
    /// A load, by width and extension.
    LoadOp:
    Load8U "load8_u";
    Load8S32 "load8_s.32";
    Load8S64 "load8_s.64";
    Load16U "load16_u";
    Load16S32 "load16_s.32";
    Load16S64 "load16_s.64";
    Load32 "load32";
    Load32S64 "load32_s.64";
    Load64 "load64";
    LoadF32 "load.f32";
    LoadF64 "load.f64";
}

memory_ops! {
    /// A store, by width; floats differ in where their accumulator is.
    StoreOp:
    Store8 "store8";
    Store16 "store16";
    Store32 "store32";
    Store64 "store64";
    StoreF32 "store.f32";
    StoreF64 "store.f64";
}

impl LoadOp {
    /// The accumulator that has the result.
    pub fn bank(self) -> Bank {
        match self {
            LoadOp::LoadF32 => Bank::Single,
            LoadOp::LoadF64 => Bank::Double,
            _ => Bank::Int,
        }
    }
}

impl StoreOp {
    /// The accumulator that may have the value.
    pub fn bank(self) -> Bank {
        match self {
            StoreOp::StoreF32 => Bank::Single,
            StoreOp::StoreF64 => Bank::Double,
            _ => Bank::Int,
        }
    }
}

memory_ops! {
    /// The width of an atomic access.
    Width:
    W8 "8";
    W16 "16";
    W32 "32";
    W64 "64";
}

memory_ops! {
    /// What an atomic access does.
    AtomicOp:
    Load "atomic.load";
    Store "atomic.store";
    Add "atomic.add";
    Sub "atomic.sub";
    And "atomic.and";
    Or "atomic.or";
    Xor "atomic.xor";
    Xchg "atomic.xchg";
    Cmpxchg "atomic.cmpxchg";
}
