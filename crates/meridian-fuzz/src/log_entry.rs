//! An entry of a region's log, and a snapshot.

use meridian_kms::{Entry, Region};

pub(crate) fn run(bytes: &[u8]) {
    if let Ok(entry) = Entry::decode(bytes) {
        let again = Entry::decode(&entry.encode()).expect("what was written can be read");
        assert!(again.encode() == entry.encode());
    }
    if let Ok(region) = Region::decode(bytes) {
        let again = Region::decode(&region.encode()).expect("what was written can be read");
        assert!(again == region);
    }
}
