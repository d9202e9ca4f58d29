//! What faults make of nodes: they die, stand still, lose contact, and start
//! again.

use meridian_chaos::Condition;
use meridian_judge::ONE_STATE_PER_INDEX;

use crate::event::Event;
use crate::group::NODES;
use crate::planted::Planted;
use crate::world::World;

impl World {
    /// The faults have changed: every node is in the condition that they make.
    pub(crate) fn settle_conditions(&mut self) {
        for region in 0..self.groups.len() {
            self.settle_region(region);
        }
    }

    /// The same for one region.
    pub(crate) fn settle_region(&mut self, region: usize) {
        let disturbances = self.groups[region].disturbances;
        for node in 0..NODES {
            let condition = self.condition_now(region, node);
            let before = self.groups[region].nodes[node].condition;
            if condition != before {
                self.condition_changed(region, node, before, condition);
            }
        }
        if self.groups[region].disturbances != disturbances {
            for node in 0..NODES {
                let ms = self.hop_ms();
                self.after(ms, Event::Learn { region, node });
            }
        }
        self.remember_views(region);
        let group = &self.groups[region];
        if !group
            .leader
            .is_some_and(|leader| group.is_effective_leader(leader))
        {
            self.plan_election(region);
        }
    }

    /// A node's condition under the active faults. A node whose disk fails ends
    /// at once and does not start on it; one that starts may take its time.
    fn condition_now(&mut self, region: usize, node: usize) -> Condition {
        let name = self.names[region].as_str();
        let mut condition = self.faults.condition(name, node as u64 + 1, self.now_ms);
        condition.down |= condition.disk_full || condition.flush_fails;
        let it = &mut self.groups[region].nodes[node];
        let delay_ms = i64::try_from(condition.start_delay_ms).unwrap_or(i64::MAX / 4);
        if !it.condition.down || condition.down || delay_ms == 0 {
            it.starts_at_ms = None;
            return condition;
        }
        match it.starts_at_ms {
            None => {
                it.starts_at_ms = Some(self.now_ms + delay_ms);
                self.after(delay_ms, Event::Started(region));
                condition.down = true;
            }
            Some(starts_at_ms) => condition.down = self.now_ms < starts_at_ms,
        }
        condition
    }

    fn condition_changed(
        &mut self,
        region: usize,
        node: usize,
        before: Condition,
        condition: Condition,
    ) {
        let group = &mut self.groups[region];
        group.disturbances += 1;
        let it = &mut group.nodes[node];
        if condition.clock_frozen && !before.clock_frozen {
            it.clock_stopped_at_ms = self.now_ms;
        }
        it.condition = condition;
        if condition.replaced && !before.replaced {
            (it.snapshot, it.applied, it.stored) = (0, 0, 0);
        }
        if condition.down && !before.down {
            it.new_session(false);
            it.waiting.clear();
            it.stranded.clear();
            it.knows = None;
            if group.leader == Some(node) {
                group.leader = None;
            }
            self.calls_die(region, node);
        }
        if !condition.down && before.down {
            self.restart(region, node);
        }
        if self.groups[region].nodes[node].leads {
            self.watch_time(region, node);
        }
    }

    /// A node starts again: from its last snapshot, and as much of the log as
    /// it knows to be committed.
    pub(crate) fn restart(&mut self, region: usize, node: usize) {
        let it = &mut self.groups[region].nodes[node];
        let known = it.applied - it.snapshot;
        it.applied = it.snapshot + self.dice.index(known + 1);
        it.caught_up = false;
        let skips = self.planted == Some(Planted::ReplaySkips);
        self.judge.restarted(region, node);
        if let Err(difference) = self.groups[region].replay(node, skips) {
            self.judge.object(ONE_STATE_PER_INDEX, difference);
        }
    }
}
