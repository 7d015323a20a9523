//! Building guest programs in both worlds, with results kept by the hash of what made them.

use std::env;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::Program;
use crate::workspace::{self, Target};

/// What makes Wasm modules of C files.
const WASM_FLAGS: &[&str] = &[
    "--target=wasm32",
    "-matomics",
    "-mbulk-memory",
    "-ffreestanding",
    "-O1",
    "-g0",
    "-std=gnu17",
    "-Wall",
    "-Wextra",
    "-Werror",
];

/// What links them into a program: memory shared and bounded like that of the published
/// binaries, and no undefined symbol but those that name their import.
const WASM_LINK: &[&str] = &[
    "-nostdlib",
    "-Wl,--no-entry",
    "-Wl,--shared-memory",
    "-Wl,--max-memory=2147483648",
    "-Wl,--export-memory",
    "-Wl,-z,stack-size=262144",
];

/// The native half, by gcc or clang; the warnings left out are about mistakes the tests make on
/// purpose.
const NATIVE_FLAGS: &[&str] = &[
    "-O1",
    "-std=gnu17",
    "-D_GNU_SOURCE",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wno-nonnull",
    "-Wno-stringop-overflow",
    "-Wno-stringop-overread",
    "-Wno-unknown-warning-option",
    "-Wno-fuse-ld-path",
];

/// A program's two halves.
#[derive(Debug, Clone)]
pub struct Built {
    /// The Wasm module.
    pub wasm: PathBuf,
    /// The native executable.
    pub native: PathBuf,
}

/// Builds both halves, or takes them from an earlier build of the same sources.
pub fn build(program: &Program) -> Result<Built, String> {
    build_for(program, workspace::target())
}

/// The same, with a native half for that target.
pub fn build_for(program: &Program, target: &Target) -> Result<Built, String> {
    let wasm = build_wasm(program)?;
    let native = build_native(&program.source, target)?;
    Ok(Built { wasm, native })
}

/// Builds a program's native half alone.
pub fn build_native(source: &Path, target: &Target) -> Result<PathBuf, String> {
    let cc = target.cc()?;
    let mut native = Command::new(&cc[0]);
    native.args(&cc[1..]).args(NATIVE_FLAGS).arg(source);
    let text = read(source)?;
    // What the machine's own headers may be too old for.
    let newer = match text.contains(NATIVE_HEADER) {
        true => Some(native_header(target)?),
        false => None,
    };
    native.args(newer.iter().flat_map(|dir| [Path::new("-I"), dir]));
    let key = hash(&(&text, &headers()?, &cc, NATIVE_FLAGS, &newer));
    cached(&format!("{}-{key:016x}", stem(source)), |out| {
        run(native, out)
    })
}

/// What native halves include that know calls and constants of the specification alone.
const NATIVE_HEADER: &str = "wali_native.h";

/// The folder with the header for that target.
fn native_header(target: &Target) -> Result<PathBuf, String> {
    let spec = spec()?;
    let text = wali_codegen::emit::native_header(&spec, spec.isa(&target.isa)?);
    let key = hash(&text);
    cached(&format!("native-{}-{key:016x}", target.isa), |out| {
        std::fs::create_dir(out).map_err(|e| format!("{}: {e}", out.display()))?;
        std::fs::write(out.join(NATIVE_HEADER), &text).map_err(|e| format!("{NATIVE_HEADER}: {e}"))
    })
}

fn spec() -> Result<wali_codegen::model::Spec, String> {
    wali_codegen::model::Spec::load(&workspace::spec_dir()).map_err(|e| e.to_string())
}

/// What programs may include that is not libc's.
fn headers() -> Result<Vec<String>, String> {
    let dir = super::dir();
    let mut texts = Vec::new();
    for folder in [dir.join("hostile"), dir.join("../gaps"), dir] {
        let fail = |e| format!("{}: {e}", folder.display());
        let mut paths: Vec<_> = std::fs::read_dir(&folder)
            .and_then(|d| d.map(|entry| Ok(entry?.path())).collect::<Result<_, _>>())
            .map_err(fail)?;
        paths.retain(|path| path.extension().is_some_and(|e| e == "h"));
        paths.sort();
        for path in paths {
            texts.push(read(&path)?);
        }
    }
    Ok(texts)
}

