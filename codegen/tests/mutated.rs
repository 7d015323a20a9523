//! Specifications with something changed at random or at each place: the checker never panics or
//! hangs, its errors have a place, and what it takes, the schemas for editors take, too.

mod small;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use small::{base, load, specifications, tests};
use wali_codegen::diag::Diagnostics;
use wali_codegen::emit;
use wali_codegen::model::Spec;
use wali_codegen::source::Sources;

/// What no place can be blamed for.
const PLACELESS: [&str; 4] = [
    "calls of the kernel without an entry",
    "no facts: ",
    "more facts are missing",
    "the specification has no ISA",
];

/// The schemas for editors.
struct Schemas(BTreeMap<&'static str, jsonschema::Validator>);

impl Schemas {
    fn of(spec: &Spec) -> Schemas {
        let schemas = emit::editor_schemas(spec).into_iter();
        let validators = schemas.map(|(part, schema)| {
            let schema = serde_json::from_str(&schema).expect("JSON");
            let validator = jsonschema::draft202012::new(&schema).expect("a schema");
            (part, validator)
        });
        Schemas(validators.collect())
    }

    /// Whether a file fits the schema of its part; none if there is no schema for it.
    fn fits(&self, path: &str, yaml: &str) -> Option<bool> {
        let part = path.split(['/', '.']).next().unwrap_or(path);
        let validator = self.0.get(part)?;
        let value: Result<Value, _> = serde_saphyr::from_str(yaml);
        Some(value.is_ok_and(|value| validator.is_valid(&value)))
    }
}

/// Checks what became of a specification: that errors have a place, or else that the schemas take
/// the file.
fn judge(result: Result<Spec, Diagnostics>, schemas: &Schemas, path: &str, text: &str) -> bool {
    let diags = match result {
        // What is plain to one reader of YAML is a number to another.
        Ok(_) => {
            let numbers = ["\n1", ": 1", "~"].iter().any(|part| text.contains(part));
            let fits = schemas.fits(path, text).unwrap_or(true);
            assert!(
                fits || numbers,
                "{path} is fine, but not to its schema:\n{text}"
            );
            return true;
        }
        Err(diags) => diags,
    };
    assert!(!diags.is_empty());
    for diagnostic in diags.iter() {
        let placeless = PLACELESS.iter().any(|m| diagnostic.message.contains(m));
        assert!(diagnostic.at.is_some() || placeless, "{diags}");
        if let Some((span, _)) = &diagnostic.at {
            let text = &diags.sources().files[span.file].text;
            assert!(text.get(span.range.clone()).is_some(), "{diagnostic:?}");
        }
    }
    false
}

/// Everything that becomes of a text by one change to its lines or by its end.
fn changes(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut found = Vec::new();
    for cut in (0..text.len()).step_by(5) {
        found.push(text[..text.floor_char_boundary(cut)].to_owned());
    }
    for index in 0..lines.len() {
        let with = |new: &[&str]| {
            [&lines[..index], new, &lines[index + 1..]]
                .concat()
                .concat()
        };
        let line = lines[index];
        found.push(with(&[]));
        found.push(with(&[line, line]));
        found.push(with(&["  ", line]));
        found.push(with(&[line.strip_prefix("  ").unwrap_or(" # ")]));
        found.push(with(&[&line.replace(": ", ":")]));
        found.push(with(&[&line.replace(',', " ")]));
        found.push(with(&[&line.replacen("{ ", "[ ", 1)]));
        found.push(with(&[&line.replace('_', "-")]));
        found.push(with(&[&line.replacen(": ", ": &a ", 1)]));
        if let Some(next) = lines.get(index + 1) {
            found.push(
                [&lines[..index], &[next, line], &lines[index + 2..]]
                    .concat()
                    .concat(),
            );
        }
    }
    found
}

#[test]
fn every_change_of_the_small_specification() {
    let schemas = Schemas::of(&load(base()).unwrap_or_else(|diags| panic!("{diags}")));
    let base = base();
    let (mut fine, mut count) = (0, 0);
    for (index, file) in base.files.iter().enumerate() {
        for text in changes(&file.text) {
            let mut sources = base.clone();
            sources.files[index].text.clone_from(&text);
            count += 1;
            fine += usize::from(judge(load(sources), &schemas, &file.path, &text));
        }
    }
    assert!(count > 1200, "{count}");
    // Most are mistakes, some are not: comments cut off, lines swapped.
    assert!((20..count / 2).contains(&fine), "{fine} of {count}");
}

/// Numbers that are the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

/// A text with one thing changed.
fn changed(text: &str, random: &mut Random) -> String {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let (one, two) = (random.below(lines.len()), random.below(lines.len()));
    let mut new = lines.clone();
    let at = text.floor_char_boundary(random.below(text.len()));
    match random.below(6) {
        0 => return text[..at].to_owned(),
        1 => {
            return format!(
                "{}{}",
                &text[..at],
                text[at..].chars().skip(1).collect::<String>()
            );
        }
        2 => {
            return format!(
                "{}{}{}",
                &text[..at],
                ["{", "}", "[", ":", "\t", "'", "\u{1}"][random.below(7)],
                &text[at..]
            );
        }
        3 => _ = new.remove(one),
        4 => new.insert(one, lines[two]),
        _ => new.swap(one, two),
    }
    new.concat()
}

#[test]
fn changes_of_the_specification() {
    let real = Sources::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec"));
    let real = real.expect("the specification");
    let spec = Spec::from_sources(real.clone()).unwrap_or_else(|diags| panic!("{diags}"));
    let schemas = Schemas::of(&spec);
    let mut random = Random(0x0dd5);
    // Each takes as long as `wali-codegen check`, unoptimised.
    for _ in 0..12 {
        let index = random.below(real.files.len());
        let mut sources = real.clone();
        let text = changed(&sources.files[index].text, &mut random);
        let path = sources.files[index].path.clone();
        sources.files[index].text.clone_from(&text);
        judge(Spec::from_sources(sources), &schemas, &path, &text);
    }
}

/// What the checker says that a schema could have said, too.
const PLAIN: [&str; 22] = [
    "unknown key",
    "unknown type",
    "unknown representation",
    "unknown role",
    "unknown kind",
    "unknown restart",
    "unknown tail",
    "unknown error",
    "an argument named",
    "an entry named",
    "says nothing",
    "has no `doc`",
    "has no `args`",
    "has no `kind`",
    "has no `headers`",
    "has no `members`",
    "has no `otherwise`",
    "a seventh argument",
    "two directions",
    "without direction",
    "is not a header",
    "refused without a reason",
];

#[test]
fn schemas_see_the_plain_mistakes() {
    let schemas = Schemas::of(&load(base()).unwrap_or_else(|diags| panic!("{diags}")));
    let mut seen = 0;
    for entry in std::fs::read_dir(tests().join("broken")).expect("the folder") {
        let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("a file");
        for (_, text) in specifications(&text) {
            let (first, _) = text.split_once('\n').expect("a line");
            let target = first.strip_prefix("# file: ").expect("a name");
            let mut sources = base();
            sources.files.retain(|file| file.path != target);
            let file = wali_codegen::source::Source {
                path: target.to_owned(),
                text: text.clone(),
            };
            sources.files.push(file);
            let diags = load(sources).expect_err("broken");
            let plain = diags.iter().find(|diagnostic| {
                let here = diagnostic
                    .at
                    .as_ref()
                    .is_some_and(|(span, _)| diags.sources().files[span.file].path == target);
                here && PLAIN.iter().any(|part| diagnostic.message.contains(part))
            });
            // Other readers of YAML know these.
            let elsewhere = diags.iter().any(|d| d.message.starts_with("YAML a"));
            let plain = plain.filter(|_| !elsewhere);
            let (Some(plain), Some(fits)) = (plain, schemas.fits(target, &text)) else {
                continue;
            };
            assert!(!fits, "the schema takes it, but {}:\n{text}", plain.message);
            seen += 1;
        }
    }
    assert!(seen > 40, "{seen}");
}
