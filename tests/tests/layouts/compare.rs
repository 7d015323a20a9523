//! Comparing a witness with the specification.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::world::{KINDS, Subject, Value, World, plain};

/// How many of each kind were compared, and how many differ as listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Comparisons, in the order of [`KINDS`].
    pub checks: [usize; KINDS.len()],
    /// Those with a listed difference among them.
    pub listed: usize,
}

/// A difference that is known: what the witness says instead, none if it has no such thing.
pub type Listed = BTreeMap<Subject, Option<i64>>;

/// How much a witness knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// All: what it does not have, the ISA does not have.
    Everything,
    /// All of its kinds: structs, constants and so on.
    Kinds(&'static [usize]),
    /// What it lacks means nothing.
    Something,
    /// What it lacks means nothing, but for these.
    These(BTreeSet<Subject>),
}

impl Reach {
    /// Whether what the witness does not have is not there.
    fn covers(&self, subject: &Subject) -> bool {
        match self {
            Reach::Everything => true,
            Reach::Kinds(kinds) => kinds.contains(&subject.kind()),
            Reach::Something => false,
            Reach::These(subjects) => subjects.contains(subject),
        }
    }
}

/// Compares what the specification says with what a witness says.
pub fn compare(
    spec: &World,
    witness: &World,
    reach: &Reach,
    listed: &Listed,
) -> Result<Counts, String> {
    let mut counts = Counts::default();
    let mut problems = String::new();
    let mut compared = BTreeSet::new();
    let mut of = |subject: &Subject, ours: Option<&Value>, theirs: Option<&Value>| {
        compared.insert(subject.clone());
        counts.checks[subject.kind()] += 1;
        let agree = match (ours, theirs) {
            (Some(a), Some(b)) => a.same(*b),
            (None, None) => true,
            _ => false,
        };
        let known = listed.get(subject);
        let problem = match (agree, known) {
            (true, None) => return,
            (true, Some(_)) => "listed as a difference, but there is none",
            (false, Some(known)) if known.map(|v| v as u64) == theirs.map(|v| v.value as u64) => {
                counts.listed += 1;
                return;
            }
            (false, Some(_)) => "listed with another value",
            (false, None) => "",
        };
        let show = |v: Option<&Value>| {
            v.map_or_else(|| "(absent)".to_owned(), |v| format!("{:#x}", v.value))
        };
        let (name, ours, theirs) = (subject.to_string(), show(ours), show(theirs));
        let line = format!("  {name:<44} {ours:>18} {theirs:>18}  {problem}");
        let _ = writeln!(problems, "{}", line.trim_end());
    };
    for (subject, value) in spec {
        match witness.get(subject) {
            None if !reach.covers(subject) => {}
            said => of(subject, Some(value), said),
        }
    }
    for (subject, value) in witness {
        if !spec.contains_key(subject) {
            of(subject, None, Some(value));
        }
    }
    for subject in listed.keys().filter(|s| !compared.contains(s)) {
        let name = subject.to_string();
        let _ = writeln!(
            problems,
            "  {name:<44} listed as a difference, but not compared"
        );
    }
    if problems.is_empty() {
        return Ok(counts);
    }
    let heading = format!("  {:<44} {:>18} {:>18}", "", "the spec says", "it says");
    Err(format!("{heading}\n{problems}"))
}

/// A comparison that must fail, in each way it can, and one that must not.
pub fn differences_are_noticed() -> Result<(), String> {
    let world = |text: &str| -> World {
        let pairs = text.split(' ').filter_map(|pair| pair.split_once('='));
        let pairs = pairs.map(|(name, value)| {
            let subject = Subject::parse(name).expect("a name of something");
            (subject, plain(value.parse().expect("a number")))
        });
        pairs.collect()
    };
    let listed = |text: &str| -> Listed {
        let values = world(text).into_iter();
        values.map(|(name, v)| (name, Some(v.value))).collect()
    };
    let spec = world("O_CREAT=64 sizeof(stat)=144 offsetof(stat,st_ino)=8 __NR_read=0");
    let cases = [
        // The witness, the list, and what the report must have; nothing if it must not fail.
        ("O_CREAT=64 sizeof(stat)=144", "", ""),
        ("O_CREAT=65", "", "O_CREAT 0x40 0x41"),
        ("O_CREAT=65", "O_CREAT=65", ""),
        (
            "O_CREAT=65",
            "O_CREAT=66",
            "O_CREAT 0x40 0x41 listed with another value",
        ),
        (
            "O_CREAT=64",
            "O_CREAT=65",
            "listed as a difference, but there is none",
        ),
        (
            "O_CREAT=64",
            "O_EXCL=1",
            "O_EXCL listed as a difference, but not compared",
        ),
        ("__NR_open=2", "", "__NR_open (absent) 0x2"),
        ("sizeof(stat)=128", "", "sizeof(stat) 0x90 0x80"),
    ];
    for (witness, list, expected) in cases {
        let outcome = compare(&spec, &world(witness), &Reach::Something, &listed(list));
        let report = outcome.err().unwrap_or_default();
        let words: Vec<&str> = report.split_whitespace().collect();
        if !words.join(" ").contains(expected) || expected.is_empty() != report.is_empty() {
            return Err(format!("{witness} with {list:?} listed gives `{report}`"));
        }
    }
    // A witness of everything that lacks something.
    let some = world("O_CREAT=64 sizeof(stat)=144 __NR_read=0");
    match compare(&spec, &some, &Reach::Everything, &Listed::new()) {
        Err(report) if report.contains("(absent)") => Ok(()),
        other => Err(format!("a missing field gives {other:?}")),
    }
}
