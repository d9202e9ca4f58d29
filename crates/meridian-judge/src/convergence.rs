//! R7: once the faults have ended, all regions say the same, nothing is left to
//! be told, and nothing is under way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use meridian_kms::material::MaterialState;
use meridian_kms::{KeyRef, KeyState, RegionName};

use crate::history::Seen;
use crate::sighting::Sighting;
use crate::verdict::{Bench, Kept, Promise};

/// Every key of every region as it is now.
#[derive(Default)]
pub struct Convergence {
    keys: BTreeMap<KeyRef, BTreeMap<usize, Arc<Sighting>>>,
}

impl Promise for Convergence {
    fn name(&self) -> &'static str {
        "R7 convergence"
    }

    fn see(&mut self, seen: &Seen, _: Option<&Sighting>, bench: &mut Bench<'_>) -> Kept {
        match seen {
            Seen::Saw { region, key, .. } => {
                let regions = self.keys.entry(key.key).or_default();
                regions.insert(*region, key.clone());
                Ok(())
            }
            Seen::Gone { region, key, .. } => {
                if let Some(regions) = self.keys.get_mut(key) {
                    regions.remove(region);
                }
                Ok(())
            }
            Seen::Healed { due, .. } => {
                if let Some(region) = due.iter().position(|due| *due > 0) {
                    let name = bench.name(region);
                    return Err(format!("{name} still has something to tell").into());
                }
                let sets = self.keys.iter().filter(|(_, regions)| !regions.is_empty());
                sets.into_iter().try_for_each(|(key, regions)| {
                    bench.looked("R7 convergence");
                    agreed(key, regions, bench)
                        .map_err(|objection| objection.about(*key, regions.keys().copied()))
                })
            }
            _ => Ok(()),
        }
    }
}

fn agreed(key: &KeyRef, regions: &BTreeMap<usize, Arc<Sighting>>, bench: &mut Bench<'_>) -> Kept {
    let primaries: Vec<_> = regions.iter().filter(|(_, it)| it.is_primary()).collect();
    let [(home, primary)] = primaries.as_slice() else {
        return Err(format!("{key} has {} primaries", primaries.len()).into());
    };
    let mut members: BTreeSet<&RegionName> = primary.replicas.keys().collect();
    members.insert(bench.name(**home));
    let there: BTreeSet<&RegionName> = regions.keys().map(|it| bench.name(*it)).collect();
    if members != there {
        return Err(format!("the members of {key} are {members:?}, it is in {there:?}").into());
    }
    for (region, it) in regions {
        let name = bench.name(*region);
        let shared = |it: &Sighting| {
            let states = it.materials.iter().map(|it| (it.id, it.state));
            let states: Vec<_> = states.collect();
            (it.version, states, it.replicas.clone(), it.primary.clone())
        };
        if shared(it) != shared(primary) {
            return Err(format!("{name} has other properties of {key}").into());
        }
        let transient = matches!(it.state, KeyState::Creating | KeyState::Updating);
        if transient || it.rotation.is_some() || it.handing_over_to.is_some() {
            let state = it.state;
            return Err(format!("at {name}, {key} is not at rest: {state:?}").into());
        }
        if !it.author {
            let held: Vec<_> = it.materials.iter().filter(|it| it.held).collect();
            let mut held: Vec<_> = held.into_iter().map(|it| it.id).collect();
            held.sort_unstable();
            if primary.reported.get(name) != Some(&held) {
                return Err(format!("the primary of {key} does not know {name}").into());
            }
        }
    }
    waiting_material(primary, regions, bench)
}

/// The state of the waiting material follows from who holds it.
fn waiting_material(
    primary: &Sighting,
    regions: &BTreeMap<usize, Arc<Sighting>>,
    bench: &mut Bench<'_>,
) -> Kept {
    let pending = primary.materials.iter().find(|it| !it.state.is_permanent());
    let Some(waiting) = pending else {
        return Ok(());
    };
    bench.looked("R7, waiting material");
    let holds = |it: &Sighting| it.material(&waiting.id).is_some_and(|it| it.held);
    let complete = regions.len() == 1 || regions.values().all(|it| holds(it));
    if complete == (waiting.state == MaterialState::PendingRotation) {
        return Ok(());
    }
    Err(format!(
        "{} is {:?}, complete: {complete}",
        waiting.id, waiting.state
    )
    .into())
}
