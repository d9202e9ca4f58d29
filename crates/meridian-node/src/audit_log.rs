//! `AuditLog`: CloudTrail records and EventBridge events of a process, one JSON
//! object a line, and to whoever watches.
//!
//! A request is told by the process whose port it came to. What a region does
//! by itself is told by every process that has a node of it, once each: with
//! the same ID everywhere.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use meridian_api::{Auditor, cloud_trail, event_bridge};
use meridian_kms::service_event::service_events;
use meridian_kms::{Region, RegionName};
use meridian_proto::v1::{AuditEntry, audit_entry::Entry};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::broadcast;

use crate::audit_file::AuditFile;
use crate::clock::machine_now_ms;

/// Entries that a watcher may be behind.
const BEHIND_MAX: usize = 4096;

/// Where to write; the log is kept if either is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFiles {
    /// CloudTrail records.
    pub records: Option<PathBuf>,
    /// EventBridge events.
    pub events: Option<PathBuf>,
}

/// The audit log of one process.
pub struct AuditLog {
    opened_ms: i64,
    /// The last entry of each region's Raft log whose events were told.
    told: Mutex<BTreeMap<RegionName, u64>>,
    files: Mutex<Files>,
    entries: broadcast::Sender<Told>,
}

/// An entry with the region that it is about, empty if none.
pub type Told = (String, AuditEntry);

struct Files {
    records: Option<AuditFile>,
    events: Option<AuditFile>,
}

impl AuditLog {
    /// Opens the files; what they hold stays. Nothing if none is given.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn open(files: &AuditFiles) -> anyhow::Result<Option<Arc<AuditLog>>> {
        if *files == AuditFiles::default() {
            return Ok(None);
        }
        let open = |path: &Option<PathBuf>| path.as_deref().map(AuditFile::open).transpose();
        let files = Files {
            records: open(&files.records)?,
            events: open(&files.events)?,
        };
        Ok(Some(Arc::new(AuditLog {
            opened_ms: machine_now_ms(),
            told: Mutex::default(),
            files: Mutex::new(files),
            entries: broadcast::Sender::new(BEHIND_MAX),
        })))
    }

    /// Follows what is written from now on.
    pub fn follow(&self) -> broadcast::Receiver<Told> {
        self.entries.subscribe()
    }

    /// A node has applied an entry of its region's Raft log.
    pub fn applied(&self, index: u64, before: &Region, after: &Region) {
        // Agreed on before this log was opened: it stands in an earlier one.
        if after.now().0 - after.clock_offset_ms() < self.opened_ms {
            return;
        }
        let events = service_events(before, after);
        if events.is_empty() {
            return;
        }
        let region = after.name();
        // Nodes wait for each other here, and no request waits for them.
        let mut told = lock(&self.told);
        let told = told.entry(region.clone()).or_default();
        if index <= *told {
            return;
        }
        *told = index;
        for (at, event) in events.iter().enumerate() {
            let record = cloud_trail::service_record(event, region, &id(region, index, at, 0));
            // It waits in the file, and requests with it.
            let _ = self.tell(region.as_str(), &record);
            if let Some(event) = event_bridge::event(event, region, &id(region, index, at, 1)) {
                self.send(region.as_str(), &event);
            }
        }
    }

    fn tell(&self, region: &str, record: &Value) -> io::Result<()> {
        let line = line(record);
        let mut files = lock(&self.files);
        let written = write(&mut files.records, &line);
        self.publish(region, line, Entry::CloudTrail);
        written
    }

    fn send(&self, region: &str, event: &Value) {
        let line = line(event);
        let mut files = lock(&self.files);
        // What is sent around is no condition of an answer; it waits in the file.
        let _ = write(&mut files.events, &line);
        self.publish(region, line, Entry::EventBridge);
    }

    fn publish(&self, region: &str, mut line: String, entry: impl FnOnce(String) -> Entry) {
        if self.entries.receiver_count() > 0 {
            // The line break belongs to the file.
            line.pop();
            let entry = Some(entry(line));
            // Nobody may be watching any more.
            let _ = self.entries.send((region.to_owned(), AuditEntry { entry }));
        }
    }
}

impl Auditor for AuditLog {
    fn ready(&self) -> io::Result<()> {
        match &mut lock(&self.files).records {
            Some(file) => file.catch_up(),
            None => Ok(()),
        }
    }

    fn write(&self, region: &str, record: &Value) -> io::Result<()> {
        self.tell(region, record)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An entry with its line break, made before anybody has to wait for it.
fn line(entry: &Value) -> String {
    let mut line = entry.to_string();
    line.push('\n');
    line
}

fn write(file: &mut Option<AuditFile>, line: &str) -> io::Result<()> {
    let Some(file) = file else { return Ok(()) };
    let written = file.write(line);
    if let Err(error) = &written {
        tracing::error!(%error, "the audit log is behind");
    }
    written
}

/// The ID of an event, from its place in the region's Raft log: the same in
/// every process, whatever it was built with.
fn id(region: &RegionName, index: u64, at: usize, kind: u8) -> String {
    let digest = Sha256::digest(format!("{region}/{index}/{at}/{kind}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_random_bytes(bytes)
        .into_uuid()
        .to_string()
}
