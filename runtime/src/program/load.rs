//! From a file to a module: binaries and text, and words for everything else.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::interp::{Module, ModuleError, Validation};

/// Most bytes a module may have.
const MAX_BYTES: u64 = 1 << 30;

/// Why a file could not be loaded.
#[derive(Debug)]
pub enum LoadError {
    /// It could not be read.
    Io(io::Error),
    /// It is empty.
    Empty,
    /// It is larger than any module may be.
    TooLarge,
    /// It is neither a module nor the text of one.
    NotWasm {
        /// What it seems to be instead, if that can be told.
        looks_like: Option<&'static str>,
    },
    /// It is the text of a module, with a mistake.
    Text(wat::Error),
    /// It is a module that does not hold.
    Module(ModuleError),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Io(error) => match error.kind() {
                io::ErrorKind::NotFound => f.write_str("no such file"),
                io::ErrorKind::IsADirectory => f.write_str("is a directory"),
                io::ErrorKind::PermissionDenied => f.write_str("permission denied"),
                _ => error.fmt(f),
            },
            LoadError::Empty => f.write_str("the file is empty"),
            LoadError::TooLarge => {
                write!(
                    f,
                    "larger than {} GiB, the most a module may have",
                    MAX_BYTES >> 30
                )
            }
            LoadError::NotWasm { looks_like } => {
                f.write_str("not a WebAssembly module")?;
                looks_like.map_or(Ok(()), |what| write!(f, ", but {what}"))
            }
            LoadError::Text(error) => error.fmt(f),
            LoadError::Module(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for LoadError {}

impl LoadError {
    /// Whether there is no such file at all.
    pub fn is_not_found(&self) -> bool {
        matches!(self, LoadError::Io(error) if error.kind() == io::ErrorKind::NotFound)
    }
}

/// Loads a module, binary or text, and validates all of it.
///
/// # Errors
/// Says what is wrong with the file.
pub fn load(path: &Path) -> Result<Module, LoadError> {
    let file = File::open(path).map_err(LoadError::Io)?;
    load_file(file, path, Validation::AtOnce)
}

/// Loads a module from an open file, with functions validated now or when they are called; the path is
/// for messages, and to tell text by its name.
///
/// # Errors
/// As for [`load`].
pub fn load_file(file: File, path: &Path, functions: Validation) -> Result<Module, LoadError> {
    // All at once, if the file has a size.
    let size = file.metadata().map_or(0, |status| status.len());
    let mut bytes = Vec::with_capacity(size.min(MAX_BYTES) as usize + 1);
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(LoadError::Io)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(LoadError::TooLarge);
    }
    if bytes.is_empty() {
        return Err(LoadError::Empty);
    }
    // The layer field of a component's version.
    if bytes.starts_with(b"\0asm") && bytes.get(6) == Some(&1) {
        return Err(LoadError::NotWasm {
            looks_like: Some("a WebAssembly component"),
        });
    }
    if bytes.starts_with(b"\0asm") {
        return Module::with(bytes, functions).map_err(LoadError::Module);
    }
    let named_text = path.extension().is_some_and(|e| e == "wat" || e == "wast");
    if !named_text && !is_text(&bytes) {
        return Err(LoadError::NotWasm {
            looks_like: looks_like(&bytes),
        });
    }
    let binary = wat::parse_bytes(&bytes).map_err(|mut error| {
        error.set_path(path);
        LoadError::Text(error)
    })?;
    Module::with(binary.into_owned(), functions).map_err(LoadError::Module)
}

/// Whether it starts as the text format does: with a parenthesis or a comment.
fn is_text(bytes: &[u8]) -> bool {
    let start = bytes.trim_ascii_start();
    start.starts_with(b"(") || start.starts_with(b";;")
}

fn looks_like(bytes: &[u8]) -> Option<&'static str> {
    let text = |b: &u8| b.is_ascii_graphic() || b.is_ascii_whitespace();
    Some(match bytes {
        [0x7f, b'E', b'L', b'F', ..] => "a native program (ELF)",
        [b'#', b'!', ..] => "a script",
        [b'B', b'C', 0xc0, 0xde, ..] => "LLVM bitcode",
        [b'!', b'<', b'a', b'r', b'c', b'h', b'>', ..] => "an archive of object files",
        [0x1f, 0x8b, ..] => "a compressed file (gzip)",
        [0, b'a' | b'A', ..] | [0] => "something cut off or damaged at its start",
        _ if bytes.iter().take(512).all(text) => "some other text",
        _ => return None,
    })
}
