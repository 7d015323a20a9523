//! What the emulator does otherwise than Linux: `tests/emulator-gaps.yaml`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use serde::Deserialize;

use crate::workspace::{self, Target};

/// The whole list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gaps {
    /// The emulator and its version.
    pub emulator: String,
    /// One entry for each thing that it does otherwise.
    pub gaps: Vec<Gap>,
}

/// A thing that the emulator does otherwise.
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
    /// What differing lines contain; empty if anything may differ.
    #[serde(default)]
    pub lines: Vec<String>,
    /// Whether it shows in some runs only.
    #[serde(default)]
    pub sometimes: bool,
    /// What the emulator does.
    pub because: String,
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
        self.lines.is_empty() || self.lines.iter().any(|text| line.contains(text))
    }
}

/// The list.
///
/// # Panics
/// If it cannot be read.
pub fn all() -> &'static Gaps {
    static GAPS: OnceLock<Gaps> = OnceLock::new();
    GAPS.get_or_init(|| {
        let path = workspace::root().join("tests/emulator-gaps.yaml");
        let text = std::fs::read_to_string(&path).map_err(|e| e.to_string());
        text.and_then(|text| serde_saphyr::from_str(&text).map_err(|e| e.to_string()))
            .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    })
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
    format!(
        "a gap of {emulator} that tests/emulator-gaps.yaml lists is gone, so take it out there: {}\n",
        gap.because
    )
}
