//! The canonical form: what is kept, what is not, and that nothing changes its meaning.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use wali_codegen::diag::Diagnostics;
use wali_codegen::emit;
use wali_codegen::fmt::format;
use wali_codegen::model::Spec;
use wali_codegen::source::{Source, Sources};
use wali_codegen::yaml::{self, Kind, Node};

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn real() -> Sources {
    Sources::read(&here("../spec")).expect("the specification")
}

/// The files of the specification that people write.
fn by_hand() -> Vec<Source> {
    let mut files = real().files;
    files.retain(|file| !file.path.starts_with("facts/"));
    files
}

fn formatted(path: &str, text: &str) -> String {
    format(path, text).unwrap_or_else(|diags| panic!("{diags}\nin\n{text}"))
}

#[test]
fn the_specification_is_in_canonical_form() {
    for file in by_hand() {
        let now = formatted(&file.path, &file.text);
        assert!(now == file.text, "{}: run `wali-codegen fmt`", file.path);
    }
}

#[test]
fn what_is_kept_and_what_is_not() {
    for (written, canonical) in [
        ("a:   b\n", "a: b\n"),
        ("a: b", "a: b\n"),
        ("\u{feff}---\r\na: b\r\n...\r\n", "a: b\n"),
        ("a:\n      b:   c\n      d: e\n", "a:\n  b: c\n  d: e\n"),
        ("a:\n- b\n- c\n", "a:\n  - b\n  - c\n"),
        ("a: {b: c,d: [e,f]}\n", "a: { b: c, d: [e, f] }\n"),
        ("a: {\n  b: c,\n  d: e\n}\n", "a: { b: c, d: e }\n"),
        ("a: {}\nb: [ ]\n", "a: {}\nb: []\n"),
        ("a:\n  { b: c }\n", "a: { b: c }\n"),
        // Quotes only where they are needed, be it by other readers of YAML.
        ("a: 'b c'\n\"d\": \"e\"\n", "a: b c\nd: e\n"),
        (
            "a: \"6.12\"\nb: 'no'\nc: '# d'\n",
            "a: \"6.12\"\nb: \"no\"\nc: \"# d\"\n",
        ),
        ("a: 'it''s: so'\n", "a: \"it's: so\"\n"),
        ("a: { b: 'c, d' }\n", "a: { b: \"c, d\" }\n"),
        ("a: 6.12\nb: -100\nc: 0x10\n", "a: 6.12\nb: -100\nc: 0x10\n"),
        ("a: two\n  lines\n", "a: two lines\n"),
        ("a: |\n  two\n  lines\n", "a: \"two\\nlines\\n\"\n"),
        ("a:\nb: ~\n", "a: null\nb: null\n"),
        ("? a\n: b\n", "a: b\n"),
        // Blank lines: one where there were some, none at the edges or below a key.
        ("\n\na: b\n\n\n\nc: d\n\n", "a: b\n\nc: d\n"),
        ("a:\n\n  b: c\n\n  d: e\n", "a:\n  b: c\n\n  d: e\n"),
        // Between entries at the left edge that go over lines.
        ("a:\n  b: c\nd: e\nf: g\n", "a:\n  b: c\n\nd: e\nf: g\n"),
        ("a: b\n# c\nc:\n  - d\n", "a: b\n\n# c\nc:\n  - d\n"),
        // Comments.
        ("# a\n\n#b\na: b # c\n", "# a\n\n#b\na: b   # c\n"),
        (
            "a:    # b\n    # c\n    d: e  # f\n# g\n",
            "a:   # b\n  # c\n  d: e   # f\n# g\n",
        ),
        (
            "a:\n  b: c\n  # at the end of a\nd: e\n",
            "a:\n  b: c\n  # at the end of a\n\nd: e\n",
        ),
        (
            "a:\n  b: c\n# before d\nd: e\n",
            "a:\n  b: c\n\n# before d\nd: e\n",
        ),
        (
            "a:\n  b:\n    c: d\n  # of a\n# of all\n",
            "a:\n  b:\n    c: d\n  # of a\n# of all\n",
        ),
        (
            "a:\n- b\n# before c\nc: d\n",
            "a:\n  - b\n\n# before c\nc: d\n",
        ),
        ("a: [b, # first\n  c]\n", "a:\n  - b   # first\n  - c\n"),
        ("a: {\n  # of b\n  b: c,\n}\n", "a:\n  # of b\n  b: c\n"),
        ("a:\n  # of a\n  b\n", "# of a\na: b\n"),
        ("a: 'b # c' # d\n", "a: \"b # c\"   # d\n"),
        ("a: b#c\n", "a: b#c\n"),
        ("# alone\n", "# alone\n"),
        ("", ""),
        // Lists of lists and of mappings.
        (
            "a:\n  - b: c\n    d: e\n  - [f]\n",
            "a:\n  - b: c\n    d: e\n  - [f]\n",
        ),
        ("a:\n  -\n    - b\n    - c\n", "a:\n  - - b\n    - c\n"),
        ("- a\n-   b\n", "- a\n- b\n"),
    ] {
        assert_eq!(formatted("x.yaml", written), canonical, "of {written:?}");
        assert_eq!(
            formatted("x.yaml", canonical),
            canonical,
            "again, of {written:?}"
        );
    }
}

