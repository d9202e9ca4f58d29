//! The JSON Schema of a fault, taken from the schema that a cluster reads it by.

use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor};
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// Of the message `meridian.v1.Fault`, in the form that a step has it.
pub(crate) fn fault(_: &mut SchemaGenerator) -> Schema {
    let pool = DescriptorPool::decode(meridian_proto::FILE_DESCRIPTOR_SET);
    let pool = pool.expect("compiled with the crate");
    let fault = pool.get_message_by_name("meridian.v1.Fault");
    let mut schema = message(&fault.expect("the schema has faults"));
    if let Some(fields) = schema["properties"].as_object_mut() {
        // A step says it with `for`.
        fields.remove("duration_ms");
    }
    schema["description"] = "A fault as POST /chaos/faults takes it: its kind, and an ID if it \
                             is not to be the name of the step."
        .into();
    schema["type"] = json!(["object", "null"]);
    Schema::try_from(schema).expect("an object is a schema")
}

fn message(message: &MessageDescriptor) -> Value {
    let fields = message.fields();
    let fields: Map<String, Value> = fields
        .map(|field| (field.name().to_owned(), value(&field)))
        .collect();
    json!({"type": "object", "additionalProperties": false, "properties": fields})
}

fn value(field: &FieldDescriptor) -> Value {
    match field.kind() {
        Kind::Message(inner) => message(&inner),
        Kind::String | Kind::Bytes | Kind::Enum(_) => json!({"type": "string"}),
        Kind::Bool => json!({"type": "boolean"}),
        Kind::Double | Kind::Float => json!({"type": "number"}),
        Kind::Uint32 | Kind::Uint64 | Kind::Fixed32 | Kind::Fixed64 => {
            json!({"type": "integer", "minimum": 0})
        }
        Kind::Int32
        | Kind::Int64
        | Kind::Sint32
        | Kind::Sint64
        | Kind::Sfixed32
        | Kind::Sfixed64 => json!({"type": "integer"}),
    }
}
