//! The region as the machine that the Raft log drives: decode, apply, publish.

use std::sync::Arc;

use bytes::Bytes;
use meridian_kms::{Entry, Outcome, Region};
use meridian_raft::Machine;
use tokio::sync::watch;

use crate::audit_log::AuditLog;
use crate::recorder::Recorder;

/// Applies committed entries and publishes each new value of the region.
pub struct RegionMachine {
    region: Region,
    view: watch::Sender<Arc<Region>>,
    recorder: Option<(Arc<Recorder>, usize)>,
    audit: Option<Arc<AuditLog>>,
}

impl RegionMachine {
    /// Starts from an empty region; the log or a snapshot brings it to where it
    /// was. The receiver follows every published value.
    pub fn new(
        region: Region,
        recorder: Option<Arc<Recorder>>,
        audit: Option<Arc<AuditLog>>,
    ) -> (RegionMachine, watch::Receiver<Arc<Region>>) {
        let (view, published) = watch::channel(Arc::new(region.clone()));
        let recorder = recorder.map(|recorder| {
            let place = recorder.place(region.name());
            (recorder, place)
        });
        let machine = RegionMachine {
            region,
            view,
            recorder,
            audit,
        };
        (machine, published)
    }

    fn publish(&self) {
        self.view.send_replace(Arc::new(self.region.clone()));
    }
}

impl Machine for RegionMachine {
    type Outcome = Outcome;

    fn apply(&mut self, entries: Vec<(u64, Bytes)>) -> Vec<Outcome> {
        let apply = |(index, bytes): (u64, Bytes)| {
            // Going on without a committed entry would make this node disagree
            // with the others: it has to stop.
            let entry = Entry::decode(&bytes)
                .unwrap_or_else(|error| panic!("log entry {index} cannot be read: {error}"));
            if self.recorder.is_none() && self.audit.is_none() {
                return self.region.apply(&entry);
            }
            let before = self.region.clone();
            let outcome = self.region.apply(&entry);
            let step = (&before, &self.region);
            if let Some((recorder, place)) = &self.recorder {
                recorder.applied(*place, index, &bytes, step, &outcome);
            }
            if let Some(audit) = &self.audit {
                audit.applied(index, &before, &self.region);
            }
            outcome
        };
        let outcomes = entries.into_iter().map(apply).collect();
        self.publish();
        outcomes
    }

    fn snapshot(&self) -> Box<dyn FnOnce() -> Vec<u8> + Send> {
        let region = self.region.clone();
        Box::new(move || region.encode())
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), anyhow::Error> {
        self.region = Region::decode(snapshot)?;
        self.publish();
        Ok(())
    }
}
