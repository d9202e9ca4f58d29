//! The simulated network: every message has its own delay, and may be lost, doubled, held back,
//! made to wait its turn, or stopped by a cut of its direction. Nothing is ordered.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::chronicle::note;
use super::cluster::{Cluster, Running};
use super::{dice, judge};
use crate::record::decode_versioned;
use crate::types::Vote;
use crate::wire::{Candidacy, Voted, kind};
use crate::{NodeId, Transport, TransportError};

/// How many faults there are on each direction.
#[derive(Default)]
struct Faulty(BTreeMap<(NodeId, NodeId), u32>);

impl Faulty {
    fn add(&mut self, ways: &[(NodeId, NodeId)]) {
        for way in ways {
            *self.0.entry(*way).or_default() += 1;
        }
    }

    fn take(&mut self, ways: &[(NodeId, NodeId)]) {
        for way in ways {
            if let Some(faults) = self.0.get_mut(way) {
                *faults = faults.saturating_sub(1);
            }
        }
    }

    fn has(&self, from: NodeId, to: NodeId) -> bool {
        self.0.get(&(from, to)).is_some_and(|faults| *faults > 0)
    }
}

/// How the network is at the moment. Faults overlap: each adds its part and takes it away again.
#[derive(Default)]
pub(super) struct Weather {
    cuts: Faulty,
    pub(super) lost_permille: u64,
    pub(super) doubled_permille: u64,
    pub(super) delay_ms: u64,
    /// How many messages of a thousand are seconds late.
    pub(super) stragglers_permille: u64,
    holds: Faulty,
    /// How long one message keeps a narrow direction, in milliseconds.
    narrow_ms: BTreeMap<(NodeId, NodeId), u64>,
    /// When each narrow direction is free again.
    free_at: BTreeMap<(NodeId, NodeId), Instant>,
}

/// See the module.
#[derive(Clone, Default)]
pub(super) struct Network {
    weather: Arc<Mutex<Weather>>,
    released: Arc<Notify>,
}

impl Network {
    pub(super) fn weather(&self) -> MutexGuard<'_, Weather> {
        self.weather.lock().expect("held briefly")
    }

    pub(super) fn cut(&self, ways: &[(NodeId, NodeId)]) {
        self.weather().cuts.add(ways);
    }

    pub(super) fn mend(&self, ways: &[(NodeId, NodeId)]) {
        self.weather().cuts.take(ways);
    }

    pub(super) fn hold(&self, ways: &[(NodeId, NodeId)]) {
        self.weather().holds.add(ways);
    }

    pub(super) fn release(&self, ways: &[(NodeId, NodeId)]) {
        self.weather().holds.take(ways);
        self.released.notify_waiters();
    }

    /// Lets one message pass in each direction every so often, or all at once.
    pub(super) fn narrow(&self, ways: &[(NodeId, NodeId)], message_ms: Option<u64>) {
        let mut weather = self.weather();
        for way in ways {
            weather.free_at.remove(way);
            match message_ms {
                Some(message_ms) => drop(weather.narrow_ms.insert(*way, message_ms)),
                None => drop(weather.narrow_ms.remove(way)),
            }
        }
    }

    fn is_held(&self, from: NodeId, to: NodeId) -> bool {
        self.weather().holds.has(from, to)
    }

    /// When it is a message's turn, if its direction is narrow.
    fn turn(&self, from: NodeId, to: NodeId) -> Option<Instant> {
        let mut weather = self.weather();
        let message_ms = *weather.narrow_ms.get(&(from, to))?;
        let free_at = weather
            .free_at
            .entry((from, to))
            .or_insert_with(Instant::now);
        *free_at = (*free_at).max(Instant::now()) + Duration::from_millis(message_ms);
        Some(*free_at)
    }

    /// A message's way from one node to another, once it is under way; false if it does not
    /// arrive.
    async fn pass(&self, from: NodeId, to: NodeId) -> bool {
        if let Some(turn) = self.turn(from, to) {
            sleep_until(turn).await;
        }
        loop {
            let released = self.released.notified();
            if !self.is_held(from, to) {
                break;
            }
            released.await;
        }
        !self.is_cut(from, to)
    }

    fn is_cut(&self, from: NodeId, to: NodeId) -> bool {
        self.weather().cuts.has(from, to)
    }

    /// Draws how long each copy of a message is under way; none is a lost message.
    fn copies(&self) -> Vec<Duration> {
        let weather = self.weather();
        let copies = 1 + u64::from(dice::permille(weather.doubled_permille));
        let mut delays = Vec::new();
        for _ in 0..copies {
            let mut delay_ms = dice::between(1, 3) + dice::between(0, weather.delay_ms);
            if dice::permille(weather.stragglers_permille) {
                delay_ms += dice::between(500, 8_000);
            }
            if !dice::permille(weather.lost_permille) {
                delays.push(Duration::from_millis(delay_ms));
            }
        }
        delays
    }
}

