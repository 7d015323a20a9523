//! Modules out of random numbers.

use wali_runtime::interp::{ExportIndex, FuncType, Module, ValType};
use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{CodeSection, ExportKind, ExportSection, Instruction};
use wasm_smith::{Config, InstructionKind, InstructionKinds, MemoryOffsetChoices};
use wasmparser::{FunctionBody, Operator};

use super::{HOST, HOST_OF_VECTORS, STEPS, STEPS_LEFT, Val};
use crate::random::Random;

/// Most calls of a case.
const CALLS: usize = 24;

/// What a module may use beyond that which all engines have.
#[derive(Debug, Clone, Copy)]
pub struct Features {
    /// Vectors.
    pub vectors: bool,
    /// Shared memory and atomic accesses.
    pub threads: bool,
    /// Exceptions, in their later encoding.
    pub exceptions: bool,
}

/// A module and what is to be done with it.
#[derive(Debug, Clone)]
pub struct Case {
    /// The number it is made of.
    pub seed: u64,
    /// The module.
    pub wasm: Vec<u8>,
    /// Exported functions to call, one after the other.
    pub calls: Vec<(String, Vec<Val>)>,
    /// Names of the exported globals, of the memory, and of tables.
    pub globals: Vec<String>,
    /// See `globals`.
    pub memory: Option<String>,
    /// See `globals`.
    pub tables: Vec<String>,
}

impl Case {
    /// The case of a number; none if `wasm-smith` makes nothing of it.
    pub fn new(seed: u64, features: Features) -> Option<Case> {
        let mut random = Random::new(seed);
        let config = config(&mut random, features);
        let len = 512 << random.below(7);
        let bytes: Vec<u8> = (0..len).flat_map(|_| random.word().to_le_bytes()).collect();
        let mut source = arbitrary::Unstructured::new(&bytes);
        let mut module = wasm_smith::Module::new(config, &mut source).ok()?;
        let steps = module.ensure_termination(STEPS as u32).ok()?;
        let wasm = finish(&module.to_bytes(), steps);
        Some(Case::of(seed, wasm, &mut random))
    }

    /// A module with calls of what it exports; without, if it is refused.
    pub fn of(seed: u64, wasm: Vec<u8>, random: &mut Random) -> Case {
        let mut case = Case {
            seed,
            wasm,
            calls: Vec::new(),
            globals: Vec::new(),
            memory: None,
            tables: Vec::new(),
        };
        let Ok(module) = Module::new(&case.wasm) else {
            return case;
        };
        let mut funcs = Vec::new();
        for (name, export) in module.exports() {
            let name = name.clone();
            match export {
                ExportIndex::Func(index) => {
                    let ty = module
                        .func_type(*index)
                        .expect("of a function that is there");
                    funcs.push((name, ty.clone()));
                }
                ExportIndex::Global(_) => case.globals.push(name),
                ExportIndex::Memory(_) => case.memory = Some(name),
                ExportIndex::Table(_) => case.tables.push(name),
                ExportIndex::Tag(_) => {}
            }
        }
        if !funcs.is_empty() {
            // Each once, and some again after others.
            let count = CALLS.min(2 * funcs.len());
            for index in 0..count {
                let chosen = match index < funcs.len() {
                    true => index,
                    false => random.below(funcs.len() as u64) as usize,
                };
                let (name, ty) = &funcs[chosen];
                case.calls.push((name.clone(), arguments(ty, random)));
            }
        }
        case
    }

    /// What it takes to see it again.
    pub fn text(&self) -> String {
        format!("seed {}, {} bytes of module", self.seed, self.wasm.len())
    }
}

