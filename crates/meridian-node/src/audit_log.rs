//! `AuditLog`: CloudTrail records and EventBridge events of a process, one JSON
//! object a line, and to whoever watches.
//!
//! A request is told by the process whose port it came to. What a region does
//! by itself is told by every process that has a node of it, once each: with
//! the same ID everywhere.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use meridian_api::{Auditor, cloud_trail, event_bridge};
use meridian_kms::service_event::service_events;
use meridian_kms::{Region, RegionName};
use meridian_proto::v1::{AuditEntry, audit_entry::Entry};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::broadcast;

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
    files: Mutex<Files>,
    entries: broadcast::Sender<Told>,
}

/// An entry with the region that it is about, empty if none.
pub type Told = (String, AuditEntry);

struct Files {
    records: Option<File>,
    events: Option<File>,
    /// The last entry of each region's Raft log whose events were told.
    told: BTreeMap<RegionName, u64>,
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
        let open = |path: &Option<PathBuf>| path.as_deref().map(append).transpose();
        let files = Files {
            records: open(&files.records)?,
            events: open(&files.events)?,
            told: BTreeMap::new(),
        };
        Ok(Some(Arc::new(AuditLog {
            opened_ms: machine_now_ms(),
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
        let lines: Vec<(String, Option<String>)> = (0..)
            .zip(&events)
            .map(|(at, event)| {
                let record = cloud_trail::service_record(event, region, &id(region, index, at, 0));
                let sent = event_bridge::event(event, region, &id(region, index, at, 1));
                (line(&record), sent.as_ref().map(line))
            })
            .collect();
        let mut files = self.files();
        let told = files.told.entry(region.clone()).or_default();
        if index <= *told {
            return;
        }
        *told = index;
        for (record, sent) in lines {
            self.tell(&mut files, region.as_str(), record);
            if let Some(sent) = sent {
                self.send(&mut files, region.as_str(), sent);
            }
        }
    }

    fn tell(&self, files: &mut Files, region: &str, record: String) {
        write(&mut files.records, &record);
        self.publish(region, record, Entry::CloudTrail);
    }

    fn send(&self, files: &mut Files, region: &str, event: String) {
        write(&mut files.events, &event);
        self.publish(region, event, Entry::EventBridge);
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

    fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Auditor for AuditLog {
    fn write(&self, region: &str, record: &Value) {
        let line = line(record);
        self.tell(&mut self.files(), region, line);
    }
}

fn append(path: &Path) -> anyhow::Result<File> {
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.with_context(|| format!("writing the audit log {}", path.display()))
}

/// An entry with its line break, made before anybody has to wait for it.
fn line(entry: &Value) -> String {
    let mut line = entry.to_string();
    line.push('\n');
    line
}

/// One line in one call, so that lines of two writers do not mix. A request is
/// answered also when it cannot be written down.
fn write(file: &mut Option<File>, line: &str) {
    if let Some(file) = file
        && let Err(error) = file.write_all(line.as_bytes())
    {
        tracing::error!(%error, "the audit log has lost an entry");
    }
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
