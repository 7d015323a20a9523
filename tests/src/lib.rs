//! What the tests and benches of WALI share: building guest programs, running them in
//! both worlds, and comparing what they did.

pub mod bench;
pub mod guests;
pub mod hostile;
pub mod process;
pub mod workspace;
