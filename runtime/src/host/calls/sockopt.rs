//! Options of sockets.

use wali_arch::flags::{socket_levels, socket_options};
use wali_arch::layout::{guest, host};
use wali_arch::syscall;

use super::{outcome, result};
use crate::host::abi::{Errno, Guest, GuestMemory, Unwind, descriptor};
use crate::host::bindings::SockoptCalls;
use crate::host::convert::In;
use crate::host::process::Thread;

impl SockoptCalls for Thread {
    fn setsockopt_sol_socket_so_attach_filter(
        &mut self,
        sockfd: i32,
        optval: u32,
        optlen: i32,
    ) -> Result<i64, Unwind> {
        let option = socket_options::SO_ATTACH_FILTER;
        result(attach(Guest::memory(self), sockfd, option, optval, optlen))
    }

    fn setsockopt_sol_socket_so_attach_reuseport_cbpf(
        &mut self,
        sockfd: i32,
        optval: u32,
        optlen: i32,
    ) -> Result<i64, Unwind> {
        let option = socket_options::SO_ATTACH_REUSEPORT_CBPF;
        result(attach(Guest::memory(self), sockfd, option, optval, optlen))
    }
}

/// Attaches a filter. The kernel knows a filter by its length, which is another in the guest.
///
/// # Errors
/// As Linux's.
fn attach(memory: GuestMemory, fd: i32, option: i32, filter: u32, len: i32) -> Result<i64, Errno> {
    const GUEST: usize = size_of::<guest::sock_fprog>();
    const HOST: usize = size_of::<host::sock_fprog>();
    let copy = In::<guest::sock_fprog>::new(memory, filter)?;
    let (place, len) = match len as usize {
        GUEST => (copy.word(), HOST),
        // No length of the guest's may pass for the host's.
        HOST => (memory.address(filter, HOST as u64), GUEST),
        other => (memory.address(filter, 0), other),
    };
    let level = socket_levels::SOL_SOCKET as usize;
    let number = everywhere!(setsockopt);
    // SAFETY: the copy is a live local or nowhere, what it points to is inside the reservation.
    outcome(unsafe {
        syscall::syscall5(number, descriptor(fd), level, option as usize, place, len)
    })
}
