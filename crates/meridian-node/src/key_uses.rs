//! `KeyUses`: which keys this node has used since it last told its region, kept
//! off the path of the answers.

use std::hash::BuildHasher as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hashbrown::{DefaultHashBuilder, HashMap};
use meridian_kms::last_usage::Use;
use meridian_kms::{KeyRef, Operation, Timestamp};
use uuid::Uuid;

/// Parts with a lock each, so that calls for different keys seldom meet.
const SHARDS: usize = 64;

/// Uses in one entry of the log, at most.
pub const USES_PER_ENTRY_MAX: usize = 1000;

/// The last use of each key, as small as it can be noted.
pub struct KeyUses {
    hasher: DefaultHashBuilder,
    shards: [Mutex<HashMap<KeyRef, Noted>>; SHARDS],
}

#[derive(Clone, Copy)]
struct Noted {
    operation: Operation,
    at: Timestamp,
    request_id: Uuid,
}

impl Default for KeyUses {
    fn default() -> KeyUses {
        KeyUses {
            hasher: DefaultHashBuilder::default(),
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }
}

impl KeyUses {
    /// A key was used. Nothing is allocated for a key that is known.
    pub fn note(&self, key: KeyRef, operation: Operation, at: Timestamp, request_id: &str) {
        let request_id = Uuid::try_parse(request_id).unwrap_or_default();
        let noted = Noted {
            operation,
            at,
            request_id,
        };
        self.shard(&key).insert(key, noted);
    }

    /// Takes out what was noted; it is for the caller to put it back.
    pub fn take(&self) -> Vec<(KeyRef, Use)> {
        let mut uses = Vec::new();
        for shard in &self.shards {
            let noted = std::mem::take(&mut *lock(shard));
            uses.extend(noted.into_iter().map(|(key, noted)| {
                let noted = Use {
                    operation: noted.operation.name().to_owned(),
                    at: noted.at,
                    request_id: noted.request_id.to_string(),
                };
                (key, noted)
            }));
        }
        uses
    }

    /// Puts back what could not be told, where nothing later was noted.
    pub fn put_back(&self, uses: Vec<(KeyRef, Use)>) {
        for (key, noted) in uses {
            if let Some(operation) = Operation::from_name(&noted.operation) {
                let request_id = Uuid::try_parse(&noted.request_id).unwrap_or_default();
                self.shard(&key).entry(key).or_insert(Noted {
                    operation,
                    at: noted.at,
                    request_id,
                });
            }
        }
    }

    fn shard(&self, key: &KeyRef) -> MutexGuard<'_, HashMap<KeyRef, Noted>> {
        let hash = self.hasher.hash_one(key);
        let at = usize::try_from(hash % SHARDS as u64).unwrap_or_default();
        lock(&self.shards[at])
    }
}

fn lock<T>(shard: &Mutex<T>) -> MutexGuard<'_, T> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &str = "2077c3bf-a538-41e6-b6fb-794e83344f84";

    fn key(id: &str) -> KeyRef {
        KeyRef {
            account: "111122223333".parse().unwrap(),
            id: id.parse().unwrap(),
        }
    }

    #[test]
    fn the_last_use_of_each_key_is_told_once() {
        let uses = KeyUses::default();
        let one = key("1234abcd-12ab-34cd-56ef-1234567890ab");
        let two = key("1234abcd-12ab-34cd-56ef-1234567890ac");
        uses.note(one, Operation::Encrypt, Timestamp(1), REQUEST);
        uses.note(one, Operation::Decrypt, Timestamp(2), REQUEST);
        uses.note(two, Operation::Encrypt, Timestamp(3), REQUEST);
        let mut taken = uses.take();
        taken.sort_by_key(|(_, it)| it.at);
        let short: Vec<_> = taken
            .iter()
            .map(|(key, it)| (*key, it.operation.as_str(), it.at.0))
            .collect();
        assert_eq!(short, [(one, "Decrypt", 2), (two, "Encrypt", 3)]);
        assert_eq!(taken[0].1.request_id, REQUEST);
        assert!(uses.take().is_empty());
    }

    #[test]
    fn what_could_not_be_told_is_put_back_behind_what_came_since() {
        let uses = KeyUses::default();
        let one = key("1234abcd-12ab-34cd-56ef-1234567890ab");
        uses.note(one, Operation::Encrypt, Timestamp(1), REQUEST);
        let taken = uses.take();
        uses.note(one, Operation::Decrypt, Timestamp(2), REQUEST);
        uses.put_back(taken);
        assert_eq!(uses.take()[0].1.operation, "Decrypt");
    }
}
