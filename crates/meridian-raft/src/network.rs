//! openraft's network over the group's [`Transport`].

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::{Either, select};
use openraft::errors::{
    NetworkError, RPCError, ReplicationClosed, StreamingError, Timeout, Unreachable,
};
use openraft::network::{RPCOption, RaftNetworkFactory, RaftNetworkV2};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, TransferLeaderRequest,
    TransferLeaderResponse, VoteRequest, VoteResponse,
};
use openraft::storage::Snapshot;
use openraft::{RPCTypes, StorageError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::record::{decode_versioned, encode_versioned};
use crate::runtime::blocking;
use crate::snapshot::Image;
use crate::types::{Types, Vote};
use crate::wire::{
    Append, Appended, Candidacy, Piece, PieceWanted, Transfer, Transferred, Voted, kind,
};
use crate::{NodeId, Transport, TransportError};

/// Snapshots travel in pieces of this size; smaller ones under test, for there to be several.
const PIECE_BYTES: u64 = if cfg!(test) { 1024 } else { 1024 * 1024 };
/// How often a receiver may ask to begin again before the attempt is given up.
const RESTARTS_MAX: u32 = 3;

type SnapshotOf = openraft::type_config::alias::SnapshotOf<Types, Image>;

/// Makes a [`Peer`] for every other node.
pub(crate) struct Peers {
    pub(crate) node_id: NodeId,
    pub(crate) transport: Arc<dyn Transport>,
    /// How long an append may take: the disk of a busy peer can be slower than a heartbeat.
    pub(crate) append_timeout: Duration,
    pub(crate) uploads: Arc<AtomicU64>,
}

impl RaftNetworkFactory<Types> for Peers {
    type Network = Peer;

    async fn new_client(&mut self, target: NodeId, (): &()) -> Peer {
        Peer {
            node_id: self.node_id,
            target,
            transport: Arc::clone(&self.transport),
            append_timeout: self.append_timeout,
            uploads: Arc::clone(&self.uploads),
        }
    }
}

/// The way to one other node.
pub(crate) struct Peer {
    node_id: NodeId,
    target: NodeId,
    transport: Arc<dyn Transport>,
    append_timeout: Duration,
    uploads: Arc<AtomicU64>,
}

impl Peer {
    async fn call<Q: Serialize, A: DeserializeOwned>(
        &self,
        kind: u32,
        action: RPCTypes,
        question: &Q,
        timeout: Duration,
    ) -> Result<A, RPCError<Types>> {
        let payload = encode_versioned(question).into();
        let call = self.transport.call(self.target, kind, payload, timeout);
        // A transport that forgets its time limit must not hold up replication for ever.
        let answer = tokio::time::timeout(timeout, call)
            .await
            .unwrap_or(Err(TransportError::Timeout));
        match answer {
            Ok(answer) => decode_versioned(&answer)
                .map_err(|error| RPCError::Unreachable(Unreachable::new(&error))),
            Err(TransportError::Timeout) => Err(RPCError::Timeout(Timeout {
                action,
                id: self.node_id,
                target: self.target,
                timeout,
            })),
            // A peer that refuses will refuse again at once: back off as if it were away.
            Err(error) => Err(RPCError::Unreachable(Unreachable::new(&error))),
        }
    }

    /// Sends a snapshot piece by piece; the receiver says which piece it wants next.
    async fn upload(
        &self,
        vote: Vote,
        image: Image,
        timeout: Duration,
    ) -> Result<SnapshotResponse<Types>, StreamingError<Types>> {
        let image = Arc::new(image);
        let upload = self.uploads.fetch_add(1, Ordering::Relaxed);
        let total = image.bytes();
        let (mut offset, mut restarts) = (0, 0);
        loop {
            let source = Arc::clone(&image);
            let bytes = blocking(move || source.read(offset, PIECE_BYTES))
                .await
                .map_err(read_failed)?;
            let sent = offset + bytes.len() as u64;
            let piece = Piece {
                leader: vote.into(),
                upload,
                offset,
                total,
                bytes,
            };
            let wanted: PieceWanted = self
                .call(kind::SNAPSHOT, RPCTypes::InstallSnapshot, &piece, timeout)
                .await?;
            let ballot = Vote::from(wanted.ballot);
            if ballot > vote || wanted.offset >= total {
                return Ok(SnapshotResponse::new(ballot));
            }
            if wanted.offset != sent {
                restarts += 1;
                if restarts > RESTARTS_MAX {
                    return Err(
                        NetworkError::from_string("the receiver keeps starting over").into(),
                    );
                }
            }
            offset = wanted.offset;
        }
    }
}

fn read_failed(error: io::Error) -> StreamingError<Types> {
    StreamingError::StorageError(StorageError::from_io_error(
        openraft::ErrorSubject::Snapshot(None),
        openraft::ErrorVerb::Read,
        error,
    ))
}

impl RaftNetworkV2<Types> for Peer {
    type SnapshotData = Image;

    async fn append_entries(
        &mut self,
        request: AppendEntriesRequest<Types>,
        _option: RPCOption,
    ) -> Result<AppendEntriesResponse<Types>, RPCError<Types>> {
        let append = Append::from(&request);
        let appended: Appended = self
            .call(
                kind::APPEND,
                RPCTypes::AppendEntries,
                &append,
                self.append_timeout,
            )
            .await?;
        Ok(appended.into())
    }

    async fn vote(
        &mut self,
        request: VoteRequest<Types>,
        option: RPCOption,
    ) -> Result<VoteResponse<Types>, RPCError<Types>> {
        let candidacy = Candidacy::from(&request);
        let voted: Voted = self
            .call(kind::VOTE, RPCTypes::Vote, &candidacy, option.soft_ttl())
            .await?;
        Ok(voted.into())
    }

    async fn pre_vote(
        &mut self,
        request: VoteRequest<Types>,
        option: RPCOption,
    ) -> Result<VoteResponse<Types>, RPCError<Types>> {
        let candidacy = Candidacy::from(&request);
        let voted: Voted = self
            .call(
                kind::PRE_VOTE,
                RPCTypes::Vote,
                &candidacy,
                option.soft_ttl(),
            )
            .await?;
        Ok(voted.into())
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: SnapshotOf,
        cancel: impl Future<Output = ReplicationClosed> + Send + 'static,
        option: RPCOption,
    ) -> Result<SnapshotResponse<Types>, StreamingError<Types>> {
        let Snapshot {
            snapshot: image, ..
        } = snapshot;
        let upload = pin!(self.upload(vote, image, option.soft_ttl()));
        match select(pin!(cancel), upload).await {
            Either::Left((closed, _)) => Err(closed.into()),
            Either::Right((sent, _)) => sent,
        }
    }

    async fn transfer_leader(
        &mut self,
        request: TransferLeaderRequest<Types>,
        option: RPCOption,
    ) -> Result<TransferLeaderResponse<Types>, RPCError<Types>> {
        let transfer = Transfer::from(&request);
        // Whether it was accepted shows in the election that follows, or does not.
        let _: Transferred = self
            .call(
                kind::TRANSFER,
                RPCTypes::TransferLeader,
                &transfer,
                option.soft_ttl(),
            )
            .await?;
        Ok(Ok(()))
    }
}
