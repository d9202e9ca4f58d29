//! The ID under which a request is answered and logged.

/// The header, on HTTP, and the metadata entry, on gRPC, that carries the ID
/// back.
pub(crate) const REQUEST_ID: &str = "x-amzn-requestid";

/// A fresh random UUID. The thread's own generator serves: the ID has to be
/// unique, not secret, and a system call for each request would be felt.
pub(crate) fn fresh() -> String {
    uuid::Builder::from_random_bytes(rand::random())
        .into_uuid()
        .to_string()
}
