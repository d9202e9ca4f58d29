//! One node: what it is made of, its tasks, start and stop.
//!
//! Tasks of a node: the ticker, the forgetter, the historian, the one that tells
//! of uses, one feeder for each peer region, the peer server, the client server,
//! and the front door if it has one. Each ends when the node stops.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context as _;
use meridian_api::{Cluster, Front, Kms, Port, Scope};
use meridian_crypto::{ClusterSecret, RootKey, Vault};
use meridian_kms::{Region, RegionName};
use meridian_proto::v1::node_server::NodeServer;
use meridian_raft::{Compaction, Group, GroupConfig, Memory};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::access::Access;
use crate::active_faults::ActiveFaults;
use crate::audit_log::{AuditFiles, AuditLog};
use crate::audit_service::AuditService;
use crate::chaos_http::ChaosPages;
use crate::chaos_service::{ChaosService, learn};
use crate::clock::Clock;
use crate::config::{Fsync, NodeConfig};
use crate::core::Core;
use crate::directory::{Directory, MESSAGE_BYTES_MAX, Place};
use crate::faulty::{FaultyLinks, FaultyTransport};
use crate::forward::RemoteKms;
use crate::key_uses::KeyUses;
use crate::kms::NodeKms;
use crate::links::GrpcLinks;
use crate::long_plans::LongPlans;
use crate::machine::RegionMachine;
use crate::metrics::Metrics;
use crate::node_disk::NodeDisk;
use crate::ownership::claim;
use crate::peer_server::PeerServer;
use crate::raft_transport::GrpcTransport;
use crate::recorder::{Recorder, follow_faults};
use crate::secrets::{read_attestation_root, read_cluster_secret, read_root_key};
use crate::status::StatusPages;
use crate::supervise::take_away;
use crate::use_teller::UseTeller;
use crate::view::View;
use crate::wrapping_keys::WrappingKeys;
use crate::xks_proxies::XksProxies;
use crate::{feeder, forgetter, historian, sower, ticker, use_teller};

/// What the nodes of one process share.
#[derive(Clone)]
pub struct Process {
    /// Where every node is.
    pub directory: Arc<Directory>,
    /// Wrapping keys made ahead.
    pub wrapping_keys: Arc<WrappingKeys>,
    /// Planning that takes long, of all nodes together.
    pub long_plans: LongPlans,
    /// Metrics.
    pub metrics: Metrics,
    /// The faults that the nodes obey.
    pub faults: ActiveFaults,
    /// The regions' own ports, where this process serves them.
    pub region_addresses: Arc<Vec<(RegionName, String)>>,
    /// Who writes down what happens, if anybody does.
    pub recorder: Option<Arc<Recorder>>,
    /// Who may call, and how fast.
    pub access: Access,
    /// The audit log, if one is kept.
    pub audit: Option<Arc<AuditLog>>,
}

/// The listeners of one node, bound before it starts.
pub struct Listeners {
    /// For clients.
    pub clients: TcpListener,
    /// For peers.
    pub peers: TcpListener,
}

/// The parts of a node that do not come from its process.
pub struct NodeParts {
    /// Its configuration; addresses in it are not bound again.
    pub config: NodeConfig,
    /// The region's root key.
    pub root_key: RootKey,
    /// The cluster's secret.
    pub cluster_secret: ClusterSecret,
    /// Bound sockets.
    pub listeners: Listeners,
    /// What a node without a directory remembers.
    pub memory: Memory,
    /// It takes the place of a node whose disk is gone.
    pub replaces: bool,
}

/// A node that runs.
pub struct RunningNode {
    kms: NodeKms,
    pub(crate) process: Process,
    front_door: Option<SocketAddr>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

/// One region of one node: every request to its ports goes to it.
struct OneRegion(NodeKms);

impl Cluster for OneRegion {
    fn region(&self, name: &str) -> Option<(RegionName, Arc<dyn Kms>)> {
        let own = &self.0.core().region;
        (name == own.as_str()).then(|| (own.clone(), Arc::new(self.0.clone()) as _))
    }

