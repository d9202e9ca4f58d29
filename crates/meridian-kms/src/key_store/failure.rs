//! What goes wrong between KMS and a proxy, and how clients hear of it (XKS
//! Proxy API Specification, "Error Codes"). The same failure has one text and,
//! by operation, several codes.

use serde_json::Value;

use crate::error::{ErrorCode, KmsError};
use crate::key_store::{ConnectionError, ProxyAnswer};

/// A question that was not answered well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// A bad request, a bad response, or neither.
    Malformed,
    /// The external key is not enabled.
    InvalidState,
    /// The ciphertext, or the context, does not open.
    InvalidCiphertext,
    /// The external key cannot do this.
    InvalidKeyUsage,
    /// The signature was refused.
    AuthenticationFailed,
    /// The proxy does not allow it.
    AccessDenied,
    /// The proxy knows no such key.
    KeyNotFound,
    /// The proxy serves no such path.
    InvalidUriPath,
    /// The proxy cannot do this.
    Unsupported,
    /// What is behind the proxy was too slow.
    DependencyTimeout,
    /// Too many requests.
    Throttling,
    /// The proxy failed.
    Internal,
    /// All external key managers are unavailable.
    Unavailable,
    /// No connection.
    Unreachable,
    /// No TLS connection (AWS KMS Developer Guide, "General configuration
    /// errors" of external key stores).
    Untrusted,
    /// No answer in time.
    TimedOut,
}

/// The JSON of a successful answer.
pub(crate) fn success(answer: &ProxyAnswer) -> Result<Value, Failure> {
    let (status, body) = match answer {
        ProxyAnswer::Responded { status, body } => (*status, body),
        ProxyAnswer::Unreachable => return Err(Failure::Unreachable),
        ProxyAnswer::Untrusted => return Err(Failure::Untrusted),
        ProxyAnswer::TimedOut => return Err(Failure::TimedOut),
    };
    let json: Value = serde_json::from_slice(body).map_err(|_| Failure::Malformed)?;
    if status == 200 {
        return Ok(json);
    }
    Err(match json["errorName"].as_str() {
        Some("InvalidStateException") => Failure::InvalidState,
        Some("InvalidCiphertextException") => Failure::InvalidCiphertext,
        Some("InvalidKeyUsageException") => Failure::InvalidKeyUsage,
        Some("AuthenticationFailedException") => Failure::AuthenticationFailed,
        Some("AccessDeniedException") => Failure::AccessDenied,
        Some("KeyNotFoundException") => Failure::KeyNotFound,
        Some("InvalidUriPathException") => Failure::InvalidUriPath,
        Some("UnsupportedOperationException") => Failure::Unsupported,
        Some("DependencyTimeoutException") => Failure::DependencyTimeout,
        Some("ThrottlingException") => Failure::Throttling,
        Some("InternalException") => Failure::Internal,
        // A ValidationException too is one that KMS cannot interpret.
        _ => Failure::Malformed,
    })
}

impl Failure {
    /// As CreateCustomKeyStore and UpdateCustomKeyStore say it.
    pub(crate) fn of_store(self) -> KmsError {
        let code = match self {
            Failure::AuthenticationFailed => {
                ErrorCode::XksProxyIncorrectAuthenticationCredentialException
            }
            Failure::InvalidUriPath | Failure::Untrusted => {
                ErrorCode::XksProxyInvalidConfigurationException
            }
            Failure::DependencyTimeout
            | Failure::Throttling
            | Failure::Unavailable
            | Failure::Unreachable
            | Failure::TimedOut => ErrorCode::XksProxyUriUnreachableException,
            _ => ErrorCode::XksProxyInvalidResponseException,
        };
        KmsError::new(code, self.text())
    }

    /// As the connection state says it.
    pub(crate) fn of_connection(self) -> ConnectionError {
        match self {
            Failure::AuthenticationFailed | Failure::AccessDenied => {
                ConnectionError::XksProxyAccessDenied
            }
            Failure::InvalidUriPath => ConnectionError::XksProxyInvalidConfiguration,
            Failure::Untrusted => ConnectionError::XksProxyInvalidTlsConfiguration,
            Failure::DependencyTimeout | Failure::TimedOut => ConnectionError::XksProxyTimedOut,
            Failure::Unavailable | Failure::Unreachable | Failure::Throttling => {
                ConnectionError::XksProxyNotReachable
            }
            _ => ConnectionError::XksProxyInvalidResponse,
        }
    }

