//! `meridian demo`: stories that show what the product does and check
//! everything they say.

mod ciphertexts;
mod stage;
mod story;

use std::time::Duration;

use clap::{Args, Subcommand};
use meridian_node::{AuditFiles, RunningCluster, UpOptions};

use crate::cli::{DEFAULT_ENDPOINT, DEFAULT_REGIONS, OutputFormat};
use crate::client::Cluster;
use crate::console::Console;
use crate::failure::Interrupted;
use crate::signal::asked_to_end;
use stage::Stage;

/// How long a cluster of our own may take to find its leaders.
const HEALTHY_WITHIN: Duration = Duration::from_secs(30);

#[derive(Args)]
pub struct DemoArgs {
    #[command(subcommand)]
    command: DemoCommand,
}

#[derive(Subcommand)]
enum DemoCommand {
    /// Rotate imported key material across three regions, with one of them cut
    /// off in the middle; takes a few seconds
    ///
    /// Takes the cluster at --endpoint. Without one it takes the cluster at
    /// http://127.0.0.1:4599, or if none answers there, starts its own in
    /// memory and stops it again.
    Rotation {
        /// Front door of the cluster to show it on
        #[arg(long, env = "MERIDIAN_ENDPOINT", value_name = "URL")]
        endpoint: Option<String>,
        /// Act as this account, 12 digits
        #[arg(long, env = "MERIDIAN_ACCOUNT", value_name = "ID")]
        account: Option<String>,
    },
}

pub async fn run(args: DemoArgs) -> anyhow::Result<()> {
    let DemoCommand::Rotation { endpoint, account } = args.command;
    let console = Console::new(OutputFormat::Table);
    let account = account.as_deref();
    let running = match &endpoint {
        Some(endpoint) => Some(Cluster::connect_to(endpoint, account).await?),
        None => Cluster::connect_to(DEFAULT_ENDPOINT, account).await.ok(),
    };
    if let Some(cluster) = running {
        return tell(console, &cluster, false).await;
    }
    let own = start().await?;
    let told = async {
        own.wait_until_healthy(HEALTHY_WITHIN).await?;
        let endpoint = format!("http://{}", own.front_door());
        let cluster = Cluster::connect_to(&endpoint, account).await?;
        tell(console, &cluster, true).await
    };
    let told = told.await;
    own.stop().await;
    told
}

/// A cluster of our own, in memory, on any free ports.
async fn start() -> anyhow::Result<RunningCluster> {
    let regions = DEFAULT_REGIONS.iter().map(|name| {
        let name = name.parse();
        name.expect("the default regions have valid names")
    });
    RunningCluster::start(UpOptions {
        data_dir: None,
        regions: regions.collect(),
        nodes_per_region: 3,
        listen: ([127, 0, 0, 1], 0).into(),
        record: None,
        audit: AuditFiles::default(),
        xks: Default::default(),
        attestation_root_file: None,
    })
    .await
}

/// Tells the story, and heals what it has cut however it ends.
async fn tell(console: Console, cluster: &Cluster, own: bool) -> anyhow::Result<()> {
    let mut stage = Stage::set(console, cluster, own).await?;
    let told = tokio::select! {
        told = story::tell(&mut stage) => told,
        asked = asked_to_end() => asked.and(Err(Interrupted.into())),
    };
    let healed = stage.heal().await;
    told?;
    healed
}
