//! Configuration of one node: flags over environment over file over default.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use meridian_kms::RegionName;
use meridian_raft::NodeId;
use serde::{Deserialize, Serialize};

use crate::xks_proxies::XksSettings;

/// When a write counts as stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Fsync {
    /// Flushed and fdatasynced: it survives a power cut.
    #[default]
    Durable,
    /// Handed to the operating system: it survives the end of the process.
    ProcessCrash,
}

/// One node of the cluster, as every node's configuration lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    /// The node's ID in its region, from 1.
    pub id: NodeId,
    /// `host:port` of its peer listener.
    pub address: String,
}

/// Everything that one node has to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeConfig {
    /// The region that this node serves.
    pub region: RegionName,
    /// This node's ID in its region, from 1.
    pub node_id: NodeId,
    /// `host:port` for clients of this region: AWS JSON and gRPC.
    pub listen: String,
    /// `host:port` for other nodes. They are trusted: keep it off public
    /// networks.
    pub peer_listen: String,
    /// `host:port` of a front door for all regions; none by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub front_door: Option<String>,
    /// Directory of the log and the snapshots; in memory when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
    /// File with the secret that all regions share.
    pub cluster_secret_file: PathBuf,
    /// File with the region's root key, the same for all of its nodes.
    pub root_key_file: PathBuf,
    /// The region's group exists, and this node takes the place of a member whose
    /// disk is gone: with an empty directory it founds nothing, and votes only
    /// when the others have filled it. Default: no.
    #[serde(default)]
    pub joins: bool,
    /// May faults be injected and time be moved? Default: no.
    #[serde(default)]
    pub allow_chaos: bool,
    /// File for CloudTrail records of the requests to this node's ports, and of
    /// what its region does by itself; none by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit_file: Option<PathBuf>,
    /// File for EventBridge events of the region; none by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events_file: Option<PathBuf>,
    /// Directory into which this node writes what it sees, one file for each of
    /// its starts; `meridian judge` reads what all nodes of a machine wrote. None
    /// by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_dir: Option<PathBuf>,
    /// When a write counts as stored. Default: "durable".
    #[serde(default)]
    pub fsync: Fsync,
    /// A snapshot is made when the log has grown by this many bytes, or by as
    /// much as the last snapshot was long if that is more. Default: 16 MiB.
    #[serde(default = "compaction_bytes_default")]
    pub compaction_bytes: u64,
    /// A snapshot is also made after this many entries; no limit when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compaction_entries: Option<u64>,
    /// Entries kept behind a snapshot, for peers that lag a little. Default:
    /// 4096.
    #[serde(default = "compaction_keep_entries_default")]
    pub compaction_keep_entries: u64,
    /// A seed file with the accounts and principals that may call, and with keys,
    /// which the leader of each region puts there. None by default: any signature
    /// does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed_file: Option<PathBuf>,
    /// Refuses what an account asks this node for too fast: AWS's request quotas
    /// times this factor. Each process counts by itself. None by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttle: Option<f64>,
    /// File with a root certificate, in PEM form, that attestation documents may lead
    /// back to. Default: no attestation document is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attestation_root_file: Option<PathBuf>,
    /// Where the proxies of external key stores are. Default: nowhere.
    #[serde(default, skip_serializing_if = "XksSettings::is_default")]
    pub xks: XksSettings,
    /// Every node of the cluster, by region, this one included.
    pub regions: BTreeMap<RegionName, Vec<Peer>>,
}

fn compaction_bytes_default() -> u64 {
    16 * 1024 * 1024
}

fn compaction_keep_entries_default() -> u64 {
    4096
}

/// Settings from flags and environment; each overrides the file.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct NodeOverrides {
    /// The region that this node serves.
    #[arg(long, env = "MERIDIAN_REGION")]
    pub region: Option<String>,
    /// This node's ID in its region, from 1.
    #[arg(long, env = "MERIDIAN_NODE_ID")]
    pub node_id: Option<NodeId>,
    /// host:port for clients of this region.
    #[arg(long, env = "MERIDIAN_LISTEN")]
    pub listen: Option<String>,
    /// host:port for other nodes.
    #[arg(long, env = "MERIDIAN_PEER_LISTEN")]
    pub peer_listen: Option<String>,
    /// host:port of a front door for all regions.
    #[arg(long, env = "MERIDIAN_FRONT_DOOR")]
    pub front_door: Option<String>,
    /// Directory of the log and the snapshots.
    #[arg(long, env = "MERIDIAN_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// File with the secret that all regions share.
    #[arg(long, env = "MERIDIAN_CLUSTER_SECRET_FILE")]
    pub cluster_secret_file: Option<PathBuf>,
    /// File with the region's root key.
    #[arg(long, env = "MERIDIAN_ROOT_KEY_FILE")]
    pub root_key_file: Option<PathBuf>,
    /// Take the place of a member whose disk is gone.
    #[arg(long, env = "MERIDIAN_JOINS")]
    pub joins: Option<bool>,
    /// Allow faults to be injected and time to be moved.
    #[arg(long, env = "MERIDIAN_ALLOW_CHAOS")]
    pub allow_chaos: Option<bool>,
    /// File for CloudTrail records.
    #[arg(long, env = "MERIDIAN_AUDIT_FILE")]
    pub audit_file: Option<PathBuf>,
    /// File for EventBridge events.
    #[arg(long, env = "MERIDIAN_EVENTS_FILE")]
    pub events_file: Option<PathBuf>,
    /// Directory for this node's parts of the history.
    #[arg(long, env = "MERIDIAN_RECORD_DIR")]
    pub record_dir: Option<PathBuf>,
    /// When a write counts as stored.
    #[arg(long, env = "MERIDIAN_FSYNC")]
    pub fsync: Option<Fsync>,
    /// Log growth in bytes that makes a snapshot.
    #[arg(long, env = "MERIDIAN_COMPACTION_BYTES")]
    pub compaction_bytes: Option<u64>,
    /// Log growth in entries that makes a snapshot.
    #[arg(long, env = "MERIDIAN_COMPACTION_ENTRIES")]
    pub compaction_entries: Option<u64>,
    /// Entries kept behind a snapshot.
    #[arg(long, env = "MERIDIAN_COMPACTION_KEEP_ENTRIES")]
    pub compaction_keep_entries: Option<u64>,
    /// Seed file with accounts, principals and keys.
    #[arg(long, env = "MERIDIAN_SEED_FILE")]
    pub seed_file: Option<PathBuf>,
    /// Factor of AWS's request quotas; unlimited when left out.
    #[arg(long, env = "MERIDIAN_THROTTLE")]
    pub throttle: Option<f64>,
}

