//! Every described call with every bad address: the process survives, the results are
//! results, and no memory changes but what was given to the kernel.

use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use wali_codegen::model::Spec;
use wali_tests::gaps;
use wali_tests::hostile::{self, FILE, Variant};
use wali_tests::process::{self, End};
use wali_tests::workspace;

/// The least value that is an error number; everything from 0 up is a result.
const LOWEST: i64 = -4095;

fn main() {
    let arguments = Arguments::from_args();
    let spec = Spec::load(&workspace::spec_dir()).unwrap_or_else(|e| panic!("{e}"));
    let spec: &'static Spec = Box::leak(Box::new(spec));
    let mut trials = vec![Trial::test("names_left_out_exist", || {
        let unknown = hostile::LEFT_OUT
            .iter()
            .find(|(name, _)| all(spec).all(|variant| variant.name != *name));
        unknown.map_or(Ok(()), |(name, _)| {
            Err(Failed::from(format!("{name} is not described")))
        })
    })];
    trials.push(Trial::test("writes_elsewhere_are_noticed", || {
        noticed(spec).map_err(Failed::from)
    }));
    trials.extend(all(spec).filter(hostile::applies).map(|variant| {
        Trial::test(variant.name.clone(), move || {
            let test = format!("hostile::{}", variant.name);
            let outcome = survives(spec, &variant);
            gaps::settle(&test, workspace::target(), outcome).map_err(Failed::from)
        })
    }));
    libtest_mimic::run(&arguments, trials).exit();
}

fn all(spec: &Spec) -> impl Iterator<Item = Variant> {
    spec.calls
        .values()
        .flat_map(|call| hostile::variants(spec, call))
}

fn survives(spec: &Spec, variant: &Variant) -> Result<(), String> {
    let vectors = hostile::vectors(spec, variant);
    let dir = tempfile::tempdir().map_err(|e| e.to_string())?;
    let module = dir.path().join("hostile.wasm");
    let wat = hostile::module(spec, variant, &vectors);
    let bytes = wat::parse_str(&wat).map_err(|e| format!("{e}\n{wat}"))?;
    let cwd = dir.path().join("work");
    std::fs::create_dir(&cwd)
        .and_then(|()| std::fs::write(cwd.join(FILE), "some content of a file"))
        .and_then(|()| std::fs::write(&module, bytes))
        .map_err(|e| e.to_string())?;

    let mut command = workspace::command(workspace::wali());
    command.arg("run").arg(&module).current_dir(&cwd);
    let outcome = process::run(command, b"", Duration::from_secs(60));
    match outcome.end {
        End::Exit(0) => {}
        End::Exit(2) => return Err("the module could not open its file as descriptor 3".into()),
        End::Exit(3) => return Err("memory changed outside of what the kernel was given".into()),
        end => return Err(format!("{end}\n{}", outcome.errors())),
    }
    let results: Vec<i64> = outcome
        .stdout
        .chunks_exact(8)
        .map(|c| i64::from_le_bytes(c.try_into().expect("eight bytes")))
        .collect();
    if results.len() != vectors.len() {
        return Err(format!("{} results of {}", results.len(), vectors.len()));
    }
    let mut wrong = String::new();
    for (vector, result) in vectors.iter().zip(results) {
        let what = format!("{} gave {result}", vector.shown(&variant.name));
        if result < LOWEST {
            wrong += &format!("{what}: neither a result nor an error\n");
        } else if vector.moves_nothing && result > 0 {
            wrong += &format!("{what}: more bytes than memory has there\n");
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

/// Takes the end of `struct stat` for foreign memory, where `fstat` then must not write.
fn noticed(spec: &Spec) -> Result<(), String> {
    let mut short = spec.clone();
    let layout = short
        .structs
        .get_mut("stat")
        .ok_or("no struct stat in the spec")?;
    layout.guest.size -= 32;
    let fstat = hostile::variants(&short, &spec.calls["fstat"]).remove(0);
    match survives(&short, &fstat) {
        Err(why) if why.contains("memory changed") => Ok(()),
        other => Err(format!(
            "fstat wrote into a canary, and the test saw {other:?}"
        )),
    }
}
