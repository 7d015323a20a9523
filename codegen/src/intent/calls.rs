//! System calls and auxiliary imports as written.

use super::Named;
use super::cases::{self, CasesIntent};
use super::decode::{self, Fields};
use super::types::direction;
use crate::diag::{Diagnostic, Diagnostics};
use crate::model::{Dir, Restart};
use crate::source::{Name, Span};
use crate::yaml::{Kind, Node};

/// A described system call.
#[derive(Debug, Clone)]
pub struct CallIntent {
    /// The kernel's name.
    pub name: Name,
    /// From the file's name.
    pub family: String,
    /// Documentation.
    pub doc: Option<String>,
    /// The import's name, where it is not `SYS_` and the name.
    pub import: Option<Name>,
    /// Other imports for the same call.
    pub aliases: Vec<Name>,
    /// Arguments in order.
    pub args: Vec<ArgIntent>,
    /// The result: a scalar, `nothing` or `never`.
    pub returns: Option<Name>,
    /// What a signal does to it.
    pub restart: Restart,
    /// Who does it.
    pub by: ByIntent,
    /// What ISAs without it do.
    pub fallback: Option<LackIntent>,
    /// What it is for each value of an argument.
    pub cases: Option<CasesIntent>,
}

/// Who carries a call out.
#[derive(Debug, Clone)]
pub enum ByIntent {
    /// The kernel.
    Kernel,
    /// The runtime.
    Runtime(String),
    /// Nobody.
    Refused {
        /// The error's name.
        errno: Name,
        /// Why.
        because: String,
    },
}

/// An argument.
#[derive(Debug, Clone)]
pub struct ArgIntent {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: ArgTypeIntent,
}

/// The type of an argument as written.
#[derive(Debug, Clone)]
pub enum ArgTypeIntent {
    /// A scalar or flag set by name.
    Value(Name),
    /// `none`: not used in a case.
    Unused(Span),
    /// An address.
    Pointer {
        /// Direction of the data.
        dir: Dir,
        /// What stands there: `bytes`, `path`, `string`, `struct NAME`, `array of ...` or a scalar.
        to: Name,
        /// How many bytes or elements.
        len: Option<LenIntent>,
        /// Whether 0 means none.
        nullable: bool,
        /// The whole type.
        span: Span,
    },
}

/// `len` or `count`.
#[derive(Debug, Clone)]
pub struct LenIntent {
    /// Which of the two words was used.
    pub key: Name,
    /// An argument's name or a number.
    pub value: Name,
}

/// `fallback`.
#[derive(Debug, Clone)]
pub struct FallbackIntent {
    /// The other call.
    pub call: Name,
    /// Its arguments.
    pub args: Vec<FallbackArgIntent>,
    /// The whole entry.
    pub span: Span,
}

/// What ISAs do that lack a call.
#[derive(Debug, Clone)]
pub enum LackIntent {
    /// They make another.
    Fallback(FallbackIntent),
    /// They fail, as natively.
    None(Span),
}

impl LackIntent {
    /// Where it stands.
    pub fn span(&self) -> &Span {
        match self {
            LackIntent::Fallback(fallback) => &fallback.span,
            LackIntent::None(span) => span,
        }
    }
}

/// An argument of a fallback.
#[derive(Debug, Clone)]
pub enum FallbackArgIntent {
    /// An argument's name, a constant or a number.
    One(Name),
    /// Constants that combine by or.
    Flags(Vec<Name>, Span),
}

/// An import that is not a system call.
#[derive(Debug, Clone)]
pub struct AuxIntent {
    /// The import's name.
    pub name: Name,
    /// Documentation.
    pub doc: Option<String>,
    /// Arguments in order.
    pub args: Vec<ArgIntent>,
    /// The result's scalar; none if it returns nothing.
    pub returns: Option<Name>,
    /// Further import names.
    pub aliases: Vec<Name>,
    /// Whether it may return more than once.
    pub twice: bool,
}

impl Named for CallIntent {
    fn name(&self) -> &Name {
        &self.name
    }
}

impl Named for AuxIntent {
    fn name(&self) -> &Name {
        &self.name
    }
}

/// The keys of a call. None is an argument's name: indented too far, it would become one.
pub(crate) const KEYS: [&str; 11] = [
    "doc", "import", "aliases", "args", "returns", "restart", "runtime", "refuse", "because",
    "fallback", "cases",
];