#[test]
fn long_brackets_become_lines() {
    let item = "x".repeat(30);
    let fits = format!("ab: [{item}, {item}, {item}]\n");
    assert_eq!(fits.trim_end().len(), 100);
    assert_eq!(formatted("x.yaml", &fits), fits);
    let long = format!("abc: [{item}, {item}, {item}]\n");
    let lines = format!("abc:\n  - {item}\n  - {item}\n  - {item}\n");
    assert_eq!(formatted("x.yaml", &long), lines);
    // What was on lines stays there, however short.
    assert_eq!(formatted("x.yaml", "a:\n  - b\n"), "a:\n  - b\n");
}

#[test]
fn what_is_not_yaml_is_left_alone() {
    for broken in [
        "a: b\n c: d\n",
        "a: [b\n",
        "a: &x b\n",
        "a: *x\n",
        "a: !x b\n",
        "<<: a\n",
        "a: b\na: c\n",
        "a: b\n---\nc: d\n",
    ] {
        let diags = format("x.yaml", broken).expect_err(broken);
        assert!(diags.iter().all(|d| d.at.is_some()), "{diags}");
    }
    let dir = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).expect("a file");
        path
    };
    let (good, bad) = (file("good.yaml", "a:   b\n"), file("bad.yaml", "a: [\n"));
    let run = |args: &[&Path], check: bool| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wali-codegen"));
        command.arg("fmt").current_dir(here(""));
        if check {
            command.arg("--check");
        }
        command.args(args).output().expect("the command")
    };
    // One bad file, and none is written.
    let output = run(&[&good, &bad], false);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("bad.yaml:"));
    assert_eq!(fs::read_to_string(&good).expect("a file"), "a:   b\n");
    assert_eq!(fs::read_to_string(&bad).expect("a file"), "a: [\n");
    let output = run(&[&good], true);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("good.yaml:1: not in canonical form"));
    assert_eq!(fs::read_to_string(&good).expect("a file"), "a:   b\n");
    assert!(run(&[&good], false).status.success());
    assert_eq!(fs::read_to_string(&good).expect("a file"), "a: b\n");
    assert!(run(&[&good], true).status.success());
}

/// Numbers that are the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn one_in(&mut self, limit: u64) -> bool {
        self.below(limit) == 0
    }
}

