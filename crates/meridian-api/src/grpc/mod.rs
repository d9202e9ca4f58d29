//! The gRPC wire: the services KeyManagement and KeySets of the schema, with
//! reflection and health.
//!
//! The region of a call is in its metadata, see `entrance`, or in its signature,
//! see `signed`; everything else is the schema's.

mod entrance;
mod key_management;
mod key_sets;
mod services;
mod signed;

pub(crate) use services::{
    KeyManagement, add_services, is_grpc, is_key_management, is_unrecorded, key_management,
    unimplemented,
};
pub(crate) use signed::verify;
