//! AWS JSON 1.1 for the messages of the schema.
//!
//! The build writes one [`AwsJson`] implementation per message; it only lists
//! the members. Reading, limits and writing are in the modules below.

pub(crate) mod check;
mod constraint;
mod decode;
mod encode;
mod logged;
mod path;
pub(crate) mod shown;

use std::fmt;

use serde_json_borrow::{ObjectAsVec, Value};

pub(crate) use constraint::{Pattern, Shape, whole};
pub(crate) use decode::member;
pub(crate) use encode::{ObjectWriter, base64_length};
pub(crate) use logged::LoggedWriter;
pub use logged::iso_8601;
pub use path::Path;
pub use shown::MemberValue;

/// A parsed body that borrows its texts from the bytes that came.
pub type Json<'a> = Value<'a>;

/// The members of an object, in the order in which they came.
pub type Members<'a> = ObjectAsVec<'a>;

/// A message that AWS sends as a JSON object.
pub trait AwsJson: Sized {
    /// Reads the body of a request or response.
    ///
    /// Unknown members are ignored and `null` is an absent member. Limits are
    /// not checked here, so that type errors come before all of them.
    ///
    /// # Errors
    /// A value of the wrong JSON type, or a body that is no object.
    fn from_json(body: &Json<'_>) -> Result<Self, SerializationError> {
        match body {
            Json::Object(members) => Self::from_members(members),
            Json::Array(_) => Err(decode::unexpected_list()),
            _ => Err(SerializationError { message: None }),
        }
    }

    /// Appends every limit that the message breaks, in the order of the
    /// members and in AWS's words; [`validation_message`] joins them.
    fn violations(&self, out: &mut Vec<String>) {
        self.violations_at(&Path::ROOT, out);
    }

    /// The message as JSON text; members that do not apply are left out.
    fn to_json(&self) -> String {
        // Room for most answers: growing step by step costs as much as writing.
        let mut out = String::with_capacity(1024);
        self.write_json(&mut out);
        out
    }

    /// The message as an audit log shows it: JSON with names in lower camel
    /// case, without blobs, sensitive members and grant tokens.
    fn to_logged_json(&self) -> String {
        let mut out = String::new();
        self.write_logged(&mut out);
        out
    }

    /// [`Self::from_json`] for a body already known to be an object.
    ///
    /// # Errors
    /// A value of the wrong JSON type.
    fn from_members(members: &Members<'_>) -> Result<Self, SerializationError>;

    /// [`Self::violations`] of a message inside another one.
    fn violations_at(&self, at: &Path<'_>, out: &mut Vec<String>);

    /// A member that is text, by AWS's name; nothing when it is absent or the
    /// message has no such member.
    fn text_member(&self, name: &str) -> Option<&str> {
        match self.member(name)? {
            MemberValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A member by AWS's name, whatever its type; nothing when it is absent, or
    /// holds bytes or a message, or the message has no such member.
    fn member(&self, name: &str) -> Option<MemberValue<'_>>;

    /// [`Self::to_json`] into an existing text.
    fn write_json(&self, out: &mut String);

    /// [`Self::to_logged_json`] into an existing text.
    fn write_logged(&self, out: &mut String);
}

impl<T: AwsJson> AwsJson for Box<T> {
    fn from_members(members: &Members<'_>) -> Result<Self, SerializationError> {
        T::from_members(members).map(Box::new)
    }

    fn violations_at(&self, at: &Path<'_>, out: &mut Vec<String>) {
        T::violations_at(self, at, out);
    }

    fn write_json(&self, out: &mut String) {
        T::write_json(self, out);
    }

    fn write_logged(&self, out: &mut String) {
        T::write_logged(self, out);
    }

    fn member(&self, name: &str) -> Option<MemberValue<'_>> {
        T::member(self, name)
    }
}

/// The body is not the JSON that the operation expects; AWS's
/// SerializationException.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SerializationError {
    /// AWS's text. Absent where AWS sends none.
    pub message: Option<String>,
}

impl fmt::Display for SerializationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message.as_deref().unwrap_or("SerializationException"))
    }
}

impl std::error::Error for SerializationError {}

/// The text of the ValidationException that reports `violations`, if there
/// are any.
pub fn validation_message(violations: &[String]) -> Option<String> {
    let noun = match violations.len() {
        0 => return None,
        1 => "error",
        _ => "errors",
    };
    let count = violations.len();
    let violations = violations.join("; ");
    Some(format!("{count} validation {noun} detected: {violations}"))
}
