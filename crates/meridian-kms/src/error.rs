//! What AWS would answer when a request cannot be carried out: one code and,
//! mostly, one exact text.
//!
//! The constructors hold every text that more than one operation uses, so that
//! a text stands in one place (wire-level errors are in `meridian-api`).

use std::fmt;

use crate::arn::{KeyRef, RegionName};

macro_rules! error_codes {
    ($($(#[$doc:meta])* $code:ident),* $(,)?) => {
        /// An AWS error code of the KMS API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode { $($(#[$doc])* $code),* }

        impl ErrorCode {
            /// All codes.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$code),*];

            /// The code as the wire has it.
            pub fn name(self) -> &'static str {
                match self { $(ErrorCode::$code => stringify!($code)),* }
            }

            /// The code with this name.
            pub fn from_name(name: &str) -> Option<ErrorCode> {
                match name { $(stringify!($code) => Some(ErrorCode::$code),)* _ => None }
            }
        }
    };
}

error_codes! {
    /// The caller may not do this, or may not know whether the key exists.
    AccessDeniedException,
    /// The alias, or the related key in that Region, exists.
    AlreadyExistsException,
    /// The cluster belongs to another key store.
    CloudHsmClusterInUseException,
    /// The cluster cannot be a key store as it is.
    CloudHsmClusterInvalidConfigurationException,
    /// The cluster is not active.
    CloudHsmClusterNotActiveException,
    /// There is no such cluster.
    CloudHsmClusterNotFoundException,
    /// The cluster shares no backup with the one before.
    CloudHsmClusterNotRelatedException,
    /// An automatic rotation runs or is about to.
    ConflictException,
    /// The key store holds keys.
    CustomKeyStoreHasCMKsException,
    /// The connection state of the key store does not allow this.
    CustomKeyStoreInvalidStateException,
    /// Another key store has this name.
    CustomKeyStoreNameInUseException,
    /// There is no such key store.
    CustomKeyStoreNotFoundException,
    /// Something behind the service did not answer in time; retry.
    DependencyTimeoutException,
    /// The key is disabled.
    DisabledException,
    /// The request would have succeeded.
    DryRunOperationException,
    /// The import token is older than a day.
    ExpiredImportTokenException,
    /// The ciphertext was made by another key.
    IncorrectKeyException,
    /// Not the material that this key expects.
    IncorrectKeyMaterialException,
    /// The certificate is not that of the cluster.
    IncorrectTrustAnchorException,
    /// The alias name is not valid.
    InvalidAliasNameException,
    /// Not an ARN that the operation accepts.
    InvalidArnException,
    /// A ciphertext, its context or wrapped material cannot be opened.
    InvalidCiphertextException,
    /// There is no such grant ID.
    InvalidGrantIdException,
    /// A grant token is unknown.
    InvalidGrantTokenException,
    /// The import token is damaged or belongs to another key.
    InvalidImportTokenException,
    /// The key's usage does not allow this.
    InvalidKeyUsageException,
    /// The pagination marker is not one that was given out.
    InvalidMarkerException,
    /// The service failed; retry.
    KMSInternalException,
    /// The HMAC is not that of the message.
    KMSInvalidMacException,
    /// The signature is not that of the message.
    KMSInvalidSignatureException,
    /// The key state or a material state does not allow this.
    KMSInvalidStateException,
    /// The key cannot be reached at the moment; retry.
    KeyUnavailableException,
    /// A quota is used up.
    LimitExceededException,
    /// The policy is not a policy.
    MalformedPolicyDocumentException,
    /// The alias prefix is reserved.
    NotAuthorizedException,
    /// No such key, alias or Region.
    NotFoundException,
    /// The tags break a rule.
    TagException,
    /// Too many requests in a second; retry.
    ThrottlingException,
    /// This kind of key or parameter does not support the operation.
    UnsupportedOperationException,
    /// The request breaks a rule of its own.
    ValidationException,
    /// Another key of the key store is this external key.
    XksKeyAlreadyInUseException,
    /// The external key cannot be used as it is.
    XksKeyInvalidConfigurationException,
    /// The proxy knows no such external key.
    XksKeyNotFoundException,
    /// The proxy refuses the credential.
    XksProxyIncorrectAuthenticationCredentialException,
    /// The proxy cannot serve this key store as it is.
    XksProxyInvalidConfigurationException,
    /// The proxy answers what cannot be understood.
    XksProxyInvalidResponseException,
    /// Another key store has this endpoint.
    XksProxyUriEndpointInUseException,
    /// Another key store has this endpoint and path.
    XksProxyUriInUseException,
    /// The proxy cannot be reached.
    XksProxyUriUnreachableException,
    /// Another key store has this endpoint service.
    XksProxyVpcEndpointServiceInUseException,
    /// The endpoint service cannot be used as it is.
    XksProxyVpcEndpointServiceInvalidConfigurationException,
    /// There is no such endpoint service.
    XksProxyVpcEndpointServiceNotFoundException,
}

/// An AWS error: always definite, nothing has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KmsError {
    /// The code.
    pub code: ErrorCode,
    /// AWS's text; some errors have none.
    pub message: Option<String>,
}

impl fmt::Display for KmsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.message {
            Some(message) => write!(f, "{}: {message}", self.code.name()),
            None => f.write_str(self.code.name()),
        }
    }
}

impl std::error::Error for KmsError {}

impl KmsError {
    /// An error with a text.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> KmsError {
        KmsError {
            code,
            message: Some(message.into()),
        }
    }

    /// An error that AWS sends without a text.
    pub fn bare(code: ErrorCode) -> KmsError {
        KmsError {
            code,
            message: None,
        }
    }

    /// A rule between fields of the request is broken.
    pub fn validation(message: impl Into<String>) -> KmsError {
        KmsError::new(ErrorCode::ValidationException, message)
    }

    /// The key or material state forbids it.
    pub fn invalid_state(message: impl Into<String>) -> KmsError {
        KmsError::new(ErrorCode::KMSInvalidStateException, message)
    }

    /// The kind of key or parameter forbids it.
    pub fn unsupported(message: impl Into<String>) -> KmsError {
        KmsError::new(ErrorCode::UnsupportedOperationException, message)
    }

    /// Nothing with that name is here.
    pub fn not_found(message: impl Into<String>) -> KmsError {
        KmsError::new(ErrorCode::NotFoundException, message)
    }

    /// A well-formed identifier that names no key here.
    pub fn no_such_key(key: &KeyRef, region: &RegionName) -> KmsError {
        KmsError::not_found(format!("Key '{}' does not exist", key.arn(region)))
    }

    /// Material that is not the one this key expects, named by `id`.
    pub fn unexpected_material(id: impl fmt::Display) -> KmsError {
        KmsError::new(
            ErrorCode::IncorrectKeyMaterialException,
            format!("Imported key material does not have the expected identifier ({id})."),
        )
    }

    /// Another region had to be asked and did not answer; nothing was done.
    pub fn region_unreachable(region: &RegionName) -> KmsError {
        KmsError::new(
            ErrorCode::KMSInternalException,
            format!(
                "Region {region} could not be reached. Nothing was changed; retry the request."
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_found_by_its_name() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_name(code.name()), Some(*code));
        }
        assert_eq!(ErrorCode::from_name("NoSuchException"), None);
    }
}
