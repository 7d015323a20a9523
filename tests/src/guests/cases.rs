//! The cases of a guest program, declared in YAML at the end of its leading comment:
//!
//! ```c
//! // Copies its input.
//! //
//! // cases:
//! //   files: { args: [one], files: { one: "text\n" }, stdout: "text\n" }
//! //   missing: { args: [absent], status: 1 }
//! ```
//!
//! Both worlds must agree in everything; `stdout` and `status` say in addition what they
//! must agree on. Without `cases:` there is one case without input. ISAs must agree, too;
//! `differs: { TEXT: REASON }` says that lines with the text must not.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use serde::Deserialize;

/// One run of a program.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Case {
    /// Options of `wali run`.
    pub options: Vec<String>,
    /// Arguments after the program's name.
    pub args: Vec<Text>,
    /// The whole environment.
    pub env: BTreeMap<String, String>,
    /// Standard input.
    pub stdin: String,
    /// Files in the working directory, made in the order of their paths.
    pub files: BTreeMap<String, File>,
    /// The standard output, if it must be just this.
    pub stdout: Option<String>,
    /// The exit status, 0 unless said otherwise.
    pub status: i32,
    /// The number of the signal by which it dies. Natively the shell says so; `wali` does itself,
    /// and that it does is required.
    pub signal: Option<i32>,
    /// Texts in lines that must differ between ISAs, and why they do.
    pub differs: BTreeMap<String, String>,
    /// Whether it is among those that are run on other ISAs where there is little time.
    pub quick: bool,
}

/// A text, plain or repeated.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Text {
    /// As it stands.
    Plain(String),
    /// Several times over.
    Repeated {
        /// What is repeated.
        text: String,
        /// How often.
        repeat: usize,
    },
}

/// A file to be made.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum File {
    /// A regular file with this content.
    Plain(String),
    /// Anything else.
    Detailed(Details),
}

/// A file in detail; regular unless it is `link`, `dir` or `fifo`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Details {
    text: String,
    repeat: Option<usize>,
    mode: Option<u32>,
    link: Option<String>,
    dir: bool,
    fifo: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    cases: BTreeMap<String, Case>,
}

/// The cases in a source's leading comment, by name.
pub fn parse(source: &str) -> Result<BTreeMap<String, Case>, String> {
    let comment: Vec<&str> = source
        .lines()
        .map_while(|line| line.strip_prefix("//"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    let Some(start) = comment.iter().position(|line| line.trim_end() == "cases:") else {
        return Ok(BTreeMap::from([("default".to_string(), Case::default())]));
    };
    let yaml = comment[start..].join("\n");
    let header: Header = serde_saphyr::from_str(&yaml).map_err(|e| {
        format!(
            "cases (counting lines from `cases:`, line {}): {e}",
            start + 1
        )
    })?;
    if header.cases.is_empty() {
        return Err("`cases:` names no case".into());
    }
    Ok(header.cases)
}

impl Text {
    /// The text in full.
    pub fn full(&self) -> String {
        match self {
            Text::Plain(text) => text.clone(),
            Text::Repeated { text, repeat } => text.repeat(*repeat),
        }
    }
}

impl Case {
    /// Makes the case's files in `dir`.
    pub fn populate(&self, dir: &Path) -> std::io::Result<()> {
        for (path, file) in &self.files {
            let path = dir.join(path);
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            let details = match file {
                File::Plain(text) => &Details {
                    text: text.clone(),
                    ..Details::default()
                },
                File::Detailed(details) => details,
            };
            details.make(&path)?;
        }
        Ok(())
    }
}

impl Details {
    fn make(&self, path: &Path) -> std::io::Result<()> {
        if let Some(target) = &self.link {
            return symlink(target, path);
        }
        if self.dir {
            std::fs::create_dir_all(path)?;
        } else if self.fifo {
            let name = std::ffi::CString::new(path.as_os_str().as_bytes())?;
            // SAFETY: `name` is a NUL-terminated string that lives through the call.
            if unsafe { libc::mkfifo(name.as_ptr(), 0o644) } != 0 {
                return Err(std::io::Error::last_os_error());
            }
        } else {
            std::fs::write(path, self.text.repeat(self.repeat.unwrap_or(1)))?;
        }
        match self.mode {
            Some(mode) => std::fs::set_permissions(path, PermissionsExt::from_mode(mode)),
            None => Ok(()),
        }
    }
}
