//! Waiting for one's turn on a narrow way.

use std::collections::BTreeMap;

/// When each way is free again.
#[derive(Debug, Default)]
pub struct Queue {
    free_at_ms: BTreeMap<String, i64>,
}

impl Queue {
    /// Something that takes `takes_ms` of a way's time joins the queue; returns
    /// how long it waits for its turn, in milliseconds.
    pub fn wait_ms(&mut self, way: &str, takes_ms: u64, now_ms: i64) -> u64 {
        let free_at_ms = self.free_at_ms.entry(way.to_owned()).or_insert(now_ms);
        let begins_ms = (*free_at_ms).max(now_ms);
        *free_at_ms = begins_ms.saturating_add_unsigned(takes_ms);
        begins_ms.abs_diff(now_ms)
    }

    /// Forgets ways of which the owner says so.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.free_at_ms.retain(|way, _| keep(way));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_waits_for_what_came_before_on_the_same_way() {
        let mut queue = Queue::default();
        assert_eq!(queue.wait_ms("a", 10, 100), 0);
        assert_eq!(queue.wait_ms("a", 10, 104), 6);
        assert_eq!(queue.wait_ms("b", 10, 104), 0);
        assert_eq!(queue.wait_ms("a", 10, 200), 0);
    }
}
