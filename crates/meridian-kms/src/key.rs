//! One KMS key in one region: its own properties, the bytes it holds, and its
//! copy of what the set shares.

use std::collections::{BTreeMap, BTreeSet};

use meridian_crypto::{MaterialId, Sealed};
use serde::{Deserialize, Serialize};

use crate::arn::{AliasName, KeyRef, RegionName};
use crate::grant::{Grant, GrantId};
use crate::key_policy::KeyPolicy;
use crate::key_set::{Origin, SharedProperties, Version};
use crate::key_state::KeyState;
use crate::key_store::Custody;
use crate::material::{Held, MaterialState};
use crate::planted::{Bug, is_planted};
use crate::replication::fact::{ReplicaAttributes, ReplicaReport, ReportedState};
use crate::time::Timestamp;

/// A deletion that has been scheduled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Deletion {
    /// The key goes at this time.
    At(Timestamp),
    /// The window begins when the last replica is gone.
    AfterReplicas {
        /// 7 to 30.
        window_days: i32,
    },
}

/// The part that a region plays in the set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// Authors the shared properties; also a single-Region key.
    Primary {
        /// The newest report of each replica.
        reports: BTreeMap<RegionName, ReplicaReport>,
        /// What replicas that have not reported yet start with.
        joining: BTreeMap<RegionName, ReplicaAttributes>,
        /// The old primary, until it has confirmed that it is a replica.
        taking_over_from: Option<RegionName>,
    },
    /// Follows the primary's shared properties.
    Replica {
        /// The version at which this region joined the set.
        joined: Version,
    },
}

/// One KMS key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Account and key ID.
    pub key: KeyRef,
    /// When it was created in this region.
    pub created: Timestamp,
    /// The user's description.
    pub description: String,
    /// The key policy's text; absent for the default one.
    pub policy: KeyPolicy,
    /// The AWS service that the key is managed for, if it is an AWS managed key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_for: Option<String>,
    /// Tags in this region.
    pub tags: BTreeMap<String, String>,
    /// The last word of EnableKey and DisableKey.
    pub enabled: bool,
    /// The scheduled deletion, if any.
    pub deletion: Option<Deletion>,
    /// The bytes that are here, or were until they expired.
    pub held: BTreeMap<MaterialId, Held>,
    /// Aliases in this region that point here.
    pub aliases: BTreeSet<AliasName>,
    /// Who else may use the key in this region.
    #[serde(default, skip_serializing_if = "imbl::OrdMap::is_empty")]
    pub grants: imbl::OrdMap<GrantId, Grant>,
    /// What the set shares, as known here.
    pub shared: SharedProperties,
    /// This region's part.
    pub role: Role,
    /// The last report made here, so that the next one has a greater sequence.
    pub report: Option<ReplicaReport>,
    /// The custom key store that holds the bytes, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custody: Option<Custody>,
}

impl Key {
    /// True for a replica, and for a primary that is handing its role over.
    pub(crate) fn acts_as_replica(&self) -> bool {
        matches!(self.role, Role::Replica { .. }) || self.shared.hand_over.is_some()
    }

    /// A new primary or single-Region key.
    pub fn new(key: KeyRef, created: Timestamp, shared: SharedProperties) -> Key {
        Key {
            key,
            created,
            description: String::new(),
            policy: KeyPolicy::default(),
            managed_for: None,
            tags: BTreeMap::new(),
            enabled: true,
            deletion: None,
            held: BTreeMap::new(),
            aliases: BTreeSet::new(),
            grants: imbl::OrdMap::new(),
            shared,
            role: Role::Primary {
                reports: BTreeMap::new(),
                joining: BTreeMap::new(),
                taking_over_from: None,
            },
            report: None,
            custody: None,
        }
    }

    /// True for the author of the shared properties who may change them: the
    /// primary, and a single-Region key; not while the role is handed over.
    pub fn is_primary(&self) -> bool {
        matches!(self.role, Role::Primary { .. }) && self.shared.hand_over.is_none()
    }

    /// The replicas' reports, at the primary.
    pub fn reports(&self) -> &BTreeMap<RegionName, ReplicaReport> {
        static NONE: BTreeMap<RegionName, ReplicaReport> = BTreeMap::new();
        match &self.role {
            Role::Primary { reports, .. } => reports,
            Role::Replica { .. } => &NONE,
        }
    }

