//! Sessions: for a client that stays at one node, a key's current material never
//! goes back to an older one, also when the node has started again meanwhile. A
//! call that may be answered from an older view begins no session.

use std::collections::BTreeMap;

use meridian_crypto::MaterialId;
use meridian_kms::key_set::Version;
use meridian_kms::{KeyRef, Operation};

use crate::history::{Invoked, Seen};
use crate::sighting::Sighting;
use crate::verdict::{Bench, Kept, Promise};

/// A client, a region, a node and a key.
type Session = (usize, usize, usize, KeyRef);

/// Operations that use a key's current material and name it.
const ENCRYPTING: [Operation; 3] = [
    Operation::Encrypt,
    Operation::GenerateDataKey,
    Operation::GenerateDataKeyWithoutPlaintext,
];

/// What clients saw last.
#[derive(Default)]
pub struct Sessions {
    registered: BTreeMap<(KeyRef, MaterialId), Version>,
    /// Calls under way, each with the newest version that its session had seen
    /// when it began: calls at the same time may end in any order.
    open: BTreeMap<u64, (Invoked, Option<Version>)>,
    last: BTreeMap<Session, Version>,
}

impl Promise for Sessions {
    fn name(&self) -> &'static str {
        "sessions"
    }

    fn see(&mut self, seen: &Seen, _: Option<&Sighting>, bench: &mut Bench<'_>) -> Kept {
        match seen {
            Seen::Saw { key, .. } => {
                for material in &key.materials {
                    let registered = self.registered.entry((key.key, material.id));
                    let newest = registered.or_insert(material.registered);
                    *newest = (*newest).max(material.registered);
                }
            }
            Seen::Invoke(call)
                if ENCRYPTING.contains(&call.operation) && call.as_of_ms.is_none() =>
            {
                let session = |key| (call.client, call.region, call.node, key);
                let seen = call.key.and_then(|key| self.last.get(&session(key)));
                self.open.insert(call.call, (call.clone(), seen.copied()));
            }
            Seen::Ok(returned) => {
                let Some((call, seen)) = self.open.remove(&returned.call) else {
                    return Ok(());
                };
                let (Some(key), Some(material)) = (call.key, returned.material) else {
                    return Ok(());
                };
                let Some(version) = self.registered.get(&(key, material)).copied() else {
                    return Ok(());
                };
                bench.looked(self.name());
                let session = (call.client, call.region, call.node, key);
                if seen.is_some_and(|seen| version < seen) {
                    return Err(format!(
                        "client {} at node {} of {} went back to {material}",
                        call.client,
                        call.node + 1,
                        bench.name(call.region)
                    )
                    .into());
                }
                let last = self.last.entry(session).or_insert(version);
                *last = (*last).max(version);
            }
            Seen::Fail { call, .. } | Seen::Unknown { call, .. } => {
                self.open.remove(call);
            }
            Seen::Gone { key, .. } => {
                self.last.retain(|(.., it), _| it != key);
                for (call, seen) in self.open.values_mut() {
                    if call.key == Some(*key) {
                        *seen = None;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}
