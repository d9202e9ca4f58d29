//! A whole cluster in one process: real nodes that talk to each other over
//! real sockets on loopback. A node whose Raft core fails is restarted in its
//! place.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context as _;
use meridian_api::Scope;
use meridian_kms::RegionName;
use meridian_raft::Memory;
use meridian_seed::Seed;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::access::Access;
use crate::active_faults::ActiveFaults;
use crate::audit_log::{AuditFiles, AuditLog};
use crate::cluster_secrets::ClusterSecrets;
use crate::config::{Fsync, NodeConfig, Peer};
use crate::directory::{Directory, Place};
use crate::local_cluster::{AllRegions, LocalRegion, Slot};
use crate::long_plans::LongPlans;
use crate::metrics::Metrics;
use crate::node::{Listeners, Process, RunningNode, bind, port};
use crate::ownership::claim_nodes;
use crate::recorder::{Recorder, follow_faults};
use crate::secrets::{cluster_secret_file, root_key_file};
use crate::seeding;
use crate::supervise::{parts, supervise};
use crate::verdict::{Verdict, judge};
use crate::wrapping_keys::WrappingKeys;
use crate::xks_proxies::XksSettings;

/// What to start.
#[derive(Clone, Debug)]
pub struct UpOptions {
    /// Where to keep everything; in memory when left out.
    pub data_dir: Option<PathBuf>,
    /// The regions.
    pub regions: Vec<RegionName>,
    /// 1, 3 or 5.
    pub nodes_per_region: u64,
    /// The front door. The regions' own ports follow it, and the nodes' ports
    /// begin a hundred after it; port 0 lets the system choose all of them.
    pub listen: SocketAddr,
    /// Where to write down what happens; the cluster must not have any data yet.
    pub record: Option<PathBuf>,
    /// A file with what the cluster begins with.
    pub seed: Option<PathBuf>,
    /// Refuses what an account asks for too fast: AWS's quotas times this.
    pub throttle: Option<f64>,
    /// Where to keep the audit log, if anywhere.
    pub audit: AuditFiles,
    /// Where the proxies of external key stores are.
    pub xks: XksSettings,
    /// A root certificate that attestation documents may lead back to.
    pub attestation_root_file: Option<PathBuf>,
}

/// Where a region is.
#[derive(Clone, Debug)]
pub struct RegionPlace {
    /// Its name.
    pub name: RegionName,
    /// Its own port: any of its nodes.
    pub address: SocketAddr,
    /// Its nodes.
    pub nodes: Vec<NodePlace>,
}

/// Where a node is.
#[derive(Clone, Debug)]
pub struct NodePlace {
    /// Its ID in the region.
    pub id: u64,
    /// Its own port for clients.
    pub address: SocketAddr,
    /// Its port for other nodes.
    pub peer_address: SocketAddr,
}

/// A cluster that runs in this process.
pub struct RunningCluster {
    front_door: SocketAddr,
    regions: Vec<RegionPlace>,
    all: Arc<AllRegions>,
    wrapping_keys: Arc<WrappingKeys>,
    faults: ActiveFaults,
    recorder: Option<Arc<Recorder>>,
    seed: Option<Seed>,
    stop: watch::Sender<bool>,
    supervisors: JoinSet<()>,
    servers: JoinSet<()>,
}

/// The sockets of one node with their addresses.
struct BoundNode {
    place: NodePlace,
    listeners: Listeners,
}

