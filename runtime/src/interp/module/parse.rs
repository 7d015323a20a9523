//! From bytes to a module.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicPtr;

use wasmparser::{
    BinaryReaderError, DataKind, ElementItems, ElementKind, ExternalKind,
    FrameKind::{LegacyCatch, LegacyCatchAll, LegacyTry},
    FuncToValidate, FuncValidatorAllocations, FunctionBody, Operator, OperatorsReader, Parser,
    Payload, TableInit, TypeRef, ValidPayload, Validator, ValidatorResources, WasmFeatures,
};

use super::super::const_expr::ConstExpr;
use super::super::context::HEADER_SLOTS;
use super::super::types::{
    ExternType, FuncType, GlobalType, MemoryType, TableType, TypeId, ValType,
};
use super::{
    Body, Data, Elements, ExportIndex, GlobalInit, Import, ModuleError, ModuleInner, SegmentKind,
    TableDef,
};

/// WebAssembly 2.0 with threads, tail calls, extended constants, relaxed vectors, and exceptions as
/// they are now and as they were before.
const FEATURES: WasmFeatures = WasmFeatures::MUTABLE_GLOBAL
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::REFERENCE_TYPES)
    .union(WasmFeatures::GC_TYPES)
    .union(WasmFeatures::MULTI_VALUE)
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::FLOATS)
    .union(WasmFeatures::THREADS)
    .union(WasmFeatures::TAIL_CALL)
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::EXCEPTIONS)
    .union(WasmFeatures::LEGACY_EXCEPTIONS)
    .union(WasmFeatures::SIMD)
    .union(WasmFeatures::RELAXED_SIMD);

/// Most slots of a frame, since instructions name slots by 16 bits.
const MAX_FRAME: u64 = u16::MAX as u64;

impl From<BinaryReaderError> for ModuleError {
    fn from(error: BinaryReaderError) -> Self {
        ModuleError {
            message: error.message().to_string(),
            offset: error.offset(),
        }
    }
}

type Result<T> = std::result::Result<T, ModuleError>;

fn unsupported(what: &str, offset: u64) -> ModuleError {
    ModuleError {
        message: format!("{what} is not supported"),
        offset,
    }
}

fn usize_range(range: Range<u64>) -> Range<usize> {
    range.start as usize..range.end as usize
}

/// Validates a module and notes where its parts are.
pub(super) fn parse(bytes: &[u8]) -> Result<ModuleInner> {
    let bytes: Arc<[u8]> = bytes.into();
    let mut module = ModuleInner {
        bytes: Arc::clone(&bytes),
        ..ModuleInner::default()
    };
    let mut validator = Validator::new_with_features(FEATURES);
    let mut parser = Parser::new(0);
    parser.set_features(FEATURES);
    let mut allocations = FuncValidatorAllocations::default();
    for payload in parser.parse_all(&bytes) {
        let payload = payload?;
        if let ValidPayload::Func(func, body) = validator.payload(&payload)? {
            allocations = module.body(func, &body, allocations)?;
        } else {
            module.payload(payload)?;
        }
    }
    module.cells = module.bodies.iter().map(|_| AtomicPtr::default()).collect();
    Ok(module)
}

