//! From what people wrote and what the headers say to the checked model.

mod calls;
mod cases;
mod fallback;
mod omitted;
mod structs;
mod types;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::diag::{Diagnostic, Diagnostics};
use crate::facts::history::{self, Firsts, History};
use crate::facts::{self, Facts, Stated};
use crate::intent::{self, Intent};
use crate::model::{Isa, PerIsa, Spec};
use crate::source::{Sources, Span};

/// What to do when facts and intent disagree.
const RUN_FACTS: &str = "run `wali-codegen facts` if the specification changed since the last time";

/// The files in a folder that holds a specification.
fn read_folder(dir: &Path) -> Result<Sources, Diagnostics> {
    let failed = |diagnostic| {
        let mut diags = Diagnostics::new(Arc::default());
        diags.push(diagnostic);
        diags
    };
    if dir.is_dir() && !dir.join("isa").is_dir() {
        let message = format!("{} holds no specification (no folder `isa`)", dir.display());
        let below = dir.join("spec");
        let help = below
            .join("isa")
            .is_dir()
            .then(|| format!("did you mean {}?", below.display()));
        return Err(failed(Diagnostic::placeless(message).help_opt(help)));
    }
    Sources::read(dir).map_err(|error| {
        let message = format!("cannot read the specification: {error}");
        let help = "name the folder that holds `isa/` and `syscalls/` with `--spec`";
        let missing = !dir.exists();
        failed(Diagnostic::placeless(message).help_opt(missing.then(|| help.to_owned())))
    })
}

impl Spec {
    /// Reads and checks the specification in a folder.
    pub fn load(dir: &Path) -> Result<Spec, Diagnostics> {
        Spec::from_sources(read_folder(dir)?)
    }

    /// Checks a specification whose files are in memory.
    pub fn from_sources(sources: Sources) -> Result<Spec, Diagnostics> {
        let sources = Arc::new(sources);
        let mut diags = Diagnostics::new(Arc::clone(&sources));
        let spec = check(&sources, &mut diags);
        diags.sort();
        match spec {
            Some(spec) if diags.is_empty() => Ok(spec),
            _ => Err(diags),
        }
    }
}

/// What people wrote, without the facts; what extraction starts from.
pub fn load_intent(dir: &Path) -> Result<Intent, Diagnostics> {
    let mut sources = read_folder(dir)?;
    // Old facts must not stand in the way of new ones.
    sources
        .files
        .retain(|file| !file.path.starts_with(facts::FOLDER));
    let sources = Arc::new(sources);
    let mut diags = Diagnostics::new(Arc::clone(&sources));
    let intent = intent::read(&sources, &mut diags).intent;
    diags.sort();
    if diags.is_empty() {
        Ok(intent)
    } else {
        Err(diags)
    }
}

/// What people wrote, and the facts as they are, with those of older releases.
///
/// # Errors
/// Either cannot be read, or is wrong in itself.
pub fn load_facts(dir: &Path) -> Result<(Intent, Facts, History), Diagnostics> {
    let sources = Arc::new(read_folder(dir)?);
    let mut diags = Diagnostics::new(Arc::clone(&sources));
    let parsed = intent::read(&sources, &mut diags);
    let isas = parsed.intent.isas.iter();
    let isas: Vec<String> = isas.map(|isa| isa.name.value.clone()).collect();
    let facts = facts::read(&sources, &parsed.facts, &isas, &mut diags);
    let history = history::read(&sources, &parsed.facts, &isas, &mut diags);
    diags.sort();
    match facts {
        Some(facts) if diags.is_empty() => Ok((parsed.intent, facts, history)),
        _ => Err(diags),
    }
}

/// Everything the checks of single items look things up in.
struct Checker<'a> {
    intent: &'a Intent,
    facts: &'a Facts,
    stated: &'a BTreeMap<String, Stated>,
    firsts: &'a Firsts,
    /// Index of the ISA that gives the guest its numbers.
    guest: usize,
    diags: &'a mut Diagnostics,
    /// How many facts were found missing.
    missing: usize,
}

/// Missing facts that are reported one by one: the remedy is the same for all.
const MISSING_SHOWN: usize = 5;

impl Checker<'_> {
    /// Reports a missing fact.
    fn missing_fact(&mut self, message: String, span: &Span, file: &str) {
        self.missing += 1;
        if self.missing <= MISSING_SHOWN {
            let label = format!("not in facts/{file}.yaml");
            self.diags
                .push(Diagnostic::new(message, span, label).help(RUN_FACTS));
        }
    }

    /// Counts the missing facts that were not shown.
    fn more_missing(&mut self) {
        if let Some(more @ 1..) = self.missing.checked_sub(MISSING_SHOWN) {
            let message = format!("{more} more facts are missing");
            self.diags
                .push(Diagnostic::placeless(message).help(RUN_FACTS));
        }
    }
}

fn check(sources: &Arc<Sources>, diags: &mut Diagnostics) -> Option<Spec> {
    let parsed = intent::read(sources, diags);
    let intent = parsed.intent;
    // Without its ISAs, what the facts are about cannot be judged.
    if intent.isas.is_empty() || !parsed.complete || !parsed.isas_sound {
        return None;
    }
    let names: Vec<String> = intent
        .isas
        .iter()
        .map(|isa| isa.name.value.clone())
        .collect();
    let sound = diags.len();
    let facts = facts::read(sources, &parsed.facts, &names, diags)?;
    let stated = facts::read_since(sources, &parsed.facts, &facts.calls, diags);
    let history = history::read(sources, &parsed.facts, &names, diags);
    // Nothing that follows from mutilated facts is worth saying.
    if diags.len() > sound {
        return None;
    }
    let firsts = history.since(&facts);
    let mut checker = Checker {
        intent: &intent,
        facts: &facts,
        stated: &stated,
        firsts: &firsts,
        guest: intent.guest_isa(),
        diags,
        missing: 0,
    };
    let scalars = types::scalars(&checker);
    let mut flag_sets = checker.flag_sets();
    checker.sizes_in_numbers(&mut flag_sets);
    let structs = checker.structs();
    let calls = checker.calls(&flag_sets);
    let aux = checker.aux();
    checker.import_names();
    checker.more_missing();
    checker.undescribed();
    let unjudged = checker.omitted();
    Some(Spec {
        isas: intent.isas.iter().map(isa).collect(),
        provenance: facts.provenance.clone(),
        kernel: facts
            .calls
            .iter()
            .map(|(k, v)| (k.clone(), PerIsa(v.clone())))
            .collect(),
        scalars,
        flag_sets,
        structs,
        calls,
        aux,
        unjudged,
        files: sources.files.iter().map(|file| file.path.clone()).collect(),
    })
}

fn isa(intent: &intent::types::IsaIntent) -> Isa {
    Isa {
        name: intent.name.value.clone(),
        triple: intent.triple.value.clone(),
        uapi: intent.uapi.value.clone(),
        guest: intent.guest,
    }
}
