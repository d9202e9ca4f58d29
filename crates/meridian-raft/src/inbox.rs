//! Answers what the other nodes of the group ask.

use std::sync::Arc;

use bytes::Bytes;
use openraft::async_runtime::watch::WatchReceiver as _;
use openraft::errors::RaftError;
use openraft::raft::{VoteRequest, VoteResponse};
use openraft::storage::Snapshot;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io;
use tokio::sync::Mutex;

use crate::catch_up::CatchUp;
use crate::log_store::Log;
use crate::node::Raft;
use crate::record::{decode_versioned, encode_versioned};
use crate::recovery::Recovery;
use crate::runtime::blocking;
use crate::snapshot::{Image, Receiving, SnapshotStore};
use crate::types::{Types, Vote};
use crate::wire::{
    Append, Appended, Candidacy, Known, Piece, PieceWanted, Transfer, Transferred, Voted, kind,
};
use crate::{HandleError, NodeId};

/// See the module.
pub(crate) struct Inbox {
    pub(crate) node_id: NodeId,
    pub(crate) raft: Raft,
    pub(crate) log: Log,
    pub(crate) catch_up: Arc<CatchUp>,
    pub(crate) recovery: Recovery,
    pub(crate) snapshots: Arc<SnapshotStore>,
    /// The snapshot coming in; a leader sends one at a time.
    pub(crate) upload: Mutex<Option<Upload>>,
}

/// A snapshot coming in.
pub(crate) struct Upload {
    leader: Vote,
    upload: u64,
    receiving: Receiving,
}

impl Inbox {
    /// Answers one message.
    pub(crate) async fn handle(&self, kind: u32, payload: Bytes) -> Result<Bytes, HandleError> {
        match kind {
            kind::APPEND => answer(self.append(question(&payload)?).await?),
            kind::VOTE => answer(self.vote(question(&payload)?, false).await?),
            kind::PRE_VOTE => answer(self.vote(question(&payload)?, true).await?),
            kind::SNAPSHOT => answer(self.piece(question(&payload)?).await?),
            kind::TRANSFER => answer(self.transfer(question(&payload)?).await?),
            kind::RECOVERY => {
                question::<()>(&payload)?;
                answer(self.known())
            }
            _ => Err(HandleError::Malformed(format!("unknown kind {kind}"))),
        }
    }

    async fn append(&self, append: Append) -> Result<Appended, HandleError> {
        let request = append.into_request().map_err(malformed)?;
        self.catch_up
            .on_append(&self.raft, &request)
            .await
            .map_err(failed)?;
        self.admit(request.vote).await?;
        let response = self.raft.append_entries(request).await.map_err(ended)?;
        Ok(response.into())
    }

    /// Refuses a leader from which a node that has lost its disk must take nothing: every one,
    /// until the others have said which is the newest.
    async fn admit(&self, leader: Vote) -> Result<(), HandleError> {
        if self.catch_up.is_asking()
            && let Some(standpoint) = self.recovery.ask(leader.leader_id.node_id).await
        {
            self.catch_up.learned(standpoint);
        }
        match self.catch_up.admits(&leader) {
            true => Ok(()),
            false => Err(HandleError::Failed(
                "without what its disk held, and not told yet how far the group is".to_owned(),
            )),
        }
    }

    /// What this node knows, for one that has lost its disk.
    fn known(&self) -> Known {
        let metrics = self.raft.metrics().borrow_watched().clone();
        let vote = self.own_vote();
        let joint = metrics.membership_config.membership().get_joint_config();
        Known {
            ballot: vote.into(),
            leads: metrics.state.is_leader()
                && vote.committed
                && vote.leader_id.node_id == self.node_id,
            behind: self.catch_up.may_have_forgotten(),
            last: self.log.last().map(Into::into),
            voters: joint.clone(),
        }
    }

