//! Random modules in wasmtime.

use std::fmt;

use wali_runtime::interp::{self, ValType};
use wali_tests::smith::{Case, Ended, Engine, Outcome, STACK, STEPS, STEPS_LEFT, Val};
use wali_tests::smith::{hash_bytes, host_call, host_global, mix};
use wasmtime::{
    AsContext, AsContextMut, Caller, Collector, Config, Error, Extern, ExternRef, ExternType,
    FuncType, Global, HeapType, Instance, Linker, Memory, Module, Ref, Store, StoreContextMut,
    Table, ThrownException, Trap, Val as Value,
};

/// What wasmtime makes of modules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// Machine code, by Cranelift.
    Machine,
    /// The code of Pulley, its interpreter.
    Pulley,
}

/// wasmtime.
pub struct Wasmtime {
    engine: wasmtime::Engine,
    code: Code,
}

impl fmt::Debug for Wasmtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Wasmtime").field(&self.code).finish()
    }
}

impl Wasmtime {
    /// One that makes this of modules.
    ///
    /// # Panics
    /// If wasmtime was built without it.
    pub fn new(code: Code) -> Wasmtime {
        let mut config = Config::new();
        config
            .collector(Collector::DeferredReferenceCounting)
            .wasm_exceptions(true)
            .wasm_function_references(true)
            .shared_memory(true)
            .wasm_multi_memory(false)
            .wasm_memory64(false)
            .wasm_relaxed_simd(false)
            .wasm_gc(false)
            .async_stack_size(2 * STACK)
            .max_wasm_stack(STACK)
            // This interpreter handles the signals of faults.
            .signals_based_traps(false)
            .memory_reservation(0)
            .memory_guard_size(0)
            .memory_reservation_for_growth(1 << 20);
        if code == Code::Pulley {
            config.target("pulley64").expect("it was built with Pulley");
        }
        let engine = wasmtime::Engine::new(&config).unwrap_or_else(|e| panic!("{e:?}"));
        Wasmtime { engine, code }
    }
}

/// What a host function ends a run with.
#[derive(Debug)]
struct End;

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ended by the host")
    }
}

impl std::error::Error for End {}

impl Engine for Wasmtime {
    fn name(&self) -> String {
        match self.code {
            Code::Machine => "wasmtime (Cranelift)".into(),
            Code::Pulley => "wasmtime (Pulley)".into(),
        }
    }

    fn run(&mut self, case: &Case) -> Outcome {
        let module = match Module::new(&self.engine, &case.wasm) {
            Ok(module) => module,
            Err(error) => return Outcome::unusable(Ended::Refused(format!("{error:?}")), 0),
        };
        let mut store = Store::new(&self.engine, 0u64);
        let instance = match instantiate(&self.engine, &mut store, &module) {
            Ok(instance) => instance,
            Err(error) => {
                let ended = ended(&error, &mut store);
                return Outcome::unusable(ended, *store.data());
            }
        };
        let find = |store: &mut Store<u64>, name: &str| {
            let export = instance.get_export(store, name);
            export.unwrap_or_else(|| panic!("{name} is exported"))
        };
        let Extern::Global(steps) = find(&mut store, STEPS_LEFT) else {
            panic!("the steps are a global");
        };
        let mut outcome = Outcome::default();
        for (name, args) in &case.calls {
            let full = steps.set(&mut store, Value::I32(STEPS));
            full.expect("it can be set");
            let Extern::Func(func) = find(&mut store, name) else {
                panic!("{name} is a function");
            };
            let ty = func.ty(&store);
            let args = args.iter().zip(ty.params());
            let args: Vec<Value> = args
                .map(|(arg, ty)| value(*arg, &ty, store.as_context_mut()))
                .collect();
            let mut results = vec![Value::I32(0); ty.results().len()];
            let result = match func.call(&mut store, &args, &mut results) {
                Ok(()) => Ok(results.iter().map(|value| val(value, &store)).collect()),
                Err(error) => Err(ended(&error, &mut store)),
            };
            let left = steps.get(&mut store).unwrap_i32();
            outcome.calls.push((result, left));
        }
        outcome.hosts = *store.data();
        outcome.memory = case
            .memory
            .as_ref()
            .map(|name| match find(&mut store, name) {
                Extern::Memory(memory) => {
                    let data = memory.data(&store);
                    (data.len() as u64, hash_bytes(data))
                }
                Extern::SharedMemory(memory) => {
                    let data = memory.data();
                    // SAFETY: nobody writes to it now: the guest does not run, and it has one thread.
                    let data = unsafe {
                        std::slice::from_raw_parts(data.as_ptr().cast::<u8>(), data.len())
                    };
                    (data.len() as u64, hash_bytes(data))
                }
                other => panic!("{name} is no memory: {other:?}"),
            });
        for name in &case.globals {
            let Extern::Global(global) = find(&mut store, name) else {
                panic!("{name} is a global");
            };
            let value = global.get(&mut store);
            outcome.globals.push(val(&value, &store));
        }
        for name in &case.tables {
            let Extern::Table(table) = find(&mut store, name) else {
                panic!("{name} is a table");
            };
            let size = table.size(&store);
            let hash = (0..size).fold(0, |hash, index| {
                let element = table.get(&mut store, index).expect("it is in the table");
                mix(hash, element.is_null().into())
            });
            outcome.tables.push((size, hash));
        }
        outcome
    }
}

