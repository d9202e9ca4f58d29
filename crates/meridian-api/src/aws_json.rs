//! AWS JSON 1.1: `POST /` with the operation in `X-Amz-Target`.
//!
//! The order of checks is that of the transport, the Authorization header, the
//! JSON types, the constraints; only then is the region asked.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use meridian_kms::{KmsError, Operation};
use meridian_proto::SerializationError;
use tower::BoxError;

use crate::door::Door;
use crate::error::CallError;
use crate::observer::Observation;
use crate::refusal::Refusal;
use crate::request_id::{self, REQUEST_ID};
use crate::serve::Reset;

/// Bytes that a request body may have.
pub(crate) const BODY_BYTES_MAX: usize = 1 << 20;

/// A body larger than this is not even read to its end to have it refused in
/// order.
const DISCARDED_BYTES_MAX: usize = 16 << 20;

const MEDIA_TYPE: &str = "application/x-amz-json-1.1";
const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
const TARGET_PREFIX: &str = "TrentService.";

/// Says on every error whether nothing has happened.
const DEFINITE: HeaderName = HeaderName::from_static("x-meridian-definite");

/// Answers `POST /`.
pub(crate) async fn answer<B>(door: &Door, request: Request<B>) -> Response
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>>,
{
    let mut observed = door.observe("Unknown");
    let request_id = request_id::fresh();
    let (headers, extensions) = (request.headers(), request.extensions());
    door.follow(&mut observed, &request_id, headers, extensions);
    match call(door, request, &request_id, &mut observed).await {
        Ok(body) => respond(StatusCode::OK, body.map(Bytes::from), &request_id),
        Err(error) => {
            observed.refused(error.code, error.message.as_deref());
            respond_error(error, &request_id)
        }
    }
}

/// Answers what is not `POST /`.
pub(crate) async fn refuse(State(door): State<Arc<Door>>, request: Request<Body>) -> Response {
    let refusal = Refusal::UnknownOperation;
    let request_id = request_id::fresh();
    let mut observed = door.observe("Unknown");
    let (headers, extensions) = (request.headers(), request.extensions());
    door.follow(&mut observed, &request_id, headers, extensions);
    observed.refused(refusal.code(), refusal.message());
    drop(observed);
    respond_error(refusal.into(), &request_id)
}

/// The answer to a request that was refused outside of this wire.
pub(crate) fn refusal(error: CallError, request_id: &str) -> Response {
    respond_error(error.into(), request_id)
}

/// The response's JSON; none where AWS sends an empty body.
async fn call<B>(
    door: &Door,
    request: Request<B>,
    request_id: &str,
    observed: &mut Observation,
) -> Result<Option<String>, WireError>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>>,
{
    let (head, body) = request.into_parts();
    let operation = operation(&head.headers).ok_or(Refusal::UnknownOperation)?;
    observed.operation = operation.name();
    let body = read(&head.headers, body).await?;

    let (region, kms, caller) = door.authenticate(&head, &body, request_id)?;
    observed.region = Some(region.clone());

    let request = decode(operation, &body)?;
    observed.asks(&*kms, &caller, &request);
    door.check(&region, caller.account, &request)?;
    let response = kms.call(caller, request).await?;
    observed.answered(&response);
    Ok(response.encode_json())
}

/// The operation of the target, if the request is AWS JSON 1.1 at all.
fn operation(headers: &HeaderMap) -> Option<Operation> {
    let content_type = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let (media_type, _parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    if !media_type.trim_end().eq_ignore_ascii_case(MEDIA_TYPE) {
        return None;
    }
    let target = headers.get(TARGET)?.to_str().ok()?;
    Operation::from_name(target.strip_prefix(TARGET_PREFIX)?)
}

/// The whole body; as it came, if it came in one piece.
async fn read<B>(headers: &HeaderMap, body: B) -> Result<Bytes, Refusal>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>>,
{
    let length = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    match length.and_then(|length| length.parse::<usize>().ok()) {
        Some(length) if length > BODY_BYTES_MAX => {
            // A client that is still sending when the connection is closed may
            // never see the answer.
            if length <= DISCARDED_BYTES_MAX {
                let mut body = std::pin::pin!(body);
                while let Some(Ok(_)) = body.frame().await {}
            }
            Err(Refusal::RequestEntityTooLarge)
        }
        _ => match Limited::new(body, BODY_BYTES_MAX).collect().await {
            Ok(collected) => Ok(collected.to_bytes()),
            Err(error) => Err(not_read(&*error)),
        },
    }
}

/// The body has no end within the limit, or its client has gone.
fn not_read(error: &(dyn std::error::Error + 'static)) -> Refusal {
    match error.is::<LengthLimitError>() {
        true => Refusal::RequestEntityTooLarge,
        false => not_json(),
    }
}

fn not_json() -> Refusal {
    Refusal::Serialization(SerializationError { message: None })
}

fn decode(operation: Operation, body: &[u8]) -> Result<meridian_kms::Request, Refusal> {
    // Checked as a whole, it need not be checked again string by string.
    let text = std::str::from_utf8(body).map_err(|_| not_json())?;
    let json = serde_json::from_str(text).map_err(|_| not_json())?;
    meridian_kms::Request::decode_json(operation, &json).map_err(Refusal::Serialization)
}

/// An error as this wire shows it.
struct WireError {
    status: StatusCode,
    code: &'static str,
    message: Option<Cow<'static, str>>,
    definite: bool,
    /// The client hears nothing of it.
    reset: bool,
}

impl From<Refusal> for WireError {
    fn from(refusal: Refusal) -> WireError {
        WireError {
            status: refusal.http_status(),
            code: refusal.code(),
            message: refusal.message().map(|text| Cow::Owned(text.to_owned())),
            definite: true,
            reset: false,
        }
    }
}

impl From<CallError> for WireError {
    fn from(error: CallError) -> WireError {
        WireError {
            status: error.http_status(),
            code: error.code(),
            message: error.message().map(|text| Cow::Owned(text.into_owned())),
            definite: error.is_definite(),
            reset: error == CallError::Reset,
        }
    }
}

impl From<KmsError> for WireError {
    fn from(error: KmsError) -> WireError {
        CallError::from(error).into()
    }
}

fn respond_error(error: WireError, request_id: &str) -> Response {
    let mut body = format!(r#"{{"__type":"{}""#, error.code);
    if let Some(message) = error.message {
        body.push_str(r#","message":"#);
        body.push_str(&serde_json::Value::from(message).to_string());
    }
    body.push('}');
    let mut response = respond(error.status, Some(body.into()), request_id);
    let definite = if error.definite { "true" } else { "false" };
    response
        .headers_mut()
        .insert(DEFINITE, HeaderValue::from_static(definite));
    if error.reset {
        response.extensions_mut().insert(Reset);
    }
    response
}

/// The date comes from the HTTP stack, and so does the length, but for an empty
/// body over HTTP/2.
fn respond(status: StatusCode, body: Option<Bytes>, request_id: &str) -> Response {
    let is_empty = body.is_none();
    let mut response = Response::new(body.map_or_else(Body::empty, Body::from));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    if is_empty {
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    let request_id = HeaderValue::from_str(request_id).expect("a UUID is ASCII");
    headers.insert(REQUEST_ID, request_id);
    response
}
