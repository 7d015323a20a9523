//! Imports that are not system calls.

use std::sync::atomic::AtomicBool;

use wali_arch::flags::errno;

use crate::engine::{Jump, Mark, SaveMask};
use crate::host::abi::{Errno, Guest, Unwind};
use crate::host::bindings::{AuxCalls, MemoryCalls, ProcessCalls};
use crate::host::process::{Process, Thread};

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

    fn wasm_thread_spawn(&mut self, start: u32, arg: u32) -> Result<i32, Unwind> {
        // So that no signal comes to a thread that is not ready.
        let Some(mask) = self.signals().block_all() else {
            return Err(Unwind::Interrupted);
        };
        self.process.gets_threads();
        let new = self.another(mask, start, arg);
        let tid = match self.signals().engine() {
            Some(engine) => engine.spawn(new),
            None => Err(Errno(errno::ENOSYS)),
        };
        self.signals().set_mask(mask);
        Ok(tid.unwrap_or_else(|Errno(number)| -number))
    }

    fn setjmp(&mut self, buffer: u32) -> Result<i32, Unwind> {
        Err(Unwind::Mark(Mark { buffer, mask: None }))
    }

    fn sigsetjmp(&mut self, buffer: u32, save: i32) -> Result<i32, Unwind> {
        let mask = Some(SaveMask(save != 0));
        Err(Unwind::Mark(Mark { buffer, mask }))
    }

    fn longjmp(&mut self, buffer: u32, value: i32) -> Result<(), Unwind> {
        Err(Unwind::Jump(Jump { buffer, value }))
    }

    fn set_thread_area(&mut self, _: u32) -> Result<i32, Unwind> {
        Ok(0)
    }

    fn unmapself(&mut self, base: u32, size: u32) -> Result<(), Unwind> {
        // As musl has it: if it cannot be unmapped, it stays.
        self.munmap(base, size)?;
        self.exit(0).map(|_| ())
    }

    fn feclearexcept(&mut self, _: i32) -> Result<i32, Unwind> {
        Ok(0)
    }

    fn fegetexceptflag(&mut self, _: u32, _: i32) -> Result<i32, Unwind> {
        Ok(0)
    }

    fn feraiseexcept(&mut self, _: i32) -> Result<i32, Unwind> {
        Ok(0)
    }

    fn fesetexceptflag(&mut self, _: u32, _: i32) -> Result<i32, Unwind> {
        Ok(0)
    }

    fn fetestexcept(&mut self, _: i32) -> Result<i32, Unwind> {
        Ok(0)
    }

    fn fegetround(&mut self) -> Result<i32, Unwind> {
        Ok(NEAREST)
    }

    fn fesetround(&mut self, round: i32) -> Result<i32, Unwind> {
        Ok(i32::from(round != NEAREST))
    }

    fn fegetenv(&mut self, _: u32) -> Result<i32, Unwind> {
        Ok(0)
    }

    fn feholdexcept(&mut self, _: u32) -> Result<i32, Unwind> {
        Ok(0)
    }

    fn fesetenv(&mut self, _: u32) -> Result<i32, Unwind> {
        Ok(0)
    }

    fn feupdateenv(&mut self, _: u32) -> Result<i32, Unwind> {
        Ok(0)
    }
}

/// The one way to round that Wasm has: `FE_TONEAREST`.
const NEAREST: i32 = 0;

/// 0 the first time, 1 ever after.
fn once(flag: &AtomicBool) -> i32 {
    i32::from(Process::once(flag))
}