/// Builds the Wasm half alone.
pub fn build_wasm(program: &Program) -> Result<PathBuf, String> {
    let tools = tools()?;
    let dir = super::dir();
    let libc = libc()?;
    let mut wasm = Command::new(&tools.clang);
    wasm.args(WASM_FLAGS)
        .arg("-isystem")
        .arg(dir.join("libc/include"))
        .arg("-I")
        .arg(&libc.include);
    wasm.args(WASM_LINK)
        .arg(&program.source)
        .args(&libc.objects);
    let key = hash(&(
        read(&program.source)?,
        headers()?,
        libc.hash,
        &tools.version,
        WASM_FLAGS,
        WASM_LINK,
    ));
    cached(&format!("{}-{key:016x}.wasm", program.name), |out| {
        run(wasm, out)
    })
}

/// Builds a module of C files that have nothing to do with the guests but their libc.
pub fn build_module(sources: &[PathBuf], flags: &[String], out: &Path) -> Result<(), String> {
    let mut wasm = module_compiler(flags)?;
    wasm.args(WASM_LINK).args(sources).args(&libc()?.objects);
    run(wasm, out)
}

/// A command that only looks whether such a file compiles.
pub fn check_module(source: &Path, flags: &[String]) -> Result<Command, String> {
    let mut wasm = module_compiler(flags)?;
    wasm.arg("-fsyntax-only").arg(source);
    Ok(wasm)
}

fn module_compiler(flags: &[String]) -> Result<Command, String> {
    let mut wasm = Command::new(&tools()?.clang);
    wasm.args(WASM_FLAGS).args(flags).arg("-isystem");
    wasm.arg(super::dir().join("libc/include"));
    wasm.arg("-I").arg(&libc()?.include);
    Ok(wasm)
}

/// What makes bench kernels, in every world; how far they are optimised comes before it.
const KERNEL_FLAGS: &[&str] = &[
    "-ffp-contract=off",
    "-fno-math-errno",
    "-Wall",
    "-Wextra",
    "-Werror",
];

/// Builds a bench kernel to Wasm: no imports, no libc. `level` is how far clang optimises, as an
/// option of its; `shared` decides about the memory.
pub fn build_kernel(source: &Path, level: &str, shared: bool) -> Result<PathBuf, String> {
    let tools = tools()?;
    let mut flags = vec![level];
    flags.extend(KERNEL_FLAGS);
    flags.extend([
        "--target=wasm32",
        "-ffreestanding",
        "-nostdlib",
        "-mbulk-memory",
    ]);
    flags.push("-Wl,--no-entry");
    if shared {
        flags.extend([
            "-matomics",
            "-Wl,--shared-memory",
            "-Wl,--max-memory=67108864",
        ]);
    }
    let mut command = Command::new(&tools.clang);
    command.args(&flags).arg(source);
    let key = hash(&(read(source)?, &tools.version, &flags));
    cached(&format!("{}-{key:016x}.wasm", stem(source)), |out| {
        run(command, out)
    })
}

/// Builds a bench kernel natively with the same compiler, and with a `main` that times it.
pub fn build_native_kernel(source: &Path, level: &str, main: &Path) -> Result<PathBuf, String> {
    let tools = tools()?;
    let mut command = Command::new(&tools.clang);
    command.arg(level).args(KERNEL_FLAGS).arg(source).arg(main);
    let key = hash(&(
        read(source)?,
        read(main)?,
        &tools.version,
        (level, KERNEL_FLAGS),
    ));
    cached(&format!("{}-{key:016x}", stem(source)), |out| {
        run(command, out)
    })
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

struct Tools {
    clang: String,
    version: String,
}

fn tools() -> Result<&'static Tools, String> {
    static TOOLS: OnceLock<Result<Tools, String>> = OnceLock::new();
    TOOLS.get_or_init(find_tools).as_ref().map_err(Clone::clone)
}

