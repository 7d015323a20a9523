//! The small specification in `base/`, and those that are broken.

// Not every test that has this module needs all of it.
#![allow(dead_code)]

use std::path::{Path, PathBuf};

use wali_codegen::diag::Diagnostics;
use wali_codegen::model::Spec;
use wali_codegen::source::{Source, Sources};

pub fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

pub fn base() -> Sources {
    Sources::read(&tests().join("base")).expect("the small specification")
}

/// Checks a specification, with an entry for every call that it leaves out.
pub fn load(mut sources: Sources) -> Result<Spec, Diagnostics> {
    let lines = |part: &'static str| {
        let files = sources.files.iter();
        let files = files.filter(move |file| file.path.starts_with(part));
        files.flat_map(|file| file.text.lines())
    };
    let described: Vec<&str> = lines("syscalls/").collect();
    let lacks = |name: &str| {
        let entry = format!("{name}:");
        !described.iter().any(|line| line.starts_with(&entry))
    };
    let rest: String = lines("facts/syscalls.yaml")
        .filter_map(|line| line.split_once(": {").map(|(name, _)| name))
        .filter(|name| lacks(name))
        .map(|name| {
            format!("{name}:\n  doc: A call.\n  refuse: ENOSYS\n  because: nobody asks for it\n")
        })
        .collect();
    if !rest.is_empty() {
        sources.files.push(Source {
            path: "syscalls/rest.yaml".to_owned(),
            text: rest,
        });
    }
    Spec::from_sources(sources)
}

/// The specifications in a file, each with the number of the line before it.
pub fn specifications(text: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.starts_with("# file: ") || found.is_empty() {
            found.push((index, String::new()));
        }
        if let Some((_, text)) = found.last_mut() {
            text.push_str(line);
            text.push('\n');
        }
    }
    found
}