impl RunningCluster {
    /// Starts every node. Returns once all of them listen; leaders follow.
    pub async fn start(options: UpOptions) -> anyhow::Result<RunningCluster> {
        anyhow::ensure!(
            !options.regions.is_empty(),
            "a cluster needs at least one region"
        );
        anyhow::ensure!(
            options.nodes_per_region > 0,
            "a region needs at least one node"
        );
        for (at, name) in options.regions.iter().enumerate() {
            anyhow::ensure!(
                !options.regions[..at].contains(name),
                "{name} is named twice"
            );
        }
        let (access, seed) = Access::read(options.seed.as_deref(), options.throttle)?;
        let has_keys = seed.as_ref().is_some_and(|seed| !seed.keys.is_empty());
        anyhow::ensure!(
            options.record.is_none() || !has_keys,
            "a history begins with a cluster that has no keys, and the seed has some"
        );
        if options.record.is_some() {
            refuse_data(&options)?;
        }
        let secrets = ClusterSecrets::open(options.data_dir.as_deref(), &options.regions)?;
        let front = bind(&options.listen.to_string()).await?;
        let front_door = front.local_addr()?;
        let (mut regions, mut bound, mut region_listeners) = (Vec::new(), Vec::new(), Vec::new());
        for (at, name) in (0u16..).zip(&options.regions) {
            let listener = bind_near(&options.listen, 1 + at).await?;
            let mut nodes = Vec::new();
            for id in 1..=options.nodes_per_region {
                let offset = 100 + at * 10 + u16::try_from(id)?;
                let clients = bind_near(&options.listen, offset).await?;
                let peers = bind(&SocketAddr::new(options.listen.ip(), 0).to_string()).await?;
                let (address, peer_address) = (clients.local_addr()?, peers.local_addr()?);
                let place = NodePlace {
                    id,
                    address,
                    peer_address,
                };
                nodes.push(place.clone());
                bound.push((
                    name.clone(),
                    BoundNode {
                        place,
                        listeners: Listeners { clients, peers },
                    },
                ));
            }
            regions.push(RegionPlace {
                name: name.clone(),
                address: listener.local_addr()?,
                nodes,
            });
            region_listeners.push((name.clone(), listener));
        }
        let recorder = options.record.as_deref();
        let recorder = recorder
            .map(|file| start_recording(file, &options.regions))
            .transpose()?;
        for name in &options.regions {
            if let Some(data_dir) = &options.data_dir {
                claim_nodes(&data_dir.join(name.as_str()), options.nodes_per_region)?;
            }
        }
        let wrapping_keys = WrappingKeys::start().context("starting the wrapping key thread")?;
        let addresses = regions
            .iter()
            .map(|it| (it.name.clone(), it.address.to_string()));
        let faults = ActiveFaults::default();
        let process = Process {
            directory: Arc::new(directory(&regions)),
            wrapping_keys: wrapping_keys.clone(),
            long_plans: LongPlans::new(),
            metrics: Metrics::new(faults.clone()),
            faults,
            region_addresses: Arc::new(addresses.collect()),
            recorder: recorder.clone(),
            access,
            audit: AuditLog::open(&options.audit)?,
        };
        let mut cluster = RunningCluster {
            front_door,
            all: Arc::new(AllRegions {
                regions: BTreeMap::new(),
            }),
            wrapping_keys,
            faults: process.faults.clone(),
            recorder,
            seed,
            stop: watch::Sender::new(false),
            supervisors: JoinSet::new(),
            servers: JoinSet::new(),
            regions,
        };
        let slots = cluster
            .start_nodes(&options, &process, secrets, bound)
            .await?;
        cluster.all = Arc::new(AllRegions { regions: slots });
        if let Some(recorder) = &cluster.recorder {
            let following = follow_faults(recorder.clone(), cluster.faults.clone());
            cluster.servers.spawn(following);
        }
        for (name, listener) in region_listeners {
            cluster.serve(&process, listener, Scope::Region(name.to_string()));
        }
        cluster.serve(&process, front, Scope::Cluster);
        Ok(cluster)
    }

    async fn start_nodes(
        &mut self,
        options: &UpOptions,
        process: &Process,
        secrets: ClusterSecrets,
        bound: Vec<(RegionName, BoundNode)>,
    ) -> anyhow::Result<BTreeMap<RegionName, Arc<LocalRegion>>> {
        let secrets = Arc::new(secrets);
        // Opening nine logs one after the other would take most of a second.
        let mut starting = JoinSet::new();
        for (region, node) in bound {
            let config = node_config(options, &self.regions, &secrets, &region, &node.place);
            let (process, secrets) = (process.clone(), secrets.clone());
            starting.spawn(async move {
                let memory = Memory::default();
                let parts = parts(&secrets, &config, node.listeners, memory.clone());
                let node = RunningNode::start_in(process, parts).await?;
                anyhow::Ok((config, node, memory))
            });
        }
        let mut slots: BTreeMap<RegionName, Vec<(u64, Slot)>> = BTreeMap::new();
        while let Some(started) = starting.join_next().await {
            let (config, node, memory) = started.context("starting a node")??;
            let slot: Slot = Arc::new(Mutex::new(Some(node.kms().clone())));
            let region = slots.entry(config.region.clone()).or_default();
            region.push((config.node_id, slot.clone()));
            let supervisor = supervise(
                process.clone(),
                secrets.clone(),
                config,
                (node, memory),
                slot,
                self.stop.subscribe(),
            );
            self.supervisors.spawn(supervisor);
        }
        Ok(slots
            .into_iter()
            .map(|(name, mut nodes)| {
                nodes.sort_by_key(|(id, _)| *id);
                let nodes = nodes.into_iter().map(|(_, slot)| slot).collect();
                (name, Arc::new(LocalRegion { nodes }))
            })
            .collect())
    }

    fn serve(&mut self, process: &Process, listener: TcpListener, scope: Scope) {
        let port = port(process, self.all.clone(), scope, true);
        let note_clients = process.audit.is_some();
        let mut stop = self.stop.subscribe();
        let stopped = async move {
            // A closed channel means that the cluster is gone.
            let _ = stop.wait_for(|stop| *stop).await;
        };
        self.servers
            .spawn(meridian_api::serve(listener, port, note_clients, stopped));
    }

    /// The address for all regions.
    pub fn front_door(&self) -> SocketAddr {
        self.front_door
    }