fn find_tools() -> Result<Tools, String> {
    let names = match env::var("WALI_GUEST_CC") {
        Ok(name) => vec![name],
        Err(_) => ["clang-19", "clang"].map(str::to_string).to_vec(),
    };
    let found = names.iter().find_map(|name| {
        let output = Command::new(name).arg("--version").output().ok()?;
        output
            .status
            .success()
            .then(|| (name.clone(), output.stdout))
    });
    let Some((clang, version)) = found else {
        return Err(format!(
            "no clang for guest programs (tried {}): install clang-19 and lld-19, or set WALI_GUEST_CC",
            names.join(", ")
        ));
    };
    Ok(Tools {
        clang,
        version: String::from_utf8_lossy(&version).into_owned(),
    })
}

/// The guests' C library, compiled once.
struct Libc {
    hash: u64,
    /// The folder with the generated `wali.h`.
    include: PathBuf,
    objects: Vec<PathBuf>,
}

fn libc() -> Result<&'static Libc, String> {
    static LIBC: OnceLock<Result<Libc, String>> = OnceLock::new();
    LIBC.get_or_init(build_libc).as_ref().map_err(Clone::clone)
}

fn build_libc() -> Result<Libc, String> {
    let tools = tools()?;
    let dir = super::dir().join("libc");
    let header = header()?;
    let mut files = Vec::new();
    list(&dir, &mut files)?;
    let mut contents = Vec::new();
    for file in &files {
        contents.push((
            file.strip_prefix(&dir)
                .expect("listed below it")
                .to_path_buf(),
            read(file)?,
        ));
    }
    let hash = hash(&(&contents, &header, &tools.version, WASM_FLAGS));
    let include = cached(&format!("libc-{hash:016x}"), |out| {
        std::fs::create_dir(out).map_err(|e| format!("{}: {e}", out.display()))?;
        std::fs::write(out.join("wali.h"), &header).map_err(|e| format!("wali.h: {e}"))?;
        for source in sources(&files) {
            let mut cc = Command::new(&tools.clang);
            cc.args(WASM_FLAGS)
                .arg("-isystem")
                .arg(dir.join("include"))
                .arg("-I")
                .arg(out);
            cc.arg("-c").arg(source);
            run(cc, &out.join(object(source)))?;
        }
        Ok(())
    })?;
    let objects = sources(&files).map(|s| include.join(object(s))).collect();
    Ok(Libc {
        hash,
        include,
        objects,
    })
}

/// The C header of the described calls, which stands under everything.
fn header() -> Result<String, String> {
    Ok(wali_codegen::emit::c_header(&spec()?))
}

fn sources(files: &[PathBuf]) -> impl Iterator<Item = &PathBuf> {
    files
        .iter()
        .filter(|f| f.extension().is_some_and(|e| e == "c"))
}

fn object(source: &Path) -> PathBuf {
    Path::new(source.file_name().expect("a source has a name")).with_extension("o")
}

fn list(dir: &Path, into: &mut Vec<PathBuf>) -> Result<(), String> {
    let fail = |e| format!("{}: {e}", dir.display());
    let mut entries: Vec<_> = std::fs::read_dir(dir)
        .and_then(|d| d.collect::<Result<_, _>>())
        .map_err(fail)?;
    entries.sort_by_key(|e| e.file_name());
    for entry in entries {
        match entry.file_type().map_err(fail)?.is_dir() {
            true => list(&entry.path(), into)?,
            false => into.push(entry.path()),
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

fn hash(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// The result of that name, made under another one first, so that nobody sees half of it.
fn cached(name: &str, make: impl FnOnce(&Path) -> Result<(), String>) -> Result<PathBuf, String> {
    let dir = workspace::guest_dir();
    let path = dir.join(name);
    if path.exists() {
        return Ok(path);
    }
    let scratch = tempfile::tempdir_in(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    let fresh = scratch.path().join(name);
    make(&fresh)?;
    match std::fs::rename(&fresh, &path) {
        // Somebody else made the same thing meanwhile.
        Err(_) if path.exists() => Ok(path),
        Err(e) => Err(format!("{}: {e}", path.display())),
        Ok(()) => Ok(path),
    }
}

/// Runs a compiler that writes to `out`.
fn run(mut command: Command, out: &Path) -> Result<(), String> {
    let output = command
        .arg("-o")
        .arg(out)
        .output()
        .map_err(|e| format!("cannot start {:?}: {e}", command.get_program()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!(
        "{command:?} failed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    ))
}
