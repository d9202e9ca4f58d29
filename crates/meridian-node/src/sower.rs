//! The keys of a seed where every node is a process: the leader of each region
//! puts there what the region has to have. What comes from another region is
//! waited for; what is there is left as it is, so it does not matter how many
//! leaders a region has meanwhile.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use meridian_seed::Seed;

use crate::kms::NodeKms;
use crate::leadership::until_leading;
use crate::local_cluster::{AllRegions, LocalRegion};
use crate::seeding;

/// Pause before the leader tries again.
const RETRY: Duration = Duration::from_secs(1);

/// Runs until the region has its part of the keys, or the node stops.
pub async fn run(kms: NodeKms, seed: Seed) {
    let region = kms.core().region.clone();
    let mut status = kms.core().status.clone();
    let nodes = vec![Arc::new(Mutex::new(Some(kms)))];
    let own = Arc::new(LocalRegion { nodes });
    let regions = AllRegions {
        regions: BTreeMap::from([(region.clone(), own)]),
    };
    let mut said = String::new();
    while until_leading(&mut status).await {
        let Err(error) = seeding::apply_to(&seed, &region, &regions).await else {
            tracing::info!(%region, "the keys of the seed are there");
            return;
        };
        let error = format!("{error:#}");
        if error != said {
            tracing::warn!(%region, error, "the keys of the seed are not there yet");
            said = error;
        }
        tokio::time::sleep(RETRY).await;
    }
}
