//! What time alone changes in a region: deletions, expiries, automatic rotations
//! and connections to key stores, by when they fall due.

use std::sync::Arc;

use meridian_crypto::MaterialId;

use super::Region;
use crate::arn::KeyRef;
use crate::key::{Deletion, Key};
use crate::key_set::Origin;
use crate::time::Timestamp;

impl Region {
    /// When does time alone change something: a deletion, an expiry, an
    /// automatic rotation, or a connection to a key store?
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let deadline = self.deadlines.get_min().map(|(at, _)| *at);
        let rotation = self.rotations_due.get_min().map(|(at, _)| *at);
        let connection = self.key_stores.next_deadline();
        deadline.into_iter().chain(rotation).chain(connection).min()
    }

    /// Moves the committed time forward, never back, and carries out what
    /// falls due, each at its own time and in order.
    pub fn advance_to(&mut self, now: Timestamp) {
        while let Some((at, key)) = self
            .deadlines
            .get_min()
            .copied()
            .filter(|(at, _)| *at <= now)
        {
            self.now = self.now.max(at);
            self.expire(&key);
        }
        self.now = self.now.max(now);
        while let Some(store) = self.key_stores.first_due(self.now).cloned() {
            self.settle_connection(&store);
        }
    }

    /// True when a clock at `now` would make [`Region::advance_to`] do more
    /// than move the time.
    pub fn is_due(&self, now: Timestamp) -> bool {
        let deadline = self.deadlines.get_min().map(|(at, _)| *at);
        let first = deadline.into_iter().chain(self.key_stores.next_deadline());
        first.min().is_some_and(|at| at <= now)
    }

    /// Keys whose automatic rotation is due at `now`.
    pub(crate) fn rotations_due(&self, now: Timestamp) -> impl Iterator<Item = &Arc<Key>> {
        let due = self
            .rotations_due
            .iter()
            .take_while(move |(at, _)| *at <= now);
        due.filter_map(|(_, key)| self.keys.get(key))
    }

    fn expire(&mut self, reference: &KeyRef) {
        let Some(key) = self.keys.get(reference) else {
            return;
        };
        if let Some(Deletion::At(at)) = key.deletion
            && at <= self.now
        {
            self.remove(reference);
            return;
        }
        let mut key = Key::clone(key);
        for held in key.held.values_mut() {
            if held.expires.is_some_and(|expires| expires <= self.now) {
                held.sealed = None;
            }
        }
        self.put(key);
    }

    /// Ends the life of imported material that is here.
    pub(super) fn end_life(&mut self, reference: &KeyRef, material: &MaterialId) {
        let now = self.now;
        let Some(key) = self.keys.get(reference) else {
            return;
        };
        if key.shared.origin != Origin::External || key.sealed(material).is_none() {
            return;
        }
        let mut key = Key::clone(key);
        if let Some(held) = key.held.get_mut(material) {
            held.expires = Some(held.expires.map_or(now, |expires| expires.min(now)));
        }
        self.put(key);
    }

    pub(super) fn index(&mut self, key: &Key) {
        if let Some(at) = key.deadline() {
            self.deadlines.insert((at, key.key));
        }
        if let Some(at) = key.rotation_due(&self.name) {
            self.rotations_due.insert((at, key.key));
        }
    }

    pub(super) fn unindex(&mut self, key: Option<&Key>) {
        let Some(key) = key else { return };
        if let Some(at) = key.deadline() {
            self.deadlines.remove(&(at, key.key));
        }
        if let Some(at) = key.rotation_due(&self.name) {
            self.rotations_due.remove(&(at, key.key));
        }
    }

    /// Rebuilds what is not stored.
    pub(crate) fn reindex(&mut self) {
        let keys: Vec<Arc<Key>> = self.keys.values().cloned().collect();
        for key in keys {
            self.index(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::fixture::{DAY_MS, START, TestRegion};
    use crate::ops::Change;

    #[test]
    fn committed_time_never_goes_back() {
        let mut us = TestRegion::new("us-east-1");
        us.pass_days(1);
        us.now = START;
        us.commit(Change::Tick);
        assert_eq!(us.region.now(), START.plus_days(1));
        us.commit(Change::AdvanceClock { ms: -DAY_MS });
        assert_eq!(us.region.now(), START.plus_days(1));
        assert_eq!(us.region.clock_offset_ms(), 0);
    }

    #[test]
    fn a_clock_that_is_moved_forward_carries_out_what_falls_due() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        us.schedule_deletion(&key).unwrap();
        us.commit(Change::AdvanceClock { ms: 8 * DAY_MS });
        assert_eq!(us.region.clock_offset_ms(), 8 * DAY_MS);
        assert_eq!(us.region.now(), START.plus_days(8));
        assert_eq!(us.state(&key), "gone");
    }

    #[test]
    fn the_next_deadline_is_the_earliest_of_all() {
        let mut us = TestRegion::new("us-east-1");
        assert_eq!(us.region.next_deadline(), None);
        let rotating = us.create();
        us.enable_rotation(&rotating, Some(90)).unwrap();
        assert_eq!(us.region.next_deadline(), Some(START.plus_days(90)));
        let doomed = us.create();
        us.schedule_deletion(&doomed).unwrap();
        assert_eq!(us.region.next_deadline(), Some(START.plus_days(7)));
        assert!(!us.region.is_due(START.plus_ms(7 * DAY_MS - 1)));
        assert!(us.region.is_due(START.plus_days(7)));
        us.cancel_deletion(&doomed).unwrap();
        assert!(
            !us.region.is_due(START.plus_days(90)),
            "a rotation is not carried out by time"
        );
        us.disable(&rotating).unwrap();
        assert_eq!(us.region.next_deadline(), None);
    }

    #[test]
    fn what_falls_due_happens_in_its_own_order_at_its_own_time() {
        let mut us = TestRegion::new("us-east-1");
        let (key, _) = us.create_imported(false, 1);
        let valid_to = us.now.plus_days(3);
        us.import_as(&key, 1, |request| {
            request.expiration_model = Some("KEY_MATERIAL_EXPIRES".into());
            request.valid_to = Some(valid_to.to_proto());
        })
        .unwrap();
        us.schedule_deletion(&key).unwrap();
        us.pass_days(5);
        assert_eq!(us.state(&key), "PendingDeletion");
        us.cancel_deletion(&key).unwrap();
        assert_eq!(
            us.state(&key),
            "PendingImport",
            "it has expired all the same"
        );
    }

    #[test]
    fn imported_material_whose_life_is_ended_is_gone_with_the_next_step_of_time() {
        let mut us = TestRegion::new("us-east-1");
        let (key, material) = us.create_imported(false, 1);
        let change = Change::MaterialExpires {
            key: us.reference(&key),
            material: material.parse().unwrap(),
        };
        us.commit(change.clone());
        us.commit(Change::Tick);
        assert_eq!(us.state(&key), "PendingImport");
        us.import(&key, 1, "EXISTING_KEY_MATERIAL").unwrap();
        us.commit(Change::Tick);
        assert_eq!(us.state(&key), "Enabled", "it lives again");
        let generated = us.create();
        let id = us.describe(&generated).current_key_material_id.unwrap();
        us.commit(Change::MaterialExpires {
            key: us.reference(&generated),
            material: id.parse().unwrap(),
        });
        us.commit(Change::Tick);
        assert_eq!(us.state(&generated), "Enabled", "it was not imported");
    }
}