/// Reads a call.
pub fn call(name: &Name, node: &Node, family: &str, diags: &mut Diagnostics) -> Option<CallIntent> {
    let fields = Fields::new(node, "a system call", &KEYS, diags)?;
    let what = format!("`{}`", name.value);
    fields.require_of(&what, name, "doc", "add `doc:` with one line", diags);
    // What is refused is refused whatever its arguments.
    if fields.get("refuse").is_none() {
        let help = "add `args:`; `args: {}` if it takes none";
        fields.require_of(&what, name, "args", help, diags);
    }
    if let (Some(_), Some((restart, _))) = (fields.get("refuse"), fields.entry("restart")) {
        let label = "what always fails does not block";
        diags.push(Diagnostic::new("useless `restart`", &restart.span, label));
    }
    Some(CallIntent {
        name: name.clone(),
        family: family.to_owned(),
        doc: fields.doc(diags),
        import: import(&fields, &name.value, diags),
        aliases: aliases(&fields, diags),
        args: args(fields.get("args"), diags),
        returns: fields.text("returns", diags),
        restart: restart(&fields, diags).unwrap_or(Restart::NotBlocking),
        by: by(&fields, diags),
        fallback: fields.get("fallback").and_then(|n| fallback(n, diags)),
        cases: fields.get("cases").and_then(|n| cases::cases(n, diags)),
    })
}

/// The value of `import`, which is another name than the one it would have.
fn import(fields: &Fields<'_>, call: &str, diags: &mut Diagnostics) -> Option<Name> {
    let import = fields.text("import", diags)?;
    decode::identifier(&import, "the import", diags);
    if import.value.strip_prefix("SYS_") == Some(call) {
        let label = "the import has this name anyway";
        diags.push(Diagnostic::new("useless `import`", &import.span, label));
    }
    Some(import)
}

fn aliases(fields: &Fields<'_>, diags: &mut Diagnostics) -> Vec<Name> {
    let aliases = fields.names("aliases", diags);
    for alias in &aliases {
        decode::identifier(alias, "the import", diags);
    }
    aliases
}

/// What signal handlers may do to a call that blocks.
pub(crate) const RESTARTS: [(&str, Restart); 2] =
    [("signal", Restart::Signal), ("never", Restart::Never)];

/// The value of `restart`, if it is there.
pub(super) fn restart(fields: &Fields<'_>, diags: &mut Diagnostics) -> Option<Restart> {
    let name = fields.text("restart", diags)?;
    decode::choice(&name, "restart rule", &RESTARTS, diags)
}

/// The keys of an auxiliary import.
pub(crate) const AUX_KEYS: [&str; 5] = ["doc", "args", "returns", "aliases", "twice"];

/// Reads an auxiliary import.
pub fn aux(name: &Name, node: &Node, diags: &mut Diagnostics) -> Option<AuxIntent> {
    let fields = Fields::new(node, "an auxiliary import", &AUX_KEYS, diags)?;
    let what = format!("`{}`", name.value);
    fields.require_of(&what, name, "doc", "add `doc:` with one line", diags);
    let help = "add `args:`; `args: {}` if it takes none";
    fields.require_of(&what, name, "args", help, diags);
    Some(AuxIntent {
        name: name.clone(),
        doc: fields.doc(diags),
        aliases: aliases(&fields, diags),
        twice: fields.flag("twice", diags),
        args: args(fields.get("args"), diags),
        returns: fields.text("returns", diags),
    })
}

pub(super) fn by(fields: &Fields<'_>, diags: &mut Diagnostics) -> ByIntent {
    let runtime = fields.text("runtime", diags);
    let refuse = fields.text("refuse", diags);
    let because = fields.text("because", diags);
    if let (Some(runtime), Some(refuse)) = (&runtime, &refuse) {
        diags.push(
            Diagnostic::new(
                "both refused and done by the runtime",
                &refuse.span,
                "refused here",
            )
            .context(&runtime.span, "done by the runtime here")
            .help("keep one of the two"),
        );
    }
    if let (Some(because), None) = (&because, &refuse) {
        diags.push(
            Diagnostic::new(
                "`because` without `refuse`",
                &because.span,
                "nothing is refused",
            )
            .help("the reason of a runtime call is the value of `runtime` itself"),
        );
    }
    match (runtime, refuse) {
        (Some(why), _) => ByIntent::Runtime(why.value),
        (None, Some(errno)) => {
            if because.is_none() {
                diags.push(
                    Diagnostic::new("refused without a reason", &errno.span, "why?")
                        .help("add `because: ...`"),
                );
            }
            ByIntent::Refused {
                errno,
                because: because.map(|n| n.value).unwrap_or_default(),
            }
        }
        (None, None) => ByIntent::Kernel,
    }
}

fn args(node: Option<&Node>, diags: &mut Diagnostics) -> Vec<ArgIntent> {
    let Some(entries) = node.and_then(|n| decode::map(n, "`args`", diags)) else {
        return Vec::new();
    };
    args_in(entries, false, diags)
}

