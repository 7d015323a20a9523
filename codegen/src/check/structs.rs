//! Struct layouts: the guest's computed, the hosts' taken from the facts.

use std::collections::BTreeMap;

use super::Checker;
use crate::diag::{Diagnostic, did_you_mean};
use crate::facts::StructFacts;
use crate::intent::types::{FieldIntent, FieldTypeIntent, StructIntent};
use crate::model::{Element, Field, FieldType, Layout, PerIsa, Place, Struct};
use crate::source::{At, Name};

/// A guest pointer.
const POINTER: Layout = Layout { size: 4, align: 4 };

/// How deep structs may nest, which is further than any does.
const DEPTH: usize = 32;

/// How far the check of a struct has come; a struct met while in progress contains itself.
enum State {
    InProgress,
    Broken,
    Done(Struct),
}

impl<'a> Checker<'a> {
    pub(super) fn structs(&mut self) -> BTreeMap<String, Struct> {
        let mut states = BTreeMap::new();
        for name in self.intent.structs.keys() {
            self.structure(name, 0, &mut states);
        }
        let done = states.into_iter().filter_map(|(name, state)| match state {
            State::Done(s) => Some((name, s)),
            State::InProgress | State::Broken => None,
        });
        done.collect()
    }

    /// Checks a struct after those nested in it.
    fn structure(&mut self, name: &str, depth: usize, states: &mut BTreeMap<String, State>) {
        if states.contains_key(name) {
            return;
        }
        let intent = self.intent;
        let s = &intent.structs[name];
        if depth > DEPTH {
            let message = format!("`struct {name}` is nested too deep");
            let label = format!("more than {DEPTH} structs around it");
            self.diags
                .push(Diagnostic::new(message, &s.name.span, label));
            states.insert(name.to_owned(), State::Broken);
            return;
        }
        states.insert(name.to_owned(), State::InProgress);
        let mut good = true;
        for field in &s.fields {
            if let FieldTypeIntent::Pointer {
                element: Some(element),
                ..
            } = &field.ty.value
                && let Some(behind) = element.value.strip_prefix("struct ").map(str::trim)
                && intent.structs.contains_key(behind)
            {
                self.structure(behind, depth + 1, states);
                if let State::InProgress = states[behind] {
                    let message =
                        format!("a field points to `struct {behind}`, which is around it");
                    let label = "only what is the same in guest and host can stand here";
                    self.diags
                        .push(Diagnostic::new(message, &element.span, label));
                    good = false;
                }
            }
            let FieldTypeIntent::Struct(nested) = &field.ty.value else {
                continue;
            };
            let at = At {
                value: nested.clone(),
                span: field.ty.span.clone(),
            };
            if !self.struct_at(nested, &at) {
                good = false;
                continue;
            }
            self.structure(nested, depth + 1, states);
            if let State::InProgress = states[nested] {
                let message = format!("`struct {nested}` contains itself");
                let label = "this field closes the circle";
                self.diags
                    .push(Diagnostic::new(message, &field.ty.span, label));
            }
            good &= matches!(states[nested], State::Done(_));
        }
        let built = if good { self.build(s, states) } else { None };
        states.insert(name.to_owned(), built.map_or(State::Broken, State::Done));
    }

    fn build(&mut self, s: &StructIntent, states: &BTreeMap<String, State>) -> Option<Struct> {
        let facts = self.struct_facts(s)?;
        let host = facts
            .layout
            .iter()
            .copied()
            .collect::<Option<Vec<Layout>>>();
        let Some(host) = host else {
            let message = format!("the headers of an ISA have no `{}`", s.c.value);
            let label = "null in facts/structs.yaml";
            self.diags.push(
                Diagnostic::new(message, &s.c.span, label)
                    .help("correct `c:` or `headers:` so that every ISA's headers define it"),
            );
            return None;
        };
        let mut fields = Vec::new();
        let (mut end, mut widest) = (0, 1);
        let mut complete = true;
        for field in &s.fields {
            let Some((ty, layout, host)) = self.field(s, field, facts, states) else {
                complete = false;
                continue;
            };
            let align = if s.packed { 1 } else { layout.align };
            let offset = u64::next_multiple_of(end, align);
            end = offset + layout.size;
            widest = widest.max(align);
            let guest = Place {
                offset,
                size: layout.size,
            };
            fields.push(Field {
                name: field.name.value.clone(),
                ty,
                guest,
                host,
            });
        }
        if !complete {
            return None;
        }
        if s.tail {
            // As much as the headers have behind the last field.
            let last = fields.last().and_then(|f| f.host.0[self.guest]);
            let known = last.map_or(0, |place| place.offset + place.size);
            if known.next_multiple_of(host[self.guest].align) == host[self.guest].size {
                let message = format!("`{}` does not end in padding", s.c.value);
                let label = "nothing is left behind the last field";
                self.diags
                    .push(Diagnostic::new(message, &s.name.span, label).help("leave `tail` out"));
            }
            end += host[self.guest].size.saturating_sub(known);
        }
        let built = Struct {
            name: s.name.value.clone(),
            c: s.c.value.clone(),
            packed: s.packed,
            guest: Layout {
                size: end.next_multiple_of(widest),
                align: widest,
            },
            host: PerIsa(host),
            fields,
            doc: s.doc.clone(),
        };
        self.same_as_guest_isa(s, &built, states);
        Some(built)
    }

