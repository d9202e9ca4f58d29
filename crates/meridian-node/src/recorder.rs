//! The recorder: writes down what clients call and hear and what the regions
//! agree on, while it happens, as a history that the judge reads.
//!
//! The nodes of one process share it, so there is one order of everything. A
//! committed entry is written once, by the first node that applies it and before
//! that node shows it to anybody: what follows from it comes later in the file.
//!
//! Where every node is a process of its own, each writes its part, and
//! [`merge_parts`] makes one history of them.
//!
//! No secret is written. What was encrypted is known by a keyed hash, under a key
//! that nobody has once the process has ended, or in parts under one that follows
//! from the cluster's secret; material by its ID.

mod agreed;
mod asked;
mod chronicle;
mod fault_lines;
mod journal;
mod keepsake;
mod merge;
mod open_call;
mod part;
mod proposals;
mod troubles;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;
use meridian_crypto::{ClusterSecret, Fingerprints, OsEntropy};
use meridian_judge::History;
use meridian_judge::history::Seen;
use meridian_kms::replication::fact::Fact;
use meridian_kms::{AccountId, Caller, Outcome, Region, RegionName};
use tokio::sync::watch;

use crate::core::Core;
use crate::recorder::agreed::{Agreed, Entry};
use crate::recorder::journal::Journal;
use crate::recorder::keepsake::Keepsake;
use crate::recorder::part::{Header, Note};
use crate::recorder::proposals::Proposals;

pub use fault_lines::follow as follow_faults;
pub use keepsake::Kept;
pub use merge::merge_parts;

/// Writes the history of a cluster that runs in this process, or the part of it
/// that one node sees.
pub struct Recorder {
    regions: Vec<RegionName>,
    /// The one node whose part it is.
    only: Option<(RegionName, u64)>,
    fingerprints: Fingerprints,
    state: Mutex<State>,
    nodes: Mutex<Vec<Weak<Core>>>,
    committed: watch::Sender<()>,
}

/// What is known so far.
struct State {
    journal: Journal,
    calls: u64,
    /// Calls under way, by the ID of their request.
    open: BTreeMap<String, u64>,
    /// The material that calls under way bring, by a number of its bytes.
    imported: BTreeMap<u64, u64>,
    /// Numbers of clients, by account and principal.
    clients: BTreeMap<(AccountId, String), usize>,
    /// What each region has agreed on.
    agreed: Vec<Agreed>,
    proposals: Proposals,
    keepsake: Keepsake,
}