    /// Where everything is.
    pub fn regions(&self) -> &[RegionPlace] {
        &self.regions
    }

    /// Waits until every region has a leader.
    pub async fn wait_until_healthy(&self, timeout: Duration) -> anyhow::Result<()> {
        let all_lead = async {
            for (name, region) in &self.all.regions {
                while !region.pick().is_some_and(|kms| kms.core().is_leader()) {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                tracing::debug!(%name, "region has a leader");
            }
        };
        tokio::time::timeout(timeout, all_lead)
            .await
            .context("not every region found a leader")
    }

    /// Puts the keys of the seed into their regions, and forgets its secrets.
    /// The cluster has to be healthy. Gives how many keys the seed has.
    ///
    /// # Errors
    /// A key exists with other properties, or a region refuses it.
    pub async fn plant(&mut self) -> anyhow::Result<usize> {
        match self.seed.take() {
            Some(seed) => {
                seeding::apply(&seed, &self.all).await?;
                Ok(seed.keys.len())
            }
            None => Ok(0),
        }
    }

    /// Judges what was recorded so far, once every region has told the others
    /// what it has to tell; nothing when nobody records.
    ///
    /// # Errors
    /// The history is incomplete or cannot be read.
    pub async fn verdict(&self, patience: Duration) -> anyhow::Result<Option<Verdict>> {
        match &self.recorder {
            Some(recorder) => Ok(Some(judge(recorder, &self.faults, patience).await?)),
            None => Ok(None),
        }
    }

    /// How often each kind of fault has had an effect.
    pub fn faults_struck(&self) -> BTreeMap<&'static str, u64> {
        self.faults.struck()
    }

    /// Stops every node and closes its log.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        self.wrapping_keys.stop();
        while self.supervisors.join_next().await.is_some() {}
        self.servers.shutdown().await;
    }
}

fn refuse_data(options: &UpOptions) -> anyhow::Result<()> {
    if let Some(data_dir) = &options.data_dir {
        let used = options
            .regions
            .iter()
            .any(|it| data_dir.join(it.as_str()).exists());
        anyhow::ensure!(
            !used,
            "a history begins with a cluster that has no keys, and {} holds data: \
             choose another directory, or none",
            data_dir.display()
        );
    }
    Ok(())
}

fn start_recording(file: &Path, regions: &[RegionName]) -> anyhow::Result<Arc<Recorder>> {
    let recorder =
        Recorder::create(file, regions).with_context(|| format!("writing {}", file.display()))?;
    Ok(Arc::new(recorder))
}

fn node_config(
    options: &UpOptions,
    regions: &[RegionPlace],
    secrets: &ClusterSecrets,
    region: &RegionName,
    place: &NodePlace,
) -> NodeConfig {
    let peers = |it: &RegionPlace| {
        let peer = |node: &NodePlace| Peer {
            id: node.id,
            address: node.peer_address.to_string(),
        };
        (it.name.clone(), it.nodes.iter().map(peer).collect())
    };
    let in_data = |directory: &PathBuf| {
        directory
            .join(region.as_str())
            .join(format!("node-{}", place.id))
    };
    let secret_dir = secrets.directory.clone().unwrap_or_default();
    NodeConfig {
        region: region.clone(),
        node_id: place.id,
        listen: place.address.to_string(),
        peer_listen: place.peer_address.to_string(),
        front_door: None,
        data_dir: options.data_dir.as_ref().map(in_data),
        cluster_secret_file: cluster_secret_file(&secret_dir),
        root_key_file: root_key_file(&secret_dir, region),
        joins: false,
        allow_chaos: true,
        audit_file: None,
        events_file: None,
        record_dir: None,
        fsync: Fsync::Durable,
        compaction_bytes: 16 * 1024 * 1024,
        compaction_entries: None,
        compaction_keep_entries: 4096,
        seed_file: None,
        throttle: None,
        xks: options.xks.clone(),
        attestation_root_file: options.attestation_root_file.clone(),
        regions: regions.iter().map(peers).collect(),
    }
}

fn directory(regions: &[RegionPlace]) -> Directory {
    let places = |it: &RegionPlace| {
        let place = |node: &NodePlace| Place {
            id: node.id,
            peer_address: node.peer_address.to_string(),
        };
        (it.name.clone(), it.nodes.iter().map(place).collect())
    };
    Directory::new(regions.iter().map(places).collect())
}

/// Binds a port at a distance from the front door's, so that ports stay the
/// same from start to start; any free one if it is taken.
async fn bind_near(front: &SocketAddr, offset: u16) -> anyhow::Result<TcpListener> {
    let port = if front.port() == 0 {
        0
    } else {
        front.port().checked_add(offset).unwrap_or(0)
    };
    match TcpListener::bind(SocketAddr::new(front.ip(), port)).await {
        Ok(listener) => Ok(listener),
        Err(_) => bind(&SocketAddr::new(front.ip(), 0).to_string()).await,
    }
}
