//! What the nodes of a group say to each other. Every message and answer begins with the version
//! byte of `record.rs`.

use bytes::Bytes;
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, TransferLeaderRequest, VoteRequest, VoteResponse,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io;

use crate::record::{Ballot, Position, Record};
use crate::types::{Types, Vote};

/// Tells messages apart on the transport. The numbers are part of the wire.
pub(crate) mod kind {
    pub(crate) const APPEND: u32 = 1;
    pub(crate) const VOTE: u32 = 2;
    pub(crate) const PRE_VOTE: u32 = 3;
    pub(crate) const SNAPSHOT: u32 = 4;
    pub(crate) const TRANSFER: u32 = 5;
    pub(crate) const RECOVERY: u32 = 6;
}

/// Entries for a follower; none is a heartbeat.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Append {
    leader: Ballot,
    previous: Option<Position>,
    commit: Option<Position>,
    entries: Vec<Record>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Appended {
    All,
    UpTo(Option<Position>),
    Conflict,
    Refused(Ballot),
}

/// A candidate's request, or its question whether it would be granted.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Candidacy {
    candidate: Ballot,
    last: Option<Position>,
    by_transfer: bool,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Voted {
    ballot: Ballot,
    granted: bool,
    last: Option<Position>,
}

/// A piece of a snapshot. `upload` names one attempt of one leader.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Piece {
    pub(crate) leader: Ballot,
    pub(crate) upload: u64,
    pub(crate) offset: u64,
    pub(crate) total: u64,
    pub(crate) bytes: Bytes,
}

/// Which byte the receiver of a snapshot wants next; the total when it is installed.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PieceWanted {
    pub(crate) ballot: Ballot,
    pub(crate) offset: u64,
}

/// A leader asks all to let `to` take over.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Transfer {
    leader: Ballot,
    to: u64,
    last: Option<Position>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Transferred {
    pub(crate) accepted: bool,
}

/// What a member knows, for one that has lost its disk.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Known {
    pub(crate) ballot: Ballot,
    /// It leads by this ballot.
    pub(crate) leads: bool,
    /// It may have lost its own disk and is not filled again.
    pub(crate) behind: bool,
    pub(crate) last: Option<Position>,
    /// The voters; two sets while they change.
    pub(crate) voters: Vec<BTreeSet<u64>>,
}

impl From<&AppendEntriesRequest<Types>> for Append {
    fn from(request: &AppendEntriesRequest<Types>) -> Self {
        Self {
            leader: request.vote.into(),
            previous: request.prev_log_id.map(Into::into),
            commit: request.leader_commit.map(Into::into),
            entries: request.entries.iter().map(Into::into).collect(),
        }
    }
}

impl Append {
    /// The request this was made from.
    pub(crate) fn into_request(self) -> io::Result<AppendEntriesRequest<Types>> {
        let entries = self.entries.into_iter().map(Record::into_entry);
        Ok(AppendEntriesRequest {
            vote: self.leader.into(),
            prev_log_id: self.previous.map(Into::into),
            leader_commit: self.commit.map(Into::into),
            entries: entries.collect::<io::Result<_>>()?,
        })
    }
}

impl From<AppendEntriesResponse<Types>> for Appended {
    fn from(response: AppendEntriesResponse<Types>) -> Self {
        match response {
            AppendEntriesResponse::Success => Self::All,
            AppendEntriesResponse::PartialSuccess(id) => Self::UpTo(id.map(Into::into)),
            AppendEntriesResponse::Conflict => Self::Conflict,
            AppendEntriesResponse::HigherVote(vote) => Self::Refused(vote.into()),
        }
    }
}

impl From<Appended> for AppendEntriesResponse<Types> {
    fn from(appended: Appended) -> Self {
        match appended {
            Appended::All => Self::Success,
            Appended::UpTo(position) => Self::PartialSuccess(position.map(Into::into)),
            Appended::Conflict => Self::Conflict,
            Appended::Refused(ballot) => Self::HigherVote(ballot.into()),
        }
    }
}

