//! Layouts, constants and numbers, on each ISA: the specification beside others who say what
//! they are.

mod c;
mod compare;
mod guest;
mod listed;
mod reference;
mod rust;
mod toolchain;
mod world;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use compare::{Counts, Reach};
use libtest_mimic::{Arguments, Failed, Trial};
use listed::Differences;
use rust::Witness;
use wali_codegen::facts::extract::extract;
use wali_codegen::facts::package::Headers;
use world::{KINDS, Known, Subject, World};

/// What several witnesses say of one ISA.
type Worlds = BTreeMap<Witness, World>;

/// What all tests share.
struct Shared {
    known: Known,
    differences: Differences,
    headers: OnceLock<Result<Headers, String>>,
    rust: BTreeMap<String, OnceLock<Result<Worlds, String>>>,
    rows: Mutex<Vec<(String, String, Counts)>>,
}

fn main() {
    let arguments = Arguments::from_args();
    let known = Known::load().unwrap_or_else(|e| panic!("{e}"));
    let shared = Arc::new(Shared {
        known,
        differences: Differences::load().unwrap_or_else(|e| panic!("{e}")),
        headers: OnceLock::new(),
        rust: toolchain::targets()
            .into_iter()
            .map(|target| (target.isa.clone(), OnceLock::new()))
            .collect(),
        rows: Mutex::default(),
    });
    let mut trials = vec![Trial::test("differences_are_noticed", || {
        compare::differences_are_noticed().map_err(Failed::from)
    })];
    for target in toolchain::targets() {
        let isa = &target.isa;
        for (witness, test) in ON_HOSTS {
            trials.push(trial(&shared, witness, isa, test));
        }
    }
    trials.push(trial(&shared, "wali.h", "guest", |shared, _| {
        let ours = shared.known.guest();
        let world = guest::header(&shared.known)?;
        shared.compare("wali.h", "guest", &ours, &world, &LAID_OUT)
    }));
    trials.push(trial(&shared, "headers", "guest", |shared, _| {
        let ours = shared.known.guest();
        let world = guest::kernel(&shared.known, shared.headers()?)?;
        shared.compare("headers", "guest", &ours, &world, &LAID_OUT)
    }));
    trials.push(trial(&shared, "libc-guest", "guest", |shared, _| {
        let mut ours = shared.known.guest();
        // Guests number calls as the ISA does whose structures they have.
        let isa = shared.known.host(shared.known.intent.guest_isa());
        ours.extend(
            isa.into_iter()
                .filter(|(s, _)| matches!(s, Subject::Number(_))),
        );
        match rust::guest(&shared.known)? {
            Some(world) => shared.compare("libc-guest", "guest", &ours, &world, &Reach::Something),
            None => {
                eprintln!("not checked: there is no SDK with Rust (sdk/install, sdk/rust)");
                Ok(Counts::default())
            }
        }
    }));
    trials.push(trial(&shared, "wali-linux", "guest", |shared, _| {
        let ours = shared.known.guest();
        shared.compare(
            "wali-linux",
            "guest",
            &ours,
            &reference::guest()?,
            &Reach::Something,
        )
    }));
    let conclusion = libtest_mimic::run(&arguments, trials);
    print_table(&shared);
    conclusion.exit();
}

/// Structs, fields and constants.
const LAID_OUT: Reach = Reach::Kinds(&[0, 1, 2]);

/// A comparison of what a witness says about an ISA.
type Test = fn(&Shared, &str) -> Result<Counts, String>;

/// The witnesses for each ISA.
const ON_HOSTS: [(&str, Test); 7] = [
    ("clang", |shared, isa| {
        let facts = extract(&shared.known.intent, shared.headers()?)?;
        let world = world::world(&facts, shared.index(isa)?);
        shared.compare_host("clang", isa, &world, &Reach::Everything)
    }),
    ("c", |shared, isa| {
        let world = c::host(&shared.known, shared.headers()?, shared.index(isa)?)?;
        shared.compare_host("c", isa, &world, &Reach::Everything)
    }),
    ("arch", |shared, isa| {
        let world = shared.rust(isa, Witness::Arch)?;
        shared.compare_host("arch", isa, world, &Reach::Everything)
    }),
    ("arch-guest", |shared, isa| {
        let world = shared.rust(isa, Witness::Guest)?;
        let ours = shared.known.guest();
        shared.compare("arch-guest", isa, &ours, world, &LAID_OUT)
    }),
    ("libc", |shared, isa| {
        let world = shared.rust(isa, Witness::Libc)?;
        shared.compare_host("libc", isa, world, &Reach::Something)
    }),
    ("linux-raw-sys", |shared, isa| {
        let world = shared.rust(isa, Witness::LinuxRawSys)?;
        shared.compare_host("linux-raw-sys", isa, world, &Reach::Something)
    }),
    ("wali-linux", |shared, isa| match reference::host(isa)? {
        None => Ok(Counts::default()),
        Some((world, asked)) => {
            shared.compare_host("wali-linux", isa, &world, &Reach::These(asked))
        }
    }),
];

fn trial(shared: &Arc<Shared>, witness: &'static str, isa: &str, test: Test) -> Trial {
    let (shared, isa) = (Arc::clone(shared), isa.to_owned());
    Trial::test(format!("{witness}::{isa}"), move || {
        let counts =
            test(&shared, &isa).map_err(|e| Failed::from(format!("{witness} on {isa}:\n{e}")))?;
        let mut rows = shared.rows.lock().expect("no test panics with it");
        rows.push((witness.to_owned(), isa.clone(), counts));
        Ok(())
    })
}

impl Shared {
    /// The ISA's place in the facts.
    fn index(&self, isa: &str) -> Result<usize, String> {
        let isas = &self.known.facts.isas;
        let index = isas.iter().position(|known| known == isa);
        index.ok_or_else(|| format!("the specification knows no {isa}"))
    }

    fn compare_host(
        &self,
        witness: &str,
        isa: &str,
        world: &World,
        reach: &Reach,
    ) -> Result<Counts, String> {
        let ours = self.known.host(self.index(isa)?);
        self.compare(witness, isa, &ours, world, reach)
    }

    fn compare(
        &self,
        witness: &str,
        isa: &str,
        ours: &World,
        world: &World,
        reach: &Reach,
    ) -> Result<Counts, String> {
        compare::compare(ours, world, reach, &self.differences.of(witness, isa)?)
    }

    /// What the Rust program for an ISA says.
    fn rust(&self, isa: &str, witness: Witness) -> Result<&World, String> {
        let index = self.index(isa)?;
        let worlds = self.rust[isa].get_or_init(|| rust::answers(&self.known, index));
        let worlds = worlds.as_ref().map_err(Clone::clone)?;
        worlds
            .get(&witness)
            .ok_or_else(|| "it says nothing".to_owned())
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
