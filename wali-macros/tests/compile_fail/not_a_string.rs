wali_macros::flags!(spec);

fn main() {}
