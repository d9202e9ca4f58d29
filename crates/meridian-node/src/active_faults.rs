//! The faults that the nodes of a process obey, and waiting them out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use meridian_chaos::{
    Call, Condition, Faults, Kind, Odds, Passage, Queue, Reception, Staleness, Telling,
};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::clock::machine_now_ms;

/// The faults that a node obeys.
#[derive(Clone)]
pub struct ActiveFaults {
    faults: watch::Sender<Faults>,
    tally: Arc<Mutex<Tally>>,
}

/// What is counted while faults are active.
#[derive(Default)]
struct Tally {
    /// Calls that each fault has been asked about, by its ID.
    turns: BTreeMap<String, u64>,
    /// How often each kind has had an effect.
    struck: BTreeMap<&'static str, u64>,
    /// How often each fault has had one, by its ID, until somebody takes it.
    strikes: BTreeMap<String, u64>,
    /// Who waits on which narrow link.
    queue: Queue,
}

/// Chance of a live cluster, with the faults that it decides about.
struct LiveOdds<'a>(MutexGuard<'a, Tally>, &'a Faults);

impl Odds for LiveOdds<'_> {
    fn below(&mut self, limit: u64) -> u64 {
        rand::random_range(0..limit.max(1))
    }

    fn turn(&mut self, fault: &str) -> u64 {
        let turns = self.0.turns.entry(fault.to_owned()).or_default();
        *turns += 1;
        *turns
    }

    fn queue(&mut self, way: &str, takes_ms: u64, now_ms: i64) -> u64 {
        self.0.queue.wait_ms(way, takes_ms, now_ms)
    }

    fn struck(&mut self, kind: &Kind) {
        *self.0.struck.entry(kind.name()).or_default() += 1;
        let mut active = self.1.iter(i64::MIN);
        if let Some(fault) = active.find(|fault| fault.kind == *kind) {
            *self.0.strikes.entry(fault.id.clone()).or_default() += 1;
        }
    }
}

/// May a message arrive twice?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It means the same the second time.
    AtLeastOnce,
    /// It would be carried out a second time, which no network does to a call.
    AtMostOnce,
}

/// Why a message over a link has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost<E> {
    /// It, or its answer, was lost or is late.
    OnTheWay,
    /// The other side, or the real network, says so.
    Failed(E),
}

impl Default for ActiveFaults {
    fn default() -> Self {
        ActiveFaults {
            faults: watch::Sender::new(Faults::default()),
            tally: Arc::default(),
        }
    }
}

impl ActiveFaults {
    fn ask<T>(&self, calm: T, ask: impl FnOnce(&Faults, i64, &mut dyn Odds) -> T) -> T {
        let faults = self.faults.borrow();
        if faults.is_empty() {
            return calm;
        }
        let tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        ask(&faults, machine_now_ms(), &mut LiveOdds(tally, &faults))
    }

    /// What becomes of a message of so many bytes that is sent now.
    pub fn passage(&self, way: (&str, &str), bytes: u64) -> Passage {
        self.ask(Passage::WHOLE, |faults, now, odds| {
            faults.passage(way, bytes, now, odds)
        })
    }

    /// Does a fact stay at its author now?
    pub fn withholds(&self, way: (&str, &str), telling: &Telling) -> bool {
        self.ask(false, |faults, now, odds| {
            faults.withholds(way, telling, now, odds)
        })
    }

    /// The IDs of the faults that keep facts at their authors now.
    pub fn withholding(&self) -> Vec<String> {
        self.ask(Vec::new(), |faults, now, _| faults.withholding(now))
    }

    /// The age, in milliseconds, from which on a region takes import tokens for
    /// expired, if a fault says one.
    pub fn tokens_expire_after_ms(&self, region: &str) -> Option<u64> {
        self.ask(None, |faults, now, odds| {
            faults.tokens_expire_after_ms(region, now, odds)
        })
    }

    /// Waits until a node does not stand still.
    pub async fn resumed(&self, region: &str, node: u64) {
        if !self.is_calm() {
            self.until(|set, now| !set.condition(region, node, now).paused)
                .await;
        }
    }

    /// Is this direction cut now?
    pub fn cuts(&self, from: &str, to: &str) -> bool {
        self.ask(false, |faults, now, _| faults.cuts(from, to, now))
    }

