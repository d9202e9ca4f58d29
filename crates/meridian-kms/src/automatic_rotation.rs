//! Automatic rotation: when the schedule says so, the leader generates the
//! next material and proposes it; the rotation then takes the same way as one
//! on demand.
//!
//! The schedule is anchored: the next date is a period after the last one, so
//! a region whose time jumps over several dates rotates once for each.

use meridian_crypto::{Entropy, Material, MaterialId, Sealed, Vault};
use serde::{Deserialize, Serialize};

use crate::arn::KeyRef;
use crate::key::Key;
use crate::material::{Held, RotationType};
use crate::region::Region;
use crate::time::Timestamp;

/// Rotations proposed in one go, at most.
const BATCH_MAX: usize = 64;

/// The next material of a key whose rotation is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The key.
    pub key: KeyRef,
    /// The date of the schedule that this is for.
    pub due: Timestamp,
    /// The generated material.
    pub material: MaterialId,
    /// Its bytes, sealed for this region.
    pub sealed: Sealed,
}

impl Region {
    /// Everything that time alone has made due at `now`: automatic rotations,
    /// and whatever a tick carries out.
    pub fn plan_due(
        &self,
        now: Timestamp,
        vault: &Vault,
        entropy: &mut dyn Entropy,
    ) -> Vec<crate::ops::Change> {
        let mut changes = self.plan_rotations(now, vault, entropy);
        if self.is_due(now) {
            changes.push(crate::ops::Change::Tick);
        }
        changes
    }

    /// The changes that carry out the automatic rotations due at `now`, some
    /// of them if there are many.
    pub fn plan_rotations(
        &self,
        now: Timestamp,
        vault: &Vault,
        entropy: &mut dyn Entropy,
    ) -> Vec<crate::ops::Change> {
        let due = self.rotations_due(now).take(BATCH_MAX);
        due.filter_map(|key| {
            let due = key.rotation_due(self.name())?;
            let (material, sealed) = generate(key, vault, entropy);
            let change = Change {
                key: key.key,
                due,
                material,
                sealed,
            };
            Some(crate::ops::Change::AutomaticRotation(change))
        })
        .collect()
    }
}

/// Draws the next material of a key and seals it.
pub(crate) fn generate(
    key: &Key,
    vault: &Vault,
    entropy: &mut dyn Entropy,
) -> (MaterialId, Sealed) {
    let material = Material::generate(entropy);
    let id = vault.material_id(&key.key.id, &material);
    let sealed = vault.seal(&key.key.id, &id, &material, entropy);
    (id, sealed)
}

/// Puts generated material into a set as the one that is rotated to.
pub(crate) fn associate(key: &mut Key, id: MaterialId, sealed: Sealed) {
    key.shared.register(id, None, None);
    key.held.insert(
        id,
        Held {
            sealed: Some(sealed),
            expires: None,
        },
    );
}

/// Rotates, unless the date has been dealt with or taken back meanwhile.
pub(crate) fn apply(region: &mut Region, change: &Change) {
    let Some(key) = region.key(&change.key) else {
        return;
    };
    if key.rotation_due(region.name()) != Some(change.due) || change.due > region.now() {
        return;
    }
    let mut key = Key::clone(key);
    associate(&mut key, change.material, change.sealed.clone());
    key.shared
        .accept_rotation(RotationType::Automatic, region.now());
    if let Some(automatic) = &mut key.shared.automatic {
        automatic.next = change.due.plus_days(automatic.period_days.into());
    }
    region.put(key);
}

#[cfg(test)]
mod tests {
    use crate::fixture::{DAY_MS, START, TestRegion};

    fn us_with_schedule() -> (TestRegion, String) {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        us.enable_rotation(&key, Some(90)).unwrap();
        (us, key)
    }

    fn dates(us: &mut TestRegion, key: &str) -> Vec<i64> {
        let listed = us.rotations(key);
        assert!(
            listed
                .iter()
                .all(|it| it.rotation_type.as_deref() == Some("AUTOMATIC"))
        );
        let date = |it: &meridian_proto::v1::RotationsListEntry| it.rotation_date.unwrap().seconds;
        listed
            .iter()
            .map(|it| (date(it) - START.0 / 1000) / 86_400)
            .collect()
    }

