//! `wali-codegen check`

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use wali_codegen::model::{Answer, Spec};

use super::Failure;

pub(super) fn run(dir: &Path) -> Result<(), Failure> {
    let start = Instant::now();
    let spec = super::load(dir)?;
    let time = start.elapsed();
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{}: {} of {} system calls described, {} structs, {} flag sets, {} auxiliary imports",
        dir.display(),
        spec.calls.len(),
        spec.kernel.len(),
        spec.structs.len(),
        spec.flag_sets.len(),
        spec.aux.len(),
    )?;
    let provenance = &spec.provenance;
    writeln!(out, "facts: {} {}", provenance.package, provenance.version)?;
    for (index, isa) in spec.isas.iter().enumerate() {
        let answers = answers(&spec, index);
        let words: Vec<String> = answers
            .iter()
            .map(|(answer, count)| format!("{count} {}", answer.word()))
            .collect();
        writeln!(out, "{}: {}", isa.name, words.join(", "))?;
    }
    writeln!(out, "no errors, {:.0} ms", time.as_secs_f64() * 1000.0)?;
    Ok(())
}

/// How many of the ISA's own calls and of the guest's are answered how.
fn answers(spec: &Spec, isa: usize) -> BTreeMap<Answer, usize> {
    let mut counts = BTreeMap::new();
    for call in spec.calls.values() {
        *counts.entry(call.answer_on(isa, spec)).or_default() += 1;
    }
    counts
}
