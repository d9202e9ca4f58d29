//! DeleteCustomKeyStore: forgets an empty, disconnected custom key store.

use meridian_proto::v1::{DeleteCustomKeyStoreRequest, DeleteCustomKeyStoreResponse};
use serde::{Deserialize, Serialize};

use crate::admission::required;
use crate::context::Context;
use crate::error::{ErrorCode, KmsError};
use crate::key_store::StoreRef;
use crate::ops::Planned;
use crate::region::Region;

/// The key store to forget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    store: StoreRef,
}

/// Checks that it is empty and disconnected.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &DeleteCustomKeyStoreRequest,
) -> Result<Planned<Change, DeleteCustomKeyStoreResponse>, KmsError> {
    let id = required(&request.custom_key_store_id)?;
    let store = region.key_store(cx.caller.account, id)?;
    let store = store.store.clone();
    check(region, &store)?;
    Ok(Planned::Commit(Change { store }))
}

/// Forgets it.
pub fn apply(
    region: &mut Region,
    change: &Change,
) -> Result<DeleteCustomKeyStoreResponse, KmsError> {
    check(region, &change.store)?;
    region.key_stores_mut().remove(&change.store);
    Ok(DeleteCustomKeyStoreResponse {})
}

fn check(region: &Region, store: &StoreRef) -> Result<(), KmsError> {
    let found = region.key_store(store.account, store.id.as_str())?;
    if region.keys_in(store).next().is_some() {
        return Err(KmsError::new(
            ErrorCode::CustomKeyStoreHasCMKsException,
            "The custom key store holds KMS keys.",
        ));
    }
    found.connection.must_be_disconnected()
}

#[cfg(test)]
mod tests {
    use meridian_proto::v1::DeleteCustomKeyStoreRequest;

    use crate::fixture::{TestRegion, refusal};

    #[test]
    fn only_an_empty_and_disconnected_key_store_can_be_deleted() {
        let mut us = TestRegion::new("us-east-1");
        let store = us.create_connected_key_store();
        let key = us.create_in(&store);
        let delete = DeleteCustomKeyStoreRequest {
            custom_key_store_id: Some(store.clone()),
        };
        let refused = |us: &mut TestRegion| refusal(us.call(delete.clone()));
        let full = "CustomKeyStoreHasCMKsException: The custom key store holds KMS keys.";
        assert_eq!(refused(&mut us), full);
        us.schedule_deletion(&key).unwrap();
        assert_eq!(refused(&mut us), full, "the key can still be kept");
        us.pass_days(7);
        let answer = refused(&mut us);
        assert!(answer.starts_with("CustomKeyStoreInvalidStateException"));
        us.disconnect(&store).unwrap();
        us.pass(1000);
        assert_eq!(refused(&mut us), "success");
        assert_eq!(us.key_stores(), []);
        let answer = refused(&mut us);
        assert!(answer.starts_with("CustomKeyStoreNotFoundException"));
    }
}
