//! The ID under which a request is answered and logged.

use std::ops::Deref;

use uuid::fmt::Hyphenated;

/// The header, on HTTP, and the metadata entry, on gRPC, that carries the ID
/// back.
pub(crate) const REQUEST_ID: &str = "x-amzn-requestid";

/// A UUID as text.
#[derive(Clone, Copy)]
pub(crate) struct RequestId([u8; Hyphenated::LENGTH]);

/// A fresh random UUID. The thread's own generator serves: the ID has to be
/// unique, not secret, and a system call for each request would be felt.
pub(crate) fn fresh() -> RequestId {
    let id = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
    let mut text = [0; Hyphenated::LENGTH];
    id.hyphenated().encode_lower(&mut text);
    RequestId(text)
}

impl Deref for RequestId {
    type Target = str;
    fn deref(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a UUID is ASCII")
    }
}
