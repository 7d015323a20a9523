//! Calls that do many things, told apart by the value of an argument, as written.

use super::calls::{ArgIntent, ByIntent, args_in, by, restart};
use super::decode::{self, Fields};
use crate::diag::{Diagnostic, Diagnostics};
use crate::model::Restart;
use crate::source::{At, Name, Span};
use crate::yaml::{Kind, Node};

/// `cases`: what a call is for each value of an argument.
#[derive(Debug, Clone)]
pub struct CasesIntent {
    /// The argument.
    pub by: Name,
    /// The enumeration of its values.
    pub set: Name,
    /// Headers, if the enumeration is declared here: by the keys of the cases.
    pub headers: Option<Vec<Name>>,
    /// The cases in order.
    pub cases: Vec<CaseIntent>,
    /// What becomes of members of the set without a case.
    pub rest: Option<At<OtherwiseIntent>>,
    /// What becomes of all other values.
    pub otherwise: OtherwiseIntent,
}

/// One case.
#[derive(Debug, Clone)]
pub struct CaseIntent {
    /// The constant.
    pub name: Name,
    /// Arguments whose type is another than the call's.
    pub args: Vec<ArgIntent>,
    /// The result, if it is another than the call's.
    pub returns: Option<Name>,
    /// What a signal does to it, if something else than to the call.
    pub restart: Option<Restart>,
    /// Who does it.
    pub by: ByIntent,
    /// The scalar whose size is part of the constant, if the guest has a narrower one.
    pub number: Option<Name>,
    /// Whether its struct grows from release to release, and the constant says how far.
    pub grows: Option<Span>,
    /// What tells it further apart.
    pub cases: Option<CasesIntent>,
}

/// What becomes of a value without a case.
#[derive(Debug, Clone)]
pub enum OtherwiseIntent {
    /// The kernel does it, with the call's own types.
    AsIs(Span),
    /// It fails.
    Refused {
        /// The error's name.
        errno: Name,
        /// Why.
        because: String,
    },
}

/// The keys of a case that are not names of arguments.
pub(crate) const CASE_KEYS: [&str; 8] = [
    "returns", "restart", "runtime", "refuse", "because", "number", "grows", "cases",
];

/// The keys of `cases`.
pub(crate) const KEYS: [&str; 6] = ["by", "set", "headers", "of", "rest", "otherwise"];

/// Reads `cases`.
pub fn cases(node: &Node, diags: &mut Diagnostics) -> Option<CasesIntent> {
    let fields = Fields::new(node, "`cases`", &KEYS, diags)?;
    for key in ["by", "set", "otherwise"] {
        fields.require(key, diags)?;
    }
    let mut cases = Vec::new();
    if let Some(of) = fields.get("of") {
        for (name, node) in decode::map(of, "`of`", diags).unwrap_or_default() {
            decode::identifier(name, "the constant", diags);
            cases.extend(case(name, node, diags));
        }
    }
    if cases.is_empty() && fields.get("rest").is_none() && fields.get("of").is_none() {
        let label = "expected `of` with what it is for some values, or `rest` for all of the set";
        diags.push(Diagnostic::new("`cases` without a case", &node.span, label));
    }
    let headers = fields
        .get("headers")
        .map(|_| super::types::headers(&fields, diags));
    let rest = fields.get("rest").and_then(|node| {
        let value = otherwise(node, "`rest`", diags)?;
        let span = node.span.clone();
        Some(At { value, span })
    });
    if let (Some(_), Some(rest)) = (&headers, fields.entry("rest")) {
        let label = "the cases themselves are the members";
        diags.push(Diagnostic::new("useless `rest`", &rest.0.span, label));
    }
    Some(CasesIntent {
        by: fields.text("by", diags)?,
        set: fields.text("set", diags)?,
        headers,
        cases,
        rest: rest.filter(|_| fields.get("headers").is_none()),
        otherwise: otherwise(fields.get("otherwise")?, "`otherwise`", diags)?,
    })
}

fn case(name: &Name, node: &Node, diags: &mut Diagnostics) -> Option<CaseIntent> {
    let entries = decode::map(node, "a case", diags)?;
    let (own, args): (Vec<_>, Vec<_>) = entries
        .iter()
        .cloned()
        .partition(|(key, _)| CASE_KEYS.contains(&key.value.as_str()));
    let own = Node {
        kind: Kind::Map(own),
        span: node.span.clone(),
    };
    let fields = Fields::new(&own, "a case", &CASE_KEYS, diags)?;
    if fields.get("refuse").is_some() {
        let own = ["returns", "restart", "cases"].iter();
        let own = own.filter_map(|key| Some(fields.entry(key)?.0));
        for key in args.iter().map(|(key, _)| key).chain(own) {
            let message = format!("useless `{}`", key.value);
            let label = "the case is refused whatever it is given";
            diags.push(Diagnostic::new(message, &key.span, label));
        }
    }
    Some(CaseIntent {
        name: name.clone(),
        args: args_in(&args, true, diags),
        returns: fields.text("returns", diags),
        restart: restart(&fields, diags),
        by: by(&fields, diags),
        number: fields.text("number", diags),
        grows: match fields.flag("grows", diags) {
            true => fields.get("grows").map(|node| node.span.clone()),
            false => None,
        },
        cases: fields.get("cases").and_then(|n| cases(n, diags)),
    })
}

fn otherwise(node: &Node, what: &str, diags: &mut Diagnostics) -> Option<OtherwiseIntent> {
    if let Kind::Scalar(text) = &node.kind
        && text == "as_is"
    {
        return Some(OtherwiseIntent::AsIs(node.span.clone()));
    }
    if let Kind::Scalar(_) = &node.kind {
        let label = "expected `as_is` or `{ refuse: ERRNO, because: REASON }`";
        diags.push(Diagnostic::new(
            format!("{what} says nothing known"),
            &node.span,
            label,
        ));
        return None;
    }
    let fields = Fields::new(node, what, &["refuse", "because"], diags)?;
    fields.require("refuse", diags)?;
    fields.require("because", diags)?;
    Some(OtherwiseIntent::Refused {
        errno: fields.text("refuse", diags)?,
        because: fields.text("because", diags)?.value,
    })
}

impl CasesIntent {
    /// Itself and all below it.
    pub fn walk<'a>(&'a self, see: &mut impl FnMut(&'a CasesIntent)) {
        see(self);
        for case in &self.cases {
            if let Some(below) = &case.cases {
                below.walk(see);
            }
        }
    }
}
