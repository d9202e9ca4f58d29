//! An ambiguous ReplicateKey, whose caller has heard nothing, leaves nothing or
//! something that can be found and used: either the set has no such replica, or
//! the replica is there and past its creation.

use std::collections::BTreeMap;
use std::sync::Arc;

use meridian_kms::{KeyRef, KeyState, Operation};

use crate::history::{Invoked, Seen};
use crate::sighting::Sighting;
use crate::verdict::{Bench, Kept, Objection, Promise};

/// Calls whose outcome nobody knows, and every key as it is.
#[derive(Default)]
pub struct AmbiguousReplica {
    open: BTreeMap<u64, Invoked>,
    /// The key, the region that the replica was asked for, and the asked one.
    ambiguous: Vec<(KeyRef, usize, usize)>,
    keys: BTreeMap<(KeyRef, usize), Arc<Sighting>>,
}

impl Promise for AmbiguousReplica {
    fn name(&self) -> &'static str {
        "an ambiguous ReplicateKey"
    }

    fn see(&mut self, seen: &Seen, _: Option<&Sighting>, bench: &mut Bench<'_>) -> Kept {
        match seen {
            Seen::Invoke(call) if call.operation == Operation::ReplicateKey => {
                self.open.insert(call.call, call.clone());
            }
            Seen::Ok(returned) => {
                self.open.remove(&returned.call);
            }
            Seen::Fail { call, .. } => {
                self.open.remove(call);
            }
            Seen::Unknown { call, .. } => {
                let call = self.open.remove(call);
                let known = call.and_then(|it| Some((it.key?, it.to?, it.region)));
                self.ambiguous.extend(known);
            }
            Seen::Saw { region, key, .. } => {
                self.keys.insert((key.key, *region), key.clone());
            }
            Seen::Gone { region, key, .. } => {
                self.keys.remove(&(*key, *region));
            }
            Seen::Healed { .. } => {
                for (key, to, asked) in &self.ambiguous {
                    self.usable(*key, *to, *asked, bench)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl AmbiguousReplica {
    fn usable(&self, key: KeyRef, to: usize, asked: usize, bench: &mut Bench<'_>) -> Kept {
        let mut regions = self.keys.range((key, 0)..=(key, usize::MAX));
        let primary = regions.find(|(_, it)| it.is_primary());
        let name = bench.name(to).clone();
        let is_member = primary.is_some_and(|(_, it)| it.replicas.contains_key(&name));
        let there = self.keys.get(&(key, to));
        if there.is_none() && !is_member {
            return Ok(());
        }
        bench.looked("an ambiguous ReplicateKey");
        let trouble = match there {
            None => "the set counts a replica that is not there",
            Some(it) if it.state == KeyState::Creating => "the replica is still being created",
            Some(_) => return Ok(()),
        };
        let what = format!("nobody knows how ReplicateKey of {key} into {name} ended: {trouble}");
        Err(Objection::from(what).about(key, [asked, to]))
    }
}
