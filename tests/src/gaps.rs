//! What the emulator does otherwise than Linux: `tests/emulator-gaps.yaml`.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::OnceLock;

use serde::Deserialize;

use crate::workspace::{self, Target};

/// The whole list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gaps {
    /// The emulator and its version.
    pub emulator: String,
    /// What it does otherwise, by a name.
    pub reasons: BTreeMap<String, String>,
    /// Which tests see it.
    pub gaps: Vec<Gap>,
}

/// Where something shows that the emulator does otherwise.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// Names of tests; a `*` at the end stands for the rest.
    pub tests: Vec<String>,
    /// Which ISAs show it.
    #[serde(default)]
    pub isas: Vec<String>,
    /// In which comparisons.
    #[serde(default)]
    pub between: Between,
    /// What differing lines contain.
    #[serde(default)]
    pub lines: Vec<String>,
    /// Whether programs end by it, or hang, so that anything may be missing.
    #[serde(default)]
    pub ends: bool,
    /// Whether it shows in some runs only.
    #[serde(default)]
    pub sometimes: bool,
    /// What the emulator does: the name of a reason.
    pub reason: String,
}

/// A comparison.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Between {
    /// The native program and the module, on one ISA.
    Native,
    /// The module on two ISAs.
    #[default]
    Isas,
    /// Either.
    Both,
}

impl Gap {
    /// Whether it is about that test on that ISA.
    pub fn concerns(&self, test: &str, isa: &str) -> bool {
        let named = self.tests.iter().any(|name| match name.strip_suffix('*') {
            Some(start) => test.starts_with(start),
            None => test == name,
        });
        named && (self.isas.is_empty() || self.isas.iter().any(|i| i == isa))
    }

    /// Whether it is about that comparison.
    pub fn between(&self, comparison: Between) -> bool {
        self.between == Between::Both || self.between == comparison
    }

    /// Whether a differing line may be due to it.
    pub fn covers(&self, line: &str) -> bool {
        self.ends || self.lines.iter().any(|text| matches(text, line))
    }

    /// What the emulator does.
    pub fn because(&self) -> &str {
        let reasons = GAPS.get().map(|gaps| &gaps.reasons);
        reasons
            .and_then(|reasons| reasons.get(&self.reason))
            .map_or(&self.reason, |because| because.trim())
    }
}

/// Whether a line contains a text, of which `^` and `$` stand for its ends.
fn matches(text: &str, line: &str) -> bool {
    let line = line.trim_end_matches('\n');
    match (text.strip_prefix('^'), text.strip_suffix('$')) {
        (Some(_), Some(_)) => text.get(1..text.len() - 1) == Some(line),
        (Some(start), None) => line.starts_with(start),
        (None, Some(end)) => line.ends_with(end),
        (None, None) => line.contains(text),
    }
}

impl Gaps {
    /// What is wrong with the list itself.
    fn check(self) -> Result<Gaps, String> {
        for gap in &self.gaps {
            let tests = gap.tests.join(", ");
            if !self.reasons.contains_key(&gap.reason) {
                return Err(format!("{tests}: there is no reason `{}`", gap.reason));
            }
            if gap.ends != gap.lines.is_empty() {
                return Err(format!("{tests}: either `lines` or `ends: true`"));
            }
        }
        let used = |name: &String| self.gaps.iter().any(|gap| gap.reason == *name);
        match self.reasons.keys().find(|name| !used(name)) {
            Some(name) => Err(format!("the reason `{name}` is nobody's")),
            None => Ok(self),
        }
    }
}

static GAPS: OnceLock<Gaps> = OnceLock::new();

/// The list.
///
/// # Panics
/// If it cannot be read.
pub fn all() -> &'static Gaps {
    GAPS.get_or_init(|| {
        let path = workspace::root().join("tests/emulator-gaps.yaml");
        let text = std::fs::read_to_string(&path).map_err(|e| e.to_string());
        text.and_then(|text| serde_saphyr::from_str::<Gaps>(&text).map_err(|e| e.to_string()))
            .and_then(Gaps::check)
            .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    })
}

