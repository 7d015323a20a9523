//! What the reference's own table says, the PyPI package `wali-linux`: numbers, the types of
//! imports, and the guest's structs.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use wali_codegen::model::WasmType;
use wali_codegen::reference::{self, Row};
use wali_tests::workspace;

use crate::world::{Subject, World, plain};

/// What it has under other names than the kernel, `names.yaml`; none for what the specification
/// has not as a call or struct.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Names {
    calls: BTreeMap<String, Option<String>>,
    structs: BTreeMap<String, Option<String>>,
    fields: BTreeMap<String, Option<String>>,
}

fn read(name: &str) -> Result<String, String> {
    let path = workspace::root().join("tests/data/wali-linux").join(name);
    std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))
}

fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split('\t').collect())
}

/// The table in its own format.
fn calls() -> Result<Vec<Row>, String> {
    reference::read(&read("calls.csv")?).map_err(|e| format!("calls.csv: {e}"))
}

fn names() -> Result<Names, String> {
    serde_saphyr::from_str(&read("names.yaml")?).map_err(|e| format!("names.yaml: {e}"))
}

fn number(word: &str) -> Result<i64, String> {
    word.parse().map_err(|e| format!("`{word}`: {e}"))
}

/// The name to compare under, if any.
fn kernel_name<'a>(names: &'a BTreeMap<String, Option<String>>, name: &'a str) -> Option<&'a str> {
    names.get(name).map_or(Some(name), |known| known.as_deref())
}

/// An ISA's numbers, and which calls it has some number for on any ISA. Nothing for an ISA that
/// it does not know.
pub fn host(isa: &str) -> Result<Option<(World, BTreeSet<Subject>)>, String> {
    let isas = reference::ISAS;
    let Some(column) = isas.iter().position(|known| *known == isa) else {
        return Ok(None);
    };
    let names = names()?;
    let (mut world, mut asked) = (World::new(), BTreeSet::new());
    for row in calls()? {
        let Some(name) = kernel_name(&names.calls, &row.name) else {
            continue;
        };
        let subject = Subject::Number(name.to_owned());
        if let Some(number) = row.numbers[column] {
            world.insert(subject.clone(), plain(number.into()));
        }
        if !asked.insert(subject) {
            return Err(format!("`{name}` stands in the table twice"));
        }
    }
    Ok(Some((world, asked)))
}

/// The guest's structs and the types of imports.
pub fn guest() -> Result<World, String> {
    let (names, mut world) = (names()?, World::new());
    for row in calls()? {
        let Some(parameters) = row.signature()? else {
            continue;
        };
        let word = |ty: &WasmType| match ty {
            WasmType::I32 => "i32",
            WasmType::I64 => "i64",
        };
        let parameters: Vec<&str> = parameters.iter().map(word).collect();
        let import = format!("SYS_{}", row.name);
        crate::world::signature(&mut world, &import, &parameters, "i64");
    }
    for row in rows(&read("aux.tsv")?) {
        let (import, ty) = (row[0], row[1]);
        let Some((parameters, result)) = ty.split_once("->") else {
            return Err(format!("`{ty}` is no type of an import"));
        };
        let parameters = parameters.trim_matches(['(', ')']).split(',');
        let parameters: Vec<&str> = parameters.filter(|word| !word.is_empty()).collect();
        crate::world::signature(&mut world, import, &parameters, result);
    }
    for row in rows(&read("structs.tsv")?) {
        let (a, b) = (plain(number(row[1])?), plain(number(row[2])?));
        let (of, field) = match row[0].split_once('.') {
            None => (row[0], None),
            Some((of, field)) => (of, Some(field)),
        };
        let Some(name) = kernel_name(&names.structs, of) else {
            continue;
        };
        let own = || name.to_owned();
        let Some(field) = field else {
            world.insert(Subject::Size(own()), a);
            world.insert(Subject::Align(own()), b);
            continue;
        };
        let known = names.fields.get(row[0]).map(Option::as_deref);
        let inner = field.contains('.');
        let Some(field) = known.unwrap_or((!inner).then_some(field)) else {
            continue;
        };
        world.insert(Subject::Offset(own(), field.to_owned()), a);
        world.insert(Subject::FieldSize(own(), field.to_owned()), b);
    }
    Ok(world)
}