    async fn vote(&self, candidacy: Candidacy, only_asking: bool) -> Result<Voted, HandleError> {
        let request = VoteRequest::from(candidacy);
        self.catch_up
            .on_vote(&self.raft, &request)
            .await
            .map_err(failed)?;
        let response = if self.catch_up.is_behind() {
            VoteResponse::new(self.own_vote(), self.log.last(), false)
        } else if only_asking {
            self.raft.pre_vote(request).await.map_err(ended)?
        } else {
            let response = self.raft.vote(request).await.map_err(ended)?;
            if response.vote_granted {
                self.catch_up.on_granted();
            }
            response
        };
        Ok(response.into())
    }

    async fn piece(&self, piece: Piece) -> Result<PieceWanted, HandleError> {
        let leader = Vote::from(piece.leader);
        let own = self.own_vote();
        if own > leader {
            let offset = 0;
            let ballot = own.into();
            return Ok(PieceWanted { ballot, offset });
        }
        self.catch_up
            .on_snapshot(&self.raft)
            .await
            .map_err(failed)?;
        self.admit(leader).await?;
        let (offset, complete) = self.receive(leader, piece).await?;
        let mut ballot = leader.into();
        if let Some(image) = complete {
            ballot = self.install(leader, image).await?.into();
        }
        Ok(PieceWanted { ballot, offset })
    }

    /// Puts a piece where it belongs. Returns which byte is wanted next, and the whole snapshot
    /// if this was the last piece.
    async fn receive(
        &self,
        leader: Vote,
        piece: Piece,
    ) -> Result<(u64, Option<Image>), HandleError> {
        let mut slot = self.upload.lock().await;
        let known = slot.take().filter(|known| {
            known.leader == leader && known.upload == piece.upload && piece.offset > 0
        });
        let mut upload = match known {
            Some(known) => known,
            None if piece.offset > 0 => return Ok((0, None)),
            None => {
                let snapshots = Arc::clone(&self.snapshots);
                Upload {
                    leader,
                    upload: piece.upload,
                    receiving: blocking(move || snapshots.receive())
                        .await
                        .map_err(failed)?,
                }
            }
        };
        if upload.receiving.bytes() == piece.offset {
            upload = blocking(move || {
                upload.receiving.push(&piece.bytes)?;
                Ok(upload)
            })
            .await
            .map_err(failed)?;
        }
        let received = upload.receiving.bytes();
        if received >= piece.total {
            return Ok((received, Some(upload.receiving.finish())));
        }
        *slot = Some(upload);
        Ok((received, None))
    }

    async fn install(&self, leader: Vote, image: Image) -> Result<Vote, HandleError> {
        let (meta, snapshot) = blocking(move || {
            let (meta, _) = image.open()?;
            Ok((meta, image))
        })
        .await
        .map_err(failed)?;
        let snapshot = Snapshot { meta, snapshot };
        let installed = self.raft.install_full_snapshot(leader, snapshot).await;
        let response = installed.map_err(|_| HandleError::Stopped)?;
        Ok(response.vote)
    }

    async fn transfer(&self, transfer: Transfer) -> Result<Transferred, HandleError> {
        if self.catch_up.is_behind() {
            return Ok(Transferred { accepted: false });
        }
        let handled = self.raft.handle_transfer_leader(transfer.into()).await;
        let accepted = handled.map_err(|_| HandleError::Stopped)?.is_ok();
        Ok(Transferred { accepted })
    }

    fn own_vote(&self) -> Vote {
        let none_yet = || Vote::new(0, self.node_id);
        self.log.vote().unwrap_or_else(none_yet)
    }
}

fn question<Q: DeserializeOwned>(payload: &[u8]) -> Result<Q, HandleError> {
    decode_versioned(payload).map_err(malformed)
}

fn answer<A: Serialize>(answer: A) -> Result<Bytes, HandleError> {
    Ok(encode_versioned(&answer).into())
}

fn malformed(error: io::Error) -> HandleError {
    HandleError::Malformed(error.to_string())
}

fn failed(error: io::Error) -> HandleError {
    HandleError::Failed(error.to_string())
}

fn ended(_: RaftError<Types>) -> HandleError {
    HandleError::Stopped
}
