//! `LocalCluster`: nine processes, run by `deploy/local/cluster` in a directory
//! and on ports of their own.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use meridian_proto::v1::chaos_client::ChaosClient;
use meridian_proto::v1::{AddFaultRequest, ClearFaultsRequest, Fault};
use tempfile::TempDir;

use crate::binary::binary;
use crate::client::Client;
use crate::entrances::Entrances;
use crate::eventually::eventually;
use crate::gauges::Gauges;
use crate::http;
use crate::place::{Place, REGIONS};
use crate::ports::PortBlock;
use crate::relays::Relays;

/// How long a cluster may take to find all its leaders.
const HEALTHY_WITHIN: Duration = Duration::from_secs(60);

/// A cluster of real processes. They are killed when this is dropped.
pub struct LocalCluster {
    directory: Option<TempDir>,
    ports: PortBlock,
    settings: Vec<(String, OsString)>,
    addresses: BTreeMap<Place, Addresses>,
    relays: Option<Relays>,
}

/// Where one node listens.
struct Addresses {
    clients: String,
    front_door: Option<String>,
}

impl LocalCluster {
    /// Starts all nodes, with more environment variables for the script and the
    /// nodes, and waits until every region has a leader.
    pub async fn start(settings: &[(&str, &str)]) -> LocalCluster {
        let mut cluster = LocalCluster::new(settings);
        cluster.script(&["start"]).await;
        cluster.learn_addresses().await;
        cluster
    }

    /// The same with every message between two nodes kept.
    pub async fn start_overheard(settings: &[(&str, &str)]) -> LocalCluster {
        let settings = [settings, &[("MERIDIAN_LOCAL_RELAYS", "1")]].concat();
        let mut cluster = LocalCluster::new(&settings);
        cluster.relays = Some(Relays::start(cluster.ports.first()));
        cluster.script(&["start"]).await;
        cluster.learn_addresses().await;
        cluster
    }

    /// What nodes have sent to nodes, by the sender's region and the receiver's.
    /// Nothing unless the cluster is overheard.
    pub fn messages(&self) -> BTreeMap<(&'static str, &'static str), Vec<u8>> {
        self.relays
            .as_ref()
            .map(Relays::carried)
            .unwrap_or_default()
    }

    /// Starts the nodes of one region only, and waits until it has a leader.
    pub async fn start_only(region: &'static str, settings: &[(&str, &str)]) -> LocalCluster {
        let mut cluster = LocalCluster::new(settings);
        cluster.script(&["start", region]).await;
        cluster.learn_addresses().await;
        cluster.leader(region).await;
        cluster
    }

    /// Starts a single node, which has nobody to elect it.
    pub async fn start_alone(place: Place, settings: &[(&str, &str)]) -> LocalCluster {
        let mut cluster = LocalCluster::new(settings);
        cluster.start_node(place).await;
        cluster.learn_addresses().await;
        cluster
    }

    /// Has every node that is started from now on see one more environment
    /// variable.
    pub fn set(&mut self, name: &str, value: &str) {
        self.settings.push((name.into(), value.into()));
    }

    fn new(settings: &[(&str, &str)]) -> LocalCluster {
        let owned = |&(name, value): &(&str, &str)| (name.into(), value.into());
        LocalCluster {
            directory: Some(TempDir::with_prefix("meridian-").expect("a directory can be made")),
            ports: PortBlock::take(),
            settings: settings.iter().map(owned).collect(),
            addresses: BTreeMap::new(),
            relays: None,
        }
    }

    async fn learn_addresses(&mut self) {
        let (_, status) = self.try_script(&["status"]).await;
        let told = |place: Place| Some((place, addresses(&status, place)?));
        self.addresses = Place::all().filter_map(told).collect();
    }

    /// Runs `deploy/local/cluster`, which must succeed; what it printed.
    pub async fn script(&self, arguments: &[&str]) -> String {
        let (success, printed) = self.try_script(arguments).await;
        assert!(success, "deploy/local/cluster {arguments:?}: {printed}");
        printed
    }

    /// Runs `deploy/local/cluster`; whether it succeeded, and what it printed.
    pub async fn try_script(&self, arguments: &[&str]) -> (bool, String) {
        let mut command = self.command(arguments);
        let ended = tokio::task::spawn_blocking(move || command.output()).await;
        let ended = ended
            .expect("it does not panic")
            .expect("bash is installed");
        let printed = [ended.stdout, ended.stderr].concat();
        let printed = String::from_utf8_lossy(&printed).into_owned();
        (ended.status.success(), printed)
    }

    /// Starts one node again and does not wait until it serves.
    pub async fn start_node(&self, place: Place) {
        let id = place.id.to_string();
        self.script(&["start", place.region, &id]).await;
    }

    /// Kills one node.
    pub async fn kill_node(&self, place: Place) {
        let id = place.id.to_string();
        self.script(&["kill", place.region, &id]).await;
    }

    /// Waits until every region has a leader.
    pub async fn wait_until_healthy(&self) {
        let look = async || http::get(self.front_door(REGIONS[0]), "/health").await;
        let healthy = |answer: &Result<(u16, String), _>| matches!(answer, Ok((200, _)));
        let answer = eventually("every region has a leader", HEALTHY_WITHIN, look, healthy).await;
        answer.expect("it was accepted");
    }

