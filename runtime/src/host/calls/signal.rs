//! Signals: what happens on them, which are blocked, waiting for them and sending them.

use wali_arch::flags::{errno, sigprocmask_how as how_is};
use wali_arch::layout::{Plain, guest, host};
use wali_arch::syscall;
use wali_arch::tables::number;

use super::{address_of, done, interruptible, outcome, result, undisturbed};
use crate::host::abi::{Errno, Guest, GuestMemory, Unwind, descriptor};
use crate::host::bindings::SignalCalls;
use crate::host::process::Thread;
use crate::host::signals::{FAULTS, Set, Signals, to_guest, to_host};

impl SignalCalls for Thread {
    fn rt_sigaction(
        &mut self,
        sig: i32,
        act: u32,
        oact: u32,
        sigsetsize: u32,
    ) -> Result<i64, Unwind> {
        let memory = Guest::memory(self);
        done(rt_sigaction(
            self.signals(),
            memory,
            sig,
            act,
            oact,
            sigsetsize,
        ))
    }

    fn rt_sigprocmask(
        &mut self,
        how: i32,
        nset: u32,
        oset: u32,
        sigsetsize: u32,
    ) -> Result<i64, Unwind> {
        let memory = Guest::memory(self);
        done(rt_sigprocmask(
            self.signals(),
            memory,
            how,
            nset,
            oset,
            sigsetsize,
        ))
    }

    fn rt_sigpending(&mut self, uset: u32, sigsetsize: u32) -> Result<i64, Unwind> {
        let memory = Guest::memory(self);
        done(rt_sigpending(self.signals(), memory, uset, sigsetsize))
    }

    fn rt_sigsuspend(&mut self, unewset: u32, sigsetsize: u32) -> Result<i64, Unwind> {
        let memory = Guest::memory(self);
        result(rt_sigsuspend(self.signals(), memory, unewset, sigsetsize))
    }

    fn rt_sigtimedwait(
        &mut self,
        uthese: u32,
        uinfo: u32,
        uts: u32,
        sigsetsize: u32,
    ) -> Result<i64, Unwind> {
        let memory = Guest::memory(self);
        result(rt_sigtimedwait(
            self.signals(),
            memory,
            uthese,
            uinfo,
            uts,
            sigsetsize,
        ))
    }

    fn rt_sigqueueinfo(&mut self, tgid: i32, sig: i32, uinfo: u32) -> Result<i64, Unwind> {
        done(rt_sigqueueinfo(Guest::memory(self), tgid, sig, uinfo))
    }

    fn rt_tgsigqueueinfo(
        &mut self,
        tgid: i32,
        tid: i32,
        sig: i32,
        uinfo: u32,
    ) -> Result<i64, Unwind> {
        done(rt_tgsigqueueinfo(
            Guest::memory(self),
            tgid,
            tid,
            sig,
            uinfo,
        ))
    }

    fn sigaltstack(&mut self, uss: u32, uoss: u32) -> Result<i64, Unwind> {
        let memory = Guest::memory(self);
        done(sigaltstack(self.signals(), memory, uss, uoss))
    }

    fn pidfd_send_signal(
        &mut self,
        pidfd: i32,
        sig: i32,
        info: u32,
        flags: u32,
    ) -> Result<i64, Unwind> {
        let memory = Guest::memory(self);
        done(pidfd_send_signal(memory, pidfd, sig, info, flags))
    }

    fn pause(&mut self) -> Result<i64, Unwind> {
        result(pause(self.signals()))
    }
}

/// As many bytes as a set has, or `EINVAL`, as the kernel says first of all.
fn check_size(sigsetsize: u32) -> Result<(), Errno> {
    match sigsetsize as usize == Set::BYTES {
        true => Ok(()),
        false => Err(Errno(errno::EINVAL)),
    }
}

/// A set that the kernel reads; none at the null pointer.
fn read_set(memory: GuestMemory, at: u32) -> Result<Option<Set>, Errno> {
    match at {
        0 => Ok(None),
        at => Ok(Some(Set(memory.read_plain::<u64>(at)?))),
    }
}