    /// The key state, seen from `here`.
    pub fn state(&self, here: &RegionName) -> KeyState {
        match self.deletion {
            Some(Deletion::At(_)) => return KeyState::PendingDeletion,
            Some(Deletion::AfterReplicas { .. }) => return KeyState::PendingReplicaDeletion,
            None => {}
        }
        if self.custody.as_ref().is_some_and(|it| !it.connected) {
            KeyState::Unavailable
        } else if self.is_creating(here) {
            KeyState::Creating
        } else if self.is_updating() {
            KeyState::Updating
        } else {
            self.state_by_material()
        }
    }

    /// The key state as material and the user's switch have it, without what
    /// lies over it.
    pub fn state_by_material(&self) -> KeyState {
        if self.shared.current().is_none()
            || self
                .shared
                .permanent()
                .any(|material| self.sealed(&material.id).is_none())
        {
            KeyState::PendingImport
        } else if self.enabled {
            KeyState::Enabled
        } else {
            KeyState::Disabled
        }
    }

    /// A replica that joined while a rotation was under way takes no part in
    /// it, and starts once it is over.
    fn is_creating(&self, here: &RegionName) -> bool {
        let joined_late = |joined: &Version| {
            let rotation = self.shared.rotation.as_ref();
            rotation.is_some_and(|rotation| rotation.members.get(here) != Some(joined))
        };
        match &self.role {
            Role::Primary { .. } => false,
            Role::Replica { joined } => joined_late(joined) || is_planted(Bug::StaysCreating),
        }
    }

    fn is_updating(&self) -> bool {
        match &self.role {
            Role::Primary {
                taking_over_from, ..
            } => taking_over_from.is_some() || self.shared.hand_over.is_some(),
            Role::Replica { .. } => false,
        }
    }

    /// The sealed bytes of a material, if they are here and have not expired.
    pub fn sealed(&self, id: &MaterialId) -> Option<&Sealed> {
        self.held.get(id).and_then(|held| held.sealed.as_ref())
    }

    /// The materials whose bytes are here.
    pub fn held_ids(&self) -> BTreeSet<MaterialId> {
        let usable = self.held.iter().filter(|(_, held)| held.sealed.is_some());
        usable.map(|(id, _)| *id).collect()
    }

    /// Takes over a newer copy of what the set shares, and forgets the bytes
    /// of materials that it took out, also of those that it registered again
    /// since: a region that missed the step between ends up like one that saw
    /// it.
    pub fn adopt(&mut self, shared: SharedProperties) {
        let registered =
            |shared: &SharedProperties, id: &MaterialId| Some(shared.material(id)?.registered);
        self.held.retain(|id, _| {
            let known = registered(&self.shared, id);
            known.is_some() && known == registered(&shared, id)
        });
        let current = self.shared.current().map(|material| material.id);
        self.shared = shared;
        if is_planted(Bug::SwitchIgnored) {
            for material in &mut self.shared.materials {
                material.state = match material.state {
                    _ if Some(material.id) == current => MaterialState::Current,
                    MaterialState::Current if current.is_some() => MaterialState::NonCurrent,
                    state => state,
                };
            }
        }
    }

    /// Forgets the bytes of materials that the set no longer has.
    pub fn drop_unregistered(&mut self) {
        let shared = &self.shared;
        self.held.retain(|id, _| shared.material(id).is_some());
    }

    /// What this region would report now, with the sequence of its last
    /// report: a difference to that report is due to the primary.
    pub fn report_now(&self, here: &RegionName, joined: Version) -> ReplicaReport {
        ReplicaReport {
            key: self.key,
            region: here.clone(),
            joined,
            sequence: self.report.as_ref().map_or(0, |report| report.sequence),
            applied: self.shared.version,
            held: self.held_ids(),
            state: ReportedState::Here(self.state(here)),
        }
    }

    /// When time alone changes this key: the end of its deletion window, or of
    /// a material's life.
    pub fn deadline(&self) -> Option<Timestamp> {
        let deletion = match self.deletion {
            Some(Deletion::At(at)) => Some(at),
            Some(Deletion::AfterReplicas { .. }) | None => None,
        };
        let expiry = self.held.values().filter(|held| held.sealed.is_some());
        deletion
            .into_iter()
            .chain(expiry.filter_map(|held| held.expires))
            .min()
    }

    /// When an automatic rotation is due: only at an enabled primary that is
    /// not in the middle of something else.
    pub fn rotation_due(&self, here: &RegionName) -> Option<Timestamp> {
        let automatic = self.shared.automatic?;
        let ready = self.is_primary()
            && self.shared.rotation.is_none()
            && self.shared.origin == Origin::AwsKms
            && self.state(here) == KeyState::Enabled;
        ready.then_some(automatic.next)
    }
}
