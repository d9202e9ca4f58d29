//! Keeping the nodes of one process running.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use meridian_raft::Memory;
use tokio::sync::watch;

use crate::cluster_secrets::ClusterSecrets;
use crate::config::NodeConfig;
use crate::local_cluster::{Slot, lock};
use crate::node::{Listeners, NodeParts, Process, RunningNode, bind};

/// How long a node that failed waits before it starts again.
const RESTART_PAUSE: Duration = Duration::from_millis(200);

/// Keeps one node running: a Raft core that failed does not recover by itself.
/// What it keeps in memory outlives it, as a disk would.
pub async fn supervise(
    process: Process,
    secrets: Arc<ClusterSecrets>,
    config: NodeConfig,
    (mut node, mut memory): (RunningNode, Memory),
    slot: Slot,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let ended = tokio::select! {
            // A closed channel means that the cluster is gone.
            _ = stop.wait_for(|stop| *stop) => Ended::Stopped,
            why = node.failed() => Ended::Failed(why),
            () = node.crashed() => Ended::Crashed,
        };
        *lock(&slot) = None;
        let replaced = node.is_replaced();
        if replaced {
            memory = Memory::default();
        }
        node.stop().await;
        match ended {
            Ended::Stopped => return,
            Ended::Failed(why) => {
                tracing::error!(region = %config.region, node = config.node_id, why, "node failed; restarting");
                tokio::select! {
                    _ = stop.wait_for(|stop| *stop) => return,
                    () = tokio::time::sleep(RESTART_PAUSE) => {}
                }
            }
            Ended::Crashed => {
                tracing::info!(region = %config.region, node = config.node_id, "node crashed by a fault");
                tokio::select! {
                    _ = stop.wait_for(|stop| *stop) => return,
                    () = node.revived() => {}
                }
            }
        }
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = node.start_delayed() => {}
        }
        if let Some(recorder) = &process.recorder {
            recorder.node_restarts(&config.region, config.node_id);
        }
        node = loop {
            let ground = (memory.clone(), replaced);
            match restart(&process, &secrets, &config, ground).await {
                Ok(node) => break node,
                Err(error) => tracing::error!(error = format!("{error:#}"), "node does not start"),
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        };
        *lock(&slot) = Some(node.kms().clone());
    }
}

/// Why a node runs no longer.
enum Ended {
    /// The cluster stops.
    Stopped,
    /// Its Raft core or its disk failed.
    Failed(String),
    /// A fault wants it dead.
    Crashed,
}

async fn restart(
    process: &Process,
    secrets: &ClusterSecrets,
    config: &NodeConfig,
    (memory, replaced): (Memory, bool),
) -> anyhow::Result<RunningNode> {
    if replaced && let Some(data_dir) = &config.data_dir {
        take_away(data_dir)?;
    }
    let listeners = Listeners {
        clients: bind(&config.listen).await?,
        peers: bind(&config.peer_listen).await?,
    };
    let parts = NodeParts {
        replaces: replaced,
        ..parts(secrets, config, listeners, memory)
    };
    RunningNode::start_in(process.clone(), parts).await
}

/// Takes a node's disk away.
///
/// # Errors
/// It cannot be removed.
pub fn take_away(data_dir: &Path) -> anyhow::Result<()> {
    match std::fs::remove_dir_all(data_dir) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", data_dir.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// The parts of a node that starts on listeners that are bound. Without a
/// directory it remembers what is in `memory`.
pub fn parts(
    secrets: &ClusterSecrets,
    config: &NodeConfig,
    listeners: Listeners,
    memory: Memory,
) -> NodeParts {
    NodeParts {
        config: config.clone(),
        root_key: secrets.root(&config.region),
        cluster_secret: secrets.cluster(),
        listeners,
        memory,
        replaces: false,
    }
}
