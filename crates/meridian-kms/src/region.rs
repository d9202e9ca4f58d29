//! A region as a value: everything that its nodes have agreed on.
//!
//! [`Region::apply`] is the only way to change it and needs no secret, no
//! randomness and no clock, so it is the same on every node. `Region::put`
//! is the only way a key changes, and derives from the change whatever other
//! regions must be told. Maps are persistent: a clone is cheap and an old one
//! stays valid.

use std::sync::Arc;

use meridian_crypto::{Entropy, MaterialId, Vault};
use serde::{Deserialize, Serialize};

use crate::alias::Alias;
use crate::arn::{AliasRef, KeyRef, RegionName};
use crate::error::KmsError;
use crate::key::{Deletion, Key, Role};
use crate::key_set::Origin;
use crate::key_store::stores::KeyStores;
use crate::key_store::{CustomKeyStore, StoreRef};
use crate::last_usage::Use;
use crate::ops::{self, Change, Response};
use crate::planted::{Bug, is_planted};
use crate::replication::fact::{Fact, FactError, Gone, ReplicaReport, ReportedState, SharedFact};
use crate::replication::feed::{FactKind, Feed};
use crate::time::Timestamp;

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

/// A batch of facts for one peer.
pub struct Outgoing {
    /// Feed positions that the peer's commit of this batch acknowledges.
    pub positions: Vec<u64>,
    /// The encoded facts; fewer than positions where a mark has become moot.
    pub facts: Vec<Vec<u8>>,
}

