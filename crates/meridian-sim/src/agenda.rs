//! Agenda: what will happen, in the order of virtual time; what happens at the
//! same time, in the order in which it was planned.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// Events that have not happened yet.
pub struct Agenda<E> {
    events: BinaryHeap<Reverse<Planned<E>>>,
    next_sequence: u64,
}

struct Planned<E> {
    at_ms: i64,
    sequence: u64,
    event: E,
}

impl<E> PartialEq for Planned<E> {
    fn eq(&self, other: &Self) -> bool {
        self.sequence == other.sequence
    }
}

impl<E> Eq for Planned<E> {}

impl<E> PartialOrd for Planned<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Planned<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at_ms, self.sequence).cmp(&(other.at_ms, other.sequence))
    }
}

impl<E> Default for Agenda<E> {
    fn default() -> Self {
        Agenda {
            events: BinaryHeap::new(),
            next_sequence: 0,
        }
    }
}

impl<E> Agenda<E> {
    /// Something will happen at a time, in virtual milliseconds.
    pub fn plan(&mut self, at_ms: i64, event: E) {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        self.events.push(Reverse(Planned {
            at_ms,
            sequence,
            event,
        }));
    }

    /// What happens next, and when.
    pub fn take(&mut self) -> Option<(i64, E)> {
        let Reverse(planned) = self.events.pop()?;
        Some((planned.at_ms, planned.event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_happen_by_time_and_then_in_the_order_of_planning() {
        let mut agenda = Agenda::default();
        agenda.plan(5, "c");
        agenda.plan(1, "a");
        agenda.plan(5, "d");
        agenda.plan(2, "b");
        let happened: Vec<_> = std::iter::from_fn(|| agenda.take()).collect();
        assert_eq!(happened, [(1, "a"), (2, "b"), (5, "c"), (5, "d")]);
    }
}
