//! Says whether there is assembly for the target, as the cfg `wali_isa`, and rebuilds the
//! tables when a file is added to the specification: changes to files that are there
//! already are tracked by the macros themselves. `WALI_FALLBACKS=always` sets `wali_fallbacks`:
//! calls that some ISA lacks then are lacking on all, so that fallbacks can be tested.

use std::env;
use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../spec");
    println!("cargo::rerun-if-changed=src/isa");
    println!("cargo::rustc-check-cfg=cfg(wali_isa)");
    println!("cargo::rustc-check-cfg=cfg(wali_fallbacks)");
    println!("cargo::rerun-if-env-changed=WALI_FALLBACKS");
    match env::var("WALI_FALLBACKS").as_deref() {
        Ok("always") => println!("cargo::rustc-cfg=wali_fallbacks"),
        Ok("needed") | Err(env::VarError::NotPresent) => {}
        other => panic!("WALI_FALLBACKS={other:?}: expected `always` or `needed`"),
    }
    let arch = env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    let miri = env::var_os("CARGO_CFG_MIRI").is_some();
    if !miri && Path::new("src/isa").join(arch + ".rs").exists() {
        println!("cargo::rustc-cfg=wali_isa");
    }
}
