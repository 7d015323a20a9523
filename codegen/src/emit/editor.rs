//! JSON Schemas of the specification's own YAML, with which editors complete and check it. The
//! names that it may use are those that it declares at the time. `wali-codegen check` remains the
//! judge: a schema knows nothing of layouts, numbers and what belongs together.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::intent::{calls, cases, omitted, types};
use crate::model::{Dir, Spec};

/// The schemas, by the part of the specification that they are for.
pub fn editor_schemas(spec: &Spec) -> BTreeMap<&'static str, String> {
    let names = Names::of(spec);
    let parts = [
        ("isa", isa()),
        ("types", each("A scalar of guest C", scalar().into())),
        (
            "flags",
            each("A flag set or an enumeration", set(&names).into()),
        ),
        ("structs", each("A structure", structure(&names).into())),
        ("syscalls", each("A system call", call(&names))),
        (
            "aux",
            each("An import that is no system call", auxiliary(&names)),
        ),
        (
            "omitted",
            each("What is left out for a reason", omitted().into()),
        ),
    ];
    let parts = parts.map(|(part, schema)| {
        let mut text = serde_json::to_string_pretty(&schema).expect("keys are strings");
        text.push('\n');
        (part, text)
    });
    BTreeMap::from(parts)
}

/// What may be named.
struct Names<'a> {
    scalars: Vec<&'a str>,
    sets: Vec<&'a str>,
    structs: Vec<String>,
    calls: Vec<&'a str>,
    errors: Vec<&'a str>,
}

impl Names<'_> {
    fn of(spec: &Spec) -> Names<'_> {
        let errors = spec.flag_sets.get("errno").into_iter();
        Names {
            scalars: spec.scalars.keys().map(String::as_str).collect(),
            sets: spec.flag_sets.keys().map(String::as_str).collect(),
            structs: spec.structs.keys().map(|s| format!("struct {s}")).collect(),
            calls: spec.kernel.keys().map(String::as_str).collect(),
            errors: errors
                .flat_map(|set| set.members.iter().map(|m| m.name.as_str()))
                .collect(),
        }
    }

    /// A scalar's name.
    fn scalar(&self, about: &str) -> Value {
        json!({ "description": about, "enum": self.scalars })
    }

    /// Elements of arrays.
    fn arrays(&self) -> Vec<String> {
        let scalars = self.scalars.iter().map(|s| format!("array of {s}"));
        let structs = self.structs.iter().map(|s| format!("array of {s}"));
        scalars.chain(structs).collect()
    }

    fn errno(&self) -> Value {
        json!({ "description": "The error it always fails with.", "enum": self.errors })
    }
}

/// A file whose keys are names.
fn each(about: &str, value: Entry) -> Value {
    let mut defs = Map::new();
    defs.insert("entry".into(), described(about, value.schema));
    defs.extend(value.definitions);
    // A key of an entry at the left edge is one that was not indented.
    let mut names = json!({ "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" });
    if let Some(keys) = defs["entry"]["properties"].as_object() {
        let keys: Vec<&String> = keys.keys().collect();
        names["not"] = json!({ "enum": keys });
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "propertyNames": names,
        "additionalProperties": { "$ref": "#/$defs/entry" },
        "$defs": defs,
    })
}

/// What stands under a name, and what it refers to.
struct Entry {
    schema: Value,
    definitions: Vec<(String, Value)>,
}

impl From<Value> for Entry {
    fn from(schema: Value) -> Entry {
        Entry {
            schema,
            definitions: Vec::new(),
        }
    }
}

fn described(about: &str, mut value: Value) -> Value {
    value["description"] = about.into();
    value
}

/// A mapping with these keys and no others.
fn mapping(required: &[&str], properties: Value) -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": required,
        "properties": properties,
    })
}

