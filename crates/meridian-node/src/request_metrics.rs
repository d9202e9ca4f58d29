//! `RequestMetrics`: how many requests of each kind were answered, and how
//! fast.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use hashbrown::{Equivalent, HashMap};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};

/// The requests of a process. Every request is counted in the end, so that one
/// of a known kind is found with one look and without allocating.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestMetrics(Arc<RwLock<HashMap<Labels, Answered>>>);

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Labels {
    region: String,
    operation: &'static str,
    outcome: &'static str,
}

/// [`Labels`] to look for: it hashes as they do.
#[derive(Hash)]
struct Sought<'a> {
    region: &'a str,
    operation: &'static str,
    outcome: &'static str,
}

impl Equivalent<Labels> for Sought<'_> {
    fn equivalent(&self, labels: &Labels) -> bool {
        let sought = (self.region, self.operation, self.outcome);
        sought == (&*labels.region, labels.operation, labels.outcome)
    }
}

#[derive(Debug)]
struct Answered {
    count: Counter,
    seconds: Histogram,
}

impl Default for Answered {
    fn default() -> Answered {
        Answered {
            count: Counter::default(),
            // 50 µs to 6.5 s.
            seconds: Histogram::new(exponential_buckets(0.000_05, 2.0, 18)),
        }
    }
}

impl Answered {
    fn observe(&self, elapsed: Duration) {
        self.count.inc();
        self.seconds.observe(elapsed.as_secs_f64());
    }
}

impl RequestMetrics {
    /// A request is over.
    pub(crate) fn observe(
        &self,
        region: &str,
        operation: &'static str,
        outcome: &'static str,
        elapsed: Duration,
    ) {
        let sought = Sought {
            region,
            operation,
            outcome,
        };
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(answered) = known.get(&sought) {
            return answered.observe(elapsed);
        }
        drop(known);
        let labels = Labels {
            region: region.to_owned(),
            operation,
            outcome,
        };
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.entry(labels).or_default().observe(elapsed);
    }
}

impl Collector for RequestMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let empty = Answered::default();
        let kind = empty.count.metric_type();
        let mut counts = encoder.encode_descriptor("requests", "Requests answered", None, kind)?;
        for (labels, answered) in known.iter() {
            answered.count.encode(counts.encode_family(labels)?)?;
        }
        let kind = empty.seconds.metric_type();
        let help = "Time to the answer";
        let mut seconds = encoder.encode_descriptor("request_seconds", help, None, kind)?;
        for (labels, answered) in known.iter() {
            answered.seconds.encode(seconds.encode_family(labels)?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::registry::Registry;

    use super::*;

    #[test]
    fn requests_are_counted_and_timed_by_region_operation_and_outcome() {
        let requests = RequestMetrics::default();
        let mut registry = Registry::with_prefix("meridian");
        registry.register_collector(Box::new(requests.clone()));
        for (operation, outcome, micros) in [
            ("Encrypt", "ok", 40),
            ("Encrypt", "ok", 90),
            ("Decrypt", "DisabledException", 10),
        ] {
            requests.observe(
                "eu-west-1",
                operation,
                outcome,
                Duration::from_micros(micros),
            );
        }
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        let encrypted = r#"region="eu-west-1",operation="Encrypt",outcome="ok""#;
        let refused = r#"region="eu-west-1",operation="Decrypt",outcome="DisabledException""#;
        for line in [
            format!("meridian_requests_total{{{encrypted}}} 2"),
            format!("meridian_requests_total{{{refused}}} 1"),
            format!(r#"meridian_request_seconds_bucket{{le="0.00005",{encrypted}}} 1"#),
            format!("meridian_request_seconds_count{{{encrypted}}} 2"),
            format!("meridian_request_seconds_count{{{refused}}} 1"),
        ] {
            assert!(text.lines().any(|it| it == line), "{line} in\n{text}");
        }
    }
}
