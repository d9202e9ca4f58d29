//! What keys cost in resident memory: of the state, of its indexes, and of the
//! log and its caches, in a process that has just created them.

use crate::benchmarks::start::create_keys;
use crate::report::{Report, Row};
use crate::server::{Server, data_directory};

const REGION: &str = "us-east-1";
const KEYS: u64 = 20_000;

/// Measures it.
pub async fn run(report: &mut Report) -> anyhow::Result<()> {
    for nodes in [1, 3] {
        let data = data_directory()?;
        let server = Server::cluster(&[REGION], nodes, data.path()).await?;
        let before = server.resident_bytes()?;
        create_keys(&server, REGION, KEYS).await?;
        let after = server.resident_bytes()?;
        let per_10_000 = after.saturating_sub(before) * 10_000 / KEYS;
        report.row(Row {
            case: format!("one region, nodes in the process: {nodes}"),
            figure: format!("{:.1} MiB per 10,000 keys", mib(per_10_000)),
            against: format!("{:.1} MiB without keys", mib(before)),
            ..Default::default()
        });
    }
    Ok(())
}

/// Bytes in MiB.
pub fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
