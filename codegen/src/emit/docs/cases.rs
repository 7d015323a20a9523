//! The table of a call's cases.

use std::fmt::Write;

use super::call::{listed, meaning, reason, restart, returns};
use crate::model::{By, Call, Case, Cases, Otherwise, Restart, Spec};

/// Adds the table: a row for each case, with what is not as in the call itself.
pub(super) fn table(out: &mut String, spec: &Spec, call: &Call, cases: &Cases) {
    let _ = write!(
        out,
        "\nBy `{}`:\n\n| case | arguments | returns | answer |\n|---|---|---|---|\n",
        cases.by
    );
    for (path, case) in cases.walk() {
        let names: Vec<String> = path.iter().map(|c| format!("`{}`", c.name)).collect();
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} |",
            names.join(", "),
            changes(spec, call, case),
            returns(spec, &case.returns),
            answer(spec, case)
        );
    }
    for rule in [Restart::Signal, Restart::Never, Restart::NotBlocking] {
        let other = |case: &Case| {
            let made = !matches!(case.by, By::Refused { .. });
            made && case.restart == rule && case.restart != call.restart
        };
        let all = cases.walk().into_iter();
        let of_rule = all.filter(|(_, case)| other(case));
        let names: Vec<String> = of_rule
            .filter_map(|(path, _)| Some(format!("`{}`", path.last()?.name)))
            .collect();
        if !names.is_empty() {
            let text = restart(rule).unwrap_or("does not block");
            let _ = write!(
                out,
                "\nInterrupted by a signal handler, {}: {text}.\n",
                listed(&names)
            );
        }
    }
    let mut levels = Vec::new();
    otherwise(&mut levels, cases, &mut Vec::new());
    for level in levels {
        let _ = write!(out, "\n{level}\n");
    }
}

/// The arguments with types of the case's own.
fn changes(spec: &Spec, call: &Call, case: &Case) -> String {
    let pairs = call.args.iter().zip(&case.args);
    let changed: Vec<String> = pairs
        .filter(|(own, new)| own.ty != new.ty)
        .map(|(_, new)| format!("`{}`: {}", new.name, meaning(spec, &new.ty)))
        .collect();
    changed.join("; ")
}

fn answer(spec: &Spec, case: &Case) -> String {
    if let Some(text) = reason(&case.by) {
        return text;
    }
    let isas = spec.isas.iter().zip(&case.constant.host.0);
    let lacking: Vec<&str> = isas
        .filter(|(_, value)| value.is_none())
        .map(|(isa, _)| isa.name.as_str())
        .collect();
    match lacking.is_empty() {
        true => "the kernel".to_owned(),
        false => format!("the kernel; not on {}", listed(&lacking)),
    }
}

/// What becomes of values that are not in the table, for each level of cases.
fn otherwise<'a>(out: &mut Vec<String>, cases: &'a Cases, above: &mut Vec<&'a str>) {
    let below: Vec<String> = above.iter().map(|name| format!("`{name}`")).collect();
    let place = match below.is_empty() {
        true => format!("Other values of `{}`", cases.by),
        false => format!("With {}, other values of `{}`", below.join(", "), cases.by),
    };
    out.push(match &cases.otherwise {
        Otherwise::AsIs => format!("{place}: by the kernel, as they are."),
        Otherwise::Refused { errno, because } => {
            format!("{place}: refused with `{}`: {because}.", errno.name)
        }
    });
    for case in &cases.cases {
        if let Some(below) = &case.cases {
            above.push(&case.constant.name);
            otherwise(out, below, above);
            above.pop();
        }
    }
}
