//! Messages of sockets.

use wali_arch::flags::io_limits::UIO_MAXIOV;
use wali_arch::layout::{Convert, guest};
use wali_arch::tables::number;

use super::{interruptible, result};
use crate::host::abi::{Errno, Guest, GuestMemory, Unwind, descriptor};
use crate::host::bindings::NetCalls;
use crate::host::messages::{Entry, HostEntry, HostHeader, Received, Sent};
use crate::host::process::Thread;

impl NetCalls for Thread {
    fn sendmsg(&mut self, sockfd: i32, msg: u32, flags: i32) -> Result<i64, Unwind> {
        result(sendmsg(self, sockfd, msg, flags))
    }

    fn recvmsg(&mut self, sockfd: i32, msg: u32, flags: i32) -> Result<i64, Unwind> {
        result(recvmsg(self, sockfd, msg, flags))
    }

    fn sendmmsg(&mut self, sockfd: i32, msgvec: u32, vlen: u32, flags: i32) -> Result<i64, Unwind> {
        result(sendmmsg(self, sockfd, msgvec, vlen, flags))
    }

    fn recvmmsg(
        &mut self,
        sockfd: i32,
        msgvec: u32,
        vlen: u32,
        flags: i32,
        timeout: u32,
    ) -> Result<i64, Unwind> {
        let size = size_of::<guest::timespec>() as u64;
        let timeout = Guest::memory(self).address(timeout, size);
        result(recvmmsg(self, sockfd, msgvec, vlen, flags, timeout))
    }
}

/// The address of a header for the kernel: a copy's, or one that it refuses.
fn word(at: u32, header: Option<&mut HostHeader>) -> usize {
    match header {
        Some(header) => core::ptr::from_mut(header) as usize,
        None if at == 0 => 0,
        None => GuestMemory::NOWHERE,
    }
}

/// sendmsg(2).
///
/// # Errors
/// As Linux's.
fn sendmsg(thread: &Thread, fd: i32, msg: u32, flags: i32) -> Result<i64, Errno> {
    let memory = Guest::memory(thread);
    let mut sent = Sent::new(memory, msg)?;
    let mut header = sent.as_mut().map(|sent| sent.header(memory));
    let msg = word(msg, header.as_mut());
    let args = [descriptor(fd), msg, flags as usize, 0, 0, 0];
    // SAFETY: the header is a live local's or nowhere, and so are the addresses in it, or inside
    // the reservation.
    unsafe { interruptible(thread.signals(), number::sendmsg, args) }
}

/// recvmsg(2).
///
/// # Errors
/// As Linux's.
fn recvmsg(thread: &mut Thread, fd: i32, msg: u32, flags: i32) -> Result<i64, Errno> {
    let memory = Guest::memory(thread);
    let mut received = Received::new(memory, msg)?;
    let mut header = received.as_mut().map(|received| received.header(memory));
    let msg = word(msg, header.as_mut());
    let args = [descriptor(fd), msg, flags as usize, 0, 0, 0];
    // SAFETY: as in `sendmsg`.
    let len = unsafe { interruptible(thread.signals(), number::recvmsg, args) }?;
    if let (Some(received), Some(header)) = (&mut received, &header) {
        received.give_back(thread, header)?;
    }
    Ok(len)
}

/// Copies messages of the guest's; an unreadable one is none, and the last.
fn messages<M>(
    array: u32,
    count: u32,
    copy: impl Fn(u32) -> Result<Option<M>, Errno>,
) -> Result<Vec<Option<M>>, Errno> {
    let mut messages = Vec::new();
    let no_memory = |_| Errno(wali_arch::flags::errno::ENOMEM);
    messages
        .try_reserve_exact(count as usize)
        .map_err(no_memory)?;
    for index in 0..count {
        let message = match Entry::address(array, index) {
            Some(at) => copy(at)?,
            None => None,
        };
        let last = message.is_none();
        messages.push(message);
        if last {
            break;
        }
    }
    Ok(messages)
}