/// The words of a choice.
fn words<T>(choice: &[(&'static str, T)]) -> Vec<&'static str> {
    choice.iter().map(|(word, _)| *word).collect()
}

fn text(about: &str) -> Value {
    json!({ "description": about, "type": "string", "pattern": "^[^\\r\\n]*\\S[^\\r\\n]*$" })
}

/// A name that C takes.
fn identifier(about: &str) -> Value {
    json!({ "description": about, "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" })
}

/// A type as C has it.
fn spelling(about: &str) -> Value {
    json!({ "description": about, "type": "string", "pattern": "^[A-Za-z0-9_ *().>-]+$" })
}

fn flag(about: &str) -> Value {
    json!({ "description": about, "type": "boolean" })
}

fn list(about: &str, item: Value) -> Value {
    json!({ "description": about, "type": "array", "minItems": 1, "items": item })
}

fn headers() -> Value {
    let part = "[A-Za-z0-9_-][A-Za-z0-9_.-]*";
    let header = json!({ "type": "string", "pattern": format!("^({part}/)*{part}\\.h$") });
    list(
        "Headers of the kernel that define it, such as linux/stat.h.",
        header,
    )
}

fn isa() -> Value {
    let mut schema = mapping(
        &["order", "triple", "uapi"],
        json!({
            "order": { "description": "Place in tables.", "type": "integer" },
            "triple": text("clang's target; begins with the file's name."),
            "uapi": identifier("Folder of its asm/ headers in the package of headers."),
            "guest": flag("On one ISA: guests have its numbers, constants and shapes."),
        }),
    );
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    described("An ISA of hosts.", schema)
}

fn scalar() -> Value {
    let (int, roles) = (words(&types::INTS), words(&types::ROLES));
    mapping(
        &["guest"],
        json!({
            "guest": { "description": "How guests have it.", "enum": int },
            "host": {
                "description": "How hosts have it, if wider. Signed types are widened with sign.",
                "enum": int,
            },
            "role": { "description": "What a value stands for.", "enum": roles },
            "c": spelling("How C headers spell it, if not by this name."),
        }),
    )
}

fn set(names: &Names<'_>) -> Value {
    let member = identifier("A constant's name.");
    mapping(
        &["kind", "headers", "members"],
        json!({
            "doc": text("One line about it."),
            "kind": {
                "description": "Flags combine by or; an enum does not.",
                "enum": words(&types::KINDS),
            },
            "type": names.scalar("The scalar that carries it; int unless given."),
            "headers": headers(),
            "members": list("Constants of the kernel.", member),
        }),
    )
}

fn structure(names: &Names<'_>) -> Value {
    let mut types: Vec<String> = names.scalars.iter().map(|s| (*s).to_owned()).collect();
    types.extend(names.scalars.iter().map(|s| format!("array of {s}")));
    types.extend(names.structs.iter().cloned());
    let mut to = vec!["bytes".to_owned()];
    to.extend(names.arrays());
    let field = json!({ "anyOf": [{ "enum": types }, pointer(&to, false)] });
    mapping(
        &["headers", "fields"],
        json!({
            "doc": text("One line about it."),
            "c": spelling("How the kernel spells the type, if not `struct` and this name."),
            "headers": headers(),
            "packed": flag("No padding between the guest's fields."),
            "tail": { "description": "Padding without a name ends it.", "enum": ["padding"] },
            "fields": {
                "description": "All fields in the guest's order, padding with a name, too.",
                "type": "object",
                "minProperties": 1,
                "additionalProperties": field,
            },
        }),
    )
}

/// A pointer to one of these, in one direction.
fn pointer(to: &[String], of_call: bool) -> Value {
    let length = json!({
        "description": "How many: a name, or a number.",
        "type": ["string", "integer"],
    });
    let mut properties = Map::new();
    let ways = types::DIRS;
    for (way, dir) in ways {
        let about = match dir {
            Dir::In => "The kernel reads.",
            Dir::Out => "The kernel writes.",
            Dir::InOut => "The kernel reads and writes.",
        };
        properties.insert(way.into(), json!({ "description": about, "enum": to }));
    }
    properties.insert("len".into(), length.clone());
    properties.insert("count".into(), length);
    if of_call {
        properties.insert(
            "nullable".into(),
            flag("Address 0 is allowed, and means none."),
        );
    }
    let mut schema = mapping(&[], properties.into());
    schema["oneOf"] = ways.map(|(way, _)| json!({ "required": [way] })).into();
    schema["not"] = json!({ "required": ["len", "count"] });
    schema
}

/// The type of an argument, with further words that a place allows.
fn argument(names: &Names<'_>, further: &[&str]) -> Value {
    let mut values: Vec<&str> = further.to_vec();
    values.extend(&names.scalars);
    values.extend(&names.sets);
    values.extend(["path", "string"]);
    let mut to: Vec<String> = ["bytes", "path", "string"].map(str::to_owned).into();
    to.extend(names.scalars.iter().map(|s| (*s).to_owned()));
    to.extend(names.structs.iter().cloned());
    to.extend(names.arrays());
    json!({ "anyOf": [{ "enum": values }, pointer(&to, true)] })
}

fn arguments() -> Value {
    json!({
        "description": "Arguments in order.",
        "type": "object",
        "maxProperties": 6,
        "propertyNames": { "pattern": "^[a-z][A-Za-z0-9_]*$", "not": { "enum": calls::KEYS } },
        "additionalProperties": { "$ref": "#/$defs/argument" },
    })
}

fn returns(names: &Names<'_>) -> Value {
    let mut all = vec!["nothing", "never"];
    all.extend(&names.scalars);
    all.extend(&names.sets);
    json!({ "description": "What a successful call gives; nothing unless given.", "enum": all })
}

fn restart() -> Value {
    json!({
        "description": "What a signal handler does to a blocked call: restart it under \
                        SA_RESTART, or never. Without it the call does not block.",
        "enum": words(&calls::RESTARTS),
    })
}

fn call(names: &Names<'_>) -> Entry {
    let fallback = mapping(
        &["call"],
        json!({
            "call": { "description": "Another call.", "enum": names.calls },
            "args": {
                "description": "Arguments of this call, constants, lists of those, numbers.",
                "type": "array",
                "items": {
                    "anyOf": [
                        { "type": ["string", "integer"] },
                        { "type": "array", "minItems": 1, "items": { "type": "string" } },
                    ],
                },
            },
        }),
    );
    let mut schema = mapping(
        &["doc"],
        json!({
            "doc": text("One plain line about it."),
            "import": identifier("The import's name, if it is not SYS_ and this name."),
            "aliases": list("Further names that older binaries import.", identifier("An import.")),
            "args": arguments(),
            "returns": returns(names),
            "restart": restart(),
            "runtime": text("The runtime does it, for this reason."),
            "refuse": names.errno(),
            "because": text("Why it is refused."),
            "fallback": {
                "description": "What ISAs do whose table lacks the call.",
                "anyOf": [{ "const": "none" }, fallback],
            },
            "cases": { "$ref": "#/$defs/cases" },
        }),
    );
    schema["allOf"] = json!([
        { "not": { "required": ["runtime", "refuse"] } },
        { "anyOf": [{ "required": ["args"] }, { "required": ["refuse"] }] },
        { "not": { "required": ["refuse", "restart"] } },
    ]);
    schema["dependentRequired"] = json!({ "refuse": ["because"], "because": ["refuse"] });
    let definitions = [
        ("argument", argument(names, &[])),
        ("case_argument", argument(names, &["none"])),
        ("cases", cases_of(names)),
    ];
    Entry {
        schema,
        definitions: definitions.map(|(name, def)| (name.to_owned(), def)).into(),
    }
}

fn cases_of(names: &Names<'_>) -> Value {
    let refused = mapping(
        &["refuse", "because"],
        json!({ "refuse": names.errno(), "because": text("Why it is refused.") }),
    );
    let others = json!({ "anyOf": [{ "const": "as_is" }, refused] });
    // What is a key of calls is no argument.
    let of_cases = cases::CASE_KEYS;
    let calls_only: Vec<&str> = calls::KEYS
        .into_iter()
        .filter(|key| !of_cases.contains(key))
        .collect();
    let case = json!({
        "type": "object",
        "properties": {
            "returns": returns(names),
            "restart": restart(),
            "runtime": text("The runtime does it, for this reason."),
            "refuse": names.errno(),
            "because": text("Why it is refused."),
            "number": names.scalar("The scalar whose size is part of the constant."),
            "grows": flag("Its struct grows, and the constant says how far: any length is let through."),
            "cases": { "$ref": "#/$defs/cases" },
        },
        "dependentRequired": { "refuse": ["because"], "because": ["refuse"] },
        "not": { "required": ["runtime", "refuse"] },
        "propertyNames": { "not": { "enum": calls_only } },
        "additionalProperties": { "$ref": "#/$defs/case_argument" },
    });
    described(
        "What the call is for each value of an argument.",
        mapping(
            &["by", "set", "otherwise"],
            json!({
                "by": text("The argument."),
                "set": text("The enumeration of its values."),
                "headers": headers(),
                "of": { "type": "object", "additionalProperties": case },
                "rest": described("What becomes of members without a case.", others.clone()),
                "otherwise": described("What becomes of other values.", others),
            }),
        ),
    )
}

fn auxiliary(names: &Names<'_>) -> Entry {
    let schema = mapping(
        &["doc", "args"],
        json!({
            "doc": text("One plain line about it."),
            "args": arguments(),
            "returns": names.scalar("The result; none unless given."),
            "aliases": list("Further names of the import.", identifier("An import.")),
            "twice": flag("It may return more than once."),
        }),
    );
    Entry {
        schema,
        definitions: vec![("argument".to_owned(), argument(names, &[]))],
    }
}

fn omitted() -> Value {
    let name = json!({ "type": "string", "pattern": "^[A-Za-z0-9_.]*[*]?[A-Za-z0-9_.]*$" });
    mapping(
        &omitted::KEYS,
        json!({
            "because": text("Why they are left out."),
            "names": list("Constants, or `struct.field`; a `*` stands for anything.", name),
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys that a schema knows at a place.
    fn keys(schema: &Value, place: &str) -> Vec<String> {
        let at = schema.pointer(place).expect("the place");
        let properties = at["properties"].as_object().expect("properties");
        let mut keys: Vec<String> = properties.keys().cloned().collect();
        keys.sort();
        keys
    }

    fn sorted(keys: &[&str]) -> Vec<String> {
        let mut keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        keys.sort();
        keys
    }

    #[test]
    fn schemas_know_the_keys_that_the_checker_knows() {
        let none = Names {
            scalars: Vec::new(),
            sets: Vec::new(),
            structs: Vec::new(),
            calls: Vec::new(),
            errors: Vec::new(),
        };
        let case = "/properties/of/additionalProperties";
        for (schema, place, known) in [
            (isa(), "", &types::ISA_KEYS[..]),
            (scalar(), "", &types::SCALAR_KEYS),
            (set(&none), "", &types::SET_KEYS),
            (structure(&none), "", &types::STRUCT_KEYS),
            (pointer(&[], false), "", &types::FIELD_POINTER_KEYS),
            (pointer(&[], true), "", &calls::POINTER_KEYS),
            (call(&none).schema, "", &calls::KEYS),
            (auxiliary(&none).schema, "", &calls::AUX_KEYS),
            (omitted(), "", &omitted::KEYS),
            (cases_of(&none), "", &cases::KEYS),
            (cases_of(&none), case, &cases::CASE_KEYS),
        ] {
            assert_eq!(keys(&schema, place), sorted(known));
        }
    }
}
