//! The reference of all calls as Markdown: an index, a page for each family, and pages with
//! constants and structures.

pub(super) mod call;
mod cases;
pub(super) mod data;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::model::{Call, PerIsa, Spec};

/// The page with the constants.
const CONSTANTS: &str = "constants.md";

/// The page with the structures.
const STRUCTURES: &str = "structures.md";

/// The page of imports that are not system calls.
const AUX: &str = "aux.md";

/// What every page begins with, by which pages of older specifications are known.
pub const MARK: &str =
    "<!-- Written by `wali-codegen emit docs`; changes by hand are lost. -->\n\n";

/// The pages, by file name.
pub fn docs(spec: &Spec) -> BTreeMap<String, String> {
    let mut pages = BTreeMap::new();
    let families: BTreeSet<&str> = spec.calls.values().map(|c| c.family.as_str()).collect();
    for family in &families {
        let mut page = format!("{MARK}# Calls of the family `{family}`\n\n");
        let _ = writeln!(page, "[All calls](README.md)");
        for call in spec.calls.values().filter(|call| call.family == *family) {
            call::section(&mut page, spec, call);
        }
        pages.insert(format!("{family}.md"), page);
    }
    pages.insert("README.md".to_owned(), index(spec, &families));
    pages.insert(AUX.to_owned(), auxiliary(spec));
    pages.insert(CONSTANTS.to_owned(), data::constants(spec));
    pages.insert(STRUCTURES.to_owned(), data::structures(spec));
    pages
}

fn index(spec: &Spec, families: &BTreeSet<&str>) -> String {
    let mut out = format!(
        "{MARK}# System calls for WALI guests\n\n\
         Every call of Linux's tables in {} {}, with how it is answered and its number on each \
         ISA; guests call by the import's name, from module `wali`.\n\n\
         | answer | means |\n|---|---|\n\
         | direct | by the kernel, with addresses translated |\n\
         | convert | by the kernel, with structures or constants converted |\n\
         | fallback | by another call, since the ISA's table lacks it |\n\
         | absent | with ENOSYS, as natively, since the ISA's table lacks it |\n\
         | runtime | by the runtime |\n\
         | refused | with an error, for a stated reason |\n\n",
        spec.provenance.package, spec.provenance.version
    );
    let links: Vec<String> = families.iter().map(|f| format!("[{f}]({f}.md)")).collect();
    let _ = writeln!(
        out,
        "Families: {}. Further: [imports that are no system calls]({AUX}), \
         [constants]({CONSTANTS}), [structures]({STRUCTURES}).\n",
        links.join(", ")
    );
    let _ = write!(out, "| call | import | answer |");
    for isa in &spec.isas {
        let _ = write!(out, " {} |", isa.name);
    }
    let _ = writeln!(out, "\n|---|---|---|{}", "--:|".repeat(spec.isas.len()));
    for (name, call) in &spec.calls {
        let link = format!("[`{name}`]({}.md#{name})", call.family);
        let (import, answer) = (imports(call), answers(spec, call));
        let _ = write!(out, "| {link} | {import} | {answer} |");
        for number in &call.numbers.0 {
            let _ = write!(out, " {} |", number.map_or("–".into(), |n| n.to_string()));
        }
        out.push('\n');
    }
    out
}

fn imports(call: &Call) -> String {
    let names = std::iter::once(&call.import).chain(&call.aliases);
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// How a call is answered: one word if it is the same everywhere.
fn answers(spec: &Spec, call: &Call) -> String {
    let isas = 0..spec.isas.len();
    let words: Vec<&str> = isas.map(|isa| call.answer_on(isa, spec).word()).collect();
    if let Some(word) = PerIsa(words.clone()).uniform() {
        return (*word).to_owned();
    }
    // Each answer once, with the ISAs that it is for.
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for (isa, word) in spec.isas.iter().zip(words) {
        match groups.iter_mut().find(|(known, _)| *known == word) {
            Some((_, isas)) => isas.push(&isa.name),
            None => groups.push((word, vec![&isa.name])),
        }
    }
    let groups = groups.iter();
    let groups: Vec<String> = groups
        .map(|(word, isas)| format!("{word} ({})", isas.join(", ")))
        .collect();
    groups.join(", ")
}

fn auxiliary(spec: &Spec) -> String {
    let mut out = format!("{MARK}# Imports that are no system calls\n\n[All calls](README.md)\n");
    for aux in spec.aux.values() {
        call::auxiliary(&mut out, spec, aux);
    }
    out
}
