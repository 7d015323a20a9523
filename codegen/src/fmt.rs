//! The canonical form of the specification's YAML.
//!
//! What a person chose is kept: order, comments, single blank lines, and whether a mapping or list
//! stands on a line of its own or on many. All else follows from the tree: a blank line around
//! entries at the left edge that go over lines; two spaces for each level, lists further in than their key; `{ a: b }` and `[a, b]` on one line of at most 100
//! characters, or else spread over lines; quotes where a text needs them, and then double ones;
//! three spaces before a comment behind something; no tabs, no blanks at the end of a line, no
//! byte order mark, no `---`.

use std::sync::Arc;

use crate::diag::{Diagnostic, Diagnostics};
use crate::source::{Sources, Span};
use crate::yaml::{self, Kind, Node};

/// How long a line with a mapping or list in it may be.
const WIDTH: usize = 100;

/// The text of one file in canonical form.
///
/// # Errors
/// It is not the YAML of specifications.
pub fn format(path: &str, text: &str) -> Result<String, Diagnostics> {
    let sources = Arc::new(Sources::from_memory([(path, text)]));
    let mut diags = Diagnostics::new(Arc::clone(&sources));
    let root = yaml::parse(&sources, 0, &mut diags);
    if !diags.is_empty() {
        return Err(diags);
    }
    let mut printer = Printer::new(text, root.as_ref());
    if let Some(root) = &root {
        printer.root(root);
    }
    printer.comments_before(text.len(), 0, false);
    let out = printer.out;
    if let Err(span) = same(root.as_ref(), &out) {
        let label = "would not be the same in canonical form";
        diags.push(
            Diagnostic::new("cannot be formatted", &span, label).help("write it another way"),
        );
        return Err(diags);
    }
    Ok(out)
}

/// Whether a text has this tree; if not, a place to blame. A precaution: it always has.
fn same(root: Option<&Node>, out: &str) -> Result<(), Span> {
    let sources = Arc::new(Sources::from_memory([("", out)]));
    let mut diags = Diagnostics::new(Arc::clone(&sources));
    let again = yaml::parse(&sources, 0, &mut diags);
    let whole = root.map_or(0..0, |root| root.span.range.clone());
    let equal = match (root, &again) {
        (Some(a), Some(b)) => alike(a, b),
        (a, b) => a.is_none() && b.is_none(),
    };
    if equal && diags.is_empty() {
        return Ok(());
    }
    Err(Span {
        file: 0,
        range: whole,
    })
}

/// Whether two trees say the same.
fn alike(a: &Node, b: &Node) -> bool {
    match (&a.kind, &b.kind) {
        (Kind::Null, Kind::Null) => true,
        (Kind::Scalar(a), Kind::Scalar(b)) => a == b,
        (Kind::List(a), Kind::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b))
        }
        (Kind::Map(a), Kind::Map(b)) => {
            let same = |((a, x), (b, y)): (&(_, Node), &(_, Node))| {
                let (a, b): (&crate::source::Name, &crate::source::Name) = (a, b);
                a.value == b.value && alike(x, y)
            };
            a.len() == b.len() && a.iter().zip(b).all(same)
        }
        _ => false,
    }
}

/// A comment and where it stands.
struct Comment<'a> {
    start: usize,
    text: &'a str,
}

/// An entry of a mapping or an item of a list.
struct Item<'a> {
    key: Option<&'a crate::source::Name>,
    value: &'a Node,
}

impl Item<'_> {
    fn start(&self) -> usize {
        self.key
            .map_or(&self.value.span, |key| &key.span)
            .range
            .start
    }
}

struct Printer<'a> {
    text: &'a str,
    /// Where lines begin.
    lines: Vec<usize>,
    comments: Vec<Comment<'a>>,
    /// The first comment that is not written yet.
    next: usize,
    out: String,
}