    /// As CreateKey says it.
    pub(crate) fn of_new_key(self) -> KmsError {
        let code = match self {
            Failure::InvalidState | Failure::InvalidKeyUsage => {
                ErrorCode::XksKeyInvalidConfigurationException
            }
            Failure::KeyNotFound => ErrorCode::XksKeyNotFoundException,
            Failure::AccessDenied => ErrorCode::KMSInvalidStateException,
            Failure::Unsupported => ErrorCode::XksProxyInvalidResponseException,
            _ => ErrorCode::CustomKeyStoreInvalidStateException,
        };
        KmsError::new(code, self.text())
    }

    /// As every cryptographic operation says it.
    pub(crate) fn of_use(self) -> KmsError {
        KmsError::invalid_state(self.text())
    }

    fn text(self) -> &'static str {
        match self {
            Failure::Malformed => {
                "AWS KMS cannot interpret the response from the external key store proxy. If you \
                 see this error repeatedly, report it to your external key store proxy \
                 administrator."
            }
            Failure::InvalidState => {
                "The external key associated with this KMS key in an external key store is not \
                 enabled in the external HSM. Enable the external key in the external HSM and \
                 retry the request."
            }
            Failure::InvalidCiphertext => {
                "The external key store proxy rejected the request because the specified \
                 ciphertext or encryption context is corrupted, missing, or otherwise invalid."
            }
            Failure::InvalidKeyUsage => {
                "The external key associated with this KMS key in an external key store does not \
                 support the requested operation. Enable the operation on the key in your \
                 external HSM, and try the request again."
            }
            Failure::AuthenticationFailed => {
                "The external key store proxy rejected the request because it could not \
                 authenticate AWS KMS. Verify the XKS proxy authentication credentials for your \
                 external key store and update if necessary."
            }
            Failure::AccessDenied => {
                "The external key store proxy denied access to the operation. Verify that the \
                 user and the external key are both authorized for this operation, and try the \
                 request again."
            }
            Failure::KeyNotFound => {
                "The external key associated with this KMS key in an external key store was not \
                 found in its external HSM. If the external key ID associated with this KMS key \
                 is incorrect, create a new KMS key with the correct external key ID."
            }
            Failure::InvalidUriPath => {
                "The external key store proxy rejected the request because of an invalid URI \
                 path. Verify the URI path for your external key store and update if necessary."
            }
            Failure::Unsupported => {
                "The external key store proxy rejected the request because it does not support \
                 the requested operation. If you see this error repeatedly, report it to your \
                 external key store proxy administrator."
            }
            Failure::DependencyTimeout => {
                "The external key store proxy did not respond to the request in the time \
                 allotted. Retry the request. If you see this error repeatedly, report it to your \
                 external key store proxy administrator."
            }
            Failure::Throttling => {
                "The external key store proxy rejected the request due to a very high request \
                 rate. Reduce the frequency of your calls using KMS keys in this external key \
                 store."
            }
            Failure::Internal => {
                "The external key store proxy rejected the request because it cannot communicate \
                 with the external HSM. Verify that the external key store proxy configuration is \
                 correct and that the external HSM is available."
            }
            // fidelity: assumed, AWS's text when all external key managers are unavailable
            // is not recorded.
            Failure::Unavailable => {
                "The external key store proxy reports that all of its external HSMs are \
                 unavailable."
            }
            Failure::Unreachable => {
                "AWS KMS cannot communicate with the external key store proxy. This might be a \
                 transient network issue. If you see this error repeatedly, verify that your \
                 external key store proxy is active and is connected to the network, and that its \
                 endpoint URI is correct in your external keystore."
            }
            Failure::Untrusted => {
                "AWS KMS cannot establish a TLS connection to the external key store proxy. \
                 Verify the TLS configuration, including its certificate."
            }
            Failure::TimedOut => {
                "AWS KMS rejected the request because the external key store proxy did not \
                 respond in time. Retry the request. If you see this error repeatedly, report it \
                 to your external key store proxy administrator."
            }
        }
    }
}
