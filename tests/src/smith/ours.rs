//! Cases in this interpreter.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use wali_runtime::interp::{
    BUILD, Extern, ExternType, Func, FuncType, Global, Import, Instance, InterruptHandle,
    LinkError, Module, Options, Table, Trap, TrapKind, ValType, Value,
};
use wali_runtime::memory::Memory;

use super::ticks;
use super::{Case, Ended, Engine, Outcome, STACK, STEPS, STEPS_LEFT, Val};
use super::{hash_bytes, host_call, host_global, mix};

/// This interpreter.
#[derive(Debug)]
pub struct Ours {
    polled: bool,
    hooks: Arc<AtomicU64>,
}

impl Ours {
    /// As it is.
    pub fn new() -> Ours {
        Ours {
            polled: false,
            hooks: Arc::default(),
        }
    }

    /// With a hook that signals ask for, some thousand times a second, and calls when they begin.
    pub fn polled() -> Ours {
        Ours {
            polled: true,
            ..Ours::new()
        }
    }

    /// How often the hook ran.
    pub fn hooks(&self) -> u64 {
        self.hooks.load(Ordering::Relaxed)
    }

    /// Options with the hook, and where the handle of the instance is put.
    fn options(&self) -> (Options, Arc<OnceLock<InterruptHandle>>) {
        let handle: Arc<OnceLock<InterruptHandle>> = Arc::default();
        let (hooks, when_ready) = (Arc::clone(&self.hooks), Arc::clone(&handle));
        let options = Options {
            stack_bytes: STACK,
            hook: Some(Box::new(move |_| {
                hooks.fetch_add(1, Ordering::Relaxed);
                Ok(())
            })),
            ready: Some(Box::new(move |instance: &mut Instance| {
                when_ready.get_or_init(|| instance.interrupt_handle());
            })),
            ..Options::default()
        };
        (options, handle)
    }

    fn run_with(&self, case: &Case, module: &Module) -> Outcome {
        let (options, handle) = self.options();
        let _ticks = self.polled.then(|| ticks::start(Arc::clone(&handle)));
        let log = Log::default();
        let host = |import: &Import| host(import, &log);
        let instance = match Instance::with_options(module, &host, options) {
            Ok(instance) => instance,
            Err(LinkError::Trap(trap)) => return Outcome::unusable(ended(&trap), noted(&log)),
            Err(error) => return Outcome::unusable(Ended::Other(error.to_string()), noted(&log)),
        };
        let Some(Extern::Global(steps)) = instance.export(STEPS_LEFT) else {
            panic!("the steps are exported");
        };
        let mut outcome = Outcome::default();
        for (name, args) in &case.calls {
            steps.set(&Value::I32(STEPS)).expect("it can be set");
            if let Some(handle) = handle.get().filter(|_| self.polled) {
                handle.request_hook();
            }
            let args: Vec<Value> = args.iter().map(|arg| value(*arg)).collect();
            let result = instance.invoke(name, &args);
            let result = result.map(|values| values.iter().map(val).collect());
            let Value::I32(left) = steps.get() else {
                panic!("it is a number");
            };
            let result = result.map_err(|trap| ended(&trap));
            outcome.calls.push((result, left));
        }
        outcome.hosts = noted(&log);
        outcome.memory = case
            .memory
            .as_ref()
            .map(|name| match instance.export(name) {
                Some(Extern::Memory(memory)) => (memory.size(), hash(&memory)),
                other => panic!("{name} is no memory: {other:?}"),
            });
        let global = |name: &String| match instance.export(name) {
            Some(Extern::Global(global)) => val(&global.get()),
            other => panic!("{name} is no global: {other:?}"),
        };
        outcome.globals = case.globals.iter().map(global).collect();
        let table = |name: &String| match instance.export(name) {
            Some(Extern::Table(table)) => {
                let elements = (0..table.size()).filter_map(|index| table.get(index));
                let hash = elements.map(|element| u64::from(is_null(&element)));
                (table.size().into(), hash.fold(0, mix))
            }
            other => panic!("{name} is no table: {other:?}"),
        };
        outcome.tables = case.tables.iter().map(table).collect();
        outcome
    }
}

/// What the host's functions have noted.
type Log = Arc<Mutex<u64>>;

