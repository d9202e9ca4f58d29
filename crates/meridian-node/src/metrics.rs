//! Prometheus metrics of a process: requests as they finish, and what the
//! nodes say of themselves when they are asked.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use meridian_api::Observer;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::active_faults::ActiveFaults;
use crate::core::Core;
use crate::request_metrics::RequestMetrics;

/// The metrics of one process.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    requests: RequestMetrics,
    nodes: Arc<Mutex<Vec<std::sync::Weak<Core>>>>,
}

impl Metrics {
    /// Metrics of a process whose nodes obey these faults.
    pub fn new(faults: ActiveFaults) -> Metrics {
        let requests = RequestMetrics::default();
        let nodes: Arc<Mutex<Vec<std::sync::Weak<Core>>>> = Arc::default();
        let mut registry = Registry::with_prefix("meridian");
        registry.register_collector(Box::new(requests.clone()));
        registry.register_collector(Box::new(NodesCollector(nodes.clone())));
        registry.register_collector(Box::new(FaultsCollector(faults)));
        Metrics {
            registry: Arc::new(Mutex::new(registry)),
            requests,
            nodes,
        }
    }
}

impl Metrics {
    /// Adds a node whose state is read with every scrape.
    pub fn watch(&self, core: &Arc<Core>) {
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.retain(|node| node.strong_count() > 0);
        nodes.push(Arc::downgrade(core));
    }

    /// The text that Prometheus reads.
    pub fn render(&self) -> String {
        let mut text = String::new();
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        prometheus_client::encoding::text::encode(&mut text, &registry)
            .expect("a String takes any text");
        text
    }
}

impl Observer for Metrics {
    fn finished(
        &self,
        region: &str,
        operation: &'static str,
        outcome: &'static str,
        elapsed: Duration,
    ) {
        tracing::debug!(
            region,
            operation,
            outcome,
            micros = elapsed.as_micros(),
            "request"
        );
        self.requests.observe(region, operation, outcome, elapsed);
    }
}

/// How often each kind of fault has had an effect.
struct FaultsCollector(ActiveFaults);

impl fmt::Debug for FaultsCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FaultsCollector")
    }
}

impl Collector for FaultsCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let help = "How often a fault of this kind has had an effect";
        let prototype = ConstCounter::new(0u64);
        let kind = prototype.metric_type();
        let mut metric = encoder.encode_descriptor("faults_fired", help, None, kind)?;
        for (kind, times) in self.0.struck() {
            let counter = ConstCounter::new(times);
            counter.encode(metric.encode_family(&[("kind", kind)])?)?;
        }
        Ok(())
    }
}

/// Raft positions, feeds and keys of every node of the process.
#[derive(Debug)]
struct NodesCollector(Arc<Mutex<Vec<std::sync::Weak<Core>>>>);

impl Collector for NodesCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let nodes: Vec<Arc<Core>> = {
            let nodes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            nodes.iter().filter_map(std::sync::Weak::upgrade).collect()
        };
        let mut family = |name: &str, help: &str, rows: Vec<(Vec<(&str, String)>, i64)>| {
            let prototype = ConstGauge::new(0i64);
            let kind = prototype.metric_type();
            let mut metric = encoder.encode_descriptor(name, help, None, kind)?;
            for (labels, value) in rows {
                let gauge = ConstGauge::new(value);
                gauge.encode(metric.encode_family(&labels)?)?;
            }
            Ok::<(), std::fmt::Error>(())
        };
        let of_node = |core: &Core| {
            vec![
                ("region", core.region.to_string()),
                ("node", core.node_id.to_string()),
            ]
        };
        type Read = fn(&meridian_raft::Status) -> i64;
        let positions: [(&str, &str, Read); 8] = [
            ("raft_term", "Current term", |it| it.term as i64),
            ("raft_leader", "Node ID of the leader, 0 if unknown", |it| {
                it.leader.unwrap_or(0) as i64
            }),
            ("raft_last_log_index", "Last entry in the log", |it| {
                it.last_log as i64
            }),
            ("raft_applied_index", "Last entry applied", |it| {
                it.applied as i64
            }),
            ("raft_snapshot_index", "Last entry in the snapshot", |it| {
                it.snapshot.unwrap_or(0) as i64
            }),
            (
                "raft_purged_index",
                "Last entry removed from the front of the log",
                |it| it.purged.unwrap_or(0) as i64,
            ),
            ("log_bytes", "Log size since the last snapshot", |it| {
                it.log_bytes as i64
            }),
            (
                "log_syncs",
                "How often the log was made durable since the node started",
                |it| it.syncs as i64,
            ),
        ];
        for (name, help, read) in positions {
            let rows = nodes
                .iter()
                .map(|core| (of_node(core), read(&core.group.status())));
            family(name, help, rows.collect())?;
        }
        let keys = nodes.iter().map(|core| {
            let count = core.view.applied().keys().len();
            (of_node(core), i64::try_from(count).unwrap_or(i64::MAX))
        });
        family("keys", "KMS keys in the region", keys.collect())?;
        let (mut lengths, mut ages) = (Vec::new(), Vec::new());
        for core in &nodes {
            let region = core.view.applied();
            let now = core.now(&region);
            for (peer, feed) in region.feeds() {
                let mut labels = of_node(core);
                labels.push(("peer", peer.to_string()));
                let oldest = feed.due().map(|(_, due)| due.since.0).min();
                let length = i64::try_from(feed.len()).unwrap_or(i64::MAX);
                lengths.push((labels.clone(), length));
                ages.push((labels, oldest.map_or(0, |since| (now.0 - since).max(0))));
            }
        }
        family(
            "feed_length",
            "Facts that a peer region has not acknowledged",
            lengths,
        )?;
        family("feed_age_milliseconds", "Age of the oldest such fact", ages)
    }
}
