//! A region as a value: everything that its nodes have agreed on.
//!
//! [`Region::apply`] is the only way to change it and needs no secret, no
//! randomness and no clock, so it is the same on every node. `Region::put`
//! is the only way a key changes, and derives from the change whatever other
//! regions must be told. Maps are persistent: a clone is cheap and an old one
//! stays valid.

mod deadlines;
mod facts;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::alias::Alias;
use crate::arn::{AliasRef, KeyRef, RegionName};
use crate::error::KmsError;
use crate::key::{Deletion, Key, Role};
use crate::key_store::stores::KeyStores;
use crate::key_store::{CustomKeyStore, StoreRef};
use crate::last_usage::Use;
use crate::ops::{self, Change, Response};
use crate::planted::{Bug, is_planted};
use crate::replication::fact::{Gone, ReplicaReport, ReportedState};
use crate::replication::feed::{FactKind, Feed};
use crate::time::Timestamp;

pub use facts::{FACTS_PER_BATCH_MAX, Outgoing};

/// One agreed step: a change and the leader's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The leader's clock when it proposed this.
    pub at: Timestamp,
    /// What changes.
    pub change: Change,
}

/// How a committed entry is answered.
#[derive(Clone)]
#[allow(
    clippy::large_enum_variant,
    reason = "lives for one call; a box would only cost every answer an allocation"
)]
pub enum Outcome {
    /// To a client's request.
    Answered(Result<Response, KmsError>),
    /// To a change that no client asked for.
    Done,
}

/// Everything that one region has agreed on.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    name: RegionName,
    now: Timestamp,
    /// How far an operator has moved this region's time forward.
    clock_offset_ms: i64,
    keys: imbl::OrdMap<KeyRef, Arc<Key>>,
    aliases: imbl::OrdMap<AliasRef, Alias>,
    gone: imbl::OrdMap<KeyRef, Gone>,
    feeds: imbl::OrdMap<RegionName, Feed>,
    #[serde(default, skip_serializing_if = "imbl::OrdMap::is_empty")]
    uses: imbl::OrdMap<KeyRef, Use>,
    #[serde(default, skip_serializing_if = "KeyStores::is_empty")]
    key_stores: KeyStores,
    #[serde(skip)]
    deadlines: imbl::OrdSet<(Timestamp, KeyRef)>,
    #[serde(skip)]
    rotations_due: imbl::OrdSet<(Timestamp, KeyRef)>,
}

impl Region {
    /// A region without keys.
    pub fn new(name: RegionName) -> Region {
        Region {
            name,
            now: Timestamp::default(),
            clock_offset_ms: 0,
            keys: Default::default(),
            aliases: Default::default(),
            gone: Default::default(),
            feeds: Default::default(),
            uses: Default::default(),
            key_stores: Default::default(),
            deadlines: Default::default(),
            rotations_due: Default::default(),
        }
    }

    /// The region's name.
    pub fn name(&self) -> &RegionName {
        &self.name
    }

    /// The committed time.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// How far this region's time was moved forward, in milliseconds.
    pub fn clock_offset_ms(&self) -> i64 {
        self.clock_offset_ms
    }

    /// A key by its reference.
    pub fn key(&self, key: &KeyRef) -> Option<&Arc<Key>> {
        self.keys.get(key)
    }

    /// All keys, by account and ID.
    pub fn keys(&self) -> &imbl::OrdMap<KeyRef, Arc<Key>> {
        &self.keys
    }

    /// All aliases, by account and name.
    pub fn aliases(&self) -> &imbl::OrdMap<AliasRef, Alias> {
        &self.aliases
    }

    pub(crate) fn aliases_mut(&mut self) -> &mut imbl::OrdMap<AliasRef, Alias> {
        &mut self.aliases
    }

    pub(crate) fn uses(&self) -> &imbl::OrdMap<KeyRef, Use> {
        &self.uses
    }

    pub(crate) fn uses_mut(&mut self) -> &mut imbl::OrdMap<KeyRef, Use> {
        &mut self.uses
    }

    /// All custom key stores, by account and ID.
    pub fn key_stores(&self) -> &imbl::OrdMap<StoreRef, Arc<CustomKeyStore>> {
        self.key_stores.by_id()
    }

    pub(crate) fn key_stores_mut(&mut self) -> &mut KeyStores {
        &mut self.key_stores
    }

    pub(crate) fn gone(&self, key: &KeyRef) -> Option<&Gone> {
        self.gone.get(key)
    }