/// The same lines as somebody else's editor would leave them.
fn disorderly(text: &str, random: &mut Random) -> String {
    let width = 1 + random.below(4);
    let ending = if random.one_in(2) { "\r\n" } else { "\n" };
    let mut out = String::new();
    if random.one_in(2) {
        out.push('\u{feff}');
    }
    if random.one_in(2) {
        out.push_str("---");
        out.push_str(ending);
    }
    for line in text.lines() {
        let rest = line.trim_start();
        let indent = (line.len() - rest.len()) as u64 * width;
        out.extend((0..indent).map(|_| ' '));
        let mut rest = rest.to_owned();
        // Neither in brackets nor in texts.
        if !rest.contains(['{', '[', '#']) {
            rest = match (rest.split_once(": "), random.below(4)) {
                (Some((key, value)), 0) => format!("{key}:    {value}"),
                (Some((key, value)), 1) if !value.contains(['\'', '"']) && value.len() > 4 => {
                    format!("{key}: '{value}'")
                }
                (Some((key, value)), 2) if key.len() > 4 => format!("\"{key}\": {value}"),
                _ => rest,
            };
        } else if !rest.contains('#') && random.one_in(2) {
            rest = rest
                .replace("{ ", "{")
                .replace(" }", "}")
                .replace(", ", " ,  ");
        }
        out.push_str(&rest);
        out.extend((0..random.below(3)).map(|_| ' '));
        out.push_str(ending);
        if line.is_empty() && random.one_in(2) {
            out.push_str("   ");
            out.push_str(ending);
        }
    }
    if random.one_in(2) {
        out.push_str("...");
    }
    out
}

#[test]
fn disorder_is_undone() {
    let mut random = Random(0x5eed);
    for _ in 0..3 {
        for file in by_hand() {
            let written = disorderly(&file.text, &mut random);
            let now = formatted(&file.path, &written);
            for (now, was) in now.lines().zip(file.text.lines()) {
                assert_eq!(now, was, "{}", file.path);
            }
            assert!(now == file.text, "{}", file.path);
        }
    }
}

/// A tree in a layout that nobody would choose. Comments are numbered.
struct Wild<'a> {
    random: &'a mut Random,
    out: String,
    comments: usize,
}

impl Wild<'_> {
    fn comment(&mut self, indent: usize) {
        if self.random.one_in(4) {
            self.out
                .push_str(&format!("{}# {}\n", " ".repeat(indent), self.comments));
            self.comments += 1;
        }
    }

    fn trailing(&mut self) {
        if self.random.one_in(4) {
            self.out.push_str(&format!(" # {}", self.comments));
            self.comments += 1;
        }
        self.out.push('\n');
        if self.random.one_in(6) {
            self.out.push_str("\n  \n");
        }
    }

    fn scalar(&mut self, text: &str) {
        let plain = !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_ /.()*<>|;-".contains(c))
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
            && !["null", "Null", "NULL"].contains(&text);
        match self.random.below(3) {
            0 => self
                .out
                .push_str(&format!("'{}'", text.replace('\'', "''"))),
            1 if plain => self.out.push_str(text),
            _ => self.out.push_str(&format!(
                "\"{}\"",
                text.replace('\\', "\\\\").replace('"', "\\\"")
            )),
        }
    }

    /// On one line or on many, in brackets.
    fn flow(&mut self, node: &Node, indent: usize) {
        let gap = |wild: &mut Self| {
            if wild.random.one_in(8) {
                wild.trailing();
                wild.out.push_str(&" ".repeat(indent + 1));
            } else {
                wild.out.push(' ');
            }
        };
        match &node.kind {
            Kind::Null => self.out.push('~'),
            Kind::Scalar(text) => self.scalar(text),
            Kind::List(items) => {
                self.out.push('[');
                for item in items {
                    gap(self);
                    self.flow(item, indent);
                    self.out.push(',');
                }
                gap(self);
                self.out.push(']');
            }
            Kind::Map(entries) => {
                self.out.push('{');
                for (key, value) in entries {
                    gap(self);
                    self.scalar(&key.value);
                    self.out.push_str(": ");
                    self.flow(value, indent);
                    self.out.push(',');
                }
                gap(self);
                self.out.push('}');
            }
        }
    }

    /// On lines of its own, or in brackets behind what stands there.
    fn value(&mut self, node: &Node, indent: usize) {
        let many = match &node.kind {
            Kind::List(items) => !items.is_empty(),
            Kind::Map(entries) => !entries.is_empty(),
            Kind::Null | Kind::Scalar(_) => false,
        };
        if many && !self.random.one_in(3) {
            self.trailing();
            let deeper = indent + 1 + self.random.below(5) as usize;
            self.block(node, deeper);
        } else {
            self.out.push(' ');
            self.flow(node, indent);
            self.trailing();
        }
    }

    fn block(&mut self, node: &Node, indent: usize) {
        let start = " ".repeat(indent);
        match &node.kind {
            Kind::Map(entries) => {
                for (key, value) in entries {
                    self.comment(indent);
                    self.out.push_str(&start);
                    self.scalar(&key.value);
                    self.out.push(':');
                    self.value(value, indent);
                }
            }
            Kind::List(items) => {
                for item in items {
                    self.comment(indent);
                    self.out.push_str(&start);
                    self.out.push('-');
                    self.value(item, indent);
                }
            }
            Kind::Null | Kind::Scalar(_) => unreachable!("only what has items is given"),
        }
        self.comment(indent);
    }
}