    /// `host:port` of the front door that a region's first node opens.
    pub fn front_door(&self, region: &'static str) -> &str {
        let doors =
            Place::of(region).filter_map(|place| self.addresses[&place].front_door.as_deref());
        doors.last().expect("each region has a front door")
    }

    /// `host:port` of a node's own port for clients.
    pub fn address(&self, place: Place) -> &str {
        &self.addresses[&place].clients
    }

    /// A client of a region through its own front door.
    pub fn client(&self, region: &'static str) -> Client {
        Client::new(region, self.front_door(region))
    }

    /// A client of one node.
    pub fn client_of(&self, place: Place) -> Client {
        Client::new(place.region, self.address(place))
    }

    /// All ways into a region.
    pub fn entrances(&self, region: &'static str) -> Entrances {
        let doors = REGIONS.map(|door| Client::new(region, self.front_door(door)));
        let nodes = Place::of(region).map(|place| self.client_of(place));
        Entrances::new(doors.into_iter().chain(nodes).collect())
    }

    /// Makes a fault active, through whichever front door answers; whether one
    /// did.
    pub async fn add_fault(&self, fault: &Fault) -> bool {
        for region in REGIONS {
            let Ok(mut chaos) = ChaosClient::connect(self.door_url(region)).await else {
                continue;
            };
            let fault = Some(fault.clone());
            if chaos.add_fault(AddFaultRequest { fault }).await.is_ok() {
                return true;
            }
        }
        false
    }

    /// Ends all faults, by every front door, since a node that was down may know
    /// of one that the others have forgotten; whether all doors answered.
    pub async fn clear_faults(&self) -> bool {
        for region in REGIONS {
            let Ok(mut chaos) = ChaosClient::connect(self.door_url(region)).await else {
                return false;
            };
            if chaos.clear_faults(ClearFaultsRequest {}).await.is_err() {
                return false;
            }
        }
        true
    }

    fn door_url(&self, region: &'static str) -> String {
        format!("http://{}", self.front_door(region))
    }

    /// What a node says of itself; nothing while it is down.
    pub async fn gauges(&self, place: Place) -> Option<Gauges> {
        let (_, page) = self.page(place, "/metrics").await?;
        Some(Gauges::parse(&page))
    }

    /// A page of a node, with its status code; nothing while it is down.
    pub async fn page(&self, place: Place, path: &str) -> Option<(u16, String)> {
        http::get(self.address(place), path).await.ok()
    }

    /// The node that leads a region: those of its nodes that run agree on it.
    pub async fn leader(&self, region: &'static str) -> Place {
        let look = async || {
            let mut named = Vec::new();
            for place in Place::of(region) {
                named.extend(self.gauges(place).await.map(|gauges| gauges.leader()));
            }
            named
        };
        // Two are a majority: a single one may not know that it was deposed.
        let agreed = |named: &Vec<u64>| {
            named.len() > 1 && named[0] != 0 && named.iter().all(|id| *id == named[0])
        };
        let named = eventually("the nodes name one leader", HEALTHY_WITHIN, look, agreed).await;
        let id = named[0];
        Place { region, id }
    }

    /// Where everything of the cluster is kept.
    pub fn directory(&self) -> &Path {
        let directory = self.directory.as_ref();
        directory.expect("it goes with the cluster").path()
    }

    /// Where a node keeps its log and its snapshots.
    pub fn data_dir(&self, place: Place) -> PathBuf {
        let node = format!("node-{}", place.id);
        self.directory().join("data").join(place.region).join(node)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = tests.parent().expect("the tests are a folder of it");
        let mut command = Command::new(root.join("deploy/local/cluster"));
        // Whoever runs the tests may have a cluster of their own.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("MERIDIAN_") {
                command.env_remove(name);
            }
        }
        command
            .args(arguments)
            .current_dir(self.directory())
            .env("MERIDIAN_BIN", binary())
            .env("MERIDIAN_LOCAL_DIR", self.directory())
            .env("MERIDIAN_LOCAL_PORT", self.ports.first().to_string())
            .envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }
}

impl Drop for LocalCluster {
    fn drop(&mut self) {
        // A test that panics must not leave processes behind either.
        if let Err(error) = self.command(&["kill"]).output() {
            eprintln!("deploy/local/cluster kill: {error}");
        }
        if let Some(mut directory) = self.directory.take_if(|_| std::thread::panicking()) {
            directory.disable_cleanup(true);
            eprintln!("logs and data are kept in {}", directory.path().display());
        }
    }
}

/// Reads a node's line of `deploy/local/cluster status`; nothing while it is
/// down.
fn addresses(status: &str, place: Place) -> Option<Addresses> {
    let start = format!("{place}: ");
    let line = status.lines().find_map(|line| line.strip_prefix(&start))?;
    let after = |words: &str| {
        let (_, rest) = line.split_once(words)?;
        Some(rest.split(',').next().unwrap_or(rest).to_owned())
    };
    Some(Addresses {
        clients: after("clients at ")?,
        front_door: after("front door at "),
    })
}
