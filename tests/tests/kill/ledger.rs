//! `Ledger`: what the cluster has acknowledged, as it happens.

use std::cell::{Ref, RefCell};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;

/// A key and its replicas, with what was acknowledged for them.
#[derive(Default)]
pub struct KeySet {
    pub key_id: String,
    /// Where it exists, the primary's region first.
    pub regions: Vec<&'static str>,
    /// Region and material of each import.
    pub imports: Vec<(&'static str, String)>,
    /// Material of each rotation, in order.
    pub rotations: Vec<String>,
    /// Names that were given to it in the primary's region.
    pub aliases: Vec<String>,
    /// Each with its plaintext.
    pub ciphertexts: Vec<(Bytes, Vec<u8>)>,
}

/// Everything acknowledged so far.
#[derive(Default)]
pub struct Ledger {
    sets: RefCell<Vec<KeySet>>,
    count: watch::Sender<u64>,
}

impl Ledger {
    /// Notes a new key; where to note the rest.
    pub fn open(&self, key_id: String, primary: &'static str) -> usize {
        let mut sets = self.sets.borrow_mut();
        sets.push(KeySet {
            key_id,
            regions: vec![primary],
            ..KeySet::default()
        });
        self.count.send_modify(|count| *count += 1);
        sets.len() - 1
    }

    /// Notes something about a key.
    pub fn note(&self, set: usize, note: impl FnOnce(&mut KeySet)) {
        note(&mut self.sets.borrow_mut()[set]);
        self.count.send_modify(|count| *count += 1);
    }

    /// Waits for so many more acknowledgements; whether they came in time.
    pub async fn grows_by(&self, more: u64, within: Duration) -> bool {
        let mut count = self.count.subscribe();
        let wanted = *count.borrow_and_update() + more;
        let grown = count.wait_for(|count| *count >= wanted);
        tokio::time::timeout(within, grown).await.is_ok()
    }

    /// What was noted about a key.
    pub fn set(&self, set: usize) -> Ref<'_, KeySet> {
        Ref::map(self.sets.borrow(), |sets| &sets[set])
    }

    /// All of it.
    pub fn close(self) -> Vec<KeySet> {
        self.sets.into_inner()
    }
}
