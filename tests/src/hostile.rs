//! Modules that call one system call with every bad address, written from the spec.
//!
//! Each module makes its calls in a row, keeps the results, checks at the end that nothing
//! but the extents it gave to the kernel changed in its memory, and writes the results to
//! standard output. The host's part is to compare them with what is possible.

use std::fmt::Write;

use wali_codegen::model::{
    Arg, ArgType, By, Call, Constant, Dir, Element, Field, FieldType, Len, Pointee, Role, Spec,
    Struct, WasmType,
};

/// Calls that are left alone, with the reason.
pub const LEFT_OUT: &[(&str, &str)] = &[
    ("clock_settime", "sets the machine's clock when run as root"),
    ("settimeofday", "sets the machine's clock when run as root"),
    ("sethostname", "an empty name is a valid one"),
    ("setdomainname", "an empty name is a valid one"),
    ("rt_sigsuspend", "waits for a signal that never comes"),
    ("rt_sigtimedwait", "waits for a signal that never comes"),
    ("futex", "waits for a word that nobody changes"),
    ("futex_waitv", "waits for a word that nobody changes"),
    ("futex_wait", "waits for a word that nobody changes"),
    (
        "ioctl.FS_IOC_SETFSLABEL",
        "names the file system when run as root",
    ),
    (
        "ioctl.FITRIM",
        "discards the file system's free blocks when run as root",
    ),
    ("select", "waits forever without a timeout"),
    ("pselect6", "waits forever without a timeout"),
    ("acct", "turns the machine's accounting on when run as root"),
];

/// Memory: a page for the module's own, three for what the kernel gets to see.
const PAGES: u32 = 4;
/// One past the last byte of memory.
pub const END: u32 = PAGES << 16;
/// The results, in page 0 behind address 0's surroundings.
const RESULTS: u32 = 0x2000;
/// Each argument's good area, `AREA` bytes each, from here on.
pub const AREAS: u32 = 0x10000;
const AREA: u32 = 0x2000;
/// The path of an existing file and its descriptor in the module's process.
pub const FILE: &str = "file";
/// Where the module has that path.
pub const PATH: u32 = 16;
/// What unaddressed memory is filled with.
pub const CANARY: u8 = 0xa5;

/// Addresses at which no extent of two bytes or more is inside memory, nor at the last one
/// of more than a byte.
pub const ADDRESSES: [u32; 6] = [0, END - 1, END, 0x7fff_f000, 0xffff_f000, 0xffff_ffff];
/// Lengths to go with them.
pub const LENGTHS: [u32; 5] = [0, 1, 4096, 0x7fff_ffff, 0xffff_ffff];

/// One call of a module.
#[derive(Debug, Clone)]
pub struct Vector {
    /// The arguments, as they cross the boundary.
    pub args: Vec<i64>,
    /// Values stored before the call: an inner pointer and its length.
    pub stores: Vec<Store>,
    /// Whether bytes would have to come from or go to where no memory is, so that the call
    /// cannot have moved any.
    pub moves_nothing: bool,
}

impl Vector {
    /// The call, for messages.
    pub fn shown(&self, name: &str) -> String {
        let args: Vec<String> = self.args.iter().map(|a| format!("{a:#x}")).collect();
        let mut text = format!("{name}({})", args.join(", "));
        for store in &self.stores {
            let _ = write!(text, " {}={:#x}", store.field.name, store.value);
        }
        text
    }
}

/// A value in a field of the struct at an argument's good address.
#[derive(Debug, Clone)]
pub struct Store {
    /// The good address.
    pub at: u32,
    /// The field.
    pub field: Field,
    /// The value.
    pub value: u32,
}

/// Whose sizes count.
#[derive(Debug, Clone, Copy)]
pub enum Side {
    /// The guest's.
    Guest,
    /// Those of the host of this index.
    Host(usize),
}

/// A call, or what it is for some values of its arguments.
#[derive(Debug, Clone)]
pub struct Variant {
    /// The call's name, and those of the values.
    pub name: String,
    /// The call with the arguments it has then.
    pub call: Call,
    /// Arguments that must have these values.
    pub fixed: Vec<(usize, Constant)>,
    /// The parameters of the import.
    pub signature: Vec<WasmType>,
}

