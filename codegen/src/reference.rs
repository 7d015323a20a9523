//! The table of calls in the format of WALI's reference, the Python package `wali-linux`: what its
//! `python -m wali.spec.syscalls --dump` writes. Reading it, writing ours so, and what differs.

use crate::model::{ArgType, By, Call, Element, Int, Pointee, Spec, WasmType};

/// The table's columns.
const HEADER: [&str; 13] = [
    "NR",
    "Syscall",
    "# Args",
    "a1",
    "a2",
    "a3",
    "a4",
    "a5",
    "a6",
    "Aliases",
    "Unused Aliases",
    "aarch64_NR",
    "riscv64_NR",
];

/// The ISAs whose numbers it has, in the order of [`Row::numbers`].
pub const ISAS: [&str; 3] = ["x86_64", "aarch64", "riscv64"];

/// The types it passes by value: their names, and whether they are 64 bits wide.
const TYPES: [(&str, bool); 31] = [
    ("int", false),
    ("long", true),
    ("long long", true),
    ("short", false),
    ("reg", true),
    ("unsigned", false),
    ("unsigned int", false),
    ("unsigned long", true),
    ("unsigned long long", true),
    ("unsigned short", false),
    ("unsigned reg", true),
    ("uint8_t", false),
    ("uint16_t", false),
    ("uint32_t", false),
    ("uint64_t", true),
    ("int8_t", false),
    ("int16_t", false),
    ("int32_t", false),
    ("int64_t", true),
    ("ptr", false),
    ("off_t", true),
    ("size_t", false),
    ("nfds_t", true),
    ("socklen_t", false),
    ("clockid_t", false),
    ("mode_t", false),
    ("uid_t", false),
    ("pid_t", false),
    ("gid_t", false),
    ("rlim_t", true),
    ("time_t", true),
];

/// A call in the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The call's name there.
    pub name: String,
    /// Its numbers on [`ISAS`].
    pub numbers: [Option<u32>; 3],
    /// The types of its arguments; none if they are not described.
    pub args: Option<Vec<String>>,
    /// Further names of the import, those that nobody uses any more among them.
    pub aliases: Vec<String>,
}

impl Row {
    /// The import's parameters.
    ///
    /// # Errors
    /// A type that the format does not know.
    pub fn signature(&self) -> Result<Option<Vec<WasmType>>, String> {
        let Some(args) = &self.args else {
            return Ok(None);
        };
        let types = args.iter().map(|ty| {
            let unknown = || format!("`{}` takes a `{ty}`, a type that is not known", self.name);
            wasm(ty).ok_or_else(unknown)
        });
        types.collect::<Result<_, _>>().map(Some)
    }
}

/// How a type crosses the boundary.
fn wasm(ty: &str) -> Option<WasmType> {
    if ty.ends_with('*') || ty.starts_with("fn(") {
        return Some(WasmType::I32);
    }
    let (_, wide) = TYPES.iter().find(|(name, _)| *name == ty)?;
    Some(if *wide { WasmType::I64 } else { WasmType::I32 })
}

/// Reads a table.
///
/// # Errors
/// The first line that is not of the format, and why.
pub fn read(text: &str) -> Result<Vec<Row>, String> {
    let mut lines = text.lines().enumerate();
    let header = lines
        .next()
        .map(|(_, line)| fields(line))
        .unwrap_or_default();
    if header != HEADER {
        return Err(format!("line 1: expected the columns {}", HEADER.join(",")));
    }
    let rows = lines
        .filter(|(_, line)| !line.is_empty())
        .map(|(index, line)| row(line).map_err(|e| format!("line {}: {e}", index + 1)));
    rows.collect()
}

fn row(line: &str) -> Result<Row, String> {
    let fields = fields(line);
    let columns: &[String; HEADER.len()] = fields
        .as_slice()
        .try_into()
        .map_err(|_| format!("{} columns, not {}", fields.len(), HEADER.len()))?;
    let [
        x86_64,
        name,
        count,
        types @ ..,
        aliases,
        unused,
        aarch64,
        riscv64,
    ] = columns;
    let number = |text: &String| match text.as_str() {
        "-1" => Ok(None),
        text => {
            let number = text.parse().map_err(|_| format!("`{text}` is no number"));
            number.map(Some)
        }
    };
    let list = |text: &String| {
        let names = text.split(',').map(str::trim);
        let names: Vec<String> = names.filter(|n| !n.is_empty()).map(str::to_owned).collect();
        names
    };
    let args = match count.as_str() {
        "" => None,
        count => {
            let count: usize = count
                .parse()
                .map_err(|_| format!("`{count}` is no number"))?;
            let given = types.iter().take_while(|ty| !ty.is_empty()).count();
            if count != given {
                return Err(format!("`{name}` has {given} types for {count} arguments"));
            }
            Some(types[..count].to_vec())
        }
    };
    let mut aliases = list(aliases);
    aliases.extend(list(unused));
    Ok(Row {
        name: name.clone(),
        numbers: [number(x86_64)?, number(aarch64)?, number(riscv64)?],
        args,
        aliases,
    })
}

/// The fields of a line of comma-separated values, which may stand in double quotes.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.trim_end_matches('\r').chars().peekable();
    while let Some(c) = chars.next() {
        let last = fields.last_mut().expect("there is one from the start");
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                last.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            c => last.push(c),
        }
    }
    fields
}

