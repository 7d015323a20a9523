//! YAML as a tree in which every node knows its place.
//!
//! The checker reports all mistakes at once, which a deserializer that stops at the
//! first cannot; hence a tree. Anchors, aliases and tags are refused: the
//! specification has one way to say a thing.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle};

use crate::diag::{Diagnostic, Diagnostics};
use crate::source::{At, Name, Sources, Span};

/// A YAML node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What it holds.
    pub kind: Kind,
    /// Where it was written.
    pub span: Span,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Nothing, `~` or `null`.
    Null,
    /// A scalar, quoted or not.
    Scalar(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping in the order written; keys are unique.
    Map(Vec<(Name, Node)>),
}

impl Node {
    /// What the node is, for messages.
    pub fn describe(&self) -> String {
        match &self.kind {
            Kind::Null => "nothing".to_owned(),
            Kind::Scalar(text) => format!("`{text}`"),
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a mapping".to_owned(),
        }
    }
}

/// Reads one file; nothing if it is empty or broken, which is then reported.
pub fn parse(sources: &Sources, file: usize, diags: &mut Diagnostics) -> Option<Node> {
    let mut reader = Reader {
        events: Parser::new_from_str(&sources.files[file].text),
        text: &sources.files[file].text,
        file,
        diags,
    };
    reader.document().unwrap_or_else(|diagnostic| {
        reader.diags.push(*diagnostic);
        None
    })
}

struct Reader<'a, 'd> {
    events: Parser<'a, granit_parser::StrInput<'a>>,
    text: &'a str,
    file: usize,
    diags: &'d mut Diagnostics,
}

type Broken = Box<Diagnostic>;

/// The entries of a mapping so far, and where in the list each is.
#[derive(Default)]
struct Entries {
    list: Vec<(Name, Node)>,
    places: HashMap<String, usize>,
}

/// What to do about what the parser says.
fn remedy(info: &str, tab: bool) -> &'static str {
    match info {
        _ if tab => "indent with spaces; YAML allows no tabs there",
        _ if info.starts_with("mapping values are not allowed") => {
            "is the line indented too far, or a colon missing above? a text with `: ` in it needs quotes"
        }
        _ if info.starts_with("recursion limit") => "nothing in a specification nests that deep",
        _ if info.starts_with("unexpected character") => {
            "remove the character, or put quotes around the text"
        }
        _ => "check the indentation, colons and brackets of this line and the one before",
    }
}

