//! The decorators that obey faults on the ways between regions and between the
//! nodes of a region.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use meridian_kms::{Answer, Question, RegionName};
use meridian_raft::{NodeId, Transport, TransportError};

use crate::active_faults::{ActiveFaults, Delivery, Lost};
use crate::links::{LinkError, Links, PREFLIGHT_TIMEOUT, PUSH_TIMEOUT};

/// How faults name a node.
pub fn node_name(region: &RegionName, node: NodeId) -> String {
    format!("{region}/{node}")
}

/// Links between regions with the faults of this side injected.
pub struct FaultyLinks<L> {
    /// The sending region.
    pub from: RegionName,
    /// The sending node.
    pub node: NodeId,
    /// The real links.
    pub inner: Arc<L>,
    /// What is wrong with them.
    pub faults: ActiveFaults,
}

impl<L: Links> FaultyLinks<L> {
    fn through<T: Send + 'static>(
        &self,
        to: &RegionName,
        bytes: u64,
        timeout: impl FnOnce(Duration) -> Duration + Send + 'static,
        send: impl Fn(&L) -> BoxFuture<'static, Result<T, LinkError>> + Send + Sync + 'static,
    ) -> BoxFuture<'static, Result<T, LinkError>> {
        let (inner, faults) = (self.inner.clone(), self.faults.clone());
        let (from, to, node) = (self.from.to_string(), to.to_string(), self.node);
        Box::pin(async move {
            faults.resumed(&from, node).await;
            let again = Delivery::AtLeastOnce;
            let way = (from.as_str(), to.as_str());
            let answer = faults.over(way, bytes, again, timeout, move || send(&inner));
            answer.await.map_err(|lost| match lost {
                Lost::Failed(error) => error,
                Lost::OnTheWay => LinkError(format!("no answer from {to} in time")),
            })
        })
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
        let timeout = |injected| PUSH_TIMEOUT + injected;
        let bytes = facts.iter().map(|fact| fact.len() as u64).sum();
        self.through(to, bytes, timeout, move |links| {
            links.push(&region, facts.clone())
        })
    }

    fn preflight(&self, question: &Question) -> BoxFuture<'static, Result<Answer, LinkError>> {
        let asked = question.clone();
        self.through(
            &question.region,
            0,
            |_| PREFLIGHT_TIMEOUT,
            move |links| links.preflight(&asked),
        )
    }
}

/// Raft messages with the faults between the nodes injected.
pub struct FaultyTransport<T> {
    /// The sending node's region.
    pub region: RegionName,
    /// The sending node.
    pub node: NodeId,
    /// The real transport.
    pub inner: Arc<T>,
    /// What is wrong with it.
    pub faults: ActiveFaults,
}

impl<T: Transport> Transport for FaultyTransport<T> {
    fn call(
        &self,
        target: NodeId,
        kind: u32,
        payload: Bytes,
        timeout: Duration,
    ) -> BoxFuture<'_, Result<Bytes, TransportError>> {
        let (inner, bytes) = (self.inner.clone(), payload.len() as u64);
        let send = move || -> BoxFuture<'static, Result<Bytes, TransportError>> {
            let (inner, payload) = (inner.clone(), payload.clone());
            Box::pin(async move { inner.call(target, kind, payload, timeout).await })
        };
        Box::pin(async move {
            let from = node_name(&self.region, self.node);
            let to = node_name(&self.region, target);
            let again = Delivery::AtLeastOnce;
            let way = (from.as_str(), to.as_str());
            let answer = self.faults.over(way, bytes, again, |_| timeout, send);
            answer.await.map_err(|lost| match lost {
                Lost::Failed(error) => error,
                Lost::OnTheWay => TransportError::Timeout,
            })
        })
    }
}
