//! Watches over a run, sees every node at once, and says what was promised and not kept.
//!
//! Promises of the log are checked as they are made: one entry and one state for each index, an
//! acknowledged write at its index, a disk that knows the votes it was sworn to. What the clients
//! saw is checked at the end, in `history.rs`.

use std::cell::RefCell;
use std::collections::BTreeMap;

use bytes::Bytes;

use super::chronicle::note;
use super::machine::{Lists, decode};
use crate::NodeId;
use crate::engine::Stored;
use crate::types::Vote;

thread_local! {
    static JUDGE: RefCell<Judge> = RefCell::default();
}

/// See the module.
#[derive(Default)]
struct Judge {
    violation: Option<String>,
    /// The entry at each index, as the first node applied it.
    entries: BTreeMap<u64, Bytes>,
    /// The state at each index, as the first node came to it.
    states: BTreeMap<u64, u64>,
    /// The highest vote each node has given or claimed in a message.
    sworn: BTreeMap<NodeId, Vote>,
    counts: BTreeMap<&'static str, u64>,
}

/// Begins a run.
pub(super) fn begin() {
    JUDGE.set(Judge::default());
}

/// The first promise that was broken.
pub(super) fn violation() -> Option<String> {
    JUDGE.with_borrow(|judge| judge.violation.clone())
}

/// How often each promise was looked at, each fault took place, and so on.
pub(super) fn counts() -> BTreeMap<&'static str, u64> {
    JUDGE.with_borrow(|judge| judge.counts.clone())
}

/// Notes a broken promise.
pub(super) fn convict(what: String) {
    note!("VIOLATION {what}");
    JUDGE.with_borrow_mut(|judge| {
        judge.violation.get_or_insert(what);
    });
}

/// Counts something worth seeing in the report.
pub(super) fn count(what: &'static str) {
    JUDGE.with_borrow_mut(|judge| *judge.counts.entry(what).or_default() += 1);
}

/// Counts a look at a promise, and convicts if it is broken.
pub(super) fn check(promise: &'static str, kept: bool, what: impl FnOnce() -> String) {
    count(promise);
    if !kept {
        convict(format!("{promise}: {}", what()));
    }
}

/// A node has applied an entry and come to a state.
pub(super) fn applied(node: NodeId, index: u64, entry: &Bytes, state: u64) {
    note!(
        "node {node} applies {index} {:?}, state {state:016x}",
        decode(entry)
    );
    let (same_entry, same_state) = JUDGE.with_borrow_mut(|judge| {
        let first = judge.entries.entry(index).or_insert_with(|| entry.clone());
        let known = judge.states.entry(index).or_insert(state);
        (first == entry, *known == state)
    });
    let what = || format!("node {node} applied another entry at {index} than the first node did");
    check("one entry per index", same_entry, what);
    let what = || format!("node {node} is in another state at {index} than the first node was");
    check("one state per index", same_state, what);
}

/// A node has taken over a snapshot.
pub(super) fn restored(node: NodeId, lists: &Lists) {
    let state = lists.state();
    count("restored snapshots");
    note!("node {node} restores {}, state {state:016x}", lists.index);
    let same =
        JUDGE.with_borrow_mut(|judge| *judge.states.entry(lists.index).or_insert(state) == state);
    let what = || {
        format!(
            "node {node} restored another state at {} than others",
            lists.index
        )
    };
    check("one state per index", same, what);
}

/// A client was told that its write is at an index.
pub(super) fn acknowledged(number: u64, index: u64) {
    let entry = JUDGE.with_borrow(|judge| judge.entries.get(&index).cloned());
    let there = entry.and_then(|entry| decode(&entry));
    let kept = there.is_some_and(|(_, found)| found == number);
    let what = || format!("write {number} is not at {index}, but {there:?}");
    check("acknowledged writes", kept, what);
}

/// A node has given its vote, or asked others to follow it.
pub(super) fn sworn(node: NodeId, vote: Vote) {
    JUDGE.with_borrow_mut(|judge| {
        let known = judge.sworn.entry(node).or_insert(vote);
        if vote
            .partial_cmp(known)
            .is_some_and(std::cmp::Ordering::is_gt)
        {
            *known = vote;
        }
    });
}

/// A node was given an empty disk, as the group allows.
pub(super) fn replaced(node: NodeId) {
    JUDGE.with_borrow_mut(|judge| judge.sworn.remove(&node));
}

/// A node has read its disk.
pub(super) fn opened(node: NodeId, stored: &Stored) {
    let sworn = JUDGE.with_borrow(|judge| judge.sworn.get(&node).copied());
    let Some(sworn) = sworn else { return };
    let kept = stored.vote.is_some_and(|vote| vote >= sworn);
    let what = || {
        format!(
            "node {node} has sworn {sworn} and its disk knows {:?}",
            stored.vote
        )
    };
    check("votes never go back", kept, what);
}
