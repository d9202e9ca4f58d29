//! The list of gRPC services on a port.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use meridian_proto::FILE_DESCRIPTOR_SET;
use meridian_proto::v1::key_management_server::{
    KeyManagementServer, SERVICE_NAME as KEY_MANAGEMENT,
};
use meridian_proto::v1::key_sets_server::{KeySetsServer, SERVICE_NAME as KEY_SETS};
use tonic::Status;
use tonic::service::Routes;
use tonic_health::ServingStatus;

use super::key_management::KeyManagementService;
use super::key_sets::KeySetsService;
use crate::aws_json::BODY_BYTES_MAX;
use crate::door::Door;

/// The service of all operations.
pub(crate) type KeyManagement = KeyManagementServer<KeyManagementService>;

/// The service of all operations behind a door.
pub(crate) fn key_management(door: Arc<Door>) -> KeyManagement {
    KeyManagementServer::new(KeyManagementService { door })
        .max_decoding_message_size(BODY_BYTES_MAX)
}

/// Adds the services to the routes of a port.
pub(crate) fn add_services(routes: Routes, door: Arc<Door>) -> Routes {
    let key_sets = KeySetsServer::new(KeySetsService { door: door.clone() });
    let routes = routes
        .add_service(key_management(door))
        .add_service(key_sets.max_decoding_message_size(BODY_BYTES_MAX));
    add_reflection(add_health(routes))
}

/// Health of the port: it serves for as long as it answers. Whether a region
/// has a leader, each call tells.
fn add_health(routes: Routes) -> Routes {
    let (reporter, service) = tonic_health::server::health_reporter();
    for name in [KEY_MANAGEMENT, KEY_SETS] {
        reporter
            .set_service_status(name, ServingStatus::Serving)
            .now_or_never()
            .expect("nobody else holds the reporter's lock yet");
    }
    routes.add_service(service)
}

/// Reflection of the whole schema, in both versions that clients speak.
fn add_reflection(routes: Routes) -> Routes {
    let builder = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let whole = "the schema is compiled with all its imports";
    routes
        .add_service(builder().build_v1().expect(whole))
        .add_service(builder().build_v1alpha().expect(whole))
}

/// Whether a request is gRPC's.
pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    let content_type = headers
        .get(CONTENT_TYPE)
        .map_or(&[][..], |value| value.as_bytes());
    content_type.starts_with(b"application/grpc")
}

/// Whether a path is of [`KeyManagement`].
pub(crate) fn is_key_management(path: &str) -> bool {
    let rest = path.strip_prefix('/');
    rest.and_then(|rest| rest.strip_prefix(KEY_MANAGEMENT))
        .is_some_and(|method| method.starts_with('/'))
}

/// Whether a path is of a service whose calls the audit log does not have:
/// health, reflection, and watching.
pub(crate) fn is_unrecorded(path: &str) -> bool {
    let of = |service: &str| {
        path.strip_prefix('/')
            .is_some_and(|it| it.starts_with(service))
    };
    of("grpc.") || of(KEY_SETS)
}

/// There is no such gRPC service here.
pub(crate) fn unimplemented() -> Response {
    Status::unimplemented("")
        .into_http::<axum::body::Body>()
        .into_response()
}
