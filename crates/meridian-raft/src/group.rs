//! The handle a node proposes and reads through.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;

use crate::{
    GroupConfig, HandleError, Machine, NodeId, ProposeError, ReadError, Status, TransferError,
    Transport,
};

/// A running node of a group. Clones are cheap and name the same node; it runs until
/// [`stop`](Group::stop), not until the last clone is dropped.
pub struct Group<O> {
    outcome: PhantomData<fn() -> O>,
}

impl<O> Clone for Group<O> {
    fn clone(&self) -> Self {
        unimplemented!()
    }
}

impl<O: Send + Sync + 'static> Group<O> {
    /// Opens the node's log, brings the machine to the last snapshot and joins the group. On the
    /// first start of a group its member with the smallest id founds it.
    ///
    /// Fails when the directory cannot be opened, is in use, was written by an unknown version,
    /// or does not belong to this node.
    pub async fn start<M: Machine<Outcome = O>>(
        config: GroupConfig,
        machine: M,
        transport: Arc<dyn Transport>,
    ) -> anyhow::Result<Self> {
        let _ = (config, machine, transport);
        unimplemented!()
    }

    /// Proposes an entry and waits until it is committed and applied here. Returns its index in
    /// the log and what the machine answered.
    pub async fn propose(&self, entry: Bytes) -> Result<(u64, O), ProposeError> {
        let _ = entry;
        unimplemented!()
    }

    /// Confirms with a majority, or by a valid lease, that this node leads. A machine that has
    /// applied the returned index has seen every write answered before this call began; wait for
    /// it with [`wait_applied`](Group::wait_applied).
    pub async fn read_index(&self) -> Result<u64, ReadError> {
        unimplemented!()
    }

    /// Follows the index of the last entry applied to the machine.
    pub fn applied(&self) -> watch::Receiver<u64> {
        unimplemented!()
    }

    /// Waits until the machine has applied `index`; `false` when `timeout` passes first or the
    /// node has stopped.
    pub async fn wait_applied(&self, index: u64, timeout: Duration) -> bool {
        let _ = (index, timeout);
        unimplemented!()
    }

    /// The node's picture of its group right now.
    pub fn status(&self) -> Status {
        unimplemented!()
    }

    /// Follows the node's picture of its group. [`Status::fatal`] tells when only a restart
    /// helps; the channel closes when the node has stopped.
    pub fn status_watch(&self) -> watch::Receiver<Status> {
        unimplemented!()
    }

    /// Waits until the node's Raft core or disk fails for good and says why; never returns while
    /// the node is well. `None` when it was stopped.
    pub async fn failed(&self) -> Option<String> {
        unimplemented!()
    }

    /// Answers a message of a peer, as its [`Transport`] delivered it.
    pub async fn handle(&self, kind: u32, payload: Bytes) -> Result<Bytes, HandleError> {
        let _ = (kind, payload);
        unimplemented!()
    }

    /// Asks `target` to take over the leadership. Returns once the request is under way; follow
    /// [`status_watch`](Group::status_watch) for the change. If the target is too far behind or
    /// unreachable, an ordinary election follows.
    pub async fn transfer_leadership(&self, target: NodeId) -> Result<(), TransferError> {
        let _ = target;
        unimplemented!()
    }

    /// Stands for election at once, if the peers would grant it.
    pub async fn trigger_election(&self) {
        unimplemented!()
    }

    /// Takes a snapshot and then shortens the log. Returns once that is under way; follow
    /// [`Status::snapshot`].
    pub async fn trigger_snapshot(&self) {
        unimplemented!()
    }

    /// Stops the node and releases its directory: it can be opened again right away. Harmless
    /// when repeated.
    pub async fn stop(&self) {
        unimplemented!()
    }
}
