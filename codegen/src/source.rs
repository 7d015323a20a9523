//! The files of a specification, read from a folder or given in memory.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// One YAML file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Relative to the spec's folder, with `/`.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// The files of a specification, sorted by path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// Where they were read from; what messages put before a path.
    pub root: Option<PathBuf>,
    /// The files.
    pub files: Vec<Source>,
}

/// A stretch of bytes in one of the [`Sources`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Index into [`Sources::files`].
    pub file: usize,
    /// Byte range in its text.
    pub range: Range<usize>,
}

/// A value and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Its place.
    pub span: Span,
}

/// A name and where it was written.
pub type Name = At<String>;

impl Sources {
    /// Sources from pairs of path and text.
    pub fn from_memory<P: Into<String>, T: Into<String>>(
        files: impl IntoIterator<Item = (P, T)>,
    ) -> Sources {
        let mut files: Vec<Source> = files
            .into_iter()
            .map(|(path, text)| Source {
                path: path.into(),
                text: text.into(),
            })
            .collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Sources { root: None, files }
    }

    /// Every `.yaml` file in a folder and in its folders, which hold no further ones.
    pub fn read(dir: &Path) -> io::Result<Sources> {
        let mut sources = Sources {
            root: Some(dir.to_path_buf()),
            files: Vec::new(),
        };
        sources.read_folder(dir, "")?;
        sources.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(sources)
    }

    fn read_folder(&mut self, dir: &Path, prefix: &str) -> io::Result<()> {
        for entry in fs::read_dir(dir).map_err(|e| naming(dir, e))? {
            let entry = entry.map_err(|e| naming(dir, e))?;
            let path = entry.path();
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with('.') {
                continue;
            }
            // `file_type` does not follow links, so a link to a parent cannot loop.
            let is_dir = entry.file_type().map_err(|e| naming(&path, e))?.is_dir();
            if is_dir && !prefix.is_empty() {
                let message = format!(
                    "{}: a folder inside a part of the specification, which holds only files",
                    path.display()
                );
                return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
            }
            if is_dir {
                self.read_folder(&path, &format!("{prefix}{name}/"))?;
            } else if name.ends_with(".yaml") || name.ends_with(".yml") {
                let text = read_text(&path)?;
                self.files.push(Source {
                    path: format!("{prefix}{name}"),
                    text,
                });
            }
        }
        Ok(())
    }

    /// The path of a file as a message should show it.
    pub fn display_path(&self, file: usize) -> String {
        let path = &self.files[file].path;
        match &self.root {
            Some(root) => root.join(path).display().to_string(),
            None => path.clone(),
        }
    }

    /// Line and column of a byte offset, both from 1, the column in characters.
    pub fn line_column(&self, file: usize, offset: usize) -> (usize, usize) {
        let text = &self.files[file].text;
        let before = &text[..text.floor_char_boundary(offset)];
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |i| i + 1);
        (line, before[start..].chars().count() + 1)
    }
}

/// The text of a file.
///
/// # Errors
/// It cannot be read, or a line of it is not UTF-8; with its name.
pub fn read_text(path: &Path) -> io::Result<String> {
    let bytes = fs::read(path).map_err(|e| naming(path, e))?;
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
        let message = format!("line {line} is not UTF-8");
        naming(path, io::Error::new(io::ErrorKind::InvalidData, message))
    })
}

fn naming(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
