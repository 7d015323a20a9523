//! What is emitted, given to those that it is for: a C compiler, a reader of WIT, a validator of
//! JSON, and the kernel's seccomp. All of the specification, not a part chosen for the test.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::thread;

use serde_json::Value;
use wali_codegen::emit;
use wali_codegen::model::Spec;
use wali_codegen::source::Sources;

fn spec() -> &'static Spec {
    static SPEC: OnceLock<Spec> = OnceLock::new();
    SPEC.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec");
        Spec::load(&folder).unwrap_or_else(|problems| panic!("{problems}"))
    })
}

/// Compiles C with all warnings as errors.
fn compile(text: &str) -> Result<(), String> {
    let mut file = tempfile::Builder::new().suffix(".c").tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let cc = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let output = Command::new(&cc)
        .args(["-std=gnu17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"])
        .arg(file.path())
        .output()
        .unwrap_or_else(|e| panic!("cannot run {cc}: {e}; set CC to a C compiler"));
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

#[test]
fn json_keeps_to_its_schema() {
    let schema = serde_json::from_str(&emit::json_schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut model: Value = serde_json::from_str(&emit::json(spec())).unwrap();
    // Telling the mistakes takes much longer than telling that there are none.
    if !validator.is_valid(&model) {
        let mistakes = validator.iter_errors(&model);
        let mistakes: Vec<String> = mistakes
            .map(|e| format!("{}: {e}", e.instance_path()))
            .collect();
        panic!("{}", mistakes.join("\n"));
    }
    assert_eq!(model["calls"]["openat"]["answers"]["x86_64"], "direct");
    assert_eq!(model["calls"]["openat"]["answers"]["aarch64"], "convert");
    // It can fail.
    model["calls"]["read"]["restart"] = "sometimes".into();
    assert!(!validator.is_valid(&model));
}

#[test]
fn wit_has_a_function_for_each_import() {
    let mut wit = wit_parser::Resolve::default();
    let package = wit.push_str("wali.wit", &emit::wit(spec())).unwrap();
    let functions = |interface: &str| {
        let id = wit.packages[package].interfaces[interface];
        &wit.interfaces[id].functions
    };
    assert_eq!(functions("syscalls").len(), spec().calls.len());
    assert_eq!(functions("process").len(), spec().aux.len());
    for (name, call) in &spec().calls {
        let function = functions("syscalls")
            .get_index(spec().calls.keys().position(|key| key == name).unwrap());
        let (_, function) = function.unwrap();
        assert_eq!(function.params.len(), call.args.len(), "{name}");
        assert!(function.result.is_some(), "{name}");
    }
    assert!(wit.packages[package].worlds.contains_key("program"));
}

/// What wasm_export.h of the engine declares, as far as the table needs it.
const ENGINE: &str = "#include <stdint.h>\n#include <stddef.h>\n\
    typedef struct WASMExecEnv *wasm_exec_env_t;\n\
    typedef struct { const char *symbol; void *func_ptr; const char *signature; \
    void *attachment; } NativeSymbol;\n";

#[test]
fn a_c_compiler_takes_the_table_of_native_symbols() {
    let table = emit::native_symbols(spec());
    let used = "int main(void) { return wali_native_symbols[0].symbol == NULL; }\n";
    compile(&format!("{ENGINE}{table}{used}")).unwrap();
    let imports = spec().calls.values().map(|c| 1 + c.aliases.len());
    let aux = spec().aux.values().map(|a| 1 + a.aliases.len());
    let rows = table
        .lines()
        .filter(|line| line.starts_with("    {"))
        .count();
    assert_eq!(rows, imports.chain(aux).sum::<usize>());
    // Signatures as the engine spells them: parameters, then the result.
    for row in [
        "{ \"SYS_read\", (void *)wali_sys_read, \"(iii)I\", NULL }",
        "{ \"SYS_mmap\", (void *)wali_sys_mmap, \"(iiiiiI)I\", NULL }",
        "{ \"__proc_exit\", (void *)wali_aux___proc_exit, \"(i)\", NULL }",
    ] {
        assert!(table.contains(row), "{row}");
    }
}

/// What a compiler makes of a call by a constant number: the one import, with its arguments.
#[test]
fn a_constant_number_becomes_one_import_of_musl() {
    let files = emit::musl(spec());
    let mut file = tempfile::Builder::new().suffix(".c").tempfile().unwrap();
    let calls = "long constant(int fd, void *buf, long size) {\n\
        return __syscall3(__NR_read, fd, (long)buf, size);\n}\n\
        long unknown(void) { return __syscall0(9999); }\n";
    for text in [
        &files["arch/wasm32/bits/syscall.h.in"],
        &files["arch/wasm32/syscall_arch.h"],
        calls,
    ] {
        file.write_all(text.as_bytes()).unwrap();
    }
    let output = Command::new("clang-19")
        .args([
            "--target=wasm32",
            "-ffreestanding",
            "-O2",
            "-Wall",
            "-Werror",
        ])
        .args(["-Wno-int-to-pointer-cast", "-Wno-pointer-to-int-cast"])
        .args(["-S", "-o", "-"])
        .arg(file.path())
        .output()
        .unwrap_or_else(|e| panic!("cannot run clang-19: {e}"));
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaints}");
    let assembly = String::from_utf8_lossy(&output.stdout);
    let imports = assembly.lines().filter(|l| l.contains(".import_name"));
    let imports: Vec<&str> = imports.map(str::trim).collect();
    assert_eq!(imports, [".import_name\t__wali_read, SYS_read"]);
    assert!(assembly.contains("\t-38\n"), "ENOSYS: {assembly}");
}

/// What a tracer that includes the table has around it; a call is decoded by its number of
/// arguments.
const TRACER: &str = "enum { TD = 1, TF = 2, TM = 4, TN = 8, TP = 16, TS = 32, TI = 64 };\n\
    #define SEN(name) 0\n\
    struct entry { unsigned nargs; int flags; int decoder; const char *name; };\n";

#[test]
fn a_c_compiler_takes_the_tables_for_tracers() {
    for (isa, about) in spec().isas.iter().enumerate() {
        let table = emit::syscallent(spec(), isa);
        // A number given twice is a warning, and so an error.
        compile(&format!(
            "{TRACER}extern const struct entry table[];\n\
             const struct entry table[] = {{\n{table}}};\n"
        ))
        .unwrap_or_else(|e| panic!("{}: {e}", about.name));
        let calls = spec().calls.values();
        let here = calls.filter(|call| call.numbers.0[isa].is_some()).count();
        assert_eq!(table.matches("SEN(").count(), here, "{}", about.name);
    }
}

#[test]
fn a_c_compiler_finds_nothing_new_in_the_header_for_native_programs() {
    let own = std::env::consts::ARCH;
    let isa = spec().isas.iter().position(|isa| isa.name == own);
    let Some(isa) = isa else { return };
    let header = emit::native_header(spec(), isa);
    let mut text = "#include <errno.h>\n#include <fcntl.h>\n#include <netinet/in.h>\n\
        #include <signal.h>\n#include <sys/mman.h>\n#include <sys/syscall.h>\n"
        .to_owned();
    // What the machine's headers have, by their names.
    for (name, numbers) in &spec().kernel {
        if let Some(number) = numbers.0[isa] {
            let said = format!("_Static_assert(SYS_{name} == {number}, \"\");");
            text += &format!("#ifdef SYS_{name}\n{said}\n#endif\n");
        }
    }
    text += &header;
    for known in ["SYS_read", "SYS_fchroot", "PIDFD_GET_INFO", "O_DIRECT"] {
        text += &format!("_Static_assert({known} + 1 != 0, \"\");\n");
    }
    compile(&text).unwrap_or_else(|e| panic!("{e}"));
    // It can fail.
    assert!(compile(&text.replace("SYS_read ==", "1 + SYS_read ==")).is_err());
}

/// The profile as a container engine would apply it, to a thread of this process.
#[test]
#[cfg(any(
    target_arch = "x86_64",
    target_arch = "aarch64",
    target_arch = "riscv64"
))]
fn the_kernel_enforces_the_seccomp_profile() {
    // What the thread needs to end and to say how it went, and one call to see that it may.
    let allowed = [
        "getpid",
        "write",
        "futex",
        "munmap",
        "mmap",
        "mprotect",
        "madvise",
        "brk",
        "exit",
        "rt_sigprocmask",
        "sigaltstack",
        "SYS_fstatat",
    ];
    let profile = emit::seccomp(spec(), &allowed.map(str::to_owned)).unwrap();
    let profile: Value = serde_json::from_str(&profile).unwrap();
    assert_eq!(profile["defaultAction"], "SCMP_ACT_ERRNO");
    let names = profile["syscalls"][0]["names"].as_array().unwrap();
    assert!(names.iter().any(|name| name == "newfstatat"), "by import");
    let rules: Vec<Value> = names
        .iter()
        .map(|name| serde_json::json!({ "syscall": name }))
        .collect();
    let filter = serde_json::json!({ "thread": {
        "mismatch_action": { "errno": profile["defaultErrnoRet"] },
        "match_action": "allow",
        "filter": rules,
    } });
    let arch = std::env::consts::ARCH.try_into().unwrap();
    let programs = seccompiler::compile_from_json(filter.to_string().as_bytes(), arch).unwrap();
    let (allowed, denied) = thread::spawn(move || {
        seccompiler::apply_filter(&programs["thread"]).unwrap();
        // SAFETY: neither call takes arguments or changes anything.
        let allowed = unsafe { libc::syscall(libc::SYS_getpid) };
        // SAFETY: as above.
        let denied = unsafe { libc::syscall(libc::SYS_getppid) };
        (
            allowed,
            (denied, std::io::Error::last_os_error().raw_os_error()),
        )
    })
    .join()
    .unwrap();
    assert_eq!(allowed, i64::from(std::process::id()));
    assert_eq!(denied, (-1, Some(libc::ENOSYS)));
}

