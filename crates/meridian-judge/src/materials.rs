//! Materials of a set: at most one is current and at most one waits; a replica
//! never originates one; a set accepts at most 25 rotations on demand, each of
//! them once.

use std::collections::BTreeSet;

use meridian_crypto::MaterialId;
use meridian_kms::KeyRef;
use meridian_kms::key_set::{ON_DEMAND_ROTATIONS_MAX, Version};
use meridian_kms::material::MaterialState;

use crate::history::Seen;
use crate::sighting::Sighting;
use crate::verdict::{Bench, Kept, Promise};

/// What authors have registered.
#[derive(Default)]
pub struct Materials {
    registered: BTreeSet<(KeyRef, MaterialId, Version)>,
}

impl Promise for Materials {
    fn name(&self) -> &'static str {
        "materials of a set"
    }

    fn see(&mut self, seen: &Seen, last: Option<&Sighting>, bench: &mut Bench<'_>) -> Kept {
        let Seen::Saw { region, key, .. } = seen else {
            return Ok(());
        };
        bench.looked(self.name());
        let here = bench.name(*region);
        let count = |wanted: fn(&MaterialState) -> bool| {
            key.materials.iter().filter(|it| wanted(&it.state)).count()
        };
        let current = count(|state| *state == MaterialState::Current);
        let waiting = count(|state| !state.is_permanent());
        if current > 1 || waiting > 1 {
            return Err(format!(
                "{here} has {current} current and {waiting} waiting materials of {}",
                key.key
            )
            .into());
        }
        for material in &key.materials {
            let registered = (key.key, material.id, material.registered);
            if key.author {
                self.registered.insert(registered);
            } else if !self.registered.contains(&registered) {
                return Err(format!("{here}, a replica, registered {}", material.id).into());
            }
        }
        counted_once(key, last).map_err(|what| format!("at {here}, {what}").into())
    }
}

fn counted_once(key: &Sighting, last: Option<&Sighting>) -> Result<(), String> {
    let count = key.on_demand_rotations;
    if count > ON_DEMAND_ROTATIONS_MAX {
        return Err(format!("{} has accepted {count} rotations", key.key));
    }
    let Some(last) = last.filter(|last| last.author && key.author) else {
        return Ok(());
    };
    let before = last.on_demand_rotations;
    // An acceptance is seen while it runs, or as the switch that it came to.
    let current = |it: &Sighting| it.current().map(|material| material.id);
    let accepted =
        last.rotation.is_none() && (key.rotation.is_some() || current(last) != current(key));
    if count == before || count == before + 1 && accepted {
        return Ok(());
    }
    Err(format!(
        "the rotations of {} are counted from {before} to {count}",
        key.key
    ))
}
