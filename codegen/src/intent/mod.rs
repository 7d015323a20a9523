//! What people wrote in the YAML, taken apart but not yet resolved.
//!
//! Needs no facts: extraction starts from here to learn what to ask the headers for.

pub mod calls;
pub mod cases;
pub mod decode;
pub mod omitted;
pub mod types;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::diag::{Diagnostic, Diagnostics, did_you_mean};
use crate::source::{Name, Sources, Span};
use crate::yaml::{self, Kind, Node};
use calls::{ArgTypeIntent, AuxIntent, CallIntent};
use omitted::OmittedIntent;
use types::{IsaIntent, ScalarIntent, SetIntent, StructIntent};

/// Everything written by hand, by name.
#[derive(Debug, Clone, Default)]
pub struct Intent {
    /// ISAs in table order.
    pub isas: Vec<IsaIntent>,
    /// Scalar types.
    pub scalars: BTreeMap<String, ScalarIntent>,
    /// Flag sets and enumerations.
    pub sets: BTreeMap<String, SetIntent>,
    /// Structs.
    pub structs: BTreeMap<String, StructIntent>,
    /// System calls.
    pub calls: BTreeMap<String, CallIntent>,
    /// Imports that are not system calls.
    pub aux: BTreeMap<String, AuxIntent>,
    /// What the headers have and is left out on purpose.
    pub omitted: BTreeMap<String, OmittedIntent>,
    /// Names of entries that could not be taken apart; whoever refers to them is not to blame.
    pub broken: BTreeSet<String>,
}

/// The intent together with the parsed facts files, which are not its business.
pub struct Parsed {
    /// What people wrote.
    pub intent: Intent,
    /// The trees of `facts/*.yaml` with the file's index.
    pub facts: Vec<(usize, Node)>,
    /// Whether every file could be read; if not, names are missing through no fault of
    /// those who refer to them.
    pub complete: bool,
    /// Whether nothing is wrong with the ISAs, which give every fact its place.
    pub isas_sound: bool,
}

/// What a file of the spec holds, by its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Isa,
    Types,
    Flags,
    Structs,
    Aux,
    Calls,
    Omitted,
    Facts,
}

/// Parts with the names of their file or folder.
const PARTS: [(&str, Part); 8] = [
    ("isa", Part::Isa),
    ("types", Part::Types),
    ("flags", Part::Flags),
    ("structs", Part::Structs),
    ("aux", Part::Aux),
    ("syscalls", Part::Calls),
    ("omitted", Part::Omitted),
    ("facts", Part::Facts),
];

/// Parses every file and takes the hand-written ones apart.
pub fn read(sources: &Arc<Sources>, diags: &mut Diagnostics) -> Parsed {
    let mut parsed = Parsed {
        intent: Intent::default(),
        facts: Vec::new(),
        complete: true,
        isas_sound: true,
    };
    for file in 0..sources.files.len() {
        let path = &sources.files[file].path;
        let stem = path.strip_suffix(".yaml").unwrap_or(path);
        let folder = stem.split('/').next().unwrap_or(stem);
        let known = PARTS.iter().find(|(name, _)| *name == folder);
        let Some((_, part)) = known.filter(|_| path.ends_with(".yaml")) else {
            diags.push(match known {
                Some(_) => {
                    let span = Span { file, range: 0..0 };
                    let message = "this file is no part of a specification";
                    Diagnostic::new(message, &span, "expected a name that ends in `.yaml`")
                }
                None => unknown_file(folder, file),
            });
            parsed.complete = false;
            continue;
        };
        let before = diags.len();
        let Some(root) = yaml::parse(sources, file, diags) else {
            parsed.complete &= diags.len() == before;
            // Missing facts are reported with their remedy.
            if diags.len() == before && *part != Part::Facts {
                diags.push(empty(file));
            }
            parsed.isas_sound &= *part != Part::Isa;
            continue;
        };
        let family = stem.rsplit('/').next().unwrap_or(stem);
        if !is_file_name(family) {
            diags.push(bad_name(family, file));
        }
        parsed.take(*part, file, family, root, diags);
        parsed.isas_sound &= *part != Part::Isa || diags.len() == before;
    }
    let before = diags.len();
    parsed.intent.finish_isas(diags);
    parsed.isas_sound &= diags.len() == before;
    parsed.intent.declare_case_sets(diags);
    parsed.intent.check_shared_names(diags);
    parsed
}