#[test]
fn a_call_that_is_none_is_no_profile() {
    let error = emit::seccomp(spec(), &["raed".to_owned()]).unwrap_err();
    assert_eq!(error, "no call `raed`; did you mean `read`?");
}

/// A file of the specification, or of one that is broken, by the part it belongs to.
fn fits(part: &str, yaml: &str) -> Result<(), Vec<String>> {
    static VALIDATORS: OnceLock<BTreeMap<&str, jsonschema::Validator>> = OnceLock::new();
    let validators = VALIDATORS.get_or_init(|| {
        let schemas = emit::editor_schemas(spec()).into_iter();
        let validators = schemas.map(|(part, schema)| {
            let schema = serde_json::from_str(&schema).unwrap();
            (part, jsonschema::draft202012::new(&schema).unwrap())
        });
        validators.collect()
    });
    let value: Value = serde_saphyr::from_str(yaml).map_err(|e| vec![e.to_string()])?;
    let mistakes = validators[part].iter_errors(&value);
    let mistakes: Vec<String> = mistakes
        .map(|e| format!("{}: {e}", e.instance_path()))
        .collect();
    if mistakes.is_empty() {
        Ok(())
    } else {
        Err(mistakes)
    }
}

#[test]
fn the_specification_fits_the_schemas_for_editors() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec");
    let sources = Sources::read(&folder).unwrap();
    let mut files = 0;
    for source in &sources.files {
        let part = source.path.split(['/', '.']).next().unwrap();
        if part == "facts" {
            continue;
        }
        files += 1;
        fits(part, &source.text).unwrap_or_else(|mistakes| {
            panic!("{}: {}", source.path, mistakes.join("\n"));
        });
    }
    assert!(files > 40, "{files} files");
}