fn noted(log: &Log) -> u64 {
    *log.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Default for Ours {
    fn default() -> Self {
        Ours::new()
    }
}

impl Engine for Ours {
    fn name(&self) -> String {
        match self.polled {
            true => format!("wali ({BUILD}), interrupted"),
            false => format!("wali ({BUILD})"),
        }
    }

    fn run(&mut self, case: &Case) -> Outcome {
        let module = match Module::new(&case.wasm) {
            Ok(module) => module,
            Err(error) => return Outcome::unusable(Ended::Refused(error.to_string()), 0),
        };
        self.run_with(case, &module)
    }
}

fn hash(memory: &Memory) -> u64 {
    // SAFETY: nobody writes to it now: the guest does not run, and it has one thread. All that is
    // below the size is mapped.
    hash_bytes(unsafe { std::slice::from_raw_parts(memory.base(), memory.size() as usize) })
}

/// What a module imports.
fn host(import: &Import, log: &Log) -> Option<Extern> {
    Some(match &import.ty {
        ExternType::Func(ty) => Extern::Func(func(import.name.clone(), ty.clone(), log)),
        ExternType::Global(ty) => Extern::Global(Global::new(*ty, &value(host_global(ty.ty)))?),
        ExternType::Memory(ty) => Extern::Memory(Memory::new(*ty).ok()?),
        ExternType::Table(ty) => Extern::Table(Table::new(*ty, &Value::default_of(ty.element))?),
        ExternType::Tag(_) => return None,
    })
}

fn func(name: String, ty: FuncType, log: &Log) -> Func {
    let (of, log) = (ty.clone(), Arc::clone(log));
    Func::host(
        ty,
        Arc::new(move |_, slots| {
            let mut at = 0;
            let mut args = Vec::new();
            for ty in &of.params {
                args.push(from_slots(*ty, &slots[at..]));
                at += width(*ty);
            }
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            let results = host_call(&mut log, &name, &args, &of).map_err(|_| Trap::host(()))?;
            let mut at = 0;
            for (result, ty) in results.iter().zip(&of.results) {
                slots[at..at + width(*ty)].copy_from_slice(&result.words()[..width(*ty)]);
                at += width(*ty);
            }
            Ok(())
        }),
    )
}

fn width(ty: ValType) -> usize {
    if ty == ValType::V128 { 2 } else { 1 }
}

fn from_slots(ty: ValType, slots: &[u64]) -> Val {
    let slot = slots[0];
    match ty {
        ValType::I32 => Val::I32(slot as i32),
        ValType::I64 => Val::I64(slot as i64),
        ValType::F32 => Val::F32(slot as u32),
        ValType::F64 => Val::F64(slot),
        ValType::V128 => Val::V128(u128::from(slot) | u128::from(slots[1]) << 64),
        ValType::FuncRef => Val::Func(slot != 0),
        ValType::ExternRef => Val::Extern(slot.checked_sub(1)),
        ValType::ExnRef => Val::Exn(slot != 0),
    }
}

fn value(val: Val) -> Value {
    match val {
        Val::I32(v) => Value::I32(v),
        Val::I64(v) => Value::I64(v),
        Val::F32(v) => Value::F32(f32::from_bits(v)),
        Val::F64(v) => Value::F64(f64::from_bits(v)),
        Val::V128(v) => Value::V128(v),
        Val::Extern(v) => Value::ExternRef(v),
        Val::Func(_) => Value::FuncRef(None),
        Val::Exn(_) => Value::ExnRef(None),
    }
}

fn val(value: &Value) -> Val {
    match value {
        Value::I32(v) => Val::I32(*v),
        Value::I64(v) => Val::I64(*v),
        Value::F32(v) => Val::F32(v.to_bits()),
        Value::F64(v) => Val::F64(v.to_bits()),
        Value::V128(v) => Val::V128(*v),
        Value::FuncRef(v) => Val::Func(v.is_some()),
        Value::ExternRef(v) => Val::Extern(*v),
        Value::ExnRef(v) => Val::Exn(v.is_some()),
    }
}

fn is_null(value: &Value) -> bool {
    matches!(
        val(value),
        Val::Func(false) | Val::Extern(None) | Val::Exn(false)
    )
}

fn ended(trap: &Trap) -> Ended {
    match trap.kind() {
        TrapKind::Unreachable => Ended::Unreachable,
        TrapKind::MemoryOutOfBounds { .. } => Ended::Memory,
        TrapKind::UnalignedAtomic { .. } => Ended::Unaligned,
        TrapKind::ExpectedSharedMemory => Ended::NotShared,
        TrapKind::DivideByZero => Ended::DivideByZero,
        TrapKind::IntegerOverflow => Ended::Overflow,
        TrapKind::InvalidConversion => Ended::Conversion,
        TrapKind::TableOutOfBounds | TrapKind::UndefinedElement { .. } => Ended::Table,
        TrapKind::UninitializedElement { .. } => Ended::NullElement,
        TrapKind::IndirectCallTypeMismatch { .. } => Ended::Signature,
        TrapKind::StackOverflow => Ended::Exhausted,
        TrapKind::Exception(_) => Ended::Exception,
        TrapKind::NullException => Ended::NullReference,
        TrapKind::Host(_) => Ended::Host,
        other => Ended::Other(other.to_string()),
    }
}
