//! ConnectCustomKeyStore: begins to connect a custom key store. Whether that
//! works shows in DescribeCustomKeyStores, a moment later.

use meridian_proto::v1::{ConnectCustomKeyStoreRequest, ConnectCustomKeyStoreResponse};
use serde::{Deserialize, Serialize};

use crate::admission::required;
use crate::context::Context;
use crate::error::KmsError;
use crate::key_store::{Backing, ConnectionError, CustomKeyStore, Halt, StoreRef, external};
use crate::ops::{Operation, Planned};
use crate::region::Region;

/// An attempt to connect, and how it will end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    store: StoreRef,
    failure: Option<ConnectionError>,
}

/// Finds out how the attempt ends.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &ConnectCustomKeyStoreRequest,
) -> Result<Planned<Change, ConnectCustomKeyStoreResponse>, Halt> {
    let id = required(&request.custom_key_store_id)?;
    let store = region.key_store(cx.caller.account, id)?;
    if store.connection.connect(cx.now, None)? == store.connection {
        return Ok(Planned::Reply(ConnectCustomKeyStoreResponse {}));
    }
    let failure = match &store.backing {
        Backing::Cluster(cluster) => {
            cluster.connection_failure(cx.vault, store.store.id.as_str())?
        }
        Backing::Proxy(proxy) => {
            let operation = Operation::ConnectCustomKeyStore;
            external::check_health(region, cx, operation, id, proxy)?
                .err()
                .map(|failure| failure.of_connection())
        }
    };
    Ok(Planned::Commit(Change {
        store: store.store.clone(),
        failure,
    }))
}

/// Begins to connect.
pub fn apply(
    region: &mut Region,
    change: &Change,
) -> Result<ConnectCustomKeyStoreResponse, KmsError> {
    let store = region.key_store(change.store.account, change.store.id.as_str())?;
    let mut store = CustomKeyStore::clone(store);
    store.connection = store.connection.connect(region.now(), change.failure)?;
    region.put_key_store(store);
    Ok(ConnectCustomKeyStoreResponse {})
}

#[cfg(test)]
mod tests {
    use meridian_proto::v1::ConnectCustomKeyStoreRequest;

    use crate::fixture::{TestRegion, refusal};

    #[test]
    fn connecting_takes_a_moment() {
        let mut us = TestRegion::new("us-east-1");
        let store = us.create_key_store();
        us.connect(&store).unwrap();
        assert_eq!(us.connection(&store), "CONNECTING");
        us.pass(999);
        assert_eq!(us.connection(&store), "CONNECTING");
        us.pass(1);
        assert_eq!(us.connection(&store), "CONNECTED");
        us.connect(&store).unwrap();
        assert_eq!(us.connection(&store), "CONNECTED", "nothing to do");
    }

    #[test]
    fn a_wrong_password_shows_after_a_moment() {
        let mut us = TestRegion::new("us-east-1");
        let store = us.create_key_store_as(|request| {
            request.key_store_password = Some("wrong-password".into());
        });
        us.connect(&store.unwrap()).unwrap();
        us.pass(1000);
        let entry = &us.key_stores()[0];
        assert_eq!(entry.connection_state.as_deref(), Some("FAILED"));
        let error = entry.connection_error_code.as_deref();
        assert_eq!(error, Some("INVALID_CREDENTIALS"));
        let id = entry.custom_key_store_id.clone().unwrap();
        assert_eq!(
            refusal(us.connect(&id)),
            "CustomKeyStoreInvalidStateException: The custom key store is FAILED, which does not \
             allow this request."
        );
        us.disconnect(&id).unwrap();
        us.pass(1000);
        assert_eq!(us.connection(&id), "DISCONNECTED");
    }

    #[test]
    fn a_key_store_that_is_not_there_is_not_connected() {
        let mut us = TestRegion::new("us-east-1");
        let store = us.create_key_store();
        us.caller.account = "999999999999".parse().unwrap();
        for id in [store.as_str(), "cks-00000000000000000", "other"] {
            let request = ConnectCustomKeyStoreRequest {
                custom_key_store_id: Some(id.into()),
            };
            let answer = refusal(us.call(request));
            assert!(
                answer.starts_with("CustomKeyStoreNotFoundException"),
                "{answer}"
            );
        }
    }
}
