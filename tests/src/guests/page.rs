//! The page that says what is compared with native programs, made of the guests' own comments.

use std::fmt::Write;

use super::{cases, programs};

const HEAD: &str = "\
# What is compared with native programs

Each of these is one C source in `tests/guests`, built natively and to WebAssembly, and run in both
worlds with the same input: output, exit status or signal, and the files left behind must be the
same. `cargo test --release -p wali-tests --test guests -- NAME` runs those of one name. The page is
made of the guests' comments by `WALI_BLESS=1 cargo test -p wali-tests --test behaviours`.

| guest | what it tries | cases |
|---|---|---|
";

/// The page.
///
/// # Panics
/// If a guest cannot be read.
pub fn page() -> String {
    let mut page = HEAD.to_string();
    for program in programs() {
        let source = std::fs::read_to_string(&program.source)
            .unwrap_or_else(|e| panic!("{}: {e}", program.source.display()));
        let cases =
            cases::parse(&source).unwrap_or_else(|e| panic!("{}: {e}", program.source.display()));
        let names: Vec<&str> = cases.keys().map(String::as_str).collect();
        let (name, about) = (program.name, about(&source).replace('|', "\\|"));
        let _ = writeln!(page, "| `{name}` | {about} | {} |", names.join(", "));
    }
    page
}

/// The first paragraph of a source's leading comment.
fn about(source: &str) -> String {
    source
        .lines()
        .map_while(|line| line.strip_prefix("//"))
        .map(str::trim)
        .take_while(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}
