//! Where something can be wrong: on a link, or at a node.

use serde::{Deserialize, Serialize};

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
