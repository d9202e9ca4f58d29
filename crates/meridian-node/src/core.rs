//! What the tasks and services of one node share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use meridian_crypto::{AttestationRoot, Vault};
use meridian_kms::{Authority, Caller, Change, Entry, Outcome, Region, RegionName, Timestamp};
use meridian_raft::{Group, NodeId, ProposeError, ReadError, Status};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::active_faults::{ActiveFaults, Delivery, Lost};
use crate::directory::Directory;
use crate::faulty::node_name;
use crate::key_uses::KeyUses;
use crate::links::Links;
use crate::long_plans::LongPlans;
use crate::recorder::Recorder;
use crate::use_teller::UseTeller;
use crate::view::View;
use crate::wrapping_keys::WrappingKeys;
use crate::xks_proxies::XksProxies;

/// How long a call looks for a leader before it gives up.
pub const LEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// How long another node may take to answer a short question before it, or
/// whoever leads by then, is asked again.
const ASK_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a proposal may take before its outcome counts as unknown.
const PROPOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// One node's parts.
pub struct Core {
    /// The region this node serves.
    pub region: RegionName,
    /// Its ID in the region's group.
    pub node_id: NodeId,
    /// Every region of the cluster.
    pub regions: Vec<RegionName>,
    /// The region's Raft group.
    pub group: Group<Outcome>,
    /// The group's picture of itself.
    pub status: watch::Receiver<Status>,
    /// What reads see.
    pub view: View,
    /// The region's secrets.
    pub vault: Vault,
    /// Where the other nodes are.
    pub directory: Arc<Directory>,
    /// The way to other regions.
    pub links: Box<dyn Links>,
    /// Who is known, if callers are let in by policies and grants alone.
    pub identities: Option<Arc<meridian_iam::Directory>>,
    /// What is wrong.
    pub faults: ActiveFaults,
    /// Keys that were used here and of which the region does not know it yet.
    pub uses: KeyUses,
    /// Has the region told of them.
    pub use_teller: UseTeller,
    /// The way to the proxies of external key stores.
    pub xks_proxies: XksProxies,
    /// Planning that takes long.
    pub long_plans: LongPlans,
    /// What attestation documents have to lead back to.
    pub attestation_root: Option<AttestationRoot>,
    /// Wrapping keys made ahead.
    pub wrapping_keys: Arc<WrappingKeys>,
    /// Who writes down what happens, if anybody does.
    pub recorder: Option<Arc<Recorder>>,
    /// Whether a barrier was passed since this node started. What it had
    /// applied before it stopped, and shown, it may have to apply again: until
    /// then its own view can be older than its last answer.
    pub caught_up: AtomicBool,
}

/// Why an entry was not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotCommitted {
    /// Nothing happened: this node does not lead.
    NotLeader,
    /// It may have happened.
    Unknown(String),
}

impl Core {
    /// True while this node leads its region's group.
    pub fn is_leader(&self) -> bool {
        self.status.borrow().is_leader()
    }

    /// The term in which this node believes to lead, if it does.
    pub fn leads_in_term(&self) -> Option<u64> {
        let status = self.status.borrow();
        status.is_leader().then_some(status.term)
    }

    /// The time in the region, as this node believes.
    pub fn now(&self, region: &Region) -> Timestamp {
        self.view.clock().now(region)
    }