impl NodeConfig {
    /// Reads a file and lays flags and environment over it.
    ///
    /// # Errors
    /// A file that cannot be read, an unknown or malformed setting, or a node
    /// that the list of regions does not have.
    pub fn load(file: &Path, overrides: NodeOverrides) -> anyhow::Result<NodeConfig> {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("reading the configuration {}", file.display()))?;
        NodeConfig::parse(&text, overrides)
            .with_context(|| format!("in the configuration {}", file.display()))
    }

    /// The same from the file's text.
    pub fn parse(text: &str, overrides: NodeOverrides) -> anyhow::Result<NodeConfig> {
        let mut table: toml::Table = text.parse()?;
        // Laid over the text, so that what a flag sets may be missing there.
        overrides.lay_over(&mut table)?;
        let config: NodeConfig = table.try_into()?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> anyhow::Result<()> {
        let Some(nodes) = self.regions.get(&self.region) else {
            anyhow::bail!("region {} is not among the regions", self.region);
        };
        anyhow::ensure!(
            nodes.iter().any(|peer| peer.id == self.node_id),
            "node {} is not among the nodes of {}",
            self.node_id,
            self.region
        );
        for (region, nodes) in &self.regions {
            let mut ids: Vec<NodeId> = nodes.iter().map(|peer| peer.id).collect();
            ids.sort_unstable();
            ids.dedup();
            anyhow::ensure!(
                ids.len() == nodes.len(),
                "two nodes of {region} have the same id"
            );
            anyhow::ensure!(!ids.contains(&0), "node ids of {region} begin at 1");
        }
        Ok(())
    }
}

impl NodeOverrides {
    fn lay_over(self, table: &mut toml::Table) -> anyhow::Result<()> {
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        let number = |number: Option<u64>| number.map(i64::try_from).transpose();
        let fsync = self.fsync.map(toml::Value::try_from).transpose()?;
        let settings: [(&str, Option<toml::Value>); 19] = [
            ("region", self.region.map(Into::into)),
            ("node_id", number(self.node_id)?.map(Into::into)),
            ("listen", self.listen.map(Into::into)),
            ("peer_listen", self.peer_listen.map(Into::into)),
            ("front_door", self.front_door.map(Into::into)),
            ("data_dir", self.data_dir.map(text).map(Into::into)),
            (
                "cluster_secret_file",
                self.cluster_secret_file.map(text).map(Into::into),
            ),
            (
                "root_key_file",
                self.root_key_file.map(text).map(Into::into),
            ),
            ("joins", self.joins.map(Into::into)),
            ("allow_chaos", self.allow_chaos.map(Into::into)),
            ("audit_file", self.audit_file.map(text).map(Into::into)),
            ("events_file", self.events_file.map(text).map(Into::into)),
            ("record_dir", self.record_dir.map(text).map(Into::into)),
            ("fsync", fsync),
            (
                "compaction_bytes",
                number(self.compaction_bytes)?.map(Into::into),
            ),
            (
                "compaction_entries",
                number(self.compaction_entries)?.map(Into::into),
            ),
            (
                "compaction_keep_entries",
                number(self.compaction_keep_entries)?.map(Into::into),
            ),
            ("seed_file", self.seed_file.map(text).map(Into::into)),
            ("throttle", self.throttle.map(Into::into)),
        ];
        for (name, value) in settings {
            if let Some(value) = value {
                table.insert(name.to_owned(), value);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
        region = "us-east-1"
        node_id = 1
        listen = "127.0.0.1:4601"
        peer_listen = "127.0.0.1:4701"
        cluster_secret_file = "secrets/cluster.key"
        root_key_file = "secrets/us-east-1.key"

        [[regions.us-east-1]]
        id = 1
        address = "127.0.0.1:4701"
    "#;

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let overrides = NodeOverrides {
            listen: Some("127.0.0.1:9".into()),
            ..Default::default()
        };
        let config = NodeConfig::parse(FILE, overrides).unwrap();
        assert_eq!(config.listen, "127.0.0.1:9");
        assert_eq!(config.peer_listen, "127.0.0.1:4701");
        assert!(!config.allow_chaos);
        assert_eq!(config.fsync, Fsync::Durable);
    }

    #[test]
    fn an_unknown_setting_is_an_error_that_names_it() {
        let text = format!("colour = \"blue\"\n{FILE}");
        let error = NodeConfig::parse(&text, NodeOverrides::default()).unwrap_err();
        assert!(format!("{error:#}").contains("colour"), "{error:#}");
    }

    #[test]
    fn a_node_must_be_on_the_list() {
        let overrides = NodeOverrides {
            node_id: Some(2),
            ..Default::default()
        };
        let error = NodeConfig::parse(FILE, overrides).unwrap_err();
        assert!(format!("{error:#}").contains("node 2"), "{error:#}");
    }
}
