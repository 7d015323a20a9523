//! ISAs, scalars, flag sets and structs as written.

use super::Named;
use super::decode::{self, Fields};
use crate::diag::{Diagnostic, Diagnostics};
use crate::model::{Dir, Int, Role};
use crate::source::{At, Name, Span};
use crate::yaml::{Kind, Node};

/// An ISA's file.
#[derive(Debug, Clone)]
pub struct IsaIntent {
    /// From the file's name.
    pub name: Name,
    /// Place in tables.
    pub order: At<i64>,
    /// clang's target triple.
    pub triple: Name,
    /// Folder of its `asm/` headers.
    pub uapi: Name,
    /// Whether the guest has this ISA's numbers and shapes.
    pub guest: bool,
}

/// A scalar type.
#[derive(Debug, Clone)]
pub struct ScalarIntent {
    /// Its name.
    pub name: Name,
    /// The guest's representation.
    pub guest: Int,
    /// The host's representation.
    pub host: Int,
    /// What it stands for.
    pub role: Role,
    /// C spelling.
    pub c: String,
}

/// A flag set or enumeration.
#[derive(Debug, Clone)]
pub struct SetIntent {
    /// Its name.
    pub name: Name,
    /// Documentation.
    pub doc: Option<String>,
    /// Whether members combine by or.
    pub bits: bool,
    /// The scalar that carries it.
    pub ty: Name,
    /// Headers that define the members.
    pub headers: Vec<Name>,
    /// The members.
    pub members: Vec<Name>,
}

/// A struct.
#[derive(Debug, Clone)]
pub struct StructIntent {
    /// Its name.
    pub name: Name,
    /// Documentation.
    pub doc: Option<String>,
    /// How the headers spell it.
    pub c: Name,
    /// Headers that define it.
    pub headers: Vec<Name>,
    /// Whether the guest's fields stand without padding.
    pub packed: bool,
    /// Whether padding without a name ends it.
    pub tail: bool,
    /// Fields in guest order.
    pub fields: Vec<FieldIntent>,
}

/// A field of a struct.
#[derive(Debug, Clone)]
pub struct FieldIntent {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: At<FieldTypeIntent>,
}

/// The type of a field as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldTypeIntent {
    /// A scalar by name.
    Scalar(String),
    /// `array of NAME`; the headers say how many.
    Array(String),
    /// `struct NAME`.
    Struct(String),
    /// `{ in: bytes, len: FIELD }` or `{ in: array of NAME, count: FIELD }`.
    Pointer {
        /// Direction of the data.
        dir: Dir,
        /// The element, if it is an array: a scalar or `struct NAME`.
        element: Option<Name>,
        /// The field with the number of bytes or elements.
        len: Name,
    },
}

impl SetIntent {
    /// An enumeration without members yet, declared by the cases of a call.
    pub(super) fn of_cases(name: &Name, ty: &Name, call: &Name) -> SetIntent {
        SetIntent {
            name: name.clone(),
            doc: Some(format!("What `{}` can do.", call.value)),
            bits: false,
            ty: ty.clone(),
            headers: Vec::new(),
            members: Vec::new(),
        }
    }

    /// Adds what it does not have yet.
    pub(super) fn add<'a>(&mut self, headers: &'a [Name], members: impl Iterator<Item = &'a Name>) {
        let new = |known: &[Name], name: &Name| known.iter().all(|k| k.value != name.value);
        for header in headers {
            if new(&self.headers, header) {
                self.headers.push(header.clone());
            }
        }
        for member in members {
            if new(&self.members, member) {
                self.members.push(member.clone());
            }
        }
    }
}

impl Named for ScalarIntent {
    fn name(&self) -> &Name {
        &self.name
    }
}

impl Named for SetIntent {
    fn name(&self) -> &Name {
        &self.name
    }
}

impl Named for StructIntent {
    fn name(&self) -> &Name {
        &self.name
    }
}

