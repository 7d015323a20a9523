//! What the emulator is said to do otherwise than Linux: the programs in `tests/gaps` find this
//! machine's kernel as they should, and each emulator not. One that an emulator passes says that a
//! reason of `tests/emulator-gaps.yaml` is gone.

use std::path::Path;
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use wali_tests::gaps;
use wali_tests::guests::build;
use wali_tests::process::{self, End};
use wali_tests::workspace::{self, Target};

/// The status of a program that says nothing of the ISA.
const NOT_THIS_ISA: i32 = 77;

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = vec![Trial::test("programs_have_reasons", || {
        programs_have_reasons().map_err(Failed::from)
    })];
    let mut targets = vec![workspace::target()];
    targets.extend(workspace::targets().iter().filter(|t| t.emulated()));
    for (name, source) in gaps::programs() {
        for &target in &targets {
            let (source, trial) = (source.clone(), format!("{}::{name}", target.isa));
            trials.push(Trial::test(trial, move || {
                run(target, &source).map_err(Failed::from)
            }));
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn programs_have_reasons() -> Result<(), String> {
    let reasons = &gaps::all().reasons;
    match gaps::programs()
        .into_keys()
        .find(|p| !reasons.contains_key(p))
    {
        Some(name) => Err(format!("tests/gaps/{name}.c shows what no reason is")),
        None => Ok(()),
    }
}

fn run(target: &Target, source: &Path) -> Result<(), String> {
    let program = build::build_native(source, target)?;
    let dir = tempfile::tempdir().map_err(|e| format!("no temporary folder: {e}"))?;
    let mut command = target.command(&program);
    command.current_dir(dir.path());
    let outcome = process::run(command, b"", Duration::from_secs(60));
    let said = String::from_utf8_lossy(&outcome.stdout).into_owned() + &outcome.errors();
    match (outcome.end, target.emulated()) {
        (End::Exit(0), false) | (End::Exit(1 | NOT_THIS_ISA), true) => Ok(()),
        (End::Exit(0), true) => Err("the emulator does as Linux: take the reason out".into()),
        (end, _) => Err(format!("{end}\n{said}")),
    }
}
