//! The model as JSON, for programs in other languages, and its schema. Both follow from the
//! model's own types, so that neither can say other than the model does.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema as schema};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use crate::model::{
    Answer, Aux, Call, FlagSet, Isa, PerIsa, Provenance, Scalar, Spec, Struct, WasmType,
};

/// Where the schema of this form is at home; a new form gets a new name.
const SCHEMA: &str = "wali-1.schema.json";

/// Linux's system calls as WALI guests see them, and how hosts answer them.
///
/// Where a value may differ between ISAs, it stands in an object with a member for each of
/// `isas`. `null` says that the ISA has no such thing.
#[derive(serde::Serialize, JsonSchema)]
struct Document<'a> {
    /// The name of this schema.
    #[serde(rename = "$schema")]
    schema: &'a str,
    /// The ISAs, in the order in which tables list them.
    isas: &'a [Isa],
    /// The kernel release that the facts were read from.
    provenance: &'a Provenance,
    /// Scalar types of guest C, by name.
    scalars: &'a BTreeMap<String, Scalar>,
    /// Sets of named constants, by name.
    flag_sets: &'a BTreeMap<String, FlagSet>,
    /// Structures that cross the boundary, by name.
    structs: BTreeMap<&'a str, DescribedStruct<'a>>,
    /// Every system call of the kernel on any ISA, by its name there.
    calls: BTreeMap<&'a str, DescribedCall<'a>>,
    /// Imports that are not system calls, by name.
    auxiliary: BTreeMap<&'a str, DescribedAux<'a>>,
}

#[derive(serde::Serialize, JsonSchema)]
struct DescribedStruct<'a> {
    #[serde(flatten)]
    structure: &'a Struct,
    /// Whether the guest's bytes have to be converted into the host's.
    converts: PerIsa<bool>,
}

#[derive(serde::Serialize, JsonSchema)]
struct DescribedCall<'a> {
    #[serde(flatten)]
    call: &'a Call,
    /// Who answers it, and how directly.
    answers: PerIsa<Answer>,
    /// The parameters of the guest's import, whose result is an `i64`.
    signature: Vec<WasmType>,
}

#[derive(serde::Serialize, JsonSchema)]
struct DescribedAux<'a> {
    #[serde(flatten)]
    aux: &'a Aux,
    /// The parameters of the guest's import.
    signature: Vec<WasmType>,
    /// Its result.
    result: Option<WasmType>,
}

/// The model's JSON. Members stand in the order of the schema, entries in that of their names.
pub fn json(spec: &Spec) -> String {
    let isas = spec.isas.len();
    let structs = spec.structs.iter().map(|(name, structure)| {
        let converts = PerIsa((0..isas).map(|i| structure.converts_on(i, spec)).collect());
        let described = DescribedStruct {
            structure,
            converts,
        };
        (name.as_str(), described)
    });
    let calls = spec.calls.iter().map(|(name, call)| {
        let answers = PerIsa((0..isas).map(|i| call.answer_on(i, spec)).collect());
        let signature = call.guest_signature(spec);
        let described = DescribedCall {
            call,
            answers,
            signature,
        };
        (name.as_str(), described)
    });
    let auxiliary = spec.aux.iter().map(|(name, aux)| {
        let (signature, result) = aux.guest_signature(spec);
        let described = DescribedAux {
            aux,
            signature,
            result,
        };
        (name.as_str(), described)
    });
    let document = Document {
        schema: SCHEMA,
        isas: &spec.isas,
        provenance: &spec.provenance,
        scalars: &spec.scalars,
        flag_sets: &spec.flag_sets,
        structs: structs.collect(),
        calls: calls.collect(),
        auxiliary: auxiliary.collect(),
    };
    let mut value = serde_json::to_value(&document).expect("keys are strings");
    name_isas(&mut value, &spec.isas);
    pretty(&value)
}

/// The schema of [`json`].
pub fn json_schema() -> String {
    let mut schema = schemars::schema_for!(Document<'static>);
    schema.insert("$id".into(), SCHEMA.into());
    schema.insert(
        "title".into(),
        "WALI's model of Linux's system calls".into(),
    );
    pretty(schema.as_value())
}

fn pretty(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("keys are strings");
    text.push('\n');
    text
}

/// How a member of a [`PerIsa`] is called before the ISAs' names are known: no name in a
/// specification begins like that.
const INDEX: char = '\0';

impl<T: Serialize> Serialize for PerIsa<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (isa, value) in self.0.iter().enumerate() {
            map.serialize_entry(&format!("{INDEX}{isa}"), value)?;
        }
        map.end()
    }
}

impl<T: JsonSchema> JsonSchema for PerIsa<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("PerIsa_{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<T>();
        schema!({ "type": "object", "additionalProperties": value, "minProperties": 1 })
    }
}

fn name_isas(value: &mut Value, isas: &[Isa]) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(|v| name_isas(v, isas)),
        Value::Object(members) => {
            members.values_mut().for_each(|v| name_isas(v, isas));
            if members.keys().next().is_some_and(|k| k.starts_with(INDEX)) {
                let named: Map<String, Value> = isas
                    .iter()
                    .map(|isa| isa.name.clone())
                    .zip(std::mem::take(members).into_iter().map(|(_, value)| value))
                    .collect();
                *members = named;
            }
        }
        _ => {}
    }
}
