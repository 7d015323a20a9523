//! A WebAssembly interpreter: modules are validated, and each function is
//! translated on its first call into register-slot code that handlers execute.
//!
//! - [`Module`]: parsing and validation (by `wasmparser`), and the code of its functions.
//! - `translate`: from stack code to instructions on frame slots.
//! - `isa`: the instruction set as data; `handlers`: what instructions do; `context`: how
//!   one handler leads to the next.
//! - [`Instance`], [`Func`], [`Table`], [`Global`], [`Extern`]: what embedders work with.
//! - [`Trap`]: why a guest stopped, with its backtrace.
//!
//! A frame is a run of 64-bit slots on the guest stack: parameters, locals, a header of two
//! slots (return address, caller's frame), then temporaries, one for each height of the
//! operand stack. A caller's topmost temporaries are its callee's parameters.

mod backtrace;
mod caller;
mod cast;
mod catches;
mod const_expr;
mod context;
mod disasm;
mod exception;
mod func;
mod global;
mod handlers;
mod instance;
mod instantiate;
mod interrupt;
mod isa;
mod jumps;
mod link;
mod module;
mod room;
mod run;
mod sample;
mod stack;
mod table;
mod translate;
mod trap;
mod types;
mod unwind;
mod wait;

pub use caller::Caller;
pub use exception::{Exception, Tag};
pub use func::{Func, Hook, HostFn, HostFunc, OnTrap};
pub use global::Global;
pub use instance::Instance;
pub use instantiate::{Options, Prepared, Ready};
pub use interrupt::InterruptHandle;
pub use isa::handler_names;
pub use jumps::Payload;
pub use link::{Extern, Imports, LinkError, Resolver};
pub use module::{ExportIndex, Import, Module, ModuleError, Translation, Validation};
pub use sample::Sampler;
pub use table::Table;
pub use trap::{Frame, Trap, TrapKind};
pub use types::{ExternType, FuncType, GlobalType, MemoryType, TableType, ValType, Value};

/// The interpreter's locks, held across a fork so that the child finds none taken by a
/// thread it does not have.
#[derive(Debug)]
pub struct ForkGuard {
    _translation: std::sync::MutexGuard<'static, ()>,
    _types: std::sync::MutexGuard<'static, types::Interner>,
    waiters: wait::Waiters,
}

impl ForkGuard {
    /// Takes the locks; to be dropped in the parent and, after [`ForkGuard::in_child`], in
    /// the child.
    pub fn new() -> ForkGuard {
        ForkGuard {
            _translation: module::translation_lock(),
            _types: types::interner(),
            waiters: wait::Waiters::lock(),
        }
    }

    /// Forgets what belonged to threads that the child does not have.
    pub fn in_child(&mut self) {
        self.waiters.clear();
    }
}

impl Default for ForkGuard {
    fn default() -> Self {
        ForkGuard::new()
    }
}

/// How this build of the interpreter dispatches and checks bounds.
pub const BUILD: &str = match (
    cfg!(wali_dispatch = "threaded"),
    cfg!(wali_bounds = "guarded"),
) {
    (true, true) => "threaded dispatch, guarded bounds",
    (true, false) => "threaded dispatch, explicit bounds",
    (false, true) => "loop dispatch, guarded bounds",
    (false, false) => "loop dispatch, explicit bounds",
};
