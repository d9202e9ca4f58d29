//! What a key knows of the key store that holds its bytes.

use serde::{Deserialize, Serialize};

use crate::key_store::{Backing, CustomKeyStore, StoreId};

/// The key store of a key, with that of it which the key shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Custody {
    /// The key store.
    pub store: StoreId,
    /// Its cluster, if it stands on one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// The key in the external key manager, if it stands on one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xks_key_id: Option<String>,
    /// Whether it is connected; else the key is Unavailable.
    pub connected: bool,
}

impl Custody {
    /// A key in a key store as it is.
    pub(crate) fn new(store: &CustomKeyStore, xks_key_id: Option<String>) -> Custody {
        let mut custody = Custody {
            store: store.store.id.clone(),
            cluster: None,
            xks_key_id,
            connected: false,
        };
        custody.follow(store);
        custody
    }

    /// Takes over what has changed in the key store.
    pub(crate) fn follow(&mut self, store: &CustomKeyStore) {
        self.connected = store.connection == crate::key_store::Connection::Connected;
        self.cluster = match &store.backing {
            Backing::Cluster(cluster) => Some(cluster.id.clone()),
            Backing::Proxy(_) => None,
        };
    }
}
