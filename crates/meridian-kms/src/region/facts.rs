//! The facts that a region has for its peers, and the change that theirs become
//! here.

use std::collections::BTreeMap;

use meridian_crypto::{Entropy, Vault};

use super::Region;
use crate::arn::{KeyRef, RegionName};
use crate::key::Role;
use crate::key_set::Origin;
use crate::ops::Change;
use crate::planted::{Bug, is_planted};
use crate::replication::fact::{Fact, FactError, SharedFact};
use crate::replication::feed::FactKind;

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
        let mut sealed = BTreeMap::new();
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
}

#[cfg(test)]
mod tests {
    use crate::fixture::{TestRegion, region};
    use crate::replication::fact::FactError;

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
