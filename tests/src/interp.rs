//! What tests of the interpreter share.

use std::sync::Arc;

use wali_runtime::interp::{
    BUILD, Extern, Func, FuncType, HostFn, Imports, Instance, Module, Trap, ValType, Value,
};

/// A module from text.
pub fn module(wat: &str) -> Module {
    Module::new(&wat::parse_str(wat).expect("well-formed text")).expect("a valid module")
}

/// An instance of a module without imports.
pub fn instance(wat: &str) -> Instance {
    Instance::new(&module(wat), &Imports::new()).expect("an instance")
}

/// The one value, which is an `i32`.
pub fn i32_of(values: &[Value]) -> i32 {
    match values {
        [Value::I32(value)] => *value,
        other => panic!("one i32 was expected: {other:?}"),
    }
}

/// Calls an export that takes `i32`s and yields one.
pub fn run(instance: &Instance, name: &str, args: &[i32]) -> Result<i32, Trap> {
    let args: Vec<Value> = args.iter().map(|arg| Value::I32(*arg)).collect();
    instance.invoke(name, &args).map(|values| i32_of(&values))
}

/// A host function.
pub fn host(params: &[ValType], results: &[ValType], code: Box<HostFn>) -> Extern {
    Extern::Func(Func::host(FuncType::new(params, results), Arc::from(code)))
}

/// Whether native code is optimised.
pub fn optimised() -> bool {
    BUILD.starts_with("threaded")
}
