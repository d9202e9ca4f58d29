//! The verdict of `meridian judge` on what the nodes themselves wrote down.

use std::path::Path;
use std::process::Command;

use meridian_tests::{LocalCluster, binary};
use serde_json::Value;

/// The nodes' directory for it, within the cluster's.
pub const RECORD_DIR: &str = "record";

/// Promises that no run is too short for.
const LOOKED_AT: [&str; 14] = [
    "R1 import before rotate",
    "R2 decryptable everywhere",
    "R3 never backwards",
    "R4 one primary",
    "R5 nothing acknowledged is lost",
    "R5, an acknowledged import",
    "R6 bytes stay home",
    "R7 convergence",
    "R7 convergence in bounded time",
    "key states",
    "linearizable per key",
    "materials of a set",
    "mixed window",
    "one ID for the same bytes",
];

/// Has the run judged, which must have kept every promise.
pub async fn check(cluster: &LocalCluster) {
    let record = cluster.directory().join(RECORD_DIR);
    let judging = tokio::task::spawn_blocking(move || judge(&record));
    let verdict = judging.await.expect("it does not panic");
    for part in ["seen", "calls", "faults", "looked", "timings"] {
        println!("{part}: {}", verdict[part]);
    }
    assert_eq!(verdict["violation"], Value::Null);
    let looked = |promise: &&str| verdict["looked"][promise].as_u64() > Some(0);
    let missed: Vec<&str> = LOOKED_AT.into_iter().filter(|it| !looked(it)).collect();
    assert!(missed.is_empty(), "never looked at: {missed:?}");
}

fn judge(record: &Path) -> Value {
    let mut command = Command::new(binary());
    command.args(["judge", "--output", "json"]).arg(record);
    let ended = command.output().expect("the binary can be run");
    let [printed, said] =
        [ended.stdout, ended.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
    assert!(ended.status.success(), "{said}\n{printed}");
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
}
