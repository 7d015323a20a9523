//! In optimised builds a handler goes on to the next by a jump: in the code that the compiler has
//! emitted for each ISA.

use wali_tests::emitted::{self, Code};

#[test]
fn handlers_go_on_by_jumps_on_each_isa() {
    let names = wali_runtime::interp::handler_names();
    for spec in std::env::var("SUITES").unwrap().split(',') {
        let (isa, path) = spec.split_once('=').unwrap();
        let code = Code::read(std::path::Path::new(path)).unwrap();
        let (faults, n) = emitted::dispatch_faults(isa, &code, &names, &["unreachable", "exit"]).unwrap();
        println!("{isa}: {} handlers, {n} functions, {} faults", names.len(), faults.len());
        for f in faults.iter().take(40) { println!("  {f}"); }
    }
}
