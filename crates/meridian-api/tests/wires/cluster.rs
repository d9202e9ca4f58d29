//! A cluster whose regions answer from a script and remember who called.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use futures::future::BoxFuture;
use futures::stream::{BoxStream, StreamExt};
use meridian_api::{
    Auditor, Authentication, CallError, Cluster, Front, Kms, Observer, Port, Scope, Throttle,
};
use meridian_kms::{Caller, RegionName, Request, Response};
use meridian_proto::v1;

/// What a region does with a call.
pub type Script = fn(&Request) -> Result<Response, CallError>;

/// One region: its script, and every call that reached it.
pub struct FakeKms {
    region: String,
    script: Script,
    pub calls: Mutex<Vec<(Caller, &'static str)>>,
}

impl Kms for FakeKms {
    fn call(&self, caller: Caller, request: Request) -> BoxFuture<'_, Result<Response, CallError>> {
        self.calls
            .lock()
            .unwrap()
            .push((caller, request.operation().name()));
        Box::pin(std::future::ready((self.script)(&request)))
    }

    /// Two states and an error for every key; nothing for an unknown one.
    fn watch_key_set(
        &self,
        caller: Caller,
        key_id: String,
    ) -> BoxStream<'static, Result<v1::KeySetState, CallError>> {
        self.calls.lock().unwrap().push((caller, "WatchKeySet"));
        let state = |version| v1::KeySetState {
            region: self.region.clone(),
            key_id: key_id.clone(),
            version,
            ..Default::default()
        };
        futures::stream::iter([Ok(state(1)), Ok(state(2)), Err(CallError::NoLeader)]).boxed()
    }
}

/// What the observer was told: region, operation, outcome.
pub type Finished = (String, &'static str, &'static str);

/// Remembers what it is told.
#[derive(Default)]
pub struct Log(Mutex<Vec<Finished>>);

impl Observer for Log {
    fn finished(&self, region: &str, operation: &'static str, outcome: &'static str, _: Duration) {
        self.0
            .lock()
            .unwrap()
            .push((region.to_owned(), operation, outcome));
    }
}

impl Log {
    pub fn entries(&self) -> Vec<Finished> {
        self.0.lock().unwrap().clone()
    }
}

/// Regions by name, and the log of their front doors.
pub struct FakeCluster {
    regions: BTreeMap<String, Arc<FakeKms>>,
    pub log: Arc<Log>,
    /// Who calls too fast.
    pub throttle: Option<Arc<Throttle>>,
    records: Mutex<Vec<serde_json::Value>>,
    /// From how many records on the audit log cannot be written.
    pub records_max: usize,
}

impl Auditor for FakeCluster {
    fn ready(&self) -> io::Result<()> {
        match self.records().len() > self.records_max {
            true => Err(io::ErrorKind::StorageFull.into()),
            false => Ok(()),
        }
    }

    fn write(&self, region: &str, record: &serde_json::Value) -> io::Result<()> {
        assert_eq!(record["awsRegion"], region);
        self.records.lock().unwrap().push(record.clone());
        self.ready()
    }
}

impl Cluster for FakeCluster {
    fn region(&self, name: &str) -> Option<(RegionName, Arc<dyn Kms>)> {
        Some((name.parse().ok()?, self.regions.get(name)?.clone()))
    }

    fn regions(&self) -> Vec<String> {
        self.regions.keys().cloned().collect()
    }
}

/// A cluster of these regions, all with one script.
pub fn cluster(regions: &[&str], script: Script) -> Arc<FakeCluster> {
    let region = |name: &&str| {
        let region = name.to_string();
        (
            region.clone(),
            Arc::new(FakeKms {
                region,
                script,
                calls: Mutex::default(),
            }),
        )
    };
    let regions = regions.iter().map(region).collect();
    Arc::new(FakeCluster {
        regions,
        log: Arc::default(),
        throttle: None,
        records: Mutex::default(),
        records_max: usize::MAX,
    })
}

/// The same, with an audit log that takes so many records.
pub fn audited_until(cluster: Arc<FakeCluster>, records_max: usize) -> Arc<FakeCluster> {
    Arc::new(FakeCluster {
        regions: cluster.regions.clone(),
        log: Arc::default(),
        throttle: None,
        records: Mutex::default(),
        records_max,
    })
}

/// The same, with AWS's request quotas times a factor.
pub fn throttled(cluster: Arc<FakeCluster>, factor: f64) -> Arc<FakeCluster> {
    Arc::new(FakeCluster {
        regions: cluster.regions.clone(),
        log: Arc::default(),
        throttle: Some(Arc::new(Throttle::new(factor))),
        records: Mutex::default(),
        records_max: usize::MAX,
    })
}

impl FakeCluster {
    /// The calls that reached a region.
    pub fn calls(&self, region: &str) -> Vec<(Caller, &'static str)> {
        self.regions[region].calls.lock().unwrap().clone()
    }

    /// The CloudTrail records of the requests so far.
    pub fn records(&self) -> Vec<serde_json::Value> {
        self.records.lock().unwrap().clone()
    }

    /// The port for all regions.
    pub fn front(self: &Arc<Self>) -> Port {
        self.front_for(Authentication::Open)
    }

    /// The same for callers who have to prove who they are.
    pub fn front_for(self: &Arc<Self>, authentication: Authentication) -> Port {
        self.port(Scope::Cluster, authentication, Router::new())
    }

    /// The port of one region.
    pub fn front_of(self: &Arc<Self>, region: &str) -> Port {
        self.port(
            Scope::Region(region.into()),
            Authentication::Open,
            Router::new(),
        )
    }

    /// The front door of a cluster, with more routes.
    pub fn front_with(self: &Arc<Self>, more: Router) -> Port {
        self.port(Scope::Cluster, Authentication::Open, more)
    }

    fn port(self: &Arc<Self>, scope: Scope, authentication: Authentication, more: Router) -> Port {
        let observer = self.log.clone();
        Front {
            cluster: self.clone(),
            scope,
            authentication,
            throttle: self.throttle.clone(),
            observer,
            auditor: Some(self.clone()),
        }
        .port(more)
    }
}

/// Answers every operation: Encrypt with fixed bytes, the others empty.
pub fn answer(request: &Request) -> Result<Response, CallError> {
    Ok(match request {
        Request::Encrypt(request) => Response::Encrypt(v1::EncryptResponse {
            key_id: request.key_id.clone(),
            ciphertext_blob: Some(request.plaintext.clone().unwrap_or_default()),
            encryption_algorithm: Some("SYMMETRIC_DEFAULT".into()),
        }),
        other => {
            let empty = bytes::Bytes::new();
            Response::decode_proto(other.operation(), empty).expect("empty is a message")
        }
    })
}
