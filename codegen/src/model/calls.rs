//! Calls and other imports, with the types of what they are given.

use super::{Constant, Dir, PerIsa, Since};

/// A described system call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize, schemars::JsonSchema))]
pub struct Call {
    /// The kernel's name.
    pub name: String,
    /// The family file it stands in, such as `file`.
    pub family: String,
    /// The import name: `SYS_` and the name unless the spec says otherwise.
    pub import: String,
    /// Other import names that older binaries use.
    pub aliases: Vec<String>,
    /// Arguments in order.
    pub args: Vec<Arg>,
    /// What a successful call gives.
    pub returns: Returns,
    /// What a signal handler does to a blocked call.
    pub restart: Restart,
    /// Who carries the call out.
    pub by: By,
    /// How ISAs without the call do it.
    pub fallback: Option<Fallback>,
    /// What it is for each value of an argument, if it does many things.
    pub cases: Option<Cases>,
    /// The number on each ISA; none where its table has no such call.
    pub numbers: PerIsa<Option<u32>>,
    /// Since when the kernel has it, if that is known.
    pub since: Option<Since>,
    /// One line of documentation.
    pub doc: Option<String>,
}

/// What a call is for each value of an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize, schemars::JsonSchema))]
pub struct Cases {
    /// The argument.
    pub by: String,
    /// The enumeration of its values.
    pub set: String,
    /// A case for each value that is known.
    pub cases: Vec<Case>,
    /// What becomes of others.
    pub otherwise: Otherwise,
}

/// What a call is for one value of an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize, schemars::JsonSchema))]
pub struct Case {
    /// The value.
    pub constant: Constant,
    /// The bits of the argument that have to be the constant's, if not all of them: others say
    /// how long the caller's structure is, and may say anything.
    pub mask: Option<i64>,
    /// All of the call's arguments, with the types they have in this case.
    pub args: Vec<Arg>,
    /// What a successful call gives.
    pub returns: Returns,
    /// What a signal handler does to a blocked call.
    pub restart: Restart,
    /// Who carries it out.
    pub by: By,
    /// What tells it further apart.
    pub cases: Option<Cases>,
}

/// What becomes of a value that no case knows.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "json",
    derive(serde::Serialize, schemars::JsonSchema),
    serde(rename_all = "snake_case")
)]
pub enum Otherwise {
    /// The kernel does it, with the call's own types.
    AsIs,
    /// It fails with `errno`.
    Refused {
        /// The error.
        errno: Constant,
        /// Why.
        because: String,
    },
}

/// An argument.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize, schemars::JsonSchema))]
pub struct Arg {
    /// Its name, a C and Rust identifier (`r#` is the emitter's business).
    pub name: String,
    /// Its type.
    pub ty: ArgType,
}

/// The type of an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "json",
    derive(serde::Serialize, schemars::JsonSchema),
    serde(rename_all = "snake_case")
)]
pub enum ArgType {
    /// Passed by value.
    Value {
        /// The scalar, by spec name.
        scalar: String,
        /// The set its bits come from, by spec name.
        flags: Option<String>,
    },
    /// A guest address of something.
    Pointer {
        /// Which way the data goes.
        dir: Dir,
        /// What stands there.
        to: Pointee,
        /// Whether address 0 is allowed and means "none".
        nullable: bool,
    },
    /// Not used in a case: the kernel gets 0. As wide as the call's own type.
    Unused {
        /// The scalar of the call's own, by spec name; none if that is a pointer.
        scalar: Option<String>,
    },
}

/// What a pointer argument points to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "json",
    derive(serde::Serialize, schemars::JsonSchema),
    serde(rename_all = "snake_case")
)]
pub enum Pointee {
    /// Bytes.
    Bytes(Len),
    /// A NUL-terminated string; `path` if it names a file.
    String {
        /// Whether it is a path.
        path: bool,
    },
    /// One scalar, by spec name.
    Scalar(String),
    /// One struct, by spec name.
    Struct(String),
    /// `count` structs or scalars, where `count` is another argument or fixed.
    Array {
        /// The element.
        of: Element,
        /// How many.
        count: Len,
    },
}

/// The element of an array.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "json",
    derive(serde::Serialize, schemars::JsonSchema),
    serde(rename_all = "snake_case")
)]
pub enum Element {
    /// A scalar, by spec name.
    Scalar(String),
    /// A struct, by spec name.
    Struct(String),
}

/// A length or count.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "json",
    derive(serde::Serialize, schemars::JsonSchema),
    serde(rename_all = "snake_case")
)]
pub enum Len {
    /// The value of another argument, or what that points to.
    Arg(String),
    /// A fixed number.
    Fixed(u64),
}

/// What a successful call gives.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "json",
    derive(serde::Serialize, schemars::JsonSchema),
    serde(rename_all = "snake_case")
)]
pub enum Returns {
    /// A value of a scalar type, by spec name.
    Scalar(String),
    /// Members of a set of constants, by spec name.
    Flags(String),
    /// Zero.
    Nothing,
    /// It does not return.
    Never,
}

/// What a signal handler does to a blocked call (signal(7)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "json",
    derive(serde::Serialize, schemars::JsonSchema),
    serde(rename_all = "snake_case")
)]
pub enum Restart {
    /// Restarted when the handler was installed with `SA_RESTART`.
    Signal,
    /// Ends with `EINTR` whatever the handler's flags.
    Never,
    /// It does not block.
    NotBlocking,
}

/// Who carries a call out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "json",
    derive(serde::Serialize, schemars::JsonSchema),
    serde(rename_all = "snake_case")
)]
pub enum By {
    /// The kernel; whether directly or after conversion follows from the layouts.
    Kernel,
    /// The runtime, for the reason given.
    Runtime {
        /// Why the kernel cannot do it alone.
        because: String,
    },
    /// Nobody: it fails with `errno`.
    Refused {
        /// The error's name.
        errno: Constant,
        /// Why.
        because: String,
    },
}

/// Another call that does the same.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize, schemars::JsonSchema))]
pub struct Fallback {
    /// The call, by kernel name; it is described too and no fallback itself on that ISA.
    pub call: String,
    /// Its arguments, as many as it takes.
    pub args: Vec<FallbackArg>,
}

/// An argument of a [`Fallback`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "json",
    derive(serde::Serialize, schemars::JsonSchema),
    serde(rename_all = "snake_case")
)]
pub enum FallbackArg {
    /// The caller's argument of that name, unchanged in its guest form.
    Arg(String),
    /// A number.
    Int(i64),
    /// A constant, in its guest value.
    Constant(Constant),
}

/// An import that is not a system call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize, schemars::JsonSchema))]
pub struct Aux {
    /// The import name.
    pub name: String,
    /// Arguments in order.
    pub args: Vec<Arg>,
    /// The result's scalar, by spec name; none if it returns nothing.
    pub returns: Option<String>,
    /// Further import names.
    pub aliases: Vec<String>,
    /// Whether it may return more than once, so that compilers have to be told.
    pub twice: bool,
    /// One line of documentation.
    pub doc: Option<String>,
}
