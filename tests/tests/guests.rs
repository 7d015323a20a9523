//! Every case of every guest program, natively and under `wali`, on each ISA under test
//! (`WALI_ISAS`, which `./cross --host` sets). `WALI_ISAS_QUICK` leaves out all but one
//! case of each program on emulated ISAs; with `WALI_REPORTS`, failures are written to files in that
//! folder as they come, in full.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use libtest_mimic::{Arguments, Failed, Trial};
use wali_tests::gaps;
use wali_tests::guests::build::Built;
use wali_tests::guests::cases::Case;
use wali_tests::guests::compare::{self, World};
use wali_tests::guests::judge::judge;
use wali_tests::guests::table::Table;
use wali_tests::guests::{self, Program, build, cases};
use wali_tests::workspace::{self, Target};

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = vec![Trial::test("differences_are_noticed", || {
        noticed().map_err(Failed::from)
    })];
    let table = Arc::new(Table::default());
    for program in guests::programs() {
        trials.extend(trials_of(program, &table));
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    if std::env::var_os("WALI_ISAS").is_some() && !arguments.list {
        let path = table_path();
        std::fs::write(&path, table.render()).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        println!("{}\n(also in {})\n", table.render(), path.display());
    }
    conclusion.exit();
}

fn table_path() -> PathBuf {
    workspace::guest_dir().with_file_name("isas.md")
}

/// A case, and what this machine's own `wali` makes of its module, if that was asked for.
struct Run {
    name: String,
    case: Case,
    reference: OnceLock<Result<World, String>>,
}

fn trials_of(program: Program, table: &Arc<Table>) -> Vec<Trial> {
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
    let runs: Vec<Arc<Run>> = cases
        .into_iter()
        .map(|(name, case)| {
            Arc::new(Run {
                name,
                case,
                reference: OnceLock::new(),
            })
        })
        .collect();
    let quick = std::env::var_os("WALI_ISAS_QUICK").is_some();
    let mut trials = Vec::new();
    for target in workspace::targets() {
        let program = Arc::new((program.clone(), OnceLock::new()));
        let first = runs
            .iter()
            .find(|run| !hidden(&format!("{}::{}", program.0.name, run.name), target))
            .map(|run| run.name.clone());
        for run in &runs {
            let name = format!("{}::{}", program.0.name, run.name);
            let shown = match std::env::var_os("WALI_ISAS") {
                Some(_) => format!("{}::{name}", target.isa),
                None => name.clone(),
            };
            let (program, run, table) = (Arc::clone(&program), Arc::clone(run), Arc::clone(table));
            let left_out = quick && target.emulated() && Some(&run.name) != first.as_ref();
            let trial = Trial::test(shown, move || {
                // The first case of a program builds it for all.
                let built = program
                    .1
                    .get_or_init(|| build::build_for(&program.0, target));
                let outcome = built.as_ref().map_err(Clone::clone).and_then(|built| {
                    judge(target, built, &name, &run.case, run.here(target, built)?)
                });
                if let (Err(report), Some(folder)) = (&outcome, std::env::var_os("WALI_REPORTS")) {
                    let file = Path::new(&folder).join(format!("{}::{name}", target.isa));
                    std::fs::write(&file, report)
                        .map_err(|e| Failed::from(format!("{}: {e}", file.display())))?;
                }
                let gaps = outcome.as_deref().ok();
                table.note(&program.0.name, &target.isa, gaps);
                outcome.map(drop).map_err(Failed::from)
            });
            trials.push(trial.with_ignored_flag(left_out));
        }
    }
    trials
}

/// Whether a gap of the emulator may explain anything that the case does, so that there is little
/// to learn from it.
fn hidden(name: &str, target: &Target) -> bool {
    let gaps = gaps::of(name, target);
    gaps.iter().any(|gap| gap.sometimes && gap.ends)
}

impl Run {
    /// What this machine's own `wali` makes of the module, if the target is another machine's.
    fn here(&self, target: &Target, built: &Built) -> Result<Option<&World>, String> {
        let here = workspace::target();
        if target.isa == here.isa {
            return Ok(None);
        }
        let world = self
            .reference
            .get_or_init(|| compare::wali(here, built, &self.case, &[]));
        world.as_ref().map(Some).map_err(Clone::clone)
    }
}

/// Takes one program's Wasm half for another's.
fn noticed() -> Result<(), String> {
    let half = |name: &str| {
        let program = guests::programs().into_iter().find(|p| p.name == name);
        build::build(&program.ok_or_else(|| format!("no program {name}"))?)
    };
    let mixed = Built {
        wasm: half("wc")?.wasm,
        native: half("cat")?.native,
    };
    let case = Case {
        stdin: "one line\n".into(),
        ..Case::default()
    };
    match judge(workspace::target(), &mixed, "mixed", &case, None) {
        Err(report) if report.contains("-one line") && report.contains("+1 2 9") => Ok(()),
        other => Err(format!(
            "cat and wc were compared, with the outcome {other:?}"
        )),
    }
}
