//! Whether KMS is connected to what a key store stands on. Connecting and
//! disconnecting take a moment, which the region's time ends.

use serde::{Deserialize, Serialize};

use crate::error::{ErrorCode, KmsError};
use crate::time::Timestamp;

/// How long connecting and disconnecting take.
// fidelity: assumed, AWS takes minutes, up to 20 for a cluster; here a second will do.
pub const TRANSITION_MS: i64 = 1000;

/// AWS's `ConnectionState`, with what it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Connection {
    /// Nobody has asked for a connection, or it was taken down.
    Disconnected,
    /// Being set up.
    Connecting {
        /// When that ends.
        until: Timestamp,
        /// How it ends, unless well.
        failure: Option<ConnectionError>,
    },
    /// Keys can be used.
    Connected,
    /// Being taken down.
    Disconnecting {
        /// When that ends.
        until: Timestamp,
    },
    /// Could not be set up; has to be disconnected first.
    Failed(ConnectionError),
}

/// AWS's `ConnectionErrorCode`, as far as the cause can come about here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ConnectionError {
    /// Not the password of the cluster's kmsuser.
    InvalidCredentials,
    /// The proxy refuses the credential.
    XksProxyAccessDenied,
    /// The proxy cannot be reached.
    XksProxyNotReachable,
    /// The proxy answers what cannot be understood.
    XksProxyInvalidResponse,
    /// The proxy is not as it was configured.
    XksProxyInvalidConfiguration,
    /// The proxy does not answer in time.
    XksProxyTimedOut,
    /// The proxy's certificate does not count.
    XksProxyInvalidTlsConfiguration,
}

impl ConnectionError {
    /// AWS's spelling.
    pub fn name(self) -> &'static str {
        match self {
            ConnectionError::InvalidCredentials => "INVALID_CREDENTIALS",
            ConnectionError::XksProxyAccessDenied => "XKS_PROXY_ACCESS_DENIED",
            ConnectionError::XksProxyNotReachable => "XKS_PROXY_NOT_REACHABLE",
            ConnectionError::XksProxyInvalidResponse => "XKS_PROXY_INVALID_RESPONSE",
            ConnectionError::XksProxyInvalidConfiguration => "XKS_PROXY_INVALID_CONFIGURATION",
            ConnectionError::XksProxyTimedOut => "XKS_PROXY_TIMED_OUT",
            ConnectionError::XksProxyInvalidTlsConfiguration => {
                "XKS_PROXY_INVALID_TLS_CONFIGURATION"
            }
        }
    }
}

impl Connection {
    /// AWS's spelling.
    pub fn name(self) -> &'static str {
        match self {
            Connection::Disconnected => "DISCONNECTED",
            Connection::Connecting { .. } => "CONNECTING",
            Connection::Connected => "CONNECTED",
            Connection::Disconnecting { .. } => "DISCONNECTING",
            Connection::Failed(_) => "FAILED",
        }
    }

    /// Why it failed, if it did.
    pub fn error(self) -> Option<ConnectionError> {
        match self {
            Connection::Failed(error) => Some(error),
            _ => None,
        }
    }

    /// When time alone changes it.
    pub fn deadline(self) -> Option<Timestamp> {
        match self {
            Connection::Connecting { until, .. } | Connection::Disconnecting { until } => {
                Some(until)
            }
            Connection::Disconnected | Connection::Connected | Connection::Failed(_) => None,
        }
    }

    /// What it is once its deadline has passed.
    pub fn settled(self) -> Connection {
        match self {
            Connection::Connecting { failure, .. } => match failure {
                None => Connection::Connected,
                Some(error) => Connection::Failed(error),
            },
            Connection::Disconnecting { .. } => Connection::Disconnected,
            other => other,
        }
    }

    /// Asks for a connection; nothing changes where there is one already.
    ///
    /// # Errors
    /// CustomKeyStoreInvalidStateException.
    pub fn connect(
        self,
        now: Timestamp,
        failure: Option<ConnectionError>,
    ) -> Result<Connection, KmsError> {
        match self {
            Connection::Disconnected => Ok(Connection::Connecting {
                until: now.plus_ms(TRANSITION_MS),
                failure,
            }),
            Connection::Connecting { .. } | Connection::Connected => Ok(self),
            Connection::Disconnecting { .. } | Connection::Failed(_) => Err(self.refusal()),
        }
    }

    /// Takes the connection, or the attempt at one, down.
    ///
    /// # Errors
    /// CustomKeyStoreInvalidStateException.
    pub fn disconnect(self, now: Timestamp) -> Result<Connection, KmsError> {
        match self {
            Connection::Connecting { .. } | Connection::Connected | Connection::Failed(_) => {
                Ok(Connection::Disconnecting {
                    until: now.plus_ms(TRANSITION_MS),
                })
            }
            Connection::Disconnecting { .. } | Connection::Disconnected => Err(self.refusal()),
        }
    }

    /// Only a connected key store will do.
    ///
    /// # Errors
    /// CustomKeyStoreInvalidStateException.
    pub fn must_be_connected(self) -> Result<(), KmsError> {
        if self == Connection::Connected {
            Ok(())
        } else {
            Err(self.refusal())
        }
    }

    /// Only a disconnected key store will do.
    ///
    /// # Errors
    /// CustomKeyStoreInvalidStateException.
    pub fn must_be_disconnected(self) -> Result<(), KmsError> {
        if self == Connection::Disconnected {
            Ok(())
        } else {
            Err(self.refusal())
        }
    }

    fn refusal(self) -> KmsError {
        // fidelity: assumed, AWS's text for a connection state that does not allow the
        // request is not recorded.
        KmsError::new(
            ErrorCode::CustomKeyStoreInvalidStateException,
            format!(
                "The custom key store is {}, which does not allow this request.",
                self.name()
            ),
        )
    }
}
