//! `Kms` at one node: answer from the local view, or confirm the leadership
//! first, or plan and propose, or hand the request to the leader.
//!
//! A caller is answered once this node has applied the write, so that its next
//! read here is not older than the answer.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use meridian_api::{CallError, Kms, Seen};
use meridian_chaos::{Call, Reception, Staleness};
use meridian_crypto::{ImportToken, OsEntropy};
use meridian_kms::ops::get_parameters_for_import::wrapping_key_needed;
use meridian_kms::{
    Answer, Caller, Change, Consistency, Context, ErrorCode, Inquiry, KmsError, Outcome, Plan,
    Region, Request, Response, Told,
};
use meridian_proto::v1::KeySetState;
use tokio::time::Instant;

use crate::core::{Core, LEADER_TIMEOUT, NotCommitted};
use crate::{forward, use_teller};

/// The KMS API as one node of a region serves it.
#[derive(Clone)]
pub struct NodeKms {
    core: Arc<Core>,
}

/// Questions to proxies in one call: ReEncrypt between two key stores has two,
/// and the key may move meanwhile.
const QUESTIONS_MAX: usize = 4;

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

    /// Answers from the agreed state, or from an older view if a fault says so.
    async fn read(
        &self,
        caller: &Caller,
        request: &Request,
        staleness: &Staleness,
    ) -> Result<Response, CallError> {
        if let Request::GetKeyLastUsage(_) = request {
            use_teller::tell(&self.core).await;
        }
        // An older view is one that this node had after it caught up: what it
        // found in its log at the start may be older than any fault allows.
        let needs_barrier = staleness.whole_ms.is_none() || !self.core.has_caught_up();
        if needs_barrier && !self.core.barrier(Instant::now() + LEADER_TIMEOUT).await {
            return Err(CallError::NoLeader);
        }
        let wrapping_key = match request {
            Request::GetParametersForImport(request) => match wrapping_key_needed(request) {
                Some(spec) => Some(self.core.wrapping_keys.take(spec).await),
                None => None,
            },
            _ => None,
        };
        if request.takes_long() {
            let views = (
                self.core.view.as_old_as(staleness),
                self.core.view.spread_grants(staleness),
            );
            let plan = self.read_apart(views, caller, request).await?;
            return self.end_read(caller, request, plan).await;
        }
        let mut told = Vec::new();
        loop {
            let plan = {
                let region = self.core.view.as_old_as(staleness);
                let spread_grants = self.core.view.spread_grants(staleness);
                let mut entropy = OsEntropy;
                let mut cx = self.context(&region, caller, &mut entropy);
                cx.spread_grants = spread_grants.as_deref();
                cx.wrapping_key = wrapping_key.as_ref();
                cx.told = &told;
                self.plan_read(&region, &mut cx, request)?
            };
            match plan {
                Plan::Ask(Inquiry::Proxy(question)) if told.len() < QUESTIONS_MAX => {
                    told.push(self.core.xks_proxies.ask(*question).await);
                }
                plan => return self.end_read(caller, request, plan).await,
            }
        }
    }

    /// Answers a read, at the leader if something has to be there first.
    async fn end_read(
        &self,
        caller: &Caller,
        request: &Request,
        plan: Plan,
    ) -> Result<Response, CallError> {
        match plan {
            Plan::Commit(_) => self.write(caller, request).await,
            plan @ (Plan::Reply(_) | Plan::Ask(_)) => reply(plan),
        }
    }

    /// Plans a read, and notes which keys it has used if it is answered.
    fn plan_read<'a>(
        &self,
        region: &Region,
        cx: &mut Context<'a>,
        request: &'a Request,
    ) -> Result<Plan, KmsError> {
        let plan = region.plan(cx, request)?;
        let operation = request.operation();
        if let Plan::Reply(_) = plan
            && operation.is_use()
        {
            for key in cx.used.get().into_iter().flatten() {
                let request_id = &cx.caller.request_id;
                self.core.uses.note(key, operation, cx.now, request_id);
            }
        }
        Ok(plan)
    }

    /// Plans a read where it keeps no other request waiting.
    async fn read_apart(
        &self,
        (region, spread_grants): (Arc<Region>, Option<Arc<Region>>),
        caller: &Caller,
        request: &Request,
    ) -> Result<Plan, CallError> {
        let (kms, caller, request) = (self.clone(), caller.clone(), request.clone());
        let planning = tokio::task::spawn_blocking(move || {
            let mut entropy = OsEntropy;
            let mut cx = kms.context(&region, &caller, &mut entropy);
            cx.spread_grants = spread_grants.as_deref();
            kms.plan_read(&region, &mut cx, &request)
        });
        Ok(planning.await.unwrap_or_else(|_| Err(ended()))?)
    }

    /// The hot path: no await, no lock that anyone holds across one, no disk.
    /// A refusal is not the region's word: this node may lag behind it. Who has
    /// to be asked first is not asked here.
    fn read_local(&self, caller: &Caller, request: &Request) -> Result<Response, CallError> {
        let region = self.core.view.newest();
        let mut entropy = OsEntropy;
        let mut cx = self.context(&region, caller, &mut entropy);
        reply(self.plan_read(&region, &mut cx, request)?)
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
                    let until = Instant::now() + LEADER_TIMEOUT;
                    let left = until.saturating_duration_since(Instant::now());
                    if !self.core.group.wait_applied(index, left).await {
                        // It happened, and this node cannot show it.
                        return Err(CallError::Timeout { definite: false });
                    }
                    return answer;
                }
            }
        }
    }

    /// Plans and proposes at the leader.
    pub async fn write_here(&self, caller: &Caller, request: &Request) -> Attempt {
        let mut told = Vec::new();
        match self.plan_here(caller, request, &mut told).await {
            Ok(Plan::Reply(response)) => Attempt::Answered(0, Ok(response)),
            Ok(Plan::Commit(change)) if !request.operation().is_write() => {
                self.commit_first(caller, request, change).await
            }
            Ok(Plan::Commit(change)) => self.commit(caller, change).await,
            Ok(Plan::Ask(inquiry)) => Attempt::Answered(0, Err(unanswered(&inquiry).into())),
            Err(error) => {
                // A refusal must rest on the agreed state too: this node may
                // have been deposed without knowing it.
                if !self.core.barrier(Instant::now() + LEADER_TIMEOUT).await {
                    return Attempt::Answered(0, Err(CallError::NoLeader));
                }
                match self.plan_here(caller, request, &mut told).await {
                    Ok(Plan::Commit(change)) => self.commit(caller, change).await,
                    Ok(Plan::Reply(response)) => Attempt::Answered(0, Ok(response)),
                    Ok(Plan::Ask(_)) | Err(_) => Attempt::Answered(0, Err(error.into())),
                }
            }
        }
    }

    /// Plans, asking another region or a proxy if the plan says so. What a proxy
    /// has been asked for this call it is not asked again.
    async fn plan_here(
        &self,
        caller: &Caller,
        request: &Request,
        told: &mut Vec<Told>,
    ) -> Result<Plan, KmsError> {
        let mut answer = None;
        loop {
            let planned = match request.takes_long() {
                true => self.plan_apart(caller, request).await,
                false => self.plan_once(caller, request, answer, told),
            };
            match planned? {
                Plan::Ask(Inquiry::Region(question)) if answer.is_none() => {
                    match self.core.links.preflight(&question).await {
                        Ok(given) => answer = Some(given),
                        Err(error) => {
                            let region = &question.region;
                            tracing::debug!(%region, error = error.0, "preflight failed");
                            return Err(KmsError::region_unreachable(region));
                        }
                    }
                }
                Plan::Ask(Inquiry::Proxy(question)) if told.len() < QUESTIONS_MAX => {
                    told.push(self.core.xks_proxies.ask(*question).await);
                }
                plan => return Ok(plan),
            }
        }
    }

    /// Plans, where it keeps no other request waiting, what needs no answers.
    async fn plan_apart(&self, caller: &Caller, request: &Request) -> Result<Plan, KmsError> {
        let (kms, caller, request) = (self.clone(), caller.clone(), request.clone());
        let planning =
            tokio::task::spawn_blocking(move || kms.plan_once(&caller, &request, None, &[]));
        planning.await.unwrap_or_else(|_| Err(ended()))
    }

    fn plan_once(
        &self,
        caller: &Caller,
        request: &Request,
        answer: Option<Answer>,
        told: &[Told],
    ) -> Result<Plan, KmsError> {
        let region = self.core.view.newest();
        let mut entropy = OsEntropy;
        let mut cx = self.context(&region, caller, &mut entropy);
        cx.answer = answer;
        cx.told = told;
        if let Request::ImportKeyMaterial(_) = request {
            let faults = &self.core.faults;
            cx.tokens_expire_after_ms = faults.tokens_expire_after_ms(region.name().as_str());
        }
        region.plan(&mut cx, request)
    }

    /// Makes what a read needs, and answers the read.
    async fn commit_first(&self, caller: &Caller, request: &Request, change: Change) -> Attempt {
        match self.core.propose_for(caller, change).await {
            Ok((index, _)) => {
                let answer = match self.plan_once(caller, request, None, &[]) {
                    Ok(planned) => reply(planned),
                    Err(error) => Err(error.into()),
                };
                Attempt::Answered(index, answer)
            }
            Err(NotCommitted::NotLeader) => Attempt::NotLeader,
            Err(NotCommitted::Unknown(why)) => {
                tracing::debug!(why, "outcome unknown");
                Attempt::Answered(0, Err(CallError::Timeout { definite: false }))
            }
        }
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
            Err(NotCommitted::NotLeader) => Attempt::NotLeader,
            Err(NotCommitted::Unknown(why)) => {
                tracing::debug!(why, "outcome unknown");
                Attempt::Answered(0, Err(CallError::Timeout { definite: false }))
            }
        }
    }

    pub(crate) fn context<'a>(
        &'a self,
        region: &Region,
        caller: &'a Caller,
        entropy: &'a mut OsEntropy,
    ) -> Context<'a> {
        Context {
            caller,
            authority: self.core.authority(caller),
            asked: None,
            spread_grants: None,
            vault: &self.core.vault,
            entropy,
            now: self.core.now(region),
            regions: &self.core.regions,
            wrapping_key: None,
            unwrap: ImportToken::unwrap,
            tokens_expire_after_ms: None,
            answer: None,
            chosen: None,
            used: Default::default(),
            told: &[],
            attestation_root: self.core.attestation_root.as_ref(),
        }
    }
}

