//! The part of a C library for guests that is facts: what musl keeps in the folder of an
//! architecture, and a program that holds musl's other headers to the specification.

mod facts;

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::model::{Call, Spec, Struct, WasmType};

/// The most parameters that a system call has.
const PARAMETERS: usize = 6;

/// Files by their path in musl's source, with their text.
pub fn musl(spec: &Spec) -> BTreeMap<&'static str, String> {
    let mark = format!(
        "/* Written by `wali-codegen emit musl` from {} {}. */\n",
        spec.provenance.package, spec.provenance.version
    );
    let file = |text: String| format!("{mark}{text}");
    BTreeMap::from([
        ("arch/wasm32/syscall_arch.h", file(syscall_arch(spec))),
        // Made into C by a script that doubles each line that begins with __NR_.
        ("arch/wasm32/bits/syscall.h.in", file(numbers(spec))),
        ("arch/wasm32/bits/signal.h", file(signal(spec))),
        ("arch/wasm32/bits/stat.h", file(stat(spec))),
        ("arch/wasm32/kstat.h", file(kstat(spec))),
        ("arch/wasm32/ksigaction.h", file(ksigaction(spec))),
        ("facts.c", file(facts::facts(spec))),
    ])
}

/// Calls with the guest's number of each.
fn calls(spec: &Spec) -> impl Iterator<Item = (u32, &Call)> {
    let guest = spec.isas.iter().position(|isa| isa.guest);
    spec.calls
        .values()
        .filter_map(move |call| Some((call.numbers.0[guest?]?, call)))
}

fn numbers(spec: &Spec) -> String {
    let mut all: Vec<(u32, &str)> = calls(spec)
        .map(|(number, call)| (number, call.name.as_str()))
        .collect();
    all.sort_unstable();
    all.iter()
        .map(|(number, name)| format!("#define __NR_{name} {number}\n"))
        .collect()
}

fn c_type(ty: WasmType) -> &'static str {
    match ty {
        WasmType::I32 => "int",
        WasmType::I64 => "long",
    }
}

/// System calls as imports: a switch over the number, which is constant almost everywhere, so that
/// nothing is left of it but the import.
fn syscall_arch(spec: &Spec) -> String {
    let mut declarations = String::new();
    let mut cases = String::new();
    let mut wide = String::new();
    let mut all: Vec<(u32, &Call)> = calls(spec).collect();
    all.sort_unstable_by_key(|(number, _)| *number);
    for (number, call) in all {
        let signature = call.guest_signature(spec);
        let parameters: Vec<&str> = signature.iter().map(|ty| c_type(*ty)).collect();
        let parameters = match parameters.len() {
            0 => "void".to_owned(),
            _ => parameters.join(", "),
        };
        let arguments: Vec<String> = signature
            .iter()
            .zip(b'a'..)
            .map(|(ty, letter)| match ty {
                WasmType::I32 => format!("(int){}", char::from(letter)),
                WasmType::I64 => char::from(letter).to_string(),
            })
            .collect();
        let bits = signature.iter().enumerate();
        let bits = bits.filter(|(_, ty)| **ty == WasmType::I64);
        let bits = bits.fold(0, |mask, (n, _)| mask | 1 << n);
        if bits != 0 {
            let _ = writeln!(wide, "\tcase {number}: return {bits:#x};");
        }
        let (name, import) = (&call.name, &call.import);
        let _ = writeln!(
            declarations,
            "__WALI(\"{import}\") long __wali_{name}({parameters});"
        );
        let _ = writeln!(
            cases,
            "\tcase {number}: return __wali_{name}({});",
            arguments.join(", ")
        );
    }
    let names: Vec<char> = (b'a'..).take(PARAMETERS).map(char::from).collect();
    let list = |of: &[char], before: &str| -> String {
        of.iter().map(|name| format!("{before}{name}")).collect()
    };
    let mut by_count = String::new();
    for count in 0..=PARAMETERS {
        let (given, rest) = names.split_at(count);
        let _ = writeln!(
            by_count,
            "__WALI_INLINE long __syscall{count}(long n{})\n{{\n\treturn __wali_syscall(n{}{});\n}}",
            list(given, ", long "),
            list(given, ", "),
            ", 0".repeat(rest.len()),
        );
    }
    format!(
        "#define __SYSCALL_LL_E(x) (x)\n\
         #define __SYSCALL_LL_O(x) (x)\n\n\
         #define __WALI(name) __attribute__((__import_module__(\"wali\"), __import_name__(name)))\n\
         #define __WALI_INLINE static inline __attribute__((__always_inline__, __unused__))\n\n\
         {declarations}\n\
         /* Wherever the number is a constant, the compiler leaves the one import. */\n\
         __WALI_INLINE long __wali_syscall(long n{})\n{{\n\tswitch (n) {{\n{cases}\
         \tdefault: return {};\n\t}}\n}}\n\n{by_count}\n\
         /* Which parameters have 64 bits: syscall() has to know how wide its arguments are. */\n\
         __WALI_INLINE unsigned __wali_wide(long n)\n{{\n\tswitch (n) {{\n{wide}\
         \tdefault: return 0;\n\t}}\n}}\n\n\
         #define IPC_64 0\n",
        list(&names, ", long "),
        -value(spec, "errno", "ENOSYS"),
    )
}

