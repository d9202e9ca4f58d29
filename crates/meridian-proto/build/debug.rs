//! Writes a Debug that shows the length of bytes and never the bytes: they may
//! be plaintext, wrapped material, or a forwarded call that holds either. Texts
//! that the schema calls sensitive, such as passwords, are not shown either.

use std::fmt::Write;

use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor};

use crate::PACKAGE;
use crate::schema::Schema;

/// The messages of the package with a field that must not be shown.
pub fn messages(pool: &DescriptorPool, schema: &Schema) -> Vec<MessageDescriptor> {
    pool.all_messages()
        .filter(|message| message.package_name() == PACKAGE && !message.is_map_entry())
        .filter(|message| message.fields().any(|field| is_hidden(&field, schema)))
        .collect()
}

pub fn generate(messages: &[MessageDescriptor], schema: &Schema) -> String {
    let mut code = String::new();
    for message in messages {
        code.push_str(&message_debug(message, schema));
    }
    code
}

fn message_debug(message: &MessageDescriptor, schema: &Schema) -> String {
    let name = message.name();
    let mut code = String::new();
    let mut fields = String::new();
    for field in message.fields() {
        let real = |oneof: &prost_reflect::OneofDescriptor| !oneof.is_synthetic();
        if field.containing_oneof().filter(real).is_none() {
            let field_name = field.name();
            let value = shown(&field, schema, &format!("&self.{field_name}"));
            write!(fields, ".field({field_name:?}, {value})").expect("a String takes all");
        }
    }
    for oneof in message.oneofs().filter(|oneof| !oneof.is_synthetic()) {
        let oneof_name = oneof.name();
        write!(fields, ".field({oneof_name:?}, &self.{oneof_name})").expect("a String takes all");
        let kind = format!("{}::{}", snake_case(name), pascal_case(oneof_name));
        let variants: String = oneof
            .fields()
            .map(|field| variant(&kind, &field, schema))
            .collect();
        code += &debug_impl(&kind, &format!("match self {{ {variants} }}"));
    }
    code + &debug_impl(name, &format!("f.debug_struct({name:?}){fields}.finish()"))
}

fn variant(kind: &str, field: &FieldDescriptor, schema: &Schema) -> String {
    let name = pascal_case(field.name());
    let value = shown(field, schema, "value");
    format!("{kind}::{name}(value) => f.debug_tuple({name:?}).field({value}).finish(),")
}

fn debug_impl(name: &str, body: &str) -> String {
    format!(
        "impl ::core::fmt::Debug for {name} {{
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {{ {body} }}
        }}\n"
    )
}

fn shown(field: &FieldDescriptor, schema: &Schema, value: &str) -> String {
    match is_hidden(field, schema) {
        true => format!("&crate::redacted::Redacted({value})"),
        false => value.to_owned(),
    }
}

fn is_hidden(field: &FieldDescriptor, schema: &Schema) -> bool {
    let sensitive = || schema.is_sensitive(field.parent_message().name(), field.name());
    field.kind() == Kind::Bytes || field.kind() == Kind::String && sensitive()
}

fn pascal_case(name: &str) -> String {
    let word = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
    name.split('_').map(word).collect()
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for (index, letter) in name.char_indices() {
        if letter.is_ascii_uppercase() && index > 0 {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}