/// rt_sigaction(2).
///
/// # Errors
/// As Linux's.
fn rt_sigaction(
    signals: &Signals,
    memory: GuestMemory,
    signal: i32,
    new: u32,
    old: u32,
    size: u32,
) -> Result<(), Errno> {
    check_size(size)?;
    let new = match new {
        0 => None,
        at => Some(memory.read_plain::<guest::k_sigaction>(at)?),
    };
    let before = signals.action(signal, new.as_ref())?;
    match old {
        0 => Ok(()),
        at => memory.write_plain(at, &before),
    }
}

/// rt_sigprocmask(2). The kernel is never told of signals of faults.
///
/// # Errors
/// As Linux's.
fn rt_sigprocmask(
    signals: &Signals,
    memory: GuestMemory,
    how: i32,
    new: u32,
    old: u32,
    size: u32,
) -> Result<(), Errno> {
    check_size(size)?;
    let new = read_set(memory, new)?;
    let mut before = Set::default();
    let held = signals.held();
    let held_then = match (new, how) {
        (None, _) => held,
        (Some(new), how_is::SIG_BLOCK) => held | new,
        (Some(new), how_is::SIG_UNBLOCK) => held - new,
        (Some(new), _) => new,
    };
    signals.change_mask(held_then, |opens| {
        let for_kernel = new.map(|new| match how {
            how_is::SIG_UNBLOCK if opens => new | FAULTS,
            _ => new - FAULTS,
        });
        let args = [
            how as usize,
            for_kernel.as_ref().map_or(0, address_of),
            core::ptr::from_mut(&mut before) as usize,
            size as usize,
            0,
            0,
        ];
        // SAFETY: the addresses are live locals' or null.
        unsafe { undisturbed(signals, number::rt_sigprocmask, args) }
    })?;
    let before = before - FAULTS;
    match old {
        0 => Ok(()),
        at => memory.write_plain(at, &(before | held).bits()),
    }
}

/// rt_sigpending(2), which takes shorter sets, too.
///
/// # Errors
/// As Linux's.
fn rt_sigpending(signals: &Signals, memory: GuestMemory, at: u32, size: u32) -> Result<(), Errno> {
    if size as usize > Set::BYTES {
        return Err(Errno(errno::EINVAL));
    }
    let mut pending = Set::default();
    let place = core::ptr::from_mut(&mut pending) as usize;
    let args = [place, Set::BYTES, 0, 0, 0, 0];
    // SAFETY: the address is a live local's.
    unsafe { undisturbed(signals, number::rt_sigpending, args) }?;
    let pending = pending | signals.pending_faults();
    memory.write(at, &pending.bits().to_le_bytes()[..size as usize])
}

/// rt_sigsuspend(2).
///
/// # Errors
/// As Linux's: it does not succeed.
fn rt_sigsuspend(signals: &Signals, memory: GuestMemory, at: u32, size: u32) -> Result<i64, Errno> {
    check_size(size)?;
    let mask = Set(memory.read_plain::<u64>(at)?).blockable();
    let for_kernel = signals.to_wait_under(mask);
    let args = [address_of(&for_kernel), Set::BYTES, 0, 0, 0, 0];
    // SAFETY: the address is a live local's.
    signals.wait(mask, || unsafe {
        interruptible(signals, number::rt_sigsuspend, args)
    })
}

