//! Group: one region's Raft group, modelled: an agreed log, and three nodes
//! that have applied more or less of it.
//!
//! What Raft promises is given: the log is linear, and what was committed stays
//! committed. What it leaves open is open: who leads, who believes to, how far
//! a node has applied, and what becomes of a proposal that was not answered.

use std::collections::VecDeque;

use meridian_chaos::Condition;
use meridian_crypto::{ClusterSecret, RootKey, Vault};
use meridian_kms::{Change, Entry, Region, RegionName, Timestamp};

use crate::dice::{Dice, Stream};
use crate::event::Origin;
use crate::node::Node;

/// Nodes of each region.
pub const NODES: usize = 3;

/// Virtual time begins at 2026-01-01T00:00:00Z.
pub const START: Timestamp = Timestamp(1_767_225_600_000);

/// A proposal that has not been committed.
pub struct Proposal {
    /// Names it.
    pub id: u64,
    /// What was proposed.
    pub entry: Entry,
    /// Who waits for it.
    pub origin: Origin,
    /// Whether the proposer will hear of the commit.
    pub answered: bool,
}

/// One region.
pub struct Group {
    /// Its name.
    pub name: RegionName,
    /// Its secrets.
    pub vault: Vault,
    /// The randomness of its nodes.
    pub entropy: Dice,
    /// The agreed log.
    pub log: Vec<Entry>,
    /// The state after each length of the log.
    pub states: Vec<Region>,
    /// When each entry was committed, in virtual milliseconds.
    pub committed_ms: Vec<i64>,
    /// Its nodes.
    pub nodes: Vec<Node>,
    /// The node that leads.
    pub leader: Option<usize>,
    /// What the leader has proposed and not committed, in order.
    pub pending: VecDeque<Proposal>,
    /// When the last pending proposal commits, in virtual milliseconds.
    pub last_commit_ms: i64,
    /// Whether an election has been planned.
    pub electing: bool,
    /// Changes of what is wrong inside this region, and of its leader.
    pub disturbances: u64,
    /// Entries between two snapshots of a node.
    pub snapshot_every: usize,
}

impl Group {
    /// A region without keys, led by its first node.
    pub fn new(index: usize, name: RegionName, regions: usize, seed: u64) -> Group {
        let number = index as u8 + 1;
        let root = RootKey::from_bytes(&[number; 32]).expect("32 bytes are a root key");
        let cluster = ClusterSecret::from_bytes(&[99; 32]).expect("32 bytes are a secret");
        let mut entropy = Dice::new(seed, Stream::Region(index));
        let snapshot_every = 8 + entropy.index(40);
        let mut nodes: Vec<Node> = (0..NODES).map(|_| Node::new(regions)).collect();
        nodes[0].leads = true;
        Group {
            vault: Vault::new(name.as_str(), root, cluster),
            entropy,
            log: Vec::new(),
            committed_ms: Vec::new(),
            states: vec![Region::new(name.clone())],
            nodes,
            leader: Some(0),
            pending: VecDeque::new(),
            last_commit_ms: 0,
            electing: false,
            disturbances: 0,
            snapshot_every,
            name,
        }
    }

    /// What the region has agreed on.
    pub fn agreed(&self) -> &Region {
        self.states
            .last()
            .expect("there is a state without entries")
    }

    /// What a node has applied.
    pub fn view(&self, node: usize) -> &Region {
        let it = &self.nodes[node];
        it.own.as_ref().unwrap_or(&self.states[it.applied])
    }

    /// A node's view as a read sees it: moved to the node's clock if something
    /// fell due since.
    pub fn newest(&self, node: usize, now_ms: i64) -> Region {
        let mut view = self.view(node).clone();
        let now = self.clock(node, now_ms);
        if view.is_due(now) {
            view.advance_to(now);
        }
        view
    }

    /// A node's clock: its machine's, moved by what the region has agreed on.
    pub fn clock(&self, node: usize, now_ms: i64) -> Timestamp {
        let it = &self.nodes[node];
        let machine_ms = if it.condition.clock_frozen {
            it.clock_stopped_at_ms
        } else {
            now_ms
        };
        START
            .plus_ms(machine_ms)
            .plus_ms(it.condition.clock_skew_ms)
            .plus_ms(self.view(node).clock_offset_ms())
    }

