//! What the tests and benches of WALI share: building guest programs, running them in
//! both worlds, and comparing what they did.

pub mod bench;
pub mod clock;
pub mod emitted;
pub mod gaps;
pub mod guests;
pub mod hostile;
pub mod interp;
pub mod isolate;
pub mod native;
pub mod old_kernel;
pub mod process;
pub mod random;
pub mod smith;
pub mod workspace;