impl Parsed {
    fn take(&mut self, part: Part, file: usize, family: &str, root: Node, diags: &mut Diagnostics) {
        let intent = &mut self.intent;
        let broken = &mut intent.broken;
        match part {
            Part::Facts => self.facts.push((file, root)),
            Part::Isa => intent.isas.extend(types::isa(&root, family, diags)),
            Part::Types => {
                let keys = &types::SCALAR_KEYS;
                each(
                    &root,
                    keys,
                    &mut intent.scalars,
                    broken,
                    diags,
                    types::scalar,
                );
            }
            Part::Flags => {
                let keys = &types::SET_KEYS;
                each(&root, keys, &mut intent.sets, broken, diags, types::set);
            }
            Part::Structs => {
                let keys = &types::STRUCT_KEYS;
                each(
                    &root,
                    keys,
                    &mut intent.structs,
                    broken,
                    diags,
                    types::structure,
                );
            }
            Part::Aux => {
                let keys = &calls::AUX_KEYS;
                each(&root, keys, &mut intent.aux, broken, diags, calls::aux);
            }
            Part::Omitted => {
                let table = &mut intent.omitted;
                each(
                    &root,
                    &omitted::KEYS,
                    table,
                    broken,
                    diags,
                    omitted::omitted,
                );
            }
            Part::Calls => {
                let decode = |name: &Name, node: &Node, diags: &mut Diagnostics| {
                    calls::call(name, node, family, diags)
                };
                each(
                    &root,
                    &calls::KEYS,
                    &mut intent.calls,
                    broken,
                    diags,
                    decode,
                );
            }
        }
    }
}

/// Something that knows the name it was written under.
pub trait Named {
    /// The name and its place.
    fn name(&self) -> &Name;
}

/// Decodes every entry of a file, which has `keys`, into a table, reporting names taken in
/// another file.
fn each<T: Named>(
    root: &Node,
    keys: &[&str],
    table: &mut BTreeMap<String, T>,
    broken: &mut BTreeSet<String>,
    diags: &mut Diagnostics,
    decode: impl Fn(&Name, &Node, &mut Diagnostics) -> Option<T>,
) {
    for (name, node) in decode::map(root, "the file", diags).unwrap_or_default() {
        if keys.contains(&name.value.as_str()) {
            let message = format!("an entry named `{}`", name.value);
            let help = format!(
                "`{}` is a key of an entry; indent it below a name",
                name.value
            );
            diags.push(Diagnostic::new(message, &name.span, "not indented").help(help));
            broken.insert(name.value.clone());
            continue;
        }
        if let Kind::Null = node.kind {
            let message = format!("`{}` says nothing", name.value);
            let label = "expected its keys below, indented";
            diags.push(Diagnostic::new(message, &name.span, label));
            broken.insert(name.value.clone());
            continue;
        }
        if !decode::identifier(name, "the name", diags) {
            continue;
        }
        let Some(item) = decode(name, node, diags) else {
            broken.insert(name.value.clone());
            continue;
        };
        match table.get(&name.value) {
            Some(first) => diags.push(duplicate(name, &first.name().span)),
            None => _ = table.insert(name.value.clone(), item),
        }
    }
}

fn duplicate(name: &Name, first: &Span) -> Diagnostic {
    Diagnostic::new(
        format!("duplicate entry `{}`", name.value),
        &name.span,
        "again",
    )
    .context(first, "first here")
    .help("merge the two entries or rename one")
}

fn unknown_file(folder: &str, file: usize) -> Diagnostic {
    let names = PARTS.iter().map(|(name, _)| *name);
    let known: Vec<&str> = names.clone().collect();
    let span = Span { file, range: 0..0 };
    let label = format!(
        "expected `NAME.yaml` or `NAME/*.yaml`, NAME being {}",
        known.join(", ")
    );
    Diagnostic::new("this file is no part of a specification", &span, label)
        .help_opt(did_you_mean(folder, names))
}

/// Whether a file's name, which is also that of a family, an ISA or a page, fits all of these.
fn is_file_name(name: &str) -> bool {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(word)
}

