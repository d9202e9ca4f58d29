//! A group in one process: nodes, the links between them, and a machine that remembers all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::future::{BoxFuture, select_all};
use meridian_raft::{
    Compaction, Fsync, Group, GroupConfig, Machine, NodeId, ProposeError, Status, Transport,
    TransportError,
};
use tempfile::TempDir;

/// Long enough for anything that will happen at all.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Every entry applied, in order; the outcome is the entry with its number.
#[derive(Clone, Debug, Default)]
pub struct Tape(Arc<Mutex<Vec<Bytes>>>);

impl Tape {
    pub fn entries(&self) -> Vec<Bytes> {
        self.0.lock().unwrap().clone()
    }
}

impl Machine for Tape {
    type Outcome = (usize, Bytes);

    fn apply(&mut self, entries: Vec<(u64, Bytes)>) -> Vec<(usize, Bytes)> {
        let mut tape = self.0.lock().unwrap();
        let outcomes = entries.into_iter().map(|(_, entry)| {
            assert_ne!(entry, "poison", "the machine does not like this one");
            tape.push(entry.clone());
            (tape.len(), entry)
        });
        outcomes.collect()
    }

    fn snapshot(&self) -> Box<dyn FnOnce() -> Vec<u8> + Send> {
        let entries = self.entries();
        Box::new(move || {
            let mut bytes = Vec::new();
            for entry in entries {
                bytes.extend_from_slice(&(entry.len() as u32).to_be_bytes());
                bytes.extend_from_slice(&entry);
            }
            bytes
        })
    }

    fn restore(&mut self, mut snapshot: &[u8]) -> Result<(), anyhow::Error> {
        let mut entries = Vec::new();
        while let Some((length, rest)) = snapshot.split_first_chunk::<4>() {
            let (entry, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
            entries.push(Bytes::copy_from_slice(entry));
            snapshot = rest;
        }
        *self.0.lock().unwrap() = entries;
        Ok(())
    }
}

pub type TapeGroup = Group<(usize, Bytes)>;

/// Carries messages between the running nodes, except over cut links.
#[derive(Clone, Default)]
pub struct Router(Arc<Mutex<Wires>>);

#[derive(Default)]
struct Wires {
    nodes: BTreeMap<NodeId, TapeGroup>,
    cut: BTreeSet<(NodeId, NodeId)>,
    /// Messages from one node that another has answered.
    answered: BTreeMap<(NodeId, NodeId), usize>,
}

struct Link {
    from: NodeId,
    router: Router,
}

impl Link {
    fn target(&self, target: NodeId) -> Result<TapeGroup, TransportError> {
        let wires = self.router.0.lock().unwrap();
        let open = !wires.cut.contains(&(self.from, target));
        let node = wires.nodes.get(&target).filter(|_| open);
        node.cloned()
            .ok_or_else(|| TransportError::Unreachable("no way".to_owned()))
    }
}

impl Transport for Link {
    fn call(
        &self,
        target: NodeId,
        kind: u32,
        payload: Bytes,
        _timeout: Duration,
    ) -> BoxFuture<'_, Result<Bytes, TransportError>> {
        Box::pin(async move {
            let refused =
                |error: meridian_raft::HandleError| TransportError::Refused(error.to_string());
            let answer = self
                .target(target)?
                .handle(kind, payload)
                .await
                .map_err(refused)?;
            // The way back may have been cut meanwhile.
            self.target(target)?;
            let mut wires = self.router.0.lock().unwrap();
            *wires.answered.entry((self.from, target)).or_default() += 1;
            Ok(answer)
        })
    }
}

/// A group of nodes in one process.
pub struct Cluster {
    router: Router,
    pub compaction: Compaction,
    members: BTreeSet<NodeId>,
    directory: Option<TempDir>,
    pub nodes: BTreeMap<NodeId, TapeGroup>,
    pub tapes: BTreeMap<NodeId, Tape>,
}

impl Cluster {
    /// A group on disk, not started.
    pub fn on_disk(size: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self::new(size, Some(directory))
    }

    /// A group of ephemeral nodes, not started.
    pub fn ephemeral(size: u64) -> Self {
        Self::new(size, None)
    }

    fn new(size: u64, directory: Option<TempDir>) -> Self {
        Self {
            router: Router::default(),
            compaction: Compaction::default(),
            members: (1..=size).collect(),
            directory,
            nodes: BTreeMap::new(),
            tapes: BTreeMap::new(),
        }
    }

    pub fn members(&self) -> Vec<NodeId> {
        self.members.iter().copied().collect()
    }

    pub fn directory(&self, node: NodeId) -> PathBuf {
        let root: &Path = self.directory.as_ref().unwrap().path();
        root.join(format!("node-{node}"))
    }

    pub fn config(&self, node: NodeId) -> GroupConfig {
        let mut config = GroupConfig::new(node, self.members.clone());
        config.directory = self.directory.as_ref().map(|_| self.directory(node));
        config.compaction = self.compaction;
        // No test here cuts the power.
        config.fsync = Fsync::ProcessCrash;
        config
    }

    pub async fn start(&mut self, node: NodeId) {
        self.start_with(self.config(node)).await;
    }

