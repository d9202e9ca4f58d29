//! One node of a region's modelled group: how far it is, and what it believes.

use meridian_chaos::Condition;
use meridian_kms::Region;
use meridian_kms::replication::feeding::Feeding;

use crate::event::Waiting;
use crate::group::Proposal;
use crate::views::Past;

/// One node.
pub struct Node {
    /// What faults make of it.
    pub condition: Condition,
    /// When it will have started, in virtual milliseconds, if a fault has its
    /// start take long.
    pub starts_at_ms: Option<i64>,
    /// Its clock when that was stopped, in virtual milliseconds.
    pub clock_stopped_at_ms: i64,
    /// How many entries it has applied.
    pub applied: usize,
    /// How many entries are durable here.
    pub stored: usize,
    /// Its state, if it came to it by itself after a restart; otherwise it is
    /// the group's at `applied`.
    pub own: Option<Region>,
    /// The log position of its last snapshot.
    pub snapshot: usize,
    /// Whether it has confirmed the leadership since it started.
    pub caught_up: bool,
    /// Whether it believes that it leads.
    pub leads: bool,
    /// The leader that it knows of.
    pub knows: Option<usize>,
    /// Counts its leaderships and lives: what an earlier one started is not
    /// finished by a later one.
    pub session: u64,
    /// Progress with each peer region, while it leads.
    pub feeding: Vec<Feeding>,
    /// Who waits for this node to apply an index.
    pub waiting: Vec<(usize, Waiting)>,
    /// What reads from an older view may see.
    pub past: Past,
    /// Proposals that it made while it was no leader any more.
    pub stranded: Vec<Proposal>,
    /// When its ticker will look again, in virtual milliseconds.
    pub ticks_at_ms: Option<i64>,
    /// Since when its ticker waits for a proposal, in virtual milliseconds.
    pub ticking_since_ms: Option<i64>,
}

impl Node {
    /// A node that has seen nothing.
    pub fn new(regions: usize) -> Node {
        Node {
            condition: Condition::default(),
            starts_at_ms: None,
            clock_stopped_at_ms: 0,
            applied: 0,
            stored: 0,
            own: None,
            snapshot: 0,
            caught_up: false,
            leads: false,
            knows: Some(0),
            session: 0,
            feeding: (0..regions).map(|_| Feeding::default()).collect(),
            waiting: Vec::new(),
            past: Past::default(),
            stranded: Vec::new(),
            ticks_at_ms: None,
            ticking_since_ms: None,
        }
    }

    /// A leadership or a life begins or ends.
    pub fn new_session(&mut self, leads: bool) {
        self.leads = leads;
        self.session += 1;
        self.ticking_since_ms = None;
        self.ticks_at_ms = None;
        for feeding in &mut self.feeding {
            *feeding = Feeding::default();
        }
    }
}
