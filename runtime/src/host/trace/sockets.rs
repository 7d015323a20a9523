//! Socket calls. The kernel's public headers name few of their constants and no addresses, so
//! the names are the C library's, whose values are the same on every ISA here.

use std::fmt::Write;
use std::mem::offset_of;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::value::{self, Zero};
use crate::host::meta::{Arg, ArgType, Call, FlagSet, Pointee, Scalar};

/// A set out of the C library's constants.
macro_rules! constants {
    ($name:literal, $bits:literal, $($member:ident),*) => {
        FlagSet {
            name: $name,
            bits: $bits,
            members: &[$((stringify!($member), libc::$member as i64)),*],
        }
    };
}

static DOMAINS: FlagSet = constants!(
    "AF",
    false,
    AF_UNSPEC,
    AF_UNIX,
    AF_INET,
    AF_INET6,
    AF_NETLINK,
    AF_PACKET,
    AF_VSOCK,
    AF_ALG,
    AF_BLUETOOTH,
    AF_CAN,
    AF_TIPC,
    AF_KEY
);

static KINDS: FlagSet = constants!(
    "SOCK",
    false,
    SOCK_STREAM,
    SOCK_DGRAM,
    SOCK_RAW,
    SOCK_RDM,
    SOCK_SEQPACKET
);

static KIND_FLAGS: FlagSet = constants!("SOCK", true, SOCK_CLOEXEC, SOCK_NONBLOCK);

static MESSAGE_FLAGS: FlagSet = constants!(
    "MSG",
    true,
    MSG_OOB,
    MSG_PEEK,
    MSG_DONTROUTE,
    MSG_CTRUNC,
    MSG_TRUNC,
    MSG_DONTWAIT,
    MSG_EOR,
    MSG_WAITALL,
    MSG_CONFIRM,
    MSG_ERRQUEUE,
    MSG_NOSIGNAL,
    MSG_MORE,
    MSG_WAITFORONE,
    MSG_FASTOPEN,
    MSG_CMSG_CLOEXEC
);

static DIRECTIONS: FlagSet = constants!("SHUT", false, SHUT_RD, SHUT_WR, SHUT_RDWR);

/// The family of socket calls.
const FAMILY: &str = "net";

/// Writes an argument by value, if it is one with names.
pub(super) fn argument(out: &mut String, call: &Call, arg: &Arg, word: u64) -> bool {
    let ArgType::Value(scalar) = &arg.ty else {
        return false;
    };
    if call.family != FAMILY {
        return false;
    }
    let set = match arg.name {
        "domain" => &DOMAINS,
        "how" => &DIRECTIONS,
        "flags" if call.name == "accept4" => &KIND_FLAGS,
        "flags" => &MESSAGE_FLAGS,
        "type" => {
            kind(out, *scalar, word);
            return true;
        }
        _ => return false,
    };
    value::constants(out, *scalar, set, word, Zero::Alone);
    true
}

/// A socket's type, and the flags beside it.
fn kind(out: &mut String, ty: Scalar, word: u64) {
    let flags = KIND_FLAGS
        .members
        .iter()
        .fold(0, |all, (_, v)| all | *v as u64);
    value::constants(out, ty, &KINDS, word & !flags, Zero::Alone);
    if word & flags != 0 {
        out.push('|');
        value::constants(out, ty, &KIND_FLAGS, word & flags, Zero::Alone);
    }
}

/// The place of the argument with the length, if this one is a socket's address.
pub(super) fn address_length(call: &Call, args: &[Arg], at: usize) -> Option<usize> {
    let arg = &args[at];
    let bytes = matches!(arg.ty, ArgType::Pointer(_, Pointee::Bytes(_)));
    if call.family != FAMILY || !bytes || !arg.name.ends_with("addr") {
        return None;
    }
    args.iter().position(|arg| arg.name == "addrlen")
}

/// The longest address, beyond which the kernel takes none.
pub(super) const LONGEST: usize = size_of::<libc::sockaddr_storage>();

/// A socket's address; nothing is written if it is of no known family.
pub(super) fn address(out: &mut String, bytes: &[u8]) -> bool {
    let part = |offset: usize, len: usize| bytes.get(offset..offset + len);
    let Some(&[a, b]) = part(0, 2) else {
        return false;
    };
    let family = i32::from(u16::from_le_bytes([a, b]));
    let port = |offset| part(offset, 2).map(|b| u16::from_be_bytes([b[0], b[1]]));
    let mut text = String::new();
    let done = match family {
        libc::AF_INET => (|| {
            let port = port(offset_of!(libc::sockaddr_in, sin_port))?;
            let ip = part(offset_of!(libc::sockaddr_in, sin_addr), 4)?;
            let ip = Ipv4Addr::from(<[u8; 4]>::try_from(ip).ok()?);
            let _ = write!(
                text,
                "AF_INET, sin_port=htons({port}), sin_addr=inet_addr(\"{ip}\")"
            );
            Some(())
        })(),
        libc::AF_INET6 => (|| {
            let port = port(offset_of!(libc::sockaddr_in6, sin6_port))?;
            let ip = part(offset_of!(libc::sockaddr_in6, sin6_addr), 16)?;
            let ip = Ipv6Addr::from(<[u8; 16]>::try_from(ip).ok()?);
            let _ = write!(
                text,
                "AF_INET6, sin6_port=htons({port}), sin6_addr=\"{ip}\""
            );
            Some(())
        })(),
        libc::AF_UNIX => {
            let path = &bytes[offset_of!(libc::sockaddr_un, sun_path).min(bytes.len())..];
            text.push_str("AF_UNIX");
            // One that begins with a NUL is a name of its own, NULs and all.
            match path.split_first() {
                None => {}
                Some((0, name)) => {
                    text.push_str(", sun_path=@");
                    value::quoted(&mut text, name, false);
                }
                Some(_) => {
                    let end = path.iter().position(|b| *b == 0).unwrap_or(path.len());
                    text.push_str(", sun_path=");
                    value::quoted(&mut text, &path[..end], false);
                }
            }
            Some(())
        }
        _ => None,
    };
    if done.is_some() {
        let _ = write!(out, "{{sa_family={text}}}");
    }
    done.is_some()
}