impl<'a> Printer<'a> {
    fn new(text: &'a str, root: Option<&Node>) -> Printer<'a> {
        let starts = text.match_indices('\n').map(|(at, _)| at + 1);
        Printer {
            text,
            lines: std::iter::once(0).chain(starts).collect(),
            comments: comments(text, root),
            next: 0,
            out: String::new(),
        }
    }

    fn root(&mut self, root: &Node) {
        match items(root) {
            Some(items) if !items.is_empty() && !self.stays_flow(root, 0, 0) => {
                self.block(root, &items, 0, None, self.text.len(), false);
            }
            _ => {
                self.comments_before(root.span.range.start, 0, false);
                let text = self.flow(root, false);
                self.out.push_str(&text);
                self.end_line(root.span.range.end, self.text.len());
            }
        }
    }

    /// A mapping or a list over lines, an item each. The first item may stand behind the dash of
    /// an outer list. `limit` is where something else follows.
    fn block(
        &mut self,
        node: &Node,
        items: &[Item<'_>],
        indent: usize,
        parent: Option<usize>,
        limit: usize,
        behind_dash: bool,
    ) {
        let column = self.column_of_items(items);
        let mut spread_before = false;
        for (index, item) in items.iter().enumerate() {
            let next = items.get(index + 1).map_or(limit, Item::start);
            let first = index == 0;
            let head = self.head(item);
            let spread = self.spreads(item, indent, head.chars().count());
            // What stands between a key and a value on one line has no place there.
            let upto = match spread {
                true => item.start(),
                false => item.value.span.range.start.max(item.start()),
            };
            // At the left edge, what goes over lines stands apart.
            if parent.is_none() && !first && (spread || spread_before) {
                self.empty_line();
            }
            spread_before = spread;
            if !(first && behind_dash) {
                self.comments_before(upto, indent, !first || parent.is_none());
                self.blank_line(item.start(), !first || parent.is_none());
                self.indent(indent);
            }
            self.out.push_str(&head);
            match self::items(item.value).filter(|_| spread) {
                None => {
                    let text = self.flow(item.value, false);
                    self.out.push(' ');
                    self.out.push_str(&text);
                    self.end_line(item.value.span.range.end, self.text.len());
                }
                Some(inner) if item.key.is_none() => {
                    // Comments of the first one would have to stand behind the dash.
                    self.out.push(' ');
                    self.block(item.value, &inner, indent + 2, Some(column), next, true);
                }
                Some(inner) => {
                    self.end_line(item.start(), inner[0].start());
                    self.block(item.value, &inner, indent + 2, Some(column), next, false);
                }
            }
        }
        let own = |printer: &Self, at: usize| {
            let place = printer.column(at);
            at < limit && place >= column && parent.is_none_or(|parent| place > parent)
        };
        while self
            .comments
            .get(self.next)
            .is_some_and(|c| own(self, c.start))
        {
            let upto = self.comments[self.next].start + 1;
            self.comments_before(upto, indent, true);
        }
        debug_assert!(node.span.range.start <= limit);
    }

    /// What stands before an item's value.
    fn head(&self, item: &Item<'_>) -> String {
        match item.key {
            Some(key) => format!("{}:", self.scalar(&key.value, &key.span, false)),
            None => "-".to_owned(),
        }
    }

    /// Whether an item's value goes over lines of its own.
    fn spreads(&self, item: &Item<'_>, indent: usize, head: usize) -> bool {
        items(item.value).is_some_and(|inner| !inner.is_empty())
            && !self.stays_flow(item.value, indent, head + 1)
    }

    /// Whether a mapping or a list was in brackets and can stay so: there is nothing to be said
    /// inside of it, and it fits into a line.
    fn stays_flow(&self, node: &Node, indent: usize, before: usize) -> bool {
        let range = &node.span.range;
        let inside = |c: &Comment<'_>| range.contains(&c.start);
        self.text[range.start..].starts_with(['{', '['])
            && !self.comments[self.next..].iter().any(inside)
            && indent + before + self.flow(node, false).chars().count() <= WIDTH
    }

    /// A node on one line.
    fn flow(&self, node: &Node, inside: bool) -> String {
        let list = |parts: Vec<String>| parts.join(", ");
        match &node.kind {
            Kind::Null => "null".to_owned(),
            Kind::Scalar(text) => self.scalar(text, &node.span, inside),
            Kind::List(items) => {
                let items = items.iter().map(|item| self.flow(item, true));
                format!("[{}]", list(items.collect()))
            }
            Kind::Map(entries) if entries.is_empty() => "{}".to_owned(),
            Kind::Map(entries) => {
                let entries = entries.iter().map(|(key, value)| {
                    let key = self.scalar(&key.value, &key.span, true);
                    format!("{key}: {}", self.flow(value, true))
                });
                format!("{{ {} }}", list(entries.collect()))
            }
        }
    }

    /// A text as it is written: plain if it was, or can be without being taken for a number.
    fn scalar(&self, text: &str, span: &Span, inside: bool) -> String {
        let written = self.text.get(span.range.clone());
        if written == Some(text) || is_plain(text, inside) {
            return text.to_owned();
        }
        quoted(text)
    }

    /// Comments that stand before a place, on lines of their own.
    fn comments_before(&mut self, upto: usize, indent: usize, mut blank: bool) {
        while let Some(comment) = self.comments.get(self.next)
            && comment.start < upto
        {
            let (start, text) = (comment.start, comment.text);
            self.next += 1;
            self.blank_line(start, blank);
            self.indent(indent);
            self.out.push_str(text);
            self.out.push('\n');
            blank = true;
        }
        // Leaves it to the caller whether a blank line may follow.
    }

    /// A blank line, if there is one before the line of this place and something before that.
    fn blank_line(&mut self, at: usize, allowed: bool) {
        let line = self.line(at);
        let blank = line
            .checked_sub(1)
            .is_some_and(|before| self.text_of(before).trim().is_empty());
        let after_comment = || {
            let last = self.out.trim_end_matches('\n').rsplit('\n').next();
            last.is_some_and(|line| line.trim_start().starts_with('#'))
        };
        let allowed = allowed || after_comment();
        if blank && allowed {
            self.empty_line();
        }
    }

    fn empty_line(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// The end of a line, with the comment that stands behind this place and before another.
    fn end_line(&mut self, at: usize, limit: usize) {
        if let Some(comment) = self.comments.get(self.next)
            && (at..limit).contains(&comment.start)
            && self.line(comment.start) == self.line(at)
        {
            self.out.push_str("   ");
            self.out.push_str(comment.text);
            self.next += 1;
        }
        self.out.push('\n');
    }

    fn indent(&mut self, indent: usize) {
        self.out.extend(std::iter::repeat_n(' ', indent));
    }

    fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at) - 1
    }

    fn text_of(&self, line: usize) -> &'a str {
        let end = self.lines.get(line + 1).copied();
        &self.text[self.lines[line]..end.unwrap_or(self.text.len())]
    }

