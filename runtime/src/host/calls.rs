//! What the runtime carries out itself: the methods that the specification asks for.

use std::sync::atomic::AtomicBool;

use super::abi::{Errno, Guest, Unwind, flags::errno};
use super::bindings::{AuxCalls, RuntimeCalls};
use super::process::{Process, Thread};
use super::{emulated, mappings};

/// A call's outcome as the guest sees it.
fn result<T: Into<i64>>(outcome: Result<T, Errno>) -> Result<i64, Unwind> {
    Ok(outcome.map_or_else(Errno::result, Into::into))
}

/// As [`result`], for calls that only succeed or fail.
fn done(outcome: Result<(), Errno>) -> Result<i64, Unwind> {
    result(outcome.map(|()| 0))
}

impl RuntimeCalls for Thread {
    fn exit(&mut self, status: i32) -> Result<i64, Unwind> {
        // As long as there is one thread, it is the last one.
        Err(Unwind::Exit(status))
    }

    fn exit_group(&mut self, status: i32) -> Result<i64, Unwind> {
        Err(Unwind::Exit(status))
    }

    fn set_tid_address(&mut self, tidptr: u32) -> Result<i64, Unwind> {
        self.clear_tid = tidptr;
        // SAFETY: the call has no arguments and cannot fail.
        Ok(i64::from(unsafe { libc::gettid() }))
    }

    fn brk(&mut self, _: u32) -> Result<i64, Unwind> {
        // Every generation of the guest's libc takes 0 to mean "use mmap"; any other
        // answer than what was asked for would do, too, but no address is free for it.
        Ok(0)
    }

    fn mmap(
        &mut self,
        addr: u32,
        length: u32,
        prot: i32,
        flags: i32,
        fd: i32,
        offset: i64,
    ) -> Result<i64, Unwind> {
        result(mappings::mmap(
            &self.memory,
            addr,
            length,
            prot,
            flags,
            fd,
            offset,
        ))
    }

    fn munmap(&mut self, addr: u32, length: u32) -> Result<i64, Unwind> {
        done(mappings::munmap(&self.memory, addr, length))
    }

    fn mprotect(&mut self, addr: u32, len: u32, prot: i32) -> Result<i64, Unwind> {
        done(mappings::mprotect(&self.memory, addr, len, prot))
    }

    fn mremap(
        &mut self,
        old_address: u32,
        old_size: u32,
        new_size: u32,
        flags: i32,
        new_address: u32,
    ) -> Result<i64, Unwind> {
        let memory = &self.memory;
        result(mappings::mremap(
            memory,
            old_address,
            old_size,
            new_size,
            flags,
            new_address,
        ))
    }

    fn madvise(&mut self, addr: u32, length: u32, advice: i32) -> Result<i64, Unwind> {
        done(mappings::madvise(&self.memory, addr, length, advice))
    }

    fn msync(&mut self, addr: u32, length: u32, flags: i32) -> Result<i64, Unwind> {
        done(mappings::msync(&self.memory, addr, length, flags))
    }

    fn mincore(&mut self, addr: u32, length: u32, vec: u32) -> Result<i64, Unwind> {
        done(mappings::mincore(&self.memory, addr, length, vec))
    }

    fn mlock(&mut self, addr: u32, len: u32) -> Result<i64, Unwind> {
        done(mappings::mlock(&self.memory, addr, len, 0))
    }

    fn mlock2(&mut self, addr: u32, len: u32, flags: i32) -> Result<i64, Unwind> {
        done(mappings::mlock(&self.memory, addr, len, flags as u32))
    }

    fn munlock(&mut self, addr: u32, len: u32) -> Result<i64, Unwind> {
        done(mappings::munlock(&self.memory, addr, len))
    }

    fn mlockall(&mut self, flags: i32) -> Result<i64, Unwind> {
        done(mappings::mlockall(&self.memory, flags))
    }

    fn munlockall(&mut self) -> Result<i64, Unwind> {
        done(mappings::munlockall(&self.memory))
    }

    fn dup2(&mut self, oldfd: i32, newfd: i32) -> Result<i64, Unwind> {
        result(emulated::dup2(oldfd, newfd))
    }

    fn utime(&mut self, filename: u32, times: u32) -> Result<i64, Unwind> {
        done(emulated::utime(Guest::memory(self), filename, times))
    }

    fn utimes(&mut self, filename: u32, times: u32) -> Result<i64, Unwind> {
        done(emulated::futimesat(
            Guest::memory(self),
            libc::AT_FDCWD,
            filename,
            times,
        ))
    }

    fn futimesat(&mut self, dirfd: i32, pathname: u32, times: u32) -> Result<i64, Unwind> {
        done(emulated::futimesat(
            Guest::memory(self),
            dirfd,
            pathname,
            times,
        ))
    }

    fn time(&mut self, tloc: u32) -> Result<i64, Unwind> {
        result(emulated::time(Guest::memory(self), tloc))
    }

    fn alarm(&mut self, seconds: u32) -> Result<i64, Unwind> {
        Ok(emulated::alarm(seconds))
    }

    fn getcpu(&mut self, cpu: u32, node: u32, _: u32) -> Result<i64, Unwind> {
        done(emulated::getcpu(Guest::memory(self), cpu, node))
    }
}

impl AuxCalls for Thread {
    fn init(&mut self) -> Result<i32, Unwind> {
        Ok(once(&self.process.initialised))
    }

    fn deinit(&mut self) -> Result<i32, Unwind> {
        Ok(once(&self.process.deinitialised))
    }

    fn proc_exit(&mut self, status: i32) -> Result<(), Unwind> {
        Err(Unwind::Exit(status))
    }

    fn cl_get_argc(&mut self) -> Result<i32, Unwind> {
        Ok(i32::try_from(self.process.args().len()).unwrap_or(i32::MAX))
    }

    fn cl_get_argv_len(&mut self, index: u32) -> Result<i32, Unwind> {
        let len = self
            .process
            .args()
            .get(index as usize)
            .map_or(0, |arg| arg.count_bytes());
        Ok(i32::try_from(len).unwrap_or(i32::MAX))
    }

    fn cl_copy_argv(&mut self, buf: u32, index: u32) -> Result<i32, Unwind> {
        let Some(arg) = self.process.args().get(index as usize) else {
            return Ok(-errno::EINVAL);
        };
        let written = Guest::memory(self).write(buf, arg.as_bytes_with_nul());
        Ok(written.map_or_else(|Errno(number)| -number, |()| 0))
    }

    fn get_init_envfile(&mut self, buf: u32, size: u32) -> Result<i32, Unwind> {
        let Some(path) = self.process.environment_path() else {
            return Ok(0);
        };
        let bytes = path.as_bytes_with_nul();
        let fits = bytes.len() <= size as usize;
        Ok(i32::from(
            fits && Guest::memory(self).write(buf, bytes).is_ok(),
        ))
    }

    fn wasm_thread_spawn(&mut self, _: u32, _: u32) -> Result<i32, Unwind> {
        Ok(-errno::ENOSYS)
    }

    fn setjmp(&mut self, _: u32) -> Result<i32, Unwind> {
        Ok(0)
    }

    fn sigsetjmp(&mut self, _: u32, _: i32) -> Result<i32, Unwind> {
        Ok(0)
    }

    fn longjmp(&mut self, _: u32, _: i32) -> Result<(), Unwind> {
        Err(Unwind::Longjmp)
    }
}

/// 0 the first time, 1 ever after.
fn once(flag: &AtomicBool) -> i32 {
    i32::from(Process::once(flag))
}
