//! What a machine read out of a kernel release's headers.

#[cfg(feature = "cli")]
pub mod compare;
#[cfg(feature = "cli")]
pub mod extract;
pub mod history;
#[cfg(feature = "cli")]
pub mod manual;
#[cfg(feature = "cli")]
pub mod package;
#[cfg(feature = "cli")]
pub mod prototypes;
mod read;
#[cfg(feature = "cli")]
mod report;
#[cfg(feature = "cli")]
pub mod scaffold;
#[cfg(feature = "cli")]
pub mod since;
#[cfg(feature = "cli")]
mod suite;
mod write;

use std::collections::BTreeMap;

use crate::model::{Layout, Place, Provenance, Release};
use crate::source::Sources;

pub use read::{Stated, read, read_since, recorded};

/// Facts about every ISA of the specification, values in its order of ISAs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Where they come from.
    pub provenance: Provenance,
    /// The ISAs' names.
    pub isas: Vec<String>,
    /// Every system call's numbers.
    pub calls: BTreeMap<String, Vec<Option<u32>>>,
    /// Constants' values.
    pub constants: BTreeMap<String, Vec<Option<i64>>>,
    /// Structs by their name in the specification.
    pub structs: BTreeMap<String, StructFacts>,
    /// What the headers have beside that.
    pub unnamed: Unnamed,
}

/// What the headers have and the specification does not name, though it might: so that what a
/// kernel adds shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unnamed {
    /// Constants that look like members of a set.
    pub constants: BTreeMap<String, Vec<Option<i64>>>,
    /// Fields of structs, by `struct.field`.
    pub fields: BTreeMap<String, Vec<Option<Place>>>,
}

/// Facts about a struct.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StructFacts {
    /// Size and alignment; none where the headers lack the struct.
    pub layout: Vec<Option<Layout>>,
    /// Fields in the order of the specification; none where the struct lacks one.
    pub fields: Vec<(String, Vec<Option<Place>>)>,
}

/// The folder of the facts in a specification.
pub const FOLDER: &str = "facts";

/// The file with the first releases, without `.yaml`; it is no part of [`Facts`], since it comes
/// from elsewhere, and a specification may do without.
pub const SINCE: &str = "since";

/// All files of the folder, without `.yaml`.
pub const FILES: [&str; 6] = [
    "constants",
    "provenance",
    "structs",
    "syscalls",
    "unnamed",
    SINCE,
];

impl Facts {
    /// The files that hold these facts, byte for byte.
    pub fn to_sources(&self) -> Sources {
        write::sources(self)
    }
}

/// The kernel's series in the version of a package or of headers: `6.12` of `6.12.107-1`.
///
/// # Errors
/// It is no version of Linux.
pub fn upstream(version: &str) -> Result<Release, String> {
    let mut parts = version.split(['.', '-', '~']);
    let series = parts.next().zip(parts.next());
    series
        .and_then(|(major, minor)| format!("{major}.{minor}").parse().ok())
        .ok_or_else(|| format!("`{version}` is no version of Linux"))
}
