//! What the active faults make of a node and of a leader's proposals.

use crate::odds::Odds;
use crate::{Faults, Kind};

/// The condition of one node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// Dead.
    pub down: bool,
    /// Dead, with its disk.
    pub replaced: bool,
    /// How much longer its start takes, in milliseconds.
    pub start_delay_ms: u64,
    /// How much longer its disk takes to make anything durable, in milliseconds.
    pub disk_delay_ms: u64,
    /// Its disk takes nothing more.
    pub disk_full: bool,
    /// Its disk makes nothing durable.
    pub flush_fails: bool,
    /// Standing still.
    pub paused: bool,
    /// Without contact to the other nodes of its region.
    pub cut: bool,
    /// Its clock stands still.
    pub clock_frozen: bool,
    /// How far its clock is ahead, in milliseconds; negative when behind.
    pub clock_skew_ms: i64,
}

/// What becomes of one proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProposalFate {
    /// Committed and answered.
    Answered,
    /// Committed; the proposer does not learn that.
    Unanswered,
    /// Never committed; the proposer does not learn that.
    Lost,
}

impl Faults {
    /// The condition that a node is in now.
    pub fn condition(&self, region: &str, node: u64, now_ms: i64) -> Condition {
        let mut condition = Condition::default();
        for fault in self.iter(now_ms) {
            match &fault.kind {
                Kind::NodeCrash { node: it } if it.is(region, node) => condition.down = true,
                Kind::NodeReplace { node: it } if it.is(region, node) => {
                    condition.down = true;
                    condition.replaced = true;
                }
                Kind::NodeSlowStart { node: it, delay_ms } if it.is(region, node) => {
                    condition.start_delay_ms = condition.start_delay_ms.max(*delay_ms);
                }
                Kind::DiskSlow { node: it, delay_ms } if it.is(region, node) => {
                    condition.disk_delay_ms = condition.disk_delay_ms.max(*delay_ms);
                }
                Kind::DiskFull { node: it } if it.is(region, node) => condition.disk_full = true,
                Kind::DiskFlushFails { node: it } if it.is(region, node) => {
                    condition.flush_fails = true;
                }
                Kind::NodePause { node: it } if it.is(region, node) => condition.paused = true,
                Kind::NodeCut { node: it } if it.is(region, node) => condition.cut = true,
                Kind::ClockFreeze { node: it } if it.is(region, node) => {
                    condition.clock_frozen = true;
                }
                Kind::ClockSkew { node: it, skew_ms } if it.is(region, node) => {
                    condition.clock_skew_ms = condition.clock_skew_ms.saturating_add(*skew_ms);
                }
                _ => {}
            }
        }
        condition
    }

    /// Decides about a proposal that a region's leader makes now.
    pub fn proposal(&self, region: &str, now_ms: i64, odds: &mut dyn Odds) -> ProposalFate {
        for fault in self.iter(now_ms) {
            let fate = match &fault.kind {
                Kind::ProposalLost {
                    region: it,
                    per_mille,
                } if it == region && odds.per_mille(*per_mille) => ProposalFate::Lost,
                Kind::ProposalUnanswered {
                    region: it,
                    per_mille,
                } if it == region && odds.per_mille(*per_mille) => ProposalFate::Unanswered,
                _ => continue,
            };
            odds.struck(&fault.kind);
            return fate;
        }
        ProposalFate::Answered
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Place;
    use crate::fixture;
    use crate::odds::tests::Counting;

    fn with(kinds: Vec<Kind>) -> Faults {
        fixture::faults(kinds, 10)
    }

    #[test]
    fn what_is_wrong_with_one_node_is_not_wrong_with_another() {
        let node = Place {
            region: "us-east-1".into(),
            node: 2,
        };
        let faults = with(vec![
            Kind::NodePause { node: node.clone() },
            Kind::ClockSkew {
                node: node.clone(),
                skew_ms: -7,
            },
            Kind::ClockSkew { node, skew_ms: 10 },
        ]);
        let wanted = Condition {
            paused: true,
            clock_skew_ms: 3,
            ..Condition::default()
        };
        assert_eq!(faults.condition("us-east-1", 2, 9), wanted);
        assert_eq!(faults.condition("us-east-1", 2, 10), Condition::default());
        assert_eq!(faults.condition("us-east-1", 1, 9), Condition::default());
        assert_eq!(faults.condition("eu-west-1", 2, 9), Condition::default());
    }

    #[test]
    fn a_disk_suffers_all_its_faults_at_once_and_a_replaced_node_is_down() {
        let node = || Place {
            region: "us-east-1".into(),
            node: 2,
        };
        let slow = |delay_ms| Kind::DiskSlow {
            node: node(),
            delay_ms,
        };
        let faults = with(vec![
            slow(3),
            slow(8),
            Kind::DiskFull { node: node() },
            Kind::DiskFlushFails { node: node() },
            Kind::NodeReplace { node: node() },
            Kind::NodeSlowStart {
                node: node(),
                delay_ms: 4,
            },
        ]);
        let wanted = Condition {
            down: true,
            replaced: true,
            start_delay_ms: 4,
            disk_delay_ms: 8,
            disk_full: true,
            flush_fails: true,
            ..Condition::default()
        };
        assert_eq!(faults.condition("us-east-1", 2, 0), wanted);
        assert_eq!(faults.condition("us-east-1", 1, 0), Condition::default());
    }

    #[test]
    fn proposals_suffer_in_their_own_region_only() {
        let faults = with(vec![Kind::ProposalLost {
            region: "us-east-1".into(),
            per_mille: 1000,
        }]);
        let mut odds = Counting::default();
        let lost = faults.proposal("us-east-1", 0, &mut odds);
        assert_eq!(lost, ProposalFate::Lost);
        let elsewhere = faults.proposal("eu-west-1", 0, &mut odds);
        assert_eq!(elsewhere, ProposalFate::Answered);
        let later = faults.proposal("us-east-1", 10, &mut odds);
        assert_eq!(later, ProposalFate::Answered);
        assert_eq!(odds.struck, ["proposal lost"]);
    }
}