    /// The condition that a node is in now.
    pub fn condition(&self, region: &str, node: u64) -> Condition {
        self.ask(Condition::default(), |faults, now, _| {
            faults.condition(region, node, now)
        })
    }

    /// True when there is nothing to ask about.
    pub fn is_calm(&self) -> bool {
        self.faults.borrow().is_empty()
    }

    /// What the front door does with a call.
    pub fn reception(&self, call: &Call<'_>) -> Reception {
        self.ask(Reception::default(), |faults, now, odds| {
            faults.reception(call, now, odds)
        })
    }

    /// How old the view is that answers a read at a node now.
    pub fn staleness(&self, region: &str, node: u64) -> Staleness {
        self.ask(Staleness::default(), |faults, now, odds| {
            faults.staleness(region, node, now, odds)
        })
    }

    /// A fault that is over at once has had its effect.
    pub fn happened(&self, kind: &Kind) {
        let tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        LiveOdds(tally, &Faults::default()).struck(kind);
    }

    /// Replaces the set.
    pub fn replace(&self, faults: Faults) {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        let still = |id: &str| faults.iter(i64::MIN).any(|fault| fault.id == id);
        tally.turns.retain(|id, _| still(id));
        let fault = |way: &str| way.split(' ').next().is_some_and(&still);
        tally.queue.retain(fault);
        drop(tally);
        self.faults.send_replace(faults);
    }

    /// Changes the set in one step; returns it as it is then.
    pub fn change<T>(&self, change: impl FnOnce(&mut Faults) -> T) -> (T, Faults) {
        let (mut changed, mut faults) = (None, Faults::default());
        self.faults.send_modify(|active| {
            changed = Some(change(active));
            faults = active.clone();
        });
        (changed.expect("send_modify calls its closure"), faults)
    }

    /// The set.
    pub fn current(&self) -> Faults {
        self.faults.borrow().clone()
    }

