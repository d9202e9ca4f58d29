//! Which call a committed entry belongs to. The log does not say; the leader that
//! proposes it does.

use std::collections::HashMap;

use bytes::Bytes;

/// Entries that were proposed for calls and not yet seen in the log.
#[derive(Default)]
pub struct Proposals {
    /// Two calls may propose the same bytes in the same millisecond; whose is
    /// whose is not known then, and nothing is said.
    calls: HashMap<Bytes, Proposed>,
}

enum Proposed {
    By(u64),
    BySeveral,
}

impl Proposals {
    /// A call's entry is about to be proposed.
    pub fn add(&mut self, entry: &Bytes, call: u64) {
        self.calls
            .entry(entry.clone())
            .and_modify(|it| *it = Proposed::BySeveral)
            .or_insert(Proposed::By(call));
    }

    /// It is in no log.
    pub fn remove(&mut self, entry: &Bytes, call: u64) {
        if matches!(self.calls.get(entry), Some(Proposed::By(it)) if *it == call) {
            self.calls.remove(entry);
        }
    }

    /// The entry is in the log: whose it is, if that is certain.
    pub fn committed(&mut self, entry: &Bytes) -> Option<u64> {
        match self.calls.get(entry)? {
            Proposed::By(call) => {
                let call = *call;
                self.calls.remove(entry);
                Some(call)
            }
            Proposed::BySeveral => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_belongs_to_the_call_that_proposed_it_once() {
        let mut proposals = Proposals::default();
        let entry = Bytes::from_static(b"entry");
        proposals.add(&entry, 7);
        assert_eq!(proposals.committed(&entry), Some(7));
        assert_eq!(proposals.committed(&entry), None);
        proposals.add(&entry, 8);
        proposals.remove(&entry, 8);
        assert_eq!(proposals.committed(&entry), None);
    }

    #[test]
    fn of_two_calls_with_the_same_entry_nothing_is_said() {
        let mut proposals = Proposals::default();
        let entry = Bytes::from_static(b"entry");
        proposals.add(&entry, 7);
        proposals.add(&entry, 8);
        proposals.remove(&entry, 8);
        assert_eq!(proposals.committed(&entry), None);
        assert_eq!(proposals.committed(&entry), None);
    }
}
