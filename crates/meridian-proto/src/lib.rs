//! The one schema of Meridian, and its two encodings.
//!
//! The files in `proto/meridian/v1` are the only description of the messages.
//! From them come the Rust types in [`v1`] with their protobuf encoding, the
//! gRPC stubs (feature `grpc`), and [`AwsJson`]: AWS's JSON and AWS's limits
//! for the same types. A request that came as JSON and one that came as
//! protobuf are the same value, checked by the same [`AwsJson::violations`].
//!
//! Nothing here knows what an operation does.

mod aws_json;
#[cfg(feature = "proto-json")]
pub mod proto_json;
mod redacted;

pub use aws_json::{
    AwsJson, Json, MemberValue, Members, Path, SerializationError, iso_8601, validation_message,
};

/// The messages of `meridian.v1`, and with the feature `grpc` its clients and
/// servers.
#[allow(
    missing_docs,
    unused_variables,
    clippy::all,
    reason = "generated: documented in the schema where a name does not say it all"
)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/meridian.v1.rs"));
    include!(concat!(env!("OUT_DIR"), "/impls.rs"));
}

/// The compiled schema with its imports, for gRPC reflection and for tests
/// that compare it with other models.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
