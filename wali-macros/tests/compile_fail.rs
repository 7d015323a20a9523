//! The macros' own errors. `TRYBUILD=overwrite` accepts changed messages.

#[test]
fn messages() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
