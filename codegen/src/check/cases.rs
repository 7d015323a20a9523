//! Cases of a call: constants of their enumeration, arguments that fit the call's own.

use std::collections::BTreeMap;

use super::Checker;
use super::calls::FlagSets;
use crate::diag::{Diagnostic, did_you_mean};
use crate::intent::calls::{ArgTypeIntent, ByIntent, CallIntent};
use crate::intent::cases::{CaseIntent, CasesIntent, OtherwiseIntent};
use crate::intent::types::FieldTypeIntent;
use crate::model::{
    Arg, ArgType, By, Case, Cases, Constant, FlagSet, Otherwise, Pointee, Restart, Returns,
};
use crate::source::{Name, Span};

/// What a case has of its call where it says nothing else.
pub(super) struct Base<'a> {
    pub call: &'a CallIntent,
    pub returns: &'a Returns,
    pub restart: Restart,
    /// The arguments by which cases have been told apart.
    pub by: Vec<&'a str>,
}

/// Where an ioctl's number has the size of what it moves.
const SIZE_FIELD: [&str; 2] = ["_IOC_SIZESHIFT", "_IOC_SIZEMASK"];

impl Checker<'_> {
    /// Gives constants that say how large a scalar is the guest's size.
    pub(super) fn sizes_in_numbers(&mut self, sets: &mut FlagSets) {
        let intent = self.intent;
        let mut sized: Vec<(&str, &CaseIntent, &Name)> = Vec::new();
        for cases in intent.calls.values().filter_map(|call| call.cases.as_ref()) {
            cases.walk(&mut |cases| {
                let cases_with = cases.cases.iter();
                sized.extend(cases_with.filter_map(|case| {
                    Some((cases.set.value.as_str(), case, case.number.as_ref()?))
                }));
            });
        }
        for (set, case, scalar) in sized {
            let set = sets.get_mut(set);
            let member = set.and_then(|s| s.members.iter_mut().find(|m| m.name == case.name.value));
            let (Some(member), true) = (member, self.scalar_named(scalar)) else {
                continue;
            };
            let Some((shift, mask)) = self.size_field(&scalar.span) else {
                continue;
            };
            let ty = &intent.scalars[&scalar.value];
            let (guest, host) = (i64::from(ty.guest.bits / 8), i64::from(ty.host.bits / 8));
            if member.guest >> shift & mask == host {
                member.guest = member.guest & !(mask << shift) | guest << shift;
            } else {
                let message = format!(
                    "`{}` does not say the size of `{}`",
                    member.name, ty.name.value
                );
                let label = format!(
                    "{host} bytes, but the number has {}",
                    member.guest >> shift & mask
                );
                self.diags
                    .push(Diagnostic::new(message, &scalar.span, label));
            }
        }
    }

    /// Shift and mask of the size in a number.
    fn size_field(&mut self, span: &Span) -> Option<(i64, i64)> {
        let [shift, mask] = SIZE_FIELD.map(|name| self.facts.constants.get(name)?[self.guest]);
        let field = shift.zip(mask);
        if field.is_none() {
            let message = "it is not known where a number has the size";
            let label = format!("`{}` and `{}` are not facts", SIZE_FIELD[0], SIZE_FIELD[1]);
            self.diags.push(
                Diagnostic::new(message, span, label)
                    .help("make them members of a flag set and run `wali-codegen facts`"),
            );
        }
        field
    }

    /// What is left of a number without the size of its struct, which the kernel has to find the
    /// same in guest and host, however much of it there is.
    fn any_size(
        &mut self,
        case: &CaseIntent,
        constant: &Constant,
        args: &[Arg],
        span: &Span,
    ) -> Option<i64> {
        let (shift, mask) = self.size_field(span)?;
        let pointee = args.iter().find_map(|arg| match &arg.ty {
            ArgType::Pointer {
                to: Pointee::Struct(name),
                ..
            } => Some(name),
            _ => None,
        });
        let size = |name: &String| self.facts.structs.get(name)?.layout[self.guest];
        let size = pointee.and_then(size).map(|layout| layout.size as i64);
        let (message, label) = match pointee {
            None => (
                "nothing that could grow",
                "expected a pointer to a struct".to_owned(),
            ),
            Some(_) if !matches!(case.by, ByIntent::Kernel) => (
                "nobody asks how long it is",
                "only for the kernel".to_owned(),
            ),
            Some(name) if !self.same_everywhere(name) => {
                let label = format!("`struct {name}` is not the same in guest and host");
                ("a struct of any length cannot be converted", label)
            }
            Some(name) if size.is_some_and(|size| constant.guest >> shift & mask != size) => {
                let label = format!("`struct {name}` has {} bytes", size.unwrap_or(0));
                ("the constant does not say the size of the struct", label)
            }
            Some(_) => return Some(!(mask << shift)),
        };
        self.diags.push(Diagnostic::new(message, span, label));
        None
    }

    /// Whether a struct is of scalars alone, none of them wider in the host.
    fn same_everywhere(&self, name: &str) -> bool {
        let same = |scalar: &String| {
            let scalar = self.intent.scalars.get(scalar);
            scalar.is_none_or(|s| s.guest.bits == s.host.bits)
        };
        let Some(intent) = self.intent.structs.get(name) else {
            return true;
        };
        intent.fields.iter().all(|field| match &field.ty.value {
            FieldTypeIntent::Scalar(scalar) | FieldTypeIntent::Array(scalar) => same(scalar),
            FieldTypeIntent::Struct(_) | FieldTypeIntent::Pointer { .. } => false,
        })
    }

    /// Checks cases, and makes the argument that tells them apart one of the enumeration.
    pub(super) fn cases(
        &mut self,
        cases: &CasesIntent,
        base: &Base<'_>,
        args: &mut [Arg],
        sets: &FlagSets,
    ) -> Option<Cases> {
        let name = &base.call.name.value;
        let by = &cases.by;
        let selector = args.iter_mut().find(|arg| arg.name == by.value);
        match selector.map(|arg| &mut arg.ty) {
            Some(ArgType::Value { flags, .. }) => *flags = Some(cases.set.value.clone()),
            Some(_) => {
                let message = format!("`{}` is no number", by.value);
                let label = "expected an argument that is passed by value";
                self.diags.push(Diagnostic::new(message, &by.span, label));
                return None;
            }
            None => {
                let names = base.call.args.iter().map(|arg| arg.name.value.as_str());
                let message = format!("`{name}` has no argument `{}`", by.value);
                self.diags.push(
                    Diagnostic::new(message, &by.span, "expected an argument of the call")
                        .help_opt(did_you_mean(&by.value, names)),
                );
                return None;
            }
        }
        let set = self.enumeration(cases, sets)?;
        if let Some(rest) = &cases.rest
            && set.members.iter().all(|member| {
                let mut written = cases.cases.iter();
                written.any(|case| case.name.value == member.name)
            })
        {
            let label = "every member has a case";
            self.diags
                .push(Diagnostic::new("useless `rest`", &rest.span, label));
        }
        let mut known = Vec::new();
        for case in &cases.cases {
            if let Some(constant) = self.member(case, set) {
                known.extend(self.case(case, constant, base, args, sets));
            }
        }
        let otherwise = self.otherwise(&cases.otherwise, sets)?;
        if let Some(rest) = &cases.rest {
            let rest = self.otherwise(&rest.value, sets)?;
            let listed = |member: &&Constant| {
                cases
                    .cases
                    .iter()
                    .all(|case| case.name.value != member.name)
            };
            known.extend(set.members.iter().filter(listed).map(|constant| Case {
                constant: constant.clone(),
                mask: None,
                args: args.to_vec(),
                returns: base.returns.clone(),
                restart: base.restart,
                by: match &rest {
                    Otherwise::AsIs => By::Kernel,
                    Otherwise::Refused { errno, because } => By::Refused {
                        errno: errno.clone(),
                        because: because.clone(),
                    },
                },
                cases: None,
            }));
        }
        self.distinct_values(cases, &known);
        Some(Cases {
            by: by.value.clone(),
            set: cases.set.value.clone(),
            cases: known,
            otherwise,
        })
    }

    fn enumeration<'s>(&mut self, cases: &CasesIntent, sets: &'s FlagSets) -> Option<&'s FlagSet> {
        let name = &cases.set;
        let Some(set) = sets.get(&name.value) else {
            if !self.intent.broken.contains(&name.value) {
                let names = sets.keys().map(String::as_str);
                let message = format!("unknown enumeration `{}`", name.value);
                let label = "expected one of flags/, or `headers:` to declare it here";
                self.diags.push(
                    Diagnostic::new(message, &name.span, label)
                        .help_opt(did_you_mean(&name.value, names)),
                );
            }
            return None;
        };
        if set.bits {
            let message = format!("the members of `{}` combine by or", name.value);
            let label = "only an enumeration tells cases apart";
            self.diags.push(Diagnostic::new(message, &name.span, label));
        }
        Some(set)
    }

    fn member<'s>(&mut self, case: &CaseIntent, set: &'s FlagSet) -> Option<&'s Constant> {
        let found = set.members.iter().find(|m| m.name == case.name.value);
        // A member that was declared but has no fact is reported as such.
        let declared = self.intent.sets[&set.name]
            .members
            .iter()
            .any(|m| m.value == case.name.value);
        if found.is_none() && !declared {
            let names = set.members.iter().map(|m| m.name.as_str());
            let message = format!("`{}` has no member `{}`", set.name, case.name.value);
            let label = "expected a member of the enumeration";
            self.diags.push(
                Diagnostic::new(message, &case.name.span, label)
                    .help_opt(did_you_mean(&case.name.value, names)),
            );
        }
        found
    }

    fn case(
        &mut self,
        case: &CaseIntent,
        constant: &Constant,
        base: &Base<'_>,
        args: &[Arg],
        sets: &FlagSets,
    ) -> Option<Case> {
        let returns = match &case.returns {
            Some(name) => self.returns(Some(name)),
            None => base.returns.clone(),
        };
        let restart = case.restart.unwrap_or(base.restart);
        let mut own = self.case_args(case, base.call, args);
        let mask = match &case.grows {
            Some(span) => Some(self.any_size(case, constant, &own, span)?),
            None => None,
        };
        let by = self.by(&case.by, sets)?;
        let below = Base {
            call: base.call,
            returns: &returns,
            restart,
            by: Vec::new(),
        };
        if let Some(cases) = &case.cases
            && base.by.contains(&cases.by.value.as_str())
        {
            let message = format!("cases by `{}` within such cases", cases.by.value);
            let label = "its value is known here";
            self.diags
                .push(Diagnostic::new(message, &cases.by.span, label));
            return None;
        }
        let mut by_here = base.by.clone();
        by_here.extend(case.cases.as_ref().map(|cases| cases.by.value.as_str()));
        let below = Base {
            by: by_here,
            ..below
        };
        let cases = match &case.cases {
            Some(cases) => Some(self.cases(cases, &below, &mut own, sets)?),
            None => None,
        };
        Some(Case {
            constant: constant.clone(),
            mask,
            args: own,
            returns,
            restart,
            by,
            cases,
        })
    }

    /// The call's arguments with the types they have in a case.
    fn case_args(&mut self, case: &CaseIntent, call: &CallIntent, args: &[Arg]) -> Vec<Arg> {
        // Lengths may name any argument of the call.
        let mut written = call.args.clone();
        for given in &case.args {
            match written
                .iter_mut()
                .find(|arg| arg.name.value == given.name.value)
            {
                Some(arg) => arg.ty = given.ty.clone(),
                None => {
                    let names = call.args.iter().map(|arg| arg.name.value.as_str());
                    let name = &given.name;
                    let message = format!("`{}` has no argument `{}`", call.name.value, name.value);
                    let label = "expected an argument of the call, or a key of a case";
                    self.diags.push(
                        Diagnostic::new(message, &name.span, label)
                            .help_opt(did_you_mean(&name.value, names)),
                    );
                }
            }
        }
        let changed = self.args_among(&case.args, &written);
        let width = |ty: &ArgType| match ty {
            ArgType::Value { scalar, .. } => self.intent.scalars[scalar].guest.bits.max(32),
            ArgType::Pointer { .. } | ArgType::Unused { .. } => 32,
        };
        let mut wide: Vec<&Span> = Vec::new();
        let all = args
            .iter()
            .map(|arg| {
                let Some(new) = changed.iter().find(|new| new.name == arg.name) else {
                    return arg.clone();
                };
                let ty = match (&new.ty, &arg.ty) {
                    (ArgType::Unused { .. }, ArgType::Value { scalar, .. }) => ArgType::Unused {
                        scalar: Some(scalar.clone()),
                    },
                    (ty, _) => ty.clone(),
                };
                if width(&ty) > width(&arg.ty) {
                    let given = case.args.iter().find(|given| given.name.value == arg.name);
                    wide.extend(given.map(|given| &given.name.span));
                }
                Arg {
                    name: arg.name.clone(),
                    ty,
                }
            })
            .collect();
        for span in wide {
            let label = "64 bits, but the call's own type has 32";
            self.diags
                .push(Diagnostic::new("too wide for the argument", span, label));
        }
        let tells = |cases: &Option<CasesIntent>, name: &Name| {
            let by = cases.as_ref().map(|cases| &cases.by.value);
            by == Some(&name.value)
        };
        for given in &case.args {
            if let ArgTypeIntent::Unused(span) = &given.ty
                && (tells(&case.cases, &given.name) || tells(&call.cases, &given.name))
            {
                let label = "cases are told apart by it";
                self.diags
                    .push(Diagnostic::new("an argument that is used", span, label));
            }
        }
        all
    }

    fn otherwise(&mut self, written: &OtherwiseIntent, sets: &FlagSets) -> Option<Otherwise> {
        Some(match written {
            OtherwiseIntent::AsIs(_) => Otherwise::AsIs,
            OtherwiseIntent::Refused { errno, because } => Otherwise::Refused {
                errno: self.error(errno, sets)?,
                because: because.clone(),
            },
        })
    }

    /// Two names for one value cannot be two cases.
    fn distinct_values(&mut self, written: &CasesIntent, cases: &[Case]) {
        let mut seen: BTreeMap<i64, &str> = BTreeMap::new();
        for case in cases {
            let name = case.constant.name.as_str();
            if let Some(first) = seen.insert(case.constant.guest, name) {
                let place = written.cases.iter().find(|c| c.name.value == name);
                let span = place.map_or(&written.set.span, |c| &c.name.span);
                let message = format!("`{name}` has the value of `{first}`");
                let label = "one name for a value is enough";
                self.diags.push(Diagnostic::new(message, span, label));
            }
        }
    }
}
