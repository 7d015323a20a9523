//! An allow-list for seccomp in the form of container engines (the OCI runtime's
//! `linux.seccomp`), for a set of calls that a guest makes.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::model::{Answer, Spec};

/// A profile that lets through what `calls` become on any ISA, and answers everything else with
/// `ENOSYS`, as a kernel without the call would. Calls that a runtime answers stand for themselves:
/// what else it needs for them it knows best.
///
/// # Errors
/// A name that is no call's, with the one that was probably meant.
pub fn seccomp(spec: &Spec, calls: &[String]) -> Result<String, String> {
    let mut names = BTreeSet::new();
    for name in calls {
        let call = spec.call(name)?;
        for isa in 0..spec.isas.len() {
            match call.answer_on(isa, spec) {
                Answer::Refused => {}
                Answer::Fallback => {
                    names.extend(call.fallback.iter().map(|other| other.call.as_str()));
                }
                _ => {
                    names.insert(call.name.as_str());
                }
            }
        }
    }
    let errno = constant(spec, "errno", "ENOSYS")?;
    let architectures: Vec<String> = spec
        .isas
        .iter()
        .map(|isa| format!("SCMP_ARCH_{}", isa.name.to_ascii_uppercase()))
        .collect();
    let profile = json!({
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": errno,
        "architectures": architectures,
        "syscalls": [{ "names": names, "action": "SCMP_ACT_ALLOW" }],
    });
    Ok(text(&profile))
}

fn text(profile: &Value) -> String {
    let mut text = serde_json::to_string_pretty(profile).expect("keys are strings");
    text.push('\n');
    text
}

/// A constant's value, the same for guests and all hosts.
fn constant(spec: &Spec, set: &str, name: &str) -> Result<i64, String> {
    let member = spec.flag_sets.get(set).and_then(|set| {
        let mut members = set.members.iter();
        members.find(|member| member.name == name)
    });
    member
        .map(|member| member.guest)
        .ok_or_else(|| format!("the specification has no `{name}` in a set `{set}`"))
}
