//! Taking a YAML tree apart while collecting every mistake.

use std::collections::BTreeMap;

use crate::diag::{Diagnostic, Diagnostics, closest, did_you_mean};
use crate::source::{At, Name};
use crate::yaml::{Kind, Node};

/// A mapping with a fixed set of keys.
pub struct Fields<'a> {
    node: &'a Node,
    what: &'a str,
    entries: &'a [(Name, Node)],
}

impl<'a> Fields<'a> {
    /// The mapping in `node`; `what` names the thing it describes. Keys outside `known`
    /// are reported.
    pub fn new(
        node: &'a Node,
        what: &'a str,
        known: &[&str],
        diags: &mut Diagnostics,
    ) -> Option<Fields<'a>> {
        let entries = map(node, what, diags)?;
        for (key, _) in entries {
            if !known.contains(&key.value.as_str()) {
                let message = format!("unknown key `{}` in {what}", key.value);
                let expected = format!("expected one of {}", one_of(known));
                diags.push(
                    Diagnostic::new(message, &key.span, expected)
                        .help_opt(did_you_mean(&key.value, known.iter().copied())),
                );
            }
        }
        Some(Fields {
            node,
            what,
            entries,
        })
    }

    /// The value of a key, if it is there.
    pub fn get(&self, key: &str) -> Option<&'a Node> {
        self.entry(key).map(|(_, value)| value)
    }

    /// Key and value, if they are there.
    pub fn entry(&self, key: &str) -> Option<(&'a Name, &'a Node)> {
        self.entries
            .iter()
            .find(|(name, _)| name.value == key)
            .map(|(k, v)| (k, v))
    }

    /// The value of a key that must be there.
    pub fn require(&self, key: &str, diags: &mut Diagnostics) -> Option<&'a Node> {
        let value = self.get(key);
        if value.is_none() {
            let message = format!("{} has no `{key}`", self.what);
            let label = format!("expected a key `{key}` here");
            diags.push(Diagnostic::new(message, &self.node.span, label));
        }
        value
    }

    /// Reports that the entry called `name` lacks a key, which `help` says how to add. A
    /// misspelt key, which is reported already, does not count as lacking.
    pub fn require_of(
        &self,
        what: &str,
        name: &Name,
        key: &str,
        help: &str,
        diags: &mut Diagnostics,
    ) {
        let like = |(name, _): &(Name, Node)| closest(&name.value, [key]).is_some();
        if !self.entries.iter().any(like) {
            let label = format!("expected a key `{key}` below");
            diags.push(
                Diagnostic::new(format!("{what} has no `{key}`"), &name.span, label).help(help),
            );
        }
    }

    /// The text of a key that may be missing.
    pub fn text(&self, key: &str, diags: &mut Diagnostics) -> Option<Name> {
        text(self.get(key)?, &format!("`{key}`"), diags)
    }

    /// The documentation, which becomes a line of comment in several languages.
    pub fn doc(&self, diags: &mut Diagnostics) -> Option<String> {
        let doc = self.text("doc", diags)?;
        if doc.value.contains("*/") {
            let label = "`*/` would end a comment in C";
            diags.push(Diagnostic::new("`doc` is no comment", &doc.span, label));
        }
        Some(doc.value)
    }

    /// The yes or no of a key; no if it is missing.
    pub fn flag(&self, key: &str, diags: &mut Diagnostics) -> bool {
        let Some(node) = self.get(key) else {
            return false;
        };
        match &node.kind {
            Kind::Scalar(text) if text == "true" => true,
            Kind::Scalar(text) if text == "false" => false,
            _ => {
                let message = format!("`{key}` is {}", node.describe());
                diags.push(Diagnostic::new(
                    message,
                    &node.span,
                    "expected `true` or `false`",
                ));
                false
            }
        }
    }

    /// A list of names; empty if the key is missing.
    pub fn names(&self, key: &str, diags: &mut Diagnostics) -> Vec<Name> {
        let Some(node) = self.get(key) else {
            return Vec::new();
        };
        let items = list(node, &format!("`{key}`"), diags);
        if let Kind::List(items) = &node.kind
            && items.is_empty()
        {
            let message = format!("`{key}` is empty");
            let label = "expected at least one item";
            diags.push(Diagnostic::new(message, &node.span, label));
        }
        items
            .iter()
            .filter_map(|item| text(item, &format!("an item of `{key}`"), diags))
            .collect()
    }
}

