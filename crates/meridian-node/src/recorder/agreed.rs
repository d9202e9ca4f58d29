//! What a region has agreed on, as the recorder has seen it: which entries are
//! news, and which have been there before.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use meridian_kms::{Region, RegionName};

/// The newest value of a region, and what stands in its log.
pub struct Agreed {
    index: u64,
    region: Region,
    /// A digest of each entry, and when it was applied first, in milliseconds
    /// since the history began.
    entries: BTreeMap<u64, (u64, i64)>,
}

/// What an entry is to the recorder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Nobody has applied it before.
    News,
    /// Another node has, or the same one before it started again.
    Known,
    /// Another entry stood there: what the region had agreed on is gone.
    Replaces,
}

impl Agreed {
    /// A region that has agreed on nothing yet.
    pub fn new(name: RegionName) -> Agreed {
        Agreed {
            index: 0,
            region: Region::new(name),
            entries: BTreeMap::new(),
        }
    }

    /// The newest value.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// Until when a value was the newest that ends at this place of the log, in
    /// milliseconds since the history began; nothing if it still is.
    pub fn newest_until_ms(&self, index: u64) -> Option<i64> {
        superseded_ms(&self.entries, index)
    }

    /// A node has applied an entry.
    pub fn applied(&mut self, index: u64, bytes: &[u8], after: &Region, at_ms: i64) -> Entry {
        let mut digest = DefaultHasher::new();
        bytes.hash(&mut digest);
        let digest = digest.finish();
        let entry = match self.entries.get(&index) {
            Some((known, _)) if *known == digest => return Entry::Known,
            Some(_) => {
                self.entries.split_off(&index);
                Entry::Replaces
            }
            // In a snapshot that the others have taken.
            None if index <= self.index => return Entry::Known,
            None => Entry::News,
        };
        self.entries.insert(index, (digest, at_ms));
        self.index = index;
        self.region = after.clone();
        entry
    }
}

/// When the first entry after this place of the log was applied, if one was.
pub fn superseded_ms<E>(entries: &BTreeMap<u64, (E, i64)>, index: u64) -> Option<i64> {
    let mut later = entries.range(index.saturating_add(1)..);
    later.next().map(|(_, (_, at_ms))| *at_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_news_once_and_another_one_in_its_place_is_noticed() {
        let name: RegionName = "us-east-1".parse().unwrap();
        let region = Region::new(name.clone());
        let mut agreed = Agreed::new(name);
        assert_eq!(agreed.applied(2, b"a", &region, 1), Entry::News);
        assert_eq!(agreed.applied(3, b"b", &region, 2), Entry::News);
        assert_eq!(agreed.applied(2, b"a", &region, 3), Entry::Known);
        assert_eq!(agreed.applied(2, b"c", &region, 4), Entry::Replaces);
        assert_eq!(agreed.applied(2, b"c", &region, 5), Entry::Known);
        assert_eq!(agreed.applied(3, b"b", &region, 6), Entry::News);
        let until = [1, 2, 3].map(|index| agreed.newest_until_ms(index));
        assert_eq!(until, [Some(4), Some(6), None]);
    }
}
