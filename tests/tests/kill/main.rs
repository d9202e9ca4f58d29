//! Nothing that was acknowledged is lost, whichever processes are killed.
//!
//! Clients create keys, import material into all regions, rotate and encrypt
//! while single nodes, regions and the whole cluster get `SIGKILL`. Afterwards
//! every acknowledgement is held against what the cluster knows.
//!
//! `MERIDIAN_KILLS` sets the number of strikes; `MERIDIAN_SEED` repeats the
//! choices of a run (not its timing).

mod ledger;
mod load;
mod strikes;
mod verdict;

use std::cell::Cell;
use std::time::Duration;

use meridian_tests::LocalCluster;

use crate::ledger::Ledger;
use crate::load::Load;

/// Clients at work.
const CLIENTS: u64 = 5;

const STRIKES_DEFAULT: usize = 30;

/// A strike with all that follows takes a few seconds.
const STRIKE_MAX: Duration = Duration::from_secs(20);

/// Logs are compacted every few moments, so that nodes come back to shortened
/// logs and from snapshots.
const SETTINGS: [(&str, &str); 1] = [(
    "MERIDIAN_LOCAL_FLAGS",
    "--compaction-entries 200 --compaction-keep-entries 50",
)];

#[tokio::test]
async fn what_was_acknowledged_survives_every_kill() {
    let count = number("MERIDIAN_KILLS").map_or(STRIKES_DEFAULT, |kills| kills as usize);
    let seed = number("MERIDIAN_SEED").unwrap_or_else(rand::random);
    println!("MERIDIAN_SEED={seed} repeats the choices of this run");
    let limit = STRIKE_MAX * (count as u32 + 10);
    let story = tokio::time::timeout(limit, story(count, seed));
    story.await.expect("the story comes to an end");
}

async fn story(count: usize, seed: u64) {
    let cluster = LocalCluster::start(&SETTINGS).await;
    let ledger = Ledger::default();
    let enough = Cell::new(false);
    let load = Load::new(&cluster, &ledger, &enough);
    let clients = (0..CLIENTS).map(|number| load.run(seed, number));
    let strikes = async {
        let killed = strikes::run(&cluster, &ledger, count, seed).await;
        enough.set(true);
        Ok(killed)
    };
    let all = futures::future::try_join(futures::future::try_join_all(clients), strikes);
    match all.await {
        Ok((_, killed)) => println!("{count} strikes killed {killed} processes"),
        Err(stuck) => panic!("{stuck}"),
    }
    verdict::check(&cluster, &ledger.close()).await;
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    let number = text.parse();
    Some(number.unwrap_or_else(|_| panic!("{variable} is a number, not {text:?}")))
}
