//! Views: which state a node answers a read from. While reads may be answered
//! from an older one, a node remembers how far it had applied at which time.

use std::collections::VecDeque;

use crate::group::NODES;
use crate::world::World;

/// How far a node had applied, and since when, in virtual milliseconds; oldest
/// first.
#[derive(Default)]
pub struct Past(VecDeque<(i64, usize)>);

impl Past {
    /// Remembers that so much is applied from now on.
    fn remember(&mut self, now_ms: i64, applied: usize) {
        self.0.push_back((now_ms, applied));
    }

    /// Forgets what is older than reads may be.
    fn forget_before(&mut self, at_ms: i64) {
        // The first one is the answer while the second is too young.
        while self
            .0
            .get(1)
            .is_some_and(|(since_ms, _)| *since_ms <= at_ms)
        {
            self.0.pop_front();
        }
    }

    /// How far the node had applied at a time, or at the beginning of what it
    /// remembers.
    fn applied_at(&self, at_ms: i64) -> Option<usize> {
        let mut back = self.0.iter().rev();
        let then = back.find(|(since_ms, _)| *since_ms <= at_ms);
        then.or(self.0.front()).map(|(_, applied)| *applied)
    }
}

impl World {
    /// The faults or a node's state have changed: it remembers what reads may
    /// ask for.
    pub(crate) fn remember_views(&mut self, region: usize) {
        for node in 0..NODES {
            self.remember_view(region, node);
        }
    }

    /// A node has applied more, or has started again.
    pub(crate) fn remember_view(&mut self, region: usize, node: usize) {
        let name = self.names[region].as_str();
        let lag_ms = self
            .faults
            .longest_lag_ms(name, node as u64 + 1, self.now_ms);
        let it = &mut self.groups[region].nodes[node];
        match lag_ms.filter(|_| !it.condition.down) {
            None => it.past = Past::default(),
            Some(lag_ms) => {
                it.past.remember(self.now_ms, it.applied);
                it.past.forget_before(before(self.now_ms, lag_ms));
            }
        }
    }

    /// The age that reads at a node may have when they begin now: until when
    /// their view was the region's newest, in virtual milliseconds. Nothing
    /// while every read sees what it would without faults.
    pub(crate) fn as_of_ms(&mut self, region: usize, node: usize) -> Option<i64> {
        let name = self.names[region].as_str();
        let number = node as u64 + 1;
        let lag_ms = self.faults.longest_lag_ms(name, number, self.now_ms)?;
        let group = &mut self.groups[region];
        let past = &mut group.nodes[node].past;
        past.forget_before(before(self.now_ms, lag_ms));
        let (_, applied) = past.0.front()?;
        let outdated_ms = group.committed_ms.get(*applied).copied();
        Some(outdated_ms.unwrap_or(self.now_ms))
    }

    /// How far a node had applied so many milliseconds ago.
    pub(crate) fn applied_before(&self, region: usize, node: usize, lag_ms: u64) -> Option<usize> {
        let past = &self.groups[region].nodes[node].past;
        past.applied_at(before(self.now_ms, lag_ms))
    }
}

fn before(now_ms: i64, lag_ms: u64) -> i64 {
    now_ms.saturating_sub(i64::try_from(lag_ms).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_of_the_past_sees_what_was_applied_then() {
        let mut past = Past::default();
        assert_eq!(past.applied_at(5), None);
        past.remember(10, 3);
        past.remember(20, 7);
        past.remember(30, 8);
        assert_eq!(
            (past.applied_at(25), past.applied_at(40)),
            (Some(7), Some(8))
        );
        assert_eq!(past.applied_at(5), Some(3), "the oldest that is kept");
        past.forget_before(20);
        assert_eq!(past.applied_at(5), Some(7));
    }
}
