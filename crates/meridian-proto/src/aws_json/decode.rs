//! From JSON values to fields, with AWS's texts for values of a wrong type.
//!
//! Texts: as measured on live AWS JSON services; KMS itself was measured only
//! in part.

use std::collections::BTreeMap;

use super::{AwsJson, Json, Members, SerializationError};
use base64_simd::STANDARD;
use bytes::Bytes;
use prost_types::Timestamp;

/// Reads one member of an object; absent and `null` are the default.
pub(crate) fn member<T: Decode + Default>(
    members: &Members<'_>,
    name: &str,
) -> Result<T, SerializationError> {
    // Of a member that came twice, the last counts.
    let named = members.iter().filter(|(it, _)| *it == name);
    match named.map(|(_, value)| value).last() {
        None | Some(Json::Null) => Ok(T::default()),
        Some(value) => T::decode(value),
    }
}

/// A type that a JSON value other than `null` can become.
pub(crate) trait Decode: Sized {
    fn decode(value: &Json<'_>) -> Result<Self, SerializationError>;
}

impl<T: Decode> Decode for Option<T> {
    fn decode(value: &Json<'_>) -> Result<Self, SerializationError> {
        T::decode(value).map(Some)
    }
}

impl Decode for String {
    fn decode(value: &Json<'_>) -> Result<Self, SerializationError> {
        let text = value.as_str().ok_or_else(|| mismatch(value, "a String"))?;
        Ok(text.to_owned())
    }
}

impl Decode for bool {
    fn decode(value: &Json<'_>) -> Result<Self, SerializationError> {
        value.as_bool().ok_or_else(|| mismatch(value, "a Boolean"))
    }
}

impl Decode for i32 {
    /// A fraction is cut off, and a number too large becomes the largest one,
    /// which the limits then refuse.
    fn decode(value: &Json<'_>) -> Result<Self, SerializationError> {
        match (value.as_i64(), value.as_f64()) {
            (Some(whole), _) => Ok(whole.clamp(i32::MIN.into(), i32::MAX.into()) as i32),
            (None, Some(number)) => Ok(number as i32),
            (None, None) => Err(mismatch(value, "an Integer")),
        }
    }
}

impl Decode for u64 {
    fn decode(value: &Json<'_>) -> Result<Self, SerializationError> {
        match (value.as_u64(), value.as_f64()) {
            (Some(whole), _) => Ok(whole),
            (None, Some(number)) => Ok(number as u64),
            (None, None) => Err(mismatch(value, "a Long")),
        }
    }
}

impl Decode for Bytes {
    fn decode(value: &Json<'_>) -> Result<Self, SerializationError> {
        let text = value.as_str().ok_or_else(|| mismatch(value, "a Blob"))?;
        match STANDARD.decode_to_vec(text) {
            Ok(bytes) => Ok(bytes.into()),
            // fidelity: assumed; AWS's text for bad base64 is not known.
            Err(_) => Err(SerializationError { message: None }),
        }
    }
}

impl Decode for Timestamp {
    /// Kept to the millisecond, as AWS does.
    fn decode(value: &Json<'_>) -> Result<Self, SerializationError> {
        const YEAR_1_MS: f64 = -62_135_596_800_000.0;
        const YEAR_9999_MS: f64 = 253_402_300_799_999.0;
        let seconds = value
            .as_f64()
            .ok_or_else(|| mismatch(value, "milliseconds since epoch"))?;
        let milliseconds = (seconds * 1000.0).round();
        // fidelity: assumed; AWS's text for a date out of range is not known.
        if !(YEAR_1_MS..=YEAR_9999_MS).contains(&milliseconds) {
            return Err(SerializationError { message: None });
        }
        let milliseconds = milliseconds as i64;
        Ok(Timestamp {
            seconds: milliseconds.div_euclid(1000),
            nanos: milliseconds.rem_euclid(1000) as i32 * 1_000_000,
        })
    }
}

impl<T: Decode> Decode for Vec<T> {
    /// An item that is `null` is dropped.
    fn decode(value: &Json<'_>) -> Result<Self, SerializationError> {
        match value {
            Json::Array(items) => items
                .iter()
                .filter(|item| !item.is_null())
                .map(T::decode)
                .collect(),
            Json::Object(_) => Err(unexpected_structure()),
            _ => Err(expected("list or null")),
        }
    }
}

impl Decode for BTreeMap<String, String> {
    /// An entry whose value is `null` is dropped, like an item of a list.
    // fidelity: assumed; observed for lists only.
    fn decode(value: &Json<'_>) -> Result<Self, SerializationError> {
        match value {
            Json::Object(entries) => {
                let mut read = BTreeMap::new();
                for (key, value) in entries.iter().filter(|(_, value)| !value.is_null()) {
                    read.insert(key.to_owned(), String::decode(value)?);
                }
                Ok(read)
            }
            Json::Array(_) => Err(unexpected_list()),
            _ => Err(expected("map or null")),
        }
    }
}

impl<T: AwsJson> Decode for T {
    fn decode(value: &Json<'_>) -> Result<Self, SerializationError> {
        match value {
            Json::Object(members) => T::from_members(members),
            Json::Array(_) => Err(unexpected_list()),
            _ => Err(expected("null")),
        }
    }
}

fn mismatch(value: &Json<'_>, expected: &str) -> SerializationError {
    let found = match value {
        Json::Null => "NULL_VALUE",
        Json::Bool(true) => "TRUE_VALUE",
        Json::Bool(false) => "FALSE_VALUE",
        Json::Number(_) => "NUMBER_VALUE",
        Json::Str(_) => "STRING_VALUE",
        Json::Array(_) => return unexpected_list(),
        Json::Object(_) => return unexpected_structure(),
    };
    SerializationError {
        message: Some(format!("{found} can not be converted to {expected}")),
    }
}

fn expected(what: &str) -> SerializationError {
    SerializationError {
        message: Some(format!("Expected {what}")),
    }
}

pub(super) fn unexpected_list() -> SerializationError {
    SerializationError {
        message: Some("Start of list found where not expected".into()),
    }
}

fn unexpected_structure() -> SerializationError {
    SerializationError {
        message: Some("Start of structure or map found where not expected.".into()),
    }
}
