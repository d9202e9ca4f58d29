//! The clients: each asks one node after another, gives up on slow ones, asks again with the same
//! number, and writes down what it was told.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::chronicle::{self, note};
use super::cluster::Cluster;
use super::history::{self, Outcome};
use super::server::{Answer, Ask, serve};
use super::{dice, judge};

/// Keys in use: few, so that the clients meet.
const KEYS: u64 = 4;
/// How often a call is tried.
const ATTEMPTS: u64 = 4;
/// How long an attempt may take.
const PATIENCE: Duration = Duration::from_millis(2500);

/// Numbers that no other call of the run has.
pub(super) fn unique(client: u64, call: u64) -> u64 {
    client * 1_000_000 + call
}

/// Makes calls until the time has come.
pub(super) async fn run(cluster: Arc<Cluster>, client: u64, until_ms: u64) {
    let mut calls = 0;
    while chronicle::now_ms() < until_ms {
        calls += 1;
        let key = u8::try_from(dice::between(0, KEYS - 1)).expect("few keys");
        let ask = if dice::permille(600) {
            let ballast = if dice::one_in(20) {
                3000
            } else {
                dice::between(0, 60)
            };
            let number = unique(client, calls);
            let ballast = usize::try_from(ballast).expect("a few bytes");
            Ask::Append {
                key,
                number,
                ballast,
            }
        } else {
            Ask::Read { key }
        };
        call(&cluster, client, ask).await;
        sleep(Duration::from_millis(dice::between(0, 120))).await;
    }
}

/// One call with its attempts. Returns how it ended.
pub(super) async fn call(cluster: &Arc<Cluster>, client: u64, ask: Ask) -> Outcome {
    let (key, number) = match ask {
        Ask::Append { key, number, .. } => (key, Some(number)),
        Ask::Read { key } => (key, None),
    };
    let call = history::invoke(key, number);
    note!("call {call} of client {client}: {ask:?}");
    let mut outcome = Outcome::Failed;
    for _ in 0..ATTEMPTS {
        match attempt(cluster, ask).await {
            Answer::Appended(index) => {
                if let Some(number) = number {
                    judge::acknowledged(number, index);
                }
                outcome = Outcome::Appended;
                break;
            }
            Answer::List(list) => {
                outcome = Outcome::List(list);
                break;
            }
            Answer::Refused => {}
            Answer::Unknown => outcome = Outcome::Unknown,
        }
        sleep(Duration::from_millis(dice::between(10, 300))).await;
    }
    history::end(call, outcome.clone());
    outcome
}

async fn attempt(cluster: &Arc<Cluster>, ask: Ask) -> Answer {
    let running = cluster.all_running();
    if running.is_empty() {
        return Answer::Refused;
    }
    let nodes: Vec<_> = (0..running.len()).collect();
    let there = running[dice::pick(&nodes)].clone();
    sleep(Duration::from_millis(dice::between(1, 5))).await;
    if there.process.is_dead() {
        return Answer::Refused;
    }
    let process = there.process.clone();
    let served = process.spawn(serve(there, ask, true));
    let answer = timeout(PATIENCE, served).await;
    sleep(Duration::from_millis(dice::between(1, 5))).await;
    match answer {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) | Err(_) => Answer::Unknown,
    }
}
