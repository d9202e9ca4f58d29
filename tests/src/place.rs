//! The nodes of a local cluster.

use std::fmt;

/// The regions of `deploy/local`, in its order.
pub const REGIONS: [&str; 3] = ["us-east-1", "eu-west-1", "ap-southeast-2"];

/// IDs of the nodes of each region.
const IDS: [u64; 3] = [1, 2, 3];

/// Which node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Its region.
    pub region: &'static str,
    /// Its ID in the region.
    pub id: u64,
}

impl Place {
    /// Every node.
    pub fn all() -> impl Iterator<Item = Place> {
        REGIONS.into_iter().flat_map(Place::of)
    }

    /// Every node of a region.
    pub fn of(region: &'static str) -> impl Iterator<Item = Place> {
        IDS.into_iter().map(move |id| Place { region, id })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} node {}", self.region, self.id)
    }
}
