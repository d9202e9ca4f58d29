//! One run: a story of faults and calls, a time to heal, and the verdict.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::client::unique;
use super::cluster::Cluster;
use super::history::Outcome;
use super::judge::check;
use super::machine::Lists;
use super::server::Ask;
use super::{chronicle, client, dice, faults, history, judge, outages};
use crate::NodeId;

/// Who asks when all is well again.
const LAST_CLIENT: u64 = 99;
/// How long a healed group may take to answer a write.
const LEADER_BOUND_MS: u64 = 10_000;
/// How long every member may take to come to the same state; a piece of a snapshot that was lost
/// in the last moment of the faults is sent again only after 20 seconds.
const AGREEMENT_BOUND_MS: u64 = 60_000;

/// A bug planted on purpose, to see whether it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bug {
    /// A disk that acknowledges a flush and has not written.
    LyingFlush,
    /// A leader that answers strong reads without asking whether it still leads.
    UnconfirmedRead,
    /// A disk that never keeps a vote.
    ForgottenVote,
    /// A snapshot that lacks an entry which it claims to cover.
    SkippingSnapshot,
    /// An entry applied twice after a restart from a snapshot.
    AppliedTwice,
    /// An empty disk that its node takes for the one it had.
    UnnoticedLoss,
}

/// What a run came to.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) digest: String,
    pub(super) events: u64,
    pub(super) virtual_ms: u64,
    pub(super) violation: Option<String>,
    /// The last events, if there was a violation.
    pub(super) last: Vec<String>,
    /// How often each promise was checked, each fault took place, each outcome was had.
    pub(super) counts: BTreeMap<&'static str, u64>,
}

/// Runs a seed on this thread.
pub(super) fn run(seed: u64, bug: Option<Bug>, traced: bool) -> Report {
    tell(seed, traced, story(bug))
}

/// Runs a story on this thread, with what the seed leaves to chance.
pub(super) fn tell(seed: u64, traced: bool, story: impl Future<Output = ()>) -> Report {
    dice::begin(seed);
    judge::begin();
    history::begin();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without sockets needs nothing");
    runtime.block_on(async {
        chronicle::begin(traced);
        story.await;
    });
    let (events, digest) = chronicle::digest();
    let virtual_ms = runtime.block_on(async { chronicle::now_ms() });
    let violation = judge::violation();
    let mut counts = judge::counts();
    counts.extend(history::outcomes());
    Report {
        digest,
        events,
        virtual_ms,
        last: match violation {
            Some(_) => chronicle::last(),
            None => Vec::new(),
        },
        violation,
        counts,
    }
}

async fn story(bug: Option<Bug>) {
    let size = if dice::one_in(3) { 5 } else { 3 };
    let founders: BTreeSet<NodeId> = (1..=size).collect();
    let cluster = Cluster::new(founders.clone(), bug);
    // Half of the groups are founded while some of their nodes are not up yet.
    let latest_ms = dice::pick(&[0, 4_000]);
    for node in founders {
        let delay_ms = dice::between(0, latest_ms);
        let cluster = Arc::clone(&cluster);
        tokio::spawn(async move {
            sleep(Duration::from_millis(delay_ms)).await;
            cluster.start(node);
        });
    }
    let faults_ms = dice::between(8_000, 20_000);
    let pause_ms = dice::pick(&[400, 1200, 2500]);
    let mut tasks = vec![tokio::spawn(faults::run(
        Arc::clone(&cluster),
        faults_ms,
        pause_ms,
    ))];
    for number in 1..=dice::between(3, 6) {
        let until_ms = faults_ms + 3_000;
        tasks.push(tokio::spawn(client::run(
            Arc::clone(&cluster),
            number,
            until_ms,
        )));
    }
    for task in tasks {
        task.await.expect("no task of the story panics");
    }
    if judge::violation().is_some() {
        return;
    }
    // The faults have ended by themselves; a supervisor may be about to start a node again.
    for node in cluster.nodes() {
        cluster.start(node);
    }
    let Some(lists) = converge(&cluster, 1).await else {
        return;
    };
    history::judge(&lists);
    outages::power_cut(&cluster).await;
    let Some(lists) = converge(&cluster, 2).await else {
        return;
    };
    history::judge(&lists);
    durable(&cluster, &lists);
}

/// Waits until the group leads, answers, and every member is in the same state; returns it.
pub(super) async fn converge(cluster: &Arc<Cluster>, call: u64) -> Option<Lists> {
    let began_ms = chronicle::now_ms();
    let mut tries = 0;
    loop {
        let ask = Ask::Append {
            key: 0,
            number: unique(LAST_CLIENT, 100 * call + tries),
            ballast: 0,
        };
        tries += 1;
        if client::call(cluster, LAST_CLIENT, ask).await == Outcome::Appended {
            break;
        }
        if chronicle::now_ms() > began_ms + 3 * LEADER_BOUND_MS {
            break;
        }
    }
    let took_ms = chronicle::now_ms() - began_ms;
    let what = || format!("no write for {took_ms} ms after all was healed");
    check("liveness", took_ms <= LEADER_BOUND_MS, what);
    loop {
        if let Some(lists) = agreed(cluster) {
            return Some(lists);
        }
        let took_ms = chronicle::now_ms() - began_ms;
        if took_ms > AGREEMENT_BOUND_MS {
            let statuses = cluster
                .all_running()
                .into_iter()
                .map(|it| it.group.status());
            let statuses: Vec<_> = statuses.collect();
            let what = || format!("no agreement after {took_ms} ms: {statuses:#?}");
            check("liveness", false, what);
            return None;
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// The state of all members, if they agree.
fn agreed(cluster: &Arc<Cluster>) -> Option<Lists> {
    let leader = cluster.leader()?;
    let status = leader.group.status();
    let state = leader.lists.lock().expect("held briefly").clone();
    for member in leader.group.members() {
        let member = cluster.running(member)?;
        let its = member.group.status();
        let same_log = (its.term, its.applied) == (status.term, status.last_log);
        if !same_log || member.lists.lock().expect("held briefly").state() != state.state() {
            return None;
        }
    }
    Some(state)
}

/// Every entry of the agreed state is on the disks of a majority, in the log or a snapshot.
fn durable(cluster: &Arc<Cluster>, lists: &Lists) {
    let Some(leader) = cluster.leader() else {
        return;
    };
    let members = leader.group.members();
    let holders = members.iter().filter(|member| {
        let (stored, covered) = cluster.disk(**member).durable();
        let last = stored.entries.last().map(|entry| entry.log_id.index);
        last.max(covered) >= Some(lists.index)
    });
    let holders = holders.count();
    let what = || {
        format!(
            "{holders} of {members:?} hold entry {} durably",
            lists.index
        )
    };
    check("durable on a majority", 2 * holders > members.len(), what);
}