impl From<&VoteRequest<Types>> for Candidacy {
    fn from(request: &VoteRequest<Types>) -> Self {
        Self {
            candidate: request.vote.into(),
            last: request.last_log_id.map(Into::into),
            by_transfer: request.leadership_transfer,
        }
    }
}

impl From<Candidacy> for VoteRequest<Types> {
    fn from(candidacy: Candidacy) -> Self {
        let vote = Vote::from(candidacy.candidate);
        let mut request = VoteRequest::new(vote, candidacy.last.map(Into::into));
        request.leadership_transfer = candidacy.by_transfer;
        request
    }
}

impl From<VoteResponse<Types>> for Voted {
    fn from(response: VoteResponse<Types>) -> Self {
        Self {
            ballot: response.vote.into(),
            granted: response.vote_granted,
            last: response.last_log_id.map(Into::into),
        }
    }
}

impl From<Voted> for VoteResponse<Types> {
    fn from(voted: Voted) -> Self {
        let vote = Vote::from(voted.ballot);
        VoteResponse::new(vote, voted.last.map(Into::into), voted.granted)
    }
}

impl From<&TransferLeaderRequest<Types>> for Transfer {
    fn from(request: &TransferLeaderRequest<Types>) -> Self {
        Self {
            leader: (*request.from_leader()).into(),
            to: *request.to_node_id(),
            last: request.last_log_id().copied().map(Into::into),
        }
    }
}

impl From<Transfer> for TransferLeaderRequest<Types> {
    fn from(transfer: Transfer) -> Self {
        Self::new(
            transfer.leader.into(),
            transfer.to,
            transfer.last.map(Into::into),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::{data, id};
    use crate::record::{decode_versioned, encode_versioned};

    /// Nodes of one group may run different builds: the bytes may not change under version 1.
    #[test]
    fn an_append_has_the_bytes_of_version_1() {
        let request = AppendEntriesRequest::<Types> {
            vote: Vote::new_committed(4, 2),
            prev_log_id: Some(id(1, 1, 8)),
            entries: vec![data(9, "x")],
            leader_commit: None,
        };
        let bytes = encode_versioned(&Append::from(&request));
        let golden = [1, 4, 2, 1, 1, 1, 1, 8, 0, 1, 1, 1, 9, 1, 1, b'x'];
        assert_eq!(bytes, golden);
        let read: Append = decode_versioned(&bytes).unwrap();
        let read = read.into_request().unwrap();
        assert_eq!(read.entries, request.entries);
        assert_eq!(read.prev_log_id, request.prev_log_id);
    }

    #[test]
    fn what_a_member_knows_has_the_bytes_of_version_1() {
        let known = Known {
            ballot: Vote::new_committed(4, 2).into(),
            leads: true,
            behind: false,
            last: Some(id(1, 1, 8).into()),
            voters: vec![[1, 2, 3].into()],
        };
        let bytes = encode_versioned(&known);
        let golden = [1, 4, 2, 1, 1, 0, 1, 1, 1, 8, 1, 3, 1, 2, 3];
        assert_eq!(bytes, golden);
        assert_eq!(decode_versioned::<Known>(&bytes).unwrap(), known);
    }

    #[test]
    fn every_answer_survives_the_wire() {
        for answer in [
            AppendEntriesResponse::<Types>::Success,
            AppendEntriesResponse::PartialSuccess(Some(id(1, 2, 3))),
            AppendEntriesResponse::Conflict,
            AppendEntriesResponse::HigherVote(Vote::new(9, 1)),
        ] {
            let bytes = encode_versioned(&Appended::from(answer.clone()));
            let read: Appended = decode_versioned(&bytes).unwrap();
            assert_eq!(AppendEntriesResponse::from(read), answer);
        }
        let voted = VoteResponse::<Types>::new(Vote::new(9, 1), Some(id(1, 2, 3)), true);
        let bytes = encode_versioned(&Voted::from(voted.clone()));
        let read: Voted = decode_versioned(&bytes).unwrap();
        assert_eq!(VoteResponse::from(read), voted);
    }
}
