//! All custom key stores of a region, with when time changes one next.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::key_store::{CustomKeyStore, StoreRef};
use crate::time::Timestamp;

/// The key stores by account and ID.
type ById = imbl::OrdMap<StoreRef, Arc<CustomKeyStore>>;

/// The key stores of a region. Stored as the map alone.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "ById", into = "ById")]
pub(crate) struct KeyStores {
    by_id: ById,
    due: imbl::OrdSet<(Timestamp, StoreRef)>,
}

impl KeyStores {
    pub(crate) fn by_id(&self) -> &ById {
        &self.by_id
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// When time alone changes a connection.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        self.due.get_min().map(|(at, _)| *at)
    }

    /// The first key store whose transition has come to its end.
    pub(crate) fn first_due(&self, now: Timestamp) -> Option<&Arc<CustomKeyStore>> {
        let (_, store) = self.due.get_min().filter(|(at, _)| *at <= now)?;
        self.by_id.get(store)
    }

    /// Puts one in the place of the one with its ID.
    pub(crate) fn insert(&mut self, store: Arc<CustomKeyStore>) {
        self.remove(&store.store);
        if let Some(at) = store.connection.deadline() {
            self.due.insert((at, store.store.clone()));
        }
        self.by_id.insert(store.store.clone(), store);
    }

    pub(crate) fn remove(&mut self, store: &StoreRef) {
        let removed = self.by_id.remove(store);
        if let Some(at) = removed.and_then(|removed| removed.connection.deadline()) {
            self.due.remove(&(at, store.clone()));
        }
    }
}

impl From<ById> for KeyStores {
    fn from(by_id: ById) -> KeyStores {
        let mut stores = KeyStores::default();
        for store in by_id.values() {
            stores.insert(store.clone());
        }
        stores
    }
}

impl From<KeyStores> for ById {
    fn from(stores: KeyStores) -> ById {
        stores.by_id
    }
}

#[cfg(test)]
mod tests {
    use crate::fixture::{START, TestRegion};

    use crate::region::Region;

    #[test]
    fn the_next_deadline_is_that_of_the_connection_on_its_way() {
        let mut us = TestRegion::new("us-east-1");
        let store = us.create_key_store();
        assert_eq!(us.region.next_deadline(), None);
        us.connect(&store).unwrap();
        let ends = START.plus_ms(1000);
        assert_eq!(us.region.next_deadline(), Some(ends));
        assert!(!us.region.is_due(START) && us.region.is_due(ends));
        let again = Region::decode(&us.region.encode()).unwrap();
        assert!(again == us.region, "what is not stored was found again");
        assert_eq!(again.next_deadline(), Some(ends));
        us.pass(1000);
        assert_eq!(us.region.next_deadline(), None);
        assert!(!us.region.is_due(ends));
    }
}
