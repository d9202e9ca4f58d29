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
use bytes::Bytes;
use http::request::Parts;
use meridian_kms::{Caller, Operation, RegionName};
use tonic::Status;

use crate::aws_json::BODY_BYTES_MAX;
use crate::door::Door;
use crate::refusal::Refusal;
use crate::request_id::{self, REQUEST_ID};

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
/// it. The path alone decides, as it does for the services behind.
pub(crate) async fn verify(
    State(door): State<Arc<Door>>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    let Some(method) = SERVICES.iter().find_map(|it| path.strip_prefix(it)) else {
        return next.run(request).await;
    };
    let operation = match Operation::from_name(method) {
        Some(operation) => operation.name(),
        None if method == "WatchKeySet" => "WatchKeySet",
        None => "Unknown",
    };
    let (mut head, body) = request.into_parts();
    match signed(&door, &head, body).await {
        Ok((signed, body)) => {
            head.extensions.insert(signed);
            next.run(Request::from_parts(head, Body::from(body))).await
        }
        Err(refusal) => {
            let mut observed = door.observe(operation);
            let request_id = request_id::fresh();
            door.follow(&mut observed, &request_id, &head.headers, &head.extensions);
            observed.refused(refusal.code(), refusal.message());
            let mut status = Status::from(refusal);
            let shown = request_id.parse().expect("a UUID is ASCII");
            status.metadata_mut().insert(REQUEST_ID, shown);
            status.into_http::<Body>().into_response()
        }
    }
}

async fn signed(door: &Door, head: &Parts, body: Body) -> Result<(Signed, Bytes), Refusal> {
    let body = to_bytes(body, BODY_BYTES_MAX + FRAME_BYTES).await;
    let body = body.map_err(|_| Refusal::RequestEntityTooLarge)?;
    let message = one_message(&body).ok_or_else(|| {
        Refusal::InvalidSignature("The body must be one gRPC message, not compressed.".into())
    })?;
    let (region, _, caller) = door.authenticate(head, message, "")?;
    Ok((Signed { region, caller }, body))
}

/// What follows the framing, if the framing says so: it is not signed itself.
fn one_message(body: &[u8]) -> Option<&[u8]> {
    let (&framing, message) = body.split_first_chunk::<FRAME_BYTES>()?;
    let [compressed, length @ ..] = framing;
    let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
    (compressed == 0 && length == message.len()).then_some(message)
}