/// The node stopped, or the plan panicked, before there was one.
fn ended() -> KmsError {
    KmsError::bare(ErrorCode::KMSInternalException)
}

/// A question that another answer did not help with.
fn unanswered(inquiry: &Inquiry) -> KmsError {
    match inquiry {
        Inquiry::Region(question) => KmsError::region_unreachable(&question.region),
        Inquiry::Proxy(_) => KmsError::bare(ErrorCode::KMSInternalException),
    }
}

fn reply(plan: Plan) -> Result<Response, CallError> {
    match plan {
        Plan::Reply(response) => Ok(response),
        Plan::Commit(_) | Plan::Ask(_) => {
            Err(CallError::Internal("a read planned a change".into()))
        }
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
                    let region = kms.core.view.newest();
                    match kms.read_apart((region, None), &caller, &request).await {
                        Ok(plan) => kms.end_read(&caller, &request, plan).await,
                        Err(_) => kms.read(&caller, &request, &staleness).await,
                    }
                }
                .boxed();
            }
            if let Ok(response) = self.read_local(&caller, &request) {
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
        }
    }

    fn watch_key_set(
        &self,
        caller: Caller,
        key_id: String,
    ) -> BoxStream<'static, Result<KeySetState, CallError>> {
        let core = self.core.clone();
        let first = async move {
            if !core.barrier(Instant::now() + LEADER_TIMEOUT).await {
                return futures::stream::once(async { Err(CallError::NoLeader) }).boxed();
            }
            match core.view.newest().watched_key(&caller, &key_id) {
                Err(error) => futures::stream::once(async { Err(error.into()) }).boxed(),
                Ok(key) => {
                    let views = tokio_stream::wrappers::WatchStream::new(core.view.follow());
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
