//! Time that changes something by itself: the leader sleeps until the region's
//! next deadline and proposes what is due then.

use std::sync::Arc;
use std::time::Duration;

use meridian_crypto::OsEntropy;
use meridian_kms::Region;

use crate::core::Core;
use crate::leadership::{until_leading, until_not_leading};

/// The machine's clock may be set while the task sleeps: it looks again after
/// this time.
const SLEEP_MAX: Duration = Duration::from_secs(1);

/// Pause when a proposal failed while this node still leads.
const RETRY: Duration = Duration::from_millis(100);

/// Runs until the node stops.
pub async fn run(core: Arc<Core>) {
    let mut status = core.status.clone();
    while until_leading(&mut status).await {
        let mut leading = core.status.clone();
        tokio::select! {
            biased;
            () = until_not_leading(&mut leading) => {}
            () = tick(&core) => return,
        }
    }
}

async fn tick(core: &Core) {
    let mut views = core.view.follow();
    loop {
        let region = views.borrow_and_update().clone();
        match sleep_needed(core, &region) {
            None => {
                if views.changed().await.is_err() {
                    return;
                }
            }
            Some(Duration::ZERO) => {
                let now = core.now(&region);
                for change in region.plan_due(now, &core.vault, &mut OsEntropy) {
                    if let Err(error) = core.propose(change).await {
                        tracing::debug!(?error, "tick not committed");
                        tokio::time::sleep(RETRY).await;
                        break;
                    }
                }
            }
            Some(sleep) => {
                tokio::select! {
                    changed = views.changed() => if changed.is_err() { return },
                    () = tokio::time::sleep(sleep) => {}
                }
            }
        }
    }
}

/// How long until something is due; nothing when nothing ever is.
fn sleep_needed(core: &Core, region: &Region) -> Option<Duration> {
    let left_ms = region.next_deadline()?.0.saturating_sub(core.now(region).0);
    let left = Duration::from_millis(u64::try_from(left_ms).unwrap_or(0));
    Some(left.min(SLEEP_MAX))
}
