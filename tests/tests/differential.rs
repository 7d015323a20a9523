//! Random modules must do here what they do in `wasmi`, and whether or not something asks for
//! attention meanwhile must make no difference: `WALI_SEED=7 WALI_MODULES=30000` for other ones, and
//! more of them. Beside wasmtime, and with all that it has in common with this interpreter, that is
//! `engines/`.

use wali_tests::smith::{Case, Engine, Features, Ours, Wasmi};

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// What is looked at, so that a change of the generator or of this test that makes it see nothing
/// is noticed.
#[derive(Debug, Default)]
struct Seen {
    modules: u64,
    calls: u64,
    results: u64,
    traps: u64,
    faults_of_wasmi: u64,
}

/// Runs cases in all engines, the first of which the others are compared with.
fn compare(features: Features, engines: &mut [&mut dyn Engine]) -> Seen {
    let first = number("WALI_SEED", 1) << 32;
    let mut seen = Seen::default();
    for seed in first..first + number("WALI_MODULES", 3000) {
        let Some(case) = Case::new(seed, features) else {
            continue;
        };
        let [reference, others @ ..] = &mut *engines else {
            panic!("there is a first one");
        };
        let expected = reference.run(&case);
        for engine in others {
            let outcome = engine.run(&case);
            if expected.depends_on_limits() || outcome.depends_on_limits() {
                continue;
            }
            if reference.name() == "wasmi" && Wasmi::divides_by_zero(&expected, &outcome) {
                seen.faults_of_wasmi += 1;
                continue;
            }
            if let Some(difference) = outcome.difference(&expected, &case) {
                let path = std::env::temp_dir().join(format!("wali-{seed}.wasm"));
                std::fs::write(&path, &case.wasm).expect("it can be written");
                panic!(
                    "{} and {} differ: {}, in {}\n{difference}",
                    engine.name(),
                    reference.name(),
                    case.text(),
                    path.display()
                );
            }
        }
        seen.modules += 1;
        for (result, _) in &expected.calls {
            seen.calls += 1;
            match result {
                Ok(_) => seen.results += 1,
                Err(_) => seen.traps += 1,
            }
        }
    }
    println!("{seen:?}");
    seen
}

#[test]
fn modules_do_what_they_do_in_wasmi() {
    let features = Features {
        vectors: false,
        threads: false,
        exceptions: false,
    };
    let (mut plain, mut polled) = (Ours::new(), Ours::polled());
    let seen = compare(
        features,
        &mut [&mut Wasmi::default(), &mut plain, &mut polled],
    );
    assert!(
        seen.modules > 0 && seen.results > seen.modules && seen.traps > 0,
        "{seen:?}"
    );
    // Signals may be late, but calls ask for the hook as they begin.
    assert!(polled.hooks() > seen.modules / 10, "{}", polled.hooks());
    assert!(seen.faults_of_wasmi < 5 + seen.modules / 20, "{seen:?}");
    assert_eq!(plain.hooks(), 0);
}

#[test]
fn attention_makes_no_difference() {
    let features = Features {
        vectors: true,
        threads: true,
        exceptions: true,
    };
    let (mut plain, mut polled) = (Ours::new(), Ours::polled());
    let seen = compare(features, &mut [&mut plain, &mut polled]);
    assert!(seen.results > seen.modules && seen.traps > 0, "{seen:?}");
}
