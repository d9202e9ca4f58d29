//! What the schema says about the messages of one file, read once from the
//! descriptors and checked: a mistake in an option stops the build.

use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value,
};

use crate::PACKAGE;

/// The messages of a file and the shapes their members refer to.
pub struct Schema {
    pub shapes: BTreeMap<String, Shape>,
    pub messages: Vec<Message>,
}

/// Limits as written in the schema.
pub struct Shape {
    pub length: Option<(u32, u32)>,
    pub value: Option<(i32, i32)>,
    pub pattern: Option<String>,
    pub one_of: Vec<String>,
    pub item: Option<String>,
    pub sensitive: bool,
}

pub struct Message {
    pub name: String,
    pub members: Vec<Member>,
}

pub struct Member {
    /// Name of the Rust field.
    pub field: String,
    /// Name in JSON.
    pub json: String,
    pub form: Form,
    pub scalar: Scalar,
    pub required: bool,
    pub shape: Option<String>,
    pub emit_empty: bool,
}

/// How often a member may occur.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Optional,
    Always,
    List,
    Map,
}

/// What kind of limits a member's type can have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scalar {
    Text,
    Blob,
    Number,
    Message,
    /// Booleans, timestamps, large numbers and maps have no limits.
    Free,
}

impl Schema {
    pub fn read(pool: &DescriptorPool, file: &str) -> Schema {
        let file = pool.get_file_by_name(file).expect("the file is compiled");
        let shape_option = extension(pool, "shape");
        let shapes: BTreeMap<_, _> = match file.options().get_extension(&shape_option).as_ref() {
            Value::List(shapes) => shapes.iter().map(read_shape).collect(),
            other => panic!("shape is a repeated option, not {other:?}"),
        };
        let messages: Vec<_> = file.messages().map(|m| read_message(pool, &m)).collect();

        let named = messages
            .iter()
            .flat_map(|m| m.members.iter().filter_map(|member| member.shape.clone()))
            .chain(shapes.values().filter_map(|shape| shape.item.clone()))
            .collect::<BTreeSet<_>>();
        let known = shapes.keys().cloned().collect::<BTreeSet<_>>();
        assert_eq!(named, known, "every shape is defined and used");
        Schema { shapes, messages }
    }

    /// True for a field of the file whose values must not be shown.
    pub fn is_sensitive(&self, message: &str, field: &str) -> bool {
        let message = self.messages.iter().find(|it| it.name == message);
        let member = message.and_then(|it| it.members.iter().find(|it| it.field == field));
        let shape = member.and_then(|it| it.shape.as_ref());
        shape.is_some_and(|shape| self.shapes[shape].sensitive)
    }
}

fn extension(pool: &DescriptorPool, name: &str) -> prost_reflect::ExtensionDescriptor {
    pool.get_extension_by_name(&format!("{PACKAGE}.{name}"))
        .expect("options.proto defines it")
}

fn read_shape(value: &Value) -> (String, Shape) {
    let option = value.as_message().expect("a shape is a message");
    let name = text(option, "name").expect("a shape has a name");
    let pattern = text(option, "pattern");
    let one_of = option.get_field_by_name("one_of").expect("a field of it");
    let one_of = one_of.as_list().expect("repeated").iter();
    let shape = Shape {
        length: pair(option, "length_min", "length_max").map(|(min, max)| {
            let known = |v: Value| v.as_u32().expect("uint32");
            (known(min), known(max))
        }),
        value: pair(option, "value_min", "value_max").map(|(min, max)| {
            let known = |v: Value| v.as_i32().expect("int32");
            (known(min), known(max))
        }),
        pattern,
        one_of: one_of
            .map(|v| v.as_str().expect("a string").to_owned())
            .collect(),
        item: text(option, "item"),
        sensitive: flag(option, "sensitive"),
    };
    (name, shape)
}

fn read_message(pool: &DescriptorPool, message: &MessageDescriptor) -> Message {
    let member_option = extension(pool, "member");
    let member = |field: FieldDescriptor| {
        let options = field.options();
        let option = options.get_extension(&member_option);
        let option = option.as_message().expect("a member is a message");
        let (form, scalar) = read_type(&field);
        let member = Member {
            field: field.name().to_owned(),
            json: text(option, "name").unwrap_or_else(|| pascal_case(field.name())),
            form,
            scalar,
            required: flag(option, "required"),
            shape: text(option, "shape"),
            emit_empty: flag(option, "emit_empty"),
        };
        let limited = matches!(scalar, Scalar::Text | Scalar::Blob | Scalar::Number);
        let name = field.full_name();
        assert!(
            member.shape.is_none() || (limited && form != Form::Always),
            "{name}: this type cannot have a shape"
        );
        assert!(
            !member.emit_empty || form == Form::List,
            "{name} is not a list"
        );
        member
    };
    Message {
        name: message.name().to_owned(),
        members: message.fields().map(member).collect(),
    }
}

fn read_type(field: &FieldDescriptor) -> (Form, Scalar) {
    if field.is_map() {
        return (Form::Map, Scalar::Free);
    }
    let scalar = match field.kind() {
        Kind::String => Scalar::Text,
        Kind::Bytes => Scalar::Blob,
        Kind::Int32 => Scalar::Number,
        Kind::Bool | Kind::Uint64 => Scalar::Free,
        Kind::Message(m) if m.full_name() == "google.protobuf.Timestamp" => Scalar::Free,
        Kind::Message(_) => Scalar::Message,
        other => panic!("{}: no JSON form for {other:?}", field.full_name()),
    };
    let form = match (field.is_list(), field.supports_presence()) {
        (true, _) => Form::List,
        (false, true) => Form::Optional,
        (false, false) => Form::Always,
    };
    (form, scalar)
}

fn pair(option: &DynamicMessage, min: &str, max: &str) -> Option<(Value, Value)> {
    let get = |name| {
        let set = option.has_field_by_name(name);
        set.then(|| {
            option
                .get_field_by_name(name)
                .expect("a field of it")
                .into_owned()
        })
    };
    match (get(min), get(max)) {
        (None, None) => None,
        (Some(min), Some(max)) => Some((min, max)),
        _ => panic!("{min} and {max} come together"),
    }
}

fn text(option: &DynamicMessage, name: &str) -> Option<String> {
    let value = option.get_field_by_name(name).expect("a field of it");
    let text = value.as_str().expect("a string");
    (!text.is_empty()).then(|| text.to_owned())
}

fn flag(option: &DynamicMessage, name: &str) -> bool {
    let value = option.get_field_by_name(name).expect("a field of it");
    value.as_bool().expect("a bool")
}

fn pascal_case(field: &str) -> String {
    let word = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
    field.split('_').map(word).collect()
}
