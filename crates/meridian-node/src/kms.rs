//! `Kms` at one node: answer from the local view, or confirm the leadership
//! first, or plan and propose, or hand the request to the leader.
//!
//! A caller is answered once this node has applied the write, so that its next
//! read here is not older than the answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use meridian_api::{CallError, Kms, Seen};
use meridian_chaos::{Call, Reception, Staleness};
use meridian_kms::{
    Caller, Change, Consistency, ErrorCode, KeyRef, KmsError, Outcome, Plan, Request, Response,
};
use meridian_proto::v1::{DescribeKeyRequest, KeySetState};
use tokio::time::Instant;

use crate::core::{Core, LEADER_TIMEOUT, NotCommitted};
use crate::forward;
use crate::planning::{Asking, Brought, Settled};

/// The KMS API as one node of a region serves it.
#[derive(Clone)]
pub struct NodeKms {
    core: Arc<Core>,
}

/// Things that have to be there before one read can be answered: it names two
/// keys at most.
const MADE_FIRST_MAX: usize = 2;

/// The view without a fault.
static NEWEST: Staleness = Staleness {
    whole_ms: None,
    of_ms: BTreeMap::new(),
};

/// How a leader's attempt at a write ended.
#[allow(
    clippy::large_enum_variant,
    reason = "nearly every attempt is answered"
)]
pub enum Attempt {
    /// Answered; the log index to wait for.
    Answered(u64, Result<Response, CallError>),
    /// This node does not lead; nothing happened.
    NotLeader,
}

impl NodeKms {
    /// The API over a node's parts.
    pub fn new(core: Arc<Core>) -> NodeKms {
        NodeKms { core }
    }

    /// The node's parts.
    pub fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// Answers a read. Who may ask for the last use of a key is told of the uses
    /// at this node too; who may not has nothing written.
    async fn read(
        &self,
        caller: &Caller,
        request: &Request,
        staleness: &Staleness,
    ) -> Result<Response, CallError> {
        let answer = self.read_agreed(caller, request, staleness).await?;
        let Request::GetKeyLastUsage(_) = request else {
            return Ok(answer);
        };
        self.core.use_teller.tell().await;
        self.read_agreed(caller, request, staleness).await
    }

    /// Answers from the agreed state, or from an older view if a fault says so.
    async fn read_agreed(
        &self,
        caller: &Caller,
        request: &Request,
        staleness: &Staleness,
    ) -> Result<Response, CallError> {
        // An older view is one that this node had after it caught up: what it
        // found in its log at the start may be older than any fault allows.
        let needs_barrier = staleness.whole_ms.is_none() || !self.core.has_caught_up();
        if needs_barrier && !self.core.barrier(Instant::now() + LEADER_TIMEOUT).await {
            return Err(CallError::NoLeader);
        }
        let asking = Asking {
            staleness,
            ..asking(caller, request)
        };
        let settled = self.settle(asking, &mut Brought::default()).await?;
        self.end_read(caller, request, settled).await
    }

    /// Answers a read, at the leader if something has to be there first.
    async fn end_read(
        &self,
        caller: &Caller,
        request: &Request,
        settled: Settled,
    ) -> Result<Response, CallError> {
        match settled {
            Settled::Reply(response) => Ok(response),
            Settled::Commit(_) => self.write(caller, request).await,
        }
    }

    /// The hot path: no await, no lock that anyone holds across one, no disk.
    /// A refusal is not the region's word: this node may lag behind it. Nothing
    /// without an answer at once; who has to be asked first is not asked here.
    fn read_local(&self, caller: &Caller, request: &Request) -> Option<Response> {
        let region = self.core.view.newest();
        let plan = self.plan_on(&region, asking(caller, request), &Brought::default());
        match plan {
            Ok(Plan::Reply(response)) => Some(response),
            Ok(Plan::Commit(_) | Plan::Ask(_)) | Err(_) => None,
        }
    }

    async fn write(&self, caller: &Caller, request: &Request) -> Result<Response, CallError> {
        let deadline = Instant::now() + LEADER_TIMEOUT;
        loop {
            let leader = self
                .core
                .leader(deadline)
                .await
                .ok_or(CallError::NoLeader)?;
            let attempt = if leader == self.core.node_id {
                self.write_here(caller, request).await
            } else {
                forward::to_leader(&self.core, leader, caller, request).await
            };
            match attempt {
                Attempt::NotLeader if Instant::now() >= deadline => {
                    return Err(CallError::NoLeader);
                }
                Attempt::NotLeader => self.core.pause(deadline).await,
                Attempt::Answered(index, answer) => {
                    if !self.core.group.wait_applied(index, LEADER_TIMEOUT).await {
                        // It happened, and this node cannot show it.
                        return Err(CallError::Timeout { definite: false });
                    }
                    return answer;
                }
            }
        }
    }