    fn column(&self, at: usize) -> usize {
        at - self.lines[self.line(at)]
    }

    /// Where the items of a block begin: keys, or the dashes before items.
    fn column_of_items(&self, items: &[Item<'_>]) -> usize {
        let Some(first) = items.first() else { return 0 };
        let start = first.start();
        if first.key.is_some() {
            return self.column(start);
        }
        let line = self.lines[self.line(start)];
        self.text[line..start]
            .rfind('-')
            .unwrap_or_else(|| self.column(start))
    }
}

/// The items of a mapping or a list.
fn items(node: &Node) -> Option<Vec<Item<'_>>> {
    match &node.kind {
        Kind::Null | Kind::Scalar(_) => None,
        Kind::List(items) => {
            let item = |value| Item { key: None, value };
            Some(items.iter().map(item).collect())
        }
        Kind::Map(entries) => {
            let item = |(key, value)| Item {
                key: Some(key),
                value,
            };
            Some(
                entries
                    .iter()
                    .map(|(key, value)| item((key, value)))
                    .collect(),
            )
        }
    }
}

/// The comments of a text, in order. What looks like one inside of a scalar is none.
fn comments<'a>(text: &'a str, root: Option<&Node>) -> Vec<Comment<'a>> {
    let mut scalars = Vec::new();
    if let Some(root) = root {
        collect(root, &mut scalars);
    }
    scalars.sort_by_key(|(start, _)| *start);
    let mut scalars = scalars.into_iter().peekable();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(hash) = text[at..].find('#').map(|offset| at + offset) {
        while scalars.next_if(|(_, end)| *end <= hash).is_some() {}
        if let Some((start, end)) = scalars.peek()
            && (*start..*end).contains(&hash)
        {
            at = *end;
            continue;
        }
        let before = text[..hash].chars().next_back();
        let begins = before.is_none_or(|c| c.is_whitespace() || c == '\u{feff}');
        let end = text[hash..].find('\n').map_or(text.len(), |n| hash + n);
        if begins {
            found.push(Comment {
                start: hash,
                text: text[hash..end].trim_end(),
            });
        }
        at = if begins { end } else { hash + 1 };
    }
    found
}

fn collect(node: &Node, scalars: &mut Vec<(usize, usize)>) {
    let mut add = |span: &Span| scalars.push((span.range.start, span.range.end));
    match &node.kind {
        Kind::Null => {}
        Kind::Scalar(_) => add(&node.span),
        Kind::List(items) => items.iter().for_each(|item| collect(item, scalars)),
        Kind::Map(entries) => {
            for (key, value) in entries {
                scalars.push((key.span.range.start, key.span.range.end));
                collect(value, scalars);
            }
        }
    }
}

/// Whether a text can stand without quotes and remains a text to all readers of YAML.
fn is_plain(text: &str, inside: bool) -> bool {
    let mut chars = text.chars();
    let Some(first) = chars.next() else {
        return false;
    };
    let indicator = match first {
        '-' | '?' | ':' => chars.next().is_none_or(|c| c == ' ' || ",[]{}".contains(c)),
        _ => ",[]{}#&*!|>'\"%@`".contains(first),
    };
    let words = [
        "null", "~", "<<", "=", "true", "false", "yes", "no", "on", "off", "y", "n",
    ];
    let lower = text.to_lowercase();
    let number = text.parse::<f64>().is_ok() || {
        let digits = lower.trim_start_matches(['-', '+']);
        digits.starts_with("0x") || digits.starts_with("0o") || lower.starts_with('.')
    };
    !indicator
        && text.trim() == text
        && !text.chars().any(|c| c.is_control() || c == '\u{feff}')
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with(':')
        && !(inside && text.contains([',', '[', ']', '{', '}', ':']))
        && !text.starts_with("---")
        && !text.starts_with("...")
        && !words.contains(&lower.as_str())
        && !number
        && !text.starts_with(|c: char| c.is_ascii_digit())
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                out.push_str(&format!("\\u{:04x}", c as u32));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
