//! The log of a run's events: a digest that two equal runs have in common, and
//! on request the same events in words.

use sha2::{Digest as _, Sha256};

/// What has happened so far.
#[derive(Default)]
pub struct EventLog {
    digest: Sha256,
    events: u64,
    /// The events in words, if somebody reads them.
    trace: Option<Vec<String>>,
}

impl EventLog {
    /// A log; with `tracing` it keeps the words, too.
    pub fn new(tracing: bool) -> EventLog {
        EventLog {
            trace: tracing.then(Vec::new),
            ..EventLog::default()
        }
    }

    /// Something has happened. `what` and the numbers enter the digest, the
    /// words only the trace.
    pub fn note(
        &mut self,
        at_ms: i64,
        what: &'static str,
        numbers: &[u64],
        words: impl FnOnce() -> String,
    ) {
        self.events += 1;
        self.digest.update(at_ms.to_le_bytes());
        self.digest.update(what.as_bytes());
        for number in numbers {
            self.digest.update(number.to_le_bytes());
        }
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{at_ms:>8} ms  {what}: {}", words()));
        }
    }

    /// Bytes that equal runs have in common.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.digest.update((bytes.len() as u64).to_le_bytes());
        self.digest.update(bytes);
    }

    /// How many events there were.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// The digest of everything, and the trace.
    pub fn close(self) -> (String, Vec<String>) {
        (
            hex::encode(self.digest.finalize()),
            self.trace.unwrap_or_default(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(at_ms: i64, number: u64, tracing: bool) -> String {
        let mut log = EventLog::new(tracing);
        log.note(at_ms, "pushed", &[number], || "words".into());
        log.close().0
    }

    #[test]
    fn the_digest_depends_on_time_and_numbers_and_not_on_tracing() {
        assert_eq!(digest(1, 2, false), digest(1, 2, true));
        assert_ne!(digest(1, 2, false), digest(1, 3, false));
        assert_ne!(digest(1, 2, false), digest(2, 2, false));
    }
}