/// The entries of a mapping.
pub fn map<'a>(node: &'a Node, what: &str, diags: &mut Diagnostics) -> Option<&'a [(Name, Node)]> {
    match &node.kind {
        Kind::Map(entries) => Some(entries),
        _ => {
            let message = format!("{what} is {}", node.describe());
            diags.push(Diagnostic::new(
                message,
                &node.span,
                "expected a mapping `key: value`",
            ));
            None
        }
    }
}

/// The items of a list.
pub fn list<'a>(node: &'a Node, what: &str, diags: &mut Diagnostics) -> &'a [Node] {
    match &node.kind {
        Kind::List(items) => items,
        _ => {
            let message = format!("{what} is {}", node.describe());
            diags.push(Diagnostic::new(
                message,
                &node.span,
                "expected a list `[a, b]`",
            ));
            &[]
        }
    }
}

/// The text of a scalar: one line of what can be seen.
pub fn text(node: &Node, what: &str, diags: &mut Diagnostics) -> Option<Name> {
    match &node.kind {
        Kind::Scalar(text) => {
            let problem = match text {
                _ if text.trim().is_empty() => Some(("empty", "expected text")),
                _ if text.contains(['\n', '\r']) => {
                    Some(("more than one line", "expected one line"))
                }
                _ if text.contains(unseen) => Some((
                    "not plain text",
                    "a character in it does not show, or turns the direction of writing",
                )),
                _ => None,
            };
            if let Some((problem, label)) = problem {
                let message = format!("{what} is {problem}");
                diags.push(Diagnostic::new(message, &node.span, label));
                return None;
            }
            Some(At {
                value: text.clone(),
                span: node.span.clone(),
            })
        }
        _ => {
            let message = format!("{what} is {}", node.describe());
            diags.push(Diagnostic::new(message, &node.span, "expected text"));
            None
        }
    }
}

/// Characters that make a text look like another.
fn unseen(c: char) -> bool {
    let direction =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || direction || matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

/// Whether a text is an integer, however large.
pub fn looks_like_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (digits, radix) = match digits.strip_prefix("0x") {
        Some(hex) => (hex, 16),
        None => (digits, 10),
    };
    !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix))
}

/// An integer in decimal or hexadecimal.
pub fn integer(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let magnitude = match digits.strip_prefix("0x") {
        Some(hex) if !hex.starts_with(['+', '-']) => i128::from_str_radix(hex, 16).ok()?,
        Some(_) => return None,
        None => digits.parse().ok()?,
    };
    i64::try_from(if negative { -magnitude } else { magnitude }).ok()
}

/// The integer in a node.
pub fn int(node: &Node, what: &str, diags: &mut Diagnostics) -> Option<i64> {
    let number = match &node.kind {
        Kind::Scalar(text) => integer(text),
        _ => None,
    };
    if number.is_none() {
        let message = format!("{what} is {}", node.describe());
        let label = match &node.kind {
            Kind::Scalar(text) if looks_like_integer(text) => "more than 64 bits hold",
            _ => "expected an integer",
        };
        diags.push(Diagnostic::new(message, &node.span, label));
    }
    number
}

/// One of a few words.
pub fn choice<T: Copy>(
    name: &Name,
    what: &str,
    words: &[(&str, T)],
    diags: &mut Diagnostics,
) -> Option<T> {
    let found = words
        .iter()
        .find(|(word, _)| *word == name.value)
        .map(|(_, value)| *value);
    if found.is_none() {
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let label = format!("expected one of {}", one_of(&words));
        diags.push(
            Diagnostic::new(
                format!("unknown {what} `{}`", name.value),
                &name.span,
                label,
            )
            .help_opt(did_you_mean(&name.value, words)),
        );
    }
    found
}

/// Whether C would take a name.
pub fn is_identifier(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && name.chars().all(word) && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// Reports a name that C would not take, and says whether it would.
pub fn identifier(name: &Name, what: &str, diags: &mut Diagnostics) -> bool {
    let good = is_identifier(&name.value);
    if !good {
        let message = format!("{what} `{}` is not an identifier", name.value);
        diags.push(Diagnostic::new(
            message,
            &name.span,
            "expected letters, digits and `_`, not starting with a digit",
        ));
    }
    good
}

/// Reports items that are given twice.
pub fn distinct(names: &[Name], diags: &mut Diagnostics) {
    let mut seen: BTreeMap<&str, &Name> = BTreeMap::new();
    for name in names {
        if let Some(first) = seen.get(name.value.as_str()) {
            let message = format!("duplicate `{}`", name.value);
            diags.push(
                Diagnostic::new(message, &name.span, "again").context(&first.span, "first here"),
            );
        } else {
            seen.insert(&name.value, name);
        }
    }
}

/// Words as a message lists them.
pub fn one_of(words: &[&str]) -> String {
    words
        .iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
