//! Workload: clients in the background, each with keys of its own.

use meridian_scenario::scenario::{Mix, Origin, Workload};
use meridian_scenario::{Call, CallEnd};

use super::calls;
use super::stage::Stage;
use crate::client::{Cluster, Region};

/// Days that a replica waits for its deletion.
const WAITING_DAYS: i32 = 7;

/// Lets the clients work until all operations are done. How a call ends is the
/// judge's to look at.
pub async fn work(stage: &Stage, cluster: &Cluster, regions: &[Region], workload: &Workload) {
    let clients = workload.clients.max(1);
    let each = workload.operations.div_ceil(clients);
    let working =
        (0..clients).map(|client| one(stage, cluster, regions, workload.mix, client, each));
    futures::future::join_all(working).await;
}

async fn one(
    stage: &Stage,
    cluster: &Cluster,
    regions: &[Region],
    mix: Mix,
    client: u32,
    operations: u32,
) {
    let key = format!("workload-{client}");
    let mut created = false;
    for turn in 0..operations {
        let (region, call) = match created {
            false => (0, create(&key)),
            true => next(&key, mix, turn, regions),
        };
        let ended = calls::call(stage, cluster, &regions[region], &call).await;
        created |= matches!(ended, Ok(CallEnd::Ok(_)));
    }
}

fn create(key: &str) -> Call {
    Call::Create {
        key: key.to_owned(),
        origin: Origin::Generated,
        multi_region: true,
    }
}

/// The next call of a client, and its region. Every round encrypts somewhere,
/// decrypts elsewhere and looks; in between comes what the mix is about.
fn next(key: &str, mix: Mix, turn: u32, regions: &[Region]) -> (usize, Call) {
    let (round, place) = (turn / 6, turn as usize / 6 % regions.len());
    let other = (place + 1) % regions.len();
    let (name, ciphertext) = (|| key.to_owned(), format!("{key}-{round}"));
    let to = || regions[other].name().to_owned();
    match (turn % 6, mix) {
        (0, _) => (
            place,
            Call::Encrypt {
                key: name(),
                ciphertext,
                by: None,
                token: None,
            },
        ),
        (1, _) => {
            let key = None;
            (other, Call::Decrypt { ciphertext, key })
        }
        (2, _) => (place, Call::Describe { key: name() }),
        (3, Mix::Regional) => (place, Call::Disable { key: name() }),
        (4, Mix::Regional) => (place, Call::Enable { key: name() }),
        (3 | 5, Mix::Rotation) => (0, Call::Rotate { key: name() }),
        (3, Mix::Primaries) => (
            place,
            Call::Move {
                key: name(),
                to: to(),
            },
        ),
        (5, Mix::Replicas) if place != 0 => {
            let days = WAITING_DAYS;
            (place, Call::Schedule { key: name(), days })
        }
        (5, Mix::Replicas) => (other, Call::Cancel { key: name() }),
        _ => (
            0,
            Call::Replicate {
                key: name(),
                to: to(),
            },
        ),
    }
}
