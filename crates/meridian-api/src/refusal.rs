//! `Refusal`: what a wire answers before any region is asked.
//! Nothing has happened, so a refusal is always definite.

use std::borrow::Cow;

use http::StatusCode;
use meridian_iam::TokenError;
use meridian_iam::signature::SignatureError;
use meridian_proto::SerializationError;
use tonic::{Code, Status};

use crate::error::status;

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
    /// An access key ID that is nobody's, or a session token that is not its own.
    UnrecognizedClient,
    /// A session token that was right once.
    ExpiredToken,
    /// A credential for something else than this endpoint, or a signature of
    /// something else than this request.
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
            Refusal::ExpiredToken => "ExpiredTokenException",
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
            Refusal::ExpiredToken => Some("The security token included in the request is expired"),
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
            | Refusal::ExpiredToken
            | Refusal::InvalidSignature(_)
            | Refusal::Serialization(_) => StatusCode::BAD_REQUEST,
        }
    }

    /// The same for gRPC.
    pub(crate) fn grpc_code(&self) -> Code {
        match self {
            Refusal::UnknownOperation => Code::Unimplemented,
            Refusal::RequestEntityTooLarge => Code::ResourceExhausted,
            Refusal::MissingAuthenticationToken
            | Refusal::IncompleteSignature(_)
            | Refusal::UnrecognizedClient
            | Refusal::ExpiredToken
            | Refusal::InvalidSignature(_) => Code::Unauthenticated,
            Refusal::Serialization(_) => Code::InvalidArgument,
        }
    }
}

impl From<SignatureError> for Refusal {
    fn from(error: SignatureError) -> Refusal {
        match error {
            SignatureError::Incomplete(message) => Refusal::IncompleteSignature(message),
            SignatureError::Invalid(message) => Refusal::InvalidSignature(message.into()),
        }
    }
}

impl From<TokenError> for Refusal {
    fn from(error: TokenError) -> Refusal {
        match error {
            TokenError::Invalid => Refusal::UnrecognizedClient,
            TokenError::Expired => Refusal::ExpiredToken,
        }
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Status {
        let message = refusal.message().unwrap_or(refusal.code());
        status(refusal.grpc_code(), refusal.code(), message, true)
    }
}
