//! What UpdateCustomKeyStore may change in what a key store stands on.

use meridian_crypto::SealedSecret;
use serde::{Deserialize, Serialize};

use crate::error::KmsError;
use crate::key_store::{Backing, Connectivity, Credential};

/// The members that a request names, all others staying as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Update {
    /// Another password of kmsuser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<SealedSecret>,
    /// Another cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// Another endpoint of the proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Another path of the proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Another way to the proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connectivity: Option<Connectivity>,
    /// Another credential for the proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<Credential>,
}

impl Update {
    /// True when nothing is to change.
    pub fn is_empty(&self) -> bool {
        *self == Update::default()
    }

    /// True when it can be done while the key store is connected.
    pub fn works_connected(&self) -> bool {
        self.password.is_none()
            && self.cluster.is_none()
            && self.endpoint.is_none()
            && self.connectivity.is_none()
    }

    /// The backing as it will be.
    ///
    /// # Errors
    /// ValidationException for members of the other type of key store.
    pub fn of(&self, backing: &Backing) -> Result<Backing, KmsError> {
        let mut backing = backing.clone();
        match &mut backing {
            Backing::Cluster(cluster) => {
                if self.endpoint.is_some()
                    || self.path.is_some()
                    || self.connectivity.is_some()
                    || self.credential.is_some()
                {
                    return Err(foreign("an AWS CloudHSM key store"));
                }
                set(&mut cluster.id, &self.cluster);
                set(&mut cluster.password, &self.password);
            }
            Backing::Proxy(proxy) => {
                if self.password.is_some() || self.cluster.is_some() {
                    return Err(foreign("an external key store"));
                }
                set(&mut proxy.endpoint, &self.endpoint);
                set(&mut proxy.path, &self.path);
                set(&mut proxy.connectivity, &self.connectivity);
                set(&mut proxy.credential, &self.credential);
            }
        }
        Ok(backing)
    }
}

fn set<T: Clone>(member: &mut T, new: &Option<T>) {
    if let Some(new) = new {
        *member = new.clone();
    }
}

fn foreign(kind: &str) -> KmsError {
    // fidelity: assumed, AWS's text for members of the other type of key store is not
    // recorded.
    KmsError::validation(format!("A parameter is not valid for {kind}."))
}