#[test]
fn the_schemas_for_editors_see_mistakes() {
    let whole = "x: { doc: d, args: { fd: fd } }";
    assert_eq!(fits("syscalls", whole), Ok(()));
    for broken in [
        "x: { doc: d, arguments: { fd: fd } }",
        "x: { doc: d, args: { fd: fdd } }",
        "x: { doc: d, args: { FD: fd } }",
        "x: { doc: d, args: { buf: { in: bytes, out: bytes, len: n }, n: size_t } }",
        "x: { doc: d, args: { buf: { len: n }, n: size_t } }",
        "x: { doc: d, args: { a: int, b: int, c: int, d: int, e: int, f: int, g: int } }",
        "x: { doc: d, args: { st: { out: struct stt } } }",
        "x: { doc: d, args: {}, restart: sometimes }",
        "x: { doc: d, args: {}, returns: struct stat }",
        "x: { doc: d, refuse: EPERM }",
        "x: { doc: d, refuse: EPREM, because: a reason }",
        "x: { doc: d, args: {}, because: a reason }",
        "x: { doc: d, args: {}, runtime: why, refuse: EPERM, because: a reason }",
        "x: { doc: d, args: { c: int }, cases: { by: c, of: { F_GETFD: {} } } }",
        "x: { doc: d, args: { c: int, p: none } }",
        "x: { args: {} }",
        "x: { doc: d }",
    ] {
        assert!(fits("syscalls", broken).is_err(), "{broken}");
    }
    assert!(fits("types", "x: { guest: u33 }").is_err());
    assert!(fits("types", "x: { guest: u32, role: file }").is_err());
    assert!(fits("flags", "x: { kind: flag, headers: [a.h], members: [A] }").is_err());
    assert!(fits("flags", "x: { kind: flags, headers: [a.c], members: [A] }").is_err());
    assert!(fits("structs", "x: { headers: [a.h], fields: { a: lnog } }").is_err());
    assert!(fits("isa", "order: 1").is_err());
}

/// What editors are given is what follows from the specification as it stands.
#[test]
fn committed_schemas_are_up_to_date() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/schema");
    for (part, schema) in emit::editor_schemas(spec()) {
        let path = folder.join(format!("{part}.json"));
        if std::env::var_os("WALI_BLESS").is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, &schema).unwrap();
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == schema,
            "{} is out of date; `wali-codegen emit editor-schemas --out spec/schema`",
            path.display()
        );
    }
}
