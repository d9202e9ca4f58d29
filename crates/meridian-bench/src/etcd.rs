//! Three etcd nodes on loopback, to set durable writes against.

use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use prost::Message;
use tokio::process::{Child, Command};

use crate::grpc::{Unary, connect};
use crate::load::Client;

/// What to do where there is no etcd.
pub const HOW_TO_INSTALL: &str = "no `etcd` in PATH; on Debian: apt-get install etcd-server";

const PUT: &str = "/etcdserverpb.KV/Put";
const STATUS: &str = "/etcdserverpb.Maintenance/Status";

/// Bytes of a value: a small write, as an alias is one.
const VALUE_BYTES: usize = 256;

/// How long three nodes may take to agree on a leader.
const LEADER_WITHIN: Duration = Duration::from_secs(30);

/// Running nodes; they end with this value.
pub struct Etcd {
    nodes: Vec<Child>,
    leader_address: String,
}

/// One node's addresses for clients and for its peers.
struct Place {
    name: String,
    client: String,
    peer: String,
}

/// `etcdserverpb.PutRequest`, as far as it is needed.
#[derive(Clone, PartialEq, Message)]
struct PutRequest {
    #[prost(bytes = "bytes", tag = "1")]
    key: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    value: Bytes,
}

/// `etcdserverpb.StatusResponse`, as far as it is needed.
#[derive(Clone, PartialEq, Message)]
struct StatusResponse {
    #[prost(message, optional, tag = "1")]
    header: Option<ResponseHeader>,
    #[prost(uint64, tag = "4")]
    leader: u64,
}

/// `etcdserverpb.ResponseHeader`, as far as it is needed.
#[derive(Clone, PartialEq, Message)]
struct ResponseHeader {
    #[prost(uint64, tag = "2")]
    member_id: u64,
}

impl Etcd {
    /// Starts three nodes with their data below a directory; None if there is
    /// no etcd here.
    ///
    /// # Errors
    /// The nodes do not find a leader.
    pub async fn start(directory: &Path) -> anyhow::Result<Option<Etcd>> {
        let places = places()?;
        let peers = places
            .iter()
            .map(|place| format!("{}=http://{}", place.name, place.peer));
        let peers = peers.collect::<Vec<_>>().join(",");
        let mut nodes = Vec::new();
        for place in &places {
            match spawn(place, &peers, directory) {
                Ok(node) => nodes.push(node),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error).context("starting etcd"),
            }
        }
        let leader_address = leader(&places).await?;
        Ok(Some(Etcd {
            nodes,
            leader_address,
        }))
    }

    /// Clients of the leader, each with a connection of its own.
    ///
    /// # Errors
    /// The leader does not answer.
    pub async fn clients(&self, count: usize) -> anyhow::Result<Vec<Put>> {
        let mut clients = Vec::new();
        for client in 0..count {
            let unary = Unary::new(connect(&self.leader_address).await?, PUT);
            clients.push(Put {
                unary,
                client,
                next: 0,
            });
        }
        Ok(clients)
    }

    /// The nodes' process IDs.
    pub fn pids(&self) -> Vec<u32> {
        self.nodes.iter().filter_map(Child::id).collect()
    }
}

/// A client that puts one new key after the other.
pub struct Put {
    unary: Unary,
    client: usize,
    next: u64,
}

impl Client for Put {
    async fn call(&mut self) -> anyhow::Result<()> {
        self.next += 1;
        let key = format!("alias/bench-{}-{}", self.client, self.next);
        let value = Bytes::from_static(&[b'v'; VALUE_BYTES]);
        let put = PutRequest {
            key: key.into(),
            value,
        };
        self.unary
            .send(put.encode_to_vec().into())
            .await
            .map(|_| ())
    }
}

/// Free ports; etcd has to be told them before it starts.
fn places() -> anyhow::Result<Vec<Place>> {
    let listeners: Vec<TcpListener> = (0..6)
        .map(|_| TcpListener::bind("127.0.0.1:0"))
        .collect::<Result<_, _>>()?;
    let address = |at: usize| anyhow::Ok(listeners[at].local_addr()?.to_string());
    let place = |at: usize| {
        let name = format!("node-{}", at + 1);
        anyhow::Ok(Place {
            name,
            client: address(at)?,
            peer: address(at + 3)?,
        })
    };
    (0..3).map(place).collect()
}

fn spawn(place: &Place, peers: &str, directory: &Path) -> std::io::Result<Child> {
    let (client, peer) = (
        format!("http://{}", place.client),
        format!("http://{}", place.peer),
    );
    Command::new("etcd")
        .args(["--name", &place.name])
        .arg("--data-dir")
        .arg(directory.join(&place.name))
        .args([
            "--listen-client-urls",
            &client,
            "--advertise-client-urls",
            &client,
        ])
        .args([
            "--listen-peer-urls",
            &peer,
            "--initial-advertise-peer-urls",
            &peer,
        ])
        .args(["--initial-cluster", peers, "--initial-cluster-state", "new"])
        .args(["--logger", "zap", "--log-level", "error"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
}

/// Waits for the nodes to agree on a leader and gives its address.
async fn leader(places: &[Place]) -> anyhow::Result<String> {
    let until = Instant::now() + LEADER_WITHIN;
    while Instant::now() < until {
        for place in places {
            if let Ok(true) = leads(&place.client).await {
                return Ok(place.client.clone());
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    anyhow::bail!("etcd found no leader in {LEADER_WITHIN:?}")
}

async fn leads(address: &str) -> anyhow::Result<bool> {
    let mut status = Unary::new(connect(address).await?, STATUS);
    let status = StatusResponse::decode(status.send(Bytes::new()).await?)?;
    let member = status.header.unwrap_or_default().member_id;
    Ok(status.leader != 0 && status.leader == member)
}
