//! `Gauges`: what one node says of itself in `/metrics`.

use std::collections::BTreeMap;

/// The gauges of one node at one moment.
#[derive(Clone, Debug, Default)]
pub struct Gauges(BTreeMap<String, u64>);

impl Gauges {
    /// Reads the page of a process that runs a single node.
    pub(crate) fn parse(page: &str) -> Gauges {
        let samples = page.lines().filter_map(|line| {
            let (name, rest) = line.strip_prefix("meridian_")?.split_once('{')?;
            let value = rest.rsplit(' ').next()?.parse().ok()?;
            Some((name.to_owned(), value))
        });
        Gauges(samples.collect())
    }

    fn get(&self, name: &str) -> u64 {
        let value = self.0.get(name);
        *value.unwrap_or_else(|| panic!("/metrics does not have {name}"))
    }

    /// Index of the last entry in the log.
    pub fn last_log(&self) -> u64 {
        self.get("raft_last_log_index")
    }

    /// Index of the last entry applied.
    pub fn applied(&self) -> u64 {
        self.get("raft_applied_index")
    }

    /// Index of the last entry in the snapshot, 0 without one.
    pub fn snapshot(&self) -> u64 {
        self.get("raft_snapshot_index")
    }

    /// Index of the last entry removed from the front of the log, 0 if none was.
    pub fn purged(&self) -> u64 {
        self.get("raft_purged_index")
    }

    /// ID of the leader, 0 while none is known.
    pub fn leader(&self) -> u64 {
        self.get("raft_leader")
    }

    /// Size of the log since the last snapshot.
    pub fn log_bytes(&self) -> u64 {
        self.get("log_bytes")
    }

    /// How often the log was made durable since the node started.
    pub fn log_syncs(&self) -> u64 {
        self.get("log_syncs")
    }

    /// KMS keys in the region as this node knows it.
    pub fn keys(&self) -> u64 {
        self.get("keys")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_by_name() {
        let page = "# HELP meridian_keys KMS keys\n\
                    meridian_keys{region=\"us-east-1\",node=\"2\"} 7\n\
                    meridian_requests_total{operation=\"Encrypt\"} 3\n# EOF\n";
        assert_eq!(Gauges::parse(page).keys(), 7);
    }
}
