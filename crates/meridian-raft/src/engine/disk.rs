//! The engine on disk: all of sled.
//!
//! Two rules of sled 0.34 shape this file. Its `flush()` is no barrier on Linux (it ends in
//! `sync_file_range`), so [`sync`](Engine::sync) also calls `fdatasync` on a handle of its own to
//! sled's file. And values of tens of kilobytes go to files that sled never syncs nor deletes, so
//! no value here is longer than about 4 KB.
//!
//! Layout. Tree `log`: key = index of the value's first entry and number of the piece, both
//! big-endian; value as in `value.rs`. Tree `state`: a key per item. A purge only moves the
//! mark; the values before it are removed later, a few at a time, and ignored until then.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::value::{
    FIRST_PIECE, Frames, Group, NEXT_PIECE, WHOLE, fits_one_value, key, pieces_of, split_key,
    split_length, split_value,
};
use super::{Change, Engine, Stored};
use crate::Fsync;
use crate::record::{
    Ballot, Position, Record, VERSION, corrupt, decode, decode_versioned, encode, encode_versioned,
};
use crate::types::Entry;

/// Values removed by one [`tidy`](Engine::tidy).
const TIDY_VALUES: usize = 64;
/// The log is read from memory; sled needs no more cache than this.
const CACHE_BYTES: u64 = 4 * 1024 * 1024;
/// A store closed a moment ago may still be let go of by sled's own threads.
const LOCK_PATIENCE: Duration = Duration::from_secs(3);

const FORMAT: &[u8] = b"format";
const NODE: &[u8] = b"node";
const VOTE: &[u8] = b"vote";
const COMMITTED: &[u8] = b"committed";
const PURGED: &[u8] = b"purged";
const CATCHING_UP: &[u8] = b"catching_up";

/// See the module.
pub(crate) struct DiskEngine {
    db: sled::Db,
    log: sled::Tree,
    state: sled::Tree,
    /// For `fdatasync`; absent when a process crash is all that must be survived.
    file: Option<File>,
    /// The values of the log by their first index.
    values: BTreeMap<u64, Value>,
    /// Entries up to this index are purged.
    purged: Option<u64>,
}

#[derive(Clone, Copy)]
struct Value {
    last: u64,
    pieces: u32,
}

/// What one [`write`](Engine::write) will change in the log tree; read before the tree.
type Overlay = BTreeMap<[u8; 12], Option<Vec<u8>>>;

