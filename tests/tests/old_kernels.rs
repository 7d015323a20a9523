//! Guests on kernels that are older than the specification, natively and under `wali`: what the
//! kernel lacks is lacking in both worlds, and what `wali` itself would like to use is not needed.
//!
//! `WALI_OLD_KERNELS=all` runs all guests, not only those that this is most about.

use std::sync::{Arc, OnceLock};

use libtest_mimic::{Arguments, Failed, Trial};
use wali_codegen::model::{Release, Spec};
use wali_tests::guests::{self, Program, build, cases, compare};
use wali_tests::old_kernel::OldKernel;
use wali_tests::workspace;

/// The oldest that is supported, an older one that does, too, and that of Debian 12.
const RELEASES: [Release; 3] = [Release([5, 10, 0]), Release([5, 4, 0]), Release([6, 1, 0])];

/// What has most to do with the kernel's newer calls.
const GUESTS: [&str; 13] = [
    "args",
    "cat",
    "exec",
    "fds",
    "fork",
    "futex",
    "mmap",
    "mremap",
    "polls",
    "signals",
    "thread_open",
    "threads",
    "vectors",
];

/// What cannot be as natively on kernels before a release, and why.
const EXCEPT: [(&str, Release, &str); 2] = [
    (
        "mremap::default",
        Release([5, 13, 0]),
        "a private mapping of a file can be moved then, but not grow",
    ),
    (
        "mmap_flags::all",
        Release([5, 13, 0]),
        "the same, for one of /dev/zero",
    ),
];

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    // QEMU's user mode knows no filters, and is old enough itself.
    if !workspace::target().emulated() {
        let spec = Spec::load(&workspace::spec_dir()).unwrap_or_else(|e| panic!("{e}"));
        let all = std::env::var("WALI_OLD_KERNELS").is_ok_and(|which| which == "all");
        let programs: Vec<_> = guests::programs()
            .into_iter()
            .filter(|program| all || GUESTS.contains(&program.name.as_str()))
            .map(|program| Arc::new((program, OnceLock::new())))
            .collect();
        for release in RELEASES {
            let kernel = OldKernel::new(&spec, release);
            assert!(!kernel.lacking.is_empty(), "Linux {release} lacks nothing");
            for program in &programs {
                trials.extend(trials_of(release, &kernel, program));
            }
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}

type Built = OnceLock<Result<build::Built, String>>;

fn trials_of(release: Release, kernel: &OldKernel, program: &Arc<(Program, Built)>) -> Vec<Trial> {
    let source = std::fs::read_to_string(&program.0.source).expect("a source");
    let cases = cases::parse(&source).unwrap_or_else(|e| panic!("{}: {e}", program.0.name));
    let trial = |(name, case): (String, cases::Case)| {
        let (kernel, program) = (kernel.clone(), Arc::clone(program));
        let name = format!("{}::{name}", program.0.name);
        let excepted =
            |(other, until, _): &&(&str, Release, &str)| *other == name && release < *until;
        let except = EXCEPT.iter().any(|row| excepted(&row));
        Trial::test(format!("{release}::{name}"), move || {
            let built = program.1.get_or_init(|| build::build(&program.0));
            let built = built.as_ref().map_err(|e| Failed::from(e.clone()))?;
            let worlds = compare::prepared(built, &case, |command| kernel.prepare(command))?;
            let [native, wali] = &worlds;
            let mut found = compare::differences(["native", "wali"], native, wali);
            found.extend(compare::unexpected("native", native, &case));
            match found.is_empty() {
                true => Ok(()),
                false => Err(found
                    .into_iter()
                    .map(|d| d.report)
                    .collect::<String>()
                    .into()),
            }
        })
        .with_ignored_flag(except)
    };
    cases.into_iter().map(trial).collect()
}
