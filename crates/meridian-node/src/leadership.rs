//! Background work of a region is the leader's: tasks wait here until this
//! node leads, and notice when it no longer does.

use meridian_raft::Status;
use tokio::sync::watch;

/// Waits until this node leads. False when the node has stopped.
pub async fn until_leading(status: &mut watch::Receiver<Status>) -> bool {
    status.wait_for(Status::is_leader).await.is_ok()
}

/// Waits until this node does not lead, or has stopped.
pub async fn until_not_leading(status: &mut watch::Receiver<Status>) {
    // A closed channel means that the node has stopped: not leading either.
    let _ = status.wait_for(|status| !status.is_leader()).await;
}
