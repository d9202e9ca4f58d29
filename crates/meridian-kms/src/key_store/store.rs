//! A custom key store and its names.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use meridian_proto::v1;
use serde::{Deserialize, Serialize};

use crate::arn::{AccountId, serde_as_text};
use crate::key_set::Origin;
use crate::key_store::{Cluster, Connection, Proxy};
use crate::time::Timestamp;

/// Digits of an ID after its prefix.
const DIGITS: usize = 17;

/// The ID of a custom key store: `cks-` and 17 hex digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoreId(Arc<str>);

/// The text is not the ID of a key store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid custom key store ID")]
pub struct MalformedStoreId;

impl StoreId {
    /// A fresh ID from random bytes.
    pub fn from_random(random: [u8; 9]) -> StoreId {
        let digits = hex::encode(random);
        StoreId(format!("cks-{}", &digits[..DIGITS]).into())
    }

    /// The ID as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for StoreId {
    type Err = MalformedStoreId;
    fn from_str(text: &str) -> Result<StoreId, MalformedStoreId> {
        let digits = text.strip_prefix("cks-").ok_or(MalformedStoreId)?;
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if digits.len() == DIGITS && digits.bytes().all(is_digit) {
            Ok(StoreId(text.into()))
        } else {
            Err(MalformedStoreId)
        }
    }
}

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A custom key store within a region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoreRef {
    /// The owning account.
    pub account: AccountId,
    /// The ID.
    pub id: StoreId,
}

impl FromStr for StoreRef {
    type Err = MalformedStoreId;
    fn from_str(text: &str) -> Result<StoreRef, MalformedStoreId> {
        let (account, id) = text.split_once('/').ok_or(MalformedStoreId)?;
        Ok(StoreRef {
            account: account.parse().map_err(|_| MalformedStoreId)?,
            id: id.parse()?,
        })
    }
}

impl fmt::Display for StoreRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.account, self.id)
    }
}

serde_as_text!(StoreId, StoreRef);

/// What a key store stands on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Backing {
    /// An AWS CloudHSM cluster.
    Cluster(Cluster),
    /// The proxy of an external key manager.
    Proxy(Proxy),
}

impl Backing {
    /// AWS's `CustomKeyStoreType`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Backing::Cluster(_) => "AWS_CLOUDHSM",
            Backing::Proxy(_) => "EXTERNAL_KEY_STORE",
        }
    }

    /// The origin that keys in it have.
    pub fn origin(&self) -> Origin {
        match self {
            Backing::Cluster(_) => Origin::AwsCloudHsm,
            Backing::Proxy(_) => Origin::ExternalKeyStore,
        }
    }
}

/// One custom key store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomKeyStore {
    /// Account and ID.
    pub store: StoreRef,
    /// The owner's name for it, unique in account and region.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// Whether its keys can be used.
    pub connection: Connection,
    /// What it stands on.
    pub backing: Backing,
}

impl CustomKeyStore {
    /// As DescribeCustomKeyStores shows it; secrets are left out.
    pub fn entry(&self) -> v1::CustomKeyStoresListEntry {
        let mut entry = v1::CustomKeyStoresListEntry {
            custom_key_store_id: Some(self.store.id.to_string()),
            custom_key_store_name: Some(self.name.clone()),
            connection_state: Some(self.connection.name().into()),
            connection_error_code: self.connection.error().map(|error| error.name().into()),
            creation_date: Some(self.created.to_proto()),
            custom_key_store_type: Some(self.backing.type_name().into()),
            ..Default::default()
        };
        match &self.backing {
            Backing::Cluster(cluster) => {
                entry.cloud_hsm_cluster_id = Some(cluster.id.clone());
                entry.trust_anchor_certificate = Some(cluster.trust_anchor.clone());
            }
            Backing::Proxy(proxy) => entry.xks_proxy_configuration = Some(proxy.shown()),
        }
        entry
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_they_are_written() {
        let id = StoreId::from_random([0xab; 9]);
        assert_eq!(id.as_str(), "cks-ababababababababa");
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        let store = StoreRef {
            account: "111122223333".parse().unwrap(),
            id,
        };
        assert_eq!(store.to_string().parse(), Ok(store));
    }

    #[test]
    fn other_texts_are_no_ids() {
        for text in [
            "",
            "cks-",
            "cks-12",
            "cks-ABABABABABABABABA",
            "abababababababababab1",
        ] {
            assert_eq!(text.parse::<StoreId>(), Err(MalformedStoreId), "{text}");
        }
    }
}
