//! Keeps a node that has lost its log from doing harm.
//!
//! A member acknowledges entries, and a majority of acknowledgements commits them. A member whose
//! store is gone (an ephemeral node restarted, a directory replaced) has broken those promises
//! without knowing it: if it voted, a candidate without a committed entry could win. So a node
//! whose disk knew nothing when it started, and that meets a group that has a history, takes
//! nothing from a leader before the others have told it where the group stands (`recovery.rs`), and
//! neither votes nor stands for election until it holds everything committed up to there, or
//! something that a later leader has committed, which includes everything committed before.
//!
//! In a group being founded nobody has a history, and all vote: but whoever knows nothing votes
//! only for the founder, and only while it has nothing but the founding entry. To any other
//! candidate, however short its log, a group has listened before: if the first leader is lost
//! before it has reached every member, there may be no other until it is back. One thing cannot be
//! told: a founder that lost its disk, alone with members that never had anything on theirs, founds
//! a second group. A node put in the place of another is to be started as one that joins
//! ([`GroupConfig::joins`]): it is behind from the beginning.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};

use openraft::RaftMetrics;
use openraft::raft::{AppendEntriesRequest, VoteRequest};

use crate::engine::Change;
use crate::log_store::Log;
use crate::node::Raft;
use crate::recovery::Standpoint;
use crate::types::{LogId, Types, Vote};
use crate::writer::Writer;
use crate::{GroupConfig, NodeId};

/// Entry 0 founds the group and entry 1 is the first leader's own; to a leader who has sent only
/// these nothing was acknowledged that could be lost.
const HISTORY_BEGINS: u64 = 2;

/// Whether this node is catching up, and how it gets into and out of it.
pub(crate) struct CatchUp {
    node_id: NodeId,
    /// Who founds the group.
    founder: Option<NodeId>,
    writer: Writer,
    /// Whether this node may have known more in an earlier life, and has yet to meet its group.
    fresh: AtomicBool,
    progress: Mutex<Progress>,
}

/// How far a node has come back.
#[derive(Clone, Copy, Debug)]
enum Progress {
    /// It never fell behind, or has caught up.
    Level,
    /// It does not know where its group stands.
    Asking,
    /// It is being filled up to there.
    Filling(Standpoint),
}

impl CatchUp {
    pub(crate) fn new(config: &GroupConfig, log: &Log, writer: Writer, behind: bool) -> Self {
        let founder = config.founder();
        let is_founder = founder == Some(config.node_id);
        // A founder writes its first vote before it has met anybody, and adopts the next from
        // an answer: only an election that it won shows that the disk is the old one. Others
        // write none before they are asked.
        let promised = log.vote().is_some_and(|vote| {
            !is_founder || vote.committed && vote.leader_id.node_id == config.node_id
        });
        let knows_nothing = log.last().is_none_or(|last| last.index == 0);
        Self {
            node_id: config.node_id,
            founder,
            fresh: AtomicBool::new(knows_nothing && !promised),
            progress: Mutex::new(match behind {
                true => Progress::Asking,
                false => Progress::Level,
            }),
            writer,
        }
    }

    /// Whether this node must not vote.
    pub(crate) fn is_behind(&self) -> bool {
        !matches!(*self.progress(), Progress::Level)
    }

    /// Whether this node may have promised what it does not remember.
    pub(crate) fn may_have_forgotten(&self) -> bool {
        self.is_behind() || self.fresh.load(Ordering::Acquire)
    }

    /// Whether this node has to ask where its group stands.
    pub(crate) fn is_asking(&self) -> bool {
        matches!(*self.progress(), Progress::Asking)
    }

    /// The others have said where the group stands.
    pub(crate) fn learned(&self, standpoint: Standpoint) {
        let mut progress = self.progress();
        if let Progress::Asking = *progress {
            *progress = Progress::Filling(standpoint);
        }
    }

    /// Whether this node may take entries from a leader with this vote.
    pub(crate) fn admits(&self, leader: &Vote) -> bool {
        match &*self.progress() {
            Progress::Level => true,
            Progress::Asking => false,
            Progress::Filling(standpoint) => *leader >= standpoint.leader,
        }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().expect("no holder of this lock panics")
    }

    /// A candidate asks for this node's vote.
    pub(crate) async fn on_vote(
        &self,
        raft: &Raft,
        request: &VoteRequest<Types>,
    ) -> io::Result<()> {
        let founding = Some(request.vote.leader_id.node_id) == self.founder
            && request.last_log_id.is_none_or(|last| last.index == 0);
        self.fall_behind_if(raft, !founding).await
    }

    /// This node has given its vote: unless it is behind, it has helped to found the group.
    pub(crate) fn on_granted(&self) {
        self.fresh.store(false, Ordering::Release);
    }

    /// A leader sends entries.
    pub(crate) async fn on_append(
        &self,
        raft: &Raft,
        request: &AppendEntriesRequest<Types>,
    ) -> io::Result<()> {
        let history = has_history(request.leader_commit.as_ref())
            || has_history(request.prev_log_id.as_ref())
            || has_history(request.entries.last().map(|entry| &entry.log_id));
        self.fall_behind_if(raft, history).await
    }

    /// A leader sends a snapshot: there is always a history in it.
    pub(crate) async fn on_snapshot(&self, raft: &Raft) -> io::Result<()> {
        self.fall_behind_if(raft, true).await
    }

    async fn fall_behind_if(&self, raft: &Raft, history: bool) -> io::Result<()> {
        if history && self.fall_behind() {
            tracing::warn!(
                node = self.node_id,
                "no log here, but the group has one: not voting until it is caught up"
            );
            raft.runtime_config().elect(false);
            self.write_down(true).await?;
        }
        Ok(())
    }

    /// Whether this node was fresh. At no moment is it neither that nor behind.
    fn fall_behind(&self) -> bool {
        let mut progress = self.progress();
        let was_fresh = self.fresh.swap(false, Ordering::AcqRel);
        if was_fresh {
            *progress = Progress::Asking;
        }
        was_fresh
    }

    async fn write_down(&self, behind: bool) -> io::Result<()> {
        self.writer.write_durably(Change::CatchingUp(behind)).await
    }

    /// Looks whether the node has caught up, and if so lets it vote again.
    pub(crate) async fn on_metrics(
        &self,
        raft: &Raft,
        metrics: &RaftMetrics<Types>,
    ) -> io::Result<()> {
        if metrics.vote.committed && metrics.vote.leader_id.node_id == self.node_id {
            // Elected by those who know.
            self.fresh.store(false, Ordering::Release);
        }
        let Progress::Filling(standpoint) = *self.progress() else {
            return Ok(());
        };
        let is_filled = |committed| standpoint.is_reached(committed);
        if metrics.vote.committed && metrics.local_committed.is_some_and(is_filled) {
            // Queued after the entries themselves, so it cannot be durable before they are.
            self.write_down(false).await?;
            *self.progress() = Progress::Level;
            raft.runtime_config().elect(true);
            tracing::info!(node = self.node_id, "caught up: voting again");
        }
        Ok(())
    }
}

fn has_history(last: Option<&LogId>) -> bool {
    last.is_some_and(|last| last.index >= HISTORY_BEGINS)
}