    fn regions(&self) -> Vec<String> {
        vec![self.0.core().region.to_string()]
    }
}

/// The whole cluster behind a node's front door: its own region here, others
/// by their nodes.
struct WholeCluster {
    own: NodeKms,
    directory: Arc<Directory>,
}

impl Cluster for WholeCluster {
    fn region(&self, name: &str) -> Option<(RegionName, Arc<dyn Kms>)> {
        let own = &self.own.core().region;
        if name == own.as_str() {
            return Some((own.clone(), Arc::new(self.own.clone())));
        }
        let region: RegionName = name.parse().ok()?;
        if self.directory.nodes(&region).is_empty() {
            return None;
        }
        let kms = RemoteKms {
            region: region.clone(),
            directory: self.directory.clone(),
        };
        Some((region, Arc::new(kms)))
    }

    fn regions(&self) -> Vec<String> {
        self.directory
            .names()
            .iter()
            .map(ToString::to_string)
            .collect()
    }
}

impl RunningNode {
    /// Starts a node that has its process to itself. The faults outlive it; with
    /// `replaces` it takes the place of a node whose disk is gone.
    pub async fn start(
        config: NodeConfig,
        faults: &ActiveFaults,
        replaces: bool,
    ) -> anyhow::Result<RunningNode> {
        let places = |peers: &Vec<crate::config::Peer>| {
            let place = |peer: &crate::config::Peer| Place {
                id: peer.id,
                peer_address: peer.address.clone(),
            };
            peers.iter().map(place).collect()
        };
        let regions = config
            .regions
            .iter()
            .map(|(name, peers)| (name.clone(), places(peers)));
        let (access, seed) = Access::read(config.seed_file.as_deref(), config.throttle)?;
        let mut process = Process {
            directory: Arc::new(Directory::new(regions.collect())),
            wrapping_keys: WrappingKeys::start().context("starting the wrapping key thread")?,
            long_plans: LongPlans::new(),
            metrics: Metrics::new(faults.clone()),
            faults: faults.clone(),
            region_addresses: Arc::default(),
            recorder: None,
            access,
            audit: AuditLog::open(&AuditFiles {
                records: config.audit_file.clone(),
                events: config.events_file.clone(),
            })?,
        };
        if replaces && let Some(data_dir) = &config.data_dir {
            take_away(data_dir)?;
        }
        if config.allow_chaos {
            learn(&process.directory, &config.peer_listen, faults).await;
        }
        let listeners = Listeners {
            clients: bind(&config.listen).await?,
            peers: bind(&config.peer_listen).await?,
        };
        let cluster_secret = read_cluster_secret(&config.cluster_secret_file)?;
        process.recorder = start_recording(&config, &cluster_secret)?;
        let parts = NodeParts {
            root_key: read_root_key(&config.root_key_file)?,
            cluster_secret,
            listeners,
            config,
            memory: Memory::default(),
            replaces,
        };
        let front_door = parts.config.front_door.clone();
        let allow_chaos = parts.config.allow_chaos;
        let mut node = RunningNode::start_in(process, parts).await?;
        if let Some(seed) = seed {
            node.tasks.spawn(sower::run(node.kms.clone(), seed));
        }
        if let Some(recorder) = node.process.recorder.clone() {
            node.tasks.spawn(follow_faults(recorder, faults.clone()));
        }
        if let Some(address) = front_door {
            let listener = bind(&address).await?;
            node.front_door = Some(listener.local_addr()?);
            let cluster = WholeCluster {
                own: node.kms.clone(),
                directory: node.process.directory.clone(),
            };
            let port = port(
                &node.process,
                Arc::new(cluster),
                Scope::Cluster,
                allow_chaos,
            );
            node.serve(listener, port);
        }
        Ok(node)
    }

