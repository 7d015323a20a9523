//! On which nodes memory lies, carried out by `mappings`.

use wali_arch::flags::errno;

use super::result;
use crate::host::abi::{Errno, Unwind};
use crate::host::bindings::NumaCalls;
use crate::host::mappings;
use crate::host::process::Thread;

impl NumaCalls for Thread {
    fn mbind(
        &mut self,
        start: u32,
        len: u64,
        mode: u64,
        nodemask: u32,
        maxnode: u64,
        flags: u32,
    ) -> Result<i64, Unwind> {
        let memory = &self.memory;
        result(mappings::mbind(
            memory, start, len, mode, nodemask, maxnode, flags,
        ))
    }

    fn get_mempolicy(
        &mut self,
        mode: u32,
        nodemask: u32,
        maxnode: u64,
        start: u32,
        flags: u64,
    ) -> Result<i64, Unwind> {
        let memory = &self.memory;
        result(mappings::get_mempolicy(
            memory, mode, nodemask, maxnode, start, flags,
        ))
    }

    fn set_mempolicy_home_node(
        &mut self,
        start: u32,
        len: u64,
        home_node: u64,
        flags: u64,
    ) -> Result<i64, Unwind> {
        let memory = &self.memory;
        result(mappings::set_mempolicy_home_node(
            memory, start, len, home_node, flags,
        ))
    }

    fn move_pages(
        &mut self,
        pid: i32,
        count: u64,
        pages: u32,
        nodes: u32,
        status: u32,
        flags: u32,
    ) -> Result<i64, Unwind> {
        // Where the guest's addresses lie in another process, nobody knows here.
        if pid != 0 && pid != std::process::id() as i32 {
            return Ok(Errno(errno::EPERM).result());
        }
        let memory = &self.memory;
        result(mappings::move_pages(
            memory, count, pages, nodes, status, flags,
        ))
    }
}
