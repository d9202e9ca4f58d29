//! What goes wrong while all processes run, and what is killed beside it:
//! faults of every kind, several at once, each ending by itself.

use std::collections::BTreeMap;
use std::time::Duration;

use meridian_proto::proto_json::from_json;
use meridian_proto::v1::Fault;
use meridian_tests::{LocalCluster, Place, REGIONS, eventually};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::ledger::Ledger;

/// How long one lasts.
const LASTS_MS: std::ops::Range<u64> = 1_000..6_000;

/// After so many faults a process is killed too.
const KILL_EVERY: usize = 12;

/// The cluster gets on within this time, whatever is wrong.
const GETS_ON_WITHIN: Duration = Duration::from_secs(60);

/// For how long things break.
#[derive(Clone, Copy)]
pub struct Extent {
    /// All of it.
    pub lasts: Duration,
    /// The pause between the beginnings of two faults, at most.
    pub pause_max: Duration,
}

/// Breaks things, with everything whole again at the end; how many faults of each
/// kind there were.
pub async fn run(
    cluster: &LocalCluster,
    ledger: &Ledger,
    extent: Extent,
    seed: u64,
) -> BTreeMap<String, usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut begun = BTreeMap::new();
    let end = Instant::now() + extent.lasts;
    let mut number = 0;
    while Instant::now() < end {
        let (kind, what) = draw(&mut rng);
        let fault = fault(&kind, &what, rng.random_range(LASTS_MS));
        add(cluster, &fault).await;
        *begun.entry(kind).or_default() += 1;
        number += 1;
        if number % KILL_EVERY == 0 {
            let struck = any_place(&mut rng);
            cluster.kill_node(struck).await;
            *begun.entry("process killed".to_owned()).or_default() += 1;
            start_all(cluster).await;
        }
        tokio::time::sleep(extent.pause_max.mul_f64(rng.random())).await;
    }
    start_all(cluster).await;
    let whole = async || cluster.clear_faults().await;
    eventually("the faults are cleared", GETS_ON_WITHIN, whole, |cleared| {
        *cleared
    })
    .await;
    cluster.wait_until_healthy().await;
    let got_on = ledger.grows_by(20, GETS_ON_WITHIN).await;
    assert!(got_on, "the clients do not get on after the faults");
    begun
}

/// Starts what does not run, also a node that found its port still taken by the
/// one that was killed.
async fn start_all(cluster: &LocalCluster) {
    let starts = Place::all().map(|place| cluster.start_node(place));
    futures::future::join_all(starts).await;
}

/// A front door may be down or unable to tell.
async fn add(cluster: &LocalCluster, fault: &Fault) {
    let added = async || cluster.add_fault(fault).await;
    eventually("a fault is added", GETS_ON_WITHIN, added, |added| *added).await;
}

fn fault(kind: &str, what: &Value, duration_ms: u64) -> Fault {
    let document = json!({ kind: what, "duration_ms": duration_ms });
    from_json("Fault", &document.to_string()).expect("a fault of the schema")
}

fn any_place(rng: &mut ChaCha8Rng) -> Place {
    let places: Vec<Place> = Place::all().collect();
    *places.choose(rng).expect("there are places")
}

/// A kind of fault, and the rest of it.
fn draw(rng: &mut ChaCha8Rng) -> (String, Value) {
    let place = any_place(rng);
    let node = json!({"region": place.region, "node": place.id});
    let link = link(rng);
    let calls = json!({
        "region": place.region,
        "probability": 0.3,
    });
    let probability = *[0.1, 0.3, 1.0].choose(rng).expect("three");
    let (kind, what) = match rng.random_range(0..21) {
        0 | 1 => ("link_cut", json!({"link": link})),
        2 => (
            "link_delay",
            json!({"link": link, "log_normal": {"median_ms": 80}}),
        ),
        3 => (
            "link_delay",
            json!({"link": link, "pareto": {"least_ms": 10, "most_ms": 900}}),
        ),
        4 => (
            "link_loss",
            json!({"link": link, "probability": probability}),
        ),
        5 => (
            "link_duplicate",
            json!({"link": link, "probability": probability}),
        ),
        6 => ("link_reorder", json!({"link": link, "spread_ms": 400})),
        7 => ("link_hold", json!({"link": link})),
        8 => ("link_flap", json!({"link": link, "period_ms": 700})),
        9 => ("node_cut", json!({"node": node})),
        10 => ("node_crash", json!({"node": node})),
        11 => {
            let skew_ms = rng.random_range(-90_000..90_000);
            ("clock_skew", json!({"node": node, "skew_ms": skew_ms}))
        }
        12 => ("lose_answer", json!({"calls": calls})),
        13 => (
            "refuse",
            json!({"calls": calls, "code": "ThrottlingException"}),
        ),
        14 => ("reset", json!({"calls": calls})),
        15 => ("node_pause", json!({"node": node})),
        16 => ("disk_slow", json!({"node": node, "delay_ms": 150})),
        17 => (
            "link_bandwidth",
            json!({"link": link, "bytes_per_s": 20_000}),
        ),
        18 => ("clock_freeze", json!({"node": node})),
        19 => (
            "stale_reads",
            json!({"region": place.region, "lag_ms": 400, "probability": 0.5}),
        ),
        _ => ("slow_answer", json!({"calls": calls, "delay_ms": 300})),
    };
    (kind.to_owned(), what)
}

/// Between two regions, or between two nodes of one.
fn link(rng: &mut ChaCha8Rng) -> Value {
    let mut ends: Vec<String> = match rng.random_bool(0.5) {
        true => REGIONS.map(str::to_owned).into(),
        false => {
            let nodes = Place::of(any_place(rng).region);
            nodes.map(|it| format!("{}/{}", it.region, it.id)).collect()
        }
    };
    let from = ends.swap_remove(rng.random_range(0..ends.len()));
    let to = ends.swap_remove(rng.random_range(0..ends.len()));
    json!({"from": from, "to": to, "both_directions": rng.random_bool(0.5)})
}
