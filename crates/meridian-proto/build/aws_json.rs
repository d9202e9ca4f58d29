//! Writes the `AwsJson` implementations: which members a message has and what
//! each must satisfy. How values are read, checked and written is in
//! `src/aws_json/`, by hand.

use std::fmt::Write;

use crate::schema::{Form, Member, Message, Scalar, Schema, Shape};

pub fn generate(schema: &Schema) -> String {
    let mut code = String::new();
    for (name, shape) in &schema.shapes {
        writeln!(code, "{}", shape_static(name, shape)).expect("a String takes all");
    }
    for message in &schema.messages {
        writeln!(code, "{}", message_impl(schema, message)).expect("a String takes all");
    }
    code
}

fn shape_static(name: &str, shape: &Shape) -> String {
    let pattern = shape.pattern.as_ref().map_or("None".into(), |shown| {
        let matched = ascii_classes(shown);
        regex::Regex::new(&matched).unwrap_or_else(|error| panic!("{name}: {error}"));
        format!(
            "Some(crate::aws_json::Pattern {{ shown: {shown:?}, \
             regex: ::std::sync::LazyLock::new(|| crate::aws_json::whole({matched:?})) }})"
        )
    });
    let item = shape.item.as_ref();
    format!(
        "static {}: crate::aws_json::Shape = crate::aws_json::Shape {{ \
         length: {:?}, value: {:?}, pattern: {pattern}, one_of: &{:?}, item: {}, sensitive: {} }};",
        static_name(name),
        shape.length,
        shape.value,
        shape.one_of,
        item.map_or("None".into(), |item| format!(
            "Some(&{})",
            static_name(item)
        )),
        shape.sensitive,
    )
}

fn message_impl(schema: &Schema, message: &Message) -> String {
    let name = &message.name;
    let decoded: String = message.members.iter().map(decode).collect();
    let checks: String = message.members.iter().filter_map(check).collect();
    let encoded: String = message.members.iter().map(encode).collect();
    let logged: String = message
        .members
        .iter()
        .filter_map(|member| logged(schema, member))
        .collect();
    let shown: String = message.members.iter().filter_map(shown).collect();
    let blobs: String = message.members.iter().filter_map(blob_length).collect();
    format!(
        "impl crate::aws_json::AwsJson for {name} {{
            fn from_members(members: &crate::aws_json::Members<'_>)
                -> ::core::result::Result<Self, crate::aws_json::SerializationError> {{
                Ok(Self {{ {decoded} }})
            }}
            fn violations_at(&self, at: &crate::aws_json::Path<'_>, out: &mut ::std::vec::Vec<::std::string::String>) {{
                {checks}
            }}
            fn member(&self, name: &str) -> ::core::option::Option<crate::aws_json::MemberValue<'_>> {{
                match name {{
                    {shown}
                    _ => None,
                }}
            }}
            fn write_json(&self, out: &mut ::std::string::String) {{
                out.reserve(128 {blobs});
                let object = crate::aws_json::ObjectWriter::open(out);
                {encoded}
                object.close();
            }}
            fn write_logged(&self, out: &mut ::std::string::String) {{
                let object = crate::aws_json::LoggedWriter::open(out);
                {logged}
                object.close();
            }}
        }}"
    )
}

fn decode(member: &Member) -> String {
    format!(
        "{}: crate::aws_json::member(members, {:?})?,\n",
        member.field, member.json
    )
}

fn check(member: &Member) -> Option<String> {
    let function = match (member.form, member.scalar) {
        (Form::List, Scalar::Message) => "messages",
        (_, Scalar::Message) => "message",
        _ if member.shape.is_none() && !member.required => return None,
        (Form::List, Scalar::Text) => "texts",
        (Form::Optional, Scalar::Text) => "text",
        (Form::Optional, Scalar::Blob) => "blob",
        (Form::Optional, Scalar::Number) => "number",
        _ => panic!("{}: nothing checks this", member.field),
    };
    let shape = match (member.scalar, &member.shape) {
        (Scalar::Message, _) => String::new(),
        (_, Some(shape)) => format!("&{}, ", static_name(shape)),
        (_, None) => panic!("{}: a required scalar needs a shape", member.field),
    };
    Some(format!(
        "crate::aws_json::check::{function}(&self.{}, {}, {shape}&at.member({:?}), out);\n",
        member.field,
        member.required,
        camel_case(&member.json)
    ))
}

/// Bytes may be secret, and a message is no single value.
fn shown(member: &Member) -> Option<String> {
    let Member { field, json, .. } = member;
    let single = matches!(
        (member.form, member.scalar),
        (Form::Optional, Scalar::Text | Scalar::Number | Scalar::Free)
            | (Form::List, Scalar::Text)
            | (Form::Map, _)
    );
    single.then(|| format!("{json:?} => crate::aws_json::shown::Shown::shown(&self.{field}),\n"))
}

fn encode(member: &Member) -> String {
    let Member { field, json, .. } = member;
    let name = format!("\"{json}\":");
    match member.form {
        Form::Optional => format!("let object = object.optional({name:?}, &self.{field});\n"),
        Form::Always => format!("let object = object.always({name:?}, &self.{field});\n"),
        Form::List if member.emit_empty => {
            format!("let object = object.always({name:?}, &self.{field});\n")
        }
        Form::List => format!("let object = object.list({name:?}, &self.{field});\n"),
        Form::Map => format!("let object = object.map({name:?}, &self.{field});\n"),
    }
}

/// What an audit log may show: no blob, nothing sensitive, and no token that
/// lets its bearer do something.
fn logged(schema: &Schema, member: &Member) -> Option<String> {
    let Member { field, json, .. } = member;
    let sensitive = |shape: &String| schema.shapes[shape].sensitive;
    let token = field.starts_with("grant_token");
    if member.scalar == Scalar::Blob || token || member.shape.as_ref().is_some_and(sensitive) {
        return None;
    }
    let name = format!("\"{}\":", camel_case(json));
    let write = match member.form {
        Form::Optional => "optional",
        Form::Always => "always",
        Form::List if member.emit_empty => "always",
        Form::List => "list",
        Form::Map => "map",
    };
    Some(format!(
        "let object = object.{write}({name:?}, &self.{field});\n"
    ))
}

fn blob_length(member: &Member) -> Option<String> {
    (member.scalar == Scalar::Blob && member.form == Form::Optional)
        .then(|| format!("+ crate::aws_json::base64_length(&self.{})", member.field))
}

/// AWS's classes are ASCII, those of the `regex` crate Unicode.
fn ascii_classes(pattern: &str) -> String {
    pattern
        .replace(r"\d", "[0-9]")
        .replace(r"\s", r"[\t-\r ]")
        .replace(r"\w", "[0-9A-Za-z_]")
}

fn static_name(shape: &str) -> String {
    let mut name = String::new();
    for (index, letter) in shape.char_indices() {
        if letter.is_ascii_uppercase() && index > 0 {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

fn camel_case(json: &str) -> String {
    json[..1].to_ascii_lowercase() + &json[1..]
}