/// The kernel's array of messages, good while `messages` stay where they are.
fn entries<M>(
    messages: &mut [Option<M>],
    header: impl Fn(&mut M) -> HostHeader,
) -> Result<Vec<HostEntry>, Errno> {
    let mut entries = Vec::new();
    let no_memory = |_| Errno(wali_arch::flags::errno::ENOMEM);
    entries
        .try_reserve_exact(messages.len())
        .map_err(no_memory)?;
    entries.extend(
        messages
            .iter_mut()
            .map(|message| HostEntry::new(message.as_mut().map(&header))),
    );
    Ok(entries)
}

/// sendmmsg(2).
///
/// # Errors
/// As Linux's.
fn sendmmsg(thread: &Thread, fd: i32, array: u32, count: u32, flags: i32) -> Result<i64, Errno> {
    let memory = Guest::memory(thread);
    // The kernel looks at no more than these.
    let count = count.min(UIO_MAXIOV as u32);
    let mut sent = messages(array, count, |at| Sent::new(memory, at))?;
    let mut entries = entries(&mut sent, |sent| sent.header(memory))?;
    let (first, len) = (entries.as_mut_ptr() as usize, entries.len());
    let args = [descriptor(fd), first, len, flags as usize, 0, 0];
    // SAFETY: the entries are live, and the addresses in them are those of live copies, inside
    // the reservation, or nowhere.
    let done = unsafe { interruptible(thread.signals(), number::sendmmsg, args) }?;
    for (index, entry) in (0u32..).zip(&entries).take(done as usize) {
        let at = Entry::address(array, index);
        let told = at.map(|at| Entry::set_len(memory, at, entry));
        if !matches!(told, Some(Ok(()))) {
            return partial(index);
        }
    }
    Ok(done)
}

/// What a call that is about several messages says when one of them fails.
fn partial(index: u32) -> Result<i64, Errno> {
    match index {
        0 => Err(Errno(wali_arch::flags::errno::EFAULT)),
        done => Ok(done.into()),
    }
}

/// recvmmsg(2).
///
/// # Errors
/// As Linux's.
fn recvmmsg(
    thread: &mut Thread,
    fd: i32,
    array: u32,
    count: u32,
    mut flags: i32,
    timeout: usize,
) -> Result<i64, Errno> {
    // The kernel sets no limit; memory for copies does.
    let most = UIO_MAXIOV as u32;
    let mut done = 0;
    loop {
        let wanted = (count - done).min(most);
        let Some(array) = Entry::address(array, done) else {
            return partial(done);
        };
        let round = receive(thread, fd, array, wanted, flags, timeout);
        match round {
            Err(error) if done == 0 => return Err(error),
            Err(_) => return Ok(done.into()),
            Ok(received) => done += received,
        }
        if done == count || !done.is_multiple_of(most) {
            return Ok(done.into());
        }
        if flags & libc::MSG_WAITFORONE != 0 {
            flags |= libc::MSG_DONTWAIT;
        }
    }
}

/// Receives some messages with one call of the kernel's.
fn receive(
    thread: &mut Thread,
    fd: i32,
    array: u32,
    count: u32,
    flags: i32,
    timeout: usize,
) -> Result<u32, Errno> {
    let memory = Guest::memory(thread);
    let mut received = messages(array, count, |at| Received::new(memory, at))?;
    let mut entries = entries(&mut received, |received| received.header(memory))?;
    let (first, len) = (entries.as_mut_ptr() as usize, entries.len());
    let args = [descriptor(fd), first, len, flags as usize, timeout, 0];
    // SAFETY: as in `sendmmsg`; the timeout is inside the reservation or null.
    let done = unsafe { interruptible(thread.signals(), number::recvmmsg, args) }? as u32;
    let mut given = Ok(done);
    for (index, (message, entry)) in (0u32..).zip(received.iter_mut().zip(&entries)) {
        let (Some(message), Some(at)) = (message, Entry::address(array, index)) else {
            break;
        };
        if index == done {
            break;
        }
        // All of them, so that descriptors are looked at even after one that failed.
        let told = message
            .give_back(thread, entry.header())
            .and_then(|()| Entry::set_len(memory, at, entry));
        if let (Err(error), Ok(_)) = (told, given) {
            given = if index == 0 { Err(error) } else { Ok(index) };
        }
    }
    given
}

// The timeout is the guest's own for that reason.
const _: () = assert!(<guest::timespec as Convert>::SAME);
