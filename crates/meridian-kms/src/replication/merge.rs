//! What a region makes of a fact. Merging is idempotent and commutative: an
//! older or repeated fact changes nothing, so loss, repetition and reordering
//! delay convergence and cannot change its result (R3, R7).

use std::collections::BTreeMap;

use crate::arn::RegionName;
use crate::key::{Key, Role};
use crate::key_set::Version;
use crate::material::Held;
use crate::planted::{Bug, is_planted};
use crate::region::Region;
use crate::replication::fact::{Fact, ReplicaReport, ReportedState, SharedFact};
use crate::replication::feed::FactKind;
use crate::replication::hand_over;

impl Region {
    /// Merges one fact that a peer has pushed.
    pub(crate) fn merge(&mut self, fact: &Fact) {
        match fact {
            Fact::Shared(fact) => self.merge_shared(fact),
            Fact::Report(report) => self.merge_report(report),
        }
    }

    fn merge_shared(&mut self, fact: &SharedFact) {
        let here = self.name().clone();
        let membership = fact.shared.replicas.get(&here).copied();
        let mut key = match self.key(&fact.key) {
            Some(key)
                if fact.shared.version <= key.shared.version && !is_planted(Bug::OlderFactWins) =>
            {
                return;
            }
            Some(key) => Key::clone(key),
            None => match membership {
                Some(joined) => match self.new_replica(fact, joined) {
                    Some(key) => key,
                    None => return,
                },
                None => return,
            },
        };
        key.adopt(fact.shared.clone());
        for (id, sealed) in &fact.sealed {
            if key.shared.material(id).is_some() {
                let held = Held {
                    sealed: Some(sealed.clone()),
                    expires: None,
                };
                key.held.entry(*id).or_insert(held);
            }
        }
        let succeeds = fact
            .shared
            .hand_over
            .as_ref()
            .is_some_and(|over| over.to == here);
        if succeeds {
            hand_over::accept(&mut key, &here, &fact.shared, self.now());
        } else if let Some(joined) = membership {
            key.role = Role::Replica { joined };
        } else {
            return;
        }
        self.put(key);
    }

    /// The key that a fact brings to this region, unless the fact speaks of a
    /// membership that has ended here: then the primary is told again.
    fn new_replica(&mut self, fact: &SharedFact, joined: Version) -> Option<Key> {
        let gone = self.gone(&fact.key).cloned();
        if gone.as_ref().is_some_and(|gone| gone.joined >= joined) {
            self.mark(&fact.shared.primary, fact.key, FactKind::Report);
            return None;
        }
        let mut key = Key::new(fact.key, self.now(), fact.shared.clone());
        if let Some(attributes) = fact.attributes.clone() {
            key.description = attributes.description;
            key.policy = attributes.policy.into();
            key.tags = attributes.tags;
        }
        key.role = Role::Replica { joined };
        key.report = gone.map(|gone| gone.report);
        Some(key)
    }

    fn merge_report(&mut self, report: &ReplicaReport) {
        let Some(known) = self.key(&report.key) else {
            return;
        };
        let mut key = Key::clone(known);
        if key.shared.replicas.get(&report.region) != Some(&report.joined) {
            return;
        }
        let Role::Primary {
            reports,
            joining,
            taking_over_from,
        } = &mut key.role
        else {
            return;
        };
        if is_old(reports, report) {
            return;
        }
        joining.remove(&report.region);
        match report.state {
            ReportedState::Here(_) => {
                let confirmed = report.applied.epoch >= key.shared.version.epoch;
                if confirmed && taking_over_from.as_ref() == Some(&report.region) {
                    *taking_over_from = None;
                }
                reports.insert(report.region.clone(), report.clone());
            }
            ReportedState::Gone => {
                if taking_over_from.as_ref() == Some(&report.region) {
                    *taking_over_from = None;
                }
                hand_over::cancel_if_successor_is_gone(&mut key, &report.region, report.applied);
                if key.shared.hand_over.is_some() {
                    // Not the author's to change: the successor hears of it
                    // when its first fact meets the tombstone.
                    return;
                }
                key.shared.replicas.remove(&report.region);
                if let Role::Primary { reports, .. } = &mut key.role {
                    reports.remove(&report.region);
                }
            }
        }
        self.put(key);
    }
}

/// Reports of one membership are ordered by their sequence.
fn is_old(known: &BTreeMap<RegionName, ReplicaReport>, report: &ReplicaReport) -> bool {
    known
        .get(&report.region)
        .is_some_and(|known| known.joined == report.joined && known.sequence >= report.sequence)
}