/// Each seed has another choice of what occurs, so that rare things meet often somewhere.
fn config(random: &mut Random, features: Features) -> Config {
    let mut some = |of: u64| random.below(of) as usize;
    let mut kinds = vec![InstructionKind::Control];
    let others = [
        InstructionKind::Numeric,
        InstructionKind::Variable,
        InstructionKind::Parametric,
        InstructionKind::Memory,
        InstructionKind::Table,
        InstructionKind::Reference,
        InstructionKind::Vector,
    ];
    kinds.extend(others.into_iter().filter(|_| some(4) > 0));
    let vectors = features.vectors && some(2) > 0;
    let host = match vectors {
        true => format!("(module {HOST} {HOST_OF_VECTORS})"),
        false => format!("(module {HOST})"),
    };
    Config {
        available_imports: Some(wat::parse_str(host).expect("well-formed text")),
        export_everything: true,
        allowed_instructions: InstructionKinds::new(&kinds),
        min_funcs: 1,
        max_funcs: 1 + some(16),
        max_instructions: [10, 50, 200, 1000][some(4)],
        max_globals: some(10),
        max_tables: some(4),
        max_memories: 1,
        min_memories: some(4).min(1) as u32,
        max_memory32_bytes: 65536 << some(5),
        // What an engine would allow beyond is its own matter.
        memory_max_size_required: true,
        table_max_size_required: true,
        max_table_elements: [10, 200, 1000][some(3)],
        max_element_segments: some(6),
        max_elements: some(20),
        max_data_segments: some(4),
        max_tags: some(5),
        max_types: 1 + some(20),
        max_exports: 0,
        min_uleb_size: 1 + some(5) as u8,
        memory_offset_choices: MemoryOffsetChoices(90, 9, 1 + some(20) as u32),
        canonicalize_nans: true,
        disallow_traps: some(3) > 0,
        allow_floats: some(4) > 0,
        generate_custom_sections: some(8) == 0,
        simd_enabled: vectors,
        threads_enabled: features.threads && some(2) > 0,
        exceptions_enabled: features.exceptions && some(2) > 0,
        tail_call_enabled: some(2) > 0,
        bulk_memory_enabled: true,
        reference_types_enabled: true,
        gc_enabled: false,
        memory64_enabled: false,
        compact_imports_enabled: false,
        relaxed_simd_enabled: false,
        wide_arithmetic_enabled: false,
        ..Config::default()
    }
}

/// Exports the global with the steps, and has waits end at once: nobody is there to notify.
fn finish(wasm: &[u8], steps: u32) -> Vec<u8> {
    struct Finish {
        steps: u32,
    }
    impl Reencode for Finish {
        type Error = std::convert::Infallible;

        fn parse_export_section(
            &mut self,
            exports: &mut ExportSection,
            section: wasmparser::ExportSectionReader<'_>,
        ) -> Result<(), reencode::Error> {
            reencode::utils::parse_export_section(self, exports, section)?;
            exports.export(STEPS_LEFT, ExportKind::Global, self.steps);
            Ok(())
        }

        fn parse_function_body(
            &mut self,
            code: &mut CodeSection,
            body: FunctionBody<'_>,
        ) -> Result<(), reencode::Error> {
            let mut function = self.new_function_with_parsed_locals(&body)?;
            for operator in body.get_operators_reader()? {
                let operator = operator?;
                if matches!(
                    operator,
                    Operator::MemoryAtomicWait32 { .. } | Operator::MemoryAtomicWait64 { .. }
                ) {
                    function.instruction(&Instruction::Drop);
                    function.instruction(&Instruction::I64Const(0));
                }
                function.instruction(&self.instruction(operator)?);
            }
            code.function(&function);
            Ok(())
        }
    }
    let mut module = wasm_encoder::Module::new();
    Finish { steps }
        .parse_core_module(&mut module, wasmparser::Parser::new(0), wasm)
        .expect("wasm-smith makes modules");
    module.finish()
}

fn arguments(ty: &FuncType, random: &mut Random) -> Vec<Val> {
    ty.params.iter().map(|ty| argument(*ty, random)).collect()
}

/// Mostly a value at which things change.
fn argument(ty: ValType, random: &mut Random) -> Val {
    const NUMBERS: &[u64] = &[
        0,
        1,
        2,
        7,
        31,
        32,
        63,
        64,
        255,
        65535,
        65536,
        0x7fff_ffff,
        0x8000_0000,
        0xffff_ffff,
        1 << 32,
        i64::MAX as u64,
        1 << 63,
        u64::MAX,
    ];
    const FLOATS: &[f64] = &[
        0.0,
        -0.0,
        1.0,
        -1.5,
        0.5,
        2147483648.0,
        -2147483649.0,
        4294967296.0,
        9223372036854775808.0,
        -9223372036854775808.0,
        18446744073709551616.0,
        1e-310,
        1e-40,
        f64::MAX,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
    ];
    let mut number = || match random.below(4) {
        0 => random.word(),
        1 => random.below(1 << 16),
        _ => *random.pick(NUMBERS),
    };
    match ty {
        ValType::I32 => Val::I32(number() as i32),
        ValType::I64 => Val::I64(number() as i64),
        ValType::F32 => Val::F32((*random.pick(FLOATS) as f32).to_bits()),
        ValType::F64 => Val::F64(random.pick(FLOATS).to_bits()),
        ValType::V128 => Val::V128(u128::from(number()) | u128::from(number()) << 64),
        ValType::FuncRef => Val::Func(false),
        ValType::ExternRef => Val::Extern((number() % 2 > 0).then(|| number() >> 1)),
        ValType::ExnRef => Val::Exn(false),
    }
}
