//! No answer without its record: where there is an audit log that cannot be
//! written, requests are refused.
//!
//! A request whose record could not be written may have had its effect. As long
//! as that record is not written, none is carried out.

use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};

use axum::body::Body;
use axum::extract::State;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Request};
use meridian_kms::{ErrorCode, KmsError};
use tonic::Status;

use crate::audit::Auditor;
use crate::error::CallError;
use crate::request_id::{self, REQUEST_ID};
use crate::{aws_json, grpc};

/// Where the end of a request notes that its record could not be written.
#[derive(Clone, Default)]
pub(crate) struct Unwritten(Arc<OnceLock<String>>);

impl Unwritten {
    /// It could not be written, for this reason.
    pub(crate) fn note(&self, error: &io::Error) {
        // One reason is enough.
        let _ = self.0.set(error.to_string());
    }
}

/// Passes a request on, and its answer back if the audit log has it.
pub(crate) async fn refuse(
    State(auditor): State<Arc<dyn Auditor>>,
    request: Request<Body>,
    next: Next,
) -> Response {
    if grpc::is_unrecorded(request.uri().path()) {
        return next.run(request).await;
    }
    recorded(&*auditor, request, |request| next.run(request)).await
}

/// The answer to a request, if the audit log has it.
pub(crate) async fn recorded<B, F: Future<Output = Response>>(
    auditor: &dyn Auditor,
    mut request: Request<B>,
    answered: impl FnOnce(Request<B>) -> F,
) -> Response {
    let is_grpc = grpc::is_grpc(request.headers());
    if let Err(error) = auditor.ready() {
        let message = said(&error, "Nothing was changed.");
        let error = KmsError::new(ErrorCode::KMSInternalException, message);
        return answer(is_grpc, error.into(), None);
    }
    let unwritten = Unwritten::default();
    request.extensions_mut().insert(unwritten.clone());
    let response = answered(request).await;
    match unwritten.0.get() {
        None => response,
        Some(error) => {
            let message = said(error, "The request may have taken effect.");
            let request_id = response.headers().get(REQUEST_ID).cloned();
            answer(is_grpc, CallError::Internal(message), request_id)
        }
    }
}

fn said(error: &dyn fmt::Display, effect: &str) -> String {
    format!("The audit log cannot be written: {error}. {effect}")
}

fn answer(is_grpc: bool, error: CallError, request_id: Option<HeaderValue>) -> Response {
    let given = request_id.as_ref().and_then(|value| value.to_str().ok());
    let request_id = given.map_or_else(|| request_id::fresh().to_string(), str::to_owned);
    if !is_grpc {
        return aws_json::refusal(error, &request_id);
    }
    let mut status = Status::from(error);
    let shown = request_id.parse().expect("a UUID is ASCII");
    status.metadata_mut().insert(REQUEST_ID, shown);
    status.into_http::<Body>().into_response()
}