    /// By what rules a caller is let in.
    pub fn authority(&self, caller: &Caller) -> Authority<'_> {
        match &self.identities {
            None => Authority::Open,
            Some(known) => {
                Authority::Enforced(known.identity(&caller.principal).map(AsRef::as_ref))
            }
        }
    }

    /// Waits until no fault has this node stand still.
    pub async fn resumed(&self) {
        self.faults
            .resumed(self.region.as_str(), self.node_id)
            .await;
    }

    /// Asks another node of the region something, over a way that has its
    /// faults. No answer says nothing about whether it was asked.
    pub async fn ask_node<T, E>(
        &self,
        node: NodeId,
        timeout: Duration,
        send: impl Fn() -> BoxFuture<'static, Result<T, E>> + Send + Sync + 'static,
    ) -> Result<T, Lost<E>>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        let from = node_name(&self.region, self.node_id);
        let to = node_name(&self.region, node);
        let once = Delivery::AtMostOnce;
        self.faults
            .over((&from, &to), 0, once, |_| timeout, send)
            .await
    }

    /// True once this node's own view is as new as all that it answered before
    /// it started.
    pub fn has_caught_up(&self) -> bool {
        self.caught_up.load(Ordering::Acquire)
    }

    /// Proposes a change with this node's clock. Returns the log index and the
    /// agreed answer.
    pub async fn propose(&self, change: Change) -> Result<(u64, Outcome), NotCommitted> {
        self.propose_entry(self.entry(change)).await
    }

    /// Proposes what a client's call asks for.
    pub async fn propose_for(
        &self,
        caller: &Caller,
        change: Change,
    ) -> Result<(u64, Outcome), NotCommitted> {
        let entry = self.entry(change);
        let Some(recorder) = &self.recorder else {
            return self.propose_entry(entry).await;
        };
        recorder.proposes(caller, &entry);
        let ended = self.propose_entry(entry.clone()).await;
        if matches!(ended, Err(NotCommitted::NotLeader)) {
            recorder.withdraws(caller, &entry);
        }
        ended
    }

    fn entry(&self, change: Change) -> Bytes {
        let at = self.now(&self.view.applied());
        Bytes::from(Entry { at, change }.encode())
    }

    async fn propose_entry(&self, entry: Bytes) -> Result<(u64, Outcome), NotCommitted> {
        self.resumed().await;
        match tokio::time::timeout(PROPOSE_TIMEOUT, self.group.propose(entry)).await {
            Ok(Ok(answered)) => Ok(answered),
            Ok(Err(ProposeError::NotLeader { .. })) => Err(NotCommitted::NotLeader),
            Ok(Err(ProposeError::Unknown(why))) => Err(NotCommitted::Unknown(why)),
            Ok(Err(ProposeError::Stopped)) => Err(NotCommitted::Unknown("node stopped".into())),
            Err(_) => Err(NotCommitted::Unknown("no majority answered in time".into())),
        }
    }

    /// The leader, waiting for one until the deadline.
    pub async fn leader(&self, deadline: Instant) -> Option<NodeId> {
        let mut status = self.status.clone();
        let known = status.wait_for(|status| status.leader.is_some());
        match tokio::time::timeout_at(deadline, known).await {
            Ok(Ok(status)) => status.leader,
            Ok(Err(_)) | Err(_) => None,
        }
    }

    /// Makes this node's view no older than any write that was answered before
    /// this call: the leadership is confirmed and its log applied here. False
    /// when no leader could be asked before the deadline.
    pub async fn barrier(&self, deadline: Instant) -> bool {
        while Instant::now() < deadline {
            let Some(leader) = self.leader(deadline).await else {
                return false;
            };
            let index = if leader == self.node_id {
                match self.group.read_index().await {
                    Ok(index) => Some(index),
                    Err(ReadError::Stopped) => return false,
                    Err(ReadError::NotLeader { .. } | ReadError::NoQuorum(_)) => None,
                }
            } else {
                self.ask_read_index(leader, deadline).await
            };
            match index {
                Some(index) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    let applied = self.group.wait_applied(index, left).await;
                    if applied {
                        self.caught_up.store(true, Ordering::Release);
                    }
                    return applied;
                }
                None => self.pause(deadline).await,
            }
        }
        false
    }

    async fn ask_read_index(&self, leader: NodeId, deadline: Instant) -> Option<u64> {
        use meridian_proto::v1::{ReadIndexRequest, read_index_response::Result as Answer};
        let address = self.directory.address(&self.region, leader)?;
        let client = self.directory.client(address).ok()?;
        let left = deadline.saturating_duration_since(Instant::now());
        let asked = self.ask_node(leader, left.min(ASK_TIMEOUT), move || {
            let mut client = client.clone();
            Box::pin(async move { client.read_index(ReadIndexRequest {}).await })
        });
        match asked.await.ok()?.into_inner().result? {
            Answer::Index(index) => Some(index),
            Answer::LeaderAddress(_) => None,
        }
    }

    /// Waits until the group has another leader or term, or a little.
    pub async fn pause(&self, deadline: Instant) {
        const PAUSE: Duration = Duration::from_millis(20);
        let until = deadline.min(Instant::now() + PAUSE);
        let mut status = self.status.clone();
        let known = {
            let status = status.borrow();
            (status.term, status.leader)
        };
        let other = status.wait_for(|status| (status.term, status.leader) != known);
        let has_stopped = matches!(tokio::time::timeout_at(until, other).await, Ok(Err(_)));
        if has_stopped {
            // The node has stopped: nothing changes any more.
            tokio::time::sleep_until(until).await;
        }
    }
}
