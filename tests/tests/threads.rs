//! Programs with threads inside of another program, which they leave as they found it: its threads
//! are counted, so that there is but one test here.

use std::ffi::CString;
use std::time::Duration;

use wali_runtime::host::{Environment, Process, Startup};
use wali_runtime::program::{Outcome, Program, load};
use wali_tests::guests::{self, build};

fn program(folder: &str, name: &str, arg: &str) -> Program {
    let program = guests::Program {
        name: format!("{folder}-{name}"),
        source: guests::dir().join(folder).join(name).with_extension("c"),
    };
    let path = build::build_wasm(&program).unwrap_or_else(|e| panic!("{e}"));
    let module = load(&path).unwrap_or_else(|e| panic!("{e}"));
    let process = Process::new(Startup {
        args: vec![c"program".into(), CString::new(arg).unwrap()],
        environment: Environment::Empty,
        ..Startup::default()
    })
    .unwrap();
    Program::new(&module, process).unwrap_or_else(|e| panic!("{e}"))
}

fn count(folder: &str) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

/// Runs a program, after which as many threads are left as before: the kernel may still be
/// about to forget some.
fn run(mut program: Program) -> Outcome {
    let before = count("/proc/self/task");
    let outcome = program.run();
    drop(program);
    for _ in 0..6000 {
        if count("/proc/self/task") <= before {
            return outcome;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("threads are left: {}", count("/proc/self/task") - before);
}

fn ends(how: &str) -> Outcome {
    run(program("embedded", "ends", how))
}

fn status(outcome: &Outcome) -> Option<i32> {
    match outcome {
        Outcome::Exit(status) => Some(*status),
        Outcome::Trap(_) => None,
    }
}

fn a_thread_ends_the_program() {
    for _ in 0..10 {
        assert_eq!(status(&ends("exit")), Some(5));
    }
}

fn main_ends_the_program() {
    for _ in 0..10 {
        assert_eq!(status(&ends("main")), Some(4));
    }
}

fn a_trap_in_a_thread_is_the_programs() {
    for _ in 0..10 {
        match ends("trap") {
            Outcome::Trap(trap) => {
                let text = trap.to_string();
                assert!(
                    text.contains("unreachable") && text.contains("does"),
                    "{text}"
                );
            }
            other => panic!("{other:?}"),
        }
    }
}

fn the_last_thread_says_how() {
    for _ in 0..10 {
        assert_eq!(status(&ends("last")), Some(7));
    }
}

fn an_embedder_stops_a_program_whose_first_thread_is_gone() {
    let program = program("embedded", "ends", "gone");
    let handle = program.interrupt_handle();
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        handle.interrupt();
    });
    let outcome = run(program);
    stopper.join().unwrap();
    assert!(matches!(&outcome, Outcome::Trap(trap) if trap.to_string().contains("interrupted")));
}

fn many_threads_come_and_go() {
    for case in ["many", "detached", "memory", "conditions"] {
        let outcome = run(program("", "threads", case));
        assert_eq!(status(&outcome), Some(0), "{case}");
    }
}

#[test]
fn programs_leave_no_threads() {
    a_thread_ends_the_program();
    main_ends_the_program();
    a_trap_in_a_thread_is_the_programs();
    the_last_thread_says_how();
    an_embedder_stops_a_program_whose_first_thread_is_gone();
    many_threads_come_and_go();
}