fn bad_name(name: &str, file: usize) -> Diagnostic {
    let span = Span { file, range: 0..0 };
    let label = "expected lower-case letters, digits and `_`, a letter first";
    Diagnostic::new(format!("a file named `{name}`"), &span, label)
}

fn empty(file: usize) -> Diagnostic {
    let span = Span { file, range: 0..0 };
    Diagnostic::new("this file describes nothing", &span, "expected entries")
        .help("describe something or remove the file")
}

impl Intent {
    /// Sorts the ISAs and sees that exactly one is the guest's.
    fn finish_isas(&mut self, diags: &mut Diagnostics) {
        self.isas
            .sort_by(|a, b| (a.order.value, &a.name.value).cmp(&(b.order.value, &b.name.value)));
        if self.isas.is_empty() {
            diags.push(
                Diagnostic::placeless("the specification has no ISA")
                    .help("add `isa/x86_64.yaml`; spec/README.md shows one"),
            );
            return;
        }
        let mut guests = self.isas.iter().filter(|isa| isa.guest);
        match (guests.next(), guests.next()) {
            (None, _) => {
                let message = "no ISA gives the guest its numbers";
                let label = "one ISA must say `guest: true`";
                diags.push(Diagnostic::new(message, &self.isas[0].name.span, label));
            }
            (Some(first), Some(second)) => diags.push(
                Diagnostic::new(
                    "two ISAs say `guest: true`",
                    &second.name.span,
                    "the second",
                )
                .context(&first.name.span, "the first"),
            ),
            (Some(_), None) => {}
        }
        self.distinct(
            "order",
            |isa| (isa.order.value.to_string(), &isa.order.span),
            diags,
        );
        self.distinct(
            "triple",
            |isa| (isa.triple.value.clone(), &isa.triple.span),
            diags,
        );
        self.distinct(
            "uapi",
            |isa| (isa.uapi.value.clone(), &isa.uapi.span),
            diags,
        );
    }

    /// Reports ISAs with the same value of a key that tells them apart.
    fn distinct(
        &self,
        key: &str,
        value: impl Fn(&IsaIntent) -> (String, &Span),
        diags: &mut Diagnostics,
    ) {
        for (index, isa) in self.isas.iter().enumerate() {
            let (own, span) = value(isa);
            let mut before = self.isas[..index].iter();
            if let Some(first) = before.find(|first| value(first).0 == own) {
                let names = (&first.name.value, &isa.name.value);
                let message = format!("{} and {} have the same `{key}`", names.0, names.1);
                let label = format!("`{own}` again");
                diags.push(
                    Diagnostic::new(message, span, label).context(value(first).1, "first here"),
                );
            }
        }
    }

    /// Enumerations that `cases` declare. Several may declare the same one, each its part.
    fn declare_case_sets(&mut self, diags: &mut Diagnostics) {
        let mut declared: BTreeMap<String, SetIntent> = BTreeMap::new();
        for call in self.calls.values() {
            let Some(cases) = &call.cases else { continue };
            let mut types: BTreeMap<&str, &Name> = BTreeMap::new();
            for arg in &call.args {
                if let ArgTypeIntent::Value(ty) = &arg.ty {
                    types.insert(&arg.name.value, ty);
                }
            }
            cases.walk(&mut |cases| {
                let (Some(headers), Some(ty)) =
                    (&cases.headers, types.get(cases.by.value.as_str()))
                else {
                    return;
                };
                if let Some(first) = self.sets.get(&cases.set.value) {
                    diags.push(duplicate(&cases.set, &first.name.span));
                    return;
                }
                types::type_name(&cases.set, diags);
                let set = declared
                    .entry(cases.set.value.clone())
                    .or_insert_with(|| SetIntent::of_cases(&cases.set, ty, &call.name));
                set.add(headers, cases.cases.iter().map(|case| &case.name));
            });
        }
        self.sets.extend(declared);
    }

    /// Scalars and flag sets share one name space, since an argument may be either.
    fn check_shared_names(&self, diags: &mut Diagnostics) {
        for set in self.sets.values() {
            if let Some(scalar) = self.scalars.get(&set.name.value) {
                diags.push(duplicate(&set.name, &scalar.name.span));
            }
        }
    }

    /// The index of the ISA that gives the guest its numbers.
    pub fn guest_isa(&self) -> usize {
        self.isas.iter().position(|isa| isa.guest).unwrap_or(0)
    }
}
