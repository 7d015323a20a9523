//! The table of WALI's reference: read, written and compared.

use std::fs;
use std::path::{Path, PathBuf};

use wali_codegen::model::Spec;
use wali_codegen::reference::{compare, read, write};

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn spec() -> Spec {
    Spec::load(&here("../spec")).unwrap_or_else(|diags| panic!("{diags}"))
}

/// The table that the package wali-linux writes.
fn theirs() -> String {
    fs::read_to_string(here("../tests/data/wali-linux/calls.csv")).expect("the table")
}

/// What is known to differ. The kernel's headers side with the specification in all of it: where
/// the table has 151, arm64 and riscv have setfsuid.
const DIFFERENCES: [&str; 6] = [
    "mmap: no import `mmap2` here",
    "getpgrp: number on aarch64: none here, 151 there",
    "getpgrp: number on riscv64: none here, 151 there",
    "nfsservctl: number on riscv64: 42 here, none there",
    "getdents64: no import `getdents` here",
    "renameat: number on riscv64: none here, 38 there",
];

#[test]
fn the_reference_differs_where_it_is_known_to() {
    let rows = read(&theirs()).expect("its format");
    assert!(rows.iter().filter(|row| row.args.is_some()).count() > 130);
    assert_eq!(compare(&spec(), &rows).expect("known types"), DIFFERENCES);
}

#[test]
fn what_is_written_is_read_as_the_same() {
    let spec = spec();
    let rows = read(&write(&spec)).expect("our own table");
    assert_eq!(rows.len(), spec.calls.len());
    assert_eq!(compare(&spec, &rows).expect("known types"), [""; 0]);
    let described = rows.iter().filter(|row| row.args.is_some()).count();
    assert!(described > 300, "{described}");
}

/// A table with a line changed.
fn changed(from: &str, to: &str) -> String {
    let table = theirs();
    assert_eq!(table.matches(from).count(), 1, "{from}");
    table.replace(from, to)
}

#[test]
fn differences_are_found() {
    let spec = spec();
    for (from, to, said) in [
        (
            "\n0,read,3,int,void*,size_t",
            "\n0,read,3,int,void*,off_t",
            "read: takes (i32, i32, i32) here, (i32, i32, i64) there",
        ),
        (
            "\n0,read,3,int,void*,size_t,",
            "\n0,read,2,int,void*,,",
            "read: takes (i32, i32, i32) here, (i32, i32) there",
        ),
        (
            "\n0,read,",
            "\n7,read,",
            "read: number on x86_64: 0 here, 7 there",
        ),
        ("\n0,read,", "\n0,raed,", "raed: not in the specification"),
        (
            "size_t,,,,,,63,63",
            "size_t,,,,\"lesen,lire\",,63,63",
            "read: no import `lire` here",
        ),
    ] {
        let rows = read(&changed(from, to)).expect("the format");
        let lines = compare(&spec, &rows).expect("known types");
        assert!(lines.iter().any(|line| line == said), "{said}: {lines:#?}");
    }
}

#[test]
fn what_is_no_such_table_is_refused() {
    for (text, said) in [
        (String::new(), "line 1: expected the columns NR,Syscall"),
        ("name,number\n".to_owned(), "line 1: expected the columns"),
        (
            changed("\n0,read,3", "\nzero,read,3"),
            "line 2: `zero` is no number",
        ),
        (
            changed("\n0,read,3", "\n0,read,4"),
            "line 2: `read` has 3 types for 4 arguments",
        ),
        (
            changed("\n0,read,3", "\n0,read,many"),
            "line 2: `many` is no number",
        ),
        (
            changed("\n0,read,3,", "\n0,read,3"),
            "line 2: 12 columns, not 13",
        ),
    ] {
        let error = read(&text).expect_err(said);
        assert!(error.starts_with(said), "{error}");
    }
    let rows = read(&changed("\n0,read,3,int", "\n0,read,3,handle")).expect("the format");
    let error = compare(&spec(), &rows).expect_err("an unknown type");
    assert!(error.contains("`read` takes a `handle`"), "{error}");
}
