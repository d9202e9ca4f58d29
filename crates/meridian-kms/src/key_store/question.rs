//! A question to the proxy of an external key store. The core cannot call out:
//! a plan that needs an answer ends in a [`Halt`], the node asks, and plans
//! again with what it was [`Told`].

use meridian_crypto::Vault;
use zeroize::Zeroizing;

use crate::arn::RegionName;
use crate::context::Context;
use crate::error::{ErrorCode, KmsError};
use crate::key_store::Proxy;
use crate::region::Region;

/// An HTTP request to a proxy: a POST of JSON, to be signed with SigV4 for the
/// service `kms-xks-proxy` when it is sent.
#[derive(Clone)]
pub struct ProxyQuestion {
    /// `https://` and a host name.
    pub endpoint: String,
    /// Path of the operation.
    pub path: String,
    /// The Region that the signature names.
    pub region: RegionName,
    /// Names the secret.
    pub access_key_id: String,
    /// With what the request is signed.
    pub secret_access_key: Zeroizing<Vec<u8>>,
    /// The JSON, in which KMS has encrypted whatever is secret.
    pub body: Vec<u8>,
    /// What the proxy is to encrypt, which is random and so differs when a call
    /// is planned again.
    pub(crate) inner: Option<Vec<u8>>,
}

/// What came of it.
#[derive(Clone)]
pub enum ProxyAnswer {
    /// The proxy answered.
    Responded {
        /// HTTP status.
        status: u16,
        /// HTTP body.
        body: Vec<u8>,
    },
    /// No connection, or it broke.
    Unreachable,
    /// A connection to somebody whose certificate does not count.
    Untrusted,
    /// No answer in time.
    TimedOut,
}

/// A question with its answer.
#[derive(Clone)]
pub struct Told {
    /// What was asked.
    pub question: ProxyQuestion,
    /// What came of it.
    pub answer: ProxyAnswer,
}

/// Why a plan came to no result.
pub enum Halt {
    /// The request is refused.
    Refused(KmsError),
    /// A proxy has to be asked first; plan again with its answer.
    Ask(Box<ProxyQuestion>),
}

impl From<KmsError> for Halt {
    fn from(error: KmsError) -> Halt {
        Halt::Refused(error)
    }
}

impl ProxyQuestion {
    /// A question to the proxy of a key store, which owns the sealed secret.
    pub(crate) fn new(
        region: &Region,
        vault: &Vault,
        owner: &str,
        proxy: &Proxy,
        operation: &str,
        body: &serde_json::Value,
    ) -> Result<ProxyQuestion, KmsError> {
        let secret = vault.open_secret(owner, &proxy.credential.secret);
        Ok(ProxyQuestion {
            endpoint: proxy.endpoint.clone(),
            path: format!("{}/{operation}", proxy.path),
            region: region.name().clone(),
            access_key_id: proxy.credential.access_key_id.clone(),
            secret_access_key: secret
                .map_err(|_| KmsError::bare(ErrorCode::KMSInternalException))?,
            body: body.to_string().into_bytes(),
            inner: None,
        })
    }

    /// A question whether a proxy is well.
    pub fn to_health(
        endpoint: &str,
        path: &str,
        region: RegionName,
        (access_key_id, secret): (&str, &[u8]),
    ) -> ProxyQuestion {
        ProxyQuestion {
            endpoint: endpoint.into(),
            path: format!("{path}/health"),
            region,
            access_key_id: access_key_id.into(),
            secret_access_key: Zeroizing::new(secret.to_vec()),
            body: br#"{"requestMetadata":{}}"#.to_vec(),
            inner: None,
        }
    }

    /// True when an answer to the other one answers this one too.
    fn is_same(&self, other: &ProxyQuestion) -> bool {
        self.endpoint == other.endpoint
            && self.path == other.path
            && self.access_key_id == other.access_key_id
            && self.inner.is_some() == other.inner.is_some()
            && (self.inner.is_some() || self.body == other.body)
    }
}

impl<'a> Context<'a> {
    /// What a proxy said to this question, once it has been asked.
    pub(crate) fn ask(&self, question: ProxyQuestion) -> Result<&'a Told, Halt> {
        let mut told = self.told.iter();
        told.find(|told| told.question.is_same(&question))
            .ok_or_else(|| Halt::Ask(Box::new(question)))
    }
}
