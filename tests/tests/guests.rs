//! Every case of every guest program, natively and under `wali`.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use libtest_mimic::{Arguments, Failed, Trial};
use wali_tests::guests::{self, Program, build, cases, compare};

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = vec![Trial::test("differences_are_noticed", || {
        noticed().map_err(Failed::from)
    })];
    for program in guests::programs() {
        trials.extend(trials_of(program));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn trials_of(program: Program) -> Vec<Trial> {
    let source = std::fs::read_to_string(&program.source).map_err(|e| e.to_string());
    let cases = match source.and_then(|text| cases::parse(&text)) {
        Ok(cases) => cases,
        // A source whose cases cannot be read is a failure, not an absence.
        Err(e) => {
            let message = format!("{}: {e}", program.source.display());
            return vec![Trial::test(format!("{}::cases", program.name), move || {
                Err(Failed::from(message))
            })];
        }
    };
    let program = Arc::new((program, OnceLock::new()));
    let run = |(name, case): (String, cases::Case)| {
        let program = Arc::clone(&program);
        Trial::test(format!("{}::{name}", program.0.name), move || {
            // The first case of a program builds it for all.
            let built = program.1.get_or_init(|| build::build(&program.0));
            let built = built.as_ref().map_err(|e| Failed::from(e.clone()))?;
            compare::compare(built, &case).map_err(Failed::from)
        })
    };
    BTreeMap::into_iter(cases).map(run).collect()
}

/// Takes one program's Wasm half for another's.
fn noticed() -> Result<(), String> {
    let half = |name: &str| {
        let program = guests::programs().into_iter().find(|p| p.name == name);
        build::build(&program.ok_or_else(|| format!("no program {name}"))?)
    };
    let mixed = build::Built {
        wasm: half("wc")?.wasm,
        native: half("cat")?.native,
    };
    let case = cases::Case {
        stdin: "one line\n".into(),
        ..cases::Case::default()
    };
    match compare::compare(&mixed, &case) {
        Err(report) if report.contains("-one line") && report.contains("+1 2 9") => Ok(()),
        other => Err(format!(
            "cat and wc were compared, with the outcome {other:?}"
        )),
    }
}
