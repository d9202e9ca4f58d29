//! How entries, votes and positions are spelt in bytes, on disk and between nodes.
//!
//! The shapes are this crate's own, not openraft's: an openraft release may change its types
//! without a byte here changing. Where such bytes begin a file, a value or a message, a version
//! byte precedes them; [`VERSION`] is the only one there is.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::types::{
    Data, Entry, LeaderId, LogId, Membership, Payload, SnapshotMeta, StoredMembership, Vote,
};

/// The version every durable value, snapshot and message begins with.
pub(crate) const VERSION: u8 = 1;

/// Where an entry stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    term: u64,
    node: u64,
    index: u64,
}

/// The highest candidate or leader a node has sworn to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ballot {
    term: u64,
    node: u64,
    granted_by_majority: bool,
}

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    position: Position,
    body: Body,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Body {
    Blank,
    Data(Bytes),
    Members(Members),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Members {
    /// One set of voters, or two while the group changes from one to the other.
    voters: Vec<BTreeSet<u64>>,
    nodes: BTreeSet<u64>,
}

/// What a snapshot stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Covers {
    last: Option<Position>,
    members_at: Option<Position>,
    members: Members,
}

impl From<LogId> for Position {
    fn from(id: LogId) -> Self {
        Self {
            term: id.leader_id.term,
            node: id.leader_id.node_id,
            index: id.index,
        }
    }
}

impl From<Position> for LogId {
    fn from(position: Position) -> Self {
        LogId {
            leader_id: LeaderId {
                term: position.term,
                node_id: position.node,
            },
            index: position.index,
        }
    }
}

impl From<Vote> for Ballot {
    fn from(vote: Vote) -> Self {
        Self {
            term: vote.leader_id.term,
            node: vote.leader_id.node_id,
            granted_by_majority: vote.committed,
        }
    }
}

impl From<Ballot> for Vote {
    fn from(ballot: Ballot) -> Self {
        Vote {
            leader_id: LeaderId {
                term: ballot.term,
                node_id: ballot.node,
            },
            committed: ballot.granted_by_majority,
        }
    }
}

impl From<&Membership> for Members {
    fn from(membership: &Membership) -> Self {
        Self {
            voters: membership.get_joint_config().clone(),
            nodes: membership.nodes().map(|(id, ())| *id).collect(),
        }
    }
}

impl Members {
    fn into_membership(self) -> io::Result<Membership> {
        if self.voters.is_empty() && self.nodes.is_empty() {
            return Ok(Membership::default());
        }
        let nodes: BTreeMap<u64, ()> = self.nodes.into_iter().map(|id| (id, ())).collect();
        Membership::new(self.voters, nodes).map_err(|error| corrupt(error.to_string()))
    }
}

impl From<&Entry> for Record {
    fn from(entry: &Entry) -> Self {
        Self {
            position: entry.log_id.into(),
            body: match &entry.payload {
                Payload::Blank => Body::Blank,
                Payload::Normal(data) => Body::Data(data.0.clone()),
                Payload::Membership(membership) => Body::Members(membership.into()),
            },
        }
    }
}

impl Record {
    /// The entry this is the record of.
    pub(crate) fn into_entry(self) -> io::Result<Entry> {
        Ok(Entry {
            log_id: self.position.into(),
            payload: match self.body {
                Body::Blank => Payload::Blank,
                Body::Data(bytes) => Payload::Normal(Data(bytes)),
                Body::Members(members) => Payload::Membership(members.into_membership()?),
            },
        })
    }
}

impl From<&SnapshotMeta> for Covers {
    fn from(meta: &SnapshotMeta) -> Self {
        Self {
            last: meta.last_log_id.map(Into::into),
            members_at: meta.last_membership.log_id().map(Into::into),
            members: meta.last_membership.membership().into(),
        }
    }
}

impl Covers {
    /// The meta data this is the record of.
    pub(crate) fn into_meta(self) -> io::Result<SnapshotMeta> {
        Ok(SnapshotMeta {
            last_log_id: self.last.map(Into::into),
            last_membership: StoredMembership::new(
                self.members_at.map(Into::into),
                self.members.into_membership()?,
            ),
        })
    }
}

