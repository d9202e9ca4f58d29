//! DisconnectCustomKeyStore: begins to disconnect a custom key store. Its keys
//! are Unavailable at once.

use meridian_proto::v1::{DisconnectCustomKeyStoreRequest, DisconnectCustomKeyStoreResponse};
use serde::{Deserialize, Serialize};

use crate::admission::required;
use crate::context::Context;
use crate::error::KmsError;
use crate::key_store::{CustomKeyStore, StoreRef};
use crate::ops::Planned;
use crate::region::Region;

/// The key store to disconnect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    store: StoreRef,
}

/// Checks the connection.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &DisconnectCustomKeyStoreRequest,
) -> Result<Planned<Change, DisconnectCustomKeyStoreResponse>, KmsError> {
    let id = required(&request.custom_key_store_id)?;
    let store = region.key_store(cx.caller.account, id)?;
    store.connection.disconnect(cx.now)?;
    Ok(Planned::Commit(Change {
        store: store.store.clone(),
    }))
}

/// Begins to disconnect.
pub fn apply(
    region: &mut Region,
    change: &Change,
) -> Result<DisconnectCustomKeyStoreResponse, KmsError> {
    let store = region.key_store(change.store.account, change.store.id.as_str())?;
    let mut store = CustomKeyStore::clone(store);
    store.connection = store.connection.disconnect(region.now())?;
    region.put_key_store(store);
    Ok(DisconnectCustomKeyStoreResponse {})
}

#[cfg(test)]
mod tests {
    use crate::fixture::{TestRegion, refusal};

    #[test]
    fn keys_are_unavailable_until_the_key_store_is_connected_again() {
        let mut us = TestRegion::new("us-east-1");
        let store = us.create_connected_key_store();
        let (key, doomed) = (us.create_in(&store), us.create_in(&store));
        let blob = us.encrypt(&key, "hello").unwrap();
        us.schedule_deletion(&doomed).unwrap();
        us.disconnect(&store).unwrap();
        assert_eq!(us.connection(&store), "DISCONNECTING");
        assert_eq!(us.state(&key), "Unavailable");
        assert_eq!(us.state(&doomed), "PendingDeletion");
        us.pass(1000);
        assert_eq!(us.connection(&store), "DISCONNECTED");
        let unavailable = format!("KMSInvalidStateException: {} is unavailable.", us.arn(&key));
        assert_eq!(refusal(us.encrypt(&key, "x")), unavailable);
        assert_eq!(refusal(us.decrypt(&blob)), unavailable);
        us.connect(&store).unwrap();
        assert_eq!(us.state(&key), "Unavailable", "not connected yet");
        us.pass(1000);
        assert_eq!(us.state(&key), "Enabled");
        assert_eq!(us.decrypt(&blob).unwrap(), "hello");
    }

    #[test]
    fn what_enable_and_disable_say_shows_when_the_key_is_available_again() {
        let mut us = TestRegion::new("us-east-1");
        let store = us.create_connected_key_store();
        let key = us.create_in(&store);
        us.disconnect(&store).unwrap();
        us.disable(&key).unwrap();
        assert_eq!(us.state(&key), "Unavailable");
        us.pass(1000);
        us.connect(&store).unwrap();
        us.pass(1000);
        assert_eq!(us.state(&key), "Disabled");
    }

    #[test]
    fn what_is_not_connected_cannot_be_disconnected() {
        let mut us = TestRegion::new("us-east-1");
        let store = us.create_key_store();
        let answer = refusal(us.disconnect(&store));
        assert!(answer.starts_with("CustomKeyStoreInvalidStateException"));
        us.connect(&store).unwrap();
        us.disconnect(&store).unwrap();
        let answer = refusal(us.disconnect(&store));
        assert!(answer.starts_with("CustomKeyStoreInvalidStateException"));
    }
}
