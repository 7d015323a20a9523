//! The differences that are known, each with its reason: `tests/data/layouts/differences.yaml`.

use std::collections::BTreeMap;

use serde::Deserialize;
use wali_tests::workspace;

use crate::compare::Listed;
use crate::world::Subject;

/// Some differences with one reason.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// Why, and where to see it.
    because: String,
    /// What the witness says, by the subject's name.
    says: BTreeMap<String, Says>,
}

/// A value, none where the witness has no such thing; everywhere or by ISA.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Says {
    Everywhere(Option<i64>),
    Only(BTreeMap<String, Option<i64>>),
}

/// All that is listed, by witness.
#[derive(Debug)]
pub struct Differences(BTreeMap<String, Vec<Entry>>);

impl Differences {
    /// Reads the list.
    pub fn load() -> Result<Differences, String> {
        let path = workspace::root().join("tests/data/layouts/differences.yaml");
        let text =
            std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        Differences::parse(&text).map_err(|e| format!("{}: {e}", path.display()))
    }

    /// Reads a list.
    pub fn parse(text: &str) -> Result<Differences, String> {
        serde_saphyr::from_str(text)
            .map(Differences)
            .map_err(|e| e.to_string())
    }

    /// Those of a witness on an ISA.
    pub fn of(&self, witness: &str, isa: &str) -> Result<Listed, String> {
        let mut listed = Listed::new();
        for entry in self.0.get(witness).into_iter().flatten() {
            if entry.because.trim().is_empty() {
                return Err(format!("{:?} has no reason", entry.says));
            }
            for (name, says) in &entry.says {
                let value = match says {
                    Says::Everywhere(value) => *value,
                    Says::Only(values) => match values.get(isa) {
                        Some(value) => *value,
                        None => continue,
                    },
                };
                let subject = Subject::parse(name)
                    .ok_or_else(|| format!("`{name}` is listed, which is nothing to compare"))?;
                if listed.insert(subject, value).is_some() {
                    return Err(format!("`{name}` is listed twice for {witness}"));
                }
            }
        }
        Ok(listed)
    }
}
