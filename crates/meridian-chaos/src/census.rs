//! What every kind of fault has: a name and a number, and where it is wrong.

use crate::kind::Kind;
use crate::place::{Link, Place};

/// Where a kind is wrong that is not between regions.
enum Inside<'k> {
    Node(&'k Place),
    Region(&'k str),
}

impl Kind {
    /// Names of all kinds, in the order of the list above.
    pub const NAMES: [&'static str; 32] = [
        "link cut",
        "link delay",
        "link jitter",
        "link loss",
        "link duplicate",
        "link reorder",
        "link hold",
        "link flap",
        "node cut",
        "node crash",
        "node pause",
        "leader change",
        "clock skew",
        "clock freeze",
        "time travel",
        "proposal lost",
        "proposal unanswered",
        "stale reads",
        "refuse",
        "lose answer",
        "slow answer",
        "stretch",
        "material hold",
        "tokens expire",
        "material expire",
        "node replace",
        "node slow start",
        "link bandwidth",
        "reset",
        "disk slow",
        "disk full",
        "disk flush fails",
    ];

    /// A short name for reports.
    pub fn name(&self) -> &'static str {
        Kind::NAMES[self.number()]
    }

    /// What is wrong as data, without the name of the kind.
    pub fn details(&self) -> serde_json::Value {
        let value = serde_json::to_value(self).expect("names and numbers are representable");
        match value {
            serde_json::Value::Object(named) => named.into_iter().map(|(_, it)| it).next(),
            other => Some(other),
        }
        .unwrap_or_default()
    }

    /// The place of this kind in [`Kind::NAMES`].
    pub fn number(&self) -> usize {
        match self {
            Kind::LinkCut { .. } => 0,
            Kind::LinkDelay { .. } => 1,
            Kind::LinkJitter { .. } => 2,
            Kind::LinkLoss { .. } => 3,
            Kind::LinkDuplicate { .. } => 4,
            Kind::LinkReorder { .. } => 5,
            Kind::LinkHold { .. } => 6,
            Kind::LinkFlap { .. } => 7,
            Kind::NodeCut { .. } => 8,
            Kind::NodeCrash { .. } => 9,
            Kind::NodePause { .. } => 10,
            Kind::LeaderChange { .. } => 11,
            Kind::ClockSkew { .. } => 12,
            Kind::ClockFreeze { .. } => 13,
            Kind::TimeTravel { .. } => 14,
            Kind::ProposalLost { .. } => 15,
            Kind::ProposalUnanswered { .. } => 16,
            Kind::StaleReads { .. } => 17,
            Kind::Refuse { .. } => 18,
            Kind::LoseAnswer { .. } => 19,
            Kind::SlowAnswer { .. } => 20,
            Kind::Stretch { .. } => 21,
            Kind::MaterialHold { .. } => 22,
            Kind::TokensExpire { .. } => 23,
            Kind::MaterialExpire { .. } => 24,
            Kind::NodeReplace { .. } => 25,
            Kind::NodeSlowStart { .. } => 26,
            Kind::LinkBandwidth { .. } => 27,
            Kind::Reset { .. } => 28,
            Kind::DiskSlow { .. } => 29,
            Kind::DiskFull { .. } => 30,
            Kind::DiskFlushFails { .. } => 31,
        }
    }

    /// The node that this kind is wrong at for as long as it lasts, if it is one
    /// node: it strikes by being there.
    pub fn node(&self) -> Option<&Place> {
        match self.inside()? {
            Inside::Node(node) => Some(node),
            Inside::Region(_) => None,
        }
    }

    /// The region inside of which this kind is wrong, if it is one region.
    pub fn region(&self) -> Option<&str> {
        Some(match self.inside()? {
            Inside::Node(node) => &node.region,
            Inside::Region(region) => region,
        })
    }

    fn inside(&self) -> Option<Inside<'_>> {
        match self {
            Kind::NodeCut { node }
            | Kind::NodeCrash { node }
            | Kind::NodePause { node }
            | Kind::NodeReplace { node }
            | Kind::NodeSlowStart { node, .. }
            | Kind::DiskSlow { node, .. }
            | Kind::DiskFull { node }
            | Kind::DiskFlushFails { node }
            | Kind::ClockSkew { node, .. }
            | Kind::ClockFreeze { node } => Some(Inside::Node(node)),
            Kind::LeaderChange { region }
            | Kind::ProposalLost { region, .. }
            | Kind::ProposalUnanswered { region, .. }
            | Kind::TokensExpire { region, .. }
            | Kind::MaterialExpire { region, .. }
            | Kind::StaleReads { region, .. } => Some(Inside::Region(region)),
            Kind::Refuse { calls, .. }
            | Kind::LoseAnswer { calls }
            | Kind::Reset { calls }
            | Kind::SlowAnswer { calls, .. } => Some(Inside::Region(&calls.region)),
            Kind::TimeTravel { region, .. } => region.as_deref().map(Inside::Region),
            // Between regions: inside of each, all is well.
            Kind::Stretch { .. } | Kind::MaterialHold { .. } => None,
            Kind::LinkCut { link }
            | Kind::LinkDelay { link, .. }
            | Kind::LinkJitter { link, .. }
            | Kind::LinkLoss { link, .. }
            | Kind::LinkDuplicate { link, .. }
            | Kind::LinkReorder { link, .. }
            | Kind::LinkHold { link }
            | Kind::LinkFlap { link, .. }
            | Kind::LinkBandwidth { link, .. } => {
                let (region, _) = link.from.split_once('/')?;
                Some(Inside::Region(region))
            }
        }
    }

    /// The link that this kind is about, if it is about one.
    pub fn link(&self) -> Option<&Link> {
        match self {
            Kind::LinkCut { link }
            | Kind::LinkDelay { link, .. }
            | Kind::LinkJitter { link, .. }
            | Kind::LinkLoss { link, .. }
            | Kind::LinkDuplicate { link, .. }
            | Kind::LinkReorder { link, .. }
            | Kind::LinkHold { link }
            | Kind::LinkFlap { link, .. }
            | Kind::LinkBandwidth { link, .. } => Some(link),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_inside_a_region_is_wrong_inside_it_and_one_between_regions_is_not() {
        let cut = |from: &str, to: &str| Kind::LinkCut {
            link: Link {
                from: from.into(),
                to: to.into(),
                both_directions: true,
            },
        };
        assert_eq!(cut("us-east-1", "eu-west-1").region(), None);
        assert_eq!(
            cut("us-east-1/1", "us-east-1/2").region(),
            Some("us-east-1")
        );
    }
}