/// Spells a value without a version byte, for use inside something that has one.
pub(crate) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_stdvec(value).expect("plain data always has a spelling")
}

/// Reads what [`encode`] wrote; bytes left over are an error.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> io::Result<T> {
    let (value, rest) =
        postcard::take_from_bytes(bytes).map_err(|error| corrupt(error.to_string()))?;
    if rest.is_empty() {
        Ok(value)
    } else {
        Err(corrupt("bytes left over"))
    }
}

/// [`encode`] behind the version byte.
pub(crate) fn encode_versioned<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_extend(value, vec![VERSION]).expect("plain data always has a spelling")
}

/// Reads what [`encode_versioned`] wrote; another version is an error that names it.
pub(crate) fn decode_versioned<T: DeserializeOwned>(bytes: &[u8]) -> io::Result<T> {
    match bytes.split_first() {
        Some((&VERSION, rest)) => decode(rest),
        Some((version, _)) => Err(corrupt(format!("unknown version {version}"))),
        None => Err(corrupt("empty")),
    }
}

pub(crate) fn corrupt(reason: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.into())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn id(term: u64, node: u64, index: u64) -> LogId {
        LogId {
            leader_id: LeaderId {
                term,
                node_id: node,
            },
            index,
        }
    }

    pub(crate) fn data(index: u64, bytes: impl Into<Bytes>) -> Entry {
        Entry {
            log_id: id(1, 1, index),
            payload: Payload::Normal(Data(bytes.into())),
        }
    }

    fn members() -> Membership {
        Membership::new_with_defaults(vec![BTreeSet::from([1, 2, 3])], [])
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The bytes may never change while the version byte is 1: stores hold them.
    #[test]
    fn entries_have_the_bytes_of_version_1() {
        let golden = [
            (data(300, "ab"), "010101ac0201026162"),
            (
                Entry {
                    log_id: id(2, 3, 1),
                    payload: Payload::Blank,
                },
                "0102030100",
            ),
            (
                Entry {
                    log_id: id(0, 0, 0),
                    payload: Payload::Membership(members()),
                },
                "0100000002010301020303010203",
            ),
        ];
        for (entry, bytes) in golden {
            let encoded = encode_versioned(&Record::from(&entry));
            assert_eq!(hex(&encoded), bytes);
            let decoded: Record = decode_versioned(&encoded).unwrap();
            assert_eq!(decoded.into_entry().unwrap(), entry);
        }
    }

    #[test]
    fn votes_and_snapshot_covers_have_the_bytes_of_version_1() {
        let vote = Vote {
            leader_id: LeaderId {
                term: 7,
                node_id: 2,
            },
            committed: true,
        };
        let encoded = encode_versioned(&Ballot::from(vote));
        assert_eq!(hex(&encoded), "01070201");
        assert_eq!(
            Vote::from(decode_versioned::<Ballot>(&encoded).unwrap()),
            vote
        );

        let meta = SnapshotMeta {
            last_log_id: Some(id(7, 2, 9)),
            last_membership: StoredMembership::new(Some(id(0, 0, 0)), members()),
        };
        let encoded = encode_versioned(&Covers::from(&meta));
        assert_eq!(hex(&encoded), "010107020901000000010301020303010203");
        let decoded: Covers = decode_versioned(&encoded).unwrap();
        assert_eq!(decoded.into_meta().unwrap(), meta);
    }

    #[test]
    fn another_version_is_named_in_the_error() {
        let error = decode_versioned::<Ballot>(&[9, 7, 2, 1]).unwrap_err();
        assert_eq!(error.to_string(), "unknown version 9");
    }

    #[test]
    fn damaged_bytes_are_an_error() {
        let good = encode_versioned(&Record::from(&data(1, "abc")));
        assert!(decode_versioned::<Record>(&good[..good.len() - 1]).is_err());
        assert!(decode_versioned::<Record>(&[&good[..], &[0]].concat()).is_err());
    }
}
