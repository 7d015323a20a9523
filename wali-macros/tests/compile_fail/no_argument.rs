wali_macros::numbers!();

fn main() {}
