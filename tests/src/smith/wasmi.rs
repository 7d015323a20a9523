//! Cases in `wasmi`, which has no threads and no exceptions.

use std::fmt;

use wali_runtime::interp::{self, ValType};
use wasmi::TrapCode;
use wasmi::{
    Config, Engine as Wasm, Error, Extern, ExternRef, ExternType, FuncType, Global, Instance,
    Linker, Memory, Module, Nullable, Ref, Store, Table, Val as Value,
};

use super::{Case, Ended, Engine, Outcome, STACK, STEPS, STEPS_LEFT, Val};
use super::{hash_bytes, host_call, host_global, mix};

/// `wasmi`.
pub struct Wasmi(Wasm);

impl fmt::Debug for Wasmi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wasmi")
    }
}

impl Default for Wasmi {
    fn default() -> Self {
        let mut config = Config::default();
        config
            .wasm_custom_page_sizes(false)
            .wasm_memory64(false)
            .wasm_multi_memory(false)
            .set_max_recursion_depth(1 << 20)
            .set_max_stack_height(STACK);
        Wasmi(Wasm::new(&config))
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

impl wasmi::errors::HostError for End {}

impl Engine for Wasmi {
    fn name(&self) -> String {
        "wasmi".into()
    }

    fn run(&mut self, case: &Case) -> Outcome {
        let module = match Module::new(&self.0, &case.wasm) {
            Ok(module) => module,
            Err(error) => return Outcome::unusable(Ended::Refused(error.to_string()), 0),
        };
        let mut store = Store::new(&self.0, 0u64);
        let instance = match instantiate(&self.0, &mut store, &module) {
            Ok(instance) => instance,
            Err(error) => return Outcome::unusable(ended(&error), *store.data()),
        };
        let find = |store: &Store<u64>, name: &str| {
            let export = instance.get_export(store, name);
            export.unwrap_or_else(|| panic!("{name} is exported"))
        };
        let Extern::Global(steps) = find(&store, STEPS_LEFT) else {
            panic!("the steps are a global");
        };
        let mut outcome = Outcome::default();
        for (name, args) in &case.calls {
            let full = steps.set(&mut store, Value::I32(STEPS));
            full.expect("it can be set");
            let Extern::Func(func) = find(&store, name) else {
                panic!("{name} is a function");
            };
            let args: Vec<Value> = args.iter().map(|arg| value(*arg, &mut store)).collect();
            let types = func.ty(&store);
            let mut results: Vec<Value> = types
                .results()
                .iter()
                .map(|ty| Value::default_for_ty(*ty))
                .collect();
            let result = func.call(&mut store, &args, &mut results);
            let result = match result {
                Ok(()) => Ok(results.iter().map(|value| val(value, &store)).collect()),
                Err(error) => Err(ended(&error)),
            };
            let Value::I32(left) = steps.get(&store) else {
                panic!("it is a number");
            };
            outcome.calls.push((result, left));
        }
        outcome.hosts = *store.data();
        outcome.memory = case.memory.as_ref().map(|name| match find(&store, name) {
            Extern::Memory(memory) => {
                let data = memory.data(&store);
                (data.len() as u64, hash_bytes(data))
            }
            other => panic!("{name} is no memory: {other:?}"),
        });
        let global = |name: &String| match find(&store, name) {
            Extern::Global(global) => val(&global.get(&store), &store),
            other => panic!("{name} is no global: {other:?}"),
        };
        outcome.globals = case.globals.iter().map(global).collect();
        let table = |name: &String| match find(&store, name) {
            Extern::Table(table) => {
                let size = table.size(&store);
                let elements = (0..size).filter_map(|index| table.get(&store, index));
                let hash = elements.map(|element| u64::from(element.is_null()));
                (size, hash.fold(0, mix))
            }
            other => panic!("{name} is no table: {other:?}"),
        };
        outcome.tables = case.tables.iter().map(table).collect();
        outcome
    }
}

fn instantiate(engine: &Wasm, store: &mut Store<u64>, module: &Module) -> Result<Instance, Error> {
    let mut linker = Linker::new(engine);
    for import in module.imports() {
        let (from, name) = (import.module(), import.name());
        let found = match import.ty() {
            ExternType::Func(ty) => {
                func(&mut linker, from, name, ty)?;
                continue;
            }
            ExternType::Global(ty) => {
                let value = value(host_global(our_type(ty.content())), &mut *store);
                Extern::Global(Global::new(&mut *store, value, ty.mutability()))
            }
            ExternType::Memory(ty) => Extern::Memory(Memory::new(&mut *store, *ty)?),
            ExternType::Table(ty) => {
                Extern::Table(Table::new(&mut *store, *ty, Ref::null(ty.element()))?)
            }
        };
        linker
            .define(from, name, found)
            .map_err(|e| Error::new(e.to_string()))?;
    }
    linker.instantiate_and_start(store, module)
}

fn func(linker: &mut Linker<u64>, from: &str, name: &str, ty: &FuncType) -> Result<(), Error> {
    let types = |types: &[wasmi::ValType]| -> Vec<ValType> {
        types.iter().map(|ty| our_type(*ty)).collect()
    };
    let ours = interp::FuncType::new(types(ty.params()), types(ty.results()));
    let called = name.to_string();
    let code = move |mut caller: wasmi::Caller<'_, u64>, args: &[Value], results: &mut [Value]| {
        let args: Vec<Val> = args.iter().map(|arg| val(arg, &caller)).collect();
        let yielded = host_call(caller.data_mut(), &called, &args, &ours);
        let yielded = yielded.map_err(|_| Error::host(End))?;
        for (result, yielded) in results.iter_mut().zip(yielded) {
            *result = value(yielded, &mut caller);
        }
        Ok(())
    };
    let defined = linker.func_new(from, name, ty.clone(), code);
    defined.map(|_| ()).map_err(|e| Error::new(e.to_string()))
}

fn our_type(ty: wasmi::ValType) -> ValType {
    match ty {
        wasmi::ValType::I32 => ValType::I32,
        wasmi::ValType::I64 => ValType::I64,
        wasmi::ValType::F32 => ValType::F32,
        wasmi::ValType::F64 => ValType::F64,
        wasmi::ValType::V128 => ValType::V128,
        wasmi::ValType::FuncRef => ValType::FuncRef,
        wasmi::ValType::ExternRef => ValType::ExternRef,
    }
}

fn value(val: Val, store: impl wasmi::AsContextMut) -> Value {
    match val {
        Val::I32(v) => Value::I32(v),
        Val::I64(v) => Value::I64(v),
        Val::F32(v) => Value::F32(f32::from_bits(v).into()),
        Val::F64(v) => Value::F64(f64::from_bits(v).into()),
        Val::V128(v) => Value::V128(v.into()),
        Val::Func(_) | Val::Exn(_) => Value::FuncRef(Nullable::Null),
        Val::Extern(None) => Value::ExternRef(Nullable::Null),
        Val::Extern(Some(v)) => Value::ExternRef(ExternRef::new(store, v).into()),
    }
}

fn val(value: &Value, store: impl wasmi::AsContext) -> Val {
    match value {
        Value::I32(v) => Val::I32(*v),
        Value::I64(v) => Val::I64(*v),
        Value::F32(v) => Val::F32(v.to_bits()),
        Value::F64(v) => Val::F64(v.to_bits()),
        Value::V128(v) => Val::V128(v.as_u128()),
        Value::FuncRef(v) => Val::Func(!v.is_null()),
        Value::ExternRef(Nullable::Null) => Val::Extern(None),
        Value::ExternRef(Nullable::Val(v)) => {
            let number = v.data(store.as_context()).downcast_ref::<u64>();
            Val::Extern(number.copied())
        }
    }
}

fn ended(error: &Error) -> Ended {
    if error.downcast_ref::<End>().is_some() {
        return Ended::Host;
    }
    let Some(code) = error.as_trap_code() else {
        let text = error.to_string();
        // What does not fit when an instance is made has errors of its own here.
        return match () {
            () if text.contains("does not fit") && text.contains("table") => Ended::Table,
            () if text.contains("out of bounds memory") => Ended::Memory,
            () => Ended::Other(text),
        };
    };
    match code {
        TrapCode::UnreachableCodeReached => Ended::Unreachable,
        TrapCode::MemoryOutOfBounds => Ended::Memory,
        TrapCode::TableOutOfBounds => Ended::Table,
        TrapCode::IndirectCallToNull => Ended::NullElement,
        TrapCode::IntegerDivisionByZero => Ended::DivideByZero,
        TrapCode::IntegerOverflow => Ended::Overflow,
        TrapCode::BadConversionToInteger => Ended::Conversion,
        TrapCode::StackOverflow => Ended::Exhausted,
        TrapCode::BadSignature => Ended::Signature,
        other => Ended::Other(other.to_string()),
    }
}
