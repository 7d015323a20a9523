//! Options about how guests are run, which hold for the guests that they start by execve, too.

use std::ffi::CString;

/// Such options. What is added here must be among the words below.
#[derive(clap::Args)]
pub struct Options {}

impl Options {
    /// The options as words of a command line, for `wali resume`.
    pub fn words(&self) -> Vec<CString> {
        Vec::new()
    }
}
