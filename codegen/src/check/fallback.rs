//! Fallbacks: another call, with arguments that fit it, that is there where the first is not.

use super::Checker;
use super::calls::FlagSets;
use crate::diag::{Diagnostic, did_you_mean};
use crate::intent::calls::{
    ArgIntent, ArgTypeIntent, ByIntent, CallIntent, FallbackArgIntent, FallbackIntent,
};
use crate::intent::decode;
use crate::model::{Constant, Dir, Fallback, FallbackArg, PerIsa};
use crate::source::{Name, Span};

impl Checker<'_> {
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
        let pairs = fallback.args.iter().zip(&target.args);
        let args: Vec<Option<FallbackArg>> = pairs
            .map(|(given, taken)| self.fallback_arg(call, given, taken, sets))
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

    fn fallback_arg(
        &mut self,
        call: &CallIntent,
        given: &FallbackArgIntent,
        taken: &ArgIntent,
        sets: &FlagSets,
    ) -> Option<FallbackArg> {
        match given {
            FallbackArgIntent::One(name) => self.fallback_name(call, name, taken, sets),
            FallbackArgIntent::Flags(flags, span) => self.combined(flags, span, taken, sets),
        }
    }

    /// Constants that combine by or become one constant.
    fn combined(
        &mut self,
        flags: &[Name],
        span: &Span,
        taken: &ArgIntent,
        sets: &FlagSets,
    ) -> Option<FallbackArg> {
        if let ArgTypeIntent::Pointer { .. } = taken.ty {
            let message = format!("`{}` is a pointer", taken.name.value);
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
        taken: &ArgIntent,
        sets: &FlagSets,
    ) -> Option<FallbackArg> {
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
            return Some(FallbackArg::Int(number));
        }
        if let Some(arg) = call.args.iter().find(|arg| arg.name.value == given.value) {
            let same = match (&arg.ty, &taken.ty) {
                (ArgTypeIntent::Value(_), ArgTypeIntent::Value(_)) => true,
                (ArgTypeIntent::Pointer { to: a, .. }, ArgTypeIntent::Pointer { to: b, .. }) => {
                    a.value == b.value
                }
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
