//! Views: which state a node answers a read from. While reads may be answered
//! from an older one, a node remembers how far it had applied at which time.

use std::collections::VecDeque;

use crate::group::NODES;
use crate::world::World;

/// What a node had applied.
#[derive(Default)]
pub struct Past {
    /// How old a view may be, in milliseconds; nothing while none is older than
    /// it has to be.
    lag_ms: Option<u64>,
    /// How far the node had applied, and since when, in virtual milliseconds;
    /// oldest first.
    applied: VecDeque<(i64, usize)>,
}

impl Past {
    /// From now on views may be so old.
    fn reach(&mut self, lag_ms: Option<u64>) {
        self.lag_ms = lag_ms;
        if lag_ms.is_none() {
            self.applied.clear();
        }
    }

    /// Remembers that so much is applied from now on, if anybody may ask.
    pub(crate) fn remember(&mut self, now_ms: i64, applied: usize) {
        if self.lag_ms.is_some() {
            self.applied.push_back((now_ms, applied));
            self.forget_what_is_too_old(now_ms);
        }
    }

    fn forget_what_is_too_old(&mut self, now_ms: i64) {
        let at_ms = before(now_ms, self.lag_ms.unwrap_or_default());
        // The first one is the answer while the second is too young.
        let too_old = |(since_ms, _): &(i64, usize)| *since_ms <= at_ms;
        while self.applied.get(1).is_some_and(too_old) {
            self.applied.pop_front();
        }
    }

    /// How far the node had applied at a time, or at the beginning of what it
    /// remembers.
    fn applied_at(&self, at_ms: i64) -> Option<usize> {
        let mut back = self.applied.iter().rev();
        let then = back.find(|(since_ms, _)| *since_ms <= at_ms);
        then.or(self.applied.front()).map(|(_, applied)| *applied)
    }
}

impl World {
    /// The faults have changed: the nodes of a region remember what reads may ask
    /// for.
    pub(crate) fn remember_views(&mut self, region: usize) {
        for node in 0..NODES {
            let name = self.names[region].as_str();
            let number = node as u64 + 1;
            let lag_ms = self.faults.longest_lag_ms(name, number, self.now_ms);
            let it = &mut self.groups[region].nodes[node];
            let is_up = !it.condition.down;
            it.past.reach(lag_ms.filter(|_| is_up));
            it.past.remember(self.now_ms, it.applied);
        }
    }

    /// The age that reads at a node may have when they begin now: until when
    /// their view was the region's newest, in virtual milliseconds. Nothing
    /// while every read sees what it would without faults.
    pub(crate) fn as_of_ms(&mut self, region: usize, node: usize) -> Option<i64> {
        let group = &mut self.groups[region];
        let past = &mut group.nodes[node].past;
        past.forget_what_is_too_old(self.now_ms);
        let (_, applied) = past.applied.front()?;
        let outdated_ms = group.committed_ms.get(*applied).copied();
        Some(outdated_ms.unwrap_or(self.now_ms))
    }

    /// How far a node had applied so many milliseconds ago.
    pub(crate) fn applied_before(&self, region: usize, node: usize, lag_ms: u64) -> Option<usize> {
        let group = &self.groups[region];
        let applied = group.nodes[node]
            .past
            .applied_at(before(self.now_ms, lag_ms))?;
        // What it had applied may be gone since, from disks that lie.
        Some(applied.min(group.log.len()))
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
        past.remember(10, 3);
        assert_eq!(past.applied_at(5), None, "nobody may ask");
        past.reach(Some(100));
        past.remember(10, 3);
        past.remember(20, 7);
        past.remember(30, 8);
        assert_eq!(
            (past.applied_at(25), past.applied_at(40)),
            (Some(7), Some(8))
        );
        assert_eq!(past.applied_at(5), Some(3), "the oldest that is kept");
        past.forget_what_is_too_old(120);
        assert_eq!(past.applied_at(5), Some(7));
    }
}
