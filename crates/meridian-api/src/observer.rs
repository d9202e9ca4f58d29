//! `Observer`: told of every request once, when it is over.

use std::sync::Arc;
use std::time::{Duration, Instant};

use meridian_kms::{Caller, RegionName, Request, Response};

use crate::kms::Kms;
use crate::trail::Trail;

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
    /// What the audit log will be told.
    pub(crate) trail: Option<Box<Trail>>,
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
            trail: None,
        }
    }

    /// The request is understood: its region, its caller and what it asks for.
    pub(crate) fn asks(&mut self, kms: &dyn Kms, caller: &Caller, request: &Request) {
        if let (Some(trail), Some(region)) = (&mut self.trail, &self.region) {
            trail.asks(kms, region, caller, request);
        }
    }

    /// The region has carried the request out.
    pub(crate) fn answered(&mut self, response: &Response) {
        self.outcome = "ok";
        if let Some(trail) = &mut self.trail {
            trail.answered(response);
        }
    }

    /// The request was refused.
    pub(crate) fn refused(&mut self, code: &'static str, message: Option<&str>) {
        self.outcome = code;
        if let Some(trail) = &mut self.trail {
            trail.refused(message);
        }
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        let region = self.region.as_ref().map_or("", RegionName::as_str);
        if let Some(trail) = self.trail.take() {
            trail.end(region, self.operation, self.outcome);
        }
        self.observer
            .finished(region, self.operation, self.outcome, self.started.elapsed());
    }
}
