//! The specification against the imports of published WALI binaries.

use std::collections::BTreeMap;
use std::path::Path;

use wali_codegen::model::{Spec, WasmType};

type Signature = (Vec<WasmType>, Option<WasmType>);

fn folder(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

fn types(list: &str) -> Vec<WasmType> {
    let list = list.trim_start_matches('(').trim_end_matches(')');
    let words = list.split(',').filter(|word| !word.is_empty());
    let one = |word: &str| match word {
        "i32" => WasmType::I32,
        "i64" => WasmType::I64,
        other => panic!("unexpected type {other}"),
    };
    words.map(one).collect()
}

/// Every import of the table with its signatures.
fn observed() -> Vec<(String, Signature)> {
    let path = folder("tests/data/wali-imports.tsv");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path:?}: {e}"));
    let row = |line: &str| {
        let columns: Vec<&str> = line.split('\t').collect();
        let (params, results) = columns[2].split_once("->").expect("a signature");
        let results = types(results);
        assert!(results.len() <= 1, "{line}");
        (
            columns[1].to_owned(),
            (types(params), results.first().copied()),
        )
    };
    text.lines().skip(1).map(row).collect()
}

/// Every import the specification describes.
fn described(spec: &Spec) -> BTreeMap<String, Signature> {
    let calls = spec.calls.values().flat_map(|call| {
        let signature = (call.guest_signature(spec), Some(WasmType::I64));
        std::iter::once(&call.import)
            .chain(&call.aliases)
            .map(move |name| (name.clone(), signature.clone()))
    });
    let aux = spec
        .aux
        .values()
        .map(|aux| (aux.name.clone(), aux.guest_signature(spec)));
    calls.chain(aux).collect()
}

#[test]
fn signatures_agree_with_published_binaries() {
    let spec = Spec::load(&folder("spec")).unwrap_or_else(|diags| panic!("{diags}"));
    let described = described(&spec);
    let mut compared = 0;
    let mut wrong = Vec::new();
    for (name, observed) in observed() {
        let Some(own) = described.get(&name) else {
            continue;
        };
        compared += 1;
        // The one import with two types: older libcs declare that it returns nothing.
        let exit = name == "SYS_exit" && observed == (vec![WasmType::I32], None);
        if *own != observed && !exit {
            wrong.push(format!("{name}: described {own:?}, observed {observed:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // 165 rows less the families that are not described yet.
    assert!(compared > 115, "only {compared} imports compared");
}

#[test]
fn every_auxiliary_import_is_described() {
    let spec = Spec::load(&folder("spec")).unwrap_or_else(|diags| panic!("{diags}"));
    for (name, _) in observed() {
        assert!(
            name.starts_with("SYS_") || spec.aux.contains_key(&name),
            "{name} is not described"
        );
    }
}