/// The arguments of a call, or those that a case changes.
pub(super) fn args_in(
    entries: &[(Name, Node)],
    of_case: bool,
    diags: &mut Diagnostics,
) -> Vec<ArgIntent> {
    if let Some((seventh, _)) = entries.get(6) {
        let label = "Linux passes six at most";
        diags.push(Diagnostic::new("a seventh argument", &seventh.span, label));
    }
    let mut args = Vec::new();
    for (name, node) in entries {
        if KEYS.contains(&name.value.as_str()) {
            let key = &name.value;
            diags.push(
                Diagnostic::new(
                    format!("an argument named `{key}`"),
                    &name.span,
                    "indented as an argument",
                )
                .help(format!(
                    "`{key}` is a key of the call; indent it like `args:`"
                )),
            );
            continue;
        }
        argument_name(name, diags);
        if let Some(ty) = arg_type(node, of_case, diags) {
            args.push(ArgIntent {
                name: name.clone(),
                ty,
            });
        }
    }
    args
}

/// Reports a name that an argument cannot have. A lower-case letter comes first, as in the
/// kernel: capitals and underscores are those of constants and of the generated code.
fn argument_name(name: &Name, diags: &mut Diagnostics) {
    if name
        .value
        .starts_with(|c: char| c == '_' || c.is_ascii_uppercase())
    {
        let message = format!("the argument `{}` has a name of another kind", name.value);
        let label = "expected a lower-case letter first";
        diags.push(Diagnostic::new(message, &name.span, label));
    } else {
        decode::identifier(name, "the argument", diags);
    }
}

/// The keys of a pointer among arguments.
pub(crate) const POINTER_KEYS: [&str; 6] = ["in", "out", "inout", "len", "count", "nullable"];

fn arg_type(node: &Node, of_case: bool, diags: &mut Diagnostics) -> Option<ArgTypeIntent> {
    if let Kind::Map(_) = node.kind {
        let fields = Fields::new(node, "a pointer", &POINTER_KEYS, diags)?;
        let (dir, to) = direction(&fields, node, diags)?;
        if let (Some((len, _)), Some((count, _))) = (fields.entry("len"), fields.entry("count")) {
            let message = "both `len` and `count`";
            diags.push(
                Diagnostic::new(message, &count.span, "the second")
                    .context(&len.span, "the first")
                    .help("`bytes` have a `len`, arrays a `count`"),
            );
            return None;
        }
        for key in ["len", "count"] {
            let known = fields.get(key);
            if let Some(node) = known.filter(|n| !matches!(n.kind, Kind::Scalar(_))) {
                let message = format!("`{key}` is {}", node.describe());
                let label = "expected an argument or a number";
                diags.push(Diagnostic::new(message, &node.span, label));
                return None;
            }
        }
        let len = |key: &str, diags: &mut Diagnostics| {
            let (key, value) = fields.entry(key)?;
            let value = decode::text(value, &format!("`{}`", key.value), diags)?;
            Some(LenIntent {
                key: key.clone(),
                value,
            })
        };
        return Some(ArgTypeIntent::Pointer {
            dir,
            to,
            len: len("len", diags).or_else(|| len("count", diags)),
            nullable: fields.flag("nullable", diags),
            span: node.span.clone(),
        });
    }
    let name = decode::text(node, "an argument's type", diags)?;
    if of_case && name.value == "none" {
        return Some(ArgTypeIntent::Unused(name.span));
    }
    if matches!(name.value.as_str(), "path" | "string") {
        let span = name.span.clone();
        return Some(ArgTypeIntent::Pointer {
            dir: Dir::In,
            to: name,
            len: None,
            nullable: false,
            span,
        });
    }
    Some(ArgTypeIntent::Value(name))
}

fn fallback(node: &Node, diags: &mut Diagnostics) -> Option<LackIntent> {
    if matches!(&node.kind, Kind::Scalar(text) if text == "none") {
        return Some(LackIntent::None(node.span.clone()));
    }
    if let Kind::Scalar(text) = &node.kind {
        let message = format!("a fallback is `{text}`");
        let label = "expected `{ call: NAME, args: [...] }` or `none`";
        diags.push(Diagnostic::new(message, &node.span, label));
        return None;
    }
    let fields = Fields::new(node, "a fallback", &["call", "args"], diags)?;
    fields.require("call", diags)?;
    let call = fields.text("call", diags)?;
    let mut args = Vec::new();
    for item in fields
        .get("args")
        .map(|n| decode::list(n, "`args`", diags))
        .unwrap_or_default()
    {
        args.push(match &item.kind {
            Kind::List(flags) if flags.is_empty() => {
                let label = "expected constants; no flags are the number 0";
                diags.push(Diagnostic::new("no flags", &item.span, label));
                return None;
            }
            Kind::List(flags) => {
                let flags = flags
                    .iter()
                    .filter_map(|n| decode::text(n, "a flag", diags));
                FallbackArgIntent::Flags(flags.collect(), item.span.clone())
            }
            _ => FallbackArgIntent::One(decode::text(item, "an argument", diags)?),
        });
    }
    Some(LackIntent::Fallback(FallbackIntent {
        call,
        args,
        span: node.span.clone(),
    }))
}
