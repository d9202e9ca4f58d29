//! Messages in protobuf's own JSON form, with the field names of the schema:
//! for administration, where AWS has no say.

use std::sync::LazyLock;

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, SerializeOptions};
use serde_json::Value;

static SCHEMA: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(crate::FILE_DESCRIPTOR_SET).expect("compiled with the crate")
});

fn descriptor(name: &str) -> MessageDescriptor {
    SCHEMA
        .get_message_by_name(&format!("meridian.v1.{name}"))
        .expect("the caller names a message of the schema")
}

/// Reads the message `meridian.v1.NAME`; field names may also be in camel case.
///
/// # Errors
/// What is wrong with the text, in words.
///
/// # Panics
/// If the schema has no such message.
pub fn from_json<M: Message + Default>(name: &str, text: &str) -> Result<M, String> {
    let mut json = serde_json::Deserializer::from_str(text);
    let message = DynamicMessage::deserialize(descriptor(name), &mut json)
        .map_err(|error| error.to_string())?;
    json.end().map_err(|error| error.to_string())?;
    M::decode(message.encode_to_vec().as_slice()).map_err(|error| error.to_string())
}

/// Writes the message `meridian.v1.NAME`; fields without a value are left out.
///
/// # Panics
/// If the schema has no such message, or it is another one.
pub fn to_json<M: Message>(name: &str, message: &M) -> Value {
    let bytes = message.encode_to_vec();
    let options = SerializeOptions::new()
        .use_proto_field_name(true)
        .stringify_64_bit_integers(false);
    DynamicMessage::decode(descriptor(name), bytes.as_slice())
        .expect("the caller names the message it gives")
        .serialize_with_options(serde_json::value::Serializer, &options)
        .expect("a message is JSON")
}

#[cfg(test)]
mod tests {
    use crate::v1::Fault;

    use super::*;

    fn read(text: &str) -> Result<Fault, String> {
        from_json("Fault", text)
    }

    #[test]
    fn a_message_is_read_and_written_in_the_names_of_the_schema() {
        let text = r#"{"id":"f","link_delay":{"link":{"from":"us-east-1","to":"eu-west-1"},
            "constant_ms":250},"duration_ms":4000}"#;
        let fault = read(text).unwrap();
        let written = to_json("Fault", &fault);
        assert_eq!(written, serde_json::from_str::<Value>(text).unwrap());
        let camel = r#"{"linkCut":{"link":{"from":"a","to":"b","bothDirections":true}}}"#;
        let written = to_json("Fault", &read(camel).unwrap());
        assert_eq!(written["link_cut"]["link"]["both_directions"], true);
    }

    #[test]
    fn what_is_no_such_message_is_refused_with_the_reason() {
        let refusal = |text| read(text).unwrap_err();
        assert!(refusal(r#"{"link_cat":{}}"#).contains("link_cat"));
        assert!(refusal("{} {}").contains("trailing"));
        assert!(refusal("").contains("EOF"));
    }
}
