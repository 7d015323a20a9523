//! Since when the kernel has its calls: from the manual pages, and from older headers.
//!
//! `syscalls(2)` has a table; newer calls may have it on a page of their own. For those without,
//! there remains which headers have them and which do not.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::package::{self, field, run, unpack};
use super::suite::Suite;
use super::{FOLDER, SINCE, upstream};
use crate::model::{Release, Since, Spec};

/// The manual pages, the newest there are: more calls are in them with every release.
const PAGES: (&str, &str) = ("manpages-dev", "sid");

/// Older headers.
const HEADERS: [(&str, &str); 2] = [("linux-libc-dev", "bookworm"), ("linux-libc-dev", "trixie")];

const GZIP: &str = "manual pages are packed with gzip: install it";

const HEADER: &str = "# Written by `wali-codegen since` from manual pages and headers; do not edit.\n\
    # The first release of Linux with a call; where that is not known, the last one that is known\n\
    # not to have it (`after`), and the first one that is known to have it (`by`).\n\n";

/// What was found, and in which packages.
#[derive(Debug)]
pub struct Found {
    packages: Vec<String>,
    /// The calls, except those of which nothing is known.
    pub calls: BTreeMap<String, Since>,
}

impl Found {
    /// The file that holds it.
    pub fn to_text(&self) -> String {
        let mut out = HEADER.to_owned();
        for package in &self.packages {
            let _ = writeln!(out, "# {package}");
        }
        out.push('\n');
        for (name, since) in &self.calls {
            let _ = match since {
                Since::Exactly(release) => writeln!(out, "{name}: \"{release}\""),
                Since::Between { after: None, by } => {
                    writeln!(out, "{name}: {{ by: \"{by}\" }}")
                }
                Since::Between {
                    after: Some(after),
                    by,
                } => writeln!(out, "{name}: {{ after: \"{after}\", by: \"{by}\" }}"),
            };
        }
        out
    }

    /// The path of the file in a specification.
    pub fn path() -> String {
        format!("{FOLDER}/{SINCE}.yaml")
    }
}

/// Whether what is recorded of a call is still true by what was found.
pub fn agrees(recorded: Since, found: Since) -> bool {
    let range = |since| match since {
        Since::Exactly(release) => (None, release, true),
        Since::Between { after, by } => (after, by, false),
    };
    let ((after, by, exact), (other_after, other_by, other_exact)) =
        (range(recorded), range(found));
    match (exact, other_exact) {
        (true, true) => by == other_by,
        (true, false) => other_after.is_none_or(|after| by > after) && by <= other_by,
        (false, true) => after.is_none_or(|after| other_by > after) && other_by <= by,
        (false, false) => {
            other_after.is_none_or(|after| by > after) && after.is_none_or(|after| other_by > after)
        }
    }
}

/// Finds it for every call that the specification has numbers of.
pub fn find(spec: &Spec) -> Result<Found, String> {
    let pages = Suite::open(PAGES.1)?.fetch_newest(PAGES.0)?;
    let mut packages = vec![named(&pages, PAGES.1)?];
    let unpacked = unpack(&pages)?;
    let folder = unpacked.path().join("usr/share/man/man2");
    let listed = page(&folder, "syscalls")?
        .ok_or_else(|| format!("{PAGES:?}: no page syscalls.2"))
        .and_then(|text| Listed::parse(&text, |name| spec.kernel.contains_key(name)))?;

    let mut older = Vec::new();
    for (name, suite) in HEADERS {
        let deb = Suite::open(suite)?.fetch_newest(name)?;
        packages.push(named(&deb, suite)?);
        older.push(OldHeaders::read(unpack(&deb)?.path())?);
    }
    let own: Release = upstream(&spec.provenance.version)?;
    let mut calls = BTreeMap::new();
    for (name, numbers) in &spec.kernel {
        let since = match listed.calls.get(name) {
            Some(release) => Some(Since::Exactly(*release)),
            None => match page(&folder, name)?.as_deref().and_then(history) {
                Some(release) => Some(Since::Exactly(release)),
                None => bounds(spec, name, &numbers.0, &listed, &older, own),
            },
        };
        if let Some(since) = since {
            calls.insert(name.clone(), since);
        }
    }
    Ok(Found { packages, calls })
}