    /// Starts a node among others of the process.
    pub async fn start_in(process: Process, parts: NodeParts) -> anyhow::Result<RunningNode> {
        let NodeParts {
            config,
            root_key,
            cluster_secret,
            listeners,
            memory,
            replaces,
        } = parts;
        let region = config.region.clone();
        let vault = Vault::new(region.as_str(), root_key, cluster_secret);
        if let Some(data_dir) = &config.data_dir {
            claim(data_dir, &region, &vault)?;
        }
        let attestation_root = config.attestation_root_file.as_deref();
        let attestation_root = attestation_root.map(read_attestation_root).transpose()?;
        let xks_proxies = XksProxies::new(config.xks.clone())?;
        let faults = process.faults.clone();
        let links = FaultyLinks {
            from: region.clone(),
            node: config.node_id,
            inner: Arc::new(GrpcLinks {
                from: region.clone(),
                directory: process.directory.clone(),
                answering: Arc::default(),
            }),
            faults: faults.clone(),
        };
        let (machine, published) = RegionMachine::new(
            Region::new(region.clone()),
            process.recorder.clone(),
            process.audit.clone(),
        );
        let transport = FaultyTransport {
            region: region.clone(),
            node: config.node_id,
            inner: Arc::new(GrpcTransport {
                region: region.clone(),
                directory: process.directory.clone(),
            }),
            faults: faults.clone(),
        };
        let clock = Clock::new(region.clone(), config.node_id, faults.clone());
        let mut group = group_config(&config, &process);
        group.memory = memory;
        group.joins = (replaces || config.joins) && group.members.len() > 1;
        let group = Group::start(group, machine, Arc::new(transport))
            .await
            .with_context(|| format!("starting node {} of {region}", config.node_id))?;
        let (use_teller, waiting) = UseTeller::new();
        let core = Arc::new(Core {
            node_id: config.node_id,
            regions: process.directory.names(),
            status: group.status_watch(),
            group,
            view: View::new(published, clock),
            vault,
            directory: process.directory.clone(),
            links: Box::new(links),
            faults: faults.clone(),
            uses: KeyUses::default(),
            use_teller,
            xks_proxies,
            long_plans: process.long_plans.clone(),
            attestation_root,
            wrapping_keys: process.wrapping_keys.clone(),
            recorder: process.recorder.clone(),
            identities: process.access.identities().cloned(),
            caught_up: AtomicBool::new(false),
            region: region.clone(),
        });
        process.metrics.watch(&core);
        if let Some(recorder) = &process.recorder {
            recorder.node_started(&core);
        }
        let kms = NodeKms::new(core.clone());
        let (stop, _) = watch::channel(false);
        let mut node = RunningNode {
            kms: kms.clone(),
            process,
            front_door: None,
            stop,
            tasks: JoinSet::new(),
        };
        let peer_server = PeerServer {
            core: core.clone(),
            kms: kms.clone(),
            faults,
            allow_chaos: config.allow_chaos,
            listen_address: listeners.clients.local_addr()?.to_string(),
            peer_address: listeners.peers.local_addr()?.to_string(),
        };
        let peer_service = NodeServer::new(peer_server)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        let peer_routes = tonic::service::Routes::new(peer_service).into_axum_router();
        node.serve(listeners.peers, peer_routes.into());
        let scope = Scope::Region(region.to_string());
        let port = port(
            &node.process,
            Arc::new(OneRegion(kms)),
            scope,
            config.allow_chaos,
        );
        node.serve(listeners.clients, port);
        node.tasks.spawn(forgetter::run(core.clone()));
        node.tasks.spawn(historian::run(core.clone()));
        node.tasks.spawn(ticker::run(core.clone()));
        node.tasks.spawn(use_teller::run(core.clone(), waiting));
        for peer in core.regions.iter().filter(|peer| **peer != region) {
            node.tasks.spawn(feeder::run(core.clone(), peer.clone()));
        }
        Ok(node)
    }

    /// The node's API, for callers in the same process.
    pub fn kms(&self) -> &NodeKms {
        &self.kms
    }

