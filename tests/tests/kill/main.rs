//! Nothing that was acknowledged is lost, whichever processes are killed and
//! whatever else goes wrong.
//!
//! Clients create keys, import material into all regions, rotate and encrypt
//! while single nodes, regions and the whole cluster get `SIGKILL`, or while
//! faults of every kind overlap. Afterwards every acknowledgement is held
//! against what the cluster knows, every ciphertext is tried in every region,
//! and `meridian judge` reads what the nodes wrote down.
//!
//! `MERIDIAN_KILLS` sets the number of strikes, `MERIDIAN_FAULT_SECONDS` the
//! length of the faults, `MERIDIAN_FAULT_PAUSE_MS` the longest pause between the
//! beginnings of two, `MERIDIAN_CLIENTS` how many work at once,
//! `MERIDIAN_PAUSE_MS` how long each rests after a call; `MERIDIAN_SEED` repeats
//! the choices of a run (not its timing).

mod faults;
mod judged;
mod ledger;
mod load;
mod strikes;
mod verdict;

use std::cell::Cell;
use std::time::Duration;

use meridian_tests::LocalCluster;

use crate::faults::Extent;
use crate::ledger::Ledger;
use crate::load::Load;

const CLIENTS_DEFAULT: u64 = 5;

const STRIKES_DEFAULT: usize = 30;

const FAULT_SECONDS_DEFAULT: u64 = 60;

const FAULT_PAUSE_MS_DEFAULT: u64 = 900;

/// Two clusters at once would only make each other slow.
static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// A strike with all that follows takes a few seconds.
const STRIKE_MAX: Duration = Duration::from_secs(20);

/// Logs are compacted every few moments, so that nodes come back to shortened
/// logs and from snapshots.
const COMPACTION: &str = "--compaction-entries 200 --compaction-keep-entries 50";

/// Settling and checking take a while after the last fault, and longer after a
/// long run.
fn faults_end_within(lasts: Duration) -> Duration {
    lasts + Duration::from_secs(400) + lasts / 4
}

#[tokio::test]
async fn what_was_acknowledged_survives_every_kill() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let count = number("MERIDIAN_KILLS").map_or(STRIKES_DEFAULT, |kills| kills as usize);
    let seed = seed();
    let limit = STRIKE_MAX * (count as u32 + 10);
    let story = tokio::time::timeout(limit, story(count, seed));
    story.await.expect("the story comes to an end");
}

#[tokio::test]
async fn what_was_acknowledged_survives_overlapping_faults() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let seconds = number("MERIDIAN_FAULT_SECONDS").unwrap_or(FAULT_SECONDS_DEFAULT);
    let pause_ms = number("MERIDIAN_FAULT_PAUSE_MS").unwrap_or(FAULT_PAUSE_MS_DEFAULT);
    let extent = Extent {
        lasts: Duration::from_secs(seconds),
        pause_max: Duration::from_millis(pause_ms),
    };
    let limit = faults_end_within(extent.lasts);
    let story = tokio::time::timeout(limit, faulty_story(extent, seed()));
    story.await.expect("the story comes to an end");
}

async fn start() -> LocalCluster {
    let flags = format!("{COMPACTION} --record-dir {}", judged::RECORD_DIR);
    LocalCluster::start(&[("MERIDIAN_LOCAL_FLAGS", &flags)]).await
}

async fn story(count: usize, seed: u64) {
    let cluster = start().await;
    let ledger = Ledger::default();
    let strikes = strikes::run(&cluster, &ledger, count, seed);
    let killed = under_load(&cluster, &ledger, seed, strikes).await;
    println!("{count} strikes killed {killed} processes");
    verdict::check(&cluster, &ledger.close()).await;
    judged::check(&cluster).await;
}

async fn faulty_story(extent: Extent, seed: u64) {
    let cluster = start().await;
    let ledger = Ledger::default();
    let faults = faults::run(&cluster, &ledger, extent, seed);
    let faults = under_load(&cluster, &ledger, seed, faults).await;
    println!("faults: {faults:?}");
    verdict::check(&cluster, &ledger.close()).await;
    judged::check(&cluster).await;
}

/// Does something while clients work, who bring to an end what they have begun.
async fn under_load<T>(
    cluster: &LocalCluster,
    ledger: &Ledger,
    seed: u64,
    what: impl Future<Output = T>,
) -> T {
    let enough = Cell::new(false);
    let pause = Duration::from_millis(number("MERIDIAN_PAUSE_MS").unwrap_or_default());
    let load = Load::new(cluster, ledger, &enough, pause);
    let clients = number("MERIDIAN_CLIENTS").unwrap_or(CLIENTS_DEFAULT);
    let clients = (0..clients).map(|number| load.run(seed, number));
    let what = async {
        let done = what.await;
        enough.set(true);
        Ok(done)
    };
    let all = futures::future::try_join(futures::future::try_join_all(clients), what);
    match all.await {
        Ok((_, done)) => done,
        Err(stuck) => panic!("{stuck}"),
    }
}

fn seed() -> u64 {
    let seed = number("MERIDIAN_SEED").unwrap_or_else(rand::random);
    println!("MERIDIAN_SEED={seed} repeats the choices of this run");
    seed
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    let number = text.parse();
    Some(number.unwrap_or_else(|_| panic!("{variable} is a number, not {text:?}")))
}
