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
    let key_id = key.key.id.to_string();
    let id = vault.material_id(&key_id, &material);
    let sealed = vault.seal(&key_id, &id, &material, entropy);
    (id, sealed)
}

/// Puts generated material into a set as the one that is rotated to.
pub(crate) fn associate(key: &mut Key, id: MaterialId, sealed: Sealed) {
    key.shared.register(id, None);
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
