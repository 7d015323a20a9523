//! The committed reference of calls is what is emitted now.
//! `WALI_BLESS=1 cargo test -p wali-codegen --test docs` writes it anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use wali_codegen::emit;
use wali_codegen::facts::upstream;
use wali_codegen::model::Spec;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn spec() -> Spec {
    Spec::load(&root().join("spec")).unwrap_or_else(|problems| panic!("{problems}"))
}

fn write_to(dir: &Path) {
    let status = Command::new(env!("CARGO_BIN_EXE_wali-codegen"))
        .args(["emit", "docs", "--spec"])
        .arg(root().join("spec"))
        .arg("--out")
        .arg(dir)
        .status()
        .expect("the command");
    assert!(status.success());
}

fn names(dir: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
    let name = |entry: std::io::Result<fs::DirEntry>| {
        entry
            .unwrap()
            .file_name()
            .into_string()
            .expect("a plain name")
    };
    entries.map(name).collect()
}

#[test]
fn the_committed_reference_is_current() {
    let dir = root().join("docs/calls");
    if std::env::var_os("WALI_BLESS").is_some() {
        write_to(&dir);
    }
    let pages = emit::docs(&spec());
    let expected: BTreeSet<String> = pages.keys().cloned().collect();
    assert_eq!(names(&dir), expected, "pages in docs/calls");
    for (name, page) in &pages {
        let there = fs::read_to_string(dir.join(name)).unwrap();
        let line = there.lines().zip(page.lines()).position(|(a, b)| a != b);
        assert!(
            there == *page,
            "docs/calls/{name} is not what is emitted now (line {}): \
             set WALI_BLESS=1 to write it anew",
            line.unwrap_or(0) + 1
        );
    }
}

/// Every link leads to a page, and to a heading there.
#[test]
fn links_lead_somewhere() {
    let pages = emit::docs(&spec());
    let mut links = 0;
    for (name, page) in &pages {
        for rest in page.split("](").skip(1) {
            let link = rest.split(')').next().unwrap_or_default();
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { name.as_str() } else { file };
            let target = pages.get(target);
            let target = target.unwrap_or_else(|| panic!("{name}: no page for {link}"));
            let heading = format!("\n## `{anchor}`\n");
            assert!(
                anchor.is_empty() || target.contains(&heading),
                "{name}: {link}"
            );
            links += 1;
        }
    }
    assert!(links > 300, "{links} links");
}

/// Every call of the kernel is in the index; what is described has a section with its reason.
#[test]
fn nothing_is_left_out() {
    let spec = spec();
    let pages = emit::docs(&spec);
    for name in spec.kernel.keys() {
        assert!(pages["README.md"].contains(&format!("`{name}`")), "{name}");
    }
    for call in spec.calls.values() {
        let page = &pages[&format!("{}.md", call.family)];
        assert!(
            page.contains(&format!("\n## `{}`\n", call.name)),
            "{}",
            call.name
        );
        if let Some(cases) = &call.cases {
            for (path, _) in cases.walk() {
                let constant = path.last().expect("a constant");
                assert!(
                    page.contains(&format!("`{}`", constant.name)),
                    "{}",
                    constant.name
                );
            }
        }
    }
    assert!(pages["sandbox.md"].contains("Refused with `EPERM`: "));
}

/// What a kernel brings is named, or left out for a reason that somebody wrote down.
#[test]
fn nothing_waits_for_a_judgement() {
    assert_eq!(spec().unjudged, Vec::<String>::new());
}

#[test]
fn old_pages_go_and_others_stay() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("notes.md"), "by hand").unwrap();
    fs::write(
        dir.path().join("gone.md"),
        format!("{}# Gone", emit::docs::MARK),
    )
    .unwrap();
    write_to(dir.path());
    let names = names(dir.path());
    assert!(
        names.contains("notes.md") && names.contains("README.md") && !names.contains("gone.md")
    );
}

#[test]
fn the_readme_is_about_the_facts() {
    let spec = spec();
    let release = upstream(&spec.provenance.version).expect("a release");
    let said = format!(
        "All {} calls in Linux {release}'s tables",
        spec.kernel.len()
    );
    let readme = fs::read_to_string(root().join("README.md")).expect("README.md");
    assert!(readme.contains(&said), "README.md does not say: {said}");
}