impl DiskEngine {
    /// Opens or creates the store of `node_id` in `directory`.
    pub(crate) fn open(directory: &Path, node_id: u64, fsync: Fsync) -> io::Result<Self> {
        std::fs::create_dir_all(directory)?;
        let db = open_sled(directory)?;
        let state = db.open_tree("state").map_err(into_io)?;
        match state.get(FORMAT).map_err(into_io)?.as_deref() {
            Some([VERSION]) => {}
            Some(other) => {
                return Err(io::Error::new(
                    io::ErrorKind::Unsupported,
                    format!(
                        "the log was written in format {other:?}, this program reads {VERSION}"
                    ),
                ));
            }
            None => {
                state.insert(FORMAT, &[VERSION]).map_err(into_io)?;
                state
                    .insert(NODE, &node_id.to_be_bytes())
                    .map_err(into_io)?;
            }
        }
        let owner = state.get(NODE).map_err(into_io)?;
        if owner.as_deref() != Some(&node_id.to_be_bytes()) {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                format!("the log belongs to another node than {node_id}"),
            ));
        }
        let log = db.open_tree("log").map_err(into_io)?;
        let file = match fsync {
            Fsync::Durable => Some(File::open(directory.join("db"))?),
            Fsync::ProcessCrash => None,
        };
        let mut engine = Self {
            db,
            log,
            state,
            file,
            values: BTreeMap::new(),
            purged: None,
        };
        engine.sync()?;
        if fsync == Fsync::Durable {
            // The files' names must survive as their contents do.
            File::open(directory)?.sync_all()?;
            if let Some(parent) = directory.parent() {
                File::open(parent)?.sync_all()?;
            }
        }
        Ok(engine)
    }

    fn item<T: serde::de::DeserializeOwned>(&self, key: &[u8]) -> io::Result<Option<T>> {
        let value = self.state.get(key).map_err(into_io)?;
        value.map(|bytes| decode_versioned(&bytes)).transpose()
    }

    /// Reads the whole log and rebuilds the index of its values.
    fn load_entries(&mut self) -> io::Result<Vec<Entry>> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut long: Option<(u64, usize, Vec<u8>)> = None;
        for item in self.log.iter() {
            let (key, value) = item.map_err(into_io)?;
            let (first, piece) = split_key(&key)?;
            let (kind, content) = split_value(&value)?;
            let mut found: Vec<Entry> = Vec::new();
            match (kind, long.take()) {
                (WHOLE, None) => {
                    for bytes in Frames(content) {
                        found.push(decode::<Record>(bytes?)?.into_entry()?);
                    }
                }
                (FIRST_PIECE, None) => {
                    let (length, rest) = split_length(content)?;
                    long = Some((first, length, rest.to_vec()));
                }
                (NEXT_PIECE, Some((of, length, mut bytes))) if of == first => {
                    bytes.extend_from_slice(content);
                    long = Some((of, length, bytes));
                }
                _ => {
                    return Err(corrupt(format!(
                        "value {first}/{piece} of the log does not follow the one before"
                    )));
                }
            }
            if let Some((_, length, bytes)) = &long
                && bytes.len() >= *length
            {
                found.push(decode::<Record>(bytes)?.into_entry()?);
                long = None;
            }
            let Some(last) = found.last().map(|entry| entry.log_id.index) else {
                continue;
            };
            if found[0].log_id.index != first {
                return Err(corrupt(format!(
                    "value {first} of the log holds other entries"
                )));
            }
            let pieces = piece + 1;
            self.values.insert(first, Value { last, pieces });
            found.retain(|entry| Some(entry.log_id.index) > self.purged);
            for entry in found {
                if let Some(previous) = entries.last()
                    && previous.log_id.index + 1 != entry.log_id.index
                {
                    return Err(corrupt(format!(
                        "the log has a gap after entry {}",
                        previous.log_id.index
                    )));
                }
                entries.push(entry);
            }
        }
        if let Some((first, ..)) = long {
            return Err(corrupt(format!("entry {first} of the log is incomplete")));
        }
        Ok(entries)
    }

    fn append(&mut self, entries: &[Entry], overlay: &mut Overlay) {
        let mut group = Group::default();
        for entry in entries {
            let bytes = encode(&Record::from(entry));
            let index = entry.log_id.index;
            if !fits_one_value(&bytes) {
                self.put_group(&mut group, overlay);
                self.put_long(index, &bytes, overlay);
                continue;
            }
            if !group.has_room(bytes.len()) {
                self.put_group(&mut group, overlay);
            }
            group.push(index, &bytes);
        }
        self.put_group(&mut group, overlay);
    }

    fn put_group(&mut self, group: &mut Group, overlay: &mut Overlay) {
        let Group {
            first,
            entries,
            value,
        } = std::mem::take(group);
        if entries > 0 {
            let last = first + entries as u64 - 1;
            overlay.insert(key(first, 0), Some(value));
            self.values.insert(first, Value { last, pieces: 1 });
        }
    }

    fn put_long(&mut self, index: u64, bytes: &[u8], overlay: &mut Overlay) {
        let mut pieces = 0;
        for value in pieces_of(bytes) {
            overlay.insert(key(index, pieces), Some(value));
            pieces += 1;
        }
        let last = index;
        self.values.insert(index, Value { last, pieces });
    }

    fn truncate(&mut self, from: u64, overlay: &mut Overlay) -> io::Result<()> {
        for (first, value) in self.values.split_off(&from) {
            for piece in 0..value.pieces {
                overlay.insert(key(first, piece), None);
            }
        }
        let Some((&first, &value)) = self.values.last_key_value() else {
            return Ok(());
        };
        if value.last < from {
            return Ok(());
        }
        let stored = match overlay.get(&key(first, 0)) {
            Some(stored) => stored.clone(),
            None => self
                .log
                .get(key(first, 0))
                .map_err(into_io)?
                .map(|value| value.to_vec()),
        };
        let stored = stored.ok_or_else(|| corrupt(format!("value {first} of the log is gone")))?;
        let (_, content) = split_value(&stored)?;
        let mut group = Group::default();
        for (index, bytes) in (first..from).zip(Frames(content)) {
            group.push(index, bytes?);
        }
        self.put_group(&mut group, overlay);
        Ok(())
    }
}

