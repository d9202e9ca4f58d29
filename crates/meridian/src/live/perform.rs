//! From a scenario to its outcome, on a cluster of its own.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use meridian_node::{AuditFiles, RunningCluster, UpOptions};
use meridian_proto::v1::ClearFaultsRequest;
use meridian_scenario::outcome::{Driver, Fired};
use meridian_scenario::{Ending, Outcome, Performance, Scenario};
use tokio::sync::mpsc;

use super::tasks::Stagehands;
use crate::client::{Cluster, Region};
use crate::console::Console;
use crate::failure::Interrupted;
use crate::signal::asked_to_end;

/// How long the cluster may take to find its leaders.
const HEALTHY_WITHIN: Duration = Duration::from_secs(30);

/// How long the regions may take to come to rest at the end.
const REST_WITHIN: Duration = Duration::from_secs(60);

#[derive(Args)]
pub struct LiveArgs {
    /// Front door of the cluster that it is performed on, for your application;
    /// any free port when left out
    #[arg(long, value_name = "ADDR", conflicts_with = "simulate")]
    listen: Option<SocketAddr>,
}

/// Performs a scenario that was read and found right, in real time, and judges
/// what was recorded; the history goes to the file.
///
/// # Errors
/// The cluster does not start, the run is interrupted, or the history cannot be
/// read.
pub async fn perform(
    console: Console,
    scenario: &Scenario,
    args: &LiveArgs,
    history: &Path,
) -> anyhow::Result<Outcome> {
    let own = start(scenario, args, history).await?;
    let performed = perform_on(console, scenario, &own).await;
    own.stop().await;
    performed
}

async fn start(
    scenario: &Scenario,
    args: &LiveArgs,
    history: &Path,
) -> anyhow::Result<RunningCluster> {
    let names = scenario.topology.regions.iter();
    let regions = names.map(|name| name.parse().context("the name of a region"));
    RunningCluster::start(UpOptions {
        data_dir: None,
        regions: regions.collect::<anyhow::Result<_>>()?,
        nodes_per_region: scenario.topology.nodes_per_region,
        listen: args.listen.unwrap_or(([127, 0, 0, 1], 0).into()),
        record: Some(PathBuf::from(history)),
        audit: AuditFiles::default(),
        xks: Default::default(),
        attestation_root_file: None,
    })
    .await
}

async fn perform_on(
    console: Console,
    scenario: &Scenario,
    own: &RunningCluster,
) -> anyhow::Result<Outcome> {
    own.wait_until_healthy(HEALTHY_WITHIN).await?;
    let endpoint = format!("http://{}", own.front_door());
    console.say(format!("{} runs at {endpoint}", scenario.name));
    let cluster = Cluster::connect_to(&endpoint, None).await?;
    let names = scenario.topology.regions.iter();
    let regions: Vec<Region> = names
        .map(|name| cluster.region(name))
        .collect::<anyhow::Result<_>>()?;
    let nodes = connect_nodes(own).await?;
    let (ended, mut endings) = mpsc::unbounded_channel();
    let mut hands = Stagehands::new(cluster.clone(), regions, nodes, ended);
    let mut performance = Performance::new(scenario.clone());
    let clock = Instant::now();
    tokio::select! {
        () = play(&mut performance, &mut hands, &mut endings, clock) => {}
        asked = asked_to_end() => return asked.and(Err(Interrupted.into())),
    }
    hands.tasks.shutdown().await;
    let began_ms = performance.zero_ms().unwrap_or_default();
    let (steps, trouble) = performance.into_records();
    cluster.clear_faults(ClearFaultsRequest {}).await?;
    let verdict = own.verdict(REST_WITHIN).await?;
    let verdict = verdict.context("the cluster does not record itself")?;
    let mut unmet = Vec::new();
    if let Some(why) = verdict.not_healed_because {
        unmet.push(format!("it did not come to rest: {why}"));
    }
    let outcome = Outcome {
        name: scenario.name.clone(),
        about: scenario.about.trim().to_owned(),
        seed: scenario.seed,
        driver: Driver::Live,
        regions: scenario.topology.regions.clone(),
        digest: None,
        began_ms,
        ended_ms: now_ms(clock),
        faults: Fired::live(scenario, &steps, &own.faults_struck()),
        steps,
        trouble,
        expected: String::new(),
        violation: verdict.violation,
        looked: verdict.looked,
        timings: verdict.timings,
        unmet,
    };
    Ok(outcome.judged(scenario))
}

fn now_ms(clock: Instant) -> i64 {
    i64::try_from(clock.elapsed().as_millis()).unwrap_or(i64::MAX)
}

/// A connection to each node's own port.
async fn connect_nodes(own: &RunningCluster) -> anyhow::Result<BTreeMap<(String, u64), Region>> {
    let mut nodes = BTreeMap::new();
    for place in own.regions() {
        let name = place.name.to_string();
        for node in &place.nodes {
            let endpoint = format!("http://{}", node.address);
            let region = Cluster::connect_to(&endpoint, None).await?.region(&name)?;
            nodes.insert((name.clone(), node.id), region);
        }
    }
    Ok(nodes)
}

/// Does what is due until nothing is.
async fn play(
    performance: &mut Performance,
    hands: &mut Stagehands,
    endings: &mut mpsc::UnboundedReceiver<(u64, Ending)>,
    clock: Instant,
) {
    let mut changes = hands.stage.changes();
    loop {
        hands.follow_keys();
        changes.mark_unchanged();
        let due = performance.due(now_ms(clock), &hands.stage.view());
        let began = !due.is_empty();
        due.into_iter().for_each(|it| hands.begin(it));
        if performance.is_over() {
            return;
        }
        if began {
            continue;
        }
        let wake = performance.next_time();
        let wake = wake.map(|at_ms| Duration::from_millis(at_ms.max(0).unsigned_abs()));
        let slept = async {
            match wake {
                Some(at) => tokio::time::sleep_until((clock + at).into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some((id, ending)) = endings.recv() => performance.ended(id, now_ms(clock), ending),
            Ok(()) = changes.changed(), if performance.is_watching() => {}
            () = slept => {}
        }
    }
}
