//! Scalars and flag sets.

use std::collections::BTreeMap;

use super::Checker;
use crate::diag::{Diagnostic, did_you_mean};
use crate::intent::decode::one_of;
use crate::intent::types::{ScalarIntent, SetIntent};
use crate::model::{Constant, FlagSet, PerIsa, Role, Scalar};
use crate::source::Name;

pub(super) fn scalars(checker: &Checker<'_>) -> BTreeMap<String, Scalar> {
    let scalar = |s: &ScalarIntent| Scalar {
        name: s.name.value.clone(),
        guest: s.guest,
        host: s.host,
        role: s.role,
        c: s.c.clone(),
    };
    checker
        .intent
        .scalars
        .iter()
        .map(|(name, s)| (name.clone(), scalar(s)))
        .collect()
}

/// Whether a value fits into so many bits, be they signed or not.
pub(super) fn fits(value: i64, bits: u8) -> bool {
    bits >= 64 || (-(1 << (bits - 1))..1 << bits).contains(&value)
}

impl<'a> Checker<'a> {
    pub(super) fn flag_sets(&mut self) -> BTreeMap<String, FlagSet> {
        let sets = self.intent.sets.iter();
        sets.map(|(name, set)| (name.clone(), self.flag_set(set)))
            .collect()
    }

    fn flag_set(&mut self, set: &SetIntent) -> FlagSet {
        self.scalar_named(&set.ty);
        let members = set
            .members
            .iter()
            .filter_map(|member| self.constant(set, member))
            .collect();
        FlagSet {
            name: set.name.value.clone(),
            bits: set.bits,
            members,
            doc: set.doc.clone(),
        }
    }

    fn constant(&mut self, set: &SetIntent, name: &Name) -> Option<Constant> {
        let Some(values) = self.facts.constants.get(&name.value) else {
            let message = format!("no fact for the constant `{}`", name.value);
            self.missing_fact(message, &name.span, "constants");
            return None;
        };
        let Some(guest) = values[self.guest] else {
            let isa = &self.intent.isas[self.guest].name.value;
            let headers: Vec<&str> = set.headers.iter().map(|h| h.value.as_str()).collect();
            let message = format!("{isa} has no constant `{}`", name.value);
            let label = format!("not defined by {}", headers.join(", "));
            self.diags.push(
                Diagnostic::new(message, &name.span, label)
                    .help("correct the name, or add the header that defines it to `headers`"),
            );
            return None;
        };
        let bits = self.intent.scalars.get(&set.ty.value).map(|s| s.guest.bits);
        let fits = |value: &i64| bits.is_none_or(|bits| fits(*value, bits));
        if !values.iter().flatten().all(fits) {
            let message = format!("`{}` does not fit into `{}`", name.value, set.ty.value);
            let label = format!("{guest:#x}, more than {} bits", bits.unwrap_or_default());
            self.diags.push(
                Diagnostic::new(message, &name.span, label)
                    .context(&set.ty.span, "the set's type")
                    .help("`type:` names the scalar that carries the set; `int` unless given"),
            );
        }
        Some(Constant {
            name: name.value.clone(),
            guest,
            host: PerIsa(values.clone()),
            since: self.firsts.constant(&name.value),
        })
    }

    /// Whether a name is a scalar's; reported if not.
    pub(super) fn scalar_named(&mut self, name: &Name) -> bool {
        self.scalar_at(&name.value, name, &[])
    }

    /// Whether `text`, which stands somewhere in `at`, is a scalar's name.
    pub(super) fn scalar_at(&mut self, text: &str, at: &Name, also: &[&str]) -> bool {
        let known = self.intent.scalars.contains_key(text);
        if !known && !self.intent.broken.contains(text) {
            let message = format!("unknown type `{text}`");
            let help = self.struct_meant(text, &at.value);
            let help = help.or_else(|| self.set_meant(text));
            let help = help.or_else(|| self.type_meant(text, also));
            let label = match also {
                [] => "expected a scalar of types.yaml".to_owned(),
                words => format!("expected a scalar of types.yaml, or {}", one_of(words)),
            };
            self.diags
                .push(Diagnostic::new(message, &at.span, label).help_opt(help));
        }
        known
    }

    /// The question for a struct's name without `struct` at the end of `whole`.
    fn struct_meant(&self, text: &str, whole: &str) -> Option<String> {
        let before = whole.strip_suffix(text).unwrap_or_default();
        let known = self.intent.structs.contains_key(text);
        known.then(|| format!("did you mean `{before}struct {text}`?"))
    }

    /// What to write in place of a flag set where only scalars can stand.
    fn set_meant(&self, text: &str) -> Option<String> {
        let set = self.intent.sets.get(text)?;
        let scalar = &set.ty.value;
        Some(format!(
            "flag sets are types of arguments; here stands the scalar that carries it, `{scalar}`"
        ))
    }

    /// What somebody used to C may have meant, or else the closest of the scalars' names and
    /// the `others`.
    pub(super) fn type_meant(&self, text: &str, others: &[&str]) -> Option<String> {
        if text.contains('*') {
            let forms = "`{ in: string }`, `{ out: bytes, len: N }`";
            return Some(format!("pointers have a direction: {forms}"));
        }
        if let "uintptr_t" | "intptr_t" = text {
            let address = |s: &&ScalarIntent| s.role == Role::Address;
            let scalar = self.intent.scalars.values().find(address)?;
            return Some(format!("did you mean `{}`?", scalar.name.value));
        }
        let names = self.intent.scalars.keys().map(String::as_str);
        did_you_mean(text, names.chain(others.iter().copied()))
    }

    /// Whether `text`, which stands somewhere in `at`, is a struct's name.
    pub(super) fn struct_at(&mut self, text: &str, at: &Name) -> bool {
        let known = self.intent.structs.contains_key(text);
        if !known && !self.intent.broken.contains(text) {
            let names = self.intent.structs.keys().map(String::as_str);
            let help = crate::diag::closest(text, names);
            self.diags.push(
                Diagnostic::new(
                    format!("unknown type `struct {text}`"),
                    &at.span,
                    "expected a struct of structs.yaml",
                )
                .help_opt(help.map(|name| format!("did you mean `struct {name}`?"))),
            );
        }
        known
    }
}
