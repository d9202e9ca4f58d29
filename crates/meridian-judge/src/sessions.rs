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

/// What clients saw last.
#[derive(Default)]
pub struct Sessions {
    registered: BTreeMap<(KeyRef, MaterialId), Version>,
    open: BTreeMap<u64, Invoked>,
    /// By client, region and node.
    last: BTreeMap<(usize, usize, usize, KeyRef), Version>,
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
                if call.operation == Operation::Encrypt && call.as_of_ms.is_none() =>
            {
                self.open.insert(call.call, call.clone());
            }
            Seen::Ok(returned) => {
                let Some(call) = self.open.remove(&returned.call) else {
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
                let last = self.last.entry(session).or_insert(version);
                if version < *last {
                    return Err(format!(
                        "client {} at node {} of {} went back to {material}",
                        call.client,
                        call.node + 1,
                        bench.name(call.region)
                    )
                    .into());
                }
                *last = version;
            }
            Seen::Fail { call, .. } | Seen::Unknown { call, .. } => {
                self.open.remove(call);
            }
            Seen::Gone { key, .. } => {
                self.last.retain(|(.., it), _| it != key);
            }
            _ => {}
        }
        Ok(())
    }
}
