//! The handle a node proposes and reads through.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use openraft::ReadPolicy;
use openraft::errors::{ClientWriteError, ForwardReason, LinearizableReadError, RaftError};
use openraft::raft::ClientWriteResponse;

use crate::ground::Ground;
use crate::node::Node;
use crate::runtime::watch;
use crate::types::{Data, Types};
use crate::{
    GroupConfig, HandleError, Machine, NodeId, ProposeError, ReadError, Status, TransferError,
    Transport,
};

/// A running node of a group. Clones are cheap and name the same node; it runs until
/// [`stop`](Group::stop), not until the last clone is dropped.
pub struct Group<O> {
    pub(crate) node: Arc<Node>,
    outcome: PhantomData<fn() -> O>,
}

impl<O> Clone for Group<O> {
    fn clone(&self) -> Self {
        Self {
            node: Arc::clone(&self.node),
            outcome: PhantomData,
        }
    }
}

impl<O> fmt::Debug for Group<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Group(node {})", self.node.inbox.node_id)
    }
}

impl<O: Send + Sync + 'static> Group<O> {
    /// Opens the node's log, brings the machine to the last snapshot and joins the group. On the
    /// first start of a group its member with the smallest id founds it.
    ///
    /// Messages of peers that arrive before this returns may be refused; they are sent again.
    ///
    /// Fails when the directory cannot be opened, is in use, was written by an unknown version,
    /// or belongs to another node; and when it is damaged and the group has no other node. With
    /// other nodes, a damaged directory is renamed to `<directory>.damaged-<n>` and filled again
    /// by them.
    pub async fn start<M: Machine<Outcome = O>>(
        config: GroupConfig,
        machine: M,
        transport: Arc<dyn Transport>,
    ) -> anyhow::Result<Self> {
        let opening = Ground::open(config.clone());
        Self::on(opening, config, machine, transport).await
    }

    /// The same on stores opened by the caller.
    pub(crate) async fn on<M: Machine<Outcome = O>>(
        opening: impl Future<Output = anyhow::Result<Ground>>,
        config: GroupConfig,
        machine: M,
        transport: Arc<dyn Transport>,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            node: Node::start(config, opening, Box::new(machine), transport).await?,
            outcome: PhantomData,
        })
    }

    /// Proposes an entry and waits until it is committed and applied here. Returns its index in
    /// the log and what the machine answered.
    ///
    /// A leader that no majority has confirmed lately refuses with
    /// [`NotLeader`](ProposeError::NotLeader), after a last try to be confirmed. Once proposed, an
    /// entry waits as long as no majority answers: put a time limit around it, and take its passing,
    /// or dropping the future, for [`ProposeError::Unknown`].
    pub async fn propose(&self, entry: Bytes) -> Result<(u64, O), ProposeError> {
        if self.node.is_stopping() {
            return Err(ProposeError::Stopped);
        }
        let mut written = self.node.raft.client_write(Data(entry.clone())).await;
        if is_unconfirmed(&written) {
            // A leader just elected, or one that a busy machine kept from its heartbeats: nothing
            // was appended, and a majority may confirm it within moments.
            self.read_index().await.map_err(|error| match error {
                ReadError::NotLeader { leader } => ProposeError::NotLeader { leader },
                ReadError::NoQuorum(_) => ProposeError::NotLeader { leader: None },
                ReadError::Stopped => ProposeError::Stopped,
            })?;
            written = self.node.raft.client_write(Data(entry)).await;
        }
        let response = written.map_err(|error| match error {
            RaftError::APIError(ClientWriteError::ForwardToLeader(forward)) => {
                ProposeError::NotLeader {
                    leader: forward.leader_id,
                }
            }
            other => ProposeError::Unknown(other.to_string()),
        })?;
        let outcome = response.data.0.and_then(|any| any.downcast::<O>().ok());
        match outcome {
            Some(outcome) => Ok((response.log_id.index, *outcome)),
            None => Err(ProposeError::Unknown("no outcome was kept".to_owned())),
        }
    }

    /// Confirms with a majority that this node still leads. A machine that has applied the
    /// returned index has seen every write answered before this call began; wait for it with
    /// [`wait_applied`](Group::wait_applied).
    pub async fn read_index(&self) -> Result<u64, ReadError> {
        let confirmed = self.node.raft.get_read_linearizer(ReadPolicy::ReadIndex);
        match confirmed.await {
            Ok(confirmed) => Ok(confirmed.read_log_id().index()),
            Err(RaftError::APIError(LinearizableReadError::ForwardToLeader(forward))) => {
                Err(ReadError::NotLeader {
                    leader: forward.leader_id,
                })
            }
            Err(RaftError::APIError(LinearizableReadError::QuorumNotEnough(quorum))) => {
                Err(ReadError::NoQuorum(quorum.to_string()))
            }
            Err(RaftError::Fatal(_)) => Err(ReadError::Stopped),
        }
    }

    /// Follows the index of the last entry applied to the machine. The channel closes when the
    /// node has stopped.
    pub fn applied(&self) -> watch::Receiver<u64> {
        self.node.applied.clone()
    }

    /// Waits until the machine has applied `index`; `false` when `timeout` passes first or the
    /// node has stopped.
    pub async fn wait_applied(&self, index: u64, timeout: Duration) -> bool {
        let mut applied = self.applied();
        let reached = applied.wait_for(|applied| *applied >= index);
        matches!(tokio::time::timeout(timeout, reached).await, Ok(Ok(_)))
    }

    /// The node's picture of its group right now.
    pub fn status(&self) -> Status {
        self.node.status()
    }

    /// Follows the node's picture of its group, as it changes with the log, the term or the
    /// leader. The channel closes when the node has stopped.
    pub fn status_watch(&self) -> watch::Receiver<Status> {
        self.node.status.clone()
    }

    /// Waits until the node's Raft core or disk fails for good and says why: only a new start
    /// helps, after [`stop`](Group::stop). `None` when the node is stopped while well.
    pub async fn failed(&self) -> Option<String> {
        let mut status = self.status_watch();
        let failed = status.wait_for(|status| status.fatal.is_some()).await;
        failed.ok()?.fatal.clone()
    }

    /// Answers a message of a peer, as its [`Transport`] delivered it.
    pub async fn handle(&self, kind: u32, payload: Bytes) -> Result<Bytes, HandleError> {
        if self.node.is_stopping() {
            return Err(HandleError::Stopped);
        }
        self.node.inbox.handle(kind, payload).await
    }

    /// Asks `target` to take over the leadership. Returns once the request is under way; follow
    /// [`status_watch`](Group::status_watch) for the change. If the target is too far behind or
    /// unreachable, an ordinary election follows. The leader itself as target changes nothing.
    pub async fn transfer_leadership(&self, target: NodeId) -> Result<(), TransferError> {
        let status = self.status();
        if !status.is_leader() {
            return Err(TransferError::NotLeader {
                leader: status.leader,
            });
        }
        if !self.node.raft.voter_ids().any(|voter| voter == target) {
            return Err(TransferError::NotMember(target));
        }
        if target == status.node_id {
            // openraft would wait for itself, and propose nothing meanwhile.
            return Ok(());
        }
        let asked = self.node.raft.trigger().transfer_leader(target).await;
        asked.map_err(|_| TransferError::Stopped)
    }

    /// Stands for election at once, if the peers would grant it. Does nothing on a node that
    /// leads, has stopped, or is still catching up after it lost its log.
    pub async fn trigger_election(&self) {
        if !self.node.catch_up.is_behind() {
            // Fails only when the core has ended: there is nothing left to elect.
            drop(self.node.raft.trigger().elect(true).await);
        }
    }

    /// Takes a snapshot and then shortens the log. Returns once that is under way; follow
    /// [`Status::snapshot`].
    pub async fn trigger_snapshot(&self) {
        // Fails only when the core has ended: there is nothing left to keep.
        drop(self.node.raft.trigger().snapshot().await);
    }

    /// Stops the node and releases its directory: it can be opened again right away. Harmless
    /// when repeated.
    pub async fn stop(&self) {
        self.node.stop().await;
    }
}

type Written = Result<ClientWriteResponse<Types>, RaftError<Types, ClientWriteError<Types>>>;

/// Whether a leader refused because no majority has confirmed it lately.
fn is_unconfirmed(written: &Written) -> bool {
    matches!(
        written,
        Err(RaftError::APIError(ClientWriteError::ForwardToLeader(forward)))
            if forward.reason == ForwardReason::LeaseExpired
    )
}