    /// Plans and proposes at the leader. What a read needs is made first, and the
    /// read answered.
    pub async fn write_here(&self, caller: &Caller, request: &Request) -> Attempt {
        let asking = asking(caller, request);
        let (mut brought, mut made, mut applied) = (Brought::default(), 0, 0);
        let mut confirmed = false;
        loop {
            match self.settle(asking, &mut brought).await {
                Ok(Settled::Reply(response)) => return Attempt::Answered(applied, Ok(response)),
                Ok(Settled::Commit(change)) if request.operation().is_write() => {
                    return self.commit(caller, change).await;
                }
                Ok(Settled::Commit(_)) if made == MADE_FIRST_MAX => {
                    let bug = CallError::Internal("a read needs ever more".into());
                    return Attempt::Answered(applied, Err(bug));
                }
                Ok(Settled::Commit(change)) => match self.core.propose_for(caller, change).await {
                    Ok((index, _)) => (applied, made) = (index, made + 1),
                    Err(error) => return not_committed(error),
                },
                Err(error) if confirmed => return Attempt::Answered(applied, Err(error.into())),
                // A refusal must rest on the agreed state too: this node may
                // have been deposed without knowing it.
                Err(_) => {
                    if !self.core.barrier(Instant::now() + LEADER_TIMEOUT).await {
                        return Attempt::Answered(0, Err(CallError::NoLeader));
                    }
                    (brought.answer, confirmed) = (None, true);
                }
            }
        }
    }

    /// The key that a caller may watch: one that it may describe.
    async fn watched(&self, caller: &Caller, key_id: String) -> Result<KeyRef, CallError> {
        let request = Request::DescribeKey(DescribeKeyRequest {
            key_id: Some(key_id),
            ..Default::default()
        });
        let Response::DescribeKey(described) = self.read(caller, &request, &NEWEST).await? else {
            return Err(CallError::Internal(
                "DescribeKey was answered as another".into(),
            ));
        };
        let arn = described.key_metadata.and_then(|it| it.arn);
        let key = arn.and_then(|arn| self.core.view.newest().meant(caller, &arn));
        key.ok_or_else(|| CallError::Internal("a described key has an ARN".into()))
    }

    pub(crate) async fn commit(&self, caller: &Caller, change: Change) -> Attempt {
        match self.core.propose_for(caller, change).await {
            Ok((index, Outcome::Answered(answer))) => {
                Attempt::Answered(index, answer.map_err(CallError::from))
            }
            Ok((index, Outcome::Done)) => {
                let bug = CallError::Internal("a request was applied as something else".into());
                Attempt::Answered(index, Err(bug))
            }
            Err(error) => not_committed(error),
        }
    }
}

fn not_committed(error: NotCommitted) -> Attempt {
    match error {
        NotCommitted::NotLeader => Attempt::NotLeader,
        NotCommitted::Unknown(why) => {
            tracing::debug!(why, "outcome unknown");
            Attempt::Answered(0, Err(CallError::Timeout { definite: false }))
        }
    }
}

/// A client's call on the newest view.
pub(crate) fn asking<'a>(caller: &'a Caller, request: &'a Request) -> Asking<'a> {
    Asking {
        caller,
        request,
        staleness: &NEWEST,
        operator: None,
    }
}

