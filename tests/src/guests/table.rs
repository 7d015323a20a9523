//! What came of all cases: a table of programs and ISAs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Mutex;

use crate::gaps::{self, Gap};

/// Collects what came of cases.
#[derive(Debug, Default)]
pub struct Table {
    rows: Mutex<BTreeMap<String, BTreeMap<String, Tally>>>,
}

#[derive(Debug, Default)]
struct Tally {
    total: usize,
    passed: usize,
    /// Of those that passed, how many with what gaps.
    with_gaps: usize,
    gaps: BTreeSet<String>,
}

impl Table {
    /// Notes what came of one case of a program on an ISA: the gaps that showed, unless it failed.
    ///
    /// # Panics
    /// If another thread panicked meanwhile.
    pub fn note(&self, program: &str, isa: &str, outcome: Option<&[&Gap]>) {
        let mut rows = self.rows.lock().expect("no panic while it is held");
        let row = rows.entry(program.to_string()).or_default();
        let tally = row.entry(isa.to_string()).or_default();
        tally.total += 1;
        let Some(gaps) = outcome else { return };
        tally.passed += 1;
        tally.with_gaps += usize::from(!gaps.is_empty());
        tally
            .gaps
            .extend(gaps.iter().map(|gap| gap.because().to_string()));
    }

    /// The table, as Markdown, with the gaps below.
    ///
    /// # Panics
    /// If another thread panicked meanwhile.
    pub fn render(&self) -> String {
        let rows = self.rows.lock().expect("no panic while it is held");
        let isas: BTreeSet<&String> = rows.values().flat_map(BTreeMap::keys).collect();
        let mut reasons: Vec<&String> = Vec::new();
        let mut text = format!(
            "| program |{}\n",
            isas.iter()
                .fold(String::new(), |s, isa| s + &format!(" {isa} |"))
        );
        text += &format!("|---|{}\n", "---|".repeat(isas.len()));
        let mut sums: BTreeMap<&String, [usize; 3]> = BTreeMap::new();
        for (program, row) in rows.iter() {
            let _ = write!(text, "| {program} |");
            for isa in &isas {
                let Some(tally) = row.get(*isa) else {
                    text += " |";
                    continue;
                };
                let sum = sums.entry(isa).or_default();
                sum[0] += tally.passed;
                sum[1] += tally.total;
                sum[2] += tally.with_gaps;
                let _ = write!(text, " {}/{}", tally.passed, tally.total);
                for reason in &tally.gaps {
                    let known = reasons.iter().position(|r| *r == reason);
                    let number = known.unwrap_or_else(|| {
                        reasons.push(reason);
                        reasons.len() - 1
                    });
                    let _ = write!(text, " [{}]", number + 1);
                }
                text += " |";
            }
            text.push('\n');
        }
        text += "| **all** |";
        for isa in &isas {
            let [passed, total, with_gaps] = sums[*isa];
            let _ = write!(text, " {passed}/{total}");
            if with_gaps != 0 {
                let _ = write!(text, ", {with_gaps} with gaps");
            }
            text += " |";
        }
        text.push('\n');
        if !reasons.is_empty() {
            let _ = writeln!(text, "\nGaps of {}:\n", gaps::all().emulator);
        }
        for (number, reason) in reasons.iter().enumerate() {
            let _ = writeln!(text, "{}. {}", number + 1, reason.trim());
        }
        text
    }
}