/// The specification's calls as such a table, by x86-64's numbers.
pub fn write(spec: &Spec) -> String {
    let numbers = |call: &Call| ISAS.map(|isa| number(spec, call, isa));
    let mut calls: Vec<&Call> = spec.calls.values().collect();
    calls.sort_by_key(|call| (numbers(call)[0].unwrap_or(u32::MAX), &call.name));
    let mut out = HEADER.join(",") + "\r\n";
    for call in calls {
        let [x86_64, aarch64, riscv64] =
            numbers(call).map(|n| n.map_or_else(|| "-1".to_owned(), |n| n.to_string()));
        let refused = matches!(call.by, By::Refused { .. }) && call.args.is_empty();
        let count = match refused {
            true => String::new(),
            false => call.args.len().to_string(),
        };
        let mut types: Vec<String> = call.args.iter().map(|a| spelling(&a.ty, spec)).collect();
        types.resize(6, String::new());
        let plain = |import: &String| import.strip_prefix("SYS_").unwrap_or(import).to_owned();
        let own = (call.import != format!("SYS_{}", call.name)).then(|| plain(&call.import));
        let aliases: Vec<String> = own
            .into_iter()
            .chain(call.aliases.iter().map(plain))
            .collect();
        let aliases = match aliases.len() {
            0 | 1 => aliases.concat(),
            _ => format!("\"{}\"", aliases.join(",")),
        };
        let row = [x86_64, call.name.clone(), count];
        let end = [aliases, String::new(), aarch64, riscv64];
        let row: Vec<String> = row.into_iter().chain(types).chain(end).collect();
        out.push_str(&row.join(","));
        out.push_str("\r\n");
    }
    out
}

/// A call's number on an ISA by name.
fn number(spec: &Spec, call: &Call, isa: &str) -> Option<u32> {
    let index = spec.isas.iter().position(|known| known.name == isa)?;
    call.numbers.0[index]
}

/// An argument's type in the reference's words.
fn spelling(ty: &ArgType, spec: &Spec) -> String {
    let to = match ty {
        ArgType::Value { scalar, .. } => return scalar_spelling(scalar, spec),
        ArgType::Unused { scalar: None } => return "ptr".to_owned(),
        ArgType::Unused { scalar: Some(name) } => return scalar_spelling(name, spec),
        ArgType::Pointer { to, .. } => to,
    };
    let behind = match to {
        Pointee::Bytes(_) => "void".to_owned(),
        Pointee::String { .. } => "char".to_owned(),
        Pointee::Scalar(name)
        | Pointee::Array {
            of: Element::Scalar(name),
            ..
        } => scalar_spelling(name, spec),
        Pointee::Struct(name)
        | Pointee::Array {
            of: Element::Struct(name),
            ..
        } => format!("struct {name}"),
    };
    format!("{behind}*")
}

/// A scalar by its own name if the format has it as wide, or else by one of its width and sign.
fn scalar_spelling(name: &str, spec: &Spec) -> String {
    let Int { bits, signed } = spec.scalars[name].guest;
    let wide = bits == 64;
    if TYPES.contains(&(name, wide)) {
        return name.to_owned();
    }
    let plain = match (bits, signed) {
        (64, true) => "long long",
        (64, false) => "unsigned long long",
        (32, true) => "int",
        (32, false) => "unsigned int",
        (bits, true) => return format!("int{bits}_t"),
        (bits, false) => return format!("uint{bits}_t"),
    };
    plain.to_owned()
}

/// What differs between the specification and a table, in lines. What a table does not describe,
/// and calls that it does not have, are no difference.
///
/// # Errors
/// A type that the format does not know.
pub fn compare(spec: &Spec, rows: &[Row]) -> Result<Vec<String>, String> {
    let mut lines = Vec::new();
    for row in rows {
        let import = format!("SYS_{}", row.name);
        // By the kernel's name, or by the import's where that is another.
        let by_name = spec.calls.get(&row.name);
        let Some(call) = by_name.or_else(|| by_import(spec, &import)) else {
            lines.push(format!("{}: not in the specification", row.name));
            continue;
        };
        for (isa, theirs) in ISAS.iter().zip(row.numbers) {
            let ours = number(spec, call, isa);
            if ours != theirs {
                let word = |n: Option<u32>| n.map_or_else(|| "none".to_owned(), |n| n.to_string());
                let (ours, theirs) = (word(ours), word(theirs));
                let name = &row.name;
                lines.push(format!(
                    "{name}: number on {isa}: {ours} here, {theirs} there"
                ));
            }
        }
        let ours = call.guest_signature(spec);
        if let Some(theirs) = row.signature()?
            && ours != theirs
        {
            let (ours, theirs) = (words(&ours), words(&theirs));
            lines.push(format!(
                "{}: takes ({ours}) here, ({theirs}) there",
                row.name
            ));
        }
        for alias in &row.aliases {
            let names = [alias.clone(), format!("SYS_{alias}")];
            let known = names.iter().any(|name| {
                by_import(spec, name).is_some_and(|known| known.name == call.name)
                    || *name == call.name
            });
            if !known {
                lines.push(format!("{}: no import `{alias}` here", row.name));
            }
        }
    }
    Ok(lines)
}

fn by_import<'a>(spec: &'a Spec, import: &str) -> Option<&'a Call> {
    let mut calls = spec.calls.values();
    calls.find(|call| call.import == import || call.aliases.iter().any(|a| a == import))
}

fn words(types: &[WasmType]) -> String {
    let word = |ty: &WasmType| match ty {
        WasmType::I32 => "i32",
        WasmType::I64 => "i64",
    };
    let types: Vec<&str> = types.iter().map(word).collect();
    types.join(", ")
}
