//! What the active faults make of a node, of a leader's proposals and of a
//! front door.

use crate::odds::Odds;
use crate::{Faults, Kind};

/// The condition of one node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// Dead.
    pub down: bool,
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

/// What the front door does with one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reception {
    /// Carries it out.
    Pass,
    /// Refuses it with this AWS code, before it has any effect.
    Refuse(String),
    /// Carries it out and loses the answer.
    LoseAnswer,
}

impl Faults {
    /// The condition that a node is in now.
    pub fn condition(&self, region: &str, node: u64, now_ms: i64) -> Condition {
        let mut condition = Condition::default();
        for fault in self.iter(now_ms) {
            match &fault.kind {
                Kind::NodeCrash { node: it } if it.is(region, node) => condition.down = true,
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

    /// Decides about a call that comes to a region's front door now.
    pub fn reception(&self, region: &str, now_ms: i64, odds: &mut dyn Odds) -> Reception {
        for fault in self.iter(now_ms) {
            let reception = match &fault.kind {
                Kind::Refuse {
                    region: it,
                    code,
                    per_mille,
                } if it == region && odds.per_mille(*per_mille) => Reception::Refuse(code.clone()),
                Kind::LoseAnswer {
                    region: it,
                    per_mille,
                } if it == region && odds.per_mille(*per_mille) => Reception::LoseAnswer,
                _ => continue,
            };
            odds.struck(&fault.kind);
            return reception;
        }
        Reception::Pass
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::odds::tests::Counting;
    use crate::{Fault, Place};

    fn with(kinds: Vec<Kind>) -> Faults {
        let mut faults = Faults::default();
        for (number, kind) in kinds.into_iter().enumerate() {
            let id = number.to_string();
            let ends_at_ms = Some(10);
            faults.add(Fault {
                id,
                kind,
                ends_at_ms,
            });
        }
        faults
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
    fn proposals_and_calls_suffer_in_their_own_region_only() {
        let region = || "us-east-1".to_owned();
        let faults = with(vec![
            Kind::ProposalLost {
                region: region(),
                per_mille: 1000,
            },
            Kind::Refuse {
                region: region(),
                code: "ThrottlingException".into(),
                per_mille: 1000,
            },
        ]);
        let mut odds = Counting::default();
        let lost = faults.proposal("us-east-1", 0, &mut odds);
        assert_eq!(lost, ProposalFate::Lost);
        let refused = faults.reception("us-east-1", 0, &mut odds);
        assert_eq!(refused, Reception::Refuse("ThrottlingException".into()));
        assert_eq!(odds.struck, ["proposal lost", "refuse"]);
        let elsewhere = faults.proposal("eu-west-1", 0, &mut odds);
        assert_eq!(elsewhere, ProposalFate::Answered);
        let later = faults.reception("us-east-1", 10, &mut odds);
        assert_eq!(later, Reception::Pass);
    }
}
