//! What a module is that is no WALI program, told by what it imports and exports.

use std::fmt;

use crate::interp::{ExportIndex, Import, Module};

/// What else a module was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// What a compiler writes before it is linked.
    Object,
    /// What is loaded into another module's memory.
    SharedLibrary,
    /// The WebAssembly System Interface, preview 1 or before.
    Wasi,
    /// Emscripten's JavaScript.
    Emscripten,
    /// The JavaScript that Go has for browsers.
    Go,
    /// The JavaScript that wasm-bindgen makes of Rust's.
    WasmBindgen,
    /// AssemblyScript's.
    AssemblyScript,
    /// Others' calls: a library of functions, which nothing starts.
    Library,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Origin::Object => {
                "this is an object file, which has yet to be linked (wali-cc FILE -o PROGRAM)"
            }
            Origin::SharedLibrary => {
                "this is a shared library, and WALI has none: link its objects into the program"
            }
            Origin::Wasi => {
                "this was made for WASI: build its source for WALI (wali-cc), \
                 or run it with an engine that has WASI"
            }
            Origin::Emscripten => {
                "this was made by Emscripten, for its JavaScript: build its source for WALI (wali-cc)"
            }
            Origin::Go => "this was made by Go for JavaScript; Go has no port to WALI",
            Origin::WasmBindgen => {
                "this was made by wasm-bindgen for JavaScript: it is no program by itself"
            }
            Origin::AssemblyScript => {
                "this was made by AssemblyScript, for a host of JavaScript: it is no program of Linux's"
            }
            Origin::Library => {
                "this is a library, which is called and has no start of its own: \
                 a program has a function `_start`, which wali-cc links to every `main`"
            }
        })
    }
}

/// What the module seems to be instead of a WALI program; none if nothing tells.
pub fn of(module: &Module) -> Option<Origin> {
    let any = |test: &dyn Fn(&Import) -> bool| module.imports().iter().any(test);
    let env = |name: &'static str| any(&move |i| i.module == "env" && i.name == name);
    if env("__linear_memory") || env("__stack_pointer") && !env("__memory_base") {
        return Some(Origin::Object);
    }
    if env("__memory_base") {
        return Some(Origin::SharedLibrary);
    }
    let ours = any(&|i| i.module == super::imports::WALI);
    if !module.imports().is_empty() && !ours {
        return maker(module);
    }
    let called = module
        .exports()
        .iter()
        .any(|(name, index)| matches!(index, ExportIndex::Func(_)) && !name.starts_with("__wasm_"));
    (called && module.export(super::START).is_none()).then_some(Origin::Library)
}

/// Who made a module that imports nothing of WALI's.
fn maker(module: &Module) -> Option<Origin> {
    let any = |test: &dyn Fn(&Import) -> bool| module.imports().iter().any(test);
    let exports = |name: &str| module.export(name).is_some();
    if any(&|i| i.module.starts_with("wasi")) && !any(&of_emscripten) {
        return Some(Origin::Wasi);
    }
    if any(&|i| i.module == "gojs" || i.module == "go") {
        return Some(Origin::Go);
    }
    let bindgen = |i: &Import| i.module == "wbg" || i.module.starts_with("__wbindgen");
    if any(&|i| bindgen(i) || i.name.starts_with("__wbindgen_") || i.name.starts_with("__wbg_")) {
        return Some(Origin::WasmBindgen);
    }
    let minified = module.imports().first().is_some_and(|i| i.module == "a")
        && !any(&|i| i.module != "a" || i.name.len() > 2);
    if any(&of_emscripten) || minified || exports("emscripten_stack_get_current") {
        return Some(Origin::Emscripten);
    }
    (exports("__new") && exports("__pin") || exports("__rtti_base"))
        .then_some(Origin::AssemblyScript)
}

fn of_emscripten(import: &Import) -> bool {
    import.module == "env"
        && [
            "emscripten_",
            "_emscripten_",
            "invoke_",
            "_embind_",
            "__syscall_",
        ]
        .iter()
        .any(|start| import.name.starts_with(start))
}
