//! The mmap family, carried out by `mappings`.

use wali_arch::flags::{errno, pkey_rights};

use super::{done, result};
use crate::host::abi::{Errno, Unwind};
use crate::host::bindings::MemoryCalls;
use crate::host::mappings;
use crate::host::process::Thread;

impl MemoryCalls for Thread {
    fn brk(&mut self, addr: u32) -> Result<i64, Unwind> {
        Ok(i64::from(mappings::brk(&self.memory, addr)))
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

    fn pkey_alloc(&mut self, flags: u32, access_rights: u64) -> Result<i64, Unwind> {
        let known = (pkey_rights::PKEY_DISABLE_ACCESS | pkey_rights::PKEY_DISABLE_WRITE) as u64;
        // As on a processor without protection keys, here and below.
        let error = match flags != 0 || access_rights & !known != 0 {
            true => errno::EINVAL,
            false => errno::ENOSPC,
        };
        Ok(Errno(error).result())
    }

    fn pkey_free(&mut self, _: i32) -> Result<i64, Unwind> {
        Ok(Errno(errno::EINVAL).result())
    }

    fn pkey_mprotect(&mut self, start: u32, len: u32, prot: i32, pkey: i32) -> Result<i64, Unwind> {
        // Only -1 is left: no key.
        if pkey != -1 {
            return Ok(Errno(errno::EINVAL).result());
        }
        self.mprotect(start, len, prot)
    }
}
