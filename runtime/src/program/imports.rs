//! From a module's imports to host functions of the types that the module declares.
//!
//! The declared type of an import is not fixed by its name: generations of the toolchain
//! differ in widths, and calls outside the reference's table are declared however each call
//! site passes them. So arguments are widened or dropped to fit.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::jumps;
use super::stats::Stats;
use crate::engine::Unwind;
use crate::host::Thread;
use crate::host::abi::{Answer, Binding, MAX_ARGS, ValType as Abi, flags::errno};
use crate::host::bindings::table;
use crate::host::meta::Call;
use crate::host::trace::Tracer;
use crate::interp::{
    Caller, Extern, ExternType, FuncType, HostFn, HostFunc, Import, Module, Resolver, Trap, ValType,
};

/// The module that WALI's imports come from.
pub const WALI: &str = "wali";

/// What the names of system calls begin with.
const SYSCALL: &str = "SYS_";

/// An import that cannot be bound.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The import.
    pub import: Import,
    /// Why.
    pub why: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Import { module, name, ty } = &self.import;
        write!(
            f,
            "cannot link the import `{module}.{name}`, {ty}: {}",
            self.why
        )
    }
}

/// How an import is answered.
#[derive(Debug, Clone)]
pub enum ImportAnswer {
    /// A system call, described.
    Syscall(Answer),
    /// An auxiliary call.
    Aux,
    /// A system call that Linux does not have: `ENOSYS`.
    Unknown,
    /// Not at all.
    Unlinkable(String),
}

/// An import with its answer.
#[derive(Debug, Clone)]
pub struct ImportReport {
    /// The import.
    pub import: Import,
    /// How it is answered.
    pub answer: ImportAnswer,
    /// What the specification says of the call.
    pub call: Option<&'static Call>,
}

/// What an import is bound to.
#[derive(Clone, Copy)]
enum Target {
    Binding(&'static Binding<Thread>),
    Enosys,
}

fn by_name() -> HashMap<&'static str, &'static Binding<Thread>> {
    table::<Thread>()
        .iter()
        .map(|binding| (binding.import, binding))
        .collect()
}

fn find(
    bindings: &HashMap<&str, &'static Binding<Thread>>,
    import: &Import,
) -> Result<(Target, FuncType), String> {
    if import.module != WALI {
        return Err(if import.module.starts_with("wasi") {
            "that is WASI's; WALI has only the module `wali`".into()
        } else if import.module == "env" {
            "WALI has only the module `wali` (was this linked with undefined symbols allowed, \
             or by Emscripten?)"
                .into()
        } else {
            "WALI has only the module `wali`".into()
        });
    }
    let ExternType::Func(ty) = &import.ty else {
        return Err("WALI has functions only".into());
    };
    let target = match bindings.get(import.name.as_str()) {
        Some(binding) => Target::Binding(binding),
        None if import.name.starts_with(SYSCALL) => Target::Enosys,
        None => return Err("WALI has no such function".into()),
    };
    let words = |types: &[ValType]| {
        types
            .iter()
            .all(|t| matches!(t, ValType::I32 | ValType::I64))
    };
    if !words(&ty.params) || !words(&ty.results) || ty.results.len() > 1 {
        return Err("calls of WALI take and return integers only, with one result at most".into());
    }
    Ok((target, ty.clone()))
}

/// How each import is answered.
pub fn report(module: &Module) -> Vec<ImportReport> {
    let bindings = by_name();
    module
        .imports()
        .iter()
        .map(|import| {
            let (answer, call) = match find(&bindings, import) {
                Ok((Target::Binding(Binding { answer, meta, .. }), _)) => (
                    answer.map_or(ImportAnswer::Aux, ImportAnswer::Syscall),
                    Some(*meta),
                ),
                Ok((Target::Enosys, _)) => (ImportAnswer::Unknown, None),
                Err(why) => (ImportAnswer::Unlinkable(why), None),
            };
            ImportReport {
                import: import.clone(),
                answer,
                call,
            }
        })
        .collect()
}

/// Finds the host function for each import, of the type that this import declares: one name
/// may be imported several times with different types.
///
/// It is made once for a module, and serves all threads.
pub struct Linker(Vec<(Import, HostFunc)>);

impl Resolver for Linker {
    fn resolve(&self, import: &Import) -> Option<Extern> {
        let same = |(known, _): &&(Import, HostFunc)| {
            (&known.module, &known.name, &known.ty) == (&import.module, &import.name, &import.ty)
        };
        let (_, func) = self.0.iter().find(same)?;
        Some(Extern::Func(func.clone().into()))
    }