    /// What peers have not acknowledged, by peer.
    pub fn feeds(&self) -> &imbl::OrdMap<RegionName, Feed> {
        &self.feeds
    }

    /// The next agreed step.
    pub fn apply(&mut self, entry: &Entry) -> Outcome {
        self.advance_to(entry.at);
        match &entry.change {
            Change::Facts { facts, .. } => facts.iter().for_each(|fact| self.merge(fact)),
            Change::FeedAcknowledged { peer, positions } => {
                if let Some(feed) = self.feeds.get_mut(peer) {
                    feed.acknowledge(positions);
                }
            }
            Change::Tick => {}
            Change::AdvanceClock { ms } => {
                // Time that has been agreed on cannot be taken back.
                let ms = (*ms).max(0);
                self.clock_offset_ms = self.clock_offset_ms.saturating_add(ms);
                self.advance_to(entry.at.plus_ms(ms));
            }
            Change::MaterialExpires { key, material } => self.end_life(key, material),
            Change::ManagedKey(change) => crate::managed_key::apply(self, change),
            Change::KeysUsed { uses } => self.note_uses(uses),
            Change::AutomaticRotation(change) => crate::automatic_rotation::apply(self, change),
            Change::Request(change) => return Outcome::Answered(ops::apply(self, change)),
        }
        Outcome::Done
    }

    /// Stores a changed key and whatever follows from the change: the pending
    /// material's state, the switch of a rotation, the facts that are due to
    /// other regions, and the deadlines.
    pub(crate) fn put(&mut self, mut key: Key) {
        let before = self.keys.get(&key.key).cloned();
        match &key.role {
            Role::Primary { reports, .. } => {
                key.shared.settle(reports, &key.held_ids(), self.now);
                if let Some(Deletion::AfterReplicas { window_days }) = key.deletion
                    && key.shared.replicas.is_empty()
                {
                    key.deletion = Some(Deletion::At(self.now.plus_days(window_days.into())));
                }
                let published = before.as_ref().map(|before| &before.shared);
                if published != Some(&key.shared) {
                    if published.is_none_or(|it| it.version == key.shared.version) {
                        key.shared.version = key.shared.next_version();
                    }
                    key.drop_unregistered();
                    for peer in key.shared.replicas.keys() {
                        self.mark(peer, key.key, FactKind::Shared);
                    }
                }
            }
            Role::Replica { joined } => {
                let mut report = key.report_now(&self.name, *joined);
                if key.report.as_ref() != Some(&report) {
                    report.sequence += 1;
                    let same = |last: &ReplicaReport| last.applied == report.applied;
                    let silent =
                        key.report.as_ref().is_some_and(same) && is_planted(Bug::ReportForgotten);
                    key.report = Some(report);
                    if !silent {
                        self.mark(&key.shared.primary, key.key, FactKind::Report);
                    }
                }
            }
        }
        self.unindex(before.as_deref());
        self.index(&key);
        self.keys.insert(key.key, Arc::new(key));
    }

    /// Puts a key into a view as it is, with nothing that follows from it.
    pub(crate) fn show(&mut self, key: Arc<Key>) {
        self.keys.insert(key.key, key);
    }

    /// Deletes a key for good, with its aliases; a multi-Region key leaves a
    /// tombstone, and a replica's primary is told.
    fn remove(&mut self, reference: &KeyRef) {
        let Some(key) = self.keys.remove(reference) else {
            return;
        };
        self.uses.remove(reference);
        self.unindex(Some(&key));
        for name in &key.aliases {
            self.aliases.remove(&AliasRef {
                account: reference.account,
                name: name.clone(),
            });
        }
        if !key.shared.multi_region {
            return;
        }
        let joined = match &key.role {
            Role::Replica { joined } => *joined,
            Role::Primary { .. } => key.shared.version,
        };
        let mut report = key.report_now(&self.name, joined);
        report.sequence += 1;
        report.state = ReportedState::Gone;
        report.held.clear();
        self.gone.insert(*reference, Gone { joined, report });
        if matches!(key.role, Role::Replica { .. }) {
            self.mark(&key.shared.primary, *reference, FactKind::Report);
        }
    }

    /// A fact about a key is due to a peer.
    pub(crate) fn mark(&mut self, peer: &RegionName, key: KeyRef, kind: FactKind) {
        let mut feed = self.feeds.get(peer).cloned().unwrap_or_default();
        feed.mark(key, kind, self.now);
        self.feeds.insert(peer.clone(), feed);
    }
}