    fn struct_facts(&mut self, s: &StructIntent) -> Option<&'a StructFacts> {
        let facts = self.facts.structs.get(&s.name.value);
        if facts.is_none() {
            let message = format!("no facts about `struct {}`", s.name.value);
            self.missing_fact(message, &s.name.span, "structs");
        }
        facts
    }

    /// A field's type, its guest layout and its places on the hosts.
    fn field(
        &mut self,
        s: &StructIntent,
        field: &FieldIntent,
        facts: &StructFacts,
        states: &BTreeMap<String, State>,
    ) -> Option<(FieldType, Layout, PerIsa<Option<Place>>)> {
        let name = &field.name;
        let Some((_, places)) = facts.fields.iter().find(|(known, _)| *known == name.value) else {
            let message = format!("no fact for the field `{}`", name.value);
            self.missing_fact(message, &name.span, "structs");
            return None;
        };
        let Some(reference) = places[self.guest] else {
            let isa = &self.intent.isas[self.guest].name.value;
            let message = format!("`{}` has no field `{}` on {isa}", s.c.value, name.value);
            let label = "the guest has this ISA's shapes";
            self.diags
                .push(Diagnostic::new(message, &name.span, label).help("correct the name"));
            return None;
        };
        let at = At {
            value: String::new(),
            span: field.ty.span.clone(),
        };
        let (ty, layout, host_size) = match &field.ty.value {
            FieldTypeIntent::Scalar(ty) => {
                let layout = self.scalar_layout(ty, &at)?;
                (FieldType::Scalar(ty.clone()), layout, self.host_size(ty))
            }
            FieldTypeIntent::Array(of) => {
                let element = self.scalar_layout(of, &at)?;
                let count = reference.size / self.host_size(of);
                let layout = Layout {
                    size: element.size * count,
                    align: element.align,
                };
                (
                    FieldType::Array {
                        of: of.clone(),
                        count,
                    },
                    layout,
                    count * self.host_size(of),
                )
            }
            FieldTypeIntent::Struct(nested) => {
                let State::Done(nested) = &states[nested] else {
                    return None;
                };
                let ty = FieldType::Struct(nested.name.clone());
                (ty, nested.guest, nested.host.0[self.guest].size)
            }
            FieldTypeIntent::Pointer { dir, element, len } => {
                self.length_field(s, field, len)?;
                let element = match element {
                    Some(name) => Some(self.field_element(name, states)?),
                    None => None,
                };
                let ty = FieldType::Pointer {
                    dir: *dir,
                    element,
                    len: len.value.clone(),
                };
                (ty, POINTER, 8)
            }
        };
        if host_size != reference.size {
            let isa = &self.intent.isas[self.guest].name.value;
            let message = format!("`{}` has the wrong type", name.value);
            let label = format!(
                "{host_size} bytes by this type, {} in the headers of {isa}",
                reference.size
            );
            self.diags
                .push(Diagnostic::new(message, &field.ty.span, label));
            return None;
        }
        self.convertible(field, &ty, reference, places);
        Some((ty, layout, PerIsa(places.clone())))
    }

    /// Only integers may change their width between ISAs.
    fn convertible(
        &mut self,
        field: &FieldIntent,
        ty: &FieldType,
        reference: Place,
        places: &[Option<Place>],
    ) {
        for (isa, place) in places.iter().enumerate() {
            let Some(place) = place else { continue };
            let good = match ty {
                FieldType::Scalar(_) => matches!(place.size, 1 | 2 | 4 | 8),
                // A nested struct's own facts say how it differs.
                FieldType::Struct(_) => true,
                FieldType::Array { .. } | FieldType::Pointer { .. } => place.size == reference.size,
            };
            if !good {
                let isa = &self.intent.isas[isa].name.value;
                let message = format!("`{}` cannot be converted for {isa}", field.name.value);
                let label = format!(
                    "{} bytes there, {} in the guest's",
                    place.size, reference.size
                );
                self.diags
                    .push(Diagnostic::new(message, &field.name.span, label));
            }
        }
    }

    /// What a field points to an array of. It must be the same in guest and host, since what
    /// stands behind a field is not copied.
    fn field_element(&mut self, name: &Name, states: &BTreeMap<String, State>) -> Option<Element> {
        let (same, element) = match name.value.strip_prefix("struct ").map(str::trim) {
            None => {
                self.scalar_layout(&name.value, name)?;
                let scalar = &self.intent.scalars[&name.value];
                let same = scalar.guest.bits == scalar.host.bits;
                (same, Element::Scalar(name.value.clone()))
            }
            Some(text) => {
                if !self.struct_at(text, name) {
                    return None;
                }
                let State::Done(s) = states.get(text)? else {
                    return None;
                };
                let same = s.host.0.iter().all(|host| *host == s.guest)
                    && s.fields.iter().all(|f| {
                        !matches!(f.ty, FieldType::Pointer { .. } | FieldType::Struct(_))
                            && f.host.0.iter().all(|place| *place == Some(f.guest))
                    });
                (same, Element::Struct(text.to_owned()))
            }
        };
        if !same {
            let message = format!("a field points to `{}`, which is converted", name.value);
            let label = "only what is the same in guest and host can stand here";
            self.diags.push(
                Diagnostic::new(message, &name.span, label)
                    .help("make the field an `addr` and leave the call to the runtime"),
            );
            return None;
        }
        Some(element)
    }

    fn length_field(&mut self, s: &StructIntent, field: &FieldIntent, len: &Name) -> Option<()> {
        let mut others = s
            .fields
            .iter()
            .filter(|other| other.name.value != field.name.value);
        let found = others.clone().find(|other| other.name.value == len.value);
        match found.map(|other| &other.ty.value) {
            Some(FieldTypeIntent::Scalar(_)) => Some(()),
            Some(_) => {
                let message = format!("`{}` is no number", len.value);
                let label = "expected a scalar field";
                self.diags.push(Diagnostic::new(message, &len.span, label));
                None
            }
            None => {
                let message = format!("`struct {}` has no field `{}`", s.name.value, len.value);
                let names = others.by_ref().map(|other| other.name.value.as_str());
                let help = did_you_mean(&len.value, names);
                let label = "expected the field that holds the length";
                self.diags
                    .push(Diagnostic::new(message, &len.span, label).help_opt(help));
                None
            }
        }
    }

    fn scalar_layout(&mut self, name: &str, at: &Name) -> Option<Layout> {
        if !self.scalar_at(name, at, &[]) {
            return None;
        }
        let bytes = u64::from(self.intent.scalars[name].guest.bits / 8);
        Some(Layout {
            size: bytes,
            align: bytes,
        })
    }

    fn host_size(&self, scalar: &str) -> u64 {
        u64::from(self.intent.scalars[scalar].host.bits / 8)
    }

    /// A struct of types that are equally wide in the guest and on its ISA must come out
    /// as its ISA's headers have it: otherwise a field is missing or out of order.
    fn same_as_guest_isa(
        &mut self,
        s: &StructIntent,
        built: &Struct,
        states: &BTreeMap<String, State>,
    ) {
        if s.packed || !self.equally_wide(s, states) {
            return;
        }
        let isa = &self.intent.isas[self.guest].name.value;
        let wrong = built
            .fields
            .iter()
            .position(|f| f.host.0[self.guest] != Some(f.guest));
        if let Some(index) = wrong {
            let field = &built.fields[index];
            let host = field.host.0[self.guest].map_or(0, |place| place.offset);
            let message = format!("`{}` is out of place", field.name);
            let label = format!(
                "offset {} by the fields before it, {host} on {isa}",
                field.guest.offset
            );
            self.diags.push(
                Diagnostic::new(message, &s.fields[index].name.span, label)
                    .help("is a field before it missing or out of order?"),
            );
        } else if built.guest != built.host.0[self.guest] {
            let host = built.host.0[self.guest];
            let message = format!("`struct {}` has the wrong size", s.name.value);
            let label = format!(
                "{} bytes by its fields, {} on {isa}",
                built.guest.size, host.size
            );
            self.diags.push(
                Diagnostic::new(message, &s.name.span, label)
                    .help("are fields missing at its end?"),
            );
        }
    }

    fn equally_wide(&self, s: &StructIntent, states: &BTreeMap<String, State>) -> bool {
        s.fields.iter().all(|field| match &field.ty.value {
            FieldTypeIntent::Scalar(name) | FieldTypeIntent::Array(name) => {
                let scalar = &self.intent.scalars[name];
                scalar.guest.bits == scalar.host.bits
            }
            FieldTypeIntent::Struct(nested) => {
                matches!(states.get(nested), Some(State::Done(_)))
                    && self.equally_wide(&self.intent.structs[nested], states)
            }
            FieldTypeIntent::Pointer { .. } => false,
        })
    }
}
