//! The decorators that obey faults, and the set of faults a node obeys.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use meridian_chaos::{Effect, Faults, Site};
use meridian_kms::{Answer, Question, RegionName};
use tokio::sync::watch;

use crate::clock::machine_now_ms;
use crate::links::{LinkError, Links, PREFLIGHT_TIMEOUT, PUSH_TIMEOUT};

/// The faults that a node obeys.
#[derive(Clone)]
pub struct ActiveFaults(watch::Sender<Faults>);

impl Default for ActiveFaults {
    fn default() -> Self {
        ActiveFaults(watch::Sender::new(Faults::default()))
    }
}

impl ActiveFaults {
    /// What happens on the link between two regions now.
    pub fn strike(&self, from: &str, to: &str) -> Effect {
        self.0
            .borrow()
            .strike(&Site::Link { from, to }, machine_now_ms())
    }

    /// Replaces the set.
    pub fn replace(&self, faults: Faults) {
        self.0.send_replace(faults);
    }

    /// Changes the set in one step; returns it as it is then.
    pub fn change<T>(&self, change: impl FnOnce(&mut Faults) -> T) -> (T, Faults) {
        let (mut changed, mut faults) = (None, Faults::default());
        self.0.send_modify(|active| {
            changed = Some(change(active));
            faults = active.clone();
        });
        (changed.expect("send_modify calls its closure"), faults)
    }

    /// The set.
    pub fn current(&self) -> Faults {
        self.0.borrow().clone()
    }

    /// Waits until the set is replaced.
    pub fn follow(&self) -> watch::Receiver<Faults> {
        self.0.subscribe()
    }
}

/// Links with the faults of this side injected.
pub struct FaultyLinks<L> {
    /// The sending region.
    pub from: RegionName,
    /// The real links.
    pub inner: Arc<L>,
    /// What is wrong with them.
    pub faults: ActiveFaults,
}

/// Waits out the effect of one direction. A dropped message stays lost: the
/// sender notices by its time-out, or as soon as the link is whole again.
async fn suffer(faults: &ActiveFaults, from: &str, to: &str) -> Result<(), LinkError> {
    let mut changes = faults.follow();
    match faults.strike(from, to) {
        Effect::Delay { ms: 0 } => Ok(()),
        Effect::Delay { ms } => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Ok(())
        }
        Effect::Drop => {
            while faults.strike(from, to) == Effect::Drop {
                if changes.changed().await.is_err() {
                    break;
                }
            }
            Err(LinkError(format!("lost on the way from {from} to {to}")))
        }
    }
}

impl<L: Links> FaultyLinks<L> {
    fn through<T: Send + 'static>(
        &self,
        to: &RegionName,
        timeout: Duration,
        send: impl FnOnce(&L) -> BoxFuture<'static, Result<T, LinkError>> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, LinkError>> {
        let (inner, faults) = (self.inner.clone(), self.faults.clone());
        let (from, to) = (self.from.to_string(), to.to_string());
        Box::pin(async move {
            let crossing = async {
                suffer(&faults, &from, &to).await?;
                let answer = send(&inner).await?;
                suffer(&faults, &to, &from).await?;
                Ok(answer)
            };
            match tokio::time::timeout(timeout, crossing).await {
                Ok(answer) => answer,
                Err(_) => Err(LinkError(format!("no answer from {to} in time"))),
            }
        })
    }

    /// What injected delay adds to a message and its answer.
    fn injected(&self, to: &RegionName) -> Duration {
        let (from, to) = (self.from.as_str(), to.as_str());
        let both = self
            .faults
            .strike(from, to)
            .and(self.faults.strike(to, from));
        match both {
            Effect::Delay { ms } => Duration::from_millis(ms),
            Effect::Drop => Duration::ZERO,
        }
    }
}

impl<L: Links> Links for FaultyLinks<L> {
    fn push(
        &self,
        to: &RegionName,
        facts: Vec<Vec<u8>>,
    ) -> BoxFuture<'static, Result<(), LinkError>> {
        let region = to.clone();
        // A slow link is slow, not down: what was injected does not count.
        let timeout = PUSH_TIMEOUT + self.injected(to);
        self.through(to, timeout, move |links| links.push(&region, facts))
    }

    fn preflight(&self, question: &Question) -> BoxFuture<'static, Result<Answer, LinkError>> {
        let asked = question.clone();
        self.through(&question.region, PREFLIGHT_TIMEOUT, move |links| {
            links.preflight(&asked)
        })
    }
}
