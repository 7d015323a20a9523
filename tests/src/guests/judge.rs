//! Whether a case passes on a target: all worlds agree, but for what is known to differ.

use std::collections::BTreeMap;

use super::build::Built;
use super::cases::Case;
use super::compare::{self, Difference, World};
use crate::gaps::{self, Between, Gap};
use crate::workspace::Target;

/// A text in differing lines that explains them.
struct Known<'a> {
    /// Whether it explains that line.
    explains: Box<dyn Fn(&str) -> bool + 'a>,
    between: [bool; 2],
    /// Whether it does so only where programs end differently.
    ends: bool,
    /// What to say if nothing is explained by it; nothing where that is no failure.
    missing: Option<String>,
}

/// Runs a case on a target. `reference` is the module's run on this machine, where the target is
/// another one. An error shows what differs; otherwise the gaps of the emulator that showed are told.
pub fn judge(
    target: &Target,
    built: &Built,
    name: &str,
    case: &Case,
    reference: Option<&World>,
) -> Result<Vec<&'static Gap>, String> {
    let gaps = gaps::of(name, target);
    let native = compare::native(target, built, case, &gaps)?;
    let wali = compare::wali(target, built, case, &gaps)?;
    let mut found = compare::differences(["native", "wali"], &native, &wali);
    if found.is_empty() {
        // Both agree; now whether on the right thing.
        found = compare::unexpected("both", &native, case);
    } else {
        // Whoever explains the difference: this half is ours.
        found.extend(compare::unexpected("wali", &wali, case));
    }
    let elsewhere = reference.map(|world| {
        let names = [std::env::consts::ARCH, target.isa.as_str()];
        compare::differences(names, world, &wali)
    });
    let isas = [std::env::consts::ARCH, target.isa.as_str()];
    settle(&gaps, &case.differs, isas, &found, elsewhere.as_deref())
}

