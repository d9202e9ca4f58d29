//! Feeding one peer region: wait for the value to change, ask it what the peer
//! has not acknowledged, push exactly that.
//!
//! The task owns no truth. What is due stands in the region's own feed; the
//! positions in flight are forgotten with the leadership, which only makes the
//! next leader push again. Several batches may be under way: merging does not
//! care for their order.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use meridian_chaos::Telling;
use meridian_crypto::OsEntropy;
use meridian_kms::replication::about::About;
use meridian_kms::replication::feeding::Feeding;
use meridian_kms::{Change, Region, RegionName};
use tokio::time::Instant;

use crate::core::Core;
use crate::leadership::{until_leading, until_not_leading};

/// Runs until the node stops.
pub async fn run(core: Arc<Core>, peer: RegionName) {
    let mut status = core.status.clone();
    while until_leading(&mut status).await {
        let mut leading = core.status.clone();
        tokio::select! {
            biased;
            () = until_not_leading(&mut leading) => {}
            () = feed(&core, &peer) => return,
        }
    }
}

/// Feeds the peer while this node leads. Returns when the node stops.
async fn feed(core: &Core, peer: &RegionName) {
    let mut views = core.view.follow();
    let mut pushes = FuturesUnordered::new();
    let mut commits = FuturesUnordered::new();
    let mut feeding = Feeding::default();
    let began = Instant::now();
    let now_ms = || u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    loop {
        let region = views.borrow_and_update().clone();
        let withholding = core.faults.withholding();
        while let Some((positions, push)) = next_push(core, &region, peer, &mut feeding, now_ms()) {
            pushes.push(async move { (positions, push.await) });
        }
        let wake_at = feeding
            .wake_at_ms()
            .map(|ms| began + Duration::from_millis(ms));
        tokio::select! {
            changed = views.changed() => if changed.is_err() { return },
            Some((positions, result)) = pushes.next(), if !pushes.is_empty() => {
                let result: Result<(), crate::links::LinkError> = result;
                if let Err(error) = &result {
                    tracing::debug!(%peer, error = error.0, "push failed");
                }
                feeding.pushed(&positions, result.is_ok(), now_ms());
            }
            () = core.faults.until(|set, now| set.withholding(now) != withholding),
                if !withholding.is_empty() => {}
            Some(positions) = commits.next(), if !commits.is_empty() => {
                let positions: Vec<u64> = positions;
                feeding.acknowledgement_ended(&positions);
            }
            () = tokio::time::sleep_until(wake_at.unwrap_or_else(Instant::now)),
                if wake_at.is_some() =>
            {
                if let Some(positions) = feeding.acknowledgement(now_ms()) {
                    commits.push(acknowledge(core, peer, positions));
                }
            }
        }
    }
}

type Push = futures::future::BoxFuture<'static, Result<(), crate::links::LinkError>>;

/// The next batch, if anything is due that is not on its way.
fn next_push(
    core: &Core,
    region: &Region,
    peer: &RegionName,
    feeding: &mut Feeding,
    now_ms: u64,
) -> Option<(Vec<u64>, Push)> {
    let mut withheld = |about: &About| {
        let way = (core.region.as_str(), peer.as_str());
        core.faults.withholds(way, &telling(about))
    };
    let withheld: Option<&mut dyn FnMut(&About) -> bool> = match core.faults.is_calm() {
        true => None,
        false => Some(&mut withheld),
    };
    let vault = &core.vault;
    let batch = feeding.next_batch(region, peer, vault, &mut OsEntropy, now_ms, withheld);
    let outgoing = match batch {
        Ok(outgoing) => outgoing?,
        Err(error) => {
            tracing::error!(%peer, %error, "facts cannot be sealed for the peer");
            return None;
        }
    };
    let push: Push = if outgoing.facts.is_empty() {
        // Marks that have become moot need no peer.
        Box::pin(async { Ok(()) })
    } else {
        core.links.push(peer, outgoing.facts)
    };
    Some((outgoing.positions, push))
}

/// What a fault wants to know of a fact.
fn telling(about: &About) -> Telling {
    let ends = (about.creates, about.hands_over, about.prepares);
    Telling::new(&about.key.id, ends, &about.held, &about.waiting)
}

/// Commits what the peer has acknowledged. If that fails, the facts are pushed
/// again, which is harmless.
async fn acknowledge(core: &Core, peer: &RegionName, positions: Vec<u64>) -> Vec<u64> {
    let change = Change::FeedAcknowledged {
        peer: peer.clone(),
        positions: positions.clone(),
    };
    if let Err(error) = core.propose(change).await {
        tracing::debug!(%peer, ?error, "acknowledgement not committed");
    }
    positions
}
