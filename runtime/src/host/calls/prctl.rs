//! Properties of the thread that are the runtime's business.

use super::done;
use crate::host::abi::{Guest, Unwind};
use crate::host::bindings::PrctlCalls;
use crate::host::mappings;
use crate::host::process::Thread;

impl PrctlCalls for Thread {
    fn prctl_pr_set_vma_pr_set_vma_anon_name(
        &mut self,
        arg3: u32,
        arg4: u32,
        arg5: u32,
    ) -> Result<i64, Unwind> {
        done(mappings::name(&self.memory, arg3, arg4, arg5))
    }

    fn prctl_pr_get_tid_address(&mut self, arg2: u32) -> Result<i64, Unwind> {
        let word = self.clear_tid.to_le_bytes();
        done(Guest::memory(self).write(arg2, &word))
    }
}