/// Reads an ISA's file.
pub fn isa(node: &Node, name: &str, diags: &mut Diagnostics) -> Option<IsaIntent> {
    let fields = Fields::new(node, "an ISA", &["order", "triple", "uapi", "guest"], diags)?;
    let order = fields.require("order", diags).and_then(|node| {
        let value = decode::int(node, "`order`", diags)?;
        let span = node.span.clone();
        Some(At { value, span })
    });
    fields.require("triple", diags);
    fields.require("uapi", diags);
    let file = Span {
        file: node.span.file,
        range: node.span.range.start..node.span.range.start,
    };
    let (triple, uapi) = (fields.text("triple", diags), fields.text("uapi", diags));
    if let Some(triple) = &triple
        && triple.value.split('-').next() != Some(name)
    {
        let message = format!("`{}` is not a triple of {name}", triple.value);
        let label = format!("expected `{name}-linux-gnu`");
        diags.push(
            Diagnostic::new(message, &triple.span, label)
                .help("the file is named as Rust and clang name the ISA"),
        );
    }
    Some(IsaIntent {
        name: At {
            value: name.to_owned(),
            span: file,
        },
        order: order?,
        triple: triple?,
        uapi: uapi?,
        guest: fields.flag("guest", diags),
    })
}

/// Integer representations by name.
const INTS: [(&str, Int); 8] = [
    (
        "u8",
        Int {
            bits: 8,
            signed: false,
        },
    ),
    (
        "u16",
        Int {
            bits: 16,
            signed: false,
        },
    ),
    (
        "u32",
        Int {
            bits: 32,
            signed: false,
        },
    ),
    (
        "u64",
        Int {
            bits: 64,
            signed: false,
        },
    ),
    (
        "i8",
        Int {
            bits: 8,
            signed: true,
        },
    ),
    (
        "i16",
        Int {
            bits: 16,
            signed: true,
        },
    ),
    (
        "i32",
        Int {
            bits: 32,
            signed: true,
        },
    ),
    (
        "i64",
        Int {
            bits: 64,
            signed: true,
        },
    ),
];

/// Roles by name.
const ROLES: [(&str, Role); 9] = [
    ("plain", Role::Plain),
    ("descriptor", Role::Descriptor),
    ("address", Role::Address),
    ("process", Role::Process),
    ("user", Role::User),
    ("group", Role::Group),
    ("signal", Role::Signal),
    ("mode", Role::Mode),
    ("clock", Role::Clock),
];

/// Reads a scalar.
pub fn scalar(name: &Name, node: &Node, diags: &mut Diagnostics) -> Option<ScalarIntent> {
    let before = diags.len();
    let fields = Fields::new(node, "a scalar", &["guest", "host", "role", "c"], diags)?;
    fields.require("guest", diags)?;
    let guest = fields.text("guest", diags);
    let guest = guest.and_then(|n| decode::choice(&n, "representation", &INTS, diags))?;
    let host = match fields.text("host", diags) {
        Some(n) => decode::choice(&n, "representation", &INTS, diags)?,
        None => guest,
    };
    if host.bits < guest.bits {
        let span = &fields.get("host").map_or(&node.span, |n| &n.span);
        let label = format!("expected at least {} bits", guest.bits);
        diags.push(Diagnostic::new(
            "the host's type is narrower than the guest's",
            span,
            label,
        ));
    }
    let role = match fields.text("role", diags) {
        Some(n) => decode::choice(&n, "role", &ROLES, diags)?,
        None => Role::Plain,
    };
    let c = fields
        .text("c", diags)
        .map_or_else(|| name.value.clone(), |n| n.value);
    let scalar = ScalarIntent {
        name: name.clone(),
        guest,
        host,
        role,
        c,
    };
    // Layouts that follow from a half-read scalar would be wrong.
    (diags.len() == before).then_some(scalar)
}

/// Reads a flag set.
pub fn set(name: &Name, node: &Node, diags: &mut Diagnostics) -> Option<SetIntent> {
    let known = ["doc", "kind", "type", "headers", "members"];
    let fields = Fields::new(node, "a flag set", &known, diags)?;
    fields.require("kind", diags);
    let kinds = [("flags", true), ("enum", false)];
    let bits = fields
        .text("kind", diags)
        .and_then(|n| decode::choice(&n, "kind", &kinds, diags));
    let ty = fields.text("type", diags);
    let members = fields.names("members", diags);
    fields.require("headers", diags);
    fields.require("members", diags);
    for (i, member) in members.iter().enumerate() {
        decode::identifier(member, "the constant", diags);
        if let Some(first) = members[..i].iter().find(|m| m.value == member.value) {
            diags.push(
                Diagnostic::new(
                    format!("duplicate `{}`", member.value),
                    &member.span,
                    "again",
                )
                .context(&first.span, "first here"),
            );
        }
    }
    Some(SetIntent {
        name: name.clone(),
        doc: fields.text("doc", diags).map(|n| n.value),
        bits: bits.unwrap_or(true),
        ty: ty.unwrap_or_else(|| At {
            value: "int".to_owned(),
            span: name.span.clone(),
        }),
        headers: headers(&fields, diags),
        members,
    })
}