/// The programs that show gaps, `tests/gaps/REASON.c`.
///
/// # Panics
/// If the folder cannot be read.
pub fn programs() -> BTreeMap<String, PathBuf> {
    let dir = workspace::root().join("tests/gaps");
    let entries = std::fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
    entries
        .map(|entry| {
            entry
                .unwrap_or_else(|e| panic!("{}: {e}", dir.display()))
                .path()
        })
        .filter(|path| path.extension().is_some_and(|e| e == "c"))
        .filter_map(|path| Some((path.file_stem()?.to_str()?.to_string(), path)))
        .collect()
}

/// The gaps that a test may see on a target; none where programs are not emulated.
pub fn of(test: &str, target: &Target) -> Vec<&'static Gap> {
    let gaps = all().gaps.iter();
    gaps.filter(|gap| target.emulated() && gap.concerns(test, &target.isa))
        .collect()
}

/// Turns the outcome of a test that either passes or fails as a whole into what it should be on
/// the target: a failure that is listed is none, and one that is listed and does not come is one.
pub fn settle(test: &str, target: &Target, outcome: Result<(), String>) -> Result<(), String> {
    let gaps = of(test, target);
    match outcome {
        Err(report)
            if !report
                .lines()
                .all(|line| gaps.iter().any(|gap| gap.covers(line))) =>
        {
            Err(report)
        }
        Ok(()) => match gaps.iter().find(|gap| !gap.sometimes) {
            Some(gap) => Err(gone(gap)),
            None => Ok(()),
        },
        Err(_) => Ok(()),
    }
}

/// Runs a test that may see a gap: on this executable's target, its outcome, or its panic, is
/// what [`settle`] makes of it. The name is that of the file and that of the test.
///
/// # Panics
/// If the test fails.
pub fn judge(test: &str, body: impl FnOnce() -> Result<(), String>) {
    let outcome = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| text.to_string()));
        Err(text.unwrap_or_else(|| "a panic".into()))
    });
    settle(test, workspace::target(), outcome).unwrap_or_else(|report| panic!("{report}"));
}

/// What to say if a gap does not show.
pub fn gone(gap: &Gap) -> String {
    let emulator = &all().emulator;
    let what = match gap.lines.as_slice() {
        [] => String::new(),
        lines => format!(" (lines with `{}`)", lines.join("`, `")),
    };
    format!(
        "a gap of {emulator} that tests/emulator-gaps.yaml lists is gone, so take it out there: \
         {}{what}: {}\n",
        gap.reason,
        gap.because()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_lines_may_name_ends() {
        assert!(matches("b", "abc\n") && !matches("d", "abc\n"));
        assert!(matches("^a", "abc\n") && !matches("^b", "abc\n"));
        assert!(matches("c$", "abc\n") && !matches("b$", "abc\n"));
        assert!(matches("^abc$", "abc\n") && !matches("^ab$", "abc\n"));
        assert!(matches("^$", "\n") && !matches("^$", "a"));
    }

    #[test]
    fn a_list_explains_all_that_it_says() {
        let list = |text: &str| serde_saphyr::from_str::<Gaps>(text).unwrap().check();
        let whole = "emulator: e\nreasons: { r: it }\ngaps: [{ tests: [t], reason: r";
        assert!(list(&format!("{whole}, lines: [x] }}]")).is_ok());
        assert!(list(&format!("{whole}, ends: true }}]")).is_ok());
        assert!(list(&format!("{whole} }}]")).is_err());
        assert!(list(&format!("{whole}, lines: [x], ends: true }}]")).is_err());
        assert!(list("emulator: e\nreasons: { r: it }\ngaps: []").is_err());
        assert!(
            list("emulator: e\nreasons: {}\ngaps: [{ tests: [t], lines: [x], reason: r }]")
                .is_err()
        );
    }
}