fn tree(text: &str) -> Node {
    let sources = Arc::new(Sources::from_memory([("x.yaml", text)]));
    let mut diags = Diagnostics::new(Arc::clone(&sources));
    let root = yaml::parse(&sources, 0, &mut diags);
    assert!(diags.is_empty(), "{diags}");
    root.expect("entries")
}

/// A tree without its places.
fn said(node: &Node) -> String {
    match &node.kind {
        Kind::Null => "~".to_owned(),
        Kind::Scalar(text) => format!("{text:?}"),
        Kind::List(items) => {
            let items: Vec<String> = items.iter().map(said).collect();
            format!("[{}]", items.join(","))
        }
        Kind::Map(entries) => {
            let entry = |(key, value): &(wali_codegen::source::Name, Node)| {
                format!("{:?}:{}", key.value, said(value))
            };
            let entries: Vec<String> = entries.iter().map(entry).collect();
            format!("{{{}}}", entries.join(","))
        }
    }
}

#[test]
fn any_layout_keeps_its_meaning_and_its_comments() {
    let mut random = Random(0xf00d);
    let mut comments = 0;
    for file in by_hand() {
        let root = tree(&file.text);
        for _ in 0..2 {
            let mut wild = Wild {
                random: &mut random,
                out: String::new(),
                comments: 0,
            };
            wild.block(&root, 0);
            let (written, count) = (wild.out, wild.comments);
            assert_eq!(said(&tree(&written)), said(&root), "{}", file.path);
            let once = formatted(&file.path, &written);
            assert_eq!(said(&tree(&once)), said(&root), "{}", file.path);
            let numbers = once.lines().filter_map(|line| line.split_once("# "));
            let numbers: Vec<&str> = numbers.map(|(_, number)| number).collect();
            let expected: Vec<String> = (0..count).map(|n| n.to_string()).collect();
            assert_eq!(numbers, expected, "{}:\n{written}\n=>\n{once}", file.path);
            let again = formatted(&file.path, &once);
            assert!(
                once == again,
                "{} is not stable:\n{once}\n=>\n{again}",
                file.path
            );
            comments += count;
        }
    }
    assert!(comments > 500, "{comments} comments");
}

/// What generators and people see of the specification is the same in any layout.
#[test]
fn the_model_is_the_same_in_any_layout() {
    let mut random = Random(0xbeef);
    let expected = Spec::from_sources(real()).unwrap_or_else(|diags| panic!("{diags}"));
    let mut sources = real();
    for file in &mut sources.files {
        let root = tree(&file.text);
        let mut wild = Wild {
            random: &mut random,
            out: String::new(),
            comments: 0,
        };
        wild.block(&root, 0);
        file.text = formatted(&file.path, &wild.out);
    }
    let spec = Spec::from_sources(sources).unwrap_or_else(|diags| panic!("{diags}"));
    assert!(emit::json(&spec) == emit::json(&expected));
}

#[test]
fn what_is_cut_off_is_formatted_or_refused() {
    let file = by_hand()
        .into_iter()
        .find(|f| f.path == "syscalls/keyctl.yaml");
    let text = file.expect("a file with comments and brackets").text;
    let mut good = 0;
    for cut in (0..text.len()).step_by(7) {
        let Ok(once) = format("x.yaml", &text[..text.floor_char_boundary(cut)]) else {
            continue;
        };
        good += 1;
        assert_eq!(formatted("x.yaml", &once), once, "cut at {cut}");
    }
    assert!(good > 20, "{good}");
}