/// The value of a constant.
fn value(spec: &Spec, set: &str, name: &str) -> i64 {
    let member = spec.flag_sets[set].members.iter().find(|m| m.name == name);
    member.map_or_else(|| panic!("the specification has no {name}"), |m| m.guest)
}

/// `#define`s of a set's members that are not musl's to name.
fn defines(spec: &Spec, set: &str, leave: &str) -> String {
    let set = &spec.flag_sets[set];
    let members = set.members.iter().filter(|m| !m.name.starts_with(leave));
    let lines = members.map(|member| {
        let value = match (set.bits, u32::try_from(member.guest)) {
            (true, Ok(value)) => format!("{value:#x}"),
            _ => member.guest.to_string(),
        };
        format!("#define {} {value}\n", member.name)
    });
    lines.collect()
}

fn signal(spec: &Spec) -> String {
    let least = value(spec, "signal_sizes", "MINSIGSTKSZ");
    // What a machine's registers are to others: the guest has none to show.
    format!(
        "#if defined(_POSIX_SOURCE) || defined(_POSIX_C_SOURCE) \\\n \
         || defined(_XOPEN_SOURCE) || defined(_GNU_SOURCE) || defined(_BSD_SOURCE)\n\n\
         #if defined(_XOPEN_SOURCE) || defined(_GNU_SOURCE) || defined(_BSD_SOURCE)\n\
         #define MINSIGSTKSZ {least}\n\
         #define SIGSTKSZ {}\n\
         #endif\n\n\
         typedef struct {{\n\tunsigned long __space[32];\n}} mcontext_t;\n\n\
         struct sigaltstack {{\n{}}};\n\n\
         typedef struct __ucontext {{\n\
         \tunsigned long uc_flags;\n\
         \tstruct __ucontext *uc_link;\n\
         \tstack_t uc_stack;\n\
         \tmcontext_t uc_mcontext;\n\
         \tsigset_t uc_sigmask;\n\
         \tunsigned long __spare[64];\n\
         }} ucontext_t;\n\n\
         {}\n#endif\n\n{}\
         #define SIGUNUSED SIGSYS\n\
         #define _NSIG {}\n",
        4 * least,
        members(&spec.structs["sigaltstack"], |name| match name {
            "ss_sp" => "void *",
            "ss_flags" => "int ",
            _ => "size_t ",
        }),
        defines(spec, "sigaction_flags", "SA_UNSUPPORTED"),
        defines(spec, "signals", "SIGRT"),
        // A bit for each signal; they count from 1.
        spec.scalars["sigset_t"].guest.bits + 1,
    )
}

/// The members of a struct in guest order, with the types that `ty` gives them.
fn members(of: &Struct, ty: impl Fn(&str) -> &'static str) -> String {
    let fields = of.fields.iter();
    fields
        .map(|field| {
            let ty = ty(&field.name);
            match ty.strip_suffix("[]") {
                Some(element) => {
                    let size = if element == "unsigned" { 4 } else { 8 };
                    let count = field.guest.size / size;
                    format!("\t{element} {}[{count}];\n", field.name)
                }
                None => format!("\t{ty}{};\n", field.name),
            }
        })
        .collect()
}

fn stat_type(field: &str) -> &'static str {
    match field {
        "st_dev" | "st_rdev" => "dev_t ",
        "st_ino" => "ino_t ",
        "st_nlink" => "nlink_t ",
        "st_mode" => "mode_t ",
        "st_uid" => "uid_t ",
        "st_gid" => "gid_t ",
        "st_size" => "off_t ",
        "st_blksize" => "blksize_t ",
        "st_blocks" => "blkcnt_t ",
        "__pad0" => "unsigned ",
        "__unused" => "long[]",
        _ => "long ",
    }
}

/// The kernel's struct, with its times as two numbers each, as musl has them.
fn kstat(spec: &Spec) -> String {
    let text = members(&spec.structs["stat"], stat_type);
    let mut out = format!("struct kstat {{\n{text}}};\n");
    for time in ["st_atime", "st_mtime", "st_ctime"] {
        out = out.replace(&format!(" {time};"), &format!(" {time}_sec;"));
    }
    out
}

/// The same struct with `timespec`s.
fn stat(spec: &Spec) -> String {
    let mut text = members(&spec.structs["stat"], stat_type);
    for time in ["st_atim", "st_mtim", "st_ctim"] {
        text = text.replace(
            &format!("\tlong {time}e;\n\tlong {time}e_nsec;\n"),
            &format!("\tstruct timespec {time};\n"),
        );
    }
    format!("struct stat {{\n{text}}};\n")
}

fn ksigaction(spec: &Spec) -> String {
    let text = members(&spec.structs["k_sigaction"], |name| match name {
        "sa_handler" => "void (*handler)(int)",
        "sa_flags" => "unsigned long ",
        "sa_restorer" => "void (*sa_restorer)(void)",
        _ => "unsigned[]",
    });
    // musl's names are without `sa_`, and pointers to functions have theirs within.
    let text = text
        .replace(")sa_handler;", ");")
        .replace(")sa_restorer;", ");");
    format!(
        "#include <features.h>\n\n\
         struct k_sigaction {{\n{}}} __attribute__((__packed__));\n\n\
         /* Handlers return; nobody calls this. */\n\
         hidden void __restore_rt(void);\n\
         #define __restore __restore_rt\n",
        text.replace("sa_", "")
    )
}