impl Engine for DiskEngine {
    fn load(&mut self) -> io::Result<Stored> {
        let purged: Option<Position> = self.item(PURGED)?;
        let purged = purged.map(crate::types::LogId::from);
        self.purged = purged.map(|id| id.index);
        let entries = self.load_entries()?;
        if let (Some(first), Some(purged)) = (entries.first(), self.purged)
            && first.log_id.index != purged + 1
        {
            return Err(corrupt(format!("the log has a gap after entry {purged}")));
        }
        Ok(Stored {
            vote: self.item::<Ballot>(VOTE)?.map(Into::into),
            committed: self
                .item::<Option<Position>>(COMMITTED)?
                .flatten()
                .map(Into::into),
            purged,
            catching_up: self.item(CATCHING_UP)?.unwrap_or(false),
            entries,
        })
    }

    fn write(&mut self, changes: &[Change]) -> io::Result<()> {
        let mut state = sled::Batch::default();
        let mut overlay = Overlay::new();
        for change in changes {
            match change {
                Change::Vote(vote) => state.insert(VOTE, encode_versioned(&Ballot::from(*vote))),
                Change::Committed(id) => {
                    state.insert(COMMITTED, encode_versioned(&id.map(Position::from)));
                }
                Change::CatchingUp(yes) => state.insert(CATCHING_UP, encode_versioned(yes)),
                Change::Append(entries) => self.append(entries, &mut overlay),
                Change::Truncate(from) => self.truncate(*from, &mut overlay)?,
                Change::Purge(upto) => {
                    state.insert(PURGED, encode_versioned(&Position::from(*upto)));
                    self.purged = self.purged.max(Some(upto.index));
                }
            }
        }
        // The state comes first: a vote without the entries that followed it, or a purge whose
        // entries are still there, is a state the node may be in; the reverse is not.
        self.state.apply_batch(state).map_err(into_io)?;
        let mut log = sled::Batch::default();
        for (key, value) in overlay {
            match value {
                Some(value) => log.insert(&key, value),
                None => log.remove(&key),
            }
        }
        self.log.apply_batch(log).map_err(into_io)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.db.flush().map_err(into_io)?;
        match &self.file {
            Some(file) => file.sync_data(),
            None => Ok(()),
        }
    }

    fn tidy(&mut self) -> io::Result<bool> {
        let mut batch = sled::Batch::default();
        let mut removed = 0;
        while let Some(first) = self.values.first_entry() {
            if Some(first.get().last) > self.purged {
                break;
            }
            if removed >= TIDY_VALUES {
                self.log.apply_batch(batch).map_err(into_io)?;
                return Ok(true);
            }
            for piece in 0..first.get().pieces {
                batch.remove(&key(*first.key(), piece));
                removed += 1;
            }
            first.remove();
        }
        self.log.apply_batch(batch).map_err(into_io)?;
        Ok(false)
    }

    fn close(self: Box<Self>) -> io::Result<()> {
        self.db.flush().map_err(into_io)?;
        Ok(())
    }
}

fn open_sled(directory: &Path) -> io::Result<sled::Db> {
    let config = sled::Config::new()
        .path(directory)
        .cache_capacity(CACHE_BYTES)
        .flush_every_ms(None);
    let deadline = Instant::now() + LOCK_PATIENCE;
    loop {
        match config.open().map_err(into_io) {
            Err(error) if is_locked(&error) && Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(10));
            }
            Err(error) if is_locked(&error) => {
                return Err(io::Error::new(
                    io::ErrorKind::AddrInUse,
                    "another process has the log open",
                ));
            }
            opened => return opened,
        }
    }
}

/// sled reports its lock only in words.
fn is_locked(error: &io::Error) -> bool {
    error.to_string().contains("could not acquire lock")
}

/// Keeps what kind of failure it is: a damaged file must be told from a full disk.
fn into_io(error: sled::Error) -> io::Error {
    match error {
        sled::Error::Io(error) => error,
        sled::Error::Corruption { .. } => corrupt("the log's file is damaged"),
        other => io::Error::other(other.to_string()),
    }
}

#[cfg(test)]
mod tests;