impl NodeKms {
    /// Begins a call, which the front door may refuse, slow down or leave
    /// without an answer if a fault says so.
    pub fn begin(
        &self,
        caller: Caller,
        request: Request,
    ) -> BoxFuture<'static, Result<Response, CallError>> {
        let reception = self.reception(&caller, &request);
        let Some(recorder) = &self.core.recorder else {
            return self.receive(caller, request, reception);
        };
        let refused = reception.as_ref().is_some_and(|it| it.refuse.is_some());
        let call = recorder.begin(&self.core, &caller, &request, refused);
        let answer = self.receive(caller, request, reception);
        async move {
            let answer = answer.await;
            call.end(&answer);
            answer
        }
        .boxed()
    }

    fn receive(
        &self,
        caller: Caller,
        request: Request,
        reception: Option<Reception>,
    ) -> BoxFuture<'static, Result<Response, CallError>> {
        let Some(reception) = reception else {
            return self.serve(caller, request);
        };
        let kms = self.clone();
        async move {
            kms.core.resumed().await;
            tokio::time::sleep(Duration::from_millis(reception.delay_ms)).await;
            if let Some(code) = reception.refuse {
                return Err(injected(&code).into());
            }
            let answer = kms.serve(caller, request).await;
            match reception {
                Reception { reset: true, .. } => Err(CallError::Reset),
                Reception {
                    lose_answer: true, ..
                } => Err(CallError::Timeout { definite: false }),
                _ => answer,
            }
        }
        .boxed()
    }

    /// What the front door does with a call; nothing special without faults.
    fn reception(&self, caller: &Caller, request: &Request) -> Option<Reception> {
        let faults = &self.core.faults;
        if faults.is_calm() {
            return None;
        }
        let (account, key_id) = (caller.account.to_string(), request.named_key());
        Some(faults.reception(&Call {
            region: self.core.region.as_str(),
            operation: request.operation().name(),
            key_id,
            account: &account,
        }))
    }

    /// What the node's own view can answer is answered at once; what it refuses
    /// is asked again of the agreed state, because no region may refuse a
    /// ciphertext whose material it has confirmed (R2).
    fn serve(
        &self,
        caller: Caller,
        request: Request,
    ) -> BoxFuture<'static, Result<Response, CallError>> {
        let operation = request.operation();
        let kms = self.clone();
        if operation.is_write() {
            return async move { kms.write(&caller, &request).await }.boxed();
        }
        let core = &self.core;
        let staleness = core.faults.staleness(core.region.as_str(), core.node_id);
        if operation.consistency() == Consistency::Local
            && staleness.is_none()
            && core.has_caught_up()
        {
            if request.takes_long() {
                return async move {
                    let asking = asking(&caller, &request);
                    match kms.settle(asking, &mut Brought::default()).await {
                        Ok(settled) => kms.end_read(&caller, &request, settled).await,
                        Err(_) => kms.read(&caller, &request, &staleness).await,
                    }
                }
                .boxed();
            }
            if let Some(response) = self.read_local(&caller, &request) {
                return futures::future::ready(Ok(response)).boxed();
            }
        }
        async move { kms.read(&caller, &request, &staleness).await }.boxed()
    }
}

/// A refusal that a fault asked for.
fn injected(code: &str) -> KmsError {
    let code = ErrorCode::from_name(code).unwrap_or(ErrorCode::KMSInternalException);
    let text = match code {
        ErrorCode::ThrottlingException => "Rate exceeded",
        _ => "A fault refused the request.",
    };
    KmsError::new(code, text)
}

impl Kms for NodeKms {
    fn call(&self, caller: Caller, request: Request) -> BoxFuture<'_, Result<Response, CallError>> {
        self.begin(caller, request)
    }

    fn seen(&self, caller: &Caller, request: &Request) -> Seen {
        let region = self.core.view.applied();
        Seen {
            now_ms: Some(self.core.now(&region).0),
            keys: region.keys_meant(caller, request),
            hides_materials: region.hides_materials(caller, request),
        }
    }

    fn watch_key_set(
        &self,
        caller: Caller,
        key_id: String,
    ) -> BoxStream<'static, Result<KeySetState, CallError>> {
        let kms = self.clone();
        let first = async move {
            match kms.watched(&caller, key_id).await {
                Err(error) => futures::stream::once(async { Err(error) }).boxed(),
                Ok(key) => {
                    let views = tokio_stream::wrappers::WatchStream::new(kms.core.view.follow());
                    let states = views.map(move |region| region.key_set_state(&key));
                    distinct(states).map(Ok).boxed()
                }
            }
        };
        futures::stream::once(first).flatten().boxed()
    }
}

/// Leaves out what is the same as before.
fn distinct(
    states: impl futures::Stream<Item = KeySetState> + Send + 'static,
) -> impl futures::Stream<Item = KeySetState> + Send + 'static {
    states
        .scan(None, |last: &mut Option<KeySetState>, state| {
            let changed = last.as_ref() != Some(&state);
            if changed {
                *last = Some(state.clone());
            }
            futures::future::ready(Some(changed.then_some(state)))
        })
        .filter_map(futures::future::ready)
}
