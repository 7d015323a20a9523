//! Numbers and constants for native C programs whose own headers are older than the facts.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::c_header::number;
use crate::model::Spec;

/// The header's text, for the ISA with that index.
pub fn native_header(spec: &Spec, isa: usize) -> String {
    let (about, from) = (&spec.isas[isa].name, &spec.provenance);
    let mut out = format!(
        "/* Numbers and constants of Linux for C programs of {about} whose headers lack them; to be\n\
         \x20* included after those.\n\
         \x20* Written by `wali-codegen emit native-header` from {} {}. */\n\
         #ifndef WALI_NATIVE_H\n#define WALI_NATIVE_H\n",
        from.package, from.version
    );
    for (name, numbers) in &spec.kernel {
        if let Some(number) = numbers.0[isa] {
            define(&mut out, &format!("SYS_{name}"), &number.to_string());
        }
    }
    let mut seen = BTreeSet::new();
    for member in spec.flag_sets.values().flat_map(|set| &set.members) {
        // Some belong to several sets.
        if let (Some(value), true) = (member.host.0[isa], seen.insert(&member.name)) {
            define(&mut out, &member.name, &number(value));
        }
    }
    out.push_str("#endif\n");
    out
}

fn define(out: &mut String, name: &str, value: &str) {
    let _ = writeln!(out, "#ifndef {name}\n#define {name} {value}\n#endif");
}
