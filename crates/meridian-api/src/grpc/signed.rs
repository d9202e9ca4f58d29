//! Signed gRPC calls, where callers have to prove who they are.
//!
//! A call is signed as a `POST` of the message's bytes (without gRPC's five
//! bytes of framing) to the method's path: `authorization`, `x-amz-date` and,
//! for a temporary credential, `x-amz-security-token` are metadata entries.
//! `host` is the `:authority` that the client dialed.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::AUTHORIZATION;
use meridian_kms::{Caller, Operation, RegionName};
use tonic::Status;

use super::services::is_grpc;
use crate::authentication::Sent;
use crate::aws_json::BODY_BYTES_MAX;
use crate::door::Door;
use crate::refusal::Refusal;
use crate::sigv4::Credential;

/// gRPC's framing of the one message that every request of the schema has.
const FRAME_BYTES: usize = 5;

/// The services whose callers are told apart; reflection and health are open.
const SERVICES: [&str; 2] = ["/meridian.v1.KeyManagement/", "/meridian.v1.KeySets/"];

/// The region that a call was signed for, and its caller.
#[derive(Clone)]
pub(crate) struct Signed {
    pub(crate) region: RegionName,
    pub(crate) caller: Caller,
}

/// Verifies the signature before the call is decoded, and leaves [`Signed`] with
/// it.
pub(crate) async fn verify(
    State(door): State<Arc<Door>>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    let method = SERVICES.iter().find_map(|it| path.strip_prefix(it));
    let Some(method) = method.filter(|_| is_grpc(request.headers())) else {
        return next.run(request).await;
    };
    let operation = Operation::from_name(method).map_or("Unknown", Operation::name);
    match signed_request(&door, request).await {
        Ok(request) => next.run(request).await,
        Err(refusal) => {
            door.observe(operation).outcome = refusal.code();
            Status::from(refusal).into_http::<Body>().into_response()
        }
    }
}

async fn signed_request(door: &Door, request: Request) -> Result<Request, Refusal> {
    let (mut head, body) = request.into_parts();
    let body = to_bytes(body, BODY_BYTES_MAX + FRAME_BYTES).await;
    let body = body.map_err(|_| Refusal::RequestEntityTooLarge)?;
    let message = body.get(FRAME_BYTES..).unwrap_or_default();
    let credential = Credential::parse(head.headers.get(AUTHORIZATION))?;
    let holder = door.authentication.holder(&credential)?;
    let (region, _) = door.region(credential.region).ok_or_else(|| {
        Refusal::InvalidSignature("Credential should be scoped to a valid region.".into())
    })?;
    credential.check_service()?;
    let sent = Sent::new(&head, message);
    let caller = holder.caller(&credential, &region, &sent, String::new())?;
    head.extensions.insert(Signed { region, caller });
    Ok(Request::from_parts(head, Body::from(body)))
}
