//! Time that changes something by itself: a leader looks when the next thing is
//! due, and proposes it.

use meridian_kms::Change;

use crate::event::{Event, Origin};
use crate::raft::PROPOSE_TIMEOUT_MS;
use crate::world::World;

impl World {
    /// A leader plans what is due, and when to look again.
    pub(crate) fn watch_time(&mut self, region: usize, node: usize) {
        let group = &mut self.groups[region];
        if !group.nodes[node].leads || group.nodes[node].ticking_since_ms.is_some() {
            return;
        }
        let view = group.view(node).clone();
        let Some(deadline) = view.next_deadline() else {
            return;
        };
        let now = group.clock(node, self.now_ms);
        if deadline > now {
            // The clock may be set meanwhile: a ticker looks again by then. A
            // deadline beyond the run waits for time travel.
            let left_ms = deadline.0 - now.0;
            let at_ms = self.now_ms + left_ms;
            if left_ms <= 600_000 && group.nodes[node].ticks_at_ms != Some(at_ms) {
                group.nodes[node].ticks_at_ms = Some(at_ms);
                self.agenda.plan(at_ms, Event::Tick { region, node });
            }
            return;
        }
        let changes = view.plan_due(now, &group.vault, &mut group.entropy);
        let session = group.nodes[node].session;
        let last = changes.len().saturating_sub(1);
        for (number, change) in changes.into_iter().enumerate() {
            let origin = if number == last {
                self.groups[region].nodes[node].ticking_since_ms = Some(self.now_ms);
                Origin::Ticker { session }
            } else {
                Origin::Operator
            };
            if self.propose(region, node, change, origin).is_err() {
                self.groups[region].nodes[node].ticking_since_ms = None;
                return;
            }
        }
        // A proposal that is lost is not waited for for ever.
        self.after(PROPOSE_TIMEOUT_MS, Event::Tick { region, node });
    }

    /// A ticker looks again.
    pub(crate) fn tick(&mut self, region: usize, node: usize) {
        let it = &mut self.groups[region].nodes[node];
        if it.condition.down || it.condition.paused {
            return self.after(50, Event::Tick { region, node });
        }
        it.ticks_at_ms = None;
        let waits_until_ms = it.ticking_since_ms.map(|since| since + PROPOSE_TIMEOUT_MS);
        if waits_until_ms.is_some_and(|until| until > self.now_ms) {
            return;
        }
        it.ticking_since_ms = None;
        self.watch_time(region, node);
    }

    /// The entry that an operator's time travel commits at a region's leader.
    pub(crate) fn advance_clock(&mut self, region: usize, ms: i64) {
        if let Some(leader) = self.groups[region].leader {
            let change = Change::AdvanceClock { ms };
            // An operator whose region has no leader tries another time.
            let _ = self.propose(region, leader, change, Origin::Operator);
        }
    }
}
