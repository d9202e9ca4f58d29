//! `meridian up`: a whole cluster in this process, and how to talk to it.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use meridian_kms::RegionName;
use meridian_node::{AuditFiles, RunningCluster, UpOptions, XksSettings};

use crate::cli::{DEFAULT_REGIONS, OutputFormat};
use crate::console::{Console, bad, bold, dim, good};
use crate::failure::{Interrupted, advice};
use crate::signal::asked_to_end;
use crate::table::Table;

/// How long a cluster may take to find all its leaders before that is news.
const HEALTHY_WITHIN: Duration = Duration::from_secs(30);

/// How long the regions of a recorded cluster may take to come to rest before it
/// stops.
const AT_REST_WITHIN: Duration = Duration::from_secs(5);

#[derive(Args)]
pub struct UpArgs {
    /// Keep everything here; a cluster started again with it has lost nothing
    #[arg(
        long,
        value_name = "DIR",
        default_value = "./meridian-data",
        env = "MERIDIAN_DATA_DIR"
    )]
    data_dir: PathBuf,
    /// Keep everything in memory; it is gone when the cluster stops
    #[arg(long)]
    ephemeral: bool,
    /// The regions; any AWS Region names
    #[arg(long, value_name = "REGION,...", value_delimiter = ',', default_values = DEFAULT_REGIONS)]
    regions: Vec<RegionName>,
    /// Nodes of each region, usually 1, 3 or 5
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=9))]
    nodes_per_region: u64,
    /// Address of the front door; the ports of regions and nodes follow it,
    /// and port 0 takes any free ones
    #[arg(
        long,
        value_name = "ADDR",
        default_value = "127.0.0.1:4599",
        env = "MERIDIAN_LISTEN"
    )]
    listen: SocketAddr,
    /// Write down what clients call and regions agree on, for `judge` and
    /// `verdict`; the cluster must be a new one
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Begin with the accounts, principals and keys of this file
    /// (deploy/seed.schema.json); what is there already is left as it is
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// Refuse what an account asks for faster than AWS's request quotas allow,
    /// times FACTOR
    #[arg(long, value_name = "FACTOR", num_args = 0..=1, default_missing_value = "1", require_equals = true)]
    throttle: Option<f64>,
    /// Write a CloudTrail record of every request, and of what the regions do by
    /// themselves, to the end of this file, as JSON lines
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,
    /// Write the EventBridge events of the regions to the end of this file, as
    /// JSON lines
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// Where the proxy of an external key store is: calls to https://HOST go to
    /// ADDR over plain HTTP, or over TLS if ADDR has https:// in front; for every
    /// HOST once
    #[arg(long, value_name = "HOST=ADDR", value_parser = xks_proxy)]
    xks_proxy: Vec<(String, String)>,
    /// Certificates, in PEM form, that those of proxies over TLS have to lead back to
    #[arg(long, value_name = "FILE")]
    xks_ca: Option<PathBuf>,
    /// Milliseconds that a proxy may take to answer
    #[arg(long, value_name = "MS", default_value_t = XksSettings::default().timeout_ms)]
    xks_timeout: u64,
    /// Accept attestation documents of enclaves that lead back to this root
    /// certificate, in PEM form; none is accepted without it
    #[arg(long, value_name = "FILE")]
    attestation_root: Option<PathBuf>,
}

/// Reads `HOST=ADDR`.
fn xks_proxy(text: &str) -> Result<(String, String), String> {
    let (host, address) = text.split_once('=').ok_or("HOST=ADDR is expected")?;
    let place = address.strip_prefix("https://").unwrap_or(address);
    if host.is_empty() || !place.contains(':') {
        return Err("HOST=ADDR is expected, with an ADDR such as 127.0.0.1:8443".into());
    }
    Ok((host.into(), address.into()))
}

pub async fn run(args: UpArgs) -> anyhow::Result<()> {
    let console = Console::new(OutputFormat::Table);
    let data_dir = (!args.ephemeral).then_some(args.data_dir);
    let options = UpOptions {
        data_dir: data_dir.clone(),
        regions: args.regions,
        nodes_per_region: args.nodes_per_region,
        listen: args.listen,
        record: args.record.clone(),
        seed: args.seed,
        throttle: args.throttle,
        audit: AuditFiles {
            records: args.audit,
            events: args.events,
        },
        xks: XksSettings {
            proxies: args.xks_proxy.into_iter().collect(),
            ca_file: args.xks_ca,
            timeout_ms: args.xks_timeout,
        },
        attestation_root_file: args.attestation_root,
    };
    let mut cluster = RunningCluster::start(options)
        .await
        .map_err(|error| advise(error, args.listen, data_dir.as_deref()))?;
    let kept = match &data_dir {
        Some(dir) => format!("data in {}", dir.display()),
        None => "in memory only: gone when it stops".to_owned(),
    };
    introduce(console, &cluster, &kept);
    let healthy = async {
        match cluster.wait_until_healthy(HEALTHY_WITHIN).await {
            Ok(()) => {
                say_planted(console, cluster.plant().await?);
                console.say(format!(
                    "{} every region has a leader. Ctrl-C stops the cluster.",
                    good("ready:")
                ));
            }
            Err(error) => console.say(format!("{error:#}; MERIDIAN_LOG=info tells more")),
        }
        std::future::pending::<anyhow::Result<()>>().await
    };
    let ended = tokio::select! {
        asked = asked_to_end() => asked,
        failed = healthy => failed,
    };
    console.say("stopping");
    let closing = async {
        if let Some(file) = &args.record {
            close_history(console, &cluster, file).await;
        }
        cluster.stop().await;
    };
    tokio::select! {
        () = closing => ended,
        // Everything acknowledged is on disk: leaving at once loses nothing.
        _ = asked_to_end() => Err(Interrupted.into()),
    }
}

