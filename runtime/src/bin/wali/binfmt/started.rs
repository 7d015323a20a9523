//! Modules that the kernel starts by this command, as it was told by `wali binfmt install`.

use std::ffi::OsString;
use std::fs::File;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

use clap::Parser;
use wali_arch::flags::start_flags;

use crate::run::{self, Args, Started};
use crate::{Cli, Command, inherited};

/// The environment variable with options of `wali run` for modules that are started so.
const OPTIONS: &str = "WALI_OPTIONS";

/// A value of the auxiliary vector; none if the kernel has given none.
fn auxiliary(kind: libc::c_ulong) -> Option<libc::c_ulong> {
    // SAFETY: asks for a number; errno is this thread's.
    unsafe {
        *libc::__errno_location() = 0;
        let value = libc::getauxval(kind);
        (value != 0 || *libc::__errno_location() == 0).then_some(value)
    }
}

/// Runs the module, if this process was started for one by the kernel. With the flag `P`, which
/// the kernel tells of since Linux 5.12, the arguments are this command's name, the module's path,
/// and all of the program's arguments.
pub fn run() -> Option<ExitCode> {
    let preserves = start_flags::AT_FLAGS_PRESERVE_ARGV0 as libc::c_ulong;
    if auxiliary(libc::AT_FLAGS)? & preserves == 0 {
        return None;
    }
    let mut arguments = std::env::args_os().skip(1);
    let (path, name) = (arguments.next()?, arguments.next()?);
    // Where what a user says must not change a program, the variable is not looked at.
    let secure = auxiliary(libc::AT_SECURE).is_some_and(|secure| secure != 0);
    let options = std::env::var_os(OPTIONS).filter(|_| !secure);
    let options = options.unwrap_or_default();
    let words = options.as_bytes().split(u8::is_ascii_whitespace);
    let words = words.filter(|word| !word.is_empty());
    let words = words.map(|word| std::ffi::OsStr::from_bytes(word).to_owned());
    let line = ["wali", "run"].into_iter().map(OsString::from);
    let line = line
        .chain(words)
        .chain(["--".into(), path])
        .chain(arguments);
    let Command::Run(args) = Cli::try_parse_from(line)
        .unwrap_or_else(|error| {
            eprintln!("wali: in {OPTIONS}:");
            error.exit()
        })
        .command
    else {
        return None;
    };
    Some(run_module(args, name))
}

fn run_module(args: Args, name: OsString) -> ExitCode {
    // With the flag `O`, the kernel has opened the module, which the user need not be able to
    // read, and which its path no longer has to lead to.
    let file = auxiliary(libc::AT_EXECFD).map(|fd| {
        let fd = fd as RawFd;
        inherited::count_as_closed(fd);
        // SAFETY: the kernel has made the descriptor for this program, which takes it once.
        File::from(unsafe { OwnedFd::from_raw_fd(fd) })
    });
    run::run(args, Some(Started { name, file }))
}
