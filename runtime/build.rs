//! Chooses how the interpreter dispatches and how it checks bounds.
//!
//! | cfg | value | meaning |
//! |---|---|---|
//! | `wali_dispatch` | `"threaded"` | each handler ends in a sibling call to the next one |
//! | | `"loop"` | each handler returns to a loop, which calls the next one |
//! | `wali_bounds` | `"guarded"` | loads and stores rely on the reservation around a memory |
//! | | `"explicit"` | loads and stores compare against the memory's size first |
//!
//! Threaded dispatch relies on LLVM turning calls in tail position into jumps. It does so
//! when optimising, for the ISAs of `wali-arch`; elsewhere the native stack would grow with every
//! guest instruction, hence the loop. Guarded bounds need the assembly of `wali-arch`.
//! `WALI_DISPATCH` and `WALI_BOUNDS` override the choice, for measuring and for tests.

use std::env;
use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // A file added to the specification changes the bindings, too.
    println!("cargo::rerun-if-changed=../spec");
    let arch = env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    let optimised = matches!(env::var("OPT_LEVEL").as_deref(), Ok("2" | "3" | "s" | "z"));
    let known = Path::new("../arch/src/isa").join(arch + ".rs").exists();
    let miri = env::var_os("CARGO_CFG_MIRI").is_some();

    let threaded = known && optimised && !miri;
    choose(
        "WALI_DISPATCH",
        "wali_dispatch",
        ["threaded", "loop"],
        !threaded,
    );
    choose(
        "WALI_BOUNDS",
        "wali_bounds",
        ["guarded", "explicit"],
        !known || miri,
    );
}

/// Emits `cfg = values[second]` unless the environment names one of the values.
fn choose(variable: &str, cfg: &str, values: [&str; 2], second: bool) {
    println!("cargo::rerun-if-env-changed={variable}");
    let [a, b] = values;
    println!("cargo::rustc-check-cfg=cfg({cfg}, values(\"{a}\", \"{b}\"))");
    let value = match env::var(variable) {
        Ok(value) if values.contains(&value.as_str()) => value,
        Ok(value) => {
            println!("cargo::error={variable}={value}: expected `{a}` or `{b}`");
            return;
        }
        Err(_) => values[usize::from(second)].to_string(),
    };
    println!("cargo::rustc-cfg={cfg}=\"{value}\"");
}
