//! Key states: only the transitions that AWS documents; a key whose deletion is
//! cancelled is disabled; a primary is never gone before its replicas.

use meridian_kms::KeyState;

use crate::history::Seen;
use crate::sighting::Sighting;
use crate::verdict::{Bench, Kept, Promise};

/// Looks at each change of a key's state by itself.
#[derive(Default)]
pub struct KeyStates;

impl Promise for KeyStates {
    fn name(&self) -> &'static str {
        "key states"
    }

    fn see(&mut self, seen: &Seen, last: Option<&Sighting>, bench: &mut Bench<'_>) -> Kept {
        match (seen, last) {
            (Seen::Saw { region, key, .. }, Some(last)) if key.state != last.state => {
                bench.looked(self.name());
                if may_become(last, key) {
                    return Ok(());
                }
                Err(format!(
                    "at {}, {} went from {:?} to {:?}",
                    bench.name(*region),
                    key.key,
                    last.state,
                    key.state
                )
                .into())
            }
            (Seen::Gone { region, key, .. }, Some(last)) if last.author => {
                bench.looked("a primary goes last");
                if last.replicas.is_empty() {
                    return Ok(());
                }
                let (name, left) = (bench.name(*region), last.replicas.keys());
                let left: Vec<_> = left.map(ToString::to_string).collect();
                Err(format!("{name} deleted the primary of {key} before {left:?}").into())
            }
            _ => Ok(()),
        }
    }
}

fn may_become(last: &Sighting, key: &Sighting) -> bool {
    use KeyState::{
        Creating, Disabled, Enabled, PendingDeletion, PendingImport, PendingReplicaDeletion,
        Unavailable, Updating,
    };
    match (last.state, key.state) {
        // The move of the role ends, or a key store is connected, and what lies
        // under it shows.
        (Updating | Unavailable, _) | (_, Updating | Unavailable) => true,
        (PendingDeletion, Enabled) | (PendingReplicaDeletion, Enabled) => false,
        (PendingDeletion, PendingReplicaDeletion) => key.author && !last.author,
        (PendingReplicaDeletion, PendingDeletion) => key.replicas.is_empty() || !key.author,
        // Only a replica that has just joined is created.
        (Enabled | Disabled | PendingImport, Creating) => joined(key) != joined(last),
        (PendingDeletion | PendingReplicaDeletion, Disabled | PendingImport | Creating) => true,
        (
            Creating | Enabled | Disabled | PendingImport,
            Enabled | Disabled | PendingImport | PendingDeletion | PendingReplicaDeletion,
        ) => true,
        (Creating, Creating)
        | (PendingDeletion, PendingDeletion)
        | (PendingReplicaDeletion, PendingReplicaDeletion) => true,
    }
}

/// Memberships, by version.
fn joined(key: &Sighting) -> Vec<meridian_kms::key_set::Version> {
    key.replicas.values().copied().collect()
}
