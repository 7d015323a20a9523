//! What the headers have and people chose to leave out, as written.

use super::decode::Fields;
use super::{Intent, Named};
use crate::diag::{Diagnostic, Diagnostics};
use crate::source::Name;
use crate::yaml::Node;

/// Constants and fields that are left out for the same reason.
#[derive(Debug, Clone)]
pub struct OmittedIntent {
    /// What they are called together.
    pub name: Name,
    /// Why.
    pub because: String,
    /// Constants, or `struct.field`; a `*` stands for anything.
    pub names: Vec<Name>,
}

impl Named for OmittedIntent {
    fn name(&self) -> &Name {
        &self.name
    }
}

/// The keys of an entry.
pub(crate) const KEYS: [&str; 2] = ["because", "names"];

/// Reads an entry.
pub fn omitted(name: &Name, node: &Node, diags: &mut Diagnostics) -> Option<OmittedIntent> {
    let fields = Fields::new(node, "what is omitted", &KEYS, diags)?;
    fields.require("names", diags);
    fields.require("because", diags)?;
    let mut names = fields.names("names", diags);
    names.retain(|name| {
        let word = |c: char| c.is_ascii_alphanumeric() || ['_', '.', '*'].contains(&c);
        let stars = name.value.matches('*').count();
        let sound = name.value.chars().all(word) && stars <= 1 && name.value.len() > stars;
        if !sound {
            let message = format!("`{}` is no name", name.value);
            let label = "expected a constant or `struct.field`, with one `*` at most";
            diags.push(Diagnostic::new(message, &name.span, label));
        }
        sound
    });
    Some(OmittedIntent {
        name: name.clone(),
        because: fields.text("because", diags)?.value,
        names,
    })
}

/// Whether a written name stands for another.
pub fn covers(written: &str, name: &str) -> bool {
    match written.split_once('*') {
        None => written == name,
        Some((start, end)) => {
            let rest = name.strip_prefix(start);
            rest.is_some_and(|rest| rest.ends_with(end))
        }
    }
}

impl Intent {
    /// Whether a constant or field is left out on purpose.
    pub fn omits(&self, name: &str) -> bool {
        let mut written = self.omitted.values().flat_map(|entry| &entry.names);
        written.any(|written| covers(&written.value, name))
    }
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn a_star_stands_for_anything() {
        for (written, name, expected) in [
            ("A", "A", true),
            ("A", "AB", false),
            ("A_*", "A_", true),
            ("A_*", "A_B", true),
            ("A_*_B", "A_X_B", true),
            ("A_*_B", "A_B", false),
            ("*_B", "A_B", true),
        ] {
            assert_eq!(covers(written, name), expected, "{written} {name}");
        }
    }
}
