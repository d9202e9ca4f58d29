//! `CallError`: why a call failed, with the one table that turns it into HTTP
//! and gRPC.
//!
//! Every failure says whether it is *definite* (nothing has happened) or
//! *unknown* (the call may have had, or may yet have, its effect).

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use http::StatusCode;
use meridian_kms::{ErrorCode, KmsError};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The `domain` of the ErrorInfo in every gRPC error.
const ERROR_DOMAIN: &str = "kms.amazonaws.com";

/// Why a call failed: AWS's answer, or what only a cluster can suffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// What AWS would answer; always definite.
    Kms(KmsError),
    /// The region has no leader to decide; definite.
    NoLeader,
    /// The region did not answer in time.
    Timeout {
        /// False when the call may have had its effect.
        definite: bool,
    },
    /// The region, or the way to it, is down.
    Unavailable {
        /// False when the call may have had its effect.
        definite: bool,
        /// What is down, in a sentence.
        message: String,
    },
    /// The connection is closed without an answer, on purpose; unknown.
    Reset,
    /// A bug or a broken disk; unknown.
    Internal(String),
}

impl CallError {
    /// True when nothing has happened and nothing will.
    pub fn is_definite(&self) -> bool {
        match self {
            CallError::Kms(_) | CallError::NoLeader => true,
            CallError::Timeout { definite } | CallError::Unavailable { definite, .. } => *definite,
            CallError::Reset | CallError::Internal(_) => false,
        }
    }

    /// The AWS error code.
    pub fn code(&self) -> &'static str {
        match self {
            CallError::Kms(error) => error.code.name(),
            CallError::NoLeader | CallError::Unavailable { .. } => "ServiceUnavailable",
            CallError::Timeout { .. } => "DependencyTimeoutException",
            CallError::Reset => "ConnectionReset",
            CallError::Internal(_) => "KMSInternalException",
        }
    }

    /// The text; some AWS errors have none.
    pub fn message(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(match self {
            CallError::Kms(error) => return error.message.as_deref().map(Cow::Borrowed),
            CallError::NoLeader => {
                "The region has no leader at the moment. Nothing was changed; retry the request."
            }
            CallError::Timeout { definite: true } => {
                "The region did not answer in time. Nothing was changed; retry the request."
            }
            CallError::Timeout { definite: false } => {
                "The region did not answer in time. The request may have taken effect."
            }
            CallError::Reset => "The connection was reset. The request may have taken effect.",
            CallError::Unavailable { message, .. } | CallError::Internal(message) => message,
        }))
    }

    /// The HTTP status: 400, except for faults, which clients retry.
    pub fn http_status(&self) -> StatusCode {
        match self {
            CallError::Kms(error) => match error.code {
                ErrorCode::DependencyTimeoutException
                | ErrorCode::KMSInternalException
                | ErrorCode::KeyUnavailableException => StatusCode::INTERNAL_SERVER_ERROR,
                _ => StatusCode::BAD_REQUEST,
            },
            CallError::Timeout { .. } | CallError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            CallError::NoLeader | CallError::Unavailable { .. } | CallError::Reset => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    /// The gRPC code nearest to the AWS code.
    pub fn grpc_code(&self) -> Code {
        match self {
            CallError::Kms(error) => kms_grpc_code(error.code),
            CallError::NoLeader | CallError::Unavailable { .. } | CallError::Reset => {
                Code::Unavailable
            }
            CallError::Timeout { .. } => Code::DeadlineExceeded,
            CallError::Internal(_) => Code::Internal,
        }
    }
}

fn kms_grpc_code(code: ErrorCode) -> Code {
    match code {
        ErrorCode::AccessDeniedException | ErrorCode::NotAuthorizedException => {
            Code::PermissionDenied
        }
        ErrorCode::AlreadyExistsException => Code::AlreadyExists,
        ErrorCode::CloudHsmClusterInUseException
        | ErrorCode::CustomKeyStoreNameInUseException
        | ErrorCode::XksKeyAlreadyInUseException
        | ErrorCode::XksProxyUriEndpointInUseException
        | ErrorCode::XksProxyUriInUseException
        | ErrorCode::XksProxyVpcEndpointServiceInUseException => Code::AlreadyExists,
        ErrorCode::ConflictException => Code::Aborted,
        ErrorCode::DependencyTimeoutException
        | ErrorCode::KMSInternalException
        | ErrorCode::KeyUnavailableException => Code::Unavailable,
        ErrorCode::LimitExceededException | ErrorCode::ThrottlingException => {
            Code::ResourceExhausted
        }
        ErrorCode::CloudHsmClusterNotFoundException
        | ErrorCode::CustomKeyStoreNotFoundException
        | ErrorCode::NotFoundException
        | ErrorCode::XksKeyNotFoundException
        | ErrorCode::XksProxyVpcEndpointServiceNotFoundException => Code::NotFound,
        ErrorCode::CloudHsmClusterInvalidConfigurationException
        | ErrorCode::CloudHsmClusterNotActiveException
        | ErrorCode::CloudHsmClusterNotRelatedException
        | ErrorCode::CustomKeyStoreHasCMKsException
        | ErrorCode::CustomKeyStoreInvalidStateException
        | ErrorCode::DisabledException
        | ErrorCode::DryRunOperationException
        | ErrorCode::ExpiredImportTokenException
        | ErrorCode::InvalidKeyUsageException
        | ErrorCode::KMSInvalidStateException
        | ErrorCode::UnsupportedOperationException
        | ErrorCode::XksKeyInvalidConfigurationException
        | ErrorCode::XksProxyIncorrectAuthenticationCredentialException
        | ErrorCode::XksProxyInvalidConfigurationException
        | ErrorCode::XksProxyInvalidResponseException
        | ErrorCode::XksProxyUriUnreachableException
        | ErrorCode::XksProxyVpcEndpointServiceInvalidConfigurationException => {
            Code::FailedPrecondition
        }
        ErrorCode::IncorrectKeyException
        | ErrorCode::IncorrectKeyMaterialException
        | ErrorCode::IncorrectTrustAnchorException
        | ErrorCode::InvalidAliasNameException
        | ErrorCode::InvalidArnException
        | ErrorCode::InvalidCiphertextException
        | ErrorCode::InvalidGrantIdException
        | ErrorCode::InvalidGrantTokenException
        | ErrorCode::InvalidImportTokenException
        | ErrorCode::InvalidMarkerException
        | ErrorCode::KMSInvalidMacException
        | ErrorCode::KMSInvalidSignatureException
        | ErrorCode::MalformedPolicyDocumentException
        | ErrorCode::TagException
        | ErrorCode::ValidationException => Code::InvalidArgument,
    }
}

impl From<KmsError> for CallError {
    fn from(error: KmsError) -> CallError {
        CallError::Kms(error)
    }
}

impl From<CallError> for Status {
    /// An error without a text has its code as the status message.
    fn from(error: CallError) -> Status {
        let message = error.message().unwrap_or(Cow::Borrowed(error.code()));
        status(
            error.grpc_code(),
            error.code(),
            &message,
            error.is_definite(),
        )
    }
}

/// A gRPC error: the AWS code is the `reason` of an ErrorInfo, whose metadata
/// also says `definite`: `true` or `false`.
pub(crate) fn status(code: Code, reason: &str, message: &str, definite: bool) -> Status {
    let definite = HashMap::from([("definite".into(), definite.to_string())]);
    let details = ErrorDetails::with_error_info(reason, ERROR_DOMAIN, definite);
    Status::with_error_details(code, message, details)
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.message() {
            Some(message) => write!(f, "{}: {message}", self.code()),
            None => f.write_str(self.code()),
        }
    }
}

