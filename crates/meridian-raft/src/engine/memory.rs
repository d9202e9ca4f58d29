//! An engine without a disk, for ephemeral nodes. It tells what was written from what was
//! synced, so that a test or a simulation can take the unsynced part away.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use super::{Change, Engine, Stored};
use crate::types::{Entry, LogId, Vote};

/// The pretended disk. It outlives the engine, as a disk outlives a process.
#[derive(Clone, Default)]
pub(crate) struct MemoryDisk(Arc<Mutex<Platter>>);

#[derive(Default)]
struct Platter {
    durable: Image,
    /// Batches written since the last sync, oldest first.
    unsynced: Vec<Vec<Change>>,
}

#[derive(Clone, Default)]
struct Image {
    vote: Option<Vote>,
    committed: Option<LogId>,
    purged: Option<LogId>,
    catching_up: bool,
    entries: BTreeMap<u64, Entry>,
}

impl MemoryDisk {
    /// An engine on this disk.
    pub(crate) fn engine(&self) -> MemoryEngine {
        MemoryEngine { disk: self.clone() }
    }

    /// How many batches a power cut could take.
    #[cfg(test)]
    pub(crate) fn unsynced(&self) -> usize {
        self.lock().unsynced.len()
    }

    /// Cuts the power: all but the first `kept` of the unsynced batches are gone. Of a `torn`
    /// one that comes next the state is kept and the log is not, as the engine on disk writes
    /// them.
    #[cfg(test)]
    pub(crate) fn cut_power(&self, kept: usize, torn: bool) {
        let mut platter = self.lock();
        let mut next = platter.unsynced.get(kept).cloned().unwrap_or_default();
        next.retain(|change| torn && !matches!(change, Change::Append(_) | Change::Truncate(_)));
        platter.unsynced.truncate(kept);
        platter.unsynced.push(next);
        platter.settle();
    }

    /// What a power cut could not take.
    #[cfg(test)]
    pub(crate) fn durable(&self) -> Stored {
        self.lock().durable.clone().into()
    }

    fn lock(&self) -> MutexGuard<'_, Platter> {
        self.0.lock().expect("no holder of this lock panics")
    }
}

impl Platter {
    fn settle(&mut self) {
        for change in self.unsynced.drain(..).flatten() {
            self.durable.apply(change);
        }
    }
}

impl Image {
    fn apply(&mut self, change: Change) {
        match change {
            Change::Vote(vote) => self.vote = Some(vote),
            Change::Committed(committed) => self.committed = committed,
            Change::CatchingUp(catching_up) => self.catching_up = catching_up,
            Change::Append(entries) => self
                .entries
                .extend(entries.into_iter().map(|entry| (entry.log_id.index, entry))),
            Change::Truncate(from) => drop(self.entries.split_off(&from)),
            Change::Purge(upto) => {
                self.entries = self.entries.split_off(&(upto.index + 1));
                self.purged = Some(upto);
            }
        }
    }
}

impl From<Image> for Stored {
    fn from(image: Image) -> Self {
        Self {
            vote: image.vote,
            committed: image.committed,
            purged: image.purged,
            catching_up: image.catching_up,
            entries: image.entries.into_values().collect(),
        }
    }
}

/// See [`MemoryDisk`].
pub(crate) struct MemoryEngine {
    disk: MemoryDisk,
}

impl Engine for MemoryEngine {
    fn load(&mut self) -> io::Result<Stored> {
        let mut platter = self.disk.lock();
        // What a dead process had written is still with the operating system.
        platter.settle();
        Ok(platter.durable.clone().into())
    }

    fn write(&mut self, changes: &[Change]) -> io::Result<()> {
        self.disk.lock().unsynced.push(changes.to_vec());
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.disk.lock().settle();
        Ok(())
    }

    fn tidy(&mut self) -> io::Result<bool> {
        Ok(false)
    }

    fn close(self: Box<Self>) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::data;

    fn append(index: u64) -> [Change; 1] {
        [Change::Append(vec![data(index, "entry")])]
    }

    #[test]
    fn a_power_cut_takes_what_was_not_synced() {
        let disk = MemoryDisk::default();
        let mut engine = disk.engine();
        engine.write(&append(1)).unwrap();
        engine.sync().unwrap();
        engine.write(&append(2)).unwrap();
        engine.write(&append(3)).unwrap();
        disk.cut_power(1, false);
        let kept = disk.engine().load().unwrap().entries;
        assert_eq!(kept, [data(1, "entry"), data(2, "entry")]);
    }

    #[test]
    fn a_torn_batch_keeps_its_vote_and_loses_its_entries() {
        let disk = MemoryDisk::default();
        let vote = Vote::new(3, 2);
        let [entry] = append(1);
        disk.engine().write(&[entry, Change::Vote(vote)]).unwrap();
        disk.cut_power(0, true);
        let kept = disk.engine().load().unwrap();
        assert_eq!((kept.vote, kept.entries.len()), (Some(vote), 0));
    }

    #[test]
    fn the_death_of_a_process_takes_nothing_that_was_written() {
        let disk = MemoryDisk::default();
        disk.engine().write(&append(1)).unwrap();
        assert_eq!(disk.engine().load().unwrap().entries.len(), 1);
    }
}
