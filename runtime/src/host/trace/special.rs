//! What strace's users expect of some calls, and the specification does not say.

use super::value::Zero;
use crate::host::abi::flags::open_flags;
use crate::host::bindings::metadata::sets;
use crate::host::meta::{Arg, ArgType, Call, FlagSet, Pointee, Returns, Role};

/// The fields that tell most about a structure; of others all are shown.
pub(super) const BRIEF: &[(&str, &[&str])] = &[
    ("stat", &["st_mode", "st_size"]),
    ("statx", &["stx_mask", "stx_mode", "stx_size"]),
    ("statfs", &["f_type", "f_bsize", "f_blocks", "f_bfree"]),
    ("rusage", &["ru_utime", "ru_stime"]),
    ("utsname", &["sysname", "nodename"]),
    ("sysinfo", &["uptime", "totalram", "freeram"]),
    ("termios", &["c_iflag", "c_oflag", "c_cflag", "c_lflag"]),
];

/// Fields that hold constants of a set: structure, field, set.
pub(super) const FIELD_SETS: &[(&str, &str, &str)] = &[
    ("statx", "stx_mask", "statx_mask"),
    ("open_how", "flags", "open_flags"),
    ("open_how", "mode", "mode_bits"),
    ("open_how", "resolve", "resolve_flags"),
    ("flock", "l_whence", "whence"),
    ("k_sigaction", "sa_flags", "sigaction_flags"),
    ("sigaltstack", "ss_flags", "sigaltstack_flags"),
    ("clone_args", "flags", "clone_flags"),
    ("pollfd", "events", "poll_events"),
    ("pollfd", "revents", "poll_events"),
    ("epoll_event", "events", "epoll_events"),
];

/// Fields that hold a file mode.
pub(super) const MODES: &[(&str, &str)] = &[("statx", "stx_mode"), ("open_how", "mode")];

/// The set of a field's constants.
pub(super) fn field_set(structure: &str, field: &str) -> Option<&'static FlagSet> {
    let known = |(s, f, _): &&(&str, &str, &str)| *s == structure && *f == field;
    let (_, _, name) = FIELD_SETS.iter().find(known)?;
    sets::ALL.iter().copied().find(|set| set.name == *name)
}

/// Whether a field is there for alignment or for later.
pub(super) fn is_padding(field: &str) -> bool {
    field.starts_with("__")
        || ["pad", "spare", "reserved", "unused"]
            .iter()
            .any(|word| field.trim_start_matches("f_").starts_with(word))
}

/// Whether the pieces that a vector names are written to, not read from.
pub(super) fn fills(call: &str) -> bool {
    call.contains("readv") || call.starts_with("recv")
}

/// Whether an argument is shown: some are never looked at, such as the mode of a file that is
/// not made.
pub(super) fn is_shown(args: &[Arg], words: &[u64], at: usize) -> bool {
    let makes = (open_flags::O_CREAT | open_flags::__O_TMPFILE) as u64;
    let opens_only = args.iter().zip(words).any(|(arg, word)| {
        matches!(arg.ty, ArgType::Flags(_, set) if set.name == sets::open_flags.name)
            && word & makes == 0
    });
    let is_device = args.iter().zip(words).any(|(arg, word)| {
        matches!(&arg.ty, ArgType::Value(scalar) if scalar.role == Role::Mode)
            && [libc::S_IFCHR, libc::S_IFBLK].contains(&(*word as u32 & libc::S_IFMT))
    });
    match &args[at].ty {
        ArgType::Unused => false,
        // Numbers of devices are for devices.
        _ if args[at].name == "dev" => is_device,
        ArgType::Value(scalar) => scalar.role != Role::Mode || !opens_only,
        ArgType::Flags(..) | ArgType::Pointer(..) => true,
    }
}

/// How a call shows that none of the flags is set: where they tell how a file is open,
/// read-only is one of them.
pub(super) fn zero(call: &Call, set: &FlagSet) -> Zero {
    if set.name != sets::open_flags.name {
        Zero::Alone
    } else if has_path(call) || call.cases.is_some() {
        Zero::Beside
    } else {
        Zero::Digit
    }
}

/// What access(2) asks for, which the kernel's public headers do not name.
static ACCESS: FlagSet = FlagSet {
    name: "access",
    bits: true,
    members: &[
        ("F_OK", libc::F_OK as i64),
        ("R_OK", libc::R_OK as i64),
        ("W_OK", libc::W_OK as i64),
        ("X_OK", libc::X_OK as i64),
    ],
};

/// The set of an argument that the specification has as a number.
pub(super) fn argument_set(call: &Call, arg: &Arg) -> Option<&'static FlagSet> {
    let access = matches!(call.name, "access" | "faccessat" | "faccessat2");
    (access && arg.name == "mode").then_some(&ACCESS)
}

/// Whether a call takes a file's name.
pub(super) fn has_path(call: &Call) -> bool {
    call.args
        .iter()
        .any(|arg| matches!(arg.ty, ArgType::Pointer(_, Pointee::Path)))
}

/// Whether a call that succeeds does not come back.
pub(super) fn leaves(call: &Call) -> bool {
    matches!(call.returns, Returns::Never)
}

/// Whether a call never comes back, not even with an error.
pub(super) fn is_exit(call: &Call) -> bool {
    ["exit", "exit_group"].contains(&call.name)
}

/// Whether an argument is an array of addresses of strings, with a null at its end.
pub(super) fn is_strings(call: &Call, arg: &Arg) -> bool {
    matches!(call.name, "execve" | "execveat") && matches!(arg.name, "argv" | "envp")
}

/// Whether an argument is the status of a child.
pub(super) fn is_status(call: &Call, arg: &Arg) -> bool {
    call.name == "wait4" && arg.name.contains("status")
}

/// Whether a success means one more thread or process.
pub(super) fn multiplies(call: &str) -> bool {
    ["fork", "vfork", "clone", "clone3", "__wasm_thread_spawn"].contains(&call)
}
