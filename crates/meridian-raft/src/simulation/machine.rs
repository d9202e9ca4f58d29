//! The machine of the simulated group: a list of numbers for every key, to which an entry adds
//! one. A number that comes twice, because a client asked again, is added once.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::{Bug, judge};
use crate::{Machine, NodeId};

/// The state of one node's machine, shared with those who read it.
pub(super) type Shared = Arc<Mutex<Lists>>;

/// See the module.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Lists {
    pub(super) lists: BTreeMap<u8, Vec<u64>>,
    /// Index of the last entry applied.
    pub(super) index: u64,
    /// Of all entries applied, with their indexes, in their order.
    digest: u64,
}

impl Lists {
    fn apply(&mut self, index: u64, entry: &[u8]) {
        let mut hasher = DefaultHasher::new();
        (self.digest, index, entry).hash(&mut hasher);
        self.digest = hasher.finish();
        self.index = index;
        if let Some((key, number)) = decode(entry) {
            let list = self.lists.entry(key).or_default();
            if !list.contains(&number) {
                list.push(number);
            }
        }
    }
}

impl Lists {
    /// Stands for the whole state and how it came about.
    pub(super) fn state(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.digest, &self.lists).hash(&mut hasher);
        hasher.finish()
    }
}

/// An entry that adds a number to a key's list, and some ballast.
pub(super) fn entry(key: u8, number: u64, ballast: usize) -> Bytes {
    let mut entry = vec![key];
    entry.extend_from_slice(&number.to_be_bytes());
    entry.resize(entry.len() + ballast, 0);
    entry.into()
}

/// Key and number of an entry.
pub(super) fn decode(entry: &[u8]) -> Option<(u8, u64)> {
    let (key, rest) = entry.split_first()?;
    Some((*key, u64::from_be_bytes(*rest.first_chunk()?)))
}

/// The machine of one process.
pub(super) struct ListMachine {
    node: NodeId,
    bug: Option<Bug>,
    shared: Shared,
    applied: bool,
}

impl ListMachine {
    /// A machine that has applied nothing.
    pub(super) fn new(node: NodeId, bug: Option<Bug>, shared: Shared) -> Self {
        Self {
            node,
            bug,
            shared,
            applied: false,
        }
    }
}

impl Machine for ListMachine {
    type Outcome = ();

    fn apply(&mut self, entries: Vec<(u64, Bytes)>) -> Vec<()> {
        let mut lists = self.shared.lock().expect("held briefly");
        let outcomes = entries.into_iter().map(|(index, entry)| {
            let again = self.bug == Some(Bug::AppliedTwice) && !self.applied && lists.index > 0;
            self.applied = true;
            lists.apply(index, &entry);
            if again {
                lists.apply(index, &entry);
            }
            judge::applied(self.node, index, &entry, lists.state());
        });
        outcomes.collect()
    }

    fn snapshot(&self) -> Box<dyn FnOnce() -> Vec<u8> + Send> {
        let mut lists = self.shared.lock().expect("held briefly").clone();
        if self.bug == Some(Bug::SkippingSnapshot)
            && let Some(list) = lists.lists.values_mut().next()
        {
            list.pop();
        }
        Box::new(move || postcard::to_stdvec(&lists).expect("a vector takes everything"))
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), anyhow::Error> {
        let lists: Lists = postcard::from_bytes(snapshot)?;
        judge::restored(self.node, &lists);
        *self.shared.lock().expect("held briefly") = lists;
        Ok(())
    }
}
