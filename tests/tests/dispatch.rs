//! In optimised builds a handler goes on to the next one by a jump, and the native stack does not
//! grow: proven on the code that the compiler has emitted, for this machine's ISA and for those in
//! `WALI_ISAS`, whose programs need not run.
//!
//! What is read are the object files of the library, which the linker takes as they are: the
//! profile for releases has no optimisation at link time.

use std::collections::BTreeSet;

use wali_tests::emitted::{self, Code};
use wali_tests::workspace;

/// The handlers that do not go on to another: guest code ends there.
const ENDS: [&str; 2] = ["unreachable", "exit"];

/// Those that save registers although their usual way calls nothing, on some ISA. They give the
/// stack back like all others; it costs time, and they are rare or long.
const SPILLING: [&str; 14] = [
    // Loops over slots, unrolled: x86-64 has too few registers for them.
    "return_n",
    "return_call",
    "return_call_indirect",
    // It calls the kernel, unless the address is bad.
    "memory.atomic.notify",
    // They free memory unless there is none to free.
    "elem.drop",
    "data.drop",
    // Without SSE 4.1 these are functions of libc's, but for NaN.
    "f32.ceil",
    "f32.floor",
    "f32.trunc",
    "f32.nearest",
    "f64.ceil",
    "f64.floor",
    "f64.trunc",
    "f64.nearest",
];

/// Whether a handler is one of those, in whatever form.
fn may_spill(name: &str) -> bool {
    SPILLING.iter().any(|listed| {
        name.strip_prefix(listed)
            .is_some_and(|form| matches!(form, "" | ".acc" | ".to_acc" | ".acc.to_acc"))
    })
}

/// Operations on vectors work on sixteen lanes at once, for which there may not be registers enough.
fn of_vectors(name: &str) -> bool {
    let shapes = ["V128", "I8x16", "I16x8", "I32x4", "I64x2", "F32x4", "F64x2"];
    shapes.iter().any(|shape| name.starts_with(shape))
}

/// What to do about faults.
const HELP: &str = "
A handler must go on to the next one by a jump, with the native stack as it found it: otherwise each
guest instruction costs a native frame, until the stack overflows. LLVM makes the call at a handler's end a
jump if nothing of the handler is still needed after it. So in a handler, and in what is inlined into it,
- no local variable's address may escape, and nothing that has a destructor may be alive at the end;
- cold paths are functions of their own, `#[inline(never)]` and called at the end with the same arguments;
- what is alive across a call must fit the registers that calls do not keep: otherwise registers are saved on
  the usual way, which costs time. Move the call out of the usual way, or, if the handler is rare or
  long, list it in SPILLING.
ARCHITECTURE.md says more (\"A handler\").";

#[test]
fn handlers_go_on_by_jumps() {
    let names = wali_runtime::interp::handler_names();
    let this = workspace::target();
    let others = workspace::targets().iter().copied();
    let targets = std::iter::once(this).chain(others.filter(|other| other.isa != this.isa));
    let mut faults = Vec::new();
    let mut spilling = BTreeSet::new();
    for target in targets {
        let code = Code::read(&target.library()).expect("the library can be read");
        let report = emitted::dispatch(&target.isa, &code, &names, &ENDS)
            .unwrap_or_else(|e| panic!("{}: {e}", target.isa));
        println!(
            "{}: {} handlers, {} functions with what they leave to, {} faults",
            target.isa,
            names.len(),
            report.functions,
            report.faults.len()
        );
        faults.extend(report.faults);
        for name in report.spilling {
            if !may_spill(&name) && !of_vectors(&name) {
                faults.push(format!(
                    "{}: {name} saves registers on its usual way",
                    target.isa
                ));
            }
            spilling.insert(name);
        }
    }
    // Elsewhere there may be less.
    if this.isa == "x86_64" {
        for name in SPILLING.iter().filter(|name| !spilling.contains(**name)) {
            faults.push(format!(
                "{name} saves no registers, and is listed as if it did"
            ));
        }
    }
    assert!(faults.is_empty(), "\n{}\n{HELP}", faults.join("\n"));
}
