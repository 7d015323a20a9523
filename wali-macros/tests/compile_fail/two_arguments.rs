wali_macros::flags!("../spec", crate::support);

fn main() {}