impl<'a> Reader<'a, '_> {
    fn document(&mut self) -> Result<Option<Node>, Broken> {
        let mut root = None;
        while let Some((event, span)) = self.next()? {
            match event {
                Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
                Event::DocumentStart(..) if root.is_none() => {}
                Event::DocumentStart(..) => {
                    return Err(Box::new(
                        Diagnostic::new("second YAML document", &span, "a file holds one document")
                            .help("remove the `---` or split the file"),
                    ));
                }
                event => root = Some(self.node(event, span)?),
            }
        }
        Ok(root)
    }

    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, Broken> {
        let Some(next) = self.events.next_event() else {
            return Ok(None);
        };
        match next {
            Ok((event, span)) => Ok(Some((event, self.span(&span)))),
            Err(error) => {
                let start = error
                    .marker()
                    .byte_offset()
                    .unwrap_or(0)
                    .min(self.text.len());
                let start = self.text.floor_char_boundary(start);
                let range = start
                    ..self
                        .text
                        .ceil_char_boundary((start + 1).min(self.text.len()));
                let span = Span {
                    file: self.file,
                    range,
                };
                let tab = self.text[..start]
                    .rsplit('\n')
                    .next()
                    .is_some_and(|l| l.contains('\t'))
                    || self.text[start..].starts_with('\t');
                let help = remedy(&error.info(), tab);
                Err(Box::new(
                    Diagnostic::new("not YAML", &span, error.info()).help(help),
                ))
            }
        }
    }

    fn span(&self, span: &granit_parser::Span) -> Span {
        let range = span.byte_range().unwrap_or(0..0);
        Span {
            file: self.file,
            range: range.start..range.end.max(range.start),
        }
    }

    fn refuse(&mut self, what: &str, span: &Span) {
        self.diags.push(
            Diagnostic::new(
                format!("{what} are not allowed"),
                span,
                "write the value itself",
            )
            .help("the specification has one way to say a thing"),
        );
    }

    fn node(&mut self, event: Event<'a>, span: Span) -> Result<Node, Broken> {
        if event.tag().is_some() {
            self.refuse("YAML tags", &self.mark_before(&span, '!'));
        }
        if event.anchor_id().is_some_and(|id| id != 0) {
            self.refuse("YAML anchors", &self.mark_before(&span, '&'));
        }
        let start = span.range.start;
        let (kind, end) = match event {
            Event::Scalar(text, style, ..) => {
                let null = style == ScalarStyle::Plain
                    && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                let kind = if null {
                    Kind::Null
                } else {
                    Kind::Scalar(text.into_owned())
                };
                (kind, span.range.end)
            }
            Event::SequenceStart(..) => {
                let mut items = Vec::new();
                loop {
                    match self.expect_next()? {
                        (Event::SequenceEnd, end) => break (Kind::List(items), end.range.end),
                        (event, span) => items.push(self.node(event, span)?),
                    }
                }
            }
            Event::MappingStart(..) => {
                let mut entries = Entries::default();
                loop {
                    match self.expect_next()? {
                        (Event::MappingEnd, end) => break (Kind::Map(entries.list), end.range.end),
                        (event, span) => self.entry(event, span, &mut entries)?,
                    }
                }
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.refuse("YAML aliases", &span);
                (Kind::Null, span.range.end)
            }
            other => {
                let label = format!("unexpected {other:?}");
                return Err(Box::new(Diagnostic::new("not YAML", &span, label)));
            }
        };
        let end = self.trimmed_end(start, end);
        Ok(Node {
            kind,
            span: Span {
                file: self.file,
                range: start..end,
            },
        })
    }

    fn entry(&mut self, event: Event<'a>, span: Span, entries: &mut Entries) -> Result<(), Broken> {
        let key = self.node(event, span)?;
        let (event, span) = self.expect_next()?;
        let value = self.node(event, span)?;
        let Kind::Scalar(name) = key.kind else {
            let message = format!("a key must be a name, not {}", key.describe());
            self.diags
                .push(Diagnostic::new(message, &key.span, "expected a name"));
            return Ok(());
        };
        let name = At {
            value: name,
            span: key.span,
        };
        if name.value == "<<" {
            self.refuse("YAML merge keys", &name.span);
            return Ok(());
        }
        match entries
            .places
            .get(&name.value)
            .map(|at| &entries.list[*at].0)
        {
            Some(first) => self.diags.push(
                Diagnostic::new(
                    format!("duplicate entry `{}`", name.value),
                    &name.span,
                    "again",
                )
                .context(&first.span, "first here")
                .help("merge the two entries or rename one"),
            ),
            None => {
                let place = entries.list.len();
                entries.places.insert(name.value.clone(), place);
                entries.list.push((name, value));
            }
        }
        Ok(())
    }

    /// The word beginning with `mark` that stands before a node, of which the parser keeps no place.
    fn mark_before(&self, node: &Span, mark: char) -> Span {
        let mut end = node.range.start;
        let mut range = node.range.clone();
        // Lines with nothing but a comment may stand between.
        while end > 0 {
            let start = self.text[..end].rfind('\n').map_or(0, |at| at + 1);
            let line = &self.text[start..end];
            let line = line.split(" #").next().unwrap_or(line).trim_end();
            let word = line.rfind(char::is_whitespace).map_or(0, |at| at + 1);
            if line[word..].starts_with(mark) {
                range = start + word..start + line.len();
            } else if line.trim_start().is_empty() || line.trim_start().starts_with('#') {
                end = start.saturating_sub(1);
                continue;
            }
            break;
        }
        Span {
            file: self.file,
            range,
        }
    }

    fn expect_next(&mut self) -> Result<(Event<'a>, Span), Broken> {
        self.next()?.ok_or_else(|| {
            let end = self.text.len();
            let span = Span {
                file: self.file,
                range: end..end,
            };
            Box::new(Diagnostic::new(
                "not YAML",
                &span,
                "the file ends here unexpectedly",
            ))
        })
    }

    /// Where a node ends without the white space that block nodes take in.
    fn trimmed_end(&self, start: usize, end: usize) -> usize {
        let end = end.clamp(start, self.text.len());
        match self.text.get(start..end) {
            Some(text) => start + text.trim_end().len(),
            None => end,
        }
    }
}
