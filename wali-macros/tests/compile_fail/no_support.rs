wali_macros::layouts!("../spec");

fn main() {}
