//! How long small programs take from start to end, and how much memory:
//! `cargo bench -p wali-tests --bench startup [-- --quick]`.

use std::borrow::Cow;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use wali_tests::bench::{Options, median, ms, table};
use wali_tests::guests::{self, build};
use wali_tests::process::{self, End};
use wali_tests::workspace;
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, ElementSection, Elements, ExportKind, ExportSection,
    Function, FunctionSection, MemArg, MemArgTarget, MemorySection, MemoryType, Module, RefType,
    TableSection, TableType, TypeSection, ValType,
};

/// What is started, by name.
type Row<'a> = (&'a str, Box<dyn Fn() -> Command>);

fn main() {
    let options = Options::from_args();
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hello = dir.path().join("hello.wasm");
    let text = workspace::root().join("examples/hello.wat");
    let bytes = wat::parse_file(&text).unwrap_or_else(|e| panic!("{e}"));
    std::fs::write(&hello, bytes).expect("a file in it");
    let large = dir.path().join("large.wasm");
    let bytes = large_module();
    let size = bytes.len() as f64 / 1e6;
    std::fs::write(&large, bytes).expect("a file in it");
    let programs = guests::programs();
    let args = programs
        .iter()
        .find(|p| p.name == "args")
        .expect("tests/guests/args.c");
    let args = build::build(args).unwrap_or_else(|e| panic!("{e}"));

    let wali = |module: PathBuf| {
        move || {
            let mut command = workspace::command(workspace::wali());
            command.arg("run").arg(&module);
            command
        }
    };
    let native = args.native.clone();
    let large_row = format!("made, {size:.1} MB");
    let rows: Vec<Row> = vec![
        // Also the floor of the memory figures: a child starts as a copy of this process.
        ("/bin/true", Box::new(|| Command::new("/bin/true"))),
        (
            "args, native",
            Box::new(move || workspace::command(&native)),
        ),
        (
            "wali --version",
            Box::new(|| {
                let mut command = workspace::command(workspace::wali());
                command.arg("--version");
                command
            }),
        ),
        ("hello.wat, assembled", Box::new(wali(hello))),
        ("args, with libc", Box::new(wali(args.wasm))),
        (&large_row, Box::new(wali(large))),
    ];
    let mut samples = vec![(Vec::new(), Vec::new()); rows.len()];
    for _ in 0..options.rounds(41) {
        for ((_, command), (times, sizes)) in rows.iter().zip(&mut samples) {
            let mut command = command();
            // With something to do between them, the standard library forks before it execs
            // instead of borrowing this process's memory, whose size the child would inherit
            // as its own high mark.
            // SAFETY: the closure does nothing.
            unsafe { command.pre_exec(|| Ok(())) };
            let outcome = process::run(command, b"", Duration::from_secs(60));
            assert_eq!(outcome.end, End::Exit(0), "{}", outcome.errors());
            times.push(ms(outcome.wall));
            sizes.push(outcome.max_rss as f64);
        }
    }
    let floor = median(&samples[0].0);
    let rows: Vec<Vec<String>> = rows
        .iter()
        .zip(&samples)
        .filter(|((name, _), _)| options.wants(name))
        .map(|((name, _), (times, sizes))| {
            let time = median(times);
            let size = median(sizes) / 1024.0;
            vec![
                name.to_string(),
                format!("{time:.2}"),
                format!("{:+.2}", time - floor),
                format!("{size:.1}"),
            ]
        })
        .collect();
    table(&["program", "ms", "above /bin/true", "MiB resident"], &rows);
}

/// A module of some three megabytes: functions as a compiler would make them, all in the table,
/// of which few are called. What starting it takes is what its size takes.
fn large_module() -> Vec<u8> {
    const FUNCTIONS: u32 = 9_000;
    const CALLED: u32 = 90;
    let memory = |offset| MemArg {
        offset,
        align: 2,
        target: MemArgTarget::Memory(0),
        ordering: None,
    };
    let (mut types, mut functions) = (TypeSection::new(), FunctionSection::new());
    types.ty().function([], []);
    types.ty().function([ValType::I32; 2], [ValType::I32]);
    let mut code = CodeSection::new();
    let mut start = Function::new([]);
    for called in 1..=CALLED {
        let mut code = start.instructions();
        code.i32_const(called as i32)
            .i32_const(3)
            .call(called)
            .drop();
    }
    start.instructions().end();
    functions.function(0);
    code.function(&start);
    for number in 1..=FUNCTIONS {
        let mut function = Function::new([(3, ValType::I32)]);
        let mut body = function.instructions();
        body.i32_const(3).local_set(2).loop_(BlockType::Empty);
        for step in 0..20 {
            let (from, to) = (2 + step % 3, 2 + (step + number) % 3);
            body.local_get(from).i32_const(0xfffc).i32_and();
            body.i32_load(memory(u64::from(step * 4)));
            body.local_get(to).i32_add().local_tee(to);
            body.i32_const(step as i32).i32_xor().local_set(from);
        }
        body.local_get(1).i32_const(1).i32_sub().local_tee(1);
        body.i32_const(0).i32_gt_s().br_if(0).end();
        body.local_get(0).end();
        functions.function(1);
        code.function(&function);
    }
    let mut tables = TableSection::new();
    tables.table(TableType {
        element_type: RefType::FUNCREF,
        minimum: u64::from(FUNCTIONS),
        maximum: None,
        table64: false,
        shared: false,
    });
    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum: 2,
        maximum: Some(2),
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    let mut exports = ExportSection::new();
    exports.export("memory", ExportKind::Memory, 0);
    exports.export("_start", ExportKind::Func, 0);
    let mut elements = ElementSection::new();
    let all: Vec<u32> = (1..=FUNCTIONS).collect();
    let all = Elements::Functions(Cow::Borrowed(&all));
    elements.active(None, &ConstExpr::i32_const(0), all);
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&tables);
    module.section(&memories).section(&exports);
    module.section(&elements).section(&code);
    module.finish()
}
