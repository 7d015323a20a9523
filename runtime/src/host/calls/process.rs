//! The end of processes and threads, and who they are.

use wali_arch::flags::at_fd::AT_FDCWD;
use wali_arch::syscall;

use super::exec::{self, Target};
use super::{done, fork, futex, limits, outcome, result};
use crate::host::abi::{Errno, Guest, GuestMemory, Unwind};
use crate::host::bindings::ProcessCalls;
use crate::host::process::Thread;

impl ProcessCalls for Thread {
    fn exit(&mut self, status: i32) -> Result<i64, Unwind> {
        // A signal that has come for this thread is not lost with it; from here on, others get
        // those of the process.
        match self.signals().block_all() {
            Some(_) => Err(Unwind::ExitThread(status)),
            None => Err(Unwind::Interrupted),
        }
    }

    fn exit_group(&mut self, status: i32) -> Result<i64, Unwind> {
        Err(Unwind::Exit(status))
    }

    fn fork(&mut self) -> Result<i64, Unwind> {
        result(fork::fork(self)?)
    }

    fn vfork(&mut self) -> Result<i64, Unwind> {
        result(fork::vfork(self)?)
    }

    fn clone(
        &mut self,
        flags: u64,
        stack: u32,
        parent_tid: u32,
        child_tid: u32,
        _: u32,
    ) -> Result<i64, Unwind> {
        result(fork::clone(self, flags, stack, parent_tid, child_tid)?)
    }

    fn clone3(&mut self, cl_args: u32, size: u32) -> Result<i64, Unwind> {
        result(fork::clone3(self, cl_args, size)?)
    }

    fn execve(&mut self, pathname: u32, argv: u32, envp: u32) -> Result<i64, Unwind> {
        let target = Target {
            dirfd: AT_FDCWD,
            path: pathname,
            flags: 0,
        };
        result(exec::exec(self, target, argv, envp)?)
    }

    fn execveat(
        &mut self,
        dirfd: i32,
        pathname: u32,
        argv: u32,
        envp: u32,
        flags: i32,
    ) -> Result<i64, Unwind> {
        let target = Target {
            dirfd,
            path: pathname,
            flags,
        };
        result(exec::exec(self, target, argv, envp)?)
    }

    fn futex(
        &mut self,
        uaddr: u32,
        op: i32,
        val: u32,
        timeout: u32,
        uaddr2: u32,
        val3: u32,
    ) -> Result<i64, Unwind> {
        let (signals, memory) = (self.signals(), Guest::memory(self));
        result(futex::futex(
            signals, memory, uaddr, op, val, timeout, uaddr2, val3,
        ))
    }

    fn futex_waitv(
        &mut self,
        waiters: u32,
        nr_futexes: u32,
        flags: u32,
        timeout: u32,
        clockid: i32,
    ) -> Result<i64, Unwind> {
        let (signals, memory) = (self.signals(), Guest::memory(self));
        result(futex::futex_waitv(
            signals, memory, waiters, nr_futexes, flags, timeout, clockid,
        ))
    }

    fn futex_wait(
        &mut self,
        uaddr: u32,
        val: u64,
        mask: u64,
        flags: u32,
        timeout: u32,
        clockid: i32,
    ) -> Result<i64, Unwind> {
        let (signals, memory) = (self.signals(), Guest::memory(self));
        result(futex::futex_wait(
            signals, memory, uaddr, val, mask, flags, timeout, clockid,
        ))
    }

    fn futex_wake(&mut self, uaddr: u32, mask: u64, nr: i32, flags: u32) -> Result<i64, Unwind> {
        result(futex::futex_wake(
            Guest::memory(self),
            uaddr,
            mask,
            nr,
            flags,
        ))
    }

    fn futex_requeue(
        &mut self,
        waiters: u32,
        flags: u32,
        nr_wake: i32,
        nr_requeue: i32,
    ) -> Result<i64, Unwind> {
        let memory = Guest::memory(self);
        result(futex::futex_requeue(
            memory, waiters, flags, nr_wake, nr_requeue,
        ))
    }

    fn getrlimit(&mut self, resource: i32, rlim: u32) -> Result<i64, Unwind> {
        done(limits::get(self, resource, rlim))
    }

    fn setrlimit(&mut self, resource: i32, rlim: u32) -> Result<i64, Unwind> {
        done(limits::set(self, resource, rlim))
    }

    fn prlimit64(&mut self, pid: i32, resource: i32, new: u32, old: u32) -> Result<i64, Unwind> {
        done(limits::change(self, pid, resource, new, old))
    }

    fn set_tid_address(&mut self, tidptr: u32) -> Result<i64, Unwind> {
        self.clear_tid = tidptr;
        // SAFETY: the call has no arguments and cannot fail.
        Ok(i64::from(unsafe { libc::gettid() }))
    }

    fn getcpu(&mut self, cpu: u32, node: u32, _: u32) -> Result<i64, Unwind> {
        done(getcpu(Guest::memory(self), cpu, node))
    }
}

/// getcpu(2) without its third argument, which kernels have ignored since 2.6.24.
///
/// # Errors
/// As Linux's.
fn getcpu(memory: GuestMemory, cpu: u32, node: u32) -> Result<(), Errno> {
    let cpu = memory.address(cpu, size_of::<u32>() as u64);
    let node = memory.address(node, size_of::<u32>() as u64);
    // SAFETY: both addresses are inside the reservation or null.
    outcome(unsafe { syscall::syscall3(everywhere!(getcpu), cpu, node, 0) }).map(|_| ())
}
