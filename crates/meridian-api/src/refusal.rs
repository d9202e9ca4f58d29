//! `Refusal`: what the AWS JSON wire answers before any region is asked.
//! Nothing has happened, so a refusal is always definite.

use std::borrow::Cow;

use http::StatusCode;
use meridian_proto::SerializationError;

/// One of AWS's common errors, as far as a request can cause it here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Not `POST /`, not AWS JSON 1.1, or a target that does not exist.
    UnknownOperation,
    /// More than [`crate::aws_json::BODY_BYTES_MAX`].
    RequestEntityTooLarge,
    /// No Authorization header.
    MissingAuthenticationToken,
    /// An Authorization header that lacks a part, named in the text.
    IncompleteSignature(String),
    /// An access key ID that can be nobody's.
    UnrecognizedClient,
    /// A credential for something else than this endpoint.
    InvalidSignature(Cow<'static, str>),
    /// A body that is not what the operation takes.
    Serialization(SerializationError),
}

impl Refusal {
    /// The AWS error code.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Refusal::UnknownOperation => "UnknownOperationException",
            Refusal::RequestEntityTooLarge => "RequestEntityTooLargeException",
            Refusal::MissingAuthenticationToken => "MissingAuthenticationTokenException",
            Refusal::IncompleteSignature(_) => "IncompleteSignatureException",
            Refusal::UnrecognizedClient => "UnrecognizedClientException",
            Refusal::InvalidSignature(_) => "InvalidSignatureException",
            Refusal::Serialization(_) => "SerializationException",
        }
    }

    /// The text, where AWS sends one.
    pub(crate) fn message(&self) -> Option<&str> {
        match self {
            Refusal::UnknownOperation | Refusal::RequestEntityTooLarge => None,
            Refusal::MissingAuthenticationToken => Some("Missing Authentication Token"),
            Refusal::IncompleteSignature(message) => Some(message),
            Refusal::UnrecognizedClient => {
                Some("The security token included in the request is invalid.")
            }
            Refusal::InvalidSignature(message) => Some(message),
            Refusal::Serialization(error) => error.message.as_deref(),
        }
    }

    /// 400, as KMS answers also where the common errors page has 403 or 404.
    pub(crate) fn http_status(&self) -> StatusCode {
        match self {
            Refusal::RequestEntityTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::UnknownOperation
            | Refusal::MissingAuthenticationToken
            | Refusal::IncompleteSignature(_)
            | Refusal::UnrecognizedClient
            | Refusal::InvalidSignature(_)
            | Refusal::Serialization(_) => StatusCode::BAD_REQUEST,
        }
    }
}