/// Facts in one pushed batch, at most.
pub const FACTS_PER_BATCH_MAX: usize = 64;

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

    /// When does time alone change something: a deletion, an expiry, an
    /// automatic rotation, or a connection to a key store?
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let deadline = self.deadlines.get_min().map(|(at, _)| *at);
        let rotation = self.rotations_due.get_min().map(|(at, _)| *at);
        let connection = self.key_stores.next_deadline();
        deadline.into_iter().chain(rotation).chain(connection).min()
    }

    /// Moves the committed time forward, never back, and carries out what
    /// falls due, each at its own time and in order.
    pub fn advance_to(&mut self, now: Timestamp) {
        while let Some((at, key)) = self
            .deadlines
            .get_min()
            .copied()
            .filter(|(at, _)| *at <= now)
        {
            self.now = self.now.max(at);
            self.expire(&key);
        }
        self.now = self.now.max(now);
        while let Some(store) = self.key_stores.first_due(self.now).cloned() {
            self.settle_connection(&store);
        }
    }

    /// True when a clock at `now` would make [`Region::advance_to`] do more
    /// than move the time.
    pub fn is_due(&self, now: Timestamp) -> bool {
        let deadline = self.deadlines.get_min().map(|(at, _)| *at);
        let first = deadline.into_iter().chain(self.key_stores.next_deadline());
        first.min().is_some_and(|at| at <= now)
    }

    /// Keys whose automatic rotation is due at `now`.
    pub(crate) fn rotations_due(&self, now: Timestamp) -> impl Iterator<Item = &Arc<Key>> {
        let due = self
            .rotations_due
            .iter()
            .take_while(move |(at, _)| *at <= now);
        due.filter_map(|(_, key)| self.keys.get(key))
    }

    fn expire(&mut self, reference: &KeyRef) {
        let Some(key) = self.keys.get(reference) else {
            return;
        };
        if let Some(Deletion::At(at)) = key.deletion
            && at <= self.now
        {
            self.remove(reference);
            return;
        }
        let mut key = Key::clone(key);
        for held in key.held.values_mut() {
            if held.expires.is_some_and(|expires| expires <= self.now) {
                held.sealed = None;
            }
        }
        self.put(key);
    }

    /// Ends the life of imported material that is here.
    fn end_life(&mut self, reference: &KeyRef, material: &MaterialId) {
        let now = self.now;
        let Some(key) = self.keys.get(reference) else {
            return;
        };
        if key.shared.origin != Origin::External || key.sealed(material).is_none() {
            return;
        }
        let mut key = Key::clone(key);
        if let Some(held) = key.held.get_mut(material) {
            held.expires = Some(held.expires.map_or(now, |expires| expires.min(now)));
        }
        self.put(key);
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

    fn index(&mut self, key: &Key) {
        if let Some(at) = key.deadline() {
            self.deadlines.insert((at, key.key));
        }
        if let Some(at) = key.rotation_due(&self.name) {
            self.rotations_due.insert((at, key.key));
        }
    }

    fn unindex(&mut self, key: Option<&Key>) {
        let Some(key) = key else { return };
        if let Some(at) = key.deadline() {
            self.deadlines.remove(&(at, key.key));
        }
        if let Some(at) = key.rotation_due(&self.name) {
            self.rotations_due.remove(&(at, key.key));
        }
    }

    /// The next facts for a peer, leaving out the positions in flight. Opens
    /// and seals generated material for the peer.
    pub fn outgoing(
        &self,
        peer: &RegionName,
        vault: &Vault,
        entropy: &mut dyn Entropy,
        in_flight: impl Fn(u64) -> bool,
    ) -> Result<Outgoing, FactError> {
        let mut outgoing = Outgoing {
            positions: Vec::new(),
            facts: Vec::new(),
        };
        let Some(feed) = self.feeds.get(peer) else {
            return Ok(outgoing);
        };
        let due = feed.due().filter(|(position, _)| !in_flight(*position));
        for (position, due) in due.take(FACTS_PER_BATCH_MAX) {
            let fact = match due.kind {
                FactKind::Shared => self.shared_fact(&due.key, peer, vault, entropy)?,
                FactKind::Report => self.report_fact(&due.key),
            };
            outgoing.positions.push(position);
            outgoing.facts.extend(fact.map(|fact| fact.encode()));
        }
        Ok(outgoing)
    }

    fn shared_fact(
        &self,
        key: &KeyRef,
        peer: &RegionName,
        vault: &Vault,
        entropy: &mut dyn Entropy,
    ) -> Result<Option<Fact>, FactError> {
        let Some(key) = self.keys.get(key) else {
            return Ok(None);
        };
        // Only the author may say this; a mark from before a hand-over is moot.
        let Role::Primary { joining, .. } = &key.role else {
            return Ok(None);
        };
        let mut sealed = std::collections::BTreeMap::new();
        let travels = key.shared.origin == Origin::AwsKms;
        if travels || is_planted(Bug::ImportedMaterialSent) {
            for (id, held) in &key.held {
                let Some(own) = &held.sealed else { continue };
                let for_peer = vault
                    .seal_for_region(peer.as_str(), &key.key.id, id, own, entropy)
                    .map_err(|error| FactError::Material(error.to_string()))?;
                sealed.insert(*id, for_peer);
            }
        }
        Ok(Some(Fact::Shared(Box::new(SharedFact {
            key: key.key,
            shared: key.shared.clone(),
            attributes: joining.get(peer).cloned(),
            sealed,
        }))))
    }

    fn report_fact(&self, key: &KeyRef) -> Option<Fact> {
        let report = match self.keys.get(key) {
            Some(key) if matches!(key.role, Role::Replica { .. }) => key.report.clone(),
            Some(_) => None,
            None => self.gone.get(key).map(|gone| gone.report.clone()),
        };
        report.map(Fact::Report)
    }

    /// Turns a pushed batch into the change that merges it: material in it is
    /// opened and sealed under this region's root key before it is proposed.
    ///
    /// All of it, also what is here already: this node's view may be older than
    /// the state that the change will meet, and a key that was deleted in
    /// between starts again with what the fact brings.
    pub fn plan_facts<'b>(
        &self,
        from: &RegionName,
        facts: impl IntoIterator<Item = &'b [u8]>,
        vault: &Vault,
        entropy: &mut dyn Entropy,
    ) -> Result<Change, FactError> {
        let mut accepted = Vec::new();
        for bytes in facts {
            let mut fact = Fact::decode(bytes)?;
            if let Fact::Shared(shared) = &mut fact {
                for (id, sealed) in &mut shared.sealed {
                    *sealed = vault
                        .accept_from_region(from.as_str(), &shared.key.id, id, sealed, entropy)
                        .map_err(|error| FactError::Material(error.to_string()))?;
                }
            }
            accepted.push(fact);
        }
        Ok(Change::Facts {
            from: from.clone(),
            facts: accepted,
        })
    }

    /// Rebuilds what is not stored.
    pub(crate) fn reindex(&mut self) {
        let keys: Vec<Arc<Key>> = self.keys.values().cloned().collect();
        for key in keys {
            self.index(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::fixture::{DAY_MS, START, TestRegion, region};
    use crate::ops::Change;
    use crate::replication::fact::FactError;

    #[test]
    fn committed_time_never_goes_back() {
        let mut us = TestRegion::new("us-east-1");
        us.pass_days(1);
        us.now = START;
        us.commit(Change::Tick);
        assert_eq!(us.region.now(), START.plus_days(1));
        us.commit(Change::AdvanceClock { ms: -DAY_MS });
        assert_eq!(us.region.now(), START.plus_days(1));
        assert_eq!(us.region.clock_offset_ms(), 0);
    }

    #[test]
    fn a_clock_that_is_moved_forward_carries_out_what_falls_due() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        us.schedule_deletion(&key).unwrap();
        us.commit(Change::AdvanceClock { ms: 8 * DAY_MS });
        assert_eq!(us.region.clock_offset_ms(), 8 * DAY_MS);
        assert_eq!(us.region.now(), START.plus_days(8));
        assert_eq!(us.state(&key), "gone");
    }

    #[test]
    fn the_next_deadline_is_the_earliest_of_all() {
        let mut us = TestRegion::new("us-east-1");
        assert_eq!(us.region.next_deadline(), None);
        let rotating = us.create();
        us.enable_rotation(&rotating, Some(90)).unwrap();
        assert_eq!(us.region.next_deadline(), Some(START.plus_days(90)));
        let doomed = us.create();
        us.schedule_deletion(&doomed).unwrap();
        assert_eq!(us.region.next_deadline(), Some(START.plus_days(7)));
        assert!(!us.region.is_due(START.plus_ms(7 * DAY_MS - 1)));
        assert!(us.region.is_due(START.plus_days(7)));
        us.cancel_deletion(&doomed).unwrap();
        assert!(
            !us.region.is_due(START.plus_days(90)),
            "a rotation is not carried out by time"
        );
        us.disable(&rotating).unwrap();
        assert_eq!(us.region.next_deadline(), None);
    }

    #[test]
    fn what_falls_due_happens_in_its_own_order_at_its_own_time() {
        let mut us = TestRegion::new("us-east-1");
        let (key, _) = us.create_imported(false, 1);
        let valid_to = us.now.plus_days(3);
        us.import_as(&key, 1, |request| {
            request.expiration_model = Some("KEY_MATERIAL_EXPIRES".into());
            request.valid_to = Some(valid_to.to_proto());
        })
        .unwrap();
        us.schedule_deletion(&key).unwrap();
        us.pass_days(5);
        assert_eq!(us.state(&key), "PendingDeletion");
        us.cancel_deletion(&key).unwrap();
        assert_eq!(
            us.state(&key),
            "PendingImport",
            "it has expired all the same"
        );
    }

    #[test]
    fn imported_material_whose_life_is_ended_is_gone_with_the_next_step_of_time() {
        let mut us = TestRegion::new("us-east-1");
        let (key, material) = us.create_imported(false, 1);
        let change = Change::MaterialExpires {
            key: us.reference(&key),
            material: material.parse().unwrap(),
        };
        us.commit(change.clone());
        us.commit(Change::Tick);
        assert_eq!(us.state(&key), "PendingImport");
        us.import(&key, 1, "EXISTING_KEY_MATERIAL").unwrap();
        us.commit(Change::Tick);
        assert_eq!(us.state(&key), "Enabled", "it lives again");
        let generated = us.create();
        let id = us.describe(&generated).current_key_material_id.unwrap();
        us.commit(Change::MaterialExpires {
            key: us.reference(&generated),
            material: id.parse().unwrap(),
        });
        us.commit(Change::Tick);
        assert_eq!(us.state(&generated), "Enabled", "it was not imported");
    }

    #[test]
    fn a_fact_that_is_none_is_refused_whole() {
        let mut us = TestRegion::new("us-east-1");
        let mut plan = |bytes: &[u8]| {
            us.region
                .plan_facts(&region("eu-west-1"), [bytes], &us.vault, &mut us.entropy)
        };
        assert_eq!(plan(b"").err(), Some(FactError::Malformed("empty".into())));
        assert_eq!(plan(b"\x02{}").err(), Some(FactError::Version(2)));
        assert!(matches!(
            plan(b"\x01{}").err(),
            Some(FactError::Malformed(_))
        ));
    }

    #[test]
    fn there_is_nothing_to_send_to_a_region_that_nobody_shares_a_key_with() {
        let mut us = TestRegion::new("us-east-1");
        us.create();
        let peer = region("eu-west-1");
        let outgoing = us
            .region
            .outgoing(&peer, &us.vault, &mut us.entropy, |_| false)
            .unwrap();
        assert!(outgoing.positions.is_empty() && outgoing.facts.is_empty());
    }
}
