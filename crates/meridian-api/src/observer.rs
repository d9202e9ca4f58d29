//! `Observer`: told of every request once, when it is over.

use std::sync::Arc;
use std::time::{Duration, Instant};

use meridian_kms::RegionName;

/// What watches the front door: metrics, and the one log line of a request.
pub trait Observer: Send + Sync {
    /// A request is over.
    ///
    /// * `region` is empty when the request did not get as far as naming one
    ///   that exists.
    /// * `operation` is AWS's name or `WatchKeySet`; `Unknown` if there is none.
    /// * `outcome` is `ok`, an AWS error code, or `Cancelled` when the client
    ///   went away before the answer.
    fn finished(
        &self,
        region: &str,
        operation: &'static str,
        outcome: &'static str,
        elapsed: Duration,
    );
}

/// One request under way. Dropping it reports it, so that a request whose
/// client has gone is seen too.
pub(crate) struct Observation {
    observer: Arc<dyn Observer>,
    started: Instant,
    pub(crate) region: Option<RegionName>,
    pub(crate) operation: &'static str,
    pub(crate) outcome: &'static str,
}

impl Observation {
    pub(crate) fn begin(observer: Arc<dyn Observer>, operation: &'static str) -> Observation {
        let started = Instant::now();
        Observation {
            observer,
            started,
            region: None,
            operation,
            outcome: "Cancelled",
        }
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        let region = self.region.as_ref().map_or("", RegionName::as_str);
        self.observer
            .finished(region, self.operation, self.outcome, self.started.elapsed());
    }
}
