//! `meridian key show`: who holds what, and what the next rotation waits for.

use std::time::Duration;

use clap::Args;

use super::KeyRef;
use crate::client::Cluster;
use crate::console::Console;
use crate::locate::{Located, locate};
use crate::report;
use crate::watch::Watch;

/// How long a region may take to tell its state before it counts as silent.
const SILENT_AFTER: Duration = Duration::from_secs(3);

#[derive(Args)]
pub struct ShowArgs {
    #[command(flatten)]
    key: KeyRef,
}

pub async fn run(cluster: &Cluster, console: Console, args: ShowArgs) -> anyhow::Result<()> {
    let key = locate(cluster, &args.key.key, args.key.from.as_deref()).await?;
    let watch = first_look(&key).await?;
    report::print(console, &key, watch.set());
    Ok(())
}

/// A watch of all the key's regions that has heard of each of them, except of
/// those that are silent.
///
/// # Errors
/// If a region refuses to tell.
pub async fn first_look(key: &Located) -> anyhow::Result<Watch> {
    let mut watch = Watch::open(&key.key_id, &key.regions);
    let names = key.region_names();
    let told = watch.until(
        |set| names.iter().all(|name| set.at(name).is_some()),
        |_| {},
    );
    if let Ok(told) = tokio::time::timeout(SILENT_AFTER, told).await {
        told?;
    }
    Ok(watch)
}
