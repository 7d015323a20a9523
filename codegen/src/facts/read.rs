//! Reading the facts back, as carefully as if a person had written them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::history::History;
use super::{FILES, FOLDER, Facts, SINCE, StructFacts, Unnamed};
use crate::diag::{Diagnostic, Diagnostics, did_you_mean};
use crate::intent::decode::{self, Fields};
use crate::model::{Layout, Place, Provenance, Release};
use crate::source::{Name, Sources, Span};
use crate::yaml::{self, Kind, Node};

const SINCE_REMEDY: &str = "run `wali-codegen since` to extract it again";
const REMEDY: &str = "run `wali-codegen facts` to extract them";

/// The facts in the parsed files of `facts/`. Nothing if there are none or part of
/// them is unusable, which is reported.
pub fn read(
    sources: &Sources,
    files: &[(usize, Node)],
    isas: &[String],
    diags: &mut Diagnostics,
) -> Option<Facts> {
    let mut reader = Reader { isas, diags };
    for (file, _) in files {
        let path = &sources.files[*file].path;
        let name = path
            .strip_prefix(FOLDER)
            .and_then(|path| path.strip_prefix('/'));
        let name = name
            .and_then(|name| name.strip_suffix(".yaml"))
            .unwrap_or(path);
        if !FILES.contains(&name) && !History::is_file(path) {
            let span = Span {
                file: *file,
                range: 0..0,
            };
            let label = format!("expected one of {}", decode::one_of(&FILES));
            let message = format!("no facts are called `{name}`");
            reader
                .diags
                .push(Diagnostic::new(message, &span, label).help_opt(did_you_mean(name, FILES)));
        }
    }
    let mut root = |name: &str| {
        let path = format!("{FOLDER}/{name}.yaml");
        let found = files
            .iter()
            .find(|(file, _)| sources.files[*file].path == path);
        if found.is_none() {
            let message = format!("no facts: `{path}` is missing or empty");
            reader
                .diags
                .push(Diagnostic::placeless(message).help(REMEDY));
        }
        found.map(|(_, node)| node)
    };
    let (provenance, calls) = (root("provenance"), root("syscalls"));
    let (constants, structs) = (root("constants"), root("structs"));
    let path = format!("{FOLDER}/unnamed.yaml");
    let mut files = files.iter();
    // A specification may do without.
    let unnamed = files.find(|(file, _)| sources.files[*file].path == path);
    Some(Facts {
        provenance: reader.provenance(provenance?)?,
        isas: isas.to_vec(),
        calls: reader.numbers(calls?),
        constants: reader.table(constants?, "a constant", |r, n| r.number(n)),
        structs: reader.structs(structs?),
        unnamed: unnamed
            .and_then(|(_, node)| reader.unnamed(node))
            .unwrap_or_default(),
    })
}

/// What manual pages say of a call's first release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stated {
    /// It is this one.
    Exactly(Release),
    /// It is a later one.
    After(Release),
}

impl fmt::Display for Stated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stated::Exactly(release) => write!(f, "{release}"),
            Stated::After(release) => write!(f, "later than {release}"),
        }
    }
}

/// What manual pages say of calls, if the specification has that.
pub fn read_since(
    sources: &Sources,
    files: &[(usize, Node)],
    calls: &BTreeMap<String, Vec<Option<u32>>>,
    diags: &mut Diagnostics,
) -> BTreeMap<String, Stated> {
    let path = format!("{FOLDER}/{SINCE}.yaml");
    let mut files = files.iter();
    let Some((_, root)) = files.find(|(file, _)| sources.files[*file].path == path) else {
        return BTreeMap::new();
    };
    let entries = decode::map(root, "the file", diags).unwrap_or_default();
    let known = entries.iter().filter_map(|(name, node)| {
        if !calls.contains_key(&name.value) {
            let message = format!("the kernel has no system call `{}`", name.value);
            diags
                .push(Diagnostic::new(message, &name.span, "not in its tables").help(SINCE_REMEDY));
        }
        Some((name.value.clone(), stated(node, diags)?))
    });
    known.collect()
}

fn stated(node: &Node, diags: &mut Diagnostics) -> Option<Stated> {
    let Kind::Map(_) = node.kind else {
        return release(node, diags).map(Stated::Exactly);
    };
    let fields = Fields::new(node, "a bound", &["after"], diags)?;
    release(fields.require("after", diags)?, diags).map(Stated::After)
}

fn release(node: &Node, diags: &mut Diagnostics) -> Option<Release> {
    let text = decode::text(node, "a release", diags)?;
    let release = text.value.parse().ok();
    if release.is_none() {
        let message = format!("`{}` is no release of Linux", text.value);
        diags.push(Diagnostic::new(
            message,
            &text.span,
            "expected numbers with dots",
        ));
    }
    release
}

