//! What a program left behind in its working directory.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// Every file below `dir`, described in a line or more each: type, mode, size, number of
/// names, content or target. Times and owners are left out; they differ between runs.
pub fn describe(dir: &Path) -> io::Result<String> {
    let mut files = BTreeMap::new();
    collect(dir, "", &mut files)?;
    let mut text = String::new();
    for (path, description) in files {
        writeln!(text, "{path}: {description}").expect("writing to a string");
    }
    Ok(text)
}

fn collect(dir: &Path, prefix: &str, into: &mut BTreeMap<String, String>) -> io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let path = entry.path();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let meta = std::fs::symlink_metadata(&path)?;
        let kind = meta.file_type();
        let mode = meta.mode() & 0o7777;
        let description = if kind.is_dir() {
            collect(&path, &format!("{name}/"), into)?;
            format!("directory, mode {mode:o}")
        } else if kind.is_symlink() {
            format!("link to {}", std::fs::read_link(&path)?.display())
        } else if kind.is_file() {
            let content = std::fs::read(&path)?;
            let (size, links) = (meta.len(), meta.nlink());
            format!(
                "file, mode {mode:o}, {links} links, {size} bytes: {}",
                summary(&content)
            )
        } else {
            let what = if kind.is_fifo() {
                "fifo"
            } else {
                "special file"
            };
            format!("{what}, mode {mode:o}")
        };
        into.insert(name, description);
    }
    Ok(())
}

/// Runs of content: text as it is, anything repeated counted, so that a difference shows
/// where it is and a sparse megabyte is one line.
fn summary(content: &[u8]) -> String {
    let mut text = String::new();
    let mut at = 0;
    while at < content.len() {
        let byte = content[at];
        let run = content[at..].iter().take_while(|b| **b == byte).count();
        if run > 16 {
            write!(text, "{{{run} times {:?}}}", char::from(byte)).expect("writing to a string");
        } else {
            (0..run).for_each(|_| text.extend(std::ascii::escape_default(byte).map(char::from)));
        }
        at += run;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn describes_every_kind() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(dir.path().join("d")).expect("mkdir");
        std::fs::write(dir.path().join("d/f"), [&b"ab\n"[..], &[0; 20]].concat()).expect("write");
        std::os::unix::fs::symlink("nowhere", dir.path().join("l")).expect("symlink");
        let text = describe(dir.path()).expect("describe");
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("d: directory, mode 7"), "{text}");
        assert!(lines[1].starts_with("d/f: file"), "{text}");
        assert!(
            lines[1].ends_with("1 links, 23 bytes: ab\\n{20 times '\\0'}"),
            "{text}"
        );
        assert_eq!(lines[2], "l: link to nowhere");
    }
}
