//! Fallbacks: another call, with arguments that fit it, that is there where the first is not.

use super::Checker;
use super::calls::FlagSets;
use super::types;
use crate::diag::{Diagnostic, did_you_mean};
use crate::intent::calls::{
    ArgIntent, ArgTypeIntent, ByIntent, CallIntent, FallbackArgIntent, FallbackIntent,
};
use crate::intent::decode;
use crate::intent::types::SetIntent;
use crate::model::{Constant, Dir, Fallback, FallbackArg, FlagSet, PerIsa};
use crate::source::{Name, Span};

/// An argument of the other call, and what fits it.
struct Taken<'a> {
    arg: &'a ArgIntent,
    set: Option<&'a SetIntent>,
    bits: Option<u8>,
}

impl<'s> Checker<'s> {
    pub(super) fn fallback(
        &mut self,
        call: &CallIntent,
        fallback: &FallbackIntent,
        sets: &FlagSets,
    ) -> Option<Fallback> {
        let to = &fallback.call;
        let Some(target) = self.intent.calls.get(&to.value) else {
            if self.intent.broken.contains(&to.value) {
                return None;
            }
            let names = self.intent.calls.keys().map(String::as_str);
            let message = format!("a fallback to `{}`, which is not described", to.value);
            self.diags.push(
                Diagnostic::new(message, &to.span, "expected a call of syscalls/")
                    .help_opt(did_you_mean(&to.value, names)),
            );
            return None;
        };
        if to.value == call.name.value {
            let message = format!("`{}` falls back to itself", to.value);
            self.diags
                .push(Diagnostic::new(message, &to.span, "expected another call"));
            return None;
        }
        if !matches!(target.by, ByIntent::Kernel) {
            let message = format!("a fallback to `{}`, which is not the kernel's", to.value);
            self.diags.push(
                Diagnostic::new(message, &to.span, "expected a call that the kernel answers")
                    .context(&target.name.span, "the call is described here"),
            );
            return None;
        }
        self.target_present(call, to);
        if fallback.args.len() != target.args.len() {
            let (given, taken) = (fallback.args.len(), target.args.len());
            let message = format!("`{}` takes {taken} arguments, not {given}", to.value);
            let names: Vec<&str> = target.args.iter().map(|a| a.name.value.as_str()).collect();
            let label = format!("expected ({})", names.join(", "));
            self.diags.push(
                Diagnostic::new(message, &fallback.span, label)
                    .context(&target.name.span, "the call is described here"),
            );
            return None;
        }
        let result = |call: &CallIntent| {
            call.returns
                .as_ref()
                .map_or("nothing", |n| &n.value)
                .to_owned()
        };
        let (own, other) = (result(call), result(target));
        if own != other {
            let message = format!(
                "`{}` does not return what `{}` does",
                to.value, call.name.value
            );
            let label = format!("`{other}` there, but `{own}` here");
            self.diags.push(
                Diagnostic::new(message, &to.span, label)
                    .context(&target.name.span, "the call is described here"),
            );
        }
        let pairs = fallback.args.iter().zip(&target.args);
        let args: Vec<Option<FallbackArg>> = pairs
            .map(|(given, taken)| {
                let taken = Taken {
                    arg: taken,
                    set: self.set_taken(target, taken),
                    bits: self.bits(&taken.ty),
                };
                self.fallback_arg(call, given, &taken, sets)
            })
            .collect();
        let args = args.into_iter().collect::<Option<Vec<FallbackArg>>>()?;
        Some(Fallback {
            call: to.value.clone(),
            args,
        })
    }

    /// The other call must not itself be absent where this one is.
    fn target_present(&mut self, call: &CallIntent, to: &Name) {
        let (Some(own), Some(other)) = (
            self.facts.calls.get(&call.name.value),
            self.facts.calls.get(&to.value),
        ) else {
            return;
        };
        for (isa, _) in own
            .iter()
            .zip(other)
            .enumerate()
            .filter(|(_, pair)| matches!(pair, (None, None)))
        {
            let isa = &self.intent.isas[isa].name.value;
            let message = format!("{isa} has neither `{}` nor `{}`", call.name.value, to.value);
            let label = format!("expected a call that {isa} has");
            self.diags.push(Diagnostic::new(message, &to.span, label));
        }
    }