/// rt_sigtimedwait(2).
///
/// # Errors
/// As Linux's.
fn rt_sigtimedwait(
    signals: &Signals,
    memory: GuestMemory,
    these: u32,
    info: u32,
    timeout: u32,
    size: u32,
) -> Result<i64, Errno> {
    check_size(size)?;
    let these = Set(memory.read_plain::<u64>(these)?);
    let mut found = host::siginfo::zeroed();
    let args = [
        address_of(&these),
        core::ptr::from_mut(&mut found) as usize,
        memory.address(timeout, size_of::<guest::timespec>() as u64),
        Set::BYTES,
        0,
        0,
    ];
    let kept = match signals.leaves_faults() {
        // The kernel has them during the call.
        true => None,
        false => signals.take_pending(these),
    };
    let signal = match kept {
        Some((signal, info)) => {
            found = info;
            signal.into()
        }
        // SAFETY: live locals, and a place inside the reservation or nowhere.
        None => unsafe { interruptible(signals, number::rt_sigtimedwait, args) }?,
    };
    if info != 0 {
        memory.write_plain(info, &to_guest(&found))?;
    }
    Ok(signal)
}

/// rt_sigqueueinfo(2).
///
/// # Errors
/// As Linux's.
fn rt_sigqueueinfo(memory: GuestMemory, tgid: i32, sig: i32, info: u32) -> Result<(), Errno> {
    let info = to_host(sig, &memory.read_plain::<guest::siginfo>(info)?);
    let number = everywhere!(rt_sigqueueinfo);
    let (tgid, sig) = (tgid as usize, sig as usize);
    // SAFETY: the information is a live local.
    outcome(unsafe { syscall::syscall3(number, tgid, sig, address_of(&info)) }).map(|_| ())
}

/// rt_tgsigqueueinfo(2).
///
/// # Errors
/// As Linux's.
fn rt_tgsigqueueinfo(
    memory: GuestMemory,
    tgid: i32,
    tid: i32,
    sig: i32,
    info: u32,
) -> Result<(), Errno> {
    let info = to_host(sig, &memory.read_plain::<guest::siginfo>(info)?);
    let number = everywhere!(rt_tgsigqueueinfo);
    let (tgid, tid, sig) = (tgid as usize, tid as usize, sig as usize);
    // SAFETY: the information is a live local.
    outcome(unsafe { syscall::syscall4(number, tgid, tid, sig, address_of(&info)) }).map(|_| ())
}

/// pidfd_send_signal(2).
///
/// # Errors
/// As Linux's.
fn pidfd_send_signal(
    memory: GuestMemory,
    pidfd: i32,
    sig: i32,
    info: u32,
    flags: u32,
) -> Result<(), Errno> {
    let translated = match info {
        0 => None,
        // The kernel looks at flags and descriptor first, and gets to say so.
        at => memory
            .read_plain::<guest::siginfo>(at)
            .map(|info| to_host(sig, &info))
            .ok(),
    };
    let nowhere = memory.address(info, u64::MAX);
    let info = match (&translated, info) {
        (Some(info), _) => address_of(info),
        (None, 0) => 0,
        (None, _) => nowhere,
    };
    let number = everywhere!(pidfd_send_signal);
    let (pidfd, sig, flags) = (descriptor(pidfd), sig as usize, flags as usize);
    // SAFETY: the information is a live local, absent, or at an address that no process has.
    outcome(unsafe { syscall::syscall4(number, pidfd, sig, info, flags) }).map(|_| ())
}

/// sigaltstack(2).
///
/// # Errors
/// As Linux's.
fn sigaltstack(signals: &Signals, memory: GuestMemory, new: u32, old: u32) -> Result<(), Errno> {
    let new = match new {
        0 => None,
        at => Some(memory.read_plain::<guest::sigaltstack>(at)?),
    };
    let sp = signals.engine().and_then(|engine| engine.stack_pointer());
    let sp = sp.unwrap_or(0);
    let before = signals.stack.get();
    if let Some(new) = new {
        signals.stack.set(before.change(sp, &new)?);
    }
    match old {
        0 => Ok(()),
        at => memory.write_plain(at, &before.to_guest(sp)),
    }
}

/// pause(2).
///
/// # Errors
/// `EINTR`: it does not succeed.
fn pause(signals: &Signals) -> Result<i64, Errno> {
    // Without the call: nothing to poll for, and no limit of time.
    let number = number::pause.or(number::ppoll);
    // SAFETY: no arguments, or null pointers that mean none.
    unsafe { interruptible(signals, number, [0; 6]) }
}
