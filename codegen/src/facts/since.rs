//! Since when the kernel has its calls, from the manual pages.
//!
//! `syscalls(2)` has a table; newer calls may have it on a page of their own. For those without
//! there remains what older headers have ([`super::history`]), and that the table would have those
//! that are older than it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use super::manual::{Manual, PACKAGE};
use super::package::{self, field};
use super::{FOLDER, SINCE, Stated};
use crate::diag::Diagnostics;
use crate::intent;
use crate::model::{Release, Spec};
use crate::source::Sources;

const HEADER: &str = "# Written by `wali-codegen since` from manual pages; do not edit.\n\
    # The first release of Linux with a call, or one that it came after (`after`).\n\n";

/// What was found, and in which packages.
#[derive(Debug)]
pub struct Found {
    packages: Vec<String>,
    /// The calls, except those of which nothing is known.
    pub calls: BTreeMap<String, Stated>,
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
                Stated::Exactly(release) => writeln!(out, "{name}: \"{release}\""),
                Stated::After(release) => writeln!(out, "{name}: {{ after: \"{release}\" }}"),
            };
        }
        out
    }

    /// The path of the file in a specification.
    pub fn path() -> String {
        format!("{FOLDER}/{SINCE}.yaml")
    }
}

/// What a specification has recorded, which was found to be sound.
pub fn recorded(sources: &Arc<Sources>) -> BTreeMap<String, Stated> {
    let mut unheard = Diagnostics::new(Arc::clone(sources));
    let parsed = intent::read(sources, &mut unheard);
    let isas: Vec<String> = parsed
        .intent
        .isas
        .iter()
        .map(|isa| isa.name.value.clone())
        .collect();
    match super::read(sources, &parsed.facts, &isas, &mut unheard) {
        Some(facts) => super::read_since(sources, &parsed.facts, &facts.calls, &mut unheard),
        None => BTreeMap::new(),
    }
}

/// Whether what is recorded of a call is still true by what was found.
pub fn agrees(recorded: Stated, found: Stated) -> bool {
    match (recorded, found) {
        (Stated::After(after), Stated::Exactly(first)) => first > after,
        (Stated::After(_), Stated::After(_)) => true,
        (exact, found) => exact == found,
    }
}

/// Finds it for every call that the specification has numbers of.
pub fn find(spec: &Spec) -> Result<Found, String> {
    let manual = Manual::newest()?;
    let packages = manual.package().map(|deb| named(deb, PACKAGE.1));
    let packages = packages.into_iter().collect::<Result<_, _>>()?;
    let listed = manual
        .page("syscalls")?
        .ok_or_else(|| format!("{}: no page syscalls.2", PACKAGE.0))
        .and_then(|text| Listed::parse(&text, |name| spec.kernel.contains_key(name)))?;

    let mut calls = BTreeMap::new();
    for (name, numbers) in &spec.kernel {
        let since = match listed.calls.get(name) {
            Some(release) => Some(Stated::Exactly(*release)),
            None => match manual.page(name)?.and_then(|text| history(&text, name)) {
                Some(release) => Some(Stated::Exactly(release)),
                None => later(spec, &numbers.0, &listed).then_some(Stated::After(listed.until)),
            },
        };
        if let Some(since) = since {
            calls.insert(name.clone(), since);
        }
    }
    Ok(Found { packages, calls })
}

/// Whether a call came later than the table of all calls: it has higher numbers then, on each ISA.
fn later(spec: &Spec, numbers: &[Option<u32>], listed: &Listed) -> bool {
    let highest = |isa: usize| {
        let calls = spec.kernel.iter();
        let known = calls.filter(|(name, _)| listed.calls.contains_key(*name));
        known.filter_map(|(_, numbers)| numbers.0[isa]).max()
    };
    (0..numbers.len()).all(|isa| numbers[isa].is_some() && numbers[isa] > highest(isa))
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

/// The release that a page names as the first one of a call. Where it is about several, each has
/// an entry.
fn history(text: &str, call: &str) -> Option<Release> {
    let text = plain(text);
    let (_, section) = text.split_once("\n.SH HISTORY\n")?;
    let section = section.split("\n.SH ").next()?;
    let its = |entry: &&str| {
        let mut names = entry.lines().filter_map(|line| line.strip_suffix(" ()"));
        names.any(|name| name == call)
    };
    let several = section.lines().any(|line| line.ends_with(" ()"));
    let entry = match several {
        true => section.split(".TP\n").find(its)?,
        false => section,
    };
    let release = entry.lines().find_map(|line| line.strip_prefix("Linux "))?;
    release.trim_end_matches(['.', ',']).parse().ok()
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
        assert_eq!(history(page, "any"), Some(Release([5, 12, 0])));
        assert_eq!(
            history(".SH STANDARDS\nLinux 5.12\n.SH NOTES\n", "any"),
            None
        );
    }

    #[test]
    fn a_page_tells_its_calls_apart() {
        let page = ".SH STANDARDS\nLinux.\n.SH HISTORY\n.TP\n.BR first ()\nLinux 5.2,\nglibc 2.36.\n\
                    .TP\n.BR second ()\n.TQ\n.BR third ()\nLinux 6.15.\n.TP\n.BR fourth ()\nPOSIX.\n\
                    .SH NOTES\nLinux 7.\n";
        for (call, release) in [
            ("first", Some([5, 2, 0])),
            ("second", Some([6, 15, 0])),
            ("third", Some([6, 15, 0])),
            ("fourth", None),
            ("fifth", None),
        ] {
            assert_eq!(history(page, call), release.map(Release), "{call}");
        }
    }

    #[test]
    fn what_is_recorded_may_be_vaguer_but_not_wrong() {
        let exactly = |minor| Stated::Exactly(Release([6, minor, 0]));
        let after = |minor| Stated::After(Release([6, minor, 0]));
        assert!(agrees(after(1), exactly(10)));
        assert!(!agrees(after(1), exactly(1)));
        assert!(agrees(after(1), after(12)));
        assert!(agrees(exactly(5), exactly(5)));
        assert!(!agrees(exactly(5), exactly(6)));
        assert!(!agrees(exactly(5), after(1)));
    }
}
