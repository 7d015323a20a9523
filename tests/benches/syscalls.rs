//! What a system call costs a guest above what it costs a native program:
//! `cargo bench -p wali-tests --bench syscalls [-- --quick]`.

use wali_tests::bench::{Options, worlds};

fn main() {
    let options = Options::from_args();
    let calls = if options.quick { 100 } else { 200_000 };
    println!("nanoseconds for a call");
    worlds("syscalls/calls.c", calls, 7, 1.0, &options);
}
