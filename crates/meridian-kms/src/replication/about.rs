//! What a fact that is due is about, for whoever decides whether it leaves.

use std::collections::BTreeSet;

use meridian_crypto::MaterialId;

use crate::arn::{KeyRef, RegionName};
use crate::key::{Key, Role};
use crate::region::Region;
use crate::replication::feed::{Due, FactKind};

/// A fact before it leaves its author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The key.
    pub key: KeyRef,
    /// The peer has not said yet that it has the replica.
    pub creates: bool,
    /// The peer becomes primary when it commits this.
    pub hands_over: bool,
    /// The peer prepares an accepted rotation when it commits this.
    pub prepares: bool,
    /// The materials that a replica says to hold.
    pub held: BTreeSet<MaterialId>,
    /// Those of them that wait for a rotation.
    pub waiting: BTreeSet<MaterialId>,
}

impl Region {
    /// What a fact that is due to a peer is about.
    pub fn about(&self, peer: &RegionName, due: &Due) -> About {
        let mut about = About {
            key: due.key,
            creates: false,
            hands_over: false,
            prepares: false,
            held: BTreeSet::new(),
            waiting: BTreeSet::new(),
        };
        let Some(key) = self.key(&due.key) else {
            return about;
        };
        match (&due.kind, &key.role) {
            (FactKind::Shared, Role::Primary { joining, .. }) => {
                let shared = &key.shared;
                about.creates = joining.contains_key(peer);
                about.hands_over = shared.hand_over.as_ref().is_some_and(|it| it.to == *peer);
                let rotation = shared.rotation.as_ref();
                about.prepares = rotation.is_some_and(|it| it.members.contains_key(peer));
            }
            (FactKind::Report, Role::Replica { .. }) => {
                about.held = key.held_ids();
                about.waiting = waiting(key);
            }
            _ => {}
        }
        about
    }
}

/// The materials that are here and wait for a rotation.
fn waiting(key: &Key) -> BTreeSet<MaterialId> {
    let pending = key.shared.pending().map(|material| material.id);
    let held = pending.filter(|id| key.sealed(id).is_some());
    held.into_iter().collect()
}