impl Recorder {
    /// Begins a history of these regions, which have not agreed on anything
    /// yet, in a file; what the file held is lost.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn create(file: &Path, regions: &[RegionName]) -> std::io::Result<Recorder> {
        let fingerprints = Fingerprints::new(&mut OsEntropy);
        let journal = Journal::create(file, regions)?;
        Ok(Recorder::new(journal, regions, None, fingerprints))
    }

    /// Begins the part that a node sees which has its process to itself, in a
    /// directory that all nodes of the cluster may share.
    ///
    /// # Errors
    /// No file can be written there.
    ///
    /// # Panics
    /// For a region that is not among the regions.
    pub fn create_part(
        directory: &Path,
        regions: &[RegionName],
        (region, node): (&RegionName, u64),
        secret: &ClusterSecret,
    ) -> std::io::Result<Recorder> {
        let only = Some((region.clone(), node));
        let region = place(regions, region);
        let header = Header::new(regions, region, number(node));
        let journal = Journal::create_part(directory, &header)?;
        let fingerprints = Fingerprints::of_cluster(secret);
        Ok(Recorder::new(journal, regions, only, fingerprints))
    }

    fn new(
        journal: Journal,
        regions: &[RegionName],
        only: Option<(RegionName, u64)>,
        fingerprints: Fingerprints,
    ) -> Recorder {
        let agreed = regions.iter().map(|name| Agreed::new(name.clone()));
        let state = State {
            journal,
            calls: 0,
            open: BTreeMap::new(),
            imported: BTreeMap::new(),
            clients: BTreeMap::new(),
            agreed: agreed.collect(),
            proposals: Proposals::default(),
            keepsake: Keepsake::default(),
        };
        Recorder {
            regions: regions.to_vec(),
            only,
            fingerprints,
            state: Mutex::new(state),
            nodes: Mutex::default(),
            committed: watch::Sender::new(()),
        }
    }

    /// Does it write one node's part only? Nobody can judge that by itself.
    pub fn is_part(&self) -> bool {
        self.state().journal.is_part()
    }

    /// The regions, in the order in which the history counts them.
    pub fn regions(&self) -> &[RegionName] {
        &self.regions
    }

    /// The place of a region in the history.
    ///
    /// # Panics
    /// For a region of another cluster.
    pub fn place(&self, region: &RegionName) -> usize {
        place(&self.regions, region)
    }

    /// A node runs from now on, for the first time or again.
    pub fn node_started(&self, core: &Arc<Core>) {
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.retain(|node| node.strong_count() > 0);
        nodes.push(Arc::downgrade(core));
    }

    /// A node lost what it remembered, and is about to start again.
    pub fn node_restarts(&self, region: &RegionName, node: u64) {
        let region = self.place(region);
        let node = number(node);
        self.state()
            .journal
            .write(&Seen::Restarted { region, node });
    }

    /// The running nodes of a region, the one that leads first.
    pub fn nodes_of(&self, region: &RegionName) -> Vec<Arc<Core>> {
        let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        let running = nodes.iter().filter_map(Weak::upgrade);
        let mut nodes: Vec<_> = running.filter(|core| core.region == *region).collect();
        nodes.sort_by_key(|core| !core.is_leader());
        nodes
    }

    /// A call brings these bytes to be imported.
    pub fn imports(&self, caller: &Caller, bytes: &[u8]) {
        let bytes = self.fingerprints.number(bytes);
        let mut state = self.state();
        if state.journal.is_part() {
            let request = caller.request_id.clone();
            state.journal.note(Note::Imports { request, bytes });
        } else if let Some(call) = state.open.get(&caller.request_id).copied() {
            state.imported.insert(call, bytes);
        }
    }

    /// A leader is about to propose what a call asks for.
    pub fn proposes(&self, caller: &Caller, entry: &Bytes) {
        let mut state = self.state();
        if state.journal.is_part() {
            state.journal.note(Note::Proposes {
                request: caller.request_id.clone(),
                entry: self.fingerprints.of(entry),
            });
        } else if let Some(call) = state.open.get(&caller.request_id).copied() {
            state.proposals.add(entry, call);
        }
    }

    /// It was not a leader: the entry is in no log.
    pub fn withdraws(&self, caller: &Caller, entry: &Bytes) {
        let mut state = self.state();
        if state.journal.is_part() {
            state.journal.note(Note::Withdraws {
                request: caller.request_id.clone(),
                entry: self.fingerprints.of(entry),
            });
        } else if let Some(call) = state.open.get(&caller.request_id).copied() {
            state.proposals.remove(entry, call);
        }
    }

    /// A node has applied an entry of its region's log.
    pub fn applied(
        &self,
        region: usize,
        index: u64,
        entry: &Bytes,
        (before, after): (&Region, &Region),
        outcome: &Outcome,
    ) {
        let effect = matches!(outcome, Outcome::Answered(Ok(_)));
        let mut state = self.state();
        if state.journal.is_part() {
            let due = after.feeds().values().filter(|feed| !feed.is_empty());
            state.journal.note(Note::Committed {
                index,
                entry: self.fingerprints.of(entry),
                effect,
                due: due.count(),
                saw: Seen::of_commit(0, region, before, after),
            });
            return;
        }
        let at_ms = state.journal.now_ms();
        let agreed = state.agreed[region].region().clone();
        let before = match state.agreed[region].applied(index, entry, after, at_ms) {
            Entry::Known => return,
            Entry::News => before,
            // Whatever is missing is seen to be.
            Entry::Replaces => &agreed,
        };
        if let Some(call) = state.proposals.committed(entry) {
            let applied = Seen::Applied {
                at_ms,
                call,
                effect,
            };
            state.journal.write(&applied);
        }
        for seen in Seen::of_commit(at_ms, region, before, after) {
            state.journal.write(&seen);
        }
        drop(state);
        self.committed.send_replace(());
    }

    /// Facts of another region have arrived.
    pub fn told(&self, from: &RegionName, to: &RegionName, facts: &[Fact]) {
        let (from, to) = (self.place(from), self.place(to));
        let mut state = self.state();
        let at_ms = state.journal.now_ms();
        for fact in facts {
            state
                .journal
                .write(&Seen::of_fact(at_ms, from, to, fact, false));
        }
    }

    /// Writes that everything was healed, if no region has anything left to
    /// tell another. The caller knows that there are no faults.
    pub fn healed(&self) -> bool {
        let mut state = self.state();
        let is_told = |it: &Agreed| {
            let mut feeds = it.region().feeds().values();
            feeds.all(|feed| feed.is_empty())
        };
        if !state.agreed.iter().all(is_told) {
            return false;
        }
        let healed = Seen::Healed {
            at_ms: state.journal.now_ms(),
            due: vec![0; self.regions.len()],
        };
        state.journal.write(&healed);
        true
    }

    /// Follows the commits of all regions.
    pub fn commits(&self) -> watch::Receiver<()> {
        self.committed.subscribe()
    }

    /// The ciphertexts that are kept, and how many of the run are not.
    pub fn ciphertexts(&self) -> (Vec<(Bytes, Kept)>, u64) {
        self.state().keepsake.all()
    }

    /// Everything that was written so far.
    ///
    /// # Errors
    /// It could not be written, or cannot be read.
    pub fn history(&self) -> anyhow::Result<History> {
        let written = self.state().journal.written()?;
        Ok(History::read(&written.text()?)?)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn place(regions: &[RegionName], region: &RegionName) -> usize {
    let place = regions.iter().position(|it| it == region);
    place.expect("a recorder is shared by nodes of the regions it was made for")
}

/// The number of a node in a history, which counts from zero.
fn number(node: u64) -> usize {
    usize::try_from(node.saturating_sub(1)).unwrap_or(usize::MAX)
}