/// Everything a call can be.
pub fn variants(spec: &Spec, call: &Call) -> Vec<Variant> {
    let signature = call.guest_signature(spec);
    let Some(cases) = &call.cases else {
        return vec![Variant {
            name: call.name.clone(),
            call: call.clone(),
            fixed: Vec::new(),
            signature,
        }];
    };
    let leaves = cases.walk().into_iter().map(|(path, case)| {
        let mut fixed = Vec::new();
        let mut name = call.name.clone();
        let mut level = Some(cases);
        for constant in path {
            let by = level.map_or("", |cases| &cases.by);
            fixed.push((
                position(call, by).expect("the checker resolved it"),
                constant.clone(),
            ));
            name = format!("{name}.{}", constant.name);
            level = level.and_then(|cases| {
                let below = cases.cases.iter().find(|c| c.constant == *constant);
                below.and_then(|case| case.cases.as_ref())
            });
        }
        Variant {
            name,
            call: Call {
                args: case.args.clone(),
                by: case.by.clone(),
                returns: case.returns.clone(),
                cases: None,
                ..call.clone()
            },
            fixed,
            signature: signature.clone(),
        }
    });
    leaves.collect()
}

/// Whether a call has something to be tried.
pub fn applies(variant: &Variant) -> bool {
    let answered = !matches!(variant.call.by, By::Refused { .. });
    let mut args = variant.call.args.iter();
    let pointers = args.any(|a| matches!(a.ty, ArgType::Pointer { .. }));
    answered && pointers && !LEFT_OUT.iter().any(|(name, _)| *name == variant.name)
}

/// The calls to make: all arguments plausible once, then each pointer with each address,
/// each with each length, then the pointers inside structs likewise.
pub fn vectors(spec: &Spec, variant: &Variant) -> Vec<Vector> {
    let mut all = free_vectors(spec, &variant.call);
    for vector in &mut all {
        for (at, constant) in &variant.fixed {
            vector.args[*at] = constant.guest;
        }
    }
    all
}

/// The same calls with other descriptors than the file's, after them; none for a call without.
pub fn on_others(
    spec: &Spec,
    variant: &Variant,
    vectors: &[Vector],
    others: &[i32],
) -> Vec<Vector> {
    let takes = |arg: &Arg| match &arg.ty {
        ArgType::Value { scalar, .. } => {
            spec.scalars[scalar].role == Role::Descriptor && !arg.name.ends_with("dirfd")
        }
        _ => false,
    };
    let args = &variant.call.args;
    let places: Vec<usize> = (0..args.len()).filter(|&at| takes(&args[at])).collect();
    let mut all = Vec::new();
    for other in others.iter().filter(|_| !places.is_empty()) {
        for vector in vectors {
            let mut vector = vector.clone();
            for &at in &places {
                vector.args[at] = i64::from(*other);
            }
            all.push(vector);
        }
    }
    all
}

fn free_vectors(spec: &Spec, call: &Call) -> Vec<Vector> {
    let good: Vec<i64> = call
        .args
        .iter()
        .enumerate()
        .map(|(i, a)| plausible(spec, call, a, i))
        .collect();
    let plain = Vector {
        args: good,
        stores: Vec::new(),
        moves_nothing: false,
    };
    let mut all = vec![plain.clone()];
    for (at, arg) in call.args.iter().enumerate() {
        let ArgType::Pointer { to, nullable, .. } = &arg.ty else {
            continue;
        };
        for address in ADDRESSES {
            let mut bad = plain.clone();
            bad.args[at] = i64::from(address);
            let Some(length) = length_of(to).and_then(|name| position(call, name)) else {
                all.push(bad);
                continue;
            };
            for value in LENGTHS {
                let mut bad = bad.clone();
                bad.args[length] = i64::from(value);
                // Where null means none, the call may well do what it does without.
                let outside = (address == 0 && !nullable) || address >= END;
                bad.moves_nothing = outside && value > 0 && matches!(to, Pointee::Bytes(_));
                all.push(bad);
            }
        }
        inner(spec, call, at, to, &plain, &mut all);
    }
    all
}

/// Bad pointers inside the structs that a good one leads to.
fn inner(spec: &Spec, call: &Call, at: usize, to: &Pointee, plain: &Vector, all: &mut Vec<Vector>) {
    let (Pointee::Struct(name)
    | Pointee::Array {
        of: Element::Struct(name),
        ..
    }) = to
    else {
        return;
    };
    let layout = &spec.structs[name];
    for (pointer, length) in pointer_fields(layout) {
        for address in ADDRESSES {
            for value in LENGTHS {
                let mut bad = plain.clone();
                let store = |field: &Field, value| Store {
                    at: area(at),
                    field: field.clone(),
                    value,
                };
                bad.stores = vec![store(pointer, address), store(length, value)];
                let outside = address == 0 || address >= END;
                bad.moves_nothing = outside && value > 0;
                all.push(bad);
            }
        }
    }
    // Where the kernel writes, it may well write as many as it is told.
    let reads = matches!(&call.args[at].ty, ArgType::Pointer { dir: Dir::In, .. });
    let count = length_of(to).and_then(|n| position(call, n));
    if let Some(count) = count.filter(|_| reads) {
        for value in LENGTHS {
            let mut bad = plain.clone();
            bad.args[count] = i64::from(value);
            all.push(bad);
        }
    }
}

