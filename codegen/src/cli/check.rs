//! `wali-codegen check`

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use serde_json::{Map, Value};
use wali_codegen::diag::{Diagnostic, Diagnostics};
use wali_codegen::model::{Answer, Spec};

use super::Failure;

/// How to say what was found.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Prints the mistakes as JSON, and nothing else
    ///
    /// A list, empty if there are none. Each has a `message` and, as far as they apply: `file`,
    /// relative to the specification's folder, `line` and `column` from 1, and those where it ends,
    /// `end_line` and `end_column`; `label`, what was expected there; `help`, how to mend it.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(dir: &Path, args: &Args) -> Result<(), Failure> {
    let start = Instant::now();
    let spec = super::load(dir);
    let mut out = io::stdout().lock();
    if args.json {
        let mistakes: Vec<Value> = match &spec {
            Ok(_) => Vec::new(),
            Err(Failure::Spec(diags)) => diags.iter().map(|d| json(diags, d)).collect(),
            Err(_) => return spec.map(drop),
        };
        serde_json::to_writer_pretty(&mut out, &mistakes).map_err(io::Error::from)?;
        writeln!(out)?;
        return match mistakes.len() {
            0 => Ok(()),
            _ => Err(Failure::Different),
        };
    }
    let spec = spec?;
    let time = start.elapsed();
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
    unjudged(&mut out, &spec.unjudged)?;
    writeln!(out, "no errors, {:.0} ms", time.as_secs_f64() * 1000.0)?;
    Ok(())
}

/// Most names that are shown of those that nobody has looked at.
const SHOWN: usize = 8;

/// What has come and waits for a person.
fn unjudged(out: &mut impl Write, names: &[String]) -> io::Result<()> {
    let shown = names[..names.len().min(SHOWN)].join(", ");
    let more = match names.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let are = if names.len() == 1 { "is" } else { "are" };
    match names.len() {
        0 => Ok(()),
        count => writeln!(
            out,
            "note: {count} in facts/unnamed.yaml {are} neither named in a set or structure nor left \
             out in omitted.yaml: {shown}{more}"
        ),
    }
}

fn json(diags: &Diagnostics, diagnostic: &Diagnostic) -> Value {
    let mut object = Map::new();
    let mut put = |key: &str, value: Value| _ = object.insert(key.to_owned(), value);
    put("message", diagnostic.message.as_str().into());
    if let Some((span, label)) = &diagnostic.at {
        let sources = diags.sources();
        let (line, column) = sources.line_column(span.file, span.range.start);
        let (end_line, end_column) = sources.line_column(span.file, span.range.end);
        put("file", sources.files[span.file].path.as_str().into());
        put("line", line.into());
        put("column", column.into());
        put("end_line", end_line.into());
        put("end_column", end_column.into());
        put("label", label.as_str().into());
    }
    if let Some(help) = &diagnostic.help {
        put("help", help.as_str().into());
    }
    Value::Object(object)
}

/// How many of the ISA's own calls and of the guest's are answered how.
fn answers(spec: &Spec, isa: usize) -> BTreeMap<Answer, usize> {
    let mut counts = BTreeMap::new();
    for call in spec.calls.values() {
        *counts.entry(call.answer_on(isa, spec)).or_default() += 1;
    }
    counts
}
