//! `siginfo_t` on its way between guest and kernel: its union holds addresses and values
//! that are narrower in the guest, and signal and code say which of its members counts.

use std::ffi::c_int;
use std::mem::offset_of;

use wali_arch::flags::{code_counts, signal_codes, signals};
use wali_arch::layout::{Convert, Plain, guest, host};

use super::FAULTS;

/// Which member of the union counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Member {
    Kill,
    Timer,
    Queue,
    Child,
    Fault,
    Poll,
    Sys,
}

/// The member for a signal and a code, as the kernel's `siginfo_layout` has it.
fn member(signal: c_int, code: i32) -> Member {
    if !(signal_codes::SI_USER + 1..signal_codes::SI_KERNEL).contains(&code) {
        return match code {
            signal_codes::SI_TIMER => Member::Timer,
            signal_codes::SI_SIGIO => Member::Poll,
            code if code < 0 => Member::Queue,
            _ => Member::Kill,
        };
    }
    let (count, member) = match signal {
        signals::SIGILL => (code_counts::NSIGILL, Member::Fault),
        signals::SIGFPE => (code_counts::NSIGFPE, Member::Fault),
        signals::SIGSEGV => (code_counts::NSIGSEGV, Member::Fault),
        signals::SIGBUS => (code_counts::NSIGBUS, Member::Fault),
        signals::SIGTRAP => (code_counts::NSIGTRAP, Member::Fault),
        signals::SIGCHLD => (code_counts::NSIGCHLD, Member::Child),
        signals::SIGPOLL => (code_counts::NSIGPOLL, Member::Poll),
        signals::SIGSYS => (code_counts::NSIGSYS, Member::Sys),
        _ => (0, Member::Kill),
    };
    match code {
        code if code <= count => member,
        code if code <= code_counts::NSIGPOLL => Member::Poll,
        _ => Member::Kill,
    }
}

/// Copies a part of a structure, at that offset.
fn part<P: Plain>(whole: &impl Plain, offset: usize) -> P {
    assert!(offset + size_of::<P>() <= size_of_val(whole));
    // SAFETY: inside `whole`, all of whose bytes are initialised, as a `P` may have them.
    unsafe {
        core::ptr::from_ref(whole)
            .cast::<u8>()
            .add(offset)
            .cast::<P>()
            .read_unaligned()
    }
}

/// Overwrites a part of a structure, at that offset.
fn set_part<P: Plain>(whole: &mut impl Plain, offset: usize, value: P) {
    assert!(offset + size_of::<P>() <= size_of_val(whole));
    // SAFETY: inside `whole`, which may have any bytes.
    unsafe {
        core::ptr::from_mut(whole)
            .cast::<u8>()
            .add(offset)
            .cast::<P>()
            .write_unaligned(value);
    }
}

const GUEST_UNION: usize = offset_of!(guest::siginfo_parts, _sifields);
const HOST_UNION: usize = offset_of!(host::siginfo_parts, _sifields);

fn member_to_guest<P: Convert>(from: &host::siginfo, to: &mut guest::siginfo) {
    let value: P::Host = part(from, HOST_UNION);
    set_part(to, GUEST_UNION, P::from_host(&value));
}

fn member_to_host<P: Convert>(from: &guest::siginfo, to: &mut host::siginfo) {
    let value: P = part(from, GUEST_UNION);
    // Addresses in signals are numbers: nobody follows them.
    let translated =
        value.to_host(&mut |at, _| Ok::<usize, core::convert::Infallible>(at as usize));
    let Ok(value) = translated;
    set_part(to, HOST_UNION, value);
}

/// Does the same for whichever member counts.
macro_rules! by_member {
    ($convert:ident, $member:expr, $from:expr, $to:expr) => {
        match $member {
            Member::Kill => $convert::<guest::siginfo_kill>($from, $to),
            Member::Timer => $convert::<guest::siginfo_timer>($from, $to),
            Member::Queue => $convert::<guest::siginfo_queue>($from, $to),
            Member::Child => $convert::<guest::siginfo_child>($from, $to),
            Member::Fault => $convert::<guest::siginfo_fault>($from, $to),
            Member::Poll => $convert::<guest::siginfo_poll>($from, $to),
            Member::Sys => $convert::<guest::siginfo_sys>($from, $to),
        }
    };
}