/// What headers say of a call that no page knows.
fn bounds(
    spec: &Spec,
    name: &str,
    numbers: &[Option<u32>],
    listed: &Listed,
    older: &[OldHeaders],
    own: Release,
) -> Option<Since> {
    let has = older.iter().filter(|h| h.names.contains(name));
    let by = has.clone().map(|h| h.release).min().unwrap_or(own);
    if numbers.iter().any(Option::is_none) {
        // An ISA's own. Those that all headers have are old, and in no kernel that the page is
        // about; that others lack it means nothing, if they are of one ISA only.
        return (has.count() < older.len()).then_some(Since::Between { after: None, by });
    }
    let highest = |isa: usize| {
        let calls = spec.kernel.iter();
        let known = calls.filter(|(name, _)| listed.calls.contains_key(*name));
        known.filter_map(|(_, numbers)| numbers.0[isa]).max()
    };
    // What came later than the page has higher numbers.
    if !(0..numbers.len()).all(|isa| numbers[isa] > highest(isa)) {
        return None;
    }
    let lacking = older
        .iter()
        .filter(|h| h.release < by && !h.names.contains(name));
    let after = lacking.map(|h| h.release).chain([listed.until]).max();
    Some(Since::Between { after, by })
}

/// The table in `syscalls(2)`.
struct Listed {
    calls: BTreeMap<String, Release>,
    /// The release of which it lists all calls.
    until: Release,
}

impl Listed {
    /// The lines of calls that are known: others may be of ISAs with odd ideas of releases.
    fn parse(text: &str, known: impl Fn(&str) -> bool) -> Result<Listed, String> {
        let text = plain(text);
        let until = text
            .split_once("available as at Linux")
            .and_then(|(_, rest)| rest.split_whitespace().next()?.parse().ok())
            .ok_or("syscalls.2 does not say which release it is about")?;
        let mut calls = BTreeMap::new();
        for line in text.lines() {
            let Some((name, rest)) = line.split_once("(2)\t") else {
                continue;
            };
            if !known(name) {
                continue;
            }
            let column = rest.split('\t').next().unwrap_or_default();
            // Where it was given to an older series, too, both are there. Where there is none,
            // the call is older than all that the page tells apart.
            let releases = column
                .split(';')
                .filter_map(|part| part.trim().parse().ok());
            let release = match column.trim() {
                "" => Release([1, 0, 0]),
                _ => releases.max().ok_or_else(|| {
                    format!("syscalls.2: `{column}` is no release, in the line of {name}")
                })?,
            };
            calls.insert(name.to_owned(), release);
        }
        match calls.len() {
            300.. => Ok(Listed { calls, until }),
            few => Err(format!(
                "syscalls.2: only {few} lines of its table were understood"
            )),
        }
    }
}

/// The text of a page without fonts, comments, and blocks in tables.
fn plain(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.starts_with(".\\\""));
    let text: String = lines.flat_map(|line| [line, "\n"]).collect();
    let mut text = text.replace("T{\n", "").replace("\nT}", "");
    for font in ["\\f[B]", "\\f[]", "\\fB", "\\fP", "\\fR", ".BR ", ".B "] {
        text = text.replace(font, "");
    }
    text.replace(" (2)", "(2)")
}

/// The release that a call's own page names as the first one.
fn history(text: &str) -> Option<Release> {
    let text = plain(text);
    let (_, section) = text.split_once("\n.SH HISTORY\n")?;
    let section = section.split("\n.SH ").next()?;
    let mut lines = section.lines();
    let release = lines.find_map(|line| line.strip_prefix("Linux "))?;
    release.trim_end_matches(['.', ',']).parse().ok()
}

/// The text of a page of section 2, if there is one.
fn page(folder: &Path, name: &str) -> Result<Option<String>, String> {
    let path = folder.join(format!("{name}.2.gz"));
    if !path.exists() {
        return Ok(None);
    }
    let text = run(Command::new("gzip").arg("-dc").arg(&path), GZIP)?;
    match text.trim().strip_prefix(".so man2/") {
        Some(other) => page(folder, other.trim_end_matches(".2")),
        None => Ok(Some(text)),
    }
}

