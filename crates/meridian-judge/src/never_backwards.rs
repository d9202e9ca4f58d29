//! R3: at one region neither the version of a set nor the state of a material
//! goes back, except a pending material that some member has lost.

use std::collections::BTreeMap;

use meridian_crypto::MaterialId;
use meridian_kms::KeyRef;
use meridian_kms::key_set::Version;
use meridian_kms::material::MaterialState;

use crate::history::Seen;
use crate::sighting::Sighting;
use crate::verdict::{Bench, Kept, Promise};

/// The newest version of each key in each region, also of deleted ones.
#[derive(Default)]
pub struct NeverBackwards {
    versions: BTreeMap<(usize, KeyRef), Version>,
}

impl Promise for NeverBackwards {
    fn name(&self) -> &'static str {
        "R3 never backwards"
    }

    fn see(&mut self, seen: &Seen, last: Option<&Sighting>, bench: &mut Bench<'_>) -> Kept {
        let Seen::Saw { region, key, .. } = seen else {
            return Ok(());
        };
        bench.looked(self.name());
        let newest = self.versions.entry((*region, key.key)).or_default();
        let here = bench.name(*region);
        if key.version < *newest {
            return Err(format!(
                "{here} went back from {newest:?} to {:?} of {}",
                key.version, key.key
            )
            .into());
        }
        *newest = key.version;
        let Some(last) = last else { return Ok(()) };
        for old in &last.materials {
            let new = key
                .material(&old.id)
                .filter(|new| new.registered == old.registered);
            let new = new.map(|new| new.state);
            if !may_become(key, &old.id, old.state, new) {
                let (id, old) = (old.id, old.state);
                return Err(format!("at {here}, {id} went from {old:?} to {new:?}").into());
            }
        }
        Ok(())
    }
}

fn may_become(
    key: &Sighting,
    id: &MaterialId,
    old: MaterialState,
    new: Option<MaterialState>,
) -> bool {
    use MaterialState::{
        Current, NonCurrent, PendingMultiRegionImportAndRotation, PendingRotation,
    };
    match (old, new) {
        (Current, Some(Current | NonCurrent)) | (NonCurrent, Some(NonCurrent)) => true,
        (Current | NonCurrent, _) => false,
        (PendingRotation, Some(PendingMultiRegionImportAndRotation)) => some_member_lacks(key, id),
        (PendingRotation | PendingMultiRegionImportAndRotation, _) => true,
    }
}

/// Does the author know of a member without these bytes? A replica only repeats
/// what the author found.
fn some_member_lacks(key: &Sighting, id: &MaterialId) -> bool {
    let held_here = key.material(id).is_some_and(|material| material.held);
    let lacks = |member| {
        key.reported
            .get(member)
            .is_none_or(|reported| !reported.contains(id))
    };
    !key.author || !held_here || key.replicas.keys().any(lacks)
}
