//! What processes, programs, threads and signals cost a guest next to a native program:
//! `cargo bench -p wali-tests --bench processes [-- --quick]`.

use wali_tests::bench::{Options, worlds};

fn main() {
    let options = Options::from_args();
    let count = if options.quick { 2 } else { 100 };
    println!("microseconds for each");
    worlds("processes/processes.c", count, 7, 1e-3, &options);
    println!("\nmicroseconds for each; there and back is two signals between two processes");
    let count = if options.quick { 1 } else { 10 };
    worlds("processes/signals.c", count, 7, 1e-3, &options);
}