    /// How often each kind has had an effect in this process.
    pub fn struck(&self) -> BTreeMap<&'static str, u64> {
        let tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.struck.clone()
    }

    /// How often a fault has had an effect in this process since this was asked
    /// last.
    pub fn take_strikes(&self, id: &str) -> u64 {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.strikes.remove(id).unwrap_or_default()
    }

    /// Follows the set.
    pub fn follow(&self) -> watch::Receiver<Faults> {
        self.faults.subscribe()
    }

    /// Waits until the faults are as wanted, which is asked whenever the set
    /// changes, a fault ends or a flapping link turns.
    pub async fn until(&self, wanted: impl Fn(&Faults, i64) -> bool) {
        let mut changes = self.faults.subscribe();
        loop {
            let now = machine_now_ms();
            let next = {
                let faults = changes.borrow_and_update();
                if wanted(&faults, now) {
                    return;
                }
                faults.next_change_ms(now)
            };
            let pause = next.map(|next| u64::try_from(next - now).unwrap_or(0).max(1));
            let turned = async {
                match pause {
                    Some(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                // The sender lives as long as this value does.
                _ = changes.changed() => {}
                () = turned => {}
            }
        }
    }

    /// Sends a message and takes its answer back over a link, as its faults
    /// have it. The sender gives up after `timeout`, which is told how much of
    /// the time is injected. A message that is held, or later than that,
    /// arrives all the same; one that arrives twice is answered once.
    pub async fn over<T, E>(
        &self,
        (from, to): (&str, &str),
        bytes: u64,
        delivery: Delivery,
        timeout: impl FnOnce(Duration) -> Duration,
        send: impl Fn() -> BoxFuture<'static, Result<T, E>> + Send + Sync + 'static,
    ) -> Result<T, Lost<E>>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        let there = self.passage((from, to), bytes);
        let back = self.passage((to, from), 0);
        let injected = there.delay_ms.saturating_add(back.delay_ms);
        let deadline = Instant::now() + timeout(Duration::from_millis(injected));
        if (there, back) == (Passage::WHOLE, Passage::WHOLE) {
            let answer = tokio::time::timeout_at(deadline, send()).await;
            return answer.map_err(|_| Lost::OnTheWay)?.map_err(Lost::Failed);
        }
        if there.lost {
            self.lost_until(deadline, from, to).await;
            return Err(Lost::OnTheWay);
        }
        let (faults, way) = (self.clone(), (from.to_owned(), to.to_owned()));
        let crossing = tokio::spawn(async move {
            if there.held {
                let released = |set: &Faults, now| !set.holds(&way.0, &way.1, now);
                faults.until(released).await;
            }
            tokio::time::sleep(Duration::from_millis(there.delay_ms)).await;
            if delivery == Delivery::AtLeastOnce {
                for _ in 1..there.copies {
                    drop(tokio::spawn(send()));
                }
            }
            send().await
        });
        let answer = tokio::time::timeout_at(deadline, crossing).await;
        let answer = answer.map(|joined| {
            joined.unwrap_or_else(|gone| std::panic::resume_unwind(gone.into_panic()))
        });
        let answer = answer.map_err(|_| Lost::OnTheWay)?.map_err(Lost::Failed)?;
        if back.lost || back.held {
            self.lost_until(deadline, to, from).await;
            return Err(Lost::OnTheWay);
        }
        let late = Duration::from_millis(back.delay_ms);
        match tokio::time::timeout_at(deadline, tokio::time::sleep(late)).await {
            Ok(()) => Ok(answer),
            Err(_) => Err(Lost::OnTheWay),
        }
    }

    /// A lost message is noticed at the time-out, or as soon as a link that was
    /// cut is whole again.
    async fn lost_until(&self, deadline: Instant, from: &str, to: &str) {
        let noticed = async {
            match self.cuts(from, to) {
                true => self.until(|set, now| !set.cuts(from, to, now)).await,
                false => std::future::pending().await,
            }
        };
        // Either way the message is lost.
        let _ = tokio::time::timeout_at(deadline, noticed).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures::FutureExt;
    use meridian_chaos::{Fault, Link};

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(5);

    fn active(kind: impl FnOnce(Link) -> Kind) -> ActiveFaults {
        let faults = ActiveFaults::default();
        let link = Link {
            from: "us-east-1".into(),
            to: "eu-west-1".into(),
            both_directions: false,
        };
        let fault = Fault {
            id: "f".into(),
            kind: kind(link),
            ends_at_ms: None,
        };
        faults.change(|set| set.add(fault));
        faults
    }

    /// Sends once over the link; how often it has arrived stands in the counter.
    async fn send(faults: &ActiveFaults, arrived: &Arc<AtomicU32>) -> Result<(), Lost<()>> {
        let arrived = arrived.clone();
        faults
            .over(
                ("us-east-1", "eu-west-1"),
                0,
                Delivery::AtLeastOnce,
                |_| TIMEOUT,
                move || {
                    arrived.fetch_add(1, Ordering::SeqCst);
                    futures::future::ready(Ok(())).boxed()
                },
            )
            .await
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_over_a_cut_link_is_lost_once_the_link_is_whole() {
        let faults = active(|link| Kind::LinkCut { link });
        let arrived = Arc::default();
        let mut sending = std::pin::pin!(send(&faults, &arrived));
        assert!(sending.as_mut().now_or_never().is_none());
        faults.change(Faults::clear);
        assert_eq!(sending.await, Err(Lost::OnTheWay));
        assert_eq!(arrived.load(Ordering::SeqCst), 0);
        assert_eq!(send(&faults, &arrived).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_held_message_arrives_when_it_is_released_after_its_sender_gave_up() {
        let faults = active(|link| Kind::LinkHold { link });
        let arrived = Arc::default();
        assert_eq!(send(&faults, &arrived).await, Err(Lost::OnTheWay));
        assert_eq!(arrived.load(Ordering::SeqCst), 0);
        faults.change(Faults::clear);
        while arrived.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(faults.struck(), BTreeMap::from([("link hold", 1)]));
        assert_eq!([(); 2].map(|()| faults.take_strikes("f")), [1, 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_duplicated_message_arrives_twice_and_a_late_one_after_its_time_out() {
        let faults = active(|link| Kind::LinkDuplicate {
            link,
            per_mille: 1000,
        });
        let arrived = Arc::default();
        assert_eq!(send(&faults, &arrived).await, Ok(()));
        while arrived.load(Ordering::SeqCst) != 2 {
            tokio::task::yield_now().await;
        }
        let faults = active(|link| Kind::LinkDelay {
            link,
            delay_ms: 6000,
        });
        assert_eq!(send(&faults, &arrived).await, Err(Lost::OnTheWay));
        assert_eq!(arrived.load(Ordering::SeqCst), 2);
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(arrived.load(Ordering::SeqCst), 3);
    }
}