/// The calls that older headers know.
struct OldHeaders {
    release: Release,
    names: BTreeSet<String>,
}

impl OldHeaders {
    fn read(root: &Path) -> Result<OldHeaders, String> {
        let release = upstream(&package::kernel_version(&root.join("usr/include"))?)?;
        let mut names = BTreeSet::new();
        let mut folders = vec![root.to_path_buf()];
        while let Some(folder) = folders.pop() {
            let naming = |e| format!("{}: {e}", folder.display());
            for entry in fs::read_dir(&folder).map_err(naming)? {
                let path = entry.map_err(naming)?.path();
                let name = path
                    .file_name()
                    .and_then(|name| name.to_str())
                    .unwrap_or_default();
                if path.is_dir() && !path.is_symlink() {
                    folders.push(path);
                } else if name.starts_with("unistd") && name.ends_with(".h") {
                    let text = fs::read_to_string(&path).map_err(naming)?;
                    let defined = text.lines().filter_map(|l| l.strip_prefix("#define __NR_"));
                    names.extend(
                        defined.filter_map(|d| Some(d.split_whitespace().next()?.to_owned())),
                    );
                }
            }
        }
        match names.len() {
            300.. => Ok(OldHeaders { release, names }),
            few => Err(format!(
                "the headers of Linux {release} have only {few} calls"
            )),
        }
    }
}

/// A package as the file names it.
fn named(deb: &Path, suite: &str) -> Result<String, String> {
    let (name, version) = (field(deb, "Package")?, field(deb, "Version")?);
    let digest = package::digest_file(deb)?;
    Ok(format!("{name} {version} of {suite}, SHA-256 {digest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_understood_in_each_of_their_forms() {
        let mut text = "available as at Linux 5.14\n\\fBaccept4\\fP(2)\t2.6.28\n\
                        \\f[B]close_range\\f[](2)\t5.9\n\
                        T{\n.BR accept (2)\nT}\t2.0\tT{\nSee notes\nT}\n\
                        .\\\" a remark\n\\fBgetxattr\\fP(2)\t2.6; 2.4.18\n\\fBread\\fP(2)\t\n"
            .to_owned();
        for call in 0..300 {
            let _ = writeln!(text, "\\fBcall{call}\\fP(2)\t1.0");
        }
        let listed = Listed::parse(&text, |_| true).expect("a table");
        assert_eq!(listed.until, Release([5, 14, 0]));
        for (name, release) in [
            ("accept4", [2, 6, 28]),
            ("close_range", [5, 9, 0]),
            ("accept", [2, 0, 0]),
            ("getxattr", [2, 6, 0]),
            ("read", [1, 0, 0]),
        ] {
            assert_eq!(listed.calls.get(name), Some(&Release(release)), "{name}");
        }
        assert!(Listed::parse("available as at Linux 5.14\n", |_| true).is_err());
        let odd = text.replace("5.9", "soon");
        assert!(Listed::parse(&odd, |_| true).is_err_and(|error| error.contains("`soon`")));
    }

    #[test]
    fn a_page_tells_of_its_call() {
        let page = ".SH STANDARDS\nLinux.\n.SH HISTORY\n.\\\" commit\nLinux 5.12,\nglibc 2.36.\n.SH NOTES\n";
        assert_eq!(history(page), Some(Release([5, 12, 0])));
        assert_eq!(history(".SH STANDARDS\nLinux 5.12\n.SH NOTES\n"), None);
    }

    #[test]
    fn what_is_recorded_may_be_vaguer_but_not_wrong() {
        let exactly = |minor| Since::Exactly(Release([6, minor, 0]));
        let between = |after, by| Since::Between {
            after: Some(Release([6, after, 0])),
            by: Release([6, by, 0]),
        };
        assert!(agrees(between(1, 12), exactly(10)));
        assert!(agrees(between(1, 12), exactly(12)));
        assert!(!agrees(between(1, 12), exactly(1)));
        assert!(agrees(exactly(5), exactly(5)));
        assert!(!agrees(exactly(5), exactly(6)));
        assert!(agrees(exactly(5), between(1, 12)));
        assert!(!agrees(between(1, 5), between(5, 12)));
    }
}