    fn resolve_at(&self, index: usize, _: &Import) -> Option<Extern> {
        let (_, func) = self.0.get(index)?;
        Some(Extern::Func(func.clone().into()))
    }
}

/// Who sees calls on their way.
#[derive(Clone)]
struct Watchers {
    tracer: Option<Arc<Tracer>>,
    stats: Option<Arc<Stats>>,
}

/// The host function of an import, whose place among the imports is `index`.
fn bind(
    target: Target,
    ty: FuncType,
    (index, import): (usize, &Import),
    watchers: &Watchers,
) -> HostFunc {
    let Watchers { tracer, stats } = watchers.clone();
    let code = match target {
        Target::Binding(binding) => match (tracer.filter(|t| t.traces(binding)), stats) {
            (None, None) => host_function(binding, &ty, binding.call),
            (Some(tracer), None) => host_function(binding, &ty, move |thread, words| {
                tracer.call(binding, thread, words)
            }),
            (tracer, Some(stats)) => host_function(binding, &ty, move |thread, words| {
                stats.call(index, || match &tracer {
                    Some(tracer) => tracer.call(binding, thread, words),
                    None => (binding.call)(thread, words),
                })
            }),
        },
        Target::Enosys => {
            let tracer = tracer.filter(|t| t.traces_unknown(&import.name));
            enosys(&ty, (index, import.name.clone()), tracer, stats)
        }
    };
    HostFunc::new(ty, code)
}

/// What binds the module's imports, with traced ones for a tracer and counted ones for statistics;
/// or all that cannot be bound, if any.
pub fn link(
    module: &Module,
    tracer: Option<&Arc<Tracer>>,
    stats: Option<&Arc<Stats>>,
) -> Result<Linker, Vec<Problem>> {
    let watchers = Watchers {
        tracer: tracer.cloned(),
        stats: stats.cloned(),
    };
    let bindings = by_name();
    let (mut funcs, mut problems) = (Vec::new(), Vec::new());
    for (index, import) in module.imports().iter().enumerate() {
        let import = import.clone();
        match find(&bindings, &import) {
            Ok((target, ty)) => {
                let func = bind(target, ty, (index, &import), &watchers);
                funcs.push((import, func));
            }
            Err(why) => problems.push(Problem { import, why }),
        }
    }
    if problems.is_empty() {
        Ok(Linker(funcs))
    } else {
        Err(problems)
    }
}

/// A call that Linux has not, or that is not described.
fn enosys(
    ty: &FuncType,
    (index, import): (usize, String),
    tracer: Option<Arc<Tracer>>,
    stats: Option<Arc<Stats>>,
) -> Arc<HostFn> {
    let params = ty.params.len();
    let results = ty.results.len();
    let narrow = ty.results.first() == Some(&ValType::I32);
    let word = word(-i64::from(errno::ENOSYS) as u64, narrow);
    Arc::new(move |_, slots| {
        if let Some(tracer) = &tracer {
            tracer.unknown(&import, &slots[..params]);
        }
        if let Some(stats) = &stats {
            let _ = stats.call(index, || Ok(-i64::from(errno::ENOSYS) as u64));
        }
        slots[..results].fill(word);
        Ok(())
    })
}

/// A function of the declared type that makes a call, which a tracer may stand before.
fn host_function<F>(binding: &'static Binding<Thread>, ty: &FuncType, call: F) -> Arc<HostFn>
where
    F: Fn(&mut Thread, &[u64; MAX_ARGS]) -> Result<u64, Unwind> + Send + Sync + 'static,
{
    let narrow_result = ty.results.first() == Some(&ValType::I32);
    let no_result = ty.results.is_empty();
    let declared_result = ty.results.first().copied();
    let exact = ty.params.len() == binding.params.len()
        && ty
            .params
            .iter()
            .zip(binding.params)
            .all(|(a, b)| same(*a, *b))
        && ty.results.len() == usize::from(binding.result.is_some())
        && ty
            .results
            .iter()
            .zip(binding.result)
            .all(|(a, b)| same(*a, b));
    if exact && !no_result {
        let count = ty.params.len();
        return Arc::new(move |caller, slots| {
            let mut words = [0; MAX_ARGS];
            words[..count].copy_from_slice(&slots[..count]);
            slots[0] = make(&call, caller, &words, declared_result)?;
            Ok(())
        });
    }
    // Where the module passes 32 bits and the call takes 64, the sign is kept: -1 stays -1.
    let declared: Vec<(usize, bool)> = ty
        .params
        .iter()
        .zip(binding.params)
        .enumerate()
        .map(|(i, (have, want))| (i, *have == ValType::I32 && *want == Abi::I64))
        .collect();
    let result = binding.result;
    Arc::new(move |caller: &mut Caller<'_>, slots: &mut [u64]| {
        let mut words = [0; MAX_ARGS];
        for &(i, widen) in &declared {
            words[i] = if widen {
                slots[i] as u32 as i32 as u64
            } else {
                slots[i]
            };
        }
        let mut value = make(&call, caller, &words, declared_result)?;
        if !no_result {
            if result == Some(Abi::I32) {
                value = value as u32 as i32 as u64;
            }
            slots[0] = word(value, narrow_result);
        }
        Ok(())
    })
}

fn same(have: ValType, want: Abi) -> bool {
    matches!(
        (have, want),
        (ValType::I32, Abi::I32) | (ValType::I64, Abi::I64)
    )
}

/// A value in a slot of the declared width.
fn word(value: u64, narrow: bool) -> u64 {
    if narrow {
        u64::from(value as u32)
    } else {
        value
    }
}

/// Makes a call, once the handlers of signals that came before it have run.
#[inline]
fn make<F>(
    call: &F,
    caller: &mut Caller<'_>,
    words: &[u64; MAX_ARGS],
    result: Option<ValType>,
) -> Result<u64, Trap>
where
    F: Fn(&mut Thread, &[u64; MAX_ARGS]) -> Result<u64, Unwind>,
{
    loop {
        match call(caller.state(), words) {
            Ok(value) => return Ok(value),
            Err(unwind) => {
                if let Some(value) = carry_out(caller, unwind, result)? {
                    return Ok(value);
                }
            }
        }
    }
}

/// Does what a call wants done instead of a return. None if it has to be made again.
///
/// # Errors
/// What ends the run of guest code, or takes it elsewhere.
#[cold]
fn carry_out(
    caller: &mut Caller<'_>,
    unwind: Unwind,
    result: Option<ValType>,
) -> Result<Option<u64>, Trap> {
    match unwind {
        Unwind::Exit(_) | Unwind::ExitThread(_) => return Err(Trap::host(unwind)),
        Unwind::Interrupted => {}
        Unwind::Mark(mark) => {
            if let Some(value) = jumps::mark(caller, mark, result)? {
                return Ok(Some(value));
            }
        }
        Unwind::Jump(jump) => {
            if let Some(trap) = jumps::jump(caller, jump)? {
                return Err(trap);
            }
        }
    }
    caller.attend()?;
    Ok(None)
}