/// The package that the facts of a specification were last extracted from, if they say.
/// Facts that cannot be read are no hindrance: they are about to be replaced.
pub fn recorded(sources: &Arc<Sources>) -> Option<Provenance> {
    let path = format!("{FOLDER}/provenance.yaml");
    let file = sources.files.iter().position(|file| file.path == path)?;
    let mut unheard = Diagnostics::new(Arc::clone(sources));
    let root = yaml::parse(sources, file, &mut unheard)?;
    let entries = decode::map(&root, "the file", &mut unheard)?;
    let mut text = |key: &str| {
        let (_, node) = entries.iter().find(|(name, _)| name.value == key)?;
        decode::text(node, key, &mut unheard).map(|name| name.value)
    };
    Some(Provenance {
        package: text("package")?,
        suite: text("suite"),
        version: text("version")?,
        sha256: text("sha256")?,
    })
}

pub(super) struct Reader<'a> {
    pub isas: &'a [String],
    pub diags: &'a mut Diagnostics,
}

impl Reader<'_> {
    fn provenance(&mut self, node: &Node) -> Option<Provenance> {
        let keys = ["package", "suite", "version", "sha256", "isas"];
        let fields = Fields::new(node, "the provenance", &keys, self.diags)?;
        let listed = fields.require("isas", self.diags)?;
        let names: Vec<String> = fields
            .names("isas", self.diags)
            .into_iter()
            .map(|name| name.value)
            .collect();
        if names != self.isas {
            let message = format!("the facts are about {}", names.join(", "));
            let label = format!("the specification's ISAs are {}", self.isas.join(", "));
            self.diags
                .push(Diagnostic::new(message, &listed.span, label).help(REMEDY));
            return None;
        }
        self.origin(&fields)
    }

    /// The package that facts are from.
    pub fn origin(&mut self, fields: &Fields) -> Option<Provenance> {
        let suite = fields.text("suite", self.diags).map(|n| n.value);
        let mut text = |key| {
            fields.require(key, self.diags)?;
            fields.text(key, self.diags).map(|n| n.value)
        };
        let (package, version, sha256) = (text("package"), text("version"), text("sha256"));
        Some(Provenance {
            package: package?,
            suite,
            version: version?,
            sha256: sha256?,
        })
    }

    /// The numbers of calls, of which an ISA has none twice.
    fn numbers(&mut self, root: &Node) -> BTreeMap<String, Vec<Option<u32>>> {
        let table = self.table(root, "a call's number", |r, n| r.number(n));
        let mut taken: BTreeMap<(usize, u32), &Name> = BTreeMap::new();
        for (name, node) in decode::map(root, "the file", self.diags).unwrap_or_default() {
            let numbers = table.get(&name.value).into_iter().flatten().enumerate();
            for (isa, number) in numbers.filter_map(|(isa, n)| Some((isa, (*n)?))) {
                if let Some(first) = taken.insert((isa, number), name) {
                    let (isa, first_name) = (&self.isas[isa], &first.value);
                    let message = format!("`{}` has the number of `{first_name}`", name.value);
                    let label = format!("{number} again on {isa}");
                    self.diags.push(
                        Diagnostic::new(message, &node.span, label)
                            .context(&first.span, "first here")
                            .help(REMEDY),
                    );
                    break;
                }
            }
        }
        table
    }

    pub fn table<T: Clone>(
        &mut self,
        root: &Node,
        what: &str,
        one: impl Fn(&mut Self, &Node) -> Option<T>,
    ) -> BTreeMap<String, Vec<Option<T>>> {
        let mut table = BTreeMap::new();
        for (name, node) in decode::map(root, "the file", self.diags).unwrap_or_default() {
            let values = self.per_isa(node, what, &one);
            table.insert(name.value.clone(), values);
        }
        table
    }

    /// A value for all ISAs or a mapping with one for each.
    fn per_isa<T: Clone>(
        &mut self,
        node: &Node,
        what: &str,
        one: impl Fn(&mut Self, &Node) -> Option<T>,
    ) -> Vec<Option<T>> {
        let isas = self.isas;
        let mut optional = |node: &Node| match node.kind {
            Kind::Null => None,
            _ => one(self, node),
        };
        let Kind::Map(entries) = &node.kind else {
            let value = optional(node);
            return vec![value; self.isas.len()];
        };
        let values: Vec<Option<Option<T>>> = isas
            .iter()
            .map(|isa| entries.iter().find(|(name, _)| name.value == *isa))
            .map(|found| found.map(|(_, node)| optional(node)))
            .collect();
        for (isa, _) in values
            .iter()
            .enumerate()
            .filter(|(_, value)| value.is_none())
        {
            let message = format!("{what} is not given for {}", isas[isa]);
            let label = format!("expected a key `{}`", isas[isa]);
            self.diags
                .push(Diagnostic::new(message, &node.span, label).help(REMEDY));
        }
        for (name, _) in entries {
            self.known_isa(name);
        }
        values.into_iter().map(Option::flatten).collect()
    }

    pub fn known_isa(&mut self, name: &Name) {
        if !self.isas.contains(&name.value) {
            let known: Vec<&str> = self.isas.iter().map(String::as_str).collect();
            let label = format!("expected one of {}", decode::one_of(&known));
            self.diags.push(
                Diagnostic::new(format!("unknown ISA `{}`", name.value), &name.span, label)
                    .help(did_you_mean(&name.value, known).unwrap_or_else(|| REMEDY.to_owned())),
            );
        }
    }

    pub fn number<T: TryFrom<i64>>(&mut self, node: &Node) -> Option<T> {
        let value = decode::int(node, "a fact", self.diags)?;
        let fitting = T::try_from(value).ok();
        if fitting.is_none() {
            let message = format!("{value} is out of range");
            self.diags
                .push(Diagnostic::new(message, &node.span, "does not fit").help(REMEDY));
        }
        fitting
    }

    pub fn pair(&mut self, node: &Node) -> Option<[u64; 2]> {
        match &node.kind {
            // No struct is larger, and sums of these cannot overflow.
            Kind::List(items) if items.len() == 2 => Some(
                [
                    self.number::<u32>(&items[0])?,
                    self.number::<u32>(&items[1])?,
                ]
                .map(u64::from),
            ),
            _ => {
                let label = "expected two numbers `[offset, size]`";
                self.diags
                    .push(Diagnostic::new("not a layout", &node.span, label).help(REMEDY));
                None
            }
        }
    }

    fn unnamed(&mut self, root: &Node) -> Option<Unnamed> {
        let keys = Fields::new(root, "the file", &["constants", "fields"], self.diags)?;
        let mut unnamed = Unnamed::default();
        if let Some(node) = keys.get("constants") {
            unnamed.constants = self.table(node, "a constant", |r, n| r.number(n));
        }
        if let Some(node) = keys.get("fields") {
            unnamed.fields = self.table(node, "a field", |r, n| r.place(n));
        }
        Some(unnamed)
    }

    fn place(&mut self, node: &Node) -> Option<Place> {
        self.pair(node).map(|[offset, size]| Place { offset, size })
    }

    fn structs(&mut self, root: &Node) -> BTreeMap<String, StructFacts> {
        let mut structs = BTreeMap::new();
        for (name, node) in decode::map(root, "the file", self.diags).unwrap_or_default() {
            if let Some(facts) = self.structure(node) {
                structs.insert(name.value.clone(), facts);
            }
        }
        structs
    }

    fn structure(&mut self, node: &Node) -> Option<StructFacts> {
        let keys = Fields::new(node, "an entry", &["layout", "fields"], self.diags)?;
        let layout = keys.require("layout", self.diags)?;
        let layout = self.per_isa(layout, "a layout", |r, n| {
            let [size, align] = r.pair(n)?;
            if !align.is_power_of_two() || size % align != 0 {
                let label = "expected `[size, alignment]`, a power of two that divides the size";
                let message = format!("{align} is no alignment of {size} bytes");
                r.diags
                    .push(Diagnostic::new(message, &n.span, label).help(REMEDY));
                return None;
            }
            Some(Layout { size, align })
        });
        let fields = keys.require("fields", self.diags)?;
        let fields = decode::map(fields, "`fields`", self.diags).unwrap_or_default();
        let fields = fields.iter().map(|(name, node)| {
            let places = self.per_isa(node, "a field", |r, n| r.place(n));
            for (place, whole) in places.iter().zip(&layout) {
                if let (Some(place), Some(whole)) = (place, whole)
                    && place.offset + place.size > whole.size
                {
                    let message = format!("`{}` is not inside the struct", name.value);
                    let label = format!(
                        "ends after {} bytes of {}",
                        place.offset + place.size,
                        whole.size
                    );
                    self.diags
                        .push(Diagnostic::new(message, &node.span, label).help(REMEDY));
                    break;
                }
            }
            (name.value.clone(), places)
        });
        let fields = fields.collect();
        Some(StructFacts { layout, fields })
    }
}
