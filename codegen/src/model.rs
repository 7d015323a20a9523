//! The checked model: what the YAML says once every name is resolved, every
//! layout computed and every fact attached. Emitters read this and nothing else.

mod answer;
mod calls;
mod find;
mod since;

use std::collections::BTreeMap;

pub use answer::{Answer, WasmType};
pub use calls::{
    Arg, ArgType, Aux, By, Call, Case, Cases, Element, Fallback, FallbackArg, Len, Otherwise,
    Pointee, Restart, Returns,
};
pub use since::{Release, Since};

/// The whole specification.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The ISAs, in the order in which tables list them.
    pub isas: Vec<Isa>,
    /// Where the facts come from.
    pub provenance: Provenance,
    /// Every call of the kernel on any ISA, described or not, with its numbers.
    pub kernel: BTreeMap<String, PerIsa<Option<u32>>>,
    /// Guest C scalar types by their spec name.
    pub scalars: BTreeMap<String, Scalar>,
    /// Sets of named constants.
    pub flag_sets: BTreeMap<String, FlagSet>,
    /// Structures that cross the boundary.
    pub structs: BTreeMap<String, Struct>,
    /// Described system calls, by kernel name.
    pub calls: BTreeMap<String, Call>,
    /// Imports that are not system calls, by import name.
    pub aux: BTreeMap<String, Aux>,
    /// Constants and fields of the headers that look like parts of the specification, and that
    /// it neither names nor leaves out on purpose.
    pub unjudged: Vec<String>,
    /// Every file that was read, relative to the spec's folder with `/`, sorted:
    /// what a build that depends on the spec must watch.
    pub files: Vec<String>,
}

/// An instruction-set architecture of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize, schemars::JsonSchema))]
pub struct Isa {
    /// The name Rust's `target_arch` uses: `x86_64`, `aarch64`, `riscv64`.
    pub name: String,
    /// clang's target triple for fact extraction.
    pub triple: String,
    /// Folder of the ISA's `asm/` headers inside the uapi tree.
    pub uapi: String,
    /// Whether guest constants, numbering and shapes are this ISA's.
    pub guest: bool,
}

/// One value for each ISA, in the order of [`Spec::isas`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PerIsa<T>(pub Vec<T>);

impl<T: PartialEq> PerIsa<T> {
    /// The value, if it is the same on every ISA.
    pub fn uniform(&self) -> Option<&T> {
        let first = self.0.first()?;
        self.0.iter().all(|v| v == first).then_some(first)
    }
}

/// The release the facts were read from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize, schemars::JsonSchema))]
pub struct Provenance {
    /// Package name.
    pub package: String,
    /// The Debian suite it was fetched from, if it was.
    pub suite: Option<String>,
    /// Package version.
    pub version: String,
    /// SHA-256 of the package file, in hexadecimal.
    pub sha256: String,
}

/// An integer representation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "json", derive(serde::Serialize, schemars::JsonSchema))]
pub struct Int {
    /// 8, 16, 32 or 64.
    pub bits: u8,
    /// Whether widening extends the sign.
    pub signed: bool,
}

/// A guest C scalar: how the guest sees it and how wide the host's kernel takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize, schemars::JsonSchema))]
pub struct Scalar {
    /// Name in the spec.
    pub name: String,
    /// The guest's representation; 64 bits pass as wasm `i64`, anything less as `i32`.
    pub guest: Int,
    /// The host kernel's representation as a call argument or pointee. If it is signed, a
    /// guest's value is widened with its sign.
    pub host: Int,
    /// What values of the type stand for.
    pub role: Role,
    /// How C headers for guests spell it.
    pub c: String,
}

/// What a value stands for; tracing and filtering read this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "json",
    derive(serde::Serialize, schemars::JsonSchema),
    serde(rename_all = "snake_case")
)]
pub enum Role {
    /// A plain number.
    Plain,
    /// A file descriptor.
    Descriptor,
    /// A guest address that the call itself interprets (mmap's, brk's), not a buffer.
    Address,
    /// A process, thread or process-group id.
    Process,
    /// A user id.
    User,
    /// A group id.
    Group,
    /// A signal number.
    Signal,
    /// A file mode.
    Mode,
    /// A clock id.
    Clock,
}

/// A set of named constants: flags that combine or an enumeration.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize, schemars::JsonSchema))]
pub struct FlagSet {
    /// Name in the spec, such as `open_flags`.
    pub name: String,
    /// Whether values combine by or.
    pub bits: bool,
    /// Members in the order of the spec.
    pub members: Vec<Constant>,
    /// One line of documentation.
    pub doc: Option<String>,
}

/// A kernel constant.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize, schemars::JsonSchema))]
pub struct Constant {
    /// The kernel's name for it.
    pub name: String,
    /// The guest's value.
    pub guest: i64,
    /// The host's value; none where the ISA has no such constant.
    pub host: PerIsa<Option<i64>>,
    /// Since when the headers have it, if that is known.
    pub since: Option<Since>,
}

/// Size and alignment in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize, schemars::JsonSchema))]
pub struct Layout {
    /// `sizeof`.
    pub size: u64,
    /// `_Alignof`.
    pub align: u64,
}

/// Where a field lies, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize, schemars::JsonSchema))]
pub struct Place {
    /// `offsetof`.
    pub offset: u64,
    /// `sizeof` of the field.
    pub size: u64,
}

/// A structure that crosses the boundary.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize, schemars::JsonSchema))]
pub struct Struct {
    /// Name in the spec; also the name in Rust.
    pub name: String,
    /// How the kernel's headers spell the type, such as `struct stat`.
    pub c: String,
    /// Whether the guest's fields stand without padding.
    pub packed: bool,
    /// The guest's size and alignment.
    pub guest: Layout,
    /// Each host's size and alignment.
    pub host: PerIsa<Layout>,
    /// Fields in guest order.
    pub fields: Vec<Field>,
    /// One line of documentation.
    pub doc: Option<String>,
}

/// A field of a [`Struct`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize, schemars::JsonSchema))]
pub struct Field {
    /// The kernel's name for it.
    pub name: String,
    /// Its type in the guest.
    pub ty: FieldType,
    /// Where the guest has it.
    pub guest: Place,
    /// Where each host has it; none where the ISA's struct lacks the field.
    pub host: PerIsa<Option<Place>>,
}

/// The type of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "json",
    derive(serde::Serialize, schemars::JsonSchema),
    serde(rename_all = "snake_case")
)]
pub enum FieldType {
    /// A scalar, by spec name.
    Scalar(String),
    /// `scalar name[count]`.
    Array {
        /// The element's scalar, by spec name.
        of: String,
        /// Number of elements.
        count: u64,
    },
    /// A nested struct, by spec name.
    Struct(String),
    /// A guest pointer, 32 bits here and 64 in the host; the field named by `len` bounds
    /// what the kernel touches through it.
    Pointer {
        /// Which way the data goes.
        dir: Dir,
        /// The element of an array; bytes if none. It is the same in guest and host.
        element: Option<Element>,
        /// The sibling field that holds the number of elements or bytes.
        len: String,
    },
}

/// Direction of the data behind a pointer, seen from the kernel's caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "json",
    derive(serde::Serialize, schemars::JsonSchema),
    serde(rename_all = "snake_case")
)]
pub enum Dir {
    /// The kernel reads.
    In,
    /// The kernel writes.
    Out,
    /// Both.
    InOut,
}
