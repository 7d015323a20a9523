//! Options about how guests are run, which hold for the guests that they start by execve, too.

use std::ffi::CString;

/// Such options. What is added here must be among the words below.
#[derive(clap::Args)]
pub struct Options {
    /// Let calls through function pointers of another type than the function's get through
    ///
    /// C does not allow such calls, but natively they work, and programs make them; WebAssembly
    /// traps. With this, functions get and give what they would on x86-64: arguments that are not
    /// passed are 0, those that are not taken are dropped.
    #[arg(long)]
    pub emulate_fn_casts: bool,
}

impl Options {
    /// The options as words of a command line, for `wali resume`.
    pub fn words(&self) -> Vec<CString> {
        let mut words = Vec::new();
        if self.emulate_fn_casts {
            words.push(c"--emulate-fn-casts".to_owned());
        }
        words
    }
}
