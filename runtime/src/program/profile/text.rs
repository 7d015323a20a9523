//! Profiles as files.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::{Format, State};
use crate::interp::Module;
use crate::json;

/// Writes a profile of a module's functions.
pub fn write(
    out: &mut impl Write,
    format: Format,
    module: &Module,
    state: &State,
) -> io::Result<()> {
    match format {
        Format::Folded => folded(out, module, state),
        Format::Speedscope => speedscope(out, module, state),
    }
}

/// What a function is called here.
fn name(module: &Module, function: u32) -> String {
    match (module.imported_func(function), module.func_name(function)) {
        (Some(import), _) => import.name.clone(),
        (None, Some(name)) => name.to_owned(),
        (None, None) => format!("function {function}"),
    }
}

fn folded(out: &mut impl Write, module: &Module, state: &State) -> io::Result<()> {
    let mut totals = vec![0; state.known.len()];
    for (stack, micros) in state.threads.values().flat_map(|thread| &thread.samples) {
        totals[*stack as usize] += micros;
    }
    let mut lines = BTreeMap::<String, u64>::new();
    for (stack, total) in state.known.iter().zip(totals) {
        // The format has no way to write these.
        let plain = |function: &u32| name(module, *function).replace([';', '\n', '\r'], " ");
        let names: Vec<String> = stack.iter().rev().map(plain).collect();
        *lines.entry(names.join(";")).or_default() += total;
    }
    for (names, total) in lines {
        writeln!(out, "{names} {total}")?;
    }
    Ok(())
}

fn speedscope(out: &mut impl Write, module: &Module, state: &State) -> io::Result<()> {
    let mut frames = BTreeMap::new();
    for &function in state.known.iter().flat_map(|stack| stack.iter()) {
        let next = frames.len();
        frames.entry(function).or_insert(next);
    }
    let mut names = vec![String::new(); frames.len()];
    for (&function, &place) in &frames {
        names[place] = format!("{{\"name\":{}}}", json::string(&name(module, function)));
    }
    let stacks: Vec<String> = state
        .known
        .iter()
        .map(|stack| {
            let places = stack
                .iter()
                .rev()
                .map(|function| frames[function].to_string());
            format!("[{}]", places.collect::<Vec<_>>().join(","))
        })
        .collect();
    write!(
        out,
        "{{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\
         \"exporter\":\"wali {}\",\"shared\":{{\"frames\":[{}]}},\"profiles\":[",
        env!("CARGO_PKG_VERSION"),
        names.join(",")
    )?;
    let threads = state
        .threads
        .iter()
        .filter(|(_, thread)| !thread.samples.is_empty());
    for (i, (id, thread)) in threads.enumerate() {
        let comma = if i == 0 { "" } else { "," };
        let total: u64 = thread.samples.iter().map(|(_, micros)| micros).sum();
        write!(
            out,
            "{comma}\n{{\"type\":\"sampled\",\"name\":\"thread {id}\",\"unit\":\"microseconds\",\
             \"startValue\":0,\"endValue\":{total},\"samples\":["
        )?;
        for (i, (stack, _)) in thread.samples.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(out, "{comma}{}", stacks[*stack as usize])?;
        }
        out.write_all(b"],\"weights\":[")?;
        for (i, (_, micros)) in thread.samples.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(out, "{comma}{micros}")?;
        }
        out.write_all(b"]}")?;
    }
    out.write_all(b"\n]}\n")
}
