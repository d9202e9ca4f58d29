//! The servers that are measured, each in a process of its own: the same
//! binary with a subcommand. A server prints where it listens and when it is
//! ready, and ends when its standard input does.

use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;
use meridian_kms::RegionName;
use meridian_node::{AuditFiles, RunningCluster, UpOptions};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use crate::null;

/// The first word of the line that names the address.
pub const LISTENS_AT: &str = "listens-at";
/// The line that says that every region has a leader, and the keys of the seed.
pub const READY: &str = "ready";

/// How long a cluster may take to find its leaders.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// Which server to be.
#[derive(Subcommand)]
pub enum Serve {
    /// Serve handlers that do nothing
    #[command(hide = true)]
    ServeNull,
    /// Serve a cluster, as `meridian up` does
    #[command(hide = true)]
    ServeCluster {
        /// Where to keep everything; in memory when left out
        #[arg(long)]
        data_dir: Option<PathBuf>,
        /// The regions
        #[arg(long, value_delimiter = ',', required = true)]
        regions: Vec<RegionName>,
        /// Nodes of each region
        #[arg(long)]
        nodes_per_region: u64,
        /// A seed file
        #[arg(long)]
        seed: Option<PathBuf>,
    },
}

impl Serve {
    /// Serves until standard input ends.
    ///
    /// # Errors
    /// The server does not start.
    pub async fn run(self) -> anyhow::Result<()> {
        // As quiet as the product, which is what its requests pay for.
        tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new("warn,openraft=off"))
            .with_writer(std::io::stderr)
            .init();
        match self {
            Serve::ServeNull => serve_null().await,
            Serve::ServeCluster {
                data_dir,
                regions,
                nodes_per_region,
                seed,
            } => {
                let listen = ([127, 0, 0, 1], 0).into();
                serve_cluster(UpOptions {
                    data_dir,
                    regions,
                    nodes_per_region,
                    listen,
                    record: None,
                    seed,
                    throttle: None,
                    audit: AuditFiles::default(),
                    xks: Default::default(),
                    attestation_root_file: None,
                })
                .await
            }
        }
    }
}

async fn serve_null() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{LISTENS_AT} {}", listener.local_addr()?);
    println!("{READY}");
    meridian_api::serve(listener, null::router().into(), false, end_of_input()).await;
    Ok(())
}

async fn serve_cluster(options: UpOptions) -> anyhow::Result<()> {
    let mut cluster = RunningCluster::start(options).await?;
    println!("{LISTENS_AT} {}", cluster.front_door());
    cluster.wait_until_healthy(READY_WITHIN).await?;
    cluster.plant().await?;
    println!("{READY}");
    end_of_input().await;
    cluster.stop().await;
    Ok(())
}

async fn end_of_input() {
    let mut input = tokio::io::stdin();
    // An input that cannot be read has ended too.
    while matches!(input.read(&mut [0; 64]).await, Ok(1..)) {}
}
