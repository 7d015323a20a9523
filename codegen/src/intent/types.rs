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

/// The keys of an ISA's file.
pub(crate) const ISA_KEYS: [&str; 4] = ["order", "triple", "uapi", "guest"];

/// Reads an ISA's file.
pub fn isa(node: &Node, name: &str, diags: &mut Diagnostics) -> Option<IsaIntent> {
    let fields = Fields::new(node, "an ISA", &ISA_KEYS, diags)?;
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
    if let Some(uapi) = &uapi {
        decode::identifier(uapi, "the folder", diags);
    }
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
pub(crate) const INTS: [(&str, Int); 8] = [
    ("u8", int(8, false)),
    ("u16", int(16, false)),
    ("u32", int(32, false)),
    ("u64", int(64, false)),
    ("i8", int(8, true)),
    ("i16", int(16, true)),
    ("i32", int(32, true)),
    ("i64", int(64, true)),
];

const fn int(bits: u8, signed: bool) -> Int {
    Int { bits, signed }
}

/// Roles by name.
pub(crate) const ROLES: [(&str, Role); 9] = [
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

/// Words of the notation, which are no names of types.
pub(crate) const RESERVED: [&str; 8] = [
    "bytes", "path", "string", "nothing", "never", "none", "array", "struct",
];

/// Reports a type's name that is a word of the notation.
pub(super) fn type_name(name: &Name, diags: &mut Diagnostics) {
    if RESERVED.contains(&name.value.as_str()) {
        let message = format!("a type named `{}`", name.value);
        let label = "the notation has this word for something else";
        diags.push(Diagnostic::new(message, &name.span, label));
    }
}

/// A type as C spells it, which goes into headers and into what clang is asked.
fn c_spelling(fields: &Fields<'_>, diags: &mut Diagnostics) -> Option<Name> {
    let c = fields.text("c", diags)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "_ *().->".contains(c);
    if !c.value.chars().all(fits) {
        let message = format!("`{}` is no type of C", c.value);
        let label = "expected a type as C spells it, such as `struct timeval`";
        diags.push(Diagnostic::new(message, &c.span, label));
    }
    Some(c)
}

/// The keys of a scalar.
pub(crate) const SCALAR_KEYS: [&str; 4] = ["guest", "host", "role", "c"];

/// Reads a scalar.
pub fn scalar(name: &Name, node: &Node, diags: &mut Diagnostics) -> Option<ScalarIntent> {
    let before = diags.len();
    type_name(name, diags);
    let fields = Fields::new(node, "a scalar", &SCALAR_KEYS, diags)?;
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
    let wide = guest.bits > 32 && !matches!(role, Role::Plain);
    if let Some((key, _)) = fields.entry("role").filter(|_| wide) {
        let message = format!("{} bits with a role", guest.bits);
        let label = "what has a role has at most 32 bits in the guest";
        diags.push(Diagnostic::new(message, &key.span, label));
    }
    let c = c_spelling(&fields, diags).map_or_else(|| name.value.clone(), |n| n.value);
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

/// The keys of a flag set.
pub(crate) const SET_KEYS: [&str; 5] = ["doc", "kind", "type", "headers", "members"];

/// Whether the members of a set combine, by kind.
pub(crate) const KINDS: [(&str, bool); 2] = [("flags", true), ("enum", false)];

/// Reads a flag set.
pub fn set(name: &Name, node: &Node, diags: &mut Diagnostics) -> Option<SetIntent> {
    type_name(name, diags);
    let fields = Fields::new(node, "a flag set", &SET_KEYS, diags)?;
    fields.require("kind", diags);
    let bits = fields
        .text("kind", diags)
        .and_then(|n| decode::choice(&n, "kind", &KINDS, diags));
    let ty = fields.text("type", diags);
    let members = fields.names("members", diags);
    fields.require("headers", diags);
    fields.require("members", diags);
    for member in &members {
        decode::identifier(member, "the constant", diags);
    }
    decode::distinct(&members, diags);
    Some(SetIntent {
        name: name.clone(),
        doc: fields.doc(diags),
        bits: bits.unwrap_or(true),
        ty: ty.unwrap_or_else(|| At {
            value: "int".to_owned(),
            span: name.span.clone(),
        }),
        headers: headers(&fields, diags),
        members,
    })
}

/// The keys of a struct.
pub(crate) const STRUCT_KEYS: [&str; 6] = ["doc", "c", "headers", "packed", "tail", "fields"];

/// Reads a struct.
pub fn structure(name: &Name, node: &Node, diags: &mut Diagnostics) -> Option<StructIntent> {
    let keys = Fields::new(node, "a struct", &STRUCT_KEYS, diags)?;
    keys.require("headers", diags);
    let before = diags.len();
    let mut fields = Vec::new();
    let written = keys.require("fields", diags);
    let entries = written.and_then(|n| decode::map(n, "`fields`", diags));
    if let (Some(node), Some([])) = (written, entries) {
        diags.push(Diagnostic::new(
            "a struct without fields",
            &node.span,
            "expected its fields in the guest's order",
        ));
    }
    for (field, node) in entries.unwrap_or_default() {
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
    // A layout that follows from only some of the fields would be wrong.
    let complete = diags.len() == before;
    let default = || At {
        value: format!("struct {}", name.value),
        span: name.span.clone(),
    };
    let structure = StructIntent {
        name: name.clone(),
        doc: keys.doc(diags),
        c: c_spelling(&keys, diags).unwrap_or_else(default),
        headers: headers(&keys, diags),
        packed: keys.flag("packed", diags),
        tail: keys
            .text("tail", diags)
            .and_then(|n| decode::choice(&n, "tail", &[("padding", true)], diags))
            .unwrap_or(false),
        fields,
    };
    complete.then_some(structure)
}

pub(super) fn headers(fields: &Fields<'_>, diags: &mut Diagnostics) -> Vec<Name> {
    let headers = fields.names("headers", diags);
    decode::distinct(&headers, diags);
    for header in &headers {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
        let inside = header
            .value
            .split('/')
            .all(|part| !matches!(part, "" | "." | ".."));
        if !header.value.ends_with(".h") || !header.value.chars().all(plain) || !inside {
            let message = format!("`{}` is not a header", header.value);
            let label = "expected a path such as `linux/stat.h`";
            diags.push(Diagnostic::new(message, &header.span, label));
        }
    }
    headers
}

/// The keys of a pointer in a struct.
pub(crate) const FIELD_POINTER_KEYS: [&str; 5] = ["in", "out", "inout", "len", "count"];

fn field_type(node: &Node, diags: &mut Diagnostics) -> Option<FieldTypeIntent> {
    if let Kind::Map(_) = node.kind {
        let fields = Fields::new(node, "a pointer", &FIELD_POINTER_KEYS, diags)?;
        let (dir, to) = direction(&fields, node, diags)?;
        let element = to.value.strip_prefix("array of ").map(|name| At {
            value: name.trim().to_owned(),
            span: to.span.clone(),
        });
        if to.value != "bytes" && element.is_none() {
            let message = format!("a field cannot point to `{}`", to.value);
            let label = "expected `bytes` or `array of NAME`";
            diags.push(Diagnostic::new(message, &to.span, label));
            return None;
        }
        let (key, other) = match &element {
            Some(_) => ("count", "len"),
            None => ("len", "count"),
        };
        if let Some((wrong, _)) = fields.entry(other) {
            let message = format!("`{other}` of `{}`", to.value);
            let label = format!("expected `{key}`");
            diags.push(Diagnostic::new(message, &wrong.span, label));
            return None;
        }
        fields.require(key, diags)?;
        return Some(FieldTypeIntent::Pointer {
            dir,
            element,
            len: fields.text(key, diags)?,
        });
    }
    let name = decode::text(node, "a field's type", diags)?.value;
    if name.starts_with("array of struct ") {
        let message = format!("a field of type `{name}`");
        let label = "expected `array of SCALAR`";
        let help =
            "an array of a scalar of the same size in all will do where nothing is converted";
        diags.push(Diagnostic::new(message, &node.span, label).help(help));
        return None;
    }
    Some(
        match (name.strip_prefix("array of "), name.strip_prefix("struct ")) {
            (Some(element), _) => FieldTypeIntent::Array(element.trim().to_owned()),
            (_, Some(nested)) => FieldTypeIntent::Struct(nested.trim().to_owned()),
            _ => FieldTypeIntent::Scalar(name),
        },
    )
}

/// The directions of pointers.
pub(crate) const DIRS: [(&str, Dir); 3] =
    [("in", Dir::In), ("out", Dir::Out), ("inout", Dir::InOut)];

/// The one of `in`, `out` and `inout` that a pointer has.
pub fn direction(fields: &Fields<'_>, node: &Node, diags: &mut Diagnostics) -> Option<(Dir, Name)> {
    let mut found = DIRS
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
