//! What the headers have beside what the specification names: left out on purpose, or not looked
//! at by anybody yet.

use std::collections::BTreeMap;

use super::Checker;
use crate::diag::{Diagnostic, did_you_mean};
use crate::intent::omitted::covers;
use crate::source::Span;

impl Checker<'_> {
    /// Sees that every name of `omitted` stands for something, and nothing is left out twice. Gives
    /// what is neither named nor left out.
    pub(super) fn omitted(&mut self) -> Vec<String> {
        let unnamed = &self.facts.unnamed;
        let others: Vec<&str> = unnamed
            .constants
            .keys()
            .chain(unnamed.fields.keys())
            .map(String::as_str)
            .collect();
        let mut left_out: BTreeMap<&str, &Span> = BTreeMap::new();
        for written in self.intent.omitted.values().flat_map(|entry| &entry.names) {
            let mut found = false;
            for name in others.iter().filter(|name| covers(&written.value, name)) {
                found = true;
                if let Some(first) = left_out.insert(name, &written.span) {
                    let message = format!("`{name}` is left out twice");
                    self.diags.push(
                        Diagnostic::new(message, &written.span, "again").context(first, "here"),
                    );
                }
            }
            if !found {
                let mut sets = self.intent.sets.values();
                let named = sets.find(|set| set.members.iter().any(|m| m.value == written.value));
                let help = match named {
                    Some(set) => Some(format!("it is a member of `{}`", set.name.value)),
                    None => did_you_mean(&written.value, others.iter().copied()),
                };
                let message = format!("`{}` does not have to be left out", written.value);
                let label = "nothing in facts/unnamed.yaml is called so";
                self.diags
                    .push(Diagnostic::new(message, &written.span, label).help_opt(help));
            }
        }
        let unjudged = others.iter().filter(|name| !left_out.contains_key(*name));
        unjudged.map(|name| (*name).to_owned()).collect()
    }
}
