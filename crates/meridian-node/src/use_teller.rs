//! Telling the region which keys this node has used: now and then, and before
//! this node is asked for it.

use std::sync::Arc;
use std::time::Duration;

use meridian_kms::{Change, Entry, Timestamp};
use meridian_proto::v1::NodeNoteUsesRequest;
use tokio::time::Instant;

use crate::core::{Core, LEADER_TIMEOUT};
use crate::key_uses::USES_PER_ENTRY_MAX;

/// How far GetKeyLastUsage may be behind uses at other nodes of the region.
const EVERY: Duration = Duration::from_secs(10);

/// How long the leader may take to commit them.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Runs until the node stops.
pub async fn run(core: Arc<Core>) {
    loop {
        tokio::time::sleep(EVERY).await;
        tell(&core).await;
    }
}

/// Tells what is not told yet. What the region does not commit is kept for the
/// next time.
pub async fn tell(core: &Core) {
    let uses = core.uses.take();
    for part in uses.chunks(USES_PER_ENTRY_MAX) {
        let uses = part.to_vec();
        if !commit(core, Change::KeysUsed { uses }).await {
            core.uses.put_back(part.to_vec());
        }
    }
}

async fn commit(core: &Core, change: Change) -> bool {
    let Some(leader) = core.leader(Instant::now() + LEADER_TIMEOUT).await else {
        return false;
    };
    if leader == core.node_id {
        return core.propose(change).await.is_ok();
    }
    let Some(address) = core.directory.address(&core.region, leader) else {
        return false;
    };
    let Ok(client) = core.directory.client(address) else {
        return false;
    };
    let entry = Entry {
        at: Timestamp::default(),
        change,
    };
    let message = NodeNoteUsesRequest {
        uses: entry.encode().into(),
    };
    let asked = core.ask_node(leader, TIMEOUT, move || {
        let (mut client, message) = (client.clone(), message.clone());
        Box::pin(async move { client.note_uses(message).await })
    });
    asked.await.is_ok()
}