    /// The flag set of an argument, be it by its type or by the cases that it tells apart.
    fn set_taken(&self, target: &CallIntent, taken: &ArgIntent) -> Option<&'s SetIntent> {
        let ArgTypeIntent::Value(ty) = &taken.ty else {
            return None;
        };
        let by_cases = target.cases.as_ref();
        let by_cases = by_cases.filter(|cases| cases.by.value == taken.name.value);
        let name = by_cases.map_or(ty, |cases| &cases.set);
        self.intent.sets.get(&name.value)
    }

    /// The width of what is passed by value, as far as its type is known.
    fn bits(&self, ty: &ArgTypeIntent) -> Option<u8> {
        let ArgTypeIntent::Value(name) = ty else {
            return None;
        };
        let set = self.intent.sets.get(&name.value);
        let scalar = set.map_or(&name.value, |set| &set.ty.value);
        Some(self.intent.scalars.get(scalar)?.guest.bits)
    }

    fn fallback_arg(
        &mut self,
        call: &CallIntent,
        given: &FallbackArgIntent,
        taken: &Taken<'_>,
        sets: &FlagSets,
    ) -> Option<FallbackArg> {
        match given {
            FallbackArgIntent::One(name) => self.fallback_name(call, name, taken, sets),
            FallbackArgIntent::Flags(flags, span) => self.combined(flags, span, taken, sets),
        }
    }

    /// Reports a constant that is none of those which the argument takes.
    fn among_taken(&mut self, name: &Name, taken: &Taken<'_>) -> Option<()> {
        let Some(set) = taken.set else {
            return Some(());
        };
        if set.members.iter().any(|member| member.value == name.value) {
            return Some(());
        }
        let members = set.members.iter().map(|member| member.value.as_str());
        let message = format!("`{}` is no member of `{}`", name.value, set.name.value);
        let label = format!("`{}` takes members of this set", taken.arg.name.value);
        self.diags.push(
            Diagnostic::new(message, &name.span, label)
                .help_opt(did_you_mean(&name.value, members)),
        );
        None
    }

    /// Constants that combine by or become one constant.
    fn combined(
        &mut self,
        flags: &[Name],
        span: &Span,
        taken: &Taken<'_>,
        sets: &FlagSets,
    ) -> Option<FallbackArg> {
        if let ArgTypeIntent::Pointer { .. } = taken.arg.ty {
            let message = format!("`{}` is a pointer", taken.arg.name.value);
            self.diags
                .push(Diagnostic::new(message, span, "flags are no address"));
            return None;
        }
        let mut whole: Option<Constant> = None;
        let mut complete = true;
        for flag in flags {
            let Some(constant) = find_constant(sets, &flag.value) else {
                let constants = sets
                    .values()
                    .flat_map(|set| &set.members)
                    .map(|m| m.name.as_str());
                let message = format!("unknown constant `{}`", flag.value);
                let label = "expected a member of a flag set";
                self.diags.push(
                    Diagnostic::new(message, &flag.span, label)
                        .help_opt(did_you_mean(&flag.value, constants)),
                );
                complete = false;
                continue;
            };
            if self.among_taken(flag, taken).is_none() {
                complete = false;
                continue;
            }
            let combines =
                |set: &FlagSet| set.bits && set.members.iter().any(|m| m.name == flag.value);
            if flags.len() > 1 && !sets.values().any(combines) {
                let message = format!("`{}` does not combine by or", flag.value);
                let label = "a member of enumerations only";
                self.diags.push(Diagnostic::new(message, &flag.span, label));
                complete = false;
                continue;
            }
            whole = Some(match whole {
                None => constant.clone(),
                Some(before) => or(&before, constant),
            });
        }
        whole.filter(|_| complete).map(FallbackArg::Constant)
    }

    fn fallback_name(
        &mut self,
        call: &CallIntent,
        given: &Name,
        to: &Taken<'_>,
        sets: &FlagSets,
    ) -> Option<FallbackArg> {
        let taken = to.arg;
        let pointer = matches!(taken.ty, ArgTypeIntent::Pointer { .. });
        let nullable = matches!(taken.ty, ArgTypeIntent::Pointer { nullable: true, .. });
        let what = &taken.name.value;
        if let Some(number) = decode::integer(&given.value) {
            if pointer && !(nullable && number == 0) {
                let message = format!("`{what}` is a pointer");
                let label = "a number can only be the 0 of a nullable pointer";
                self.diags
                    .push(Diagnostic::new(message, &given.span, label));
                return None;
            }
            if to.bits.is_some_and(|bits| !types::fits(number, bits)) {
                let message = format!("{number} does not fit into `{what}`");
                let label = format!("more than {} bits", to.bits.unwrap_or_default());
                self.diags.push(
                    Diagnostic::new(message, &given.span, label)
                        .context(&taken.name.span, format!("`{what}` is described here")),
                );
                return None;
            }
            return Some(FallbackArg::Int(number));
        }
        if decode::looks_like_integer(&given.value) {
            let message = format!("{} does not fit into `{what}`", given.value);
            let label = "more than 64 bits hold";
            self.diags
                .push(Diagnostic::new(message, &given.span, label));
            return None;
        }
        if let Some(arg) = call.args.iter().find(|arg| arg.name.value == given.value) {
            let same = match (&arg.ty, &taken.ty) {
                (ArgTypeIntent::Value(_), ArgTypeIntent::Value(_)) => {
                    let narrower = |(own, theirs)| own > theirs;
                    !self.bits(&arg.ty).zip(to.bits).is_some_and(narrower)
                }
                (
                    ArgTypeIntent::Pointer { to: a, dir, .. },
                    ArgTypeIntent::Pointer {
                        to: b, dir: there, ..
                    },
                ) => a.value == b.value && dir == there,
                _ => false,
            };
            if !same {
                let message = format!("`{}` is not what `{what}` takes", given.value);
                let (given_type, taken_type) = (written(&arg.ty), written(&taken.ty));
                let label = format!("`{given_type}` here, but `{taken_type}` there");
                self.diags.push(
                    Diagnostic::new(message, &given.span, label)
                        .context(&taken.name.span, format!("`{what}` is described here")),
                );
                return None;
            }
            return Some(FallbackArg::Arg(given.value.clone()));
        }
        let constant = find_constant(sets, &given.value);
        if let Some(constant) = constant {
            if pointer {
                let message = format!("`{what}` is a pointer");
                let label = "a constant is no address";
                self.diags
                    .push(Diagnostic::new(message, &given.span, label));
                return None;
            }
            self.among_taken(given, to)?;
            return Some(FallbackArg::Constant(constant.clone()));
        }
        let names = call.args.iter().map(|arg| arg.name.value.as_str());
        let constants = sets
            .values()
            .flat_map(|set| &set.members)
            .map(|m| m.name.as_str());
        let message = format!("unknown argument `{}`", given.value);
        let label = "expected an argument of the call, a constant of a flag set or a number";
        self.diags.push(
            Diagnostic::new(message, &given.span, label)
                .help_opt(did_you_mean(&given.value, names.chain(constants))),
        );
        None
    }
}

/// A type as the specification writes it, without lengths, which need not agree.
fn written(ty: &ArgTypeIntent) -> String {
    match ty {
        ArgTypeIntent::Value(name) => name.value.clone(),
        ArgTypeIntent::Unused(_) => "none".to_owned(),
        ArgTypeIntent::Pointer { dir, to, .. } => {
            let dir = match dir {
                Dir::In => "in",
                Dir::Out => "out",
                Dir::InOut => "inout",
            };
            format!("{{ {dir}: {} }}", to.value)
        }
    }
}

fn or(a: &Constant, b: &Constant) -> Constant {
    let host = a
        .host
        .0
        .iter()
        .zip(&b.host.0)
        .map(|(a, b)| Some((*a)? | (*b)?));
    Constant {
        name: format!("{} | {}", a.name, b.name),
        guest: a.guest | b.guest,
        host: PerIsa(host.collect()),
        since: None,
    }
}

fn find_constant<'a>(sets: &'a FlagSets, name: &str) -> Option<&'a Constant> {
    sets.values()
        .flat_map(|set| &set.members)
        .find(|member| member.name == name)
}
