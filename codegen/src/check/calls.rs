//! System calls and auxiliary imports: every name resolved, every rule held.

use std::collections::BTreeMap;

use super::Checker;
use crate::diag::{Diagnostic, did_you_mean};
use crate::intent::calls::{ArgIntent, ArgTypeIntent, ByIntent, CallIntent, LackIntent, LenIntent};
use crate::intent::decode;
use crate::model::{
    Arg, ArgType, Aux, By, Call, Constant, Dir, Element, FlagSet, Len, PerIsa, Pointee, Returns,
    Role,
};
use crate::source::{Name, Span};

/// The flag set that `refuse` takes its names from.
const ERRNO: &str = "errno";

/// Bytes that a guest's addresses reach.
const MEMORY: u64 = 1 << 32;

pub(super) type FlagSets = BTreeMap<String, FlagSet>;

impl Checker<'_> {
    pub(super) fn calls(&mut self, sets: &FlagSets) -> BTreeMap<String, Call> {
        let intent = self.intent;
        let calls = intent.calls.iter();
        calls
            .filter_map(|(name, call)| Some((name.clone(), self.call(call, sets)?)))
            .collect()
    }

    pub(super) fn aux(&mut self) -> BTreeMap<String, Aux> {
        let intent = self.intent;
        let mut table = BTreeMap::new();
        for (name, aux) in &intent.aux {
            let args = self.args(&aux.args);
            if let Some(returns) = &aux.returns {
                self.scalar_named(returns);
            }
            let returns = aux.returns.as_ref().map(|n| n.value.clone());
            let aux = Aux {
                name: name.clone(),
                args,
                returns,
                aliases: aux.aliases.iter().map(|n| n.value.clone()).collect(),
                twice: aux.twice,
                doc: aux.doc.clone(),
            };
            table.insert(name.clone(), aux);
        }
        table
    }

    fn call(&mut self, call: &CallIntent, sets: &FlagSets) -> Option<Call> {
        let name = &call.name.value;
        let numbers = self.facts.calls.get(name);
        if numbers.is_none() {
            let known = self.facts.calls.keys().map(String::as_str);
            let version = &self.facts.provenance.version;
            let message = format!("the kernel has no system call `{name}`");
            let label = format!("not in the tables of Linux {version}");
            self.diags
                .push(
                    Diagnostic::new(message, &call.name.span, label).help_opt(did_you_mean(
                        name.strip_prefix("SYS_").unwrap_or(name),
                        known,
                    )),
                );
        }
        let mut args = self.args(&call.args);
        let returns = self.returns(call.returns.as_ref());
        let by = self.by(&call.by, sets);
        let cases = call.cases.as_ref().and_then(|cases| {
            let base = super::cases::Base {
                call,
                returns: &returns,
                restart: call.restart,
                by: vec![cases.by.value.as_str()],
            };
            self.cases(cases, &base, &mut args, sets)
        });
        if let (Some(cases), ByIntent::Runtime(_) | ByIntent::Refused { .. }) =
            (&call.cases, &call.by)
        {
            let label = "the call is the same for all values";
            let by = &cases.by;
            self.diags
                .push(Diagnostic::new("useless `cases`", &by.span, label));
        }
        if let Some(numbers) = numbers {
            self.answered_everywhere(call, numbers);
        }
        let fallback = match &call.fallback {
            Some(LackIntent::Fallback(fallback)) => self.fallback(call, fallback, sets),
            Some(LackIntent::None(_)) | None => None,
        };
        let import = call
            .import
            .as_ref()
            .map_or_else(|| format!("SYS_{name}"), |n| n.value.clone());
        Some(Call {
            name: name.clone(),
            family: call.family.clone(),
            import,
            aliases: call.aliases.iter().map(|n| n.value.clone()).collect(),
            args,
            returns,
            restart: call.restart,
            by: by?,
            fallback,
            cases,
            numbers: PerIsa(numbers?.clone()),
            since: self.firsts.call(name, self.stated.get(name).copied()),
            doc: call.doc.clone(),
        })
    }

    /// A call that the kernel does must be there on every ISA or have a fallback.
    fn answered_everywhere(&mut self, call: &CallIntent, numbers: &[Option<u32>]) {
        let lacking: Vec<&str> = numbers
            .iter()
            .zip(&self.intent.isas)
            .filter(|(number, _)| number.is_none())
            .map(|(_, isa)| isa.name.value.as_str())
            .collect();
        let by_kernel = matches!(call.by, ByIntent::Kernel);
        match &call.fallback {
            None if by_kernel && !lacking.is_empty() => {
                let message = format!("`{}` has no fallback", call.name.value);
                let label = format!("no such call on {}", lacking.join(", "));
                self.diags.push(
                    Diagnostic::new(message, &call.name.span, label)
                        .help("add `fallback:` (`none` if there is no other way), or `runtime:` or `refuse:` with the reason"),
                );
            }
            Some(fallback) if !by_kernel => {
                let label = "the call never reaches the kernel";
                self.diags
                    .push(Diagnostic::new("useless fallback", fallback.span(), label));
            }
            Some(fallback) if lacking.is_empty() => {
                let label = "every ISA has the call";
                self.diags
                    .push(Diagnostic::new("useless fallback", fallback.span(), label));
            }
            _ => {}
        }
    }

    pub(super) fn returns(&mut self, name: Option<&Name>) -> Returns {
        match name.map(|n| n.value.as_str()) {
            None | Some("nothing") => Returns::Nothing,
            Some("never") => Returns::Never,
            Some(set) if self.intent.sets.contains_key(set) => Returns::Flags(set.to_owned()),
            Some(scalar) => {
                if let Some(name) = name {
                    self.scalar_at(scalar, name, &["nothing", "never"]);
                }
                Returns::Scalar(scalar.to_owned())
            }
        }
    }

    pub(super) fn by(&mut self, by: &ByIntent, sets: &FlagSets) -> Option<By> {
        Some(match by {
            ByIntent::Kernel => By::Kernel,
            ByIntent::Runtime(because) => By::Runtime {
                because: because.clone(),
            },
            ByIntent::Refused { errno, because } => By::Refused {
                errno: self.error(errno, sets)?,
                because: because.clone(),
            },
        })
    }

    /// The constant behind an error's name.
    pub(super) fn error(&mut self, errno: &Name, sets: &FlagSets) -> Option<Constant> {
        let members = sets
            .get(ERRNO)
            .map(|set| set.members.as_slice())
            .unwrap_or_default();
        let found = members.iter().find(|member| member.name == errno.value);
        if found.is_none() {
            let names = members.iter().map(|member| member.name.as_str());
            let message = format!("unknown error `{}`", errno.value);
            let label = format!("expected a member of the flag set `{ERRNO}`");
            self.diags.push(
                Diagnostic::new(message, &errno.span, label)
                    .help_opt(did_you_mean(&errno.value, names)),
            );
        }
        found.cloned()
    }

    pub(super) fn args(&mut self, args: &[ArgIntent]) -> Vec<Arg> {
        self.args_among(args, args)
    }

    /// The arguments `args`, whose lengths are among `all`.
    pub(super) fn args_among(&mut self, args: &[ArgIntent], all: &[ArgIntent]) -> Vec<Arg> {
        let arg = |arg: &ArgIntent| {
            let ty = match &arg.ty {
                ArgTypeIntent::Value(name) => self.value(name)?,
                ArgTypeIntent::Unused(_) => ArgType::Unused { scalar: None },
                ArgTypeIntent::Pointer {
                    dir,
                    to,
                    len,
                    nullable,
                    span,
                } => ArgType::Pointer {
                    dir: *dir,
                    to: self.pointee(*dir, to, len.as_ref(), span, all)?,
                    nullable: *nullable,
                },
            };
            Some(Arg {
                name: arg.name.value.clone(),
                ty,
            })
        };
        args.iter().filter_map(arg).collect()
    }

    fn value(&mut self, name: &Name) -> Option<ArgType> {
        let text = name.value.as_str();
        if let Some(set) = self.intent.sets.get(text) {
            let flags = Some(text.to_owned());
            return Some(ArgType::Value {
                scalar: set.ty.value.clone(),
                flags,
            });
        }
        if self.intent.scalars.contains_key(text) {
            return Some(ArgType::Value {
                scalar: text.to_owned(),
                flags: None,
            });
        }
        if self.intent.broken.contains(text) {
            return None;
        }
        let text = match self.intent.structs.get_key_value(text) {
            Some((name, _)) => &format!("struct {name}"),
            None => text,
        };
        let behind =
            text == "bytes" || text.starts_with("struct ") || text.starts_with("array of ");
        let help = if behind {
            Some(format!(
                "what stands behind a pointer has a direction: `{{ in: {text} }}`"
            ))
        } else {
            let sets = self.intent.sets.keys().map(String::as_str);
            let others: Vec<&str> = sets.chain(["path", "string"]).collect();
            self.type_meant(text, &others)
        };
        let label = "expected a scalar, a flag set, `path`, `string` or a pointer";
        let message = format!("unknown type `{}`", name.value);
        self.diags
            .push(Diagnostic::new(message, &name.span, label).help_opt(help));
        None
    }

    fn pointee(
        &mut self,
        dir: Dir,
        to: &Name,
        len: Option<&LenIntent>,
        span: &Span,
        args: &[ArgIntent],
    ) -> Option<Pointee> {
        let text = to.value.as_str();
        let array = text.strip_prefix("array of ").map(str::trim);
        let wanted = match (text, array) {
            ("bytes", _) => Some("len"),
            (_, Some(_)) => Some("count"),
            _ => None,
        };
        let len = self.len(text, wanted, len, span, args);
        match (text, array) {
            ("bytes", _) => Some(Pointee::Bytes(len?)),
            ("path" | "string", _) => {
                if dir != Dir::In {
                    let message = format!("the kernel does not write a {text}");
                    let label = "only `in` makes sense; what it writes is `bytes`";
                    self.diags.push(Diagnostic::new(message, &to.span, label));
                }
                Some(Pointee::String {
                    path: text == "path",
                })
            }
            (_, Some(element)) => {
                let of = match element.strip_prefix("struct ").map(str::trim) {
                    Some(name) if self.struct_at(name, to) => Element::Struct(name.to_owned()),
                    None if self.scalar_at(element, to, &[]) => Element::Scalar(element.to_owned()),
                    _ => return None,
                };
                Some(Pointee::Array { of, count: len? })
            }
            _ => match text.strip_prefix("struct ").map(str::trim) {
                Some(name) => self
                    .struct_at(name, to)
                    .then(|| Pointee::Struct(name.to_owned())),
                None => self
                    .scalar_at(text, to, &["bytes", "path", "string"])
                    .then(|| Pointee::Scalar(text.to_owned())),
            },
        }
    }

    /// The length or count of what a pointer points to, where one belongs.
    fn len(
        &mut self,
        what: &str,
        wanted: Option<&str>,
        len: Option<&LenIntent>,
        span: &Span,
        args: &[ArgIntent],
    ) -> Option<Len> {
        match (wanted, len) {
            (None, None) => None,
            (None, Some(len)) => {
                let message = format!("`{}` of one `{what}`", len.key.value);
                let label = "only `bytes` have a `len` and arrays a `count`";
                self.diags
                    .push(Diagnostic::new(message, &len.key.span, label));
                None
            }
            (Some(key), None) => {
                let message = format!("`{what}` without `{key}`");
                let label = format!("expected `{key}: ARGUMENT` or `{key}: NUMBER`");
                self.diags.push(Diagnostic::new(message, span, label));
                None
            }
            (Some(key), Some(len)) => {
                if len.key.value != key {
                    let message = format!("`{}` of `{what}`", len.key.value);
                    let label = format!("expected `{key}`");
                    self.diags
                        .push(Diagnostic::new(message, &len.key.span, label));
                }
                let scalar = what.strip_prefix("array of ").map(str::trim);
                let scalar = scalar.and_then(|name| self.intent.scalars.get(name));
                let element = scalar.map_or(1, |scalar| u64::from(scalar.guest.bits / 8));
                self.len_value(&len.value, element, args)
            }
        }
    }

    /// A length in units of `element` bytes.
    fn len_value(&mut self, value: &Name, element: u64, args: &[ArgIntent]) -> Option<Len> {
        if let Some(number) = decode::integer(&value.value) {
            let fixed = u64::try_from(number)
                .ok()
                .filter(|n| *n > 0)
                .map(Len::Fixed);
            if fixed.is_none() {
                let message = format!("{number} is no length");
                self.diags.push(Diagnostic::new(
                    message,
                    &value.span,
                    "expected more than 0",
                ));
            }
            if u64::try_from(number).is_ok_and(|n| n > MEMORY / element.max(1)) {
                let message = format!("{number} is no length");
                let label = "more than a guest's memory holds";
                self.diags
                    .push(Diagnostic::new(message, &value.span, label));
                return None;
            }
            return fixed;
        }
        if decode::looks_like_integer(&value.value) {
            let message = format!("{} is no length", value.value);
            let label = "more than 64 bits hold";
            self.diags
                .push(Diagnostic::new(message, &value.span, label));
            return None;
        }
        match args
            .iter()
            .find(|arg| arg.name.value == value.value)
            .map(|arg| &arg.ty)
        {
            Some(ArgTypeIntent::Value(ty)) => {
                let role = match self.intent.scalars.get(&ty.value).map(|scalar| scalar.role) {
                    Some(Role::Plain) => None,
                    Some(_) => Some("stands for something else"),
                    None if self.intent.sets.contains_key(&ty.value) => Some("is flags"),
                    // An unknown type is reported where it stands.
                    None => None,
                };
                if let Some(role) = role {
                    let message = format!("`{}` is no length", value.value);
                    let label = format!("a `{}` {role}", ty.value);
                    self.diags
                        .push(Diagnostic::new(message, &value.span, label));
                    return None;
                }
                Some(Len::Arg(value.value.clone()))
            }
            Some(ArgTypeIntent::Pointer { to, dir, .. })
                if self.intent.scalars.contains_key(&to.value) =>
            {
                if let Dir::Out = dir {
                    let message = format!("`{}` is no length", value.value);
                    let label = "the kernel only writes it; expected `in` or `inout`";
                    self.diags
                        .push(Diagnostic::new(message, &value.span, label));
                    return None;
                }
                Some(Len::Arg(value.value.clone()))
            }
            Some(ArgTypeIntent::Pointer { .. } | ArgTypeIntent::Unused(_)) => {
                let message = format!("`{}` is no number", value.value);
                let label = "expected an argument that is a number or points to one";
                self.diags
                    .push(Diagnostic::new(message, &value.span, label));
                None
            }
            None => {
                let names = args.iter().map(|arg| arg.name.value.as_str());
                let message = format!("the call has no argument `{}`", value.value);
                let label = "expected an argument or a number";
                self.diags.push(
                    Diagnostic::new(message, &value.span, label)
                        .help_opt(did_you_mean(&value.value, names)),
                );
                None
            }
        }
    }

    /// Every call of the kernel has an answer.
    pub(super) fn undescribed(&mut self) {
        let (described, broken) = (&self.intent.calls, &self.intent.broken);
        let names: Vec<&str> = (self.facts.calls.keys())
            .filter(|name| !described.contains_key(*name) && !broken.contains(*name))
            .map(String::as_str)
            .collect();
        if !names.is_empty() {
            let message = format!("calls of the kernel without an entry: {}", names.join(", "));
            self.diags.push(Diagnostic::placeless(message).help(
                "describe them in syscalls/, with `refuse:` at least; docs/add-a-call.md says how",
            ));
        }
    }

    /// Imports are found by name, so no two calls may share one.
    pub(super) fn import_names(&mut self) {
        let mut taken: BTreeMap<String, &Span> = BTreeMap::new();
        let calls = self.intent.calls.values().flat_map(|call| {
            let own = match &call.import {
                Some(import) => (import.value.clone(), &import.span),
                None => (format!("SYS_{}", call.name.value), &call.name.span),
            };
            std::iter::once(own).chain(call.aliases.iter().map(|a| (a.value.clone(), &a.span)))
        });
        let aux = self.intent.aux.values().flat_map(|aux| {
            let names = std::iter::once(&aux.name).chain(&aux.aliases);
            names.map(|name| (name.value.clone(), &name.span))
        });
        for (name, span) in calls.chain(aux) {
            if let Some(first) = taken.get(&name) {
                let message = format!("two calls with the import name `{name}`");
                self.diags
                    .push(Diagnostic::new(message, span, "the second").context(first, "the first"));
            } else {
                taken.insert(name, span);
            }
        }
    }
}
