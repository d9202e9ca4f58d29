//! The key stores of a region: finding them, keeping them apart, and letting
//! their keys follow them.

use std::sync::Arc;

use crate::arn::AccountId;
use crate::error::{ErrorCode, KmsError};
use crate::key::Key;
use crate::key_store::{Backing, Connectivity, CustomKeyStore, StoreId, StoreRef};
use crate::region::Region;

/// Key stores of an account in a region (AWS resource quota).
const STORES_MAX: usize = 10;

/// There is no such key store.
pub(crate) fn not_found() -> KmsError {
    // fidelity: assumed, AWS's texts about custom key stores are not recorded.
    KmsError::new(
        ErrorCode::CustomKeyStoreNotFoundException,
        "There is no such custom key store in this account and Region.",
    )
}

impl Region {
    /// The account's key store with this ID.
    ///
    /// # Errors
    /// CustomKeyStoreNotFoundException.
    pub fn key_store(
        &self,
        account: AccountId,
        id: &str,
    ) -> Result<&Arc<CustomKeyStore>, KmsError> {
        let id: StoreId = id.parse().map_err(|_| not_found())?;
        let found = self.key_stores().get(&StoreRef { account, id });
        found.ok_or_else(not_found)
    }

    /// The account's key stores, by ID.
    pub fn key_stores_of(&self, account: AccountId) -> impl Iterator<Item = &Arc<CustomKeyStore>> {
        let all = self.key_stores().values();
        all.filter(move |store| store.store.account == account)
    }

    /// The keys in a key store, in any key state.
    pub(crate) fn keys_in<'r>(&'r self, store: &'r StoreRef) -> impl Iterator<Item = &'r Arc<Key>> {
        self.keys().values().filter(move |key| {
            let custody = key.custody.as_ref();
            key.key.account == store.account && custody.is_some_and(|it| it.store == store.id)
        })
    }

    /// Stores a key store, and lets its keys follow what has changed.
    pub(crate) fn put_key_store(&mut self, store: CustomKeyStore) {
        let keys: Vec<Arc<Key>> = self.keys_in(&store.store).cloned().collect();
        for key in keys {
            let mut key = Key::clone(&key);
            if let Some(custody) = &mut key.custody {
                custody.follow(&store);
            }
            self.put(key);
        }
        self.key_stores_mut().insert(Arc::new(store));
    }

    /// Ends a transition whose time has come.
    pub(crate) fn settle_connection(&mut self, store: &CustomKeyStore) {
        let mut store = store.clone();
        store.connection = store.connection.settled();
        self.put_key_store(store);
    }

    /// May the account have one key store more?
    pub(crate) fn check_key_store_quota(&self, account: AccountId) -> Result<(), KmsError> {
        if self.key_stores_of(account).count() < STORES_MAX {
            return Ok(());
        }
        Err(KmsError::new(
            ErrorCode::LimitExceededException,
            format!("An account may have {STORES_MAX} custom key stores in a Region."),
        ))
    }

    /// Is the name free for this key store?
    pub(crate) fn check_key_store_name(
        &self,
        store: &StoreRef,
        name: &str,
    ) -> Result<(), KmsError> {
        let mut others = self.key_stores_of(store.account);
        if others.any(|other| other.store != *store && other.name == name) {
            return Err(KmsError::new(
                ErrorCode::CustomKeyStoreNameInUseException,
                format!("Another custom key store of this account is named {name}."),
            ));
        }
        Ok(())
    }

    /// Is no other key store of this region on the same cluster, proxy or
    /// endpoint service?
    pub(crate) fn check_backing_is_free(
        &self,
        store: &StoreRef,
        backing: &Backing,
    ) -> Result<(), KmsError> {
        let others = || {
            let stores = self.key_stores().values();
            stores.filter(|other| other.store != *store)
        };
        let refuse = |code, what: &str| {
            let text = format!("Another custom key store in this Region has this {what}.");
            Err(KmsError::new(code, text))
        };
        match backing {
            Backing::Cluster(cluster) => {
                let same = |other: &&Arc<CustomKeyStore>| match &other.backing {
                    Backing::Cluster(other) => other.id == cluster.id,
                    Backing::Proxy(_) => false,
                };
                if others().any(|other| same(&other)) {
                    return refuse(ErrorCode::CloudHsmClusterInUseException, "cluster");
                }
            }
            Backing::Proxy(proxy) => {
                let proxies = others().filter_map(|other| match &other.backing {
                    Backing::Proxy(other) => Some(other),
                    Backing::Cluster(_) => None,
                });
                let proxies: Vec<_> = proxies.collect();
                let same_host = || proxies.iter().filter(|it| it.endpoint == proxy.endpoint);
                if same_host().any(|other| other.path == proxy.path) {
                    let code = ErrorCode::XksProxyUriInUseException;
                    return refuse(code, "proxy endpoint and path");
                }
                // Public proxies may share a host name; endpoint services may not.
                let public = Connectivity::PublicEndpoint;
                let private = |it: &Connectivity| *it != public;
                if same_host()
                    .any(|other| private(&other.connectivity) || private(&proxy.connectivity))
                {
                    let code = ErrorCode::XksProxyUriEndpointInUseException;
                    return refuse(code, "proxy endpoint");
                }
                if let Some(service) = proxy.service()
                    && proxies.iter().any(|other| other.service() == Some(service))
                {
                    let code = ErrorCode::XksProxyVpcEndpointServiceInUseException;
                    return refuse(code, "VPC endpoint service");
                }
            }
        }
        Ok(())
    }
}
