//! What is wrong with a specification, rendered as a compiler would.

use std::fmt;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::source::{Sources, Span};

/// How many mistakes are rendered: nobody reads more at once.
const SHOWN: usize = 200;

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong, in one line.
    pub message: String,
    /// Where, and what was expected there.
    pub at: Option<(Span, String)>,
    /// Another place that has to do with it.
    pub context: Option<(Span, String)>,
    /// How to mend it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A mistake at a place.
    pub fn new(message: impl Into<String>, span: &Span, label: impl Into<String>) -> Diagnostic {
        Diagnostic {
            message: message.into(),
            at: Some((span.clone(), label.into())),
            context: None,
            help: None,
        }
    }

    /// A mistake that no line can be blamed for.
    pub fn placeless(message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            message: message.into(),
            at: None,
            context: None,
            help: None,
        }
    }

    /// Adds how to mend it.
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }

    /// Adds how to mend it, if that is known.
    pub fn help_opt(mut self, help: Option<String>) -> Diagnostic {
        self.help = help.or(self.help);
        self
    }

    /// Adds another place that has to do with it.
    pub fn context(mut self, span: &Span, label: impl Into<String>) -> Diagnostic {
        self.context = Some((span.clone(), label.into()));
        self
    }
}

/// All mistakes found in one run, in the order of the files.
#[derive(Debug, Clone)]
pub struct Diagnostics {
    sources: Arc<Sources>,
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// No mistakes yet.
    pub fn new(sources: Arc<Sources>) -> Diagnostics {
        Diagnostics {
            sources,
            list: Vec::new(),
        }
    }

    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The mistakes.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// The files they refer to.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Puts the mistakes in the order of the files.
    pub(crate) fn sort(&mut self) {
        self.list.sort_by_key(|d| match &d.at {
            Some((span, _)) => (span.file, span.range.start),
            None => (usize::MAX, 0),
        });
        self.list.dedup();
    }

    /// As text, with colours for a terminal.
    pub fn coloured(&self) -> String {
        self.render(&Renderer::styled())
    }

    fn render(&self, renderer: &Renderer) -> String {
        let mut out = String::new();
        for diagnostic in self.list.iter().take(SHOWN) {
            out.push_str(&renderer.render(&self.groups(diagnostic)));
            out.push_str("\n\n");
        }
        let count = match self.list.len() {
            1 => "1 error in the specification".to_owned(),
            n if n > SHOWN => {
                format!("{n} errors in the specification, of which these are the first {SHOWN}")
            }
            n => format!("{n} errors in the specification"),
        };
        out.push_str(&renderer.render(&[Group::with_title(Level::ERROR.primary_title(count))]));
        out
    }

    fn groups<'a>(&'a self, diagnostic: &'a Diagnostic) -> Vec<Group<'a>> {
        let title = Level::ERROR.primary_title(diagnostic.message.as_str());
        let mut group = Group::with_title(title);
        if let Some((span, label)) = &diagnostic.at {
            let mut snippet = self.snippet(span).annotation(
                AnnotationKind::Primary
                    .span(span.range.clone())
                    .label(label.as_str()),
            );
            let mut elsewhere = None;
            if let Some((other, label)) = &diagnostic.context {
                let annotation = AnnotationKind::Context
                    .span(other.range.clone())
                    .label(label.as_str());
                if other.file == span.file {
                    snippet = snippet.annotation(annotation);
                } else {
                    elsewhere = Some(self.snippet(other).annotation(annotation));
                }
            }
            group = group.element(snippet);
            if let Some(other) = elsewhere {
                group = group.element(other);
            }
        }
        if let Some(help) = &diagnostic.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        vec![group]
    }

    fn snippet<'a>(&'a self, span: &Span) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
        Snippet::source(self.sources.files[span.file].text.as_str())
            .path(self.sources.display_path(span.file))
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(&Renderer::plain()))
    }
}

impl std::error::Error for Diagnostics {}

/// The name closest to a misspelt one, as a question for a message.
pub fn did_you_mean<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    closest(wrong, known).map(|name| format!("did you mean `{name}`?"))
}

/// The name closest to a misspelt one, if one is close enough to be meant: few edits away,
/// or one of the two the other's beginning.
pub fn closest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.to_lowercase();
    let near = |name: &&str| {
        let name = name.to_lowercase();
        let shorter = wrong.len().min(name.len());
        let distance = strsim::damerau_levenshtein(&wrong, &name);
        let extends = shorter >= 3 && (name.starts_with(&wrong) || wrong.starts_with(&name));
        (distance <= 1 + shorter / 4 || extends).then_some(distance)
    };
    known
        .into_iter()
        .filter_map(|name| Some((near(&name)?, name)))
        .min()
        .map(|(_, name)| name)
}