/// A process may feign a fault in a signal to itself, by a positive code, and the runtime would
/// take it for one. On its way through the kernel such a code is this much lower or more, where
/// nobody else has codes.
const FEIGNED: i32 = i32::MIN / 2;

/// The guest's form; what no member has is zero.
pub fn to_guest(info: &host::siginfo) -> guest::siginfo {
    let mut to = guest::siginfo::zeroed();
    let mut head: host::siginfo_parts = part(info, 0);
    if FAULTS.contains(head.si_signo) && head.si_code < FEIGNED {
        head.si_code = head.si_code.wrapping_sub(i32::MIN);
    }
    let mut parts = guest::siginfo_parts::zeroed();
    (parts.si_signo, parts.si_errno, parts.si_code) = (head.si_signo, head.si_errno, head.si_code);
    set_part(&mut to, 0, parts);
    let member = member(head.si_signo, head.si_code);
    by_member!(member_to_guest, member, info, &mut to);
    to
}

/// The host's form, of a signal with that number, which the kernel takes from the call.
pub fn to_host(signal: c_int, info: &guest::siginfo) -> host::siginfo {
    let mut to = host::siginfo::zeroed();
    let head: guest::siginfo_parts = part(info, 0);
    let mut parts = host::siginfo_parts::zeroed();
    (parts.si_signo, parts.si_errno, parts.si_code) = (head.si_signo, head.si_errno, head.si_code);
    if FAULTS.contains(signal) && head.si_code > signal_codes::SI_USER {
        parts.si_code = head.si_code.wrapping_add(i32::MIN);
    }
    set_part(&mut to, 0, parts);
    let member = member(signal, head.si_code);
    by_member!(member_to_host, member, info, &mut to);
    to
}

/// What a signal tells, as the guest sees it.
#[derive(Debug)]
pub struct Told {
    /// The signal.
    pub signal: c_int,
    /// An error's number.
    pub error: c_int,
    /// Where it comes from.
    pub code: i32,
    /// The rest.
    pub rest: Rest,
}

/// The member of the union that counts.
#[derive(Debug)]
#[expect(missing_docs, reason = "named as in siginfo_t")]
pub enum Rest {
    Kill(guest::siginfo_kill),
    Timer(guest::siginfo_timer),
    Queue(guest::siginfo_queue),
    Child(guest::siginfo_child),
    Fault(guest::siginfo_fault),
    Poll(guest::siginfo_poll),
    Sys(guest::siginfo_sys),
}

/// What a signal tells.
pub fn told(info: &host::siginfo) -> Told {
    let info = to_guest(info);
    let head: guest::siginfo_parts = part(&info, 0);
    let rest = match member(head.si_signo, head.si_code) {
        Member::Kill => Rest::Kill(part(&info, GUEST_UNION)),
        Member::Timer => Rest::Timer(part(&info, GUEST_UNION)),
        Member::Queue => Rest::Queue(part(&info, GUEST_UNION)),
        Member::Child => Rest::Child(part(&info, GUEST_UNION)),
        Member::Fault => Rest::Fault(part(&info, GUEST_UNION)),
        Member::Poll => Rest::Poll(part(&info, GUEST_UNION)),
        Member::Sys => Rest::Sys(part(&info, GUEST_UNION)),
    };
    Told {
        signal: head.si_signo,
        error: head.si_errno,
        code: head.si_code,
        rest,
    }
}

/// Whether the signal was sent to a thread, as far as it tells.
pub fn is_for_thread(info: &host::siginfo) -> bool {
    let head: host::siginfo_parts = part(info, 0);
    head.si_code == signal_codes::SI_TKILL
}

