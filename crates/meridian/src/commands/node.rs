//! `meridian node`: one node of a cluster of many processes.

use std::path::PathBuf;

use clap::Args;
use meridian_node::{ActiveFaults, NodeConfig, NodeOverrides, RunningNode};

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
/// an error, for a supervisor to start it again; one that a fault has killed
/// waits for the fault to end.
pub async fn run(args: NodeArgs) -> anyhow::Result<()> {
    let config = NodeConfig::load(&args.config, args.overrides)?;
    let place = format!("node {} of {}", config.node_id, config.region);
    let clients = config.listen.clone();
    let faults = ActiveFaults::default();
    let mut asked = std::pin::pin!(asked_to_end());
    let mut replaces = false;
    loop {
        let mut node = RunningNode::start(config.clone(), &faults, replaces).await?;
        anstream::println!("{place} serves clients at {clients}");
        let ended = tokio::select! {
            asked = &mut asked => Some(asked),
            why = node.failed() => Some(Err(anyhow::anyhow!("{place} failed: {why}"))),
            () = node.crashed() => None,
        };
        replaces = node.is_replaced() || config.data_dir.is_none();
        node.stop().await;
        if let Some(ended) = ended {
            return ended;
        }
        anstream::println!("{place} is dead until its fault ends");
        tokio::select! {
            asked = &mut asked => return asked,
            () = node.revived_by_others() => {}
        }
        tokio::select! {
            asked = &mut asked => return asked,
            () = node.start_delayed() => {}
        }
    }
}