/// Explains differences by gaps and by what the case says; an error tells what cannot be, and
/// which explanation is not needed.
fn settle<'a>(
    gaps: &[&'a Gap],
    differs: &BTreeMap<String, String>,
    names: [&str; 2],
    native: &[Difference],
    isas: Option<&[Difference]>,
) -> Result<Vec<&'a Gap>, String> {
    let mut known: Vec<Known<'_>> = gaps
        .iter()
        .map(|gap| Known {
            explains: Box::new(|line| gap.covers(line)),
            between: [gap.between(Between::Native), gap.between(Between::Isas)],
            ends: gap.ends,
            missing: (!gap.sometimes).then(|| gaps::gone(gap)),
        })
        .collect();
    if isas.is_some() {
        known.extend(differs.iter().map(|(text, why)| Known {
            explains: Box::new(move |line| {
                let texts = names.map(|isa| text.replace("{isa}", isa));
                texts.iter().any(|text| line.contains(text))
            }),
            between: [false, true],
            ends: false,
            missing: Some(format!(
                "the case says that lines with `{text}` differ between ISAs ({why}), and none does\n"
            )),
        }));
    }
    let mut used = vec![false; known.len()];
    let mut report = String::new();
    for (comparison, differences) in [(0, native), (1, isas.unwrap_or_default())] {
        let ends = differences.iter().any(|difference| difference.ends);
        for difference in differences {
            let mut explained = true;
            for line in &difference.lines {
                let by = known
                    .iter()
                    .position(|k| k.between[comparison] && (ends || !k.ends) && (k.explains)(line));
                match by {
                    Some(index) => used[index] = true,
                    None => explained = false,
                }
            }
            if !explained {
                report.push_str(&difference.report);
            }
        }
    }
    for (known, _) in known.iter().zip(&used).filter(|(_, used)| !**used) {
        report.push_str(known.missing.as_deref().unwrap_or_default());
    }
    if !report.is_empty() {
        return Err(report);
    }
    let shown = gaps.iter().zip(&used).filter(|(_, used)| **used);
    Ok(shown.map(|(gap, _)| *gap).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISAS: [&str; 2] = ["this", "that"];

    fn gap(between: Between, lines: &[&str]) -> Gap {
        Gap {
            tests: vec!["a::b".into()],
            isas: Vec::new(),
            between,
            lines: lines.iter().map(|l| l.to_string()).collect(),
            ends: lines.is_empty(),
            sometimes: false,
            reason: "it is so".into(),
        }
    }

    fn difference(lines: &[&str]) -> Vec<Difference> {
        vec![Difference {
            ends: lines.iter().any(|line| line.starts_with("killed")),
            lines: lines.iter().map(|l| l.to_string()).collect(),
            report: lines.concat(),
        }]
    }

    #[test]
    fn what_is_not_explained_fails() {
        let none = BTreeMap::new();
        assert!(settle(&[], &none, ISAS, &difference(&["x"]), None).is_err());
        assert!(settle(&[], &none, ISAS, &[], Some(&difference(&["x"]))).is_err());
        assert!(settle(&[], &none, ISAS, &[], Some(&[])).is_ok());
    }

    #[test]
    fn gaps_explain_their_comparison_and_lines_only() {
        let none = BTreeMap::new();
        let isas = gap(Between::Isas, &["clone("]);
        let lines = difference(&["clone(1)", "clone(2)"]);
        let shown = settle(&[&isas], &none, ISAS, &[], Some(&lines)).unwrap();
        assert_eq!(shown.len(), 1);
        assert!(settle(&[&isas], &none, ISAS, &lines, Some(&lines)).is_err());
        let more = difference(&["clone(1)", "fork()"]);
        assert!(settle(&[&isas], &none, ISAS, &[], Some(&more)).is_err());
    }

    #[test]
    fn a_gap_that_is_gone_fails() {
        let none = BTreeMap::new();
        let mut isas = gap(Between::Isas, &["x"]);
        let report = settle(&[&isas], &none, ISAS, &[], Some(&[])).unwrap_err();
        assert!(report.contains("is gone"), "{report}");
        isas.sometimes = true;
        assert!(
            settle(&[&isas], &none, ISAS, &[], Some(&[]))
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn a_gap_that_ends_programs_explains_nothing_else() {
        let none = BTreeMap::new();
        let ends = gap(Between::Native, &[]);
        let only_lines = settle(&[&ends], &none, ISAS, &difference(&["x"]), None);
        assert!(only_lines.is_err());
        let end = difference(&["killed by signal 11", "x"]);
        assert!(settle(&[&ends], &none, ISAS, &end, None).is_ok());
    }

    #[test]
    fn what_a_case_says_that_differs_must() {
        let differs = BTreeMap::from([("machine {isa}".into(), "names differ".into())]);
        assert!(
            settle(
                &[],
                &differs,
                ISAS,
                &[],
                Some(&difference(&["machine this", "machine that"]))
            )
            .is_ok()
        );
        let other = difference(&["machine this", "machine of another"]);
        assert!(settle(&[], &differs, ISAS, &[], Some(&other)).is_err());
        let report = settle(&[], &differs, ISAS, &[], Some(&[])).unwrap_err();
        assert!(report.contains("names differ"), "{report}");
        // Where there is one ISA only there is nothing to say.
        assert!(settle(&[], &differs, ISAS, &[], None).is_ok());
    }

    #[test]
    fn names_of_tests_may_end_in_a_star() {
        let mut gap = gap(Between::Both, &[]);
        assert!(gap.concerns("a::b", "riscv64") && !gap.concerns("a::c", "riscv64"));
        gap.tests = vec!["a::*".into()];
        assert!(gap.concerns("a::c", "riscv64") && !gap.concerns("b::c", "riscv64"));
        gap.isas = vec!["aarch64".into()];
        assert!(!gap.concerns("a::c", "riscv64"));
    }
}
