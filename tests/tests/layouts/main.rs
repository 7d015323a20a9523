//! Layouts, constants and numbers, on each ISA: the specification beside others who say what
//! they are.

mod c;
mod compare;
mod rust;
mod toolchain;
mod world;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use compare::{Counts, Listed, Reach};
use libtest_mimic::{Arguments, Failed, Trial};
use wali_codegen::facts::extract::extract;
use wali_codegen::facts::package::Headers;
use rust::Witness;
use world::{KINDS, Known, World};

/// What all tests share.
struct Shared {
    known: Known,
    headers: OnceLock<Result<Headers, String>>,
    rust: BTreeMap<String, OnceLock<Result<BTreeMap<Witness, World>, String>>>,
    rows: Mutex<Vec<(String, String, Counts)>>,
}

fn main() {
    let arguments = Arguments::from_args();
    let known = Known::load().unwrap_or_else(|e| panic!("{e}"));
    let shared = Arc::new(Shared {
        known,
        headers: OnceLock::new(),
        rust: toolchain::isas().into_iter().map(|isa| (isa, OnceLock::new())).collect(),
        rows: Mutex::default(),
    });
    let mut trials = Vec::new();
    for isa in toolchain::isas() {
        trials.push(trial(&shared, "clang", &isa, clang));
        trials.push(trial(&shared, "c", &isa, |shared, isa| {
            let world = c::host(&shared.known, shared.headers()?, isa)?;
            compare(shared, isa, &world, Reach::Everything)
        }));
        trials.push(trial(&shared, "arch", &isa, |shared, isa| {
            let world = shared.rust(isa, Witness::Arch)?;
            compare(shared, isa, world, Reach::Everything)
        }));
        trials.push(trial(&shared, "arch-guest", &isa, |shared, isa| {
            let world = shared.rust(isa, Witness::Guest)?;
            compare::compare(&shared.known.guest(), world, Reach::Everything, &Listed::new())
        }));
        trials.push(trial(&shared, "libc", &isa, |shared, isa| {
            let world = shared.rust(isa, Witness::Libc)?;
            compare(shared, isa, world, Reach::Something)
        }));
        trials.push(trial(&shared, "linux-raw-sys", &isa, |shared, isa| {
            let world = shared.rust(isa, Witness::LinuxRawSys)?;
            compare(shared, isa, world, Reach::Something)
        }));
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    print_table(&shared);
    conclusion.exit();
}

fn trial(
    shared: &Arc<Shared>,
    witness: &'static str,
    isa: &str,
    test: fn(&Shared, usize) -> Result<Counts, String>,
) -> Trial {
    let (shared, isa) = (Arc::clone(shared), isa.to_owned());
    Trial::test(format!("{witness}::{isa}"), move || {
        let index = shared.known.isa(&isa);
        let index = index.ok_or_else(|| Failed::from(format!("the facts know no {isa}")))?;
        let counts = test(&shared, index)
            .map_err(|e| Failed::from(format!("{witness} on {isa}:\n{e}")))?;
        let mut rows = shared.rows.lock().expect("no test panics with it");
        rows.push((witness.to_owned(), isa.clone(), counts));
        Ok(())
    })
}

fn compare(shared: &Shared, isa: usize, world: &World, reach: Reach) -> Result<Counts, String> {
    compare::compare(&shared.known.host(isa), world, reach, &Listed::new())
}

fn clang(shared: &Shared, isa: usize) -> Result<Counts, String> {
    let facts = extract(&shared.known.intent, shared.headers()?)?;
    compare(shared, isa, &world::world(&facts, isa), Reach::Everything)
}

impl Shared {
    /// What the Rust program for an ISA says.
    fn rust(&self, isa: usize, witness: Witness) -> Result<&World, String> {
        let name = &self.known.facts.isas[isa];
        let worlds = self.rust[name].get_or_init(|| rust::answers(&self.known, isa));
        let worlds = worlds.as_ref().map_err(Clone::clone)?;
        worlds.get(&witness).ok_or_else(|| "it says nothing".to_owned())
    }

    /// The headers that the facts are from.
    fn headers(&self) -> Result<&Headers, String> {
        let headers = self
            .headers
            .get_or_init(|| Headers::recorded(&self.known.facts.provenance));
        headers.as_ref().map_err(Clone::clone)
    }
}

fn print_table(shared: &Shared) {
    let mut rows = shared.rows.lock().expect("no test panics with it").clone();
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    print!("{:<14} {:<12}", "witness", "ISA");
    for kind in KINDS {
        print!(" {kind:>10}");
    }
    println!(" {:>10} {:>10}", "checks", "listed");
    for (witness, isa, counts) in rows {
        print!("{witness:<14} {isa:<12}");
        for n in counts.checks {
            print!(" {n:>10}");
        }
        let all: usize = counts.checks.iter().sum();
        println!(" {all:>10} {:>10}", counts.listed);
    }
}