/// Reads a struct.
pub fn structure(name: &Name, node: &Node, diags: &mut Diagnostics) -> Option<StructIntent> {
    let known = ["doc", "c", "headers", "packed", "tail", "fields"];
    let keys = Fields::new(node, "a struct", &known, diags)?;
    keys.require("headers", diags);
    let mut fields = Vec::new();
    for (field, node) in keys
        .require("fields", diags)
        .and_then(|n| decode::map(n, "`fields`", diags))
        .unwrap_or_default()
    {
        decode::identifier(field, "the field", diags);
        if let Some(ty) = field_type(node, diags) {
            let ty = At {
                value: ty,
                span: node.span.clone(),
            };
            fields.push(FieldIntent {
                name: field.clone(),
                ty,
            });
        }
    }
    let default = || At {
        value: format!("struct {}", name.value),
        span: name.span.clone(),
    };
    Some(StructIntent {
        name: name.clone(),
        doc: keys.text("doc", diags).map(|n| n.value),
        c: keys.text("c", diags).unwrap_or_else(default),
        headers: headers(&keys, diags),
        packed: keys.flag("packed", diags),
        tail: keys
            .text("tail", diags)
            .and_then(|n| decode::choice(&n, "tail", &[("padding", true)], diags))
            .unwrap_or(false),
        fields,
    })
}

pub(super) fn headers(fields: &Fields<'_>, diags: &mut Diagnostics) -> Vec<Name> {
    let headers = fields.names("headers", diags);
    for header in &headers {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
        if !header.value.ends_with(".h") || !header.value.chars().all(plain) {
            let message = format!("`{}` is not a header", header.value);
            let label = "expected a path such as `linux/stat.h`";
            diags.push(Diagnostic::new(message, &header.span, label));
        }
    }
    headers
}

fn field_type(node: &Node, diags: &mut Diagnostics) -> Option<FieldTypeIntent> {
    if let Kind::Map(_) = node.kind {
        let known = ["in", "out", "inout", "len", "count"];
        let fields = Fields::new(node, "a pointer", &known, diags)?;
        let (dir, to) = direction(&fields, node, diags)?;
        let element = to.value.strip_prefix("array of ").map(|name| At {
            value: name.trim().to_owned(),
            span: to.span.clone(),
        });
        if to.value != "bytes" && element.is_none() {
            let message = format!("a field cannot point to `{}`", to.value);
            let label = "expected `bytes` or `array of NAME`";
            diags.push(Diagnostic::new(message, &to.span, label));
        }
        let key = if element.is_some() { "count" } else { "len" };
        fields.require(key, diags)?;
        return Some(FieldTypeIntent::Pointer {
            dir,
            element,
            len: fields.text(key, diags)?,
        });
    }
    let name = decode::text(node, "a field's type", diags)?.value;
    Some(
        match (name.strip_prefix("array of "), name.strip_prefix("struct ")) {
            (Some(element), _) => FieldTypeIntent::Array(element.trim().to_owned()),
            (_, Some(nested)) => FieldTypeIntent::Struct(nested.trim().to_owned()),
            _ => FieldTypeIntent::Scalar(name),
        },
    )
}

/// The one of `in`, `out` and `inout` that a pointer has.
pub fn direction(fields: &Fields<'_>, node: &Node, diags: &mut Diagnostics) -> Option<(Dir, Name)> {
    let dirs = [("in", Dir::In), ("out", Dir::Out), ("inout", Dir::InOut)];
    let mut found = dirs
        .iter()
        .filter_map(|(key, dir)| Some((*dir, fields.entry(key)?)));
    match (found.next(), found.next()) {
        (Some((dir, (key, value))), None) => Some((
            dir,
            decode::text(value, &format!("`{}`", key.value), diags)?,
        )),
        (Some((_, (first, _))), Some((_, (second, _)))) => {
            diags.push(
                Diagnostic::new("a pointer with two directions", &second.span, "the second")
                    .context(&first.span, "the first")
                    .help("data that goes both ways is `inout`"),
            );
            None
        }
        (None, _) => {
            let label = "expected one of `in`, `out`, `inout`";
            diags.push(Diagnostic::new(
                "a pointer without direction",
                &node.span,
                label,
            ));
            None
        }
    }
}
