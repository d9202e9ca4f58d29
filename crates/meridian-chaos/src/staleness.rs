//! From which view of a region a read is answered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::odds::Odds;
use crate::{Faults, Kind};

/// A part of a region that may be older than the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Property {
    /// Enabled, disabled, waiting to be deleted.
    KeyState,
    /// Where aliases lead.
    Alias,
    /// Tags of keys.
    Tag,
    /// Key policies.
    Policy,
    /// What the regions of a set share.
    SharedProperties,
    /// Which material is here.
    Materials,
    /// Grants: a new one is not in force yet but for who shows its token, a
    /// retired one still is.
    Grants,
}

/// How old the view is that answers a read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Staleness {
    /// The whole of it, in milliseconds.
    pub whole_ms: Option<u64>,
    /// Parts of it, in milliseconds.
    pub of_ms: BTreeMap<Property, u64>,
}

impl Staleness {
    /// It is the newest.
    pub fn is_none(&self) -> bool {
        self.whole_ms.is_none() && self.of_ms.is_empty()
    }

    /// How old the value is whose grants are in force without their tokens, in
    /// milliseconds; nothing for the newest.
    pub fn of_grants_ms(&self) -> Option<u64> {
        let of_grants = self.of_ms.get(&Property::Grants).copied();
        of_grants.max(self.whole_ms)
    }

    /// The parts of the view that are older than the whole of it, in milliseconds;
    /// not the grants, which are looked at by themselves.
    pub fn parts(&self) -> impl Iterator<Item = (Property, u64)> {
        let parts = self.of_ms.iter().map(|(property, ms)| (*property, *ms));
        parts.filter(|(property, ms)| *property != Property::Grants && Some(*ms) > self.whole_ms)
    }

    fn add(&mut self, property: Option<Property>, lag_ms: u64) {
        match property {
            None => self.whole_ms = self.whole_ms.max(Some(lag_ms)),
            Some(property) => {
                let oldest = self.of_ms.entry(property).or_default();
                *oldest = (*oldest).max(lag_ms);
            }
        }
    }
}

impl Faults {
    /// How old the view is that answers a read at a node now.
    pub fn staleness(
        &self,
        region: &str,
        node: u64,
        now_ms: i64,
        odds: &mut dyn Odds,
    ) -> Staleness {
        let mut staleness = Staleness::default();
        for fault in self.iter(now_ms) {
            if let Kind::StaleReads {
                region: it,
                node: only,
                lag_ms,
                per_mille,
                property,
            } = &fault.kind
                && it == region
                && only.is_none_or(|only| only == node)
                && odds.per_mille(*per_mille)
            {
                odds.struck(&fault.kind);
                staleness.add(*property, *lag_ms);
            }
        }
        staleness
    }

    /// The age that a view may have to reach to answer a read at this node, in
    /// milliseconds; nothing while no read is answered from an older view.
    pub fn longest_lag_ms(&self, region: &str, node: u64, now_ms: i64) -> Option<u64> {
        let lags = self.iter(now_ms).filter_map(|fault| match &fault.kind {
            Kind::StaleReads {
                region: it,
                node: only,
                lag_ms,
                ..
            } if it == region && only.is_none_or(|only| only == node) => Some(*lag_ms),
            _ => None,
        });
        lags.max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::odds::tests::Counting;

    fn stale(node: Option<u64>, lag_ms: u64, property: Option<Property>) -> Kind {
        Kind::StaleReads {
            region: "us-east-1".into(),
            node,
            lag_ms,
            per_mille: 1000,
            property,
        }
    }

    #[test]
    fn reads_lag_at_the_named_node_by_the_longest_lag() {
        let faults = fixture::faults([stale(None, 5, None), stale(Some(2), 9, None)], 10);
        let mut odds = Counting::default();
        let mut lag = |node, now_ms| {
            let staleness = faults.staleness("us-east-1", node, now_ms, &mut odds);
            staleness.whole_ms
        };
        assert_eq!((lag(1, 0), lag(2, 0), lag(2, 10)), (Some(5), Some(9), None));
        assert_eq!(faults.longest_lag_ms("us-east-1", 1, 0), Some(5));
        assert_eq!(faults.longest_lag_ms("us-east-1", 2, 0), Some(9));
        assert_eq!(faults.longest_lag_ms("eu-west-1", 2, 0), None);
    }

    #[test]
    fn grants_lag_by_themselves_or_with_the_whole() {
        let of = |kinds: Vec<Kind>| {
            let faults = fixture::faults(kinds, 10);
            let staleness = faults.staleness("us-east-1", 1, 0, &mut Counting::default());
            staleness.of_grants_ms()
        };
        let grants = || stale(None, 7, Some(Property::Grants));
        assert_eq!(of(vec![grants()]), Some(7));
        assert_eq!(of(vec![grants(), stale(None, 9, None)]), Some(9));
    }

    #[test]
    fn a_property_lags_by_itself() {
        let tag = stale(None, 5, Some(Property::Tag));
        let older_tag = stale(None, 7, Some(Property::Tag));
        let alias = stale(None, 9, Some(Property::Alias));
        let faults = fixture::faults([tag, older_tag, alias], 10);
        let staleness = faults.staleness("us-east-1", 1, 0, &mut Counting::default());
        let wanted = BTreeMap::from([(Property::Alias, 9), (Property::Tag, 7)]);
        assert_eq!((staleness.whole_ms, &staleness.of_ms), (None, &wanted));
        assert!(!staleness.is_none());
        assert_eq!(staleness.of_grants_ms(), None);
        let nothing = faults.staleness("us-east-1", 1, 10, &mut Counting::default());
        assert!(nothing.is_none());
    }
}