/// Each pointer in a struct and its length.
fn pointer_fields(layout: &Struct) -> Vec<(&Field, &Field)> {
    let named = |name: &str| {
        let field = layout.fields.iter().find(|f| f.name == name);
        field.expect("the checker resolved it")
    };
    let fields = layout.fields.iter().filter_map(|f| match &f.ty {
        FieldType::Pointer { len, .. } => Some((f, named(len))),
        _ => None,
    });
    fields.collect()
}

fn length_of(to: &Pointee) -> Option<&str> {
    match to {
        Pointee::Bytes(Len::Arg(name))
        | Pointee::Array {
            count: Len::Arg(name),
            ..
        } => Some(name),
        _ => None,
    }
}

fn position(call: &Call, name: &str) -> Option<usize> {
    call.args.iter().position(|a| a.name == name)
}

/// The good address of an argument.
pub fn area(arg: usize) -> u32 {
    AREAS + arg as u32 * AREA
}

/// A value with which the call might work, in a folder of its own.
fn plausible(spec: &Spec, call: &Call, arg: &Arg, at: usize) -> i64 {
    let constant = |name: &str| {
        let mut members = spec.flag_sets.values().flat_map(|s| &s.members);
        members.find(|m| m.name == name).map_or(0, |m| m.guest)
    };
    match &arg.ty {
        ArgType::Pointer { .. } => i64::from(area(at)),
        ArgType::Unused { .. } => 0,
        ArgType::Value { scalar, .. } => match spec.scalars[scalar].role {
            Role::Descriptor if arg.name.ends_with("dirfd") => constant("AT_FDCWD"),
            // The first one that the module opens.
            Role::Descriptor => 3,
            Role::Mode => 0o600,
            // Objects of the whole machine's, of which the first may be somebody's.
            _ if ["shmid", "semid", "msqid"].contains(&arg.name.as_str()) => -1,
            // Limits that do not end the process when they are zero.
            _ if arg.name == "resource" => constant("RLIMIT_CORE"),
            // Enough to matter, little enough to be there.
            _ => match measured(call, arg) {
                Some(Pointee::Bytes(_)) => 8,
                Some(_) => 1,
                None => 0,
            },
        },
    }
}

/// What the argument is the length or count of.
fn measured<'a>(call: &'a Call, arg: &Arg) -> Option<&'a Pointee> {
    call.args.iter().find_map(|other| match &other.ty {
        ArgType::Pointer { to, .. } if length_of(to) == Some(&arg.name) => Some(to),
        _ => None,
    })
}

/// The bytes that the kernel may change or read behind a plausible pointer.
pub fn extent(spec: &Spec, call: &Call, to: &Pointee, side: Side) -> u64 {
    let element = |of: &Element| match (of, side) {
        (Element::Scalar(s), Side::Guest) => u64::from(spec.scalars[s].guest.bits / 8),
        (Element::Scalar(s), Side::Host(_)) => u64::from(spec.scalars[s].host.bits / 8),
        (Element::Struct(s), Side::Guest) => spec.structs[s].guest.size,
        (Element::Struct(s), Side::Host(isa)) => spec.structs[s].host.0[isa].size,
    };
    let length = |len: &Len| match len {
        Len::Fixed(n) => *n,
        Len::Arg(name) => {
            let at = position(call, name).expect("the checker resolved it");
            plausible(spec, call, &call.args[at], at) as u64
        }
    };
    match to {
        Pointee::Bytes(len) => length(len),
        Pointee::String { .. } => FILE.len() as u64 + 1,
        Pointee::Scalar(s) => element(&Element::Scalar(s.clone())),
        Pointee::Struct(s) => element(&Element::Struct(s.clone())),
        Pointee::Array { of, count } => element(of) * length(count),
    }
}