impl std::error::Error for CallError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_faults_of_the_service_are_not_the_clients_fault() {
        let faults = [
            ErrorCode::DependencyTimeoutException,
            ErrorCode::KMSInternalException,
            ErrorCode::KeyUnavailableException,
        ];
        for code in ErrorCode::ALL {
            let error = CallError::Kms(KmsError::bare(*code));
            let status = if faults.contains(code) { 500 } else { 400 };
            assert_eq!(error.http_status(), status, "{error}");
            assert_eq!(
                error.grpc_code() == Code::Unavailable,
                faults.contains(code),
                "{error}"
            );
        }
    }

    #[test]
    fn a_grpc_error_names_the_aws_code_and_whether_it_is_definite() {
        let unknown = CallError::Unavailable {
            definite: false,
            message: "cut off".into(),
        };
        for (error, definite) in [(unknown, "false"), (CallError::NoLeader, "true")] {
            let status = Status::from(error);
            let info = status.get_details_error_info().unwrap();
            assert_eq!(info.reason, "ServiceUnavailable");
            assert_eq!(info.domain, "kms.amazonaws.com");
            assert_eq!(info.metadata["definite"], definite);
        }
    }

    #[test]
    fn an_error_without_a_text_has_its_code_as_the_status_message() {
        let bare = KmsError::bare(ErrorCode::InvalidCiphertextException);
        assert_eq!(
            Status::from(CallError::from(bare)).message(),
            "InvalidCiphertextException"
        );
    }
}
