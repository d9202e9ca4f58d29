//! Keeping older values of the region while a fault has reads answered from
//! them: wait for the value or the faults to change, keep what is there.

use std::sync::Arc;

use tokio::time::Instant;

use crate::clock::machine_now_ms;
use crate::core::{Core, LEADER_TIMEOUT};

/// Runs until the node stops.
pub async fn run(core: Arc<Core>) {
    let mut views = core.view.follow();
    let mut faults = core.faults.follow();
    // What the log of before the start held may be older than a fault allows.
    while !core.barrier(Instant::now() + LEADER_TIMEOUT).await {
        core.pause(Instant::now() + LEADER_TIMEOUT).await;
    }
    loop {
        let now = machine_now_ms();
        let region = core.region.as_str();
        let lag_ms = faults
            .borrow_and_update()
            .longest_lag_ms(region, core.node_id, now);
        // Read first: what is seen then is no older.
        let index = *core.group.applied().borrow();
        core.view.keep(lag_ms, index);
        tokio::select! {
            changed = views.changed() => if changed.is_err() { return },
            changed = faults.changed() => if changed.is_err() { return },
        }
    }
}
