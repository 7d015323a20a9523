//! What processes, programs and threads cost a guest next to a native program:
//! `cargo bench -p wali-tests --bench processes [-- --quick]`.

use wali_tests::bench::{Options, worlds};

fn main() {
    let options = Options::from_args();
    let count = if options.quick { 2 } else { 100 };
    println!("microseconds for each");
    worlds("processes/processes.c", count, 7, 1e-3, &options);
}
