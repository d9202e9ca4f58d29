//! What can be wrong: a closed list of kinds, as data.
//!
//! Probabilities are parts of a thousand, so that a fault compares and prints
//! exactly.

use serde::{Deserialize, Serialize};

use crate::calls::Calls;
use crate::delay::Delay;

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Nothing passes between two regions.
    LinkCut {
        /// Which way.
        link: Link,
    },
    /// Everything between two regions takes longer.
    LinkDelay {
        /// Which way.
        link: Link,
        /// By how much, in milliseconds.
        delay_ms: u64,
    },
    /// Everything between two regions takes longer, each message by another
    /// time.
    LinkJitter {
        /// Which way.
        link: Link,
        /// By how much.
        delay: Delay,
    },
    /// Messages between two regions are lost.
    LinkLoss {
        /// Which way.
        link: Link,
        /// How many of a thousand.
        per_mille: u16,
    },
    /// Messages between two regions arrive twice.
    LinkDuplicate {
        /// Which way.
        link: Link,
        /// How many of a thousand.
        per_mille: u16,
    },
    /// Messages between two regions overtake each other.
    LinkReorder {
        /// Which way.
        link: Link,
        /// Each arrives up to this much later, in milliseconds.
        spread_ms: u64,
    },
    /// Messages between two regions wait until the fault ends, and then all
    /// arrive.
    LinkHold {
        /// Which way.
        link: Link,
    },
    /// A link that is cut and whole in turns.
    LinkFlap {
        /// Which way.
        link: Link,
        /// Milliseconds of one cut and one whole time together.
        period_ms: u64,
    },
    /// A node does not reach the other nodes of its region, nor they it; other
    /// regions and clients still do.
    NodeCut {
        /// The node.
        node: Place,
    },
    /// A node is dead; when the fault ends it starts again, from its disk.
    NodeCrash {
        /// The node.
        node: Place,
    },
    /// A node stands still and goes on when the fault ends, knowing of nothing.
    NodePause {
        /// The node.
        node: Place,
    },
    /// The region's leader is replaced, once, when the fault begins.
    LeaderChange {
        /// The region.
        region: String,
    },
    /// A node's clock is wrong.
    ClockSkew {
        /// The node.
        node: Place,
        /// By how many milliseconds; negative when it is behind.
        skew_ms: i64,
    },
    /// A node's clock stands still.
    ClockFreeze {
        /// The node.
        node: Place,
    },
    /// The time of a region moves forward, once, when the fault begins; of all
    /// regions when none is named.
    TimeTravel {
        /// The region.
        region: Option<String>,
        /// By how many milliseconds.
        ms: u64,
    },
    /// A leader's proposals are never committed, and it does not learn that.
    ProposalLost {
        /// The region.
        region: String,
        /// How many of a thousand.
        per_mille: u16,
    },
    /// A leader's proposals are committed, and it does not learn that.
    ProposalUnanswered {
        /// The region.
        region: String,
        /// How many of a thousand.
        per_mille: u16,
    },
    /// Reads are answered from an older view, though not from one before the
    /// fault began; writes are decided on the agreed state all the same.
    StaleReads {
        /// The region.
        region: String,
        /// One node of it; all of them when none is named.
        node: Option<u64>,
        /// How old the view is, in milliseconds.
        lag_ms: u64,
        /// How many reads of a thousand.
        per_mille: u16,
    },
    /// The front door refuses calls with an AWS code before they have any effect.
    Refuse {
        /// Which calls.
        calls: Calls,
        /// AWS's code, such as `ThrottlingException`.
        code: String,
    },
    /// The front door carries calls out and loses their answers.
    LoseAnswer {
        /// Which calls.
        calls: Calls,
    },
    /// The front door answers calls later.
    SlowAnswer {
        /// Which calls.
        calls: Calls,
        /// By how much, in milliseconds.
        delay_ms: u64,
    },
}

/// A link between two regions, or between two nodes of one region, which are
/// named `region/ID`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The sender.
    pub from: String,
    /// The receiver.
    pub to: String,
    /// The opposite direction too.
    pub both_directions: bool,
}

/// A node of a region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The region.
    pub region: String,
    /// The node's ID within its region.
    pub node: u64,
}

impl Link {
    pub(crate) fn carries(&self, from: &str, to: &str) -> bool {
        (self.from == from && self.to == to)
            || (self.both_directions && self.from == to && self.to == from)
    }
}

impl Place {
    /// Is this one end of a link between two nodes, which are named
    /// `region/ID`?
    pub(crate) fn is_end(&self, name: &str) -> bool {
        let named = name.split_once('/');
        named.is_some_and(|(region, node)| self.region == region && node.parse() == Ok(self.node))
    }

    pub(crate) fn is(&self, region: &str, node: u64) -> bool {
        self.node == node && self.region == region
    }
}

impl Kind {
    /// Names of all kinds, in the order of the list above.
    pub const NAMES: [&'static str; 21] = [
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
    ];

    /// A short name for reports.
    pub fn name(&self) -> &'static str {
        Kind::NAMES[self.number()]
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
        }
    }

    /// The region inside of which this kind is wrong, if it is one region.
    pub fn region(&self) -> Option<&str> {
        match self {
            Kind::NodeCut { node }
            | Kind::NodeCrash { node }
            | Kind::NodePause { node }
            | Kind::ClockSkew { node, .. }
            | Kind::ClockFreeze { node } => Some(&node.region),
            Kind::LeaderChange { region }
            | Kind::ProposalLost { region, .. }
            | Kind::ProposalUnanswered { region, .. }
            | Kind::StaleReads { region, .. } => Some(region),
            Kind::Refuse { calls, .. }
            | Kind::LoseAnswer { calls }
            | Kind::SlowAnswer { calls, .. } => Some(&calls.region),
            Kind::TimeTravel { region, .. } => region.as_deref(),
            Kind::LinkCut { link }
            | Kind::LinkDelay { link, .. }
            | Kind::LinkJitter { link, .. }
            | Kind::LinkLoss { link, .. }
            | Kind::LinkDuplicate { link, .. }
            | Kind::LinkReorder { link, .. }
            | Kind::LinkHold { link }
            | Kind::LinkFlap { link, .. } => Some(link.from.split_once('/')?.0),
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
            | Kind::LinkFlap { link, .. } => Some(link),
            Kind::NodeCut { .. }
            | Kind::NodeCrash { .. }
            | Kind::NodePause { .. }
            | Kind::LeaderChange { .. }
            | Kind::ClockSkew { .. }
            | Kind::ClockFreeze { .. }
            | Kind::TimeTravel { .. }
            | Kind::ProposalLost { .. }
            | Kind::ProposalUnanswered { .. }
            | Kind::StaleReads { .. }
            | Kind::Refuse { .. }
            | Kind::LoseAnswer { .. }
            | Kind::SlowAnswer { .. } => None,
        }
    }
}
