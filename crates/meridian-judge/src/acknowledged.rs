//! R5: what was acknowledged is not lost: an imported material stays, a deleted
//! one stays deleted, a key goes only by its deletion. A definite error had no
//! effect.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use meridian_crypto::MaterialId;
use meridian_kms::key_set::Version;
use meridian_kms::{KeyRef, KeyState, Operation};

use crate::history::{Invoked, Returned, Seen};
use crate::sighting::Sighting;
use crate::verdict::{Bench, Kept, Promise};

/// A key in a region.
type Place = (usize, KeyRef);

/// A material as one registration.
type Registered = (MaterialId, Version);

/// What clients were told.
#[derive(Default)]
pub struct Acknowledged {
    open: BTreeMap<u64, Invoked>,
    applied: BTreeSet<u64>,
    refused: BTreeSet<u64>,
    imported: BTreeMap<Place, BTreeSet<Registered>>,
    deleted: BTreeMap<Place, BTreeSet<Registered>>,
    /// Calls under way, or of unknown outcome, that may undo either.
    undoing: BTreeMap<(Place, Operation), u64>,
    now: BTreeMap<Place, Arc<Sighting>>,
}

const IMPORT: Operation = Operation::ImportKeyMaterial;
const DELETE: Operation = Operation::DeleteImportedKeyMaterial;

impl Promise for Acknowledged {
    fn name(&self) -> &'static str {
        "R5 nothing acknowledged is lost"
    }

    fn see(&mut self, seen: &Seen, last: Option<&Sighting>, bench: &mut Bench<'_>) -> Kept {
        match seen {
            Seen::Invoke(call) => self.invoked(call),
            Seen::Ok(returned) => self.succeeded(returned, bench),
            Seen::Fail { call, code, .. } => return self.failed(*call, code, bench),
            Seen::Unknown { call, .. } => {
                self.open.remove(call);
            }
            Seen::Applied {
                call, effect: true, ..
            } => {
                self.applied.insert(*call);
                if self.refused.contains(call) {
                    return Err(format!("call {call} was refused, and then had an effect").into());
                }
            }
            Seen::Saw { region, key, .. } => return self.saw(*region, key, bench),
            Seen::Gone { region, key, .. } => {
                bench.looked("R5, a key that is gone");
                self.now.remove(&(*region, *key));
                self.imported.remove(&(*region, *key));
                self.deleted.remove(&(*region, *key));
                let by_deletion = last.is_some_and(|it| it.state == KeyState::PendingDeletion);
                if !by_deletion {
                    let name = bench.name(*region);
                    return Err(format!("{key} is gone from {name} without a deletion").into());
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Acknowledged {
    fn invoked(&mut self, call: &Invoked) {
        if let (Some(key), IMPORT | DELETE) = (call.key, call.operation) {
            let place = (call.region, key);
            *self.undoing.entry((place, call.operation)).or_default() += 1;
            if call.operation == IMPORT {
                self.deleted.remove(&place);
            } else {
                self.imported.remove(&place);
            }
        }
        if call.operation.is_write() {
            self.open.insert(call.call, call.clone());
        }
    }

    fn ended(&mut self, call: &Invoked) {
        if let Some(key) = call.key
            && let Some(under_way) = self.undoing.get_mut(&((call.region, key), call.operation))
        {
            *under_way -= 1;
        }
    }

    fn succeeded(&mut self, returned: &Returned, bench: &mut Bench<'_>) {
        let Some(call) = self.open.remove(&returned.call) else {
            return;
        };
        self.ended(&call);
        bench.looked("R5 nothing acknowledged is lost");
        let (Some(key), Some(id)) = (call.key, returned.material) else {
            return;
        };
        let place = (call.region, key);
        let undone_by = if call.operation == IMPORT {
            DELETE
        } else {
            IMPORT
        };
        let undoing = self.undoing.get(&(place, undone_by));
        if undoing.is_some_and(|calls| *calls > 0) {
            return;
        }
        // Something else may have happened between commit and answer.
        let now = self.now.get(&place).and_then(|it| it.material(&id));
        match now {
            Some(it) if it.held && !it.expires && call.operation == IMPORT => {
                let imported = self.imported.entry(place).or_default();
                imported.insert((id, it.registered));
            }
            Some(it) if !it.held && call.operation == DELETE => {
                let deleted = self.deleted.entry(place).or_default();
                deleted.insert((id, it.registered));
            }
            Some(_) | None => {}
        }
    }

    fn failed(&mut self, call: u64, code: &str, bench: &mut Bench<'_>) -> Kept {
        let Some(invoked) = self.open.remove(&call) else {
            return Ok(());
        };
        self.ended(&invoked);
        self.refused.insert(call);
        bench.looked("R5, a definite error");
        if self.applied.contains(&call) {
            let name = invoked.operation.name();
            return Err(format!("call {call} of {name} answered {code} and had an effect").into());
        }
        Ok(())
    }

    fn saw(&mut self, region: usize, key: &Arc<Sighting>, bench: &mut Bench<'_>) -> Kept {
        let place = (region, key.key);
        self.now.insert(place, key.clone());
        let held = |(id, registered): &Registered| {
            let material = key.material(id).filter(|it| it.registered == *registered);
            material.map(|it| it.held)
        };
        if let Some(imported) = self.imported.get_mut(&place) {
            // Imported once more, this time to expire.
            imported.retain(|(id, _)| !key.material(id).is_some_and(|it| it.held && it.expires));
        }
        let name = bench.name(region).clone();
        for it in self.imported.get(&place).into_iter().flatten() {
            bench.looked("R5, an acknowledged import");
            if held(it) == Some(false) {
                return Err(
                    format!("{name} has lost {}, whose import it acknowledged", it.0).into(),
                );
            }
        }
        for it in self.deleted.get(&place).into_iter().flatten() {
            bench.looked("R5, an acknowledged deletion");
            if held(it) == Some(true) {
                return Err(
                    format!("{name} has {} again, whose deletion it acknowledged", it.0).into(),
                );
            }
        }
        Ok(())
    }
}
