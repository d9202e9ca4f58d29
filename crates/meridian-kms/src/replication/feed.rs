//! A feed: what one peer region has not acknowledged yet.
//!
//! It holds keys, not history. Marking a key again moves it to a new position,
//! so a peer that was away for a week gets each changed key once, at its
//! newest version, and an acknowledgement of an old position cannot remove a
//! newer change.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::arn::KeyRef;
use crate::time::Timestamp;

/// Which fact about a key is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FactKind {
    /// The set's shared properties.
    Shared,
    /// This region's report.
    Report,
}

/// An entry of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// The key.
    pub key: KeyRef,
    /// Which fact.
    pub kind: FactKind,
    /// Committed time since which the peer has been behind with it.
    pub since: Timestamp,
}

/// The queue for one peer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct Feed {
    next_position: u64,
    due: imbl::OrdMap<u64, Due>,
    position_of: imbl::OrdMap<(KeyRef, FactKind), u64>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    next_position: u64,
    due: BTreeMap<u64, Due>,
}

impl From<Stored> for Feed {
    fn from(stored: Stored) -> Feed {
        let position_of = stored
            .due
            .iter()
            .map(|(at, due)| ((due.key, due.kind), *at))
            .collect();
        let due = stored.due.into_iter().collect();
        Feed {
            next_position: stored.next_position,
            due,
            position_of,
        }
    }
}

impl From<Feed> for Stored {
    fn from(feed: Feed) -> Stored {
        Stored {
            next_position: feed.next_position,
            due: feed.due.into_iter().collect(),
        }
    }
}

impl Feed {
    /// A fact about a key has changed. If the peer lacks an older state of it
    /// already, it has been behind since then.
    pub fn mark(&mut self, key: KeyRef, kind: FactKind, now: Timestamp) {
        let position = self.position_of.remove(&(key, kind));
        let older = position.and_then(|position| self.due.remove(&position));
        let since = older.map_or(now, |older| older.since);
        self.due
            .insert(self.next_position, Due { key, kind, since });
        self.position_of.insert((key, kind), self.next_position);
        self.next_position += 1;
    }

    /// The peer has committed what was due at these positions.
    pub fn acknowledge(&mut self, positions: &[u64]) {
        for position in positions {
            if let Some(due) = self.due.remove(position) {
                self.position_of.remove(&(due.key, due.kind));
            }
        }
    }

    /// What is due, oldest first.
    pub fn due(&self) -> impl Iterator<Item = (u64, &Due)> {
        self.due.iter().map(|(position, due)| (*position, due))
    }

    /// How many facts are due.
    pub fn len(&self) -> usize {
        self.due.len()
    }

    /// True when the peer has everything.
    pub fn is_empty(&self) -> bool {
        self.due.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> KeyRef {
        KeyRef {
            account: Default::default(),
            id: crate::arn::KeyId::from_random([n; 16], true),
        }
    }

    #[test]
    fn a_key_marked_twice_is_due_once_at_the_newer_position() {
        let mut feed = Feed::default();
        feed.mark(key(1), FactKind::Shared, Timestamp(1));
        feed.mark(key(2), FactKind::Shared, Timestamp(2));
        feed.mark(key(1), FactKind::Shared, Timestamp(3));
        let due: Vec<_> = feed
            .due()
            .map(|(at, due)| (at, due.key, due.since.0))
            .collect();
        assert_eq!(due, [(1, key(2), 2), (2, key(1), 1)]);
    }

    #[test]
    fn acknowledging_an_old_position_keeps_the_newer_change() {
        let mut feed = Feed::default();
        feed.mark(key(1), FactKind::Report, Timestamp(1));
        feed.mark(key(1), FactKind::Report, Timestamp(2));
        feed.acknowledge(&[0]);
        assert_eq!(feed.len(), 1);
        feed.acknowledge(&[1, 1]);
        assert!(feed.is_empty());
    }

    #[test]
    fn a_stored_feed_still_finds_its_keys() {
        let mut feed = Feed::default();
        feed.mark(key(1), FactKind::Shared, Timestamp(1));
        let text = serde_json::to_string(&feed).unwrap();
        let mut again: Feed = serde_json::from_str(&text).unwrap();
        assert_eq!(again, feed);
        again.mark(key(1), FactKind::Shared, Timestamp(2));
        assert_eq!(again.len(), 1);
    }
}
