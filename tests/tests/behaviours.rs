//! The committed list of what is compared with native programs is that of the guests.

use wali_tests::guests::page::page;
use wali_tests::workspace;

#[test]
fn the_list_is_what_there_is() {
    let path = workspace::root().join("docs/behaviours.md");
    let made = page();
    if std::env::var_os("WALI_BLESS").is_some() {
        std::fs::write(&path, made).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        return;
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == made,
        "{} is not up to date: run WALI_BLESS=1 cargo test -p wali-tests --test behaviours",
        path.display()
    );
}