/// The module that makes these calls.
pub fn module(spec: &Spec, variant: &Variant, vectors: &[Vector]) -> String {
    let Variant {
        call, signature, ..
    } = variant;
    let mut wat = String::from("(module\n");
    let types = signature
        .iter()
        .map(|t| word(*t))
        .collect::<Vec<_>>()
        .join(" ");
    let import = &call.import;
    // Each import on its own; the call under test may be one of those that the module uses.
    for line in [
        r#"(import "wali" "SYS_openat" (func $open (param i32 i32 i32 i32) (result i64)))"#,
        r#"(import "wali" "SYS_write" (func $write (param i32 i32 i32) (result i64)))"#,
        r#"(import "wali" "__proc_exit" (func $exit (param i32)))"#,
    ] {
        let _ = writeln!(wat, "  {line}");
    }
    let _ = writeln!(
        wat,
        "  (import \"wali\" \"{import}\" (func $call (param {types}) (result i64)))"
    );
    let _ = writeln!(wat, "  (memory (export \"memory\") {PAGES} 64)");
    let _ = writeln!(wat, "  (data (i32.const {PATH}) \"{FILE}\\00\")");
    let o_rdwr = spec
        .flag_sets
        .values()
        .flat_map(|s| &s.members)
        .find(|m| m.name == "O_RDWR");
    let o_rdwr = o_rdwr.map_or(0, |m| m.guest);
    let at_fdcwd = spec
        .flag_sets
        .values()
        .flat_map(|s| &s.members)
        .find(|m| m.name == "AT_FDCWD");
    let at_fdcwd = at_fdcwd.map_or(0, |m| m.guest);

    wat.push_str("  (func $check (param $at i32) (param $end i32)\n");
    let _ = writeln!(
        wat,
        "    (block $done (loop $next\n      (br_if $done (i32.ge_u (local.get $at) (local.get $end)))\n      \
         (if (i32.ne (i32.load8_u (local.get $at)) (i32.const {CANARY}))\n        \
         (then (call $exit (i32.const 3))))\n      \
         (local.set $at (i32.add (local.get $at) (i32.const 1)))\n      (br $next))))"
    );
    wat.push_str("  (func (export \"_start\")\n");
    let _ = writeln!(
        wat,
        "    (if (i64.ne (call $open (i32.const {at_fdcwd}) (i32.const {PATH}) (i32.const {o_rdwr}) (i32.const 0)) \
         (i64.const 3)) (then (call $exit (i32.const 2))))"
    );
    let _ = writeln!(
        wat,
        "    (memory.fill (i32.const {AREAS}) (i32.const {CANARY}) (i32.const {}))",
        END - AREAS
    );
    for (i, vector) in vectors.iter().enumerate() {
        areas(spec, call, &mut wat);
        for Store { at, field, value } in &vector.stores {
            let _ = writeln!(
                wat,
                "    (i32.store (i32.const {}) (i32.const {}))",
                at + field.guest.offset as u32,
                *value as i32
            );
        }
        let args = signature
            .iter()
            .zip(&vector.args)
            .map(|(ty, value)| match ty {
                WasmType::I64 => format!("(i64.const {value})"),
                _ => format!("(i32.const {})", *value as i32),
            });
        let _ = writeln!(
            wat,
            "    (i64.store (i32.const {}) (call $call {}))",
            RESULTS + 8 * i as u32,
            args.collect::<Vec<_>>().join(" ")
        );
    }
    // Around every extent, and all the rest but the last byte, which was offered.
    let mut from = AREAS;
    for (at, arg) in call.args.iter().enumerate() {
        if let ArgType::Pointer { to, .. } = &arg.ty {
            let _ = writeln!(
                wat,
                "    (call $check (i32.const {from}) (i32.const {}))",
                area(at)
            );
            from = area(at) + extent(spec, call, to, Side::Guest) as u32;
        }
    }
    let _ = writeln!(
        wat,
        "    (call $check (i32.const {from}) (i32.const {}))",
        END - 1
    );
    let size = 8 * vectors.len();
    let _ = writeln!(
        wat,
        "    (call $exit (i64.ne (call $write (i32.const 1) (i32.const {RESULTS}) (i32.const {size})) \
         (i64.const {size})))))"
    );
    wat
}

/// Sets the good areas up: zeros, or the file's name.
fn areas(spec: &Spec, call: &Call, wat: &mut String) {
    for (at, arg) in call.args.iter().enumerate() {
        let ArgType::Pointer { to, .. } = &arg.ty else {
            continue;
        };
        let _ = match to {
            Pointee::String { .. } => writeln!(
                wat,
                "    (memory.copy (i32.const {}) (i32.const {PATH}) (i32.const {}))",
                area(at),
                FILE.len() + 1
            ),
            _ => writeln!(
                wat,
                "    (memory.fill (i32.const {}) (i32.const 0) (i32.const {}))",
                area(at),
                extent(spec, call, to, Side::Guest)
            ),
        };
    }
}

fn word(ty: WasmType) -> &'static str {
    match ty {
        WasmType::I32 => "i32",
        WasmType::I64 => "i64",
    }
}