    /// The address of its front door, if it has one.
    pub fn front_door(&self) -> Option<SocketAddr> {
        self.front_door
    }

    /// Waits until the node's Raft core or disk fails for good, and says why.
    pub async fn failed(&self) -> String {
        match self.kms.core().group.failed().await {
            Some(why) => why,
            None => std::future::pending().await,
        }
    }

    /// Stops the tasks and closes the log.
    pub async fn stop(&mut self) {
        self.stop.send_replace(true);
        self.kms.core().group.stop().await;
        self.tasks.shutdown().await;
    }

    fn serve(&mut self, listener: TcpListener, port: Port) {
        let note_clients = self.process.audit.is_some();
        let mut stop = self.stop.subscribe();
        let stopped = async move {
            // A closed channel means that the node is gone.
            let _ = stop.wait_for(|stop| *stop).await;
        };
        self.tasks
            .spawn(meridian_api::serve(listener, port, note_clients, stopped));
    }
}

/// Everything that one client port serves.
pub fn port(process: &Process, cluster: Arc<dyn Cluster>, scope: Scope, allow_chaos: bool) -> Port {
    let chaos = ChaosService {
        directory: process.directory.clone(),
        faults: process.faults.clone(),
        allowed: allow_chaos,
        recorder: process.recorder.clone().filter(|it| !it.is_part()),
    };
    let chaos_pages = ChaosPages(chaos.clone()).router();
    let chaos = meridian_proto::v1::chaos_server::ChaosServer::new(chaos);
    let pages = StatusPages {
        directory: process.directory.clone(),
        metrics: process.metrics.clone(),
        region_addresses: process.region_addresses.clone(),
    };
    let audit = AuditService {
        log: process.audit.clone(),
        is_closed: process.access.identities().is_some(),
    };
    let audit = meridian_proto::v1::audit_log_server::AuditLogServer::new(audit);
    let more = pages
        .router()
        .merge(chaos_pages)
        .route_service("/meridian.v1.Chaos/{*method}", chaos)
        .route_service("/meridian.v1.AuditLog/{*method}", audit);
    let observer = Arc::new(process.metrics.clone());
    let auditor = process.audit.clone();
    Front {
        cluster,
        scope,
        authentication: process.access.authentication.clone(),
        throttle: process.access.throttle.clone(),
        observer,
        auditor: auditor.map(|it| it as _),
    }
    .port(more)
}

/// Binds an address, and says which one if that fails.
pub async fn bind(address: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("listening on {address}"))
}

/// Begins this node's part of the history, if it is to write one.
fn start_recording(
    config: &NodeConfig,
    secret: &ClusterSecret,
) -> anyhow::Result<Option<Arc<Recorder>>> {
    let Some(directory) = &config.record_dir else {
        return Ok(None);
    };
    let regions: Vec<RegionName> = config.regions.keys().cloned().collect();
    let node = (&config.region, config.node_id);
    let recorder = Recorder::create_part(directory, &regions, node, secret);
    let recorder = recorder.with_context(|| format!("writing into {}", directory.display()))?;
    Ok(Some(Arc::new(recorder)))
}

fn group_config(config: &NodeConfig, process: &Process) -> GroupConfig {
    let nodes = process.directory.nodes(&config.region);
    let mut group = GroupConfig::new(config.node_id, nodes.iter().map(|place| place.id));
    group.directory = config.data_dir.clone();
    group.fsync = match config.fsync {
        Fsync::Durable => meridian_raft::Fsync::Durable,
        Fsync::ProcessCrash => meridian_raft::Fsync::ProcessCrash,
    };
    group.compaction = Compaction {
        log_bytes: config.compaction_bytes,
        log_entries: config.compaction_entries,
        keep_entries: config.compaction_keep_entries,
    };
    if config.allow_chaos {
        group.disk_faults = Some(Arc::new(NodeDisk {
            region: config.region.clone(),
            node: config.node_id,
            faults: process.faults.clone(),
        }));
    }
    group
}
