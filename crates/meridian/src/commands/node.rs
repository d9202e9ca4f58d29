//! `meridian node`: one node of a cluster of many processes.

use std::path::PathBuf;

use clap::Args;
use meridian_node::{NodeConfig, NodeOverrides, RunningNode};

use crate::signal::asked_to_end;

#[derive(Args)]
pub struct NodeArgs {
    /// Configuration file, TOML; flags win over the environment, and the
    /// environment over the file
    #[arg(long, env = "MERIDIAN_CONFIG", value_name = "FILE")]
    config: PathBuf,
    #[command(flatten)]
    overrides: NodeOverrides,
}

/// Runs until it is asked to end. A node whose Raft core has failed ends with
/// an error, for a supervisor to start it again.
pub async fn run(args: NodeArgs) -> anyhow::Result<()> {
    let config = NodeConfig::load(&args.config, args.overrides)?;
    let place = format!("node {} of {}", config.node_id, config.region);
    let clients = config.listen.clone();
    let node = RunningNode::start(config).await?;
    anstream::println!("{place} serves clients at {clients}");
    let ended = tokio::select! {
        asked = asked_to_end() => asked,
        why = node.failed() => Err(anyhow::anyhow!("{place} failed: {why}")),
    };
    node.stop().await;
    ended
}
