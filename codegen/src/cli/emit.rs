//! `wali-codegen emit`

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use wali_codegen::emit;
use wali_codegen::model::Spec;
use wali_codegen::reference;

use super::Failure;

/// What to print.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What is made of the specification
    what: What,
    /// For `syscallent` and `native-header`, the ISA; for `seccomp`, the calls, by name or import
    #[arg(value_name = "ISA|CALL")]
    of: Vec<String>,
    /// Writes what is many files, `docs`, `editor-schemas` and `musl`, into this folder; pages of
    /// `docs` that are no more are removed
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// The emitters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// The Rust that the procedural macros expand to
    Rust,
    /// A C header for guests
    CHeader,
    /// Numbers and constants for native C programs of an ISA whose own headers are older
    NativeHeader,
    /// The reference of all calls in Markdown
    Docs,
    /// The whole model as JSON, with what follows from it
    Json,
    /// The JSON Schema of that JSON, which says what each part means
    JsonSchema,
    /// JSON Schemas for editors of the specification's YAML, one for each part of it
    EditorSchemas,
    /// The imports as a WIT world, for tools of the component model
    Wit,
    /// The facts of a C library for guests, as files for musl's source
    Musl,
    /// A table for engines with the native symbols of the WebAssembly Micro Runtime, in C
    NativeSymbols,
    /// A table of one ISA's calls in the form of strace's, for tracers
    Syscallent,
    /// The table of calls in the format of WALI's reference, the Python package wali-linux
    ReferenceCsv,
    /// A seccomp profile for container engines that allows the named calls, and what they become
    /// on each ISA
    Seccomp,
}

pub(super) fn run(dir: &Path, args: &Args) -> Result<(), Failure> {
    let many = matches!(args.what, What::Docs | What::EditorSchemas | What::Musl);
    if args.out.is_some() && !many {
        return Err(Failure::Other(
            "`--out` is for what is many files; redirect the output instead".to_owned(),
        ));
    }
    let takes = matches!(
        args.what,
        What::Syscallent | What::NativeHeader | What::Seccomp
    );
    if takes == args.of.is_empty() {
        let problem = match args.what {
            What::Syscallent => "`emit syscallent` needs the name of an ISA",
            What::NativeHeader => "`emit native-header` needs the name of an ISA",
            What::Seccomp => "`emit seccomp` needs the names of the calls to allow",
            _ => "only `syscallent`, `native-header` and `seccomp` take further arguments",
        };
        return Err(Failure::Other(problem.to_owned()));
    }
    let spec = super::load(dir)?;
    let text = match (args.what, &args.out) {
        (What::Docs, Some(out)) => return write_pages(&spec, out).map_err(Failure::Other),
        (What::EditorSchemas, out) => {
            let schemas = emit::editor_schemas(&spec).into_iter();
            let files = schemas.map(|(part, schema)| (format!("{part}.json"), schema));
            match out {
                Some(out) => return write_files(files, out).map_err(Failure::Other),
                None => files.map(|(_, schema)| schema).collect(),
            }
        }
        (What::Musl, out) => {
            let files = emit::musl(&spec).into_iter();
            match out {
                Some(out) => {
                    let files = files.map(|(path, text)| (path.to_owned(), text));
                    return write_files(files, out).map_err(Failure::Other);
                }
                None => files
                    .map(|(path, text)| format!("/* {path} */\n{text}\n"))
                    .collect(),
            }
        }
        (What::Docs, None) => emit::docs(&spec)
            .into_iter()
            .map(|(name, page)| format!("<!-- {name} -->\n{page}\n"))
            .collect(),
        (What::Rust, _) => emit::rust(&spec),
        (What::CHeader, _) => emit::c_header(&spec),
        (What::Json, _) => emit::json(&spec),
        (What::JsonSchema, _) => emit::json_schema(),
        (What::Wit, _) => emit::wit(&spec),
        (What::ReferenceCsv, _) => reference::write(&spec),
        (What::NativeSymbols, _) => emit::native_symbols(&spec),
        (What::Syscallent, _) => for_isas(&spec, &args.of, emit::syscallent)?,
        (What::NativeHeader, _) => for_isas(&spec, &args.of, emit::native_header)?,
        (What::Seccomp, _) => emit::seccomp(&spec, &args.of)?,
    };
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// What is made for each of the ISAs.
fn for_isas(
    spec: &Spec,
    names: &[String],
    make: fn(&Spec, usize) -> String,
) -> Result<String, Failure> {
    let texts = names.iter().map(|name| Ok(make(spec, spec.isa(name)?)));
    texts.collect()
}

fn fails(path: &Path) -> impl Fn(io::Error) -> String {
    let path = path.display().to_string();
    move |error| format!("{path}: {error}")
}

/// Files by their path in a folder.
fn write_files(files: impl Iterator<Item = (String, String)>, dir: &Path) -> Result<(), String> {
    fs::create_dir_all(dir).map_err(fails(dir))?;
    for (path, text) in files {
        let path = dir.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(fails(parent))?;
        }
        fs::write(&path, text).map_err(fails(&path))?;
    }
    Ok(())
}

fn write_pages(spec: &Spec, dir: &Path) -> Result<(), String> {
    fs::create_dir_all(dir).map_err(fails(dir))?;
    let pages = emit::docs(spec);
    for entry in fs::read_dir(dir).map_err(fails(dir))? {
        let path = entry.map_err(fails(dir))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let known = name.is_some_and(|name| pages.contains_key(name));
        let text = fs::read_to_string(&path).unwrap_or_default();
        if !known && text.starts_with(emit::docs::MARK) {
            fs::remove_file(&path).map_err(fails(&path))?;
        }
    }
    for (name, page) in pages {
        let path = dir.join(name);
        fs::write(&path, page).map_err(fails(&path))?;
    }
    Ok(())
}
