//! Keeping the nodes of one process running.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::cluster_secrets::ClusterSecrets;
use crate::config::NodeConfig;
use crate::local_cluster::{Slot, lock};
use crate::node::{Listeners, NodeParts, Process, RunningNode, bind};

/// Keeps one node running: a Raft core that failed does not recover by itself.
pub async fn supervise(
    process: Process,
    secrets: Arc<ClusterSecrets>,
    config: NodeConfig,
    mut node: RunningNode,
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
        node.stop().await;
        match ended {
            Ended::Stopped => return,
            Ended::Failed(why) => {
                tracing::error!(region = %config.region, node = config.node_id, why, "node failed; restarting");
            }
            Ended::Crashed => {
                tracing::info!(region = %config.region, node = config.node_id, "node crashed by a fault");
                tokio::select! {
                    _ = stop.wait_for(|stop| *stop) => return,
                    () = node.revived() => {}
                }
            }
        }
        if let Some(recorder) = &process.recorder {
            recorder.node_restarts(&config.region, config.node_id);
        }
        node = loop {
            match restart(&process, &secrets, &config).await {
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
) -> anyhow::Result<RunningNode> {
    let listeners = Listeners {
        clients: bind(&config.listen).await?,
        peers: bind(&config.peer_listen).await?,
    };
    start_node(process, secrets, config, listeners).await
}

/// Starts a node on listeners that are bound.
pub async fn start_node(
    process: &Process,
    secrets: &ClusterSecrets,
    config: &NodeConfig,
    listeners: Listeners,
) -> anyhow::Result<RunningNode> {
    let parts = NodeParts {
        config: config.clone(),
        root_key: secrets.root(&config.region),
        cluster_secret: secrets.cluster(),
        listeners,
    };
    RunningNode::start_in(process.clone(), parts).await
}
