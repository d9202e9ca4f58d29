//! Feeding one peer region: wait for the value to change, ask it what the peer
//! has not acknowledged, push exactly that.
//!
//! The task owns no truth. What is due stands in the region's own feed; the
//! positions in flight are forgotten with the leadership, which only makes the
//! next leader push again. Several batches may be under way: merging does not
//! care for their order.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use meridian_crypto::OsEntropy;
use meridian_kms::{Change, Region, RegionName};
use tokio::time::Instant;

use crate::core::Core;
use crate::leadership::{until_leading, until_not_leading};

/// Batches on the way to one peer, at most.
const IN_FLIGHT_MAX: usize = 8;

/// Acknowledgements are committed together: at the latest after this time.
const ACKNOWLEDGE_AFTER: Duration = Duration::from_millis(20);

/// Pause after a failed push, doubled with every further one.
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(1);

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

/// What a leader has done and not yet committed as acknowledged.
struct Progress {
    in_flight: BTreeSet<u64>,
    acknowledged: BTreeSet<u64>,
    /// Acknowledged, and on their way through the log.
    committing: BTreeSet<u64>,
    /// When the acknowledgements are committed.
    commit_at: Option<Instant>,
    /// When pushing goes on after a failure.
    resume_at: Option<Instant>,
    retry: Duration,
}

impl Progress {
    fn is_taken(&self, position: u64) -> bool {
        self.in_flight.contains(&position)
            || self.acknowledged.contains(&position)
            || self.committing.contains(&position)
    }
}

/// Feeds the peer while this node leads. Returns when the node stops.
async fn feed(core: &Core, peer: &RegionName) {
    let mut views = core.view.follow();
    let mut pushes = FuturesUnordered::new();
    let mut commits = FuturesUnordered::new();
    let mut progress = Progress {
        in_flight: BTreeSet::new(),
        acknowledged: BTreeSet::new(),
        committing: BTreeSet::new(),
        commit_at: None,
        resume_at: None,
        retry: RETRY_FIRST,
    };
    loop {
        let region = views.borrow_and_update().clone();
        while progress.resume_at.is_none() && pushes.len() < IN_FLIGHT_MAX {
            let Some((positions, push)) = next_push(core, &region, peer, &mut progress) else {
                break;
            };
            pushes.push(async move { (positions, push.await) });
        }
        let commit_at = progress.commit_at;
        let resume_at = progress.resume_at;
        tokio::select! {
            changed = views.changed() => if changed.is_err() { return },
            Some((positions, result)) = pushes.next(), if !pushes.is_empty() => {
                finish(peer, &mut progress, positions, result);
            }
            () = tokio::time::sleep_until(commit_at.unwrap_or_else(Instant::now)),
                if commit_at.is_some() =>
            {
                commits.push(acknowledge(core, peer, &mut progress));
            }
            Some(positions) = commits.next(), if !commits.is_empty() => {
                progress.committing.retain(|position| !positions.contains(position));
            }
            () = tokio::time::sleep_until(resume_at.unwrap_or_else(Instant::now)),
                if resume_at.is_some() =>
            {
                progress.resume_at = None;
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
    progress: &mut Progress,
) -> Option<(Vec<u64>, Push)> {
    let is_taken = |position| progress.is_taken(position);
    let outgoing = match region.outgoing(peer, &core.vault, &mut OsEntropy, is_taken) {
        Ok(outgoing) => outgoing,
        Err(error) => {
            tracing::error!(%peer, %error, "facts cannot be sealed for the peer");
            progress.resume_at = Some(Instant::now() + RETRY_MAX);
            return None;
        }
    };
    if outgoing.positions.is_empty() {
        return None;
    }
    progress.in_flight.extend(&outgoing.positions);
    let push: Push = if outgoing.facts.is_empty() {
        // Marks that have become moot need no peer.
        Box::pin(async { Ok(()) })
    } else {
        core.links.push(peer, outgoing.facts)
    };
    Some((outgoing.positions, push))
}

fn finish(
    peer: &RegionName,
    progress: &mut Progress,
    positions: Vec<u64>,
    result: Result<(), crate::links::LinkError>,
) {
    for position in &positions {
        progress.in_flight.remove(position);
    }
    match result {
        Ok(()) => {
            progress.retry = RETRY_FIRST;
            progress.acknowledged.extend(positions);
            progress
                .commit_at
                .get_or_insert(Instant::now() + ACKNOWLEDGE_AFTER);
        }
        Err(error) => {
            tracing::debug!(%peer, error = error.0, "push failed");
            progress.resume_at = Some(Instant::now() + progress.retry);
            progress.retry = (progress.retry * 2).min(RETRY_MAX);
        }
    }
}

/// Commits what the peer has acknowledged. If that fails, the facts are pushed
/// again, which is harmless.
fn acknowledge<'a>(
    core: &'a Core,
    peer: &'a RegionName,
    progress: &mut Progress,
) -> impl Future<Output = Vec<u64>> + use<'a> {
    progress.commit_at = None;
    let acknowledged = std::mem::take(&mut progress.acknowledged);
    let positions: Vec<u64> = acknowledged.iter().copied().collect();
    progress.committing.extend(acknowledged);
    async move {
        let change = Change::FeedAcknowledged {
            peer: peer.clone(),
            positions: positions.clone(),
        };
        if let Err(error) = core.propose(change).await {
            tracing::debug!(%peer, ?error, "acknowledgement not committed");
        }
        positions
    }
}
