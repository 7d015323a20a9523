//! From bytes to a module.

use std::sync::OnceLock;
use std::sync::atomic::AtomicPtr;

use wasmparser::{
    BinaryReaderError, DataKind, ElementItems, ElementKind, ExternalKind, FuncValidatorAllocations,
    Parser, Payload, TableInit, TypeRef, ValidPayload, Validator, WasmFeatures,
};

use super::super::const_expr::ConstExpr;
use super::super::types::{
    ExternType, FuncType, GlobalType, MemoryType, TableType, TypeId, ValType,
};
use super::{
    Body, Data, Elements, ExportIndex, GlobalInit, Import, ModuleError, ModuleInner, SegmentKind,
    TableDef, Validation,
};

/// WebAssembly 2.0 with threads, tail calls, extended constants, relaxed vectors, and exceptions as
/// they are now and as they were before.
pub(super) const FEATURES: WasmFeatures = WasmFeatures::MUTABLE_GLOBAL
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

impl From<BinaryReaderError> for ModuleError {
    fn from(error: BinaryReaderError) -> Self {
        ModuleError {
            message: error.message().to_string(),
            offset: error.offset(),
        }
    }
}

pub(super) type Result<T> = std::result::Result<T, ModuleError>;

fn unsupported(what: &str, offset: u64) -> ModuleError {
    ModuleError {
        message: format!("{what} is not supported"),
        offset,
    }
}

/// Validates a module, its functions now or later, and notes where its parts are.
pub(super) fn parse(bytes: Vec<u8>, validation: Validation) -> Result<ModuleInner> {
    let mut module = ModuleInner::default();
    let mut validator = Validator::new_with_features(FEATURES);
    let mut parser = Parser::new(0);
    parser.set_features(FEATURES);
    let mut allocations = FuncValidatorAllocations::default();
    for payload in parser.parse_all(&bytes) {
        let payload = payload?;
        let ValidPayload::Func(func, body) = validator.payload(&payload)? else {
            module.payload(payload)?;
            continue;
        };
        let range = body.range();
        let parsed = Body {
            ty: func.ty,
            range: range.start as usize..range.end as usize,
            shape: OnceLock::new(),
        };
        match validation {
            Validation::AtOnce => {
                let shape = module.validate(func, &body, &mut allocations)?;
                let _ = parsed.shape.set(shape);
            }
            Validation::OnFirstCall if module.validator.is_none() => {
                module.validator = Some(func.resources);
            }
            Validation::OnFirstCall => {}
        }
        module.bodies.push(parsed);
    }
    module.cells = module.bodies.iter().map(|_| AtomicPtr::default()).collect();
    module.bytes = bytes;
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