/// Of a fault of the guest's at a guest address.
pub fn of_fault(signal: c_int, code: i32, address: u32) -> host::siginfo {
    let mut info = host::siginfo::zeroed();
    let mut parts = host::siginfo_parts::zeroed();
    (parts.si_signo, parts.si_code) = (signal, code);
    set_part(&mut info, 0, parts);
    let mut fault = host::siginfo_fault::zeroed();
    fault._addr = address.into();
    set_part(&mut info, HOST_UNION, fault);
    info
}

/// Of a signal that a process queues with a value.
pub fn queued(signal: c_int, value: u64) -> host::siginfo {
    let mut info = host::siginfo::zeroed();
    let mut parts = host::siginfo_parts::zeroed();
    (parts.si_signo, parts.si_code) = (signal, signal_codes::SI_QUEUE);
    set_part(&mut info, 0, parts);
    let mut queue = host::siginfo_queue::zeroed();
    queue._sigval = value;
    set_part(&mut info, HOST_UNION, queue);
    info
}

/// The value of a signal that a process queued.
pub fn queued_value(info: &host::siginfo) -> Option<u64> {
    let head: host::siginfo_parts = part(info, 0);
    let queue: host::siginfo_queue = part(info, HOST_UNION);
    (head.si_code == signal_codes::SI_QUEUE).then_some(queue._sigval)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_comes_through() {
        let mut sent = guest::siginfo::zeroed();
        let mut parts = guest::siginfo_parts::zeroed();
        (parts.si_signo, parts.si_code) = (signals::SIGUSR1, signal_codes::SI_QUEUE);
        set_part(&mut sent, 0, parts);
        let mut queue = guest::siginfo_queue::zeroed();
        (queue._pid, queue._uid, queue._sigval) = (12, 34, 0xdead_beef);
        set_part(&mut sent, GUEST_UNION, queue);
        let host = to_host(signals::SIGUSR1, &sent);
        let there: host::siginfo_queue = part(&host, HOST_UNION);
        assert_eq!(
            (there._pid, there._uid, there._sigval),
            (12, 34, 0xdead_beef)
        );
        let back: guest::siginfo_queue = part(&to_guest(&host), GUEST_UNION);
        assert_eq!((back._pid, back._uid, back._sigval), (12, 34, 0xdead_beef));
    }

    #[test]
    fn a_feigned_fault_is_none_for_the_runtime() {
        let mut sent = guest::siginfo::zeroed();
        for code in [1, signal_codes::SI_KERNEL, signal_codes::SI_TKILL, -60] {
            let mut parts = guest::siginfo_parts::zeroed();
            (parts.si_signo, parts.si_code) = (signals::SIGSEGV, code);
            set_part(&mut sent, 0, parts);
            let host = to_host(signals::SIGSEGV, &sent);
            let there: host::siginfo_parts = part(&host, 0);
            assert!(there.si_code <= 0);
            // As the kernel, which writes the number that the call names.
            let back: guest::siginfo_parts = part(&to_guest(&host), 0);
            assert_eq!({ back.si_code }, code);
        }
    }

    #[test]
    fn members_are_those_of_the_kernel() {
        use wali_arch::flags::{child_codes, fault_codes};
        assert_eq!(
            member(signals::SIGCHLD, child_codes::CLD_EXITED),
            Member::Child
        );
        assert_eq!(
            member(signals::SIGSEGV, fault_codes::SEGV_MAPERR),
            Member::Fault
        );
        assert_eq!(
            member(signals::SIGUSR1, signal_codes::SI_USER),
            Member::Kill
        );
        assert_eq!(
            member(signals::SIGSEGV, signal_codes::SI_KERNEL),
            Member::Kill
        );
        assert_eq!(
            member(signals::SIGUSR1, signal_codes::SI_TIMER),
            Member::Timer
        );
        assert_eq!(member(signals::SIGIO, signal_codes::SI_SIGIO), Member::Poll);
        let info = to_guest(&of_fault(signals::SIGSEGV, fault_codes::SEGV_MAPERR, 77));
        let fault: guest::siginfo_fault = part(&info, GUEST_UNION);
        assert_eq!({ fault._addr }, 77);
    }
}