    pub async fn start_with(&mut self, config: GroupConfig) {
        let node = config.node_id;
        let (group, tape) = self.try_start(config).await.unwrap();
        self.router
            .0
            .lock()
            .unwrap()
            .nodes
            .insert(node, group.clone());
        self.nodes.insert(node, group);
        self.tapes.insert(node, tape);
    }

    pub async fn try_start(&self, config: GroupConfig) -> anyhow::Result<(TapeGroup, Tape)> {
        let tape = Tape::default();
        let link = Arc::new(Link {
            from: config.node_id,
            router: self.router.clone(),
        });
        Ok((Group::start(config, tape.clone(), link).await?, tape))
    }

    pub async fn start_all(&mut self) {
        for node in self.members() {
            self.start(node).await;
        }
    }

    pub async fn stop(&mut self, node: NodeId) {
        self.router.0.lock().unwrap().nodes.remove(&node);
        if let Some(group) = self.nodes.remove(&node) {
            group.stop().await;
        }
    }

    pub async fn stop_all(&mut self) {
        for node in self.members() {
            self.stop(node).await;
        }
    }

    /// Cuts a node off from all others, both ways.
    pub fn isolate(&self, node: NodeId) {
        let mut wires = self.router.0.lock().unwrap();
        for &other in self.members.iter().filter(|other| **other != node) {
            wires.cut.extend([(node, other), (other, node)]);
        }
    }

    /// How many messages of `from` the node `to` has answered.
    pub fn answered(&self, from: NodeId, to: NodeId) -> usize {
        let wires = self.router.0.lock().unwrap();
        wires.answered.get(&(from, to)).copied().unwrap_or(0)
    }

    pub fn heal(&self) {
        self.router.0.lock().unwrap().cut.clear();
    }

    /// Waits until one of `nodes` leads and the others of them know it.
    pub async fn leader_of(&self, nodes: &[NodeId]) -> NodeId {
        let mut statuses: Vec<_> = nodes
            .iter()
            .map(|node| self.nodes[node].status_watch())
            .collect();
        let find = async {
            loop {
                let known = statuses
                    .iter_mut()
                    .map(|status| status.borrow_and_update().leader);
                let known: BTreeSet<Option<NodeId>> = known.collect();
                if let (1, Some(Some(leader))) = (known.len(), known.first())
                    && nodes.contains(leader)
                {
                    return *leader;
                }
                let changes = statuses.iter_mut().map(|status| Box::pin(status.changed()));
                select_all(changes).await.0.expect("the nodes run");
            }
        };
        tokio::time::timeout(PATIENCE, find)
            .await
            .expect("a leader in time")
    }

    pub async fn leader(&self) -> NodeId {
        let running: Vec<NodeId> = self.nodes.keys().copied().collect();
        self.leader_of(&running).await
    }

    /// Waits until a node's status is as wanted, and returns it.
    pub async fn wait(&self, node: NodeId, wanted: impl Fn(&Status) -> bool) -> Status {
        let mut status = self.nodes[&node].status_watch();
        let reached =
            tokio::time::timeout(PATIENCE, status.wait_for(|status| wanted(status))).await;
        match reached {
            Ok(status) => status.expect("the node runs").clone(),
            Err(_) => panic!("node {node} stays at {:?}", self.nodes[&node].status()),
        }
    }

    /// Proposes at whoever leads, until it is answered.
    pub async fn propose(&self, entry: impl Into<Bytes>) -> u64 {
        let running: Vec<NodeId> = self.nodes.keys().copied().collect();
        self.propose_among(&running, entry).await
    }

    /// Proposes at whoever of `nodes` leads, until it is answered.
    pub async fn propose_among(&self, nodes: &[NodeId], entry: impl Into<Bytes>) -> u64 {
        let entry = entry.into();
        let proposing = async {
            loop {
                let leader = self.leader_of(nodes).await;
                match self.nodes[&leader].propose(entry.clone()).await {
                    Ok((index, (_, echo))) => {
                        assert_eq!(echo, entry);
                        return index;
                    }
                    Err(ProposeError::NotLeader { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        };
        tokio::time::timeout(PATIENCE, proposing)
            .await
            .expect("a majority in time")
    }

    /// Proposes at one node, which leads.
    pub async fn propose_at(&self, node: NodeId, entry: &'static str) -> u64 {
        let proposing = self.nodes[&node].propose(Bytes::from(entry));
        let proposed = tokio::time::timeout(PATIENCE, proposing).await;
        proposed.expect("a majority in time").unwrap().0
    }

    /// Waits until every running node has applied `index`, and checks that all hold the same.
    pub async fn all_agree_at(&self, index: u64) -> Vec<Bytes> {
        let mut held: Option<Vec<Bytes>> = None;
        for (node, group) in &self.nodes {
            assert!(
                group.wait_applied(index, PATIENCE).await,
                "node {node} stays at {:?}",
                group.status()
            );
            let entries = self.tapes[node].entries();
            match &held {
                Some(held) => assert_eq!(&entries, held, "node {node} differs"),
                None => held = Some(entries),
            }
        }
        held.unwrap()
    }
}
