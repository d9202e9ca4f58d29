//! An entry of a region's log, and a snapshot: what is read is written as the
//! same.

use meridian_kms::{Entry, Region};

pub(crate) fn run(bytes: &[u8]) -> Option<()> {
    let entry = Entry::decode(bytes).ok();
    if let Some(entry) = &entry {
        let again = Entry::decode(&entry.encode()).expect("what was written can be read");
        assert!(again.encode() == entry.encode());
    }
    let region = Region::decode(bytes).ok();
    if let Some(region) = &region {
        let again = Region::decode(&region.encode()).expect("what was written can be read");
        assert!(again == *region);
    }
    (entry.is_some() || region.is_some()).then_some(())
}
