//! What a module needs of an engine beyond the first version of WebAssembly.

use std::collections::BTreeSet;

use wasmparser::{BinaryReader, FunctionBody, Operator};

use super::ModuleInner;

macro_rules! proposals {
    ($(@$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
        /// The proposal that an operator came with.
        fn proposal(operator: &Operator<'_>) -> &'static str {
            match operator {
                $(Operator::$op { .. } => stringify!($proposal),)*
                _ => FIRST,
            }
        }
    };
}

wasmparser::for_each_operator!(proposals);

/// What belongs to the first version.
const FIRST: &str = "mvp";

/// The proposals whose operators are in the module's functions, or that its memory or tags are
/// of, by the names that tools have for them.
pub(super) fn features(module: &ModuleInner) -> Vec<String> {
    let mut found = BTreeSet::new();
    for body in &module.bodies {
        let reader = BinaryReader::new(&module.bytes[body.range.clone()], 0);
        let operators = FunctionBody::new(reader).get_operators_reader();
        let operators = operators.into_iter().flatten().map_while(Result::ok);
        found.extend(operators.map(|operator| proposal(&operator)));
    }
    if module.memory.is_some_and(|memory| memory.shared) {
        found.insert("threads");
    }
    if !module.tags.is_empty() {
        found.insert("exceptions");
    }
    found.remove(FIRST);
    let names = found.into_iter().map(|name| name.replace('_', "-"));
    names.collect()
}