/// How many keys of a seed are there.
fn say_planted(console: Console, keys: usize) {
    match keys {
        0 => {}
        1 => console.say("1 key of the seed is there"),
        _ => console.say(format!("{keys} keys of the seed are there")),
    }
}

/// Ends a history as it should end: at rest, and with every ciphertext tried.
async fn close_history(console: Console, cluster: &RunningCluster, file: &Path) {
    let verdict = match cluster.verdict(AT_REST_WITHIN).await {
        Ok(verdict) => verdict,
        Err(error) => return console.say(format!("{error:#}")),
    };
    let broken = verdict.and_then(|it| it.violation);
    let words = match broken {
        Some(it) => bad(&format!("{} is broken: {}", it.promise, it.what)),
        None => "no promise was broken".to_owned(),
    };
    console.say(format!(
        "{words}; `meridian judge {}` tells more",
        file.display()
    ));
}

/// What runs where, and lines to paste.
fn introduce(console: Console, cluster: &RunningCluster, kept: &str) {
    let front_door = url(cluster.front_door());
    console.say(format!(
        "{} at {}, {kept}",
        bold("Meridian"),
        bold(&front_door)
    ));
    console.say("");
    let mut table = Table::new(["REGION", "ITS OWN ENDPOINT", "NODES"]);
    for region in cluster.regions() {
        let ports: Vec<String> = region
            .nodes
            .iter()
            .map(|node| node.address.to_string())
            .collect();
        table.row([
            region.name.to_string(),
            url(region.address),
            ports.join(" "),
        ]);
    }
    console.table(&table);
    let first = cluster
        .regions()
        .first()
        .map(|region| region.name.to_string());
    console.say("");
    console.say(dim("# for any AWS SDK or the AWS CLI; any credentials do"));
    console.say(format!("export AWS_ENDPOINT_URL_KMS={front_door}"));
    console.say("export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test");
    console.say(format!(
        "export AWS_DEFAULT_REGION={}",
        first.unwrap_or_default()
    ));
    if !front_door.ends_with(":4599") {
        console.say(dim("# for the commands of this program"));
        console.say(format!("export MERIDIAN_ENDPOINT={front_door}"));
    }
    console.say("");
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}

/// Says what to do about a cluster that does not start.
fn advise(error: anyhow::Error, listen: SocketAddr, data_dir: Option<&Path>) -> anyhow::Error {
    let in_use = error.chain().find_map(|cause| {
        let io = cause.downcast_ref::<std::io::Error>();
        io.filter(|io| io.kind() == ErrorKind::AddrInUse)
    });
    match (in_use, data_dir) {
        // The lock of a node's log is no socket: it has no error of the system.
        (Some(io), Some(dir)) if io.raw_os_error().is_none() => advice(
            format!("another process works with the data in {}", dir.display()),
            "stop it, or choose another directory: --data-dir DIR, or --ephemeral for none",
        ),
        (Some(_), _) => advice(
            format!("another program listens at {listen}"),
            "is a cluster running already? stop it, or choose another address: \
             --listen 127.0.0.1:0 takes any free one",
        ),
        (None, _) => error.context("starting the cluster"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Advice;
    use anyhow::Context;

    fn advised(error: std::io::Error) -> anyhow::Error {
        let error = Err::<(), _>(error).context("starting").unwrap_err();
        let listen = "127.0.0.1:4599".parse().unwrap();
        advise(error, listen, Some(Path::new("data")))
    }

    #[test]
    fn a_port_in_use_says_which_and_what_to_do() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let error = std::net::TcpListener::bind(taken.local_addr().unwrap()).unwrap_err();
        let error = advised(error);
        assert!(error.to_string().contains("127.0.0.1:4599"), "{error}");
        let hint = &error.downcast_ref::<Advice>().unwrap().hint;
        assert!(hint.contains("--listen"), "{hint}");
    }

    #[test]
    fn a_data_directory_in_use_says_which_and_what_to_do() {
        let error = advised(std::io::Error::new(ErrorKind::AddrInUse, "open elsewhere"));
        assert!(error.to_string().contains("data"), "{error}");
        let hint = &error.downcast_ref::<Advice>().unwrap().hint;
        assert!(hint.contains("--data-dir"), "{hint}");
    }

    #[test]
    fn another_failure_keeps_its_words() {
        let error = advised(std::io::Error::other("disk full"));
        assert_eq!(
            format!("{error:#}"),
            "starting the cluster: starting: disk full"
        );
    }
}
