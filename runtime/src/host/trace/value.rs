//! Numbers, constants and text as strace writes them.

use std::fmt::Write;

use crate::host::bindings::metadata::sets;
use crate::host::meta::{FlagSet, Role, Scalar};

/// The number that a word holds.
pub(super) fn number(scalar: Scalar, word: u64) -> i128 {
    let spare = 64 - u32::from(scalar.bits.clamp(1, 64));
    if scalar.signed {
        i128::from((word << spare) as i64 >> spare)
    } else {
        i128::from(word << spare >> spare)
    }
}

/// The bits of a number, without those above its width.
pub(super) fn bits(scalar: Scalar, word: u64) -> u64 {
    let spare = 64 - u32::from(scalar.bits.clamp(1, 64));
    word << spare >> spare
}

/// A number as what it stands for.
pub(super) fn scalar(out: &mut String, scalar: Scalar, word: u64) {
    let value = number(scalar, word);
    let _ = match scalar.role {
        Role::Plain | Role::Text | Role::Descriptor | Role::Process => write!(out, "{value}"),
        Role::Address => {
            address(out, bits(scalar, word));
            Ok(())
        }
        // All ones mean "none of them".
        Role::User | Role::Group if bits(scalar, !word) == 0 => out.write_str("-1"),
        Role::User | Role::Group => write!(out, "{value}"),
        Role::Signal => {
            signal(out, value as i64);
            Ok(())
        }
        Role::Signals => {
            signals(out, word);
            Ok(())
        }
        Role::Mode => {
            mode(out, bits(scalar, word));
            Ok(())
        }
        Role::Clock => {
            constants(out, scalar, &sets::clock_ids, word, Zero::Alone);
            Ok(())
        }
    };
}

/// An address of the guest's.
pub(super) fn address(out: &mut String, at: u64) {
    let _ = match at {
        0 => out.write_str("NULL"),
        at => write!(out, "{at:#x}"),
    };
}

/// A signal by its name.
pub(super) fn signal(out: &mut String, value: i64) {
    let members = sets::signals.members;
    let realtime = members.iter().find(|(name, _)| *name == "SIGRTMIN");
    let _ = match (members.iter().find(|(_, v)| *v == value), realtime) {
        (Some((name, _)), _) => out.write_str(name),
        (None, Some((_, first))) if value > *first && value <= 64 => {
            write!(out, "SIGRT_{}", value - first)
        }
        _ => write!(out, "{value}"),
    };
}

/// A set of signals; one of most signals by those that it lacks.
fn signals(out: &mut String, set: u64) {
    let most = set.count_ones() > 32;
    let shown = if most { !set } else { set };
    out.push_str(if most { "~[" } else { "[" });
    let mut name = String::new();
    for bit in (0..64).filter(|bit| shown & (1 << bit) != 0) {
        if !name.is_empty() {
            out.push(' ');
        }
        name.clear();
        signal(&mut name, bit + 1);
        out.push_str(name.strip_prefix("SIG").unwrap_or(&name));
    }
    out.push(']');
}

/// How a process ended or stopped, in the words of wait(2).
pub(super) fn wait_status(out: &mut String, status: i32) {
    let mut name = String::new();
    let _ = if libc::WIFEXITED(status) {
        let code = libc::WEXITSTATUS(status);
        write!(out, "[{{WIFEXITED(s) && WEXITSTATUS(s) == {code}}}]")
    } else if libc::WIFSIGNALED(status) {
        signal(&mut name, i64::from(libc::WTERMSIG(status)));
        let core = if libc::WCOREDUMP(status) {
            " && WCOREDUMP(s)"
        } else {
            ""
        };
        write!(out, "[{{WIFSIGNALED(s) && WTERMSIG(s) == {name}{core}}}]")
    } else if libc::WIFSTOPPED(status) {
        signal(&mut name, i64::from(libc::WSTOPSIG(status)));
        write!(out, "[{{WIFSTOPPED(s) && WSTOPSIG(s) == {name}}}]")
    } else if libc::WIFCONTINUED(status) {
        out.write_str("[{WIFCONTINUED(s)}]")
    } else {
        write!(out, "[{status:#x}]")
    };
}

/// A file mode: the kind by name, permissions in octal.
pub(super) fn mode(out: &mut String, value: u64) {
    let members = sets::mode_bits.members;
    let named = |wanted: &str| members.iter().find(|(name, _)| *name == wanted);
    let kinds = named("S_IFMT").map_or(0, |(_, mask)| *mask as u64);
    let kind = value & kinds;
    let name = members
        .iter()
        .find(|(name, v)| kind != 0 && *v as u64 == kind && *name != "S_IFMT");
    let _ = match name {
        Some((name, _)) => write!(out, "{name}|{}", Octal(value & !kinds)),
        None => write!(out, "{}", Octal(value)),
    };
}

/// At least three octal digits, the first a zero.
struct Octal(u64);

impl std::fmt::Display for Octal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            value @ 0..0o100 => write!(f, "{value:03o}"),
            value => write!(f, "0{value:o}"),
        }
    }
}