/// What the other side does with a message.
pub(super) type Serve<A> = Arc<dyn Fn(Running) -> BoxFuture<'static, A> + Send + Sync>;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// Definite: nothing was delivered.
    Refused,
    /// No answer in time.
    Silent,
}

/// Takes a message from one node to another and its answer back. A call `once` is not doubled:
/// of two answers one could deny what the other did.
pub(super) async fn call<A: Send + 'static>(
    cluster: &Arc<Cluster>,
    from: NodeId,
    to: NodeId,
    patience: Duration,
    once: bool,
    serve: Serve<A>,
) -> Result<A, Lost> {
    let (sender, answered) = oneshot::channel();
    // Held to the end: a message that is lost must look like one that is late.
    let answer = Arc::new(Mutex::new(Some(sender)));
    let mut copies = cluster.network.copies();
    copies.truncate(if once { 1 } else { copies.len() });
    let only = copies.len() == 1;
    for delay in copies {
        let way = Way {
            cluster: Arc::clone(cluster),
            from,
            to,
            only,
        };
        tokio::spawn(way.carry(delay, Arc::clone(&serve), Arc::clone(&answer)));
    }
    match timeout(patience, answered).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) | Err(_) => Err(Lost::Silent),
    }
}

type Awaited<A> = Arc<Mutex<Option<oneshot::Sender<Result<A, Lost>>>>>;

struct Way {
    cluster: Arc<Cluster>,
    from: NodeId,
    to: NodeId,
    /// Whether no other copy of the message is under way: that nobody took this one says nothing
    /// about the other.
    only: bool,
}

impl Way {
    async fn carry<A: Send + 'static>(self, delay: Duration, serve: Serve<A>, answer: Awaited<A>) {
        sleep(delay).await;
        if !self.cluster.network.pass(self.from, self.to).await {
            return;
        }
        let Some(running) = self.cluster.running(self.to) else {
            if self.only {
                self.answer(Err(Lost::Refused), &answer).await;
            }
            return;
        };
        let process = running.process.clone();
        process.spawn(async move {
            let served = serve(running).await;
            tokio::spawn(async move { self.answer(Ok(served), &answer).await });
        });
    }

    async fn answer<A>(&self, what: Result<A, Lost>, answer: &Awaited<A>) {
        let Some(delay) = self.cluster.network.copies().first().copied() else {
            return;
        };
        sleep(delay).await;
        if !self.cluster.network.pass(self.to, self.from).await {
            return;
        }
        let waiting = answer.lock().expect("held briefly").take();
        if let Some(waiting) = waiting {
            // Who asked may have given up.
            drop(waiting.send(what));
        }
    }
}

/// Raft's messages on this network.
pub(super) struct Wire {
    pub(super) cluster: Arc<Cluster>,
    pub(super) from: NodeId,
}

impl Transport for Wire {
    fn call(
        &self,
        target: NodeId,
        kind: u32,
        payload: Bytes,
        patience: Duration,
    ) -> BoxFuture<'_, Result<Bytes, TransportError>> {
        let from = self.from;
        note!(
            "raft {from}->{target} kind {kind} {:08x}",
            crc32fast::hash(&payload)
        );
        if kind == kind::SNAPSHOT {
            judge::count("pieces of snapshots sent");
        }
        if kind == kind::VOTE
            && let Ok(candidacy) = decode_versioned::<Candidacy>(&payload)
        {
            let request = openraft::raft::VoteRequest::from(candidacy);
            judge::sworn(from, request.vote);
        }
        let serve: Serve<_> = Arc::new(move |running: Running| {
            let payload = payload.clone();
            Box::pin(async move {
                let answer = running.group.handle(kind, payload).await;
                note!(
                    "raft {target}->{from} answers kind {kind} {:08x}",
                    answer.as_deref().map_or(0, crc32fast::hash)
                );
                if kind == kind::VOTE
                    && let Ok(bytes) = &answer
                {
                    swear(target, bytes);
                }
                answer
            })
        });
        Box::pin(async move {
            match call(&self.cluster, from, target, patience, false, serve).await {
                Ok(Ok(answer)) => Ok(answer),
                Ok(Err(error)) => Err(TransportError::Refused(error.to_string())),
                Err(Lost::Refused) => Err(TransportError::Unreachable("not running".to_owned())),
                Err(Lost::Silent) => Err(TransportError::Timeout),
            }
        })
    }
}

/// Notes a vote that a node has given away.
fn swear(node: NodeId, answer: &[u8]) {
    if let Ok(voted) = decode_versioned::<Voted>(answer) {
        let response = openraft::raft::VoteResponse::<crate::types::Types>::from(voted);
        if response.vote_granted {
            judge::sworn(node, Vote::clone(&response.vote));
        }
    }
}