impl ModuleInner {
    fn payload(&mut self, payload: Payload<'_>) -> Result<()> {
        match payload {
            Payload::TypeSection(section) => {
                let offset = section.range().start;
                for ty in section.into_iter_err_on_gc_types() {
                    let ty = ty?;
                    let ty =
                        FuncType::new(types(ty.params(), offset)?, types(ty.results(), offset)?);
                    let id = TypeId::of(&ty);
                    let all = ty.params.iter().chain(&ty.results);
                    self.has_vectors |= all.copied().any(|ty| ty == ValType::V128);
                    self.types.push((ty, id));
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports_with_offsets() {
                    let (offset, import) = import?;
                    self.import(import, offset)?;
                }
            }
            Payload::FunctionSection(section) => {
                for ty in section {
                    self.funcs.push(ty?);
                }
            }
            Payload::TableSection(section) => {
                for table in section.into_iter_with_offsets() {
                    let (offset, table) = table?;
                    let init = match table.init {
                        TableInit::RefNull => None,
                        TableInit::Expr(init) => Some(ConstExpr::read(&init)?),
                    };
                    self.tables.push(TableDef {
                        ty: table_type(&table.ty, offset)?,
                        init,
                    });
                }
            }
            Payload::MemorySection(section) => {
                for ty in section {
                    self.memory = Some(memory_type(&ty?));
                }
            }
            Payload::GlobalSection(section) => {
                for global in section.into_iter_with_offsets() {
                    let (offset, global) = global?;
                    let ty = global_type(&global.ty, offset)?;
                    self.global_types.push(ty);
                    self.globals.push(GlobalInit {
                        ty,
                        init: ConstExpr::read(&global.init_expr)?,
                    });
                }
            }
            Payload::TagSection(section) => {
                for tag in section {
                    self.tags.push(tag?.func_type_idx);
                }
            }
            Payload::ExportSection(section) => {
                for export in section.into_iter_with_offsets() {
                    let (offset, export) = export?;
                    let index = match export.kind {
                        ExternalKind::Func => ExportIndex::Func(export.index),
                        ExternalKind::Table => ExportIndex::Table(export.index),
                        ExternalKind::Memory => ExportIndex::Memory(export.index),
                        ExternalKind::Global => ExportIndex::Global(export.index),
                        ExternalKind::Tag => ExportIndex::Tag(export.index),
                        _ => return Err(unsupported("this kind of export", offset)),
                    };
                    self.exports.push((export.name.to_string(), index));
                    self.by_name.insert(export.name.to_string(), index);
                }
            }
            Payload::StartSection { func, .. } => self.start = Some(func),
            Payload::ElementSection(section) => {
                for segment in section {
                    let segment = segment?;
                    let kind = match segment.kind {
                        ElementKind::Passive => SegmentKind::Passive,
                        ElementKind::Declared => SegmentKind::Declared,
                        ElementKind::Active {
                            table_index,
                            offset_expr,
                        } => SegmentKind::Active {
                            target: table_index.unwrap_or(0),
                            offset: ConstExpr::read(&offset_expr)?,
                        },
                    };
                    let items = match segment.items {
                        ElementItems::Functions(funcs) => funcs
                            .into_iter()
                            .map(|func| Ok(ConstExpr::ref_func(func?)))
                            .collect::<Result<_>>()?,
                        ElementItems::Expressions(_, expressions) => expressions
                            .into_iter()
                            .map(|expression| ConstExpr::read(&expression?))
                            .collect::<Result<_>>()?,
                    };
                    self.elements.push(Elements { kind, items });
                }
            }
            Payload::DataSection(section) => {
                for segment in section {
                    let segment = segment?;
                    let kind = match segment.kind {
                        DataKind::Passive => SegmentKind::Passive,
                        DataKind::Active { offset_expr, .. } => SegmentKind::Active {
                            target: (),
                            offset: ConstExpr::read(&offset_expr)?,
                        },
                    };
                    let end = segment.range.end as usize;
                    self.data.push(Data {
                        kind,
                        range: end - segment.data.len()..end,
                    });
                }
            }
            Payload::CustomSection(section) if section.name() == "name" => {
                let end = section.range().end as usize;
                self.name_section = Some(end - section.data().len()..end);
            }
            _ => {}
        }
        Ok(())
    }

    fn import(&mut self, import: wasmparser::Import<'_>, offset: u64) -> Result<()> {
        let ty = match import.ty {
            TypeRef::Func(ty) => {
                self.funcs.push(ty);
                self.imported_funcs += 1;
                ExternType::Func(self.types[ty as usize].0.clone())
            }
            TypeRef::Table(ty) => {
                self.imported_tables += 1;
                ExternType::Table(table_type(&ty, offset)?)
            }
            TypeRef::Memory(ty) => ExternType::Memory(memory_type(&ty)),
            TypeRef::Global(ty) => {
                self.imported_globals += 1;
                let ty = global_type(&ty, offset)?;
                self.global_types.push(ty);
                ExternType::Global(ty)
            }
            TypeRef::Tag(ty) => {
                self.tags.push(ty.func_type_idx);
                self.imported_tags += 1;
                ExternType::Tag(self.types[ty.func_type_idx as usize].0.clone())
            }
            TypeRef::FuncExact(_) => {
                return Err(unsupported("this kind of import", offset));
            }
        };
        let (module, name) = (import.module.to_string(), import.name.to_string());
        self.imports.push(Import { module, name, ty });
        Ok(())
    }

    /// The type of the function that a valid tail call leads to.
    fn tail_callee(&self, operator: &Operator<'_>) -> Option<&FuncType> {
        let ty = match *operator {
            Operator::ReturnCall { function_index } => self.funcs[function_index as usize],
            Operator::ReturnCallIndirect { type_index, .. } => type_index,
            _ => return None,
        };
        Some(&self.types[ty as usize].0)
    }

    /// Validates a body, and measures the frame it needs.
    fn body(
        &mut self,
        func: FuncToValidate<ValidatorResources>,
        body: &FunctionBody<'_>,
        allocations: FuncValidatorAllocations,
    ) -> Result<FuncValidatorAllocations> {
        let (ty, index) = (func.ty, func.index);
        let mut validator = func.into_validator(allocations);
        let mut reader = body.get_binary_reader();
        validator.read_locals(&mut reader)?;
        let mut operators = OperatorsReader::new(reader);
        // Results are at the bottom where a clause that catches leads to the end.
        let mut height = self.types[ty as usize].0.results.len() as u32;
        let mut vectors = self.has_vectors;
        let mut wide = Vec::new();
        // Each open `try` may have an operand that the validator does not know of.
        let mut tries = 0;
        while !operators.eof() {
            let (operator, offset) = operators.read_with_offset()?;
            let before = validator.operand_stack_height();
            match operator {
                Operator::Try { .. } => tries += 1,
                Operator::Delegate { .. } => tries -= 1,
                Operator::End if tries > 0 => {
                    let frame = validator.get_control_frame(0).map(|frame| frame.kind);
                    let is_try = matches!(frame, Some(LegacyTry | LegacyCatch | LegacyCatchAll));
                    tries -= u32::from(is_try);
                }
                Operator::Drop | Operator::Select | Operator::TypedSelect { .. } if vectors => {
                    let below = u32::from(!matches!(operator, Operator::Drop));
                    let ty = validator.get_operand_type(below as usize);
                    if ty == Some(Some(wasmparser::ValType::V128)) {
                        wide.push(offset as u32);
                    }
                }
                _ => {}
            }
            validator.op(offset, &operator)?;
            let after = match self.tail_callee(&operator) {
                // What comes next cannot be reached, and the validator has emptied its stack;
                // but a callee outside the instance leaves its results in this frame.
                Some(ty) => before.saturating_add(ty.results.len() as u32),
                None => validator.operand_stack_height(),
            };
            vectors |= validator.get_operand_type(0) == Some(Some(wasmparser::ValType::V128));
            height = height.max(after.saturating_add(tries));
        }
        operators.finish()?;
        // Any operand may be a vector.
        let height = height.saturating_mul(if vectors { 2 } else { 1 });
        let params = self.types[ty as usize].0.param_slots() as u32;
        let all_locals = slots_of_locals(body, &self.types[ty as usize].0)?;
        let has_vectors = all_locals != validator.len_locals();
        let locals = all_locals - params;
        let slots = u64::from(params) + u64::from(locals) + HEADER_SLOTS as u64 + u64::from(height);
        let range = usize_range(body.range());
        if slots > MAX_FRAME {
            return Err(ModuleError {
                message: format!(
                    "function {index} needs {slots} slots for parameters, locals and operands; \
                     the interpreter has {MAX_FRAME}"
                ),
                offset: range.start as u64,
            });
        }
        self.bodies.push(Body {
            ty,
            range,
            locals,
            height,
            has_vectors,
            wide: wide.into(),
        });
        Ok(validator.into_allocations())
    }
}

/// How many slots parameters and locals of a valid function take.
fn slots_of_locals(body: &FunctionBody<'_>, ty: &FuncType) -> Result<u32> {
    let mut slots = ty.param_slots() as u32;
    for local in body.get_locals_reader()? {
        let (count, ty) = local?;
        let each = if ty == wasmparser::ValType::V128 {
            2
        } else {
            1
        };
        slots = slots.saturating_add(count.saturating_mul(each));
    }
    Ok(slots)
}

fn types(types: &[wasmparser::ValType], offset: u64) -> Result<Box<[ValType]>> {
    types.iter().map(|ty| val_type(*ty, offset)).collect()
}

fn val_type(ty: wasmparser::ValType, offset: u64) -> Result<ValType> {
    ValType::from_wasm(ty).ok_or_else(|| unsupported(&format!("type {ty}"), offset))
}

fn table_type(ty: &wasmparser::TableType, offset: u64) -> Result<TableType> {
    Ok(TableType {
        element: val_type(wasmparser::ValType::Ref(ty.element_type), offset)?,
        min: ty.initial as u32,
        max: ty.maximum.map(|max| max as u32),
    })
}

fn memory_type(ty: &wasmparser::MemoryType) -> MemoryType {
    MemoryType {
        min_pages: ty.initial,
        max_pages: ty.maximum,
        shared: ty.shared,
    }
}

fn global_type(ty: &wasmparser::GlobalType, offset: u64) -> Result<GlobalType> {
    Ok(GlobalType {
        ty: val_type(ty.content_type, offset)?,
        mutable: ty.mutable,
    })
}