fn instantiate(
    engine: &wasmtime::Engine,
    store: &mut Store<u64>,
    module: &Module,
) -> Result<Instance, Error> {
    let mut linker = Linker::new(engine);
    for import in module.imports() {
        let (from, name) = (import.module(), import.name());
        let found: Extern = match import.ty() {
            ExternType::Func(ty) => {
                func(&mut linker, from, name, ty)?;
                continue;
            }
            ExternType::Global(ty) => {
                let value = host_global(our_type(ty.content()));
                let value = self::value(value, ty.content(), store.as_context_mut());
                Global::new(&mut *store, ty, value)?.into()
            }
            ExternType::Memory(ty) => Memory::new(&mut *store, ty)?.into(),
            ExternType::Table(ty) => {
                let null = Ref::null(ty.element().heap_type());
                Table::new(&mut *store, ty, null)?.into()
            }
            ExternType::Tag(_) => return Err(Error::msg("the host has no tags")),
        };
        linker.define(&mut *store, from, name, found)?;
    }
    linker.instantiate(store, module)
}

fn func(linker: &mut Linker<u64>, from: &str, name: &str, ty: FuncType) -> Result<(), Error> {
    let params: Vec<ValType> = ty.params().map(|ty| our_type(&ty)).collect();
    let results: Vec<ValType> = ty.results().map(|ty| our_type(&ty)).collect();
    let ours = interp::FuncType::new(params, results);
    let (called, of) = (name.to_string(), ty.clone());
    let code = move |mut caller: Caller<'_, u64>, args: &[Value], results: &mut [Value]| {
        let args: Vec<Val> = args.iter().map(|arg| val(arg, &caller)).collect();
        let yielded = host_call(caller.data_mut(), &called, &args, &ours);
        let yielded = yielded.map_err(|_| Error::new(End))?;
        for ((result, yielded), ty) in results.iter_mut().zip(yielded).zip(of.results()) {
            *result = value(yielded, &ty, caller.as_context_mut());
        }
        Ok(())
    };
    linker.func_new(from, name, ty, code)?;
    Ok(())
}

fn our_type(ty: &wasmtime::ValType) -> ValType {
    match ty {
        wasmtime::ValType::I32 => ValType::I32,
        wasmtime::ValType::I64 => ValType::I64,
        wasmtime::ValType::F32 => ValType::F32,
        wasmtime::ValType::F64 => ValType::F64,
        wasmtime::ValType::V128 => ValType::V128,
        wasmtime::ValType::Ref(ty) => match ty.heap_type().top() {
            HeapType::Func => ValType::FuncRef,
            HeapType::Extern => ValType::ExternRef,
            _ => ValType::ExnRef,
        },
    }
}

fn value(val: Val, ty: &wasmtime::ValType, store: StoreContextMut<'_, u64>) -> Value {
    match val {
        Val::I32(v) => Value::I32(v),
        Val::I64(v) => Value::I64(v),
        Val::F32(v) => Value::F32(v),
        Val::F64(v) => Value::F64(v),
        Val::V128(v) => Value::V128(v.into()),
        Val::Extern(Some(v)) => {
            let reference = ExternRef::new(store, v).expect("there is room for it");
            Value::ExternRef(Some(reference))
        }
        Val::Func(_) | Val::Exn(_) | Val::Extern(None) => {
            Value::default_for_ty(ty).expect("a null reference")
        }
    }
}

fn val(value: &Value, store: impl AsContext) -> Val {
    match value {
        Value::I32(v) => Val::I32(*v),
        Value::I64(v) => Val::I64(*v),
        Value::F32(v) => Val::F32(*v),
        Value::F64(v) => Val::F64(*v),
        Value::V128(v) => Val::V128(v.as_u128()),
        Value::FuncRef(v) => Val::Func(v.is_some()),
        Value::ExnRef(v) => Val::Exn(v.is_some()),
        Value::ExternRef(None) => Val::Extern(None),
        Value::ExternRef(Some(v)) => {
            let data = v.data(store.as_context()).expect("it is alive");
            Val::Extern(data.and_then(|v| v.downcast_ref::<u64>().copied()))
        }
        other => panic!("{other:?} is of no type that modules here have"),
    }
}

fn ended(error: &Error, store: &mut Store<u64>) -> Ended {
    if error.is::<End>() {
        return Ended::Host;
    }
    if error.is::<ThrownException>() {
        store.take_pending_exception();
        return Ended::Exception;
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::UnreachableCodeReached) => Ended::Unreachable,
        Some(Trap::MemoryOutOfBounds) => Ended::Memory,
        Some(Trap::HeapMisaligned) => Ended::Unaligned,
        Some(Trap::AtomicWaitNonSharedMemory) => Ended::NotShared,
        Some(Trap::TableOutOfBounds) => Ended::Table,
        Some(Trap::IndirectCallToNull) => Ended::NullElement,
        Some(Trap::BadSignature) => Ended::Signature,
        Some(Trap::IntegerDivisionByZero) => Ended::DivideByZero,
        Some(Trap::IntegerOverflow) => Ended::Overflow,
        Some(Trap::BadConversionToInteger) => Ended::Conversion,
        Some(Trap::StackOverflow) => Ended::Exhausted,
        Some(Trap::NullReference) => Ended::NullReference,
        Some(other) => Ended::Other(other.to_string()),
        None => Ended::Other(format!("{error:?}")),
    }
}