/// How a member that is zero is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zero {
    /// Where there is nothing else, as `PROT_NONE`.
    Alone,
    /// Beside others, too, as `O_RDONLY`, which is a value of a field.
    Beside,
    /// Not at all.
    Digit,
}

/// Constants of a set.
pub(super) fn constants(out: &mut String, ty: Scalar, set: &FlagSet, word: u64, zero: Zero) {
    if matches!(ty.role, Role::Signal | Role::Mode) {
        return scalar(out, ty, word);
    }
    let value = bits(ty, word);
    let exact = set
        .members
        .iter()
        .find(|(_, v)| bits(ty, *v as u64) == value);
    if !set.bits {
        return match exact {
            Some((name, _)) => out.push_str(name),
            None if number(ty, word) < 0 => {
                let _ = write!(out, "{}", number(ty, word));
            }
            None => unknown(out, set, value),
        };
    }
    if value == 0 {
        let name = exact.filter(|_| zero != Zero::Digit);
        return out.push_str(name.map_or("0", |(name, _)| name));
    }
    let (mut members, rest) = members(ty, set, value);
    if zero == Zero::Beside && !members.iter().any(|name| ACCESS.contains(name)) {
        let name = set.members.iter().find(|(_, v)| *v == 0);
        members.splice(0..0, name.map(|(name, _)| *name));
    }
    if members.is_empty() {
        return unknown(out, set, value);
    }
    out.push_str(&members.join("|"));
    if rest != 0 {
        let _ = write!(out, "|{rest:#x}");
    }
}

/// The other values of the field that `O_RDONLY` is one of.
const ACCESS: [&str; 2] = ["O_WRONLY", "O_RDWR"];

/// The members that a value is made of, and what is left: members of many bits come before
/// those that they are made of, and one of two for the same bits is enough.
fn members(ty: Scalar, set: &FlagSet, value: u64) -> (Vec<&'static str>, u64) {
    let mut rest = value;
    let mut found: Vec<(usize, &str, u64)> = Vec::new();
    for (i, (name, v)) in set.members.iter().enumerate() {
        let v = bits(ty, *v as u64);
        if v != 0 && value & v == v {
            found.push((i, name, v));
        }
    }
    found.sort_by_key(|(i, _, v)| (std::cmp::Reverse(v.count_ones()), *i));
    found.retain(|(_, _, v)| {
        let whole = rest & v == *v;
        if whole {
            rest &= !v;
        }
        whole
    });
    found.sort_by_key(|(i, ..)| *i);
    (found.into_iter().map(|(_, name, _)| name).collect(), rest)
}

/// A value that is no member: in hexadecimal, with what members' names begin with.
fn unknown(out: &mut String, set: &FlagSet, value: u64) {
    let mut names = set.members.iter().map(|(name, _)| *name);
    let first = names.next().unwrap_or_default();
    let common = names.fold(first.len(), |common, name| {
        let same = first.bytes().zip(name.bytes()).take_while(|(a, b)| a == b);
        same.count().min(common)
    });
    let prefix = first[..common].rfind('_').map(|at| &first[..=at]);
    let _ = match prefix {
        Some(prefix) => write!(out, "{value:#x} /* {prefix}??? */"),
        None => write!(out, "{value:#x} /* {}? */", set.name),
    };
}

/// Bytes as a C string. `more`: whether they go on.
pub(super) fn quoted(out: &mut String, bytes: &[u8], more: bool) {
    out.push('"');
    for (i, &byte) in bytes.iter().enumerate() {
        let _ = match byte {
            b'\t' => out.write_str("\\t"),
            b'\n' => out.write_str("\\n"),
            0x0b => out.write_str("\\v"),
            0x0c => out.write_str("\\f"),
            b'\r' => out.write_str("\\r"),
            b'"' | b'\\' => write!(out, "\\{}", byte as char),
            b' '..=b'~' => out.write_char(byte as char),
            // A digit behind it would be read as part of it.
            _ if bytes.get(i + 1).is_some_and(u8::is_ascii_digit) => write!(out, "\\{byte:03o}"),
            _ => write!(out, "\\{byte:o}"),
        };
    }
    out.push_str(if more { "\"..." } else { "\"" });
}

/// An error by name and meaning.
pub(super) fn error(out: &mut String, number: i32) {
    let name = sets::errno
        .members
        .iter()
        .find(|(_, v)| *v == i64::from(number));
    let mut text = [0 as libc::c_char; 128];
    // SAFETY: the buffer is as long as said; what comes back is NUL-terminated.
    let meaning = unsafe {
        libc::strerror_r(number, text.as_mut_ptr(), text.len());
        std::ffi::CStr::from_ptr(text.as_ptr())
    };
    let meaning = meaning.to_string_lossy();
    let _ = match name {
        Some((name, _)) => write!(out, "-1 {name} ({meaning})"),
        None => write!(out, "-1 (errno {number}: {meaning})"),
    };
}