    #[test]
    fn the_key_rotates_on_its_date_and_not_before() {
        let (mut us, key) = us_with_schedule();
        assert_eq!(us.region.next_deadline(), Some(START.plus_days(90)));
        us.pass(90 * DAY_MS - 1);
        assert_eq!(dates(&mut us, &key), [0; 0]);
        us.pass(1);
        assert_eq!(dates(&mut us, &key), [90]);
        us.pass_days(90);
        assert_eq!(dates(&mut us, &key), [90, 180]);
        assert_eq!(us.materials(&key).len(), 3);
    }

    #[test]
    fn a_clock_that_jumps_over_several_dates_rotates_once_for_each() {
        let (mut us, key) = us_with_schedule();
        us.pass_days(300);
        assert_eq!(dates(&mut us, &key), [300, 300, 300]);
        let next = us.rotation_status(&key).unwrap().next_rotation_date;
        assert_eq!(
            next,
            Some(START.plus_days(360).to_proto()),
            "the dates stay where they were"
        );
    }

    #[test]
    fn a_rotation_on_demand_does_not_move_the_schedule() {
        let (mut us, key) = us_with_schedule();
        us.pass_days(30);
        us.rotate(&key).unwrap();
        let next = us.rotation_status(&key).unwrap().next_rotation_date;
        assert_eq!(next, Some(START.plus_days(90).to_proto()));
    }

    #[test]
    fn a_disabled_key_rotates_when_it_is_enabled_and_then_every_period_from_there() {
        let (mut us, key) = us_with_schedule();
        us.disable(&key).unwrap();
        us.pass_days(300);
        assert_eq!(us.region.next_deadline(), None);
        assert_eq!(dates(&mut us, &key), [0; 0]);
        us.enable(&key).unwrap();
        us.tick();
        assert_eq!(dates(&mut us, &key), [300]);
        let next = us.rotation_status(&key).unwrap().next_rotation_date;
        assert_eq!(next, Some(START.plus_days(390).to_proto()));
    }

    #[test]
    fn a_key_that_is_enabled_before_its_date_keeps_it() {
        let (mut us, key) = us_with_schedule();
        us.disable(&key).unwrap();
        us.pass_days(30);
        us.enable(&key).unwrap();
        us.pass_days(60);
        assert_eq!(dates(&mut us, &key), [90]);
    }

    #[test]
    fn a_key_on_its_way_out_does_not_rotate_until_it_is_enabled_again() {
        let (mut us, key) = us_with_schedule();
        us.pass_days(85);
        us.schedule_deletion(&key).unwrap();
        us.pass_days(6);
        us.cancel_deletion(&key).unwrap();
        us.tick();
        assert_eq!(dates(&mut us, &key), [0; 0]);
        us.enable(&key).unwrap();
        us.tick();
        assert_eq!(dates(&mut us, &key), [91]);
    }

    #[test]
    fn a_rotation_that_was_planned_twice_happens_once() {
        let (mut us, key) = us_with_schedule();
        us.now = us.now.plus_days(90);
        let plan = |us: &mut TestRegion| {
            us.region
                .plan_rotations(us.now, &us.vault, &mut us.entropy)
                .remove(0)
        };
        let (one, other) = (plan(&mut us), plan(&mut us));
        us.commit(one);
        us.commit(other);
        assert_eq!(dates(&mut us, &key), [90]);
    }

    #[test]
    fn a_rotation_whose_schedule_was_ended_meanwhile_does_not_happen() {
        let (mut us, key) = us_with_schedule();
        us.now = us.now.plus_days(90);
        let planned = us
            .region
            .plan_rotations(us.now, &us.vault, &mut us.entropy)
            .remove(0);
        us.call(meridian_proto::v1::DisableKeyRotationRequest {
            key_id: Some(key.clone()),
        })
        .unwrap();
        us.commit(planned);
        assert_eq!(dates(&mut us, &key), [0; 0]);
        assert_eq!(us.materials(&key).len(), 1);
    }
}
