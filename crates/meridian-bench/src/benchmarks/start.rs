//! How long a cluster takes to start, empty and with many keys: until it
//! listens, until `GET /health` says yes, until it calls itself ready.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;

use crate::Effort;
use crate::benchmarks::memory::mib;
use crate::grpc::{Repeat, Unary, connect};
use crate::http1::Http1;
use crate::load::Load;
use crate::report::{Report, Row, Target};
use crate::server::{Server, data_directory};

const CREATE_KEY: &str = "/meridian.v1.KeyManagement/CreateKey";
const REGION: &str = "us-east-1";

/// What `meridian up` starts when nobody says otherwise.
const DEFAULT_REGIONS: [&str; 3] = ["us-east-1", "eu-west-1", "ap-southeast-2"];

/// Clients that create keys at once.
const CLIENTS: u64 = 128;

/// Measures it.
pub async fn run(effort: &Effort, report: &mut Report) -> anyhow::Result<()> {
    let data = data_directory()?;
    let empty = start(
        &DEFAULT_REGIONS,
        data.path(),
        report,
        "three regions, first start",
    )
    .await?;
    empty.stop().await?;
    let again = start(
        &DEFAULT_REGIONS,
        data.path(),
        report,
        "three regions, no keys",
    )
    .await?;
    again.stop().await?;

    let data = data_directory()?;
    let server = start(&[REGION], data.path(), report, "one region, first start").await?;
    create_keys(&server, REGION, effort.keys).await?;
    server.stop().await?;
    let case = format!("one region, {} keys", effort.keys);
    start(&[REGION], data.path(), report, &case)
        .await?
        .stop()
        .await
}

/// Creates keys in one region, many at once.
///
/// # Errors
/// A key was not created.
pub async fn create_keys(server: &Server, region: &str, count: u64) -> anyhow::Result<()> {
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let unary = Unary::new(connect(server.address()).await?, CREATE_KEY).in_region(region)?;
        clients.push(Repeat {
            unary,
            message: Bytes::new(),
        });
    }
    Load::new(clients, vec![server.pid()]).requests(count).await
}

async fn start(
    regions: &[&str],
    data: &Path,
    report: &mut Report,
    case: &str,
) -> anyhow::Result<Server> {
    let mut server = Server::starting_cluster(regions, 3, data).await?;
    let listens = server.age();
    healthy(server.address()).await?;
    let healthy = server.age();
    server.ready().await?;
    let is_default = regions.len() == DEFAULT_REGIONS.len();
    report.row(Row {
        case: case.to_owned(),
        figure: format!("{} ms to /health 200", healthy.as_millis()),
        against: format!(
            "listens {} ms, {:.0} MiB",
            listens.as_millis(),
            mib(server.resident_bytes()?)
        ),
        // Seconds, against the one second in which `up` has to be there.
        ratio: is_default.then_some(healthy.as_secs_f64()),
        target: is_default.then_some(Target::AtMost(1.0)),
    });
    Ok(server)
}

/// Asks until every region has a leader.
async fn healthy(address: &str) -> anyhow::Result<()> {
    let request = format!("GET /health HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let mut client = Http1::connect(address, request.into()).await?;
    while client.send().await.is_err() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(())
}
