//! Guest programs: one C source, built natively and for Wasm, run on the same input.
//!
//! A program is a file `tests/guests/NAME.c`; its leading comment declares its cases
//! (see [`cases`]). Nothing else has to be written to add one.

pub mod build;
pub mod cases;
pub mod compare;
pub mod judge;
pub mod page;
pub mod table;
pub mod tree;

use std::path::{Path, PathBuf};

/// A guest program's source.
#[derive(Debug, Clone)]
pub struct Program {
    /// The file's name without `.c`.
    pub name: String,
    /// The file.
    pub source: PathBuf,
}

/// The folder of the guest programs.
pub fn dir() -> PathBuf {
    crate::workspace::root().join("tests/guests")
}

/// All programs, by name.
pub fn programs() -> Vec<Program> {
    let dir = dir();
    let entries = std::fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
    let mut programs: Vec<Program> = entries
        .map(|entry| {
            entry
                .unwrap_or_else(|e| panic!("{}: {e}", dir.display()))
                .path()
        })
        .filter(|path| path.extension().is_some_and(|e| e == "c"))
        .map(|source| Program {
            name: stem(&source),
            source,
        })
        .collect();
    programs.sort_by(|a, b| a.name.cmp(&b.name));
    programs
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .expect("a .c file has a stem")
        .to_string_lossy()
        .into_owned()
}