    /// Can two nodes talk to each other, or one to itself?
    pub fn reach(&self, one: usize, other: usize) -> bool {
        let works = |node: usize| {
            let it = self.nodes[node].condition;
            !it.down && !it.paused
        };
        let cut = |node: usize| self.nodes[node].condition.cut;
        works(one) && works(other) && (one == other || !cut(one) && !cut(other))
    }

    /// Can a node reach a majority, itself included?
    pub fn has_majority(&self, node: usize) -> bool {
        (0..NODES).filter(|other| self.reach(node, *other)).count() > NODES / 2
    }

    /// How much later an entry of this leader is durable on a majority because
    /// disks are slow, in milliseconds.
    pub fn disks_ms(&self, leader: usize) -> i64 {
        let reached = (0..NODES).filter(|node| self.reach(leader, *node));
        let mut delays: Vec<u64> = reached
            .map(|node| self.nodes[node].condition.disk_delay_ms)
            .collect();
        delays.sort_unstable();
        let majority = delays.get(NODES / 2).or(delays.last());
        majority.map_or(0, |ms| i64::try_from(*ms).unwrap_or(i64::MAX / 4))
    }

    /// Can the group lose this node's disk: do all others hold what it agreed
    /// on?
    pub fn can_spare(&self, node: usize) -> bool {
        let holds = |(index, it): (usize, &Node)| {
            index == node || !it.condition.down && it.stored == self.log.len()
        };
        self.nodes.iter().enumerate().all(holds)
    }

    /// Is this node the leader, and able to commit and to confirm that it leads?
    pub fn is_effective_leader(&self, node: usize) -> bool {
        self.leader == Some(node) && self.nodes[node].leads && self.has_majority(node)
    }

    /// Is nothing wrong inside this region?
    pub fn is_sound(&self) -> bool {
        let Some(leader) = self.leader else {
            return false;
        };
        let sound = |(index, node): (usize, &Node)| {
            node.condition == Condition::default()
                && node.knows == Some(leader)
                && node.leads == (index == leader)
        };
        self.nodes.iter().enumerate().all(sound)
    }

    /// An entry with a node's clock.
    pub fn entry(&self, node: usize, now_ms: i64, change: Change) -> Entry {
        Entry {
            at: self.clock(node, now_ms),
            change,
        }
    }

    /// Brings a restarted node's own state to where it has applied: from its
    /// snapshot, by the log as it is stored.
    ///
    /// # Errors
    /// Words about what cannot be read back, or came out differently.
    pub fn replay(&mut self, node: usize, skips: bool) -> Result<(), String> {
        let it = &self.nodes[node];
        let (snapshot, applied) = (it.snapshot, it.applied);
        let bytes = self.states[snapshot].encode();
        let mut region = Region::decode(&bytes).map_err(|error| error.to_string())?;
        let skipped = usize::from(skips && applied > snapshot);
        for entry in &self.log[snapshot + skipped..applied] {
            let entry = Entry::decode(&entry.encode()).map_err(|error| error.to_string())?;
            region.apply(&entry);
        }
        self.nodes[node].own = Some(region);
        self.compare(node)
    }

    /// Applies everything up to `index` at a node.
    ///
    /// # Errors
    /// Words about a restarted node whose state differs from the others'.
    pub fn apply_until(&mut self, node: usize, index: usize) -> Result<(), String> {
        let it = &mut self.nodes[node];
        if index <= it.applied {
            return Ok(());
        }
        if let Some(own) = &mut it.own {
            for entry in &self.log[it.applied..index] {
                own.apply(entry);
            }
        }
        it.applied = index;
        it.stored = it.stored.max(index);
        if index - it.snapshot >= self.snapshot_every {
            it.snapshot = index;
            return self.compare(node);
        }
        Ok(())
    }

    /// One state per index: what a restarted node came to is what the others
    /// have.
    pub fn compare(&self, node: usize) -> Result<(), String> {
        let it = &self.nodes[node];
        let Some(own) = &it.own else { return Ok(()) };
        let agreed = &self.states[it.applied];
        if own == agreed && own.next_deadline() == agreed.next_deadline() {
            return Ok(());
        }
        Err(format!(
            "node {} of {} came to another state at index {}",
            node + 1,
            self.name,
            it.applied
        ))
    }
}
